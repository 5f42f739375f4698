//! The Intel 8254 interval timer (data sheet 231164) and system control port B of the AT.

use crate::clock::Oscillator;
use bitflags::bitflags;
use serde::{Deserialize, Serialize};
use turtle86_bus::{AccessSize, BusCycle, Device, IrqLine, PortIo, StateError, Stateful, Timer, Wiring, state_from, state_of};

bitflags! {
    /// The status byte of a counter, by the read-back command. Bits 1 to 3 are the mode, bit 0 and bits 4 and 5 as in the control word.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct CounterStatus: u8 {
        /// Counts in decimal.
        const BCD = 1 << 0;
        /// The count written last is not in the counting element yet.
        const NULL_COUNT = 1 << 6;
        /// The output.
        const OUT = 1 << 7;
    }
    /// The read-back command, with bits 6 and 7 set.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct ReadBack: u8 {
        /// Counter 0.
        const COUNTER_0 = 1 << 1;
        /// Counter 1.
        const COUNTER_1 = 1 << 2;
        /// Counter 2.
        const COUNTER_2 = 1 << 3;
        /// Clear: latch the status.
        const NOT_STATUS = 1 << 4;
        /// Clear: latch the count.
        const NOT_COUNT = 1 << 5;
    }
    /// System control port B, 61h.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct ControlB: u8 {
        /// Gate of counter 2.
        const GATE_2 = 1 << 0;
        /// Counter 2 drives the speaker.
        const SPEAKER = 1 << 1;
        /// Memory parity errors do not raise NMI.
        const PARITY_OFF = 1 << 2;
        /// Errors of adapters do not raise NMI.
        const CHANNEL_OFF = 1 << 3;
        /// Toggles with each refresh of memory, every 18 clocks.
        const REFRESH = 1 << 4;
        /// Output of counter 2.
        const OUT_2 = 1 << 5;
        /// An adapter's error.
        const CHANNEL_CHECK = 1 << 6;
        /// A parity error.
        const PARITY_CHECK = 1 << 7;
    }
}

/// Counters at 40h to 42h, the control word at 43h, system control port B at 61h. Counter 0 drives IRQ 0.
///
/// Counters count lazily: what they have counted is worked out from the clock when somebody looks. The only wake-ups are edges of
/// counter 0. After reset all three run in mode 3 from 65536 (the data sheet leaves it open), counter 2 with its gate low.
#[derive(Debug, Default)]
pub struct Pit {
    state: State,
    irq: Option<IrqLine>,
}
impl Pit {
    /// As after a reset.
    pub fn new() -> Pit {
        Pit::default()
    }
    /// The period of the tone on the speaker, in clocks of 14318180/12 Hz, if it sounds.
    pub fn speaker_period(&self) -> Option<u32> {
        let counter = &self.state.counters[2];
        let sounds = self.state.control_b.contains(ControlB::GATE_2 | ControlB::SPEAKER) && counter.is_periodic() && counter.period != 0;
        sounds.then_some(counter.period)
    }

