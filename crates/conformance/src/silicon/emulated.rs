//! A case on the model: user mode with paging on, as under an operating system, and an IDT like one.

use super::{
    case::{CHOSEN_FLAGS, Case, Ending, LINE, Outcome},
    generate::{LEFT_OUT, is_left_out},
    world::{ARENA, ARENA_PAGES, PAGE, RIGHTS, Rights, WRITABLE, World},
};
use iced_x86::Instruction;
use thiserror::Error;
use turtle86::{
    Error, HookPoint, Machine, RunLimit, Stop, Verdict,
    arch::{AccessRights, Cr0, DescriptorCache, Eflags, Gpr, Model, PhysicalAddress, SegmentRegister, SegmentSelector},
    devices::DebugExit,
    mmu::{ControlRegisters, TableRegister},
};

/// Why the model gives no outcome.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Error, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Skipped {
    #[error("runs more than {LONGEST} instructions")]
    Loop,
    #[error("not supported yet: {0}")]
    Unsupported(&'static str),
    #[error("{0}")]
    LeftOut(&'static str),
    #[error("the model stopped: {0}")]
    Stopped(String),
}

/// What a case may run, instructions and iterations, before it counts as endless.
pub(crate) const LONGEST: u64 = 20_000;

// Physical memory: tables, a stack for the exceptions, the arena.
const DIRECTORY: u32 = 0;
const TABLE: u32 = 0x1000;
const SYSTEM_TABLE: u32 = 0x2000;
const GDT: u32 = 0x3000;
const IDT: u32 = 0x4000;
const HANDLERS: u32 = 0x5000;
const STACK: u32 = 0x6000;
const TSS: u32 = 0x6000;
const LDT: u32 = 0x7000;
const FRAMES: u32 = 0x8000;
const RAM: u64 = 0x8000 + (ARENA_PAGES * PAGE) as u64;
/// Where the system's pages lie in linear memory. User mode cannot reach them; on the host nothing is there.
const SYSTEM: u32 = 0xdea0_0000;
const STACK_TOP: u32 = SYSTEM + STACK + 0x1000;
/// The model's tables lie there, where the host has nothing.
pub(crate) fn is_system(address: u32) -> bool {
    (SYSTEM..SYSTEM + FRAMES).contains(&address)
}
/// The GDT of 64-bit Linux, as far as user mode can tell: kernel segments, then user code, data and 64-bit code, which is marked
/// not present here, so that a case that would enter it is known.
const LINUX_GDT: [u64; 16] = [
    0,
    0x00cf_9b00_0000_ffff,
    0x00af_9b00_0000_ffff,
    0x00cf_9300_0000_ffff,
    0x00cf_fb00_0000_ffff,
    0x00cf_f300_0000_ffff,
    0x00af_7b00_0000_ffff,
    0,
    0x0000_8b00_0000_2087,
    0,
    0x0000_8200_0000_ffff,
    0,
    0,
    0,
    0,
    0x0040_f500_0000_0000,
];

/// A machine that runs cases.
pub struct Emulated {
    machine: Machine,
    world: World,
}

impl Emulated {
    /// A machine of a model in a world.
    ///
    /// # Errors
    /// The machine cannot be built.
    pub fn new(model: Model, world: &World) -> Result<Emulated, Error> {
        let mut machine = Machine::builder(model).ram(RAM).device(DebugExit).build()?;
        let put = |machine: &mut Machine, at: u32, value: u64, bytes: usize| {
            machine.cpu.bus_mut().memory.write_bytes(PhysicalAddress(at.into()), &value.to_le_bytes()[..bytes]);
        };
        const USER: u32 = 0x27;
        const SUPERVISOR: u32 = 0x63;
        put(&mut machine, DIRECTORY + (ARENA >> 22) * 4, (TABLE | USER).into(), 4);
        put(&mut machine, DIRECTORY + (SYSTEM >> 22) * 4, (SYSTEM_TABLE | SUPERVISOR).into(), 4);
        for page in 0..FRAMES >> 12 {
            put(&mut machine, SYSTEM_TABLE + (SYSTEM >> 12 & 0x3ff) * 4 + page * 4, (page << 12 | SUPERVISOR).into(), 4);
        }
        for (page, rights) in (0..).zip(RIGHTS) {
            let entry = match rights {
                Rights::Missing => continue,
                Rights::ReadOnly => 0x65,
                Rights::ReadWrite => 0x67,
            };
            put(&mut machine, TABLE + (ARENA >> 12 & 0x3ff) * 4 + page * 4, u64::from((FRAMES + (page << 12)) | entry), 4);
        }
        for (n, descriptor) in (0..).zip(LINUX_GDT) {
            put(&mut machine, GDT + n * 8, descriptor, 8);
        }
        for (n, descriptor) in (0..).zip(world.ldt()) {
            put(&mut machine, LDT + n * 8, descriptor.0, 8);
        }
        for vector in 0..256u32 {
            // Breakpoints, INTO and system calls are open to the user.
            let dpl = if matches!(vector, 3 | 4) { 3 } else { 0 };
            let (offset, rights) = (SYSTEM + HANDLERS + vector * 2, 0x8e00 | dpl << 13);
            put(&mut machine, IDT + vector * 8, u64::from(offset & 0xffff | 0x08 << 16) | u64::from(offset & !0xffff | rights) << 32, 8);
            put(&mut machine, HANDLERS + vector * 2, 0xf4e6, 2); // out 0f4h, al
        }
        put(&mut machine, TSS + 4, STACK_TOP.into(), 4);
        put(&mut machine, TSS + 8, 0x18, 2);
        // No I/O bitmap.
        put(&mut machine, TSS + 0x66, 0x2087, 2);
        machine.cpu.bus_mut().memory.write_bytes(PhysicalAddress(FRAMES.into()), world.memory());
        let cr0 = machine.cpu.cr0() | Cr0::PE | Cr0::PG | Cr0::WP | Cr0::AM;
        machine.cpu.set_control(ControlRegisters { cr0, cr3: DIRECTORY, ..ControlRegisters::default() }, 3);
        machine.cpu.set_gdtr(TableRegister { base: SYSTEM + GDT, limit: 0x7f });
        machine.cpu.set_idtr(TableRegister { base: SYSTEM + IDT, limit: 0x7ff });
        let system = |selector, offset, limit, kind| DescriptorCache {
            selector: SegmentSelector(selector),
            base: SYSTEM + offset,
            limit,
            rights: AccessRights(kind),
            usable: true,
        };
        let ldt_limit = world.ldt().len() as u32 * 8 - 1;
        let mmu = machine.cpu.mmu_mut();
        mmu.ldtr = system(0x50, LDT, ldt_limit, 0x82);
        mmu.tr = system(0x40, TSS, 0x2087, 0x8b);
        for mnemonic in LEFT_OUT {
            machine.hook(HookPoint::Mnemonic(mnemonic), |_, _| Verdict::Stop)?;
        }
        Ok(Emulated { machine, world: world.clone() })
    }
    /// The model.
    pub fn model(&self) -> Model {
        self.machine.cpu.model()
    }

    /// Runs a case to its exception.
    ///
    /// # Errors
    /// It does not come to one, or the model stopped at something that it does not do.
    pub fn run(&mut self, case: &Case) -> Result<Outcome, Skipped> {
        self.prepare(case);
        let stop = self.machine.run(RunLimit::instructions(LONGEST));
        let result = match stop {
            Stop::DebugExit(_) => Ok(self.outcome()),
            Stop::InstructionLimit => Err(Skipped::Loop),
            Stop::Unsupported { what, .. } => Err(Skipped::Unsupported(what)),
            Stop::Breakpoint(_) => {
                let mnemonic = self.machine.cpu.fetch_instruction().decoded().mnemonic();
                Err(Skipped::LeftOut(is_left_out(mnemonic).unwrap_or("left out")))
            }
            other => Err(Skipped::Stopped(other.to_string())),
        };
        let lines = self.changed_lines();
        if let Ok(outcome) = result {
            self.restore(&lines);
            return Ok(Outcome { memory: lines, ..outcome });
        }
        self.restore(&lines);
        if matches!(result, Err(Skipped::LeftOut(_) | Skipped::Stopped(_) | Skipped::Unsupported(_)))
            && let Ok(fresh) = Emulated::new(self.model(), &self.world)
        {
            // Nothing of a run that was cut off may reach the next case.
            *self = fresh;
        }
        result
    }
    /// The instructions that a case executes on the model, the one that faults included; at most 2000, each repetition once.
    pub fn trace(&mut self, case: &Case) -> Vec<Instruction> {
        self.prepare(case);
        let mut executed: Vec<Instruction> = Vec::new();
        for _ in 0..LONGEST {
            if self.machine.cpu.cpl() != 3 || executed.len() == 2000 {
                break;
            }
            let instruction = *self.machine.cpu.fetch_instruction().decoded();
            if executed.last().is_none_or(|last| last.ip() != instruction.ip()) {
                executed.push(instruction);
            }
            if self.machine.step().is_err() {
                break;
            }
        }
        let lines = self.changed_lines();
        self.restore(&lines);
        executed
    }
    fn prepare(&mut self, case: &Case) {
        let cpu = &mut self.machine.cpu;
        cpu.mmu_mut().set_cpl(3);
        for (register, selector) in SegmentRegister::ALL.into_iter().zip(case.segments) {
            let cache = match self.world.descriptor(selector) {
                Some(descriptor) => DescriptorCache::new(SegmentSelector(selector), descriptor),
                None => DescriptorCache { selector: SegmentSelector(selector), ..DescriptorCache::default() },
            };
            cpu.set_segment(register, cache);
        }
        for (register, value) in Gpr::ALL.into_iter().zip(case.registers) {
            cpu.set_gpr(register, value);
        }
        cpu.set_eip(case.eip);
        cpu.set_eflags(case.eflags & CHOSEN_FLAGS | Eflags::FIXED | Eflags::IF);
        case.place(&self.world, |offset, bytes| {
            cpu.bus_mut().memory.write_bytes(PhysicalAddress((FRAMES as usize + offset) as u64), bytes);
        });
    }
    fn ram(&self, offset: u32, bytes: usize) -> &[u8] {
        &self.machine.cpu.bus().memory.ram()[offset as usize..][..bytes]
    }
    /// The state from the frame that the exception pushed.
    fn outcome(&self) -> Outcome {
        let cpu = &self.machine.cpu;
        let vector = ((cpu.eip() - (SYSTEM + HANDLERS)) / 2 - 1) as u8;
        let mut frame = cpu.gpr(Gpr::Esp).wrapping_sub(SYSTEM);
        let mut pop = || {
            let bytes = self.ram(frame, 4);
            frame += 4;
            u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
        };
        let error = if matches!(vector, 8 | 10..=14 | 17) { pop() } else { 0 };
        let (eip, cs, eflags, esp, ss) = (pop(), pop(), pop(), pop(), pop());
        let mut registers = Gpr::ALL.map(|register| cpu.gpr(register));
        registers[Gpr::Esp as usize] = esp;
        // The host's way from its kernel into the handler clears the RPL of null selectors.
        let visible = |selector: SegmentSelector| if selector.is_null() { 0 } else { selector.0 };
        let mut segments = SegmentRegister::ALL.map(|register| visible(cpu.segment(register).selector));
        segments[SegmentRegister::Cs as usize] = cs as u16;
        segments[SegmentRegister::Ss as usize] = ss as u16;
        let address = if vector == 14 { cpu.control().cr2 } else { 0 };
        let eflags = Eflags(eflags) & !Eflags::RF;
        Outcome { ending: Ending::Exception { vector, error, address }, registers, eip, eflags, segments, memory: Vec::new() }
    }
    fn changed_lines(&self) -> Vec<(u16, [u8; LINE])> {
        let mut lines = Vec::new();
        for page in WRITABLE {
            let (now, before) = (self.ram(FRAMES + (page * PAGE) as u32, PAGE), &self.world.memory()[page * PAGE..][..PAGE]);
            if now == before {
                continue;
            }
            for (n, (now, before)) in now.chunks_exact(LINE).zip(before.chunks_exact(LINE)).enumerate() {
                if let Ok(line) = now.try_into()
                    && now != before
                {
                    lines.push(((page * PAGE / LINE + n) as u16, line));
                }
            }
        }
        lines
    }
    fn restore(&mut self, lines: &[(u16, [u8; LINE])]) {
        for (line, _) in lines {
            let offset = usize::from(*line) * LINE;
            let bytes = &self.world.memory()[offset..offset + LINE];
            self.machine.cpu.bus_mut().memory.write_bytes(PhysicalAddress((FRAMES as usize + offset) as u64), bytes);
        }
    }
}
