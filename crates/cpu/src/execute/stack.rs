//! PUSH POP PUSHA POPA PUSHF POPF ENTER LEAVE (SDM Vol. 2, under their names).

use super::{Of, complex_ops, require};
use crate::{
    access::{Access, Fast, Slow},
    core::{Core, EAX, EBP, EDI, ESP},
    decode::Op,
    dispatch::Instruction,
    flags::STATUS,
    operand::{Memory, Operand},
};
use turtle86_arch::{Eflags, Exception, Fault, Reason, SegmentRegister, SegmentSelector};
use turtle86_mmu::Width;

const SS: u8 = SegmentRegister::Ss as u8;

/// How the stack is addressed, as a type: chosen when an instruction is lowered.
pub trait Stack: 'static {
    /// ESP, or SP.
    fn pointer(core: &Core) -> u32;
    fn set_pointer(core: &mut Core, value: u32);
    /// An offset after moving it, in the width of the stack.
    fn moved(offset: u32, by: u32) -> u32;
    fn linear<W: Width, A: Access>(core: &mut Core, offset: u32, write: bool) -> Result<u32, A::Error>;
}
/// A flat 32-bit stack.
pub struct Flat;
/// A 32-bit stack in any segment.
pub struct Wide;
/// A 16-bit stack.
pub struct Narrow;
impl Stack for Flat {
    #[inline(always)]
    fn pointer(core: &Core) -> u32 {
        core.reg(ESP)
    }
    #[inline(always)]
    fn set_pointer(core: &mut Core, value: u32) {
        core.set_reg(ESP, value);
    }
    #[inline(always)]
    fn moved(offset: u32, by: u32) -> u32 {
        offset.wrapping_add(by)
    }
    #[inline(always)]
    fn linear<W: Width, A: Access>(_: &mut Core, offset: u32, _: bool) -> Result<u32, A::Error> {
        Ok(offset)
    }
}
impl Stack for Wide {
    #[inline(always)]
    fn pointer(core: &Core) -> u32 {
        core.reg(ESP)
    }
    #[inline(always)]
    fn set_pointer(core: &mut Core, value: u32) {
        core.set_reg(ESP, value);
    }
    #[inline(always)]
    fn moved(offset: u32, by: u32) -> u32 {
        offset.wrapping_add(by)
    }
    #[inline(always)]
    fn linear<W: Width, A: Access>(core: &mut Core, offset: u32, write: bool) -> Result<u32, A::Error> {
        A::linear::<W>(core, SS, offset, write)
    }
}
impl Stack for Narrow {
    #[inline(always)]
    fn pointer(core: &Core) -> u32 {
        core.reg::<u16>(ESP).zx()
    }
    #[inline(always)]
    fn set_pointer(core: &mut Core, value: u32) {
        core.set_reg(ESP, value as u16);
    }
    #[inline(always)]
    fn moved(offset: u32, by: u32) -> u32 {
        offset.wrapping_add(by) & 0xffff
    }
    #[inline(always)]
    fn linear<W: Width, A: Access>(core: &mut Core, offset: u32, write: bool) -> Result<u32, A::Error> {
        A::linear::<W>(core, SS, offset, write)
    }
}

/// Pushes; nothing changes if it faults.
#[inline(always)]
pub fn push<T: Stack, W: Width, A: Access>(core: &mut Core, value: W) -> Result<(), A::Error> {
    let top = T::moved(T::pointer(core), (W::BYTES as u32).wrapping_neg());
    let linear = T::linear::<W, A>(core, top, true)?;
    let at = A::place::<W>(core, linear)?;
    A::poke(core, at, value);
    T::set_pointer(core, top);
    Ok(())
}
/// What a pop would give, and the pointer behind it.
#[inline(always)]
pub fn top<T: Stack, W: Width, A: Access>(core: &mut Core) -> Result<(W, u32), A::Error> {
    let offset = T::pointer(core);
    let linear = T::linear::<W, A>(core, offset, false)?;
    let value = A::load::<W>(core, linear)?;
    Ok((value, T::moved(offset, W::BYTES as u32)))
}

