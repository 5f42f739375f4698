//! What lies in RAM before a guest runs, and how an input changes it.

use crate::bench::{pick, put};
use arbitrary::Arbitrary;

pub const RAM: u64 = 128 << 10;
pub const CODE: u32 = 0x4000;
const HANDLERS: u32 = 0x6000;
pub const GDT: u32 = 0x1_0000;
pub const LDT: u32 = 0x1_0800;
pub const IDT: u32 = 0x1_1000;
pub const TSS: u32 = 0x1_2000;
pub const POINTERS: u32 = 0x1_3000;
pub const DIRECTORY: u32 = 0x1_4000;
const TABLE: u32 = 0x1_5000;
const PAE_DIRECTORY: u32 = 0x1_6000;
const PAE_TABLE: u32 = 0x1_7000;

/// Descriptors of every kind: code and data of DPL 0 and 3, 16-bit, conforming, expand-down, small, far up, gates, TSSs.
pub const DESCRIPTORS: [u64; 32] = [
    0,
    0x00cf_9b00_0000_ffff,
    0x00cf_9300_0000_ffff,
    0x00cf_fb00_0000_ffff,
    0x00cf_f300_0000_ffff,
    0x008f_9b00_0000_ffff,
    0x008f_9300_0000_ffff,
    0x008f_fb00_0000_ffff,
    0x008f_f300_0000_ffff,
    0x0000_9b00_0000_7fff,
    0x0000_9300_4000_2fff,
    0x00cf_9f00_0000_ffff,
    0x00cf_ff00_0000_ffff,
    0x00cf_9700_0000_0003,
    0x008f_f700_0000_0003,
    0x00cf_9100_0000_ffff,
    0x00cf_9900_0000_ffff,
    0xff4f_93ff_f000_1fff,
    0x00cf_1b00_0000_ffff,
    0x00cf_1300_0000_ffff,
    0x00cf_db00_0000_ffff,
    0x00cf_b300_0000_ffff,
    0x0000_8201_0800_01ff,
    0x0000_8901_2000_00ff,
    0x0000_8b01_2000_0067,
    0x0000_8101_2100_002b,
    0x0000_ec02_0008_6000,
    0x0000_8c00_0010_6000,
    0x0000_e401_002b_6000,
    0x0000_e500_00b8_0000,
    0x0000_8500_00c8_0000,
    0x0000_0000_0000_0001,
];
/// Rights and selectors of gates to the handlers: interrupt and trap gates of both sizes, by DPL, one to a task and one that is absent.
const GATES: [u64; 8] = [0x8e00_0008, 0xef00_0008, 0xee00_0008, 0x8600_0028, 0xe700_0028, 0x8f00_001b, 0x8500_00b8, 0x0e00_0008];
/// What handlers do: they return, at once or after a bit.
const HANDLER_BODIES: [&[u8]; 8] = [
    &[0xcf],
    &[0x58, 0xcf],
    &[0x50, 0xb0, 0x20, 0xe6, 0x20, 0x58, 0xcf],
    &[0x66, 0xcf],
    &[0x58, 0x66, 0xcf],
    &[0x60, 0x61, 0x83, 0xc4, 0x04, 0xcf],
    &[0x40, 0xf4],
    &[0xff, 0x44, 0x24, 0x04, 0xcf],
];

pub fn image() -> Vec<u8> {
    let mut ram = vec![0; RAM as usize];
    let handler = |n: u32| HANDLERS + (n & 31) * 16;
    for n in 0..256 {
        put(&mut ram, 4 * n as usize, &handler(n).to_le_bytes());
        let gate = pick(&GATES, n as u8);
        let offset = u64::from(handler(n));
        put(&mut ram, IDT as usize + 8 * n as usize, &(offset | (gate & 0xffff) << 16 | gate >> 16 << 32).to_le_bytes());
        put(&mut ram, handler(n) as usize, HANDLER_BODIES[(n & 7) as usize]);
    }
    for (n, descriptor) in DESCRIPTORS.iter().enumerate() {
        put(&mut ram, GDT as usize + 8 * n, &descriptor.to_le_bytes());
        put(&mut ram, GDT as usize + 8 * (32 + n), &descriptor.to_le_bytes());
        put(&mut ram, LDT as usize + 8 * n, &descriptor.to_le_bytes());
    }
    for (level, selector) in [0x10u32, 0x11, 0x12].into_iter().enumerate() {
        put(&mut ram, TSS as usize + 4 + 8 * level, &[0xa000u32.to_le_bytes(), selector.to_le_bytes()].concat());
    }
    put(&mut ram, TSS as usize + 100, &0x0068_0000u32.to_le_bytes());
    for n in 0..1024u32 {
        // RAM again and again, so that far addresses are something too.
        let frame = if n < 32 { n } else { n % 32 } << 12;
        put(&mut ram, TABLE as usize + 4 * n as usize, &(frame | 7).to_le_bytes());
        put(&mut ram, DIRECTORY as usize + 4 * n as usize, &pick(&[TABLE | 7, 0x87, 0, TABLE | 5], n as u8).to_le_bytes());
        if n < 512 {
            put(&mut ram, PAE_TABLE as usize + 8 * n as usize, &u64::from(frame | 7).to_le_bytes());
            put(&mut ram, PAE_DIRECTORY as usize + 8 * n as usize, &u64::from(pick(&[PAE_TABLE | 7, 0x87, 0], n as u8)).to_le_bytes());
        }
    }
    // The last page of the address space too.
    put(&mut ram, DIRECTORY as usize + 4 * 1023, &(TABLE | 7).to_le_bytes());
    for n in 0..4 {
        put(&mut ram, POINTERS as usize + 8 * n, &u64::from(PAE_DIRECTORY | 1).to_le_bytes());
    }
    ram
}

#[derive(Arbitrary, Debug)]
struct Edit {
    table: u8,
    index: u16,
    value: u64,
}
/// Changes of the tables, or of any other place.
#[derive(Debug)]
pub struct Edits(Vec<Edit>);
impl<'a> Arbitrary<'a> for Edits {
    fn arbitrary(data: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Edits> {
        let count = u8::arbitrary(data)? % 16;
        (0..count).map(|_| Edit::arbitrary(data)).collect::<arbitrary::Result<_>>().map(Edits)
    }
}
impl Edits {
    pub fn apply(&self, ram: &mut [u8]) {
        for edit in &self.0 {
            let index = usize::from(edit.index);
            let (base, size, count) = match edit.table % 12 {
                0 => (GDT, 8, 64),
                1 => (LDT, 8, 32),
                2 => (IDT, 8, 256),
                3 => (TSS, 4, 64),
                4 => (DIRECTORY, 4, 1024),
                5 => (TABLE, 4, 1024),
                6 => (PAE_DIRECTORY, 8, 512),
                7 => (PAE_TABLE, 8, 512),
                8 => (POINTERS, 8, 4),
                9 => (0, 4, 256),
                10 => (HANDLERS, 8, 64),
                _ => (0, 1, 0x1_0000),
            };
            put(ram, base as usize + index % count * size, &edit.value.to_le_bytes()[..if size == 1 { 8 } else { size }]);
        }
    }
}
