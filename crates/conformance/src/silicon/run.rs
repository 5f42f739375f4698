//! Millions of cases: the differential run.

use super::{
    case::{Case, Ending, Outcome},
    compare::Difference,
    differential::{Agreement, Differential},
    generate::{Entropy, Forms, Shape},
    host::{HostError, Vendor},
    world::World,
};
use rand::SeedableRng;
use regex::Regex;
use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use thiserror::Error;
use turtle86::arch::Model;

/// What to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The model to check.
    pub model: Model,
    /// Only shapes whose name matches.
    pub filter: Option<Regex>,
    /// The first case; rounded down to a whole chunk of 256.
    pub first: u64,
    /// How many cases; rounded up to whole chunks of 256.
    pub count: u64,
    /// Decides everything: the same seed makes the same cases, however many jobs there are.
    pub seed: u64,
    /// Threads, each with a child process.
    pub jobs: usize,
}
impl Default for Options {
    fn default() -> Options {
        Options {
            model: Model::default(),
            filter: None,
            first: 0,
            count: 10_000_000,
            seed: 1,
            jobs: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }
}

/// How far a run is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress {
    /// Cases compared or skipped.
    pub cases: u64,
    /// Mismatches among them.
    pub mismatches: u64,
}

/// Why a run could not be made.
#[derive(Debug, Error)]
#[allow(missing_docs)]
pub enum RunError {
    #[error(transparent)]
    Host(#[from] HostError),
    #[error(transparent)]
    Model(#[from] turtle86::Error),
    #[error("no instruction form of the {model} matches {filter}")]
    NoForms { model: Model, filter: String },
}

/// A departure of silicon's that is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Explanation {
    /// Its name.
    pub name: &'static str,
    /// The manual's words, or the evidence.
    pub words: &'static str,
}

/// A case in which the model and silicon differ, without an explanation.
#[derive(Clone, Debug)]
pub struct Mismatch {
    /// The number of the case in the run.
    pub number: u64,
    /// The case, made as small as it goes.
    pub case: Case,
    /// Its first instructions.
    pub code: String,
    /// What differs.
    pub difference: Difference,
    /// A test that shows it.
    pub test: String,
}

/// What came out for one shape.
#[derive(Clone, Debug, Default)]
pub struct FormReport {
    /// Cases compared.
    pub cases: u64,
    /// Among them those that differ without an explanation.
    pub mismatches: u64,
    /// Those that differ with one.
    pub explained: BTreeMap<Explanation, u64>,
    /// Cases left out, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// How often each ending came (vector; 255 for others).
    pub endings: BTreeMap<u8, u64>,
    /// The first mismatch.
    pub first: Option<Mismatch>,
    first_raw: Option<(u64, Case, Difference)>,
}

/// What came out.
#[derive(Clone, Debug)]
pub struct Report {
    /// By shape, in the order of the instruction table.
    pub forms: Vec<(Shape, FormReport)>,
    /// Who made the host's processor.
    pub vendor: Vendor,
    /// How long it took.
    pub time: Duration,
}
impl Report {
    /// A sum over all shapes.
    pub fn total(&self, of: impl Fn(&FormReport) -> u64) -> u64 {
        self.forms.iter().map(|(_, report)| of(report)).sum()
    }
}

const CHUNK: u64 = 256;

/// Runs cases of all shapes in turn on the model and on the host. `watch` hears of progress and answers whether to go on.
///
/// # Errors
/// There is no host to ask, or no shape to make cases of.
pub fn run(options: &Options, watch: &(dyn Fn(Progress) -> bool + Sync)) -> Result<Report, RunError> {
    let world = World::new(options.seed);
    let forms = Forms::new(options.model, options.filter.as_ref());
    if forms.shapes().is_empty() {
        let filter = options.filter.as_ref().map_or(String::new(), Regex::to_string);
        return Err(RunError::NoForms { model: options.model, filter });
    }
    let start = Instant::now();
    let chunks = options.first / CHUNK + options.count.div_ceil(CHUNK);
    let (next, stop) = (AtomicU64::new(options.first / CHUNK), AtomicBool::new(false));
    let reports = Mutex::new(vec![FormReport::default(); forms.shapes().len()]);
    let (done, mismatches) = (AtomicU64::new(0), AtomicU64::new(0));
    let work = || -> Result<Vendor, RunError> {
        let mut worker = Worker::new(options, &world, &forms)?;
        let mut waiting: Option<Chunk> = None;
        loop {
            let number = if stop.load(Ordering::Relaxed) { chunks } else { next.fetch_add(1, Ordering::Relaxed) };
            let chunk = (number < chunks).then(|| worker.prepare(number));
            if let Some(chunk) = waiting.take() {
                let shape = (chunk.number % forms.shapes().len() as u64) as usize;
                let mut report = worker.finish(chunk)?;
                done.fetch_add(CHUNK, Ordering::Relaxed);
                mismatches.fetch_add(report.mismatches, Ordering::Relaxed);
                if let Ok(mut reports) = reports.lock() {
                    reports[shape].add(&mut report);
                }
                let progress = Progress { cases: done.load(Ordering::Relaxed), mismatches: mismatches.load(Ordering::Relaxed) };
                if !watch(progress) {
                    stop.store(true, Ordering::Relaxed);
                }
            }
            match chunk {
                Some(chunk) => {
                    worker.both.host.submit(&chunk.sent())?;
                    waiting = Some(chunk);
                }
                None => return Ok(worker.both.host.vendor()),
            }
        }
    };
    let mut vendor = Vendor::Other;
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..options.jobs.max(1)).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            vendor = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        }
        Ok::<(), RunError>(())
    })?;
    let mut reports = reports.into_inner().unwrap_or_default();
    let mut worker = Worker::new(options, &world, &forms)?;
    for report in &mut reports {
        if let Some((number, case, difference)) = report.first_raw.take() {
            report.first = Some(worker.describe(number, &case, difference)?);
        }
    }
    let forms = forms.shapes().iter().cloned().zip(reports).collect();
    Ok(Report { forms, vendor, time: start.elapsed() })
}

