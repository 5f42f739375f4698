//! How ops follow each other: the one file that knows.
//!
//! A handler runs its semantics with [`Fast`] access and ends by calling the next op's handler; at the end of a block it pays
//! for the block and calls, through the edge, the next block's first. In optimised builds these calls are jumps, because a
//! handler returns one scalar, has nothing to drop and takes five register arguments; without debug assertions the budget
//! bounds the host stack anyway. A miss is a tail call to the [`Slow`] twin of the same semantics.

use crate::{
    access::{Fast, Slow},
    core::Core,
    decode::{Op, POOL, Pool},
};
use turtle86_arch::Fault;

/// The ops after this one, up to the pool's end.
pub type Rest<'a> = std::slice::Iter<'a, Op>;
/// Five registers in, one scalar out.
pub type Handler = for<'a> fn(&mut Core, &'a Pool, &'a Op, Rest<'a>) -> Exit;

/// How a run of ops ended: the cause in the high byte, a pool index below.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct Exit(u32);
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Along an edge that is not linked yet.
    Edge,
    /// EIP says where to go on, everything is paid.
    Lookup,
    /// The op raised the fault in `core.fault`.
    Fault,
    /// The op is done, and something needs a look before the next.
    Leave,
    /// The op has more iterations to do.
    Again,
    /// A hook wants to see the op first.
    Hook,
}
impl Exit {
    const fn new(cause: Cause, at: u32) -> Exit {
        Exit((cause as u32) << 24 | at)
    }
    pub fn at(self) -> usize {
        (self.0 & 0xff_ffff) as usize
    }
    pub fn cause(self) -> Cause {
        match self.0 >> 24 {
            0 => Cause::Edge,
            1 => Cause::Lookup,
            2 => Cause::Fault,
            3 => Cause::Leave,
            4 => Cause::Again,
            _ => Cause::Hook,
        }
    }
}
const LOST: Exit = Exit::new(Cause::Lookup, 0);
/// Links are followed by the handlers where LLVM makes jumps of the calls.
const FOLLOW: bool = !cfg!(debug_assertions);

/// An instruction that goes on to the next.
pub trait Instruction {
    fn run<A: crate::access::Access>(core: &mut Core, op: &Op) -> Result<(), A::Error>;
}
/// The last instruction of a block with two known ways out; true is taken.
pub trait Branch {
    fn run<A: crate::access::Access>(core: &mut Core, op: &Op) -> Result<bool, A::Error>;
}
/// The last instruction of a block that computes its target.
pub trait Jump {
    fn run<A: crate::access::Access>(core: &mut Core, op: &Op) -> Result<u32, A::Error>;
}
/// An instruction that is never fast: it may touch anything, devices and the mode included.
pub trait Complex {
    fn run(core: &mut Core, op: &Op) -> Result<(), Fault>;
}
/// The last instruction of a block that sets EIP itself, and perhaps CS and the mode.
pub trait Transfer {
    fn run(core: &mut Core, op: &Op) -> Result<(), Fault>;
}
/// A repeated string instruction. Does at most `most` iterations and tells how many, and whether it is done.
pub trait Repeat {
    fn run(core: &mut Core, op: &Op, most: u64) -> (u64, Result<bool, Fault>);
}
/// An instruction that can be joined with the conditional jump behind it.
pub trait Fusible: Instruction {
    fn test<A: crate::access::Access, C: crate::execute::Condition>(core: &mut Core, op: &Op) -> Result<bool, A::Error>;
}

