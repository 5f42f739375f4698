//! Random page tables under random accesses, against the slow model of the MMU's tests.
//!
//! An access must do what the tables in memory say, or what a translation says that a TLB may still hold; the model keeps all of
//! those. At the end, with the TLB emptied, only the tables answer.

use crate::{
    bench::{Pool, with},
    model::{
        Exception, Memory,
        pages::{Access, History, Paging, Processor, Translation},
    },
};
use arbitrary::{Arbitrary, Unstructured};
use turtle86::{
    arch::{AccessKind, Cr0, Cr4, Exception as Raised, Fault, Features, LinearAddress, PhysicalAddress},
    bus::{MemoryMap, SystemBus},
    mmu::{ControlRegisters, Mmu, Width},
};

const RAM: usize = 64 << 10;
const PE: u32 = 1 << 0;
const WP: u32 = 1 << 16;
const NW: u32 = 1 << 29;
const CD: u32 = 1 << 30;
const PG: u32 = 1 << 31;
const PSE: u32 = 1 << 4;
const PAE: u32 = 1 << 5;
const PGE: u32 = 1 << 7;
/// Pages that hold page tables, of all levels at once.
const TABLES: u64 = 4;
/// Where a PAE table of four pointers lies in its page.
const POINTERS: u32 = 0x40;
const MOST_STEPS: usize = 100;

#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Chip {
    I386,
    I386Sx,
    I486,
    Pentium,
    Pse36,
    PentiumPro,
}
impl Chip {
    fn features(self) -> Features {
        let pentium = Features::I486 | Features::CR4 | Features::PSE | Features::PF_RSVD;
        match self {
            Chip::I386 | Chip::I386Sx => Features::empty(),
            Chip::I486 => Features::I486,
            Chip::Pentium => pentium,
            Chip::Pse36 => pentium | Features::PGE | Features::PSE36,
            Chip::PentiumPro => pentium | Features::PGE | Features::PAE,
        }
    }
    fn processor(self) -> Processor {
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
    fn cr4(self) -> u32 {
        match self {
            Chip::I386 | Chip::I386Sx | Chip::I486 => 0,
            Chip::Pentium => PSE,
            Chip::Pse36 => PSE | PGE,
            Chip::PentiumPro => PSE | PAE | PGE,
        }
    }
}

/// An entry of any level and format, in a form in which sensible ones are common.
#[derive(Arbitrary, Clone, Copy, Debug)]
struct Entry {
    flags: u16,
    frame: u8,
    stray: u8,
}
impl Entry {
    fn value(self) -> u64 {
        let frame = match self.frame {
            // RAM and the tables in it; with A20 closed, the second MiB is the first; a large page; nothing.
            n @ 0..0xc0 => u64::from(n & 15),
            n @ 0xc0..0xe0 => 0x100 | u64::from(n & 15),
            n @ 0xe0..0xf0 => u64::from(n & 3) << 9,
            n => u64::from(n) << 12,
        };
        let stray = if self.stray & 0xc0 == 0xc0 { 1 << (self.stray & 63) } else { 0 };
        u64::from(self.flags & 0xfff) | frame << 12 | stray
    }
}
/// A linear address that the filled slots of some tables map.
#[derive(Arbitrary, Clone, Copy, Debug)]
struct Spot {
    slots: u8,
    offset: u8,
}
impl Spot {
    fn linear(self, pae: bool) -> u32 {
        let slots = slots(pae);
        let [pointer, first, second] = [self.slots >> 6, self.slots >> 3 & 7, self.slots & 7];
        let [first, second] = [first, second].map(|n| slots[usize::from(n) % slots.len()] as u32);
        // The first bytes of the page, or the last.
        let offset = if self.offset & 0x80 == 0 { u32::from(self.offset) } else { 0xf00 | u32::from(self.offset) };
        if pae { u32::from(pointer) << 30 | first << 21 | second << 12 | offset } else { first << 22 | second << 12 | offset }
    }
}
/// The slots of each table that get entries: both ends, so that neighbours in the address space are mapped.
fn slots(pae: bool) -> [u64; 4] {
    if pae { [0, 1, 0x1fe, 0x1ff] } else { [0, 1, 0x3fe, 0x3ff] }
}

/// How an access goes to the library.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Form {
    Read,
    Write,
    Fetch,
    Load(Size),
    Store(Size, u32),
    /// A check for writing, a look at the value, a store.
    ReadModifyWrite(Size, u32),
}
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Size {
    Byte,
    Word,
    Dword,
}
impl Size {
    fn bytes(self) -> u32 {
        1 << self as u32
    }
}
impl Form {
    fn access(self) -> Access {
        match self {
            Form::Read | Form::Load(_) => Access::Read,
            Form::Write | Form::Store(..) | Form::ReadModifyWrite(..) => Access::Write,
            Form::Fetch => Access::Fetch,
        }
    }
}
/// Who accesses: a privilege level, or the processor itself while it runs at that level.
#[derive(Arbitrary, Clone, Copy, Debug)]
struct Who {
    cpl: u8,
    system: bool,
}
impl Who {
    fn user(self) -> bool {
        self.cpl & 3 == 3 && !self.system
    }
}

