//! Loads and stores: the fast forms that handlers inline, and the slow ones that do everything.

use crate::{Mmu, PAGE, Width};
use turtle86_arch::{AccessKind, Fault, LinearAddress, PhysicalAddress};
use turtle86_bus::AccessSize;

/// An access to a watched range, as a hook sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryAccess {
    /// Where.
    pub at: LinearAddress,
    /// How wide.
    pub size: AccessSize,
    /// What was read or written.
    pub value: u32,
    /// A store, not a load.
    pub write: bool,
}
#[derive(Default)]
pub(crate) struct Watch {
    pub(crate) ranges: Vec<(LinearAddress, LinearAddress)>,
    pub(crate) seen: Vec<MemoryAccess>,
}
impl Watch {
    /// Some byte of the page is watched.
    pub(crate) fn covers(&self, page: u32) -> bool {
        self.touches(page, 4096)
    }
    fn touches(&self, at: u32, size: u32) -> bool {
        self.ranges.iter().any(|(first, last)| first.0 <= at.saturating_add(size - 1) && at <= last.0)
    }
}

/// A place checked for writing: a store to it cannot fault any more.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// An offset into the memory's bytes.
    Ram(u32),
    /// The same, where decoded code lies.
    Code(u32),
    /// A device, ROM, or watched memory.
    Bus(PhysicalAddress, LinearAddress),
    /// Two pages: where the first byte lies, and where the second page begins.
    Split(PhysicalAddress, PhysicalAddress, LinearAddress),
}

impl Mmu {
    #[inline(always)]
    fn bytes<W: Width>(&self, offset: u32) -> Option<&[u8]> {
        let offset = offset as usize;
        self.bus.memory.bytes().get(offset..offset + W::BYTES)
    }

    /// A load that hits: translated, permitted, inside one page, RAM or ROM. Otherwise `None`, and nothing happened.
    #[inline(always)]
    pub fn load<W: Width>(&self, linear: u32) -> Option<W> {
        let entry = self.entry(linear);
        if linear.wrapping_add(W::BYTES as u32 - 1) & PAGE != entry.read {
            return None;
        }
        self.bytes::<W>(linear.wrapping_add(entry.addend)).map(W::load)
    }
    /// A check for writing that hits: an offset into the memory's bytes with `W` bytes behind it.
    #[inline(always)]
    pub fn place<W: Width>(&self, linear: u32) -> Option<u32> {
        let entry = self.entry(linear);
        if linear.wrapping_add(W::BYTES as u32 - 1) & PAGE != entry.write {
            return None;
        }
        let offset = linear.wrapping_add(entry.addend);
        self.bytes::<W>(offset).map(|_| offset)
    }
    /// Reads a checked place.
    #[inline(always)]
    pub fn peek<W: Width>(&self, offset: u32) -> W {
        self.bytes::<W>(offset).map_or(W::of(0), W::load)
    }
    /// Writes a checked place.
    #[inline(always)]
    pub fn poke<W: Width>(&mut self, offset: u32, value: W) {
        if let Some(bytes) = self.bus.memory.checked_mut(offset as usize, W::BYTES) {
            value.store(bytes);
        }
    }

    fn crosses_page<W: Width>(linear: u32) -> bool {
        (linear & 0xfff) as usize + W::BYTES > 4096
    }

