//! Fuzzes instructions against the processor that this program runs on: `cargo run --release -p turtle86-conformance --example
//! fuzz_semantics -- '^(SHL|SHR|SAR)'`. A failure shrinks to the smallest instruction and state.

use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};
use turtle86::arch::Model;
use turtle86_conformance::{
    silicon::{Differential, HostError, RunError, World},
    strategies::Cases,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let forms = std::env::args().nth(1).unwrap_or("^(ADC|SBB)".into());
    let (model, world) = (Model::default(), World::new(1));
    let both = match Differential::new(model, &world) {
        Err(RunError::Host(error @ HostError::Platform)) => {
            println!("{error}");
            return Ok(());
        }
        both => std::cell::RefCell::new(both?),
    };
    let config = Config { cases: 20_000, failure_persistence: None, max_shrink_iters: 5000, ..Config::default() };
    let outcome = TestRunner::new(config.clone()).run(&Cases::of(&forms, model, &world)?, |case| {
        let agreement = both.borrow_mut().agree(&case).map_err(|error| TestCaseError::reject(error.to_string()))?;
        agreement.ok().map_err(|difference| TestCaseError::fail(difference.to_string()))
    });
    match outcome {
        Ok(()) => println!("{forms}: the {model} and this processor agree in {} cases", config.cases),
        Err(TestError::Fail(difference, case)) => println!("{difference}\n\n{}", case.to_test(1, model)),
        Err(TestError::Abort(reason)) => println!("stopped: {reason}"),
    }
    Ok(())
}
