//! The harness for other emulators on our own machine: what it says must be what `silicon::Emulated` says of the same cases.

use rand::SeedableRng;
use std::time::Duration;
use turtle86::arch::Model;
use turtle86_conformance::{
    peers::{BlockOptions, Laboratory, Peer, image, read_answers, run_blocks},
    silicon::{Case, Emulated, Entropy, Forms, Outcome, World},
};

/// `Emulated` gives null selectors as a host's kernel leaves them, without their RPL.
fn as_emulated(mut outcome: Outcome) -> Outcome {
    outcome.segments.iter_mut().filter(|selector| **selector < 4).for_each(|selector| *selector = 0);
    outcome
}

#[test]
fn states_come_back_as_the_model_leaves_them() {
    let world = World::new(3);
    let mut model = Emulated::new(Model::default(), &world).unwrap();
    let forms = Forms::new(Model::default(), None);
    let mut random = Entropy::seed_from_u64(3);
    let (mut cases, mut expected) = (Vec::<Case>::new(), Vec::new());
    for n in 0.. {
        let case = forms.case(&forms.shapes()[n % forms.shapes().len()], &world, &mut random);
        if let Ok(outcome) = model.run(&case) {
            cases.push(case);
            expected.push(outcome);
        }
        if cases.len() == 2000 {
            break;
        }
    }
    let laboratory = Laboratory::alone(Duration::from_secs(300)).unwrap();
    let run = laboratory.run(Peer::Turtle86, &image(&world, &cases)).unwrap();
    let answers = read_answers(&run.text);
    assert!(answers.done, "{} after {} cases", run.end, answers.outcomes.len());
    assert_eq!(answers.outcomes.len(), cases.len());
    for ((case, expected), answer) in cases.iter().zip(expected).zip(answers.outcomes) {
        let answer = answer.map(as_emulated);
        assert_eq!(answer.as_ref(), Ok(&expected), "{}", case.to_rust());
    }
}

#[test]
fn a_case_without_an_end_is_cut_off_and_the_next_one_runs() {
    let world = World::new(1);
    let cases = [Case::code32(&[0xeb, 0xfe]), Case::code16(&[0x40])];
    let laboratory = Laboratory::alone(Duration::from_secs(300)).unwrap();
    let answers = read_answers(&laboratory.run(Peer::Turtle86, &image(&world, &cases)).unwrap().text);
    assert!(answers.done);
    assert_eq!(answers.outcomes[0].as_ref().unwrap().ending.to_string(), "does not end");
    assert_eq!(answers.outcomes[1].as_ref().unwrap().registers[0], 1);
}

#[test]
fn one_emulator_alone_agrees_with_itself() {
    let laboratory = Laboratory::alone(Duration::from_secs(300)).unwrap();
    let report = run_blocks(&laboratory, &BlockOptions { count: 600, ..BlockOptions::default() }, &|_| true).unwrap();
    assert_eq!((report.cases, report.agreed, report.disagreements.len()), (600, 600, 0), "{:?}", report.notes);
}
