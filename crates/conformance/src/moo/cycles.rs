//! The bus, clock by clock, and how two traces of it are compared.

use super::test::Family;
use std::fmt;

/// A clock of `CYCL`, as captured. Which fields mean something depends on the processor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cycle {
    /// Bit 0 ALE (of the 386: ADS#, turned round), 1 BHE#, 2 READY, 3 LOCK#.
    pub pins: u8,
    /// The address lines.
    pub address: u32,
    /// The 8086's S3 and S4.
    pub segment: u8,
    /// Bit 0 write, 1 advanced write, 2 read.
    pub memory: u8,
    /// The same for ports.
    pub io: u8,
    /// Bit 0 BHE# of the 8086.
    pub more_pins: u8,
    /// The data lines.
    pub data: u16,
    /// The status lines; see [`Cycle::kind`].
    pub status: u8,
    /// 0 Ti, 1 T1 or Ts, 2 T2 or Tc, 3 T3, 4 T4, 5 Tw.
    pub t_state: u8,
    /// 0 none, 1 first byte, 2 emptied, 3 another byte.
    pub queue: u8,
    /// The byte that left the queue.
    pub queue_byte: u8,
}

/// What a bus cycle is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Kind {
    Code,
    Read,
    Write,
    PortRead,
    PortWrite,
    Acknowledge,
    Halt,
}

impl Cycle {
    /// A bus cycle begins with this clock.
    pub fn begins(&self) -> bool {
        self.pins & 1 != 0
    }
    /// What the status lines say; none where the bus is idle.
    pub fn kind(&self, family: Family) -> Option<Kind> {
        use Kind::*;
        let status = usize::from(self.status);
        let idle = None;
        match family {
            Family::I8086 => {
                [Some(Acknowledge), Some(PortRead), Some(PortWrite), Some(Read), Some(Write), Some(Halt), Some(Code), idle][status & 7]
            }
            Family::I286 => match status & 15 {
                0 => Some(Acknowledge),
                4 => Some(Halt),
                5 => Some(Read),
                6 => Some(Write),
                9 => Some(PortRead),
                10 => Some(PortWrite),
                13 => Some(Code),
                _ => None,
            },
            Family::I386 | Family::Turtle86 => {
                [Some(Acknowledge), idle, Some(PortRead), Some(PortWrite), Some(Code), Some(Halt), Some(Read), Some(Write)][status & 7]
            }
        }
    }
}

/// A bus cycle: what and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BusCycle {
    /// What it is for.
    pub kind: Kind,
    /// Where.
    pub address: u32,
}
impl fmt::Display for BusCycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:x}", self.kind, self.address)
    }
}

/// What a test did to the bus: how long it took, and which bus cycles it made. The same of a capture and of a timing tier.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// Clocks from the first fetch to the end of the capture; those of the HLT are in it.
    pub clocks: u64,
    /// The bus cycles in their order.
    pub bus: Vec<BusCycle>,
}
impl Trace {
    /// The trace of a capture.
    pub fn captured(cycles: &[Cycle], family: Family) -> Trace {
        let begun = cycles.iter().filter(|cycle| cycle.begins());
        let bus = begun.filter_map(|cycle| Some(BusCycle { kind: cycle.kind(family)?, address: cycle.address })).collect();
        Trace { clocks: cycles.len() as u64, bus }
    }
}

/// How two traces agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// The same number of clocks.
    pub total: bool,
    /// The first bus cycle that differs, by its number; none if the sequences are the same.
    pub differs_at: Option<usize>,
}

/// Compares a capture with what a timing tier made of the same test.
pub fn compare(captured: &Trace, ours: &Trace) -> Agreement {
    let common = captured.bus.iter().zip(&ours.bus).position(|(a, b)| a != b);
    let shorter = captured.bus.len().min(ours.bus.len());
    let differs_at = common.or((captured.bus.len() != ours.bus.len()).then_some(shorter));
    Agreement { total: captured.clocks == ours.clocks, differs_at }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A word fetch, an idle clock, a byte written: as the 386EX shows them.
    fn capture() -> Vec<Cycle> {
        let t1 = |address, status| Cycle { pins: 9, address, status, t_state: 1, ..Cycle::default() };
        let t2 = |address, status| Cycle { pins: 8, address, status, t_state: 2, ..Cycle::default() };
        let idle = Cycle { pins: 8, address: 0xffffff, status: 4, ..Cycle::default() };
        vec![t1(0x1000, 4), t2(0x1002, 4), idle, t1(0x2001, 7), t2(0x2001, 7), t1(2, 5)]
    }

    #[test]
    fn a_capture_becomes_a_sequence_of_bus_cycles() {
        let trace = Trace::captured(&capture(), Family::I386);
        let cycle = |kind, address| BusCycle { kind, address };
        assert_eq!(trace.clocks, 6);
        assert_eq!(trace.bus, [cycle(Kind::Code, 0x1000), cycle(Kind::Write, 0x2001), cycle(Kind::Halt, 2)]);
    }

    #[test]
    fn totals_and_sequences_are_compared_apart() {
        let captured = Trace::captured(&capture(), Family::I386);
        assert_eq!(compare(&captured, &captured), Agreement { total: true, differs_at: None });
        let slower = Trace { clocks: 7, ..captured.clone() };
        assert_eq!(compare(&captured, &slower), Agreement { total: false, differs_at: None });
        let mut elsewhere = captured.clone();
        elsewhere.bus[1].address = 0x2000;
        assert_eq!(compare(&captured, &elsewhere), Agreement { total: true, differs_at: Some(1) });
        elsewhere.bus.truncate(1);
        assert_eq!(compare(&captured, &elsewhere).differs_at, Some(1));
        let mut longer = captured.clone();
        longer.bus.push(captured.bus[0]);
        assert_eq!(compare(&captured, &longer).differs_at, Some(3));
    }

    #[test]
    fn each_processor_has_its_own_status_lines() {
        let kinds = |family| -> Vec<Option<Kind>> { (0..16).map(|status| Cycle { status, ..Cycle::default() }.kind(family)).collect() };
        assert_eq!(
            (kinds(Family::I8086)[6], kinds(Family::I286)[13], kinds(Family::I386)[4]),
            (Some(Kind::Code), Some(Kind::Code), Some(Kind::Code))
        );
        assert_eq!(
            (kinds(Family::I8086)[4], kinds(Family::I286)[6], kinds(Family::I386)[7]),
            (Some(Kind::Write), Some(Kind::Write), Some(Kind::Write))
        );
        assert_eq!((kinds(Family::I8086)[7], kinds(Family::I286)[3], kinds(Family::I386)[1]), (None, None, None));
    }
}
