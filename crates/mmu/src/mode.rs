//! The mode word: all that decoding and dispatch depend on, beside the bytes themselves.

use crate::{Mmu, tlb::USER_BANK};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use turtle86_arch::{Cr0, SegmentRegister};

/// A word that is part of every block's key. Kept up to date when a segment, CR0 or CPL changes, so that no lookup computes it.
///
/// Bits 0 to 5: segment register n is flat. 6: 32-bit code. 7: 32-bit stack. 8: CPL 3. 9: protected mode.
/// 10: one instruction a block. 16 to 31: the code context, a number for CS base and limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Mode(u32);
impl Mode {
    const CODE_32: u32 = 1 << 6;
    const STACK_32: u32 = 1 << 7;
    const USER: u32 = 1 << 8;
    const PROTECTED: u32 = 1 << 9;
    const STEP: u32 = 1 << 10;

    /// The word.
    #[inline(always)]
    pub const fn bits(self) -> u32 {
        self.0
    }
    /// The segment is data with base 0 and a limit of 4 GiB, readable and writable: no check is needed.
    pub const fn flat(self, register: SegmentRegister) -> bool {
        self.0 >> register as u32 & 1 != 0
    }
    /// CS.D.
    pub const fn code_32(self) -> bool {
        self.0 & Self::CODE_32 != 0
    }
    /// SS.B.
    pub const fn stack_32(self) -> bool {
        self.0 & Self::STACK_32 != 0
    }
    /// CR0.PE.
    #[inline(always)]
    pub const fn protected(self) -> bool {
        self.0 & Self::PROTECTED != 0
    }
    /// One instruction a block.
    pub const fn stepping(self) -> bool {
        self.0 & Self::STEP != 0
    }
    /// The same mode with one instruction a block.
    pub const fn step(self) -> Mode {
        Mode(self.0 | Self::STEP)
    }
    fn set(&mut self, bit: u32, on: bool) {
        if on { self.0 |= bit } else { self.0 &= !bit }
    }
    pub(crate) fn set_flat(&mut self, register: SegmentRegister, flat: bool) {
        self.set(1 << register as u32, flat);
    }
    pub(crate) fn set_code_32(&mut self, on: bool) {
        self.set(Self::CODE_32, on);
    }
    pub(crate) fn set_stack_32(&mut self, on: bool) {
        self.set(Self::STACK_32, on);
    }
    pub(crate) fn set_context(&mut self, context: u16) {
        self.0 = self.0 & 0xffff | u32::from(context) << 16;
    }
}

/// Numbers for pairs of CS base and limit: with them a block's key says where its code may run to, in sixteen bits.
#[derive(Default)]
pub(crate) struct Contexts {
    numbers: HashMap<(u32, u32), u16>,
    last: Option<((u32, u32), u16)>,
    overflowed: bool,
}
impl Contexts {
    #[inline]
    pub(crate) fn number(&mut self, base: u32, limit: u32) -> u16 {
        match self.last {
            Some((pair, number)) if pair == (base, limit) => number,
            _ => self.look_up(base, limit),
        }
    }
    fn look_up(&mut self, base: u32, limit: u32) -> u16 {
        if self.numbers.len() > usize::from(u16::MAX) {
            self.numbers.clear();
            self.overflowed = true;
        }
        let next = self.numbers.len() as u16;
        let number = *self.numbers.entry((base, limit)).or_insert(next);
        self.last = Some(((base, limit), number));
        number
    }
}

impl Mmu {
    /// The mode word.
    #[inline(always)]
    pub fn mode(&self) -> Mode {
        self.mode
    }
    /// The numbers of code contexts began anew: blocks decoded before must be forgotten. Cleared by the call.
    pub fn take_context_overflow(&mut self) -> bool {
        std::mem::take(&mut self.contexts.overflowed)
    }
    pub(crate) fn privilege_changed(&mut self) {
        let user = self.cpl == 3;
        self.mode.set(Mode::USER, user);
        self.bank = if user && self.control.cr0.contains(Cr0::PG) { USER_BANK } else { 0 };
    }
    pub(crate) fn protection_changed(&mut self) {
        self.mode.set(Mode::PROTECTED, self.control.cr0.contains(Cr0::PE));
        SegmentRegister::ALL.into_iter().for_each(|register| self.segment_changed(register));
        self.privilege_changed();
    }
}
