//! A machine of RAM alone, its model beside it, and random page tables for both.

use crate::model::pages::{Access, Paging, Processor};
use crate::model::{Exception, Memory};
use proptest::prelude::*;
use turtle86_arch::{AccessKind, Cr0, Cr4, Exception as Raised, Fault, Features, LinearAddress, PhysicalAddress};
use turtle86_bus::{MemoryMap, SystemBus};
use turtle86_mmu::{ControlRegisters, Mmu};

pub const PE: u32 = 1 << 0;
pub const WP: u32 = 1 << 16;
pub const NW: u32 = 1 << 29;
pub const CD: u32 = 1 << 30;
pub const PG: u32 = 1 << 31;
pub const PSE: u32 = 1 << 4;
pub const PAE: u32 = 1 << 5;
pub const PGE: u32 = 1 << 7;

/// A little above 1 MiB, so that A20 has something to fold.
pub const RAM: usize = 0x11_0000;
/// Pages that hold page tables, of all levels at once; some differ only in address line 20.
pub const TABLES: [u64; 6] = [1, 2, 3, 4, 0x101, 0x102];
/// Where a PAE table of four pointers lies in its page.
pub const POINTERS: u32 = 0x40;

/// `default` cases, unless the environment asks for another number.
pub fn cases(default: u32) -> ProptestConfig {
    let chosen = std::env::var_os("PROPTEST_CASES").is_some();
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if chosen { config } else { ProptestConfig { cases: default, ..config } }
}

