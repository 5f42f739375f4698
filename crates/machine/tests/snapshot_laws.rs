//! What must not change a run: snapshots, cuts, steps, hooks. And what a snapshot's bytes may be: whole, or refused.
//!
//! Guests are the bundled ROMs and random programs; whole machine states are compared, with the clock, the TLB and what the guest printed.

mod common;

use common::{Outcome, Random, assert_same, build, guest};
use proptest::{
    prelude::*,
    test_runner::{Config, RngSeed},
};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use turtle86::{
    HookPoint, Machine, RunLimit, Snapshot, Stop, Verdict,
    arch::{LinearAddress, Model, PhysicalAddress},
    devices::DebugCon,
};
use turtle86_test_roms::ROMS;

/// The same cases in every run.
fn cases(n: u32) -> Config {
    Config { cases: n, rng_seed: RngSeed::Fixed(86), failure_persistence: None, max_shrink_iters: 64, ..Config::default() }
}
/// How far a guest runs.
const CYCLES: u64 = 30_000;

/// Guest `n`: the ROMs first, then random programs.
fn guest(model: Model, n: u64) -> Machine {
    match ROMS.get(n as usize) {
        Some(rom) => build(Machine::builder(model).ram(8 << 20).isa_pc().bios_image(rom.image)),
        None => guest::machine(model, n),
    }
}
fn any_guest() -> impl Strategy<Value = (Model, u64)> {
    let number = prop_oneof![0..ROMS.len() as u64, 1000..1_000_000u64];
    (prop::sample::select(Model::ALL.to_vec()), number)
}
/// Runs to cycle `end`, or a stop before.
fn run_to(machine: &mut Machine, end: u64) -> Stop {
    let left = end.saturating_sub(machine.now().0);
    machine.run(RunLimit::cycles(left))
}
fn instructions(machine: &Machine) -> u64 {
    machine.cpu.instructions() + machine.cpu.events()
}
/// What was printed so far goes away.
fn forget_console(machine: &mut Machine) {
    if let Some(console) = machine.device_mut::<DebugCon>() {
        console.sink_mut().take();
    }
}
/// Explanations are the host's: a restored machine has forgotten its last fault.
fn without_fault(outcome: Outcome) -> Outcome {
    Outcome { last_fault: None, ..outcome }
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn a_restored_machine_has_the_same_future((model, n) in any_guest(), cut in 0..CYCLES) {
        let mut machine = guest(model, n);
        let first = run_to(&mut machine, cut);
        forget_console(&mut machine);
        let snapshot = machine.snapshot();
        let future = |machine: &mut Machine| {
            let stop = run_to(machine, CYCLES);
            without_fault(Outcome::of(machine, stop))
        };
        let once = future(&mut machine);
        // In the same machine, whose decoded code and memory are those of the future.
        forget_console(&mut machine);
        machine.restore(&snapshot).unwrap();
        assert_eq!(machine.snapshot(), snapshot, "restoring gives what was saved");
        let again = future(&mut machine);
        assert_same(&format!("{model} guest {n} cut at {cut} ({first}), same machine"), &once, &again);
        // In a new machine, through bytes.
        let read = Snapshot::from_bytes(&snapshot.to_bytes()).unwrap();
        prop_assert_eq!(&read, &snapshot);
        let mut other = guest(model, n);
        other.restore(&read).unwrap();
        let elsewhere = future(&mut other);
        assert_same(&format!("{model} guest {n} cut at {cut} ({first}), another machine"), &once, &elsewhere);
    }

    #[test]
    fn a_run_cut_at_any_cycles_is_the_same_run((model, n) in any_guest(), mut cuts in prop::collection::vec(0..CYCLES, 1..6)) {
        let mut whole = guest(model, n);
        let stop = run_to(&mut whole, CYCLES);
        let whole = Outcome::of(&mut whole, stop);
        cuts.sort_unstable();
        cuts.push(CYCLES);
        let mut machine = guest(model, n);
        let mut stop = Stop::CycleLimit;
        for cut in &cuts {
            if stop != Stop::CycleLimit {
                break;
            }
            stop = run_to(&mut machine, *cut);
            prop_assert!(stop != Stop::CycleLimit || machine.now().0 == *cut, "an instruction costs one cycle: limits are met exactly");
        }
        let parts = Outcome::of(&mut machine, stop);
        assert_same(&format!("{model} guest {n} cut at {cuts:?}"), &whole, &parts);
    }

    #[test]
    fn a_run_cut_at_any_instructions_is_the_same_run((model, n) in any_guest(), mut cuts in prop::collection::vec(0..CYCLES, 1..6)) {
        let mut whole = guest(model, n);
        let stop = whole.run(RunLimit::instructions(CYCLES));
        let whole = Outcome::of(&mut whole, stop);
        cuts.sort_unstable();
        cuts.push(CYCLES);
        let mut machine = guest(model, n);
        let mut stop = Stop::InstructionLimit;
        for cut in &cuts {
            if stop != Stop::InstructionLimit {
                break;
            }
            let left = cut - instructions(&machine);
            stop = machine.run(RunLimit::instructions(left));
            prop_assert!(stop != Stop::InstructionLimit || instructions(&machine) == *cut);
        }
        let parts = Outcome::of(&mut machine, stop);
        assert_same(&format!("{model} guest {n} cut at {cuts:?}"), &whole, &parts);
    }

    #[test]
    fn steps_are_the_run((model, n) in any_guest(), from in 0..CYCLES, steps in 1..3000u64) {
        let mut machine = guest(model, n);
        let start = machine.run(RunLimit::instructions(from));
        let mut stepped = guest(model, n);
        prop_assert_eq!(stepped.run(RunLimit::instructions(from)), start.clone());
        if start == Stop::InstructionLimit {
            let ran = Outcome::run(&mut machine, RunLimit::instructions(steps));
            // A processor that waits may take several steps to its next instruction.
            let end = instructions(&stepped) + steps;
            let stop = loop {
                if instructions(&stepped) >= end {
                    break None;
                }
                if let Err(stop) = stepped.step() {
                    break Some(stop);
                }
            };
            // A run ends behind the wake-ups of its last cycle; a step does before its instruction.
            let stop = stop.unwrap_or_else(|| stepped.run(RunLimit::instructions(0)));
            let outcome = Outcome::of(&mut stepped, stop);
            assert_same(&format!("{model} guest {n}, {steps} steps from {from}"), &ran, &outcome);
        }
    }
}

