//! Where the bytes that a guest prints go.

use std::{borrow::Cow, fmt, io::Write};

/// The host's end of a serial line or a debug port.
///
/// It is the host's, not the machine's: snapshots leave it alone.
pub enum Sink {
    /// Kept in memory.
    Memory(Vec<u8>),
    /// Passed on at once. A writer that fails is not asked again.
    Writer(Box<dyn Write + Send>),
    /// Dropped.
    Nowhere,
}
impl Sink {
    /// Passes bytes on to `writer`.
    pub fn writer(writer: impl Write + Send + 'static) -> Sink {
        Sink::Writer(Box::new(writer))
    }
    /// Takes one byte.
    pub fn put(&mut self, byte: u8) {
        match self {
            Sink::Memory(bytes) => bytes.push(byte),
            Sink::Writer(writer) => {
                // Nobody to report to: the guest's hardware cannot fail this way.
                if writer.write_all(&[byte]).and_then(|()| writer.flush()).is_err() {
                    *self = Sink::Nowhere;
                }
            }
            Sink::Nowhere => {}
        }
    }
    /// What was kept in memory.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Sink::Memory(bytes) => bytes,
            _ => &[],
        }
    }
    /// The same as text.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.bytes())
    }
    /// Takes what was kept out of memory.
    pub fn take(&mut self) -> Vec<u8> {
        match self {
            Sink::Memory(bytes) => std::mem::take(bytes),
            _ => Vec::new(),
        }
    }
}
impl Default for Sink {
    fn default() -> Sink {
        Sink::Memory(Vec::new())
    }
}
impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Sink::Memory(bytes) => write!(f, "Memory({} bytes)", bytes.len()),
            Sink::Writer(_) => f.write_str("Writer"),
            Sink::Nowhere => f.write_str("Nowhere"),
        }
    }
}
