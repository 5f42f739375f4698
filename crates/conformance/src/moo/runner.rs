//! Runs tests on a machine and compares what comes out.

use super::{
    cycles::Trace,
    differences::{ADDRESS, Case, INCOMPLETE, NOT_REAL_MODE, Skip, decode, reason},
    image::{Byte, Image},
    registers::{Layout, Register, Registers},
    test::{CpuId, Family, Test},
};
use crate::undefined::{Reference, unknown_flags};
use iced_x86::{Instruction, Mnemonic, OpKind};
use std::fmt;
use turtle86::{
    Machine, RunLimit, Stop,
    arch::{Cr0, DescriptorCache, Eflags, Gpr, Model, PhysicalAddress, SegmentRegister, UndefinedFlags},
    bus::{AccessSize, BusCycle, Device, PortIo, Wiring},
    mmu::{ControlRegisters, TableRegister},
};

/// What memory holds where a test says nothing: HLT, so that a jump ends at its target.
const FILLER: u8 = 0xf4;
/// More than the longest repeated instruction takes.
const MOST_STEPS: u32 = 70_000;

/// What became of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All that the capture defines is the same.
    Passed,
    /// It was not run.
    Skipped(Skip),
    /// What differs.
    Failed(Vec<Mismatch>),
}

/// A place where machine and capture differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// A register.
    Register {
        /// Which.
        register: Register,
        /// Ours.
        ours: u32,
        /// The captured one.
        theirs: u32,
        /// The bits that were compared.
        mask: u32,
    },
    /// A byte in memory.
    Memory {
        /// Where.
        address: u32,
        /// Ours.
        ours: u8,
        /// The captured one; none where the capture has no byte, and ours was written.
        theirs: Option<u8>,
        /// The bits that were compared.
        mask: u8,
    },
    /// The machine did not come to the end of the instruction.
    Stopped(String),
    /// The same test went well with an empty TLB, and differs as said before this with cached translations.
    SecondRun,
}
impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mismatch::Register { register, ours, theirs, mask } => {
                let name = register.name(Layout::Dwords);
                write!(f, "{name}: ours {ours:08x}, captured {theirs:08x}")?;
                if *register == Register::Eflags {
                    let names: Vec<&str> = Eflags((ours ^ theirs) & mask).iter_names().map(|(name, _)| name).collect();
                    write!(f, " ({})", names.join(" "))?;
                }
                Ok(())
            }
            Mismatch::Memory { address, ours, theirs: Some(theirs), .. } => {
                write!(f, "[{address:06x}]: ours {ours:02x}, captured {theirs:02x}")
            }
            Mismatch::Memory { address, ours, theirs: None, .. } => {
                write!(f, "[{address:06x}]: ours {ours:02x}, the capture writes nothing there")
            }
            Mismatch::Stopped(why) => write!(f, "it did not end: {why}"),
            Mismatch::SecondRun => f.write_str("with cached translations only"),
        }
    }
}

