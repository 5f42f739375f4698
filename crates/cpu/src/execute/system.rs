//! System instructions: descriptor-table and control registers, HLT, caches and TLB, time stamp and model-specific registers
//! (SDM Vol. 2, under their names).

use super::{complex_ops, require};
use crate::{
    access::{Access, Slow},
    core::{Activity, Core, EAX, ECX, EDX},
    decode::Op,
};
use turtle86_arch::{Cr0, Cr4, Dr6, Dr7, Eflags, Exception, Fault, Features, MsrKind, Reason};
use turtle86_mmu::{TableRegister, Width};

complex_ops! {
    Lgdt16 = load_table::<0x00ff_ffff, false>;
    Lgdt32 = load_table::<0xffff_ffff, false>;
    Lidt16 = load_table::<0x00ff_ffff, true>;
    Lidt32 = load_table::<0xffff_ffff, true>;
    Sgdt = store_table::<false>;
    Sidt = store_table::<true>;
    Lmsw = lmsw;
    Smsw16 = smsw::<u16>;
    Smsw32 = smsw::<u32>;
    Clts = clts;
    MovFromCr = mov_from_cr;
    MovToCr = mov_to_cr;
    MovFromDr = mov_from_dr;
    MovToDr = mov_to_dr;
    MovFromTr = mov_from_tr;
    MovToTr = mov_to_tr;
    Hlt = hlt;
    /// INVD and WBINVD. There is no cache whose content could differ from memory.
    Invd = invd;
    Invlpg = invlpg;
    Rdtsc = rdtsc;
    Rdpmc = rdpmc;
    Rdmsr = rdmsr;
    Wrmsr = wrmsr;
    /// An x87 instruction on a processor that has no FPU.
    Escape = escape;
    /// FNINIT and FNCLEX there: nothing answers, nothing happens.
    EscapeIgnored = escape_ignored;
    /// FNSTSW AX there: nothing drives the bus, and detection code finds no zero.
    EscapeStatusAx = escape_status_ax;
    /// FNSTSW m16 and FNSTCW m16 there.
    EscapeStatus = escape_status;
    /// WAIT, FWAIT.
    Wait = wait;
}

/// LGDT and LIDT: with a 16-bit operand the base has 24 bits.
fn load_table<const BASE: u32, const IDT: bool>(core: &mut Core, op: &Op) -> Result<(), Fault> {
    core.require_cpl0()?;
    let limit = core.load_operand::<u16>(op, 0)?;
    let base = core.load_operand::<u32>(op, 2)? & BASE;
    let register = TableRegister { base, limit };
    if IDT {
        core.mmu.idtr = register
    } else {
        core.mmu.gdtr = register
    }
    Ok(())
}
/// SGDT and SIDT store all 32 bits of the base whatever the operand size, as silicon from the 386 on does.
fn store_table<const IDT: bool>(core: &mut Core, op: &Op) -> Result<(), Fault> {
    let register = if IDT { core.mmu.idtr } else { core.mmu.gdtr };
    let limit_at = Slow::linear::<u16>(core, op.segment(), core.memory_offset(op), true)?;
    let base_at = Slow::linear::<u32>(core, op.segment(), core.behind(op, 2), true)?;
    let limit_at = core.mmu.place_checked::<u16>(limit_at)?;
    let base_at = core.mmu.place_checked::<u32>(base_at)?;
    core.mmu.poke_checked(limit_at, register.limit);
    core.mmu.poke_checked(base_at, register.base);
    Ok(())
}

impl Core {
    /// Writes CR0 with its checks (SDM Vol. 2, "MOV—Move to/from Control Registers").
    fn write_cr0(&mut self, value: u32) -> Result<(), Fault> {
        let value = self.profile.cr0_written(value);
        require(!value.contains(Cr0::PG) || value.contains(Cr0::PE), Exception::GP0, Reason::PagingWithoutProtection)?;
        require(!value.contains(Cr0::NW) || value.contains(Cr0::CD), Exception::GP0, Reason::NotWriteThroughWithoutCacheDisable)?;
        let changed = self.mmu.control.cr0 ^ value;
        self.mmu.set_cr0(value)?;
        if changed.intersects(Cr0::AM | Cr0::PE | Cr0::PG) {
            self.call_attention();
        }
        Ok(())
    }
}
/// LMSW: PE MP EM TS, and PE cannot be cleared.
fn lmsw(core: &mut Core, op: &Op) -> Result<(), Fault> {
    core.require_cpl0()?;
    let value = u32::from(core.read_rm::<u16>(op)?) & 0xf;
    let old = core.mmu.control.cr0.0;
    core.write_cr0(old & !0xe | value | old & 1)
}
/// SMSW: a 32-bit register gets all of CR0, as measured on the 386 and 486; memory always a word.
fn smsw<W: Width>(core: &mut Core, op: &Op) -> Result<(), Fault> {
    let value = core.profile.cr0_read(core.mmu.control.cr0);
    if op.is_register() { core.write_rm(op, W::of(value)) } else { core.write_rm(op, value as u16) }
}
fn clts(core: &mut Core, _: &Op) -> Result<(), Fault> {
    core.require_cpl0()?;
    let cr0 = core.mmu.control.cr0 & !Cr0::TS;
    core.mmu.set_cr0(cr0)
}

