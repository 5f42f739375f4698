//! The 486 family.

use super::{CR0_486, CR0_486_RESET, FLAGS_386, Features, Model, Profile, ResetState, UndefinedFlags};
use crate::{CpuidLeaf, Cr0, Cr4, Eflags};

/// UMOV: 86Box keeps it to the P54C, most lists end it here. MOV TRn: TR3 to TR7 here, TR6 and TR7 on the 386.
const FEATURES: Features = Features::I486.union(Features::MOV_TR).union(Features::UMOV);

/// DR7 as in the 486 programmer's manual, table 10-1; Bochs has 400h. For DR6 Bochs is the only source.
const fn reset(edx: u32) -> ResetState {
    ResetState { edx, cr0: CR0_486_RESET, idtr_limit: 0x3ff, dr6: 0xffff_1ff0, dr7: 0 }
}

pub(super) static DX: Profile = Profile {
    model: Model::I486Dx,
    name: "486dx",
    title: "Intel486 DX",
    clock_hz: 33_000_000,
    features: FEATURES,
    // No ID: this stepping has no CPUID.
    eflags: FLAGS_386.union(Eflags::AC),
    cr0_writable: CR0_486,
    cr0_fixed: Cr0::ET,
    cr0_shown: Cr0(0),
    cr4: Cr4(0),
    cpuid: &[],
    cpuid_repeats_last: false,
    msrs: &[],
    reset: reset(0x0404),
    undefined: UndefinedFlags::P6,
    physical_bits: 32,
};

pub(super) static DX4: Profile = Profile {
    model: Model::I486Dx4,
    name: "486dx4",
    title: "IntelDX4",
    clock_hz: 100_000_000,
    // CR4 exists for VME and PVI alone and has no bit until they are built; 4 MiB pages are not in its CPUID.
    features: FEATURES.union(Features::CPUID).union(Features::CR4),
    // VIF and VIP come with VME.
    eflags: FLAGS_386.union(Eflags::AC).union(Eflags::ID),
    // Leaf 1 EDX would be 3: FPU and VME.
    cpuid: &[CpuidLeaf::genuine_intel(1), CpuidLeaf::version(0x0480, 0)],
    reset: reset(0x0480),
    ..DX
};
