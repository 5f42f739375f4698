//! Control transfer.

use super::{Kind, Lowering, forms::*};
use crate::{
    dispatch::{Handler, branch, jump, transfer},
    execute::{jump::*, segment::*},
};
use iced_x86::{Code, Mnemonic as M, OpKind};

impl Lowering<'_> {
    pub(super) fn next_eip(&self) -> u32 {
        self.i.next_ip32()
    }
    /// A branch to a known target; `beyond` is its kind for a target that the code segment does not hold.
    pub(super) fn known(&mut self, target: u32, beyond: u8, handler: Handler) -> Handler {
        if target > self.context.limit {
            self.kind = Kind::Jump;
            self.op.imm = target;
            self.op.reg = beyond;
            return transfer::<BranchBeyond>;
        }
        self.kind = Kind::Branch(target);
        handler
    }
    pub(super) fn near_target(&self) -> u32 {
        match self.i.op_kind(0) {
            OpKind::NearBranch16 => u32::from(self.i.near_branch16()),
            _ => self.i.near_branch32(),
        }
    }
    /// JCXZ and LOOPcc: their address size picks the counter.
    pub(super) fn counted(&mut self) -> Handler {
        let wide = matches!(
            self.i.code(),
            Code::Jecxz_rel8_16
                | Code::Jecxz_rel8_32
                | Code::Loop_rel8_16_ECX
                | Code::Loop_rel8_32_ECX
                | Code::Loope_rel8_16_ECX
                | Code::Loope_rel8_32_ECX
                | Code::Loopne_rel8_16_ECX
                | Code::Loopne_rel8_32_ECX
        );
        let target = self.near_target();
        let (kind, handler): (u8, Handler) = match (self.i.mnemonic(), wide) {
            (M::Loopne, false) => (0, branch::<Loop<u16, 0>>),
            (M::Loopne, true) => (0, branch::<Loop<u32, 0>>),
            (M::Loope, false) => (1, branch::<Loop<u16, 1>>),
            (M::Loope, true) => (1, branch::<Loop<u32, 1>>),
            (M::Loop, false) => (2, branch::<Loop<u16, 2>>),
            (M::Loop, true) => (2, branch::<Loop<u32, 2>>),
            (_, false) => return self.known(target, beyond::JCXZ, branch::<Jcxz<u16>>),
            (_, true) => return self.known(target, beyond::JECXZ, branch::<Jcxz<u32>>),
        };
        self.known(target, kind + if wide { beyond::LOOP32 } else { beyond::LOOP16 }, handler)
    }
    pub(super) fn jump_or_call(&mut self, call: bool) -> Option<Handler> {
        let stack = self.stack();
        match self.i.op_kind(0) {
            OpKind::NearBranch16 | OpKind::NearBranch32 => {
                let target = self.near_target();
                if !call {
                    return Some(self.known(target, beyond::ALWAYS, branch::<Jmp>));
                }
                let size = if self.i.op_kind(0) == OpKind::NearBranch16 { Size::Word } else { Size::Dword };
                self.op.imm = self.next_eip();
                Some(self.known(target, beyond::ALWAYS, by_stack!(stack, T => by_word!(size, W => branch::<Call<T, W>>))))
            }
            OpKind::FarBranch16 | OpKind::FarBranch32 => {
                self.kind = Kind::Jump;
                let wide = self.i.op_kind(0) == OpKind::FarBranch32;
                self.op.imm = if wide { self.i.far_branch32() } else { self.i.far_branch16().into() };
                self.op.disp = self.i.far_branch_selector().into();
                Some(match (call, wide) {
                    (false, _) => transfer::<JmpFar>,
                    (true, false) => transfer::<CallFar16>,
                    (true, true) => transfer::<CallFar32>,
                })
            }
            _ => {
                self.kind = Kind::Jump;
                let far = matches!(self.i.code(), Code::Jmp_m1616 | Code::Jmp_m1632 | Code::Call_m1616 | Code::Call_m1632);
                if far {
                    self.memory();
                    return Some(match self.i.code() {
                        Code::Jmp_m1616 => transfer::<JmpFarMemory16>,
                        Code::Jmp_m1632 => transfer::<JmpFarMemory32>,
                        Code::Call_m1616 => transfer::<CallFarMemory16>,
                        _ => transfer::<CallFarMemory32>,
                    });
                }
                let size = self.size(0);
                let place = self.rm(0);
                if !call {
                    return Some(by_word!(size, W => by_place!(place, S => jump::<JmpTo<W, S>>)));
                }
                self.op.imm = self.next_eip();
                Some(by_stack!(stack, T => by_word!(size, W => by_general_or_base!(place, S => jump::<CallTo<T, W, S>>))))
            }
        }
    }
    pub(super) fn ret(&mut self) -> Handler {
        self.kind = Kind::Jump;
        if self.i.op_count() > 0 {
            self.immediate(0);
        }
        let stack = self.stack();
        let size = if matches!(self.i.code(), Code::Retnd | Code::Retnd_imm16) { Size::Dword } else { Size::Word };
        by_stack!(stack, T => by_word!(size, W => jump::<Ret<T, W>>))
    }
}
