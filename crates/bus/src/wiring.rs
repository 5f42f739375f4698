//! What a device claims when the machine is built.

use std::ops::RangeInclusive;

/// An interrupt request input that a device may drive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IrqLine(pub(crate) u8);
impl IrqLine {
    /// Its number, 0 to 15.
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// Collects a device's claims.
#[derive(Debug, Default)]
pub struct Wiring {
    pub(crate) ports: Vec<(RangeInclusive<u16>, bool)>,
    pub(crate) memory: Vec<RangeInclusive<u64>>,
}
impl Wiring {
    /// Claims ports; an access of any width arrives as it is, unless it reaches into another device's ports.
    pub fn ports(&mut self, range: RangeInclusive<u16>) -> &mut Self {
        self.ports.push((range, false));
        self
    }
    /// Claims ports of an 8-bit device: the bus splits wider accesses into bytes.
    pub fn byte_ports(&mut self, range: RangeInclusive<u16>) -> &mut Self {
        self.ports.push((range, true));
        self
    }
    /// Claims a window of physical memory.
    pub fn memory(&mut self, range: RangeInclusive<u64>) -> &mut Self {
        self.memory.push(range);
        self
    }
    /// An interrupt request line, 0 to 15. Several devices may share one: it is high while any of them asserts it.
    pub fn irq(&mut self, number: u8) -> IrqLine {
        assert!(number < 16, "interrupt lines are numbered 0 to 15, not {number}");
        IrqLine(number)
    }
}
