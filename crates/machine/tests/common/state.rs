//! Random machine states: any model, any mode, tables and page tables that are mostly sensible and sometimes not.

use super::Random;
use turtle86::{
    CpuState, Machine,
    arch::{Cr0, Cr4, DescriptorCache, Model, PhysicalAddress, SegmentDescriptor, SegmentSelector},
    mmu::{ControlRegisters, TableRegister},
};

pub const RAM: u64 = 256 << 10;
const GDT: u32 = 0x1_0000;
const LDT: u32 = 0x1_0800;
const IDT: u32 = 0x1_1000;
const TSS: u32 = 0x1_2000;
const POINTERS: u32 = 0x1_3000;
const DIRECTORY: u32 = 0x1_4000;
const TABLE: u32 = 0x1_5000;
/// 512 entries of eight bytes for PAE.
const PAE_DIRECTORY: u32 = 0x1_6000;
const PAE_TABLE: u32 = 0x1_7000;
/// Code and its handlers.
pub const CODE: u32 = 0x4000;
const CODE_END: u32 = 0x7000;

/// Bytes that are often instructions.
pub fn code(random: &mut Random, n: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(n + 16);
    while bytes.len() < n {
        match random.below(8) {
            0 | 1 => bytes.extend(random.bytes(3)),
            2 => {
                bytes.push(random.pick(&[0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65]));
                bytes.extend(random.bytes(2));
            }
            3 => {
                // Two-byte opcodes, the privileged ones among them.
                bytes.extend([0x0f, random.u8()]);
                let n = random.below(3) as usize;
                bytes.extend(random.bytes(n));
            }
            4 => bytes.extend([
                0x50 | random.u8() & 15,
                random.pick(&[0x90, 0x9c, 0x9d, 0xc3, 0xcb, 0xcf, 0x60, 0x61, 0xc9, 0x06, 0x07, 0x1e, 0x1f, 0x16, 0x17]),
            ]),
            5 => {
                // A store through a random address, which may be code.
                bytes.extend([random.pick(&[0x88, 0x89, 0x01, 0xc6, 0xfe, 0x80]), (random.below(4) as u8) << 6 | random.u8() & 0x3f]);
                bytes.extend(random.bytes(2));
            }
            6 => bytes.extend([
                random.pick(&[0x70, 0x74, 0x75, 0xe2, 0xeb, 0xe0, 0xe3]) | random.u8() & 1,
                random.below(40) as u8 ^ if random.one_in(3) { 0xff } else { 0 },
            ]),
            _ => bytes.extend([
                random.pick(&[
                    0xa4, 0xa5, 0xaa, 0xab, 0xac, 0xa6, 0xae, 0xf4, 0xfb, 0xfa, 0xcc, 0xcd, 0xce, 0x8e, 0x8c, 0xe4, 0xe6, 0x6c, 0x6e,
                ]),
                random.u8(),
            ]),
        }
    }
    bytes.truncate(n);
    bytes
}

/// A code or data descriptor: flat, small, expand-down, of any DPL, or whatever the bits say.
fn descriptor(random: &mut Random) -> u64 {
    let base: u64 = random.pick(&[0, 0, 0, 0x1000, 0x4000, 0xffff_f000, 0x1_0000]);
    let limit: u64 = random.pick(&[0xf_ffff, 0xf_ffff, 0xffff, 0x0fff, 0x7fff, 0, 0x3_ffff]);
    let kind = match random.below(10) {
        0..=2 => 0x9a | random.below(6),
        3..=6 => 0x92 | random.below(2),
        7 => 0x96,
        8 => 0x10 | random.below(16),
        _ => random.below(256),
    };
    let present = if random.one_in(12) { 0 } else { 0x80 };
    let rights = kind & 0x9f | present | random.below(4) << 5;
    let flags = random.pick(&[0xcu64, 0xc, 0x4, 0x0, 0x8]);
    if random.one_in(24) {
        return random.next();
    }
    limit & 0xffff | (base & 0xff_ffff) << 16 | rights << 40 | (limit >> 16) << 48 | flags << 52 | base >> 24 << 56
}
fn selector(random: &mut Random) -> u16 {
    (random.below(66) as u16) << 3 | random.below(4) as u16 | if random.one_in(6) { 4 } else { 0 }
}
fn gate(random: &mut Random) -> u64 {
    if random.one_in(16) {
        return random.next();
    }
    let offset = u64::from(CODE) + random.below(u64::from(CODE_END - CODE));
    let kind = random.pick(&[0x8eu64, 0x8f, 0x86, 0x87, 0xee, 0xef, 0x85, 0x8c, 0x0e]);
    offset & 0xffff | u64::from(selector(random)) << 16 | kind << 40 | offset >> 16 << 48
}
/// A page-table entry for `page`: often that page, with random rights.
fn entry(random: &mut Random, page: u32) -> u32 {
    let frame = if random.one_in(4) { random.below(70) as u32 } else { page };
    let rights = random.pick(&[7, 7, 7, 7, 3, 5, 1, 0x67, 0x107, 0x27, 6]);
    if random.one_in(40) { random.u32() } else { frame << 12 | rights }
}

