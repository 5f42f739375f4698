//! Random bytes as guest code in random states of every model: real mode, 16-bit and 32-bit protected mode, paging with random tables,
//! every CPL, random segments, flags, descriptor tables and gates; code at page ends, and code that writes into itself.
//!
//! Whatever the guest is, the machine must not panic, must come back, and must do the same again: in a restored machine, with hooks,
//! and one step at a time.
//!
//! `TURTLE86_FUZZ_CASES=100000 cargo test --release -p turtle86 --test fuzz` tries that many cases. A failure prints the seed of its case;
//! `TURTLE86_FUZZ_SEED=n` runs that case alone.

mod common;

use common::{Outcome, Random, hex, state};
use std::panic::{AssertUnwindSafe, catch_unwind};
use turtle86::{
    Checkpoint, HookPoint, Machine, RunLimit, Snapshot, Stop, Verdict,
    arch::{LinearAddress, PhysicalAddress},
    bus::AccessSize,
};

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}
/// How many cases: raised by the environment, never lowered by the host's speed.
fn cases(usual: u64) -> u64 {
    number("TURTLE86_FUZZ_CASES").unwrap_or(usual)
}
const LIMIT: RunLimit = RunLimit { cycles: Some(20_000), instructions: Some(300) };

/// Runs `f` for each seed, and names the seed and the code of the first that fails.
fn for_each_seed(first: u64, usual: u64, f: impl Fn(u64) -> Result<(), String>) {
    let seeds = match number("TURTLE86_FUZZ_SEED") {
        Some(seed) => seed..seed + 1,
        None => first..first + if usual == 1 { 1 } else { cases(usual) },
    };
    for seed in seeds {
        let result = catch_unwind(AssertUnwindSafe(|| f(seed)));
        let complaint = match result {
            Ok(Ok(())) => continue,
            Ok(Err(complaint)) => complaint,
            Err(panic) => {
                let text = panic.downcast_ref::<String>().cloned().or_else(|| panic.downcast_ref::<&str>().map(|s| s.to_string()));
                format!("panic: {}", text.unwrap_or_default())
            }
        };
        let mut machine = state::machine(seed);
        let (cs, eip, mode) = (machine.cpu.segment(turtle86::arch::SegmentRegister::Cs), machine.cpu.eip(), machine.cpu.processor_mode());
        let bytes = machine.read_linear(LinearAddress(cs.base.wrapping_add(eip)), 48);
        panic!(
            "TURTLE86_FUZZ_SEED={seed} ({}, {mode:?}, CPL {}, EIP {eip:08x}, 32-bit {})\ncode {}\n{complaint}",
            machine.cpu.model(),
            machine.cpu.cpl(),
            cs.rights.is_32_bit(),
            hex(&bytes)
        );
    }
}
fn same(what: &str, a: &Outcome, b: &Outcome) -> Result<(), String> {
    if a == b { Ok(()) } else { Err(format!("{what}\n{}", a.difference(b))) }
}
fn same_but_for_the_tlb(what: &str, a: &Outcome, b: &Outcome) -> Result<(), String> {
    if a.same_but_for_the_tlb(b) { Ok(()) } else { same(what, a, b) }
}
/// The machine again, from a snapshot taken before it ran.
fn again(machine: &mut Machine, snapshot: &Snapshot) -> Result<(), String> {
    if let Some(console) = machine.device_mut::<turtle86::devices::DebugCon>() {
        console.sink_mut().take();
    }
    machine.restore(snapshot).map_err(|error| error.to_string())
}

#[test]
fn random_code_in_random_states_neither_panics_nor_differs() {
    for_each_seed(0, 1200, |seed| {
        let mut machine = state::machine(seed);
        let start = machine.snapshot();
        let first = Outcome::run(&mut machine, LIMIT);
        let mut other = state::machine(seed);
        same("two machines differ", &first, &Outcome::run(&mut other, LIMIT))?;
        again(&mut machine, &start)?;
        same("a restored machine differs", &first, &Outcome::run(&mut machine, LIMIT))
    });
}

