//! MOVS CMPS SCAS LODS STOS INS OUTS, alone and repeated (SDM Vol. 2, "REP/REPE/REPZ/REPNE/REPNZ" and under their names).
//!
//! An iteration is an instruction of its own: it commits, and whatever comes after it, a fault, an interrupt or the end of the
//! time slice, finds the registers as they are between iterations.

use super::Of;
use crate::{
    access::{Access, Slow},
    core::{Core, EAX, ECX, EDI, EDX, ESI},
    decode::Op,
    dispatch::{Instruction, Repeat},
};
use turtle86_arch::{Eflags, Fault, SegmentRegister};
use turtle86_mmu::{Place, Width};

const ES: u8 = SegmentRegister::Es as u8;

/// The width of the counter and the index registers: the address size.
type Offset<X> = Of<X>;

#[inline(always)]
fn index<X: Width>(core: &Core, register: u8) -> u32 {
    core.reg::<X>(register).zx()
}
#[inline(always)]
fn advance<X: Width, W: Width>(core: &mut Core, register: u8) {
    let step = if core.system_flags & Eflags::DF.0 == 0 { W::BYTES as u32 } else { (W::BYTES as u32).wrapping_neg() };
    let moved = X::of(core.reg::<X>(register).zx().wrapping_add(step));
    core.set_reg(register, moved);
}

/// One iteration.
pub trait StringOperation: 'static {
    /// CMPS and SCAS end a repetition by ZF.
    const COMPARES: bool = false;
    fn once<A: Access>(core: &mut Core, op: &Op) -> Result<(), A::Error>;
    /// As many of `most` iterations at once as are plain copies inside a page; 0 if the next one is not.
    fn run(_: &mut Core, _: &Op, _: u64) -> u64 {
        0
    }
}
pub struct Movs<W, X>(Of<W>, Offset<X>);
pub struct Cmps<W, X>(Of<W>, Offset<X>);
pub struct Scas<W, X>(Of<W>, Offset<X>);
pub struct Lods<W, X>(Of<W>, Offset<X>);
pub struct Stos<W, X>(Of<W>, Offset<X>);
pub struct Ins<W, X>(Of<W>, Offset<X>);
pub struct Outs<W, X>(Of<W>, Offset<X>);

/// Iterations that stay inside the page and the segment's address width, going up.
fn run_length<W: Width, X: Width>(offset: u32, linear: u32) -> u64 {
    let in_page = (4096 - (linear & 0xfff)) / W::BYTES as u32;
    let until_wrap = (1u64 << X::BITS).saturating_sub(u64::from(offset)) / W::BYTES as u64;
    u64::from(in_page).min(until_wrap)
}
/// The most iterations whose last byte the segment allows, and the linear address of the first.
fn allowed<W: Width>(core: &Core, segment: u8, offset: u32, write: bool, most: u64) -> Option<(u32, u64)> {
    let linear = core.mmu.linear::<W>(segment, offset, write)?;
    let mut n = most.max(1);
    while n > 1 {
        let last = u64::from(offset) + (n - 1) * W::BYTES as u64;
        if u32::try_from(last).ok().and_then(|last| core.mmu.linear::<W>(segment, last, write)).is_some() {
            break;
        }
        n /= 2;
    }
    Some((linear, n))
}

