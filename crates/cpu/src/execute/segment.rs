//! Segment registers: MOV and L*S, and the far JMP, CALL and RET that load CS (SDM Vol. 2, "MOV", "LDS/LES/LFS/LGS/LSS",
//! "JMP", "CALL", "RET").

use super::{Of, complex_ops, require, stack::segment, system::alignment_checked, transfer_ops};
use crate::{
    access::{Access, Slow},
    core::{Core, Shadow},
    decode::Op,
};
use turtle86_arch::{DescriptorCache, Exception, Fault, GateKind, Reason, SegmentDescriptor, SegmentRegister, SegmentSelector, SystemType};
use turtle86_mmu::Width;

/// Instructions that ask for their operand when they run.
impl Core {
    /// The memory operand's offset.
    pub(crate) fn memory_offset(&self, op: &Op) -> u32 {
        let base = self.reg::<u32>(op.base);
        let index = self.reg::<u32>(op.index) << (op.scale_segment & 3);
        let offset = base.wrapping_add(index).wrapping_add(op.disp);
        if op.scale_segment & Op::ADDRESS_16 != 0 { offset & 0xffff } else { offset }
    }
    /// An offset `by` bytes behind the memory operand's.
    pub(crate) fn behind(&self, op: &Op, by: u32) -> u32 {
        let offset = self.memory_offset(op).wrapping_add(by);
        if op.scale_segment & Op::ADDRESS_16 != 0 { offset & 0xffff } else { offset }
    }
    /// Loads from the memory operand, `by` bytes behind it.
    pub(crate) fn load_operand<W: Width>(&mut self, op: &Op, by: u32) -> Result<W, Fault> {
        let linear = Slow::linear::<W>(self, op.segment(), self.behind(op, by), false)?;
        self.mmu.load_checked(linear)
    }
    /// Reads an r/m operand.
    pub(crate) fn read_rm<W: Width>(&mut self, op: &Op) -> Result<W, Fault> {
        if op.is_register() { Ok(self.reg(op.rm)) } else { self.load_operand(op, 0) }
    }
    /// Writes an r/m operand.
    pub(crate) fn write_rm<W: Width>(&mut self, op: &Op, value: W) -> Result<(), Fault> {
        if op.is_register() {
            self.set_reg(op.rm, value);
            return Ok(());
        }
        let linear = Slow::linear::<W>(self, op.segment(), self.memory_offset(op), true)?;
        self.mmu.store_checked(linear, value)
    }

    /// Loads a segment register other than CS, as MOV and POP do. A load of SS holds events off for one instruction.
    pub(crate) fn load_segment(&mut self, register: SegmentRegister, selector: SegmentSelector) -> Result<(), Fault> {
        self.load_segment_unshadowed(register, selector)?;
        if register == SegmentRegister::Ss {
            self.shadow = Shadow::MovSs;
            self.call_attention();
        }
        Ok(())
    }
    fn load_segment_unshadowed(&mut self, register: SegmentRegister, selector: SegmentSelector) -> Result<(), Fault> {
        match register {
            _ if !self.mmu.mode().protected() => {
                self.mmu.load_real_mode_segment(register, selector.0);
                Ok(())
            }
            SegmentRegister::Cs => Err(Fault::new(Exception::InvalidOpcode, Reason::CsNotLoadable)),
            SegmentRegister::Ss => self.mmu.load_ss(selector),
            _ => self.mmu.load_data_segment(register, selector),
        }
    }
}

complex_ops! {
    /// MOV Sreg, r/m16.
    MovToSegment = mov_to_segment;
    /// MOV r/m16, Sreg; to memory always a word.
    MovFromSegment16 = mov_from_segment16;
    /// MOV r32, Sreg: the upper half is zero.
    MovFromSegment32 = mov_from_segment32;
}
fn mov_to_segment(core: &mut Core, op: &Op) -> Result<(), Fault> {
    let register = segment(op)?;
    require(register != SegmentRegister::Cs, Exception::InvalidOpcode, Reason::CsNotLoadable)?;
    let selector = core.read_rm::<u16>(op)?;
    core.load_segment(register, SegmentSelector(selector))
}
fn mov_from_segment16(core: &mut Core, op: &Op) -> Result<(), Fault> {
    let selector = core.mmu.segment(segment(op)?).selector.0;
    core.write_rm(op, selector)
}
fn mov_from_segment32(core: &mut Core, op: &Op) -> Result<(), Fault> {
    let selector = u32::from(core.mmu.segment(segment(op)?).selector.0);
    core.write_rm(op, selector)
}

