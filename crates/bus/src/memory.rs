//! RAM and ROM, the map of physical pages, and which bytes of them hold decoded code.

mod checkpoint;

pub use checkpoint::SavedRam;

use checkpoint::WriteLog;
use thiserror::Error;
use turtle86_arch::PhysicalAddress;

/// Bytes of a page.
pub const PAGE_SIZE: usize = 4096;
const PAGES: usize = 1 << 20;

/// A read-only image and where it answers.
#[derive(Clone, Debug)]
pub struct RomImage {
    /// What it is, for error messages.
    pub name: String,
    /// Where its first byte lies; a multiple of 4096.
    pub at: PhysicalAddress,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// What a machine's memory is made of.
#[derive(Clone, Debug, Default)]
pub struct MemoryMap {
    /// Bytes of RAM, from address 0 on.
    pub ram: u64,
    /// Ranges (first, last byte) where RAM does not answer: the hole below 1 MiB of a PC.
    pub holes: Vec<(u64, u64)>,
    /// ROM images; they lie over RAM.
    pub roms: Vec<RomImage>,
    /// Images copied into RAM that answers even inside a hole, and can be written: a shadowed BIOS.
    pub shadows: Vec<RomImage>,
}

/// A memory map cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[allow(missing_docs)]
pub enum MapError {
    #[error("{bytes} bytes of RAM: choose a multiple of 4096 between 4096 and {max}", max = Memory::MAX_RAM)]
    RamSize { bytes: u64 },
    #[error("{name}: a ROM at {at} must start at a multiple of 4096 and end below 4 GiB")]
    RomPlace { name: String, at: PhysicalAddress },
    #[error("{name}: the image is empty")]
    RomEmpty { name: String },
    #[error("{first} and {second} both claim physical address {at}")]
    Overlap { first: String, second: String, at: PhysicalAddress },
    #[error("{name}: a shadowed image at {at} needs RAM up to its end, and there are {ram} bytes")]
    ShadowBeyondRam { name: String, at: PhysicalAddress, ram: u64 },
}

/// What answers at a physical page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backing(u32);
impl Backing {
    const READABLE: u32 = 1;
    const WRITABLE: u32 = 2;
    const WINDOW: u32 = 4;
    const UNLOGGED: u32 = 8;

    /// Bytes of RAM or ROM answer to reads of the whole page.
    #[inline]
    pub fn readable(self) -> bool {
        self.0 & (Self::READABLE | Self::WINDOW) == Self::READABLE
    }
    /// RAM answers to writes of the whole page.
    #[inline]
    pub fn writable(self) -> bool {
        self.0 & (Self::WRITABLE | Self::WINDOW) == Self::WRITABLE
    }
    /// Somewhere in the page a device answers.
    #[inline]
    pub fn has_window(self) -> bool {
        self.0 & Self::WINDOW != 0
    }
    /// Stores may go past the write log: the page is in it, or there is none.
    #[inline]
    pub fn logged(self) -> bool {
        self.0 & Self::UNLOGGED == 0
    }
    /// Where the page lies in the memory's bytes.
    #[inline]
    pub fn offset(self) -> u32 {
        self.0 & !0xfff
    }
}

/// RAM, then ROM, as one run of bytes, and the map from physical pages to it.
pub struct Memory {
    bytes: Box<[u8]>,
    ram: usize,
    pages: Vec<u32>,
    code: CodeMap,
    log: WriteLog,
}

/// Which bytes hold decoded code, so that a store can tell. One bit a 64-byte line, and for pages with code one bit a byte.
struct CodeMap {
    lines: Vec<u64>,
    bytes: Vec<Option<Box<[u64; 64]>>>,
    touched: Vec<(u32, u32)>,
}

impl CodeMap {
    /// Notes stores into the code of the page at `offset` where the page's bytes and those to come differ.
    fn touch_changes(&mut self, offset: u32, now: &[u8], then: &[u8]) {
        let page = (offset >> 12) as usize;
        let (Some(lines @ 1..), Some(Some(marks))) = (self.lines.get(page), self.bytes.get(page)) else { return };
        for (line, (now, then)) in now.chunks_exact(64).zip(then.chunks_exact(64)).enumerate() {
            if lines >> line & 1 == 0 || now == then {
                continue;
            }
            let changed = now.iter().zip(then).enumerate().fold(0, |bits, (i, (a, b))| bits | u64::from(a != b) << i);
            let code = changed & marks[line];
            if code != 0 {
                let (first, last) = (code.trailing_zeros(), 63 - code.leading_zeros());
                self.touched.push((offset + line as u32 * 64 + first, last - first + 1));
            }
        }
    }
}

/// The 64-byte lines of their page that the bytes [start, end) lie in, with a bit for each byte.
fn line_masks(start: u32, end: u32) -> impl Iterator<Item = (usize, u64)> {
    (start >> 6..=(end.max(start + 1) - 1) >> 6).map(move |line| {
        let (from, to) = (start.max(line << 6), end.min((line + 1) << 6));
        let mask = if to <= from { 0 } else { (!0u64 >> (64 - (to - from))) << (from & 63) };
        ((line & 63) as usize, mask)
    })
}

impl Memory {
    /// The most RAM a machine can have.
    pub const MAX_RAM: u64 = 3 << 30;

