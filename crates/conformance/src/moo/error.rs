//! What can be wrong with a file, and where.

use std::{fmt, io};
use thiserror::Error;

/// A file that is not as the format says.
#[derive(Debug, Error)]
#[error("at offset {offset:#x}: {cause}")]
pub struct Error {
    /// In the file, unpacked if it was packed.
    pub offset: u64,
    /// What is wrong there.
    #[source]
    pub cause: Cause,
}

/// What is wrong.
#[derive(Debug, Error)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum Cause {
    #[error("this is no MOO file: it begins with \"{found}\", not with \"MOO \"")]
    NotMoo { found: ChunkId },
    #[error("version {major}.{minor} of the format is not known; 1.0 and 1.1 are")]
    Version { major: u8, minor: u8 },
    #[error("a second header")]
    SecondHeader,
    #[error("the file ends inside chunk \"{chunk}\"")]
    Truncated { chunk: ChunkId },
    #[error("chunk \"{chunk}\" has {length} bytes, and {left} are left around it")]
    TooLong { chunk: ChunkId, length: u64, left: u64 },
    #[error("chunk \"{chunk}\" needs {needed} more bytes here and has {left}")]
    TooShort { chunk: ChunkId, needed: u64, left: u64 },
    #[error("chunk \"{inside}\" has no chunk \"{chunk}\"")]
    Missing { chunk: ChunkId, inside: ChunkId },
    #[error("the header counts {counted} tests, and the file has {found}")]
    Count { counted: u32, found: u32 },
    #[error("a test of more than {most} bytes: {length}")]
    HugeTest { length: u64, most: u64 },
    #[error(transparent)]
    Read(#[from] io::Error),
}

/// The four letters that name a chunk.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChunkId(pub [u8; 4]);
impl fmt::Display for ChunkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}
impl fmt::Debug for ChunkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
