//! `turtle86 conformance moo`.

mod common;

use common::{path, turtle86};
use flate2::{Compression, write::GzEncoder};
use serde_json::json;
use std::{fs, io::Write};

/// A directory with generated files of these opcodes, and their paths.
fn generated(name: &str, model: &str, opcodes: &[&str]) -> Vec<String> {
    let directory = path(name);
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).unwrap();
    let directory = directory.to_str().unwrap();
    let mut args = vec!["conformance", "moo", "--generate", directory, "--model", model, "--count", "20"];
    opcodes.iter().for_each(|opcode| args.extend(["--opcode", opcode]));
    let answer = turtle86(&args);
    assert_eq!((answer.status, answer.out.lines().count()), (0, opcodes.len()), "{}", answer.err);
    opcodes.iter().map(|opcode| format!("{directory}/{opcode}.MOO")).collect()
}
fn run<'a>(files: &'a [String], more: &[&'a str]) -> common::Answer {
    let args: Vec<&str> = ["conformance", "moo"].into_iter().chain(files.iter().map(String::as_str)).chain(more.iter().copied()).collect();
    turtle86(&args)
}
/// Where the hash of the first test lies: behind the chunk's name and length.
fn first_hash(file: &str) -> String {
    let bytes = fs::read(file).unwrap();
    let at = bytes.windows(8).position(|window| window == b"HASH\x14\0\0\0").unwrap() + 8;
    bytes[at..at + 20].iter().map(|byte| format!("{byte:02x}")).collect()
}
/// Changes a byte of the final EIP of the first test.
fn damage(file: &str) {
    let mut bytes = fs::read(file).unwrap();
    let at = bytes.windows(4).position(|window| window == b"FINA").unwrap();
    // FINA, RG32, the bitmap, and the first register behind it.
    bytes[at + 8 + 8 + 4] ^= 1;
    fs::write(file, bytes).unwrap();
}

#[test]
fn files_of_our_own_pass_plain_and_packed() {
    let mut files = generated("moo-pass", "386ex", &["01", "80.4", "660FAF"]);
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(&fs::read(&files[0]).unwrap()).unwrap();
    files.push(format!("{}.gz", files[0]));
    fs::write(&files[3], packed.finish().unwrap()).unwrap();
    let answer = run(&files, &["--jobs", "2"]);
    assert_eq!((answer.status, answer.err.as_str()), (0, ""));
    assert!(answer.out.contains("80 tests passed, 0 failed, 0 skipped; 4 files"), "{}", answer.out);
    assert!(answer.out.contains("386E") && answer.out.contains("386ex"), "{}", answer.out);

    let json = run(&files[..1], &["--json", "--cycles", "--model", "386dx"]).json();
    let cycles = json!({"compared": 0, "totals_matched": 0, "sequences_matched": 0});
    let file = json!({
        "file": files[0], "cpu": "386E", "model": "386dx", "passed": 20, "failed": 0, "skipped": {}, "cycles": cycles,
        "failures": [], "error": null,
    });
    assert_eq!(json, json!({ "files": [file] }));
    assert!(run(&files, &["--cycles"]).out.contains("no clocks"));
}

#[test]
fn a_failure_is_told_with_both_sides_and_can_be_revoked() {
    let files = generated("moo-fail", "486dx", &["01"]);
    let hash = first_hash(&files[0]);
    damage(&files[0]);
    let answer = run(&files, &[]);
    assert_eq!(answer.status, 1);
    for part in ["19 tests passed, 1 failed", "test 0: add ", "bytes 01 ", "before", "esp ", "differs", "ours ", "captured ", &hash] {
        assert!(answer.out.contains(part), "{part}: {}", answer.out);
    }
    let json = run(&files, &["--json"]).json();
    assert_eq!((&json["files"][0]["failed"], &json["files"][0]["failures"][0]["hash"]), (&1.into(), &hash.as_str().into()));
    assert!(run(&files, &["--first", "0"]).out.contains("1 failed"));

    let list = path("moo-revoked.txt");
    fs::write(&list, format!("# bad\n{hash}\n")).unwrap();
    let answer = run(&files, &["--revoked", list.to_str().unwrap(), "--verbose"]);
    assert_eq!(answer.status, 0, "{}", answer.out);
    assert!(answer.out.contains("skipped: 1 revoked: The suite's authors"), "{}", answer.out);

    // The same list beside the file, without being told.
    fs::copy(&list, path("moo-fail").join("revocation_list.txt")).unwrap();
    let answer = run(&files, &[]);
    assert!(answer.status == 0 && answer.err.contains("revocation_list.txt are skipped"), "{}", answer.err);
    let json = run(&files, &["--json"]).json();
    assert_eq!(json["files"][0]["skipped"], json!({"revoked": 1}));
    fs::write(path("moo-fail").join("revocation_list.txt"), "nonsense").unwrap();
    let answer = run(&files, &[]);
    assert!(answer.status == 1 && answer.err.contains("line 1 is no SHA-1"), "{}", answer.err);
}

#[test]
fn a_malformed_file_is_an_error_with_its_offset_and_the_others_are_run() {
    let mut files = generated("moo-bad", "386dx", &["40"]);
    let whole = fs::read(&files[0]).unwrap();
    for (name, bytes) in [("short", &whole[..whole.len() - 9]), ("other", b"PK\x03\x04 is no MOO file"), ("empty", b"")] {
        let path = path("moo-bad").join(name);
        fs::write(&path, bytes).unwrap();
        files.push(path.to_str().unwrap().to_string());
    }
    files.push("/no/such/file.MOO".into());
    let answer = run(&files, &[]);
    assert_eq!(answer.status, 1);
    for part in [
        "39 tests passed, 0 failed",
        "4 files unreadable",
        "short: at offset 0x",
        "other: at offset 0x0: this is no MOO file",
        "cannot read /no/such",
    ] {
        assert!(answer.out.contains(part), "{part}: {}", answer.out);
    }
    let json = run(&files, &["--json"]).json();
    assert_eq!((&json["files"][0]["error"], &json["files"][1]["passed"]), (&serde_json::Value::Null, &19.into()));
    assert!(json["files"][1]["error"].as_str().unwrap().contains("the file ends inside chunk \"TEST\""));
}

#[test]
fn the_command_line_is_explained() {
    let help = turtle86(&["conformance", "moo", "--help"]).out;
    for part in ["Examples:", "Exit status:", "--revoked", "revocation_list.txt", "--cycles", "--generate"] {
        assert!(help.contains(part), "{part}: {help}");
    }
    assert_eq!(turtle86(&["conformance", "moo"]).status, 2);
    assert_eq!(turtle86(&["conformance", "moo", "--generate", "."]).status, 2);
    assert_eq!(turtle86(&["conformance", "moo", "--generate", ".", "--opcode", "zz"]).status, 1);
    let answer = turtle86(&["conformance", "moo", "--generate", "/no/such/directory", "--opcode", "40", "--count", "1"]);
    assert!(answer.status == 1 && answer.err.contains("cannot write /no/such"), "{}", answer.err);
    let answer = turtle86(&["conformance", "moo", "--generate", ".", "--opcode", "FE.7", "--count", "1"]);
    assert!(answer.status == 1 && answer.err.contains("no instruction of the 386dx"), "{}", answer.err);
}
