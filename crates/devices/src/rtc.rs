//! The Motorola MC146818 real-time clock (data sheet ADI-1022), with the 128 bytes of CMOS memory of later machines.

use crate::clock::Oscillator;
use bitflags::bitflags;
use serde::{Deserialize, Serialize};
use turtle86_bus::{AccessSize, BusCycle, Device, IrqLine, PortIo, StateError, Stateful, Timer, Wiring, state_from, state_of};

bitflags! {
    /// Register A. Bits 0 to 3 select the periodic rate, bits 4 to 6 the divider.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct RegisterA: u8 {
        /// An update comes within 244 us.
        const UIP = 1 << 7;
    }
    /// Register B.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct RegisterB: u8 {
        /// Daylight saving; kept, without effect.
        const DSE = 1 << 0;
        /// Hours are 0 to 23, not 1 to 12 with PM in bit 7.
        const HOURS_24 = 1 << 1;
        /// Time is binary, not BCD.
        const BINARY = 1 << 2;
        /// Square wave output; kept, without effect.
        const SQWE = 1 << 3;
        /// Update-ended interrupt.
        const UIE = 1 << 4;
        /// Alarm interrupt.
        const AIE = 1 << 5;
        /// Periodic interrupt.
        const PIE = 1 << 6;
        /// No updates: the time is being set.
        const SET = 1 << 7;
    }
    /// Register C: what has happened since it was read last.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct RegisterC: u8 {
        /// Update ended.
        const UF = 1 << 4;
        /// Alarm.
        const AF = 1 << 5;
        /// Periodic.
        const PF = 1 << 6;
        /// One of them is enabled: the interrupt output is active.
        const IRQF = 1 << 7;
    }
    /// Register D.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct RegisterD: u8 {
        /// The battery holds.
        const VRT = 1 << 7;
    }
    /// The equipment byte, 14h. Bits 6 and 7 are the number of floppy drives less one.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Equipment: u8 {
        /// There are floppy drives.
        const FLOPPY = 1 << 0;
        /// There is a coprocessor.
        const FPU = 1 << 1;
        /// There is a PS/2 mouse.
        const MOUSE = 1 << 2;
    }
}

/// The time that the clock starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WallClock {
    /// Of the Christian era.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
}
impl Default for WallClock {
    /// 2000-01-01 00:00:00: always the same, so that runs are.
    fn default() -> WallClock {
        WallClock { year: 2000, month: 1, day: 1, hour: 0, minute: 0, second: 0 }
    }
}
impl WallClock {
    /// 1 is Sunday.
    fn weekday(&self) -> u8 {
        let year = u32::from(self.year) + 400 - u32::from(self.month < 3);
        let shift = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4][usize::from(self.month.clamp(1, 12) - 1)];
        ((year + year / 4 - year / 100 + year / 400 + shift + u32::from(self.day)) % 7) as u8 + 1
    }
}

/// A floppy drive, as byte 10h names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum FloppyType {
    /// No drive.
    #[default]
    None = 0,
    /// 5.25", 360 KiB.
    F360K = 1,
    /// 5.25", 1.2 MiB.
    F1200K = 2,
    /// 3.5", 720 KiB.
    F720K = 3,
    /// 3.5", 1.44 MiB.
    F1440K = 4,
    /// 3.5", 2.88 MiB.
    F2880K = 5,
}

/// A device to boot from, as bytes 3Dh and 38h name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum BootDevice {
    /// The first floppy drive.
    Floppy = 1,
    /// The first hard disk.
    HardDisk = 2,
    /// The CD-ROM drive.
    CdRom = 3,
    /// A network card's ROM.
    Network = 4,
}

