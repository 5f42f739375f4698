//! What a translation lookaside buffer may remember and must forget.

use crate::model::pages::{Access, History};
use crate::model::{Exception, Memory};
use crate::rig::*;
use proptest::prelude::*;
use turtle86_arch::{Cr0, Cr4};

#[derive(Clone, Debug)]
pub enum Step {
    Access(Spot, Form, Who),
    /// Software writes an entry: table, slot, value.
    Write(usize, usize, u64),
    Invalidate(Spot),
    Flush(bool),
    MovCr0(u32),
    MovCr3(u32),
    MovCr4(u32),
    A20(bool),
}
pub fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        24 => (spot(), form(), who()).prop_map(|(spot, form, who)| Step::Access(spot, form, who)),
        8 => (0..TABLES.len(), 0..5usize, entry()).prop_map(|(table, slot, entry)| Step::Write(table, slot, entry)),
        2 => spot().prop_map(Step::Invalidate),
        1 => any::<bool>().prop_map(Step::Flush),
        2 => prop_oneof![4 => Just(WP), 1 => Just(CD), 1 => Just(NW), 1 => Just(PG)].prop_map(Step::MovCr0),
        1 => prop_oneof![3 => Just(1u32), 1 => Just(0x101u32), 1 => Just(2u32)].prop_map(|page| Step::MovCr3(page << 12 | POINTERS)),
        1 => prop_oneof![Just(PSE), Just(PGE), Just(PAE)].prop_map(Step::MovCr4),
        1 => any::<bool>().prop_map(Step::A20),
    ]
}

/// Few pages, so that they are met again.
fn near(spot: Spot, pae: bool) -> u32 {
    spot.linear(pae) & if pae { 0x003f_f000 | 0xffc } else { 0x007f_f000 | 0xffc }
}

/// The access through a physical address that is known, without tables.
fn at_physical(memory: &mut Memory, at: u64, form: Form) -> u64 {
    match form {
        Form::Translate(_) => at,
        Form::Load(size) => memory.number(at, size.into()),
        Form::Store(size, value) => {
            memory.set_number(at, size.into(), value.into());
            0
        }
        Form::ReadModifyWrite(size, value) => {
            let before = memory.number(at, size.into());
            memory.set_number(at, size.into(), value.into());
            before
        }
    }
}

/// An access must do what the tables in memory say, or what a translation says that may still be cached.
fn access(rig: &mut Rig, history: &mut History, linear: u32, form: Form, who: Who) -> Result<(), TestCaseError> {
    fast_forms(rig, history, linear, who)?;
    let got = perform(&mut rig.mmu, linear, form, who);
    let mut fresh = rig.memory.clone();
    let translation =
        if rig.paging.enabled() { Some(rig.paging.translate_afresh(&mut fresh, linear, form.access(), who.user())) } else { None };
    let expected = match translation {
        Some(Err(exception)) => Err(exception),
        Some(Ok(translation)) => Ok(at_physical(&mut fresh, rig.paging.physical(&translation, linear), form)),
        None => Ok(at_physical(&mut fresh, rig.paging.on_the_bus(linear.into()), form)),
    };
    if got == expected && rig.mmu.bus.memory.ram() == fresh.0 {
        rig.memory = fresh;
        if let Some(Ok(translation)) = translation {
            history.remember(translation);
        }
    } else {
        let answers: Vec<u64> = history.0.iter().filter_map(|t| rig.paging.answer(t, linear, form.access(), who.user())).collect();
        let found = answers.iter().any(|at| {
            let mut memory = rig.memory.clone();
            let matches = got == Ok(at_physical(&mut memory, *at, form)) && rig.mmu.bus.memory.ram() == memory.0;
            if matches {
                rig.memory = memory;
            }
            matches
        });
        prop_assert!(found, "{linear:08x} {form:?} {who:?}: {got:x?}, the tables say {expected:x?}, cached may be {answers:x?}");
    }
    // "Operations that Invalidate TLBs": a page fault forgets its page, so that it does not recur without a cause in memory.
    if let Err(Exception::Pf(..)) = got {
        history.invalidate(linear);
    }
    Ok(())
}
/// The inlined forms answer only from what may be cached.
fn fast_forms(rig: &mut Rig, history: &History, linear: u32, who: Who) -> Result<(), TestCaseError> {
    rig.mmu.set_cpl(who.cpl);
    let user = who.cpl == 3;
    let may = |access| -> Vec<u64> {
        if !rig.paging.enabled() {
            return vec![rig.paging.on_the_bus(linear.into())];
        }
        history.0.iter().filter_map(|t| rig.paging.answer(t, linear, access, user)).collect()
    };
    if let Some(value) = rig.mmu.load::<u32>(linear) {
        prop_assert!(may(Access::Read).iter().any(|at| rig.memory.number(*at, 4) == u64::from(value)), "a fast load at {linear:08x}");
    }
    if let Some(offset) = rig.mmu.place::<u32>(linear) {
        prop_assert!(may(Access::Write).contains(&u64::from(offset)), "a fast store at {linear:08x}");
    }
    Ok(())
}

