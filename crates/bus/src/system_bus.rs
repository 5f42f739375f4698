//! Memory, ports, devices, lines and time, and the way from an access to what answers it.

mod state;

pub use state::BusCheckpoint;

use crate::{AccessSize, BusCycle, Device, DmaController, IrqLine, Lines, MapError, Memory, MemoryMap, Timeline, Wiring};
use std::any::Any;
use thiserror::Error;
use turtle86_arch::PhysicalAddress;

/// A bus cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[allow(missing_docs)]
pub enum BuildError {
    #[error(transparent)]
    Map(#[from] MapError),
    #[error("{first} and {second} both claim port {port:#06x}")]
    PortOverlap { first: String, second: String, port: u16 },
    #[error("{first} and {second} both claim physical address {at}")]
    WindowOverlap { first: String, second: String, at: PhysicalAddress },
    #[error("{name}: a memory window must end below 4 GiB")]
    WindowPlace { name: String },
    #[error("two devices are named \"{name}\": names must be unique in a machine")]
    DuplicateName { name: String },
    #[error("{first} and {second} are both {role}: a machine has one")]
    TwoOfAKind { first: String, second: String, role: &'static str },
    #[error("{count} devices: a machine has at most 254")]
    TooManyDevices { count: usize },
}

/// An access to a port, as a hook sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortAccess {
    /// The port.
    pub port: u16,
    /// The width.
    pub size: AccessSize,
    /// What was read or written.
    pub value: u32,
    /// OUT, not IN.
    pub write: bool,
}

struct Slot {
    /// Absent while the bus talks to it.
    device: Option<Box<dyn Device>>,
    name: &'static str,
    irq: u16,
    /// Somebody talked to it since the last checkpoint: it may have changed.
    talked: bool,
}
struct Window {
    first: u64,
    last: u64,
    device: u8,
}
const NOBODY: u8 = 0;

/// Everything outside the processor.
pub struct SystemBus {
    /// RAM and ROM.
    pub memory: Memory,
    /// The wires to the processor.
    pub lines: Lines,
    /// The clock.
    pub timeline: Timeline,
    /// Something changed that the processor must look at before its next instruction.
    pub attention: bool,
    /// Processor cycles in a second.
    pub clock_hz: u64,
    /// Port accesses are noted here while somebody watches them.
    pub watched_ports: Option<Vec<PortAccess>>,
    slots: Vec<Slot>,
    /// Device number plus one.
    ports: Vec<u8>,
    /// A bit per port: only bytes.
    byte_wide: Vec<u64>,
    windows: Vec<Window>,
    controller: Option<usize>,
    dma: Option<usize>,
}

impl SystemBus {
    /// Builds memory from `map` and connects `devices` in their order.
    pub fn new(map: &MemoryMap, devices: Vec<Box<dyn Device>>, clock_hz: u64) -> Result<SystemBus, BuildError> {
        if devices.len() > 254 {
            return Err(BuildError::TooManyDevices { count: devices.len() });
        }
        let mut bus = SystemBus {
            memory: Memory::new(map)?,
            lines: Lines::default(),
            timeline: Timeline::new(devices.len()),
            attention: true,
            clock_hz,
            watched_ports: None,
            slots: Vec::new(),
            ports: vec![NOBODY; 1 << 16],
            byte_wide: vec![0; 1 << 10],
            windows: Vec::new(),
            controller: None,
            dma: None,
        };
        for device in devices {
            bus.connect(device)?;
        }
        bus.reset_devices();
        Ok(bus)
    }

