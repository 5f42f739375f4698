//! Devices on a bus of their own, under everything that a guest, other devices and the host can do to them.
//!
//! Input: a list of actions, a byte that says which and bytes for what it needs. Two buses: what the first saves the second
//! loads, and from then on both do the same and must give the same.

pub mod device_state;
mod wires;

use crate::bench::{Pool, with};
use turtle86::{
    bus::{AccessSize, Cycle, Device, MemoryMap, SystemBus},
    devices::{DebugCon, DebugExit, Dma, Keyboard, Pic, Pit, PostPort, Rtc, ShutdownPort, Sink, Uart, WallClock},
};
use wires::Wires;

const CLOCK_HZ: u64 = 2_000_000;
/// Wake-ups that one run lives through; then time only jumps.
const MOST_WAKES: u32 = 3000;
/// What a device keeps beside what the host gave it: a guest must not make it grow.
const MOST_STATE: usize = 500;

/// The devices of one target and their ports.
struct Setup {
    name: &'static str,
    devices: fn() -> Vec<Box<dyn Device>>,
    ports: &'static [u16],
}
macro_rules! targets {
    ($($name:ident: $devices:expr, $ports:expr;)*) => {
        const SETUPS: &[&Setup] = &[$(&$name::SETUP),*];
        $(
            #[doc = concat!("`", stringify!($name), "` alone, or with what it needs.")]
            pub mod $name {
                use super::*;
                pub(super) const SETUP: Setup = Setup { name: stringify!($name), devices: || $devices, ports: $ports };
                /// Runs one input.
                pub fn run(data: &[u8]) {
                    on_twins(&SETUP, |twins| twins.act(data));
                }
            }
        )*
    };
}
targets! {
    pic: vec![Box::new(Pic::new()), wires()], &[0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1];
    pit: vec![Box::new(Pic::new()), Box::new(Pit::new()), wires()], &[0x40, 0x41, 0x42, 0x43, 0x61, 0x20, 0x21];
    rtc: vec![Box::new(Pic::new()), Box::new(Rtc::new(WallClock { year: 1999, month: 12, day: 31, hour: 23, minute: 59, second: 58 })), wires()], &[0x70, 0x71];
    keyboard: vec![Box::new(Pic::new()), Box::new(Keyboard::new()), wires()], &[0x60, 0x64, 0x92];
    dma: vec![Box::new(Dma::new()), wires()], &[
        0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8a,
        0x8b, 0x8f, 0xc0, 0xc2, 0xc4, 0xc6, 0xc8, 0xca, 0xcc, 0xce, 0xd0, 0xd2, 0xd4, 0xd6, 0xd8, 0xda, 0xdc, 0xde,
    ];
    uart: vec![
        Box::new(Pic::new()),
        Box::new(Uart::com1().with_output(Sink::Nowhere)),
        Box::new(Uart::com2().with_output(Sink::Nowhere).with_line_rate()),
        wires(),
    ], &[
        0x3f8, 0x3f9, 0x3fa, 0x3fb, 0x3fc, 0x3fd, 0x3fe, 0x3ff, 0x2f8, 0x2f9, 0x2fa, 0x2fb, 0x2fc, 0x2fd, 0x2fe, 0x2ff,
    ];
    simple_devices: vec![
        Box::new(PostPort::default()),
        Box::new(DebugCon::new(Sink::Nowhere)),
        Box::new(DebugExit),
        Box::new(ShutdownPort::default()),
        Box::new(Keyboard::new()),
        wires(),
    ], &[0x80, 0xe9, 0x402, 0xf4, 0xf5, 0xf6, 0xf7, 0x8900, 0x92];
}
fn wires() -> Box<dyn Device> {
    Box::new(Wires::default())
}

type Saved = (Vec<u8>, Vec<(String, Vec<u8>)>);
struct Twins {
    bus: SystemBus,
    twin: SystemBus,
    /// The second follows the first.
    both: bool,
    ports: &'static [u16],
    clean: Saved,
    wakes: u32,
    /// Bytes that the host has given.
    given: usize,
}
thread_local! {
    static TWINS: Pool<&'static str, Twins> = Pool::default();
}

