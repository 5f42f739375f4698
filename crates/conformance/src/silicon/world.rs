//! What the host and the model both see: pages with rights, and a local descriptor table.

use super::generate::Entropy;
use rand::{RngExt, SeedableRng};
use turtle86::arch::{AccessRights, SegmentDescriptor, SegmentSelector};

/// The linear address of the arena's first page.
pub const ARENA: u32 = 0x0010_0000;
/// Bytes of a page.
pub const PAGE: usize = 4096;
/// Pages of the arena, the missing ones counted in.
pub const ARENA_PAGES: usize = 17;

/// What user mode may do with a page. Whatever can be read can be executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Rights {
    Missing,
    ReadOnly,
    ReadWrite,
}

/// Rights of the arena's pages: two of code, a gap, two of data, one read-only, a gap, a stack, gaps, and at 64 KiB, where
/// 16-bit offsets wrap around, two more.
pub const RIGHTS: [Rights; ARENA_PAGES] = {
    let mut rights = [Rights::Missing; ARENA_PAGES];
    let mut at = 0;
    while at < WRITABLE.len() {
        rights[WRITABLE[at]] = Rights::ReadWrite;
        at += 1;
    }
    rights[READ_ONLY] = Rights::ReadOnly;
    rights
};
/// Pages that a case can change.
pub(crate) const WRITABLE: [usize; 7] = [0, 1, 3, 4, 7, 15, 16];
const READ_ONLY: usize = 5;
/// Pages that begin as HLT.
pub(crate) const CODE_PAGES: std::ops::Range<usize> = 0..2;

/// Entries of the local descriptor table that are the same in each world.
pub(crate) mod selector {
    const fn ldt(n: u16) -> u16 {
        n << 3 | 7
    }
    /// 32-bit code over all 4 GiB.
    pub const FLAT_CODE: u16 = ldt(0);
    /// Data over all 4 GiB.
    pub const FLAT_DATA: u16 = ldt(1);
    /// 16-bit code over 64 KiB from the arena's start on.
    pub const CODE16: u16 = ldt(2);
    /// The same as data, with a 16-bit stack pointer.
    pub const DATA16: u16 = ldt(3);
}
const FIXED: [u64; 4] = [0x00cf_fb00_0000_ffff, 0x00cf_f300_0000_ffff, 0x0000_fb10_0000_ffff, 0x0000_f310_0000_ffff];
const SEGMENTS: usize = 128;

/// The surroundings of all cases of a run; the seed decides the segments and what memory holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct World {
    ldt: Vec<SegmentDescriptor>,
    memory: Vec<u8>,
    /// Selectors of segments that a case may begin with in CS, and that reach the code pages; in SS; in the others.
    pub(crate) code: Vec<u16>,
    pub(crate) stacks: Vec<u16>,
    pub(crate) data: Vec<u16>,
    /// Selectors of all code, present or not.
    pub(crate) all_code: Vec<u16>,
}

