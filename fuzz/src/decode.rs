//! Bytes as code of every model, 16-bit and 32-bit, wherever they lie in their page.
//!
//! Input: model, place and size, status flags, then code.

use crate::bench::{Bench, Outcome, Pool, model, pick, put, with};
use turtle86::{
    CpuState, Machine, RunLimit, Stop,
    arch::{AccessRights, Eflags, LinearAddress, Model, SegmentRegister},
    iced_x86::{Decoder, FlowControl, Mnemonic},
};

/// The first byte of a page, in the middle of RAM.
const PAGE: u32 = 0x4000;
const INSTRUCTIONS: u64 = 12;

thread_local! {
    static BENCHES: Pool<(Model, bool), Bench> = Pool::default();
}

/// Runs one input.
pub fn run(data: &[u8]) {
    let [number, place, flags, code @ ..] = data else { return };
    with(&BENCHES, (model(*number), place & 1 != 0), flat, |bench| {
        let mut state = bench.reset();
        state.eip = pick(&[PAGE + 0x800, PAGE, PAGE - 1, PAGE - 2, PAGE - 3, PAGE - 5, PAGE - 9, PAGE - 14], place >> 1);
        state.eflags = u32::from(*flags) & Eflags::STATUS.0 | u32::from(flags & 2) << 9;
        // Places in RAM apart from code, small counts, and now and then a stack that is nowhere.
        state.gpr = [0x1234_0a05, 5, 0x0402, 0x8010, 0xf000, 0x8100, 0x9000, 0x9ffe];
        if place & 0x80 != 0 {
            (state.gpr[4], state.gpr[7]) = (2, 0xffff_fffe);
        }
        laws(bench, &state, &code[..code.len().min(64)]);
    });
}

/// A machine with flat segments of DPL 0; of code and stack the size that is wanted.
fn flat(&(model, wide): &(Model, bool)) -> Bench {
    let mut bench = Bench::new(Machine::builder(model).ram(64 << 10), &[]);
    let cpu = &mut bench.machine.cpu;
    cpu.enter_flat_protected_mode();
    if !wide {
        for register in [SegmentRegister::Cs, SegmentRegister::Ss] {
            let mut cache = cpu.segment(register);
            cache.rights = AccessRights(cache.rights.0 & !0x4000);
            cpu.set_segment(register, cache);
        }
    }
    bench.keep_processor();
    bench
}

fn laws(bench: &mut Bench, state: &CpuState, code: &[u8]) {
    put(bench.ram(), state.eip as usize, code);
    bench.start(state);
    let stop = bench.machine.run(RunLimit::instructions(INSTRUCTIONS));
    let whole = Outcome::of(&mut bench.machine, stop);

    bench.reset();
    put(bench.ram(), state.eip as usize, code);
    bench.start(state);
    let mut stop = Stop::InstructionLimit;
    while bench.machine.cpu.instructions() + bench.machine.cpu.events() < INSTRUCTIONS {
        if let Err(why) = step(&mut bench.machine) {
            stop = why;
            break;
        }
    }
    Outcome::of(&mut bench.machine, stop).assert_same(&whole, "steps and the run");
}

/// One instruction: what is decoded is what moves EIP, and what is no instruction does not retire.
fn step(machine: &mut Machine) -> Result<(), Stop> {
    let cs = machine.cpu.segment(SegmentRegister::Cs);
    let eip = machine.cpu.eip();
    let shown = machine.cpu.fetch_instruction();
    let decoded = *shown.decoded();
    let bytes = machine.read_linear(LinearAddress(cs.base.wrapping_add(eip)), 15);
    assert!(decoded.len() <= 15, "an instruction of {} bytes", decoded.len());
    assert_eq!(shown.bytes(), &bytes[..decoded.len().min(bytes.len())]);
    assert_eq!(shown.mnemonic().is_empty(), decoded.is_invalid());
    let bits = if cs.rights.is_32_bit() { 32 } else { 16 };
    let again = Decoder::with_ip(bits, &bytes, eip.into(), machine.cpu.decoder_options()).decode();
    assert_eq!(decoded, again, "decoded twice");

    let (instructions, events) = (machine.cpu.instructions(), machine.cpu.events());
    let done = machine.step();
    let retired = machine.cpu.instructions() - instructions;
    assert!(retired <= 1, "a step of {retired} instructions");
    // Where RAM ends the host is shown less than the processor fetches.
    assert!(retired == 0 || !decoded.is_invalid() || bytes.len() < 15, "{bytes:02x?} is no instruction and retired");
    let goes_on = decoded.flow_control() == FlowControl::Next && !matches!(decoded.mnemonic(), Mnemonic::Hlt | Mnemonic::Loadall);
    if goes_on && !decoded.is_invalid() && retired == 1 && machine.cpu.events() == events {
        let moved = machine.cpu.eip().wrapping_sub(eip);
        let repeats = (decoded.has_rep_prefix() || decoded.has_repne_prefix()) && moved == 0;
        assert!(repeats || moved == decoded.len() as u32, "{decoded} has {} bytes and moved EIP by {moved}", decoded.len());
    }
    done
}
