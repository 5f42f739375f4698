//! Delivery of interrupts and exceptions: through the interrupt vector table of real mode, or the gates of the IDT
//! (SDM Vol. 2, "INT n/INTO/INT3/INT1"; Vol. 3, "Interrupt and Exception Handling").

use crate::core::Core;
use turtle86_arch::{
    AccessKind, DescriptorCache, Eflags, ErrorCode, Exception, Fault, Gate, GateKind, Reason, SegmentRegister, SegmentSelector, SystemType,
    Tss16, Tss32, Vector, require,
};
use turtle86_mmu::{Place, Width};

/// Where an interrupt comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// An instruction asked for it: the gate's privilege counts.
    Software,
    /// An interrupt, an exception, ICEBP: faults on the way set EXT.
    Event,
}

impl Core {
    /// Delivers `vector`; `eflags` is the image to push. Nothing changes if it faults on the way.
    pub(crate) fn deliver(
        &mut self,
        vector: Vector,
        source: Source,
        error: Option<ErrorCode>,
        back: u32,
        eflags: u32,
    ) -> Result<(), Fault> {
        self.delivered = true;
        if !self.mmu.mode().protected() {
            return self.deliver_in_real_mode(vector, back, eflags);
        }
        let external = source == Source::Event;
        self.deliver_through_gate(vector, source, error, back, eflags).map_err(|fault| match fault.exception() {
            // Selector error codes say whether the event came from outside; page faults have no such bit.
            Exception::PageFault(..) => fault,
            _ => fault.external(external),
        })
    }

    /// SDM Vol. 3, "Interrupt and Exception Handling" of real-address mode. The vector is read before the frame is pushed: they may overlap.
    fn deliver_in_real_mode(&mut self, vector: Vector, back: u32, eflags: u32) -> Result<(), Fault> {
        let idtr = self.mmu.idtr;
        let offset = u32::from(vector) * 4;
        // The 386 manual has exception 8 here; the later ones, and this project, #GP.
        let reason = Reason::VectorBeyondIdt { vector, limit: idtr.limit.into() };
        require(offset + 3 <= u32::from(idtr.limit), Exception::GP0, reason)?;
        let pointer = self.mmu.load_system::<u32>(idtr.base.wrapping_add(offset))?;
        let (selector, ip) = (SegmentSelector((pointer >> 16) as u16), pointer & 0xffff);
        let cs = self.real_mode_cs(selector, ip)?;
        let old = self.mmu.segment(SegmentRegister::Cs).selector.0;
        self.push_all::<u16>(&[eflags, old.into(), back])?;
        self.mmu.set_segment(SegmentRegister::Cs, cs);
        self.eip = ip;
        self.system_flags &= !(Eflags::IF | Eflags::TF | Eflags::RF | Eflags::AC).0;
        Ok(())
    }

    fn deliver_through_gate(
        &mut self,
        vector: Vector,
        source: Source,
        error: Option<ErrorCode>,
        back: u32,
        eflags: u32,
    ) -> Result<(), Fault> {
        let (gate, kind) = self.fetch_gate(vector, source)?;
        if kind == GateKind::Task {
            return Err(Fault::unsupported("a task gate in the IDT"));
        }
        let (cs, inner) = self.check_handler(gate)?;
        let mut frame = Frame::default();
        let new_stack = if inner { Some(self.inner_stack(cs.rights.dpl())?) } else { None };
        require(gate.offset() <= cs.limit, Exception::GP0, Reason::BranchBeyondLimit { target: gate.offset(), limit: cs.limit })?;
        if inner {
            frame.push(self.mmu.segment(SegmentRegister::Ss).selector.0.into());
            frame.push(self.reg::<u32>(crate::core::ESP));
        }
        frame.push(eflags);
        frame.push(self.mmu.segment(SegmentRegister::Cs).selector.0.into());
        frame.push(back);
        if let Some(code) = error {
            frame.push(code.0.into());
        }
        let wide = kind.is_32_bit();
        match new_stack {
            None if wide => self.push_all::<u32>(frame.values())?,
            None => self.push_all::<u16>(frame.values())?,
            Some((ss, esp)) => {
                let esp = if wide {
                    self.push_inner::<u32>(&ss, esp, frame.values())?
                } else {
                    self.push_inner::<u16>(&ss, esp, frame.values())?
                };
                let cpl = cs.rights.dpl();
                self.mmu.set_cpl(cpl);
                self.mmu.set_segment(SegmentRegister::Ss, ss);
                self.set_stack_pointer(esp);
            }
        }
        let cpl = self.mmu.cpl();
        self.mmu.set_segment(SegmentRegister::Cs, DescriptorCache { selector: cs.selector.with_rpl(cpl), ..cs });
        self.eip = gate.offset();
        let mut cleared = Eflags::TF | Eflags::NT | Eflags::RF | Eflags::VM;
        if kind.is_interrupt() {
            cleared |= Eflags::IF;
        }
        self.system_flags &= !cleared.0;
        Ok(())
    }

