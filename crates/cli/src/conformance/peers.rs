//! `turtle86 conformance peers`.

use crate::{note, units};
use clap::{Args as ClapArgs, ValueEnum};
use comfy_table::{Cell, CellAlignment, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};
use regex::RegexBuilder;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};
use turtle86_conformance::peers::{
    BlockOptions, BlockReport, Disagreement, Laboratory, Peer, RomOutcome, RomReport, Sides, run_blocks, run_roms,
};

/// Compare the model with other emulators: Bochs and QEMU, as far as they are installed.
///
/// Without --blocks each runs the test ROMs, which judge themselves by the manual, and the table shows what passed where. With
/// --blocks each runs random blocks of instructions, and every form in turn, in 16- and 32-bit code at CPL 3; registers, flags,
/// segments, memory and exceptions must be the same on all. Flags that the manual leaves undefined are not compared, nor are RF,
/// VIF and VIP. Disagreements are sorted by who agrees with whom: first those in which all others are against us.
///
/// Our own machine runs the same images, as a Pentium Pro. A peer that is not installed is left out with a note.
#[derive(ClapArgs)]
#[command(after_help = "Examples:
  turtle86 conformance peers                           all ROMs
  turtle86 conformance peers paging --peer qemu        those whose name contains \"paging\", on QEMU alone
  turtle86 conformance peers --blocks 10K              random blocks and forms
  turtle86 conformance peers '^(SHL|SHR)' --blocks 1K --seed 7 --json

Exit status: 0 if every case of the ROMs passes on all and no block differs, 1 if not, or if there is no peer to ask. A ROM's case
that fails on a peer is most often the peer's departure from the manual.

On Debian and Ubuntu: apt-get install bochs bochs-term qemu-system-x86")]
pub struct Args {
    /// Only ROMs whose name contains FILTER; with --blocks only forms whose name, as the manual prints it, matches this regular
    /// expression.
    filter: Option<String>,
    /// Run so many random blocks instead of the ROMs.
    #[arg(long, value_name = "N", value_parser = units::count)]
    blocks: Option<u64>,
    /// Decides the blocks: the same number, the same blocks.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Ask this peer; can be said twice [default: all].
    #[arg(long = "peer", value_name = "PEER", value_delimiter = ',')]
    peers: Vec<Name>,
    /// How long a ROM, or an image of 512 blocks, may take on a peer.
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    timeout: u64,
    /// Print a JSON object.
    #[arg(long)]
    json: bool,
}
#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Name {
    Bochs,
    Qemu,
}

/// With either `roms` or `blocks`.
#[derive(Serialize)]
struct Output<'a> {
    peers: Vec<String>,
    missing: Vec<String>,
    seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    roms: Option<Vec<RomRow<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blocks: Option<Blocks<'a>>,
}
#[derive(Serialize)]
struct RomRow<'a> {
    name: &'a str,
    cases: u32,
    outcomes: BTreeMap<String, &'a RomOutcome>,
}
#[derive(Serialize)]
struct Blocks<'a> {
    seed: u64,
    cases: u64,
    agreed: u64,
    explained: BTreeMap<&'a str, u64>,
    explanations: BTreeMap<&'a str, &'a str>,
    skipped: &'a BTreeMap<String, u64>,
    notes: &'a [String],
    groups: BTreeMap<String, usize>,
    disagreements: Vec<Block<'a>>,
}
#[derive(Serialize)]
struct Block<'a> {
    number: u64,
    form: String,
    sides: String,
    kind: &'a str,
    code: &'a str,
    differences: &'a [String],
    rust: &'a str,
}

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

