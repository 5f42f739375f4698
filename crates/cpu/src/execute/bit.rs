//! BT BTS BTR BTC, BSF BSR, BSWAP, XBTS IBTS (SDM Vol. 2, "BT", "BSF", "BSR", "BSWAP").

use super::{Of, Rules};
use crate::{
    access::Access,
    core::Core,
    decode::Op,
    dispatch::Instruction,
    flags::{CF, ZF},
    operand::{Memory, Operand},
};
use turtle86_mmu::Width;

/// What happens to the selected bit.
pub trait BitOperation: 'static {
    const WRITES: bool;
    fn apply(value: u32, bit: u32) -> u32;
}
pub struct Bt;
pub struct Bts;
pub struct Btr;
pub struct Btc;
impl BitOperation for Bt {
    const WRITES: bool = false;
    #[inline(always)]
    fn apply(value: u32, _: u32) -> u32 {
        value
    }
}
impl BitOperation for Bts {
    const WRITES: bool = true;
    #[inline(always)]
    fn apply(value: u32, bit: u32) -> u32 {
        value | bit
    }
}
impl BitOperation for Btr {
    const WRITES: bool = true;
    #[inline(always)]
    fn apply(value: u32, bit: u32) -> u32 {
        value & !bit
    }
}
impl BitOperation for Btc {
    const WRITES: bool = true;
    #[inline(always)]
    fn apply(value: u32, bit: u32) -> u32 {
        value ^ bit
    }
}
/// CF is the bit. On the 80386 OF is the exclusive or of the two top bits of the operand rotated right by the index.
#[inline(always)]
fn flags<X: Rules, W: Width>(core: &mut Core, d: W, index: u32) {
    let cf = d.zx() >> index & 1 != 0;
    let of = if X::I386 {
        let wide = u64::from(d.zx()) << W::BITS | u64::from(d.zx());
        let rotated = (wide >> index) as u32;
        (rotated >> (W::BITS - 1) ^ rotated >> (W::BITS - 2)) & 1 != 0
    } else {
        core.flags.of()
    };
    core.flags.set_cf_of(cf, of);
}

/// The bit index is an immediate, or a register modulo the width.
pub struct BitTest<K, X, W, D, S>(Of<(K, X, W, D, S)>);
impl<K: BitOperation, X: Rules, W: Width, D: Operand, S: Operand> Instruction for BitTest<K, X, W, D, S> {
    #[inline(always)]
    fn run<A: Access>(core: &mut Core, op: &Op) -> Result<(), A::Error> {
        let index = S::read::<W, A>(core, op)?.zx() & (W::BITS - 1);
        let d = if K::WRITES {
            let at = D::locate::<W, A>(core, op)?;
            let d = D::value::<W, A>(core, op, at);
            D::commit::<W, A>(core, op, at, W::of(K::apply(d.zx(), 1 << index)));
            d
        } else {
            D::read::<W, A>(core, op)?
        };
        flags::<X, W>(core, d, index);
        Ok(())
    }
}
/// A bit string in memory: the register's signed index reaches beyond the operand.
pub struct BitString<K, X, W, M>(Of<(K, X, W, M)>);
impl<K: BitOperation, X: Rules, W: Width, M: Memory> Instruction for BitString<K, X, W, M> {
    #[inline(always)]
    fn run<A: Access>(core: &mut Core, op: &Op) -> Result<(), A::Error> {
        let index = core.reg::<W>(op.reg).sx() as i32;
        let words = index >> W::BITS.trailing_zeros();
        // The displacement carries the string's offset, so that 16-bit addressing wraps as it must.
        let moved = Op { disp: op.disp.wrapping_add((words * W::BYTES as i32) as u32), ..*op };
        let index = index as u32 & (W::BITS - 1);
        let offset = M::offset(core, &moved);
        let linear = A::linear::<W>(core, op.segment(), offset, K::WRITES)?;
        let d = if K::WRITES {
            let at = A::place::<W>(core, linear)?;
            let d = A::peek::<W>(core, at);
            A::poke(core, at, W::of(K::apply(d.zx(), 1 << index)));
            d
        } else {
            A::load::<W>(core, linear)?
        };
        flags::<X, W>(core, d, index);
        Ok(())
    }
}

/// BSF and BSR. A zero source sets ZF and leaves the destination alone, as all of Intel's processors do.
pub struct BitScan<const REVERSE: bool, W, S>(Of<(W, S)>);
impl<const REVERSE: bool, W: Width, S: Operand> Instruction for BitScan<REVERSE, W, S> {
    #[inline(always)]
    fn run<A: Access>(core: &mut Core, op: &Op) -> Result<(), A::Error> {
        let s = S::read::<W, A>(core, op)?.zx();
        core.flags.replace(ZF, if s == 0 { ZF } else { 0 });
        if s != 0 {
            let index = if REVERSE { 31 - s.leading_zeros() } else { s.trailing_zeros() };
            core.set_reg(op.reg, W::of(index));
        }
        Ok(())
    }
}

/// BSWAP r32. With a 16-bit operand (undefined) the low word becomes zero.
pub struct Bswap<W>(Of<W>);
impl<W: Width> Instruction for Bswap<W> {
    #[inline(always)]
    fn run<A: Access>(core: &mut Core, op: &Op) -> Result<(), A::Error> {
        if W::BITS == 32 {
            let value = core.reg::<u32>(op.rm).swap_bytes();
            core.set_reg(op.rm, value);
        } else {
            core.set_reg(op.rm, 0u16);
        }
        Ok(())
    }
}

/// CMC, CLC, STC: CF inverted (2), cleared (0), set (1).
pub struct CarryFlag<const TO: u8>;
impl<const TO: u8> Instruction for CarryFlag<TO> {
    #[inline(always)]
    fn run<A: Access>(core: &mut Core, _: &Op) -> Result<(), A::Error> {
        let (cf, of) = (core.flags.cf(), core.flags.of());
        core.flags.set_cf_of(if TO == 2 { !cf } else { TO == 1 }, of);
        debug_assert!(TO == 2 || core.flags.image() & CF == u32::from(TO));
        Ok(())
    }
}