#[derive(Arbitrary, Debug)]
enum Step {
    Access(Spot, Form, Who),
    /// Again, where the last access was.
    Again(Form, Who),
    /// Software writes an entry: table, slot.
    Edit(u8, u8, Entry),
    Invalidate(Spot),
    Flush(bool),
    MovCr0(u8),
    MovCr3(u8),
    MovCr4(u8),
    A20(bool),
    SaveAndLoad,
}

/// How an access may have gone, page by page: what it did to the tables, where it went, what it walked.
#[derive(Clone)]
struct Way {
    memory: Memory,
    places: Vec<u64>,
    walked: Vec<Translation>,
    fault: Option<Exception>,
}
struct Rig {
    mmu: Mmu,
    paging: Paging,
    memory: Memory,
    history: History,
    chip: Chip,
}
thread_local! {
    /// Every dword behind the tables says where it lies.
    static DATA: Memory = Memory((0..RAM as u32).flat_map(|at| match at {
        at if at % 4 != 0 => [].as_slice().to_vec(),
        at if u64::from(at >> 12) <= TABLES => vec![0; 4],
        at => (at >> 2).wrapping_mul(0x9e37_79b1).to_le_bytes().to_vec(),
    }).collect());
    static MMUS: Pool<Chip, Option<Mmu>> = Pool::default();
}

/// Runs one input.
pub fn run(data: &[u8]) {
    let mut data = Unstructured::new(data);
    let Ok(chip) = Chip::arbitrary(&mut data) else { return };
    with(
        &MMUS,
        chip,
        |chip| Some(mmu_of(*chip)),
        |place| {
            let mmu = place.take().unwrap_or_else(|| mmu_of(chip));
            if let Ok(mut rig) = Rig::new(chip, mmu, &mut data) {
                // An input that ends early is a shorter one.
                let _ = rig.go(&mut data);
                *place = Some(rig.mmu);
            }
        },
    );
}
fn mmu_of(chip: Chip) -> Mmu {
    let map = MemoryMap { ram: RAM as u64, ..MemoryMap::default() };
    let bus = SystemBus::new(&map, vec![], 1_000_000).unwrap_or_else(|error| panic!("{error}"));
    Mmu::new(bus, chip.features(), chip.processor().address_bits)
}

impl Rig {
    fn new(chip: Chip, mmu: Mmu, data: &mut Unstructured) -> arbitrary::Result<Rig> {
        let [options, cr4, root] = <[u8; 3]>::arbitrary(data)?;
        let mut paging = Paging {
            processor: chip.processor(),
            cr0: PE | PG | if options & 1 != 0 { WP } else { 0 },
            // The bits below a table's alignment are ignored, as are PWT and PCD.
            cr3: (1 + u32::from(root) % TABLES as u32) << 12 | POINTERS | u32::from(root) >> 3 & 0x1f,
            cr4: u32::from(cr4) & chip.cr4(),
            pdpte: [0; 4],
            a20: options & 2 == 0,
        };
        let mut memory = DATA.with(Clone::clone);
        let pae = paging.cr4 & PAE != 0;
        let wide = if pae { 8 } else { 4 };
        for table in 1..=TABLES {
            for slot in slots(pae) {
                memory.set_number((table << 12) + slot * wide, wide, Entry::arbitrary(data)?.value());
            }
        }
        if pae {
            for n in 0..4 {
                let value = Entry::arbitrary(data)?.value();
                let (at, kept) = (u64::from(paging.cr3 & !0x1f) + 8 * n as u64, if options & 4 == 0 { 0xf_ffff_fe19 } else { !0 });
                memory.set_number(at, 8, value & kept);
                paging.pdpte[n] = value & 0xf_ffff_fe19;
            }
        }
        let mut rig = Rig { mmu, paging, memory, history: History::default(), chip };
        rig.mmu.bus.memory.ram_mut().copy_from_slice(&rig.memory.0);
        rig.mmu.bus.lines.a20 = rig.paging.a20;
        rig.mmu.restore_control(rig.registers(), 0);
        Ok(rig)
    }
    fn registers(&self) -> ControlRegisters {
        let paging = &self.paging;
        ControlRegisters { cr0: Cr0(paging.cr0), cr2: 0, cr3: paging.cr3, cr4: Cr4(paging.cr4), pdpte: paging.pdpte }
    }
    fn pae(&self) -> bool {
        self.paging.cr4 & PAE != 0
    }