/// Hooks of every kind, all of which let the machine go on. Returns how often they were called.
fn watch(machine: &mut Machine, random: &mut Random) -> Arc<AtomicU64> {
    let calls = Arc::new(AtomicU64::new(0));
    let count = || {
        let calls = Arc::clone(&calls);
        move || {
            calls.fetch_add(1, Ordering::Relaxed);
            Verdict::Continue
        }
    };
    for mnemonic in
        ["MOV", "ADD", "JMP", "JE", "LOOP", "INT", "IRET", "HLT", "MOVSB", "STOSW", "POPF", "STI", "DIV", "LGDT", "UD2", "RET", "CALL"]
    {
        if mnemonic == "MOV" || random.one_in(2) {
            let f = count();
            machine.hook(HookPoint::Mnemonic(mnemonic), move |_, _| f()).unwrap();
        }
    }
    for _ in 0..8 {
        let at = random.pick(&[0x7c00u32, 0xf_0000, 0xffff_ff80]).wrapping_add(random.below(0x100) as u32);
        let f = count();
        machine.hook(HookPoint::Address(LinearAddress(at)), move |_, _| f()).unwrap();
    }
    let f = count();
    machine.hook_faults(move |_, _| f());
    let f = count();
    machine.hook_modes(move |_, _, _| f());
    if random.one_in(2) {
        let f = count();
        machine.hook_ports(0..=0xffff, move |_, _| f());
    }
    for range in [0..=u32::MAX, 0x2000..=0x2fff, 0x6f00..=0x7c40, 0x500..=0x507] {
        if random.one_in(3) {
            let f = count();
            machine.hook_memory(range, move |_, _| f());
        }
    }
    calls
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn a_watched_run_is_the_same_run((model, n) in any_guest(), seed: u64) {
        let mut machine = guest(model, n);
        let stop = run_to(&mut machine, CYCLES);
        let alone = Outcome::of(&mut machine, stop);
        let mut machine = guest(model, n);
        let calls = watch(&mut machine, &mut Random(seed));
        let stop = run_to(&mut machine, CYCLES);
        let watched = Outcome::of(&mut machine, stop);
        assert_same(&format!("{model} guest {n} with hooks of seed {seed}"), &alone, &watched);
        prop_assert!(calls.load(Ordering::Relaxed) > 0, "guest {n}: some hook was called");
    }

    #[test]
    fn a_run_stopped_by_hooks_and_continued_is_the_same_run((model, n) in any_guest(), every in 1..50u64) {
        let mut machine = guest(model, n);
        let stop = run_to(&mut machine, CYCLES);
        let alone = Outcome::of(&mut machine, stop);
        let mut machine = guest(model, n);
        let mut left = every;
        let mut verdict = move || {
            left -= 1;
            if left == 0 {
                left = every;
                return Verdict::Stop;
            }
            Verdict::Continue
        };
        machine.hook(HookPoint::Mnemonic("MOV"), move |_, _| verdict()).unwrap();
        let (mut stops, mut last) = (0, None);
        let stop = loop {
            match run_to(&mut machine, CYCLES) {
                Stop::Breakpoint(at) => {
                    let place = Some((at, instructions(&machine)));
                    prop_assert!(place != last, "{model} guest {n}: continued from a stop at {at}, it stopped there again");
                    (stops, last) = (stops + 1, place);
                }
                stop => break stop,
            }
        };
        let parts = Outcome::of(&mut machine, stop);
        assert_same(&format!("{model} guest {n}, {stops} stops"), &alone, &parts);
    }
}

