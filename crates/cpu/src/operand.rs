//! Where operands live, as types: chosen once, when an instruction is lowered.

use crate::{
    access::Access,
    core::{Core, ECX},
    decode::Op,
};
use turtle86_mmu::Width;

/// The register in `reg`.
pub struct R;
/// The register in `rm`.
pub struct Rm;
/// The immediate.
pub struct I;
/// CL.
pub struct Cl;
/// Memory: base + displacement in a flat segment.
pub struct MB;
/// Memory: base + index * scale + displacement in a flat segment.
pub struct MX;
/// Memory: the same in any segment.
pub struct MG;
/// Memory: 16-bit addressing in any segment.
pub struct M16;

/// A memory operand: its offset, and the linear address once the segment allows it.
pub trait Memory {
    fn offset(core: &Core, op: &Op) -> u32;
    fn linear<W: Width, A: Access>(core: &mut Core, op: &Op, write: bool) -> Result<u32, A::Error>;
}
impl Memory for MB {
    #[inline(always)]
    fn offset(core: &Core, op: &Op) -> u32 {
        core.reg::<u32>(op.base).wrapping_add(op.disp)
    }
    #[inline(always)]
    fn linear<W: Width, A: Access>(core: &mut Core, op: &Op, _: bool) -> Result<u32, A::Error> {
        Ok(Self::offset(core, op))
    }
}
impl Memory for MX {
    #[inline(always)]
    fn offset(core: &Core, op: &Op) -> u32 {
        core.reg::<u32>(op.base).wrapping_add(core.reg::<u32>(op.index) << (op.scale_segment & 3)).wrapping_add(op.disp)
    }
    #[inline(always)]
    fn linear<W: Width, A: Access>(core: &mut Core, op: &Op, _: bool) -> Result<u32, A::Error> {
        Ok(Self::offset(core, op))
    }
}
impl Memory for MG {
    #[inline(always)]
    fn offset(core: &Core, op: &Op) -> u32 {
        MX::offset(core, op)
    }
    #[inline(always)]
    fn linear<W: Width, A: Access>(core: &mut Core, op: &Op, write: bool) -> Result<u32, A::Error> {
        let offset = Self::offset(core, op);
        A::linear::<W>(core, op.segment(), offset, write)
    }
}
impl Memory for M16 {
    #[inline(always)]
    fn offset(core: &Core, op: &Op) -> u32 {
        core.reg::<u32>(op.base).wrapping_add(core.reg::<u32>(op.index)).wrapping_add(op.disp) & 0xffff
    }
    #[inline(always)]
    fn linear<W: Width, A: Access>(core: &mut Core, op: &Op, write: bool) -> Result<u32, A::Error> {
        let offset = Self::offset(core, op);
        A::linear::<W>(core, op.segment(), offset, write)
    }
}

/// An operand: read, or located (checked for writing once), then valued and committed.
pub trait Operand {
    type At<A: Access>: Copy;
    fn read<W: Width, A: Access>(core: &mut Core, op: &Op) -> Result<W, A::Error>;
    fn locate<W: Width, A: Access>(core: &mut Core, op: &Op) -> Result<Self::At<A>, A::Error>;
    fn value<W: Width, A: Access>(core: &mut Core, op: &Op, at: Self::At<A>) -> W;
    fn commit<W: Width, A: Access>(core: &mut Core, op: &Op, at: Self::At<A>, value: W);
}
macro_rules! register {
    ($type:ty, $field:ident) => {
        impl Operand for $type {
            type At<A: Access> = ();
            #[inline(always)]
            fn read<W: Width, A: Access>(core: &mut Core, op: &Op) -> Result<W, A::Error> {
                Ok(core.reg(op.$field))
            }
            #[inline(always)]
            fn locate<W: Width, A: Access>(_: &mut Core, _: &Op) -> Result<(), A::Error> {
                Ok(())
            }
            #[inline(always)]
            fn value<W: Width, A: Access>(core: &mut Core, op: &Op, _: ()) -> W {
                core.reg(op.$field)
            }
            #[inline(always)]
            fn commit<W: Width, A: Access>(core: &mut Core, op: &Op, _: (), value: W) {
                core.set_reg(op.$field, value);
            }
        }
    };
}
register!(R, reg);
register!(Rm, rm);
macro_rules! memory {
    ($($type:ty),*) => { $(impl Operand for $type {
        type At<A: Access> = A::Place;
        #[inline(always)]
        fn read<W: Width, A: Access>(core: &mut Core, op: &Op) -> Result<W, A::Error> {
            let linear = <$type>::linear::<W, A>(core, op, false)?;
            A::load(core, linear)
        }
        #[inline(always)]
        fn locate<W: Width, A: Access>(core: &mut Core, op: &Op) -> Result<A::Place, A::Error> {
            let linear = <$type>::linear::<W, A>(core, op, true)?;
            A::place::<W>(core, linear)
        }
        #[inline(always)]
        fn value<W: Width, A: Access>(core: &mut Core, _: &Op, at: A::Place) -> W {
            A::peek(core, at)
        }
        #[inline(always)]
        fn commit<W: Width, A: Access>(core: &mut Core, _: &Op, at: A::Place, value: W) {
            A::poke(core, at, value);
        }
    })* };
}
memory!(MB, MX, MG, M16);
macro_rules! constant {
    ($type:ty, |$core:ident, $op:ident| $value:expr) => {
        impl Operand for $type {
            type At<A: Access> = ();
            #[inline(always)]
            fn read<W: Width, A: Access>($core: &mut Core, $op: &Op) -> Result<W, A::Error> {
                let _ = (&$core, $op);
                Ok(W::of($value))
            }
            fn locate<W: Width, A: Access>(_: &mut Core, _: &Op) -> Result<(), A::Error> {
                Ok(())
            }
            fn value<W: Width, A: Access>(_: &mut Core, _: &Op, _: ()) -> W {
                W::of(0)
            }
            fn commit<W: Width, A: Access>(_: &mut Core, _: &Op, _: (), _: W) {}
        }
    };
}
constant!(I, |core, op| op.imm);
constant!(Cl, |core, op| core.reg::<u8>(ECX).zx());
