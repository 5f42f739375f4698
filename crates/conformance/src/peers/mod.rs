//! Other emulators as the oracle: the same image runs on QEMU, on Bochs and on our own machine, and what it says is compared.
//!
//! [`run_roms`] runs the test ROMs, which judge themselves. [`run_blocks`] runs random instructions and blocks, as
//! [`silicon`](crate::silicon) does on the host's processor: a harness in a BIOS image goes through a table of states of user mode and
//! writes what each left. Nobody is right beforehand, so a disagreement says who is with whom.
//!
//! ```no_run
//! use std::time::Duration;
//! use turtle86_conformance::peers::{BlockOptions, Laboratory, Peer, run_blocks};
//!
//! let laboratory = Laboratory::new(&[Peer::Bochs, Peer::Qemu], Duration::from_secs(20))?;
//! let report = run_blocks(&laboratory, &BlockOptions { count: 1000, ..Default::default() }, &|_| true)?;
//! for block in &report.disagreements {
//!     println!("{}: {}\n{}", block.sides, block.code, block.fields.join("\n"));
//! }
//! # Ok::<(), turtle86_conformance::peers::PeersError>(())
//! ```

mod blocks;
mod bochs;
mod image;
mod laboratory;
mod qemu;
mod roms;
mod sides;

pub use blocks::{BlockOptions, BlockReport, Disagreement, run_blocks};
pub use image::{Answers, image, read_answers};
pub use laboratory::{Laboratory, Run};
pub use roms::{RomOutcome, RomReport, run_roms};
pub use sides::Sides;

use std::{fmt, io, path::PathBuf};
use thiserror::Error;

/// Who runs an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Peer {
    Turtle86,
    Bochs,
    Qemu,
}
impl Peer {
    /// The others.
    pub const OTHERS: [Peer; 2] = [Peer::Bochs, Peer::Qemu];
    /// The program to start.
    pub(crate) fn program(self) -> Option<&'static str> {
        match self {
            Peer::Turtle86 => None,
            Peer::Bochs => Some("bochs"),
            Peer::Qemu => Some("qemu-system-i386"),
        }
    }
    /// What to install on Debian and Ubuntu.
    pub fn packages(self) -> &'static str {
        match self {
            Peer::Turtle86 => "",
            Peer::Bochs => "bochs bochs-term",
            Peer::Qemu => "qemu-system-x86",
        }
    }
}
impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Peer::Turtle86 => "turtle86",
            Peer::Bochs => "Bochs",
            Peer::Qemu => "QEMU",
        })
    }
}

/// Why nothing was run.
#[derive(Debug, Error)]
#[allow(missing_docs)]
pub enum PeersError {
    #[error("no other emulator is installed; on Debian and Ubuntu: apt-get install bochs bochs-term qemu-system-x86")]
    Nobody,
    #[error("no ROM has \"{0}\" in its name")]
    NoRom(String),
    #[error("no instruction form matches \"{0}\"")]
    NoForm(String),
    #[error("{peer} does not run the harness ({how}): {said}")]
    Mute { peer: Peer, how: String, said: String },
    #[error("{path}: {source}")]
    File { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Model(#[from] turtle86::Error),
}
