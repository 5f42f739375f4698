//! The machine: run, step, look, change.

use crate::{Error, MachineBuilder, Timing, hook::Hooks};
use turtle86_arch::{DescriptorCache, LinearAddress, Model, PhysicalAddress, SegmentRegister, SegmentSelector};
use turtle86_bus::{BusCycle, Cycle, Device};
use turtle86_cpu::{Cpu, Stop};

/// How far to run, from now on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunLimit {
    /// At most so many cycles.
    pub cycles: Option<u64>,
    /// At most so many instructions, delivered exceptions and interrupts counted in.
    pub instructions: Option<u64>,
}
impl RunLimit {
    /// Until something stops the machine.
    pub const fn none() -> RunLimit {
        RunLimit { cycles: None, instructions: None }
    }
    /// At most `n` cycles.
    pub const fn cycles(n: u64) -> RunLimit {
        RunLimit { cycles: Some(n), instructions: None }
    }
    /// At most `n` instructions.
    pub const fn instructions(n: u64) -> RunLimit {
        RunLimit { cycles: None, instructions: Some(n) }
    }
}

/// A whole machine. It can be sent to another thread, and a process can have any number.
///
/// ```
/// fn is_send<T: Send>() {}
/// is_send::<turtle86::Machine>();
/// ```
pub struct Machine {
    /// The processor, and through it memory and devices.
    pub cpu: Cpu,
    pub(crate) hooks: Hooks,
    timing: Timing,
}

impl Machine {
    /// Starts building a machine around a processor of `model`.
    pub fn builder(model: Model) -> MachineBuilder {
        MachineBuilder::new(model)
    }
    pub(crate) fn assemble(cpu: Cpu, timing: Timing) -> Machine {
        Machine { cpu, hooks: Hooks::default(), timing }
    }

    /// Runs until the limit or until something stops the machine. An instruction is never cut in two: limits fall on its boundary.
    pub fn run(&mut self, limit: RunLimit) -> Stop {
        let limits = turtle86_cpu::Limits {
            cycles: limit.cycles.map(|n| self.now().0.saturating_add(n)),
            instructions: limit.instructions.map(|n| (self.cpu.instructions() + self.cpu.events()).saturating_add(n)),
        };
        self.cpu.run(limits, &mut self.hooks)
    }
    /// Executes one instruction, one iteration of a repeated one, or delivers one interrupt or exception.
    ///
    /// # Errors
    /// Why the machine stopped instead.
    pub fn step(&mut self) -> Result<(), Stop> {
        self.cpu.step(&mut self.hooks)
    }
    /// The time.
    pub fn now(&self) -> Cycle {
        self.cpu.bus().timeline.now()
    }
    /// Processor cycles in a second.
    pub fn clock_hz(&self) -> u64 {
        self.cpu.bus().clock_hz
    }
    /// How instructions are priced.
    pub fn timing(&self) -> Timing {
        self.timing
    }
    /// Pulls the reset line: devices and processor start anew, memory stays.
    pub fn reset(&mut self) {
        self.cpu.reset();
    }
    /// A rising edge on NMI.
    pub fn assert_nmi(&mut self) {
        self.cpu.bus_mut().lines.nmi = true;
    }

    /// The first device of type `D`.
    pub fn device<D: Device>(&self) -> Option<&D> {
        self.cpu.bus().device()
    }
    /// The first device of type `D`, to change what does not touch its lines.
    pub fn device_mut<D: Device>(&mut self) -> Option<&mut D> {
        self.cpu.bus_mut().device_mut()
    }
    /// Talks to the first device of type `D` with the clock and its lines at hand.
    pub fn with_device<D: Device, R>(&mut self, f: impl FnOnce(&mut D, &mut BusCycle<'_>) -> R) -> Option<R> {
        self.cpu.bus_mut().with_device(f)
    }

    /// Copies bytes into RAM.
    ///
    /// # Errors
    /// They do not all fall into RAM.
    pub fn load(&mut self, at: PhysicalAddress, bytes: &[u8]) -> Result<(), Error> {
        let memory = &self.cpu.bus().memory;
        let pages = (at.0 >> 12)..=at.0.saturating_add((bytes.len() as u64).saturating_sub(1)) >> 12;
        if at.0 >= 1 << 32 || !pages.into_iter().all(|page| memory.backing(PhysicalAddress(page << 12)).writable()) {
            return Err(Error::Load { at, bytes: bytes.len(), ram: memory.ram().len() });
        }
        self.cpu.bus_mut().memory.write_bytes(at, bytes);
        Ok(())
    }
    /// Reads physical memory; what is not RAM or ROM reads as all ones.
    pub fn read_physical(&self, at: PhysicalAddress, into: &mut [u8]) {
        self.cpu.bus().memory.read_bytes(at, into);
    }
    /// Reads memory as the page tables map it now; gives the bytes up to the first that is not mapped.
    pub fn read_linear(&mut self, at: LinearAddress, bytes: usize) -> Vec<u8> {
        let mut into = vec![0; bytes];
        let n = self.cpu.peek(at, &mut into);
        into.truncate(n);
        into
    }
    /// Sets CS:IP for real mode.
    pub fn start_at(&mut self, segment: u16, offset: u16) {
        let selector = SegmentSelector(segment);
        let cs = DescriptorCache { selector, base: u32::from(segment) << 4, ..DescriptorCache::real_mode(segment) };
        self.cpu.set_segment(SegmentRegister::Cs, cs);
        self.cpu.set_eip(offset.into());
    }
}
