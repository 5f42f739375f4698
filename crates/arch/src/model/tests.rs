//! What must hold between the fields of a model, and from one model to the next.

use super::*;
use crate::MsrKind;

/// CPUID.1:EDX: the bits that a model may report, and the feature that each one stands for. All others stay clear.
const CPUID_FEATURES: [(u32, Features); 11] = [
    (1, Features::VME),
    (2, Features::DE),
    (3, Features::PSE),
    (4, Features::TSC),
    (5, Features::MSR),
    (6, Features::PAE),
    (7, Features::MCE),
    (8, Features::CX8),
    (13, Features::PGE),
    (15, Features::CMOV),
    (17, Features::PSE36),
];

/// The bits of CR4 and the feature that each one stands for.
const CR4_FEATURES: [(Cr4, Features); 9] = [
    (Cr4::VME, Features::VME),
    (Cr4::PVI, Features::VME),
    (Cr4::TSD, Features::TSC),
    (Cr4::DE, Features::DE),
    (Cr4::PSE, Features::PSE),
    (Cr4::PAE, Features::PAE),
    (Cr4::MCE, Features::MCE),
    (Cr4::PGE, Features::PGE),
    (Cr4::PCE, Features::RDPMC),
];

/// What a model no longer has of the one before it.
const REMOVALS: [(Model, Features); 3] =
    [(Model::I386Ex, Features::LOCK_BT), (Model::I486Dx, Features::LOADALL386), (Model::Pentium, Features::MOV_TR.union(Features::UMOV))];

fn profiles() -> impl Iterator<Item = &'static Profile> {
    Model::ALL.into_iter().map(Model::profile)
}

#[test]
fn names_are_unique_and_parse_back() {
    for (i, p) in profiles().enumerate() {
        assert_eq!(p.model, Model::ALL[i]);
        assert_eq!(p.name.parse(), Ok(p.model));
        assert_eq!(p.name.to_ascii_uppercase().parse(), Ok(p.model));
        assert_eq!(p.model.to_string(), p.name);
        assert_eq!(profiles().filter(|q| q.name == p.name || q.title == p.title).count(), 1, "{}", p.name);
    }
    assert_eq!(Model::default(), Model::PentiumPro);
}

#[test]
fn unknown_names_are_answered_with_the_choices() {
    let text = "8086".parse::<Model>().unwrap_err().to_string();
    assert!(text.contains("\"8086\""), "{text}");
    assert!(profiles().all(|p| text.contains(p.name)), "{text}");
}

#[test]
fn cpuid_reports_exactly_the_features() {
    for p in profiles() {
        assert_eq!(p.has(Features::CPUID), !p.cpuid.is_empty(), "{}", p.name);
        let Some(leaf1) = p.cpuid.get(1) else { continue };
        let wanted = CPUID_FEATURES.iter().filter(|(_, f)| p.has(*f)).fold(0, |edx, (bit, _)| edx | 1 << bit);
        assert_eq!(leaf1.edx, wanted, "{}: {:x} is not {wanted:x}", p.name, leaf1.edx);
        assert_eq!(leaf1.edx & 1, 0, "{} has no FPU", p.name);
    }
}

#[test]
fn cpuid_leaves_are_numbered_and_name_the_highest() {
    for p in profiles().filter(|p| p.has(Features::CPUID)) {
        assert!(p.cpuid.iter().enumerate().all(|(i, l)| l.leaf as usize == i), "{}", p.name);
        assert_eq!(p.cpuid[0].eax as usize, p.cpuid.len() - 1, "{}", p.name);
        let vendor = [p.cpuid[0].ebx, p.cpuid[0].edx, p.cpuid[0].ecx].map(u32::to_le_bytes).concat();
        assert_eq!(vendor, b"GenuineIntel", "{}", p.name);
    }
    assert_eq!(Model::Pentium.profile().cpuid_leaf(2), CpuidLeaf { leaf: 2, eax: 0, ebx: 0, ecx: 0, edx: 0 });
    assert_eq!(Model::PentiumPro.profile().cpuid_leaf(0x8000_0000), Model::PentiumPro.profile().cpuid[2]);
    assert_eq!(Model::PentiumPro.profile().cpuid_leaf(1).eax, 0x619);
}

#[test]
fn reset_edx_is_the_cpuid_signature() {
    for p in profiles() {
        assert!(p.cpuid.get(1).is_none_or(|l| l.eax == p.reset.edx), "{}", p.name);
        let family = if p.has(Features::CX8) { 5..=6 } else { 3..=4 };
        assert!(family.contains(&(p.reset.edx >> 8 & 0xf)), "{}", p.name);
    }
}

#[test]
fn features_only_grow_but_for_the_named_removals() {
    for pair in Model::ALL.windows(2) {
        let gone = pair[0].profile().features.difference(pair[1].profile().features);
        let named = REMOVALS.iter().filter(|(m, _)| *m == pair[1]).fold(Features::empty(), |all, (_, f)| all | *f);
        assert_eq!(gone, named, "{} after {}", pair[1], pair[0]);
    }
}

