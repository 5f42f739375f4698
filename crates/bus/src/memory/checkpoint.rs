//! Putting RAM back fast: what it held at a checkpoint, and a log of the pages written since.
//!
//! While a log is kept, a page that is not in it is marked in the map of pages, beside what answers there. So whoever looks up what
//! answers sees the mark for nothing, and the MMU gives no fast form for stores to such a page.

use super::{Backing, Memory, PAGE_SIZE};
use std::sync::Arc;

static ZEROS: [u8; PAGE_SIZE] = [0; PAGE_SIZE];

/// RAM as it was at a checkpoint: the pages that were not all zero.
#[derive(Debug)]
pub struct SavedRam {
    name: Arc<()>,
    /// For each page 0, or one more than its number among the saved ones.
    places: Vec<u32>,
    bytes: Vec<u8>,
}
impl SavedRam {
    /// How much RAM there was.
    pub fn size(&self) -> usize {
        self.places.len() * PAGE_SIZE
    }
    /// The pages that were not all zero, by number.
    pub fn pages(&self) -> impl Iterator<Item = (u32, &[u8])> {
        (0..).zip(&self.places).filter(|(_, place)| **place != 0).map(|(n, _)| (n, self.page(n as usize)))
    }
    fn page(&self, n: usize) -> &[u8] {
        let place = self.places.get(n).and_then(|place| (*place as usize).checked_sub(1));
        place.and_then(|place| self.bytes.get(place * PAGE_SIZE..(place + 1) * PAGE_SIZE)).unwrap_or(&ZEROS)
    }
}

#[derive(Default)]
pub(super) struct WriteLog {
    /// The checkpoint that the log began with.
    since: Option<Arc<()>>,
    pages: Vec<u32>,
}

impl Memory {
    /// Saves RAM and begins a new log. The owner of fast forms for stores must take them back.
    pub fn checkpoint(&mut self) -> SavedRam {
        let (mut places, mut bytes) = (Vec::with_capacity(self.ram / PAGE_SIZE), Vec::new());
        for page in self.ram().chunks_exact(PAGE_SIZE) {
            let zero = page == ZEROS;
            if !zero {
                bytes.extend_from_slice(page);
            }
            places.push(if zero { 0 } else { (bytes.len() / PAGE_SIZE) as u32 });
        }
        let saved = SavedRam { name: Arc::new(()), places, bytes };
        self.begin_log(&saved);
        saved
    }
    /// Puts RAM back, notes the decoded code that changes by it, and begins the log anew. The owner of fast forms for stores must
    /// take them back.
    pub fn rewind(&mut self, saved: &SavedRam) {
        if self.logs_since(saved) {
            let mut pages = std::mem::take(&mut self.log.pages);
            for page in pages.drain(..) {
                self.put_back(page as usize, saved);
                self.pages[page as usize] |= Backing::UNLOGGED;
            }
            self.log.pages = pages;
        } else {
            for page in 0..self.ram / PAGE_SIZE {
                if self.bytes[page * PAGE_SIZE..(page + 1) * PAGE_SIZE] != *saved.page(page) {
                    self.put_back(page, saved);
                }
            }
            self.begin_log(saved);
        }
    }
    /// The log began with this checkpoint.
    pub fn logs_since(&self, saved: &SavedRam) -> bool {
        self.log.since.as_ref().is_some_and(|since| Arc::ptr_eq(since, &saved.name))
    }
    /// Puts the page at this offset into the log: before the first store to it.
    #[inline]
    pub fn log_page(&mut self, offset: u32) {
        let page = offset >> 12;
        let entry = &mut self.pages[page as usize];
        if *entry & Backing::UNLOGGED != 0 {
            *entry &= !Backing::UNLOGGED;
            self.log.pages.push(page);
        }
    }
    /// Puts all pages into the log.
    pub(super) fn log_all(&mut self) {
        let pages = self.ram / PAGE_SIZE;
        if self.log.since.is_some() && self.log.pages.len() < pages {
            (0..pages).for_each(|page| self.log_page((page * PAGE_SIZE) as u32));
        }
    }
    /// Offsets of RAM are physical addresses, so the map of pages has their mark.
    pub(super) fn is_logged(&self, offset: usize, n: usize) -> bool {
        (offset / PAGE_SIZE..=(offset + n.max(1) - 1) / PAGE_SIZE)
            .all(|page| self.pages.get(page).is_none_or(|entry| Backing(*entry).logged()))
    }
    fn begin_log(&mut self, saved: &SavedRam) {
        self.log.since = Some(saved.name.clone());
        self.log.pages.clear();
        self.pages[..self.ram / PAGE_SIZE].iter_mut().for_each(|entry| *entry |= Backing::UNLOGGED);
    }
    fn put_back(&mut self, page: usize, saved: &SavedRam) {
        let (offset, then) = (page * PAGE_SIZE, saved.page(page));
        let now = &mut self.bytes[offset..offset + PAGE_SIZE];
        self.code.touch_changes(offset as u32, now, then);
        now.copy_from_slice(then);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MemoryMap, RomImage};
    use turtle86_arch::PhysicalAddress;

