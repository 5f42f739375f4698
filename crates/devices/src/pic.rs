//! The pair of Intel 8259A interrupt controllers (data sheet 231468), with the edge/level registers of EISA machines.

use bitflags::bitflags;
use serde::{Deserialize, Serialize};
use turtle86_bus::{AccessSize, BusCycle, Device, InterruptController, PortIo, StateError, Stateful, Wiring, state_from, state_of};

bitflags! {
    /// ICW1, at the even port.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Icw1: u8 {
        /// ICW4 follows.
        const IC4 = 1 << 0;
        /// Single: no ICW3 follows, no slaves.
        const SNGL = 1 << 1;
        /// Call address interval (8080 mode only).
        const ADI = 1 << 2;
        /// All inputs are level triggered.
        const LTIM = 1 << 3;
        /// Makes it an ICW1.
        const INIT = 1 << 4;
    }
    /// ICW4.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Icw4: u8 {
        /// 8086 mode. (Without it the chip would put a CALL on the bus, which no IA-32 processor takes: the vector comes all the same.)
        const UPM = 1 << 0;
        /// Automatic end of interrupt.
        const AEOI = 1 << 1;
        /// Buffered mode, master.
        const MS = 1 << 2;
        /// Buffered mode.
        const BUF = 1 << 3;
        /// Special fully nested mode.
        const SFNM = 1 << 4;
    }
    /// OCW2, at the even port; bits 0 to 2 are the level.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Ocw2: u8 {
        /// End of interrupt.
        const EOI = 1 << 5;
        /// The level is specific.
        const SL = 1 << 6;
        /// Rotate priorities.
        const R = 1 << 7;
    }
    /// OCW3, at the even port.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Ocw3: u8 {
        /// With RR: the in-service register, else the request register.
        const RIS = 1 << 0;
        /// Choose the register to read.
        const RR = 1 << 1;
        /// The next read is an acknowledge.
        const P = 1 << 2;
        /// Makes it an OCW3.
        const OCW3 = 1 << 3;
        /// With ESMM: special mask mode on, else off.
        const SMM = 1 << 5;
        /// Enables SMM.
        const ESMM = 1 << 6;
    }
}

/// The master at 20h/21h, the slave on its input 2 at A0h/A1h, ELCR at 4D0h/4D1h.
///
/// After reset every input is masked (the data sheet leaves it open), so that nothing interrupts before the guest has set vectors.
#[derive(Debug, Default)]
pub struct Pic {
    chips: State,
}
impl Pic {
    /// Both chips as after a reset.
    pub fn new() -> Pic {
        Pic::default()
    }
    /// The interrupt mask registers, the slave's above the master's.
    pub fn masks(&self) -> u16 {
        u16::from_le_bytes([self.chips.master.mask, self.chips.slave.mask])
    }
    /// The interrupt request registers, the slave's above the master's.
    pub fn requests(&self) -> u16 {
        u16::from_le_bytes([self.chips.master.requests(), self.chips.slave.requests()])
    }
    /// The in-service registers, the slave's above the master's.
    pub fn in_service(&self) -> u16 {
        u16::from_le_bytes([self.chips.master.in_service, self.chips.slave.in_service])
    }

