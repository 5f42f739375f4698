//! Model-specific registers as data.

use crate::Features;

/// The number that ECX selects in RDMSR and WRMSR.
pub type Msr = u32;

/// How a model-specific register behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MsrKind {
    /// The time-stamp counter.
    TimeStampCounter,
    /// Holds what was written to it, of the bits in `writable`; setting another bit is #GP(0).
    Storage {
        /// The bits that WRMSR may set.
        writable: u64,
    },
    /// Can be read; WRMSR is #GP(0).
    ReadOnly,
}

/// One register of a model's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MsrSpec {
    /// Its number.
    pub number: Msr,
    /// The manual's name.
    pub name: &'static str,
    /// What RDMSR gives after reset.
    pub reset: u64,
    /// How it behaves.
    pub kind: MsrKind,
    /// Offered only by models that have all of these.
    pub needs: Features,
}

impl MsrSpec {
    /// The time-stamp counter, which has the same number everywhere.
    pub const TIME_STAMP_COUNTER: MsrSpec =
        MsrSpec { number: 0x10, name: "TSC", reset: 0, kind: MsrKind::TimeStampCounter, needs: Features::MSR.union(Features::TSC) };

    /// Zero after reset; `writable` bits can be set.
    pub const fn storage(number: Msr, name: &'static str, writable: u64, needs: Features) -> MsrSpec {
        MsrSpec { number, name, reset: 0, kind: MsrKind::Storage { writable }, needs: needs.union(Features::MSR) }
    }

    /// Zero always.
    pub const fn read_only(number: Msr, name: &'static str, needs: Features) -> MsrSpec {
        MsrSpec { number, name, reset: 0, kind: MsrKind::ReadOnly, needs: needs.union(Features::MSR) }
    }
}
