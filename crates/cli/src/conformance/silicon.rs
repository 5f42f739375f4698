//! `turtle86 conformance silicon`.

use crate::units;
use clap::Args as ClapArgs;
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};
use regex::{Regex, RegexBuilder};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering},
    time::SystemTime,
};
use turtle86::arch::Model;
use turtle86_conformance::silicon::{FormReport, Options, Progress, Report, Shape, host_vendor, run};

/// Compare the model with the processor that this program runs on.
///
/// Random instructions of every form that user mode can run, blocks of them and raw bytes, in 16- and 32-bit code, in random
/// states, run natively in a child process and on the model; registers, flags, segments, memory and exceptions must be the same.
/// Flags that the manual leaves undefined are compared where the vendor's rule is known. What differs for a reason that is known
/// is counted as explained. x86-64 Linux alone can do this.
#[derive(ClapArgs)]
#[command(after_help = "Examples:
  turtle86 conformance silicon                         every form, ten million cases
  turtle86 conformance silicon --form '^(SHL|SHR)' --count 1M
  turtle86 conformance silicon --seed 7 --json         the same cases each time

Exit status: 0 if nothing differs without an explanation, 1 if something does, or if the host cannot be asked.")]
pub struct Args {
    /// Only forms whose name, as the manual prints it, matches REGEX; letters of either case.
    #[arg(long, value_name = "REGEX", value_parser = pattern)]
    form: Option<Regex>,
    /// How many cases.
    #[arg(long, value_name = "N", default_value = "10M", value_parser = units::count)]
    count: u64,
    /// Decides the cases: the same number, the same cases, however many jobs there are.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Begin with this case, as a report numbers them.
    #[arg(long, value_name = "N", default_value = "0", value_parser = units::count)]
    first: u64,
    /// Threads, each with a child process of its own; as many as there are processors if not said.
    #[arg(long, value_name = "J")]
    jobs: Option<usize>,
    /// The processor, one of those that `turtle86 models` lists.
    #[arg(long, value_name = "MODEL", default_value_t, value_parser = units::model)]
    model: Model,
    /// List every form, not only those that differ or have something explained.
    #[arg(long)]
    all: bool,
    /// Print a JSON object.
    #[arg(long)]
    json: bool,
}

fn pattern(text: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(text).case_insensitive(true).build()
}

/// What the page about conformance reads.
#[derive(Serialize)]
struct Output<'a> {
    date: String,
    model: &'static str,
    host: String,
    seed: u64,
    seconds: f64,
    cases: u64,
    mismatches: u64,
    explained: u64,
    skipped: u64,
    explanations: BTreeMap<&'static str, &'static str>,
    forms: Vec<Row<'a>>,
}
#[derive(Serialize)]
struct Row<'a> {
    form: String,
    /// iced-x86's number of the form; none for blocks and raw bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u32>,
    cases: u64,
    mismatches: u64,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    explained: BTreeMap<&'static str, u64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    skipped: &'a BTreeMap<String, u64>,
    /// How often each exception ended a case, by vector. 13 counts those that ran to their end, too: HLT follows.
    endings: &'a BTreeMap<u8, u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<First<'a>>,
}
#[derive(Serialize)]
struct First<'a> {
    number: u64,
    code: &'a str,
    differences: &'a [String],
    test: &'a str,
}

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