/// What the 386EX has at the ports where its configuration is opened: the captures read it.
struct Remapping;
impl Device for Remapping {
    fn name(&self) -> &'static str {
        "386EX address configuration"
    }
    fn connect(&mut self, wiring: &mut Wiring) {
        wiring.byte_ports(0x22..=0x23);
    }
    fn ports(&mut self) -> Option<&mut dyn PortIo> {
        Some(self)
    }
}
impl PortIo for Remapping {
    fn read(&mut self, port: u16, _: AccessSize, _: &mut BusCycle<'_>) -> u32 {
        if port == 0x22 { 0x7f } else { 0x42 }
    }
    fn write(&mut self, _: u16, _: AccessSize, _: u32, _: &mut BusCycle<'_>) {}
}

/// A machine that runs the tests of one kind of captures, one after the other.
pub struct Runner {
    pub(super) machine: Machine,
    cpu: CpuId,
    family: Family,
    options: u32,
    tables: (TableRegister, TableRegister),
    control: ControlRegisters,
    /// The last run ended before a HLT that lies in memory.
    hlt_was_there: bool,
    /// Bytes that were found changed where the next test begins, and that it would hide.
    hidden: Vec<Mismatch>,
}

impl Runner {
    /// A machine of `model` for captures of `cpu`; none if there are no rules for that processor.
    ///
    /// # Errors
    /// The machine cannot be built.
    pub fn new(cpu: CpuId, model: Model) -> Result<Option<Runner>, turtle86::Error> {
        let Some(family) = cpu.family() else { return Ok(None) };
        let ram = if family == Family::I8086 { 1 << 20 } else { 16 << 20 };
        let mut builder = Machine::builder(model).ram(ram);
        if cpu == CpuId::I386EX {
            builder = builder.device(Remapping);
        }
        let mut machine = builder.build()?;
        machine.cpu.bus_mut().memory.ram_mut().fill(FILLER);
        machine.cpu.forget_code();
        let tables = (machine.cpu.gdtr(), machine.cpu.idtr());
        let (options, control) = (machine.cpu.decoder_options(), machine.cpu.control());
        Ok(Some(Runner { machine, cpu, family, options, tables, control, hlt_was_there: false, hidden: Vec::new() }))
    }
    /// The captured processor.
    pub fn cpu(&self) -> CpuId {
        self.cpu
    }
    /// The model that runs the tests.
    pub fn model(&self) -> Model {
        self.machine.cpu.model()
    }
    /// What the last test did to the bus; none as long as the machine's timing has no clocks.
    pub fn trace(&self) -> Option<Trace> {
        match self.machine.timing() {
            // One cycle an instruction says nothing about the bus.
            turtle86::Timing::Instructions => None,
            _ => None,
        }
    }

    /// Runs a test. `masks` are those of its file. Bytes that it should not have written are [stray](Runner::stray) afterwards.
    pub fn run(&mut self, test: &Test, masks: Option<&Registers>) -> Verdict {
        if !test.initial.registers.is_complete() || test.bytes.is_empty() {
            return Verdict::Skipped(INCOMPLETE);
        }
        let initial = |register| test.initial.registers.get(register).unwrap_or(0);
        if initial(Register::Cr0) & (Cr0::PE | Cr0::PG).0 != 0 || initial(Register::Eflags) & Eflags::VM.0 != 0 {
            return Verdict::Skipped(NOT_REAL_MODE);
        }
        let instruction = decode(test, self.options);
        let case = Case::new(test, self.family, &instruction, self.model().profile());
        if let Some(skip) = reason(&case, self.family) {
            return Verdict::Skipped(skip);
        }
        let unknown = self.unknown_flags(test, &instruction);
        let image = Image::of(test, self.family, &instruction, unknown);
        let ram = self.machine.cpu.bus().memory.ram().len();
        if image.0.last().is_some_and(|byte| byte.address as usize >= ram) {
            return Verdict::Skipped(ADDRESS);
        }
        self.note_hidden(&image);
        let plan = Plan { test, instruction: &instruction, image, masks, unknown };
        let mut mismatches = self.attempt(&plan, Pass::Cold);
        if mismatches.is_empty() {
            mismatches = self.attempt(&plan, if leaves_the_system_alone(&instruction) { Pass::Warm } else { Pass::Through });
            if !mismatches.is_empty() {
                mismatches.push(Mismatch::SecondRun);
            }
        }
        self.put(plan.image.0.iter().map(|byte| (byte.address, FILLER)));
        if mismatches.is_empty() { Verdict::Passed } else { Verdict::Failed(mismatches) }
    }
    fn note_hidden(&mut self, image: &Image) {
        let ram = self.machine.cpu.bus().memory.ram();
        let changed = image.0.iter().map(|byte| (byte.address, ram[byte.address as usize])).filter(|(_, ours)| *ours != FILLER);
        self.hidden.extend(changed.map(|(address, ours)| Mismatch::Memory { address, ours, theirs: None, mask: 0xff }));
    }
    /// The flags that are not compared.
    fn unknown_flags(&self, test: &Test, instruction: &Instruction) -> Eflags {
        let is_386 = self.model().profile().undefined == UndefinedFlags::I386;
        let reference = match self.family {
            Family::Turtle86 => return Eflags::empty(),
            // Where the table says that flags are as the model sets them, it speaks of a 386.
            _ if !is_386 => Reference::Other,
            Family::I8086 => Reference::I8086,
            Family::I286 => Reference::I286,
            Family::I386 => Reference::I386,
        };
        // The first step of a division leaves its flags behind when it faults.
        let divides = matches!(instruction.mnemonic(), Mnemonic::Div | Mnemonic::Idiv | Mnemonic::Aam);
        let faulted = divides && test.exception.is_some_and(|exception| exception.vector == 0);
        let mut unknown = unknown_flags(instruction, reference);
        if faulted {
            unknown |= Eflags::STATUS;
        }
        // The 80386 has a rule of its own for the CF that is undefined here.
        if matches!(self.family, Family::I8086 | Family::I286) && shifts_everything_out(test, instruction) {
            unknown |= Eflags::CF;
        }
        unknown
    }

