//! `turtle86 roms`.

use crate::units;
use anyhow::{Context, bail};
use clap::Args as ClapArgs;
use comfy_table::{Cell, CellAlignment, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::{fmt::Write, process::ExitCode, time::Instant};
use turtle86::{Machine, RunLimit, Stop, arch::Model, devices::DebugCon};
use turtle86_test_roms::{ROMS, Report, Rom};

/// Run the test ROMs that come with the program.
///
/// Each runs on an ISA PC of its own with 64 MiB of RAM. A ROM passes when all its cases do, when it comes to its end and
/// leaves with the status of success, and on the default model when no case is missing. ROMs for a later model than the
/// chosen one are skipped.
#[derive(ClapArgs)]
#[command(after_help = "Examples:
  turtle86 roms                      run all
  turtle86 roms paging               those whose name contains \"paging\"
  turtle86 roms --model 386dx --json

Exit status: 0 if all pass, 1 if not.")]
pub struct Args {
    /// Only ROMs whose name contains FILTER.
    filter: Option<String>,
    /// The processor, one of those that `turtle86 models` lists.
    #[arg(long, value_name = "MODEL", default_value_t, value_parser = units::model)]
    model: Model,
    /// Stop a ROM that does not end after so many cycles.
    #[arg(long, value_name = "N", default_value = "2G", value_parser = units::count)]
    max_cycles: u64,
    /// Print a JSON array with an object for each ROM.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Pass,
    Fail,
    Skipped,
}

#[derive(Serialize)]
struct FailedCase {
    name: String,
    got: String,
    want: String,
}

#[derive(Serialize)]
struct Outcome {
    name: &'static str,
    cases: u32,
    passed: u32,
    result: Verdict,
    /// Why it failed or was skipped.
    reason: Option<String>,
    instructions: u64,
    cycles: u64,
    seconds: f64,
    failed: Vec<FailedCase>,
}
impl Outcome {
    fn mips(&self) -> f64 {
        self.instructions as f64 / 1e6 / self.seconds.max(1e-9)
    }
}

/// What a ROM writes to port F4h when all is well, as a status.
const SUCCESS: u32 = 0x10 << 1 | 1;
const RAM: u64 = 64 << 20;

fn run(rom: &Rom, model: Model, max_cycles: u64) -> anyhow::Result<Outcome> {
    let first: Model = rom.first_model.parse()?;
    if first > model {
        let reason = Some(format!("needs a {first} or later"));
        let skipped = Verdict::Skipped;
        let failed = Vec::new();
        return Ok(Outcome {
            name: rom.name,
            cases: rom.cases,
            passed: 0,
            result: skipped,
            reason,
            instructions: 0,
            cycles: 0,
            seconds: 0.,
            failed,
        });
    }
    let mut machine = Machine::builder(model).ram(RAM).isa_pc().bios_image(rom.image).build()?;
    let start = Instant::now();
    let stop = machine.run(RunLimit::cycles(max_cycles));
    let seconds = start.elapsed().as_secs_f64();
    let console: &DebugCon = machine.device().context("the machine has no debug console")?;
    let report = Report::parse(&console.text());
    let passed = report.passed.len() as u32;
    let seen = passed + report.failed.len() as u32;
    let reason = if stop == Stop::CycleLimit {
        Some(format!("it did not end within {max_cycles} cycles"))
    } else {
        match report.done {
            _ if !report.failed.is_empty() => Some(format!("{} of {seen} cases", report.failed.len())),
            None => Some(format!("it ended early: {}", crate::report::explain(&machine, &crate::report::Ending::Stopped(stop)))),
            Some((_, total)) if total != seen => Some(format!("it counted {total} cases and named {seen}")),
            Some((_, total)) if model == Model::default() && total != rom.cases => {
                Some(format!("{total} cases, where it has {}", rom.cases))
            }
            Some(_) if stop != Stop::DebugExit(SUCCESS) => Some(format!("all cases passed, but it ended otherwise: {stop}")),
            Some(_) if !report.all_passed() => Some("no cases".into()),
            Some(_) => None,
        }
    };
    Ok(Outcome {
        name: rom.name,
        cases: report.done.map_or(rom.cases, |(_, total)| total),
        passed,
        result: if reason.is_none() { Verdict::Pass } else { Verdict::Fail },
        reason,
        instructions: machine.cpu.instructions(),
        cycles: machine.now().0,
        seconds,
        failed: report.failed.into_iter().map(|case| FailedCase { name: case.name, got: case.got, want: case.want }).collect(),
    })
}

/// The table, and below it what failed.
fn listing(outcomes: &[Outcome], model: Model) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY).set_header(["ROM", "cases", "result", "instructions", "cycles", "MIPS"]);
    for column in [1, 3, 4, 5] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for outcome in outcomes {
        let cells = match outcome.result {
            Verdict::Skipped => {
                [outcome.name.to_string(), outcome.cases.to_string(), "skipped".into(), String::new(), String::new(), String::new()]
            }
            result => [
                outcome.name.to_string(),
                format!("{}/{}", outcome.passed, outcome.cases),
                if result == Verdict::Pass { "pass" } else { "FAIL" }.into(),
                outcome.instructions.to_string(),
                outcome.cycles.to_string(),
                format!("{:.1}", outcome.mips()),
            ],
        };
        table.add_row(cells.map(Cell::new));
    }
    let mut text = table.to_string();
    for outcome in outcomes {
        let Some(reason) = &outcome.reason else { continue };
        let _ = write!(text, "\n{}: {}{reason}", outcome.name, if outcome.result == Verdict::Fail { "failed: " } else { "skipped: " });
        for case in &outcome.failed {
            let _ = write!(text, "\n  {}: got {} want {}", case.name, case.got, case.want);
        }
    }
    let count = |verdict| outcomes.iter().filter(|outcome| outcome.result == verdict).count();
    let cases: u32 = outcomes.iter().map(|outcome| outcome.passed).sum();
    let seconds: f64 = outcomes.iter().map(|outcome| outcome.seconds).sum();
    let (passed, failed, skipped) = (count(Verdict::Pass), count(Verdict::Fail), count(Verdict::Skipped));
    let _ = write!(text, "\n{passed} ROMs passed, {failed} failed, {skipped} skipped; {cases} cases passed on a {model} in {seconds:.2} s");
    text
}

pub fn main(args: &Args) -> anyhow::Result<ExitCode> {
    let wanted = args.filter.as_deref().unwrap_or("");
    let roms: Vec<&Rom> = ROMS.iter().filter(|rom| rom.name.contains(wanted)).collect();
    if roms.is_empty() {
        let names: Vec<&str> = ROMS.iter().map(|rom| rom.name).collect();
        bail!("no ROM has \"{wanted}\" in its name; there are {}", names.join(", "));
    }
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}")?;
    // Drawn on standard error, and only if that is a terminal.
    let bar = ProgressBar::new(roms.len() as u64).with_style(style);
    let mut outcomes = Vec::new();
    for rom in roms {
        bar.set_message(rom.name);
        outcomes.push(run(rom, args.model, args.max_cycles).with_context(|| format!("ROM {}", rom.name))?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    if args.json {
        crate::print(serde_json::to_string_pretty(&outcomes)?)?;
    } else {
        crate::print(listing(&outcomes, args.model))?;
    }
    Ok(if outcomes.iter().any(|outcome| outcome.result == Verdict::Fail) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