fn apply(rig: &mut Rig, history: &mut History, step: &Step) -> Result<(), TestCaseError> {
    match *step {
        Step::Access(spot, form, who) => {
            let linear = near(spot, rig.pae());
            access(rig, history, linear, form, who)?;
        }
        Step::Write(table, slot, entry) => {
            let size = if rig.pae() { 8 } else { 4 };
            let at = (TABLES[table] << 12) + table_slots(rig.pae())[slot] * size;
            rig.memory.set_number(at, size, entry);
            rig.mmu.bus.memory.ram_mut().copy_from_slice(&rig.memory.0);
        }
        Step::Invalidate(spot) => {
            let linear = near(spot, rig.pae());
            rig.mmu.invalidate_page(linear);
            history.invalidate(linear);
        }
        Step::Flush(global_too) => {
            rig.mmu.flush_tlb(global_too);
            history.flush(global_too);
        }
        Step::MovCr0(_) | Step::MovCr3(_) | Step::MovCr4(_) => move_control(rig, history, step)?,
        Step::A20(open) => rig.set_a20(open),
    }
    Ok(())
}
/// MOV to a control register: both accept it and have the same registers then, or neither and nothing changes.
pub fn move_control(rig: &mut Rig, history: &mut History, step: &Step) -> Result<(), TestCaseError> {
    let before = rig.mmu.state();
    let (got, expected) = match *step {
        Step::MovCr0(change) => {
            let value = rig.paging.cr0 ^ change;
            (rig.mmu.set_cr0(Cr0(value)), rig.paging.mov_cr0(&rig.memory, value))
        }
        Step::MovCr3(value) => (rig.mmu.set_cr3(value), rig.paging.mov_cr3(&rig.memory, value)),
        Step::MovCr4(change) => {
            let value = rig.paging.cr4 ^ change & rig.chip.cr4();
            (rig.mmu.set_cr4(Cr4(value)), rig.paging.mov_cr4(&rig.memory, value))
        }
        _ => (Ok(()), Ok(())),
    };
    prop_assert_eq!(got.map_err(exception), expected, "{:?}", step);
    prop_assert_eq!(rig.mmu.control, registers(&rig.paging), "{:?}", step);
    prop_assert!(rig.same_memory());
    if expected.is_err() {
        prop_assert_eq!(rig.mmu.state(), before);
        return Ok(());
    }
    // "Operations that Invalidate TLBs"
    match *step {
        Step::MovCr0(PG) => history.flush(true),
        Step::MovCr3(_) => history.flush(false),
        Step::MovCr4(change) if change & rig.chip.cr4() != 0 => history.flush(true),
        _ => {}
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn a_warm_tlb_answers_from_the_tables_or_from_what_was_there_since_the_last_invalidation(
        setup in setup(),
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let mut rig = Rig::new(&setup);
        let mut history = History::default();
        for step in &steps {
            apply(&mut rig, &mut history, step)?;
        }
        // A full flush leaves the tables alone to answer.
        rig.mmu.flush_tlb(true);
        for step in &steps {
            if let Step::Access(spot, form, who) = *step {
                let linear = near(spot, rig.pae());
                rig.mmu.flush_tlb(true);
                let expected = expect(&rig.paging, &mut rig.memory, linear, form, who);
                prop_assert_eq!(perform(&mut rig.mmu, linear, form, who), expected);
                prop_assert!(rig.same_memory());
            }
        }
    }

    #[test]
    fn invlpg_brings_back_the_tables_for_every_piece_of_its_page(
        setup in setup(),
        warm in prop::collection::vec((spot(), who()), 1..12),
        entries in prop::collection::vec(entry(), TABLES.len() * 5),
        again in prop::collection::vec((spot(), form(), who()), 1..12),
    ) {
        let mut rig = Rig::new(&setup);
        for (spot, who) in warm {
            let linear = near(spot, rig.pae());
            let _ = perform(&mut rig.mmu, linear, Form::Translate(Access::Read), who);
        }
        rig.memory = Rig::new(&Setup { entries, ..setup.clone() }).memory;
        rig.mmu.bus.memory.ram_mut().copy_from_slice(&rig.memory.0);
        for (spot, form, who) in again {
            let linear = near(spot, rig.pae());
            rig.mmu.invalidate_page(linear);
            let expected = expect(&rig.paging, &mut rig.memory, linear, form, who);
            prop_assert_eq!(perform(&mut rig.mmu, linear, form, who), expected);
            prop_assert!(rig.same_memory());
        }
    }

    #[test]
    fn only_global_pages_survive_a_load_of_cr3(
        pge in any::<bool>(),
        global in any::<bool>(),
        large in any::<bool>(),
        user in any::<bool>(),
        page in 0..1024u32,
    ) {
        let who = Who { cpl: if user { 3 } else { 0 }, system: false };
        let flags = 0x007 | if global { 0x100 } else { 0 };
        let setup = Setup {
            chip: Chip::PentiumPro,
            cr0: PE | PG,
            cr3: 0x1000,
            cr4: PSE | if pge { PGE } else { 0 },
            pdpte: [0; 4],
            entries: vec![],
            a20: true,
        };
        let mut rig = Rig::new(&setup);
        // G of a directory entry that names a table is ignored.
        let map = |rig: &mut Rig, to: u64| {
            let ram = rig.mmu.bus.memory.ram_mut();
            let directory = if large { to << 22 | 0x80 | flags } else { 0x2107 };
            ram[0x1000..0x1004].copy_from_slice(&(directory as u32).to_le_bytes());
            let table = 0x2000 + 4 * page as usize;
            ram[table..table + 4].copy_from_slice(&((to << 12 | flags) as u32).to_le_bytes());
        };
        map(&mut rig, 8);
        let linear = page << 12;
        let physical = |to: u64| if large { (to << 22) + u64::from(linear) } else { to << 12 };
        let translate = Form::Translate(Access::Read);
        prop_assert_eq!(perform(&mut rig.mmu, linear, translate, who), Ok(physical(8)));
        map(&mut rig, 9);
        prop_assert_eq!(perform(&mut rig.mmu, linear, translate, who), Ok(physical(8)));
        rig.mmu.set_cr3(0x1000).unwrap();
        let survives = pge && global;
        prop_assert_eq!(perform(&mut rig.mmu, linear, translate, who), Ok(physical(if survives { 8 } else { 9 })));
        rig.mmu.set_cr4(Cr4(rig.mmu.control.cr4.0 ^ PGE)).unwrap();
        prop_assert_eq!(perform(&mut rig.mmu, linear, translate, who), Ok(physical(9)));
    }

    #[test]
    fn permissions_that_are_widened_in_memory_after_a_fault_need_no_invalidation(
        before in 0..8u64,
        write in any::<bool>(),
        warm in any::<bool>(),
        wp in any::<bool>(),
        cpl in prop_oneof![Just(0u8), Just(3)],
    ) {
        let who = Who { cpl, system: false };
        let mut entries = vec![0; 10];
        (entries[0], entries[5]) = (0x2007, 0x8000 | before);
        let cr0 = PE | PG | if wp { WP } else { 0 };
        let mut rig = Rig::new(&Setup { chip: Chip::I486, cr0, cr3: 0x1000, cr4: 0, pdpte: [0; 4], entries, a20: true });
        if warm {
            let _ = perform(&mut rig.mmu, 0, Form::Load(4), Who { cpl: 0, system: false });
            let _ = perform(&mut rig.mmu, 0, Form::Load(4), who);
        }
        let form = if write { Form::Store(4, 1) } else { Form::Load(4) };
        if perform(&mut rig.mmu, 0, form, who).is_err() {
            // Another frame too, as copy-on-write does.
            rig.mmu.bus.memory.ram_mut()[0x2000..0x2004].copy_from_slice(&0x9007u32.to_le_bytes());
            for cpl in [cpl, 0, 3] {
                let who = Who { cpl, system: false };
                prop_assert_eq!(perform(&mut rig.mmu, 0, Form::Translate(Access::Write), who), Ok(0x9000), "at CPL {}", cpl);
            }
        }
    }
}

#[test]
fn a_page_fault_forgets_the_translations_of_its_page_for_every_privilege() {
    let (kernel, program) = (Who { cpl: 0, system: false }, Who { cpl: 3, system: false });
    let mut entries = vec![0; 10];
    (entries[0], entries[5]) = (0x2007, 0x8005);
    let mut rig = Rig::new(&Setup { chip: Chip::I486, cr0: PE | PG | WP, cr3: 0x1000, cr4: 0, pdpte: [0; 4], entries, a20: true });
    let read = Form::Translate(Access::Read);
    assert_eq!(perform(&mut rig.mmu, 0, read, kernel), Ok(0x8000));
    assert_eq!(perform(&mut rig.mmu, 0, Form::Store(4, 1), program), Err(Exception::Pf(7, 0)));
    rig.mmu.bus.memory.ram_mut()[0x2000..0x2004].copy_from_slice(&0x9007u32.to_le_bytes());
    assert_eq!(perform(&mut rig.mmu, 0, read, kernel), Ok(0x9000));
}

#[test]
fn setting_the_write_protect_bit_takes_back_what_the_supervisor_was_allowed_without_it() {
    let who = Who { cpl: 0, system: false };
    let mut entries = vec![0; 10];
    (entries[0], entries[5]) = (0x2007, 0x8005);
    let mut rig = Rig::new(&Setup { chip: Chip::I486, cr0: PE | PG, cr3: 0x1000, cr4: 0, pdpte: [0; 4], entries, a20: true });
    assert_eq!(perform(&mut rig.mmu, 0, Form::Store(4, 1), who), Ok(0));
    rig.mmu.set_cr0(Cr0(PE | PG | WP)).unwrap();
    assert_eq!(rig.mmu.place::<u32>(0), None);
    assert_eq!(perform(&mut rig.mmu, 0, Form::Store(4, 1), who), Err(Exception::Pf(3, 0)));
}

/// A global page of 4 MiB at linear 0, of which two pieces were used; then the entry leads elsewhere.
pub fn stale_large_page() -> Rig {
    let mut entries = vec![0; 5];
    entries[0] = 0x187;
    let cr4 = PSE | PGE;
    let mut rig = Rig::new(&Setup { chip: Chip::PentiumPro, cr0: PE | PG, cr3: 0x1000, cr4, pdpte: [0; 4], entries, a20: true });
    for piece in [0x5000, 0x6000] {
        assert_eq!(perform(&mut rig.mmu, piece, Form::Translate(Access::Read), Who { cpl: 3, system: false }), Ok(piece.into()));
    }
    rig.mmu.bus.memory.ram_mut()[0x1000..0x1004].copy_from_slice(&0x40_0187u32.to_le_bytes());
    rig
}

#[test]
fn invlpg_forgets_the_other_pieces_of_a_large_page_that_survived_a_load_of_cr3() {
    let mut rig = stale_large_page();
    let (read, who) = (Form::Translate(Access::Read), Who { cpl: 3, system: false });
    rig.mmu.set_cr3(0x1000).unwrap();
    assert_eq!(perform(&mut rig.mmu, 0x6000, read, who), Ok(0x6000));
    rig.mmu.invalidate_page(0x5000);
    assert_eq!(perform(&mut rig.mmu, 0x6000, read, who), Ok(0x40_6000));
}