    fn go(&mut self, data: &mut Unstructured) -> arbitrary::Result<()> {
        let mut visited: Vec<(Spot, Form, Who)> = Vec::new();
        for _ in 0..MOST_STEPS {
            if data.is_empty() {
                break;
            }
            match Step::arbitrary(data)? {
                Step::Access(spot, form, who) => visited.push((spot, form, who)),
                Step::Again(form, who) => {
                    let Some((spot, ..)) = visited.last() else { continue };
                    visited.push((*spot, form, who));
                }
                step => {
                    self.apply(&step);
                    continue;
                }
            }
            if let Some((spot, form, who)) = visited.last() {
                self.access(spot.linear(self.pae()), *form, *who);
            }
        }
        for (spot, form, who) in visited.into_iter().rev().take(16) {
            self.mmu.flush_tlb(true);
            self.history.flush(true);
            self.access(spot.linear(self.pae()), form, who);
        }
        Ok(())
    }

    /// An access must do what the tables in memory say, or what a translation says that may still be cached.
    fn access(&mut self, linear: u32, form: Form, who: Who) {
        self.fast_forms(linear, who);
        let got = perform(&mut self.mmu, linear, form, who);
        if !self.as_the_tables_say(linear, form, who, &got) {
            self.answer_cached(linear, form, who, &got);
        }
        // "Operations that Invalidate TLBs": a page fault forgets its page, so that it does not recur without a cause in memory.
        if let Err(Exception::Pf(_, at)) = got {
            self.history.invalidate(at);
        }
    }
    /// The common case, without a choice: one page, and what a processor without a TLB would do.
    fn as_the_tables_say(&mut self, linear: u32, form: Form, who: Who, got: &Result<u64, Exception>) -> bool {
        if linear % 4096 + form.size() > 4096 {
            return false;
        }
        let mut memory = self.memory.clone();
        let translation = match self.paging.enabled() {
            true => Some(self.paging.translate_afresh(&mut memory, linear, form.access(), who.user())),
            false => None,
        };
        let answer = match &translation {
            Some(Err(exception)) => Err(*exception),
            Some(Ok(translation)) => Ok(self.paging.physical(translation, linear)),
            None => Ok(self.paging.on_the_bus(linear.into())),
        };
        let bytes = |at: u64| (at..at + u64::from(form.size())).collect::<Vec<_>>();
        let same = *got == answer.map(|at| move_bytes(&mut memory, &bytes(at), form)) && self.mmu.bus.memory.ram() == memory.0;
        if same {
            self.memory = memory;
            translation.into_iter().flatten().for_each(|translation| self.history.remember(translation));
        }
        same
    }
    /// Each page of the access answered from the tables or from a translation since the last invalidation.
    fn answer_cached(&mut self, linear: u32, form: Form, who: Who, got: &Result<u64, Exception>) {
        let second = linear.wrapping_add(form.size() - 1);
        let pages = if linear >> 12 == second >> 12 { vec![linear] } else { vec![linear, second & !0xfff] };
        let mut ways = vec![Way { memory: self.memory.clone(), places: Vec::new(), walked: Vec::new(), fault: None }];
        for page in pages {
            ways = ways.into_iter().flat_map(|way| self.go_on(way, page, form.access(), who.user())).collect();
        }
        let (mut tried, mut found) = (Vec::new(), None);
        for mut way in ways {
            let answer = match way.fault {
                Some(exception) => Err(exception),
                None => {
                    let in_first = 4096 - linear % 4096;
                    let byte = |i: u32| if i < in_first { way.places[0] + u64::from(i) } else { way.places[1] + u64::from(i - in_first) };
                    Ok(move_bytes(&mut way.memory, &(0..form.size()).map(byte).collect::<Vec<_>>(), form))
                }
            };
            if *got == answer && self.mmu.bus.memory.ram() == way.memory.0 {
                // Several ways may look alike: what any of them walked may be cached.
                way.walked.into_iter().for_each(|translation| self.history.remember(translation));
                found = Some(way.memory);
            }
            tried.push(answer);
        }
        match found {
            Some(memory) => self.memory = memory,
            None => panic!("{linear:08x} {form:?} {who:?} on {:?}: {got:x?}, and it may be {tried:x?}", self.chip),
        }
    }
    /// The next page of an access, from each translation that answers and from the tables.
    fn go_on(&self, way: Way, page: u32, access: Access, user: bool) -> Vec<Way> {
        if way.fault.is_some() {
            return vec![way];
        }
        let at = |at: u64| [way.places.as_slice(), &[at]].concat();
        if !self.paging.enabled() {
            let places = at(self.paging.on_the_bus(page.into()));
            return vec![Way { places, ..way }];
        }
        let cached = self.history.0.iter().filter_map(|t| self.paging.answer(t, page, access, user));
        let mut ways: Vec<Way> = cached.map(|answer| Way { places: at(answer), ..way.clone() }).collect();
        let mut memory = way.memory.clone();
        ways.push(match self.paging.translate_afresh(&mut memory, page, access, user) {
            Ok(translation) => {
                let (places, walked) = (at(self.paging.physical(&translation, page)), [way.walked.as_slice(), &[translation]].concat());
                Way { memory, places, walked, fault: None }
            }
            Err(exception) => Way { fault: Some(exception), ..way },
        });
        ways
    }
    /// The inlined forms answer only from what may be cached.
    fn fast_forms(&mut self, linear: u32, who: Who) {
        self.mmu.set_cpl(who.cpl & 3);
        let user = who.cpl & 3 == 3;
        let may = |access| -> Vec<u64> {
            if !self.paging.enabled() {
                return vec![self.paging.on_the_bus(linear.into())];
            }
            self.history.0.iter().filter_map(|t| self.paging.answer(t, linear, access, user)).collect()
        };
        if let Some(value) = self.mmu.load::<u32>(linear) {
            assert!(may(Access::Read).iter().any(|at| self.memory.number(*at, 4) == u64::from(value)), "a fast load at {linear:08x}");
        }
        if let Some(offset) = self.mmu.place::<u32>(linear) {
            assert!(may(Access::Write).contains(&u64::from(offset)), "a fast store at {linear:08x}");
        }
    }

