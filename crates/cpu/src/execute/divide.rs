//! DIV and IDIV (SDM Vol. 2). The flags are undefined: they stay.

use super::{Of, Rules};
use crate::{
    access::Access,
    core::{Core, EAX, EDX},
    decode::Op,
    dispatch::Instruction,
    operand::Operand,
};
use turtle86_arch::{Exception, Fault, Reason};
use turtle86_mmu::Width;

/// Quotient and remainder, or why not.
#[inline(always)]
fn divide<const SIGNED: bool, X: Rules, W: Width>(dividend: u64, divisor: W) -> Result<(W, W), Reason> {
    if divisor.zx() == 0 {
        return Err(Reason::DivideByZero);
    }
    if SIGNED {
        let shift = 64 - 2 * W::BITS;
        let n = (dividend << shift) as i64 >> shift;
        let d = i64::from(divisor.sx() as i32);
        let (q, r) = (n.wrapping_div(d), n.wrapping_rem(d));
        if q == i64::from(W::of(q as u32).sx() as i32) && !(n == i64::MIN && d == -1) {
            return Ok((W::of(q as u32), W::of(r as u32)));
        }
        // Measured on the 80386: IDIV r/m8 misses some quotients below -128. With bit 14 of AX turned, a quotient of just
        // -128 completes.
        if X::I386 && W::BITS == 8 {
            let turned = i64::from((n as i16) ^ 0x4000);
            if q < -128 && turned.wrapping_div(d) == -128 {
                return Ok((W::of(0x80), W::of(turned.wrapping_rem(d) as u32)));
            }
        }
        Err(Reason::QuotientTooLarge)
    } else {
        let d = u64::from(divisor.zx());
        if dividend >> W::BITS >= d {
            return Err(Reason::QuotientTooLarge);
        }
        Ok((W::of((dividend / d) as u32), W::of((dividend % d) as u32)))
    }
}

/// `quotient, remainder := DX:AX / SRC` in the registers of the width.
pub struct Divide<const SIGNED: bool, X, W, S>(Of<(X, W, S)>);
impl<const SIGNED: bool, X: Rules, W: Width, S: Operand> Instruction for Divide<SIGNED, X, W, S> {
    #[inline(always)]
    fn run<A: Access>(core: &mut Core, op: &Op) -> Result<(), A::Error> {
        let s = S::read::<W, A>(core, op)?;
        let dividend = if W::BITS == 8 {
            u64::from(core.reg::<u16>(EAX))
        } else {
            u64::from(core.reg::<W>(EDX).zx()) << W::BITS | u64::from(core.reg::<W>(EAX).zx())
        };
        match divide::<SIGNED, X, W>(dividend, s) {
            Ok((quotient, remainder)) => {
                core.set_reg(EAX, quotient);
                // AH for bytes, DX or EDX else.
                core.set_reg(if W::BITS == 8 { EAX + 1 } else { EDX }, remainder);
                Ok(())
            }
            Err(reason) => Err(A::fault(|| Fault::new(Exception::DivideError, reason))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{I386, P6},
        *,
    };

    #[test]
    fn the_smallest_quotient_is_allowed_and_the_next_is_not() {
        assert_eq!(divide::<true, P6, u8>(0xff80, 1), Ok((0x80, 0)));
        assert_eq!(divide::<true, P6, u8>(0xff7f, 1), Err(Reason::QuotientTooLarge));
        assert_eq!(divide::<true, P6, u8>(0x0080, 1), Err(Reason::QuotientTooLarge));
        assert_eq!(divide::<true, P6, u32>(0x8000_0000_0000_0000, !0), Err(Reason::QuotientTooLarge));
        assert_eq!(divide::<false, P6, u16>(0x0001_0000, 1), Err(Reason::QuotientTooLarge));
        assert_eq!(divide::<false, P6, u16>(0x0001_0000, 2), Ok((0x8000, 0)));
    }

    #[test]
    fn the_80386_misses_a_quotient_that_silicon_was_seen_to_miss() {
        // A captured case of F6 /7: AX = 741Eh, divisor 98h gives 1E80h.
        assert_eq!(divide::<true, I386, u8>(0x741e, 0x98), Ok((0x80, 0x1e)));
        assert_eq!(divide::<true, P6, u8>(0x741e, 0x98), Err(Reason::QuotientTooLarge));
    }
}