    /// Any load at the current privilege.
    pub fn load_checked<W: Width>(&mut self, linear: u32) -> Result<W, Fault> {
        match self.load(linear) {
            Some(value) => Ok(value),
            None => self.load_as(linear, self.cpl == 3),
        }
    }
    /// A load of the processor's own: descriptor tables, task-state segments.
    #[inline]
    pub fn load_system<W: Width>(&mut self, linear: u32) -> Result<W, Fault> {
        let entry = *self.system_entry(linear);
        if linear.wrapping_add(W::BYTES as u32 - 1) & PAGE == entry.read {
            return Ok(self.peek(linear.wrapping_add(entry.addend)));
        }
        self.load_as(linear, false)
    }
    /// Eight bytes of one page, if they hit.
    #[inline]
    pub(crate) fn system_bytes(&self, linear: u32) -> Option<[u8; 8]> {
        let entry = self.system_entry(linear);
        if linear & PAGE != entry.read {
            return None;
        }
        let offset = linear.wrapping_add(entry.addend) as usize;
        self.bus.memory.bytes().get(offset..offset + 8)?.try_into().ok()
    }
    fn load_as<W: Width>(&mut self, linear: u32, user: bool) -> Result<W, Fault> {
        let value = if Self::crosses_page::<W>(linear) {
            let second = linear.wrapping_add(W::BYTES as u32 - 1) & PAGE;
            let low = self.translate_as(linear, AccessKind::Read, user)?;
            let high = self.translate_as(second, AccessKind::Read, user)?;
            W::of(self.read_split::<W>(linear, low, high))
        } else {
            let at = self.translate_as(linear, AccessKind::Read, user)?;
            let backing = self.bus.memory.backing(at);
            if backing.readable() { self.peek(backing.offset() | at.0 as u32 & 0xfff) } else { W::of(self.bus.read_physical(at, W::SIZE)) }
        };
        self.note::<W>(linear, value, false);
        Ok(value)
    }
    fn read_split<W: Width>(&mut self, linear: u32, low: PhysicalAddress, high: PhysicalAddress) -> u32 {
        let in_first = 4096 - (linear & 0xfff);
        (0..W::BYTES as u32).fold(0, |value, i| {
            let at = if i < in_first { low.0 + u64::from(i) } else { high.0 + u64::from(i - in_first) };
            value | self.bus.read_physical(PhysicalAddress(at), AccessSize::Byte) << (8 * i)
        })
    }

