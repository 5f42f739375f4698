//! Shapes that several mnemonics share: two operands, one operand, shifts, products, bits, the stack.

use super::{FlagUse, Lowering, forms::*, register};
use crate::{
    dispatch::{Handler, complex, sequential},
    execute::{arithmetic::*, bit::*, divide::*, multiply::*, shift::*, stack::*, transfer::*},
    operand::{Cl, I, MB, R, Rm},
};

impl Lowering<'_> {
    /// ALU, MOV and TEST: all forms of two operands.
    pub(super) fn binary<K: Alu>(&mut self, mov: bool) -> Handler {
        let size = self.size(0);
        macro_rules! pick {
            ($W:ident, $D:ident, $S:ident) => {
                if mov { sequential::<Mov<$W, $D, $S>> as Handler } else { sequential::<Binary<K, $W, $D, $S>> as Handler }
            };
        }
        if self.is_memory(0) {
            let place = self.memory();
            if self.is_register(1) {
                self.reg(1);
                return by_size!(size, W => by_memory!(place, D => pick!(W, D, R)));
            }
            self.immediate(1);
            if !mov && place == Place::Base {
                self.fuse = match size {
                    Size::Byte => Some(fuse::<Binary<K, u8, MB, I>>),
                    Size::Dword => Some(fuse::<Binary<K, u32, MB, I>>),
                    Size::Word => None,
                };
                if K::WRITES {
                    self.fuse = None;
                }
            }
            return by_size!(size, W => by_memory!(place, D => pick!(W, D, I)));
        }
        if self.is_memory(1) {
            self.reg(0);
            let place = self.memory();
            return by_size!(size, W => by_memory!(place, S => pick!(W, R, S)));
        }
        self.op.rm = register(self.i.op_register(0));
        let immediate = !self.is_register(1);
        self.flags = match (mov, size) {
            (true, _) => FlagUse::Ignores,
            _ if K::READS_CARRY => FlagUse::Reads,
            (_, Size::Dword) if K::WRITES => {
                FlagUse::Writes(Some(if immediate { sequential::<Quiet<K, Rm, I>> } else { sequential::<Quiet<K, Rm, R>> }))
            }
            _ => FlagUse::Writes(None),
        };
        if immediate {
            self.immediate(1)
        } else {
            self.reg(1)
        }
        if !mov && !K::READS_CARRY {
            self.fuse = match (size, immediate) {
                (Size::Dword, true) => Some(fuse::<Binary<K, u32, Rm, I>>),
                (Size::Dword, false) if !K::WRITES => Some(fuse::<Binary<K, u32, Rm, R>>),
                (Size::Byte, true) if !K::WRITES => Some(fuse::<Binary<K, u8, Rm, I>>),
                (Size::Byte, false) if !K::WRITES => Some(fuse::<Binary<K, u8, Rm, R>>),
                (Size::Word, true) if !K::WRITES => Some(fuse::<Binary<K, u16, Rm, I>>),
                _ => None,
            };
        }
        if immediate { by_size!(size, W => pick!(W, Rm, I)) } else { by_size!(size, W => pick!(W, Rm, R)) }
    }
    pub(super) fn unary<K: OneOperand>(&mut self, quiet: Option<FlagUse>, fusible: bool) -> Handler {
        let size = self.size(0);
        let place = self.rm(0);
        if place == Place::Register {
            if let Some(quiet) = quiet {
                self.flags = if size == Size::Dword { quiet } else { FlagUse::Reads };
            }
            if fusible && size == Size::Dword {
                self.fuse = Some(fuse::<Unary<K, u32, Rm>>);
            }
        }
        by_size!(size, W => by_place!(place, D => sequential::<Unary<K, W, D>>))
    }
    /// All forms of a shift. `flat` ones have handlers for flat segments.
    pub(super) fn shift<K: Turn>(&mut self, quiet: bool) -> Handler {
        let size = self.size(0);
        let place = self.rm(0);
        if self.is_register(1) {
            return by_size!(size, W => by_general!(place, D => sequential::<Shift<K, W, D, Cl>>));
        }
        self.immediate(1);
        if place == Place::Register && size == Size::Dword && self.op.imm & 31 != 0 && quiet {
            self.flags = FlagUse::Writes(Some(sequential::<QuietShift<K>>));
        }
        by_size!(size, W => by_general!(place, D => sequential::<Shift<K, W, D, I>>))
    }
    pub(super) fn double_shift<const LEFT: bool>(&mut self) -> Handler {
        let size = self.size(0);
        let place = self.rm(0);
        self.reg(1);
        let rules = self.rules();
        if self.is_register(2) {
            return by_rules!(rules, X => by_word!(size, W => by_general!(place, D => sequential::<DoubleShift<LEFT, X, W, D, Cl>>)));
        }
        self.immediate(2);
        by_rules!(rules, X => by_word!(size, W => by_general!(place, D => sequential::<DoubleShift<LEFT, X, W, D, I>>)))
    }
    pub(super) fn extend<const SIGNED: bool>(&mut self) -> Handler {
        self.reg(0);
        let (to, from) = (self.size(0), self.size(1));
        let place = self.rm(1);
        if place == Place::Register {
            self.flags = FlagUse::Ignores;
        }
        match (from, to) {
            (Size::Byte, Size::Word) => by_place!(place, S => sequential::<Extend<SIGNED, u8, u16, S>>),
            (Size::Byte, _) => by_place!(place, S => sequential::<Extend<SIGNED, u8, u32, S>>),
            (_, Size::Word) => by_general!(place, S => sequential::<Extend<SIGNED, u16, u16, S>>),
            _ => by_place!(place, S => sequential::<Extend<SIGNED, u16, u32, S>>),
        }
    }
    pub(super) fn multiply<const SIGNED: bool>(&mut self) -> Handler {
        let rules = self.rules();
        if self.i.op_count() == 1 {
            let size = self.size(0);
            let place = self.rm(0);
            return by_rules!(rules, X => by_size!(size, W => by_general!(place, S => sequential::<Multiply<SIGNED, X, W, S>>)));
        }
        self.reg(0);
        let size = self.size(0);
        let place = self.rm(1);
        if self.i.op_count() == 3 {
            self.immediate(2);
            return by_rules!(rules, X => by_word!(size, W => by_general!(place, S => sequential::<MultiplyThree<X, W, S>>)));
        }
        by_rules!(rules, X => by_word!(size, W => by_general!(place, S => sequential::<MultiplyTwo<X, W, S>>)))
    }
    pub(super) fn divide<const SIGNED: bool>(&mut self) -> Handler {
        let size = self.size(0);
        let place = self.rm(0);
        let rules = self.rules();
        by_rules!(rules, X => by_size!(size, W => by_general!(place, S => sequential::<Divide<SIGNED, X, W, S>>)))
    }
    pub(super) fn bit_test<K: BitOperation>(&mut self) -> Handler {
        let size = self.size(0);
        let place = self.rm(0);
        let rules = self.rules();
        if self.is_register(1) {
            self.reg(1);
            return match place {
                Place::Register => by_rules!(rules, X => by_word!(size, W => sequential::<BitTest<K, X, W, Rm, R>>)),
                _ => by_rules!(rules, X => by_word!(size, W => by_general_memory!(place, D => sequential::<BitString<K, X, W, D>>))),
            };
        }
        self.immediate(1);
        by_rules!(rules, X => by_word!(size, W => by_general!(place, D => sequential::<BitTest<K, X, W, D, I>>)))
    }
    pub(super) fn bit_scan<const REVERSE: bool>(&mut self) -> Handler {
        self.reg(0);
        let size = self.size(0);
        let place = self.rm(1);
        by_word!(size, W => by_general!(place, S => sequential::<BitScan<REVERSE, W, S>>))
    }

    pub(super) fn push(&mut self) -> Option<Handler> {
        let size = self.stack_size();
        if self.is_register(0) && self.i.op_register(0).is_segment_register() {
            self.op.reg = self.i.op_register(0).number() as u8;
            return Some(if size == Size::Word { complex::<PushSegment16> } else { complex::<PushSegment32> });
        }
        let stack = self.stack();
        if !self.is_register(0) && !self.is_memory(0) {
            self.immediate(0);
            return Some(by_stack!(stack, T => by_word!(size, W => sequential::<Push<T, W, I>>)));
        }
        let place = self.rm(0);
        Some(by_stack!(stack, T => by_word!(size, W => by_general_or_base!(place, S => sequential::<Push<T, W, S>>))))
    }
    pub(super) fn pop(&mut self) -> Option<Handler> {
        let size = self.stack_size();
        if self.is_register(0) && self.i.op_register(0).is_segment_register() {
            self.op.reg = self.i.op_register(0).number() as u8;
            return Some(if size == Size::Word { complex::<PopSegment16> } else { complex::<PopSegment32> });
        }
        let stack = self.stack();
        let place = self.rm(0);
        if place == Place::Register {
            return Some(by_stack!(stack, T => by_word!(size, W => sequential::<Pop<T, W>>)));
        }
        Some(by_stack!(stack, T => by_word!(size, W => by_general_memory!(place, D => sequential::<PopMemory<T, W, D>>))))
    }
}
