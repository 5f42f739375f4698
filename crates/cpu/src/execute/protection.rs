//! LLDT LTR SLDT STR, LAR LSL VERR VERW ARPL (SDM Vol. 2, under their names). Outside protected mode they are #UD.

use super::{Of, complex_ops, require};
use crate::{core::Core, decode::Op, dispatch::Complex, flags::ZF};
use turtle86_arch::{DescriptorCache, Exception, Fault, GateKind, Reason, SegmentDescriptor, SegmentSelector, SystemType};
use turtle86_mmu::Width;

impl Core {
    fn require_protected(&self) -> Result<(), Fault> {
        require(self.mmu.mode().protected(), Exception::InvalidOpcode, Reason::NeedsProtectedMode)
    }
    fn set_zf(&mut self, on: bool) {
        self.flags.replace(ZF, if on { ZF } else { 0 });
    }
    /// The descriptor that a selector names, where a selector that names none is no fault.
    fn look_at_descriptor(&mut self, selector: SegmentSelector) -> Result<Option<SegmentDescriptor>, Fault> {
        if selector.is_null() || self.mmu.descriptor_address(selector, Exception::GeneralProtection).is_err() {
            return Ok(None);
        }
        self.mmu.fetch_descriptor(selector, Exception::GeneralProtection).map(Some)
    }
    /// Conforming code can be seen from everywhere, the rest from its own privilege and inner ones.
    fn can_see(&self, selector: SegmentSelector, descriptor: SegmentDescriptor) -> bool {
        let rights = descriptor.rights();
        rights.is_conforming() || selector.rpl().max(self.mmu.cpl()) <= rights.dpl()
    }
}

complex_ops! {
    Lldt = lldt;
    Ltr = ltr;
    Sldt16 = store_system_selector::<u16, false>;
    Sldt32 = store_system_selector::<u32, false>;
    Str16 = store_system_selector::<u16, true>;
    Str32 = store_system_selector::<u32, true>;
    Verr = verify::<false>;
    Verw = verify::<true>;
    Arpl = arpl;
}
fn lldt(core: &mut Core, op: &Op) -> Result<(), Fault> {
    core.require_protected()?;
    core.require_cpl0()?;
    let selector = SegmentSelector(core.read_rm::<u16>(op)?);
    if selector.is_null() {
        core.mmu.ldtr = DescriptorCache::null(selector);
        return Ok(());
    }
    let code = selector.error_code();
    require(!selector.in_ldt(), Exception::GeneralProtection(code), Reason::SelectorInLdt { selector })?;
    let descriptor = core.mmu.fetch_descriptor(selector, Exception::GeneralProtection)?;
    let kind = Reason::DescriptorType { selector, descriptor: descriptor.0, expected: "an LDT" };
    require(descriptor.system_type() == Some(SystemType::Ldt), Exception::GeneralProtection(code), kind)?;
    let absent = Reason::DescriptorNotPresent { selector, descriptor: descriptor.0 };
    require(descriptor.rights().present(), Exception::SegmentNotPresent(code), absent)?;
    core.mmu.ldtr = DescriptorCache::new(selector, descriptor);
    Ok(())
}
fn ltr(core: &mut Core, op: &Op) -> Result<(), Fault> {
    core.require_protected()?;
    core.require_cpl0()?;
    let selector = SegmentSelector(core.read_rm::<u16>(op)?);
    require(!selector.is_null(), Exception::GP0, Reason::SelectorNull { role: "TR" })?;
    let code = selector.error_code();
    require(!selector.in_ldt(), Exception::GeneralProtection(code), Reason::SelectorInLdt { selector })?;
    let descriptor = core.mmu.fetch_descriptor(selector, Exception::GeneralProtection)?;
    let available = matches!(descriptor.system_type(), Some(SystemType::Tss16 { busy: false } | SystemType::Tss32 { busy: false }));
    let kind = Reason::DescriptorType { selector, descriptor: descriptor.0, expected: "an available TSS" };
    require(available, Exception::GeneralProtection(code), kind)?;
    let absent = Reason::DescriptorNotPresent { selector, descriptor: descriptor.0 };
    require(descriptor.rights().present(), Exception::SegmentNotPresent(code), absent)?;
    let busy = SegmentDescriptor(descriptor.0 | 1 << 41);
    let at = core.mmu.descriptor_address(selector, Exception::GeneralProtection)?;
    core.mmu.store_system(at.0.wrapping_add(5), (busy.0 >> 40) as u8)?;
    core.mmu.tr = DescriptorCache::new(selector, busy);
    Ok(())
}
/// SLDT and STR. To memory always a word; a 32-bit register gets zeros above it.
fn store_system_selector<W: Width, const TASK: bool>(core: &mut Core, op: &Op) -> Result<(), Fault> {
    core.require_protected()?;
    let selector = if TASK { core.mmu.tr.selector } else { core.mmu.ldtr.selector };
    if op.is_register() { core.write_rm(op, W::of(selector.0.into())) } else { core.write_rm(op, selector.0) }
}
fn verify<const WRITE: bool>(core: &mut Core, op: &Op) -> Result<(), Fault> {
    core.require_protected()?;
    let selector = SegmentSelector(core.read_rm::<u16>(op)?);
    let allowed = core.look_at_descriptor(selector)?.is_some_and(|descriptor| {
        let rights = descriptor.rights();
        let kind = if WRITE { rights.is_writable() } else { rights.is_code_or_data() && rights.is_readable() };
        kind && core.can_see(selector, descriptor)
    });
    core.set_zf(allowed);
    Ok(())
}
/// ARPL: raises the RPL of the destination to that of the source. Writes only if it changes something.
fn arpl(core: &mut Core, op: &Op) -> Result<(), Fault> {
    core.require_protected()?;
    let selector = SegmentSelector(core.read_rm::<u16>(op)?);
    let wanted = SegmentSelector(core.reg::<u16>(op.reg)).rpl();
    let raise = selector.rpl() < wanted;
    if raise {
        core.write_rm(op, selector.with_rpl(wanted).0)?;
    }
    core.set_zf(raise);
    Ok(())
}

/// LAR and, with `LIMIT`, LSL.
pub struct LoadAccess<W, const LIMIT: bool>(Of<W>);
impl<W: Width, const LIMIT: bool> Complex for LoadAccess<W, LIMIT> {
    fn run(core: &mut Core, op: &Op) -> Result<(), Fault> {
        core.require_protected()?;
        let selector = SegmentSelector(core.read_rm::<u16>(op)?);
        let found = core.look_at_descriptor(selector)?.filter(|descriptor| {
            let kind = match descriptor.system_type() {
                None => true,
                Some(SystemType::Tss16 { .. } | SystemType::Ldt | SystemType::Tss32 { .. }) => true,
                Some(SystemType::Gate(GateKind::Call16 | GateKind::Call32 | GateKind::Task)) => !LIMIT,
                _ => false,
            };
            kind && core.can_see(selector, *descriptor)
        });
        core.set_zf(found.is_some());
        if let Some(descriptor) = found {
            let value = if LIMIT { descriptor.limit() } else { (descriptor.0 >> 32) as u32 & 0x00f0_ff00 };
            core.set_reg(op.reg, W::of(value));
        }
        Ok(())
    }
}
