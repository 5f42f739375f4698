//! Loads of segment registers in protected mode.

use crate::limits::cache;
use crate::model::pages::Paging;
use crate::model::segments::{self, Hidden, StackLoad, Tables};
use crate::model::{Exception, Memory, bits};
use crate::rig::*;
use proptest::prelude::*;
use turtle86_arch::{DescriptorCache, Exception as Raised, SegmentRegister, SegmentSelector};
use turtle86_mmu::{Mmu, MmuState};

/// Code, data and a few system descriptors; DPL as the caller likes it in most.
fn descriptor() -> impl Strategy<Value = (u64, bool)> {
    let code_or_data = prop::bool::weighted(0.85);
    let present = prop::bool::weighted(0.85);
    (any::<u64>(), 0..16u64, code_or_data, present, prop::bool::weighted(0.6)).prop_map(|(noise, kind, s, p, own_dpl)| {
        let raw = noise & !(0x9f << 40) | kind << 40 | u64::from(s) << 44 | u64::from(p) << 47;
        (raw, own_dpl)
    })
}

#[derive(Clone, Debug)]
struct Scene {
    chip: Chip,
    gdt_base: u32,
    gdt_limit: u16,
    ldt: Option<(u32, u32)>,
    descriptors: Vec<(u64, bool)>,
    cpl: u8,
    /// Flags of the pages in which the tables lie, if paging is on; and CR0.WP.
    paging: Option<([u64; 3], bool)>,
}
fn scene() -> impl Strategy<Value = Scene> {
    // Aligned, off by a byte or two, and over the end of a page.
    let base = prop_oneof![2 => Just(0x1000u32), 1 => 0x1000..0x1008u32, 2 => 0x1fe0..0x2000u32];
    let limit = (0..8u32, prop_oneof![2 => Just(7u32), 1 => 0..8u32]).prop_map(|(entries, last)| 8 * entries + last);
    let ldt_limit = (0..8u32, prop_oneof![2 => Just(7u32), 1 => 0..8u32]).prop_map(|(entries, last)| 8 * entries + last);
    let ldt_base = prop_oneof![2 => Just(0x1800u32), 1 => 0x1800..0x1808u32, 1 => 0x2fe0..0x3000u32];
    let flags = || prop_oneof![6 => Just(7u64), 2 => Just(3), 2 => Just(1), 2 => Just(5), 1 => Just(6)];
    (
        chip(),
        (base, limit),
        (prop::bool::weighted(0.8), ldt_base, ldt_limit),
        prop::collection::vec(descriptor(), 16),
        prop_oneof![Just(0u8), Just(3), 0..4u8],
        prop::option::of((prop::array::uniform3(flags()), any::<bool>())),
    )
        .prop_map(|(chip, (gdt_base, gdt_limit), (has_ldt, base, limit), descriptors, cpl, paging)| Scene {
            chip,
            gdt_base,
            gdt_limit: gdt_limit as u16,
            ldt: has_ldt.then_some((base, limit)),
            descriptors,
            cpl,
            paging,
        })
}
/// A selector; RPL is the CPL in most.
fn selector() -> impl Strategy<Value = (u16, bool)> {
    (0..9u16, any::<bool>(), 0..4u16, prop::bool::weighted(0.6))
        .prop_map(|(index, ldt, rpl, own)| (index * 8 + u16::from(ldt) * 4 + rpl, own))
}
fn with_rpl((selector, own): (u16, bool), cpl: u8) -> u16 {
    if own { selector - selector % 4 + u16::from(cpl) } else { selector }
}