/// `PUSH SRC`.
pub struct Push<T, W, S>(Of<(T, W, S)>);
impl<T: Stack, W: Width, S: Operand> Instruction for Push<T, W, S> {
    #[inline(always)]
    fn run<A: Access>(core: &mut Core, op: &Op) -> Result<(), A::Error> {
        let value = S::read::<W, A>(core, op)?;
        push::<T, W, A>(core, value)
    }
}
/// `POP r`.
pub struct Pop<T, W>(Of<(T, W)>);
impl<T: Stack, W: Width> Instruction for Pop<T, W> {
    #[inline(always)]
    fn run<A: Access>(core: &mut Core, op: &Op) -> Result<(), A::Error> {
        let (value, pointer) = top::<T, W, A>(core)?;
        T::set_pointer(core, pointer);
        core.set_reg(op.rm, value);
        Ok(())
    }
}
/// `POP m`: the address is computed with ESP behind the popped value.
pub struct PopMemory<T, W, M>(Of<(T, W, M)>);
impl<T: Stack, W: Width, M: Memory> Instruction for PopMemory<T, W, M> {
    #[inline(always)]
    fn run<A: Access>(core: &mut Core, op: &Op) -> Result<(), A::Error> {
        let (value, pointer) = top::<T, W, A>(core)?;
        let before = core.reg::<u32>(ESP);
        T::set_pointer(core, pointer);
        let place = match M::linear::<W, A>(core, op, true) {
            Ok(linear) => A::place::<W>(core, linear),
            Err(error) => Err(error),
        };
        match place {
            Ok(place) => {
                A::poke(core, place, value);
                Ok(())
            }
            Err(error) => {
                core.set_reg(ESP, before);
                Err(error)
            }
        }
    }
}

/// The eight slots below `top`, if they do not wrap and the segment allows them all to be written: offset and linear address of the lowest.
/// (A stack segment that can be read can be written.)
#[inline(always)]
fn frame_below<T: Stack, W: Width>(core: &mut Core, top: u32) -> Option<(u32, u32)> {
    let size = W::BYTES as u32;
    let bottom = T::moved(top, (8 * size).wrapping_neg());
    if top <= bottom {
        return None;
    }
    let first = T::linear::<W, Fast>(core, bottom, true).ok()?;
    let last = T::linear::<W, Fast>(core, top - size, true).ok()?;
    (last.wrapping_sub(first) == 7 * size).then_some((bottom, first))
}
/// For instructions whose fast form is all or nothing.
fn not_fast<A: Access>() -> A::Error {
    A::fault(|| Fault::new(Exception::SS0, Reason::StackWraps))
}

/// PUSHA: the eight registers, ESP as it was before. All slots are checked before the first is stored.
pub struct PushAll<T, W>(Of<(T, W)>);
impl<T: Stack, W: Width> Instruction for PushAll<T, W> {
    #[inline(always)]
    fn run<A: Access>(core: &mut Core, _: &Op) -> Result<(), A::Error> {
        let mut pointer = T::pointer(core);
        if let Some(bottom) = frame_below::<T, W>(core, pointer)
            && let Some(offset) = core.mmu.frame_place(bottom.1, 8 * W::BYTES as u32, false)
        {
            for slot in 0..8 {
                let value = core.reg::<W>(EDI - 4 * slot);
                core.mmu.poke(offset + u32::from(slot) * W::BYTES as u32, value);
            }
            T::set_pointer(core, bottom.0);
            return Ok(());
        }
        if !A::SLOW {
            return Err(not_fast::<A>());
        }
        let mut places = [None; 8];
        for place in &mut places {
            pointer = T::moved(pointer, (W::BYTES as u32).wrapping_neg());
            let linear = T::linear::<W, A>(core, pointer, true)?;
            *place = Some(A::place::<W>(core, linear)?);
        }
        for (place, register) in places.into_iter().flatten().zip((EAX..=EDI).step_by(4)) {
            let value = core.reg::<W>(register);
            A::poke(core, place, value);
        }
        T::set_pointer(core, pointer);
        Ok(())
    }
}
/// POPA: the slot of ESP is skipped.
pub struct PopAll<T, W>(Of<(T, W)>);
impl<T: Stack, W: Width> Instruction for PopAll<T, W> {
    #[inline(always)]
    fn run<A: Access>(core: &mut Core, _: &Op) -> Result<(), A::Error> {
        let mut pointer = T::pointer(core);
        let end = T::moved(pointer, 8 * W::BYTES as u32);
        if let Some(bottom) = frame_below::<T, W>(core, end)
            && let Some(offset) = core.mmu.frame_source(bottom.1, 8 * W::BYTES as u32)
        {
            for slot in (0..8).filter(|slot| EDI - 4 * slot != ESP) {
                let value = core.mmu.peek::<W>(offset + u32::from(slot) * W::BYTES as u32);
                core.set_reg(EDI - 4 * slot, value);
            }
            T::set_pointer(core, end);
            return Ok(());
        }
        if !A::SLOW {
            return Err(not_fast::<A>());
        }
        let mut values = [W::of(0); 8];
        for value in values.iter_mut().rev() {
            let linear = T::linear::<W, A>(core, pointer, false)?;
            *value = A::load::<W>(core, linear)?;
            pointer = T::moved(pointer, W::BYTES as u32);
        }
        for (value, register) in values.into_iter().zip((EAX..=EDI).step_by(4)) {
            if register != ESP {
                core.set_reg(register, value);
            }
        }
        T::set_pointer(core, pointer);
        Ok(())
    }
}

