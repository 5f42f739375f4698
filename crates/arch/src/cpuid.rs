//! CPUID leaves as data.

/// What CPUID returns for one value of EAX.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct CpuidLeaf {
    pub leaf: u32,
    pub eax: u32,
    pub ebx: u32,
    pub ecx: u32,
    pub edx: u32,
}

impl CpuidLeaf {
    /// Leaf 0: the highest leaf and "GenuineIntel".
    pub const fn genuine_intel(highest: u32) -> CpuidLeaf {
        CpuidLeaf { leaf: 0, eax: highest, ebx: 0x756e_6547, ecx: 0x6c65_746e, edx: 0x4965_6e69 }
    }

    /// Leaf 1: family, model and stepping; the feature bits.
    pub const fn version(signature: u32, features: u32) -> CpuidLeaf {
        CpuidLeaf { leaf: 1, eax: signature, ebx: 0, ecx: 0, edx: features }
    }
}