    /// Any check for writing at the current privilege.
    pub fn place_checked<W: Width>(&mut self, linear: u32) -> Result<Place, Fault> {
        // Stores to data beside code in its page are common; they need a look, not a translation.
        let entry = *self.entry(linear);
        let page = linear.wrapping_add(W::BYTES as u32 - 1) & PAGE;
        if page == entry.write {
            return Ok(Place::Ram(linear.wrapping_add(entry.addend)));
        }
        if page == entry.write_beside_code {
            return Ok(self.ram_place::<W>(linear.wrapping_add(entry.addend)));
        }
        self.place_as::<W>(linear, self.cpl == 3)
    }
    /// A check for writing of the processor's own accesses.
    #[inline]
    pub fn place_system<W: Width>(&mut self, linear: u32) -> Result<Place, Fault> {
        let entry = *self.system_entry(linear);
        if linear.wrapping_add(W::BYTES as u32 - 1) & PAGE == entry.write {
            return Ok(Place::Ram(linear.wrapping_add(entry.addend)));
        }
        self.place_as::<W>(linear, false)
    }
    fn place_as<W: Width>(&mut self, linear: u32, user: bool) -> Result<Place, Fault> {
        if Self::crosses_page::<W>(linear) {
            let second = linear.wrapping_add(W::BYTES as u32 - 1) & PAGE;
            let low = self.translate_as(linear, AccessKind::Write, user)?;
            let high = self.translate_as(second, AccessKind::Write, user)?;
            return Ok(Place::Split(low, high, LinearAddress(linear)));
        }
        let at = self.translate_as(linear, AccessKind::Write, user)?;
        let backing = self.bus.memory.backing(at);
        if backing.writable() && !self.watch.covers(linear & PAGE) {
            let offset = backing.offset() | at.0 as u32 & 0xfff;
            self.log_store(linear, self.bank_of(user), offset);
            return Ok(self.ram_place::<W>(offset));
        }
        Ok(Place::Bus(at, LinearAddress(linear)))
    }
    fn ram_place<W: Width>(&self, offset: u32) -> Place {
        if self.bus.memory.holds_code(offset, W::BYTES as u32) { Place::Code(offset) } else { Place::Ram(offset) }
    }
    /// Reads a place that was checked for writing.
    pub fn peek_checked<W: Width>(&mut self, place: Place) -> W {
        let (value, at) = match place {
            Place::Ram(offset) | Place::Code(offset) => return self.peek(offset),
            Place::Bus(at, linear) => (W::of(self.bus.read_physical(at, W::SIZE)), linear),
            Place::Split(low, high, linear) => (W::of(self.read_split::<W>(linear.0, low, high)), linear),
        };
        self.note::<W>(at.0, value, false);
        value
    }
    /// Writes a place that was checked for writing.
    pub fn poke_checked<W: Width>(&mut self, place: Place, value: W) {
        match place {
            Place::Ram(offset) => self.poke(offset, value),
            Place::Code(offset) => {
                self.poke(offset, value);
                self.bus.memory.touch_code(offset, W::BYTES as u32);
                self.bus.attention = true;
            }
            Place::Bus(at, linear) => {
                self.bus.write_physical(at, W::SIZE, value.zx());
                self.note::<W>(linear.0, value, true);
            }
            Place::Split(low, high, linear) => {
                let in_first = 4096 - (linear.0 & 0xfff);
                for i in 0..W::BYTES as u32 {
                    let at = if i < in_first { low.0 + u64::from(i) } else { high.0 + u64::from(i - in_first) };
                    self.bus.write_physical(PhysicalAddress(at), AccessSize::Byte, value.zx() >> (8 * i) & 0xff);
                }
                self.note::<W>(linear.0, value, true);
            }
        }
    }
    /// A check for writing of a whole frame that hits: inside one page of RAM without code. Otherwise `None`, and nothing happened.
    #[inline]
    pub fn frame_place(&self, linear: u32, bytes: u32, system: bool) -> Option<u32> {
        let entry = if system { self.system_entry(linear) } else { self.entry(linear) };
        if linear.wrapping_add(bytes - 1) & PAGE != entry.write || linear & PAGE != entry.write {
            return None;
        }
        Some(linear.wrapping_add(entry.addend))
    }
    /// A check for reading of a whole frame that hits: inside one page of RAM or ROM. Otherwise `None`, and nothing happened.
    #[inline]
    pub fn frame_source(&self, linear: u32, bytes: u32) -> Option<u32> {
        let entry = self.entry(linear);
        if linear.wrapping_add(bytes - 1) & PAGE != entry.read || linear & PAGE != entry.read {
            return None;
        }
        Some(linear.wrapping_add(entry.addend))
    }
    /// Checks and writes, for the processor's own stores.
    pub fn store_system<W: Width>(&mut self, linear: u32, value: W) -> Result<(), Fault> {
        let place = self.place_system::<W>(linear)?;
        self.poke_checked(place, value);
        Ok(())
    }
    /// Checks and writes at the current privilege.
    pub fn store_checked<W: Width>(&mut self, linear: u32, value: W) -> Result<(), Fault> {
        let place = self.place_checked::<W>(linear)?;
        self.poke_checked(place, value);
        Ok(())
    }
    fn note<W: Width>(&mut self, linear: u32, value: W, write: bool) {
        if !self.watch.ranges.is_empty() && self.watch.touches(linear, W::BYTES as u32) {
            self.watch.seen.push(MemoryAccess { at: LinearAddress(linear), size: W::SIZE, value: value.zx(), write });
            self.bus.attention = true;
        }
    }
}

impl Mmu {
    /// The memory offset of a byte that can be read through the TLB, or translated without a fault, in RAM or ROM.
    pub fn ram_offset(&mut self, linear: u32) -> Option<u32> {
        if self.watch.covers(linear & PAGE) {
            return None;
        }
        let at = self.translate_as(linear, AccessKind::Read, self.cpl == 3).ok()?;
        let backing = self.bus.memory.backing(at);
        backing.readable().then(|| backing.offset() | at.0 as u32 & 0xfff)
    }
}
