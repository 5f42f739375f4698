//! State taken and put back.

use crate::model::Memory;
use crate::model::pages::Access;
use crate::rig::*;
use crate::tlb::{Step, stale_large_page};
use proptest::prelude::*;
use turtle86_arch::{Cr0, Cr4, DescriptorCache, PhysicalAddress, SegmentDescriptor, SegmentRegister, SegmentSelector};
use turtle86_mmu::{Mmu, MmuState, Translation};

/// The step on one MMU, and all that can be seen of it.
fn apply(mmu: &mut Mmu, step: &Step) -> String {
    let pae = mmu.control.cr4.contains(Cr4::PAE);
    let shown = match *step {
        Step::Access(spot, form, who) => format!("{:x?}", perform(mmu, spot.linear(pae), form, who)),
        Step::Write(table, slot, entry) => {
            let size = if pae { 8 } else { 4 };
            let at = ((TABLES[table] << 12) + table_slots(pae)[slot] * size) as usize;
            mmu.bus.memory.write_bytes(PhysicalAddress(at as u64), &entry.to_le_bytes()[..size as usize]);
            String::new()
        }
        Step::Invalidate(spot) => {
            mmu.invalidate_page(spot.linear(pae));
            String::new()
        }
        Step::Flush(global_too) => {
            mmu.flush_tlb(global_too);
            String::new()
        }
        Step::MovCr0(change) => format!("{:?}", mmu.set_cr0(Cr0(mmu.control.cr0.0 ^ change))),
        Step::MovCr3(value) => format!("{:?}", mmu.set_cr3(value)),
        Step::MovCr4(change) => {
            let has = if mmu.features().contains(turtle86_arch::Features::PAE) { change } else { 0 };
            format!("{:?}", mmu.set_cr4(Cr4(mmu.control.cr4.0 ^ has)))
        }
        Step::A20(open) => {
            mmu.bus.lines.a20 = open;
            mmu.remap();
            String::new()
        }
    };
    format!("{step:?}: {shown} {:?}", mmu.mode())
}

fn descriptor() -> impl Strategy<Value = DescriptorCache> {
    (any::<u64>(), any::<u16>(), prop::bool::weighted(0.9)).prop_map(|(raw, selector, usable)| {
        let selector = SegmentSelector(selector);
        if usable { DescriptorCache::new(selector, SegmentDescriptor(raw | 0x9000_0000_0000)) } else { DescriptorCache::null(selector) }
    })
}

