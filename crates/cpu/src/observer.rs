//! What can be watched while the processor runs. Watching changes nothing of the run.

use crate::{cpu::Cpu, stop::FaultRecord};
use turtle86_arch::LinearAddress;
use turtle86_bus::PortAccess;
use turtle86_mmu::MemoryAccess;

/// What an observer wants next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    /// Go on.
    #[default]
    Continue,
    /// Stop the run here.
    Stop,
    /// Do not execute this instruction: EIP moves behind it. Where there is no instruction to skip, the same as `Continue`.
    Skip,
}

/// The processor's operating mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProcessorMode {
    /// Real-address mode.
    #[default]
    Real,
    /// Protected mode without paging.
    Protected,
    /// Protected mode with paging.
    Paged,
}

/// An instruction before it executes.
#[derive(Clone, Debug)]
pub struct Instruction {
    pub(crate) at: LinearAddress,
    pub(crate) bytes: Vec<u8>,
    pub(crate) decoded: iced_x86::Instruction,
    pub(crate) mnemonic: String,
}
impl Instruction {
    /// Its mnemonic in capitals, as the manual has it; empty if it is none.
    pub fn mnemonic(&self) -> &str {
        &self.mnemonic
    }
    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
    /// Its linear address.
    pub fn address(&self) -> LinearAddress {
        self.at
    }
    /// As the decoder sees it.
    pub fn decoded(&self) -> &iced_x86::Instruction {
        &self.decoded
    }
}

/// Something that an instruction did, told when it is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A port was read or written.
    Port(PortAccess),
    /// Watched memory was.
    Memory(MemoryAccess),
    /// The operating mode changed.
    Mode {
        /// What it was.
        from: ProcessorMode,
        /// What it is.
        to: ProcessorMode,
    },
}

/// Receives what happens.
pub trait Observer {
    /// An instruction that the processor was told to show is about to execute.
    fn instruction(&mut self, _cpu: &mut Cpu, _instruction: &Instruction) -> Verdict {
        Verdict::Continue
    }
    /// A fault was raised; it is delivered next.
    fn fault(&mut self, _cpu: &mut Cpu, _record: &FaultRecord) -> Verdict {
        Verdict::Continue
    }
    /// The last instruction did this.
    fn seen(&mut self, _cpu: &mut Cpu, _seen: &Seen) -> Verdict {
        Verdict::Continue
    }
}
/// Watches nothing.
pub struct Nobody;
impl Observer for Nobody {}
