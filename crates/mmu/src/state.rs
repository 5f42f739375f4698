//! The MMU's state as plain data, for snapshots, and as a checkpoint that is put back fast.

use crate::{ControlRegisters, Mmu, TableRegister, Translation, tlb::Changed};
use serde::{Deserialize, Serialize};
use turtle86_arch::DescriptorCache;
use turtle86_bus::{BusCheckpoint, StateError};

/// All that the MMU remembers, the TLB with its stale entries included; not memory and devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct MmuState {
    pub control: ControlRegisters,
    pub cpl: u8,
    pub gdtr: TableRegister,
    pub idtr: TableRegister,
    pub ldtr: DescriptorCache,
    pub tr: DescriptorCache,
    pub segments: [DescriptorCache; 6],
    /// The TLB entries in use, with their numbers.
    pub translations: Vec<(u32, Translation)>,
    /// Those of the code TLB.
    pub code_translations: Vec<(u32, Translation)>,
}

/// The TLB by slot, and everything beneath the MMU, at one point; the rest is in [`MmuState`].
#[derive(Debug)]
pub struct MmuCheckpoint {
    /// Memory, devices, lines, time.
    pub bus: BusCheckpoint,
    translations: Vec<Translation>,
    code_translations: Vec<Translation>,
    large_pages_cached: bool,
}

impl Mmu {
    /// The state.
    pub fn state(&self) -> MmuState {
        let used = |all: &[Translation]| {
            let used = all.iter().enumerate().filter(|(_, t)| **t != Translation::NONE);
            used.map(|(slot, t)| (slot as u32, *t)).collect()
        };
        MmuState {
            control: self.control,
            cpl: self.cpl,
            gdtr: self.gdtr,
            idtr: self.idtr,
            ldtr: self.ldtr,
            tr: self.tr,
            segments: self.caches,
            translations: used(&self.translations),
            code_translations: used(&self.code_translations),
        }
    }
    /// Takes a state back. Entries that no TLB could hold are dropped.
    pub fn set_state(&mut self, state: &MmuState) {
        self.put_registers(state);
        self.flush_tlb(true);
        let fill = |own: &mut [Translation], saved: &[(u32, Translation)]| {
            let half = own.len() / 2;
            let mut large = false;
            for (slot, translation) in saved {
                let (slot, page) = (*slot as usize, (translation.page >> 12) as usize);
                let fits = slot < own.len() && (slot ^ page) & (half - 1) == 0;
                if fits && translation.page & 0xfff == 0 && translation.physical & 0xfff == 0 {
                    own[slot] = *translation;
                    large |= translation.large;
                }
            }
            large
        };
        self.large_pages_cached |= fill(&mut self.translations, &state.translations);
        self.large_pages_cached |= fill(&mut self.code_translations, &state.code_translations);
        self.remap();
    }
    fn put_registers(&mut self, state: &MmuState) {
        (self.gdtr, self.idtr, self.ldtr, self.tr) = (state.gdtr, state.idtr, state.ldtr, state.tr);
        (self.caches, self.control, self.cpl) = (state.segments, state.control, state.cpl & 3);
        self.protection_changed();
    }

    /// What [`Mmu::rewind`] needs beside [`Mmu::state`]. A write log begins.
    pub fn checkpoint(&mut self) -> MmuCheckpoint {
        let bus = self.bus.checkpoint();
        self.forbid_fast_stores();
        self.changed = Changed::default();
        let (translations, code_translations) = (self.translations.clone(), self.code_translations.clone());
        MmuCheckpoint { bus, translations, code_translations, large_pages_cached: self.large_pages_cached }
    }
    /// Puts everything back: only what changed, if the last checkpoint that was taken or put back is this one.
    ///
    /// # Errors
    /// Those of [`SystemBus::rewind`](turtle86_bus::SystemBus::rewind).
    pub fn rewind(&mut self, to: &MmuCheckpoint, state: &MmuState) -> Result<(), StateError> {
        if !self.bus.memory.logs_since(to.bus.ram()) {
            self.changed.all = true;
        }
        self.bus.rewind(&to.bus)?;
        self.put_registers(state);
        // Behind the log, which began anew: the fast forms that it allowed all lie in slots that changed.
        let changed = std::mem::take(&mut self.changed);
        for slot in changed.data_slots() {
            self.put_slot(slot, to.translations[slot]);
        }
        for slot in changed.code_slots() {
            self.code_translations[slot] = to.code_translations[slot];
            self.translations_changed = true;
        }
        self.changed = Changed::default();
        self.large_pages_cached = to.large_pages_cached;
        Ok(())
    }
}