fn undefined(register: &'static str) -> Fault {
    Fault::new(Exception::InvalidOpcode, Reason::NoSuchRegister { register })
}
/// `reg` is the control register's number, `rm` the general register.
fn mov_from_cr(core: &mut Core, op: &Op) -> Result<(), Fault> {
    let control = core.mmu.control;
    let value = match op.reg {
        0 => core.profile.cr0_read(control.cr0),
        2 => control.cr2,
        3 => control.cr3,
        4 if core.profile.has(Features::CR4) => control.cr4.0,
        _ => return Err(undefined("such control register")),
    };
    core.require_cpl0()?;
    core.set_reg(op.rm, value);
    Ok(())
}
fn mov_to_cr(core: &mut Core, op: &Op) -> Result<(), Fault> {
    let known = matches!(op.reg, 0 | 2 | 3) || op.reg == 4 && core.profile.has(Features::CR4);
    require(known, Exception::InvalidOpcode, Reason::NoSuchRegister { register: "such control register" })?;
    core.require_cpl0()?;
    let value = core.reg::<u32>(op.rm);
    match op.reg {
        0 => core.write_cr0(value),
        2 => {
            core.mmu.control.cr2 = value;
            Ok(())
        }
        3 => core.mmu.set_cr3(value),
        _ => {
            let reserved = !core.profile.cr4.0;
            require(value & reserved == 0, Exception::GP0, Reason::ControlBits { register: "CR4", value, reserved })?;
            core.mmu.set_cr4(Cr4(value))
        }
    }
}

/// DR4 and DR5 are other names of DR6 and DR7, unless CR4.DE forbids them.
fn debug_register(core: &Core, op: &Op) -> Result<usize, Fault> {
    let number = usize::from(op.reg & 7);
    if !matches!(number, 4 | 5) {
        return Ok(number);
    }
    require(!core.mmu.control.cr4.contains(Cr4::DE), Exception::InvalidOpcode, Reason::DebugExtensions)?;
    Ok(number + 2)
}
fn mov_from_dr(core: &mut Core, op: &Op) -> Result<(), Fault> {
    let number = debug_register(core, op)?;
    core.require_cpl0()?;
    let value = core.rare.dr[number] | if number == 7 { Dr7::FIXED.0 } else { 0 };
    core.set_reg(op.rm, value);
    Ok(())
}
fn mov_to_dr(core: &mut Core, op: &Op) -> Result<(), Fault> {
    let number = debug_register(core, op)?;
    core.require_cpl0()?;
    let value = core.reg::<u32>(op.rm);
    core.rare.dr[number] = match number {
        6 => value & (Dr6::B | Dr6::BD | Dr6::BS | Dr6::BT).0 | core.profile.reset.dr6 & !(Dr6::B | Dr6::BD | Dr6::BS | Dr6::BT).0,
        7 => {
            if value & (Dr7::ENABLES | Dr7::GD).0 != 0 {
                return Err(Fault::unsupported("a hardware breakpoint (DR7)"));
            }
            value & 0xffff_27ff
        }
        _ => value,
    };
    Ok(())
}
/// The test registers hold what is written; the commands that writing some of them gives are not built.
fn mov_from_tr(core: &mut Core, op: &Op) -> Result<(), Fault> {
    require_test_register(core, op)?;
    core.require_cpl0()?;
    let value = core.rare.tr[usize::from(op.reg & 7)];
    core.set_reg(op.rm, value);
    Ok(())
}
fn mov_to_tr(core: &mut Core, op: &Op) -> Result<(), Fault> {
    require_test_register(core, op)?;
    core.require_cpl0()?;
    let value = core.reg::<u32>(op.rm);
    match op.reg {
        6 => return Err(Fault::unsupported("the TLB test command of TR6")),
        5 if value & 3 != 0 => return Err(Fault::unsupported("the cache test command of TR5")),
        _ => core.rare.tr[usize::from(op.reg & 7)] = value,
    }
    Ok(())
}
/// TR6 and TR7 from the 386 on, TR3 to TR5 on the 486.
fn require_test_register(core: &Core, op: &Op) -> Result<(), Fault> {
    let known = op.reg >= 6 || op.reg >= 3 && core.profile.has(Features::I486);
    require(known, Exception::InvalidOpcode, Reason::NoSuchRegister { register: "such test register" })
}

fn hlt(core: &mut Core, _: &Op) -> Result<(), Fault> {
    core.require_cpl0()?;
    core.activity = Activity::Halted;
    core.call_attention();
    Ok(())
}
fn invd(core: &mut Core, _: &Op) -> Result<(), Fault> {
    core.require_cpl0()
}
/// INVLPG: the address is not checked against the segment's limit.
fn invlpg(core: &mut Core, op: &Op) -> Result<(), Fault> {
    core.require_cpl0()?;
    let linear = core.mmu.segment(op.segment_register()).base.wrapping_add(core.memory_offset(op));
    core.mmu.invalidate_page(linear);
    Ok(())
}

