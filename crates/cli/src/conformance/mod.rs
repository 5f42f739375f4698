//! `turtle86 conformance`.

mod moo;
mod peers;
mod silicon;

use clap::{Args as ClapArgs, Subcommand};
use std::process::ExitCode;

/// Check the emulator against silicon, public suites and other emulators.
#[derive(ClapArgs)]
pub struct Args {
    #[command(subcommand)]
    against: Against,
}

#[derive(Subcommand)]
enum Against {
    Silicon(silicon::Args),
    Moo(moo::Args),
    Peers(peers::Args),
}

pub fn main(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.against {
        Against::Silicon(args) => silicon::main(args),
        Against::Moo(args) => moo::main(args),
        Against::Peers(args) => peers::main(args),
    }
}