/// LEAVE: `ESP := EBP; EBP := Pop()`.
pub struct Leave<T, W>(Of<(T, W)>);
impl<T: Stack, W: Width> Instruction for Leave<T, W> {
    #[inline(always)]
    fn run<A: Access>(core: &mut Core, _: &Op) -> Result<(), A::Error> {
        let frame = T::moved(core.reg::<u32>(EBP), 0);
        let linear = T::linear::<W, A>(core, frame, false)?;
        let value = A::load::<W>(core, linear)?;
        T::set_pointer(core, T::moved(frame, W::BYTES as u32));
        core.set_reg(EBP, value);
        Ok(())
    }
}
/// ENTER: `imm` is the frame's size, `reg` the nesting level (already modulo 32).
pub struct Enter<T, W>(Of<(T, W)>);
impl<T: Stack, W: Width> Instruction for Enter<T, W> {
    #[inline(always)]
    fn run<A: Access>(core: &mut Core, op: &Op) -> Result<(), A::Error> {
        if !A::SLOW {
            // The copies may fault after others were stored; the slow twin collects first.
            return Err(not_fast::<A>());
        }
        let size = W::BYTES as u32;
        let mut pointer = T::moved(T::pointer(core), size.wrapping_neg());
        let top = pointer;
        let linear = T::linear::<W, A>(core, top, true)?;
        let mut stores = vec![(A::place::<W>(core, linear)?, core.reg::<W>(EBP), None)];
        // EBP gets all 32 bits of the stack pointer, whatever part of them the stack uses.
        let mask = T::moved(!0, 0);
        let frame = core.reg::<u32>(ESP) & !mask | pointer;
        let mut display = T::moved(core.reg::<u32>(EBP), 0);
        for level in 1..=u32::from(op.reg) {
            let mut from = None;
            let value = if level < u32::from(op.reg) {
                display = T::moved(display, size.wrapping_neg());
                let linear = T::linear::<W, A>(core, display, false)?;
                // Frames may overlap: then what was pushed by now is what is copied.
                let above = T::moved(top.wrapping_add(size - 1), display.wrapping_neg());
                from = (above < (level + 1) * size).then_some(linear);
                A::load::<W>(core, linear)?
            } else {
                W::of(frame)
            };
            pointer = T::moved(pointer, size.wrapping_neg());
            let linear = T::linear::<W, A>(core, pointer, true)?;
            stores.push((A::place::<W>(core, linear)?, value, from));
        }
        let end = T::moved(pointer, op.imm.wrapping_neg());
        // SDM Vol. 2, "ENTER": a write at the final ESP must not fault.
        let linear = T::linear::<W, A>(core, end, true)?;
        A::place::<W>(core, linear)?;
        for (place, value, from) in stores {
            let value = match from {
                Some(linear) => A::load::<W>(core, linear)?,
                None => value,
            };
            A::poke(core, place, value);
        }
        core.set_reg(EBP, W::of(frame));
        T::set_pointer(core, end);
        Ok(())
    }
}

// ---- pushes and pops that pick their stack when they run: flags, segment registers, far transfers

impl Core {
    /// A push of `W` on whatever stack there is.
    pub(crate) fn push<W: Width>(&mut self, value: W) -> Result<(), Fault> {
        if self.mmu.mode().stack_32() { push::<Wide, W, Slow>(self, value) } else { push::<Narrow, W, Slow>(self, value) }
    }
    /// What a pop would give, and the pointer behind it.
    pub(crate) fn top<W: Width>(&mut self) -> Result<(W, u32), Fault> {
        if self.mmu.mode().stack_32() { top::<Wide, W, Slow>(self) } else { top::<Narrow, W, Slow>(self) }
    }
    /// ESP, or SP on a 16-bit stack.
    pub(crate) fn stack_pointer(&self) -> u32 {
        if self.mmu.mode().stack_32() { Wide::pointer(self) } else { Narrow::pointer(self) }
    }
    pub(crate) fn set_stack_pointer(&mut self, value: u32) {
        if self.mmu.mode().stack_32() { Wide::set_pointer(self, value) } else { Narrow::set_pointer(self, value) }
    }
    /// Offset `by` bytes above the top of the stack.
    pub(crate) fn above_top(&self, by: u32) -> u32 {
        let pointer = self.stack_pointer();
        if self.mmu.mode().stack_32() { Wide::moved(pointer, by) } else { Narrow::moved(pointer, by) }
    }
    /// Reads `W` at an offset of the stack.
    pub(crate) fn stack_at<W: Width>(&mut self, offset: u32) -> Result<W, Fault> {
        let linear = Slow::linear::<W>(self, SS, offset, false)?;
        self.mmu.load_checked(linear)
    }
    /// The EFLAGS image that PUSHF stores: VM and RF are clear in it.
    pub(crate) fn pushed_flags(&self) -> u32 {
        self.eflags() & !(Eflags::VM | Eflags::RF).0
    }
    /// Takes EFLAGS from an image popped at the current privilege (SDM Vol. 2, "POPF"): `mask` says which flags the width covers.
    pub(crate) fn pop_flags(&mut self, image: u32, mask: u32) {
        let mut changeable = mask & self.profile.eflags.0 & !(Eflags::VM | Eflags::RF | Eflags::VIF | Eflags::VIP).0;
        if self.mmu.mode().protected() {
            let cpl = self.mmu.cpl();
            if cpl != 0 {
                changeable &= !Eflags::IOPL.0;
            }
            if cpl > self.iopl() {
                changeable &= !Eflags::IF.0;
            }
        }
        self.replace_flags(image, changeable);
    }
    /// Replaces the flags in `mask`, and looks at what that makes pending.
    pub(crate) fn replace_flags(&mut self, image: u32, mask: u32) {
        self.flags.replace(mask & STATUS, image);
        let system = mask & !STATUS;
        let old = self.system_flags;
        self.system_flags = old & !system | image & system | Eflags::FIXED.0;
        // RF, too: the next instruction has to begin with it and end it.
        if (old ^ self.system_flags) & (Eflags::IF | Eflags::TF | Eflags::AC | Eflags::RF).0 != 0 {
            self.call_attention();
        }
    }
}