#[test]
fn what_is_not_built_is_not_offered() {
    let unbuilt = Features::VME | Features::DE | Features::SMM;
    assert!(profiles().all(|p| !p.features.intersects(unbuilt)));
    assert_eq!(Model::first_with(Features::VME), None);
}

#[test]
fn the_first_model_with_a_feature() {
    assert_eq!(Model::first_with(Features::empty()), Some(Model::I386Dx));
    assert_eq!(Model::first_with(Features::I486), Some(Model::I486Dx));
    assert_eq!(Model::first_with(Features::CPUID), Some(Model::I486Dx4));
    assert_eq!(Model::first_with(Features::TSC | Features::CX8), Some(Model::Pentium));
    assert_eq!(Model::first_with(Features::PAE), Some(Model::PentiumPro));
    assert_eq!(Model::first_with(Features::PAE | Features::UMOV), None);
}

#[test]
fn cr0_bits_are_of_one_kind_and_reset_uses_no_other() {
    for p in profiles() {
        assert!(!p.cr0_writable.intersects(p.cr0_fixed), "{}", p.name);
        assert!(!p.cr0_shown.intersects(p.cr0_writable | p.cr0_fixed), "{}", p.name);
        assert!((p.cr0_writable | p.cr0_fixed).contains(p.reset.cr0), "{}", p.name);
        assert!(p.reset.cr0.contains(p.cr0_fixed), "{}", p.name);
        assert_eq!(p.cr0_written(p.reset.cr0.0), p.reset.cr0, "{}", p.name);
        assert_eq!(p.cr0_written(u32::MAX).contains(Cr0::WP | Cr0::AM | Cr0::NE), p.has(Features::I486), "{}", p.name);
    }
}

#[test]
fn cr0_reads_as_captured_or_documented() {
    let at_reset = |m: Model| m.profile().cr0_read(m.profile().reset.cr0);
    assert_eq!(at_reset(Model::I386Dx), 0x7fff_ffe0);
    assert_eq!(at_reset(Model::I386Sx), 0x7fff_fff0);
    assert_eq!(at_reset(Model::I386Ex), 0x7ffe_fff0);
    assert!(Model::ALL[3..].iter().all(|m| at_reset(*m) == 0x6000_0010));
    // A value read and written back sets nothing that the model lacks.
    let ex = Model::I386Ex.profile();
    assert_eq!(ex.cr0_written(0x7ffe_fff1), Cr0::PE | Cr0::ET);
}

#[test]
fn cr4_has_the_bits_of_the_features() {
    for p in profiles() {
        let wanted = CR4_FEATURES.iter().filter(|(_, f)| p.has(*f)).fold(Cr4(0), |cr4, (bit, _)| cr4 | *bit);
        assert_eq!(p.cr4, wanted, "{}", p.name);
        assert!(p.cr4 == Cr4(0) || p.has(Features::CR4), "{}", p.name);
    }
}

#[test]
fn eflags_follow_the_features() {
    for p in profiles() {
        assert_eq!(p.eflags.contains(Eflags::AC), p.has(Features::I486), "{}", p.name);
        assert_eq!(p.eflags.contains(Eflags::ID), p.has(Features::CPUID), "{}", p.name);
        assert!(!p.eflags.intersects(Eflags::FIXED), "{}", p.name);
    }
    assert_eq!(Model::I386Ex.profile().eflags, Eflags(0x0003_7fd5));
    assert_eq!(Model::PentiumPro.profile().eflags, Eflags(0x003f_7fd5));
}

#[test]
fn msrs_ascend_and_are_offered_by_their_features() {
    for p in profiles() {
        assert!(p.msrs.is_sorted_by(|a, b| a.number < b.number), "{}", p.name);
        assert_eq!(p.has(Features::MSR), !p.msrs.is_empty(), "{}", p.name);
        for m in p.msrs {
            assert!(m.needs.contains(Features::MSR) && p.has(m.needs), "{}: {}", p.name, m.name);
            assert!(!matches!(m.kind, MsrKind::Storage { writable } if m.reset & !writable != 0), "{}: {}", p.name, m.name);
        }
        let tsc = p.msr(0x10).is_some_and(|m| m.kind == MsrKind::TimeStampCounter);
        assert_eq!(tsc, p.has(Features::TSC), "{}", p.name);
        // APIC base, SYSENTER, MTRRs, PAT, machine-check banks.
        assert!([0x1b, 0x174, 0xfe, 0x200, 0x277, 0x2ff, 0x179, 0x400].iter().all(|n| p.msr(*n).is_none()), "{}", p.name);
    }
}

#[test]
fn reset_differs_where_the_generations_do() {
    for p in profiles() {
        let pentium_up = p.has(Features::CX8);
        assert_eq!(p.reset.idtr_limit, if pentium_up { 0xffff } else { 0x3ff }, "{}", p.name);
        assert_eq!(p.reset.dr7, if pentium_up { 0x400 } else { 0 }, "{}", p.name);
        assert_eq!(p.undefined == UndefinedFlags::I386, !p.has(Features::I486), "{}", p.name);
        assert_eq!(p.physical_bits > 32, p.has(Features::PAE), "{}", p.name);
    }
}
