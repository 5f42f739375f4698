//! Processor models as data: what each one has, which bits it lets be written, what reset leaves.
//!
//! Nothing else in the project compares models; the rest asks for a feature or reads a field.
//!
//! | model | year | features beyond the model before | features gone |
//! |---|---|---|---|
//! | `386dx` | 1985 | MOV TRn, UMOV, LOADALL, LOCK BT | |
//! | `386sx` | 1988 | none; 24 address lines | |
//! | `386ex` | 1994 | none; 26 address lines | LOCK BT |
//! | `486dx` | 1989 | BSWAP CMPXCHG XADD INVD WBINVD INVLPG, CR0.WP, alignment checks | LOADALL |
//! | `486dx4` | 1994 | CPUID, CR4 | |
//! | `pentium` (P54C) | 1994 | CMPXCHG8B, RDTSC, MSRs, 4 MiB pages, #MC, reserved-bit page faults, snooped prefetch | MOV TRn, UMOV |
//! | `pentium-pro` | 1995 | CMOV, RDPMC, 36-bit PAE, global pages, hint NOPs and UD0 with ModR/M | |
//!
//! What is not built is not reported: neither by CPUID nor in [`Features`], nor can its bits in CR4 be set, so that
//! software which asks first never meets it. Not built are
//!
//! - the x87: CPUID.1:EDX bit 0 is clear in every model, and the 386DX starts with CR0.ET = 0;
//! - the extensions of virtual-8086 mode (VME, CR4.VME and CR4.PVI), which come with that mode;
//! - the debugging extensions (DE, CR4.DE): I/O breakpoints do not work yet;
//! - System Management Mode: no model has [`Features::SMM`], so RSM is #UD everywhere;
//! - the local APIC, SYSENTER, MTRRs, the machine-check banks, PAT, MMX, FXSAVE.

mod i386;
mod i486;
mod p6;
mod pentium;

use crate::{CpuidLeaf, Cr0, Cr4, Eflags, Msr, MsrSpec};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

bitflags::bitflags! {
    /// What a model has beyond the 80386.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct Features: u64 {
        /// BSWAP CMPXCHG XADD INVD WBINVD INVLPG, CR0.WP, alignment checks.
        const I486 = 1 << 0;
        /// The CPUID instruction.
        const CPUID = 1 << 1;
        /// RDTSC and CR4.TSD.
        const TSC = 1 << 2;
        /// RDMSR and WRMSR.
        const MSR = 1 << 3;
        /// CMPXCHG8B.
        const CX8 = 1 << 4;
        /// CMOVcc.
        const CMOV = 1 << 5;
        /// RDPMC.
        const RDPMC = 1 << 6;
        /// CR4.
        const CR4 = 1 << 7;
        /// Virtual-8086 mode extensions.
        const VME = 1 << 8;
        /// Debugging extensions.
        const DE = 1 << 9;
        /// 4 MiB pages.
        const PSE = 1 << 10;
        /// 36-bit addresses in 4 MiB pages.
        const PSE36 = 1 << 11;
        /// Physical address extension.
        const PAE = 1 << 12;
        /// Global pages.
        const PGE = 1 << 13;
        /// System Management Mode.
        const SMM = 1 << 14;
        /// The test registers TR3 to TR7 by MOV.
        const MOV_TR = 1 << 15;
        /// UMOV (0F 10 to 0F 13).
        const UMOV = 1 << 16;
        /// LOADALL (0F 07).
        const LOADALL386 = 1 << 17;
        /// XBTS and IBTS (0F A6, 0F A7 of the first steppings).
        const XBTS = 1 << 18;
        /// CMPXCHG at 0F A6, 0F A7 (the first 486 steppings).
        const CMPXCHG486A = 1 << 19;
        /// BT takes LOCK.
        const LOCK_BT = 1 << 20;
        /// 0F FF (UD0) has a ModR/M byte; 0F 18 to 0F 1F are hint NOPs.
        const P6_MAP = 1 << 21;
        /// The reserved-bit flag of page-fault error codes.
        const PF_RSVD = 1 << 22;
        /// A self-modifying store is seen by the prefetch queue at once.
        const SNOOPS_PREFETCH = 1 << 23;
        /// CR4.MCE. Nothing raises a machine check yet.
        const MCE = 1 << 24;
    }
}

/// Which rule silicon follows where the manual leaves status flags undefined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum UndefinedFlags {
    /// As measured on the 80386.
    I386,
    /// As later processors do.
    P6,
}

/// Register values after RESET (SDM Vol. 3, "Processor State After Reset").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct ResetState {
    /// Family, model and stepping.
    pub edx: u32,
    pub cr0: Cr0,
    pub idtr_limit: u16,
    pub dr6: u32,
    pub dr7: u32,
}