    fn connect(&mut self, mut device: Box<dyn Device>) -> Result<(), BuildError> {
        let name = device.name();
        if self.slots.iter().any(|slot| slot.name == name) {
            return Err(BuildError::DuplicateName { name: name.into() });
        }
        let number = self.slots.len();
        let mut wiring = Wiring::default();
        device.connect(&mut wiring);
        for (range, byte_wide) in wiring.ports {
            for port in range {
                let owner = self.ports[usize::from(port)];
                if owner != NOBODY && usize::from(owner) != number + 1 {
                    let first = self.slots[usize::from(owner) - 1].name.into();
                    return Err(BuildError::PortOverlap { first, second: name.into(), port });
                }
                self.ports[usize::from(port)] = number as u8 + 1;
                if byte_wide {
                    self.byte_wide[usize::from(port >> 6)] |= 1 << (port & 63);
                }
            }
        }
        for range in wiring.memory {
            let (first, last) = (*range.start(), *range.end());
            if last >> 32 != 0 || first > last {
                return Err(BuildError::WindowPlace { name: name.into() });
            }
            if let Some(other) = self.windows.iter().find(|w| w.first <= last && first <= w.last) {
                let at = PhysicalAddress(first.max(other.first));
                let first = self.slots.get(usize::from(other.device)).map_or(name, |slot| slot.name);
                return Err(BuildError::WindowOverlap { first: first.into(), second: name.into(), at });
            }
            self.memory.mark_window(first, last);
            self.windows.push(Window { first, last, device: number as u8 });
        }
        let roles = [
            (device.interrupt_controller().is_some(), &mut self.controller, "the interrupt controller"),
            (device.dma_controller().is_some(), &mut self.dma, "the DMA controller"),
        ];
        for (is, place, role) in roles {
            match (is, *place) {
                (true, Some(first)) => {
                    let first = self.slots[first].name.into();
                    return Err(BuildError::TwoOfAKind { first, second: name.into(), role });
                }
                (true, None) => *place = Some(number),
                _ => {}
            }
        }
        self.slots.push(Slot { device: Some(device), name, irq: 0, talked: true });
        Ok(())
    }

