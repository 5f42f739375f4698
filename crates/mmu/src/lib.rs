//! Segmentation and paging: the one path of every load and store.
//!
//! `EffectiveAddress → LinearAddress` is [`Mmu::linear`] (and its slow twin, which says why not),
//! `LinearAddress → PhysicalAddress` is [`Mmu::translate`]. Both have a fast form that the instruction handlers inline:
//! it succeeds or does nothing at all, and the slow form then does everything: TLB fills, page-crossing accesses, devices,
//! pages that hold code, faults.

mod access;
mod control;
mod descriptors;
mod mode;
mod paging;
mod segment;
mod state;
mod tlb;
mod width;

pub use access::{MemoryAccess, Place};
pub use control::ControlRegisters;
pub use descriptors::TableRegister;
pub use mode::Mode;
pub use segment::Segment;
pub use state::{MmuCheckpoint, MmuState};
pub use tlb::{TLB_ENTRIES, TlbEntry, Translation};
pub use width::Width;

use access::Watch;
use mode::Contexts;
use tlb::Changed;
use turtle86_arch::{DescriptorCache, Features, LinearAddress, SegmentRegister};
use turtle86_bus::SystemBus;

/// The bits of a linear address that name its page.
pub const PAGE: u32 = !0xfff;

/// The memory management unit, and beneath it everything outside the processor.
pub struct Mmu {
    tlb: [TlbEntry; TLB_ENTRIES],
    /// Which entries the current privilege uses: 0, or [`tlb::USER_BANK`] at CPL 3 with paging on.
    bank: u32,
    /// Fast forms of the segment registers; 6 and 7 pad the encoding.
    segments: [Segment; 8],
    mode: Mode,
    /// Memory, devices, lines, time.
    pub bus: SystemBus,
    /// CR0, CR2, CR3, CR4 and the PDPTEs.
    pub control: ControlRegisters,
    /// GDTR.
    pub gdtr: TableRegister,
    /// IDTR.
    pub idtr: TableRegister,
    /// LDTR with its hidden part.
    pub ldtr: DescriptorCache,
    /// TR with its hidden part.
    pub tr: DescriptorCache,
    caches: [DescriptorCache; 6],
    cpl: u8,
    translations: Vec<Translation>,
    code_translations: Vec<Translation>,
    large_pages_cached: bool,
    changed: Changed,
    features: Features,
    physical_mask: u64,
    contexts: Contexts,
    watch: Watch,
    /// Translations changed: whatever was derived from linear addresses must be forgotten.
    pub translations_changed: bool,
    /// A translation of code made room for another since this was last cleared.
    pub code_evicted: bool,
}

impl Mmu {
    /// An MMU for a processor with `features` and `physical_bits` address lines, as after reset.
    pub fn new(bus: SystemBus, features: Features, physical_bits: u32) -> Mmu {
        Mmu {
            tlb: [TlbEntry::NONE; TLB_ENTRIES],
            bank: 0,
            segments: [Segment::NONE; 8],
            mode: Mode::default(),
            bus,
            control: ControlRegisters::default(),
            gdtr: TableRegister::default(),
            idtr: TableRegister::default(),
            ldtr: DescriptorCache::default(),
            tr: DescriptorCache::default(),
            caches: [DescriptorCache::real_mode(0); 6],
            cpl: 0,
            translations: vec![Translation::NONE; TLB_ENTRIES],
            code_translations: vec![Translation::NONE; tlb::CODE_ENTRIES],
            large_pages_cached: false,
            changed: Changed::default(),
            features,
            physical_mask: (1 << physical_bits) - 1,
            contexts: Contexts::default(),
            watch: Watch::default(),
            translations_changed: true,
            code_evicted: false,
        }
    }

    /// The current privilege level.
    #[inline]
    pub fn cpl(&self) -> u8 {
        self.cpl
    }
    /// Changes the current privilege level.
    pub fn set_cpl(&mut self, cpl: u8) {
        self.cpl = cpl;
        self.privilege_changed();
    }
    /// A segment register with its hidden part.
    #[inline]
    pub fn segment(&self, register: SegmentRegister) -> &DescriptorCache {
        &self.caches[register as usize]
    }
    /// The features that it was built with.
    pub fn features(&self) -> Features {
        self.features
    }
    /// Watches accesses to these linear addresses; they are noted in [`Mmu::take_watched`].
    pub fn watch(&mut self, ranges: Vec<(LinearAddress, LinearAddress)>) {
        self.watch.ranges = ranges;
        self.watch.seen.clear();
        // Only the fast forms: which translations are cached is state, and watching changes none.
        self.remap();
    }
    /// The watched accesses since the last call.
    pub fn take_watched(&mut self) -> Vec<MemoryAccess> {
        std::mem::take(&mut self.watch.seen)
    }
}
