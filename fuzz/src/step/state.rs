//! A processor's state, derived from bytes.

use super::memory::{CODE, DESCRIPTORS, DIRECTORY, GDT, IDT, LDT, POINTERS, TSS};
use crate::bench::pick;
use arbitrary::Arbitrary;
use turtle86::{
    CpuState,
    arch::{AccessRights, Cr0, Cr4, DescriptorCache, Profile, SegmentDescriptor, SegmentSelector},
    mmu::{ControlRegisters, TableRegister},
};

#[derive(Arbitrary, Debug)]
enum Number {
    Raw(u32),
    /// Data below code.
    Data(u16),
    Code(u16),
    /// Near an edge of 16 or 32 bits.
    Edge(i8),
}
impl Number {
    fn value(&self) -> u32 {
        match *self {
            Number::Raw(value) => value,
            Number::Data(offset) => u32::from(offset) & 0x3fff,
            Number::Code(offset) => CODE + u32::from(offset & 0x1fff),
            Number::Edge(n) if n & 1 == 0 => n as i32 as u32,
            Number::Edge(n) => (n as i32 as u32) & 0xffff,
        }
    }
}

#[derive(Arbitrary, Debug)]
enum Segment {
    /// Of the size and privilege of the mode.
    Flat,
    /// As real mode loads it.
    Real(u16),
    /// As the table in memory has it.
    Loaded(u8),
    Null(u8),
    Raw {
        selector: u16,
        base: Number,
        limit: Number,
        rights: u16,
        usable: bool,
    },
}
#[derive(Arbitrary, Debug)]
enum Table {
    Usual,
    Limit(u16),
    Raw(Number, u16),
}
impl Table {
    fn register(&self, usual: TableRegister) -> TableRegister {
        match self {
            Table::Usual => usual,
            Table::Limit(limit) => TableRegister { limit: *limit, ..usual },
            Table::Raw(base, limit) => TableRegister { base: base.value(), limit: *limit },
        }
    }
}
#[derive(Arbitrary, Debug)]
enum Mode {
    Real,
    Protected,
    Paged,
    /// Bits that no MOV would let through.
    Raw(u32, u32),
}

#[derive(Arbitrary, Debug)]
pub struct State {
    mode: Mode,
    wide: bool,
    cpl: u8,
    cr0: u32,
    cr4: u32,
    cr3: u8,
    eflags: u32,
    eip: u16,
    gpr: [Number; 8],
    segments: [Segment; 6],
    gdtr: Table,
    idtr: Table,
    ldtr: Segment,
    tr: Segment,
    debug: [Number; 4],
    dr7: u32,
    /// Shadow, activity, NMI blocked, pending trap.
    between: u8,
}
impl State {
    pub fn of(&self, profile: &Profile, clean: CpuState) -> CpuState {
        let mut state = clean;
        let cpl = if matches!(self.mode, Mode::Real) { 0 } else { self.cpl & 3 };
        state.gpr = std::array::from_fn(|n| self.gpr[n].value());
        state.eflags = self.eflags;
        state.eip = if self.eip & 0x8000 == 0 { CODE + u32::from(self.eip & 0xfff) } else { u32::from(self.eip & 0x7fff) };
        state.shadow = self.between & 3;
        state.activity = pick(&[0, 0, 0, 1], self.between >> 2 & 3);
        state.nmi_blocked = self.between & 0x10 != 0;
        state.pending_trap = self.between & 0x20 != 0;
        state.debug[..4].copy_from_slice(&std::array::from_fn::<_, 4, _>(|n| self.debug[n].value()));
        state.debug[7] = self.dr7;
        state.mmu.cpl = cpl;
        state.mmu.control = self.control(profile);
        state.mmu.gdtr = self.gdtr.register(TableRegister { base: GDT, limit: 0x1ff });
        let idt = match self.mode {
            Mode::Real => TableRegister { base: 0, limit: 0x3ff },
            _ => TableRegister { base: IDT, limit: 0x7ff },
        };
        state.mmu.idtr = self.idtr.register(idt);
        let system = |segment: &Segment, selector: u16, kind: u64, base: u32, limit: u64| match segment {
            Segment::Flat | Segment::Real(_) => {
                DescriptorCache::new(SegmentSelector(selector), SegmentDescriptor(limit | u64::from(base) << 16 | kind << 40))
            }
            segment => self.cache(segment, 6, cpl),
        };
        state.mmu.ldtr = system(&self.ldtr, 0xb0, 0x82, LDT, 0x1ff);
        state.mmu.tr = system(&self.tr, 0xc0, 0x8b, TSS, 0xff);
        for (n, cache) in state.mmu.segments.iter_mut().enumerate() {
            *cache = self.cache(&self.segments[n], n, cpl);
        }
        state
    }
    fn control(&self, profile: &Profile) -> ControlRegisters {
        let own = Cr0(self.cr0 & (profile.cr0_writable.0 & !(Cr0::PE | Cr0::PG).0) | profile.cr0_fixed.0);
        let cr4 = Cr4(self.cr4 & profile.cr4.0);
        let (cr0, cr4) = match self.mode {
            Mode::Real => (own, cr4),
            Mode::Protected => (own | Cr0::PE, cr4),
            Mode::Paged => (own | Cr0::PE | Cr0::PG, cr4),
            Mode::Raw(cr0, cr4) => (Cr0(cr0), Cr4(cr4)),
        };
        let usual = if cr4.contains(Cr4::PAE) { POINTERS } else { DIRECTORY };
        let cr3 = if self.cr3 < 0xf0 { usual } else { u32::from(self.cr3 & 15) << 12 };
        let pointer = if self.cr3 & 1 == 0 { 0x1_6001 } else { u64::from(self.cr3) << 12 | 1 };
        ControlRegisters { cr0, cr2: 0, cr3, cr4, pdpte: [pointer, 0x1_6001, 0, 0x1_6001] }
    }
    fn cache(&self, segment: &Segment, n: usize, cpl: u8) -> DescriptorCache {
        match segment {
            Segment::Flat if matches!(self.mode, Mode::Real) => DescriptorCache::real_mode(0),
            Segment::Flat => {
                let index = if n == 1 { 1 } else { 2 } + if cpl == 3 { 2 } else { 0 } + if self.wide { 0 } else { 4 };
                let mut cache =
                    DescriptorCache::new(SegmentSelector(index << 3 | u16::from(cpl)), SegmentDescriptor(DESCRIPTORS[usize::from(index)]));
                cache.rights = AccessRights(cache.rights.0 & !0x60 | u16::from(cpl) << 5);
                cache
            }
            Segment::Real(selector) => DescriptorCache::real_mode(*selector),
            Segment::Loaded(index) => {
                let descriptor = SegmentDescriptor(pick(&DESCRIPTORS, *index)).with_accessed();
                DescriptorCache::new(SegmentSelector(u16::from(index & 31) << 3 | u16::from(cpl)), descriptor)
            }
            Segment::Null(selector) => DescriptorCache::null(SegmentSelector(u16::from(selector & 3))),
            Segment::Raw { selector, base, limit, rights, usable } => DescriptorCache {
                selector: SegmentSelector(*selector),
                base: base.value(),
                limit: limit.value(),
                rights: AccessRights(*rights),
                usable: *usable,
            },
        }
    }
}
