//! `turtle86 disasm`.

use crate::units;
use anyhow::{Context, ensure};
use clap::Args as ClapArgs;
use std::{
    collections::HashMap,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};
use turtle86::{
    Machine,
    arch::Model,
    iced_x86::{Decoder, Formatter, Instruction, IntelFormatter},
    instruction_table,
};

/// Disassemble a file as a model decodes it.
///
/// One line an instruction: address, bytes, text. "(bad)" is what no processor here has; an instruction that only a later
/// model has is followed by a remark.
#[derive(ClapArgs)]
#[command(after_help = "Examples:
  turtle86 disasm boot.bin --origin 7c00 --count 20
  turtle86 disasm bios.bin --offset 0xfff0 --origin ffff0 --count 1
  turtle86 disasm kernel.bin --bits 32 --origin 100000 --model 386dx")]
pub struct Args {
    /// The file.
    file: PathBuf,
    /// Size of operands and addresses.
    #[arg(long, default_value = "16", value_parser = ["16", "32"])]
    bits: String,
    /// Address of the first instruction, in hexadecimal.
    #[arg(long, value_name = "ADDR", default_value = "0", value_parser = units::address)]
    origin: u32,
    /// Where in the file to begin: 512, 0x1f0 or 64K.
    #[arg(long, value_name = "BYTES", default_value = "0", value_parser = units::size)]
    offset: u64,
    /// At most so many instructions; all without it.
    #[arg(long, value_name = "N", value_parser = units::count)]
    count: Option<u64>,
    /// The processor, one of those that `turtle86 models` lists.
    #[arg(long, value_name = "MODEL", default_value_t, value_parser = units::model)]
    model: Model,
}

/// Bytes as the listing shows them.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

/// Formats as the manual writes.
pub struct Text(IntelFormatter);
impl Default for Text {
    fn default() -> Text {
        let mut formatter = IntelFormatter::new();
        let options = formatter.options_mut();
        options.set_space_after_operand_separator(true);
        options.set_uppercase_hex(false);
        options.set_branch_leading_zeros(false);
        options.set_hex_suffix("h");
        Text(formatter)
    }
}
impl Text {
    /// The instruction as text.
    pub fn of(&mut self, instruction: &Instruction) -> String {
        let mut text = String::new();
        self.0.format(instruction, &mut text);
        text
    }
}

pub fn main(args: &Args) -> anyhow::Result<ExitCode> {
    let file = units::read(&args.file)?;
    let name = args.file.display();
    let start = usize::try_from(args.offset).ok().filter(|start| *start <= file.len());
    let start = start.with_context(|| format!("{name}: --offset {} lies behind its end; it has {} bytes", args.offset, file.len()))?;
    let code = &file[start..];
    ensure!(!code.is_empty(), "{name}: there is nothing to disassemble at offset {start} of {} bytes", file.len());
    let options = Machine::builder(args.model).ram(4096).build()?.cpu.decoder_options();
    // The decoder knows all instructions; the table knows who has them.
    let first: HashMap<String, Model> =
        instruction_table().into_iter().filter_map(|form| Some((form.code, form.first_model.parse().ok()?))).collect();
    let bits = if args.bits == "32" { 32 } else { 16 };
    let mut decoder = Decoder::with_ip(bits, code, args.origin.into(), options);
    let mut text = Text::default();
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut left = args.count.unwrap_or(u64::MAX);
    while decoder.can_decode() && left > 0 {
        let at = decoder.position();
        let address = decoder.ip() as u32;
        let instruction = decoder.decode();
        let mut length = instruction.len();
        let remark = match first.get(&format!("{:?}", instruction.code())) {
            _ if instruction.is_invalid() => {
                // What follows may be sound: begin again with the next byte.
                length = 1;
                String::new()
            }
            Some(model) if *model > args.model => format!("  ; #UD: the first model with it is {model}"),
            Some(_) => String::new(),
            None => "  ; #UD: no model has it".into(),
        };
        let bytes = &code[at..at + length];
        writeln!(out, "{address:08x}  {:<24}  {}{remark}", hex(bytes), text.of(&instruction))?;
        if instruction.is_invalid() {
            decoder.set_position(at + 1)?;
            decoder.set_ip(u64::from(address) + 1);
        }
        left -= 1;
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}