    /// Counts up to now, and drives IRQ 0 by what counter 0 did meanwhile.
    fn count(&mut self, bus: &mut BusCycle<'_>) {
        let now = CLOCK.ticks(bus.now(), bus.clock_hz());
        let ticks = now.saturating_sub(self.state.at);
        self.state.at = now;
        let [zero, one, two] = &mut self.state.counters;
        let rose = zero.advance(ticks);
        one.advance(ticks);
        two.advance(ticks);
        self.drive(rose, bus);
    }
    fn drive(&mut self, rose: bool, bus: &mut BusCycle<'_>) {
        let Some(irq) = self.irq else { return };
        let out = self.state.counters[0].out;
        // Counted over a low phase: the controller has to see the new edge.
        if self.state.line && (rose || !out) {
            bus.deassert_irq(&irq);
        }
        if out && (rose || !self.state.line) {
            bus.assert_irq(&irq);
        }
        self.state.line = out;
    }
    fn schedule(&mut self, bus: &mut BusCycle<'_>) {
        let wake = self.state.counters[0].until_edge().map(|ticks| self.state.at.saturating_add(ticks));
        if wake != self.state.wake {
            self.state.wake = wake;
            match wake {
                Some(tick) => bus.wake_at(CLOCK.cycle_of(tick, bus.clock_hz())),
                None => bus.cancel_wake(),
            }
        }
    }
    fn write_now(&mut self, port: u16, value: u8) {
        let counters = &mut self.state.counters;
        match port {
            0x40..=0x42 => counters[usize::from(port & 3)].write(value),
            0x43 if value >> 6 == 3 => {
                let command = ReadBack::from_bits_truncate(value);
                let chosen = [ReadBack::COUNTER_0, ReadBack::COUNTER_1, ReadBack::COUNTER_2];
                for (counter, flag) in counters.iter_mut().zip(chosen) {
                    if command.contains(flag) {
                        counter.read_back(command);
                    }
                }
            }
            0x43 => counters[usize::from(value >> 6)].control(value),
            _ => {
                let writable = ControlB::GATE_2 | ControlB::SPEAKER | ControlB::PARITY_OFF | ControlB::CHANNEL_OFF;
                self.state.control_b = ControlB::from_bits_retain(value) & writable;
                counters[2].set_gate(self.state.control_b.contains(ControlB::GATE_2));
            }
        }
    }
}
impl Device for Pit {
    fn name(&self) -> &'static str {
        "pit"
    }
    fn connect(&mut self, wiring: &mut Wiring) {
        self.irq = Some(wiring.byte_ports(0x40..=0x43).byte_ports(0x61..=0x61).irq(0));
    }
    fn reset(&mut self, bus: &mut BusCycle<'_>) {
        self.state = State { at: CLOCK.ticks(bus.now(), bus.clock_hz()), ..State::default() };
        self.drive(true, bus);
        bus.cancel_wake();
        self.schedule(bus);
    }
    fn ports(&mut self) -> Option<&mut dyn PortIo> {
        Some(self)
    }
    fn timer(&mut self) -> Option<&mut dyn Timer> {
        Some(self)
    }
    fn state(&mut self) -> Option<&mut dyn Stateful> {
        Some(self)
    }
}
impl PortIo for Pit {
    fn read(&mut self, port: u16, _: AccessSize, bus: &mut BusCycle<'_>) -> u32 {
        self.count(bus);
        let value = match port {
            0x40..=0x42 => self.state.counters[usize::from(port & 3)].read(),
            // The control word cannot be read.
            0x43 => 0xff,
            _ => {
                let mut value = self.state.control_b;
                value.set(ControlB::REFRESH, !(self.state.at / REFRESH_CLOCKS).is_multiple_of(2));
                value.set(ControlB::OUT_2, self.state.counters[2].out);
                value.bits()
            }
        };
        self.schedule(bus);
        value.into()
    }
    fn write(&mut self, port: u16, _: AccessSize, value: u32, bus: &mut BusCycle<'_>) {
        self.count(bus);
        let was = self.state.counters[0].out;
        self.write_now(port, value as u8);
        self.drive(!was && self.state.counters[0].out, bus);
        self.schedule(bus);
    }
}
impl Timer for Pit {
    fn wake(&mut self, bus: &mut BusCycle<'_>) {
        self.state.wake = None;
        self.count(bus);
        self.schedule(bus);
    }
}
impl Stateful for Pit {
    fn save(&self) -> Vec<u8> {
        state_of(&self.state)
    }
    fn load(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        self.state = state_from(bytes)?;
        for counter in &mut self.state.counters {
            counter.make_sane();
        }
        Ok(())
    }
}

/// 1.193182 MHz: a twelfth of the colour burst's fourfold.
const CLOCK: Oscillator = Oscillator::new(14_318_180, 12);
const REFRESH_CLOCKS: u64 = 18;

