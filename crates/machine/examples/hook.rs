//! Watches a guest without changing its run: every CPUID, every port it touches, every fault with its reason.

use std::sync::{Arc, Mutex};
use turtle86::{
    HookPoint, Machine, RunLimit, Stop, Verdict,
    arch::{Gpr, Model, PhysicalAddress},
};

/// xor eax, eax; cpuid; mov al, 1; cpuid (with the upper halves as they are); out 80h, al; div bl by zero; its handler halts.
const GUEST: [u8; 15] = [0x66, 0x31, 0xc0, 0x0f, 0xa2, 0xb0, 0x01, 0x0f, 0xa2, 0xe6, 0x80, 0x30, 0xdb, 0xf6, 0xf3];

fn main() -> Result<(), turtle86::Error> {
    let mut machine = Machine::builder(Model::Pentium).ram(1 << 20).build()?;
    machine.load(PhysicalAddress(0), &[0x00, 0x20, 0x00, 0x00])?; // vector 0: 0000:2000
    machine.load(PhysicalAddress(0x1000), &GUEST)?;
    machine.load(PhysicalAddress(0x2000), &[0xf4])?; // hlt
    machine.start_at(0, 0x1000);
    machine.cpu.set_gpr(Gpr::Esp, 0x8000);

    // Hooks go where the machine goes, to another thread too: they share what they find behind a lock.
    let seen = Arc::new(Mutex::new(Vec::new()));
    let note = {
        let seen = Arc::clone(&seen);
        move |line: String| seen.lock().map(|mut seen| seen.push(line)).unwrap_or_default()
    };
    let (leaves, ports, faults) = (note.clone(), note.clone(), note);
    let hook = machine.hook(HookPoint::Mnemonic("CPUID"), move |cpu, instruction| {
        leaves(format!("CPUID at {} asks for leaf {:x}", instruction.address(), cpu.gpr(Gpr::Eax)));
        Verdict::Continue
    })?;
    machine.hook_ports(0x80..=0x80, move |_, access| {
        ports(format!("port {:x} gets {:x}", access.port, access.value));
        Verdict::Continue
    });
    machine.hook_faults(move |_, record| {
        faults(record.to_string());
        Verdict::Continue
    });

    assert_eq!(machine.run(RunLimit::instructions(1_000)), Stop::Halted);
    machine.unhook(hook);
    let seen = seen.lock().map(|seen| seen.clone()).unwrap_or_default();
    println!("{}", seen.join("\n"));
    assert_eq!(seen.len(), 4);
    Ok(())
}
