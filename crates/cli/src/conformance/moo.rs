//! `turtle86 conformance moo`.

use crate::{note, units};
use anyhow::Context;
use clap::Args as ClapArgs;
use comfy_table::{Cell, CellAlignment, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write,
    fs::File,
    io::{self, BufReader, BufWriter},
    num::NonZeroUsize,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Instant,
};
use turtle86::arch::Model;
use turtle86_conformance::moo::{CpuId, FileReport, Header, Opcode, Reader, Revoked, Runner, Writer, generate, reasons, run_file};

/// Run single-step suites in the MOO format.
///
/// Reads files of the MOO format 1.0 and 1.1, plain or packed by gzip: captures of an 8086, 8088, 80286 or 386EX in real mode. Each
/// test runs one instruction with the registers and memory of the capture and compares registers, flags and memory with it, under
/// the masks of the file and of our own table of undefined flags.
///
/// Where the captured processor differs from the model by design, the test is skipped, and the reason counted: there is no model
/// of an 8086 or 80286. Tests in a list named revocation_list.txt in the directory of a file, or in the one around it, are
/// skipped too.
#[derive(ClapArgs)]
#[command(after_help = "Examples:
  turtle86 conformance moo v1_ex_real_mode/*.MOO.gz
  turtle86 conformance moo 80.4.MOO --model 386dx --first 5
  turtle86 conformance moo *.MOO --revoked bad.txt --json
  turtle86 conformance moo --generate mine --opcode 01 --opcode 80.4 --model 486dx

Exit status: 0 if all tests passed or were skipped, 1 if one failed or a file cannot be read.")]
pub struct Args {
    /// The files.
    #[arg(required_unless_present = "generate", value_name = "FILES")]
    files: Vec<PathBuf>,
    /// The processor, one of those that `turtle86 models` lists [default: 386ex for captures of a 386EX, 386dx for others].
    #[arg(long, value_name = "MODEL", value_parser = units::model)]
    model: Option<Model>,
    /// Skip the tests of this list too: a SHA-1 in hexadecimal on each line.
    #[arg(long, value_name = "FILE")]
    revoked: Vec<PathBuf>,
    /// Compare clock counts and bus cycles too, where the machine's timing has clocks.
    #[arg(long)]
    cycles: bool,
    /// Show the first N failed tests of each file.
    #[arg(long, value_name = "N", default_value_t = 1)]
    first: usize,
    /// Run so many files at a time [default: one for each processor of the host].
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Show files without a failure too, and why tests were skipped.
    #[arg(long, short)]
    verbose: bool,
    /// Print a JSON object.
    #[arg(long)]
    json: bool,
    /// Do not run files, write some: results of our own machine for the opcodes named, one file each, for regression tests.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["files", "revoked", "cycles", "jobs", "json"], requires = "opcode")]
    generate: Option<PathBuf>,
    /// An opcode to generate tests of, prefixes first, with the digit of its group: 01, 660FAF, 80.4.
    #[arg(long, value_name = "OPCODE", requires = "generate")]
    opcode: Vec<Opcode>,
    /// How many tests of each opcode.
    #[arg(long, value_name = "N", default_value_t = 100, requires = "generate")]
    count: u32,
    /// Where the random numbers begin.
    #[arg(long, value_name = "N", default_value_t = 0, requires = "generate")]
    seed: u64,
}

#[derive(Serialize)]
struct Entry {
    file: String,
    cpu: Option<String>,
    model: Option<String>,
    #[serde(flatten)]
    report: FileReport,
    /// Why the rest of the file was not read.
    error: Option<String>,
}
impl Entry {
    fn failed(&self) -> bool {
        self.report.failed != 0 || self.error.is_some()
    }
    fn skipped(&self) -> u64 {
        self.report.skipped.values().sum()
    }
}

#[derive(Serialize)]
struct Outcome {
    files: Vec<Entry>,
}

/// The machines of a job. Building one costs more than a hundred tests.
#[derive(Default)]
struct Runners(HashMap<(CpuId, Model), Option<Runner>>);
impl Runners {
    fn of(&mut self, cpu: CpuId, model: Model) -> Result<Option<&mut Runner>, turtle86::Error> {
        let slot = match self.0.entry((cpu, model)) {
            std::collections::hash_map::Entry::Occupied(slot) => slot.into_mut(),
            std::collections::hash_map::Entry::Vacant(slot) => slot.insert(Runner::new(cpu, model)?),
        };
        Ok(slot.as_mut())
    }
}

/// Lists that come with a suite: beside its files, or beside their directory.
fn lists_near(path: &Path) -> impl Iterator<Item = PathBuf> {
    let directory = path.parent().unwrap_or(Path::new(""));
    let around = if directory.as_os_str().is_empty() { PathBuf::from("..") } else { directory.join("..") };
    [directory.join(Revoked::FILE_NAME), around.join(Revoked::FILE_NAME)].into_iter().filter(|list| list.is_file())
}

fn run(path: &Path, args: &Args, revoked: &Revoked, runners: &mut Runners, bar: &ProgressBar) -> Entry {
    let mut entry = Entry { file: path.display().to_string(), cpu: None, model: None, report: FileReport::default(), error: None };
    let result = (|| -> anyhow::Result<()> {
        let file = File::open(path).map_err(|source| units::unreadable(path, &source))?;
        let reader = Reader::new(BufReader::new(bar.wrap_read(file))).with_context(|| entry.file.clone())?;
        let cpu = reader.header().cpu;
        let model = args.model.unwrap_or(cpu.nearest_model());
        entry.cpu = Some(cpu.to_string());
        entry.model = Some(model.to_string());
        let (report, end) = run_file(reader, runners.of(cpu, model)?, revoked, args.first);
        entry.report = report;
        end.with_context(|| entry.file.clone())
    })();
    entry.error = result.err().map(|error| crate::in_full(&error));
    entry
}

fn run_all(args: &Args, revoked: &Revoked) -> anyhow::Result<Vec<Entry>> {
    let bytes = args.files.iter().filter_map(|path| path.metadata().ok()).map(|file| file.len()).sum();
    let style = ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes} {msg}")?;
    // Drawn on standard error, and only if that is a terminal.
    let bar = ProgressBar::new(bytes).with_style(style);
    let next = AtomicUsize::new(0);
    let done = Mutex::new(BTreeMap::new());
    let jobs = args.jobs.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get).min(args.files.len());
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                let mut runners = Runners::default();
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    let Some(path) = args.files.get(n) else { return };
                    let entry = run(path, args, revoked, &mut runners, &bar);
                    bar.set_message(entry.file.clone());
                    done.lock().unwrap_or_else(PoisonError::into_inner).insert(n, entry);
                }
            });
        }
    });
    bar.finish_and_clear();
    Ok(done.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect())
}

/// The table of files, what failed, and the sums.
fn listing(entries: &[Entry], args: &Args, seconds: f64) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY).set_header(["file", "captured", "model", "passed", "failed", "skipped"]);
    for column in [3, 4, 5] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let shown: Vec<&Entry> = entries.iter().filter(|entry| args.verbose || entries.len() <= 40 || entry.failed()).collect();
    for entry in &shown {
        let of = |text: &Option<String>| text.clone().unwrap_or_default();
        let (report, skipped) = (&entry.report, entry.skipped());
        let numbers = [report.passed, report.failed, skipped].map(|n| n.to_string());
        table.add_row([entry.file.clone(), of(&entry.cpu), of(&entry.model)].into_iter().chain(numbers).map(Cell::new));
    }
    let mut text = if shown.is_empty() { String::new() } else { format!("{table}\n") };
    for entry in entries {
        if let Some(error) = &entry.error {
            let _ = writeln!(text, "error: {error}");
        }
        for failure in &entry.report.failures {
            let _ = writeln!(text, "{}, {failure}", entry.file);
        }
    }
    let mut skipped: BTreeMap<&str, u64> = BTreeMap::new();
    for (name, n) in entries.iter().flat_map(|entry| &entry.report.skipped) {
        *skipped.entry(name).or_default() += n;
    }
    for (name, n) in &skipped {
        let why = reasons().find(|reason| reason.name == *name).map_or("", |reason| reason.why);
        let _ = writeln!(text, "skipped: {n} {name}{}", if args.verbose { format!(": {why}") } else { String::new() });
    }
    if args.cycles {
        let sum = |of: fn(&Entry) -> u64| -> u64 { entries.iter().map(of).sum() };
        let compared = sum(|entry| entry.report.cycles.compared);
        if compared == 0 {
            let _ = writeln!(text, "cycles: nothing to compare; an instruction costs one cycle in this timing tier, which has no clocks");
        } else {
            let totals = sum(|entry| entry.report.cycles.totals_matched);
            let sequences = sum(|entry| entry.report.cycles.sequences_matched);
            let _ =
                writeln!(text, "cycles: {compared} tests compared, {totals} have the same clock count, {sequences} the same bus cycles");
        }
    }
    let sum = |of: fn(&Entry) -> u64| -> u64 { entries.iter().map(of).sum() };
    let (passed, failed, skipped) = (sum(|e| e.report.passed), sum(|e| e.report.failed), sum(Entry::skipped));
    let unreadable = entries.iter().filter(|entry| entry.error.is_some()).count();
    let _ = write!(text, "{passed} tests passed, {failed} failed, {skipped} skipped");
    if unreadable != 0 {
        let _ = write!(text, ", {unreadable} files unreadable");
    }
    let _ = write!(text, "; {} files in {seconds:.2} s, {:.0} tests a second", entries.len(), (passed + failed) as f64 / seconds.max(1e-9));
    text
}

/// Writes tests of our own.
fn write_files(directory: &Path, args: &Args) -> anyhow::Result<()> {
    let model = args.model.unwrap_or(Model::I386Dx);
    for opcode in &args.opcode {
        let (metadata, tests) = generate(model, opcode, args.count, args.seed)?;
        let path = directory.join(format!("{}.MOO", opcode.name()));
        let write = || -> io::Result<()> {
            let header = Header { version: (1, 1), tests: args.count, cpu: CpuId::of(model) };
            let mut writer = Writer::new(BufWriter::new(File::create(&path)?), &header, Some(&metadata), None)?;
            tests.iter().try_for_each(|test| writer.write(test))?;
            writer.finish().map(drop)
        };
        write().map_err(|source| units::unwritable(&path, &source))?;
        crate::print(format_args!("{}: {} tests of {} on a {model}", path.display(), tests.len(), metadata.mnemonic))?;
    }
    Ok(())
}

pub fn main(args: &Args) -> anyhow::Result<ExitCode> {
    if let Some(directory) = &args.generate {
        write_files(directory, args)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut revoked = Revoked::default();
    let add = |revoked: &mut Revoked, list: &Path| {
        revoked.add_file(list).with_context(|| format!("cannot read the revocation list {}", list.display()))
    };
    for list in &args.revoked {
        add(&mut revoked, list)?;
    }
    let mut near: Vec<PathBuf> = args.files.iter().flat_map(|path| lists_near(path)).collect();
    near.sort();
    near.dedup();
    for list in &near {
        add(&mut revoked, list)?;
        if !args.json {
            note(format_args!("tests listed in {} are skipped", list.display()));
        }
    }
    let start = Instant::now();
    let entries = run_all(args, &revoked)?;
    let failed = entries.iter().any(Entry::failed);
    if args.json {
        crate::print(serde_json::to_string_pretty(&Outcome { files: entries })?)?;
    } else {
        crate::print(listing(&entries, args, start.elapsed().as_secs_f64()))?;
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
