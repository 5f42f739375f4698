//! The Pentium (P54C).

use super::{CR0_486, CR0_486_RESET, FLAGS_386, Features, Model, Profile, ResetState, UndefinedFlags};
use crate::{CpuidLeaf, Cr0, Cr4, Eflags, MsrSpec};

/// E0: free of the FDIV bug.
const SIGNATURE: u32 = 0x0526;

/// The bits of CESR: event, control and pin of both counters.
const CESR: u64 = 0x03ff_03ff;

pub(super) static P54C: Profile = Profile {
    model: Model::Pentium,
    name: "pentium",
    title: "Intel Pentium (P54C)",
    clock_hz: 100_000_000,
    // RDPMC came with the P55C. 86Box lets MOV TRn fault with #GP and keeps UMOV; here both are #UD.
    features: Features::I486
        .union(Features::CPUID)
        .union(Features::TSC)
        .union(Features::MSR)
        .union(Features::CX8)
        .union(Features::CR4)
        .union(Features::PSE)
        .union(Features::MCE)
        .union(Features::PF_RSVD)
        .union(Features::SNOOPS_PREFETCH),
    eflags: FLAGS_386.union(Eflags::AC).union(Eflags::VIF).union(Eflags::VIP).union(Eflags::ID),
    cr0_writable: CR0_486,
    cr0_fixed: Cr0::ET,
    cr0_shown: Cr0(0),
    // VME and PVI come with virtual-8086 mode, DE with I/O breakpoints.
    cr4: Cr4::TSD.union(Cr4::PSE).union(Cr4::MCE),
    // PSE TSC MSR MCE CX8; the chip's own is 1BFh, with APIC 3BFh.
    cpuid: &[CpuidLeaf::genuine_intel(1), CpuidLeaf::version(SIGNATURE, 0x1b8)],
    cpuid_repeats_last: false,
    // The test registers (02h to 0Eh) are left out: they act on caches and predictors.
    msrs: &[
        // No machine check ever fills these.
        MsrSpec::read_only(0x00, "P5_MC_ADDR", Features::MCE),
        MsrSpec::read_only(0x01, "P5_MC_TYPE", Features::MCE),
        MsrSpec::TIME_STAMP_COUNTER,
        // Nothing is counted: the counters hold what was written.
        MsrSpec::storage(0x11, "CESR", CESR, Features::MSR),
        MsrSpec::storage(0x12, "CTR0", u64::MAX, Features::MSR),
        MsrSpec::storage(0x13, "CTR1", u64::MAX, Features::MSR),
    ],
    reset: ResetState { edx: SIGNATURE, cr0: CR0_486_RESET, idtr_limit: 0xffff, dr6: 0xffff_0ff0, dr7: 0x400 },
    undefined: UndefinedFlags::P6,
    physical_bits: 32,
};
