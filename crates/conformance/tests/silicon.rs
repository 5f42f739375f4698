//! Against the host's processor. Where it cannot be asked (another platform, a kernel that forbids it) these tests say so and pass.

use turtle86::arch::{Eflags, Gpr, Model, SegmentRegister};
use turtle86_conformance::silicon::{
    ARENA, Agreement, Case, Differential, Emulated, Ending, Host, HostError, Options, RunError, Vendor, World, run,
};

fn world() -> World {
    World::new(1)
}
fn differential() -> Option<Differential> {
    match Differential::new(Model::default(), &world()) {
        Ok(both) => Some(both),
        Err(RunError::Host(error)) => {
            eprintln!("not run: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn every_form_agrees_in_a_short_run() {
    let count = std::env::var("TURTLE86_SILICON_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(170_000);
    let report = match run(&Options { count, seed: 20, jobs: 2, ..Options::default() }, &|_| true) {
        Err(RunError::Host(error)) => return eprintln!("not run: {error}"),
        report => report.unwrap(),
    };
    for (shape, form) in &report.forms {
        if let Some(first) = &form.first {
            let text = format!("{shape}: case {}: {}\n{}\n{}", first.number, first.code, first.difference, first.test);
            // What other vendors' processors do where the manual leaves a choice has not been measured.
            if report.vendor != Vendor::Amd {
                eprintln!("{text}");
                continue;
            }
            panic!("{text}");
        }
    }
    assert!(report.total(|form| form.cases) > count * 9 / 10);
    // Most of each form ran to its end and did not fault on its way.
    assert!(report.forms.iter().all(|(_, form)| form.cases + form.skipped.values().sum::<u64>() >= 256));
}

#[test]
fn a_seed_makes_the_same_cases_whatever_the_jobs() {
    let totals = |jobs| {
        let options = Options { count: 2048, seed: 5, jobs, ..Options::default() };
        let report = run(&options, &|_| true).ok()?;
        Some(report.forms.into_iter().map(|(shape, form)| (shape, form.cases, form.endings, form.skipped)).collect::<Vec<_>>())
    };
    assert_eq!(totals(1), totals(3));
}

/// Each with the ending that the manual has for it.
#[test]
fn silicon_and_the_model_end_alike() {
    let Some(mut both) = differential() else { return };
    let fault = |vector, error, address| Ending::Exception { vector, error, address };
    let read_only = ARENA + 0x5000;
    let cases = [
        ("hlt", Case::code32(&[0xf4]), fault(13, 0, 0)),
        ("div by zero", Case::code32(&[0xf7, 0xf1]), fault(0, 0, 0)),
        ("int3", Case::code32(&[0xcc]), fault(3, 0, 0)),
        ("into", Case::code16(&[0xce]).flags(Eflags::OF), fault(4, 0, 0)),
        ("ud2", Case::code16(&[0x0f, 0x0b]), fault(6, 0, 0)),
        ("int 21h", Case::code16(&[0xcd, 0x21]), fault(13, 0x21 << 3 | 2, 0)),
        ("a missing page", Case::code32(&[0x8b, 0x03]).ebx(ARENA + 0x2000), fault(14, 4, ARENA + 0x2000)),
        ("a read-only page", Case::code32(&[0x89, 0x03]).ebx(read_only), fault(14, 7, read_only)),
        ("beyond 64 KiB", Case::code16(&[0x8b, 0x07]).ebx(0xffff), fault(13, 0, 0)),
        ("beyond the stack", Case::code16(&[0x58]).esp(0xffff), fault(12, 0, 0)),
        ("a single step", Case::code32(&[0x90]).flags(Eflags::TF), fault(1, 0, 0)),
        ("a null stack", Case::code32(&[0x8e, 0xd1]).ecx(0), fault(13, 0, 0)),
        ("a selector beyond the table", Case::code32(&[0x8e, 0xd9]).ecx(0xfff7), fault(13, 0xfff4, 0)),
    ];
    for (name, case, ending) in cases {
        both.agree(&case).unwrap().assert();
        assert_eq!(both.model.run(&case).unwrap().ending, ending, "{name}");
    }
}

#[test]
fn the_host_survives_whatever_a_case_does() {
    let Some(mut both) = differential() else { return };
    let host = &mut both.host;
    let mut ending = |case: &Case| host.run(std::slice::from_ref(case)).unwrap()[0].ending;
    assert_eq!(ending(&Case::code32(&[0xeb, 0xfe])), Ending::Timeout);
    assert_eq!(ending(&Case::code32(&[0xcd, 0x80]).eax(1)), Ending::SystemCall);
    // Wild stores reach nothing but the arena.
    let wild = Case::code32(&[0xf3, 0xab]).ecx(0xffff_ffff).edi(0x1000);
    assert_eq!(ending(&wild), Ending::Exception { vector: 14, error: 6, address: 0x1000 });
    // What one case left in flags, segments and memory does not reach the next.
    let dirty = Case::code32(&[0x9d, 0x0f, 0xa1]).bytes(ARENA + 0x7800, &[0xff, 0x7f, 0x24, 0x00, 0x0f, 0, 0, 0]);
    ending(&dirty);
    let plain = Case::code32(&[0x9c, 0x58]);
    both.agree(&plain).unwrap().assert();
    assert_eq!(both.agree(&plain).unwrap(), Agreement::Agrees);
}

#[test]
fn a_case_that_cannot_be_begun_is_refused_with_the_reason() {
    let Some(mut both) = differential() else { return };
    let refused = [
        (Case::code32(&[0x90]).segment(SegmentRegister::Ss, 0), "SS cannot hold selector 0000"),
        (Case::code32(&[0x90]).segment(SegmentRegister::Ds, 0x33), "DS cannot hold selector 0033"),
        (Case::code16(&[0x90]).at(0x1_0000), "beyond the limit of CS"),
        (Case::code32(&[0x90]).bytes(ARENA, &[0; 1000]), "bytes of memory"),
    ];
    for (case, why) in refused {
        match both.host.run(&[case]) {
            Err(HostError::Case { why: text, .. }) => assert!(text.contains(why), "{text}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn enter_copies_what_it_pushed_on_silicon_too() {
    let Some(mut both) = differential() else { return };
    let case = Case::code32(&[0xc8, 0, 0, 3]).ebp(ARENA + 0x7804).esp(ARENA + 0x7800);
    assert_eq!(both.agree(&case).unwrap(), Agreement::Agrees);
}

#[test]
fn a_wrong_outcome_is_told_field_by_field() {
    let world = world();
    let mut model = Emulated::new(Model::default(), &world).unwrap();
    let case = Case::code32(&[0x01, 0x03]).eax(1).ebx(ARENA + 0x3000).bytes(ARENA + 0x3000, &[1, 0, 0, 0]); // add [ebx], eax
    let ours = model.run(&case).unwrap();
    let mut wrong = ours.clone();
    wrong.registers[Gpr::Ecx as usize] ^= 1;
    wrong.eflags ^= Eflags::CF;
    wrong.memory.push((0x3000 / 64, [0xee; 64]));
    let executed = model.trace(&case);
    let vendor = Vendor::Amd;
    let difference = turtle86_conformance::silicon::compare(&case, &world, &executed, &ours, &wrong, vendor).unwrap().to_string();
    for part in ["ecx: ours 00000000, silicon 00000001", "eflags: ours", "(CF IF)", "[00103000]: ours 02"] {
        assert!(difference.contains(part), "{part} in\n{difference}");
    }
    // An undefined flag is nobody's business.
    let mul = Case::code32(&[0xf7, 0xe1]);
    let ours = model.run(&mul).unwrap();
    let other = turtle86_conformance::silicon::Outcome { eflags: ours.eflags ^ Eflags::ZF, ..ours.clone() };
    assert_eq!(turtle86_conformance::silicon::compare(&mul, &world, &model.trace(&mul), &ours, &other, vendor), None);
}

#[test]
fn a_host_is_one_process_and_goes_with_its_value() {
    let Ok(host) = Host::new(&world()) else { return };
    drop(host);
    let Ok(mut again) = Host::new(&world()) else { panic!("a second host") };
    assert_eq!(again.run(&[]).unwrap(), []);
}
