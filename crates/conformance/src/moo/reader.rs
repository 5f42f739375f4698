//! Reads a file test by test.

use super::{
    cycles::Cycle,
    error::{Cause, ChunkId, Error},
    payload::Payload,
    registers::{Layout, Registers},
    test::{CpuId, EffectiveAddress, Exception, Header, Metadata, State, Test},
};
use flate2::read::MultiGzDecoder;
use std::io::{self, BufReader, Read};

/// The most bytes of a test. A repeated string instruction of 127 iterations has a tenth of it.
pub const LARGEST_TEST: u32 = 16 << 20;

/// Bytes, packed or not, with the position in what is unpacked.
enum Source<R: Read> {
    Plain(io::Chain<io::Cursor<Vec<u8>>, R>),
    Gzip(Box<BufReader<MultiGzDecoder<io::Chain<io::Cursor<Vec<u8>>, R>>>>),
}
impl<R: Read> Read for Source<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Source::Plain(source) => source.read(into),
            Source::Gzip(source) => source.read(into),
        }
    }
}

/// Reads a file's header at once and its tests one by one: an iterator over them that holds one in memory.
///
/// Files packed by gzip are recognised by their first bytes. After an error the iterator ends.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use turtle86_conformance::moo::Reader;
///
/// let reader = Reader::new(std::io::BufReader::new(std::fs::File::open("01.MOO.gz")?))?;
/// println!("{} tests of a {}", reader.header().tests, reader.header().cpu);
/// for test in reader {
///     println!("{}", test?.name);
/// }
/// # Ok(())
/// # }
/// ```
pub struct Reader<R: Read> {
    source: Source<R>,
    at: u64,
    header: Header,
    metadata: Option<Metadata>,
    masks: Option<Registers>,
    /// The chunk that was met and not read yet: where it begins, its name and length.
    ahead: Option<(u64, ChunkId, u32)>,
    found: u32,
    done: bool,
}

impl<R: Read> Reader<R> {
    /// Reads up to the first test. `source` should be buffered.
    ///
    /// # Errors
    /// It cannot be read, is no MOO file, or is damaged.
    pub fn new(mut source: R) -> Result<Reader<R>, Error> {
        let at_start = |cause: io::Error| Error { offset: 0, cause: cause.into() };
        let mut magic = Vec::new();
        source.by_ref().take(2).read_to_end(&mut magic).map_err(at_start)?;
        let packed = magic == [0x1f, 0x8b];
        let whole = io::Cursor::new(magic).chain(source);
        let source = if packed { Source::Gzip(Box::new(BufReader::new(MultiGzDecoder::new(whole)))) } else { Source::Plain(whole) };
        let header = Header { version: (0, 0), tests: 0, cpu: CpuId(*b"    ") };
        let mut reader = Reader { source, at: 0, header, metadata: None, masks: None, ahead: None, found: 0, done: false };
        reader.read_header()?;
        reader.read_preamble()?;
        Ok(reader)
    }
    /// `MOO `.
    pub fn header(&self) -> &Header {
        &self.header
    }
    /// `META`, if it has any.
    pub fn metadata(&self) -> Option<&Metadata> {
        self.metadata.as_ref()
    }
    /// `RMSK` or `RM32` for all tests of the file.
    pub fn masks(&self) -> Option<&Registers> {
        self.masks.as_ref()
    }