    fn fetch_gate(&mut self, vector: Vector, source: Source) -> Result<(Gate, GateKind), Fault> {
        let idtr = self.mmu.idtr;
        let offset = u32::from(vector) * 8;
        let code = ErrorCode::idt(vector);
        let reason = Reason::VectorBeyondIdt { vector, limit: idtr.limit.into() };
        require(offset + 7 <= u32::from(idtr.limit), Exception::GeneralProtection(code), reason)?;
        let at = idtr.base.wrapping_add(offset);
        let low = u64::from(self.mmu.load_system::<u32>(at)?);
        let gate = Gate(low | u64::from(self.mmu.load_system::<u32>(at.wrapping_add(4))?) << 32);
        let reason = Reason::NotAGate { vector, descriptor: gate.0 };
        let kind = match gate.kind() {
            Some(kind) if !matches!(kind, GateKind::Call16 | GateKind::Call32) => kind,
            _ => return Err(Fault::new(Exception::GeneralProtection(code), reason)),
        };
        let (dpl, cpl) = (gate.rights().dpl(), self.mmu.cpl());
        let allowed = source == Source::Event || dpl >= cpl;
        require(allowed, Exception::GeneralProtection(code), Reason::GatePrivilege { vector, dpl, cpl })?;
        let absent = Reason::GateNotPresent { vector, descriptor: gate.0 };
        require(gate.rights().present(), Exception::SegmentNotPresent(code), absent)?;
        Ok((gate, kind))
    }

    /// The handler's code segment, and whether it is more privileged.
    fn check_handler(&mut self, gate: Gate) -> Result<(DescriptorCache, bool), Fault> {
        let selector = gate.selector();
        require(!selector.is_null(), Exception::GP0, Reason::SelectorNull { role: "the handler's CS" })?;
        let descriptor = self.mmu.fetch_descriptor(selector, Exception::GeneralProtection)?;
        let (code, cpl, rights) = (selector.error_code(), self.mmu.cpl(), descriptor.rights());
        let kind = Reason::DescriptorType { selector, descriptor: descriptor.0, expected: "a code segment" };
        require(rights.is_code(), Exception::GeneralProtection(code), kind)?;
        let privilege = Reason::DescriptorPrivilege { selector, descriptor: descriptor.0, cpl };
        require(rights.dpl() <= cpl, Exception::GeneralProtection(code), privilege)?;
        let absent = Reason::DescriptorNotPresent { selector, descriptor: descriptor.0 };
        require(rights.present(), Exception::SegmentNotPresent(code), absent)?;
        let descriptor = self.mmu.mark_accessed(selector, descriptor)?;
        Ok((DescriptorCache::new(selector, descriptor), !rights.is_conforming() && rights.dpl() < cpl))
    }

    /// SS:ESP of a privilege level, from the TSS.
    fn inner_stack(&mut self, level: u8) -> Result<(DescriptorCache, u32), Fault> {
        let tr = self.mmu.tr;
        let wide = matches!(system_type(&tr), Some(SystemType::Tss32 { .. }));
        let (esp_at, ss_at) = if wide { Tss32::stack(level) } else { Tss16::stack(level) };
        let needed = ss_at + 1;
        let reason = Reason::TssTooSmall { limit: tr.limit, needed };
        require(tr.usable && needed <= tr.limit, Exception::InvalidTss(tr.selector.error_code()), reason)?;
        let esp = if wide {
            self.mmu.load_system::<u32>(tr.base.wrapping_add(esp_at))?
        } else {
            self.mmu.load_system::<u16>(tr.base.wrapping_add(esp_at))?.into()
        };
        let selector = SegmentSelector(self.mmu.load_system::<u16>(tr.base.wrapping_add(ss_at))?);
        Ok((self.mmu.check_ss(selector, level, Exception::InvalidTss)?, esp))
    }

    /// Pushes a frame on a stack that is not the current one yet; every slot is checked before the first is stored. Returns ESP.
    fn push_inner<W: Width>(&mut self, ss: &DescriptorCache, esp: u32, values: &[u32]) -> Result<u32, Fault> {
        let mask = if ss.rights.is_32_bit() { !0 } else { 0xffff };
        let size = W::BYTES as u32;
        let total = size * values.len() as u32;
        let (top, bottom) = (esp & mask, (esp & mask).wrapping_sub(total));
        // A frame that lies in one page of RAM, as almost all do, is checked at once.
        if top > bottom
            && !ss.rights.is_expand_down()
            && u64::from(top) <= u64::from(ss.limit) + 1
            && let Some(offset) = self.mmu.frame_place(ss.base.wrapping_add(bottom), total, true)
        {
            self.poke_frame::<W>(offset, values);
            return Ok(esp & !mask | bottom);
        }
        let mut places: [Option<Place>; 6] = [None; 6];
        let mut pointer = esp & mask;
        for place in places.iter_mut().take(values.len()) {
            pointer = pointer.wrapping_sub(size) & mask;
            let last = u64::from(pointer) + u64::from(size) - 1;
            let inside =
                if ss.rights.is_expand_down() { pointer > ss.limit && last <= u64::from(mask) } else { last <= u64::from(ss.limit) };
            let kind = AccessKind::Write;
            let reason = Reason::SegmentLimit { segment: SegmentRegister::Ss, offset: pointer, size, limit: ss.limit, kind };
            require(inside, Exception::StackFault(ss.selector.error_code()), reason)?;
            *place = Some(self.mmu.place_system::<W>(ss.base.wrapping_add(pointer))?);
        }
        for (place, value) in places.into_iter().flatten().zip(values) {
            self.mmu.poke_checked(place, W::of(*value));
        }
        Ok(if mask == !0 { pointer } else { esp & !mask | pointer })
    }
}

/// What kind of system segment a cache holds.
pub(crate) fn system_type(cache: &DescriptorCache) -> Option<SystemType> {
    turtle86_arch::SegmentDescriptor(u64::from(cache.rights.0) << 40).system_type()
}

/// Up to six values to push.
#[derive(Default)]
struct Frame {
    values: [u32; 6],
    used: usize,
}
impl Frame {
    fn push(&mut self, value: u32) {
        if let Some(slot) = self.values.get_mut(self.used) {
            *slot = value;
            self.used += 1;
        }
    }
    fn values(&self) -> &[u32] {
        &self.values[..self.used]
    }
}
