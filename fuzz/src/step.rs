//! A processor of any model in any state, tables and code of any kind: run twice in different ways, it must do the same.
//!
//! The state is derived so that sensible ones are common; next to each sensible value there is a raw one.

mod memory;
mod state;

use crate::bench::{Bench, Explain, Outcome, Pool, model, quiet_pc, with};
use arbitrary::{Arbitrary, Unstructured};
use state::State;
use turtle86::{
    CpuState, HookPoint, Machine, RunLimit, Snapshot, Stop, Verdict,
    arch::{LinearAddress, Model},
};

const LIMIT: RunLimit = RunLimit { cycles: Some(4000), instructions: Some(200) };

/// How the guest runs the second time.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Again {
    Steps,
    /// In pieces of so many instructions.
    Pieces(u8),
    /// In pieces of so many cycles.
    Cycles(u8),
    /// With hooks of every kind, on all memory or some.
    Hooked(bool),
    /// Saved after so many instructions and restored from bytes.
    Restored(u8),
    /// With a checkpoint after so many instructions, to which it goes back from its end.
    Rewound(u8),
}

#[derive(Arbitrary, Debug)]
struct Guest<'a> {
    model: u8,
    pc: bool,
    a20_closed: bool,
    nmi: bool,
    again: Again,
    state: State,
    edits: memory::Edits,
    code: &'a [u8],
}

thread_local! {
    /// By model, whether they are PCs, and how they are watched.
    static BENCHES: Pool<(Model, bool, Watched), Bench> = Pool::default();
}
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Watched {
    No,
    /// Instructions, faults, ports, modes, and this memory.
    All,
    Some,
}

/// Runs one input.
pub fn run(data: &[u8]) {
    let Ok(guest) = Guest::arbitrary_take_rest(Unstructured::new(data)) else { return };
    let _explain = Explain(&guest);
    let whole = guest.on(Watched::No, |machine| {
        let stop = machine.run(LIMIT);
        Outcome::of(machine, stop)
    });
    let watched = match guest.again {
        Again::Hooked(true) => Watched::All,
        Again::Hooked(false) => Watched::Some,
        _ => Watched::No,
    };
    guest.on(watched, |machine| again(machine, guest.again, &whole));
}

fn bench(&(model, pc, watched): &(Model, bool, Watched)) -> Bench {
    let builder = Machine::builder(model).ram(memory::RAM).clock_hz(2_000_000);
    let mut bench = Bench::new(if pc { builder.isa_pc_with(quiet_pc()) } else { builder }, &memory::image());
    let memory = match watched {
        Watched::No => return bench,
        Watched::All => 0..=u32::MAX,
        Watched::Some => 0x4000..=0x4fff,
    };
    let machine = &mut bench.machine;
    for mnemonic in ["MOV", "ADD", "PUSH", "POP", "STOSB", "INT", "IRET", "JMP", "IN", "INVALID"] {
        let hook = machine.hook(HookPoint::Mnemonic(mnemonic), |_, _| Verdict::Continue);
        hook.unwrap_or_else(|error| panic!("{error}"));
    }
    for n in 0..4 {
        let hook = machine.hook(HookPoint::Address(LinearAddress(memory::CODE + 5 * n)), |_, _| Verdict::Continue);
        hook.unwrap_or_else(|error| panic!("{error}"));
    }
    machine.hook_faults(|_, _| Verdict::Continue);
    machine.hook_modes(|_, _, _| Verdict::Continue);
    machine.hook_ports(0..=0xffff, |_, _| Verdict::Continue);
    machine.hook_memory(memory, |_, _| Verdict::Continue);
    bench
}

impl Guest<'_> {
    /// Lends the machine in the guest's state.
    fn on<R>(&self, watched: Watched, f: impl FnOnce(&mut Machine) -> R) -> R {
        with(&BENCHES, (model(self.model), self.pc, watched), bench, |bench| {
            let state = self.prepare(bench);
            bench.start(&state);
            f(&mut bench.machine)
        })
    }
    fn prepare(&self, bench: &mut Bench) -> CpuState {
        let clean = bench.reset();
        let state = self.state.of(bench.machine.cpu.model().profile(), clean);
        let lines = &mut bench.machine.cpu.bus_mut().lines;
        (lines.a20, lines.nmi) = (!self.a20_closed, self.nmi);
        let ram = bench.ram();
        self.edits.apply(ram);
        let cs = &state.mmu.segments[1];
        // Where code is if nothing is paged; elsewhere it meets what is there.
        crate::bench::put(ram, cs.base.wrapping_add(state.eip) as usize, &self.code[..self.code.len().min(256)]);
        state
    }
}