fn put(machine: &mut Machine, at: u32, bytes: &[u8]) {
    machine.load(PhysicalAddress(at.into()), bytes).unwrap_or_else(|error| panic!("{error}"));
}
fn quads(values: impl Iterator<Item = u64>) -> Vec<u8> {
    values.flat_map(u64::to_le_bytes).collect()
}

/// A machine in the state that `seed` names. Half of them are PCs.
pub fn machine(seed: u64) -> Machine {
    let mut random = Random(seed);
    let random = &mut random;
    let model = random.pick(&Model::ALL);
    let builder = Machine::builder(model).ram(RAM).clock_hz(random.pick(&[2_000_000, 66_000_000]));
    let builder = if random.one_in(2) { builder.isa_pc() } else { builder };
    let mut machine = builder.build().unwrap_or_else(|error| panic!("{error}"));
    let profile = model.profile();
    let bytes = random.bytes(0x4000);
    put(&mut machine, 0, &bytes);
    // Vectors of real mode that lead into code.
    let vectors: Vec<u8> = (0..256)
        .flat_map(|_| {
            let at = CODE as u64 + random.below(u64::from(CODE_END - CODE));
            let segment = if random.one_in(3) { random.below(0x400) } else { 0 };
            ((at - segment * 16) as u32 & 0xffff | (segment as u32) << 16).to_le_bytes()
        })
        .collect();
    put(&mut machine, 0, &vectors);
    let bytes = code(random, (CODE_END - CODE) as usize);
    put(&mut machine, CODE, &bytes);

    let table: Vec<u64> = (0..64).map(|n| if n == 0 { 0 } else { descriptor(random) }).collect();
    put(&mut machine, GDT, &quads(table.iter().copied()));
    let local = quads((0..64).map(|_| descriptor(random)));
    put(&mut machine, LDT, &local);
    let gates = quads((0..256).map(|_| gate(random)));
    put(&mut machine, IDT, &gates);
    let mut tss = random.bytes(0x100);
    for level in 0..3 {
        let at = 4 + 8 * level;
        tss[at..at + 4].copy_from_slice(&(0x9000 + random.below(0x2000) as u32).to_le_bytes());
        tss[at + 4..at + 6].copy_from_slice(&(selector(random) & !3 | level as u16).to_le_bytes());
    }
    tss[102..104].copy_from_slice(&random.pick(&[0x68u16, 0xff, 0x80]).to_le_bytes());
    put(&mut machine, TSS, &tss);
    let pages: Vec<u8> = (0..1024).flat_map(|page| entry(random, page).to_le_bytes()).collect();
    put(&mut machine, TABLE, &pages);
    let directory: Vec<u8> = (0..1024u32)
        .flat_map(|n| {
            let entry = match n {
                _ if random.one_in(8) => random.u32(),
                0 | 0x3ff => TABLE | random.pick(&[7, 7, 7, 3]),
                _ if random.one_in(4) => 0x87,
                _ => random.pick(&[0, TABLE | 7]),
            };
            entry.to_le_bytes()
        })
        .collect();
    put(&mut machine, DIRECTORY, &directory);
    let pages = quads((0..512).map(|page| u64::from(entry(random, page)) & 0xf_ffff));
    put(&mut machine, PAE_TABLE, &pages);
    let directory = quads((0..512).map(|n| match n {
        _ if random.one_in(8) => random.next(),
        0 => u64::from(PAE_TABLE) | 7,
        _ => random.pick(&[0, 0x87, u64::from(PAE_TABLE) | 7]),
    }));
    put(&mut machine, PAE_DIRECTORY, &directory);
    let pointers: [u64; 4] = std::array::from_fn(|_| if random.one_in(6) { 0 } else { u64::from(PAE_DIRECTORY) | 1 });
    put(&mut machine, POINTERS, &quads(pointers.into_iter()));

    let mode = random.below(4);
    let cpl = if mode == 0 { 0 } else { random.pick(&[0, 0, 1, 2, 3, 3]) };
    let mut cr0 = machine.cpu.cr0();
    let mut cr4 = Cr4(0);
    if mode > 0 {
        cr0 |= Cr0::PE;
    }
    if mode == 3 {
        cr0 |= Cr0::PG;
        cr4 = Cr4(profile.cr4.0 & random.u32());
    }
    cr0 |= Cr0(random.u32() & (Cr0::WP | Cr0::AM | Cr0::TS | Cr0::EM | Cr0::MP).0 & profile.cr0_writable.0);
    let cr3 = if cr4.contains(Cr4::PAE) { POINTERS } else { DIRECTORY };
    let control = ControlRegisters { cr0, cr2: random.u32(), cr3, cr4, pdpte: pointers };

    let old = machine.cpu.state();
    let mut state = CpuState { ..old };
    state.gpr = std::array::from_fn(|_| match random.below(4) {
        0 => random.value(),
        1 => CODE + random.below(u64::from(CODE_END - CODE)) as u32,
        _ => random.below(0x3000) as u32,
    });
    state.gpr[4] = random.pick(&[0x9000, 0x9000, 0x8000, 0x1001, 2, 0xffff_fffe]);
    // Virtual-8086 mode is not built: no guest gets VM set.
    state.eflags = random.u32() & !(1 << 17) & if random.one_in(4) { !0 } else { !0x100 };
    state.pending_trap = false;
    state.mmu.control = control;
    state.mmu.cpl = cpl;
    state.mmu.gdtr = TableRegister { base: GDT, limit: random.pick(&[0x1ff, 0x1ff, 0x207, 0x3f]) };
    state.mmu.idtr = if mode == 0 {
        TableRegister { base: 0, limit: random.pick(&[0x3ff, 0x3ff, 0x20]) }
    } else {
        TableRegister { base: IDT, limit: random.pick(&[0x7ff, 0x7ff, 0x7f]) }
    };
    let system = |selector: u16, kind: u64, base: u32, limit: u64| {
        let descriptor = limit | u64::from(base) << 16 | kind << 40;
        DescriptorCache::new(SegmentSelector(selector), SegmentDescriptor(descriptor))
    };
    state.mmu.ldtr = system(0x1f0, 0x82, LDT, 0x1ff);
    state.mmu.tr = system(0x1f8, random.pick(&[0x8b, 0x8b, 0x83]), TSS, random.pick(&[0xff, 0xff, 0x67, 0x20]));
    let wide = random.one_in(2);
    for (n, cache) in state.mmu.segments.iter_mut().enumerate() {
        *cache = match (mode, n) {
            (0, _) => {
                // Now and then as unreal mode leaves it.
                let selector = if n == 1 { 0 } else { random.pick(&[0, 0, 0x100, 0x900, 0xfff0]) };
                let limit = if random.one_in(8) { !0 } else { 0xffff };
                DescriptorCache { limit, ..DescriptorCache::real_mode(selector) }
            }
            (_, 1) => {
                let flags: u64 = if wide { 0xcf } else { 0x8f };
                let descriptor = SegmentDescriptor(0xffff | (0x9b | u64::from(cpl) << 5) << 40 | flags << 48);
                DescriptorCache::new(SegmentSelector(0x08 | u16::from(cpl)), descriptor)
            }
            (_, 2) => {
                let flags: u64 = if random.one_in(2) { 0xcf } else { 0x8f };
                let descriptor = SegmentDescriptor(0xffff | (0x93 | u64::from(cpl) << 5) << 40 | flags << 48);
                DescriptorCache::new(SegmentSelector(0x10 | u16::from(cpl)), descriptor)
            }
            _ if random.one_in(8) => DescriptorCache::null(SegmentSelector(random.below(4) as u16)),
            _ => {
                let index = random.below(64) as usize;
                let flat = 0x00cf_f300_0000_ffff;
                let rights = SegmentDescriptor(table[index]).rights();
                let usable = rights.is_readable() && rights.present() && !random.one_in(2);
                let descriptor = if usable { table[index] } else { flat };
                DescriptorCache::new(SegmentSelector((index as u16) << 3 | 3), SegmentDescriptor(descriptor))
            }
        };
    }
    // Often near the end of a page, so that instructions cross.
    state.eip = if random.one_in(2) { CODE + 0x1000 - 1 - random.below(24) as u32 } else { CODE + random.below(0x1000) as u32 };
    machine.cpu.set_state(&state).unwrap_or_else(|error| panic!("{error}"));
    machine
}