    fn apply(&mut self, step: &Step) {
        match *step {
            Step::Edit(table, slot, entry) => {
                let size = if self.pae() { 8 } else { 4 };
                let slots = slots(self.pae());
                let at = ((1 + u64::from(table) % TABLES) << 12) + slots[usize::from(slot) % slots.len()] * size;
                self.memory.set_number(at, size, entry.value());
                self.mmu.bus.memory.ram_mut().copy_from_slice(&self.memory.0);
            }
            Step::Invalidate(spot) => {
                let linear = spot.linear(self.pae());
                self.mmu.invalidate_page(linear);
                self.history.invalidate(linear);
            }
            Step::Flush(global_too) => {
                self.mmu.flush_tlb(global_too);
                self.history.flush(global_too);
            }
            Step::MovCr0(bits) => self.move_cr0([WP, PG, CD, NW][usize::from(bits & 3)]),
            Step::MovCr3(root) => self.move_cr3((1 + u32::from(root) % TABLES as u32) << 12 | POINTERS),
            Step::MovCr4(bits) => self.move_cr4(u32::from(bits) & self.chip.cr4()),
            Step::A20(open) => {
                self.paging.a20 = open;
                self.mmu.bus.lines.a20 = open;
                self.mmu.remap();
            }
            Step::SaveAndLoad => {
                let state = self.mmu.state();
                self.mmu.set_state(&state);
                assert_eq!(self.mmu.state(), state);
            }
            Step::Access(..) | Step::Again(..) => {}
        }
    }
    fn move_cr0(&mut self, change: u32) {
        let value = self.paging.cr0 ^ change;
        let expected = self.paging.mov_cr0(&self.memory, value);
        self.moves(expected, |mmu| mmu.set_cr0(Cr0(value)));
        if expected.is_ok() && change == PG {
            self.history.flush(true);
        }
    }
    fn move_cr3(&mut self, value: u32) {
        let expected = self.paging.mov_cr3(&self.memory, value);
        self.moves(expected, |mmu| mmu.set_cr3(value));
        if expected.is_ok() {
            self.history.flush(false);
        }
    }
    fn move_cr4(&mut self, change: u32) {
        let value = self.paging.cr4 ^ change;
        let expected = self.paging.mov_cr4(&self.memory, value);
        self.moves(expected, |mmu| mmu.set_cr4(Cr4(value)));
        if expected.is_ok() && change != 0 {
            self.history.flush(true);
        }
    }
    /// Both accept it and have the same registers then, or neither and nothing changes.
    fn moves(&mut self, expected: Result<(), Exception>, load: impl FnOnce(&mut Mmu) -> Result<(), Fault>) {
        let before = expected.is_err().then(|| self.mmu.state());
        assert_eq!(load(&mut self.mmu).map_err(exception), expected);
        assert_eq!(self.mmu.control, self.registers());
        assert!(self.mmu.bus.memory.ram() == self.memory.0);
        if let Some(before) = before {
            assert_eq!(self.mmu.state(), before);
        }
    }
}

