//! What can go wrong on the host's side. The guest's errors are exceptions, not these.

use std::path::PathBuf;
use thiserror::Error;
use turtle86_arch::{PhysicalAddress, UnknownModel};
use turtle86_bus::{BuildError, StateError};

/// A host-side error; its text names the cause and what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum Error {
    #[error("cannot read {path}: {cause}", path = path.display())]
    Read { path: PathBuf, cause: std::io::Error },
    #[error("{name}: a BIOS image of {bytes} bytes; it must have 4 KiB to 16 MiB, a multiple of 4 KiB")]
    BiosSize { name: String, bytes: usize },
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error(transparent)]
    Model(#[from] UnknownModel),
    #[error("{bytes} bytes at {at} do not fit: nothing but RAM can be loaded, and there are {ram} bytes of it")]
    Load { at: PhysicalAddress, bytes: usize, ram: usize },
    #[error("{0}: not a Multiboot 1 kernel: {1}")]
    Multiboot(String, &'static str),
    #[error("{0}: a damaged ELF file: {1}")]
    Elf(String, &'static str),
    #[error("there is no instruction \"{0}\": name one as the manual does, such as CPUID")]
    UnknownMnemonic(String),
    #[error("the clock must run: choose a frequency of at least 1 Hz")]
    Clock,
    #[error("not a snapshot: {0}")]
    SnapshotFormat(String),
    #[error("the snapshot is of another machine: {0}")]
    SnapshotMachine(String),
    #[error(transparent)]
    State(#[from] StateError),
    #[error("the instruction did not complete: {0}")]
    Instruction(String),
}
