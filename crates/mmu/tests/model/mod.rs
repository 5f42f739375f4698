//! A slow processor that reads like the manuals: SDM Vol. 3 "Paging", "Protection" and Vol. 2, and the 80386 Programmer's
//! Reference Manual. It works on raw words and shares no code with the library.

pub mod pages;
pub mod segments;

/// One bit of a word, numbered as in the manuals' figures.
pub fn bit(word: u64, number: u32) -> bool {
    word >> number & 1 == 1
}
/// The field `high:low` of a word.
pub fn bits(word: u64, high: u32, low: u32) -> u64 {
    (word >> low) & (u64::MAX >> (63 - (high - low)))
}

/// An exception with the error code that is pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exception {
    Ts(u16),
    Np(u16),
    Ss(u16),
    Gp(u16),
    /// With what goes to CR2.
    Pf(u16, u32),
}

/// RAM from physical address 0 on and nothing else.
#[derive(Clone, PartialEq, Eq)]
pub struct Memory(pub Vec<u8>);
impl Memory {
    /// Nobody drives the bus where there is no RAM: all ones.
    pub fn byte(&self, at: u64) -> u8 {
        match usize::try_from(at) {
            Ok(at) if at < self.0.len() => self.0[at],
            _ => 0xff,
        }
    }
    pub fn set_byte(&mut self, at: u64, value: u8) {
        if at < self.0.len() as u64 {
            self.0[at as usize] = value;
        }
    }
    /// `size` bytes, the first one the least significant.
    pub fn number(&self, at: u64, size: u64) -> u64 {
        let mut value = 0;
        for i in 0..size {
            value += u64::from(self.byte(at + i)) << (8 * i);
        }
        value
    }
    pub fn set_number(&mut self, at: u64, size: u64, value: u64) {
        for i in 0..size {
            self.set_byte(at + i, (value >> (8 * i)) as u8);
        }
    }
}
