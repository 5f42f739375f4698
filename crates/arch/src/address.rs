//! The three address spaces (SDM Vol. 3, "Memory Management Overview"); each arrow between them is one function of the MMU.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! address {
    ($(#[$doc:meta])* $name:ident($width:ty), $digits:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub $width);
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!("{:0", $digits, "x}"), self.0)
            }
        }
    };
}

address! {
    /// An offset into a segment.
    EffectiveAddress(u32), 8
}
address! {
    /// Segment base plus effective address, before paging.
    LinearAddress(u32), 8
}
address! {
    /// What the processor puts on the bus: 32 bits, 36 with PAE or PSE-36.
    PhysicalAddress(u64), 8
}
