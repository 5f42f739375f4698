//! BOUND and SETcc; AND OR XOR NOT TEST lie in `arithmetic` with the operations that they share their shape with.

use super::{Condition, Of, condition};
use crate::{
    access::Access,
    core::Core,
    decode::Op,
    dispatch::Instruction,
    operand::{Memory, Operand},
};
use turtle86_arch::{Exception, Fault, Reason};
use turtle86_mmu::Width;

/// SETcc on a register.
pub struct Set<C>(Of<C>);
impl<C: Condition> Instruction for Set<C> {
    #[inline(always)]
    fn run<A: Access>(core: &mut Core, op: &Op) -> Result<(), A::Error> {
        let value = u8::from(C::holds(&core.flags));
        core.set_reg(op.rm, value);
        Ok(())
    }
}
/// SETcc in memory; the condition's encoding is the immediate.
pub struct SetMemory<D>(Of<D>);
impl<D: Operand> Instruction for SetMemory<D> {
    #[inline(always)]
    fn run<A: Access>(core: &mut Core, op: &Op) -> Result<(), A::Error> {
        let at = D::locate::<u8, A>(core, op)?;
        let value = u8::from(condition::holds(op.imm, &core.flags));
        D::commit::<u8, A>(core, op, at, value);
        Ok(())
    }
}

/// BOUND: #BR unless `lower <= index <= upper`, all signed.
pub struct Bound<W, M>(Of<(W, M)>);
impl<W: Width, M: Memory> Instruction for Bound<W, M> {
    #[inline(always)]
    fn run<A: Access>(core: &mut Core, op: &Op) -> Result<(), A::Error> {
        let offset = M::offset(core, op);
        let lower = A::linear::<W>(core, op.segment(), offset, false)?;
        let upper = A::linear::<W>(core, op.segment(), offset.wrapping_add(W::BYTES as u32), false)?;
        let lower = A::load::<W>(core, lower)?.sx() as i32;
        let upper = A::load::<W>(core, upper)?.sx() as i32;
        let index = core.reg::<W>(op.reg).sx() as i32;
        if index < lower || index > upper {
            return Err(A::fault(|| Fault::new(Exception::BoundRange, Reason::BoundsExceeded { index, lower, upper })));
        }
        Ok(())
    }
}