    fn memory() -> Memory {
        let roms = vec![RomImage { name: "rom".into(), at: PhysicalAddress(0xf0000), bytes: vec![7; PAGE_SIZE] }];
        Memory::new(&MemoryMap { ram: 1 << 20, holes: vec![(0xa0000, 0xeffff)], roms, ..MemoryMap::default() }).unwrap()
    }
    fn logged(memory: &Memory) -> Vec<u32> {
        memory.log.pages.clone()
    }

    #[test]
    fn only_what_was_written_since_the_checkpoint_is_put_back() {
        let mut memory = memory();
        memory.write_bytes(PhysicalAddress(0x1000), &[1; 8]);
        assert_eq!(logged(&memory), [], "nothing is logged before there is a checkpoint");
        let saved = memory.checkpoint();
        assert_eq!(saved.pages().collect::<Vec<_>>().len(), 1);
        for _ in 0..2 {
            // Over the end of a page; into a hole; into a ROM.
            memory.write_bytes(PhysicalAddress(0x1ffe), &[2; 4]);
            memory.write_bytes(PhysicalAddress(0x1ffe), &[3; 4]);
            memory.write_bytes(PhysicalAddress(0xa0000), &[4; 4]);
            memory.write_bytes(PhysicalAddress(0xf0000), &[5; 4]);
            assert_eq!(logged(&memory), [1, 2]);
            memory.rewind(&saved);
            assert_eq!(logged(&memory), []);
            assert_eq!(memory.ram()[0x1000..0x1008], [1; 8]);
            assert!(memory.ram()[0x1008..].iter().all(|byte| *byte == 0));
        }
    }

    #[test]
    fn a_host_that_fills_ram_may_have_written_all_of_it() {
        let mut memory = memory();
        let saved = memory.checkpoint();
        memory.ram_mut()[0xa0005] = 1;
        assert_eq!(logged(&memory).len(), 256);
        memory.rewind(&saved);
        assert!(memory.ram().iter().all(|byte| *byte == 0));
    }

    #[test]
    fn several_checkpoints_and_those_of_other_memories_are_put_back_whole() {
        let (mut one, mut other) = (memory(), memory());
        one.write_bytes(PhysicalAddress(0x1000), &[1]);
        let first = one.checkpoint();
        one.write_bytes(PhysicalAddress(0x2000), &[2]);
        let second = one.checkpoint();
        for (saved, bytes) in [(&first, [1, 0, 0]), (&second, [1, 2, 0]), (&first, [1, 0, 0]), (&first, [1, 0, 0])] {
            for memory in [&mut one, &mut other] {
                memory.write_bytes(PhysicalAddress(0x3000), &[3]);
                memory.rewind(saved);
                assert!(memory.logs_since(saved));
                assert_eq!([0x1000, 0x2000, 0x3000].map(|at| memory.ram()[at]), bytes);
            }
        }
    }

    #[test]
    fn code_is_touched_only_where_its_bytes_change() {
        let mut memory = memory();
        let saved = memory.checkpoint();
        memory.write_bytes(PhysicalAddress(0x1000), &[9; 0x200]);
        memory.write_bytes(PhysicalAddress(0x1050), &[0; 4]);
        for (start, end) in [(0x103e, 0x1043), (0x1050, 0x1054), (0x1100, 0x1102), (0x1300, 0x1310)] {
            memory.mark_code(start, end);
        }
        memory.rewind(&saved);
        let mut touched = Vec::new();
        memory.take_touched(&mut touched);
        assert_eq!(touched, [(0x103e, 2), (0x1040, 3), (0x1100, 2)]);
    }

    #[test]
    #[should_panic(expected = "not in the write log")]
    #[cfg(debug_assertions)]
    fn a_store_past_the_log_is_noticed() {
        let mut memory = memory();
        memory.checkpoint();
        memory.checked_mut(0x1000, 1);
    }
}
