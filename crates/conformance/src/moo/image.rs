//! The memory of a test: what is there before it, and what must be there after it.

use super::{
    cycles::{Cycle, Kind},
    registers::Register,
    test::{Family, Test},
};
use iced_x86::{Instruction, Mnemonic};
use turtle86::arch::Eflags;

/// The bytes that a test has to do with, in the order of their addresses.
pub(super) struct Image(pub Vec<Byte>);
pub(super) struct Byte {
    pub address: u32,
    pub before: u8,
    pub after: u8,
    pub mask: u8,
}
impl Image {
    pub fn of(test: &Test, family: Family, instruction: &Instruction, unknown: Eflags) -> Image {
        // Where each byte is from: later ones win. The final state leaves out what was written and happened to be there before.
        const READ: u8 = 0;
        const WRITTEN: u8 = 1;
        const CHANGED: u8 = 2;
        let tagged = |from| move |(address, value): &(u32, u8)| (*address, from, *value);
        let mut bytes: Vec<(u32, u8, u8)> = test.initial.ram.iter().map(tagged(READ)).collect();
        bytes.extend(writes(&test.cycles, family).iter().map(tagged(WRITTEN)));
        bytes.extend(test.after.ram.iter().map(tagged(CHANGED)));
        bytes.sort_by_key(|(address, from, _)| (*address, *from));
        let mut image: Vec<Byte> = Vec::with_capacity(bytes.len());
        for (address, from, value) in bytes {
            match image.last_mut() {
                Some(byte) if byte.address == address => {
                    byte.after = value;
                    if from == READ {
                        byte.before = value;
                    }
                }
                // A byte that is written and never read begins as anything else than it ends.
                _ => image.push(Byte { address, before: if from == READ { value } else { !value }, after: value, mask: 0xff }),
            }
        }
        let mut image = Image(image);
        if let Some(exception) = test.exception {
            let [low, high, ..] = unknown.0.to_le_bytes();
            image.mask(exception.flags_at, !low);
            image.mask(exception.flags_at.wrapping_add(1), !high);
        }
        let pushes = [Mnemonic::Pushf, Mnemonic::Int, Mnemonic::Int3, Mnemonic::Into];
        if family == Family::I8086 && pushes.contains(&instruction.mnemonic()) {
            // The 8086 pushes ones there (80386 Programmer's Reference Manual, 14.7).
            let get = |register| test.initial.registers.get(register).unwrap_or(0);
            let high = (get(Register::Ss) << 4).wrapping_add(get(Register::Esp).wrapping_sub(1) & 0xffff) & 0xf_ffff;
            image.mask(high, 0x0f);
        }
        image
    }
    fn mask(&mut self, address: u32, mask: u8) {
        if let Ok(n) = self.0.binary_search_by_key(&address, |byte| byte.address) {
            self.0[n].mask &= mask;
        }
    }
}

/// The bytes that a capture shows written on a bus of 16 bits. The 8086's final states are whole without that.
fn writes(cycles: &[Cycle], family: Family) -> Vec<(u32, u8)> {
    let mut bytes = Vec::new();
    for pair in cycles.windows(2) {
        if family != Family::I8086 && pair[0].begins() && pair[0].kind(family) == Some(Kind::Write) {
            let (address, [low, high]) = (pair[0].address, pair[1].data.to_le_bytes());
            let high_byte = pair[0].pins & 2 == 0;
            if address & 1 == 0 {
                bytes.push((address, low));
            }
            if high_byte {
                bytes.push((address | 1, high));
            }
        }
    }
    bytes
}
