//! Runs the program and looks at what it says.
#![allow(dead_code)]

use serde_json::Value;
use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};

pub struct Answer {
    pub status: i32,
    pub out: String,
    pub err: String,
}
impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error} in {:?}; {}", self.out, self.err))
    }
}

pub fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_turtle86"));
    command.args(args).stdin(Stdio::null());
    command
}

pub fn turtle86(args: &[&str]) -> Answer {
    let output = command(args).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let answer = Answer { status: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) };
    assert!(!answer.err.contains("panicked"), "{args:?}: {}", answer.err);
    answer
}

/// A path for this test's own file.
pub fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// Writes a file and gives its path.
pub fn file(name: &str, bytes: &[u8]) -> String {
    let path = path(name);
    fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_string()
}
