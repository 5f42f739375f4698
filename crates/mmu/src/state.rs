//! The MMU's state as plain data: for snapshots.

use crate::{ControlRegisters, Mmu, TableRegister, Translation};
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
    /// Those of the code TLB.
    pub code_translations: Vec<(u32, Translation)>,
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
        (self.gdtr, self.idtr, self.ldtr, self.tr) = (state.gdtr, state.idtr, state.ldtr, state.tr);
        self.caches = state.segments;
        self.restore_control(state.control, state.cpl & 3);
        SegmentRegister::ALL.into_iter().for_each(|register| self.segment_changed(register));
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
}