struct Stage {
    mmu: Mmu,
    memory: Memory,
    paging: Paging,
    tables: Tables,
}
fn stage(scene: &Scene) -> Stage {
    let mut memory = Memory(vec![0; 0x8000]);
    let ldt = scene.ldt.unwrap_or((0x1800, 0)).0;
    for (i, (raw, own_dpl)) in scene.descriptors.iter().enumerate() {
        let raw = if *own_dpl { raw & !(3 << 45) | u64::from(scene.cpl) << 45 } else { *raw };
        let table = if i < 8 { scene.gdt_base } else { ldt };
        memory.set_number(u64::from(table) + 8 * (i as u64 % 8), 8, raw);
    }
    // Directory in page 6, table in page 7; every page is mapped to itself.
    memory.set_number(0x6000, 4, 0x7007);
    for page in 0..8 {
        let flags = match &scene.paging {
            Some((flags, _)) if (1..4).contains(&page) => flags[page as usize - 1],
            _ => 7,
        };
        memory.set_number(0x7000 + 4 * page, 4, page << 12 | flags);
    }
    let cr0 = match scene.paging {
        Some((_, wp)) => PE | PG | if wp { WP } else { 0 },
        None => PE,
    };
    let paging = Paging { processor: scene.chip.processor(), cr0, cr3: 0x6000, cr4: 0, pdpte: [0; 4], a20: true };
    let mut mmu = mmu_of(scene.chip, &memory);
    mmu.restore_control(registers(&paging), scene.cpl);
    (mmu.gdtr.base, mmu.gdtr.limit) = (scene.gdt_base, scene.gdt_limit);
    mmu.ldtr = match scene.ldt {
        Some((base, limit)) => DescriptorCache { base, limit, usable: true, ..DescriptorCache::default() },
        None => DescriptorCache::null(SegmentSelector(0)),
    };
    let tables = Tables { gdt_base: scene.gdt_base, gdt_limit: scene.gdt_limit, ldt: scene.ldt, cpl: scene.cpl };
    Stage { mmu, memory, paging, tables }
}
/// All but the TLB, which a look at a descriptor table fills.
fn registers_of(mmu: &Mmu) -> MmuState {
    MmuState { translations: vec![], ..mmu.state() }
}
/// What a register holds: the hidden part of a null selector does not count.
fn holds(mmu: &Mmu, register: SegmentRegister, selector: u16, hidden: Hidden) -> bool {
    let held = mmu.segment(register);
    match hidden {
        None => held.selector.0 == selector && !held.usable,
        Some(_) => *held == cache(selector, hidden),
    }
}

