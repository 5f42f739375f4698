//! The MMU's state as plain data: for snapshots.

use crate::{ControlRegisters, Mmu, TLB_ENTRIES, TableRegister, Translation};
use serde::{Deserialize, Serialize};
use turtle86_arch::{DescriptorCache, SegmentRegister};

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
}

impl Mmu {
    /// The state.
    pub fn state(&self) -> MmuState {
        let used = self.translations.iter().enumerate().filter(|(_, t)| **t != Translation::NONE);
        MmuState {
            control: self.control,
            cpl: self.cpl,
            gdtr: self.gdtr,
            idtr: self.idtr,
            ldtr: self.ldtr,
            tr: self.tr,
            segments: self.caches,
            translations: used.map(|(slot, t)| (slot as u32, *t)).collect(),
        }
    }
    /// Takes a state back. Entries that no TLB could hold are dropped.
    pub fn set_state(&mut self, state: &MmuState) {
        (self.gdtr, self.idtr, self.ldtr, self.tr) = (state.gdtr, state.idtr, state.ldtr, state.tr);
        self.caches = state.segments;
        self.restore_control(state.control, state.cpl & 3);
        SegmentRegister::ALL.into_iter().for_each(|register| self.segment_changed(register));
        for (slot, translation) in &state.translations {
            let (slot, page) = (*slot as usize, translation.page >> 12);
            let own = slot < TLB_ENTRIES && (slot ^ page as usize) & (TLB_ENTRIES / 2 - 1) == 0;
            if own && translation.page & 0xfff == 0 && translation.physical & 0xfff == 0 {
                self.translations[slot] = *translation;
                self.large_pages_cached |= translation.large;
            }
        }
        self.remap();
    }
}
