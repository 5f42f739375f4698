//! Maintenance tasks, run as `cargo xtask`.
#![forbid(unsafe_code)]

mod roms;

use std::env;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "Maintenance tasks of the workspace")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Rebuild the images and the table of the test ROMs with nasm
    Roms {
        /// Change nothing: prove that the committed images and the table equal their sources
        #[arg(long)]
        check: bool,
    },
    /// Write the page about conformance, docs/conformance.md (--help has its options)
    #[command(disable_help_flag = true)]
    Conformance {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
}

fn main() -> ExitCode {
    let result = match Cli::parse().task {
        Task::Roms { check } => roms::run(check),
        Task::Conformance { args } => conformance(&args),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// The page needs the whole emulator, which these tasks are built without: a program of its own writes it.
fn conformance(args: &[String]) -> Result<bool> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["run", "--quiet", "--release", "--package", "turtle86-conformance", "--example", "page", "--"])
        .args(args)
        .current_dir(root())
        .status()
        .context("starting cargo")?;
    Ok(status.success())
}

/// The root of the workspace.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(|| PathBuf::from("."), PathBuf::from)
}