impl World {
    /// The world of a seed.
    pub fn new(seed: u64) -> World {
        let mut random = Entropy::seed_from_u64(seed ^ 0x5e9_4e75);
        let mut ldt: Vec<_> = FIXED.map(SegmentDescriptor).into();
        ldt.extend((FIXED.len()..SEGMENTS).map(|_| segment(&mut random)));
        let selectors = |wanted: &dyn Fn(SegmentDescriptor) -> bool| -> Vec<u16> {
            (0..).zip(&ldt).filter(|(_, descriptor)| wanted(**descriptor)).map(|(n, _)| n << 3 | 7).collect()
        };
        let present = |wanted: fn(AccessRights) -> bool| selectors(&|d| d.rights().present() && wanted(d.rights()));
        let reaches = |d: SegmentDescriptor| {
            // User mode can be started at 16-bit offsets of 16-bit code.
            let last = d.limit().min(if d.rights().is_32_bit() { !0 } else { 0xffff });
            d.rights().present()
                && d.rights().is_code()
                && ARENA.wrapping_sub(d.base()).checked_add(0x400).is_some_and(|needed| needed <= last)
        };
        let mut world = World {
            code: selectors(&reaches),
            stacks: present(AccessRights::is_writable),
            data: present(AccessRights::is_readable),
            all_code: selectors(&|d| d.rights().is_code()),
            memory: vec![0; ARENA_PAGES * PAGE],
            ldt,
        };
        for (page, bytes) in world.memory.clone().chunks(PAGE).enumerate() {
            let at = page * PAGE;
            if RIGHTS[page] == Rights::Missing {
                continue;
            }
            if CODE_PAGES.contains(&page) {
                world.memory[at..at + PAGE].fill(0xf4);
                continue;
            }
            for offset in (0..bytes.len()).step_by(4) {
                let value = super::generate::interesting(&mut random, &world);
                world.memory[at + offset..at + offset + 4].copy_from_slice(&value.to_le_bytes());
            }
        }
        world
    }
    /// The local descriptor table. All descriptors have DPL 3 and the accessed bit set, as a system lets its users choose them.
    pub fn ldt(&self) -> &[SegmentDescriptor] {
        &self.ldt
    }
    /// The arena before a case; missing pages are zero.
    pub fn memory(&self) -> &[u8] {
        &self.memory
    }
    /// The descriptor that user mode reaches with a selector.
    pub fn descriptor(&self, selector: u16) -> Option<SegmentDescriptor> {
        let selector = SegmentSelector(selector);
        match (selector.in_ldt(), selector.offset() / 8) {
            (true, n) => self.ldt.get(n as usize).copied(),
            (false, 4) => Some(SegmentDescriptor(FIXED[0])),
            (false, 5) => Some(SegmentDescriptor(FIXED[1])),
            _ => None,
        }
    }
}

/// A random segment near the arena: any type that a user may have.
fn segment(random: &mut Entropy) -> SegmentDescriptor {
    let code = random.random_bool(0.35);
    let bits = random.random_range(0..8u64);
    // Accessed, DPL 3; of code only the conforming kind is refused by the system while it is present.
    let kind = if code { 0b1001 | bits & 2 } else { 0b0001 | (bits & 2) | if random.random_bool(0.3) { 4 } else { 0 } };
    let present = random.random_bool(0.9);
    let down = !code && kind & 4 != 0;
    let delta = match random.random_range(0..6) {
        0 | 1 => 0,
        2 => random.random_range(0..ARENA_PAGES as u32) << 12,
        3 => random.random_range(0..0x40),
        4 => random.random_range(0..0x8000),
        _ => return wide(random, kind, present),
    };
    let (limit, granular) = match random.random_range(0..6) {
        0 | 1 => (0xffff, false),
        2 => (random.random_range(0..0x1_1000), false),
        3 => (random.random_range(0..8), true),
        4 => (random.random_range(1..ARENA_PAGES as u32) << 12 | if down { 0 } else { 0xfff }, false),
        _ => (0xf_ffff, !down),
    };
    build(ARENA + delta, limit, kind, present, granular, random.random_bool(0.5))
}
/// A segment that reaches around the end of the linear address space, or begins far away.
fn wide(random: &mut Entropy, kind: u64, present: bool) -> SegmentDescriptor {
    let base = match random.random_range(0..3) {
        0 => 0,
        1 => 0xffff_0000,
        _ => random.random(),
    };
    build(base, 0xf_ffff, kind & !4, present, true, random.random_bool(0.5))
}
fn build(base: u32, limit: u32, kind: u64, present: bool, granular: bool, wide: bool) -> SegmentDescriptor {
    let (base, limit) = (u64::from(base), u64::from(limit));
    let rights = kind | 0x70 | if present { 0x80 } else { 0 };
    let flags = if granular { 8 } else { 0 } | if wide { 4 } else { 0 };
    SegmentDescriptor(
        limit & 0xffff | (base & 0xff_ffff) << 16 | rights << 40 | (limit >> 16 & 0xf) << 48 | flags << 52 | (base >> 24) << 56,
    )
}
