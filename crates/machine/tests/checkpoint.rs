//! Going back to a checkpoint is as good as restoring a snapshot: nothing is left behind, and the same future follows, to the bit and to
//! the cycle. Random code in random states is in `fuzz.rs`; here are whole guests, devices, DMA, hooks, and several checkpoints.

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
    Checkpoint, Error, HookPoint, Machine, RunLimit, Stop, Verdict,
    arch::{Gpr, LinearAddress, Model, PhysicalAddress},
    bus::{BusCycle, Device, StateError, Stateful, Timer, Wiring, state_from, state_of},
    devices::DebugCon,
};
use turtle86_test_roms::ROMS;

/// The same cases in every run.
fn cases(n: u32) -> Config {
    Config { cases: n, rng_seed: RngSeed::Fixed(86), failure_persistence: None, max_shrink_iters: 64, ..Config::default() }
}
/// How far a guest runs.
const CYCLES: u64 = 30_000;

/// A bus master that changes memory behind the processor's back, at times of its own: data, and immediates of the running program.
#[derive(Default)]
struct Scribbler {
    seed: u64,
}
impl Device for Scribbler {
    fn name(&self) -> &'static str {
        "scribbler"
    }
    fn connect(&mut self, _: &mut Wiring) {}
    fn timer(&mut self) -> Option<&mut dyn Timer> {
        Some(self)
    }
    fn state(&mut self) -> Option<&mut dyn Stateful> {
        Some(self)
    }
}
impl Timer for Scribbler {
    fn wake(&mut self, bus: &mut BusCycle<'_>) {
        let mut random = Random(self.seed);
        let at = random.pick(&[0x2000, 0x2ffe, 0x7c40, 0x7cc0]) + random.below(64);
        let mut byte = [0];
        bus.read_memory(PhysicalAddress(at), &mut byte);
        bus.write_memory(PhysicalAddress(at), &[byte[0], byte[0] ^ random.below(2) as u8]);
        bus.set_a20(!random.one_in(8));
        bus.wake_at(bus.now() + random.below(700) + 1);
        self.seed = random.0;
    }
}
impl Stateful for Scribbler {
    fn save(&self) -> Vec<u8> {
        state_of(&self.seed)
    }
    fn load(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        self.seed = state_from(bytes)?;
        Ok(())
    }
}

/// Guest `n`: the ROMs first, then random programs, then random programs that a bus master scribbles into.
fn guest(model: Model, n: u64) -> Machine {
    match ROMS.get(n as usize) {
        Some(rom) => build(Machine::builder(model).ram(8 << 20).isa_pc().bios_image(rom.image)),
        None if n.is_multiple_of(2) => guest::machine(model, n),
        None => {
            let mut machine = build(Machine::builder(model).ram(1 << 20).clock_hz(3_000_000).isa_pc().device(Scribbler::default()));
            let mut program = vec![0; 0x9000];
            guest::machine(model, n).read_physical(PhysicalAddress(0), &mut program);
            machine.load(PhysicalAddress(0), &program).unwrap();
            machine.start_at(0, 0x7c00);
            machine.with_device(|device: &mut Scribbler, bus| {
                device.seed = n;
                bus.wake_at(bus.now() + 100);
            });
            machine
        }
    }
}
fn any_guest() -> impl Strategy<Value = (Model, u64)> {
    let number = prop_oneof![1 => 0..ROMS.len() as u64, 2 => 1000..1_000_000u64];
    (prop::sample::select(Model::ALL.to_vec()), number)
}
fn run_to(machine: &mut Machine, end: u64) -> Stop {
    let left = end.saturating_sub(machine.now().0);
    machine.run(RunLimit::cycles(left))
}
/// What was printed so far goes away: it is the host's.
fn forget_console(machine: &mut Machine) {
    if let Some(console) = machine.device_mut::<DebugCon>() {
        console.sink_mut().take();
    }
}
/// Explanations are the host's: a restored machine has forgotten its last fault.
fn without_fault(outcome: Outcome) -> Outcome {
    Outcome { last_fault: None, ..outcome }
}
fn future(machine: &mut Machine) -> Outcome {
    forget_console(machine);
    let stop = run_to(machine, CYCLES);
    without_fault(Outcome::of(machine, stop))
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn a_rewound_machine_has_the_future_of_a_restored_one(
        (model, n) in any_guest(),
        mut cuts in prop::collection::vec(0..CYCLES, 1..4),
        rounds in prop::collection::vec((0..4usize, 0..CYCLES, any::<bool>()), 1..6),
    ) {
        let mut machine = guest(model, n);
        cuts.sort_unstable();
        let mut points = Vec::new();
        for cut in &cuts {
            run_to(&mut machine, *cut);
            let (snapshot, checkpoint) = (machine.snapshot(), machine.checkpoint());
            prop_assert!(checkpoint.snapshot() == snapshot && machine.snapshot() == snapshot, "taking one changes nothing");
            let mut other = guest(model, n);
            other.restore(&snapshot).unwrap();
            points.push((checkpoint, snapshot, future(&mut other)));
        }
        for (point, part, whole) in &rounds {
            let (checkpoint, snapshot, expected) = &points[point % points.len()];
            machine.rewind(checkpoint).unwrap();
            assert_eq!(machine.snapshot(), *snapshot, "{model} guest {n}: something is left behind");
            if *whole {
                let got = future(&mut machine);
                assert_same(&format!("{model} guest {n} cut at {cuts:?}, rounds {rounds:?}"), expected, &got);
            } else {
                run_to(&mut machine, *part);
            }
        }
    }
}

