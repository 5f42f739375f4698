//! ROL ROR RCL RCR SHL SHR SAR, SHLD SHRD (SDM Vol. 2, "RCL/RCR/ROL/ROR", "SAL/SAR/SHL/SHR", "SHLD", "SHRD").
//!
//! The count is masked to five bits for every width. What the manual leaves undefined follows silicon: the 80386 as measured
//! (AF set by SHL and SHR; a byte or word shifted by more than its width takes CF from the operand at 16 and 24),
//! later ones as the last one-bit step would leave OF, with AF clear.

use super::{Of, P6, Rules};
use crate::{
    access::Access,
    core::Core,
    decode::Op,
    dispatch::Instruction,
    flags::{AF, Flags},
    operand::Operand,
};
use turtle86_mmu::Width;

/// A shift or rotation by a count that is not zero.
pub trait Turn: 'static {
    fn turn<W: Width>(flags: &mut Flags, d: W, n: u32) -> W;
}
pub struct Rol;
pub struct Ror;
pub struct Rcl;
pub struct Rcr;
pub struct Shl<X = P6>(Of<X>);
pub struct Shr<X = P6>(Of<X>);
pub struct Sar;

impl Turn for Rol {
    #[inline(always)]
    fn turn<W: Width>(flags: &mut Flags, d: W, n: u32) -> W {
        let (d, n) = (d.zx(), n & (W::BITS - 1));
        let r = if W::BITS == 32 { d.rotate_left(n) } else { W::of(d << n | d >> ((W::BITS - n) & 31)).zx() };
        let (r, cf) = (W::of(r), r & 1 != 0);
        flags.set_cf_of(cf, cf ^ r.msb());
        r
    }
}
impl Turn for Ror {
    #[inline(always)]
    fn turn<W: Width>(flags: &mut Flags, d: W, n: u32) -> W {
        let (d, n) = (d.zx(), n & (W::BITS - 1));
        let r = if W::BITS == 32 { d.rotate_right(n) } else { W::of(d >> n | d << ((W::BITS - n) & 31)).zx() };
        let (r, second) = (W::of(r), r >> (W::BITS - 2) & 1 != 0);
        flags.set_cf_of(r.msb(), r.msb() ^ second);
        r
    }
}
impl Turn for Rcl {
    #[inline(always)]
    fn turn<W: Width>(flags: &mut Flags, d: W, n: u32) -> W {
        let ring = W::BITS + 1;
        let n = n % ring;
        let wide = u64::from(flags.cf()) << W::BITS | u64::from(d.zx());
        let wide = if n == 0 { wide } else { wide << n | wide >> (ring - n) };
        let r = W::of(wide as u32);
        let cf = wide >> W::BITS & 1 != 0;
        flags.set_cf_of(cf, cf ^ r.msb());
        r
    }
}
impl Turn for Rcr {
    #[inline(always)]
    fn turn<W: Width>(flags: &mut Flags, d: W, n: u32) -> W {
        let ring = W::BITS + 1;
        let n = n % ring;
        let wide = u64::from(flags.cf()) << W::BITS | u64::from(d.zx());
        let wide = if n == 0 { wide } else { wide >> n | wide << (ring - n) };
        let r = W::of(wide as u32);
        let cf = wide >> W::BITS & 1 != 0;
        flags.set_cf_of(cf, r.msb() ^ (r.zx() >> (W::BITS - 2) & 1 != 0));
        r
    }
}
impl<X: Rules> Turn for Shl<X> {
    #[inline(always)]
    fn turn<W: Width>(flags: &mut Flags, d: W, n: u32) -> W {
        let wide = u64::from(d.zx()) << n;
        let r = W::of(wide as u32);
        let mut cf = wide >> W::BITS & 1 != 0;
        if X::I386 {
            if n > W::BITS {
                cf = d.zx() & 1 != 0 && W::BITS == 8 && n.is_multiple_of(8);
            }
            flags.shifted(r, cf, cf ^ r.msb());
            flags.aux |= u64::from(AF);
        } else {
            flags.shifted(r, cf, cf ^ r.msb());
        }
        r
    }
}
impl<X: Rules> Turn for Shr<X> {
    #[inline(always)]
    fn turn<W: Width>(flags: &mut Flags, d: W, n: u32) -> W {
        let before_last = d.zx() >> (n - 1);
        let r = W::of(before_last >> 1);
        let mut cf = before_last & 1 != 0;
        if X::I386 {
            if n > W::BITS {
                cf = d.msb() && W::BITS == 8 && n.is_multiple_of(8);
            }
            flags.shifted(r, cf, d.msb() && n == 1);
            flags.aux |= u64::from(AF);
        } else {
            flags.shifted(r, cf, d.msb() && n == 1);
        }
        r
    }
}
impl Turn for Sar {
    #[inline(always)]
    fn turn<W: Width>(flags: &mut Flags, d: W, n: u32) -> W {
        let before_last = d.sx() as i32 >> (n - 1);
        let r = W::of((before_last >> 1) as u32);
        flags.shifted(r, before_last & 1 != 0, false);
        r
    }
}