pub fn main(args: &Args) -> anyhow::Result<ExitCode> {
    let options = Options {
        model: args.model,
        filter: args.form.clone(),
        first: args.first,
        count: args.count,
        seed: args.seed,
        jobs: args.jobs.unwrap_or(Options::default().jobs),
    };
    ctrlc::set_handler(|| INTERRUPTED.store(true, Ordering::Relaxed))?;
    let bar = ProgressBar::new(args.count);
    bar.set_style(ProgressStyle::with_template("{bar:30} {human_pos}/{human_len} cases  {per_sec}  {msg}  {eta} left")?);
    let watch = |progress: Progress| {
        bar.set_position(progress.cases);
        if progress.mismatches > 0 {
            bar.set_message(format!("{} differ", progress.mismatches));
        }
        !INTERRUPTED.load(Ordering::Relaxed)
    };
    let report = run(&options, &watch)?;
    bar.finish_and_clear();
    if args.json {
        crate::print(serde_json::to_string_pretty(&output(args, &report))?)?;
    } else {
        show(args, &report)?;
    }
    if INTERRUPTED.load(Ordering::Relaxed) {
        crate::note("interrupted: these are the cases run so far");
    }
    Ok(if report.total(|form| form.mismatches) == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn output<'a>(args: &Args, report: &'a Report) -> Output<'a> {
    let explanations = report.forms.iter().flat_map(|(_, form)| form.explained.keys()).map(|why| (why.name, why.words)).collect();
    let row = |(shape, form): &'a (Shape, FormReport)| Row {
        form: shape.to_string(),
        code: if let Shape::Form { code, .. } = shape { Some(*code) } else { None },
        cases: form.cases,
        mismatches: form.mismatches,
        explained: form.explained.iter().map(|(why, n)| (why.name, *n)).collect(),
        skipped: &form.skipped,
        endings: &form.endings,
        first: form.first.as_ref().map(|first| First {
            number: first.number,
            code: &first.code,
            differences: &first.difference.0,
            test: &first.test,
        }),
    };
    Output {
        date: today(),
        model: args.model.profile().name,
        host: host_vendor().1,
        seed: args.seed,
        seconds: report.time.as_secs_f64(),
        cases: report.total(|form| form.cases),
        mismatches: report.total(|form| form.mismatches),
        explained: report.total(|form| form.explained.values().sum()),
        skipped: report.total(|form| form.skipped.values().sum()),
        explanations,
        forms: report.forms.iter().map(row).collect(),
    }
}
/// The date in UTC, as year-month-day (Howard Hinnant's algorithm for civil dates).
fn today() -> String {
    let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let days = (seconds / 86400) as i64 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    format!("{:04}-{month:02}-{date:02}", year + era * 400 + i64::from(month <= 2))
}

fn show(args: &Args, report: &Report) -> anyhow::Result<()> {
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["form", "cases", "differ", "explained", "skipped"]);
    let number = |n: u64| Cell::new(n).set_alignment(CellAlignment::Right);
    for (shape, form) in &report.forms {
        let (explained, skipped) = (form.explained.values().sum::<u64>(), form.skipped.values().sum::<u64>());
        if args.all || form.mismatches > 0 || explained > 0 || form.cases == 0 && skipped > 0 {
            table.add_row([Cell::new(shape), number(form.cases), number(form.mismatches), number(explained), number(skipped)]);
        }
    }
    if !table.is_empty() {
        crate::print(table)?;
    }
    let mut explanations = BTreeMap::<_, u64>::new();
    let mut skipped = BTreeMap::<&str, u64>::new();
    for (_, form) in &report.forms {
        form.explained.iter().for_each(|(why, n)| *explanations.entry(why).or_default() += n);
        form.skipped.iter().for_each(|(why, n)| *skipped.entry(why).or_default() += n);
    }
    for (why, n) in explanations {
        crate::print(format_args!("explained, {n} cases: {}: {}", why.name, why.words))?;
    }
    for (why, n) in skipped {
        crate::print(format_args!("skipped, {n} cases: {why}"))?;
    }
    for (shape, form) in &report.forms {
        if let Some(first) = &form.first {
            crate::print(format_args!("\n{shape}, case {}: {}\n{}\n{}", first.number, first.code, first.difference, first.test))?;
        }
    }
    let (cases, seconds) = (report.total(|form| form.cases), report.time.as_secs_f64());
    crate::print(format_args!(
        "{} forms, {cases} cases on {} against the {}: {} differ, {} are explained; {:.0} cases a second in {:.1} s",
        report.forms.len(),
        host_vendor().1,
        args.model,
        report.total(|form| form.mismatches),
        report.total(|form| form.explained.values().sum()),
        cases as f64 / seconds,
        seconds,
    ))
}