/// Lends the buses of a target, as after power-on.
fn on_twins(setup: &Setup, f: impl FnOnce(&mut Twins)) {
    let make = |_: &&str| {
        let bus = || {
            let map = MemoryMap { ram: 64 << 10, ..MemoryMap::default() };
            SystemBus::new(&map, (setup.devices)(), CLOCK_HZ).unwrap_or_else(|error| panic!("{error}"))
        };
        let mut first = bus();
        Twins { clean: first.save(), bus: first, twin: bus(), both: false, ports: setup.ports, wakes: 0, given: 0 }
    };
    with(&TWINS, setup.name, make, |twins| {
        twins.bus.memory.ram_mut().fill(0);
        load(&mut twins.bus, &twins.clean).unwrap_or_else(|error| panic!("{error}"));
        (twins.both, twins.wakes, twins.given) = (false, 0, 0);
        f(twins);
    });
}
fn load(bus: &mut SystemBus, saved: &Saved) -> Result<(), turtle86::bus::StateError> {
    bus.load(&saved.0, &saved.1)
}

/// Takes operands off an input; past its end they are zero.
struct Bytes<'a>(&'a [u8]);
impl Bytes<'_> {
    fn u8(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }
    fn u16(&mut self) -> u16 {
        u16::from_le_bytes([self.u8(), self.u8()])
    }
    fn u32(&mut self) -> u32 {
        u32::from(self.u16()) | u32::from(self.u16()) << 16
    }
}

impl Twins {
    fn act(&mut self, data: &[u8]) {
        let mut bytes = Bytes(data);
        while !bytes.0.is_empty() {
            let before = self.bus.timeline.now();
            self.action(&mut bytes);
            assert!(self.bus.timeline.now() >= before, "time went back");
            // The run loop takes these at the next boundary.
            for bus in [&mut self.bus, &mut self.twin] {
                bus.lines.stop = None;
                if bus.lines.reset {
                    bus.reset_devices();
                }
            }
        }
        self.wake();
        let saved = self.bus.save();
        for (name, state) in &saved.1 {
            assert!(state.len() <= MOST_STATE + 8 * self.given, "{name} has grown to {} bytes", state.len());
        }
        if self.both {
            assert_eq!(self.twin.save(), saved, "the twin's state");
            assert!(self.twin.memory.ram() == self.bus.memory.ram(), "the twin's memory");
        }
        self.copy();
    }
    fn action(&mut self, bytes: &mut Bytes) {
        match bytes.u8() % 20 {
            0..=3 => self.read(bytes, AccessSize::Byte),
            4 => self.read(bytes, AccessSize::Word),
            5 => self.read(bytes, AccessSize::Dword),
            6..=9 => self.write(bytes, AccessSize::Byte),
            10 => self.write(bytes, AccessSize::Word),
            11 => self.write(bytes, AccessSize::Dword),
            12 => self.pass(bytes.u8().into()),
            13 => {
                let (cycles, shift) = (u64::from(bytes.u16()), bytes.u8());
                // Half an hour at most, and now and then years: a clock has to count them second by second.
                self.pass(cycles << if shift < 0xf8 { shift & 15 } else { 16 | shift & 15 });
            }
            14 => {
                // Exactly to the next wake-up.
                let wait = self.bus.timeline.deadline().saturating_sub(self.bus.timeline.now().0);
                self.pass(if wait > u64::MAX >> 8 { 1 } else { wait });
            }
            15 => {
                let level = bytes.u8();
                self.both(|bus| bus.with_device(|wires: &mut Wires, cycle| wires.drive(level & 15, level & 0x80 != 0, cycle)));
            }
            16 => _ = self.both(|bus| bus.lines.intr.then(|| bus.acknowledge_interrupt())),
            17 => self.transfer(bytes.u8(), bytes.u8(), bytes.u8()),
            18 => self.host(bytes.u8(), bytes.u8()),
            _ => match bytes.u8() & 7 {
                0 => self.both(|bus| bus.reset_devices()),
                _ => self.copy(),
            },
        }
    }
    /// The same on both buses gives the same.
    fn both<R: PartialEq + std::fmt::Debug>(&mut self, f: impl Fn(&mut SystemBus) -> R) -> R {
        let result = f(&mut self.bus);
        if self.both {
            assert_eq!(f(&mut self.twin), result, "the twin gives something else");
        }
        result
    }
    /// What one bus saves the other loads, and saves again.
    fn copy(&mut self) {
        let saved = self.bus.save();
        self.twin.memory.ram_mut().copy_from_slice(self.bus.memory.ram());
        load(&mut self.twin, &saved).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(self.twin.save(), saved, "saved, loaded and saved");
        self.both = true;
        std::mem::swap(&mut self.bus, &mut self.twin);
    }
    fn port(&self, bytes: &mut Bytes) -> u16 {
        match bytes.u8() {
            0xff => bytes.u16(),
            n => self.ports[usize::from(n) % self.ports.len()],
        }
    }
    fn read(&mut self, bytes: &mut Bytes, size: AccessSize) {
        let port = self.port(bytes);
        self.both(|bus| bus.read_port(port, size));
    }
    fn write(&mut self, bytes: &mut Bytes, size: AccessSize) {
        let port = self.port(bytes);
        let value = if size == AccessSize::Byte { bytes.u8().into() } else { bytes.u32() };
        self.both(|bus| bus.write_port(port, size, value));
    }