/// All that is known of a model.
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    /// Which one.
    pub model: Model,
    /// Its name on the command line.
    pub name: &'static str,
    /// Its name in print.
    pub title: &'static str,
    /// The clock of a machine that does not choose one, in Hz.
    pub clock_hz: u64,
    /// What it has.
    pub features: Features,
    /// Bits of EFLAGS that can be set at all.
    pub eflags: Eflags,
    /// Bits of CR0 that MOV can change.
    pub cr0_writable: Cr0,
    /// Bits of CR0 that are one whatever is written.
    pub cr0_fixed: Cr0,
    /// Bits of CR0 that MOV and SMSW show as one although the register does not have them.
    ///
    /// Apart from `cr0_fixed` because on the 386 they lie where later processors have WP, AM, NW and CD: in the register
    /// they would act.
    pub cr0_shown: Cr0,
    /// Bits of CR4 that exist; setting another one is #GP(0).
    pub cr4: Cr4,
    /// The CPUID leaves, from 0 on.
    pub cpuid: &'static [CpuidLeaf],
    /// CPUID answers the last leaf above the last one, not zeros.
    pub cpuid_repeats_last: bool,
    /// The model-specific registers; RDMSR and WRMSR of another one are #GP(0).
    pub msrs: &'static [MsrSpec],
    /// What RESET leaves.
    pub reset: ResetState,
    /// The rule for undefined flags.
    pub undefined: UndefinedFlags,
    /// Address lines.
    pub physical_bits: u32,
}

/// A processor that can be chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Model {
    I386Dx,
    I386Sx,
    I386Ex,
    I486Dx,
    I486Dx4,
    Pentium,
    #[default]
    PentiumPro,
}

/// There is no model of this name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownModel(pub String);
impl fmt::Display for UnknownModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown model \"{}\": choose one of ", self.0)?;
        for (i, model) in Model::ALL.iter().enumerate() {
            write!(f, "{}{}", if i == 0 { "" } else { ", " }, model.profile().name)?;
        }
        Ok(())
    }
}
impl std::error::Error for UnknownModel {}

impl FromStr for Model {
    type Err = UnknownModel;
    fn from_str(name: &str) -> Result<Model, UnknownModel> {
        let wanted = name.to_ascii_lowercase();
        Model::ALL.into_iter().find(|m| m.profile().name == wanted).ok_or_else(|| UnknownModel(name.to_string()))
    }
}
impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.profile().name)
    }
}

impl Model {
    /// Every model, oldest first.
    pub const ALL: [Model; 7] =
        [Model::I386Dx, Model::I386Sx, Model::I386Ex, Model::I486Dx, Model::I486Dx4, Model::Pentium, Model::PentiumPro];

    /// Its data.
    pub fn profile(self) -> &'static Profile {
        match self {
            Model::I386Dx => &i386::DX,
            Model::I386Sx => &i386::SX,
            Model::I386Ex => &i386::EX,
            Model::I486Dx => &i486::DX,
            Model::I486Dx4 => &i486::DX4,
            Model::Pentium => &pentium::P54C,
            Model::PentiumPro => &p6::PENTIUM_PRO,
        }
    }

    /// The oldest model that has all of `features`.
    pub fn first_with(features: Features) -> Option<Model> {
        Model::ALL.into_iter().find(|m| m.profile().has(features))
    }
}

impl Profile {
    /// It has all of `features`.
    pub const fn has(&self, features: Features) -> bool {
        self.features.contains(features)
    }

    /// What CR0 holds after `value` is moved to it.
    pub const fn cr0_written(&self, value: u32) -> Cr0 {
        Cr0(value & self.cr0_writable.0 | self.cr0_fixed.0)
    }

    /// What MOV and SMSW read when CR0 holds `cr0`.
    pub const fn cr0_read(&self, cr0: Cr0) -> u32 {
        cr0.0 | self.cr0_shown.0
    }

    /// What CPUID returns for `eax`, also above the highest leaf.
    pub fn cpuid_leaf(&self, eax: u32) -> CpuidLeaf {
        let beyond = self.cpuid.last().filter(|_| self.cpuid_repeats_last);
        self.cpuid.iter().find(|l| l.leaf == eax).or(beyond).copied().unwrap_or(CpuidLeaf { leaf: eax, eax: 0, ebx: 0, ecx: 0, edx: 0 })
    }

    /// The model-specific register of this number.
    pub fn msr(&self, number: Msr) -> Option<&'static MsrSpec> {
        self.msrs.iter().find(|m| m.number == number)
    }
}

/// EFLAGS of the 386; later models add to them.
const FLAGS_386: Eflags = Eflags::STATUS
    .union(Eflags::TF)
    .union(Eflags::IF)
    .union(Eflags::DF)
    .union(Eflags::IOPL)
    .union(Eflags::NT)
    .union(Eflags::RF)
    .union(Eflags::VM);

/// CR0 of the 486 and all later models. Bochs lets the reserved bits of the Pentium be written too; the manual reserves them.
const CR0_486: Cr0 = Cr0::PE
    .union(Cr0::MP)
    .union(Cr0::EM)
    .union(Cr0::TS)
    .union(Cr0::NE)
    .union(Cr0::WP)
    .union(Cr0::AM)
    .union(Cr0::NW)
    .union(Cr0::CD)
    .union(Cr0::PG);

/// CR0 after RESET, 486 and later: caches off, ET fixed to one with or without an FPU.
const CR0_486_RESET: Cr0 = Cr0::ET.union(Cr0::NW).union(Cr0::CD);

#[cfg(test)]
mod tests;