    /// One run: what differs after it.
    fn attempt(&mut self, plan: &Plan<'_>, pass: Pass) -> Vec<Mismatch> {
        if pass != Pass::Warm {
            self.machine.reset();
        }
        self.put(plan.image.0.iter().map(|byte| (byte.address, byte.before)));
        self.set_registers(&plan.test.initial.registers);
        match self.execute(plan.instruction, pass) {
            Ok(eip) => self.compare(plan, eip),
            Err(stop) => vec![Mismatch::Stopped(stop)],
        }
    }
    /// Puts bytes into RAM; decoded code is forgotten where a byte changes.
    fn put(&mut self, bytes: impl Iterator<Item = (u32, u8)>) {
        let memory = &mut self.machine.cpu.bus_mut().memory;
        for (address, value) in bytes {
            if memory.ram().get(address as usize).is_some_and(|byte| *byte != value) {
                memory.write_bytes(PhysicalAddress(address.into()), &[value]);
            }
        }
    }
    /// Bytes that were written and that no test has named since the last call. They are put back.
    pub fn stray(&mut self) -> Vec<Mismatch> {
        const PAGE: [u8; 4096] = [FILLER; 4096];
        let ram = self.machine.cpu.bus().memory.ram();
        let mut found = Vec::new();
        for (n, page) in ram.chunks_exact(PAGE.len()).enumerate().filter(|(_, page)| *page != PAGE) {
            found.extend((n * PAGE.len()..).zip(page).filter(|(_, byte)| **byte != FILLER).map(|(address, byte)| (address as u32, *byte)));
        }
        self.put(found.iter().map(|(address, _)| (*address, FILLER)));
        let found = found.into_iter().map(|(address, ours)| Mismatch::Memory { address, ours, theirs: None, mask: 0xff });
        self.hidden.drain(..).chain(found).collect()
    }

    fn set_registers(&mut self, registers: &Registers) {
        let get = |register| registers.get(register).unwrap_or(0);
        let cpu = &mut self.machine.cpu;
        for (gpr, register) in GENERAL {
            cpu.set_gpr(gpr, get(register));
        }
        for (segment, register) in SEGMENTS {
            cpu.set_segment(segment, DescriptorCache::real_mode(get(register) as u16));
        }
        let settable = Cr0::MP | Cr0::EM | Cr0::TS;
        let cr0 = Cr0(self.control.cr0.0 & !settable.0 | get(Register::Cr0) & settable.0);
        let control = ControlRegisters { cr0, cr3: get(Register::Cr3) & 0xffff_f000, ..self.control };
        // Putting control registers in place empties the TLB, which the second run wants as it is.
        if cpu.control() != control {
            cpu.set_control(control, 0);
        }
        cpu.set_gdtr(self.tables.0);
        cpu.set_idtr(self.tables.1);
        cpu.set_eip(get(Register::Eip));
        cpu.set_eflags(Eflags(get(Register::Eflags) & defined_flags(registers.layout())));
        if self.family == Family::I8086 {
            cpu.bus_mut().lines.a20 = false;
        }
    }

