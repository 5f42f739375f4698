//! A case and its outcome.

use super::world::{ARENA, PAGE, RIGHTS, Rights, World, selector};
use std::fmt;
use turtle86::arch::{Eflags, Gpr, SegmentRegister};

/// A state of user mode and code to run from it.
#[derive(Clone, PartialEq, Eq)]
pub struct Case {
    /// The general-purpose registers, in the order of their encoding.
    pub registers: [u32; 8],
    /// The offset of the code in CS.
    pub eip: u32,
    /// The status flags, DF and TF; the others are the system's.
    pub eflags: Eflags,
    /// The segment registers' selectors, in the order of their encoding.
    pub segments: [u16; 6],
    /// The code; what follows is HLT.
    pub code: Vec<u8>,
    /// Bytes in memory: linear addresses inside the arena's writable pages.
    pub memory: Vec<(u32, Vec<u8>)>,
}

/// Flags that a case may choose.
pub(crate) const CHOSEN_FLAGS: Eflags = Eflags::STATUS.union(Eflags::DF).union(Eflags::TF);

impl Case {
    /// Code in a flat 32-bit segment.
    pub fn code32(code: &[u8]) -> Case {
        let mut segments = [selector::FLAT_DATA; 6];
        segments[SegmentRegister::Cs as usize] = selector::FLAT_CODE;
        let mut case = Case { registers: [0; 8], eip: ARENA + 0x100, eflags: Eflags::empty(), segments, code: code.into(), memory: vec![] };
        case.registers[Gpr::Esp as usize] = ARENA + 0x7800;
        case
    }
    /// Code in a 16-bit segment of 64 KiB that begins where the arena does; data and stack in another such.
    pub fn code16(code: &[u8]) -> Case {
        let mut segments = [selector::DATA16; 6];
        segments[SegmentRegister::Cs as usize] = selector::CODE16;
        let mut case = Case { registers: [0; 8], eip: 0x100, eflags: Eflags::empty(), segments, code: code.into(), memory: vec![] };
        case.registers[Gpr::Esp as usize] = 0x7800;
        case
    }
    /// Calls `put` with every piece of memory that the case sets and its offset in the arena, the code last.
    pub(crate) fn place(&self, world: &World, mut put: impl FnMut(usize, &[u8])) {
        let cs = world.descriptor(self.segments[SegmentRegister::Cs as usize]).unwrap_or_default();
        let code = (cs.base().wrapping_add(self.eip), &self.code[..]);
        for (at, bytes) in self.memory.iter().map(|(at, bytes)| (*at, &bytes[..])).chain([code]) {
            place(at, bytes, &mut put);
        }
    }
    /// Sets a general-purpose register.
    pub fn with(mut self, register: Gpr, value: u32) -> Case {
        self.registers[register as usize] = value;
        self
    }
    /// Sets the flags.
    pub fn flags(mut self, flags: Eflags) -> Case {
        self.eflags = flags & CHOSEN_FLAGS;
        self
    }
    /// Sets a segment register's selector.
    pub fn segment(mut self, register: SegmentRegister, selector: u16) -> Case {
        self.segments[register as usize] = selector;
        self
    }
    /// Sets EIP: where in CS the code lies.
    pub fn at(mut self, eip: u32) -> Case {
        self.eip = eip;
        self
    }
    /// Puts bytes into memory.
    pub fn bytes(mut self, at: u32, bytes: &[u8]) -> Case {
        self.memory.push((at, bytes.into()));
        self
    }
}
macro_rules! register_setters {
    ($($name:ident $register:ident),*) => {
        /// Setters of single registers and flags.
        impl Case {
            $(
                #[doc = concat!("Sets ", stringify!($register), ".")]
                pub fn $name(self, value: u32) -> Case {
                    self.with(Gpr::$register, value)
                }
            )*
            /// Sets CF.
            pub fn cf(mut self, value: bool) -> Case {
                self.eflags.set(Eflags::CF, value);
                self
            }
        }
    };
}
register_setters!(eax Eax, ecx Ecx, edx Edx, ebx Ebx, esp Esp, ebp Ebp, esi Esi, edi Edi);

/// How a case ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Ending {
    /// An exception. `error` is 0 where it has no error code; `address` is CR2 of a page fault, else 0.
    Exception { vector: u8, error: u32, address: u32 },
    /// It did not end: a loop.
    Timeout,
    /// It asked the host's kernel for something and was refused.
    SystemCall,
}
impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [&str; 20] = [
            "#DE",
            "#DB",
            "NMI",
            "#BP",
            "#OF",
            "#BR",
            "#UD",
            "#NM",
            "#DF",
            "vector 9",
            "#TS",
            "#NP",
            "#SS",
            "#GP",
            "#PF",
            "vector 15",
            "#MF",
            "#AC",
            "#MC",
            "#XM",
        ];
        match self {
            Ending::Exception { vector, error, address } => {
                match NAMES.get(usize::from(*vector)) {
                    Some(name) => f.write_str(name)?,
                    None => write!(f, "vector {vector}")?,
                }
                if matches!(vector, 8 | 10..=14 | 17) {
                    write!(f, "({error:x})")?;
                }
                if *vector == 14 {
                    write!(f, " at {address:08x}")?;
                }
                Ok(())
            }
            Ending::Timeout => f.write_str("does not end"),
            Ending::SystemCall => f.write_str("a system call"),
        }
    }
}

/// Bytes of a line: memory is compared in such pieces.
pub(crate) const LINE: usize = 64;

/// The state that a case left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Why it ended.
    pub ending: Ending,
    /// The general-purpose registers.
    pub registers: [u32; 8],
    /// EIP: of the instruction that faulted, behind the one that trapped.
    pub eip: u32,
    /// The flags, without RF.
    pub eflags: Eflags,
    /// The selectors in the segment registers.
    pub segments: [u16; 6],
    /// The 64-byte lines that differ from the world's: number in the arena, bytes.
    pub memory: Vec<(u16, [u8; LINE])>,
}

/// Cuts bytes at a linear address into those that fall into writable pages of the arena, with their offsets there.
fn place(at: u32, bytes: &[u8], put: &mut impl FnMut(usize, &[u8])) {
    let mut rest = bytes;
    let mut at = at;
    while !rest.is_empty() {
        let n = rest.len().min(PAGE - at as usize % PAGE);
        let offset = at.wrapping_sub(ARENA) as usize;
        if RIGHTS.get(offset / PAGE) == Some(&Rights::ReadWrite) {
            put(offset, &rest[..n]);
        }
        rest = &rest[n..];
        at = at.wrapping_add(n as u32);
    }
}
