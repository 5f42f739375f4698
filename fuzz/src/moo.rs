//! Single-step suites in the MOO format: the reader over any bytes, and the runner over the tests that it accepts.
//!
//! Input: a file.

use crate::bench::{Pool, with};
use turtle86_conformance::moo::{CpuId, Error, Reader, Runner, Test, Writer};

/// So many tests of a file are run.
const RUN: usize = 2;

thread_local! {
    static RUNNERS: Pool<CpuId, Option<Runner>> = Pool::default();
}

/// Runs one input.
pub fn run(data: &[u8]) {
    let mut reader = match Reader::new(data) {
        Ok(reader) => reader,
        Err(error) => return explained(&error),
    };
    let (header, metadata, masks) = (*reader.header(), reader.metadata().cloned(), reader.masks().cloned());
    let mut tests = Vec::new();
    for test in reader.by_ref() {
        match test {
            Ok(test) => tests.push(test),
            Err(error) => {
                explained(&error);
                break;
            }
        }
    }
    assert!(reader.next().is_none(), "the reader goes on behind its end");

    // What was read can be written, and is read as the same.
    let header = turtle86_conformance::moo::Header { version: (1, header.version.1), tests: tests.len() as u32, ..header };
    let mut writer = Writer::new(Vec::new(), &header, metadata.as_ref(), masks.as_ref()).unwrap_or_else(|error| panic!("{error}"));
    tests.iter().for_each(|test| writer.write(test).unwrap_or_else(|error| panic!("{error}")));
    let written = writer.finish().unwrap_or_else(|error| panic!("{error}"));
    let again = Reader::new(&written[..]).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((again.header(), again.masks()), (&header, masks.as_ref()));
    assert!(again.map(|test| test.unwrap_or_else(|error| panic!("{error}"))).eq(tests.iter().cloned()), "a test changed on the way");

    with(
        &RUNNERS,
        header.cpu,
        |cpu| Runner::new(*cpu, cpu.nearest_model()).unwrap_or_else(|error| panic!("{error}")),
        |runner| {
            if let Some(runner) = runner {
                tests.iter().take(RUN).for_each(|test| run_twice(runner, test, masks.as_ref()));
            }
        },
    );
}

/// A test has the same verdict however often it runs.
fn run_twice(runner: &mut Runner, test: &Test, masks: Option<&turtle86_conformance::moo::Registers>) {
    let mut verdict = || {
        let verdict = runner.run(test, masks);
        (verdict, runner.stray())
    };
    assert!(verdict() == verdict(), "{test:x?}");
}

/// An error says where it is.
fn explained(error: &Error) {
    assert!(error.to_string().starts_with("at offset 0x"), "{error}");
}