pub fn main(args: &Args) -> anyhow::Result<ExitCode> {
    let wanted: Vec<Peer> = args.peers.iter().map(|name| if *name == Name::Bochs { Peer::Bochs } else { Peer::Qemu }).collect();
    let wanted = if wanted.is_empty() { &Peer::OTHERS[..] } else { &wanted };
    // Before a file is made or a program started.
    let options = match args.blocks {
        Some(count) => {
            let filter = args.filter.as_deref().map(|text| RegexBuilder::new(text).case_insensitive(true).build()).transpose()?;
            Some(BlockOptions { filter, count, seed: args.seed })
        }
        None => None,
    };
    let laboratory = Laboratory::new(wanted, Duration::from_secs(args.timeout))?;
    for peer in laboratory.missing() {
        note(format_args!("{peer} is not installed and is left out; on Debian and Ubuntu: apt-get install {}", peer.packages()));
    }
    ctrlc::set_handler(|| INTERRUPTED.store(true, Ordering::Relaxed))?;
    let start = Instant::now();
    let names = |peers: &[Peer]| peers.iter().map(Peer::to_string).collect();
    let mut output =
        Output { peers: names(laboratory.present()), missing: names(laboratory.missing()), seconds: 0., roms: None, blocks: None };
    let good = match options {
        None => {
            let reports = roms(&laboratory, args.filter.as_deref().unwrap_or(""))?;
            output.seconds = start.elapsed().as_secs_f64();
            output.roms = Some(reports.iter().map(rom_row).collect());
            crate::print(if args.json { serde_json::to_string_pretty(&output)? } else { rom_listing(&reports, laboratory.present()) })?;
            reports.iter().all(|report| report.outcomes.iter().all(|(_, outcome)| outcome.good()))
        }
        Some(options) => {
            let report = blocks(&laboratory, &options)?;
            output.seconds = start.elapsed().as_secs_f64();
            let text = if args.json {
                output.blocks = Some(block_output(&report, options.seed));
                serde_json::to_string_pretty(&output)?
            } else {
                block_listing(&report, &output)
            };
            crate::print(text)?;
            report.disagreements.is_empty()
        }
    };
    if INTERRUPTED.load(Ordering::Relaxed) {
        note("interrupted: this is what was run so far");
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Drawn on standard error, and only if that is a terminal.
fn bar(length: u64, template: &str) -> anyhow::Result<ProgressBar> {
    Ok(ProgressBar::new(length).with_style(ProgressStyle::with_template(template)?))
}
fn roms(laboratory: &Laboratory, filter: &str) -> anyhow::Result<Vec<RomReport>> {
    let bar = bar(0, "{bar:30} {pos}/{len} {msg}")?;
    let watch = |done: usize, all: usize, name: &str| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
        bar.set_message(name.to_string());
        !INTERRUPTED.load(Ordering::Relaxed)
    };
    let reports = run_roms(laboratory, filter, &watch);
    bar.finish_and_clear();
    Ok(reports?)
}
fn blocks(laboratory: &Laboratory, options: &BlockOptions) -> anyhow::Result<BlockReport> {
    let bar = bar(options.count, "{bar:30} {human_pos}/{human_len} blocks  {per_sec}  {eta} left")?;
    let watch = |done: u64| {
        bar.set_position(done);
        !INTERRUPTED.load(Ordering::Relaxed)
    };
    let report = run_blocks(laboratory, options, &watch);
    bar.finish_and_clear();
    Ok(report?)
}

fn rom_row(report: &RomReport) -> RomRow<'_> {
    let outcomes = report.outcomes.iter().map(|(peer, outcome)| (peer.to_string(), outcome)).collect();
    RomRow { name: report.rom.name, cases: report.rom.cases, outcomes }
}
/// The table, and below it what failed on whom.
fn rom_listing(reports: &[RomReport], peers: &[Peer]) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY);
    table.set_header(["ROM".to_string(), "cases".into()].into_iter().chain(peers.iter().map(Peer::to_string)));
    let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
    for report in reports {
        let outcomes = report.outcomes.iter().map(|(_, outcome)| {
            let total = outcome.total.map_or("?".into(), |total| total.to_string());
            let problem = outcome.problem.as_ref().map_or(String::new(), |problem| format!(" ({problem})"));
            right(format!("{}/{total}{problem}", outcome.passed))
        });
        table.add_row([Cell::new(report.rom.name), right(report.rom.cases.to_string())].into_iter().chain(outcomes));
    }
    let mut lines = vec![table.to_string()];
    let mut sums = Vec::new();
    for peer in peers {
        let of_peer =
            || reports.iter().flat_map(|report| report.outcomes.iter().map(move |(p, o)| (report, p, o))).filter(|(_, p, _)| *p == peer);
        if of_peer().any(|(_, _, outcome)| !outcome.failed.is_empty()) {
            lines.push(format!("\nfailed on {peer}:"));
        }
        for (report, _, outcome) in of_peer() {
            lines.extend(outcome.failed.iter().map(|failure| format!("  {}: {failure}", report.rom.name)));
        }
        for (report, _, outcome) in of_peer() {
            if let Some(total) = outcome.total.filter(|total| *total != report.rom.cases) {
                lines.push(format!("note: {} ran {total} cases on {peer}, its header says {}", report.rom.name, report.rom.cases));
            }
        }
        let good = of_peer().filter(|(_, _, outcome)| outcome.good()).count();
        sums.push(format!("{peer} passes {good} of {} ROMs, {} cases", reports.len(), of_peer().map(|(_, _, o)| o.passed).sum::<u32>()));
    }
    lines.push(format!("\n{}", sums.join("; ")));
    lines.join("\n")
}

