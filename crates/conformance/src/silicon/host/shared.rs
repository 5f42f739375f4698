//! The memory that parent and child share: a batch of cases and room for their outcomes.

use crate::silicon::{
    case::LINE,
    world::{ARENA_PAGES, PAGE, WRITABLE},
};

/// Cases in a batch.
pub const SLOTS: usize = 256;
/// Pieces of memory that a case can set, its code among them.
pub const PATCHES: usize = 16;
/// Bytes of all of them.
pub const PATCH_BYTES: usize = 512;
/// Lines that a case can change: all of the writable pages.
pub const LINES: usize = WRITABLE.len() * PAGE / LINE;
/// Entries of the local descriptor table.
pub const SEGMENTS: usize = 256;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Registers {
    pub gpr: [u32; 8],
    pub eip: u32,
    pub eflags: u32,
    pub segments: [u16; 6],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Patch {
    /// In the arena.
    pub offset: u32,
    pub bytes: u32,
}

#[repr(C)]
pub struct Slot {
    /// Before the case, then after it.
    pub registers: Registers,
    pub patches: u32,
    pub patch: [Patch; PATCHES],
    pub patch_bytes: [u8; PATCH_BYTES],
    /// The signal that ended it.
    pub signal: u32,
    pub vector: u32,
    pub error: u32,
    pub address: u64,
    pub high: u32,
    pub lines: u32,
    pub line: [u16; LINES],
    pub line_bytes: [[u8; LINE]; LINES],
}

#[repr(C)]
pub struct Shared {
    /// Cases of this batch.
    pub count: u32,
    /// How many of them are done.
    pub done: u32,
    /// Where the child's preparations failed, with the error number.
    pub failed_step: u32,
    pub errno: i32,
    pub segments: u32,
    pub ldt: [u64; SEGMENTS],
    pub memory: [u8; ARENA_PAGES * PAGE],
    pub slots: [Slot; SLOTS],
}
