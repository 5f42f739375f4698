//! INT n INT3 INTO ICEBP IRET (SDM Vol. 2, "INT n/INTO/INT3/INT1", "IRET/IRETD").

use super::{require, transfer_ops};
use crate::{core::Core, decode::Op, delivery::Source};
use turtle86_arch::{Eflags, Exception, Fault, Reason, SegmentRegister, SegmentSelector, Vector};
use turtle86_mmu::Width;

transfer_ops! {
    /// INT n; `imm` is the vector.
    IntN = int_n;
    /// INT3.
    Int3 = int3;
    /// INTO.
    Into = into;
    /// INT1, ICEBP: #DB without the check of the gate's privilege.
    Icebp = icebp;
    /// UD0, UD1, UD2.
    Ud = ud;
    /// IRET.
    Iret16 = iret::<u16>;
    /// IRETD.
    Iret32 = iret::<u32>;
}
fn software(core: &mut Core, op: &Op, vector: Vector, source: Source) -> Result<(), Fault> {
    let back = core.next_eip(op);
    core.deliver(vector, source, None, back, core.pushed_flags())
}
fn int_n(core: &mut Core, op: &Op) -> Result<(), Fault> {
    software(core, op, op.imm as Vector, Source::Software)
}
fn int3(core: &mut Core, op: &Op) -> Result<(), Fault> {
    software(core, op, 3, Source::Software)
}
fn into(core: &mut Core, op: &Op) -> Result<(), Fault> {
    if core.flags.of() {
        return software(core, op, 4, Source::Software);
    }
    core.eip = core.next_eip(op);
    Ok(())
}
fn icebp(core: &mut Core, op: &Op) -> Result<(), Fault> {
    software(core, op, 1, Source::Event)
}
fn ud(_: &mut Core, _: &Op) -> Result<(), Fault> {
    Err(Fault::new(Exception::InvalidOpcode, Reason::SoftwareUndefined))
}

fn iret<W: Width>(core: &mut Core, _: &Op) -> Result<(), Fault> {
    let size = W::BYTES as u32;
    if core.mmu.mode().protected() && core.system_flag(Eflags::NT) {
        return Err(Fault::unsupported("a hardware task return (IRET with NT set)"));
    }
    let eip = core.stack_at::<W>(core.above_top(0))?.zx();
    let selector = SegmentSelector(core.stack_at::<W>(core.above_top(size))?.zx() as u16);
    let image = core.stack_at::<W>(core.above_top(2 * size))?.zx();
    let width = if W::BITS == 32 { !0 } else { 0xffff };
    let defined = core.profile.eflags.0 & width;
    let virtual_flags = (Eflags::VM | Eflags::VIF | Eflags::VIP).0;
    if !core.mmu.mode().protected() {
        let cs = core.real_mode_cs(selector, eip)?;
        let pointer = core.above_top(3 * size);
        core.mmu.set_segment(SegmentRegister::Cs, cs);
        core.set_stack_pointer(pointer);
        core.eip = eip;
        core.replace_flags(image, defined & !virtual_flags);
        core.unblock_nmi();
        return Ok(());
    }
    let cpl = core.mmu.cpl();
    if W::BITS == 32 && image & Eflags::VM.0 != 0 && cpl == 0 {
        return Err(Fault::unsupported("virtual-8086 mode (IRETD with VM set)"));
    }
    let mut changeable = defined & !virtual_flags;
    if cpl == 0 {
        changeable |= defined & (Eflags::VIF | Eflags::VIP).0;
    } else {
        changeable &= !Eflags::IOPL.0;
        if cpl > core.iopl() {
            changeable &= !Eflags::IF.0;
        }
    }
    core.return_to::<W>(selector, eip, 3 * size, 0)?;
    core.replace_flags(image, changeable);
    core.unblock_nmi();
    Ok(())
}

impl Core {
    /// SDM Vol. 3, "Handling Multiple NMIs": IRET ends it, and the one that waited comes next.
    fn unblock_nmi(&mut self) {
        self.nmi_blocked = false;
        if self.mmu.bus.lines.nmi {
            self.call_attention();
        }
    }
    /// CPL 0, or real mode.
    pub(crate) fn require_cpl0(&self) -> Result<(), Fault> {
        let cpl = self.mmu.cpl();
        require(cpl == 0, Exception::GP0, Reason::NeedsCpl0 { cpl })
    }
}
