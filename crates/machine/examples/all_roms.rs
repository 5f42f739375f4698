//! scratch
use turtle86::{Machine, RunLimit, arch::Model, devices::DebugCon};
fn main() {
    let filter = std::env::args().nth(1).unwrap_or_default();
    let model: Model = std::env::args().nth(2).map_or(Model::PentiumPro, |m| m.parse().unwrap());
    for rom in turtle86_test_roms::ROMS.iter().filter(|r| filter.is_empty() || r.name == filter) {
        let mut machine = Machine::builder(model).ram(64 << 20).isa_pc().bios_image(rom.image).build().unwrap();
        let t = std::time::Instant::now();
        let stop = machine.run(RunLimit::cycles(3_000_000_000));
        let text = machine.device::<DebugCon>().unwrap().text().to_string();
        let last = text.lines().last().unwrap_or("").to_string();
        println!("{:20} {:?} {} want {} {} instr {:?}", rom.name, stop, last, rom.cases, machine.cpu.instructions(), t.elapsed());
        for l in text.lines().filter(|l| l.starts_with("FAIL")).take(if filter.is_empty() {6} else {100}) { println!("    {l}"); }
        if !last.starts_with("DONE") { println!("    chain {:?} last {:?}", machine.cpu.fault_chain().iter().map(|f| f.to_string()).collect::<Vec<_>>(), machine.cpu.last_fault().map(|f| f.to_string())); println!("   at {:x}:{:x} {}", machine.cpu.segment(turtle86::arch::SegmentRegister::Cs).base, machine.cpu.eip(), text.lines().rev().take(2).collect::<Vec<_>>().join("|")); }
    }
}
