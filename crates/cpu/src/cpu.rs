//! The processor as its users see it.

use crate::{
    core::{Activity, Core, Rare, Shadow},
    decode::{BlockCache, Hooking, decoder_options},
    observer::{Instruction, ProcessorMode},
    stop::FaultRecord,
};
use iced_x86::Decoder;
use turtle86_arch::{
    AccessRights, Cr0, Cr4, DescriptorCache, Eflags, Gpr, LinearAddress, Model, Profile, SegmentDescriptor, SegmentRegister,
    SegmentSelector,
};
use turtle86_bus::{AccessSize, SystemBus};
use turtle86_mmu::{ControlRegisters, Mmu, TableRegister};

/// A processor with everything beneath it: MMU, bus, devices.
pub struct Cpu {
    pub(crate) core: Box<Core>,
    pub(crate) blocks: BlockCache,
    pub(crate) events: u64,
    pub(crate) pending_trap: bool,
    pub(crate) a20: bool,
    pub(crate) last_mode: ProcessorMode,
    /// Deadlines that passed since the processor last ran.
    pub(crate) slept: u32,
    /// Where a hook's verdict stopped the last run.
    pub(crate) stopped_at: Option<LinearAddress>,
    pub(crate) faults: Vec<FaultRecord>,
    pub(crate) last_fault: Option<FaultRecord>,
}

impl Cpu {
    /// A processor after RESET.
    pub fn new(profile: &'static Profile, bus: SystemBus) -> Cpu {
        Cpu::with_features(profile, bus, turtle86_arch::Features::empty())
    }
    /// The same with features that the model does not have, for experiments.
    pub fn with_features(profile: &'static Profile, bus: SystemBus, extra: turtle86_arch::Features) -> Cpu {
        let mmu = Mmu::new(bus, profile.features | extra, profile.physical_bits);
        let mut cpu = Cpu {
            core: Box::new(Core::new(mmu, profile)),
            blocks: BlockCache::new(profile),
            events: 0,
            pending_trap: false,
            a20: true,
            last_mode: ProcessorMode::Real,
            slept: 0,
            stopped_at: None,
            faults: Vec::new(),
            last_fault: None,
        };
        cpu.reset_registers();
        cpu
    }

    /// RESET: the devices, then the processor (SDM Vol. 3, "Processor State After Reset").
    pub fn reset(&mut self) {
        self.core.mmu.bus.reset_devices();
        self.reset_registers();
    }
    fn reset_registers(&mut self) {
        let core = &mut *self.core;
        let reset = core.profile.reset;
        for register in (0..32).step_by(4) {
            core.set_reg(register, 0u32);
        }
        core.set_reg(crate::core::EDX, reset.edx);
        core.set_eflags(Eflags::FIXED.0);
        core.mmu.gdtr = TableRegister { base: 0, limit: 0xffff };
        core.mmu.idtr = TableRegister { base: 0, limit: reset.idtr_limit };
        core.mmu.ldtr = DescriptorCache { limit: 0xffff, rights: AccessRights(0x82), usable: true, ..DescriptorCache::default() };
        core.mmu.tr = DescriptorCache { limit: 0xffff, rights: AccessRights(0x8b), usable: true, ..DescriptorCache::default() };
        for register in SegmentRegister::ALL {
            core.mmu.set_segment(register, DescriptorCache::real_mode(0));
        }
        let cs = DescriptorCache { selector: SegmentSelector(0xf000), base: 0xffff_0000, ..DescriptorCache::real_mode(0) };
        core.mmu.restore_control(ControlRegisters { cr0: reset.cr0, ..ControlRegisters::default() }, 0);
        core.mmu.set_segment(SegmentRegister::Cs, cs);
        core.eip = 0xfff0;
        core.activity = Activity::Running;
        core.shadow = Shadow::None;
        core.nmi_blocked = false;
        core.repeating = false;
        let mut dr = [0; 8];
        (dr[6], dr[7]) = (reset.dr6, reset.dr7);
        let msr = core.profile.msrs.iter().map(|msr| msr.reset).collect();
        // The time-stamp counter starts at zero.
        let tsc_offset = 0u64.wrapping_sub(core.mmu.bus.timeline.now().0);
        core.rare = Rare { dr, tr: [0; 8], msr, tsc_offset };
        core.call_attention();
        self.pending_trap = false;
        self.faults.clear();
    }