/// LDS LES LSS LFS LGS: `imm` encodes the segment register, `reg` is the offset's. The register changes last.
pub struct LoadFarPointer<W>(Of<W>);
impl<W: Width> crate::dispatch::Complex for LoadFarPointer<W> {
    fn run(core: &mut Core, op: &Op) -> Result<(), Fault> {
        let offset = core.load_operand::<W>(op, 0)?;
        let selector = core.load_operand::<u16>(op, W::BYTES as u32)?;
        let register = SegmentRegister::from_encoding(op.imm as u8).unwrap_or(SegmentRegister::Ds);
        core.load_segment_unshadowed(register, SegmentSelector(selector))?;
        core.set_reg(op.reg, offset);
        Ok(())
    }
}

transfer_ops! {
    /// JMP ptr16:16 and ptr16:32; `imm` is the offset, `disp` the selector.
    JmpFar = jmp_far;
    /// CALL ptr16:16.
    CallFar16 = call_far::<u16>;
    /// CALL ptr16:32.
    CallFar32 = call_far::<u32>;
    /// JMP m16:16.
    JmpFarMemory16 = jmp_far_memory::<u16>;
    /// JMP m16:32.
    JmpFarMemory32 = jmp_far_memory::<u32>;
    /// CALL m16:16.
    CallFarMemory16 = call_far_memory::<u16>;
    /// CALL m16:32.
    CallFarMemory32 = call_far_memory::<u32>;
    /// RETF with a 16-bit operand; `imm` is what it releases.
    RetFar16 = ret_far::<u16>;
    /// RETF with a 32-bit operand.
    RetFar32 = ret_far::<u32>;
}
fn jmp_far(core: &mut Core, op: &Op) -> Result<(), Fault> {
    core.far_jump(SegmentSelector(op.disp as u16), op.imm)
}
fn jmp_far_memory<W: Width>(core: &mut Core, op: &Op) -> Result<(), Fault> {
    let offset = core.load_operand::<W>(op, 0)?.zx();
    let selector = core.load_operand::<u16>(op, W::BYTES as u32)?;
    core.far_jump(SegmentSelector(selector), offset)
}
fn call_far<W: Width>(core: &mut Core, op: &Op) -> Result<(), Fault> {
    core.far_call::<W>(op, SegmentSelector(op.disp as u16), op.imm)
}
fn call_far_memory<W: Width>(core: &mut Core, op: &Op) -> Result<(), Fault> {
    let offset = core.load_operand::<W>(op, 0)?.zx();
    let selector = core.load_operand::<u16>(op, W::BYTES as u32)?;
    core.far_call::<W>(op, SegmentSelector(selector), offset)
}

