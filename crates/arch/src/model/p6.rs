//! The Pentium Pro.

use super::{Features, Model, Profile, ResetState, pentium};
use crate::{CpuidLeaf, Cr4, MsrSpec};

/// sB1, the 200 MHz part with 256 KiB of second-level cache.
const SIGNATURE: u32 = 0x0619;

/// The bits of EBL_CR_POWERON that enable error checks and the low-power mode.
const EBL_CR_POWERON: u64 = 0x0400_00de;

/// The bits of PerfEvtSel1; PerfEvtSel0 also has EN, bit 22, for both. Bit 21 is reserved.
const EVNTSEL1: u64 = 0xff9f_ffff;

pub(super) static PENTIUM_PRO: Profile = Profile {
    model: Model::PentiumPro,
    name: "pentium-pro",
    title: "Intel Pentium Pro",
    clock_hz: 200_000_000,
    features: pentium::P54C
        .features
        .union(Features::CMOV)
        .union(Features::RDPMC)
        .union(Features::PAE)
        .union(Features::PGE)
        .union(Features::P6_MAP),
    cr4: pentium::P54C.cr4.union(Cr4::PAE).union(Cr4::PGE).union(Cr4::PCE),
    cpuid: &[
        CpuidLeaf::genuine_intel(2),
        // PSE TSC MSR PAE MCE CX8 PGE CMOV. The chip's own is F9FFh or FBFFh, with SEP although it has no SYSENTER.
        CpuidLeaf::version(SIGNATURE, 0xa1f8),
        // One call. 4 KiB TLBs of 32 (code) and 64 entries, 4 MiB of 2 and 8; 8 KiB + 8 KiB, and 256 KiB 4-way.
        CpuidLeaf { leaf: 2, eax: 0x0302_0101, ebx: 0, ecx: 0, edx: 0x0604_0a42 },
    ],
    // The manual says so of "Intel processors"; 486 and Pentium answer zeros in 86Box.
    cpuid_repeats_last: true,
    // Not listed: the second-level cache's (on-package here), last-branch records, the platform number of the Pentium II.
    msrs: &[
        MsrSpec::read_only(0x00, "P5_MC_ADDR", Features::MCE),
        MsrSpec::read_only(0x01, "P5_MC_TYPE", Features::MCE),
        MsrSpec::TIME_STAMP_COUNTER,
        // The straps and ratios, which can only be read, are all zero.
        MsrSpec::storage(0x2a, "EBL_CR_POWERON", EBL_CR_POWERON, Features::MSR),
        // No split lock or streaming buffer to disable.
        MsrSpec::storage(0x33, "TEST_CTL", 0xc000_0000, Features::MSR),
        // An update is taken and has no effect: BIOS_SIGN stays as software cleared it. Silicon cannot read the trigger.
        MsrSpec::storage(0x79, "BIOS_UPDT_TRIG", u64::MAX, Features::MSR),
        MsrSpec::storage(0x8b, "BIOS_SIGN", u64::MAX, Features::MSR),
        // Nothing is counted. The upper half of a write, which silicon replaces by the sign of the lower, must not fault.
        MsrSpec::storage(0xc1, "PERFCTR0", u64::MAX, Features::RDPMC),
        MsrSpec::storage(0xc2, "PERFCTR1", u64::MAX, Features::RDPMC),
        MsrSpec::storage(0x186, "EVNTSEL0", EVNTSEL1 | 1 << 22, Features::RDPMC),
        MsrSpec::storage(0x187, "EVNTSEL1", EVNTSEL1, Features::RDPMC),
    ],
    reset: ResetState { edx: SIGNATURE, ..pentium::P54C.reset },
    physical_bits: 36,
    ..pentium::P54C
};