proptest! {
    #![proptest_config(cases(120))]

    #[test]
    fn a_restored_state_answers_like_the_original_stale_translations_included(
        setup in setup(),
        before in prop::collection::vec(crate::tlb::step(), 1..30),
        segments in prop::array::uniform6(descriptor()),
        tables in (descriptor(), descriptor(), any::<u32>(), any::<u16>()),
        after in prop::collection::vec(crate::tlb::step(), 1..30),
    ) {
        let mut rig = Rig::new(&setup);
        for step in &before {
            apply(&mut rig.mmu, step);
        }
        for (register, cache) in SegmentRegister::ALL.into_iter().zip(segments) {
            rig.mmu.set_segment(register, cache);
        }
        (rig.mmu.ldtr, rig.mmu.tr) = (tables.0, tables.1);
        (rig.mmu.gdtr.base, rig.mmu.gdtr.limit, rig.mmu.idtr.base) = (tables.2, tables.3, !tables.2);

        let state = rig.mmu.state();
        rig.memory.0.copy_from_slice(rig.mmu.bus.memory.ram());
        let mut copy = mmu_of(setup.chip, &rig.memory);
        copy.bus.lines.a20 = rig.mmu.bus.lines.a20;
        copy.set_state(&state);
        prop_assert_eq!(&copy.state(), &state);
        // Numbers of code contexts are given out in the order of their use.
        prop_assert_eq!(copy.mode().bits() & 0xffff, rig.mmu.mode().bits() & 0xffff);
        for register in 0..6 {
            for offset in [0, 1, 0xfffc, 0xffff, 0x10000, 0xffff_fffc, 0xffff_ffff] {
                for write in [false, true] {
                    prop_assert_eq!(copy.linear::<u32>(register, offset, write), rig.mmu.linear::<u32>(register, offset, write));
                }
            }
        }
        for translation in &state.translations {
            let linear = translation.1.page;
            prop_assert_eq!(copy.load::<u32>(linear), rig.mmu.load::<u32>(linear));
            prop_assert_eq!(copy.place::<u32>(linear), rig.mmu.place::<u32>(linear));
        }
        for step in &after {
            let (one, other) = (apply(&mut rig.mmu, step), apply(&mut copy, step));
            prop_assert_eq!(one.rsplit_once("Mode").map(|x| x.0), other.rsplit_once("Mode").map(|x| x.0));
        }
        prop_assert_eq!(rig.mmu.state(), copy.state());
        prop_assert!(rig.mmu.bus.memory.ram() == copy.bus.memory.ram());
    }

    #[test]
    fn a_rewound_mmu_answers_like_a_restored_one(
        setup in setup(),
        before in prop::collection::vec(crate::tlb::step(), 1..30),
        runs in prop::collection::vec((0..2usize, prop::collection::vec(crate::tlb::step(), 0..30)), 1..6),
    ) {
        let mut rig = Rig::new(&setup);
        let mut points = Vec::new();
        for steps in before.chunks(15) {
            steps.iter().for_each(|step| drop(apply(&mut rig.mmu, step)));
            points.push((rig.mmu.state(), rig.mmu.bus.memory.ram().to_vec(), rig.mmu.bus.lines.a20, rig.mmu.checkpoint()));
        }
        for (point, steps) in &runs {
            let (state, ram, a20, checkpoint) = &points[point % points.len()];
            rig.mmu.rewind(checkpoint, state).unwrap();
            prop_assert_eq!(&rig.mmu.state(), state);
            prop_assert!(rig.mmu.bus.memory.ram() == *ram && rig.mmu.bus.lines.a20 == *a20);
            let mut copy = mmu_of(setup.chip, &Memory(ram.clone()));
            copy.bus.lines.a20 = *a20;
            copy.set_state(state);
            for (_, translation) in &state.translations {
                prop_assert_eq!(copy.load::<u32>(translation.page), rig.mmu.load::<u32>(translation.page));
                prop_assert_eq!(rig.mmu.place::<u32>(translation.page), None, "the first store must go into the log");
            }
            for step in steps {
                let (one, other) = (apply(&mut rig.mmu, step), apply(&mut copy, step));
                prop_assert_eq!(one.rsplit_once("Mode").map(|x| x.0), other.rsplit_once("Mode").map(|x| x.0));
            }
            prop_assert_eq!(rig.mmu.state(), copy.state());
            prop_assert!(rig.mmu.bus.memory.ram() == copy.bus.memory.ram());
        }
    }

    #[test]
    fn translations_that_no_tlb_could_hold_answer_nothing(
        slots in prop::collection::vec((any::<u32>(), any::<u32>(), any::<u64>(), any::<[bool; 4]>(), 0..3u8), 1..32),
        cpl in any::<u8>(),
    ) {
        let setup = Setup { chip: Chip::PentiumPro, cr0: PE | PG, cr3: 0x1000, cr4: PSE, pdpte: [0; 4], entries: vec![], a20: true };
        let mut rig = Rig::new(&setup);
        let translations: Vec<(u32, Translation)> = slots
            .into_iter()
            .map(|(slot, page, physical, [writable, dirty, global, large], tidy)| {
                // Anything at all; whole pages in any slot; whole pages in their own.
                let (page, physical) = if tidy > 0 { (page & !0xfff, physical & 0xf_ffff_f000) } else { (page, physical) };
                let slot = if tidy > 1 { page >> 12 & 0x7ff } else { slot & 0xfff };
                (slot, Translation { page, physical, writable, dirty, global, large })
            })
            .collect();
        let state = MmuState { cpl, translations: translations.clone(), ..rig.mmu.state() };
        rig.mmu.set_state(&state);
        for (slot, kept) in &rig.mmu.state().translations {
            let own = kept.page & 0xfff == 0 && kept.physical & 0xfff == 0 && (slot & 0x3ff) == (kept.page >> 12 & 0x3ff);
            prop_assert!(own && translations.contains(&(*slot, *kept)), "slot {slot}: {kept:x?}");
        }
        for (_, translation) in &translations {
            let who = Who { cpl: cpl & 3, system: false };
            let page = translation.page;
            if let Ok(at) = perform(&mut rig.mmu, page, Form::Translate(Access::Read), who) {
                // Without tables only a restored translation can answer, and only for its own page.
                let held = translations.iter().any(|(_, t)| t.page == page & !0xfff && t.physical & 0xf_ffff_f000 == at & !0xfff);
                prop_assert!(held, "{page:08x} went to {at:x}");
            }
        }
    }
}

#[test]
fn invlpg_forgets_the_pieces_of_a_large_page_that_came_from_a_snapshot() {
    let rig = stale_large_page();
    let mut copy = mmu_of(rig.chip, &Memory(rig.mmu.bus.memory.ram().to_vec()));
    copy.set_state(&rig.mmu.state());
    let (read, who) = (Form::Translate(Access::Read), Who { cpl: 3, system: false });
    assert_eq!(perform(&mut copy, 0x6000, read, who), Ok(0x6000));
    copy.invalidate_page(0x5000);
    assert_eq!(perform(&mut copy, 0x6000, read, who), Ok(0x40_6000));
}

#[test]
fn after_its_first_store_a_page_is_stored_to_fast_until_the_rewind() {
    let setup = Setup { chip: Chip::PentiumPro, cr0: 0, cr3: 0, cr4: 0, pdpte: [0; 4], entries: vec![], a20: true };
    let mut mmu = Rig::new(&setup).mmu;
    mmu.store_checked(0x8000, 1u32).unwrap();
    assert_eq!(mmu.place::<u32>(0x8000), Some(0x8000));
    let (state, checkpoint) = (mmu.state(), mmu.checkpoint());
    for round in 0..3 {
        assert_eq!((mmu.place::<u32>(0x8000), mmu.load::<u32>(0x8000)), (None, Some(1)), "round {round}");
        mmu.store_checked(0x8000, 2u32).unwrap();
        assert_eq!((mmu.place::<u32>(0x8000), mmu.load::<u32>(0x8000)), (Some(0x8000), Some(2)), "round {round}");
        mmu.rewind(&checkpoint, &state).unwrap();
    }
}