// ---- single things

/// A flat 32-bit guest at 1000h.
fn flat(code: &[u8]) -> Machine {
    let mut machine = build(Machine::builder(Model::Pentium).ram(1 << 20).isa_pc());
    machine.load(PhysicalAddress(0x1000), code).unwrap();
    machine.cpu.enter_flat_protected_mode();
    machine.cpu.set_gpr(Gpr::Esp, 0x8000);
    machine.cpu.set_eip(0x1000);
    machine
}
/// inc eax; mov [5000h], eax; jmp $-6
const COUNTER: &[u8] = &[0x40, 0xa3, 0x00, 0x50, 0x00, 0x00, 0xeb, 0xf8];
fn counted(machine: &Machine) -> u32 {
    let mut bytes = [0; 4];
    machine.read_physical(PhysicalAddress(0x5000), &mut bytes);
    u32::from_le_bytes(bytes)
}

#[test]
fn code_that_a_run_changed_is_decoded_again() {
    // mov ebx, 1; add eax, ebx; mov byte [1001h], 2; jmp 1000h
    let mut machine = flat(&[0xbb, 1, 0, 0, 0, 0x01, 0xd8, 0xc6, 0x05, 0x01, 0x10, 0x00, 0x00, 0x02, 0xeb, 0xf0]);
    let start = machine.checkpoint();
    for round in 0..4 {
        machine.run(RunLimit::instructions(6));
        assert_eq!(machine.cpu.gpr(Gpr::Eax), 3, "round {round}");
        machine.rewind(&start).unwrap();
    }
}

#[test]
fn an_input_that_the_host_loads_after_each_rewind_is_seen() {
    let mut machine = flat(&[0xa1, 0x00, 0x50, 0x00, 0x00, 0xa3, 0x04, 0x50, 0x00, 0x00, 0xf4]); // mov eax, [5000h]; mov [5004h], eax; hlt
    let start = machine.checkpoint();
    for input in 1..5u32 {
        machine.load(PhysicalAddress(0x5000), &input.to_le_bytes()).unwrap();
        assert_eq!(machine.run(RunLimit::cycles(100)), Stop::Halted);
        assert_eq!(machine.cpu.gpr(Gpr::Eax), input);
        machine.rewind(&start).unwrap();
        assert_eq!(counted(&machine), 0);
    }
}

#[test]
fn the_code_itself_can_be_the_input() {
    let mut machine = flat(&[0x90; 16]);
    let start = machine.checkpoint();
    for n in 1..20u8 {
        machine.load(PhysicalAddress(0x1000), &[0xb0, n, 0xf4]).unwrap(); // mov al, n; hlt
        assert_eq!(machine.run(RunLimit::cycles(100)), Stop::Halted);
        assert_eq!(machine.cpu.gpr(Gpr::Eax), n.into());
        machine.rewind(&start).unwrap();
        assert_eq!(machine.cpu.fetch_instruction().bytes(), [0x90]);
    }
}

