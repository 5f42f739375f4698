//! What a device sees while the bus talks to it.

use crate::{Cycle, IrqLine, Lines, StopRequest, SystemBus};
use turtle86_arch::PhysicalAddress;

/// One bus cycle, from the device's side.
pub struct BusCycle<'a> {
    pub(crate) bus: &'a mut SystemBus,
    pub(crate) device: usize,
}
impl BusCycle<'_> {
    /// The time, exact to the instruction that makes this access.
    pub fn now(&self) -> Cycle {
        self.bus.timeline.now()
    }
    /// Processor cycles in a second.
    pub fn clock_hz(&self) -> u64 {
        self.bus.clock_hz
    }
    /// Asks for [`Timer::wake`](crate::Timer::wake) at `at` (now, if that is past). A device has one wake-up: a second call replaces the first.
    pub fn wake_at(&mut self, at: Cycle) {
        self.bus.timeline.wake_at(self.device, at.0.min(u64::MAX - 1));
        self.bus.attention = true;
    }
    /// Takes back what `wake_at` asked for.
    pub fn cancel_wake(&mut self) {
        self.bus.timeline.wake_at(self.device, u64::MAX);
    }
    /// Drives an interrupt request line high, until `deassert_irq`.
    pub fn assert_irq(&mut self, line: &IrqLine) {
        self.bus.drive_irq(self.device, *line, true);
    }
    /// Lets go of an interrupt request line.
    pub fn deassert_irq(&mut self, line: &IrqLine) {
        self.bus.drive_irq(self.device, *line, false);
    }
    /// The interrupt controller's output to the processor.
    pub fn set_intr(&mut self, level: bool) {
        if self.bus.lines.intr != level {
            self.bus.lines.intr = level;
            self.bus.attention = true;
        }
    }
    /// A rising edge on NMI.
    pub fn assert_nmi(&mut self) {
        self.bus.lines.nmi = true;
        self.bus.attention = true;
    }
    /// Resets the whole machine at the next instruction boundary.
    pub fn assert_reset(&mut self) {
        self.bus.lines.reset = true;
        self.bus.attention = true;
    }
    /// Opens (true) or closes address line 20.
    pub fn set_a20(&mut self, open: bool) {
        if self.bus.lines.a20 != open {
            self.bus.lines.a20 = open;
            self.bus.attention = true;
        }
    }
    /// Whether address line 20 is open.
    pub fn a20(&self) -> bool {
        self.bus.lines.a20
    }
    /// The wires as they are.
    pub fn lines(&self) -> &Lines {
        &self.bus.lines
    }
    /// Stops the machine at the next instruction boundary.
    pub fn request_stop(&mut self, request: StopRequest) {
        self.bus.lines.stop = Some(request);
        self.bus.attention = true;
    }
    /// Reads memory as a bus master; what is not memory reads as all ones.
    pub fn read_memory(&mut self, at: PhysicalAddress, into: &mut [u8]) {
        self.bus.memory.read_bytes(at, into);
    }
    /// Writes memory as a bus master; what is not RAM ignores it.
    pub fn write_memory(&mut self, at: PhysicalAddress, bytes: &[u8]) {
        self.bus.write_as_master(at, bytes);
    }
    /// Hands `data` to memory through the DMA controller; (bytes taken, terminal count). (0, false) without a controller.
    pub fn dma_to_memory(&mut self, channel: u8, data: &[u8]) -> (usize, bool) {
        self.bus.with_dma(|dma, cycle| dma.device_to_memory(channel, data, cycle)).unwrap_or((0, false))
    }
    /// Fills `data` from memory through the DMA controller; (bytes given, terminal count). (0, false) without a controller.
    pub fn dma_from_memory(&mut self, channel: u8, data: &mut [u8]) -> (usize, bool) {
        self.bus.with_dma(|dma, cycle| dma.memory_to_device(channel, data, cycle)).unwrap_or((0, false))
    }
}