impl FormReport {
    fn add(&mut self, other: &mut FormReport) {
        self.cases += other.cases;
        self.mismatches += other.mismatches;
        other.skipped.iter().for_each(|(reason, n)| *self.skipped.entry(reason.clone()).or_default() += n);
        other.explained.iter().for_each(|(why, n)| *self.explained.entry(why.clone()).or_default() += n);
        other.endings.iter().for_each(|(vector, n)| *self.endings.entry(*vector).or_default() += n);
        if let Some(theirs) = other.first_raw.take()
            && self.first_raw.as_ref().is_none_or(|mine| theirs.0 < mine.0)
        {
            self.first_raw = Some(theirs);
        }
    }
}

/// A chunk whose model side is done: cases with our outcomes, or why there is none.
struct Chunk {
    number: u64,
    cases: Vec<(Case, Result<Outcome, String>)>,
}
impl Chunk {
    fn sent(&self) -> Vec<Case> {
        self.cases.iter().filter(|(_, ours)| ours.is_ok()).map(|(case, _)| case.clone()).collect()
    }
}

struct Worker<'a> {
    seed: u64,
    both: Differential,
    world: &'a World,
    forms: &'a Forms,
}

impl<'a> Worker<'a> {
    fn new(options: &Options, world: &'a World, forms: &'a Forms) -> Result<Worker<'a>, RunError> {
        let both = Differential::with_forms(options.model, world, Forms::new(options.model, None))?;
        Ok(Worker { seed: options.seed, both, world, forms })
    }
    /// Makes the cases of a chunk and runs them on the model.
    fn prepare(&mut self, number: u64) -> Chunk {
        let shape = &self.forms.shapes()[(number % self.forms.shapes().len() as u64) as usize];
        let mut random = Entropy::seed_from_u64(self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number);
        let cases = (0..CHUNK).map(|_| {
            let case = self.forms.case(shape, self.world, &mut random);
            let ours = self.both.ours(&case);
            (case, ours)
        });
        Chunk { number, cases: cases.collect() }
    }
    /// Compares a chunk with what the host says.
    fn finish(&mut self, chunk: Chunk) -> Result<FormReport, RunError> {
        let mut outcomes = self.both.host.collect()?.into_iter();
        let mut report = FormReport::default();
        for (n, (case, ours)) in (0..).zip(chunk.cases) {
            let silicon = if ours.is_ok() { outcomes.next() } else { None };
            let (ours, silicon) = match (ours, silicon) {
                (Ok(ours), Some(silicon)) => (ours, silicon),
                (Err(reason), _) => {
                    *report.skipped.entry(reason).or_default() += 1;
                    continue;
                }
                _ => continue,
            };
            let agreement = match self.both.judge(&case, &ours, &silicon) {
                Agreement::Differs(difference) => self.once_more(&case, &ours, difference)?,
                agreement => agreement,
            };
            if let Agreement::Skipped(reason) = agreement {
                *report.skipped.entry(reason).or_default() += 1;
                continue;
            }
            report.cases += 1;
            let vector = if let Ending::Exception { vector, .. } = ours.ending { vector } else { 255 };
            *report.endings.entry(vector).or_default() += 1;
            match agreement {
                Agreement::Explained(why) => *report.explained.entry(why).or_default() += 1,
                Agreement::Differs(difference) => {
                    report.mismatches += 1;
                    report.first_raw.get_or_insert((chunk.number * CHUNK + n, case, difference));
                }
                _ => {}
            }
        }
        Ok(report)
    }
    /// A case that differs is run again: a tick of the timer in its middle loses flags that the host's kernel does not restore.
    /// But the model must repeat itself.
    fn once_more(&mut self, case: &Case, first: &Outcome, difference: Difference) -> Result<Agreement, HostError> {
        match self.both.ours(case) {
            Ok(again) if again == *first => self.both.agree(case),
            _ => {
                Ok(Agreement::Differs(Difference(difference.0.into_iter().chain(["(the model does not repeat itself)".into()]).collect())))
            }
        }
    }
    /// A mismatch for people: the smallest case that shows it.
    fn describe(&mut self, number: u64, case: &Case, seen: Difference) -> Result<Mismatch, RunError> {
        let (small, difference) = self.both.smallest(case)?;
        let difference = difference.unwrap_or_else(|| {
            let note = "(alone it does not differ: what ran before matters, or the host's kernel interfered)".to_string();
            Difference(seen.0.into_iter().chain([note]).collect())
        });
        let code = self.both.model.trace(&small).iter().take(8).map(ToString::to_string).collect::<Vec<_>>().join("; ");
        let test = small.to_test(self.seed, self.both.model.model());
        Ok(Mismatch { number, test, case: small, code, difference })
    }
}