#[test]
fn a20_that_a_run_closed_is_open_again() {
    // mov al, 0; out 92h, al; mov [105000h], ecx; hlt
    let mut machine = build(Machine::builder(Model::Pentium).ram(2 << 20).isa_pc());
    machine.load(PhysicalAddress(0x1000), &[0xb0, 0, 0xe6, 0x92, 0x89, 0x0d, 0x00, 0x50, 0x10, 0x00, 0xf4]).unwrap();
    machine.cpu.enter_flat_protected_mode();
    machine.cpu.set_eip(0x1000);
    machine.cpu.set_gpr(Gpr::Ecx, 77);
    let start = machine.checkpoint();
    for _ in 0..3 {
        assert_eq!(machine.run(RunLimit::cycles(100)), Stop::Halted);
        assert_eq!(counted(&machine), 77);
        machine.rewind(&start).unwrap();
        assert!(machine.snapshot() == start.snapshot());
        // A20 is switched by the host, and nobody has looked at it yet.
        machine.cpu.bus_mut().lines.a20 = false;
        machine.rewind(&start).unwrap();
        assert!(machine.cpu.bus().lines.a20);
    }
    // Or it is the checkpoint that nobody has looked at yet: mov [105000h], ecx; hlt
    machine.cpu.set_eip(0x1004);
    machine.run(RunLimit::instructions(1));
    machine.cpu.bus_mut().lines.a20 = false;
    machine.cpu.set_eip(0x1004);
    let closed = machine.checkpoint();
    for to in [&closed, &start, &closed, &closed] {
        machine.rewind(to).unwrap();
        assert_eq!(machine.run(RunLimit::cycles(100)), Stop::Halted);
        assert_eq!(counted(&machine), 77);
    }
}

#[test]
fn hooks_stay_and_see_every_run() {
    let mut machine = flat(COUNTER);
    let (stores, jumps) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let count = |counter: &Arc<AtomicU64>| {
        let counter = counter.clone();
        move || {
            counter.fetch_add(1, Ordering::Relaxed);
            Verdict::Continue
        }
    };
    let (on_store, on_jump) = (count(&stores), count(&jumps));
    machine.hook_memory(0x5000..=0x5003, move |_, _| on_store());
    machine.hook(HookPoint::Mnemonic("JMP"), move |_, _| on_jump()).unwrap();
    let start = machine.checkpoint();
    for round in 1..5 {
        machine.run(RunLimit::instructions(30));
        assert_eq!((stores.load(Ordering::Relaxed), jumps.load(Ordering::Relaxed)), (10 * round, 10 * round));
        assert_eq!(counted(&machine), 10);
        machine.rewind(&start).unwrap();
        assert_eq!(counted(&machine), 0);
    }
    // One that comes after the checkpoint stays too.
    let calls = count(&stores);
    machine.hook_memory(0x5000..=0x5003, move |_, _| calls());
    machine.rewind(&start).unwrap();
    machine.run(RunLimit::instructions(30));
    assert_eq!(stores.load(Ordering::Relaxed), 40 + 20);
}

#[test]
fn hooks_are_not_told_of_what_was_undone() {
    // mov [5000h], eax; out 80h, al; nop
    let mut machine = flat(&[0xa3, 0x00, 0x50, 0x00, 0x00, 0xe6, 0x80, 0x90]);
    let calls = Arc::new(AtomicU64::new(0));
    let (on_store, on_port) = (calls.clone(), calls.clone());
    let count = |calls: &AtomicU64| {
        calls.fetch_add(1, Ordering::Relaxed);
        Verdict::Continue
    };
    machine.hook_memory(0x5000..=0x5003, move |_, _| count(&on_store));
    machine.hook_ports(0x80..=0x80, move |_, _| count(&on_port));
    let (start, snapshot) = (machine.checkpoint(), machine.snapshot());
    for steps in 1..=2 {
        for rewinds in [true, false] {
            // Hooks are told between instructions: of the last one not yet.
            (0..steps).for_each(|_| machine.step().unwrap());
            let told = calls.load(Ordering::Relaxed);
            if rewinds {
                machine.rewind(&start).unwrap()
            } else {
                machine.restore(&snapshot).unwrap()
            }
            machine.cpu.set_eip(0x1007);
            machine.step().unwrap();
            assert_eq!(calls.load(Ordering::Relaxed), told, "{steps} steps");
            machine.rewind(&start).unwrap();
        }
    }
    assert_eq!(calls.load(Ordering::Relaxed), 2);
}

