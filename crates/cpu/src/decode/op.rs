//! One decoded instruction.

use crate::dispatch::Handler;
use turtle86_arch::SegmentRegister;

/// Ops in the pool.
pub const POOL: usize = 1 << 17;
/// Where all decoded ops lie. An array, so that an index needs a mask and no check.
pub type Pool = [Op; POOL];

/// One decoded instruction, or (behind a block's last one) one edge out of the block.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Op {
    pub exec: Handler,
    /// Immediate. Of an edge: pool index of the block that it is linked to.
    pub imm: u32,
    /// Displacement. Of an edge: what to add to the block's EIP.
    pub disp: u32,
    /// Offsets into the register file.
    pub reg: u8,
    pub rm: u8,
    pub base: u8,
    pub index: u8,
    /// Shift in bits 0 and 1, [`Op::REGISTER`], [`Op::ADDRESS_16`], segment register in bits 4 to 6.
    pub scale_segment: u8,
    /// Instructions of the block before this one. Of an edge: in the block.
    pub nth: u8,
    /// Bytes of the block before this one.
    pub offset: u8,
    /// Bytes of the instruction. Of an edge: 1 if it may be linked.
    pub length: u8,
}
const _: () = assert!(size_of::<Op>() == 24);

impl Op {
    /// In `scale_segment`: the r/m operand is a register. For instructions that ask when they run.
    pub const REGISTER: u8 = 1 << 2;
    /// In `scale_segment`: 16-bit addressing. For instructions that ask when they run.
    pub const ADDRESS_16: u8 = 1 << 3;

    /// The r/m operand is a register.
    pub fn is_register(&self) -> bool {
        self.scale_segment & Self::REGISTER != 0
    }
    /// The memory operand's segment register, as it is encoded.
    #[inline(always)]
    pub fn segment(&self) -> u8 {
        self.scale_segment >> 4 & 7
    }
    /// The same as a name.
    pub fn segment_register(&self) -> SegmentRegister {
        SegmentRegister::from_encoding(self.segment()).unwrap_or(SegmentRegister::Ds)
    }
    /// An edge may be linked to the block that it leads to.
    pub fn linkable(&self) -> bool {
        self.length != 0
    }
}
