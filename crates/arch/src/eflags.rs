//! EFLAGS (SDM Vol. 1, "EFLAGS Register").

use serde::{Deserialize, Serialize};

/// The flags register.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Eflags(pub u32);

bitflags::bitflags! {
    impl Eflags: u32 {
        /// Carry.
        const CF = 1 << 0;
        /// Reads as one always.
        const FIXED = 1 << 1;
        /// Even parity of the result's low byte.
        const PF = 1 << 2;
        /// Carry out of bit 3.
        const AF = 1 << 4;
        /// Zero.
        const ZF = 1 << 6;
        /// Sign.
        const SF = 1 << 7;
        /// Trap after each instruction.
        const TF = 1 << 8;
        /// Maskable interrupts enabled.
        const IF = 1 << 9;
        /// String instructions go down.
        const DF = 1 << 10;
        /// Signed overflow.
        const OF = 1 << 11;
        /// I/O privilege level, two bits.
        const IOPL = 3 << 12;
        /// Nested task.
        const NT = 1 << 14;
        /// Resume: no instruction breakpoint for one instruction.
        const RF = 1 << 16;
        /// Virtual-8086 mode.
        const VM = 1 << 17;
        /// Alignment check.
        const AC = 1 << 18;
        /// Virtual interrupt flag.
        const VIF = 1 << 19;
        /// Virtual interrupt pending.
        const VIP = 1 << 20;
        /// Can be toggled where CPUID exists.
        const ID = 1 << 21;
        /// The six status flags.
        const STATUS = 0x8d5;
    }
}

impl Eflags {
    /// The I/O privilege level, 0 to 3.
    pub const fn iopl(self) -> u8 {
        (self.0 >> 12 & 3) as u8
    }

    /// Only the flags in `mask`.
    pub const fn masked(self, mask: Eflags) -> Eflags {
        Eflags(self.0 & mask.0)
    }
}