    /// The model.
    pub fn model(&self) -> Model {
        self.core.profile.model
    }
    /// A general-purpose register.
    pub fn gpr(&self, register: Gpr) -> u32 {
        self.core.reg(register as u8 * 4)
    }
    /// Changes a general-purpose register.
    pub fn set_gpr(&mut self, register: Gpr, value: u32) {
        self.core.set_reg(register as u8 * 4, value);
    }
    /// The instruction pointer: an offset into CS.
    pub fn eip(&self) -> u32 {
        self.core.eip
    }
    /// Changes the instruction pointer.
    pub fn set_eip(&mut self, eip: u32) {
        self.core.eip = eip;
        self.core.repeating = false;
    }
    /// The flags.
    pub fn eflags(&self) -> Eflags {
        Eflags(self.core.eflags())
    }
    /// Changes the flags; bits that the model does not have stay clear.
    pub fn set_eflags(&mut self, eflags: Eflags) {
        self.core.set_eflags(eflags.0);
        self.core.call_attention();
    }
    /// A segment register with its hidden part.
    pub fn segment(&self, register: SegmentRegister) -> DescriptorCache {
        *self.core.mmu.segment(register)
    }
    /// Changes a segment register with its hidden part, without a check.
    pub fn set_segment(&mut self, register: SegmentRegister, cache: DescriptorCache) {
        self.core.mmu.set_segment(register, cache);
    }
    pub(crate) fn cs_selector(&self) -> SegmentSelector {
        self.segment(SegmentRegister::Cs).selector
    }
    /// The current privilege level.
    pub fn cpl(&self) -> u8 {
        self.core.mmu.cpl()
    }
    /// CR0.
    pub fn cr0(&self) -> Cr0 {
        self.core.mmu.control.cr0
    }
    /// CR2, CR3 and CR4.
    pub fn control(&self) -> ControlRegisters {
        self.core.mmu.control
    }
    /// CR4.
    pub fn cr4(&self) -> Cr4 {
        self.core.mmu.control.cr4
    }
    /// Puts control registers and CPL in place, without a check: to start a guest in a state of the host's choosing.
    pub fn set_control(&mut self, control: ControlRegisters, cpl: u8) {
        self.core.mmu.restore_control(control, cpl & 3);
    }
    /// GDTR.
    pub fn gdtr(&self) -> TableRegister {
        self.core.mmu.gdtr
    }
    /// Changes GDTR.
    pub fn set_gdtr(&mut self, register: TableRegister) {
        self.core.mmu.gdtr = register;
    }
    /// IDTR.
    pub fn idtr(&self) -> TableRegister {
        self.core.mmu.idtr
    }
    /// Changes IDTR.
    pub fn set_idtr(&mut self, register: TableRegister) {
        self.core.mmu.idtr = register;
    }
    /// LDTR and TR.
    pub fn system_segments(&self) -> (DescriptorCache, DescriptorCache) {
        (self.core.mmu.ldtr, self.core.mmu.tr)
    }
    /// A debug register, 0 to 7.
    pub fn debug_register(&self, n: u8) -> u32 {
        self.core.rare.dr[usize::from(n & 7)]
    }
    /// Puts the processor into 32-bit protected mode with flat segments of DPL 0, as a boot loader leaves it.
    pub fn enter_flat_protected_mode(&mut self) {
        let control = ControlRegisters { cr0: self.core.mmu.control.cr0 | Cr0::PE, ..self.core.mmu.control };
        self.core.mmu.restore_control(control, 0);
        for register in SegmentRegister::ALL {
            let code = register == SegmentRegister::Cs;
            let descriptor = SegmentDescriptor(if code { 0x00cf_9b00_0000_ffff } else { 0x00cf_9300_0000_ffff });
            let selector = SegmentSelector(if code { 0x08 } else { 0x10 });
            self.core.mmu.set_segment(register, DescriptorCache::new(selector, descriptor));
        }
    }
    /// Instructions retired.
    pub fn instructions(&self) -> u64 {
        self.core.count
    }
    /// Exceptions and interrupts delivered, and instructions skipped by a hook.
    pub fn events(&self) -> u64 {
        self.events
    }
    /// HLT was executed and no interrupt came since.
    pub fn is_halted(&self) -> bool {
        self.core.activity == Activity::Halted
    }
    /// The processor is in shutdown.
    pub fn is_shut_down(&self) -> bool {
        self.core.activity == Activity::Shutdown
    }
    /// The operating mode.
    pub fn processor_mode(&self) -> ProcessorMode {
        let cr0 = self.cr0();
        match (cr0.contains(Cr0::PE), cr0.contains(Cr0::PG)) {
            (false, _) => ProcessorMode::Real,
            (true, false) => ProcessorMode::Protected,
            (true, true) => ProcessorMode::Paged,
        }
    }
    /// The last exception that was raised, with its reason.
    pub fn last_fault(&self) -> Option<&FaultRecord> {
        self.last_fault.as_ref()
    }
    /// The exceptions of the last delivery, first to last: after a shutdown, those that led to it.
    pub fn fault_chain(&self) -> &[FaultRecord] {
        &self.faults
    }
    /// Everything beneath the processor.
    pub fn bus(&self) -> &SystemBus {
        &self.core.mmu.bus
    }
    /// Everything beneath the processor, to change. What it changes is looked at before the next instruction.
    pub fn bus_mut(&mut self) -> &mut SystemBus {
        self.core.call_attention();
        &mut self.core.mmu.bus
    }
    /// The MMU.
    pub fn mmu(&self) -> &Mmu {
        &self.core.mmu
    }
    /// The MMU, to change.
    pub fn mmu_mut(&mut self) -> &mut Mmu {
        self.core.call_attention();
        &mut self.core.mmu
    }
    /// Shows these instructions to the observer before they execute.
    pub fn show_instructions(&mut self, hooking: Hooking) {
        self.blocks.set_hooking(&mut self.core, hooking);
    }
    /// Forgets all decoded code: after the host changed memory behind the bus.
    pub fn forget_code(&mut self) {
        self.blocks.forget(&mut self.core);
    }
    /// The bytes at a linear address as the page tables map them now; stops where nothing is mapped or a device answers.
    pub fn peek(&mut self, at: LinearAddress, into: &mut [u8]) -> usize {
        for (i, byte) in into.iter_mut().enumerate() {
            let linear = LinearAddress(at.0.wrapping_add(i as u32));
            let Some(physical) = self.core.mmu.peek_translation(linear) else { return i };
            if !self.core.mmu.bus.memory.backing(physical).readable() {
                return i;
            }
            self.core.mmu.bus.memory.read_bytes(physical, std::slice::from_mut(byte));
        }
        into.len()
    }
    /// The instruction at CS:EIP.
    pub fn fetch_instruction(&mut self) -> Instruction {
        let at = self.linear_eip();
        let mut bytes = [0; 15];
        let n = self.peek(at, &mut bytes);
        let bits = if self.segment(SegmentRegister::Cs).rights.is_32_bit() { 32 } else { 16 };
        let options = decoder_options(self.core.profile);
        let decoded = Decoder::with_ip(bits, &bytes[..n], u64::from(self.core.eip), options).decode();
        let mnemonic = if decoded.is_invalid() { String::new() } else { format!("{:?}", decoded.mnemonic()).to_uppercase() };
        Instruction { at, bytes: bytes[..decoded.len().min(n)].to_vec(), decoded, mnemonic }
    }
    /// The decoder options of the model, for whoever disassembles as it decodes.
    pub fn decoder_options(&self) -> u32 {
        decoder_options(self.core.profile)
    }
    /// A port, as an IN would read it.
    pub fn read_port(&mut self, port: u16, size: AccessSize) -> u32 {
        self.core.mmu.bus.read_port(port, size)
    }
}