    /// The slave's output is the master's input 2, the master's output INTR.
    fn settle(&mut self, bus: &mut BusCycle<'_>) {
        let slave = self.chips.slave.winner().is_some();
        self.chips.master.input(CASCADE, slave);
        bus.set_intr(self.chips.master.winner().is_some());
    }
}
impl Device for Pic {
    fn name(&self) -> &'static str {
        "pic"
    }
    fn connect(&mut self, wiring: &mut Wiring) {
        wiring.byte_ports(0x20..=0x21).byte_ports(0xa0..=0xa1).byte_ports(0x4d0..=0x4d1);
    }
    fn reset(&mut self, bus: &mut BusCycle<'_>) {
        self.chips = State::default();
        let [master, slave] = bus.lines().irq.to_le_bytes();
        (self.chips.master.levels, self.chips.slave.levels) = (master & !(1 << CASCADE), slave);
        self.settle(bus);
    }
    fn ports(&mut self) -> Option<&mut dyn PortIo> {
        Some(self)
    }
    fn state(&mut self) -> Option<&mut dyn Stateful> {
        Some(self)
    }
    fn interrupt_controller(&mut self) -> Option<&mut dyn InterruptController> {
        Some(self)
    }
}
impl PortIo for Pic {
    fn read(&mut self, port: u16, _: AccessSize, bus: &mut BusCycle<'_>) -> u32 {
        let value = match port {
            0x4d0 => self.chips.master.elcr,
            0x4d1 => self.chips.slave.elcr,
            _ => self.chips.at(port).read(port & 1 != 0),
        };
        // A poll acknowledges: outputs may change.
        self.settle(bus);
        value.into()
    }
    fn write(&mut self, port: u16, _: AccessSize, value: u32, bus: &mut BusCycle<'_>) {
        let value = value as u8;
        match port {
            0x4d0 => self.chips.master.elcr = value & ELCR_MASTER,
            0x4d1 => self.chips.slave.elcr = value & ELCR_SLAVE,
            _ => self.chips.at(port).write(port & 1 != 0, value),
        }
        self.settle(bus);
    }
}
impl InterruptController for Pic {
    fn inputs_changed(&mut self, levels: u16, rising: u16, bus: &mut BusCycle<'_>) {
        let ([master, slave], [master_rising, slave_rising]) = (levels.to_le_bytes(), rising.to_le_bytes());
        let not_cascade = !(1 << CASCADE);
        self.chips.master.inputs(master, master_rising & not_cascade, not_cascade);
        self.chips.slave.inputs(slave, slave_rising, !0);
        self.settle(bus);
    }
    fn acknowledge(&mut self, bus: &mut BusCycle<'_>) -> u8 {
        let State { master, slave } = &mut self.chips;
        let vector = match master.winner() {
            Some(CASCADE) if master.has_slave() => {
                master.take(CASCADE);
                // The slave's output falls with the acknowledge: what it wants next is a new edge.
                let answer = slave.acknowledge();
                master.input(CASCADE, false);
                // A slave of another name does not know that it is meant.
                if slave.icw3 & 7 == CASCADE { answer } else { 0xff }
            }
            _ => master.acknowledge(),
        };
        self.settle(bus);
        vector
    }
}
impl Stateful for Pic {
    fn save(&self) -> Vec<u8> {
        state_of(&self.chips)
    }
    fn load(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        self.chips = state_from(bytes)?;
        self.chips.master.lowest &= 7;
        self.chips.slave.lowest &= 7;
        Ok(())
    }
}

const CASCADE: u8 = 2;
/// Timer, keyboard and cascade are always edge triggered, and so are clock and coprocessor.
const ELCR_MASTER: u8 = 0xf8;
const ELCR_SLAVE: u8 = 0xde;

#[derive(Debug, Serialize, Deserialize)]
struct State {
    master: Chip,
    slave: Chip,
}
impl Default for State {
    fn default() -> State {
        let chip = |icw3| Chip { mask: 0xff, icw3, ..Chip::default() };
        State { master: chip(1 << CASCADE), slave: chip(CASCADE) }
    }
}
impl State {
    fn at(&mut self, port: u16) -> &mut Chip {
        if port & 0x80 == 0 { &mut self.master } else { &mut self.slave }
    }
}

/// What the odd port takes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Expects {
    #[default]
    Ocw1,
    Icw2,
    Icw3,
    Icw4,
}

