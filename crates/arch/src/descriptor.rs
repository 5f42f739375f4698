//! Segment descriptors, gates and the hidden part of segment registers (SDM Vol. 3, "Segment Descriptors", "IDT Descriptors").

use crate::SegmentSelector;
use serde::{Deserialize, Serialize};

/// Bits 40 to 55 of a descriptor without the limit's bits: type, S, DPL, P in the low byte; AVL, D/B, G in bits 12, 14, 15.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AccessRights(pub u16);
impl AccessRights {
    /// Present, writable, accessed data of DPL 0: what reset and real mode use.
    pub const REAL_DATA: AccessRights = AccessRights(0x0093);

    /// The four type bits.
    pub const fn kind(self) -> u8 {
        (self.0 & 0xf) as u8
    }
    /// S: code or data, not a system descriptor.
    pub const fn is_code_or_data(self) -> bool {
        self.0 & 0x10 != 0
    }
    /// Executable.
    pub const fn is_code(self) -> bool {
        self.0 & 0x18 == 0x18
    }
    /// Data (of any kind).
    pub const fn is_data(self) -> bool {
        self.0 & 0x18 == 0x10
    }
    /// Conforming code.
    pub const fn is_conforming(self) -> bool {
        self.0 & 0x1c == 0x1c
    }
    /// Data that grows down.
    pub const fn is_expand_down(self) -> bool {
        self.0 & 0x1c == 0x14
    }
    /// Data that may be written.
    pub const fn is_writable(self) -> bool {
        self.0 & 0x1a == 0x12
    }
    /// Data, or code that may be read.
    pub const fn is_readable(self) -> bool {
        self.is_data() || self.0 & 0x1a == 0x1a
    }
    /// Accessed.
    pub const fn accessed(self) -> bool {
        self.0 & 0x11 == 0x11
    }
    /// Descriptor privilege level.
    pub const fn dpl(self) -> u8 {
        (self.0 >> 5 & 3) as u8
    }
    /// Present.
    pub const fn present(self) -> bool {
        self.0 & 0x80 != 0
    }
    /// D/B: 32-bit code, or a 32-bit stack.
    pub const fn is_32_bit(self) -> bool {
        self.0 & 0x4000 != 0
    }
    /// G: the limit counts pages.
    pub const fn page_granular(self) -> bool {
        self.0 & 0x8000 != 0
    }
}

/// Types of system descriptors, the gates apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum SystemType {
    Tss16 { busy: bool },
    Ldt,
    Tss32 { busy: bool },
    Gate(GateKind),
    Reserved,
}

/// An eight-byte entry of a descriptor table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SegmentDescriptor(pub u64);
impl SegmentDescriptor {
    /// The linear address of the segment's first byte.
    pub const fn base(self) -> u32 {
        (self.0 >> 16 & 0xffffff) as u32 | (self.0 >> 32 & 0xff000000) as u32
    }
    /// The offset of the last byte (with G counted in).
    pub const fn limit(self) -> u32 {
        let raw = (self.0 & 0xffff) as u32 | (self.0 >> 32 & 0xf0000) as u32;
        if self.rights().page_granular() { raw << 12 | 0xfff } else { raw }
    }
    /// Type, DPL and flag bits.
    pub const fn rights(self) -> AccessRights {
        AccessRights((self.0 >> 40 & 0xf0ff) as u16)
    }
    /// The same descriptor with the accessed bit set.
    pub const fn with_accessed(self) -> SegmentDescriptor {
        SegmentDescriptor(self.0 | 1 << 40)
    }
    /// What kind of system descriptor this is; `None` for code and data.
    pub const fn system_type(self) -> Option<SystemType> {
        let rights = self.rights();
        if rights.is_code_or_data() {
            return None;
        }
        Some(match rights.kind() {
            1 => SystemType::Tss16 { busy: false },
            2 => SystemType::Ldt,
            3 => SystemType::Tss16 { busy: true },
            4 => SystemType::Gate(GateKind::Call16),
            5 => SystemType::Gate(GateKind::Task),
            6 => SystemType::Gate(GateKind::Interrupt16),
            7 => SystemType::Gate(GateKind::Trap16),
            9 => SystemType::Tss32 { busy: false },
            11 => SystemType::Tss32 { busy: true },
            12 => SystemType::Gate(GateKind::Call32),
            14 => SystemType::Gate(GateKind::Interrupt32),
            15 => SystemType::Gate(GateKind::Trap32),
            _ => SystemType::Reserved,
        })
    }
}

