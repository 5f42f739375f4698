//! MOV and its kin: XCHG MOVZX MOVSX CMOVcc LEA XLAT CBW CWD LAHF SAHF (SDM Vol. 2, under their names).

use super::{Condition, Of, condition};
use crate::{
    access::Access,
    core::{Core, EAX, EBX, EDX},
    decode::Op,
    dispatch::Instruction,
    flags::{AF, CF, PF, SF, ZF},
    operand::{Memory, Operand},
};
use turtle86_mmu::Width;

/// `MOV DEST, SRC`.
pub struct Mov<W, D, S>(Of<(W, D, S)>);
impl<W: Width, D: Operand, S: Operand> Instruction for Mov<W, D, S> {
    #[inline(always)]
    fn run<A: Access>(core: &mut Core, op: &Op) -> Result<(), A::Error> {
        let s = S::read::<W, A>(core, op)?;
        let at = D::locate::<W, A>(core, op)?;
        D::commit::<W, A>(core, op, at, s);
        Ok(())
    }
}
/// `XCHG DEST, r`.
pub struct Xchg<W, D>(Of<(W, D)>);
impl<W: Width, D: Operand> Instruction for Xchg<W, D> {
    #[inline(always)]
    fn run<A: Access>(core: &mut Core, op: &Op) -> Result<(), A::Error> {
        let at = D::locate::<W, A>(core, op)?;
        let (d, s) = (D::value::<W, A>(core, op, at), core.reg::<W>(op.reg));
        D::commit::<W, A>(core, op, at, s);
        core.set_reg(op.reg, d);
        Ok(())
    }
}
/// MOVZX and MOVSX.
pub struct Extend<const SIGNED: bool, W, D, S>(Of<(W, D, S)>);
impl<const SIGNED: bool, W: Width, D: Width, S: Operand> Instruction for Extend<SIGNED, W, D, S> {
    #[inline(always)]
    fn run<A: Access>(core: &mut Core, op: &Op) -> Result<(), A::Error> {
        let value = S::read::<W, A>(core, op)?;
        core.set_reg(op.reg, D::of(if SIGNED { value.sx() } else { value.zx() }));
        Ok(())
    }
}
/// CMOVcc: the source is read, and can fault, whatever the condition says.
pub struct Cmov<C, W, S>(Of<(C, W, S)>);
impl<C: Condition, W: Width, S: Operand> Instruction for Cmov<C, W, S> {
    #[inline(always)]
    fn run<A: Access>(core: &mut Core, op: &Op) -> Result<(), A::Error> {
        let value = S::read::<W, A>(core, op)?;
        if C::holds(&core.flags) {
            core.set_reg(op.reg, value);
        }
        Ok(())
    }
}
/// The same from memory; the condition's encoding is the immediate.
pub struct CmovMemory<W, S>(Of<(W, S)>);
impl<W: Width, S: Operand> Instruction for CmovMemory<W, S> {
    #[inline(always)]
    fn run<A: Access>(core: &mut Core, op: &Op) -> Result<(), A::Error> {
        let value = S::read::<W, A>(core, op)?;
        if condition::holds(op.imm, &core.flags) {
            core.set_reg(op.reg, value);
        }
        Ok(())
    }
}
/// LEA.
pub struct Lea<W, M>(Of<(W, M)>);
impl<W: Width, M: Memory> Instruction for Lea<W, M> {
    #[inline(always)]
    fn run<A: Access>(core: &mut Core, op: &Op) -> Result<(), A::Error> {
        let offset = M::offset(core, op);
        core.set_reg(op.reg, W::of(offset));
        Ok(())
    }
}
/// XLAT: `AL := [EBX + ZeroExtend(AL)]`, in 16-bit or 32-bit addressing.
pub struct Xlat<const WIDE: bool>;
impl<const WIDE: bool> Instruction for Xlat<WIDE> {
    #[inline(always)]
    fn run<A: Access>(core: &mut Core, op: &Op) -> Result<(), A::Error> {
        let offset = core.reg::<u32>(EBX).wrapping_add(core.reg::<u8>(EAX).zx());
        let linear = A::linear::<u8>(core, op.segment(), if WIDE { offset } else { offset & 0xffff }, false)?;
        let value = A::load::<u8>(core, linear)?;
        core.set_reg(EAX, value);
        Ok(())
    }
}

macro_rules! plain {
    ($($(#[$doc:meta])* $name:ident |$core:ident| $run:expr;)*) => { $(
        $(#[$doc])*
        pub struct $name;
        impl Instruction for $name {
            #[inline(always)]
            fn run<A: Access>($core: &mut Core, _: &Op) -> Result<(), A::Error> {
                let () = $run;
                Ok(())
            }
        }
    )* };
}
plain! {
    /// NOP, and hints that no timing model acts on.
    Nop |_core| ();
    /// CBW: AX := SignExtend(AL).
    Cbw |core| { let v = core.reg::<u8>(EAX).sx(); core.set_reg(EAX, v as u16) };
    /// CWDE: EAX := SignExtend(AX).
    Cwde |core| { let v = core.reg::<u16>(EAX).sx(); core.set_reg(EAX, v) };
    /// CWD: DX:AX := SignExtend(AX).
    Cwd |core| { let v = (core.reg::<u16>(EAX).sx() as i32 >> 16) as u16; core.set_reg(EDX, v) };
    /// CDQ: EDX:EAX := SignExtend(EAX).
    Cdq |core| { let v = (core.reg::<u32>(EAX) as i32 >> 31) as u32; core.set_reg(EDX, v) };
    /// LAHF: AH := SF:ZF:0:AF:0:PF:1:CF.
    Lahf |core| { let v = (core.flags.image() & 0xd5 | 2) as u8; core.set_reg(EAX + 1, v) };
    /// SAHF.
    Sahf |core| { let image = core.reg::<u8>(EAX + 1).zx(); core.flags.replace(SF | ZF | AF | PF | CF, image) };
    /// SALC (undocumented): AL := CF ? FFh : 0.
    Salc |core| { let v = if core.flags.cf() { 0xffu8 } else { 0 }; core.set_reg(EAX, v) };
}