/// Pool index of the op before `rest`; off the fast path only.
fn at(rest: &Rest<'_>) -> u32 {
    (POOL - 1 - rest.len()) as u32
}
#[inline(always)]
fn next<'a>(core: &mut Core, pool: &'a Pool, mut rest: Rest<'a>) -> Exit {
    match rest.next() {
        Some(op) => (op.exec)(core, pool, op, rest),
        None => LOST,
    }
}
#[inline(always)]
fn go(core: &mut Core, pool: &Pool, index: u32) -> Exit {
    next(core, pool, pool[index as usize & (POOL - 1)..].iter())
}
/// Runs the block at `index`, and those it leads to.
pub fn enter(core: &mut Core, pool: &Pool, index: u32) -> Exit {
    go(core, pool, index)
}
/// Pays for the block. In the `Instructions` tier a block's price is the number of its instructions.
#[inline(always)]
fn pay(core: &mut Core, edge: &Op) {
    core.count += u64::from(edge.nth);
    core.mmu.bus.timeline.budget -= i64::from(edge.nth);
}
/// Leaves the block along its edge number `N`.
#[inline(always)]
fn leave<const N: usize>(core: &mut Core, pool: &Pool, rest: Rest<'_>) -> Exit {
    let Some(edge) = rest.as_slice().get(N) else { return LOST };
    pay(core, edge);
    core.eip = core.eip.wrapping_add(edge.disp);
    if !FOLLOW {
        return Exit::new(Cause::Edge, at(&rest) + 1 + N as u32);
    }
    if core.mmu.bus.timeline.budget < 0 {
        return LOST;
    }
    go(core, pool, edge.imm)
}
fn faulted(core: &mut Core, fault: Fault, rest: &Rest<'_>) -> Exit {
    core.fault = Some(fault);
    Exit::new(Cause::Fault, at(rest))
}
/// A device that looks at the clock sees the instructions of the block before `op` as done.
#[inline]
fn at_its_time<R>(core: &mut Core, op: &Op, f: impl FnOnce(&mut Core) -> R) -> R {
    core.mmu.bus.timeline.in_block = u32::from(op.nth);
    let result = f(core);
    core.mmu.bus.timeline.in_block = 0;
    result
}

pub fn sequential<'a, T: Instruction>(core: &mut Core, pool: &'a Pool, op: &'a Op, rest: Rest<'a>) -> Exit {
    match T::run::<Fast>(core, op) {
        Ok(()) => next(core, pool, rest),
        Err(_) => slow::<T>(core, pool, op, rest),
    }
}
#[inline(never)]
fn slow<'a, T: Instruction>(core: &mut Core, pool: &'a Pool, op: &'a Op, rest: Rest<'a>) -> Exit {
    match at_its_time(core, op, |core| T::run::<Slow>(core, op)) {
        Ok(()) if !core.mmu.bus.attention => next(core, pool, rest),
        Ok(()) => Exit::new(Cause::Leave, at(&rest)),
        Err(fault) => faulted(core, fault, &rest),
    }
}

pub fn branch<'a, T: Branch>(core: &mut Core, pool: &'a Pool, op: &'a Op, rest: Rest<'a>) -> Exit {
    match T::run::<Fast>(core, op) {
        Ok(true) => leave::<0>(core, pool, rest),
        Ok(false) => leave::<1>(core, pool, rest),
        Err(_) => slow_branch::<T>(core, op, rest),
    }
}
#[inline(never)]
fn slow_branch<T: Branch>(core: &mut Core, op: &Op, rest: Rest<'_>) -> Exit {
    match at_its_time(core, op, |core| T::run::<Slow>(core, op)) {
        Ok(taken) => {
            let Some(edge) = rest.as_slice().get(usize::from(!taken)) else { return LOST };
            pay(core, edge);
            core.eip = core.eip.wrapping_add(edge.disp);
            LOST
        }
        Err(fault) => faulted(core, fault, &rest),
    }
}

pub fn jump<'a, T: Jump>(core: &mut Core, pool: &'a Pool, op: &'a Op, rest: Rest<'a>) -> Exit {
    match T::run::<Fast>(core, op) {
        Ok(target) => {
            if let Some(edge) = rest.as_slice().first() {
                pay(core, edge);
            }
            core.eip = target;
            if FOLLOW { search(core, pool, op, rest) } else { LOST }
        }
        Err(_) => slow_jump::<T>(core, op, rest),
    }
}
#[inline(never)]
fn slow_jump<T: Jump>(core: &mut Core, op: &Op, rest: Rest<'_>) -> Exit {
    match at_its_time(core, op, |core| T::run::<Slow>(core, op)) {
        Ok(target) => {
            if let Some(edge) = rest.as_slice().first() {
                pay(core, edge);
            }
            core.eip = target;
            LOST
        }
        Err(fault) => faulted(core, fault, &rest),
    }
}

