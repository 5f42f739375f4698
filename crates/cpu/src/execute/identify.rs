//! CPUID (SDM Vol. 2).

use super::complex_ops;
use crate::{
    core::{Core, EAX, EBX, ECX, EDX},
    decode::Op,
};
use turtle86_arch::Fault;

complex_ops! {
    /// The leaf that EAX names, from the model's list.
    Cpuid = cpuid;
}
fn cpuid(core: &mut Core, _: &Op) -> Result<(), Fault> {
    let leaf = core.profile.cpuid_leaf(core.reg(EAX));
    core.set_reg(EAX, leaf.eax);
    core.set_reg(EBX, leaf.ebx);
    core.set_reg(ECX, leaf.ecx);
    core.set_reg(EDX, leaf.edx);
    Ok(())
}
