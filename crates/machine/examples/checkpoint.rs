//! A small fuzzer: it changes an input that is known, runs the guest on it, and goes back. Going back costs what the run changed.

use turtle86::{
    HookPoint, Machine, RunLimit, Stop, Verdict,
    arch::{LinearAddress, Model, PhysicalAddress},
};

const CODE: u16 = 0x7c00;
const INPUT: PhysicalAddress = PhysicalAddress(0x2000);
/// A parser of four bytes, with a bug behind two tests: `"T8"` and then a length that is not checked.
const PARSER: &[u8] = &[
    0x31, 0xc0, // xor ax, ax
    0x8e, 0xd8, // mov ds, ax
    0xbe, 0x00, 0x20, // mov si, 2000h
    0x81, 0x3c, 0x54, 0x38, // cmp word [si], "T8"
    0x75, 0x08, // jne done
    0x80, 0x7c, 0x02, 0xf0, // cmp byte [si+2], 0f0h
    0x72, 0x02, // jb done
    0x0f, 0x0b, // ud2: the crash
    0xf4, // done: hlt
];

fn main() -> Result<(), turtle86::Error> {
    let mut machine = Machine::builder(Model::I486Dx).ram(1 << 20).isa_pc().build()?;
    machine.load(PhysicalAddress(CODE.into()), PARSER)?;
    machine.load(INPUT, b"T7\x10\0")?;
    machine.start_at(0, CODE);
    // Hooks stay through all runs: this one ends a run where the guest would fault.
    machine.hook(HookPoint::Mnemonic("UD2"), |_, _| Verdict::Stop)?;
    // The devices, the clock, the processor and RAM, from here on.
    let start = machine.checkpoint();

    // Any generator of numbers will do.
    let mut seed: u64 = 1;
    let mut random = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let mut runs = 0;
    let crash = loop {
        runs += 1;
        let mut input = *b"T7\x10\0";
        for _ in 0..3 {
            input[random(4) as usize] = random(256) as u8;
        }
        machine.load(INPUT, &input)?;
        if let Stop::Breakpoint(at) = machine.run(RunLimit::cycles(10_000)) {
            break (at, input);
        }
        machine.rewind(&start)?;
    };
    assert_eq!(crash.0, LinearAddress(u32::from(CODE) + 19));
    println!("after {runs} runs: {:02x?} crashes at {}", crash.1, crash.0);

    machine.rewind(&start)?;
    assert!(machine.snapshot() == start.snapshot(), "nothing is left behind");
    Ok(())
}
