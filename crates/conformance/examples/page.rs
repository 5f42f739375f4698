//! Writes `docs/conformance.md`. `cargo xtask conformance` runs it.

use anyhow::Context;
use clap::Parser;
use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};
use turtle86_conformance::page::{Silicon, Suites, page};

/// Write the page about conformance from the instruction table, the test ROMs and the files in docs/conformance
#[derive(Parser)]
#[command(name = "cargo xtask conformance")]
struct Args {
    /// Change nothing: prove that the committed page is up to date
    #[arg(long, conflicts_with_all = ["silicon", "moo"])]
    check: bool,
    /// First import what `turtle86 conformance silicon --json` printed
    #[arg(long, value_name = "FILE")]
    silicon: Option<PathBuf>,
    /// First import what `turtle86 conformance moo --json` printed
    #[arg(long, value_name = "FILE")]
    moo: Option<PathBuf>,
}

fn read(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
}
fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}

fn main() -> ExitCode {
    run(&Args::parse()).unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let docs = root.join("docs");
    if let Some(path) = &args.silicon {
        let silicon = Silicon::import(&path.display().to_string(), &read(path)?)?;
        write(&docs.join("conformance/silicon.json"), &silicon.to_json()?)?;
    }
    if let Some(path) = &args.moo {
        let suites = Suites::import(&path.display().to_string(), &read(path)?)?;
        write(&docs.join("conformance/moo.json"), &suites.to_json()?)?;
    }
    let text = page(&root)?;
    let path = docs.join("conformance.md");
    if !args.check {
        write(&path, &text)?;
    } else if fs::read_to_string(&path).ok().as_deref() != Some(&text) {
        eprintln!("docs/conformance.md is not what its sources say; cargo xtask conformance writes it anew");
        return Ok(ExitCode::FAILURE);
    } else {
        println!("docs/conformance.md is up to date");
    }
    Ok(ExitCode::SUCCESS)
}