/// Instructions and events: what an instruction limit counts. One instruction can bring several events, so a limit can be passed.
fn progress(machine: &Machine) -> u64 {
    machine.cpu.instructions() + machine.cpu.events()
}
/// Goes on to the end of `LIMIT`, or to a stop before it.
fn finish(machine: &mut Machine) -> Stop {
    let left = |limit: Option<u64>, done: u64| limit.map(|limit| limit.saturating_sub(done));
    machine.run(RunLimit { cycles: left(LIMIT.cycles, machine.now().0), instructions: left(LIMIT.instructions, progress(machine)) })
}

/// The run of a seed, step by step.
fn in_steps(seed: u64) -> Outcome {
    let mut machine = state::machine(seed);
    let stop = loop {
        let over = Some(machine.now().0) >= LIMIT.cycles || Some(progress(&machine)) >= LIMIT.instructions;
        // A run ends behind the wake-ups of its last cycle; and a step of a processor that waits has no limit.
        if over || machine.cpu.is_halted() {
            break finish(&mut machine);
        }
        if let Err(stop) = machine.step() {
            break stop;
        }
    };
    Outcome::of(&mut machine, stop)
}
/// The run of a seed with hooks of every kind.
fn under_hooks(seed: u64) -> Outcome {
    let mut machine = state::machine(seed);
    let mut random = Random(seed);
    for mnemonic in ["MOV", "ADD", "PUSH", "POP", "STOSB", "INT", "IRET", "JMP", "IN", "INVALID"] {
        machine.hook(HookPoint::Mnemonic(mnemonic), |_, _| Verdict::Continue).unwrap();
    }
    for _ in 0..8 {
        let at = LinearAddress(state::CODE + random.below(0x1000) as u32);
        machine.hook(HookPoint::Address(at), |_, _| Verdict::Continue).unwrap();
    }
    machine.hook_faults(|_, _| Verdict::Continue);
    machine.hook_modes(|_, _, _| Verdict::Continue);
    machine.hook_ports(0..=0xffff, |_, _| Verdict::Continue);
    machine.hook_memory(if random.one_in(2) { 0..=u32::MAX } else { 0x4000..=0x4fff }, |_, _| Verdict::Continue);
    Outcome::run(&mut machine, LIMIT)
}
/// The run of a seed in pieces of a few instructions.
fn in_pieces(seed: u64) -> Outcome {
    let mut machine = state::machine(seed);
    let mut random = Random(seed);
    let mut end = 0;
    let stop = loop {
        end += random.below(60) + 1;
        if Some(end) >= LIMIT.instructions {
            break finish(&mut machine);
        }
        let cycles = LIMIT.cycles.map(|limit| limit.saturating_sub(machine.now().0));
        let stop = machine.run(RunLimit { cycles, instructions: Some(end.saturating_sub(progress(&machine))) });
        if stop != Stop::InstructionLimit {
            break stop;
        }
    };
    Outcome::of(&mut machine, stop)
}
/// The run of a seed, stopped by hooks wherever they are met, and continued.
fn through_stops(seed: u64) -> Outcome {
    let mut machine = state::machine(seed);
    for mnemonic in ["MOV", "POP", "STOSB", "INVALID", "AND", "JNE", "STI", "IRET", "DEC", "ADD"] {
        machine.hook(HookPoint::Mnemonic(mnemonic), |_, _| Verdict::Stop).unwrap();
    }
    let mut last = None;
    let stop = loop {
        match finish(&mut machine) {
            Stop::Breakpoint(at) => {
                let place = Some((at, progress(&machine)));
                assert!(place != last, "continued from a stop at {at}, it stopped there again");
                last = place;
            }
            stop => break stop,
        }
    };
    Outcome::of(&mut machine, stop)
}
fn whole(seed: u64) -> Outcome {
    Outcome::run(&mut state::machine(seed), LIMIT)
}