    /// Builds the map.
    pub fn new(map: &MemoryMap) -> Result<Memory, MapError> {
        if map.ram == 0 || !map.ram.is_multiple_of(PAGE_SIZE as u64) || map.ram > Self::MAX_RAM {
            return Err(MapError::RamSize { bytes: map.ram });
        }
        let padded = |image: &RomImage| image.bytes.len().div_ceil(PAGE_SIZE) * PAGE_SIZE;
        for image in map.roms.iter().chain(&map.shadows) {
            if image.bytes.is_empty() {
                return Err(MapError::RomEmpty { name: image.name.clone() });
            }
            if !image.at.0.is_multiple_of(PAGE_SIZE as u64) || image.at.0.saturating_add(padded(image) as u64) > 1 << 32 {
                return Err(MapError::RomPlace { name: image.name.clone(), at: image.at });
            }
        }
        let ram = map.ram as usize;
        let roms: usize = map.roms.iter().map(padded).sum();
        let mut bytes = vec![0; ram + roms].into_boxed_slice();
        let mut pages = vec![0u32; PAGES];
        for (page, entry) in pages.iter_mut().enumerate().take(ram / PAGE_SIZE) {
            let at = (page * PAGE_SIZE) as u64;
            if !map.holes.iter().any(|(first, last)| (*first..=*last).contains(&at)) {
                *entry = at as u32 | Backing::READABLE | Backing::WRITABLE;
            }
        }
        for image in &map.shadows {
            let at = image.at.0 as usize;
            let Some(target) = bytes[..ram].get_mut(at..at + image.bytes.len()) else {
                return Err(MapError::ShadowBeyondRam { name: image.name.clone(), at: image.at, ram: map.ram });
            };
            target.copy_from_slice(&image.bytes);
            for (page, entry) in pages.iter_mut().enumerate().take((at + padded(image)) / PAGE_SIZE).skip(at / PAGE_SIZE) {
                *entry = (page * PAGE_SIZE) as u32 | Backing::READABLE | Backing::WRITABLE;
            }
        }
        let mut end = ram;
        for (i, image) in map.roms.iter().enumerate() {
            let first = image.at.0 as usize / PAGE_SIZE;
            let size = padded(image);
            if let Some(other) = map.roms[..i].iter().chain(&map.shadows).find(|o| {
                let (a, b) = (o.at.0 as usize, image.at.0 as usize);
                a < b + size && b < a + padded(o)
            }) {
                let at = PhysicalAddress(image.at.0.max(other.at.0));
                return Err(MapError::Overlap { first: other.name.clone(), second: image.name.clone(), at });
            }
            bytes[end..end + image.bytes.len()].copy_from_slice(&image.bytes);
            bytes[end + image.bytes.len()..end + size].fill(0xff);
            for page in 0..size / PAGE_SIZE {
                pages[first + page] = (end + page * PAGE_SIZE) as u32 | Backing::READABLE;
            }
            end += size;
        }
        let backed = bytes.len() / PAGE_SIZE;
        let code = CodeMap { lines: vec![0; backed], bytes: vec![None; backed], touched: Vec::new() };
        Ok(Memory { bytes, ram, pages, code, log: WriteLog::default() })
    }

    /// Marks the pages of a device's window, so that accesses to them look further.
    pub(crate) fn mark_window(&mut self, first: u64, last: u64) {
        for page in first >> 12..=last >> 12 {
            if let Some(entry) = self.pages.get_mut(page as usize) {
                *entry |= Backing::WINDOW;
            }
        }
    }

