//! Strings, ports, and what the system programmer uses.

use super::{FlagUse, Kind, Lowering, forms::*};
use crate::{
    dispatch::{Handler, complex, repeat, sequential},
    execute::{port_io::*, segment::*, string::*, system::*},
};
use iced_x86::{Mnemonic as M, Register};
use turtle86_arch::SegmentRegister;

impl Lowering<'_> {
    pub(super) fn string(&mut self) -> Option<Handler> {
        let wide = self.string_operand();
        let (rep, repne) = (self.i.has_rep_prefix(), self.i.has_repne_prefix());
        macro_rules! pick {
            ($K:ident, $W:ty, compares) => {
                match (wide, repne, rep) {
                    (true, true, _) => repeat::<Rep<$K<$W, u32>, u32, true>> as Handler,
                    (true, _, true) => repeat::<Rep<$K<$W, u32>, u32, false>>,
                    (true, _, _) => sequential::<Once<$K<$W, u32>>>,
                    (false, true, _) => repeat::<Rep<$K<$W, u16>, u16, true>>,
                    (false, _, true) => repeat::<Rep<$K<$W, u16>, u16, false>>,
                    (false, _, _) => sequential::<Once<$K<$W, u16>>>,
                }
            };
            ($K:ident, $W:ty) => {
                match (wide, repne || rep) {
                    (true, true) => repeat::<Rep<$K<$W, u32>, u32, false>> as Handler,
                    (true, _) => sequential::<Once<$K<$W, u32>>>,
                    (false, true) => repeat::<Rep<$K<$W, u16>, u16, false>>,
                    (false, _) => sequential::<Once<$K<$W, u16>>>,
                }
            };
            ($K:ident, $W:ty, port) => {
                match (wide, repne || rep) {
                    (true, true) => repeat::<Rep<$K<$W, u32>, u32, false>> as Handler,
                    (true, _) => complex::<OnceSlow<$K<$W, u32>>>,
                    (false, true) => repeat::<Rep<$K<$W, u16>, u16, false>>,
                    (false, _) => complex::<OnceSlow<$K<$W, u16>>>,
                }
            };
        }
        Some(match self.i.mnemonic() {
            M::Movsb => pick!(Movs, u8),
            M::Movsw => pick!(Movs, u16),
            M::Movsd => pick!(Movs, u32),
            M::Stosb => pick!(Stos, u8),
            M::Stosw => pick!(Stos, u16),
            M::Stosd => pick!(Stos, u32),
            M::Lodsb => pick!(Lods, u8),
            M::Lodsw => pick!(Lods, u16),
            M::Lodsd => pick!(Lods, u32),
            M::Scasb => pick!(Scas, u8, compares),
            M::Scasw => pick!(Scas, u16, compares),
            M::Scasd => pick!(Scas, u32, compares),
            M::Cmpsb => pick!(Cmps, u8, compares),
            M::Cmpsw => pick!(Cmps, u16, compares),
            M::Cmpsd => pick!(Cmps, u32, compares),
            M::Insb => pick!(Ins, u8, port),
            M::Insw => pick!(Ins, u16, port),
            M::Insd => pick!(Ins, u32, port),
            M::Outsb => pick!(Outs, u8, port),
            M::Outsw => pick!(Outs, u16, port),
            M::Outsd => pick!(Outs, u32, port),
            _ => return None,
        })
    }
    /// IN and OUT; operand 0 of IN and 1 of OUT is the accumulator.
    pub(super) fn port(&mut self, input: bool) -> Handler {
        let (accumulator, port) = if input { (0, 1) } else { (1, 0) };
        let size = self.size(accumulator);
        let immediate = !self.is_register(port);
        if immediate {
            self.immediate(port);
        }
        match (input, immediate) {
            (true, true) => by_size!(size, W => complex::<In<W, true>>),
            (true, false) => by_size!(size, W => complex::<In<W, false>>),
            (false, true) => by_size!(size, W => complex::<Out<W, true>>),
            (false, false) => by_size!(size, W => complex::<Out<W, false>>),
        }
    }

    /// LDS and its kin, with the segment register that the mnemonic names.
    pub(super) fn far_pointer(&mut self, segment: SegmentRegister) -> Handler {
        self.reg(0);
        let size = self.size(0);
        self.memory();
        self.op.imm = segment as u32;
        by_word!(size, W => complex::<LoadFarPointer<W>>)
    }
    /// MOV with a segment, control, debug or test register.
    pub(super) fn special_mov(&mut self) -> Option<Handler> {
        let special = |r: Register| r.is_segment_register() || r.is_cr() || r.is_dr() || r.is_tr();
        for (n, other) in [(0, 1), (1, 0)] {
            if !self.is_register(n) || !special(self.i.op_register(n)) {
                continue;
            }
            let r = self.i.op_register(n);
            let to = n == 0;
            self.op.reg = r.number() as u8;
            let size = self.size(other);
            self.rm(other);
            return Some(match () {
                () if r.is_segment_register() && to => complex::<MovToSegment>,
                () if r.is_segment_register() && size == Size::Dword => complex::<MovFromSegment32>,
                () if r.is_segment_register() => complex::<MovFromSegment16>,
                () if r.is_cr() && to => complex::<MovToCr>,
                () if r.is_cr() => complex::<MovFromCr>,
                () if r.is_dr() && to => complex::<MovToDr>,
                () if r.is_dr() => complex::<MovFromDr>,
                () if to => complex::<MovToTr>,
                () => complex::<MovFromTr>,
            });
        }
        None
    }
    /// An instruction that reads its r/m operand when it runs.
    pub(super) fn with_rm(&mut self, handler: Handler) -> Option<Handler> {
        self.rm(0);
        Some(handler)
    }
    /// An instruction that sets EIP itself.
    pub(super) fn transfers(&mut self, handler: Handler) -> Option<Handler> {
        self.kind = Kind::Jump;
        Some(handler)
    }
    pub(super) fn ignores(&mut self, handler: Handler) -> Option<Handler> {
        self.flags = FlagUse::Ignores;
        Some(handler)
    }
    /// An instruction of the x87, on a processor without one.
    pub(super) fn escape(&mut self) -> Option<Handler> {
        Some(match self.i.mnemonic() {
            M::Wait => complex::<Wait>,
            M::Fninit | M::Fnclex => complex::<EscapeIgnored>,
            M::Fnstsw if self.is_register(0) => complex::<EscapeStatusAx>,
            M::Fnstsw | M::Fnstcw => {
                self.memory();
                complex::<EscapeStatus>
            }
            _ => complex::<Escape>,
        })
    }
}
