//! `turtle86 table`.

use clap::Args as ClapArgs;
use std::process::ExitCode;

/// Print the instruction table as JSON.
///
/// An array of all instruction forms that some model has: the form and its opcode as the manual prints them, what executes
/// it, the operands and flags that it reads and writes, the exceptions that it can raise, and the first model that has it.
#[derive(ClapArgs)]
#[command(
    after_help = "Examples:\n  turtle86 table --filter cmpxchg\n  turtle86 table | jq '.[] | select(.first_model == \"pentium\") | .form'"
)]
pub struct Args {
    /// Only entries whose form, opcode, handler or code contains TEXT; letter case does not matter.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
}

pub fn main(args: &Args) -> anyhow::Result<ExitCode> {
    let mut table = turtle86::instruction_table();
    if let Some(filter) = &args.filter {
        let wanted = filter.to_lowercase();
        table.retain(|form| [&form.form, &form.opcode, &form.handler, &form.code].iter().any(|text| text.to_lowercase().contains(&wanted)));
    }
    crate::print(serde_json::to_string_pretty(&table)?)?;
    Ok(ExitCode::SUCCESS)
}