fn groups(report: &BlockReport) -> Vec<(&Sides, Vec<&Disagreement>)> {
    let mut groups: Vec<(&Sides, Vec<&Disagreement>)> = Vec::new();
    for block in &report.disagreements {
        match groups.iter_mut().find(|(sides, _)| *sides == &block.sides || sides.all_differ() && block.sides.all_differ()) {
            Some((_, blocks)) => blocks.push(block),
            None => groups.push((&block.sides, vec![block])),
        }
    }
    groups
}
fn block_output(report: &BlockReport, seed: u64) -> Blocks<'_> {
    let disagreements = report.disagreements.iter().map(|one| Block {
        number: one.number,
        form: one.shape.to_string(),
        sides: one.sides.to_string(),
        kind: &one.kind,
        code: &one.code,
        differences: &one.fields,
        rust: &one.rust,
    });
    Blocks {
        seed,
        cases: report.cases,
        agreed: report.agreed,
        explained: report.explained.iter().map(|((name, _), n)| (*name, *n)).collect(),
        explanations: report.explained.keys().copied().collect(),
        skipped: &report.skipped,
        notes: &report.notes,
        groups: groups(report).into_iter().map(|(sides, blocks)| (sides.to_string(), blocks.len())).collect(),
        disagreements: disagreements.collect(),
    }
}
/// By group, and in a group by kind: how many, and the first.
fn block_listing(report: &BlockReport, output: &Output<'_>) -> String {
    let mut lines = Vec::new();
    for (sides, blocks) in groups(report) {
        lines.push(format!("{sides}: {} blocks", blocks.len()));
        for kind in blocks.chunk_by(|a, b| a.kind == b.kind) {
            let first = kind[0];
            lines.push(format!("  {}: {} blocks, first number {}, {}", first.kind, kind.len(), first.number, first.shape));
            lines.push(format!("    {}", first.code));
            lines.extend(first.fields.iter().map(|field| format!("    {field}")));
        }
        lines.push(String::new());
    }
    lines.extend(report.explained.iter().map(|((name, words), n)| format!("explained, {n} blocks: {name}: {words}")));
    lines.extend(report.skipped.iter().map(|(why, n)| format!("skipped, {n} blocks: {why}")));
    lines.extend(report.notes.iter().map(|text| format!("note: {text}")));
    let explained: u64 = report.explained.values().sum();
    lines.push(format!(
        "{} blocks on {}: {} are the same on all, {explained} differ with an explanation, {} without one; {:.0} blocks a second in {:.1} s",
        report.cases,
        output.peers.join(", "),
        report.agreed,
        report.disagreements.len(),
        report.cases as f64 / output.seconds.max(1e-9),
        output.seconds,
    ));
    lines.join("\n")
}
