//! The 386 family, late steppings: no XBTS, no errata.

use super::{FLAGS_386, Features, Model, Profile, ResetState, UndefinedFlags};
use crate::{Cr0, Cr4};

/// What the DX, the SX and the EX have. LOADALL: some lists keep it on the 486, Collins and most others do not.
/// LOCK BT: the programmer's manual allows it, see [`EX`].
const FEATURES: Features = Features::MOV_TR.union(Features::UMOV).union(Features::LOADALL386).union(Features::LOCK_BT);

const CR0_WRITABLE: Cr0 = Cr0::PE.union(Cr0::MP).union(Cr0::EM).union(Cr0::TS).union(Cr0::PG);

/// DR6, DR7: as captured from a 386EX; Bochs has FFFF1FF0h and 400h and names no source.
const fn reset(edx: u32, cr0: Cr0) -> ResetState {
    // The upper half of EDX is undefined on a 386.
    ResetState { edx, cr0, idtr_limit: 0x3ff, dr6: 0xffff_0ff0, dr7: 0 }
}

pub(super) static DX: Profile = Profile {
    model: Model::I386Dx,
    name: "386dx",
    title: "Intel386 DX",
    clock_hz: 33_000_000,
    features: FEATURES,
    eflags: FLAGS_386,
    // ET tells a 387 at reset (there is none) and can be written afterwards, as in 86Box; Bochs fixes it to one.
    cr0_writable: CR0_WRITABLE.union(Cr0::ET),
    cr0_fixed: Cr0(0),
    // After reset 7FFFFFE0h: 86Box and Bochs agree but for ET.
    cr0_shown: Cr0(0x7fff_ffe0),
    cr4: Cr4(0),
    cpuid: &[],
    cpuid_repeats_last: false,
    msrs: &[],
    reset: reset(0x0308, Cr0(0)),
    undefined: UndefinedFlags::I386,
    physical_bits: 32,
};

pub(super) static SX: Profile = Profile {
    model: Model::I386Sx,
    name: "386sx",
    title: "Intel386 SX",
    clock_hz: 16_000_000,
    // There is no 287 for it: ET is one always.
    cr0_writable: CR0_WRITABLE,
    cr0_fixed: Cr0::ET,
    reset: reset(0x2308, Cr0::ET),
    physical_bits: 24,
    ..DX
};

pub(super) static EX: Profile = Profile {
    model: Model::I386Ex,
    name: "386ex",
    title: "Intel386 EX",
    clock_hz: 33_000_000,
    // The manual lists BT with LOCK, captures of this chip show #UD. The DX and the SX were not measured and follow the manual.
    features: FEATURES.difference(Features::LOCK_BT),
    cr0_writable: CR0_WRITABLE,
    cr0_fixed: Cr0::ET,
    // As captured: 7FFEFFF0h with ET, so bit 16 alone reads as zero.
    cr0_shown: Cr0(0x7ffe_ffe0),
    // 23h like the SX; the stepping is remembered, not read in a source.
    reset: reset(0x2309, Cr0::ET),
    physical_bits: 26,
    ..DX
};