    fn read_header(&mut self) -> Result<(), Error> {
        let not_moo = |found| Error { offset: 0, cause: Cause::NotMoo { found } };
        match self.chunk_header() {
            Ok(Some((_, ChunkId(id), length))) if id == *b"MOO " => {
                let bytes = self.payload(ChunkId(id), length)?;
                let start = self.at - bytes.len() as u64;
                let mut payload = Payload::new(ChunkId(id), &bytes, start);
                let version = (payload.u8()?, payload.u8()?);
                payload.take(2)?;
                self.header = Header { version, tests: payload.u32()?, cpu: CpuId(payload.array()?) };
                if version.0 != 1 {
                    return Err(Error { offset: start, cause: Cause::Version { major: version.0, minor: version.1 } });
                }
                Ok(())
            }
            Ok(Some((_, found, _))) => Err(not_moo(found)),
            // Too short for a header: whatever it is, no MOO file.
            Err(Error { cause: Cause::Truncated { chunk }, .. }) => Err(not_moo(chunk)),
            Ok(None) => Err(not_moo(ChunkId(*b"    "))),
            Err(error) => Err(error),
        }
    }
    /// Everything before the first test.
    fn read_preamble(&mut self) -> Result<(), Error> {
        while let Some((start, id, length)) = self.chunk_header()? {
            match &id.0 {
                b"TEST" => {
                    self.ahead = Some((start, id, length));
                    return Ok(());
                }
                b"MOO " => return Err(Error { offset: start, cause: Cause::SecondHeader }),
                b"META" => {
                    let bytes = self.payload(id, length)?;
                    self.metadata = Some(metadata(Payload::new(id, &bytes, self.at - bytes.len() as u64))?);
                }
                b"RMSK" | b"RM32" => {
                    let bytes = self.payload(id, length)?;
                    self.masks = Some(registers(id, Payload::new(id, &bytes, self.at - bytes.len() as u64))?);
                }
                _ => self.skip(id, length)?,
            }
        }
        Ok(())
    }

    fn read_up_to(&mut self, n: u64) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        let result = self.source.by_ref().take(n).read_to_end(&mut bytes);
        self.at += bytes.len() as u64;
        result.map(|_| bytes).map_err(|cause| Error { offset: self.at, cause: cause.into() })
    }
    /// The name and length of the next chunk of the file, and where it begins; none at the end of the file.
    fn chunk_header(&mut self) -> Result<Option<(u64, ChunkId, u32)>, Error> {
        let start = self.at;
        let bytes = self.read_up_to(8)?;
        let part = |range| bytes.get(range).and_then(|part: &[u8]| part.try_into().ok());
        match (part(0..4), part(4..8)) {
            (Some(id), Some(length)) => Ok(Some((start, ChunkId(id), u32::from_le_bytes(length)))),
            _ if bytes.is_empty() => Ok(None),
            (id, _) => Err(Error { offset: self.at, cause: Cause::Truncated { chunk: ChunkId(id.unwrap_or(*b"    ")) } }),
        }
    }
    fn payload(&mut self, chunk: ChunkId, length: u32) -> Result<Vec<u8>, Error> {
        if length > LARGEST_TEST {
            return Err(Error { offset: self.at, cause: Cause::HugeTest { length: length.into(), most: LARGEST_TEST.into() } });
        }
        let bytes = self.read_up_to(length.into())?;
        if bytes.len() < length as usize {
            return Err(Error { offset: self.at, cause: Cause::Truncated { chunk } });
        }
        Ok(bytes)
    }
    fn skip(&mut self, chunk: ChunkId, length: u32) -> Result<(), Error> {
        let skipped = io::copy(&mut self.source.by_ref().take(length.into()), &mut io::sink());
        let skipped = skipped.map_err(|cause| Error { offset: self.at, cause: cause.into() })?;
        self.at += skipped;
        if skipped < u64::from(length) { Err(Error { offset: self.at, cause: Cause::Truncated { chunk } }) } else { Ok(()) }
    }

    fn next_test(&mut self) -> Result<Option<Test>, Error> {
        if self.ahead.is_none() {
            self.read_preamble()?;
        }
        let Some((start, id, length)) = self.ahead.take() else {
            if self.found != self.header.tests {
                return Err(Error { offset: self.at, cause: Cause::Count { counted: self.header.tests, found: self.found } });
            }
            return Ok(None);
        };
        self.found = self.found.saturating_add(1);
        if self.found > self.header.tests {
            return Err(Error { offset: start, cause: Cause::Count { counted: self.header.tests, found: self.found } });
        }
        let bytes = self.payload(id, length)?;
        test(Payload::new(id, &bytes, self.at - bytes.len() as u64)).map(Some)
    }
}
impl<R: Read> Iterator for Reader<R> {
    type Item = Result<Test, Error>;
    fn next(&mut self) -> Option<Result<Test, Error>> {
        if self.done {
            return None;
        }
        let next = self.next_test();
        self.done = !matches!(next, Ok(Some(_)));
        next.transpose()
    }
}

