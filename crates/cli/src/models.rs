//! `turtle86 models`.

use clap::Args as ClapArgs;
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;
use std::process::ExitCode;
use turtle86::arch::{Features, Model};

/// List the processor models.
///
/// The name in the first column is what --model takes.
#[derive(ClapArgs)]
#[command(after_help = "Examples:\n  turtle86 models\n  turtle86 models --json")]
pub struct Args {
    /// Print a JSON array.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Entry {
    name: &'static str,
    title: &'static str,
    clock_hz: u64,
    features: Vec<&'static str>,
    /// CPUID.1:EAX; none without CPUID.
    cpuid_signature: Option<u32>,
    /// EDX after reset: the same number, also without CPUID.
    reset_signature: u32,
    physical_bits: u32,
}
impl Entry {
    fn new(model: Model) -> Entry {
        let profile = model.profile();
        Entry {
            name: profile.name,
            title: profile.title,
            clock_hz: profile.clock_hz,
            features: profile.features.iter_names().map(|(name, _)| name).collect(),
            cpuid_signature: profile.has(Features::CPUID).then(|| profile.cpuid_leaf(1).eax),
            reset_signature: profile.reset.edx,
            physical_bits: profile.physical_bits,
        }
    }
}

pub fn main(args: &Args) -> anyhow::Result<ExitCode> {
    let entries = Model::ALL.map(Entry::new);
    if args.json {
        crate::print(serde_json::to_string_pretty(&entries)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["model", "title", "clock", "address bits", "CPUID", "features"]);
    for entry in entries {
        table.add_row([
            entry.name.to_string(),
            entry.title.to_string(),
            format!("{} MHz", entry.clock_hz as f64 / 1e6),
            entry.physical_bits.to_string(),
            entry.cpuid_signature.map_or("none".into(), |signature| format!("{signature:04x}h")),
            entry.features.join(" "),
        ]);
    }
    crate::print(table)?;
    Ok(ExitCode::SUCCESS)
}
