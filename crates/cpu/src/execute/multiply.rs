//! MUL and IMUL (SDM Vol. 2, "MUL", "IMUL"). CF and OF say whether the high half matters; SF ZF AF PF are undefined:
//! later processors set SF and PF by the low half, the 80386 leaves them as its shift-and-add loop does.

use super::{Of, Rules};
use crate::{
    access::Access,
    core::{Core, EAX, EDX},
    decode::Op,
    dispatch::Instruction,
    flags::Flags,
    operand::Operand,
};
use turtle86_mmu::Width;

/// The product, and whether its high half is more than the extension of the low one.
#[inline(always)]
fn product<const SIGNED: bool, W: Width>(a: W, b: W) -> (u64, bool) {
    if SIGNED {
        let wide = i64::from(a.sx() as i32) * i64::from(b.sx() as i32);
        (wide as u64, wide != i64::from(W::of(wide as u32).sx() as i32))
    } else {
        let wide = u64::from(a.zx()) * u64::from(b.zx());
        (wide, wide >> W::BITS != 0)
    }
}
#[inline(always)]
fn flags<X: Rules, W: Width>(flags: &mut Flags, multiplicand: W, multiplier: W, low: W, over: bool, signed: bool) {
    if X::I386 {
        flags.set(i386::status(multiplicand.sx() as i32, multiplier.zx(), multiplier.sx() as i32, W::BITS, signed));
        flags.set_cf_of(over, over);
    } else {
        flags.shifted(low, over, over);
    }
}

/// MUL and IMUL with one operand: AX, DX:AX or EDX:EAX := accumulator * SRC.
pub struct Multiply<const SIGNED: bool, X, W, S>(Of<(X, W, S)>);
impl<const SIGNED: bool, X: Rules, W: Width, S: Operand> Instruction for Multiply<SIGNED, X, W, S> {
    #[inline(always)]
    fn run<A: Access>(core: &mut Core, op: &Op) -> Result<(), A::Error> {
        let s = S::read::<W, A>(core, op)?;
        let a = core.reg::<W>(EAX);
        let (wide, over) = product::<SIGNED, W>(a, s);
        let low = W::of(wide as u32);
        if W::BITS == 8 {
            core.set_reg(EAX, wide as u16);
        } else {
            core.set_reg(EAX, low);
            core.set_reg(EDX, W::of((wide >> W::BITS) as u32));
        }
        flags::<X, W>(&mut core.flags, s, a, low, over, SIGNED);
        Ok(())
    }
}
/// IMUL r, r/m.
pub struct MultiplyTwo<X, W, S>(Of<(X, W, S)>);
impl<X: Rules, W: Width, S: Operand> Instruction for MultiplyTwo<X, W, S> {
    #[inline(always)]
    fn run<A: Access>(core: &mut Core, op: &Op) -> Result<(), A::Error> {
        let s = S::read::<W, A>(core, op)?;
        let d = core.reg::<W>(op.reg);
        let (wide, over) = product::<true, W>(d, s);
        let low = W::of(wide as u32);
        core.set_reg(op.reg, low);
        flags::<X, W>(&mut core.flags, d, s, low, over, true);
        Ok(())
    }
}
/// IMUL r, r/m, imm.
pub struct MultiplyThree<X, W, S>(Of<(X, W, S)>);
impl<X: Rules, W: Width, S: Operand> Instruction for MultiplyThree<X, W, S> {
    #[inline(always)]
    fn run<A: Access>(core: &mut Core, op: &Op) -> Result<(), A::Error> {
        let s = S::read::<W, A>(core, op)?;
        let immediate = W::of(op.imm);
        let (wide, over) = product::<true, W>(s, immediate);
        let low = W::of(wide as u32);
        core.set_reg(op.reg, low);
        flags::<X, W>(&mut core.flags, s, immediate, low, over, true);
        Ok(())
    }
}

/// What the 80386's multiplier leaves in SF ZF AF PF: a published model of captures of the part, right in about 96 % of the
/// two- and three-operand cases.
mod i386 {
    use crate::flags::{AF, PF, SF, ZF};

    /// Shift and add: the accumulator after the last add, the carry out of its bit 3 and where it came; and how many adds.
    fn run(multiplicand: i64, multiplier: u32, bits: u32) -> (i64, bool, u32, u32) {
        let (mut accumulator, mut after, mut carry, mut adds, mut last) = (0i64, multiplicand, false, 0, 0);
        for step in 0..bits {
            if multiplier >> step & 1 != 0 {
                carry = (accumulator & 0xf) + (multiplicand & 0xf) > 0xf;
                accumulator += multiplicand;
                (after, adds, last) = (accumulator, adds + 1, step);
            }
            accumulator >>= 1;
        }
        (after, carry, adds, last)
    }
    pub fn status(multiplicand: i32, multiplier: u32, signed_multiplier: i32, bits: u32, signed: bool) -> u32 {
        let negative = signed && signed_multiplier < 0;
        let mask = (1u64 << bits) - 1;
        let magnitude = if negative { multiplier.wrapping_neg() & mask as u32 } else { multiplier };
        let plain = if signed { i64::from(multiplicand) } else { i64::from(multiplicand as u32) & mask as i64 };
        let (after, ..) = run(if negative { -plain } else { plain }, magnitude, bits);
        let (_, carry, adds, last) = run(plain, magnitude, bits);
        let af = match adds {
            0 => false,
            1 => plain >> 3 & 1 != 0 && last == 0,
            _ => carry,
        };
        let low = after as u64 & mask;
        let flag = |on: bool, bit: u32| if on { bit } else { 0 };
        flag(low >> (bits - 1) != 0, SF) | flag(low == 0, ZF) | flag((low as u8).count_ones().is_multiple_of(2), PF) | flag(af, AF)
    }
}
