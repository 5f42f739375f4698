//! The other subcommands.

mod common;

use common::{command, file, turtle86};
use std::process::Stdio;

#[test]
fn roms_as_json() {
    let answer = turtle86(&["roms", "arith", "--json"]);
    assert_eq!(answer.status, 0, "{}", answer.out);
    let json = answer.json();
    let roms = json.as_array().unwrap();
    assert!(!roms.is_empty());
    for rom in roms {
        assert!(rom["name"].as_str().unwrap().contains("arith"));
        assert_eq!((&rom["result"], &rom["passed"], &rom["failed"]), (&"pass".into(), &rom["cases"], &serde_json::json!([])));
        assert!(rom["instructions"].as_u64() > Some(1000) && rom["cycles"].as_u64() > Some(1000) && rom["seconds"].is_f64());
    }
}

#[test]
fn roms_as_a_table() {
    let answer = turtle86(&["roms", "arith", "--model", "386dx"]);
    assert_eq!(answer.status, 0, "{}", answer.out);
    assert!(answer.out.contains("arith") && answer.out.contains("pass") && answer.out.contains("386dx"), "{}", answer.out);
    assert_eq!(answer.err, "");
}

#[test]
fn a_rom_that_does_not_end_fails() {
    let answer = turtle86(&["roms", "arith", "--max-cycles", "10K"]);
    assert!(answer.status == 1 && answer.out.contains("did not end within 10000 cycles"), "{}", answer.out);
    let json = turtle86(&["roms", "arith", "--max-cycles", "10K", "--json"]).json();
    assert_eq!(json[0]["result"], "fail");
}

#[test]
fn an_unknown_rom_is_answered_with_the_names() {
    let answer = turtle86(&["roms", "no-such-rom"]);
    assert!(answer.status == 1 && answer.err.contains("arith") && answer.err.contains("paging"), "{}", answer.err);
}

#[test]
fn disassembly() {
    // cmovz ax, cx; FF /7, which is no instruction; hlt
    let image = file("code.bin", &[0x0f, 0x44, 0xc1, 0xff, 0xff, 0xf4]);
    let answer = turtle86(&["disasm", &image, "--origin", "7c00"]);
    let lines: Vec<&str> = answer.out.lines().collect();
    assert!(lines[0].starts_with("00007c00  0f 44 c1 ") && lines[0].ends_with("cmove ax, cx"), "{}", lines[0]);
    assert!(lines[1].starts_with("00007c03  ff ") && lines[1].ends_with("(bad)"), "{}", lines[1]);
    let older = turtle86(&["disasm", &image, "--model", "386dx", "--count", "1"]);
    assert!(older.out.contains("pentium-pro") && older.out.lines().count() == 1, "{}", older.out);
    let wide = turtle86(&["disasm", &file("wide.bin", &[0x90, 0xb8, 0x78, 0x56, 0x34, 0x12]), "--bits", "32", "--offset", "0x1"]);
    assert_eq!(wide.out.split_whitespace().collect::<Vec<_>>(), ["00000000", "b8", "78", "56", "34", "12", "mov", "eax,", "12345678h"]);

    assert_eq!(turtle86(&["disasm", &image, "--offset", "7"]).status, 1);
    assert_eq!(turtle86(&["disasm", &image, "--bits", "64"]).status, 2);
    assert_eq!(turtle86(&["disasm", "/no/such/file"]).status, 1);
}

#[test]
fn disassembly_of_anything_ends() {
    let noise: Vec<u8> = (0..20_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let image = file("noise.bin", &noise);
    for (bits, model) in [("16", "386dx"), ("32", "pentium-pro")] {
        let answer = turtle86(&["disasm", &image, "--bits", bits, "--model", model, "--origin", "ffffff00"]);
        let bytes: usize = answer.out.lines().map(|line| line[10..].split("  ").next().unwrap().split_whitespace().count()).sum();
        assert_eq!((answer.status, bytes), (0, noise.len()));
    }
}

#[test]
fn models() {
    let json = turtle86(&["models", "--json"]).json();
    let names: Vec<&str> = json.as_array().unwrap().iter().map(|model| model["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["386dx", "386sx", "386ex", "486dx", "486dx4", "pentium", "pentium-pro"]);
    assert_eq!((&json[6]["cpuid_signature"], &json[0]["cpuid_signature"]), (&0x619.into(), &serde_json::Value::Null));
    let answer = turtle86(&["models"]);
    assert!(names.iter().all(|name| answer.out.contains(name)) && answer.out.contains("0619h"), "{}", answer.out);
}

#[test]
fn the_instruction_table() {
    let json = turtle86(&["table"]).json();
    let forms = json.as_array().unwrap();
    assert!(forms.len() > 500);
    for field in ["form", "handler", "reads", "writes", "flags_written", "exceptions", "first_model"] {
        assert!(forms.iter().all(|form| !form[field].is_null()), "{field}");
    }
    let some = turtle86(&["table", "--filter", "CMPXCHG8B"]).json();
    assert_eq!((some.as_array().unwrap().len(), &some[0]["first_model"]), (1, &"pentium".into()));
    assert_eq!(turtle86(&["table", "--filter", "no such thing"]).json(), serde_json::json!([]));
}

#[test]
fn help_has_examples_and_statuses() {
    for name in ["roms", "run", "disasm", "models", "table"] {
        let answer = turtle86(&[name, "--help"]);
        assert!(answer.status == 0 && answer.out.contains("Examples:"), "{name}: {}", answer.out);
    }
    assert!(turtle86(&["--help"]).out.contains("Exit status"));
    assert!(turtle86(&["--version"]).out.starts_with("turtle86 "));
    assert_eq!(turtle86(&["no-such-command"]).status, 2);
    assert_eq!(turtle86(&[]).status, 2);
}

#[test]
fn a_closed_pipe_is_no_error() {
    for args in [&["table"][..], &["models"], &["roms", "framework"]] {
        let mut child = command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]), "{args:?}");
    }
}