impl Core {
    fn far_jump(&mut self, selector: SegmentSelector, offset: u32) -> Result<(), Fault> {
        let cs = self.check_far_target(selector, offset)?;
        self.mmu.set_segment(SegmentRegister::Cs, cs);
        self.eip = offset;
        Ok(())
    }
    fn far_call<W: Width>(&mut self, op: &Op, selector: SegmentSelector, offset: u32) -> Result<(), Fault> {
        let cs = self.check_far_target(selector, offset)?;
        let (old, back) = (self.mmu.segment(SegmentRegister::Cs).selector, self.next_eip(op));
        self.push_all::<W>(&[old.0.into(), back])?;
        self.mmu.set_segment(SegmentRegister::Cs, cs);
        self.eip = offset;
        Ok(())
    }
    /// CS for a direct far JMP or CALL, in either mode.
    fn check_far_target(&mut self, selector: SegmentSelector, offset: u32) -> Result<DescriptorCache, Fault> {
        if !self.mmu.mode().protected() {
            return self.real_mode_cs(selector, offset);
        }
        require(!selector.is_null(), Exception::GP0, Reason::SelectorNull { role: "CS" })?;
        let descriptor = self.mmu.fetch_descriptor(selector, Exception::GeneralProtection)?;
        let code = selector.error_code();
        let cpl = self.mmu.cpl();
        let rights = descriptor.rights();
        match descriptor.system_type() {
            Some(SystemType::Gate(GateKind::Call16 | GateKind::Call32)) => return Err(Fault::unsupported("a call gate")),
            Some(SystemType::Gate(GateKind::Task)) => return Err(Fault::unsupported("a task gate")),
            Some(SystemType::Tss16 { .. } | SystemType::Tss32 { .. }) => return Err(Fault::unsupported("a hardware task switch")),
            _ => {}
        }
        let kind = Reason::DescriptorType { selector, descriptor: descriptor.0, expected: "a code segment" };
        require(rights.is_code(), Exception::GeneralProtection(code), kind)?;
        let allowed = if rights.is_conforming() { rights.dpl() <= cpl } else { selector.rpl() <= cpl && rights.dpl() == cpl };
        let privilege = Reason::DescriptorPrivilege { selector, descriptor: descriptor.0, cpl };
        require(allowed, Exception::GeneralProtection(code), privilege)?;
        let absent = Reason::DescriptorNotPresent { selector, descriptor: descriptor.0 };
        require(rights.present(), Exception::SegmentNotPresent(code), absent)?;
        let limit = descriptor.limit();
        require(offset <= limit, Exception::GP0, Reason::BranchBeyondLimit { target: offset, limit })?;
        let descriptor = self.mmu.mark_accessed(selector, descriptor)?;
        Ok(DescriptorCache::new(selector.with_rpl(cpl), descriptor))
    }
    /// CS in real mode: limit and rights stay as they are cached.
    pub(crate) fn real_mode_cs(&self, selector: SegmentSelector, offset: u32) -> Result<DescriptorCache, Fault> {
        let cs = *self.mmu.segment(SegmentRegister::Cs);
        require(offset <= cs.limit, Exception::GP0, Reason::BranchBeyondLimit { target: offset, limit: cs.limit })?;
        Ok(DescriptorCache { selector, base: u32::from(selector.0) << 4, ..cs })
    }
    /// Pushes values, first to last, on the current stack; every slot is checked before the first is stored.
    pub(crate) fn push_all<W: Width>(&mut self, values: &[u32]) -> Result<(), Fault> {
        let total = values.len() as u32 * W::BYTES as u32;
        let (top, bottom) = (self.stack_pointer(), self.above_top(total.wrapping_neg()));
        // A frame that lies in one page of RAM, as almost all do, is checked at once.
        if top > bottom
            && let Some(last) = self.mmu.linear::<W>(SegmentRegister::Ss as u8, top - W::BYTES as u32, true)
            && let Some(first) = self.mmu.linear::<W>(SegmentRegister::Ss as u8, bottom, true)
            && last.wrapping_sub(first) == total - W::BYTES as u32
            && let Some(offset) = self.mmu.frame_place(first, total, false)
        {
            self.poke_frame::<W>(offset, values);
            self.set_stack_pointer(bottom);
            return Ok(());
        }
        let mut places = [None; 6];
        for (i, place) in places.iter_mut().enumerate().take(values.len()) {
            let offset = self.above_top(((i as u32 + 1) * W::BYTES as u32).wrapping_neg());
            let linear = Slow::linear::<W>(self, SegmentRegister::Ss as u8, offset, true)?;
            *place = Some(self.mmu.place_checked::<W>(linear)?);
        }
        for (place, value) in places.into_iter().flatten().zip(values) {
            self.mmu.poke_checked(place, W::of(*value));
        }
        let pointer = self.above_top((values.len() as u32 * W::BYTES as u32).wrapping_neg());
        self.set_stack_pointer(pointer);
        Ok(())
    }

    /// Stores a frame, first value highest, at an offset that was checked.
    pub(crate) fn poke_frame<W: Width>(&mut self, offset: u32, values: &[u32]) {
        for (i, value) in values.iter().rev().enumerate() {
            self.mmu.poke(offset + (i * W::BYTES) as u32, W::of(*value));
        }
    }