    /// What answers at the page of `at`.
    #[inline]
    pub fn backing(&self, at: PhysicalAddress) -> Backing {
        Backing(self.pages.get((at.0 >> 12) as usize).copied().unwrap_or(0))
    }
    /// RAM, then ROM.
    #[inline(always)]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
    /// `n` bytes of RAM at an offset that was checked for writing: its page is in the write log ([`Memory::log_page`]), and
    /// [`Memory::holds_code`] was asked. This is the only way to the bytes past both.
    #[inline(always)]
    pub fn checked_mut(&mut self, offset: usize, n: usize) -> Option<&mut [u8]> {
        debug_assert!(self.is_logged(offset, n), "a store of {n} bytes at {offset:#x} is not in the write log");
        self.bytes.get_mut(offset..offset + n)
    }
    /// Copies inside memory, to a place that was checked in the same way.
    pub fn copy_checked(&mut self, source: usize, target: usize, n: usize) {
        debug_assert!(self.is_logged(target, n), "a copy of {n} bytes to {target:#x} is not in the write log");
        self.bytes.copy_within(source..source + n, target);
    }
    /// RAM alone, by physical address.
    pub fn ram(&self) -> &[u8] {
        &self.bytes[..self.ram]
    }
    /// RAM alone, to fill. Decoded code is forgotten where it changes only through the other writers.
    pub fn ram_mut(&mut self) -> &mut [u8] {
        self.log_all();
        &mut self.bytes[..self.ram]
    }

    /// Copies memory out; what is not memory reads as all ones.
    pub fn read_bytes(&self, at: PhysicalAddress, into: &mut [u8]) {
        for (i, byte) in into.iter_mut().enumerate() {
            let at = PhysicalAddress(at.0.wrapping_add(i as u64));
            let backing = self.backing(at);
            *byte = if backing.0 & Backing::READABLE != 0 { self.bytes[(backing.offset() | at.0 as u32 & 0xfff) as usize] } else { 0xff };
        }
    }
    /// Copies bytes into RAM, as a bus master does; what is not RAM ignores it. True if code was touched.
    pub fn write_bytes(&mut self, at: PhysicalAddress, bytes: &[u8]) -> bool {
        let (mut at, mut rest, mut touched) = (at.0, bytes, false);
        while !rest.is_empty() {
            let (part, after) = rest.split_at(rest.len().min(PAGE_SIZE - (at as usize & 0xfff)));
            let backing = self.backing(PhysicalAddress(at));
            if backing.0 & Backing::WRITABLE != 0 {
                let offset = backing.offset() | at as u32 & 0xfff;
                self.log_page(offset);
                if let Some(target) = self.checked_mut(offset as usize, part.len()) {
                    target.copy_from_slice(part);
                }
                for offset in (offset..).take(if self.page_holds_code(offset) { part.len() } else { 0 }) {
                    if self.holds_code(offset, 1) {
                        self.touch_code(offset, 1);
                        touched = true;
                    }
                }
            }
            (at, rest) = (at.wrapping_add(part.len() as u64), after);
        }
        touched
    }