#[derive(Debug, Serialize, Deserialize)]
struct State {
    counters: [Counter; 3],
    /// The tick up to which the counters have counted.
    at: u64,
    control_b: ControlB,
    /// IRQ 0 as it is driven.
    line: bool,
    /// The tick of the wake-up asked for.
    wake: Option<u64>,
}
impl Default for State {
    fn default() -> State {
        let running = Counter { mode: 3, access: 3, written: true, gate: true, out: true, load: true, ..Counter::default() };
        let counters = [running.clone(), running.clone(), Counter { gate: false, ..running }];
        State { counters, at: 0, control_b: ControlB::empty(), line: false, wake: None }
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Counter {
    mode: u8,
    /// 1: low byte, 2: high byte, 3: low then high.
    access: u8,
    bcd: bool,
    /// The count register, in the form that was written.
    reload: u16,
    /// A count was written since the control word.
    written: bool,
    /// The low byte, while the high byte is missing.
    low: Option<u8>,
    null_count: bool,
    read_high: bool,
    latched: Option<u16>,
    status: Option<u8>,
    gate: bool,
    out: bool,
    /// The counting element, 65536 for a fresh 0.
    element: u32,
    /// What was loaded last into the counting element; 0 before the first time.
    period: u32,
    /// The counting element gets the count at the next clock.
    load: bool,
    /// One-shot modes: the output still has to change when the element reaches 0.
    armed: bool,
    /// Mode 0 between two bytes of a count.
    held: bool,
}
impl Counter {
    fn is_periodic(&self) -> bool {
        matches!(self.mode, 2 | 3)
    }
    fn modulus(&self) -> u32 {
        if self.bcd { 10_000 } else { 0x1_0000 }
    }
    /// The count register as a number, 1 up to the modulus.
    fn count(&self) -> u32 {
        let written = if self.bcd { from_bcd(self.reload) } else { self.reload.into() };
        match written % self.modulus() {
            0 => self.modulus(),
            // No such count in these modes; the shortest that there is takes its place.
            1 if self.is_periodic() => 2,
            count => count,
        }
    }
    fn visible(&self) -> u16 {
        let element = self.element % self.modulus();
        if self.bcd { to_bcd(element) } else { element as u16 }
    }
    fn make_sane(&mut self) {
        self.mode = self.mode.min(5);
        self.access = self.access.clamp(1, 3);
        let most = self.modulus();
        self.element = self.element.min(most);
        if self.period != 0 {
            self.period = self.period.clamp(if self.is_periodic() { 2 } else { 1 }, most);
        }
    }

    // ---- counting

    fn runs(&self) -> bool {
        // A strobe ends by itself.
        let gated = matches!(self.mode, 0 | 2 | 3) || self.mode == 4 && self.out;
        self.period != 0 && !self.held && (self.gate || !gated)
    }
    /// Clocks until `event`.
    fn until_event(&self) -> Option<u64> {
        if self.load {
            return Some(1);
        }
        if !self.runs() {
            return None;
        }
        let clocks = match self.mode {
            2 if self.element > 1 => self.element - 1,
            // An odd count: the high half is one clock longer.
            3 if self.out && self.period & 1 != 0 => self.element / 2 + 1,
            3 => self.element / 2,
            4 | 5 if !self.out => 1,
            0 | 1 | 4 | 5 if self.armed => self.element,
            0 | 1 | 4 | 5 => return None,
            _ => 1,
        };
        Some(clocks.max(1).into())
    }
    /// Takes the clock at which something happens. True: the output rises.
    fn event(&mut self) -> bool {
        let was = self.out;
        if self.load {
            self.load_element();
        } else {
            match self.mode {
                2 if self.element > 1 => (self.element, self.out) = (1, false),
                3 => {
                    let out = !self.out;
                    self.load_element();
                    self.out = out;
                }
                2 => self.load_element(),
                4 | 5 if !self.out => (self.element, self.out) = (self.modulus() - 1, true),
                4 | 5 => (self.element, self.out, self.armed) = (0, false, false),
                _ => (self.element, self.out, self.armed) = (0, true, false),
            }
        }
        !was && self.out
    }
    fn load_element(&mut self) {
        self.period = self.count();
        self.element = if self.mode == 3 { self.period & !1 } else { self.period };
        (self.load, self.null_count, self.armed) = (false, false, true);
        match self.mode {
            1 => self.out = false,
            2 | 3 => self.out = true,
            _ => {}
        }
    }
    /// Counts `ticks` clocks. True: the output rose meanwhile.
    fn advance(&mut self, mut ticks: u64) -> bool {
        let mut rose = false;
        while ticks > 0 {
            if self.is_periodic() && self.runs() && !self.load && !self.null_count && ticks >= u64::from(self.period) {
                // Whole periods lead back to the same place.
                ticks %= u64::from(self.period);
                rose = true;
                continue;
            }
            match self.until_event() {
                Some(clocks) if clocks <= ticks => {
                    ticks -= clocks;
                    rose |= self.event();
                }
                _ => {
                    if self.runs() {
                        self.pass(ticks);
                    }
                    break;
                }
            }
        }
        rose
    }
    /// Counts `ticks` clocks without an event.
    fn pass(&mut self, ticks: u64) {
        let modulus = u64::from(self.modulus());
        let steps = if self.mode == 3 { 2 * ticks } else { ticks };
        let element = u64::from(self.element);
        // Fresh from a load, 65536 is not 0 yet; after the end the element goes on from 0 to FFFFh.
        self.element = match element.checked_sub(steps) {
            Some(left) => left,
            None => (element + modulus - steps % modulus) % modulus,
        } as u32;
    }
    /// Clocks until the next edge of the output. The low clock of a rate generator or strobe is passed over: it ends in an edge at once.
    fn until_edge(&self) -> Option<u64> {
        let mut ahead = self.clone();
        let mut clocks = 0;
        for _ in 0..4 {
            clocks += ahead.until_event()?;
            let was = ahead.out;
            ahead.event();
            let short = !ahead.out && matches!(ahead.mode, 2 | 4 | 5);
            if ahead.out != was && !short {
                return Some(clocks);
            }
        }
        None
    }
    fn set_gate(&mut self, gate: bool) {
        let rising = gate && !self.gate;
        self.gate = gate;
        match self.mode {
            1 | 2 | 3 | 5 if rising && self.written => self.load = true,
            2 | 3 if !gate => self.out = true,
            _ => {}
        }
    }

    // ---- registers

    fn control(&mut self, value: u8) {
        if value >> 4 & 3 == 0 {
            return self.latch();
        }
        let mode = value >> 1 & 7;
        let element = self.element;
        *self = Counter {
            mode: if mode > 5 { mode - 4 } else { mode },
            access: value >> 4 & 3,
            bcd: value & 1 != 0,
            null_count: true,
            gate: self.gate,
            out: mode != 0,
            ..Counter::default()
        };
        // Four decimal digits hold less.
        self.element = element % self.modulus();
    }
    fn latch(&mut self) {
        let count = self.visible();
        self.latched.get_or_insert(count);
    }
    fn read_back(&mut self, command: ReadBack) {
        if !command.contains(ReadBack::NOT_COUNT) {
            self.latch();
        }
        if !command.contains(ReadBack::NOT_STATUS) {
            let mut status = CounterStatus::from_bits_retain(self.access << 4 | self.mode << 1);
            status.set(CounterStatus::BCD, self.bcd);
            status.set(CounterStatus::NULL_COUNT, self.null_count);
            status.set(CounterStatus::OUT, self.out);
            self.status.get_or_insert(status.bits());
        }
    }
    fn read(&mut self) -> u8 {
        if let Some(status) = self.status.take() {
            return status;
        }
        let [low, high] = self.latched.unwrap_or_else(|| self.visible()).to_le_bytes();
        let first_of_two = self.access == 3 && !self.read_high;
        let value = if self.access == 2 || self.read_high { high } else { low };
        self.read_high = first_of_two;
        if !first_of_two {
            self.latched = None;
        }
        value
    }
    fn write(&mut self, value: u8) {
        self.reload = match (self.access, self.low.take()) {
            (1, _) => value.into(),
            (2, _) => u16::from(value) << 8,
            (_, Some(low)) => u16::from_le_bytes([low, value]),
            (_, None) => {
                self.low = Some(value);
                if self.mode == 0 {
                    (self.held, self.out) = (true, false);
                }
                return;
            }
        };
        let first = !self.written;
        (self.written, self.null_count, self.held) = (true, true, false);
        match self.mode {
            0 => (self.load, self.out) = (true, false),
            4 => self.load = true,
            // The running period ends with the old count.
            2 | 3 if first => self.load = true,
            _ => {}
        }
    }
}

fn from_bcd(value: u16) -> u32 {
    (0..4).rev().fold(0, |number, digit| number * 10 + u32::from(value >> (4 * digit) & 15))
}
fn to_bcd(number: u32) -> u16 {
    let digit = |place: u32| (number / place % 10) as u16;
    digit(1000) << 12 | digit(100) << 8 | digit(10) << 4 | digit(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Pic, harness::Bench};
    use proptest::prelude::*;

    /// A processor at the colour burst: three cycles are a clock.
    const SLOW_HZ: u64 = 14_318_180 / 4;

    fn bench() -> Bench {
        Bench::at(vec![Box::new(Pic::new()), Box::new(Pit::new())], SLOW_HZ)
    }
    impl Bench {
        fn pit(&mut self, f: impl FnOnce(&mut Pit, &mut BusCycle<'_>)) {
            self.0.with_device(f).unwrap();
        }
        fn clocks(&mut self, clocks: u64) {
            self.run(3 * clocks);
        }
        /// Lets `clocks` pass and shows the output of counter 2.
        fn out_after(&mut self, clocks: u64) -> bool {
            self.clocks(clocks);
            self.read(0x61) & 0x20 != 0
        }
        fn outs(&mut self, clocks: usize) -> String {
            (0..clocks).map(|_| if self.out_after(1) { 'H' } else { 'L' }).collect()
        }
        fn counts(&mut self, clocks: usize) -> Vec<u16> {
            (0..clocks)
                .map(|_| {
                    self.clocks(1);
                    self.latched(2)
                })
                .collect()
        }
        fn latched(&mut self, counter: u8) -> u16 {
            self.write(0x43, counter << 6);
            let port = 0x40 + u16::from(counter);
            u16::from_le_bytes([self.read(port), self.read(port)])
        }
        fn load(&mut self, counter: u8, mode: u8, count: u16) {
            self.write(0x43, counter << 6 | 0x30 | mode << 1);
            self.reload(counter, count);
        }
        fn reload(&mut self, counter: u8, count: u16) {
            count.to_le_bytes().into_iter().for_each(|byte| self.write(0x40 + u16::from(counter), byte));
        }
        fn gate(&mut self, level: bool) {
            self.write(0x61, level.into());
        }
        fn status(&mut self, counter: u8) -> u8 {
            self.write(0x43, 0xe0 | 2 << counter);
            self.read(0x40 + u16::from(counter))
        }
    }

    #[test]
    fn a_counter_that_was_set_to_decimal_in_the_middle_of_counting_comes_back_from_a_snapshot() {
        let mut bench = bench();
        // Fresh from the load of a 0, the element is above what four digits hold.
        bench.load(2, 2, 0);
        bench.gate(true);
        bench.clocks(1);
        bench.write(0x43, 0xb5);
        let saved = bench.0.save();
        let mut other = self::bench();
        other.0.load(&saved.0, &saved.1).unwrap();
        assert_eq!(other.0.save(), saved);
        assert_eq!(other.latched(2), bench.latched(2));
    }

    #[test]
    fn waveforms_of_the_data_sheet() {
        // A character per clock after the count was written, or after the trigger in modes 1 and 5.
        for (mode, count, wave) in [
            (0, 4, "LLLLHHHHHH"),
            (0, 1, "LHHHHHHHHH"),
            (1, 3, "LLLHHHHHHH"),
            (2, 3, "HHLHHLHHLH"),
            (2, 2, "HLHLHLHLHL"),
            (3, 4, "HHLLHHLLHH"),
            (3, 5, "HHHLLHHHLL"),
            (3, 2, "HLHLHLHLHL"),
            (4, 3, "HHHLHHHHHH"),
            (5, 3, "HHHLHHHHHH"),
        ] {
            let mut bench = bench();
            bench.gate(true);
            bench.load(2, mode, count);
            if matches!(mode, 1 | 5) {
                assert!(bench.out_after(7));
                bench.gate(false);
                bench.gate(true);
            }
            // The first clock loads.
            assert_eq!(bench.outs(10), wave, "mode {mode}, count {count}");
        }
    }

    #[test]
    fn counts_of_the_data_sheet() {
        for (mode, count, counts) in [
            (0, 4, [4, 3, 2, 1, 0, 0xffff, 0xfffe]),
            (2, 3, [3, 2, 1, 3, 2, 1, 3]),
            (3, 4, [4, 2, 4, 2, 4, 2, 4]),
            (3, 5, [4, 2, 0, 4, 2, 4, 2]),
            (4, 3, [3, 2, 1, 0, 0xffff, 0xfffe, 0xfffd]),
            (0, 0, [0, 0xffff, 0xfffe, 0xfffd, 0xfffc, 0xfffb, 0xfffa]),
        ] {
            let mut bench = bench();
            bench.gate(true);
            bench.load(2, mode, count);
            assert_eq!(bench.counts(7), counts, "mode {mode}, count {count}");
        }
    }

    #[test]
    fn a_low_gate_holds_counting_or_ends_the_period() {
        let mut bench = bench();
        bench.gate(true);
        bench.load(2, 0, 5);
        assert!(!bench.out_after(3));
        bench.gate(false);
        assert!(!bench.out_after(100));
        assert_eq!(bench.latched(2), 3);
        bench.gate(true);
        assert_eq!(bench.outs(4), "LLHH");
        for mode in [2, 3] {
            bench.load(2, mode, 4);
            assert!(!bench.out_after(4));
            bench.gate(false);
            assert!(bench.out_after(0), "at once");
            assert!(bench.out_after(10));
            bench.gate(true);
            assert_eq!(bench.outs(4), if mode == 2 { "HHHL" } else { "HHLL" });
        }
    }

    #[test]
    fn a_new_count_waits_for_the_end_of_the_period() {
        let mut bench = bench();
        bench.gate(true);
        bench.load(2, 2, 4);
        bench.clocks(2);
        bench.reload(2, 6);
        assert_eq!(bench.status(2) & 0x40, 0x40, "null count");
        assert_eq!(bench.counts(6), [2, 1, 6, 5, 4, 3]);
        assert_eq!(bench.status(2) & 0x40, 0);
    }

    #[test]
    fn the_first_byte_of_a_count_stops_mode_0() {
        let mut bench = bench();
        bench.gate(true);
        bench.load(2, 0, 2);
        assert!(bench.out_after(4));
        bench.write(0x42, 3);
        assert!(!bench.out_after(50));
        bench.write(0x42, 0);
        assert_eq!(bench.outs(5), "LLLHH");
    }

    #[test]
    fn decimal_counts_are_decimal() {
        let mut bench = bench();
        bench.gate(true);
        bench.write(0x43, 0xb1);
        bench.reload(2, 0x1000);
        assert_eq!(bench.counts(2), [0x1000, 0x0999]);
        bench.reload(2, 0);
        bench.clocks(1 + 9_999);
        assert_eq!(bench.latched(2), 1);
        assert!(bench.out_after(1));
        assert_eq!(bench.counts(1), [0x9999]);
    }

    #[test]
    fn latches_hold_until_they_are_read() {
        let mut bench = bench();
        bench.gate(true);
        bench.load(2, 0, 0x1234);
        bench.clocks(1);
        bench.write(0x43, 0x80);
        bench.clocks(0x50);
        bench.write(0x43, 0x80);
        assert_eq!((bench.read(0x42), bench.read(0x42)), (0x34, 0x12));
        assert_eq!((bench.read(0x42), bench.read(0x42)), (0xe4, 0x11));
        // Status and count together: the status first.
        bench.write(0x43, 0xc8);
        assert_eq!((bench.read(0x42), bench.read(0x42), bench.read(0x42)), (0x30, 0xe4, 0x11));
        for (access, byte) in [(1, 0xe4), (2, 0x11)] {
            bench.write(0x43, 0x80 | access << 4);
            assert_eq!((bench.read(0x42), bench.read(0x42)), (byte, byte));
        }
    }

    #[test]
    fn the_status_shows_mode_access_and_output() {
        for (control, status) in [(0x30, 0x70), (0x14, 0xd4), (0x27, 0xe7), (0x3e, 0xf6), (0x3b, 0xfb)] {
            let mut bench = bench();
            bench.write(0x43, 0x80 | control);
            assert_eq!(bench.status(2), status, "{control:02x}");
        }
    }

    #[test]
    fn control_port_b_reads_back_and_shows_refresh() {
        let mut bench = bench();
        bench.write(0x61, 0xff);
        assert_eq!(bench.read(0x61) & 0xcf, 0x0f);
        let toggles = (0..180)
            .filter(|_| {
                let was = bench.read(0x61);
                bench.clocks(1);
                (was ^ bench.read(0x61)) & 0x10 != 0
            })
            .count();
        assert_eq!(toggles, 10);
    }

    #[test]
    fn interrupts_of_counter_0_come_at_the_exact_cycle() {
        for clock_hz in [SLOW_HZ, 33_333_333, 100_000_000, 3_000_000_001] {
            let mut bench = Bench::at(vec![Box::new(Pic::new()), Box::new(Pit::new())], clock_hz);
            bench.load(0, 2, 1193);
            // Loaded at the first clock, then an edge every 1193.
            for n in 1..=20 {
                assert_eq!(bench.0.timeline.deadline(), CLOCK.cycle_of(1 + 1193 * n, clock_hz).0);
                bench.run_to(bench.0.timeline.deadline());
                assert!(bench.irq(0));
            }
            let hundred = CLOCK.cycle_of(1 + 1193 * 100, clock_hz).0;
            bench.run_to(hundred - 1);
            assert_eq!(bench.0.timeline.deadline(), hundred);
        }
    }

    #[test]
    fn each_period_is_a_new_edge_even_when_nobody_looked() {
        let mut bench = bench();
        [(0x20, 0x11), (0x21, 0x20), (0x21, 0x04), (0x21, 0x01), (0x21, 0xfe)]
            .into_iter()
            .for_each(|(port, value)| bench.write(port, value));
        bench.load(0, 2, 1000);
        for _ in 0..3 {
            bench.clocks(1001);
            assert!(bench.0.lines.intr);
            assert_eq!(bench.0.acknowledge_interrupt(), 0x20);
            bench.write(0x20, 0x20);
            assert!(!bench.0.lines.intr);
        }
        // One call over many periods: an edge is an edge.
        bench.0.timeline.pass(50_000);
        bench.0.wake_due();
        assert!(bench.0.lines.intr);
    }

    #[test]
    fn mode_0_interrupts_once_and_then_sleeps() {
        let mut bench = bench();
        bench.load(0, 0, 100);
        assert!(!bench.irq(0));
        bench.clocks(101);
        assert!(bench.irq(0));
        assert_eq!(bench.0.timeline.deadline(), u64::MAX);
        bench.load(0, 0, 100);
        assert!(!bench.irq(0));
    }

    #[test]
    fn the_speaker_has_a_period_while_it_sounds() {
        let mut bench = bench();
        bench.load(2, 3, 1193);
        bench.write(0x61, 3);
        bench.clocks(10);
        bench.read(0x61);
        let period = |bench: &Bench| bench.0.device::<Pit>().unwrap().speaker_period();
        assert_eq!(period(&bench), Some(1193));
        bench.write(0x61, 1);
        assert_eq!(period(&bench), None);
    }

    proptest! {
        #[test]
        fn looking_often_or_seldom_shows_the_same(
            mode in 0u8..6, bcd: bool, count: u16, later: Option<u16>,
            looks in proptest::collection::vec((0u64..3000, any::<Option<bool>>()), 1..12),
        ) {
            let run = |step: Option<u64>| {
                let mut bench = bench();
                bench.gate(true);
                bench.write(0x43, 0xb0 | mode << 1 | u8::from(bcd));
                bench.reload(2, count % 0x400);
                let mut seen = Vec::new();
                for (i, (clocks, gate)) in looks.iter().enumerate() {
                    match step {
                        Some(step) => (0..*clocks).step_by(step as usize).for_each(|at| {
                            bench.clocks(step.min(clocks - at));
                            bench.pit(|pit, bus| pit.count(bus));
                        }),
                        None => bench.clocks(*clocks),
                    }
                    seen.push((bench.status(2), bench.latched(2)));
                    if let Some(gate) = gate {
                        bench.gate(*gate);
                    }
                    if let (3, Some(later)) = (i, later) {
                        bench.reload(2, later % 0x400);
                    }
                }
                seen
            };
            let often = run(Some(1));
            prop_assert_eq!(&often, &run(None));
            prop_assert_eq!(&often, &run(Some(7)));
        }

        #[test]
        fn a_wrong_state_is_no_panic(noise: Vec<u8>) {
            bench().survives_noise(&noise, &[0x40, 0x41, 0x42, 0x43, 0x61]);
        }
    }
}