impl Form {
    fn size(self) -> u32 {
        match self {
            Form::Read | Form::Write | Form::Fetch => 1,
            Form::Load(size) | Form::Store(size, _) | Form::ReadModifyWrite(size, _) => size.bytes(),
        }
    }
}
/// Loads and stores, once it is known where each byte lies.
fn move_bytes(memory: &mut Memory, bytes: &[u64], form: Form) -> u64 {
    let before = || bytes.iter().rev().fold(0, |value, at| value << 8 | u64::from(memory.byte(*at)));
    let (answer, value) = match form {
        Form::Read | Form::Write | Form::Fetch => (bytes[0], None),
        Form::Load(_) => (before(), None),
        Form::Store(_, value) => (0, Some(value)),
        Form::ReadModifyWrite(_, value) => (before(), Some(value)),
    };
    if let Some(value) = value {
        for (i, at) in bytes.iter().enumerate() {
            memory.set_byte(*at, (value >> (8 * i)) as u8);
        }
    }
    answer
}

fn exception(fault: Fault) -> Exception {
    match fault.exception() {
        Raised::GeneralProtection(code) => Exception::Gp(code.0),
        Raised::PageFault(code, at) => Exception::Pf(code.0, at.0),
        other => panic!("{other} of an access or a control register"),
    }
}

/// What the library makes of it: a physical address, or the value that was there.
fn perform(mmu: &mut Mmu, linear: u32, form: Form, who: Who) -> Result<u64, Exception> {
    mmu.set_cpl(who.cpl & 3);
    let translate = |mmu: &mut Mmu, kind| {
        let at = LinearAddress(linear);
        let answer = if who.system { mmu.translate_system(at, kind) } else { mmu.translate(at, kind) };
        answer.map(|PhysicalAddress(at)| at)
    };
    let answer = match form {
        Form::Read => translate(mmu, AccessKind::Read),
        Form::Write => translate(mmu, AccessKind::Write),
        Form::Fetch => translate(mmu, AccessKind::Execute),
        Form::Load(size) | Form::Store(size, _) | Form::ReadModifyWrite(size, _) => match size {
            Size::Byte => sized::<u8>(mmu, linear, form, who),
            Size::Word => sized::<u16>(mmu, linear, form, who),
            Size::Dword => sized::<u32>(mmu, linear, form, who),
        },
    };
    answer.map_err(exception)
}
fn sized<W: Width>(mmu: &mut Mmu, linear: u32, form: Form, who: Who) -> Result<u64, Fault> {
    match form {
        Form::Store(_, value) if who.system => mmu.store_system(linear, W::of(value)).map(|()| 0),
        Form::Store(_, value) => mmu.store_checked(linear, W::of(value)).map(|()| 0),
        Form::ReadModifyWrite(_, value) => {
            let place = if who.system { mmu.place_system::<W>(linear)? } else { mmu.place_checked::<W>(linear)? };
            let before: W = mmu.peek_checked(place);
            mmu.poke_checked(place, W::of(value));
            Ok(before.zx().into())
        }
        _ if who.system => mmu.load_system::<W>(linear).map(|value| value.zx().into()),
        _ => mmu.load_checked::<W>(linear).map(|value| value.zx().into()),
    }
}