#[test]
fn random_code_runs_the_same_in_steps() {
    for_each_seed(1_000_000, 800, |seed| same_but_for_the_tlb("steps differ from the run", &whole(seed), &in_steps(seed)));
}
#[test]
fn random_code_runs_the_same_under_hooks() {
    for_each_seed(2_000_000, 800, |seed| same_but_for_the_tlb("a watched run differs", &whole(seed), &under_hooks(seed)));
}
#[test]
fn random_code_runs_the_same_in_pieces() {
    for_each_seed(3_000_000, 800, |seed| same_but_for_the_tlb("pieces differ from the run", &whole(seed), &in_pieces(seed)));
}
#[test]
fn random_code_runs_the_same_through_stops_of_hooks() {
    for_each_seed(5_000_000, 800, |seed| same("a stopped run differs", &whole(seed), &through_stops(seed)));
}
/// What the TLB holds decides what a guest sees that changes its page tables without telling: it is part of "the same run".
#[test]
fn the_tlb_does_not_depend_on_steps_hooks_or_pieces() {
    for seed in [1_002_592, 2_000_018, 3_001_405] {
        for_each_seed(seed, 1, |seed| {
            let run = whole(seed);
            same("steps", &run, &in_steps(seed))?;
            same("hooks", &run, &under_hooks(seed))?;
            same("pieces", &run, &in_pieces(seed))
        });
    }
    for_each_seed(4_000_000, 300, |seed| same("hooks", &whole(seed), &under_hooks(seed)));
}

/// A point to go back to, by both ways, and what follows from it in a machine that has decoded nothing.
struct Point {
    checkpoint: Checkpoint,
    snapshot: Snapshot,
    future: Outcome,
}
impl Point {
    fn here(machine: &mut Machine, seed: u64) -> Result<Point, String> {
        let snapshot = machine.snapshot();
        let checkpoint = machine.checkpoint();
        if checkpoint.snapshot() != snapshot || machine.snapshot() != snapshot {
            return Err("a checkpoint is not the state it was taken of".into());
        }
        let mut other = state::machine(seed);
        other.restore(&snapshot).map_err(|error| error.to_string())?;
        let future = Outcome::run(&mut other, LIMIT);
        Ok(Point { checkpoint, snapshot, future })
    }
    fn go_back(&self, machine: &mut Machine) -> Result<(), String> {
        if let Some(console) = machine.device_mut::<turtle86::devices::DebugCon>() {
            console.sink_mut().take();
        }
        machine.rewind(&self.checkpoint).map_err(|error| error.to_string())?;
        if machine.snapshot() == self.snapshot { Ok(()) } else { Err("a rewind left something behind".into()) }
    }
}
/// What a host does to a machine between runs.
fn meddle(machine: &mut Machine, random: &mut Random, points: &[Point]) {
    let at = PhysicalAddress(random.below(state::RAM - 64));
    match random.below(9) {
        0 => machine.load(at, &random.bytes(64)).unwrap_or_default(),
        1 => {
            let place = at.0 as usize;
            machine.cpu.bus_mut().memory.ram_mut()[place..place + 64].copy_from_slice(&random.bytes(64));
            machine.cpu.forget_code();
        }
        2 => machine.cpu.bus_mut().lines.a20 ^= true,
        3 => machine.cpu.bus_mut().write_physical(PhysicalAddress(at.0 & !3), AccessSize::Dword, random.u32()),
        4 => {
            let port = random.pick(&[0x20, 0x21, 0x40, 0x43, 0x60, 0x64, 0x70, 0x71, 0x92, 0x3f8, 0x00, 0x0b]);
            machine.cpu.bus_mut().write_port(port, AccessSize::Byte, random.u8().into());
        }
        5 => machine.reset(),
        6 => machine.cpu.mmu_mut().flush_tlb(true),
        7 => machine.restore(&points[random.below(points.len() as u64) as usize].snapshot).unwrap_or_default(),
        _ => drop(machine.hook_memory(0x4000..=0x4fff, |_, _| Verdict::Continue)),
    }
    machine.run(RunLimit { cycles: Some(2000), instructions: Some(random.below(100)) });
}

#[test]
fn random_code_runs_the_same_from_a_checkpoint_again_and_again() {
    for_each_seed(6_000_000, 500, |seed| {
        let mut machine = state::machine(seed);
        let mut random = Random(seed);
        let mut points = Vec::new();
        for _ in 0..random.below(2) + 1 {
            machine.run(RunLimit { cycles: Some(2000), instructions: Some(random.below(100)) });
            points.push(Point::here(&mut machine, seed)?);
        }
        for round in 0..5 {
            let point = &points[random.below(points.len() as u64) as usize];
            if random.one_in(2) {
                meddle(&mut machine, &mut random, &points);
            }
            point.go_back(&mut machine).map_err(|why| format!("round {round}: {why}"))?;
            same(&format!("round {round}"), &point.future, &Outcome::run(&mut machine, LIMIT))?;
        }
        Ok(())
    });
}