impl<W: Width, X: Width> StringOperation for Movs<W, X> {
    #[inline(always)]
    fn once<A: Access>(core: &mut Core, op: &Op) -> Result<(), A::Error> {
        let (from, to) = (index::<X>(core, ESI), index::<X>(core, EDI));
        let source = A::linear::<W>(core, op.segment(), from, false)?;
        let value = A::load::<W>(core, source)?;
        let target = A::linear::<W>(core, ES, to, true)?;
        let place = A::place::<W>(core, target)?;
        A::poke(core, place, value);
        advance::<X, W>(core, ESI);
        advance::<X, W>(core, EDI);
        Ok(())
    }
    fn run(core: &mut Core, op: &Op, most: u64) -> u64 {
        if core.system_flag(Eflags::DF) {
            return 0;
        }
        let (from, to) = (index::<X>(core, ESI), index::<X>(core, EDI));
        let Some((source, n)) = allowed::<W>(core, op.segment(), from, false, most) else { return 0 };
        let Some((target, n)) = allowed::<W>(core, ES, to, true, n) else { return 0 };
        let n = n.min(run_length::<W, X>(from, source)).min(run_length::<W, X>(to, target));
        // A source and a target that share a TLB slot would take turns in it: the offsets are held instead.
        let Some(source) = core.mmu.ram_offset(source) else { return 0 };
        let Ok(Place::Ram(target)) = core.mmu.place_checked::<W>(target) else { return 0 };
        let bytes = n as u32 * W::BYTES as u32;
        // A target just behind its source copies what it has copied: element by element.
        let spreads = target > source && target < source.wrapping_add(bytes);
        if n < 2 || spreads || core.mmu.bus.memory.page_holds_code(target) {
            return 0;
        }
        core.mmu.bus.memory.copy_checked(source as usize, target as usize, bytes as usize);
        core.set_reg(ESI, X::of(from.wrapping_add(bytes)));
        core.set_reg(EDI, X::of(to.wrapping_add(bytes)));
        n
    }
}
impl<W: Width, X: Width> StringOperation for Stos<W, X> {
    #[inline(always)]
    fn once<A: Access>(core: &mut Core, _: &Op) -> Result<(), A::Error> {
        let to = index::<X>(core, EDI);
        let target = A::linear::<W>(core, ES, to, true)?;
        let place = A::place::<W>(core, target)?;
        let value = core.reg::<W>(EAX);
        A::poke(core, place, value);
        advance::<X, W>(core, EDI);
        Ok(())
    }
    fn run(core: &mut Core, _: &Op, most: u64) -> u64 {
        if core.system_flag(Eflags::DF) {
            return 0;
        }
        let to = index::<X>(core, EDI);
        let Some((target, n)) = allowed::<W>(core, ES, to, true, most) else { return 0 };
        let n = n.min(run_length::<W, X>(to, target));
        let Ok(Place::Ram(target)) = core.mmu.place_checked::<W>(target) else { return 0 };
        if n < 2 || core.mmu.bus.memory.page_holds_code(target) {
            return 0;
        }
        let value = core.reg::<W>(EAX);
        let (target, bytes) = (target as usize, n as usize * W::BYTES);
        let Some(place) = core.mmu.bus.memory.checked_mut(target, bytes) else { return 0 };
        place.chunks_exact_mut(W::BYTES).for_each(|chunk| value.store(chunk));
        core.set_reg(EDI, X::of(to.wrapping_add(bytes as u32)));
        n
    }
}
impl<W: Width, X: Width> StringOperation for Lods<W, X> {
    #[inline(always)]
    fn once<A: Access>(core: &mut Core, op: &Op) -> Result<(), A::Error> {
        let from = index::<X>(core, ESI);
        let source = A::linear::<W>(core, op.segment(), from, false)?;
        let value = A::load::<W>(core, source)?;
        core.set_reg(EAX, value);
        advance::<X, W>(core, ESI);
        Ok(())
    }
}
impl<W: Width, X: Width> StringOperation for Scas<W, X> {
    const COMPARES: bool = true;
    #[inline(always)]
    fn once<A: Access>(core: &mut Core, _: &Op) -> Result<(), A::Error> {
        let to = index::<X>(core, EDI);
        let target = A::linear::<W>(core, ES, to, false)?;
        let s = A::load::<W>(core, target)?;
        let d = core.reg::<W>(EAX);
        core.flags.sub(d, s, W::of(d.zx().wrapping_sub(s.zx())), false);
        advance::<X, W>(core, EDI);
        Ok(())
    }
}
impl<W: Width, X: Width> StringOperation for Cmps<W, X> {
    const COMPARES: bool = true;
    #[inline(always)]
    fn once<A: Access>(core: &mut Core, op: &Op) -> Result<(), A::Error> {
        let (from, to) = (index::<X>(core, ESI), index::<X>(core, EDI));
        let source = A::linear::<W>(core, op.segment(), from, false)?;
        let d = A::load::<W>(core, source)?;
        let target = A::linear::<W>(core, ES, to, false)?;
        let s = A::load::<W>(core, target)?;
        core.flags.sub(d, s, W::of(d.zx().wrapping_sub(s.zx())), false);
        advance::<X, W>(core, ESI);
        advance::<X, W>(core, EDI);
        Ok(())
    }
}
impl<W: Width, X: Width> Ins<W, X> {
    /// The place is checked before the port is read: reading a port cannot be undone.
    fn transfer(core: &mut Core) -> Result<(), Fault> {
        let port = core.reg::<u16>(EDX);
        core.require_port(port, W::SIZE)?;
        let to = index::<X>(core, EDI);
        let target = Slow::linear::<W>(core, ES, to, true)?;
        let place = core.mmu.place_checked::<W>(target)?;
        let value = W::of(core.mmu.bus.read_port(port, W::SIZE));
        core.mmu.poke_checked(place, value);
        advance::<X, W>(core, EDI);
        Ok(())
    }
}
impl<W: Width, X: Width> StringOperation for Ins<W, X> {
    fn once<A: Access>(core: &mut Core, _: &Op) -> Result<(), A::Error> {
        Self::transfer(core).map_err(|fault| A::fault(|| fault))
    }
}
impl<W: Width, X: Width> Outs<W, X> {
    fn transfer(core: &mut Core, op: &Op) -> Result<(), Fault> {
        let port = core.reg::<u16>(EDX);
        core.require_port(port, W::SIZE)?;
        let from = index::<X>(core, ESI);
        let source = Slow::linear::<W>(core, op.segment(), from, false)?;
        let value = core.mmu.load_checked::<W>(source)?;
        core.mmu.bus.write_port(port, W::SIZE, value.zx());
        advance::<X, W>(core, ESI);
        Ok(())
    }
}
impl<W: Width, X: Width> StringOperation for Outs<W, X> {
    fn once<A: Access>(core: &mut Core, op: &Op) -> Result<(), A::Error> {
        Self::transfer(core, op).map_err(|fault| A::fault(|| fault))
    }
}