pub fn exception(fault: Fault) -> Exception {
    match fault.exception() {
        Raised::InvalidTss(code) => Exception::Ts(code.0),
        Raised::SegmentNotPresent(code) => Exception::Np(code.0),
        Raised::StackFault(code) => Exception::Ss(code.0),
        Raised::GeneralProtection(code) => Exception::Gp(code.0),
        Raised::PageFault(code, at) => Exception::Pf(code.0, at.0),
        other => panic!("{other} has no place here"),
    }
}
pub fn kind(access: Access) -> AccessKind {
    match access {
        Access::Read => AccessKind::Read,
        Access::Write => AccessKind::Write,
        Access::Fetch => AccessKind::Execute,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chip {
    I386,
    I386Sx,
    I486,
    Pentium,
    Pse36,
    PentiumPro,
}
impl Chip {
    pub fn features(self) -> Features {
        let pentium = Features::I486 | Features::CR4 | Features::PSE | Features::PF_RSVD;
        match self {
            Chip::I386 | Chip::I386Sx => Features::empty(),
            Chip::I486 => Features::I486,
            Chip::Pentium => pentium,
            Chip::Pse36 => pentium | Features::PGE | Features::PSE36,
            Chip::PentiumPro => pentium | Features::PGE | Features::PAE,
        }
    }
    pub fn processor(self) -> Processor {
        Processor {
            has_wp: !matches!(self, Chip::I386 | Chip::I386Sx),
            has_pse36: self == Chip::Pse36,
            reports_reserved: matches!(self, Chip::Pentium | Chip::Pse36 | Chip::PentiumPro),
            address_bits: match self {
                Chip::I386Sx => 24,
                Chip::Pse36 | Chip::PentiumPro => 36,
                _ => 32,
            },
        }
    }
    /// The bits of CR4 that it has.
    pub fn cr4(self) -> u32 {
        match self {
            Chip::I386 | Chip::I386Sx | Chip::I486 => 0,
            Chip::Pentium => PSE,
            Chip::Pse36 => PSE | PGE,
            Chip::PentiumPro => PSE | PAE | PGE,
        }
    }
}
pub fn chip() -> impl Strategy<Value = Chip> {
    prop_oneof![
        1 => Just(Chip::I386),
        1 => Just(Chip::I386Sx),
        1 => Just(Chip::I486),
        2 => Just(Chip::Pentium),
        2 => Just(Chip::Pse36),
        4 => Just(Chip::PentiumPro),
    ]
}

/// Page numbers: mostly tables and RAM.
pub fn frame() -> impl Strategy<Value = u64> {
    prop_oneof![
        6 => (0..TABLES.len()).prop_map(|i| TABLES[i]),
        4 => 0..RAM as u64 >> 12,
        1 => any::<u64>().prop_map(|n| n >> 40),
    ]
}
/// An entry for any level and format: mostly present and permissive, sometimes with a stray bit that may be reserved.
pub fn entry() -> impl Strategy<Value = u64> {
    let stray = prop_oneof![12 => Just(0u64), 1 => (12..64u32).prop_map(|bit| 1 << bit)];
    (any::<u32>(), frame(), stray).prop_map(|(noise, frame, stray)| {
        let flag = |number: u32, set: bool| if set { 1u64 << number } else { 0 };
        let field = |shift: u32, mask: u32| noise >> shift & mask;
        let large = field(8, 7) == 0;
        let frame = if large && field(11, 15) != 0 { frame & !0x3ff } else { frame };
        flag(0, field(0, 15) != 0)
            | flag(1, field(4, 3) != 0)
            | flag(2, field(6, 3) != 0)
            | flag(7, large)
            | u64::from(field(15, 0x7f)) << 3 & 0x78
            | u64::from(field(22, 15)) << 8
            | frame << 12
            | stray
    })
}
/// The slots of a table that get entries: both ends, so that neighbours in the address space are mapped.
pub fn table_slots(pae: bool) -> [u64; 5] {
    if pae { [0, 1, 2, 0x1fe, 0x1ff] } else { [0, 1, 2, 0x3fe, 0x3ff] }
}
/// A pointer of PAE: mostly valid.
pub fn pointer() -> impl Strategy<Value = u64> {
    let stray = prop_oneof![40 => Just(0u64), 1 => (0..64u32).prop_map(|bit| 1 << bit)];
    (frame(), prop_oneof![9 => Just(1u64), 1 => Just(0u64)], 0..8u64, stray)
        .prop_map(|(frame, present, ignored, stray)| frame << 12 & 0xf_ffff_f000 | ignored << 9 | present | stray)
}

/// A place in the linear address space that some of the filled table slots map.
#[derive(Clone, Copy, Debug)]
pub struct Spot(u8, u8, u8, u16);
impl Spot {
    pub fn linear(self, pae: bool) -> u32 {
        let slots = table_slots(pae);
        let (first, second) = (slots[usize::from(self.1 % 5)] as u32, slots[usize::from(self.2 % 5)] as u32);
        let offset = u32::from(self.3 & 0xfff);
        if pae { u32::from(self.0 & 3) << 30 | first << 21 | second << 12 | offset } else { first << 22 | second << 12 | offset }
    }
}
pub fn spot() -> impl Strategy<Value = Spot> {
    let offset = prop_oneof![3 => 0xffd..0x1000u16, 1 => Just(0u16), 1 => any::<u16>()];
    (any::<u8>(), any::<u8>(), any::<u8>(), offset).prop_map(|(a, b, c, d)| Spot(a, b, c, d))
}

#[derive(Clone, Debug)]
pub struct Setup {
    pub chip: Chip,
    pub cr0: u32,
    pub cr3: u32,
    pub cr4: u32,
    pub pdpte: [u64; 4],
    pub entries: Vec<u64>,
    pub a20: bool,
}
pub fn setup() -> impl Strategy<Value = Setup> {
    let registers = (any::<bool>(), any::<u32>(), prop_oneof![4 => Just(1u32), 1 => Just(0x101)], prop::bool::weighted(0.8));
    (chip(), registers, prop::array::uniform4(pointer()), prop::collection::vec(entry(), TABLES.len() * 5)).prop_map(
        |(chip, (wp, cr4, root, a20), pdpte, entries)| Setup {
            chip,
            cr0: PE | PG | if wp { WP } else { 0 },
            // The bits below a table's alignment are ignored, as are PWT and PCD.
            cr3: root << 12 | POINTERS | cr4 >> 8 & 0x1f,
            cr4: cr4 & chip.cr4(),
            pdpte: pdpte.map(|pointer| if pointer & 1 != 0 { pointer & 0xf_ffff_fe19 } else { pointer }),
            entries,
            a20,
        },
    )
}

pub fn mmu_of(chip: Chip, memory: &Memory) -> Mmu {
    let map = MemoryMap { ram: memory.0.len() as u64, ..MemoryMap::default() };
    let mut mmu = Mmu::new(SystemBus::new(&map, vec![], 1_000_000).unwrap(), chip.features(), chip.processor().address_bits);
    mmu.bus.memory.ram_mut().copy_from_slice(&memory.0);
    mmu
}

/// The library and its model, in the same state.
pub struct Rig {
    pub chip: Chip,
    pub mmu: Mmu,
    pub paging: Paging,
    pub memory: Memory,
}
impl Rig {
    pub fn new(setup: &Setup) -> Rig {
        let paging = Paging {
            processor: setup.chip.processor(),
            cr0: setup.cr0,
            cr3: setup.cr3,
            cr4: setup.cr4,
            pdpte: setup.pdpte,
            a20: setup.a20,
        };
        let mut memory = Memory(vec![0; RAM]);
        // Every dword of data says where it lies.
        for (i, word) in memory.0.chunks_exact_mut(4).enumerate() {
            word.copy_from_slice(&(i as u32).wrapping_mul(0x9e37_79b1).to_le_bytes());
        }
        let pae = setup.cr4 & PAE != 0;
        for page in TABLES {
            memory.0[page as usize * 4096..][..4096].fill(0);
        }
        for (i, entry) in setup.entries.iter().enumerate() {
            let at = (TABLES[i / 5] << 12) + table_slots(pae)[i % 5] * if pae { 8 } else { 4 };
            memory.set_number(at, if pae { 8 } else { 4 }, *entry);
        }
        if pae {
            for (i, pointer) in setup.pdpte.iter().enumerate() {
                memory.set_number(u64::from(setup.cr3 & !0x1f) + 8 * i as u64, 8, *pointer);
            }
        }
        let mut mmu = mmu_of(setup.chip, &memory);
        mmu.bus.lines.a20 = setup.a20;
        mmu.restore_control(registers(&paging), 0);
        Rig { chip: setup.chip, mmu, paging, memory }
    }
    pub fn pae(&self) -> bool {
        self.paging.cr4 & PAE != 0
    }
    pub fn same_memory(&self) -> bool {
        self.mmu.bus.memory.ram() == self.memory.0
    }
    pub fn set_a20(&mut self, open: bool) {
        self.paging.a20 = open;
        self.mmu.bus.lines.a20 = open;
        self.mmu.remap();
    }
}
pub fn registers(paging: &Paging) -> ControlRegisters {
    ControlRegisters { cr0: Cr0(paging.cr0), cr2: 0, cr3: paging.cr3, cr4: Cr4(paging.cr4), pdpte: paging.pdpte }
}

/// How an access goes to the library.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    Translate(Access),
    Load(u32),
    Store(u32, u32),
    /// A check for writing, a look at the value, a store.
    ReadModifyWrite(u32, u32),
}
impl Form {
    pub fn size(self) -> u32 {
        match self {
            Form::Translate(_) => 1,
            Form::Load(size) | Form::Store(size, _) | Form::ReadModifyWrite(size, _) => size,
        }
    }
    pub fn access(self) -> Access {
        match self {
            Form::Translate(access) => access,
            Form::Load(_) => Access::Read,
            Form::Store(..) | Form::ReadModifyWrite(..) => Access::Write,
        }
    }
}
pub fn form() -> impl Strategy<Value = Form> {
    let size = || prop_oneof![Just(1u32), Just(2), Just(4)];
    prop_oneof![
        prop_oneof![Just(Access::Read), Just(Access::Write), Just(Access::Fetch)].prop_map(Form::Translate),
        size().prop_map(Form::Load),
        (size(), any::<u32>()).prop_map(|(size, value)| Form::Store(size, value)),
        (size(), any::<u32>()).prop_map(|(size, value)| Form::ReadModifyWrite(size, value)),
    ]
}
/// Who accesses: a privilege level, or the processor itself while it runs at that level.
#[derive(Clone, Copy, Debug)]
pub struct Who {
    pub cpl: u8,
    pub system: bool,
}
impl Who {
    pub fn user(self) -> bool {
        self.cpl == 3 && !self.system
    }
}
pub fn who() -> impl Strategy<Value = Who> {
    (prop_oneof![3 => Just(3u8), 2 => Just(0u8), 1 => 1..3u8], prop::bool::weighted(0.15)).prop_map(|(cpl, system)| Who { cpl, system })
}

macro_rules! sized {
    ($size:expr, $width:ident => $body:expr) => {
        match $size {
            1 => {
                type $width = u8;
                $body
            }
            2 => {
                type $width = u16;
                $body
            }
            _ => {
                type $width = u32;
                $body
            }
        }
    };
}

/// What an access answers: a physical address, or the value that was there.
pub fn perform(mmu: &mut Mmu, linear: u32, form: Form, who: Who) -> Result<u64, Exception> {
    use turtle86_mmu::Width;
    mmu.set_cpl(who.cpl);
    let answer = match form {
        Form::Translate(access) => {
            let linear = LinearAddress(linear);
            let answer = if who.system { mmu.translate_system(linear, kind(access)) } else { mmu.translate(linear, kind(access)) };
            answer.map(|PhysicalAddress(at)| at)
        }
        Form::Load(size) => sized!(size, W => {
            let value = if who.system { mmu.load_system::<W>(linear) } else { mmu.load_checked::<W>(linear) };
            value.map(u64::from)
        }),
        Form::Store(size, value) => sized!(size, W => {
            let stored = if who.system { mmu.store_system(linear, W::of(value)) } else { mmu.store_checked(linear, W::of(value)) };
            stored.map(|()| 0)
        }),
        Form::ReadModifyWrite(size, value) => sized!(size, W => {
            let place = if who.system { mmu.place_system::<W>(linear) } else { mmu.place_checked::<W>(linear) };
            place.map(|place| {
                let before: W = mmu.peek_checked(place);
                mmu.poke_checked(place, W::of(value));
                u64::from(before)
            })
        }),
    };
    answer.map_err(exception)
}
/// The same of the model without a TLB.
pub fn expect(paging: &Paging, memory: &mut Memory, linear: u32, form: Form, who: Who) -> Result<u64, Exception> {
    match form {
        Form::Translate(access) => paging.translate(memory, linear, access, who.user()),
        Form::Load(size) => paging.load(memory, linear, size, who.user()).map(u64::from),
        Form::Store(size, value) => paging.store(memory, linear, size, value, who.user()).map(|()| 0),
        Form::ReadModifyWrite(size, value) => {
            // A write to the tables by the access itself comes after its own look.
            let bytes = paging.spans(memory, linear, size, Access::Write, who.user())?;
            let mut before = 0;
            for (i, at) in bytes.iter().enumerate() {
                before += u64::from(memory.byte(*at)) << (8 * i);
            }
            for (i, at) in bytes.iter().enumerate() {
                memory.set_byte(*at, (value >> (8 * i)) as u8);
            }
            Ok(before)
        }
    }
}
