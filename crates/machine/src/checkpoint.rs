//! Checkpoints: snapshots that stay in memory and are put back in microseconds, for fuzzing.
//!
//! A checkpoint holds what a [`Snapshot`] holds. From then on the machine keeps a log: which pages of RAM were written, which entries
//! of the TLB changed, which devices somebody talked to. [`Machine::rewind`] puts back only these, and decoded code stays but for what
//! changes by it. The rewound machine has the same future as a restored one, to the bit and to the cycle.

use crate::{Error, Machine, Snapshot};
use turtle86_cpu::CpuCheckpoint;

/// The state of a machine at one point, to go back to again and again.
///
/// ```
/// use turtle86::{Machine, RunLimit, arch::{Gpr, Model, PhysicalAddress}};
///
/// let mut machine = Machine::builder(Model::I486Dx).ram(1 << 20).build()?;
/// machine.load(PhysicalAddress(0x7c00), &[0x40, 0xa3, 0x00, 0x20, 0xeb, 0xfa])?; // inc ax; mov [2000h], ax; jmp 7c00h
/// machine.start_at(0, 0x7c00);
/// let start = machine.checkpoint();
/// for n in 1..4 {
///     machine.run(RunLimit::instructions(n * 3));
///     assert_eq!(machine.cpu.gpr(Gpr::Eax), n as u32);
///     machine.rewind(&start)?;
/// }
/// assert_eq!(machine.snapshot(), start.snapshot());
/// # Ok::<(), turtle86::Error>(())
/// ```
#[derive(Debug)]
pub struct Checkpoint {
    clock_hz: u64,
    model: turtle86_arch::Model,
    cpu: CpuCheckpoint,
}

impl Machine {
    /// The state, now, to go back to with [`Machine::rewind`].
    ///
    /// It costs a copy of RAM. A machine keeps the log of one checkpoint, the last that was taken or gone back to.
    pub fn checkpoint(&mut self) -> Checkpoint {
        Checkpoint { clock_hz: self.clock_hz(), model: self.cpu.model(), cpu: self.cpu.checkpoint() }
    }
    /// Goes back. Hooks and output sinks are the host's and stay as they are.
    ///
    /// To the checkpoint that was last taken or gone back to, this costs as much as was changed since. Any other, an older one or one
    /// of a machine that is built alike, costs a comparison with all of RAM, and the next time it is the last one.
    ///
    /// # Errors
    /// The checkpoint is of another machine: model, clock, RAM or devices differ. Then nothing has changed.
    pub fn rewind(&mut self, to: &Checkpoint) -> Result<(), Error> {
        self.require_alike(to.model, to.clock_hz, to.cpu.bus().ram().size() as u64)?;
        Ok(self.cpu.rewind(&to.cpu)?)
    }
}

impl Checkpoint {
    /// The same state as a snapshot, which has a form as bytes.
    pub fn snapshot(&self) -> Snapshot {
        let (bus, devices) = self.cpu.bus().saved();
        Snapshot {
            model: self.model,
            clock_hz: self.clock_hz,
            ram_size: self.cpu.bus().ram().size() as u64,
            cpu: self.cpu.state.clone(),
            bus,
            devices,
            pages: self.cpu.bus().ram().pages().map(|(n, page)| (n, page.to_vec())).collect(),
        }
    }
}