#[derive(Debug, Serialize, Deserialize)]
struct Chip {
    levels: u8,
    /// Edge sense latches: set by a rising input, cleared when it falls or is acknowledged.
    edges: u8,
    in_service: u8,
    mask: u8,
    elcr: u8,
    base: u8,
    icw1: Icw1,
    icw3: u8,
    icw4: Icw4,
    expects: Expects,
    /// The input with the lowest priority.
    lowest: u8,
    rotate_on_aeoi: bool,
    special_mask: bool,
    read_in_service: bool,
    poll: bool,
}
impl Default for Chip {
    fn default() -> Chip {
        Chip {
            levels: 0,
            edges: 0,
            in_service: 0,
            mask: 0,
            elcr: 0,
            base: 0,
            icw1: Icw1::empty(),
            icw3: 0,
            icw4: Icw4::UPM,
            expects: Expects::Ocw1,
            lowest: 7,
            rotate_on_aeoi: false,
            special_mask: false,
            read_in_service: false,
            poll: false,
        }
    }
}
impl Chip {
    fn inputs(&mut self, levels: u8, rising: u8, which: u8) {
        self.levels = self.levels & !which | levels & which;
        // A request that is gone before its acknowledge was none.
        self.edges = (self.edges | rising) & self.levels;
    }
    fn input(&mut self, line: u8, level: bool) {
        let bit = 1 << line;
        let rising = if level { bit & !self.levels } else { 0 };
        self.inputs(if level { bit } else { 0 }, rising, bit);
    }
    fn requests(&self) -> u8 {
        let level_triggered = if self.icw1.contains(Icw1::LTIM) { 0xff } else { self.elcr };
        self.levels & level_triggered | self.edges & !level_triggered
    }
    /// 0 for the highest priority among `of`, 8 if there is none.
    fn rank(&self, of: u8) -> u8 {
        of.rotate_right(u32::from(self.lowest) + 1).trailing_zeros() as u8
    }
    fn line_of(&self, rank: u8) -> u8 {
        (self.lowest + 1 + rank) & 7
    }
    fn has_slave(&self) -> bool {
        !self.icw1.contains(Icw1::SNGL) && self.icw3 & 1 << CASCADE != 0
    }
    /// The request that the chip's output stands for.
    fn winner(&self) -> Option<u8> {
        let wanted = self.rank(self.requests() & !self.mask);
        // In special mask mode a masked level in service does not hold back others.
        let serving = self.rank(if self.special_mask { self.in_service & !self.mask } else { self.in_service });
        let line = self.line_of(wanted);
        // In special fully nested mode the slave's own nesting decides among its inputs.
        let nested = self.icw4.contains(Icw4::SFNM) && self.icw3 & 1 << line != 0 && wanted == serving;
        (wanted < 8 && (wanted < serving || nested)).then_some(line)
    }
    fn take(&mut self, line: u8) {
        self.edges &= !(1 << line);
        if !self.icw4.contains(Icw4::AEOI) {
            self.in_service |= 1 << line;
        } else if self.rotate_on_aeoi {
            self.lowest = line;
        }
    }
    /// The vector; of input 7 without a service bit if nothing is wanted any more.
    fn acknowledge(&mut self) -> u8 {
        let winner = self.winner();
        if let Some(line) = winner {
            self.take(line);
        }
        self.base | winner.unwrap_or(7)
    }
    fn read(&mut self, odd: bool) -> u8 {
        if std::mem::take(&mut self.poll) {
            let winner = self.winner();
            return winner.map_or(0, |line| {
                self.take(line);
                0x80 | line
            });
        }
        match (odd, self.read_in_service) {
            (true, _) => self.mask,
            (false, true) => self.in_service,
            (false, false) => self.requests(),
        }
    }
    fn write(&mut self, odd: bool, value: u8) {
        if !odd {
            return match value & 0x18 {
                0x00 => self.ocw2(value),
                0x08 => self.ocw3(Ocw3::from_bits_retain(value)),
                _ => self.icw1(Icw1::from_bits_truncate(value)),
            };
        }
        let four = || if self.icw1.contains(Icw1::IC4) { Expects::Icw4 } else { Expects::Ocw1 };
        match self.expects {
            Expects::Ocw1 => self.mask = value,
            Expects::Icw2 => {
                self.base = value & 0xf8;
                self.expects = if self.icw1.contains(Icw1::SNGL) { four() } else { Expects::Icw3 };
            }
            Expects::Icw3 => (self.icw3, self.expects) = (value, four()),
            Expects::Icw4 => (self.icw4, self.expects) = (Icw4::from_bits_truncate(value), Expects::Ocw1),
        }
    }
    fn icw1(&mut self, icw1: Icw1) {
        *self = Chip {
            levels: self.levels,
            elcr: self.elcr,
            base: self.base,
            icw3: self.icw3,
            icw4: if icw1.contains(Icw1::IC4) { self.icw4 } else { Icw4::empty() },
            icw1,
            expects: Expects::Icw2,
            ..Chip::default()
        };
    }
    fn ocw2(&mut self, value: u8) {
        let (ocw2, level) = (Ocw2::from_bits_truncate(value), value & 7);
        let ended = match (ocw2.contains(Ocw2::EOI), ocw2.contains(Ocw2::SL)) {
            (true, true) => Some(level),
            (true, false) => {
                // Special mask mode keeps masked levels in service.
                let rank = self.rank(if self.special_mask { self.in_service & !self.mask } else { self.in_service });
                (rank < 8).then(|| self.line_of(rank))
            }
            (false, true) => {
                if ocw2.contains(Ocw2::R) {
                    self.lowest = level;
                }
                None
            }
            (false, false) => {
                self.rotate_on_aeoi = ocw2.contains(Ocw2::R);
                None
            }
        };
        if let Some(line) = ended {
            self.in_service &= !(1 << line);
            if ocw2.contains(Ocw2::R) {
                self.lowest = line;
            }
        }
    }
    fn ocw3(&mut self, ocw3: Ocw3) {
        if ocw3.contains(Ocw3::ESMM) {
            self.special_mask = ocw3.contains(Ocw3::SMM);
        }
        self.poll = ocw3.contains(Ocw3::P);
        if ocw3.contains(Ocw3::RR) {
            self.read_in_service = ocw3.contains(Ocw3::RIS);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::Bench;
    use proptest::prelude::*;
    use turtle86_bus::IrqLine;

    /// A hand on every interrupt line.
    #[derive(Default)]
    struct Hand(Vec<IrqLine>);
    impl Device for Hand {
        fn name(&self) -> &'static str {
            "hand"
        }
        fn connect(&mut self, wiring: &mut Wiring) {
            self.0 = (0..16).map(|line| wiring.irq(line)).collect();
        }
    }
    const EDGE: u8 = 0x11;
    const LEVEL: u8 = 0x19;
    impl Bench {
        fn raise(&mut self, line: usize) {
            self.0.with_device(|hand: &mut Hand, bus| bus.assert_irq(&hand.0[line])).unwrap();
        }
        fn lower(&mut self, line: usize) {
            self.0.with_device(|hand: &mut Hand, bus| bus.deassert_irq(&hand.0[line])).unwrap();
        }
        fn pulse(&mut self, line: usize) {
            self.lower(line);
            self.raise(line);
        }
        fn intr(&self) -> bool {
            self.0.lines.intr
        }
        fn pic(&self) -> &Pic {
            self.0.device().unwrap()
        }
        /// The vector, if INTR asks.
        fn vector(&mut self) -> Option<u8> {
            self.intr().then(|| self.0.acknowledge_interrupt())
        }
        fn vectors(&mut self) -> Vec<u8> {
            std::iter::from_fn(|| self.vector()).collect()
        }
        fn initialise(&mut self, icw1: u8, icw4: u8) {
            for (port, base, cascade) in [(0x20, 0x20, 4), (0xa0, 0x70, 2)] {
                self.write(port, icw1);
                [base, cascade, icw4].into_iter().for_each(|value| self.write(port + 1, value));
            }
        }
    }
    fn bench_with(icw1: u8, icw4: u8) -> Bench {
        let mut bench = Bench::new(vec![Box::new(Pic::new()), Box::new(Hand::default())]);
        bench.initialise(icw1, icw4);
        bench
    }
    fn bench() -> Bench {
        bench_with(EDGE, 0x01)
    }

    #[test]
    fn nothing_interrupts_before_the_guest_has_set_vectors() {
        let mut bench = Bench::new(vec![Box::new(Pic::new()), Box::new(Hand::default())]);
        (0..16).for_each(|line| bench.raise(line));
        assert!(!bench.intr());
        bench.initialise(EDGE, 0x01);
        assert!(!bench.intr(), "ICW1 clears the edge latches");
        bench.pulse(3);
        assert_eq!(bench.vector(), Some(0x23));
    }

    #[test]
    fn every_line_has_its_vector() {
        for line in (0..16).filter(|line| *line != 2) {
            let mut bench = bench();
            bench.raise(line);
            assert_eq!(bench.vector(), Some(if line < 8 { 0x20 + line } else { 0x68 + line } as u8));
            assert_eq!(bench.pic().in_service(), 1 << line | if line < 8 { 0 } else { 4 });
            assert!(!bench.intr());
        }
    }

    #[test]
    fn higher_priorities_nest_and_lower_ones_wait() {
        let mut bench = bench();
        [6, 4, 10, 1].into_iter().for_each(|line| bench.raise(line));
        assert_eq!(bench.vector(), Some(0x21));
        bench.raise(0);
        assert_eq!(bench.vector(), Some(0x20));
        let mut order = Vec::new();
        for _ in 0..8 {
            bench.write(0x20, 0x20);
            order.extend(bench.vector());
            if bench.pic().in_service() >> 8 != 0 {
                bench.write(0xa0, 0x20);
            }
        }
        assert_eq!(order, [0x72, 0x24, 0x26]);
    }

    #[test]
    fn an_edge_counts_once_and_a_level_as_long_as_it_lasts() {
        for (icw1, elcr, line, again) in [(EDGE, 0, 5, false), (LEVEL, 0, 5, true), (EDGE, 0x20, 5, true), (EDGE, 0xff, 1, false)] {
            let mut bench = bench_with(icw1, 0x01);
            bench.write(0x4d0, elcr);
            bench.raise(line);
            assert_eq!(bench.vector(), Some(0x20 + line as u8));
            bench.write(0x20, 0x20);
            assert_eq!(bench.intr(), again, "{icw1:02x} {elcr:02x} {line}");
            bench.lower(line);
            assert!(!bench.intr());
        }
        let mut bench = bench();
        bench.write(0x4d0, 0xff);
        bench.write(0x4d1, 0xff);
        assert_eq!((bench.read(0x4d0), bench.read(0x4d1)), (ELCR_MASTER, ELCR_SLAVE));
    }

    #[test]
    fn a_request_that_goes_away_is_spurious() {
        let mut bench = bench();
        bench.raise(5);
        bench.lower(5);
        assert!(!bench.intr());
        assert_eq!(bench.0.acknowledge_interrupt(), 0x27);
        assert_eq!(bench.pic().in_service(), 0);
        // The slave's level is gone, the master's input 2 is still up for a moment: only a poll of the slave can show it.
        bench.raise(9);
        bench.write(0xa0, 0x0c);
        assert_eq!(bench.read(0xa0), 0x81);
        assert!(!bench.intr());
    }

    #[test]
    fn ends_of_interrupt_end_what_the_data_sheet_says() {
        for (ocw2, left, first) in [
            (0x20, 0b1010_0000, 0),
            (0x65, 0b1000_1000, 0),
            (0xa0, 0b1010_0000, 4),
            (0xe5, 0b1000_1000, 6),
            (0xc3, 0b1010_1000, 4),
            (0x40, 0b1010_1000, 0),
        ] {
            let mut bench = bench();
            for line in [7, 5, 3] {
                bench.raise(line);
                bench.vector();
            }
            bench.write(0x20, ocw2);
            assert_eq!(bench.pic().in_service(), left, "OCW2 {ocw2:02x}");
            (0..8).for_each(|level| bench.write(0x20, 0x60 | level));
            [0, 1, 3, 4, 5, 6, 7].into_iter().for_each(|line| bench.pulse(line));
            assert_eq!(bench.vector(), Some(0x20 + first), "OCW2 {ocw2:02x}");
        }
    }

    #[test]
    fn automatic_end_of_interrupt_may_rotate() {
        for (ocw2, order) in [(0x00, [0x20, 0x20, 0x20]), (0x80, [0x20, 0x21, 0x20])] {
            let mut bench = bench_with(EDGE, 0x03);
            bench.write(0x20, ocw2);
            bench.raise(0);
            bench.raise(1);
            let mut seen = Vec::new();
            for _ in 0..3 {
                seen.extend(bench.vector());
                assert_eq!(bench.pic().in_service(), 0);
                bench.pulse(0);
            }
            assert_eq!(seen, order);
        }
    }

    #[test]
    fn special_mask_mode_lets_lower_priorities_through() {
        let mut bench = bench();
        bench.raise(1);
        bench.vector();
        bench.raise(4);
        bench.write(0x21, 0x02);
        assert!(!bench.intr());
        bench.write(0x20, 0x68);
        assert_eq!(bench.vector(), Some(0x24));
        // A masked level stays in service.
        bench.write(0x20, 0x20);
        bench.write(0x20, 0x20);
        assert_eq!(bench.pic().in_service(), 0x02);
        bench.write(0x20, 0x48);
        bench.write(0x20, 0x20);
        assert_eq!(bench.pic().in_service(), 0);
    }

    #[test]
    fn special_fully_nested_mode_lets_the_slave_nest() {
        for (icw4, nested) in [(0x01, None), (0x11, Some(0x71))] {
            let mut bench = bench_with(EDGE, icw4);
            bench.raise(12);
            assert_eq!(bench.vector(), Some(0x74));
            bench.raise(9);
            assert_eq!(bench.vector(), nested, "ICW4 {icw4:02x}");
            bench.raise(5);
            assert_eq!(bench.vector(), None, "lower ones still wait");
        }
    }

    #[test]
    fn registers_read_as_chosen_and_a_poll_acknowledges() {
        let mut bench = bench();
        bench.write(0x21, 0xf0);
        bench.raise(1);
        bench.raise(3);
        bench.raise(6);
        assert_eq!(bench.vector(), Some(0x21));
        assert_eq!((bench.read(0x20), bench.read(0x21)), (0x48, 0xf0));
        bench.write(0x20, 0x0b);
        assert_eq!(bench.read(0x20), 0x02);
        bench.write(0x20, 0x20);
        assert_eq!(bench.read(0x20), 0x00, "OCW2 leaves the choice");
        bench.write(0x20, 0x0c);
        assert_eq!((bench.read(0x20), bench.read(0x20)), (0x83, 0x08));
        bench.write(0x20, 0x0e);
        assert_eq!(bench.read(0x20), 0x00, "nothing above level 3");
        assert_eq!(bench.read(0x20), 0x40, "the request register");
    }

    #[test]
    fn a_single_chip_takes_no_icw3_and_a_slave_answers_to_its_name() {
        let mut bench = bench();
        bench.write(0x20, 0x13);
        bench.write(0x21, 0x50);
        bench.write(0x21, 0x01);
        bench.write(0x21, 0xfe);
        assert_eq!(bench.pic().masks() & 0xff, 0xfe);
        let mut bench = self::bench();
        [(0xa0, 0x11), (0xa1, 0x70), (0xa1, 0x03), (0xa1, 0x01)].into_iter().for_each(|(port, value)| bench.write(port, value));
        bench.raise(8);
        assert_eq!(bench.vector(), Some(0xff));
    }

    #[test]
    fn the_slave_asks_again_by_a_new_edge() {
        let mut bench = bench();
        bench.raise(8);
        bench.raise(14);
        assert_eq!(bench.vector(), Some(0x70));
        bench.write(0xa0, 0x20);
        bench.write(0x20, 0x20);
        assert_eq!(bench.vectors(), [0x76]);
    }

    proptest! {
        #[test]
        fn every_rising_line_is_served_once_whatever_the_order(lines in proptest::sample::subsequence((0..16usize).filter(|l| *l != 2).collect::<Vec<_>>(), 0..15).prop_shuffle()) {
            let mut bench = bench();
            lines.iter().for_each(|line| bench.raise(*line));
            let mut served = Vec::new();
            while let Some(vector) = bench.vector() {
                served.push(if vector < 0x70 { vector - 0x20 } else { vector - 0x68 } as usize);
                if vector >= 0x70 {
                    bench.write(0xa0, 0x20);
                }
                bench.write(0x20, 0x20);
            }
            let mut by_priority = lines.clone();
            by_priority.sort_by_key(|line| match line { 0..=1 => *line, 8.. => line - 6, _ => line + 8 });
            prop_assert_eq!(served, by_priority);
        }

        #[test]
        fn a_wrong_state_is_no_panic(noise: Vec<u8>) {
            let mut bench = bench();
            bench.survives_noise(&noise, &[0x20, 0x21, 0xa0, 0xa1, 0x4d0]);
            (0..16).for_each(|line| bench.raise(line));
            bench.0.acknowledge_interrupt();
        }
    }
}