    /// The code segment that RET and IRET return to, with all its checks but the limit's (SDM Vol. 2, "RET").
    pub(crate) fn check_return_cs(&mut self, selector: SegmentSelector) -> Result<SegmentDescriptor, Fault> {
        require(!selector.is_null(), Exception::GP0, Reason::SelectorNull { role: "CS" })?;
        let descriptor = self.mmu.fetch_descriptor(selector, Exception::GeneralProtection)?;
        let code = selector.error_code();
        let (rights, cpl) = (descriptor.rights(), self.mmu.cpl());
        let kind = Reason::DescriptorType { selector, descriptor: descriptor.0, expected: "a code segment" };
        require(rights.is_code(), Exception::GeneralProtection(code), kind)?;
        require(selector.rpl() >= cpl, Exception::GeneralProtection(code), Reason::ReturnToInner { selector, cpl })?;
        let allowed = if rights.is_conforming() { rights.dpl() <= selector.rpl() } else { rights.dpl() == selector.rpl() };
        let privilege = Reason::DescriptorPrivilege { selector, descriptor: descriptor.0, cpl };
        require(allowed, Exception::GeneralProtection(code), privilege)?;
        let absent = Reason::DescriptorNotPresent { selector, descriptor: descriptor.0 };
        require(rights.present(), Exception::SegmentNotPresent(code), absent)?;
        Ok(descriptor)
    }
    /// A return in protected mode once EIP and CS are read: `popped` bytes lie below the outer stack pointer, or are released.
    pub(crate) fn return_to<W: Width>(&mut self, selector: SegmentSelector, eip: u32, popped: u32, release: u32) -> Result<(), Fault> {
        let descriptor = self.check_return_cs(selector)?;
        let limit = descriptor.limit();
        let beyond = Reason::BranchBeyondLimit { target: eip, limit };
        let outer = selector.rpl() > self.mmu.cpl();
        if !outer {
            require(eip <= limit, Exception::GP0, beyond)?;
            let descriptor = self.mmu.mark_accessed(selector, descriptor)?;
            let pointer = self.above_top(popped + release);
            self.mmu.set_segment(SegmentRegister::Cs, DescriptorCache::new(selector, descriptor));
            self.set_stack_pointer(pointer);
            self.eip = eip;
            return Ok(());
        }
        let esp = self.stack_at::<W>(self.above_top(popped + release))?.zx();
        let ss = SegmentSelector(self.stack_at::<u16>(self.above_top(popped + release + W::BYTES as u32))?);
        let stack = self.mmu.check_ss(ss, selector.rpl(), Exception::GeneralProtection)?;
        require(eip <= limit, Exception::GP0, beyond)?;
        let descriptor = self.mmu.mark_accessed(selector, descriptor)?;
        self.mmu.set_cpl(selector.rpl());
        self.mmu.set_segment(SegmentRegister::Cs, DescriptorCache::new(selector, descriptor));
        self.mmu.set_segment(SegmentRegister::Ss, stack);
        self.set_stack_pointer(esp);
        let pointer = self.above_top(release);
        self.set_stack_pointer(pointer);
        self.mmu.null_inner_segments();
        self.eip = eip;
        if alignment_checked(self) {
            self.call_attention();
        }
        Ok(())
    }
}
fn ret_far<W: Width>(core: &mut Core, op: &Op) -> Result<(), Fault> {
    let size = W::BYTES as u32;
    let eip = core.stack_at::<W>(core.above_top(0))?.zx();
    let selector = SegmentSelector(core.stack_at::<W>(core.above_top(size))?.zx() as u16);
    if core.mmu.mode().protected() {
        return core.return_to::<W>(selector, eip, 2 * size, op.imm);
    }
    let cs = core.real_mode_cs(selector, eip)?;
    let pointer = core.above_top(2 * size + op.imm);
    core.mmu.set_segment(SegmentRegister::Cs, cs);
    core.set_stack_pointer(pointer);
    core.eip = eip;
    Ok(())
}