/// The seven kinds of gates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum GateKind {
    Call16,
    Task,
    Interrupt16,
    Trap16,
    Call32,
    Interrupt32,
    Trap32,
}
impl GateKind {
    /// Pushes and offsets are 32 bits wide.
    pub const fn is_32_bit(self) -> bool {
        matches!(self, GateKind::Call32 | GateKind::Interrupt32 | GateKind::Trap32)
    }
    /// IF is cleared on the way through.
    pub const fn is_interrupt(self) -> bool {
        matches!(self, GateKind::Interrupt16 | GateKind::Interrupt32)
    }
}

/// A gate descriptor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Gate(pub u64);
impl Gate {
    /// The code segment that it leads to (or the TSS of a task gate).
    pub const fn selector(self) -> SegmentSelector {
        SegmentSelector((self.0 >> 16) as u16)
    }
    /// The entry point; bits 31 to 16 do not count in a 16-bit gate.
    pub const fn offset(self) -> u32 {
        let low = (self.0 & 0xffff) as u32;
        if self.0 >> 43 & 1 != 0 { low | (self.0 >> 32 & 0xffff0000) as u32 } else { low }
    }
    /// Type, DPL, P.
    pub const fn rights(self) -> AccessRights {
        AccessRights((self.0 >> 40 & 0xff) as u16)
    }
    /// What kind of gate, if it is one.
    pub const fn kind(self) -> Option<GateKind> {
        match SegmentDescriptor(self.0).system_type() {
            Some(SystemType::Gate(kind)) => Some(kind),
            _ => None,
        }
    }
}

/// A segment register with its hidden part (SDM Vol. 3, "Segment Registers").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DescriptorCache {
    /// The visible part.
    pub selector: SegmentSelector,
    /// Linear address of the segment's first byte.
    pub base: u32,
    /// Offset of its last byte (of an expand-down segment: the last byte that is outside).
    pub limit: u32,
    /// Type, DPL and flag bits.
    pub rights: AccessRights,
    /// False after a null selector was loaded: every use faults.
    pub usable: bool,
}
impl DescriptorCache {
    /// What a load of `selector` with `descriptor` puts there.
    pub const fn new(selector: SegmentSelector, descriptor: SegmentDescriptor) -> DescriptorCache {
        DescriptorCache { selector, base: descriptor.base(), limit: descriptor.limit(), rights: descriptor.rights(), usable: true }
    }
    /// A segment as real mode uses it: base is sixteen times the selector, 64 KiB, read and write.
    pub const fn real_mode(selector: u16) -> DescriptorCache {
        DescriptorCache {
            selector: SegmentSelector(selector),
            base: (selector as u32) << 4,
            limit: 0xffff,
            rights: AccessRights::REAL_DATA,
            usable: true,
        }
    }
    /// A null selector.
    pub const fn null(selector: SegmentSelector) -> DescriptorCache {
        DescriptorCache { selector, base: 0, limit: 0, rights: AccessRights(0), usable: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_a_flat_code_descriptor() {
        let code = SegmentDescriptor(0x00cf_9a00_0000_ffff);
        assert_eq!((code.base(), code.limit()), (0, 0xffff_ffff));
        assert!(code.rights().is_code() && code.rights().is_readable() && code.rights().present() && code.rights().is_32_bit());
        assert!(!code.rights().accessed() && code.with_accessed().rights().accessed());
    }

    #[test]
    #[allow(clippy::unusual_byte_groupings)] // grouped as the fields are
    fn base_and_limit_are_gathered_from_their_pieces() {
        let data = SegmentDescriptor(0x12_4_5_92_345678_9abc);
        assert_eq!((data.base(), data.limit()), (0x1234_5678, 0x59abc));
    }

    #[test]
    fn a_16_bit_gate_has_a_16_bit_offset() {
        assert_eq!(Gate(0xdead_8600_0008_1234).offset(), 0x1234);
        assert_eq!(Gate(0xdead_8e00_0008_1234).offset(), 0xdead_1234);
        assert_eq!(Gate(0x8600_0008_0000).kind(), Some(GateKind::Interrupt16));
    }
}
