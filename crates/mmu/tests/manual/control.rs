//! Moves to control registers with PAE: the page-directory-pointer-table registers.

use crate::model::Exception;
use crate::model::pages::History;
use crate::rig::*;
use crate::tlb::{Step, move_control};
use proptest::prelude::*;
use turtle86_arch::Cr0;

/// Where the tables of pointers lie; two only on the other side of address line 20.
const POINTER_TABLES: [u32; 4] = [0x1000, 0x1040, 0x10_1000, 0x10_1040];

/// A pointer with reserved bits as often as not.
fn doubtful_pointer() -> impl Strategy<Value = u64> {
    prop_oneof![4 => pointer(), 1 => (pointer(), 0..64u32).prop_map(|(pointer, bit)| pointer ^ 1 << bit), 1 => any::<u64>()]
}
fn moves() -> impl Strategy<Value = Step> {
    prop_oneof![
        prop_oneof![Just(WP), Just(CD), Just(NW), Just(PG), Just(PG | CD), Just(8)].prop_map(Step::MovCr0),
        (0..4usize, 0..32u32).prop_map(|(table, ignored)| Step::MovCr3(POINTER_TABLES[table] | ignored)),
        prop_oneof![Just(PSE), Just(PGE), Just(PAE), Just(PAE | PGE), Just(0u32)].prop_map(Step::MovCr4),
    ]
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn a_move_to_a_control_register_loads_good_pointers_and_changes_nothing_for_bad_ones(
        setup in setup(),
        pointers in prop::collection::vec(doubtful_pointer(), 16),
        a20 in any::<bool>(),
        paging in any::<bool>(),
        warm in prop::collection::vec((spot(), form(), who()), 0..4),
        moves in prop::collection::vec(moves(), 1..12),
    ) {
        let cr0 = if paging { setup.cr0 } else { setup.cr0 & !PG };
        let mut rig = Rig::new(&Setup { chip: Chip::PentiumPro, cr0, cr4: setup.cr4 | PGE, a20, ..setup });
        for (i, pointer) in pointers.iter().enumerate() {
            rig.memory.set_number(u64::from(POINTER_TABLES[i / 4]) + 8 * (i as u64 % 4), 8, *pointer);
        }
        rig.mmu.bus.memory.ram_mut().copy_from_slice(&rig.memory.0);
        for (spot, form, who) in warm {
            let linear = spot.linear(rig.pae());
            let _ = perform(&mut rig.mmu, linear, form, who);
        }
        rig.memory.0.copy_from_slice(rig.mmu.bus.memory.ram());
        for step in &moves {
            move_control(&mut rig, &mut History::default(), step)?;
        }
    }
}

/// Pointers of PAE in page 1; at 1 MiB higher, others.
fn pointers_at_both_sides_of_line_20() -> Rig {
    let setup = Setup { chip: Chip::PentiumPro, cr0: PE, cr3: 0x10_1000, cr4: PAE, pdpte: [0; 4], entries: vec![], a20: false };
    let mut rig = Rig::new(&setup);
    rig.mmu.bus.memory.ram_mut()[0x1000..0x1008].copy_from_slice(&0x2001u64.to_le_bytes());
    rig.mmu.bus.memory.ram_mut()[0x10_1000..0x10_1008].copy_from_slice(&0x3001u64.to_le_bytes());
    rig
}

#[test]
fn a_closed_a20_gate_folds_the_addresses_of_page_directory_pointers() {
    let mut rig = pointers_at_both_sides_of_line_20();
    rig.mmu.set_cr0(Cr0(PE | PG)).unwrap();
    assert_eq!(rig.mmu.control.pdpte[0], 0x2001);
    rig.set_a20(true);
    rig.mmu.set_cr3(0x10_1000).unwrap();
    assert_eq!(rig.mmu.control.pdpte[0], 0x3001);
}

#[test]
fn changing_a_cache_control_bit_or_the_page_global_enable_loads_the_pointers_anew() {
    let mut rig = pointers_at_both_sides_of_line_20();
    rig.set_a20(true);
    rig.mmu.set_cr0(Cr0(PE | PG)).unwrap();
    for (i, change) in [(0, CD), (0, NW), (4, PGE), (4, PSE)].into_iter().enumerate() {
        let pointer = 0x4001 + 0x1000 * i as u64;
        rig.mmu.bus.memory.ram_mut()[0x10_1000..0x10_1008].copy_from_slice(&pointer.to_le_bytes());
        let (cr0, cr4) = (rig.mmu.control.cr0.0, rig.mmu.control.cr4.0);
        if change.0 == 0 {
            rig.mmu.set_cr0(Cr0(cr0 ^ change.1)).unwrap();
        } else {
            rig.mmu.set_cr4(turtle86_arch::Cr4(cr4 ^ change.1)).unwrap();
        }
        assert_eq!(rig.mmu.control.pdpte[0], pointer, "CR{} bit {:08x}", change.0, change.1);
    }
}

#[test]
fn every_reserved_bit_of_every_pointer_refuses_the_load_if_the_pointer_is_present() {
    for (number, bit) in (0..4).flat_map(|number| (1..64).map(move |bit| (number, bit))) {
        for present in [0, 1] {
            let mut rig = pointers_at_both_sides_of_line_20();
            rig.mmu.set_cr0(Cr0(PE | PG)).unwrap();
            let (at, pointer) = (0x1040 + 8 * number, 1u64 << bit | present);
            rig.mmu.bus.memory.ram_mut()[at..at + 8].copy_from_slice(&pointer.to_le_bytes());
            let before = rig.mmu.state();
            let reserved = matches!(bit, 1 | 2 | 5..=8 | 36..=63);
            let expected = if reserved && present == 1 { Err(Exception::Gp(0)) } else { Ok(()) };
            assert_eq!(rig.mmu.set_cr3(0x1040).map_err(exception), expected, "bit {bit} of pointer {number}");
            if expected.is_ok() {
                assert_eq!(rig.mmu.control.pdpte[number], pointer);
            } else {
                assert_eq!(rig.mmu.state(), before);
            }
        }
    }
}