    /// Executes the instruction and, but for the 8086, the HLT behind it; gives EIP at the end.
    fn execute(&mut self, instruction: &Instruction, pass: Pass) -> Result<u32, String> {
        let hlt = self.family != Family::I8086;
        if pass != Pass::Cold && hlt && self.hlt_was_there {
            return match self.machine.run(RunLimit::instructions(MOST_STEPS.into())) {
                Stop::Halted => Ok(self.machine.cpu.eip()),
                stop => Err(stop.to_string()),
            };
        }
        self.step_over(instruction)?;
        if self.machine.cpu.is_halted() {
            self.hlt_was_there = true;
            return Ok(self.machine.cpu.eip());
        }
        if hlt && self.machine.cpu.eip() > 0xffff {
            // The HLT lies beyond the segment's limit: its fetch faults, and another one is fetched at the handler.
            self.machine.step().map_err(|stop| stop.to_string())?;
        }
        let eip = self.machine.cpu.eip();
        // Captures put a HLT on the bus wherever a jump leads, even where memory holds something else.
        let at = self.machine.cpu.segment(SegmentRegister::Cs).base.wrapping_add(eip);
        self.hlt_was_there = self.machine.cpu.bus().memory.ram().get(at as usize) == Some(&0xf4);
        Ok(if hlt { eip.wrapping_add(1) } else { eip })
    }
    /// Executes the instruction alone, all iterations of it, or delivers its exception.
    fn step_over(&mut self, instruction: &Instruction) -> Result<(), String> {
        let cpu = &self.machine.cpu;
        let (eip, events) = (cpu.eip(), cpu.events());
        let repeats = instruction.is_string_instruction() && (instruction.has_rep_prefix() || instruction.has_repne_prefix());
        for _ in 0..MOST_STEPS {
            self.machine.step().map_err(|stop| stop.to_string())?;
            let cpu = &self.machine.cpu;
            if !repeats || cpu.eip() != eip || cpu.events() != events {
                return Ok(());
            }
        }
        Err(format!("not after {MOST_STEPS} iterations"))
    }

    /// What differs from the final state.
    fn compare(&self, plan: &Plan<'_>, eip: u32) -> Vec<Mismatch> {
        let (before, after) = (&plan.test.initial.registers, &plan.test.after);
        let mut found = Vec::new();
        for register in before.layout().order() {
            let Some(theirs) = after.registers.get(*register).or(before.get(*register)) else { continue };
            let ours = self.register(*register, eip);
            let masks = [plan.masks, after.masks.as_ref()];
            let defined = masks.into_iter().flatten().filter_map(|masks| masks.get(*register)).fold(!0, |all, mask| all & mask);
            let known = if *register == Register::Eflags { !plan.unknown.0 } else { !0 };
            let mask = compared(*register, before.layout()) & defined & known;
            if (ours ^ theirs) & mask != 0 {
                found.push(Mismatch::Register { register: *register, ours, theirs, mask });
            }
        }
        let ram = self.machine.cpu.bus().memory.ram();
        for Byte { address, after, mask, .. } in &plan.image.0 {
            let ours = ram.get(*address as usize).copied().unwrap_or(0);
            if (ours ^ after) & mask != 0 {
                found.push(Mismatch::Memory { address: *address, ours, theirs: Some(*after), mask: *mask });
            }
        }
        found
    }
    /// Runs a test up to a HLT, whatever its final state is said to be. False if there is none.
    pub(super) fn try_out(&mut self, test: &Test) -> bool {
        self.machine.reset();
        self.put(test.initial.ram.iter().copied());
        self.set_registers(&test.initial.registers);
        self.machine.run(RunLimit::instructions(1000)) == Stop::Halted
    }
    /// Puts bytes back that a run of [`Runner::try_out`] had to do with.
    pub(super) fn forget(&mut self, addresses: impl Iterator<Item = u32>) {
        self.put(addresses.map(|address| (address, FILLER)));
    }
    /// A register as it is now; EIP is given, as the HLT may not have been executed.
    pub(super) fn register(&self, register: Register, eip: u32) -> u32 {
        let cpu = &self.machine.cpu;
        let general = GENERAL.iter().find(|(_, r)| *r == register).map(|(gpr, _)| cpu.gpr(*gpr));
        let segment = || SEGMENTS.iter().find(|(_, r)| *r == register).map(|(segment, _)| cpu.segment(*segment).selector.0.into());
        general.or_else(segment).unwrap_or_else(|| match register {
            Register::Eip => eip,
            Register::Eflags => cpu.eflags().0,
            Register::Cr0 => cpu.cr0().0,
            Register::Cr3 => cpu.control().cr3,
            Register::Dr6 => cpu.debug_register(6),
            _ => cpu.debug_register(7),
        })
    }
}

/// How a test is run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    /// From a reset, instruction by instruction.
    Cold,
    /// With the translations of the run before, up to the HLT.
    Warm,
    /// From a reset, up to the HLT.
    Through,
}

