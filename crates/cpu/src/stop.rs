//! Why a run ended, and how far it may go.

use std::fmt;
use turtle86_arch::{Fault, LinearAddress, SegmentSelector};

/// Why the machine stopped. It can be run on from each of them, unless its own state forbids it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stop {
    /// HLT, and nothing that is scheduled can wake it; or, in a run without a cycle limit, nothing did for a million deadlines.
    Halted,
    /// A triple fault; [`Cpu::fault_chain`](crate::Cpu::fault_chain) has the faults that led there.
    Shutdown,
    /// The cycle limit.
    CycleLimit,
    /// The instruction limit.
    InstructionLimit,
    /// A hook's verdict, at this address.
    Breakpoint(LinearAddress),
    /// A debug-exit device, with the status for the host.
    DebugExit(u32),
    /// The power was switched off.
    PowerOff,
    /// The guest met something that this emulator does not do yet.
    Unsupported {
        /// What.
        what: &'static str,
        /// The instruction that met it.
        at: LinearAddress,
    },
}
impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stop::Halted => f.write_str("halted, and nothing can wake it"),
            Stop::Shutdown => f.write_str("shutdown after a triple fault"),
            Stop::CycleLimit => f.write_str("cycle limit"),
            Stop::InstructionLimit => f.write_str("instruction limit"),
            Stop::Breakpoint(at) => write!(f, "stopped by a hook at {at}"),
            Stop::DebugExit(status) => write!(f, "debug exit with status {status}"),
            Stop::PowerOff => f.write_str("powered off"),
            Stop::Unsupported { what, at } => write!(f, "{what} at {at} is not supported yet"),
        }
    }
}

/// How far to run: absolute counts, none for no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Stop when the clock reaches this cycle.
    pub cycles: Option<u64>,
    /// Stop when instructions retired plus events delivered reach this.
    pub instructions: Option<u64>,
}

/// A fault with where it was raised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultRecord {
    /// Linear address of the instruction.
    pub at: LinearAddress,
    /// Its CS.
    pub cs: SegmentSelector,
    /// Its EIP.
    pub eip: u32,
    /// The exception and its reason.
    pub fault: Fault,
}
impl fmt::Display for FaultRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}:{:08x}: {}", self.fault.exception(), self.cs, self.eip, self.fault.reason())
    }
}
