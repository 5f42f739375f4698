//! The translation lookaside buffer (SDM Vol. 3, "Caching Translation Information").
//!
//! A real one: an entry stays until it is replaced or invalidated, whatever happens to the page tables in memory meanwhile.
//! The translation proper is kept beside a fast form of it, which covers only what needs no second look: whole pages of RAM
//! or ROM, with nobody watching and, for stores, without decoded code and with the page in the write log if memory keeps one.
//!
//! Code has a TLB of its own, as on the Pentium and later: what is looked up for a fetch depends on how blocks happen to be cut and
//! linked, and must not decide which data translations stay. Whoever remembers where code lies must forget it when
//! `code_evicted` says that one of its translations made room for another.

use crate::{Mmu, PAGE};
use serde::{Deserialize, Serialize};

/// Entries, supervisor and user translations together.
pub const TLB_ENTRIES: usize = 2048;
/// Added to the page number for translations made at CPL 3. Pages that meet in a slot this way differ in their numbers, so tags need no privilege.
pub(crate) const USER_BANK: u32 = 1024;
/// Entries of the code TLB, supervisor and user translations together.
pub(crate) const CODE_ENTRIES: usize = 512;
/// A tag that no page has.
const NEVER: u32 = 1;

/// The fast form. Tags are the linear page.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(16))]
pub struct TlbEntry {
    /// Loads of this page may use `addend`.
    pub read: u32,
    /// So may stores.
    pub write: u32,
    /// Turns a linear address into an offset into the memory's bytes.
    pub addend: u32,
    /// Stores may, once they have looked whether they touch code.
    pub write_beside_code: u32,
}
impl TlbEntry {
    /// Matches nothing.
    pub const NONE: TlbEntry = TlbEntry { read: NEVER, write: NEVER, addend: 0, write_beside_code: NEVER };
}

/// A translation as silicon would cache it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Translation {
    /// The linear page.
    pub page: u32,
    /// The physical page, before A20.
    pub physical: u64,
    /// Stores are allowed.
    pub writable: bool,
    /// The dirty bit is set in memory already.
    pub dirty: bool,
    /// Survives a load of CR3.
    pub global: bool,
    /// Part of a page larger than 4 KiB.
    pub large: bool,
}
impl Translation {
    /// Matches nothing.
    pub const NONE: Translation = Translation { page: NEVER, physical: 0, writable: false, dirty: false, global: false, large: false };
}

/// Which slots of both TLBs, or their fast forms, may have changed since the last checkpoint: all, or a bit each.
#[derive(Default)]
pub(crate) struct Changed {
    pub(crate) all: bool,
    data: [u64; TLB_ENTRIES / 64],
    code: [u64; CODE_ENTRIES / 64],
}
impl Changed {
    fn data(&mut self, slot: usize) {
        self.data[slot / 64] |= 1 << (slot % 64);
    }
    fn code(&mut self, slot: usize) {
        self.code[slot / 64] |= 1 << (slot % 64);
    }
    pub(crate) fn data_slots(&self) -> impl Iterator<Item = usize> {
        slots(&self.data, self.all)
    }
    pub(crate) fn code_slots(&self) -> impl Iterator<Item = usize> {
        slots(&self.code, self.all)
    }
}
fn slots(words: &[u64], all: bool) -> impl Iterator<Item = usize> {
    words.iter().enumerate().flat_map(move |(n, word)| {
        let first = if all { !0 } else { *word };
        let next = |word: &u64| Some(word & (word - 1)).filter(|rest| *rest != 0);
        std::iter::successors(Some(first).filter(|word| *word != 0), next).map(move |word| n * 64 + word.trailing_zeros() as usize)
    })
}

#[inline(always)]
pub(crate) fn slot(linear: u32, bank: u32) -> usize {
    ((linear >> 12).wrapping_add(bank)) as usize & (TLB_ENTRIES - 1)
}

#[inline(always)]
fn code_slot(linear: u32, user: bool) -> usize {
    ((linear >> 12) as usize + if user { CODE_ENTRIES / 2 } else { 0 }) & (CODE_ENTRIES - 1)
}

