//! The test ROMs: run on every model, watched on the default one.

use super::PageError;
use iced_x86::Code;
use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};
use turtle86::{HookPoint, Machine, RunLimit, Stop, Verdict, arch::Model, devices::DebugCon};
use turtle86_test_roms::{ROMS, Report, Rom};

/// What became of a ROM.
pub struct Run {
    /// Its name.
    pub name: &'static str,
    /// What it is about.
    pub title: &'static str,
    /// The forms that it executes on the default model, by iced-x86's names.
    pub executed: HashSet<String>,
    /// Its cases on the default model, and how many of them passed.
    pub cases: usize,
    pub passed: usize,
    /// The models that it ran on, and those on which it passed.
    pub models: usize,
    pub passed_on: usize,
    /// Every case that some model runs: whether it passed on all of them.
    pub results: BTreeMap<String, bool>,
}

/// What a ROM writes to port F4h when all is well, as a status.
const SUCCESS: u32 = 0x10 << 1 | 1;
const RAM: u64 = 64 << 20;
const LIMIT: RunLimit = RunLimit::cycles(2_000_000_000);

pub fn run_all() -> Result<Vec<Run>, PageError> {
    ROMS.iter().map(|rom| run(rom).map_err(|source| PageError::Rom { rom: rom.name, source })).collect()
}
fn run(rom: &Rom) -> Result<Run, turtle86::Error> {
    let first: Model = rom.first_model.parse()?;
    let mut run = Run {
        name: rom.name,
        title: rom.title,
        executed: HashSet::new(),
        cases: 0,
        passed: 0,
        models: 0,
        passed_on: 0,
        results: BTreeMap::new(),
    };
    for model in Model::ALL.into_iter().filter(|model| *model >= first) {
        let mut machine = Machine::builder(model).ram(RAM).isa_pc().bios_image(rom.image).build()?;
        let seen = Arc::new(Mutex::new(HashSet::new()));
        if model == Model::default() {
            let seen = Arc::clone(&seen);
            machine.hook(HookPoint::All, move |_, instruction| {
                seen.lock().unwrap_or_else(PoisonError::into_inner).insert(instruction.decoded().code());
                Verdict::Continue
            })?;
        }
        let stop = machine.run(LIMIT);
        let report = machine.device().map(|console: &DebugCon| Report::parse(&console.text())).unwrap_or_default();
        run.models += 1;
        run.passed_on += usize::from(report.all_passed() && stop == Stop::DebugExit(SUCCESS));
        if model == Model::default() {
            (run.cases, run.passed) = (report.passed.len() + report.failed.len(), report.passed.len());
            let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            run.executed = seen.iter().filter(|code| **code != Code::INVALID).map(|code| format!("{code:?}")).collect();
        }
        for case in report.passed {
            run.results.entry(case).or_insert(true);
        }
        for case in report.failed {
            run.results.insert(case.name, false);
        }
    }
    Ok(run)
}