fn metadata(mut p: Payload<'_>) -> Result<Metadata, Error> {
    let suite = (p.u8()?, p.u8()?);
    let (cpu_type, opcode) = (p.u8()?, p.u32()?);
    let mnemonic = text(&p.array::<8>()?).trim_end().to_string();
    let (tests, seed) = (p.u32()?, p.u64()?);
    let (mode, extension) = (p.u8()?, p.u8()?);
    p.take(2)?;
    Ok(Metadata { suite, cpu_type, opcode, mnemonic, tests, seed, mode, extension })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn test(mut p: Payload<'_>) -> Result<Test, Error> {
    let missing = |p: &Payload<'_>, chunk: &[u8; 4]| p.error(Cause::Missing { chunk: ChunkId(*chunk), inside: ChunkId(*b"TEST") });
    let index = p.u32()?;
    let (mut seed, mut name, mut bytes, mut initial, mut after) = (None, String::new(), None, None, None);
    let (mut cycles, mut exception, mut hash) = (Vec::new(), None, None);
    while let Some((id, mut q)) = p.chunk()? {
        match &id.0 {
            b"GMET" => seed = Some((q.u64()?, q.u16()?)),
            b"NAME" => name = text(q.counted()?),
            b"BYTS" => bytes = Some(q.counted()?.to_vec()),
            b"INIT" => initial = Some(state(id, q)?),
            b"FINA" => after = Some(state(id, q)?),
            b"CYCL" => cycles = q.records(15)?.map(cycle).collect::<Result<_, _>>()?,
            b"EXCP" => exception = Some(Exception { vector: q.u8()?, flags_at: q.u32()? }),
            b"HASH" => hash = Some(q.array()?),
            _ => {}
        }
    }
    let bytes = bytes.ok_or_else(|| missing(&p, b"BYTS"))?;
    let initial = initial.ok_or_else(|| missing(&p, b"INIT"))?;
    let after = after.ok_or_else(|| missing(&p, b"FINA"))?;
    Ok(Test { index, seed, name, bytes, initial, after, cycles, exception, hash })
}

fn state(inside: ChunkId, mut p: Payload<'_>) -> Result<State, Error> {
    let (mut file, mut masks, mut ram, mut queue, mut address) = (None, None, Vec::new(), None, None);
    while let Some((id, mut q)) = p.chunk()? {
        match &id.0 {
            b"REGS" | b"RG32" => file = Some(registers(id, q)?),
            b"RMSK" | b"RM32" => masks = Some(registers(id, q)?),
            b"RAM " => ram = q.records(5)?.map(|mut entry| Ok((entry.u32()?, entry.u8()?))).collect::<Result<_, Error>>()?,
            b"QUEU" => queue = Some(q.counted()?.to_vec()),
            b"EA32" => {
                address = Some(EffectiveAddress {
                    segment: q.u8()?,
                    selector: q.u16()?,
                    base: q.u32()?,
                    limit: q.u32()?,
                    offset: q.u32()?,
                    linear: q.u32()?,
                    physical: q.u32()?,
                })
            }
            _ => {}
        }
    }
    let registers = file.ok_or_else(|| p.error(Cause::Missing { chunk: ChunkId(*b"REGS"), inside }))?;
    Ok(State { registers, masks, ram, queue, address })
}

fn registers(id: ChunkId, mut p: Payload<'_>) -> Result<Registers, Error> {
    let layout = if matches!(&id.0, b"RG32" | b"RM32") { Layout::Dwords } else { Layout::Words };
    let (bitmap, bits) = if layout == Layout::Dwords { (p.u32()?, 32) } else { (p.u16()?.into(), 16) };
    let mut registers = Registers::new(layout);
    for bit in (0..bits).filter(|bit| bitmap >> bit & 1 != 0) {
        let value = if layout == Layout::Dwords { p.u32()? } else { p.u16()?.into() };
        // A register that a later version adds is passed over.
        if let Some(register) = layout.order().get(bit) {
            registers.set(*register, value);
        }
    }
    Ok(registers)
}

fn cycle(mut p: Payload<'_>) -> Result<Cycle, Error> {
    Ok(Cycle {
        pins: p.u8()?,
        address: p.u32()?,
        segment: p.u8()?,
        memory: p.u8()?,
        io: p.u8()?,
        more_pins: p.u8()?,
        data: p.u16()?,
        status: p.u8()?,
        t_state: p.u8()?,
        queue: p.u8()?,
        queue_byte: p.u8()?,
    })
}
