//! Near JMP Jcc JCXZ LOOP CALL RET (SDM Vol. 2, under their names). Where a target is known, lowering has checked it against the
//! code segment's limit; the far forms are in `segment`.

use super::stack::{Stack, push, top};
use super::{Condition, Of, condition, transfer_ops};
use crate::{
    access::Access,
    core::{Core, ECX},
    decode::Op,
    dispatch::{Branch, Jump},
    operand::Operand,
};
use turtle86_arch::{Exception, Fault, Reason, SegmentRegister};
use turtle86_mmu::Width;

/// Jcc.
pub struct Jcc<C>(Of<C>);
impl<C: Condition> Branch for Jcc<C> {
    #[inline(always)]
    fn run<A: Access>(core: &mut Core, _: &Op) -> Result<bool, A::Error> {
        Ok(C::holds(&core.flags))
    }
}
/// JMP to a known target.
pub struct Jmp;
impl Branch for Jmp {
    #[inline(always)]
    fn run<A: Access>(_: &mut Core, _: &Op) -> Result<bool, A::Error> {
        Ok(true)
    }
}
/// JCXZ, JECXZ: the address size picks the counter.
pub struct Jcxz<W>(Of<W>);
impl<W: Width> Branch for Jcxz<W> {
    #[inline(always)]
    fn run<A: Access>(core: &mut Core, _: &Op) -> Result<bool, A::Error> {
        Ok(core.reg::<W>(ECX).zx() == 0)
    }
}
/// LOOP (2), LOOPE (1), LOOPNE (0): the counter goes down; no flags.
pub struct Loop<W, const KIND: u8>(Of<W>);
impl<W: Width, const KIND: u8> Branch for Loop<W, KIND> {
    #[inline(always)]
    fn run<A: Access>(core: &mut Core, _: &Op) -> Result<bool, A::Error> {
        let count = W::of(core.reg::<W>(ECX).zx().wrapping_sub(1));
        core.set_reg(ECX, count);
        Ok(count.zx() != 0 && (KIND == 2 || core.flags.zf() == (KIND == 1)))
    }
}
/// CALL to a known target. `imm` is the return address.
pub struct Call<T, W>(Of<(T, W)>);
impl<T: Stack, W: Width> Branch for Call<T, W> {
    #[inline(always)]
    fn run<A: Access>(core: &mut Core, op: &Op) -> Result<bool, A::Error> {
        push::<T, W, A>(core, W::of(op.imm))?;
        Ok(true)
    }
}
/// JMP r/m.
pub struct JmpTo<W, S>(Of<(W, S)>);
impl<W: Width, S: Operand> Jump for JmpTo<W, S> {
    #[inline(always)]
    fn run<A: Access>(core: &mut Core, op: &Op) -> Result<u32, A::Error> {
        let target = S::read::<W, A>(core, op)?.zx();
        A::target(core, target)
    }
}
/// CALL r/m. `imm` is the return address.
pub struct CallTo<T, W, S>(Of<(T, W, S)>);
impl<T: Stack, W: Width, S: Operand> Jump for CallTo<T, W, S> {
    #[inline(always)]
    fn run<A: Access>(core: &mut Core, op: &Op) -> Result<u32, A::Error> {
        let target = S::read::<W, A>(core, op)?.zx();
        let target = A::target(core, target)?;
        push::<T, W, A>(core, W::of(op.imm))?;
        Ok(target)
    }
}
/// RET and RET imm16.
pub struct Ret<T, W>(Of<(T, W)>);
impl<T: Stack, W: Width> Jump for Ret<T, W> {
    #[inline(always)]
    fn run<A: Access>(core: &mut Core, op: &Op) -> Result<u32, A::Error> {
        let (target, pointer) = top::<T, W, A>(core)?;
        let target = A::target(core, target.zx())?;
        T::set_pointer(core, T::moved(pointer, op.imm));
        Ok(target)
    }
}

transfer_ops! {
    /// A branch whose known target lies beyond the code segment's limit: #GP(0) if it is taken.
    BranchBeyond = branch_beyond;
}
/// Which branch a [`BranchBeyond`] is: Jcc by its condition's encoding, and behind them the others.
pub mod beyond {
    pub const ALWAYS: u8 = 16;
    pub const JCXZ: u8 = 17;
    pub const JECXZ: u8 = 18;
    /// LOOPNE, LOOPE, LOOP with CX; then the same with ECX.
    pub const LOOP16: u8 = 19;
    pub const LOOP32: u8 = 22;
}
/// `imm` is the target, `reg` the kind.
fn branch_beyond(core: &mut Core, op: &Op) -> Result<(), Fault> {
    let looped = |core: &Core, kind: u8, count: u32| (count != 0 && (kind == 2 || core.flags.zf() == (kind == 1)), count);
    let (taken, count) = match op.reg {
        beyond::ALWAYS => (true, 0),
        beyond::JCXZ => (core.reg::<u16>(ECX) == 0, 0),
        beyond::JECXZ => (core.reg::<u32>(ECX) == 0, 0),
        kind @ beyond::LOOP16..beyond::LOOP32 => looped(core, kind - beyond::LOOP16, core.reg::<u16>(ECX).wrapping_sub(1).into()),
        kind @ beyond::LOOP32.. => looped(core, kind - beyond::LOOP32, core.reg::<u32>(ECX).wrapping_sub(1)),
        cc => (condition::holds(cc.into(), &core.flags), 0),
    };
    if taken {
        let limit = core.mmu.segment(SegmentRegister::Cs).limit;
        return Err(Fault::new(Exception::GP0, Reason::BranchBeyondLimit { target: op.imm, limit }));
    }
    match op.reg {
        beyond::LOOP16..beyond::LOOP32 => core.set_reg(ECX, count as u16),
        beyond::LOOP32.. => core.set_reg(ECX, count),
        _ => {}
    }
    core.eip = core.next_eip(op);
    Ok(())
}
