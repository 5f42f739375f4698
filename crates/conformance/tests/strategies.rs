//! The strategies give what they promise, and shrink.

use proptest::{
    prelude::*,
    strategy::{Strategy, ValueTree},
    test_runner::{Config, TestError, TestRunner},
};
use turtle86::{
    Machine,
    arch::{LinearAddress, Model, PhysicalAddress},
    iced_x86::{Decoder, DecoderOptions, Mnemonic},
};
use turtle86_conformance::{
    silicon::{Emulated, World},
    strategies::{Cases, instructions, page_tables, raw_bytes},
};

fn runner() -> TestRunner {
    TestRunner::new(Config { failure_persistence: None, ..Config::default() })
}

#[test]
fn instructions_are_of_the_form_asked_for() {
    for bits in [16, 32] {
        let strategy = instructions("^(ADC|BTS) ", Model::default(), bits).unwrap();
        let check = |bytes: Vec<u8>| {
            let decoded = Decoder::new(bits, &bytes, DecoderOptions::NO_INVALID_CHECK).decode();
            prop_assert!(matches!(decoded.mnemonic(), Mnemonic::Adc | Mnemonic::Bts), "{decoded}");
            prop_assert_eq!(decoded.len(), bytes.len());
            Ok(())
        };
        runner().run(&strategy, check).unwrap();
    }
    let error = instructions("^FOO$", Model::default(), 32).err().unwrap().to_string();
    assert!(error.contains("FOO") && error.contains("turtle86 table"), "{error}");
}

#[test]
fn raw_bytes_never_stop_the_model_but_by_an_exception_or_a_reason() {
    let world = World::new(3);
    let mut model = Emulated::new(Model::default(), &world).unwrap();
    let cases = Cases::of("^raw bytes$", Model::default(), &world).unwrap();
    let mut runner = runner();
    let mut ended = 0;
    for _ in 0..300 {
        let case = cases.new_tree(&mut runner).unwrap().current();
        match model.run(&case) {
            Ok(outcome) => ended += u32::from(model.run(&case) == Ok(outcome)),
            Err(skipped) => assert!(!skipped.to_string().is_empty()),
        }
    }
    assert!(ended > 200, "{ended} cases ended and repeated themselves");
    let short = |bytes: Vec<u8>| {
        prop_assert!((1..=15).contains(&bytes.len()));
        Ok(())
    };
    runner.run(&raw_bytes(), short).unwrap();
}

/// A stand-in for a wrong handler: SUB that fails when it borrows.
#[test]
fn a_failure_shrinks_to_the_smallest_case_and_prints_as_rust() {
    let world = World::new(1);
    let mut model = Emulated::new(Model::default(), &world).unwrap();
    let model = std::cell::RefCell::new(&mut model);
    let cases = Cases::of("^SUB EAX, imm32$", Model::default(), &world).unwrap();
    let outcome = runner().run(&cases, |case| match model.borrow_mut().run(&case) {
        Ok(outcome) if case.code.len() >= 5 && outcome.eflags.0 & 1 != 0 => Err(TestCaseError::fail("it borrows")),
        _ => Ok(()),
    });
    let Err(TestError::Fail(_, case)) = outcome else { panic!("nothing borrowed") };
    let borrows = |case: &_| model.borrow_mut().run(case).is_ok_and(|outcome| outcome.eflags.0 & 1 != 0);
    assert!(borrows(&case) && case.memory.is_empty() && case.code.len() <= 6, "{case:?}");
    // Nothing smaller still fails: registers that SUB does not read are as in a plain case.
    assert!(case.registers[1..4].iter().all(|value| *value == 0), "{case:?}");
    let text = case.to_test(1, Model::default());
    assert!(text.starts_with("#[test]") && text.contains("Case::code") && text.contains("World::new(1)"), "{text}");
}

#[test]
fn page_tables_translate_as_the_machine_does() {
    const RAM: u32 = 1 << 20;
    runner()
        .run(&(page_tables(24, RAM), proptest::collection::vec(0u32..0x40_0000, 8)), |(tables, addresses)| {
            let mut machine = Machine::builder(Model::Pentium).ram(RAM.into()).build()?;
            let bytes: Vec<u8> = (0..RAM).map(|at| (at ^ at >> 8 ^ at >> 16) as u8).collect();
            machine.load(PhysicalAddress(0), &bytes)?;
            let end = tables.install(&mut machine, 0x8_0000)?;
            let pages = tables.mappings.iter().map(|mapping| mapping.linear + 0x123);
            for linear in pages.chain(addresses) {
                let seen = machine.read_linear(LinearAddress(linear), 1);
                match tables.translate(linear) {
                    Some(physical) if !(0x8_0000..end).contains(&physical) => prop_assert_eq!(&seen, &[bytes[physical as usize]]),
                    Some(_) => prop_assert_eq!(seen.len(), 1),
                    None => prop_assert!(seen.is_empty(), "{:08x} is not mapped", linear),
                }
            }
            Ok(())
        })
        .unwrap();
}
