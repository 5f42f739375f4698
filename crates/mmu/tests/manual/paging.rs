//! Page walks, error codes, accessed and dirty flags, accesses over a page's end.

use crate::model::pages::Access;
use crate::rig::*;
use proptest::prelude::*;
use turtle86_arch::LinearAddress;

#[derive(Clone, Debug)]
struct Step {
    spot: Spot,
    form: Form,
    who: Who,
    flush: bool,
    a20: Option<bool>,
}
fn step() -> impl Strategy<Value = Step> {
    let a20 = prop_oneof![9 => Just(None), 1 => any::<bool>().prop_map(Some)];
    (spot(), form(), who(), any::<bool>(), a20).prop_map(|(spot, form, who, flush, a20)| Step { spot, form, who, flush, a20 })
}

/// The access stores into a page of tables, so that a TLB may be stale after it.
fn stores_into_tables(rig: &Rig, linear: u32, form: Form, who: Who) -> bool {
    if !matches!(form, Form::Store(..) | Form::ReadModifyWrite(..)) {
        return false;
    }
    let spans = rig.paging.spans(&mut rig.memory.clone(), linear, form.size(), Access::Write, who.user());
    spans.is_ok_and(|bytes| bytes.iter().any(|at| TABLES.contains(&(at >> 12))))
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn accesses_do_what_the_manual_says_with_a_cold_tlb_and_with_one_that_is_not_stale(
        setup in setup(),
        steps in prop::collection::vec(step(), 1..16),
    ) {
        let mut rig = Rig::new(&setup);
        for step in steps {
            let linear = step.spot.linear(rig.pae());
            if let Some(open) = step.a20 {
                rig.set_a20(open);
                // The tables may be others now.
                rig.mmu.flush_tlb(true);
            }
            if step.flush {
                rig.mmu.flush_tlb(true);
            }
            let stale = stores_into_tables(&rig, linear, step.form, step.who);
            let expected = expect(&rig.paging, &mut rig.memory, linear, step.form, step.who);
            let got = perform(&mut rig.mmu, linear, step.form, step.who);
            prop_assert_eq!(got, expected, "{:08x} {:?}", linear, &step);
            prop_assert!(rig.same_memory(), "memory after {:08x} {:?}", linear, &step);
            if stale {
                rig.mmu.flush_tlb(true);
            }
        }
    }

    #[test]
    fn peeking_finds_what_the_tables_map_and_changes_nothing(
        setup in setup(),
        spots in prop::collection::vec((spot(), spot(), form(), who()), 1..8),
    ) {
        let mut rig = Rig::new(&setup);
        for (warm, spot, form, who) in spots {
            let (warm, linear) = (warm.linear(rig.pae()), spot.linear(rig.pae()));
            let _ = perform(&mut rig.mmu, warm, form, who);
            rig.memory.0.copy_from_slice(rig.mmu.bus.memory.ram());
            let before = rig.mmu.state();
            let got = rig.mmu.peek_translation(LinearAddress(linear)).map(|at| at.0);
            prop_assert_eq!(got, rig.paging.peek(&rig.memory, linear));
            prop_assert!(rig.same_memory());
            prop_assert_eq!(rig.mmu.state(), before);
        }
    }

    #[test]
    fn without_paging_linear_addresses_go_to_the_bus(
        chip in chip(),
        a20 in any::<bool>(),
        accesses in prop::collection::vec((any::<u32>(), form(), who()), 1..16),
    ) {
        let setup = Setup { chip, cr0: PE, cr3: 0, cr4: 0, pdpte: [0; 4], entries: vec![], a20 };
        let mut rig = Rig::new(&setup);
        for (linear, form, who) in accesses {
            // Three of four below the end of RAM.
            let linear = if linear >> 30 != 0 { linear % (RAM as u32 + 8) } else { linear };
            let expected = expect(&rig.paging, &mut rig.memory, linear, form, who);
            prop_assert_eq!(perform(&mut rig.mmu, linear, form, who), expected, "{:08x} {:?}", linear, form);
            prop_assert!(rig.same_memory());
        }
    }
}

/// Directory in page 1, table in page 2, data in pages 8 and 9, mapped at linear 0 and 4096.
fn two_pages(chip: Chip, cr4: u32, first: u64, second: u64) -> Rig {
    let mut entries = vec![0; 10];
    (entries[0], entries[5], entries[6]) = (0x2007, first, second);
    Rig::new(&Setup { chip, cr0: PE | PG | WP, cr3: 0x1000, cr4, pdpte: [0; 4], entries, a20: true })
}

#[test]
fn nothing_is_stored_when_the_second_page_of_a_store_faults() {
    let who = Who { cpl: 3, system: false };
    for (second, code) in [(0x9006, 6), (0x9005, 7), (0x9003, 7)] {
        let mut rig = two_pages(Chip::I486, 0, 0x8007, second);
        let expected = Err(crate::model::Exception::Pf(code, 0x1000));
        for warm in [false, true] {
            if warm {
                perform(&mut rig.mmu, 0xff0, Form::Store(4, 0), who).unwrap();
            }
            let before = rig.mmu.bus.memory.ram()[0x8000..0xa000].to_vec();
            assert_eq!(perform(&mut rig.mmu, 0xffe, Form::Store(4, 0x1122_3344), who), expected);
            assert_eq!(rig.mmu.bus.memory.ram()[0x8000..0xa000], before);
        }
    }
}

#[test]
fn without_the_page_attribute_table_its_bits_are_reserved_where_reserved_bits_are_checked() {
    let who = Who { cpl: 0, system: false };
    let read = |chip, cr4, first| perform(&mut two_pages(chip, cr4, first, 0).mmu, 0, Form::Translate(Access::Read), who);
    assert_eq!(read(Chip::Pentium, 0, 0x8087), Ok(0x8000));
    assert_eq!(read(Chip::Pentium, PSE, 0x8087), Err(crate::model::Exception::Pf(9, 0)));
    let mut rig = two_pages(Chip::Pentium, PSE, 0, 0);
    rig.mmu.bus.memory.ram_mut()[0x1000..0x1004].copy_from_slice(&0x0000_1083u32.to_le_bytes());
    assert_eq!(perform(&mut rig.mmu, 0, Form::Load(1), who), Err(crate::model::Exception::Pf(9, 0)));
}

#[test]
fn a_large_page_of_36_bits_reserves_the_bits_above_them() {
    let who = Who { cpl: 0, system: false };
    for bit in 12..22 {
        let mut rig = two_pages(Chip::Pse36, PSE, 0, 0);
        rig.mmu.bus.memory.ram_mut()[0x1000..0x1004].copy_from_slice(&(0x83u32 | 1 << bit).to_le_bytes());
        let expected = if (13..17).contains(&bit) { Ok(1 << (bit + 19)) } else { Err(crate::model::Exception::Pf(9, 0)) };
        assert_eq!(perform(&mut rig.mmu, 0, Form::Translate(Access::Read), who), expected, "bit {bit}");
    }
}
