//! The test ROMs on each emulator.

use super::{Laboratory, Peer, PeersError, Run};
use serde::Serialize;
use turtle86_test_roms::{ROMS, Report, Rom};

/// What a ROM said on one emulator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RomOutcome {
    /// Cases that passed.
    pub passed: u32,
    /// Cases that it counted, if it came to its end.
    pub total: Option<u32>,
    /// The cases that failed, with what was seen.
    pub failed: Vec<String>,
    /// Why there is no complete result.
    pub problem: Option<String>,
}
impl RomOutcome {
    /// All cases passed.
    pub fn good(&self) -> bool {
        self.problem.is_none() && self.total == Some(self.passed)
    }
    fn of(run: &Run) -> RomOutcome {
        let report = Report::parse(&run.text);
        let total = report.done.map(|(_, total)| total);
        let seen = |case: &turtle86_test_roms::Failure| format!("{}: got {} want {}", case.name, case.got, case.want);
        RomOutcome {
            passed: report.passed.len() as u32,
            total,
            failed: report.failed.iter().map(seen).collect(),
            problem: total.is_none().then(|| format!("no DONE line, {}", run.end)),
        }
    }
}

/// A ROM with what it said on each emulator, in the order of [`Laboratory::present`].
#[derive(Clone, Debug)]
pub struct RomReport {
    /// The ROM.
    pub rom: &'static Rom,
    /// Its results.
    pub outcomes: Vec<(Peer, RomOutcome)>,
}

/// Runs the ROMs whose names contain `filter`. `watch` hears how many of how many are done, and the next one's name, and answers
/// whether to go on.
///
/// # Errors
/// There is no such ROM, or an emulator cannot be started.
pub fn run_roms(laboratory: &Laboratory, filter: &str, watch: &dyn Fn(usize, usize, &str) -> bool) -> Result<Vec<RomReport>, PeersError> {
    let roms: Vec<&Rom> = ROMS.iter().filter(|rom| rom.name.contains(filter)).collect();
    if roms.is_empty() {
        return Err(PeersError::NoRom(filter.into()));
    }
    let mut reports = Vec::new();
    for (n, rom) in roms.iter().enumerate() {
        if !watch(n, roms.len(), rom.name) {
            break;
        }
        let outcome = |peer: &Peer| Ok((*peer, RomOutcome::of(&laboratory.run(*peer, rom.image)?)));
        let outcomes = laboratory.present().iter().map(outcome).collect::<Result<_, PeersError>>()?;
        reports.push(RomReport { rom, outcomes });
    }
    Ok(reports)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_needs_the_last_line() {
        let of = |text: &str| RomOutcome::of(&Run { text: text.into(), end: "exit status: 1".into(), timeout: false });
        let outcome = of("ROM x\nPASS a\nFAIL b: got 1 want 2\nDONE 1/2\n");
        assert_eq!((outcome.passed, outcome.total, outcome.good()), (1, Some(2), false));
        assert_eq!(outcome.failed, ["b: got 1 want 2"]);
        assert_eq!(of("PASS a\n").problem.as_deref(), Some("no DONE line, exit status: 1"));
        assert!(of("PASS a\nDONE 1/1\n").good());
    }

    #[test]
    fn our_own_machine_is_one_of_the_emulators() {
        let laboratory = Laboratory::alone(std::time::Duration::from_secs(60)).unwrap();
        let reports = run_roms(&laboratory, "framework", &|_, _, _| true).unwrap();
        assert!(reports.len() >= 2 && reports.iter().all(|report| report.outcomes.len() == 1 && report.outcomes[0].1.good()));
        assert!(matches!(run_roms(&laboratory, "no-such-rom", &|_, _, _| true), Err(PeersError::NoRom(_))));
    }
}