impl Core {
    fn set_edx_eax(&mut self, value: u64) {
        self.set_reg(EAX, value as u32);
        self.set_reg(EDX, (value >> 32) as u32);
    }
    /// The time-stamp counter.
    pub(crate) fn tsc(&self) -> u64 {
        self.mmu.bus.timeline.now().0.wrapping_add(self.rare.tsc_offset)
    }
}
fn rdtsc(core: &mut Core, _: &Op) -> Result<(), Fault> {
    let open = core.mmu.cpl() == 0 || !core.mmu.control.cr4.contains(Cr4::TSD);
    require(open, Exception::GP0, Reason::TimeStampDisabled)?;
    let value = core.tsc();
    core.set_edx_eax(value);
    Ok(())
}
/// RDPMC: the counters are the MSRs C1h and C2h, 40 bits wide.
fn rdpmc(core: &mut Core, _: &Op) -> Result<(), Fault> {
    let open = core.mmu.cpl() == 0 || core.mmu.control.cr4.contains(Cr4::PCE);
    require(open, Exception::GP0, Reason::CountersDisabled)?;
    let number = core.reg::<u32>(ECX);
    let index = core.profile.msrs.iter().position(|msr| number < 2 && msr.number == 0xc1 + number);
    let Some(index) = index else { return Err(Fault::new(Exception::GP0, Reason::NoSuchMsr { number })) };
    let value = core.rare.msr[index] & 0xff_ffff_ffff;
    core.set_edx_eax(value);
    Ok(())
}
fn msr_index(core: &Core) -> Result<usize, Fault> {
    let number = core.reg::<u32>(ECX);
    let index = core.profile.msrs.iter().position(|msr| msr.number == number);
    index.ok_or_else(|| Fault::new(Exception::GP0, Reason::NoSuchMsr { number }))
}
fn rdmsr(core: &mut Core, _: &Op) -> Result<(), Fault> {
    core.require_cpl0()?;
    let index = msr_index(core)?;
    let value = match core.profile.msrs[index].kind {
        MsrKind::TimeStampCounter => core.tsc(),
        MsrKind::Storage { .. } | MsrKind::ReadOnly => core.rare.msr[index],
    };
    core.set_edx_eax(value);
    Ok(())
}
fn wrmsr(core: &mut Core, _: &Op) -> Result<(), Fault> {
    core.require_cpl0()?;
    let index = msr_index(core)?;
    let value = u64::from(core.reg::<u32>(EDX)) << 32 | u64::from(core.reg::<u32>(EAX));
    let spec = &core.profile.msrs[index];
    let refused = Reason::MsrBits { number: spec.number, value };
    match spec.kind {
        MsrKind::TimeStampCounter => core.rare.tsc_offset = value.wrapping_sub(core.mmu.bus.timeline.now().0),
        MsrKind::Storage { writable } => {
            require(value & !writable == 0, Exception::GP0, refused)?;
            core.rare.msr[index] = value;
        }
        MsrKind::ReadOnly => return Err(Fault::new(Exception::GP0, refused)),
    }
    Ok(())
}

/// #NM where CR0 says so (SDM Vol. 3, "Device-Not-Available Exception").
fn require_device(core: &Core) -> Result<(), Fault> {
    let cr0 = core.mmu.control.cr0;
    require(!cr0.contains(Cr0::EM), Exception::DeviceNotAvailable, Reason::CoprocessorEmulated)?;
    require(!cr0.contains(Cr0::TS), Exception::DeviceNotAvailable, Reason::TaskSwitched)
}
fn escape(core: &mut Core, _: &Op) -> Result<(), Fault> {
    require_device(core)?;
    Err(Fault::new(Exception::DeviceNotAvailable, Reason::NoFpu))
}
fn escape_ignored(core: &mut Core, _: &Op) -> Result<(), Fault> {
    require_device(core)
}
fn escape_status_ax(core: &mut Core, _: &Op) -> Result<(), Fault> {
    require_device(core)?;
    core.set_reg(EAX, 0xffffu16);
    Ok(())
}
fn escape_status(core: &mut Core, op: &Op) -> Result<(), Fault> {
    require_device(core)?;
    core.write_rm(op, 0xffffu16)
}
fn wait(core: &mut Core, _: &Op) -> Result<(), Fault> {
    let both = core.mmu.control.cr0.contains(Cr0::MP | Cr0::TS);
    require(!both, Exception::DeviceNotAvailable, Reason::TaskSwitched)
}

/// Alignment checks are not built: meeting the state in which they count stops the machine.
pub(crate) fn alignment_checked(core: &Core) -> bool {
    core.mmu.cpl() == 3 && core.mmu.control.cr0.contains(Cr0::AM) && core.system_flag(Eflags::AC)
}
