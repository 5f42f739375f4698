//! The processor's registers, and what its handlers share.

use crate::flags::{Flags, STATUS};
use turtle86_arch::{Eflags, Fault, Profile};
use turtle86_mmu::{Mmu, Width};

/// Entries of the table that finds blocks by EIP.
const JUMPS: usize = 1024;
/// Offsets of registers in the file, by their encoding.
pub const EAX: u8 = 0;
pub const ECX: u8 = 4;
pub const EDX: u8 = 8;
pub const EBX: u8 = 12;
pub const ESP: u8 = 16;
pub const EBP: u8 = 20;
pub const ESI: u8 = 24;
pub const EDI: u8 = 28;
/// Where the (always zero) register of an absent base or index lies.
pub const NO_REGISTER: u8 = 32;

/// Computed and cross-page targets: mode and EIP to pool index.
#[derive(Clone, Copy)]
pub struct JumpEntry {
    pub tag: u64,
    pub index: u32,
}
impl JumpEntry {
    const NONE: JumpEntry = JumpEntry { tag: !0, index: 0 };
}

/// What the processor is doing between instructions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activity {
    #[default]
    Running,
    /// After HLT, until an interrupt.
    Halted,
    /// After a triple fault, until NMI, INIT or RESET.
    Shutdown,
}

/// Debug registers, test registers and the rest that few instructions touch.
#[derive(Clone, Debug, Default)]
pub struct Rare {
    pub dr: [u32; 8],
    pub tr: [u32; 8],
    /// Values of the model's MSRs, in the order of its list.
    pub msr: Vec<u64>,
    /// What WRMSR added to the time-stamp counter.
    pub tsc_offset: u64,
}

/// Registers, MMU and dispatch state. Handlers read ops and write this; the ops lie beside it.
#[repr(C)]
pub struct Core {
    pub flags: Flags,
    /// Instructions retired; an iteration of a repeated string instruction counts as one.
    pub count: u64,
    /// EIP of the running block's start; exact only between blocks.
    pub eip: u32,
    /// The general registers as bytes, so that AH is offset 1, and zeros behind them.
    file: [u8; 260],
    /// EFLAGS without the status flags.
    pub system_flags: u32,
    jumps: [JumpEntry; JUMPS],
    pub mmu: Mmu,
    /// Why the last block ended early.
    pub fault: Option<Fault>,
    pub activity: Activity,
    /// STI, MOV SS or POP SS just completed: the next instruction comes before any interrupt.
    pub shadow: Shadow,
    /// NMI waits for an IRET.
    pub nmi_blocked: bool,
    /// The instruction at EIP is a repeated one with iterations done.
    pub repeating: bool,
    /// The last instruction was delivered as an interrupt.
    pub delivered: bool,
    pub rare: Rare,
    pub profile: &'static Profile,
}

/// Which events the instruction before the next one holds off (SDM Vol. 3, "Masking Exceptions and Interrupts When Switching Stacks").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shadow {
    #[default]
    None,
    /// STI: maskable interrupts.
    Sti,
    /// A load of SS: interrupts and debug traps.
    MovSs,
}

impl Core {
    pub fn new(mmu: Mmu, profile: &'static Profile) -> Core {
        Core {
            flags: Flags::default(),
            count: 0,
            eip: 0,
            file: [0; 260],
            system_flags: Eflags::FIXED.0,
            jumps: [JumpEntry::NONE; JUMPS],
            mmu,
            fault: None,
            activity: Activity::Running,
            shadow: Shadow::None,
            nmi_blocked: false,
            repeating: false,
            delivered: false,
            rare: Rare::default(),
            profile,
        }
    }

    /// A register operand is the byte offset of its first byte.
    #[inline(always)]
    pub fn reg<W: Width>(&self, at: u8) -> W {
        let at = usize::from(at);
        W::load(&self.file[at..at + W::BYTES])
    }
    #[inline(always)]
    pub fn set_reg<W: Width>(&mut self, at: u8, value: W) {
        let at = usize::from(at);
        value.store(&mut self.file[at..at + W::BYTES]);
    }

    /// EFLAGS, all of it.
    pub fn eflags(&self) -> u32 {
        self.flags.image() | self.system_flags
    }
    /// Sets EFLAGS as it is, without a rule about who may change what.
    pub fn set_eflags(&mut self, value: u32) {
        self.flags.set(value);
        let writable = self.profile.eflags.0;
        self.system_flags = value & writable & !STATUS | Eflags::FIXED.0;
    }
    #[inline]
    pub fn iopl(&self) -> u8 {
        (self.system_flags >> 12 & 3) as u8
    }
    #[inline]
    pub fn system_flag(&self, flag: Eflags) -> bool {
        self.system_flags & flag.0 != 0
    }
    pub fn set_system_flag(&mut self, flag: Eflags, on: bool) {
        if on { self.system_flags |= flag.0 } else { self.system_flags &= !flag.0 }
    }
    /// The processor must look at its lines and state before the next instruction.
    #[inline]
    pub fn call_attention(&mut self) {
        self.mmu.bus.attention = true;
    }

    #[inline(always)]
    pub fn jump_tag(&self) -> u64 {
        u64::from(self.mmu.mode().bits()) << 32 | u64::from(self.eip)
    }
    #[inline(always)]
    pub fn jump_entry(&self) -> JumpEntry {
        self.jumps[Self::jump_slot(self.eip)]
    }
    pub fn remember_jump(&mut self, index: u32) {
        self.jumps[Self::jump_slot(self.eip)] = JumpEntry { tag: self.jump_tag(), index };
    }
    pub fn forget_jumps(&mut self) {
        self.jumps.fill(JumpEntry::NONE);
    }
    #[inline(always)]
    fn jump_slot(eip: u32) -> usize {
        (eip ^ eip >> 10) as usize & (JUMPS - 1)
    }
}