complex_ops! {
    /// PUSHF with a 16-bit operand.
    Pushf16 = pushf16;
    /// PUSHFD.
    Pushf32 = pushf32;
    /// POPF with a 16-bit operand.
    Popf16 = popf16;
    /// POPFD.
    Popf32 = popf32;
    /// PUSH of a segment register, 16-bit operand.
    PushSegment16 = push_segment16;
    /// PUSH of a segment register, 32-bit operand: four bytes of stack, of which only the low word is written.
    PushSegment32 = push_segment32;
    /// POP of a segment register, 16-bit operand.
    PopSegment16 = pop_segment16;
    /// POP of a segment register, 32-bit operand: only the low word is read.
    PopSegment32 = pop_segment32;
}
fn pushf16(core: &mut Core, _: &Op) -> Result<(), Fault> {
    let image = core.pushed_flags();
    core.push(image as u16)
}
fn pushf32(core: &mut Core, _: &Op) -> Result<(), Fault> {
    let image = core.pushed_flags();
    core.push(image)
}
fn popf16(core: &mut Core, _: &Op) -> Result<(), Fault> {
    let (image, pointer) = core.top::<u16>()?;
    core.set_stack_pointer(pointer);
    core.pop_flags(image.zx(), 0xffff);
    Ok(())
}
fn popf32(core: &mut Core, _: &Op) -> Result<(), Fault> {
    let (image, pointer) = core.top::<u32>()?;
    core.set_stack_pointer(pointer);
    core.pop_flags(image, !0);
    // POPFD clears RF whatever the image says.
    core.system_flags &= !Eflags::RF.0;
    Ok(())
}
fn push_segment16(core: &mut Core, op: &Op) -> Result<(), Fault> {
    let selector = core.mmu.segment(segment(op)?).selector.0;
    core.push(selector)
}
fn push_segment32(core: &mut Core, op: &Op) -> Result<(), Fault> {
    let selector = core.mmu.segment(segment(op)?).selector.0;
    let pointer = core.above_top(4u32.wrapping_neg());
    let linear = Slow::linear::<u16>(core, SS, pointer, true)?;
    core.mmu.store_checked(linear, selector)?;
    core.set_stack_pointer(pointer);
    Ok(())
}
fn pop_segment16(core: &mut Core, op: &Op) -> Result<(), Fault> {
    pop_segment(core, op, 2)
}
fn pop_segment32(core: &mut Core, op: &Op) -> Result<(), Fault> {
    pop_segment(core, op, 4)
}
fn pop_segment(core: &mut Core, op: &Op, size: u32) -> Result<(), Fault> {
    let selector = core.top::<u16>()?.0;
    let pointer = core.above_top(size);
    let register = segment(op)?;
    // The width of the pointer is that of the stack before SS changes.
    let wide = core.mmu.mode().stack_32();
    core.load_segment(register, SegmentSelector(selector))?;
    if wide {
        Wide::set_pointer(core, pointer)
    } else {
        Narrow::set_pointer(core, pointer)
    }
    Ok(())
}
/// The segment register that `reg` encodes.
pub(crate) fn segment(op: &Op) -> Result<SegmentRegister, Fault> {
    let register = SegmentRegister::from_encoding(op.reg);
    require(register.is_some(), Exception::InvalidOpcode, Reason::UndefinedOpcode)?;
    Ok(register.unwrap_or(SegmentRegister::Ds))
}