    /// Some byte of the page at this offset holds decoded code.
    #[inline]
    pub fn page_holds_code(&self, offset: u32) -> bool {
        self.code.lines.get((offset >> 12) as usize).is_some_and(|lines| *lines != 0)
    }
    /// Some of `n` bytes at this offset (inside one page) hold decoded code.
    #[inline]
    pub fn holds_code(&self, offset: u32, n: u32) -> bool {
        let page = (offset >> 12) as usize;
        let Some(lines) = self.code.lines.get(page) else { return false };
        let touched = 1u64 << (offset >> 6 & 63) | 1u64 << (offset.wrapping_add(n - 1) >> 6 & 63);
        if lines & touched == 0 {
            return false;
        }
        match &self.code.bytes[page] {
            Some(bytes) => line_masks(offset, offset + n).any(|(line, mask)| bytes[line] & mask != 0),
            None => false,
        }
    }
    /// Notes a store into code; the owner of the decoded code takes the notes with [`Memory::take_touched`].
    pub fn touch_code(&mut self, offset: u32, n: u32) {
        self.code.touched.push((offset, n));
    }
    /// Moves the stores into code since the last call to the end of `into`: (offset, bytes).
    pub fn take_touched(&mut self, into: &mut Vec<(u32, u32)>) {
        into.append(&mut self.code.touched);
    }
    /// True if there are such stores.
    #[inline]
    pub fn has_touched(&self) -> bool {
        !self.code.touched.is_empty()
    }
    /// Marks bytes (inside one page) as holding decoded code. True if they are the first of their page.
    pub fn mark_code(&mut self, start: u32, end: u32) -> bool {
        let page = (start >> 12) as usize;
        let Some(lines) = self.code.lines.get_mut(page) else { return false };
        let first = *lines == 0;
        let bytes = self.code.bytes[page].get_or_insert_with(|| Box::new([0; 64]));
        for (line, mask) in line_masks(start, end) {
            *lines |= 1 << line;
            bytes[line] |= mask;
        }
        first
    }
    /// Takes such marks back.
    pub fn unmark_code(&mut self, start: u32, end: u32) {
        let page = (start >> 12) as usize;
        let (Some(lines), Some(Some(bytes))) = (self.code.lines.get_mut(page), self.code.bytes.get_mut(page)) else { return };
        for (line, mask) in line_masks(start, end) {
            bytes[line] &= !mask;
            if bytes[line] == 0 {
                *lines &= !(1 << line);
            }
        }
    }
    /// Forgets all marks.
    pub fn forget_code(&mut self) {
        self.code.lines.fill(0);
        self.code.bytes.fill(None);
        self.code.touched.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rom(name: &str, at: u64, bytes: Vec<u8>) -> RomImage {
        RomImage { name: name.into(), at: PhysicalAddress(at), bytes }
    }

    #[test]
    fn a_rom_lies_over_ram_and_ignores_writes() {
        let map = MemoryMap { ram: 1 << 20, roms: vec![rom("bios", 0xf0000, vec![7; 0x10000])], ..MemoryMap::default() };
        let mut memory = Memory::new(&map).unwrap();
        memory.write_bytes(PhysicalAddress(0xeffff), &[1, 2]);
        let mut got = [0; 2];
        memory.read_bytes(PhysicalAddress(0xeffff), &mut got);
        assert_eq!(got, [1, 7]);
        assert!(memory.backing(PhysicalAddress(0xf0000)).readable() && !memory.backing(PhysicalAddress(0xf0000)).writable());
    }

    #[test]
    fn what_nobody_claims_reads_as_all_ones() {
        let memory = Memory::new(&MemoryMap { ram: 1 << 20, holes: vec![(0xa0000, 0xfffff)], ..MemoryMap::default() }).unwrap();
        for at in [0xa0000, 0x10_0000, 0xffff_fff0, 0x1_0000_0000] {
            let mut got = [0; 4];
            memory.read_bytes(PhysicalAddress(at), &mut got);
            assert_eq!(got, [0xff; 4]);
        }
    }

    #[test]
    fn a_shadow_answers_inside_a_hole_and_can_be_written() {
        let map = MemoryMap {
            ram: 1 << 20,
            holes: vec![(0xa0000, 0xfffff)],
            shadows: vec![rom("bios", 0xe0000, vec![7; 0x20000])],
            ..MemoryMap::default()
        };
        let mut memory = Memory::new(&map).unwrap();
        memory.write_bytes(PhysicalAddress(0xf0000), &[9]);
        let mut got = [0; 2];
        memory.read_bytes(PhysicalAddress(0xf0000), &mut got);
        assert_eq!(got, [9, 7]);
    }

    #[test]
    fn maps_that_cannot_be_say_why() {
        let build = |map: MemoryMap| Memory::new(&map).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(build(MemoryMap { ram: 1000, ..MemoryMap::default() }).contains("multiple of 4096"));
        assert!(build(MemoryMap { ram: 1 << 20, roms: vec![rom("x", 5, vec![1])], ..MemoryMap::default() }).contains("x: a ROM at"));
        assert!(build(MemoryMap { ram: 1 << 20, roms: vec![rom("x", 0, vec![])], ..MemoryMap::default() }).contains("empty"));
        let two = vec![rom("one", 0xf0000, vec![0; 0x10000]), rom("two", 0xf8000, vec![0; 0x8000])];
        assert_eq!(
            build(MemoryMap { ram: 1 << 20, roms: two, ..MemoryMap::default() }),
            "one and two both claim physical address 000f8000"
        );
        let shadow = vec![rom("bios", 0xf0000, vec![0; 0x10000])];
        assert!(build(MemoryMap { ram: 0x80000, shadows: shadow, ..MemoryMap::default() }).contains("needs RAM up to its end"));
    }

    #[test]
    fn code_marks_are_exact_to_the_byte() {
        let mut memory = Memory::new(&MemoryMap { ram: 1 << 20, ..MemoryMap::default() }).unwrap();
        assert!(memory.mark_code(0x1010, 0x1013));
        assert!(!memory.mark_code(0x1020, 0x1021));
        assert!(memory.holds_code(0x100d, 4) && !memory.holds_code(0x100c, 4));
        assert!(memory.holds_code(0x1012, 1) && !memory.holds_code(0x1013, 1));
        assert!(memory.write_bytes(PhysicalAddress(0x1012), &[0]));
        let mut touched = Vec::new();
        memory.take_touched(&mut touched);
        assert_eq!(touched, [(0x1012, 1)]);
        memory.unmark_code(0x1010, 0x1013);
        assert!(!memory.holds_code(0x1010, 3) && memory.page_holds_code(0x1000));
    }
}
