//! General-purpose and segment registers (SDM Vol. 1, "Basic Program Execution Registers").

use serde::{Deserialize, Serialize};
use std::fmt;

/// A 32-bit general-purpose register, in the order of its encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Gpr {
    Eax,
    Ecx,
    Edx,
    Ebx,
    Esp,
    Ebp,
    Esi,
    Edi,
}
impl Gpr {
    /// All eight, in the order of their encoding.
    pub const ALL: [Gpr; 8] = [Gpr::Eax, Gpr::Ecx, Gpr::Edx, Gpr::Ebx, Gpr::Esp, Gpr::Ebp, Gpr::Esi, Gpr::Edi];
}
impl fmt::Display for Gpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"][*self as usize])
    }
}

/// A segment register, in the order of its encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum SegmentRegister {
    Es,
    Cs,
    Ss,
    Ds,
    Fs,
    Gs,
}
impl SegmentRegister {
    /// All six, in the order of their encoding.
    pub const ALL: [SegmentRegister; 6] =
        [SegmentRegister::Es, SegmentRegister::Cs, SegmentRegister::Ss, SegmentRegister::Ds, SegmentRegister::Fs, SegmentRegister::Gs];

    /// The register with this encoding; 6 and 7 encode none.
    pub const fn from_encoding(n: u8) -> Option<SegmentRegister> {
        match n {
            0 => Some(SegmentRegister::Es),
            1 => Some(SegmentRegister::Cs),
            2 => Some(SegmentRegister::Ss),
            3 => Some(SegmentRegister::Ds),
            4 => Some(SegmentRegister::Fs),
            5 => Some(SegmentRegister::Gs),
            _ => None,
        }
    }
}
impl fmt::Display for SegmentRegister {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(["ES", "CS", "SS", "DS", "FS", "GS"][*self as usize])
    }
}
