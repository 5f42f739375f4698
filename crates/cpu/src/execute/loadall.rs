//! LOADALL of the 80386 (0F 07, undocumented): all registers and their hidden parts from 204 bytes at ES:EDI, at CPL 0, without checks.

use super::transfer_ops;
use crate::{
    access::{Access, Slow},
    core::{Core, EAX, EBP, EBX, ECX, EDI, EDX, ESI, ESP},
    decode::Op,
};
use turtle86_arch::{AccessRights, DescriptorCache, Dr7, Eflags, Fault, SegmentRegister, SegmentSelector};
use turtle86_mmu::{ControlRegisters, TableRegister};

transfer_ops! {
    Loadall386 = loadall;
}
const BYTES: u32 = 204;

fn loadall(core: &mut Core, _: &Op) -> Result<(), Fault> {
    core.require_cpl0()?;
    let start = core.reg::<u32>(EDI);
    let mut image = [0u32; BYTES as usize / 4];
    for (i, word) in image.iter_mut().enumerate() {
        let linear = Slow::linear::<u32>(core, SegmentRegister::Es as u8, start.wrapping_add(4 * i as u32), false)?;
        *word = core.mmu.load_checked(linear)?;
    }
    let at = |offset: usize| image[offset / 4];
    if at(0x30) & (Dr7::ENABLES | Dr7::GD).0 != 0 {
        return Err(Fault::unsupported("a hardware breakpoint (DR7)"));
    }
    if at(4) & Eflags::VM.0 != 0 {
        return Err(Fault::unsupported("virtual-8086 mode (LOADALL with VM set)"));
    }
    let selector = |offset: usize| SegmentSelector(at(offset) as u16);
    // A cache is a dword with the access rights in bits 8 to 23, then base and limit.
    let cache = |selector: SegmentSelector, offset: usize| DescriptorCache {
        selector,
        base: at(offset + 4),
        limit: at(offset + 8),
        rights: AccessRights((at(offset) >> 8) as u16 & 0xf0ff),
        usable: at(offset) >> 15 & 1 != 0,
    };
    let table = |offset: usize| TableRegister { base: at(offset + 4), limit: at(offset + 8) as u16 };
    let segments = [
        (SegmentRegister::Es, 0x50, 0xc0),
        (SegmentRegister::Cs, 0x4c, 0xb4),
        (SegmentRegister::Ss, 0x48, 0xa8),
        (SegmentRegister::Ds, 0x44, 0x9c),
        (SegmentRegister::Fs, 0x40, 0x90),
        (SegmentRegister::Gs, 0x3c, 0x84),
    ];
    let ss = cache(selector(0x48), 0xa8);
    let cr0 = core.profile.cr0_written(at(0));
    let control = ControlRegisters { cr0, ..core.mmu.control };
    core.mmu.restore_control(control, ss.rights.dpl());
    for (register, name, hidden) in segments {
        core.mmu.set_segment(register, cache(selector(name), hidden));
    }
    core.mmu.tr = cache(selector(0x34), 0x54);
    core.mmu.ldtr = cache(selector(0x38), 0x78);
    core.mmu.idtr = table(0x60);
    core.mmu.gdtr = table(0x6c);
    let registers = [(EDI, 0xc), (ESI, 0x10), (EBP, 0x14), (ESP, 0x18), (EBX, 0x1c), (EDX, 0x20), (ECX, 0x24), (EAX, 0x28)];
    for (register, offset) in registers {
        core.set_reg(register, at(offset));
    }
    core.rare.dr[6] = at(0x2c);
    core.rare.dr[7] = at(0x30);
    core.set_eflags(at(4));
    core.eip = at(8);
    core.call_attention();
    Ok(())
}