#[test]
fn a_run_between_two_stops_is_the_same_again_and_again() {
    let mut machine = flat(COUNTER);
    machine.hook(HookPoint::Address(LinearAddress(0x1001)), |_, _| Verdict::Stop).unwrap();
    let at = Stop::Breakpoint(LinearAddress(0x1001));
    assert_eq!(machine.run(RunLimit::cycles(100)), at);
    // The hook has seen this instruction: each run executes it, and stops when it is met again.
    let start = machine.checkpoint();
    for _ in 0..3 {
        assert_eq!(machine.run(RunLimit::cycles(100)), at);
        assert_eq!((machine.cpu.gpr(Gpr::Eax), counted(&machine)), (2, 1));
        machine.rewind(&start).unwrap();
    }
}

#[test]
fn a_hook_stops_every_run_from_elsewhere() {
    let mut machine = flat(COUNTER);
    machine.hook(HookPoint::Address(LinearAddress(0x1001)), |_, _| Verdict::Stop).unwrap();
    let at = Stop::Breakpoint(LinearAddress(0x1001));
    let (start, snapshot) = (machine.checkpoint(), machine.snapshot());
    for round in 0..6 {
        assert_eq!(machine.run(RunLimit::cycles(100)), at);
        assert_eq!(machine.cpu.gpr(Gpr::Eax), 1, "round {round}");
        match round % 3 {
            0 => machine.rewind(&start).unwrap(),
            1 => machine.restore(&snapshot).unwrap(),
            _ => {
                machine.cpu.set_gpr(Gpr::Eax, 0);
                machine.cpu.set_eip(0x1000);
            }
        }
    }
}

#[test]
fn machines_in_other_threads_share_a_checkpoint() {
    let mut machine = flat(COUNTER);
    machine.run(RunLimit::instructions(30));
    let start = machine.checkpoint();
    let future = |machine: &mut Machine, start: &Checkpoint, n| {
        machine.rewind(start).unwrap();
        machine.run(RunLimit::instructions(n));
        machine.snapshot()
    };
    let expected = future(&mut machine, &start, 300);
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let (start, expected) = (&start, &expected);
            scope.spawn(move || {
                let mut own = flat(&[0x90]);
                for _ in 0..20 {
                    future(&mut own, start, 100 + thread);
                    assert!(future(&mut own, start, 300) == *expected);
                }
            });
        }
    });
}

#[test]
fn a_checkpoint_of_a_machine_that_is_built_otherwise_is_refused_and_changes_nothing() {
    let base = || Machine::builder(Model::Pentium).ram(1 << 20);
    let mut machine = build(base().isa_pc());
    let before = machine.snapshot();
    let others = [
        Machine::builder(Model::I486Dx).ram(1 << 20).isa_pc(),
        Machine::builder(Model::Pentium).ram(2 << 20).isa_pc(),
        base().isa_pc().clock_hz(1_000_000),
        base(),
        base().isa_pc().device(Scribbler::default()),
    ];
    for (n, other) in others.into_iter().enumerate() {
        let mut other = build(other);
        other.load(PhysicalAddress(0x5000), &[1]).unwrap();
        let refused = machine.rewind(&other.checkpoint());
        assert!(matches!(refused, Err(Error::SnapshotMachine(_) | Error::State(_))), "{n}: {refused:?}");
        assert_eq!(machine.snapshot(), before, "{n}");
    }
}

#[test]
fn stores_into_rom_leave_nothing_behind() {
    let mut machine = build(Machine::builder(Model::Pentium).ram(1 << 20).isa_pc().bios_image(vec![0xf4; 0x1_0000]));
    // mov byte [f0000h], 1; mov byte [a0000h], 1; hlt
    machine.load(PhysicalAddress(0x1000), &[0xc6, 0x05, 0x00, 0x00, 0x0f, 0x00, 1, 0xc6, 0x05, 0x00, 0x00, 0x0a, 0x00, 1, 0xf4]).unwrap();
    machine.cpu.enter_flat_protected_mode();
    machine.cpu.set_eip(0x1000);
    let (start, before) = (machine.checkpoint(), machine.snapshot());
    for _ in 0..2 {
        assert_eq!(machine.run(RunLimit::cycles(100)), Stop::Halted);
        machine.rewind(&start).unwrap();
        assert_eq!(machine.snapshot(), before);
    }
}