impl Mmu {
    pub(crate) fn cached_code(&self, linear: u32, user: bool) -> Option<Translation> {
        let translation = self.code_translations[code_slot(linear, user)];
        (translation.page == linear & PAGE).then_some(translation)
    }
    pub(crate) fn enter_code(&mut self, translation: Translation, user: bool) {
        let slot = code_slot(translation.page, user);
        self.code_evicted |= self.code_translations[slot].page != NEVER;
        self.code_translations[slot] = translation;
        self.changed.code(slot);
        self.large_pages_cached |= translation.large;
    }
    /// The fast entry for a linear address at the current privilege.
    #[inline(always)]
    pub(crate) fn entry(&self, linear: u32) -> &TlbEntry {
        &self.tlb[slot(linear, self.bank)]
    }
    /// The fast entry of a supervisor access, whatever the current privilege.
    #[inline(always)]
    pub(crate) fn system_entry(&self, linear: u32) -> &TlbEntry {
        &self.tlb[slot(linear, 0)]
    }
    pub(crate) fn cached(&self, linear: u32, bank: u32) -> Option<Translation> {
        let translation = self.translations[slot(linear, bank)];
        (translation.page == linear & PAGE).then_some(translation)
    }
    /// Enters a translation and its fast form.
    pub(crate) fn enter(&mut self, translation: Translation, bank: u32) {
        let slot = slot(translation.page, bank);
        self.large_pages_cached |= translation.large;
        self.translations[slot] = translation;
        self.tlb[slot] = self.fast_form(&translation);
        self.changed.data(slot);
    }
    /// The same for any translation, also none.
    pub(crate) fn put_slot(&mut self, slot: usize, translation: Translation) {
        self.translations[slot] = translation;
        self.tlb[slot] = if translation.page == NEVER { TlbEntry::NONE } else { self.fast_form(&translation) };
        self.changed.data(slot);
    }
    /// A store to this memory offset was checked, and is translated in its slot. The first one since a checkpoint puts its page
    /// into the write log, and stores through this slot may go fast from now on.
    pub(crate) fn log_store(&mut self, linear: u32, bank: u32, offset: u32) {
        let slot = slot(linear, bank);
        if self.tlb[slot].write_beside_code != linear & PAGE {
            self.bus.memory.log_page(offset);
            self.put_slot(slot, self.translations[slot]);
        }
    }
    /// The write log begins: no page is in it, and no store may go past it.
    pub(crate) fn forbid_fast_stores(&mut self) {
        for entry in &mut self.tlb {
            (entry.write, entry.write_beside_code) = (NEVER, NEVER);
        }
    }
    fn fast_form(&self, translation: &Translation) -> TlbEntry {
        let page = translation.page;
        if self.watch.covers(page) {
            return TlbEntry::NONE;
        }
        let backing = self.bus.memory.backing(self.bus_address(translation.physical));
        if !backing.readable() {
            return TlbEntry::NONE;
        }
        let store = backing.writable() && backing.logged() && translation.writable && translation.dirty;
        let code = self.bus.memory.page_holds_code(backing.offset());
        TlbEntry {
            read: page,
            write: if store && !code { page } else { NEVER },
            addend: backing.offset().wrapping_sub(page),
            write_beside_code: if store { page } else { NEVER },
        }
    }
    /// Drops all translations, or all that are not global.
    pub fn flush_tlb(&mut self, global_too: bool) {
        for (entry, translation) in self.tlb.iter_mut().zip(&mut self.translations) {
            if global_too || !translation.global {
                *entry = TlbEntry::NONE;
                *translation = Translation::NONE;
            }
        }
        for translation in &mut self.code_translations {
            if global_too || !translation.global {
                *translation = Translation::NONE;
            }
        }
        if global_too {
            self.large_pages_cached = false;
        }
        self.changed.all = true;
        self.translations_changed = true;
    }
    /// INVLPG: drops the translations of one page, global or not; of a large page, all its pieces.
    pub fn invalidate_page(&mut self, linear: u32) {
        self.forget_page(linear);
        self.translations_changed = true;
    }
    /// The same where derived state must go only with a translation. True if there was one.
    pub(crate) fn forget_page(&mut self, linear: u32) -> bool {
        let mut found = false;
        for bank in [0, USER_BANK] {
            let slot = slot(linear, bank);
            if self.translations[slot].page == linear & PAGE {
                found = true;
                self.put_slot(slot, Translation::NONE);
            }
        }
        for user in [false, true] {
            let slot = code_slot(linear, user);
            if self.code_translations[slot].page == linear & PAGE {
                found = true;
                self.code_translations[slot] = Translation::NONE;
                self.changed.code(slot);
            }
        }
        if self.large_pages_cached {
            let same = |translation: &Translation| translation.large && translation.page >> 22 == linear >> 22;
            for slot in 0..CODE_ENTRIES {
                if same(&self.code_translations[slot]) {
                    found = true;
                    self.code_translations[slot] = Translation::NONE;
                    self.changed.code(slot);
                }
            }
            // The pieces of a 4 MiB page; of a 2 MiB page this drops its neighbour too, which the manual allows.
            for slot in 0..TLB_ENTRIES {
                if same(&self.translations[slot]) {
                    found = true;
                    self.put_slot(slot, Translation::NONE);
                }
            }
        }
        found
    }
    /// The first code was decoded in the page at this memory offset: stores to it must look from now on.
    pub fn protect_code(&mut self, offset: u32) {
        for entry in &mut self.tlb {
            if entry.write != NEVER && entry.write.wrapping_add(entry.addend) & PAGE == offset & PAGE {
                entry.write = NEVER;
            }
        }
    }
    /// A20 or a mapping changed below the translations: their fast forms are made anew.
    pub fn remap(&mut self) {
        for slot in 0..TLB_ENTRIES {
            self.put_slot(slot, self.translations[slot]);
        }
        self.translations_changed = true;
    }
}