    /// The first device of type `D`.
    pub fn device<D: Device>(&self) -> Option<&D> {
        self.slots.iter().filter_map(|slot| slot.device.as_deref()).find_map(|device| (device as &dyn Any).downcast_ref())
    }
    /// The first device of type `D`, to change.
    pub fn device_mut<D: Device>(&mut self) -> Option<&mut D> {
        let number = self.number_of::<D>()?;
        let slot = self.slots.get_mut(number)?;
        slot.talked = true;
        (slot.device.as_deref_mut()? as &mut dyn Any).downcast_mut()
    }
    /// Talks to the first device of type `D` as the bus does: with the clock and its lines.
    pub fn with_device<D: Device, R>(&mut self, f: impl FnOnce(&mut D, &mut BusCycle<'_>) -> R) -> Option<R> {
        let number = self.number_of::<D>()?;
        self.talk(number, |device, cycle| (device as &mut dyn Any).downcast_mut().map(|device| f(device, cycle))).flatten()
    }

    fn number_of<D: Device>(&self) -> Option<usize> {
        self.slots.iter().position(|slot| slot.device.as_deref().is_some_and(|device| (device as &dyn Any).is::<D>()))
    }

    /// Lends a device its bus cycle, then tells the interrupt controller what it did to the lines.
    fn talk<R>(&mut self, number: usize, f: impl FnOnce(&mut dyn Device, &mut BusCycle<'_>) -> R) -> Option<R> {
        let slot = self.slots.get_mut(number)?;
        slot.talked = true;
        let mut device = slot.device.take()?;
        let result = f(&mut *device, &mut BusCycle { bus: self, device: number });
        self.slots[number].device = Some(device);
        self.settle_irq();
        Some(result)
    }
    fn settle_irq(&mut self) {
        let Some(controller) = self.controller else { return };
        if self.slots[controller].device.is_none() || !self.irq_unsettled() {
            return;
        }
        let (levels, rising) = (self.lines.irq, self.lines.irq_rising);
        self.lines.irq_rising = 0;
        self.attention = true;
        self.talk(controller, |device, cycle| {
            if let Some(controller) = device.interrupt_controller() {
                controller.inputs_changed(levels, rising, cycle);
            }
        });
    }
    fn irq_unsettled(&mut self) -> bool {
        let now = self.slots.iter().fold(0, |all, slot| all | slot.irq);
        let changed = now != self.lines.irq || self.lines.irq_rising != 0;
        self.lines.irq = now;
        changed
    }
    pub(crate) fn drive_irq(&mut self, device: usize, line: IrqLine, level: bool) {
        let bit = 1 << line.0;
        let others = self.slots.iter().enumerate().any(|(i, slot)| i != device && slot.irq & bit != 0);
        let slot = &mut self.slots[device];
        if level && slot.irq & bit == 0 && !others {
            self.lines.irq_rising |= bit;
        }
        if level { slot.irq |= bit } else { slot.irq &= !bit }
    }
    pub(crate) fn with_dma<R>(&mut self, f: impl FnOnce(&mut dyn DmaController, &mut BusCycle<'_>) -> R) -> Option<R> {
        let dma = self.dma?;
        self.talk(dma, |device, cycle| device.dma_controller().map(|dma| f(dma, cycle))).flatten()
    }

    /// Resets every device, in order. Lines go to their inactive levels; A20 opens, as the processor starts with its high ROM.
    pub fn reset_devices(&mut self) {
        self.lines = Lines { stop: self.lines.stop, ..Lines::default() };
        for slot in &mut self.slots {
            slot.irq = 0;
        }
        for number in 0..self.slots.len() {
            self.talk(number, |device, cycle| device.reset(cycle));
        }
        self.attention = true;
    }

    /// Wakes the devices whose time has come, each once: one that asks again for a time that is past waits for the next call.
    pub fn wake_due(&mut self) {
        for _ in 0..self.slots.len() {
            let Some(number) = self.timeline.due() else { return };
            self.talk(number, |device, cycle| {
                if let Some(timer) = device.timer() {
                    timer.wake(cycle);
                }
            });
        }
    }

    /// The processor's interrupt acknowledge: the vector, FFh from an empty bus.
    pub fn acknowledge_interrupt(&mut self) -> u8 {
        let Some(controller) = self.controller else { return 0xff };
        self.talk(controller, |device, cycle| device.interrupt_controller().map(|c| c.acknowledge(cycle))).flatten().unwrap_or(0xff)
    }

    // ---- ports

    /// Who answers the whole access: the owner of its first port, if that takes every width and nobody else owns a port of it.
    fn port_owner(&self, port: u16, size: AccessSize) -> Option<usize> {
        let owner = self.ports[usize::from(port)];
        let byte_wide = |port: u16| self.byte_wide[usize::from(port >> 6)] >> (port & 63) & 1 != 0;
        let whole = size == AccessSize::Byte
            || !byte_wide(port)
                && (1..size.bytes() as u16).all(|i| {
                    let other = self.ports[usize::from(port.wrapping_add(i))];
                    other == owner && !byte_wide(port.wrapping_add(i)) || owner != NOBODY && other == NOBODY
                });
        whole.then_some(usize::from(owner))
    }
    /// IN. What nobody claims reads as all ones; an access over several devices or over 8-bit ones is split into bytes.
    pub fn read_port(&mut self, port: u16, size: AccessSize) -> u32 {
        let value = self.read_port_unwatched(port, size);
        self.watch_port(PortAccess { port, size, value, write: false });
        value
    }
    fn read_port_unwatched(&mut self, port: u16, size: AccessSize) -> u32 {
        match self.port_owner(port, size) {
            Some(0) => size.mask(),
            Some(owner) => {
                let read = self.talk(owner - 1, |device, cycle| device.ports().map(|ports| ports.read(port, size, cycle)));
                read.flatten().unwrap_or(!0) & size.mask()
            }
            None => (0..size.bytes())
                .fold(0, |value, i| value | self.read_port_unwatched(port.wrapping_add(i as u16), AccessSize::Byte) << (8 * i)),
        }
    }
    /// OUT, by the same rules.
    pub fn write_port(&mut self, port: u16, size: AccessSize, value: u32) {
        self.write_port_unwatched(port, size, value & size.mask());
        self.watch_port(PortAccess { port, size, value: value & size.mask(), write: true });
    }
    fn write_port_unwatched(&mut self, port: u16, size: AccessSize, value: u32) {
        match self.port_owner(port, size) {
            Some(0) => {}
            Some(owner) => {
                self.talk(owner - 1, |device, cycle| {
                    if let Some(ports) = device.ports() {
                        ports.write(port, size, value, cycle);
                    }
                });
            }
            None => {
                for i in 0..size.bytes() {
                    self.write_port_unwatched(port.wrapping_add(i as u16), AccessSize::Byte, value >> (8 * i) & 0xff);
                }
            }
        }
    }
    fn watch_port(&mut self, access: PortAccess) {
        if let Some(watched) = &mut self.watched_ports {
            watched.push(access);
            self.attention = true;
        }
    }

    // ---- memory

    fn window(&self, at: u64, size: AccessSize) -> Option<(usize, bool)> {
        let last = at + u64::from(size.bytes()) - 1;
        let window = self.windows.iter().find(|w| w.first <= last && at <= w.last)?;
        Some((usize::from(window.device), window.first <= at && last <= window.last))
    }
    /// Reads memory, ROM or a device; all ones where nothing answers. An access must not cross a page.
    pub fn read_physical(&mut self, at: PhysicalAddress, size: AccessSize) -> u32 {
        let backing = self.memory.backing(at);
        if backing.has_window() {
            match self.window(at.0, size) {
                Some((device, true)) => {
                    let read = self.talk(device, |device, cycle| device.memory().map(|memory| memory.read(at, size, cycle)));
                    return read.flatten().unwrap_or(!0) & size.mask();
                }
                Some((_, false)) => {
                    return (0..size.bytes())
                        .fold(0, |value, i| value | self.read_physical(PhysicalAddress(at.0 + u64::from(i)), AccessSize::Byte) << (8 * i));
                }
                None => {}
            }
        }
        let mut bytes = [0; 4];
        self.memory.read_bytes(at, &mut bytes[..size.bytes() as usize]);
        u32::from_le_bytes(bytes)
    }
    /// Writes memory or a device; ignored where nothing answers. An access must not cross a page.
    pub fn write_physical(&mut self, at: PhysicalAddress, size: AccessSize, value: u32) {
        if self.memory.backing(at).has_window() {
            match self.window(at.0, size) {
                Some((device, true)) => {
                    self.talk(device, |device, cycle| {
                        if let Some(memory) = device.memory() {
                            memory.write(at, size, value & size.mask(), cycle);
                        }
                    });
                    return;
                }
                Some((_, false)) => {
                    for i in 0..size.bytes() {
                        self.write_physical(PhysicalAddress(at.0 + u64::from(i)), AccessSize::Byte, value >> (8 * i) & 0xff);
                    }
                    return;
                }
                None => {}
            }
        }
        self.write_as_master(at, &value.to_le_bytes()[..size.bytes() as usize]);
    }
    pub(crate) fn write_as_master(&mut self, at: PhysicalAddress, bytes: &[u8]) {
        if self.memory.write_bytes(at, bytes) {
            self.attention = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MemoryIo, PortIo, Timer};

    /// Four byte-wide registers at a port, one dword register in memory, and an alarm on IRQ 5.
    #[derive(Default)]
    struct Gadget {
        name: &'static str,
        port: u16,
        at: u64,
        registers: [u8; 4],
        word: u32,
        irq: Option<IrqLine>,
        woken: Vec<u64>,
    }
    impl Device for Gadget {
        fn name(&self) -> &'static str {
            self.name
        }
        fn connect(&mut self, wiring: &mut Wiring) {
            self.irq = Some(wiring.byte_ports(self.port..=self.port + 3).memory(self.at..=self.at + 3).irq(5));
        }
        fn ports(&mut self) -> Option<&mut dyn PortIo> {
            Some(self)
        }
        fn memory(&mut self) -> Option<&mut dyn MemoryIo> {
            Some(self)
        }
        fn timer(&mut self) -> Option<&mut dyn Timer> {
            Some(self)
        }
    }
    impl PortIo for Gadget {
        fn read(&mut self, port: u16, _: AccessSize, _: &mut BusCycle<'_>) -> u32 {
            self.registers[usize::from(port - self.port)].into()
        }
        fn write(&mut self, port: u16, size: AccessSize, value: u32, bus: &mut BusCycle<'_>) {
            assert_eq!(size, AccessSize::Byte);
            self.registers[usize::from(port - self.port)] = value as u8;
            bus.wake_at(bus.now() + u64::from(value));
        }
    }
    impl MemoryIo for Gadget {
        fn read(&mut self, _: PhysicalAddress, _: AccessSize, _: &mut BusCycle<'_>) -> u32 {
            self.word
        }
        fn write(&mut self, _: PhysicalAddress, _: AccessSize, value: u32, _: &mut BusCycle<'_>) {
            self.word = value;
        }
    }
    impl Timer for Gadget {
        fn wake(&mut self, bus: &mut BusCycle<'_>) {
            self.woken.push(bus.now().0);
            if let Some(irq) = &self.irq {
                bus.assert_irq(irq);
            }
        }
    }
    fn gadget(name: &'static str, port: u16, at: u64) -> Box<dyn Device> {
        Box::new(Gadget { name, port, at, ..Gadget::default() })
    }
    fn bus(devices: Vec<Box<dyn Device>>) -> Result<SystemBus, BuildError> {
        SystemBus::new(&MemoryMap { ram: 1 << 20, ..MemoryMap::default() }, devices, 1_000_000)
    }

    #[test]
    fn wide_accesses_to_byte_ports_are_split_and_unclaimed_ones_read_ones() {
        let mut bus = bus(vec![gadget("g", 0x300, 0xd0000)]).unwrap();
        bus.write_port(0x2ff, AccessSize::Dword, 0x44332211);
        assert_eq!(bus.read_port(0x300, AccessSize::Dword), 0x0044_3322);
        assert_eq!(bus.read_port(0x302, AccessSize::Dword), 0xffff_0044);
        assert_eq!(bus.read_port(0x400, AccessSize::Word), 0xffff);
    }

    #[test]
    fn a_window_finer_than_a_page_leaves_the_memory_around_it() {
        let mut bus = bus(vec![gadget("g", 0x300, 0xd0010)]).unwrap();
        bus.write_physical(PhysicalAddress(0xd0010), AccessSize::Dword, 0x12345678);
        bus.write_physical(PhysicalAddress(0xd0014), AccessSize::Dword, 0x9abcdef0);
        assert_eq!(bus.read_physical(PhysicalAddress(0xd0010), AccessSize::Dword), 0x12345678);
        assert_eq!(bus.memory.ram()[0xd0010..0xd0018], [0, 0, 0, 0, 0xf0, 0xde, 0xbc, 0x9a]);
    }

    #[test]
    fn a_device_is_woken_at_its_cycle_and_its_line_rises() {
        let mut bus = bus(vec![gadget("g", 0x300, 0xd0000)]).unwrap();
        bus.timeline.pass(100);
        bus.write_port(0x300, AccessSize::Byte, 7);
        assert_eq!(bus.timeline.deadline(), 107);
        bus.timeline.pass(7);
        bus.wake_due();
        assert_eq!(bus.device::<Gadget>().unwrap().woken, [107]);
    }

    #[test]
    fn overlapping_claims_name_both_devices() {
        let err = |a, b| bus(vec![a, b]).err().map(|e| e.to_string()).unwrap_or_default();
        assert_eq!(err(gadget("a", 0x300, 0xd0000), gadget("b", 0x303, 0xe0000)), "a and b both claim port 0x0303");
        assert_eq!(err(gadget("a", 0x300, 0xd0000), gadget("b", 0x310, 0xd0002)), "a and b both claim physical address 000d0002");
        assert!(err(gadget("a", 0x300, 0xd0000), gadget("a", 0x310, 0xe0000)).contains("unique"));
    }

    #[test]
    fn a_state_of_other_devices_is_refused() {
        let mut one = bus(vec![gadget("a", 0x300, 0xd0000)]).unwrap();
        let mut other = bus(vec![gadget("b", 0x300, 0xd0000)]).unwrap();
        let (own, devices) = one.save();
        assert!(one.load(&own, &devices).is_ok());
        assert!(other.load(&own, &devices).unwrap_err().to_string().contains("[b]"));
        assert!(one.load(&own[1..], &devices).is_err());
    }
    /// Counts how often its state is put back.
    #[derive(Default)]
    struct Counter {
        port: u16,
        value: u8,
        loads: u32,
    }
    impl Device for Counter {
        fn name(&self) -> &'static str {
            if self.port == 0x300 { "one" } else { "other" }
        }
        fn connect(&mut self, wiring: &mut Wiring) {
            wiring.byte_ports(self.port..=self.port);
        }
        fn ports(&mut self) -> Option<&mut dyn PortIo> {
            Some(self)
        }
        fn state(&mut self) -> Option<&mut dyn crate::Stateful> {
            Some(self)
        }
    }
    impl PortIo for Counter {
        fn read(&mut self, _: u16, _: AccessSize, _: &mut BusCycle<'_>) -> u32 {
            self.value.into()
        }
        fn write(&mut self, _: u16, _: AccessSize, value: u32, bus: &mut BusCycle<'_>) {
            self.value = value as u8;
            bus.wake_at(bus.now() + u64::from(value));
        }
    }
    impl crate::Stateful for Counter {
        fn save(&self) -> Vec<u8> {
            vec![self.value]
        }
        fn load(&mut self, bytes: &[u8]) -> Result<(), crate::StateError> {
            (self.value, self.loads) = (bytes[0], self.loads + 1);
            Ok(())
        }
    }

    #[test]
    fn a_rewind_puts_back_the_devices_that_somebody_talked_to() {
        let counter = |port| Box::new(Counter { port, ..Counter::default() }) as Box<dyn Device>;
        let mut bus = bus(vec![counter(0x300), counter(0x301)]).unwrap();
        bus.write_port(0x300, AccessSize::Byte, 5);
        let (checkpoint, saved) = (bus.checkpoint(), bus.save());
        assert_eq!(checkpoint.saved(), saved);
        let loads = |bus: &SystemBus| {
            [0, 1].map(|n| (bus.slots[n].device.as_deref().unwrap() as &dyn Any).downcast_ref::<Counter>().unwrap().loads)
        };
        bus.timeline.pass(3);
        bus.write_port(0x301, AccessSize::Byte, 7);
        bus.lines.a20 = false;
        bus.rewind(&checkpoint).unwrap();
        assert_eq!((bus.save(), loads(&bus)), (saved.clone(), [0, 1]));
        bus.with_device(|device: &mut Counter, _| device.value = 1);
        bus.rewind(&checkpoint).unwrap();
        bus.device_mut::<Counter>().unwrap().value = 1;
        bus.rewind(&checkpoint).unwrap();
        bus.rewind(&checkpoint).unwrap();
        assert_eq!((bus.save(), loads(&bus)), (saved, [2, 1]));
    }

    #[test]
    fn a_checkpoint_of_other_devices_is_refused_before_anything_changes() {
        let mut one = bus(vec![gadget("a", 0x300, 0xd0000)]).unwrap();
        let mut other = bus(vec![gadget("b", 0x300, 0xd0000)]).unwrap();
        let checkpoint = one.checkpoint();
        other.memory.write_bytes(PhysicalAddress(0x1000), &[1]);
        assert!(other.rewind(&checkpoint).unwrap_err().to_string().contains("[b]"));
        assert_eq!(other.memory.ram()[0x1000], 1);
    }
}
