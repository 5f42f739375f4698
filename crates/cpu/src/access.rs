//! How an instruction reaches memory: the one difference between a handler and its slow twin.

use crate::core::Core;
use turtle86_arch::{AccessKind, Exception, Fault, Reason, SegmentRegister};
use turtle86_mmu::{Place, Width};

/// `Fast` fails without a trace and without a reason; `Slow` does everything and can fault.
///
/// An instruction checks everything before it commits, so a missed attempt can be run again.
pub trait Access {
    type Error;
    type Place: Copy;
    const SLOW: bool;
    fn load<W: Width>(core: &mut Core, linear: u32) -> Result<W, Self::Error>;
    fn place<W: Width>(core: &mut Core, linear: u32) -> Result<Self::Place, Self::Error>;
    fn peek<W: Width>(core: &mut Core, place: Self::Place) -> W;
    fn poke<W: Width>(core: &mut Core, place: Self::Place, value: W);
    fn linear<W: Width>(core: &mut Core, segment: u8, offset: u32, write: bool) -> Result<u32, Self::Error>;
    fn fault(fault: impl FnOnce() -> Fault) -> Self::Error;

    /// A near branch must stay within the code segment.
    #[inline(always)]
    fn target(core: &Core, target: u32) -> Result<u32, Self::Error> {
        let limit = core.mmu.segment(SegmentRegister::Cs).limit;
        if target > limit {
            return Err(Self::fault(|| Fault::new(Exception::GP0, Reason::BranchBeyondLimit { target, limit })));
        }
        Ok(target)
    }
}

pub struct Fast;
pub struct Slow;
/// Nothing happened; run it again as `Slow`.
pub struct Miss;

impl Access for Fast {
    type Error = Miss;
    type Place = u32;
    const SLOW: bool = false;
    #[inline(always)]
    fn load<W: Width>(core: &mut Core, linear: u32) -> Result<W, Miss> {
        core.mmu.load(linear).ok_or(Miss)
    }
    #[inline(always)]
    fn place<W: Width>(core: &mut Core, linear: u32) -> Result<u32, Miss> {
        core.mmu.place::<W>(linear).ok_or(Miss)
    }
    #[inline(always)]
    fn peek<W: Width>(core: &mut Core, place: u32) -> W {
        core.mmu.peek(place)
    }
    #[inline(always)]
    fn poke<W: Width>(core: &mut Core, place: u32, value: W) {
        core.mmu.poke(place, value);
    }
    #[inline(always)]
    fn linear<W: Width>(core: &mut Core, segment: u8, offset: u32, write: bool) -> Result<u32, Miss> {
        core.mmu.linear::<W>(segment, offset, write).ok_or(Miss)
    }
    #[inline(always)]
    fn fault(_: impl FnOnce() -> Fault) -> Miss {
        Miss
    }
}

impl Access for Slow {
    type Error = Fault;
    type Place = Place;
    const SLOW: bool = true;
    fn load<W: Width>(core: &mut Core, linear: u32) -> Result<W, Fault> {
        core.mmu.load_checked(linear)
    }
    fn place<W: Width>(core: &mut Core, linear: u32) -> Result<Place, Fault> {
        core.mmu.place_checked::<W>(linear)
    }
    fn peek<W: Width>(core: &mut Core, place: Place) -> W {
        core.mmu.peek_checked(place)
    }
    fn poke<W: Width>(core: &mut Core, place: Place, value: W) {
        core.mmu.poke_checked(place, value);
    }
    fn linear<W: Width>(core: &mut Core, segment: u8, offset: u32, write: bool) -> Result<u32, Fault> {
        if let Some(linear) = core.mmu.linear::<W>(segment, offset, write) {
            return Ok(linear);
        }
        let register = SegmentRegister::from_encoding(segment).unwrap_or(SegmentRegister::Ds);
        let kind = if write { AccessKind::Write } else { AccessKind::Read };
        core.mmu.linear_checked(register, offset, W::BYTES as u32, kind)
    }
    fn fault(fault: impl FnOnce() -> Fault) -> Fault {
        fault()
    }
}