/// The index at 70h (with the NMI mask in bit 7), the chosen byte at 71h; interrupts on IRQ 8.
///
/// The time base is 32768 Hz. Whole seconds pass at once at their boundary; UIP announces it 8 periods (244 us) before.
/// A reset of the machine leaves the time and the memory alone, as the battery does.
#[derive(Debug)]
pub struct Rtc {
    state: State,
    irq: Option<IrqLine>,
}
impl Default for Rtc {
    fn default() -> Rtc {
        Rtc::new(WallClock::default())
    }
}
impl Rtc {
    /// A clock that shows `start` at cycle 0, in BCD and 24 hours, without interrupts, and knows of a coprocessor.
    pub fn new(start: WallClock) -> Rtc {
        let mut cmos = vec![0; SIZE];
        let [century, year] = [start.year / 100 % 100, start.year % 100].map(|n| n as u8);
        let fields = [
            (SECONDS, start.second),
            (MINUTES, start.minute),
            (HOURS, start.hour),
            (WEEKDAY, start.weekday()),
            (DAY, start.day),
            (MONTH, start.month),
            (YEAR, year),
            (CENTURY, century),
        ];
        for (index, value) in fields {
            cmos[index] = to_bcd(value);
        }
        cmos[A] = 0x26;
        cmos[B] = RegisterB::HOURS_24.bits();
        cmos[D] = RegisterD::VRT.bits();
        cmos[EQUIPMENT] = Equipment::FPU.bits();
        let state = State { cmos, index: D as u8, nmi_masked: false, at: 0, offset: 0, line: false, wake: None };
        let mut rtc = Rtc { state, irq: None };
        rtc.sum_up();
        rtc
    }
    /// Writes the size of memory, in bytes, where firmware looks for it.
    pub fn with_memory(mut self, bytes: u64) -> Rtc {
        let kib = bytes >> 10;
        let base = kib.min(640);
        let extended = kib.saturating_sub(1024).min(0xffff);
        // In 64 KiB, from 16 MiB up to the hole below 4 GiB.
        let high = (bytes.saturating_sub(16 << 20) >> 16).min(0xffff);
        for (index, value) in [(0x15, base), (0x17, extended), (0x30, extended), (0x34, high)] {
            self.state.cmos[index..index + 2].copy_from_slice(&(value as u16).to_le_bytes());
        }
        self.sum_up();
        self
    }
    /// Notes the floppy drives.
    pub fn with_floppies(mut self, a: FloppyType, b: FloppyType) -> Rtc {
        self.state.cmos[0x10] = (a as u8) << 4 | b as u8;
        let drives = [a, b].iter().filter(|drive| **drive != FloppyType::None).count() as u8;
        let kept = self.state.cmos[EQUIPMENT] & !(0xc0 | Equipment::FLOPPY.bits());
        self.state.cmos[EQUIPMENT] = kept | if drives > 0 { (drives - 1) << 6 | Equipment::FLOPPY.bits() } else { 0 };
        self.sum_up();
        self
    }
    /// Notes what equipment there is, but for floppy drives.
    pub fn with_equipment(mut self, equipment: Equipment) -> Rtc {
        let drives = self.state.cmos[EQUIPMENT] & (0xc0 | Equipment::FLOPPY.bits());
        self.state.cmos[EQUIPMENT] = equipment.bits() & !Equipment::FLOPPY.bits() & 0x3f | drives;
        self.sum_up();
        self
    }
    /// Notes what to boot from: up to three devices, in the bytes where SeaBIOS looks on a machine of QEMU's.
    pub fn with_boot_order(mut self, order: &[BootDevice]) -> Rtc {
        let device = |n: usize| order.get(n).map_or(0, |device| *device as u8);
        self.state.cmos[0x3d] = device(1) << 4 | device(0);
        // Bit 0 would boot floppies without a signature, too.
        self.state.cmos[0x38] = device(2) << 4;
        self
    }
    /// Byte `index` of the memory as it is kept.
    pub fn get(&self, index: u8) -> u8 {
        self.state.cmos[usize::from(index) % SIZE]
    }
    /// Changes byte `index` of the memory, and the checksum with it. For hosts: the guest's view of time and interrupts does not follow.
    pub fn set(&mut self, index: u8, value: u8) {
        self.state.cmos[usize::from(index) % SIZE] = value;
        self.sum_up();
    }
    /// Whether the guest has masked NMI, by bit 7 of port 70h.
    pub fn nmi_masked(&self) -> bool {
        self.state.nmi_masked
    }

