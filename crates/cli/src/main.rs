//! The `turtle86` command.

/// The exit statuses, for the help of the program and of `run`.
macro_rules! statuses {
    () => {
        "\
Exit status:
  0    done: halted, powered off, a limit was reached, all ROMs passed
  1    an error of the host (a file, a size, an unknown model), or a ROM failed
  2    a wrong command line
  3    run: the guest shut down (triple fault)
  4    run: the guest needs something that is not supported yet
  130  run: interrupted by Ctrl-C
  A guest that writes V to port F4h chooses the status itself: (V << 1 | 1) & 255."
    };
}

mod conformance;
mod disasm;
mod models;
mod outputs;
mod report;
mod roms;
mod run;
mod table;
mod units;

use clap::{Parser, Subcommand, error::ErrorKind};
use std::{
    fmt,
    io::{self, Write},
    process::ExitCode,
};

/// A pure-software IA-32 emulator: runs guests and test ROMs, shows what the processors have.
#[derive(Parser)]
#[command(name = "turtle86", version, propagate_version = true, after_help = statuses!())]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Roms(roms::Args),
    Run(run::Args),
    Disasm(disasm::Args),
    Models(models::Args),
    Table(table::Args),
    Conformance(conformance::Args),
}

/// Writes a line to standard error; that it cannot be written is no reason to stop.
fn note(text: impl fmt::Display) {
    let _ = writeln!(io::stderr(), "turtle86: {text}");
}

/// Writes a line to standard output.
fn print(text: impl fmt::Display) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}

/// Whoever read our output has gone: not an error of ours.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe))
}

/// An error with its causes, each once: some tell their cause themselves.
fn in_full(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
                // The command line is sound, and what it names does not exist: a model, a size.
                ErrorKind::ValueValidation => ExitCode::FAILURE,
                _ => ExitCode::from(2),
            };
        }
    };
    let result = match cli.command {
        Command::Roms(args) => roms::main(&args),
        Command::Run(args) => run::main(&args),
        Command::Disasm(args) => disasm::main(&args),
        Command::Models(args) => models::main(&args),
        Command::Table(args) => table::main(&args),
        Command::Conformance(args) => conformance::main(&args),
    };
    match result {
        Ok(status) => status,
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            note(format_args!("error: {}", in_full(&error)));
            ExitCode::FAILURE
        }
    }
}
