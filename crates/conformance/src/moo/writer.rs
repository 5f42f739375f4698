//! Writes files that the reader reads back as they were.

use super::{
    registers::{Layout, Registers},
    test::{Header, Metadata, State, Test},
};
use sha1::{Digest, Sha1};
use std::io::{self, Write};

/// Writes a file test by test. The header says beforehand how many there will be.
pub struct Writer<W: Write> {
    into: W,
    announced: u32,
    written: u32,
}
impl<W: Write> Writer<W> {
    /// Writes everything before the first test.
    ///
    /// # Errors
    /// `into` cannot be written.
    pub fn new(mut into: W, header: &Header, metadata: Option<&Metadata>, masks: Option<&Registers>) -> io::Result<Writer<W>> {
        let mut out = Vec::new();
        chunk(&mut out, b"MOO ", |p| {
            p.extend([header.version.0, header.version.1, 0, 0]);
            p.extend(header.tests.to_le_bytes());
            p.extend(header.cpu.0);
        });
        if let Some(metadata) = metadata {
            chunk(&mut out, b"META", |p| put_metadata(p, metadata));
        }
        if let Some(masks) = masks {
            put_masks(&mut out, masks);
        }
        into.write_all(&out)?;
        Ok(Writer { into, announced: header.tests, written: 0 })
    }
    /// Writes a test.
    ///
    /// # Errors
    /// It cannot be written, or there are more than the header says.
    pub fn write(&mut self, test: &Test) -> io::Result<()> {
        if self.written == self.announced {
            return Err(io::Error::other(format!("more tests than the {} of the header", self.announced)));
        }
        let mut out = Vec::new();
        chunk(&mut out, b"TEST", |p| {
            p.extend(test.index.to_le_bytes());
            put_test(p, test);
            if let Some(hash) = test.hash {
                chunk(p, b"HASH", |p| p.extend(hash));
            }
        });
        self.into.write_all(&out)?;
        self.written += 1;
        Ok(())
    }
    /// Ends the file and gives back what it was written to.
    ///
    /// # Errors
    /// It cannot be written, or there are fewer tests than the header says.
    pub fn finish(mut self) -> io::Result<W> {
        if self.written != self.announced {
            return Err(io::Error::other(format!("{} tests, and the header says {}", self.written, self.announced)));
        }
        self.into.flush()?;
        Ok(self.into)
    }
}

/// The hash that turtle86 gives its own tests: SHA-1 over the bytes of the `TEST` chunk behind the index, `HASH` left out.
pub fn hash(test: &Test) -> [u8; 20] {
    let mut bytes = Vec::new();
    put_test(&mut bytes, test);
    Sha1::digest(&bytes).into()
}

/// A chunk around what `fill` writes.
fn chunk(out: &mut Vec<u8>, id: &[u8; 4], fill: impl FnOnce(&mut Vec<u8>)) {
    out.extend(id);
    let length_at = out.len();
    out.extend([0; 4]);
    fill(out);
    let length = (out.len() - length_at - 4) as u32;
    out[length_at..length_at + 4].copy_from_slice(&length.to_le_bytes());
}
fn counted(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend((bytes.len() as u32).to_le_bytes());
    out.extend(bytes);
}

fn put_metadata(p: &mut Vec<u8>, metadata: &Metadata) {
    p.extend([metadata.suite.0, metadata.suite.1, metadata.cpu_type]);
    p.extend(metadata.opcode.to_le_bytes());
    let mut mnemonic = [b' '; 8];
    mnemonic.iter_mut().zip(metadata.mnemonic.bytes()).for_each(|(place, letter)| *place = letter);
    p.extend(mnemonic);
    p.extend(metadata.tests.to_le_bytes());
    p.extend(metadata.seed.to_le_bytes());
    p.extend([metadata.mode, metadata.extension, 0, 0]);
}

fn put_test(p: &mut Vec<u8>, test: &Test) {
    if let Some((seed, tries)) = test.seed {
        chunk(p, b"GMET", |p| {
            p.extend(seed.to_le_bytes());
            p.extend(tries.to_le_bytes());
        });
    }
    chunk(p, b"NAME", |p| counted(p, test.name.as_bytes()));
    chunk(p, b"BYTS", |p| counted(p, &test.bytes));
    chunk(p, b"INIT", |p| put_state(p, &test.initial));
    chunk(p, b"FINA", |p| put_state(p, &test.after));
    chunk(p, b"CYCL", |p| {
        p.extend((test.cycles.len() as u32).to_le_bytes());
        for cycle in &test.cycles {
            p.push(cycle.pins);
            p.extend(cycle.address.to_le_bytes());
            p.extend([cycle.segment, cycle.memory, cycle.io, cycle.more_pins]);
            p.extend(cycle.data.to_le_bytes());
            p.extend([cycle.status, cycle.t_state, cycle.queue, cycle.queue_byte]);
        }
    });
    if let Some(exception) = test.exception {
        chunk(p, b"EXCP", |p| {
            p.push(exception.vector);
            p.extend(exception.flags_at.to_le_bytes());
        });
    }
}

fn put_state(p: &mut Vec<u8>, state: &State) {
    let id = if state.registers.layout() == Layout::Dwords { b"RG32" } else { b"REGS" };
    chunk(p, id, |p| put_registers(p, &state.registers));
    if let Some(masks) = &state.masks {
        put_masks(p, masks);
    }
    chunk(p, b"RAM ", |p| {
        p.extend((state.ram.len() as u32).to_le_bytes());
        for (address, value) in &state.ram {
            p.extend(address.to_le_bytes());
            p.push(*value);
        }
    });
    if let Some(queue) = &state.queue {
        chunk(p, b"QUEU", |p| counted(p, queue));
    }
    if let Some(address) = &state.address {
        chunk(p, b"EA32", |p| {
            p.push(address.segment);
            p.extend(address.selector.to_le_bytes());
            for value in [address.base, address.limit, address.offset, address.linear, address.physical] {
                p.extend(value.to_le_bytes());
            }
        });
    }
}

fn put_masks(p: &mut Vec<u8>, masks: &Registers) {
    let id = if masks.layout() == Layout::Dwords { b"RM32" } else { b"RMSK" };
    chunk(p, id, |p| put_registers(p, masks));
}
fn put_registers(p: &mut Vec<u8>, registers: &Registers) {
    let order = registers.layout().order();
    let bitmap = (0..order.len()).filter(|bit| registers.get(order[*bit]).is_some()).fold(0u32, |all, bit| all | 1 << bit);
    match registers.layout() {
        Layout::Dwords => {
            p.extend(bitmap.to_le_bytes());
            registers.iter().for_each(|(_, value)| p.extend(value.to_le_bytes()));
        }
        Layout::Words => {
            p.extend((bitmap as u16).to_le_bytes());
            registers.iter().for_each(|(_, value)| p.extend((value as u16).to_le_bytes()));
        }
    }
}