#[test]
fn every_rom_is_the_same_run_watched_and_cut() {
    for (n, rom) in ROMS.iter().enumerate() {
        let n = n as u64;
        let mut machine = guest(Model::default(), n);
        let stop = machine.run(RunLimit::cycles(2_000_000_000));
        let alone = Outcome::of(&mut machine, stop);
        let end = machine.now().0;
        let mut machine = guest(Model::default(), n);
        watch(&mut machine, &mut Random(n));
        // Cut in two, and the halves apart by a snapshot.
        let mut stop = run_to(&mut machine, end / 3);
        let snapshot = machine.snapshot();
        machine.restore(&snapshot).unwrap();
        if stop == Stop::CycleLimit {
            stop = machine.run(RunLimit::cycles(2_000_000_000));
        }
        let watched = Outcome::of(&mut machine, stop);
        assert_same(rom.name, &without_fault(alone), &without_fault(watched));
    }
}

// ---- bytes

/// A machine in the middle of something, small enough to try every byte of its snapshot.
fn small() -> (Machine, Vec<u8>) {
    let mut machine = Machine::builder(Model::Pentium).ram(64 << 10).isa_pc().build().unwrap();
    machine.load(PhysicalAddress(0x1000), &[0x40, 0xe6, 0xe9, 0xeb, 0xfb]).unwrap();
    machine.start_at(0x100, 0);
    machine.run(RunLimit::cycles(1000));
    let bytes = machine.snapshot().to_bytes();
    (machine, bytes)
}

#[test]
fn a_snapshot_cut_off_anywhere_is_refused() {
    let (_, bytes) = small();
    for length in 0..bytes.len() {
        let error = Snapshot::from_bytes(&bytes[..length]).map(|_| ()).expect_err(&format!("{length} bytes"));
        assert!(error.to_string().contains("not a snapshot"), "{length} bytes: {error}");
    }
    assert!(Snapshot::from_bytes(&bytes).is_ok());
}