fn again(machine: &mut Machine, how: Again, whole: &Outcome) {
    match how {
        Again::Steps => in_steps(machine).assert_same(whole, "steps and the run"),
        Again::Pieces(n) => in_pieces(machine, RunLimit::instructions(u64::from(n) + 1)).assert_same(whole, "pieces and the run"),
        Again::Cycles(n) => in_pieces(machine, RunLimit::cycles(u64::from(n) + 1)).assert_same(whole, "slices and the run"),
        Again::Hooked(_) => {
            let stop = machine.run(LIMIT);
            Outcome::of(machine, stop).assert_same(whole, "a watched run and the run");
        }
        Again::Restored(n) => {
            let mut rest = restored(machine, n.into());
            // Explanations are the host's: a restored machine has forgotten its last fault.
            rest.last_fault.clone_from(&whole.last_fault);
            rest.assert_same(whole, "a restored run and the run");
        }
        Again::Rewound(n) => rewound(machine, n.into(), whole),
    }
}

/// Instructions and events: what an instruction limit counts.
fn progress(machine: &Machine) -> u64 {
    machine.cpu.instructions() + machine.cpu.events()
}
/// What is left of `LIMIT`, or of `piece` if that is less.
fn left(machine: &Machine, piece: RunLimit) -> RunLimit {
    let left =
        |limit: Option<u64>, done: u64, piece: Option<u64>| limit.map(|limit| limit.saturating_sub(done).min(piece.unwrap_or(u64::MAX)));
    RunLimit {
        cycles: left(LIMIT.cycles, machine.now().0, piece.cycles),
        instructions: left(LIMIT.instructions, progress(machine), piece.instructions),
    }
}
fn over(machine: &Machine) -> bool {
    Some(machine.now().0) >= LIMIT.cycles || Some(progress(machine)) >= LIMIT.instructions
}

fn in_steps(machine: &mut Machine) -> Outcome {
    let stop = loop {
        // A run ends behind the wake-ups of its last cycle; and a step of a processor that waits has no limit.
        if over(machine) || machine.cpu.is_halted() {
            break machine.run(left(machine, RunLimit::none()));
        }
        if let Err(stop) = machine.step() {
            break stop;
        }
    };
    Outcome::of(machine, stop)
}
fn in_pieces(machine: &mut Machine, piece: RunLimit) -> Outcome {
    let stop = loop {
        if over(machine) {
            // Which limit it was.
            break machine.run(left(machine, RunLimit::none()));
        }
        let stop = machine.run(left(machine, piece));
        if !matches!(stop, Stop::InstructionLimit | Stop::CycleLimit) {
            break stop;
        }
    };
    Outcome::of(machine, stop)
}
fn restored(machine: &mut Machine, n: u64) -> Outcome {
    let stop = machine.run(left(machine, RunLimit::instructions(n)));
    if stop != Stop::InstructionLimit {
        return Outcome::of(machine, stop);
    }
    let saved = machine.snapshot();
    let read = Snapshot::from_bytes(&saved.to_bytes()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(read, saved, "saved and read");
    machine.restore(&read).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(machine.snapshot(), saved, "saved and restored");
    let stop = machine.run(left(machine, RunLimit::none()));
    Outcome::of(machine, stop)
}
fn rewound(machine: &mut Machine, n: u64, whole: &Outcome) {
    let stop = machine.run(left(machine, RunLimit::instructions(n)));
    if stop != Stop::InstructionLimit {
        return;
    }
    let checkpoint = machine.checkpoint();
    for what in ["a run past a checkpoint and the run", "a rewound run and the run", "a run rewound twice and the run"] {
        let stop = machine.run(left(machine, RunLimit::none()));
        let mut rest = Outcome::of(machine, stop);
        rest.last_fault.clone_from(&whole.last_fault);
        rest.assert_same(whole, what);
        machine.rewind(&checkpoint).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(machine.snapshot(), checkpoint.snapshot(), "rewound");
    }
}
