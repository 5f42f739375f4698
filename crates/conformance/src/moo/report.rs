//! A file from its first test to its last, and what became of them.

use super::{
    cycles::{Trace, compare},
    differences::{OTHER_PROCESSOR, REVOKED},
    error::Error,
    reader::Reader,
    registers::Registers,
    revoked::Revoked,
    runner::{Mismatch, Runner, Verdict},
    test::Test,
};
use serde::Serialize;
use std::{collections::BTreeMap, fmt, io::Read};

/// How clock counts compare, over the tests that passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CycleTally {
    /// Tests where both the capture and the machine have clocks.
    pub compared: u64,
    /// Of these, with the same number of clocks.
    pub totals_matched: u64,
    /// With the same bus cycles in the same order.
    pub sequences_matched: u64,
}

/// What became of a file.
#[derive(Clone, Debug, Default, Serialize)]
pub struct FileReport {
    /// Tests that passed.
    pub passed: u64,
    /// Tests that failed.
    pub failed: u64,
    /// Tests that were not run, by reason.
    pub skipped: BTreeMap<&'static str, u64>,
    /// Clock counts.
    pub cycles: CycleTally,
    /// The first tests that failed.
    pub failures: Vec<TestFailure>,
}
impl FileReport {
    fn skip(&mut self, name: &'static str) {
        *self.skipped.entry(name).or_default() += 1;
    }
}

/// A test that failed.
#[derive(Clone, Debug, Serialize)]
pub struct TestFailure {
    /// Its number in the file.
    pub index: u32,
    /// Its disassembly.
    pub name: String,
    /// Its bytes in hexadecimal.
    pub bytes: String,
    /// Its hash in hexadecimal, to revoke it.
    pub hash: Option<String>,
    /// The registers before it.
    pub initial: String,
    /// What differs.
    pub differences: Vec<String>,
}
impl TestFailure {
    /// The most differences that are told.
    const MOST: usize = 24;

    fn new(test: &Test, mismatches: &[Mismatch]) -> TestFailure {
        let hex = |bytes: &[u8], between| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(between);
        let mut differences: Vec<String> = mismatches.iter().take(Self::MOST).map(Mismatch::to_string).collect();
        if mismatches.len() > Self::MOST {
            differences.push(format!("and {} more", mismatches.len() - Self::MOST));
        }
        TestFailure {
            index: test.index,
            name: test.name.clone(),
            bytes: hex(&test.bytes, " "),
            hash: test.hash.map(|hash| hex(&hash, "")),
            initial: test.initial.registers.to_string(),
            differences,
        }
    }
}
impl fmt::Display for TestFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "test {}: {}\n  bytes {}", self.index, self.name, self.bytes)?;
        if let Some(hash) = &self.hash {
            write!(f, "   hash {hash}")?;
        }
        let lines = self.initial.lines().map(|line| ("before", line)).chain(self.differences.iter().map(|line| ("differs", line.as_str())));
        let mut last = "";
        for (what, line) in lines {
            write!(f, "\n  {:<8} {line}", if what == last { "" } else { what })?;
            last = what;
        }
        Ok(())
    }
}

/// So many tests run before memory is searched for bytes that none of them should have written.
const BATCH: usize = 1024;

/// Runs all tests of a file, on `runner` if there are rules for the captured processor. At most `first` failures are told in full.
///
/// # Errors
/// The file is damaged. What came before it counts, and is in the report beside the error.
pub fn run_file<R: Read>(
    reader: Reader<R>,
    runner: Option<&mut Runner>,
    revoked: &Revoked,
    first: usize,
) -> (FileReport, Result<(), Error>) {
    let mut report = FileReport::default();
    let masks = reader.masks().cloned();
    let mut passed = Batch { tests: Vec::new(), masks, first };
    let mut runner = runner;
    let mut end = Ok(());
    for test in reader {
        let test = match test {
            Ok(test) => test,
            Err(error) => {
                end = Err(error);
                break;
            }
        };
        match &mut runner {
            _ if test.hash.is_some_and(|hash| revoked.contains(&hash)) => report.skip(REVOKED.name),
            None => report.skip(OTHER_PROCESSOR.name),
            Some(runner) => passed.run(test, runner, &mut report),
        }
    }
    if let Some(runner) = runner {
        passed.search(runner, &mut report);
    }
    (report, end)
}

/// Tests that passed, until it is clear that they wrote nothing that they should not.
struct Batch {
    tests: Vec<Test>,
    masks: Option<Registers>,
    first: usize,
}
impl Batch {
    fn run(&mut self, test: Test, runner: &mut Runner, report: &mut FileReport) {
        match runner.run(&test, self.masks.as_ref()) {
            Verdict::Skipped(skip) => report.skip(skip.name),
            Verdict::Failed(mut mismatches) => {
                let mut stray = runner.stray();
                if !stray.is_empty() && !self.tests.is_empty() {
                    // They may be from a test before this one.
                    self.find_strays(runner, report);
                    runner.run(&test, self.masks.as_ref());
                    stray = runner.stray();
                }
                mismatches.extend(stray);
                self.fail(&test, &mismatches, report);
            }
            Verdict::Passed => {
                report.passed += 1;
                if let (Some(ours), Some(family)) = (runner.trace(), runner.cpu().family()) {
                    let agreement = compare(&Trace::captured(&test.cycles, family), &ours);
                    report.cycles.compared += 1;
                    report.cycles.totals_matched += u64::from(agreement.total);
                    report.cycles.sequences_matched += u64::from(agreement.differs_at.is_none());
                }
                self.tests.push(test);
                if self.tests.len() == BATCH {
                    self.search(runner, report);
                }
            }
        }
    }
    fn fail(&self, test: &Test, mismatches: &[Mismatch], report: &mut FileReport) {
        report.failed += 1;
        if report.failures.len() < self.first {
            report.failures.push(TestFailure::new(test, mismatches));
        }
    }
    /// Looks for stray writes.
    fn search(&mut self, runner: &mut Runner, report: &mut FileReport) {
        if !runner.stray().is_empty() {
            self.find_strays(runner, report);
        }
        self.tests.clear();
    }
    /// Runs the tests once more to find whose stray writes there were.
    fn find_strays(&mut self, runner: &mut Runner, report: &mut FileReport) {
        for test in std::mem::take(&mut self.tests) {
            runner.run(&test, self.masks.as_ref());
            let stray = runner.stray();
            if !stray.is_empty() {
                report.passed -= 1;
                self.fail(&test, &stray, report);
            }
        }
    }
}
