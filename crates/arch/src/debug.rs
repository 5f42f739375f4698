//! Debug registers (SDM Vol. 3, "Debug Registers").

use serde::{Deserialize, Serialize};

/// Debug status register.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Dr6(pub u32);
bitflags::bitflags! {
    impl Dr6: u32 {
        /// Breakpoint conditions 0 to 3.
        const B = 0xf;
        /// A debug register was touched while DR7.GD was set.
        const BD = 1 << 13;
        /// Single step.
        const BS = 1 << 14;
        /// Task switch trap.
        const BT = 1 << 15;
    }
}

/// Debug control register.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Dr7(pub u32);
bitflags::bitflags! {
    impl Dr7: u32 {
        /// The local and global enable bits of all four breakpoints.
        const ENABLES = 0xff;
        /// Local exact.
        const LE = 1 << 8;
        /// Global exact.
        const GE = 1 << 9;
        /// Reads as one.
        const FIXED = 1 << 10;
        /// General detect: accesses to debug registers fault.
        const GD = 1 << 13;
    }
}