#[test]
fn a_snapshot_with_any_byte_changed_is_refused() {
    let (_, bytes) = small();
    let mut random = Random(1);
    let mut damaged = bytes.clone();
    for at in 0..bytes.len() {
        damaged[at] ^= 1 << random.below(8);
        let error = Snapshot::from_bytes(&damaged).map(|_| ()).expect_err(&format!("byte {at:#x} changed"));
        let text = error.to_string();
        assert!(text.contains("not a snapshot"), "byte {at:#x}: {text}");
        damaged[at] = bytes[at];
    }
}

#[test]
fn a_snapshot_of_another_version_says_which() {
    let (_, mut bytes) = small();
    bytes[8..12].copy_from_slice(&77u32.to_le_bytes());
    let text = Snapshot::from_bytes(&bytes).unwrap_err().to_string();
    assert!(text.contains("version 77") && text.contains("version 1"), "{text}");
}

#[test]
fn sections_of_unknown_tags_are_skipped_and_missing_ones_named() {
    let (mut machine, bytes) = small();
    let mut more = bytes.clone();
    more.extend(section(b"NOTE", b"from a later version"));
    let snapshot = Snapshot::from_bytes(&more).unwrap();
    assert_eq!(snapshot, Snapshot::from_bytes(&bytes).unwrap());
    machine.restore(&snapshot).unwrap();
    for (missing, _) in common::sections(&snapshot) {
        let mut less = bytes[..12].to_vec();
        for (tag, payload) in common::sections(&snapshot).into_iter().filter(|(tag, _)| *tag != missing) {
            less.extend(section(tag.as_bytes(), &payload));
        }
        let text = Snapshot::from_bytes(&less).unwrap_err().to_string();
        assert!(text.contains(&format!("{} is missing", missing.trim())), "{text}");
    }
}
fn section(tag: &[u8], payload: &[u8]) -> Vec<u8> {
    [tag, &(payload.len() as u64).to_le_bytes(), &crc32fast::hash(payload).to_le_bytes(), payload].concat()
}

#[test]
fn a_forged_snapshot_is_refused_or_runs_but_never_panics() {
    let (mut machine, bytes) = small();
    let whole = Snapshot::from_bytes(&bytes).unwrap();
    let mut random = Random(2);
    let (mut read, mut restored) = (0, 0);
    for n in 0..6000 {
        // Bytes are changed, and the checksums made good: what a checksum cannot find.
        let mut forged = bytes[..12].to_vec();
        let victim = random.pick(&["META", "CPU ", "BUS ", "DEVS", "DEVS", "CPU ", "RAM "]);
        let mut what = String::new();
        for (tag, mut payload) in common::sections(&whole) {
            if tag == victim && !payload.is_empty() {
                for _ in 0..random.below(3) + 1 {
                    let at = random.below(payload.len() as u64) as usize;
                    match random.below(4) {
                        0 => payload[at] = random.pick(&[0, 1, 0x7f, 0x80, 0xff]),
                        1 => payload[at] ^= 1 << random.below(8),
                        2 => payload[at] = random.u8(),
                        _ => payload.truncate(at.max(1)),
                    }
                    what += &format!("{tag} at {at:#x} ");
                    if payload.is_empty() {
                        break;
                    }
                }
            }
            forged.extend(section(tag.as_bytes(), &payload));
        }
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let Ok(snapshot) = Snapshot::from_bytes(&forged) else { return (false, false) };
            let ok = machine.restore(&snapshot).is_ok();
            if ok {
                machine.run(RunLimit { cycles: Some(100_000), instructions: Some(200) });
                machine.snapshot();
            }
            (true, ok)
        }));
        let (is_read, is_restored) = outcome.unwrap_or_else(|_| panic!("case {n}: {what}"));
        read += u32::from(is_read);
        restored += u32::from(is_restored);
    }
    assert!(read > 100 && restored > 100, "{read} read, {restored} restored");
}

#[test]
fn a_refused_snapshot_leaves_processor_and_memory_alone() {
    let (mut machine, _) = small();
    let before = machine.snapshot();
    let mut other = Machine::builder(Model::Pentium).ram(128 << 10).isa_pc().build().unwrap();
    assert!(machine.restore(&other.snapshot()).is_err());
    assert_eq!(machine.snapshot(), before);
}
