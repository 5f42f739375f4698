//! ADD ADC SUB SBB CMP, INC DEC NEG, XADD CMPXCHG CMPXCHG8B (SDM Vol. 2, under their names), and what AND OR XOR TEST NOT share with them.

use super::{Condition, Of};
use crate::{
    access::Access,
    core::{Core, EAX, EBX, ECX, EDX},
    decode::Op,
    dispatch::{Fusible, Instruction},
    flags::Flags,
    operand::{Memory, Operand},
};
use turtle86_mmu::Width;

/// An operation on two operands.
pub trait Alu: 'static {
    /// CMP and TEST do not.
    const WRITES: bool;
    /// A conditional jump behind it can compare the operands.
    const COMPARES: bool;
    /// ADC and SBB.
    const READS_CARRY: bool;
    fn result<W: Width>(flags: &Flags, d: W, s: W) -> W;
    fn flags<W: Width>(flags: &mut Flags, d: W, s: W, r: W);
}
macro_rules! alu {
    ($($(#[$doc:meta])* $name:ident: writes $writes:literal, |$f:ident, $d:ident, $s:ident| $result:expr, $kind:ident $carry:literal;)*) => { $(
        $(#[$doc])*
        pub struct $name;
        impl Alu for $name {
            const WRITES: bool = $writes;
            const COMPARES: bool = matches!(stringify!($kind).as_bytes(), b"sub");
            const READS_CARRY: bool = $carry;
            #[inline(always)]
            fn result<W: Width>($f: &Flags, $d: W, $s: W) -> W {
                let ($d, $s) = ($d.zx(), $s.zx());
                let _ = $f;
                W::of($result)
            }
            #[inline(always)]
            fn flags<W: Width>(f: &mut Flags, d: W, s: W, r: W) {
                let carry = $carry && f.cf();
                alu!(@$kind f d s r carry);
            }
        }
    )* };
    (@add $f:ident $d:ident $s:ident $r:ident $c:ident) => { $f.add($d, $s, $r, $c) };
    (@sub $f:ident $d:ident $s:ident $r:ident $c:ident) => { $f.sub($d, $s, $r, $c) };
    (@logic $f:ident $d:ident $s:ident $r:ident $c:ident) => { { let _ = ($d, $s, $c); $f.logic($r) } };
}
alu! {
    /// ADD: `DEST := DEST + SRC`.
    Add: writes true, |f, d, s| d.wrapping_add(s), add false;
    /// OR: `DEST := DEST OR SRC`; CF and OF cleared.
    Or: writes true, |f, d, s| d | s, logic false;
    /// ADC: `DEST := DEST + SRC + CF`.
    Adc: writes true, |f, d, s| d.wrapping_add(s).wrapping_add(u32::from(f.cf())), add true;
    /// SBB: `DEST := DEST - (SRC + CF)`.
    Sbb: writes true, |f, d, s| d.wrapping_sub(s).wrapping_sub(u32::from(f.cf())), sub true;
    /// AND: `DEST := DEST AND SRC`; CF and OF cleared.
    And: writes true, |f, d, s| d & s, logic false;
    /// SUB: `DEST := DEST - SRC`.
    Sub: writes true, |f, d, s| d.wrapping_sub(s), sub false;
    /// XOR: `DEST := DEST XOR SRC`; CF and OF cleared.
    Xor: writes true, |f, d, s| d ^ s, logic false;
    /// CMP: SUB that only sets the flags.
    Cmp: writes false, |f, d, s| d.wrapping_sub(s), sub false;
    /// TEST: AND that only sets the flags.
    Test: writes false, |f, d, s| d & s, logic false;
}

/// `K DEST, SRC`.
pub struct Binary<K, W, D, S>(Of<(K, W, D, S)>);
impl<K: Alu, W: Width, D: Operand, S: Operand> Instruction for Binary<K, W, D, S> {
    #[inline(always)]
    fn run<A: Access>(core: &mut Core, op: &Op) -> Result<(), A::Error> {
        let s = S::read::<W, A>(core, op)?;
        if K::WRITES {
            let at = D::locate::<W, A>(core, op)?;
            let d = D::value::<W, A>(core, op, at);
            let r = K::result(&core.flags, d, s);
            D::commit::<W, A>(core, op, at, r);
            K::flags(&mut core.flags, d, s, r);
        } else {
            let d = D::read::<W, A>(core, op)?;
            let r = K::result(&core.flags, d, s);
            K::flags(&mut core.flags, d, s, r);
        }
        Ok(())
    }
}
impl<K: Alu, W: Width, D: Operand, S: Operand> Fusible for Binary<K, W, D, S> {
    #[inline(always)]
    fn test<A: Access, C: Condition>(core: &mut Core, op: &Op) -> Result<bool, A::Error> {
        if K::WRITES {
            Self::run::<A>(core, op)?;
            return Ok(C::holds(&core.flags));
        }
        let s = S::read::<W, A>(core, op)?;
        let d = D::read::<W, A>(core, op)?;
        let r = K::result(&core.flags, d, s);
        K::flags(&mut core.flags, d, s, r);
        Ok(if K::COMPARES { C::compare(d, s, r) } else { C::logical(r) })
    }
}

/// The same without the flags, where nothing can see them before they are set again.
pub struct Quiet<K, D, S>(Of<(K, D, S)>);
impl<K: Alu, D: Operand, S: Operand> Instruction for Quiet<K, D, S> {
    #[inline(always)]
    fn run<A: Access>(core: &mut Core, op: &Op) -> Result<(), A::Error> {
        let s = S::read::<u32, A>(core, op)?;
        let at = D::locate::<u32, A>(core, op)?;
        let d = D::value::<u32, A>(core, op, at);
        let r = K::result(&core.flags, d, s);
        D::commit::<u32, A>(core, op, at, r);
        Ok(())
    }
}

/// An operation on one operand.
pub trait OneOperand: 'static {
    fn apply<W: Width>(flags: &mut Flags, d: W) -> W;
}
/// INC: `DEST := DEST + 1`; CF is not affected.
pub struct Inc;
/// DEC: `DEST := DEST - 1`; CF is not affected.
pub struct Dec;
/// NEG: `DEST := 0 - DEST`.
pub struct Neg;
/// NOT: `DEST := NOT DEST`; no flags.
pub struct Not;
impl OneOperand for Inc {
    #[inline(always)]
    fn apply<W: Width>(flags: &mut Flags, d: W) -> W {
        let r = W::of(d.zx().wrapping_add(1));
        flags.step(d, r, r.zx() == 1 << (W::BITS - 1));
        r
    }
}
impl OneOperand for Dec {
    #[inline(always)]
    fn apply<W: Width>(flags: &mut Flags, d: W) -> W {
        let r = W::of(d.zx().wrapping_sub(1));
        flags.step(d, r, d.zx() == 1 << (W::BITS - 1));
        r
    }
}
impl OneOperand for Neg {
    #[inline(always)]
    fn apply<W: Width>(flags: &mut Flags, d: W) -> W {
        let r = W::of(0u32.wrapping_sub(d.zx()));
        flags.sub(W::of(0), d, r, false);
        r
    }
}
impl OneOperand for Not {
    #[inline(always)]
    fn apply<W: Width>(_: &mut Flags, d: W) -> W {
        W::of(!d.zx())
    }
}
/// `K DEST`.
pub struct Unary<K, W, D>(Of<(K, W, D)>);
impl<K: OneOperand, W: Width, D: Operand> Instruction for Unary<K, W, D> {
    #[inline(always)]
    fn run<A: Access>(core: &mut Core, op: &Op) -> Result<(), A::Error> {
        let at = D::locate::<W, A>(core, op)?;
        let d = D::value::<W, A>(core, op, at);
        let mut flags = core.flags;
        let r = K::apply(&mut flags, d);
        D::commit::<W, A>(core, op, at, r);
        core.flags = flags;
        Ok(())
    }
}
impl<K: OneOperand, W: Width, D: Operand> Fusible for Unary<K, W, D> {
    #[inline(always)]
    fn test<A: Access, C: Condition>(core: &mut Core, op: &Op) -> Result<bool, A::Error> {
        Self::run::<A>(core, op)?;
        Ok(C::holds(&core.flags))
    }
}
/// The same on a register, without the flags.
pub struct QuietUnary<K>(Of<K>);
impl<K: OneOperand> Instruction for QuietUnary<K> {
    #[inline(always)]
    fn run<A: Access>(core: &mut Core, op: &Op) -> Result<(), A::Error> {
        let d = core.reg::<u32>(op.rm);
        let r = K::apply(&mut Flags::default(), d);
        core.set_reg(op.rm, r);
        Ok(())
    }
}

/// XADD: `TEMP := SRC + DEST; SRC := DEST; DEST := TEMP`.
pub struct Xadd<W, D>(Of<(W, D)>);
impl<W: Width, D: Operand> Instruction for Xadd<W, D> {
    #[inline(always)]
    fn run<A: Access>(core: &mut Core, op: &Op) -> Result<(), A::Error> {
        let at = D::locate::<W, A>(core, op)?;
        let d = D::value::<W, A>(core, op, at);
        let s = core.reg::<W>(op.reg);
        let r = W::of(d.zx().wrapping_add(s.zx()));
        core.set_reg(op.reg, d);
        D::commit::<W, A>(core, op, at, r);
        core.flags.add(d, s, r, false);
        Ok(())
    }
}

/// CMPXCHG: `IF accumulator = DEST THEN DEST := SRC ELSE accumulator := DEST`. DEST is written in both cases, as on the bus.
pub struct Cmpxchg<W, D>(Of<(W, D)>);
impl<W: Width, D: Operand> Instruction for Cmpxchg<W, D> {
    #[inline(always)]
    fn run<A: Access>(core: &mut Core, op: &Op) -> Result<(), A::Error> {
        let at = D::locate::<W, A>(core, op)?;
        let d = D::value::<W, A>(core, op, at);
        let accumulator = core.reg::<W>(EAX);
        let equal = accumulator == d;
        let stored = if equal { core.reg::<W>(op.reg) } else { d };
        D::commit::<W, A>(core, op, at, stored);
        if !equal {
            core.set_reg(EAX, d);
        }
        core.flags.sub(accumulator, d, W::of(accumulator.zx().wrapping_sub(d.zx())), false);
        Ok(())
    }
}

/// CMPXCHG8B: the same for EDX:EAX, ECX:EBX and a quadword; only ZF changes.
pub struct Cmpxchg8b<M>(Of<M>);
impl<M: Memory> Instruction for Cmpxchg8b<M> {
    #[inline(always)]
    fn run<A: Access>(core: &mut Core, op: &Op) -> Result<(), A::Error> {
        let offset = M::offset(core, op);
        let low = A::linear::<u32>(core, op.segment(), offset, true)?;
        let high = A::linear::<u32>(core, op.segment(), offset.wrapping_add(4), true)?;
        let low = A::place::<u32>(core, low)?;
        let high = A::place::<u32>(core, high)?;
        let (l, h) = (A::peek::<u32>(core, low), A::peek::<u32>(core, high));
        let equal = (l, h) == (core.reg(EAX), core.reg(EDX));
        let (new_l, new_h) = if equal { (core.reg(EBX), core.reg(ECX)) } else { (l, h) };
        A::poke::<u32>(core, low, new_l);
        A::poke::<u32>(core, high, new_h);
        if !equal {
            core.set_reg(EAX, l);
            core.set_reg(EDX, h);
        }
        core.flags.replace(crate::flags::ZF, u32::from(equal) << 6);
        Ok(())
    }
}
