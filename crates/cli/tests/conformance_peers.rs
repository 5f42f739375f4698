//! `turtle86 conformance peers`, as far as it needs no other emulator.

mod common;

use common::{command, path, turtle86};
use std::fs;

#[test]
fn the_command_line_is_explained() {
    let help = turtle86(&["conformance", "peers", "--help"]).out;
    for part in ["Examples:", "Exit status:", "--blocks", "--peer", "bochs", "qemu", "--seed", "--timeout", "apt-get install"] {
        assert!(help.contains(part), "{part}: {help}");
    }
    assert!(turtle86(&["conformance", "--help"]).out.contains("peers"));
    assert_eq!(turtle86(&["conformance", "peers", "--blocks", "many"]).status, 1);
    assert_ne!(turtle86(&["conformance", "peers", "--peer", "simics"]).status, 0);
}

#[test]
fn without_a_peer_the_packages_are_named() {
    for more in [&[][..], &["--blocks", "10", "--json"], &["--peer", "qemu"]] {
        let output = command(&[&["conformance", "peers"], more].concat()).env("PATH", path("no-such-directory")).output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{err}");
        for part in ["no other emulator", "apt-get install", "bochs-term", "qemu-system-x86"] {
            assert!(err.contains(part), "{part}: {err}");
        }
    }
}

/// A program in QEMU's place that writes what a ROM with a failing case does.
#[cfg(unix)]
#[test]
fn what_a_peer_writes_is_in_the_json() {
    use std::os::unix::fs::PermissionsExt;
    let directory = path("peers-pretended");
    fs::create_dir_all(&directory).unwrap();
    let program = directory.join("qemu-system-i386");
    fs::write(&program, "#!/bin/sh\nprintf 'PASS a\\nFAIL b: got 1 want 2\\nDONE 1/2\\n'\nexit 35\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let run = |args: &[&str]| {
        let output = command(&[&["conformance", "peers"], args].concat()).env("PATH", &directory).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        common::Answer { status: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
    };
    let answer = run(&["framework-pm", "--json"]);
    assert_eq!(answer.status, 1, "{}", answer.err);
    assert!(answer.err.contains("Bochs is not installed") && answer.err.contains("bochs-term"), "{}", answer.err);
    let json = answer.json();
    assert_eq!((&json["peers"], &json["missing"]), (&serde_json::json!(["turtle86", "QEMU"]), &serde_json::json!(["Bochs"])));
    let rom = &json["roms"][0];
    assert_eq!((&rom["name"], &rom["outcomes"]["turtle86"]["passed"]), (&"framework-pm".into(), &rom["cases"]));
    let expected = serde_json::json!({"passed": 1, "total": 2, "failed": ["b: got 1 want 2"], "problem": null});
    assert_eq!(rom["outcomes"]["QEMU"], expected);

    let table = run(&["framework-pm"]).out;
    assert!(table.contains("failed on QEMU:") && table.contains("framework-pm: b: got 1 want 2"), "{table}");
    let answer = run(&["no-such-rom", "--peer", "qemu"]);
    assert!(answer.status == 1 && answer.err.contains("no ROM has") && !answer.err.contains("Bochs"), "{}", answer.err);
    let answer = run(&["no such form", "--blocks", "1"]);
    assert!(answer.status == 1 && answer.err.contains("no instruction form"), "{}", answer.err);
    // It does not run the harness.
    let answer = run(&["--blocks", "1"]);
    assert!(answer.status == 1 && answer.err.contains("QEMU does not run the harness"), "{}", answer.err);
}