/// All that is worked out of a test before it runs.
struct Plan<'a> {
    test: &'a Test,
    instruction: &'a Instruction,
    image: Image,
    masks: Option<&'a Registers>,
    unknown: Eflags,
}

const GENERAL: [(Gpr, Register); 8] = [
    (Gpr::Eax, Register::Eax),
    (Gpr::Ecx, Register::Ecx),
    (Gpr::Edx, Register::Edx),
    (Gpr::Ebx, Register::Ebx),
    (Gpr::Esp, Register::Esp),
    (Gpr::Ebp, Register::Ebp),
    (Gpr::Esi, Register::Esi),
    (Gpr::Edi, Register::Edi),
];
const SEGMENTS: [(SegmentRegister, Register); 6] = [
    (SegmentRegister::Es, Register::Es),
    (SegmentRegister::Cs, Register::Cs),
    (SegmentRegister::Ss, Register::Ss),
    (SegmentRegister::Ds, Register::Ds),
    (SegmentRegister::Fs, Register::Fs),
    (SegmentRegister::Gs, Register::Gs),
];

/// Flags that a capture can set and show. The 8086 shows the upper four as ones; the 286 has zeros there in real mode, and its
/// initial states are what LOADALL was given.
fn defined_flags(layout: Layout) -> u32 {
    if layout == Layout::Words { 0x0fd7 } else { 0x3_7fd7 }
}
/// The bits of a register that are compared.
pub(super) fn compared(register: Register, layout: Layout) -> u32 {
    match register {
        Register::Eflags => defined_flags(layout),
        _ if layout == Layout::Words => 0xffff,
        Register::Cs | Register::Ds | Register::Es | Register::Fs | Register::Gs | Register::Ss => 0xffff,
        // The others read as ones, or as zeros, by the stepping.
        Register::Cr0 => (Cr0::PE | Cr0::MP | Cr0::EM | Cr0::TS | Cr0::PG).0,
        Register::Cr3 => 0xffff_f000,
        Register::Dr6 => 0xe00f,
        Register::Dr7 => 0xffff_23ff,
        _ => !0,
    }
}

/// A shift by more than the operand has bits.
fn shifts_everything_out(test: &Test, instruction: &Instruction) -> bool {
    let by_cl = instruction.op_count() == 2 && instruction.op_kind(1) == OpKind::Register;
    let count = if by_cl { test.initial.registers.get(Register::Ecx).unwrap_or(0) } else { instruction.immediate8().into() } & 31;
    let bits = match instruction.op0_kind() {
        OpKind::Register => 8 * instruction.op0_register().size(),
        _ => 8 * instruction.memory_size().size(),
    };
    matches!(instruction.mnemonic(), Mnemonic::Shl | Mnemonic::Sal | Mnemonic::Shr) && count as usize > bits
}

/// Nothing but what [`Runner::set_registers`] puts in place: no control or debug register, no table.
fn leaves_the_system_alone(instruction: &Instruction) -> bool {
    let system = (0..instruction.op_count()).any(|n| {
        let register = instruction.op_register(n);
        instruction.op_kind(n) == OpKind::Register && (register.is_cr() || register.is_dr() || register.is_tr())
    });
    !system && !matches!(instruction.mnemonic(), Mnemonic::Hlt | Mnemonic::Lmsw | Mnemonic::Clts | Mnemonic::INVALID)
}
