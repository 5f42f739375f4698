//! Maintenance tasks, run as `cargo xtask`.
#![forbid(unsafe_code)]

mod json;
mod peers;
mod roms;

use std::path::PathBuf;
use std::process::ExitCode;

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
    /// Run the test ROMs on other emulators and compare the results
    Peers {
        /// Only ROMs whose names contain this text
        filter: Option<String>,
        /// Write the results as JSON
        #[arg(long)]
        json: bool,
        /// Only these peers
        #[arg(long = "peer", value_enum, value_delimiter = ',')]
        peers: Vec<peers::Peer>,
        /// Seconds that a ROM may take on a peer
        #[arg(long, default_value_t = 20)]
        timeout: u64,
    },
}

fn main() -> ExitCode {
    let result = match Cli::parse().task {
        Task::Roms { check } => roms::run(check),
        Task::Peers { filter, json, peers, timeout } => peers::run(filter.as_deref(), json, &peers, timeout),
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

/// The root of the workspace.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(|| PathBuf::from("."), PathBuf::from)
}