    /// Lets time pass, waking every sleeper in time.
    fn pass(&mut self, cycles: u64) {
        let end = self.bus.timeline.now() + cycles;
        self.wake();
        while self.bus.timeline.deadline() <= end.0 && self.wakes < MOST_WAKES {
            let next = self.bus.timeline.deadline();
            self.jump(Cycle(next));
            self.wake();
        }
        self.jump(end);
        self.wake();
    }
    fn jump(&mut self, to: Cycle) {
        self.both(|bus| {
            let wait = to.0.saturating_sub(bus.timeline.now().0);
            bus.timeline.pass(wait);
        });
    }
    /// Wakes whoever is due, until nobody is.
    fn wake(&mut self) {
        for _ in 0..100 {
            if self.bus.timeline.deadline() > self.bus.timeline.now().0 {
                return;
            }
            self.wakes += 1;
            self.both(|bus| bus.wake_due());
        }
        panic!("somebody asks to be woken now, again and again");
    }

    /// Another device's data, by DMA.
    fn transfer(&mut self, how: u8, length: u8, fill: u8) {
        self.both(|bus| {
            let mut data = vec![fill; usize::from(length) * if how & 0x40 == 0 { 1 } else { 300 }];
            let moved = bus.with_device(|_: &mut Wires, cycle| {
                if how & 0x80 == 0 { cycle.dma_to_memory(how & 15, &data) } else { cycle.dma_from_memory(how & 15, &mut data) }
            });
            let (count, _) = moved.unwrap_or_default();
            assert!(count <= data.len(), "{count} of {} bytes", data.len());
            (moved, data)
        });
    }
    /// Keys and serial bytes.
    fn host(&mut self, how: u8, value: u8) {
        self.given += 4;
        self.both(|bus| {
            bus.with_device(|uart: &mut Uart, cycle| uart.push_input(&[value, how], cycle));
            bus.with_device(|keyboard: &mut Keyboard, cycle| match how & 3 {
                0 => keyboard.press(u16::from(value) | if how & 0x80 == 0 { 0 } else { 0xe000 }, cycle),
                1 => keyboard.release(u16::from(value) | if how & 0x80 == 0 { 0 } else { 0xe000 }, cycle),
                2 => keyboard.type_text(&char::from(value).to_string(), cycle),
                _ => keyboard.press(u16::from_le_bytes([value, how]), cycle),
            });
        });
    }
}
