//! Single-step suites in the MOO format ("Machine Opcode Operation"), versions 1.0 and 1.1: reader, writer and runner.
//!
//! A suite is a set of files, one for each opcode; a file holds some hundred to some thousand tests, captured from a processor:
//! registers and memory before an instruction, registers and memory after it, and the bus in between.
//!
//! # The format
//!
//! All numbers are little-endian. A file can be packed by gzip. It is a row of chunks: a name of four letters, the length of the
//! payload in 32 bits, the payload. Unknown chunks are passed over. Each chunk is a type here:
//!
//! | chunk | in | type |
//! |---|---|---|
//! | `MOO ` | first | [`Header`] |
//! | `META` | file | [`Metadata`] |
//! | `RMSK`, `RM32` | file, `FINA` | [`Registers`] as masks of the bits that are defined |
//! | `TEST` | file | [`Test`] |
//! | `GMET`, `NAME`, `BYTS`, `HASH` | `TEST` | fields of [`Test`] |
//! | `INIT`, `FINA` | `TEST` | [`State`] |
//! | `REGS`, `RG32` | `INIT`, `FINA` | [`Registers`] |
//! | `RAM `, `QUEU` | `INIT`, `FINA` | fields of [`State`] |
//! | `EA32` | `INIT` | [`EffectiveAddress`] |
//! | `CYCL` | `TEST` | [`Cycle`] |
//! | `EXCP` | `TEST` | [`Exception`] |
//!
//! # How a test is run
//!
//! [`Runner`] puts registers and memory in place, executes the instruction, and compares registers, flags and memory. Each test
//! runs twice: with an empty TLB instruction by instruction, and with the translations of the first run up to the HLT, so that both
//! forms of a handler are seen.
//!
//! Compared is what the capture defines: the bits in its masks, and of the flags that the manual calls undefined those that
//! [`unknown_flags`](crate::undefined::unknown_flags) leaves. The same goes for the FLAGS that an exception pushes. Bytes that
//! the capture does not name must not change.
//!
//! Tests for which the captured processor and the model differ by design are skipped, with the [reason](reasons).

mod cycles;
mod differences;
mod error;
mod generate;
mod image;
mod payload;
mod reader;
mod registers;
mod report;
mod revoked;
mod runner;
mod test;
mod writer;

pub use cycles::{Agreement, BusCycle, Cycle, Kind, Trace, compare};
pub use differences::{Skip, reasons};
pub use error::{Cause, ChunkId, Error};
pub use generate::{GenerateError, Opcode, generate};
pub use reader::{LARGEST_TEST, Reader};
pub use registers::{Layout, Register, Registers};
pub use report::{CycleTally, FileReport, TestFailure, run_file};
pub use revoked::Revoked;
pub use runner::{Mismatch, Runner, Verdict};
pub use test::{CpuId, EffectiveAddress, Exception, Family, Header, Metadata, State, Test};
pub use writer::{Writer, hash};