    fn sum_up(&mut self) {
        let sum = self.state.cmos[0x10..=0x2d].iter().fold(0u16, |sum, byte| sum.wrapping_add((*byte).into()));
        self.state.cmos[0x2e..0x30].copy_from_slice(&sum.to_be_bytes());
    }
    /// Brings the time up to now.
    fn catch_up(&mut self, bus: &mut BusCycle<'_>) {
        self.state.catch_up(CLOCK.ticks(bus.now(), bus.clock_hz()));
    }
    /// Drives IRQ 8 and asks for the wake-up at which it could next rise.
    fn settle(&mut self, bus: &mut BusCycle<'_>) {
        let Some(irq) = self.irq else { return };
        let line = self.state.flags().contains(RegisterC::IRQF);
        if line != self.state.line {
            self.state.line = line;
            if line { bus.assert_irq(&irq) } else { bus.deassert_irq(&irq) }
        }
        let wake = if line { None } else { self.state.next_interrupt() };
        if wake != self.state.wake {
            self.state.wake = wake;
            match wake {
                Some(tick) => bus.wake_at(CLOCK.cycle_of(tick, bus.clock_hz())),
                None => bus.cancel_wake(),
            }
        }
    }
}
impl Device for Rtc {
    fn name(&self) -> &'static str {
        "rtc"
    }
    fn connect(&mut self, wiring: &mut Wiring) {
        self.irq = Some(wiring.byte_ports(0x70..=0x71).irq(8));
    }
    fn reset(&mut self, bus: &mut BusCycle<'_>) {
        self.catch_up(bus);
        let kept = !(RegisterB::PIE | RegisterB::AIE | RegisterB::UIE | RegisterB::SQWE);
        self.state.cmos[B] &= kept.bits();
        self.state.cmos[C] = 0;
        (self.state.nmi_masked, self.state.line, self.state.wake) = (false, false, None);
        bus.cancel_wake();
        self.settle(bus);
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
impl PortIo for Rtc {
    fn read(&mut self, port: u16, _: AccessSize, bus: &mut BusCycle<'_>) -> u32 {
        if port & 1 == 0 {
            // The index cannot be read.
            return 0xff;
        }
        self.catch_up(bus);
        let value = self.state.read();
        self.settle(bus);
        value.into()
    }
    fn write(&mut self, port: u16, _: AccessSize, value: u32, bus: &mut BusCycle<'_>) {
        let value = value as u8;
        if port & 1 == 0 {
            self.state.index = value & 0x7f;
            self.state.nmi_masked = value & 0x80 != 0;
            return;
        }
        self.catch_up(bus);
        self.state.write(value);
        self.settle(bus);
    }
}
impl Timer for Rtc {
    fn wake(&mut self, bus: &mut BusCycle<'_>) {
        self.state.wake = None;
        self.catch_up(bus);
        self.settle(bus);
    }
}
impl Stateful for Rtc {
    fn save(&self) -> Vec<u8> {
        state_of(&self.state)
    }
    fn load(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        self.state = state_from(bytes)?;
        self.state.cmos.resize(SIZE, 0);
        self.state.offset %= HZ;
        Ok(())
    }
}

const HZ: u64 = 32768;
const CLOCK: Oscillator = Oscillator::new(HZ, 1);
/// 244.14 us.
const UIP_TICKS: u64 = 8;
const SIZE: usize = 128;

const SECONDS: usize = 0;
const MINUTES: usize = 2;
const HOURS: usize = 4;
const WEEKDAY: usize = 6;
const DAY: usize = 7;
const MONTH: usize = 8;
const YEAR: usize = 9;
const A: usize = 10;
const B: usize = 11;
const C: usize = 12;
const D: usize = 13;
const EQUIPMENT: usize = 0x14;
const CENTURY: usize = 0x32;

const DAY_SECONDS: u64 = 86400;
/// After so many days a calendar with two digits of a year, and weekdays, begins again.
const CALENDAR_DAYS: u64 = 36525 * 7;

#[derive(Debug, Serialize, Deserialize)]
struct State {
    cmos: Vec<u8>,
    index: u8,
    nmi_masked: bool,
    /// The tick up to which time has been kept.
    at: u64,
    /// Updates come when `tick + offset` is a multiple of 32768.
    offset: u64,
    /// IRQ 8 as it is driven.
    line: bool,
    /// The tick of the wake-up asked for.
    wake: Option<u64>,
}
impl State {
    fn b(&self) -> RegisterB {
        RegisterB::from_bits_retain(self.cmos[B])
    }
    fn has(&self, flags: RegisterB) -> bool {
        self.b().contains(flags)
    }
    /// Register C, with IRQF.
    fn flags(&self) -> RegisterC {
        let flags = self.cmos[C] & 0x70;
        RegisterC::from_bits_retain(flags | if flags & self.cmos[B] != 0 { RegisterC::IRQF.bits() } else { 0 })
    }
    /// Dividers above 010 are for tests or hold the divider.
    fn runs(&self) -> bool {
        self.cmos[A] >> 4 & 7 <= 2
    }
    fn updates(&self) -> bool {
        self.runs() && !self.has(RegisterB::SET)
    }
    /// Ticks in a period of the periodic interrupt.
    fn period(&self) -> Option<u64> {
        match self.cmos[A] & 15 {
            0 => None,
            rate @ 1..=2 => Some(1 << (rate + 6)),
            rate => Some(1 << (rate - 1)),
        }
    }
    /// The tick after `at` that ends a period of `period`.
    fn next(&self, period: u64) -> u64 {
        let phase = self.at.wrapping_add(self.offset) % period;
        self.at.saturating_add(period - phase)
    }
    fn next_interrupt(&self) -> Option<u64> {
        if !self.runs() {
            return None;
        }
        let periodic = self.period().filter(|_| self.has(RegisterB::PIE)).map(|period| self.next(period));
        let second = (self.updates() && self.b().intersects(RegisterB::UIE | RegisterB::AIE)).then(|| self.next(HZ));
        [periodic, second].into_iter().flatten().min()
    }
    fn catch_up(&mut self, tick: u64) {
        let passed = |state: &State, period: u64| match tick.checked_sub(state.next(period)) {
            Some(more) => 1 + more / period,
            None => 0,
        };
        if self.runs() {
            if self.period().is_some_and(|period| passed(self, period) > 0) {
                self.cmos[C] |= RegisterC::PF.bits();
            }
            let seconds = passed(self, HZ);
            if seconds > 0 && self.updates() {
                self.pass(seconds);
                self.cmos[C] |= RegisterC::UF.bits();
            }
        }
        self.at = self.at.max(tick);
    }
    fn pass(&mut self, seconds: u64) {
        let mut stored = Time::of(self);
        let mut time = stored;
        // Only the last day second by second, for the alarm.
        let days = (seconds / DAY_SECONDS).saturating_sub(1);
        for _ in 0..days % CALENDAR_DAYS {
            time.next_day();
        }
        for _ in 0..seconds - days * DAY_SECONDS {
            time.next_second();
            time.store(&stored, self);
            stored = time;
            if [SECONDS, MINUTES, HOURS].iter().all(|i| self.cmos[i + 1] >= 0xc0 || self.cmos[i + 1] == self.cmos[*i]) {
                self.cmos[C] |= RegisterC::AF.bits();
            }
        }
    }
    fn read(&mut self) -> u8 {
        match usize::from(self.index & 0x7f) {
            A => {
                let soon = self.updates() && self.next(HZ).saturating_sub(self.at) <= UIP_TICKS;
                self.cmos[A] & 0x7f | if soon { RegisterA::UIP.bits() } else { 0 }
            }
            C => {
                let flags = self.flags();
                self.cmos[C] = 0;
                flags.bits()
            }
            index => self.cmos[index],
        }
    }
    fn write(&mut self, value: u8) {
        match usize::from(self.index & 0x7f) {
            A => {
                let ran = self.runs();
                self.cmos[A] = value & 0x7f;
                if !ran && self.runs() {
                    // Out of the divider's reset the first update is half a second away.
                    self.offset = (HZ + HZ / 2 - self.at % HZ) % HZ;
                }
            }
            B => {
                let mut value = RegisterB::from_bits_retain(value);
                if value.contains(RegisterB::SET) {
                    value.remove(RegisterB::UIE);
                }
                self.cmos[B] = value.bits();
            }
            C | D => {}
            index => self.cmos[index] = value,
        }
    }
}

/// The time in numbers.
#[derive(Clone, Copy)]
struct Time {
    second: u8,
    minute: u8,
    hour: u8,
    weekday: u8,
    day: u8,
    month: u8,
    year: u8,
    century: u8,
}
impl Time {
    fn of(state: &State) -> Time {
        let number = |index: usize| if state.has(RegisterB::BINARY) { state.cmos[index] } else { from_bcd(state.cmos[index]) };
        let hour = if state.has(RegisterB::HOURS_24) {
            number(HOURS)
        } else {
            let (hour, pm) = (state.cmos[HOURS] & 0x7f, state.cmos[HOURS] & 0x80 != 0);
            let hour = if state.has(RegisterB::BINARY) { hour } else { from_bcd(hour) };
            hour % 12 + if pm { 12 } else { 0 }
        };
        Time {
            second: number(SECONDS),
            minute: number(MINUTES),
            hour,
            weekday: number(WEEKDAY),
            day: number(DAY),
            month: number(MONTH),
            year: number(YEAR),
            // Not the chip's: firmware keeps it, in BCD.
            century: from_bcd(state.cmos[CENTURY]),
        }
    }
    /// Writes back what differs from `before`: a step leaves the bytes of the other fields as they are, even wrong ones.
    fn store(&self, before: &Time, state: &mut State) {
        let binary = state.has(RegisterB::BINARY);
        let written = |value: u8| if binary { value } else { to_bcd(value) };
        let hour = if state.has(RegisterB::HOURS_24) {
            written(self.hour)
        } else {
            let twelve = if self.hour.is_multiple_of(12) { 12 } else { self.hour % 12 };
            written(twelve) | if self.hour >= 12 { 0x80 } else { 0 }
        };
        for (index, was, is, byte) in [
            (SECONDS, before.second, self.second, written(self.second)),
            (MINUTES, before.minute, self.minute, written(self.minute)),
            (HOURS, before.hour, self.hour, hour),
            (WEEKDAY, before.weekday, self.weekday, written(self.weekday)),
            (DAY, before.day, self.day, written(self.day)),
            (MONTH, before.month, self.month, written(self.month)),
            (YEAR, before.year, self.year, written(self.year)),
            (CENTURY, before.century, self.century, to_bcd(self.century)),
        ] {
            if was != is {
                state.cmos[index] = byte;
            }
        }
    }
    fn next_second(&mut self) {
        // A number out of range ends with its next step.
        let carry = |digit: &mut u8, limit: u8| {
            *digit = if *digit >= limit - 1 { 0 } else { *digit + 1 };
            *digit == 0
        };
        if carry(&mut self.second, 60) && carry(&mut self.minute, 60) && carry(&mut self.hour, 24) {
            self.next_day();
        }
    }
    fn next_day(&mut self) {
        self.weekday = if self.weekday >= 7 { 1 } else { self.weekday + 1 };
        let days = match self.month {
            // The chip knows no exceptions.
            2 if self.year.is_multiple_of(4) => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        if self.day < days {
            self.day += 1;
            return;
        }
        self.day = 1;
        self.month = self.month.saturating_add(1);
        if self.month > 12 {
            self.month = 1;
            self.year = self.year.saturating_add(1);
            if self.year > 99 {
                self.year = 0;
                self.century = (self.century + 1) % 100;
            }
        }
    }
}

fn from_bcd(byte: u8) -> u8 {
    (byte >> 4) * 10 + (byte & 15)
}
fn to_bcd(number: u8) -> u8 {
    (number / 10 % 10) << 4 | (number % 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Pic,
        harness::{Bench, CLOCK_HZ},
    };
    use proptest::prelude::*;

    fn bench(rtc: Rtc) -> Bench {
        Bench::new(vec![Box::new(Pic::new()), Box::new(rtc)])
    }
    fn starting(year: u16, month: u8, day: u8, hour: u8, minute: u8, second: u8) -> Bench {
        bench(Rtc::new(WallClock { year, month, day, hour, minute, second }))
    }
    impl Bench {
        fn cmos(&mut self, index: u8) -> u8 {
            self.write(0x70, index);
            self.read(0x71)
        }
        fn set_cmos(&mut self, index: u8, value: u8) {
            self.write(0x70, index);
            self.write(0x71, value);
        }
        /// Century, year, month, day, weekday, hour, minute, second, as the bytes are.
        fn time(&mut self) -> [u8; 8] {
            [0x32, 9, 8, 7, 6, 4, 2, 0].map(|index| self.cmos(index))
        }
        fn irq8(&self) -> bool {
            self.irq(8)
        }
    }

    #[test]
    fn weekdays_of_known_dates() {
        for (year, month, day, weekday) in [(2000, 1, 1, 7), (1970, 1, 1, 5), (1986, 7, 4, 6), (2024, 2, 29, 5), (1999, 12, 31, 6)] {
            assert_eq!(WallClock { year, month, day, ..WallClock::default() }.weekday(), weekday, "{year}-{month}-{day}");
        }
    }

    #[test]
    fn the_calendar_carries() {
        for (start, end) in [
            ((1999, 12, 31, 23, 59, 59), [0x20, 0x00, 0x01, 0x01, 7, 0x00, 0x00, 0x00]),
            ((2000, 2, 28, 23, 59, 59), [0x20, 0x00, 0x02, 0x29, 3, 0x00, 0x00, 0x00]),
            ((2001, 2, 28, 23, 59, 59), [0x20, 0x01, 0x03, 0x01, 5, 0x00, 0x00, 0x00]),
            ((1987, 4, 30, 9, 59, 59), [0x19, 0x87, 0x04, 0x30, 5, 0x10, 0x00, 0x00]),
            ((1987, 4, 30, 23, 59, 59), [0x19, 0x87, 0x05, 0x01, 6, 0x00, 0x00, 0x00]),
        ] {
            let (year, month, day, hour, minute, second) = start;
            let mut bench = starting(year, month, day, hour, minute, second);
            bench.run(CLOCK_HZ - 1);
            assert_eq!(bench.cmos(0), 0x59);
            bench.run(1);
            assert_eq!(bench.time(), end, "{start:?}");
        }
    }

    #[test]
    fn hours_and_bytes_have_the_form_that_register_b_asks_for() {
        for (b, hour, noon) in [(0x02, 0x11, 0x12), (0x06, 11, 12), (0x00, 0x11, 0x92), (0x04, 11, 12 | 0x80)] {
            let mut bench = bench(Rtc::default());
            bench.set_cmos(11, 0x80 | b);
            for (index, value) in [(0, 0x59), (2, 0x59), (4, hour)] {
                bench.set_cmos(index, if b & 4 != 0 && value == 0x59 { 59 } else { value });
            }
            bench.set_cmos(11, b);
            bench.run(CLOCK_HZ);
            assert_eq!([4, 2, 0].map(|index| bench.cmos(index)), [noon, 0, 0], "register B {b:02x}");
        }
    }

    #[test]
    fn nothing_moves_while_the_time_is_being_set() {
        let mut bench = bench(Rtc::default());
        bench.set_cmos(11, 0x92);
        assert_eq!(bench.cmos(11), 0x82, "SET takes the update interrupt away");
        bench.run(5 * CLOCK_HZ - 1);
        assert_eq!((bench.cmos(0), bench.cmos(10), bench.cmos(12) & 0x10), (0, 0x26, 0));
        bench.set_cmos(11, 0x02);
        bench.run(1);
        assert_eq!(bench.cmos(0), 1, "the divider went on");
    }

    #[test]
    fn an_update_is_announced_244_microseconds_before() {
        let mut bench = bench(Rtc::default());
        let first = CLOCK.cycle_of(HZ - 8, CLOCK_HZ).0;
        bench.run_to(first - 1);
        assert_eq!(bench.cmos(10), 0x26);
        bench.run(1);
        assert_eq!(bench.cmos(10), 0xa6);
        bench.run_to(CLOCK_HZ - 1);
        assert_eq!((bench.cmos(10), bench.cmos(0)), (0xa6, 0));
        bench.run(1);
        assert_eq!((bench.cmos(10), bench.cmos(0)), (0x26, 1));
    }

    #[test]
    fn the_periodic_interrupt_has_the_rate_of_the_data_sheet() {
        for (rate, hz) in [(1, 256), (2, 128), (3, 8192), (6, 1024), (10, 64), (15, 2)] {
            let mut bench = bench(Rtc::default());
            bench.set_cmos(10, 0x20 | rate);
            bench.set_cmos(11, 0x42);
            let mut interrupts = 0;
            while bench.now() < CLOCK_HZ {
                bench.run_to(bench.0.timeline.deadline().min(CLOCK_HZ));
                if bench.irq8() {
                    interrupts += 1;
                    assert_eq!(bench.cmos(12) & 0xe0, 0xc0);
                    assert!(!bench.irq8());
                }
            }
            assert_eq!(interrupts, hz, "rate {rate}");
        }
    }

    #[test]
    fn the_alarm_matches_time_and_ignores_fields_with_both_high_bits() {
        for (alarm, after) in [([0x05, 0xff, 0xff], 5), ([0x00, 0x01, 0xff], 60), ([0x00, 0x00, 0x01], 3600), ([0xc0, 0xc0, 0xc0], 1)] {
            let mut bench = bench(Rtc::default());
            for (index, value) in [1, 3, 5].into_iter().zip(alarm) {
                bench.set_cmos(index, value);
            }
            bench.set_cmos(11, 0x22);
            bench.run(after * CLOCK_HZ - 1);
            assert!(!bench.irq8());
            bench.run(1);
            assert!(bench.irq8(), "{alarm:x?}");
            assert_eq!(bench.cmos(12), 0xb0 | if bench.cmos(10) & 15 != 0 { 0x40 } else { 0 });
            assert!(!bench.irq8());
        }
    }

    #[test]
    fn flags_rise_without_interrupts_and_fall_when_read() {
        let mut bench = bench(Rtc::default());
        bench.run(CLOCK_HZ);
        assert_eq!((bench.cmos(12), bench.cmos(12)), (0x50, 0));
        // Enabling an interrupt whose flag is up raises it at once.
        bench.run(CLOCK_HZ);
        bench.set_cmos(11, 0x12);
        assert!(bench.irq8());
        assert_eq!(bench.cmos(12), 0xd0);
        assert!(!bench.irq8());
    }

    #[test]
    fn out_of_divider_reset_the_first_update_takes_half_a_second() {
        let mut bench = bench(Rtc::default());
        bench.set_cmos(10, 0x70);
        bench.run(10 * CLOCK_HZ + 12345);
        assert_eq!(bench.cmos(0), 0);
        bench.set_cmos(10, 0x26);
        let start = bench.now();
        bench.set_cmos(11, 0x12);
        bench.run_to(bench.0.timeline.deadline());
        assert!(bench.irq8());
        let half = CLOCK_HZ / 2;
        assert!((half - CLOCK_HZ / HZ..=half).contains(&(bench.now() - start)));
    }

    #[test]
    fn a_reset_keeps_time_and_memory_but_no_interrupts() {
        let mut bench = bench(Rtc::default());
        bench.set_cmos(0x40, 0x77);
        bench.set_cmos(11, 0x72);
        bench.run(3 * CLOCK_HZ);
        bench.write(0x70, 0x8b);
        assert!(bench.0.device::<Rtc>().unwrap().nmi_masked());
        bench.0.reset_devices();
        assert_eq!([11, 12, 0, 0x40].map(|index| bench.cmos(index)), [0x02, 0, 3, 0x77]);
        assert!(!bench.0.device::<Rtc>().unwrap().nmi_masked());
    }

    #[test]
    fn firmware_finds_memory_drives_and_boot_order() {
        let rtc = |bytes| Rtc::default().with_memory(bytes);
        for (bytes, base, extended, high) in
            [(512 << 10, 512, 0, 0), (1 << 20, 640, 0, 0), (16 << 20, 640, 15360, 0), (64 << 20, 640, 64512, 768)]
        {
            let rtc = rtc(bytes);
            let word = |index| u16::from_le_bytes([rtc.get(index), rtc.get(index + 1)]);
            assert_eq!([0x15, 0x17, 0x30, 0x34].map(word), [base, extended, extended, high], "{bytes}");
        }
        let rtc = rtc(16 << 20)
            .with_floppies(FloppyType::F1440K, FloppyType::F1200K)
            .with_equipment(Equipment::FPU | Equipment::MOUSE)
            .with_boot_order(&[BootDevice::HardDisk, BootDevice::Floppy, BootDevice::CdRom]);
        assert_eq!([0x10, 0x14, 0x3d, 0x38].map(|index| rtc.get(index)), [0x42, 0x47, 0x12, 0x30]);
        let sum: u16 = (0x10..0x2e).map(|index| u16::from(rtc.get(index))).sum();
        assert_eq!([rtc.get(0x2e), rtc.get(0x2f)], sum.to_be_bytes());
    }

    proptest! {
        #[test]
        fn looking_often_or_seldom_shows_the_same_time(looks in proptest::collection::vec(1u64..400_000, 1..40), clock_hz in 1000u64..10_000_000) {
            let at = |clock_hz| Bench::at(vec![Box::new(Pic::new()), Box::new(Rtc::default())], clock_hz);
            let (mut often, mut seldom) = (at(clock_hz), at(clock_hz));
            for look in &looks {
                often.run(look * clock_hz / 100);
                often.time();
            }
            seldom.run(looks.iter().map(|look| look * clock_hz / 100).sum());
            prop_assert_eq!(often.time(), seldom.time());
        }

        #[test]
        fn a_wrong_state_is_no_panic(noise: Vec<u8>) {
            bench(Rtc::default()).survives_noise(&noise, &[0x70, 0x71]);
        }
    }
}
