//! The payload of a chunk, read from front to back. Nothing is taken that is not there.

use super::error::{Cause, ChunkId, Error};

/// What is left of a chunk's payload.
pub(super) struct Payload<'a> {
    chunk: ChunkId,
    bytes: &'a [u8],
    at: u64,
}
impl<'a> Payload<'a> {
    /// `at` is where `bytes` begin in the file.
    pub fn new(chunk: ChunkId, bytes: &'a [u8], at: u64) -> Payload<'a> {
        Payload { chunk, bytes, at }
    }
    pub fn error(&self, cause: Cause) -> Error {
        Error { offset: self.at, cause }
    }
    pub fn take(&mut self, n: usize) -> Result<&'a [u8], Error> {
        match self.bytes.split_at_checked(n) {
            Some((taken, rest)) => {
                self.bytes = rest;
                self.at += n as u64;
                Ok(taken)
            }
            None => Err(self.error(Cause::TooShort { chunk: self.chunk, needed: n as u64, left: self.bytes.len() as u64 })),
        }
    }
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }
    pub fn u8(&mut self) -> Result<u8, Error> {
        Ok(u8::from_le_bytes(self.array()?))
    }
    pub fn u16(&mut self) -> Result<u16, Error> {
        Ok(u16::from_le_bytes(self.array()?))
    }
    pub fn u32(&mut self) -> Result<u32, Error> {
        Ok(u32::from_le_bytes(self.array()?))
    }
    pub fn u64(&mut self) -> Result<u64, Error> {
        Ok(u64::from_le_bytes(self.array()?))
    }
    /// A count, then so many records of `size` bytes.
    pub fn records(&mut self, size: usize) -> Result<impl ExactSizeIterator<Item = Payload<'a>>, Error> {
        let count = self.u32()?;
        let needed = u64::from(count) * size as u64;
        if needed > self.bytes.len() as u64 {
            return Err(self.error(Cause::TooShort { chunk: self.chunk, needed, left: self.bytes.len() as u64 }));
        }
        let (chunk, at) = (self.chunk, self.at);
        let bytes = self.take(needed as usize)?;
        Ok(bytes.chunks_exact(size).enumerate().map(move |(n, record)| Payload::new(chunk, record, at + (n * size) as u64)))
    }
    /// A count, then so many bytes.
    pub fn counted(&mut self) -> Result<&'a [u8], Error> {
        let count = self.u32()?;
        self.take(count as usize)
    }
    /// The next chunk inside this one.
    pub fn chunk(&mut self) -> Result<Option<(ChunkId, Payload<'a>)>, Error> {
        if self.bytes.is_empty() {
            return Ok(None);
        }
        let start = self.at;
        let id = ChunkId(self.array()?);
        let length = self.u32()?;
        let left = self.bytes.len() as u64;
        if u64::from(length) > left {
            return Err(Error { offset: start, cause: Cause::TooLong { chunk: id, length: length.into(), left } });
        }
        let at = self.at;
        Ok(Some((id, Payload::new(id, self.take(length as usize)?, at))))
    }
}