/// `K DEST, COUNT`. A count of zero changes nothing, and is a write all the same.
pub struct Shift<K, W, D, S>(Of<(K, W, D, S)>);
impl<K: Turn, W: Width, D: Operand, S: Operand> Instruction for Shift<K, W, D, S> {
    #[inline(always)]
    fn run<A: Access>(core: &mut Core, op: &Op) -> Result<(), A::Error> {
        let n = S::read::<u8, A>(core, op)?.zx() & 31;
        let at = D::locate::<W, A>(core, op)?;
        let d = D::value::<W, A>(core, op, at);
        if n == 0 {
            D::commit::<W, A>(core, op, at, d);
            return Ok(());
        }
        let mut flags = core.flags;
        let r = K::turn(&mut flags, d, n);
        D::commit::<W, A>(core, op, at, r);
        core.flags = flags;
        Ok(())
    }
}
/// The same on a 32-bit register by an immediate that is not zero, without the flags.
pub struct QuietShift<K>(Of<K>);
impl<K: Turn> Instruction for QuietShift<K> {
    #[inline(always)]
    fn run<A: Access>(core: &mut Core, op: &Op) -> Result<(), A::Error> {
        let d = core.reg::<u32>(op.rm);
        let r = K::turn(&mut Flags::default(), d, op.imm & 31);
        core.set_reg(op.rm, r);
        Ok(())
    }
}

/// SHLD and SHRD: bits come in from the register in `reg`.
///
/// A word shifted by more than 16 is undefined: the 80386 goes on with the second operand, later ones with the first.
pub struct DoubleShift<const LEFT: bool, X, W, D, S>(Of<(X, W, D, S)>);
impl<const LEFT: bool, X: Rules, W: Width, D: Operand, S: Operand> Instruction for DoubleShift<LEFT, X, W, D, S> {
    #[inline(always)]
    fn run<A: Access>(core: &mut Core, op: &Op) -> Result<(), A::Error> {
        let n = S::read::<u8, A>(core, op)?.zx() & 31;
        let at = D::locate::<W, A>(core, op)?;
        let d = D::value::<W, A>(core, op, at);
        if n == 0 {
            D::commit::<W, A>(core, op, at, d);
            return Ok(());
        }
        let s = core.reg::<W>(op.reg);
        let (high, low) = (u64::from(d.zx()), u64::from(s.zx()));
        let third = if X::I386 { low } else { high };
        let bits = W::BITS;
        // Three words side by side, so that any count up to 31 finds its bits.
        let (r, cf) = if LEFT {
            let line = u128::from(high << bits | low);
            let line = line << bits | u128::from(third);
            ((line << n >> (2 * bits)) as u32, line >> (3 * bits - n) & 1 != 0)
        } else {
            let line = u128::from(third) << (2 * bits) | u128::from(low) << bits | u128::from(high);
            ((line >> n) as u32, line >> (n - 1) & 1 != 0)
        };
        let r = W::of(r);
        let of = if LEFT { cf ^ r.msb() } else { r.msb() ^ (r.zx() >> (bits - 2) & 1 != 0) };
        D::commit::<W, A>(core, op, at, r);
        core.flags.shifted(r, cf, of);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{super::I386, *};
    use crate::flags::{CF, OF};

    /// One bit at a time, straight from the manual's pseudo-code.
    fn step_by_step(kind: usize, d: u16, n: u32, cf: bool) -> (u16, bool) {
        let (mut d, mut cf) = (d, cf);
        for _ in 0..n {
            let (msb, lsb, old) = (d >> 15 != 0, d & 1 != 0, cf);
            (d, cf) = match kind {
                0 => (d.rotate_left(1), msb),
                1 => (d.rotate_right(1), lsb),
                2 => (d << 1 | u16::from(old), msb),
                3 => (d >> 1 | u16::from(old) << 15, lsb),
                4 => (d << 1, msb),
                5 => (d >> 1, lsb),
                _ => ((d as i16 >> 1) as u16, lsb),
            };
        }
        (d, cf)
    }
    const TURNS: [fn(&mut Flags, u16, u32) -> u16; 7] = [
        Rol::turn::<u16>,
        Ror::turn::<u16>,
        Rcl::turn::<u16>,
        Rcr::turn::<u16>,
        Shl::<P6>::turn::<u16>,
        Shr::<P6>::turn::<u16>,
        Sar::turn::<u16>,
    ];

    #[test]
    fn every_turn_is_its_one_bit_steps() {
        for (kind, turn) in TURNS.iter().enumerate() {
            for d in [0u16, 1, 0x8000, 0x7fff, 0xffff, 0xa5c3, 0x1234] {
                for (n, cf) in (1..32).flat_map(|n| [(n, false), (n, true)]) {
                    let mut flags = Flags::default();
                    flags.set(u32::from(cf));
                    let r = turn(&mut flags, d, n);
                    assert_eq!((r, flags.cf()), step_by_step(kind, d, n, cf), "kind {kind}: {d:04x} by {n}, CF {cf}");
                }
            }
        }
    }

    #[test]
    fn the_80386_takes_cf_from_a_byte_at_16_and_24() {
        for (n, want) in [(9, 0), (15, 0), (16, CF | OF), (17, 0), (24, CF | OF), (31, 0)] {
            let mut flags = Flags::default();
            assert_eq!(Shl::<I386>::turn::<u8>(&mut flags, 0x81, n), 0);
            assert_eq!(flags.image() & (CF | OF), want, "SHL by {n}");
            assert!(flags.af());
            Shr::<I386>::turn::<u8>(&mut flags, 0x81, n);
            assert_eq!(flags.image() & (CF | OF), want & CF, "SHR by {n}");
        }
    }
}
