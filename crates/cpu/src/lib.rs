//! An IA-32 processor: decoder, instruction semantics, events and the run loop.
//!
//! ```text
//! bytes → decode → execute → mmu → bus → device        calls, down the ownership chain
//! device → Lines + Timeline → run → events → delivery   the only way back
//! ```

mod access;
mod core;
mod cpu;
mod decode;
mod delivery;
mod dispatch;
mod events;
mod execute;
mod flags;
mod observer;
mod operand;
mod run;
mod state;
mod stop;

pub use cpu::Cpu;
pub use decode::{Form, Hooking, instruction_table};
pub use iced_x86;
pub use observer::{Instruction, Nobody, Observer, ProcessorMode, Seen, Verdict};
pub use state::{CpuCheckpoint, CpuState};
pub use stop::{FaultRecord, Limits, Stop};
