//! CLI STI CLD STD (SDM Vol. 2, under their names); CLC STC CMC are in `bit`.

use super::{complex_ops, require};
use crate::{
    core::{Core, Shadow},
    decode::Op,
};
use turtle86_arch::{Eflags, Exception, Fault, Reason};

complex_ops! {
    Cli = cli;
    Sti = sti;
    Cld = cld;
    Std = std;
}
/// #GP(0) if CPL is above IOPL in protected mode.
fn require_iopl(core: &Core) -> Result<(), Fault> {
    let (cpl, iopl) = (core.mmu.cpl(), core.iopl());
    require(!core.mmu.mode().protected() || cpl <= iopl, Exception::GP0, Reason::NeedsIopl { cpl, iopl })
}
fn cli(core: &mut Core, _: &Op) -> Result<(), Fault> {
    require_iopl(core)?;
    core.set_system_flag(Eflags::IF, false);
    Ok(())
}
/// STI: interrupts are recognised after the next instruction, if IF was clear.
fn sti(core: &mut Core, _: &Op) -> Result<(), Fault> {
    require_iopl(core)?;
    if !core.system_flag(Eflags::IF) {
        core.set_system_flag(Eflags::IF, true);
        core.shadow = Shadow::Sti;
        core.call_attention();
    }
    Ok(())
}
fn cld(core: &mut Core, _: &Op) -> Result<(), Fault> {
    core.set_system_flag(Eflags::DF, false);
    Ok(())
}
fn std(core: &mut Core, _: &Op) -> Result<(), Fault> {
    core.set_system_flag(Eflags::DF, true);
    Ok(())
}
