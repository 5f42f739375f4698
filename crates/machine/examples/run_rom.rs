//! Runs a BIOS image on a plain ISA PC and prints what it writes to the debug console.
//!
//! ```text
//! cargo run --release -p turtle86 --example run_rom -- [IMAGE]
//! ```

use turtle86::{Machine, RunLimit, Stop, arch::Model, devices::DebugCon};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let bundled = concat!(env!("CARGO_MANIFEST_DIR"), "/../../test-roms/images/bcd.bin").to_string();
    let image = std::env::args().nth(1).filter(|argument| !argument.starts_with('-')).unwrap_or(bundled);
    let mut machine = Machine::builder(Model::I486Dx).ram(16 << 20).isa_pc().bios(image).build()?;

    match machine.run(RunLimit::cycles(100_000_000)) {
        Stop::DebugExit(status) => println!("the ROM left with status {status} after {:?}", machine.now()),
        Stop::Halted => println!("halted at {:?}", machine.now()),
        Stop::Shutdown => {
            for record in machine.cpu.fault_chain() {
                println!("{record}");
            }
        }
        other => println!("stopped: {other}"),
    }
    let console = machine.device::<DebugCon>().map(|console| console.text().to_string()).unwrap_or_default();
    println!("{console}");
    Ok(())
}