proptest! {
    #![proptest_config(cases(1200))]

    #[test]
    fn loads_of_data_segments_check_mark_and_fault_as_the_manual_says(
        scene in scene(),
        loads in prop::collection::vec((selector(), prop_oneof![Just(0usize), Just(3), Just(4), Just(5)]), 1..24),
    ) {
        let mut stage = stage(&scene);
        for (selector, register) in loads {
            let selector = with_rpl(selector, scene.cpl);
            let register = SegmentRegister::ALL[register];
            let mut before = registers_of(&stage.mmu);
            let expected = segments::load_data(&stage.tables, &stage.paging, &mut stage.memory, selector);
            let got = stage.mmu.load_data_segment(register, SegmentSelector(selector)).map_err(exception);
            prop_assert_eq!(got, expected.map(|_| ()), "selector {:04x}", selector);
            if let Ok(hidden) = expected {
                prop_assert!(holds(&stage.mmu, register, selector, hidden), "{:x?}", stage.mmu.segment(register));
                before.segments[register as usize] = *stage.mmu.segment(register);
            }
            prop_assert_eq!(registers_of(&stage.mmu), before);
            prop_assert!(stage.mmu.bus.memory.ram() == stage.memory.0, "memory after selector {selector:04x}");
        }
    }

    #[test]
    fn loads_of_ss_check_mark_and_fault_as_the_manual_says(
        scene in scene(),
        loads in prop::collection::vec(selector(), 1..24),
    ) {
        let mut stage = stage(&scene);
        for selector in loads {
            let selector = with_rpl(selector, scene.cpl);
            let mut before = registers_of(&stage.mmu);
            let expected = segments::load_ss(&stage.tables, &stage.paging, &mut stage.memory, selector, scene.cpl, StackLoad::Mov);
            let got = stage.mmu.load_ss(SegmentSelector(selector)).map_err(exception);
            prop_assert_eq!(got, expected.map(|_| ()), "selector {:04x}", selector);
            if let Ok(hidden) = expected {
                prop_assert!(holds(&stage.mmu, SegmentRegister::Ss, selector, hidden));
                before.segments[SegmentRegister::Ss as usize] = *stage.mmu.segment(SegmentRegister::Ss);
            }
            prop_assert_eq!(registers_of(&stage.mmu), before);
            prop_assert!(stage.mmu.bus.memory.ram() == stage.memory.0, "memory after selector {selector:04x}");
        }
    }

    #[test]
    fn a_stack_for_another_privilege_is_checked_and_not_loaded(
        scene in scene(),
        checks in prop::collection::vec((selector(), 0..4u8, any::<bool>()), 1..24),
    ) {
        let mut stage = stage(&scene);
        for (selector, cpl, from_tss) in checks {
            let selector = with_rpl(selector, cpl);
            let before = registers_of(&stage.mmu);
            let load = if from_tss { StackLoad::FromTss } else { StackLoad::Mov };
            let expected = segments::load_ss(&stage.tables, &stage.paging, &mut stage.memory, selector, cpl, load);
            let raise = if from_tss { Raised::InvalidTss } else { Raised::GeneralProtection };
            let got = stage.mmu.check_ss(SegmentSelector(selector), cpl, raise).map_err(exception);
            prop_assert_eq!(got, expected.map(|hidden| cache(selector, hidden)), "selector {:04x}", selector);
            prop_assert_eq!(registers_of(&stage.mmu), before);
            prop_assert!(stage.mmu.bus.memory.ram() == stage.memory.0, "memory after selector {selector:04x}");
        }
    }

    #[test]
    fn an_outward_return_nulls_the_data_segments_of_inner_privilege(
        hidden in prop::array::uniform6(prop::option::weighted(0.85, descriptor())),
        selectors in prop::array::uniform6(any::<u16>()),
        cpl in 0..4u8,
    ) {
        let mut mmu = mmu_of(Chip::PentiumPro, &Memory(vec![0; 4096]));
        mmu.restore_control(registers(&Paging { processor: Chip::PentiumPro.processor(), cr0: PE, cr3: 0, cr4: 0, pdpte: [0; 4], a20: true }), cpl);
        // A register holds code or data, or null with any RPL.
        let hidden = hidden.map(|descriptor| descriptor.map(|(raw, _)| raw | 1 << 44 | 1 << 47));
        for (i, register) in SegmentRegister::ALL.into_iter().enumerate() {
            let selector = if hidden[i].is_none() { selectors[i] % 4 } else { selectors[i] };
            mmu.set_segment(register, cache(selector, hidden[i]));
        }
        let before = mmu.state().segments;
        mmu.null_inner_segments();
        for (i, register) in SegmentRegister::ALL.into_iter().enumerate() {
            let data = matches!(register, SegmentRegister::Es | SegmentRegister::Ds | SegmentRegister::Fs | SegmentRegister::Gs);
            let nulled = data && hidden[i].is_some_and(|descriptor| segments::becomes_null(descriptor, cpl));
            if nulled {
                prop_assert!(holds(&mmu, register, 0, None), "{register}: {:x?}", mmu.segment(register));
                prop_assert_eq!(mmu.linear::<u8>(register as u8, 0, false), None);
            } else {
                prop_assert_eq!(*mmu.segment(register), before[i], "{} of DPL {}", register, bits(hidden[i].unwrap_or(0), 46, 45));
            }
        }
    }
}

#[test]
fn a_page_fault_on_the_accessed_bit_leaves_register_and_descriptor_alone() {
    let scene = Scene {
        chip: Chip::I486,
        gdt_base: 0x1000,
        gdt_limit: 15,
        ldt: None,
        descriptors: vec![(0, false), (0x00cf_9200_0000_ffff, false)],
        cpl: 0,
        paging: Some(([1, 7, 7], true)),
    };
    let mut stage = stage(&scene);
    let before = registers_of(&stage.mmu);
    let got = stage.mmu.load_data_segment(SegmentRegister::Ds, SegmentSelector(8)).map_err(exception);
    assert_eq!(got, Err(Exception::Pf(3, 0x100d)));
    assert_eq!(registers_of(&stage.mmu), before);
    assert_eq!(stage.mmu.bus.memory.ram()[0x100d], 0x92);
}
