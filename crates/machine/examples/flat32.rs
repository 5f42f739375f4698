//! Runs a disk image the way its boot sector would, without a BIOS: the first sector at 7C00h, the rest at 8000h, entered there
//! in flat 32-bit protected mode with ESP = 90000h. Prints what the guest writes to the debug console (port E9h), and how fast it ran.
//!
//! ```text
//! cargo run --release -p turtle86 --example flat32 -- IMAGE [RAM in MiB]
//! ```

use std::{error::Error, time::Instant};
use turtle86::{
    Machine, RunLimit,
    arch::{Gpr, Model, PhysicalAddress},
    devices::{IsaPc, Sink},
};

/// As much of the image as lies below the start of the stack.
const LONGEST: usize = 0x8_0000 - 0x8000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("usage: flat32 IMAGE [RAM in MiB]")?;
    let ram: u64 = arguments.next().map_or(Ok(128), |mib| mib.parse())?;
    let image = std::fs::read(&path).map_err(|error| format!("cannot read {path}: {error}"))?;
    let (sector, rest) = image.split_at_checked(512).ok_or("the image is shorter than a sector")?;

    let pc = IsaPc { debug_console: Sink::Writer(Box::new(std::io::stdout())), ..IsaPc::default() };
    let mut machine = Machine::builder(Model::PentiumPro).ram(ram << 20).isa_pc_with(pc).build()?;
    machine.load(PhysicalAddress(0x7c00), sector)?;
    machine.load(PhysicalAddress(0x8000), &rest[..rest.len().min(LONGEST)])?;
    machine.cpu.enter_flat_protected_mode();
    machine.cpu.set_gpr(Gpr::Esp, 0x90000);
    machine.cpu.set_eip(0x8000);

    let start = Instant::now();
    let stop = machine.run(RunLimit::none());
    let seconds = start.elapsed().as_secs_f64();
    let instructions = machine.cpu.instructions();
    eprintln!("{stop}: {instructions} instructions in {seconds:.3} s, {:.1} MIPS", instructions as f64 / seconds / 1e6);
    Ok(())
}
