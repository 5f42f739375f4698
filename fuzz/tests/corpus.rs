//! The committed corpora, replayed: what fuzzing found once stays found, on any toolchain.

use std::{fs, panic, path::Path};
use turtle86_fuzz::TARGETS;

#[test]
fn every_input_of_every_corpus_keeps_the_laws() {
    for (name, run) in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
        let mut files: Vec<_> = fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
            .map(|entry| entry.unwrap_or_else(|error| panic!("{error}")).path())
            .collect();
        files.sort();
        assert!(!files.is_empty(), "{} is empty", folder.display());
        for file in files {
            let data = fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            if panic::catch_unwind(|| run(&data)).is_err() {
                panic!("{}", file.display());
            }
        }
    }
}

#[test]
fn every_target_has_a_program_and_a_corpus() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap_or_else(|error| panic!("{error}"));
    for (name, _) in TARGETS {
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name} has no [[bin]]");
        assert!(root.join("fuzz_targets").join(format!("{name}.rs")).exists(), "{name} has no program");
    }
    assert_eq!(manifest.matches("[[bin]]").count(), TARGETS.len(), "a [[bin]] that TARGETS does not name");
}