/// An instruction and the conditional jump behind it, which keeps its slot.
pub fn fused<'a, T: Fusible, C: crate::execute::Condition>(core: &mut Core, pool: &'a Pool, op: &'a Op, rest: Rest<'a>) -> Exit {
    match T::test::<Fast, C>(core, op) {
        Ok(true) => leave::<1>(core, pool, rest),
        Ok(false) => leave::<2>(core, pool, rest),
        Err(_) => slow::<T>(core, pool, op, rest),
    }
}

pub fn complex<'a, T: Complex>(core: &mut Core, pool: &'a Pool, op: &'a Op, rest: Rest<'a>) -> Exit {
    let mode = core.mmu.mode();
    match at_its_time(core, op, |core| T::run(core, op)) {
        Ok(()) if core.mmu.mode() == mode && !core.mmu.bus.attention && !core.mmu.translations_changed => next(core, pool, rest),
        Ok(()) => Exit::new(Cause::Leave, at(&rest)),
        Err(fault) => faulted(core, fault, &rest),
    }
}

pub fn transfer<'a, T: Transfer>(core: &mut Core, pool: &'a Pool, op: &'a Op, rest: Rest<'a>) -> Exit {
    match at_its_time(core, op, |core| T::run(core, op)) {
        Ok(()) => {
            if let Some(edge) = rest.as_slice().first() {
                pay(core, edge);
            }
            if FOLLOW && !core.mmu.bus.attention && !core.mmu.translations_changed { search(core, pool, op, rest) } else { LOST }
        }
        Err(fault) => faulted(core, fault, &rest),
    }
}

/// Iterations are paid at once, all but the last, which the block's edge counts as the instruction.
pub fn repeat<'a, T: Repeat>(core: &mut Core, pool: &'a Pool, op: &'a Op, rest: Rest<'a>) -> Exit {
    let most = core.mmu.bus.timeline.budget.max(0) as u64 + 1;
    let (done, result) = at_its_time(core, op, |core| T::run(core, op, most));
    let finished = matches!(result, Ok(true));
    core.repeating &= !finished;
    let paid = if finished { done.saturating_sub(1) } else { done };
    core.count += paid;
    core.mmu.bus.timeline.budget -= paid as i64;
    match result {
        Ok(true) if !core.mmu.bus.attention => next(core, pool, rest),
        Ok(true) => Exit::new(Cause::Leave, at(&rest)),
        Ok(false) => Exit::new(Cause::Again, at(&rest)),
        Err(fault) => faulted(core, fault, &rest),
    }
}

/// The end of a block that is full.
pub fn through<'a>(core: &mut Core, pool: &'a Pool, _: &'a Op, rest: Rest<'a>) -> Exit {
    leave::<1>(core, pool, rest)
}
/// An edge that is not linked yet leads to itself.
pub fn unlinked<'a>(_: &mut Core, _: &'a Pool, _: &'a Op, rest: Rest<'a>) -> Exit {
    Exit::new(Cause::Edge, at(&rest))
}
/// An edge into another page, or a computed target: found by mode and EIP.
#[inline(always)]
pub fn search<'a>(core: &mut Core, pool: &'a Pool, _: &'a Op, _: Rest<'a>) -> Exit {
    let jump = core.jump_entry();
    if jump.tag != core.jump_tag() || core.mmu.bus.timeline.budget < 0 {
        return LOST;
    }
    go(core, pool, jump.index)
}
/// The first op of a block that is no more.
pub fn stale<'a>(_: &mut Core, _: &'a Pool, _: &'a Op, _: Rest<'a>) -> Exit {
    LOST
}
/// The first op of a block that a hook wants to see.
pub fn hooked<'a>(_: &mut Core, _: &'a Pool, _: &'a Op, rest: Rest<'a>) -> Exit {
    Exit::new(Cause::Hook, at(&rest))
}