/// A string instruction without a repeat prefix.
pub struct Once<K>(Of<K>);
impl<K: StringOperation> Instruction for Once<K> {
    #[inline(always)]
    fn run<A: Access>(core: &mut Core, op: &Op) -> Result<(), A::Error> {
        K::once::<A>(core, op)
    }
}
/// INS and OUTS without a repeat prefix: never on the fast path.
pub struct OnceSlow<K>(Of<K>);
impl<K: StringOperation> crate::dispatch::Complex for OnceSlow<K> {
    fn run(core: &mut Core, op: &Op) -> Result<(), Fault> {
        K::once::<Slow>(core, op)
    }
}

/// REP, REPE (ZF must stay set) or, with `NOT_EQUAL`, REPNE. X is the address size: it picks CX or ECX.
pub struct Rep<K, X, const NOT_EQUAL: bool>(Of<(K, X)>);
impl<K: StringOperation, X: Width, const NOT_EQUAL: bool> Repeat for Rep<K, X, NOT_EQUAL> {
    fn run(core: &mut Core, op: &Op, most: u64) -> (u64, Result<bool, Fault>) {
        let before = core.mmu.bus.timeline.in_block;
        let mut done = 0;
        loop {
            let left = u64::from(core.reg::<X>(ECX).zx());
            if left == 0 {
                return (done, Ok(true));
            }
            if done >= most {
                return (done, Ok(false));
            }
            let n = match K::run(core, op, left.min(most - done)) {
                0 => {
                    core.mmu.bus.timeline.in_block = before.wrapping_add(done as u32);
                    if let Err(fault) = K::once::<Slow>(core, op) {
                        return (done, Err(fault));
                    }
                    1
                }
                n => n,
            };
            core.set_reg(ECX, X::of((left - n) as u32));
            done += n;
            if K::COMPARES && core.flags.zf() == NOT_EQUAL {
                return (done, Ok(true));
            }
            if core.mmu.bus.attention {
                return (done, Ok(left == n));
            }
        }
    }
}
