//! The core and the decoder agree on where an instruction ends, wherever it lies.
//!
//! Random instructions run once in the middle of a page, and then so that each of their bytes in turn is the first of the next page;
//! in 16-bit and 32-bit code, on every model. EIP must move by the decoder's length, and the place must not matter.

mod common;

use common::{Random, hex};
use turtle86::{
    CpuState, Machine, RunLimit, Stop,
    arch::{AccessRights, Eflags, Gpr, LinearAddress, Model, PhysicalAddress, SegmentRegister},
    iced_x86::{Decoder, FlowControl, Instruction, Mnemonic},
};

/// Of the segments; data lies there, apart from code.
const DATA_BASE: u32 = 0x2_0000;
/// Code segment bases: code is at EIP 1000h always, so that the place is in the base alone.
const EIP: u32 = 0x1000;
const MIDDLE: u32 = 0x4_0800;
const PAGE_END: u32 = 0x4_2000;

struct Bench {
    machine: Machine,
    bits: u32,
    start: CpuState,
}
/// What an instruction did: registers, flags, data, selectors, what ended it.
#[derive(Debug, PartialEq)]
struct Effect {
    stop: Stop,
    forward: u32,
    gpr: [u32; 8],
    eflags: u32,
    selectors: [u16; 6],
    data: u32,
    faults: Vec<String>,
}
impl Bench {
    fn new(model: Model, bits: u32) -> Bench {
        let mut machine = Machine::builder(model).ram(512 << 10).build().unwrap();
        machine.cpu.enter_flat_protected_mode();
        for register in SegmentRegister::ALL {
            let mut cache = machine.cpu.segment(register);
            cache.base = DATA_BASE;
            cache.limit = 0xffff;
            if bits == 16 {
                cache.rights = AccessRights(cache.rights.0 & !0x4000);
            }
            machine.cpu.set_segment(register, cache);
        }
        let start = machine.cpu.state();
        Bench { machine, bits, start }
    }
    fn decode(&self, code: &[u8]) -> Instruction {
        Decoder::with_ip(self.bits, code, EIP.into(), self.machine.cpu.decoder_options()).decode()
    }
    fn run(&mut self, code: &[u8], at: u32, gpr: &[u32; 8], eflags: u32, data: &[u8], limit: RunLimit) -> Effect {
        let mut state = self.start.clone();
        (state.gpr, state.eflags, state.eip) = (*gpr, eflags, EIP);
        state.mmu.segments[1].base = at.wrapping_sub(EIP);
        // The time-stamp counter starts anew.
        state.tsc_offset = 0u64.wrapping_sub(self.machine.now().0);
        self.machine.cpu.set_state(&state).unwrap();
        let segment = DATA_BASE as usize..DATA_BASE as usize + 0x1_0000;
        let memory = &mut self.machine.cpu.bus_mut().memory.ram_mut()[segment.clone()];
        memory.fill(0x5a);
        memory[..data.len()].copy_from_slice(data);
        self.machine.load(PhysicalAddress(u64::from(at) & !15), &[0xf4; 64]).unwrap();
        self.machine.load(PhysicalAddress(at.into()), code).unwrap();
        let stop = self.machine.run(limit);
        let cpu = &self.machine.cpu;
        let faults = if cpu.events() > 0 { cpu.fault_chain().iter().map(ToString::to_string).collect() } else { Vec::new() };
        let stop = match stop {
            // The place is in the message, not in the effect.
            Stop::Unsupported { what, .. } => Stop::Unsupported { what, at: LinearAddress(0) },
            stop => stop,
        };
        Effect {
            stop,
            forward: cpu.eip().wrapping_sub(EIP),
            gpr: Gpr::ALL.map(|register| cpu.gpr(register)),
            eflags: cpu.eflags().0,
            selectors: SegmentRegister::ALL.map(|register| cpu.segment(register).selector.0),
            data: crc32fast::hash(&cpu.bus().memory.ram()[segment]),
            faults,
        }
    }
}
/// Random bytes that begin with every opcode equally often.
fn candidate(random: &mut Random) -> Vec<u8> {
    let mut code = Vec::new();
    for _ in 0..random.pick(&[0, 0, 0, 0, 1, 1, 2, 3]) {
        code.push(random.pick(&[0x66, 0x67, 0x66, 0x67, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0xf2, 0xf3, 0xf0]));
    }
    if random.one_in(3) {
        code.push(0x0f);
    }
    code.push(random.u8());
    // ModRM and SIB bytes with every form, then anything.
    code.extend(random.bytes(12));
    code.truncate(15);
    code
}
fn goes_on(instruction: &Instruction) -> bool {
    instruction.flow_control() == FlowControl::Next && !matches!(instruction.mnemonic(), Mnemonic::INVALID | Mnemonic::Hlt)
}

fn lengths_agree(model: Model, bits: u32, cases: u64) {
    let mut random = Random(u64::from(bits) << 32 | model as u64);
    let mut bench = Bench::new(model, bits);
    let mut executed = 0;
    for n in 0..cases {
        let code = candidate(&mut random);
        let instruction = bench.decode(&code);
        if instruction.is_invalid() {
            continue;
        }
        let code = &code[..instruction.len()];
        let mut gpr: [u32; 8] = std::array::from_fn(|_| if random.one_in(3) { random.value() } else { random.below(0x8000) as u32 });
        gpr[4] = 0x8000;
        // Few iterations of a repeated instruction, so that one run is all of it.
        gpr[1] &= 0x3f;
        let eflags = random.u32() & Eflags::STATUS.0 | random.u32() & Eflags::DF.0;
        let data = random.bytes(0x100);
        let name = |how: &str, at: u32| format!("{model} {bits}-bit {instruction} ({}) at {at:08x} {how}, case {n}", hex(code));
        let whole = bench.run(code, MIDDLE, &gpr, eflags, &data, RunLimit::instructions(1));
        let repeated = instruction.has_rep_prefix() || instruction.has_repne_prefix();
        if goes_on(&instruction) && whole.faults.is_empty() && whole.stop == Stop::InstructionLimit && !repeated {
            executed += 1;
            assert_eq!(whole.forward, instruction.len() as u32, "{}", name("in the middle", MIDDLE));
        }
        for in_first in 1..code.len() as u32 {
            let at = PAGE_END - in_first;
            let crossing = bench.run(code, at, &gpr, eflags, &data, RunLimit::instructions(1));
            assert_eq!(crossing, whole, "{}", name("across a page end", at));
        }
        // As a block: with a HLT behind. One that stopped at once has no more to tell.
        if goes_on(&instruction) && whole.faults.is_empty() && whole.stop == Stop::InstructionLimit {
            let block = bench.run(code, MIDDLE, &gpr, eflags, &data, RunLimit::instructions(200));
            if block.stop == Stop::Halted && block.faults.is_empty() {
                assert_eq!(block.forward, instruction.len() as u32 + 1, "{}", name("in a block", MIDDLE));
                if !repeated {
                    assert_eq!(
                        (block.gpr, block.eflags, block.data),
                        (whole.gpr, whole.eflags, whole.data),
                        "{}",
                        name("in a block", MIDDLE)
                    );
                }
            }
        }
    }
    assert!(executed * 10 > cases, "{executed} of {cases} instructions were executed");
}

#[test]
fn the_386_steps_by_the_decoders_lengths_in_16_bit_code() {
    lengths_agree(Model::I386Dx, 16, 4000);
}
#[test]
fn the_386_steps_by_the_decoders_lengths_in_32_bit_code() {
    lengths_agree(Model::I386Ex, 32, 4000);
}
#[test]
fn the_486_steps_by_the_decoders_lengths() {
    lengths_agree(Model::I486Dx, 16, 2000);
    lengths_agree(Model::I486Dx4, 32, 2000);
}
#[test]
fn the_pentium_steps_by_the_decoders_lengths() {
    lengths_agree(Model::Pentium, 16, 2000);
    lengths_agree(Model::Pentium, 32, 2000);
}
#[test]
fn the_pentium_pro_steps_by_the_decoders_lengths_in_16_bit_code() {
    lengths_agree(Model::PentiumPro, 16, 4000);
}
#[test]
fn the_pentium_pro_steps_by_the_decoders_lengths_in_32_bit_code() {
    lengths_agree(Model::PentiumPro, 32, 4000);
}

#[test]
fn fifteen_bytes_are_allowed_and_sixteen_are_not_wherever_they_lie() {
    for bits in [16, 32] {
        let mut bench = Bench::new(Model::PentiumPro, bits);
        for prefixes in 10..=16 {
            // Prefixes, then `nop`: 15 bytes are 14 prefixes.
            let code = [vec![0x3e; prefixes], vec![0x90]].concat();
            for at in (0..code.len() as u32).map(|n| PAGE_END - n).chain([MIDDLE]) {
                let effect = bench.run(&code, at, &[0x100; 8], 2, &[], RunLimit::instructions(1));
                if code.len() <= 15 {
                    assert_eq!((effect.forward, effect.faults.len()), (code.len() as u32, 0), "{prefixes} prefixes at {at:x}");
                } else {
                    let long = effect.faults.first().is_some_and(|fault| fault.contains("#GP") && fault.contains("15 bytes"));
                    assert!(long, "{prefixes} prefixes at {at:x}, {bits}-bit: {effect:?}");
                }
            }
        }
    }
}

#[test]
fn an_instruction_at_the_end_of_the_segment_needs_only_its_own_bytes() {
    for bits in [16, 32] {
        let mut bench = Bench::new(Model::I486Dx, bits);
        // mov al, 5 ends exactly at the limit, then one byte less fits.
        for (limit, fits) in [(EIP + 1, true), (EIP, false), (EIP - 1, false)] {
            bench.start.mmu.segments[SegmentRegister::Cs as usize].limit = limit;
            let effect = bench.run(&[0xb0, 5], MIDDLE, &[0; 8], 2, &[], RunLimit::instructions(1));
            assert_eq!(effect.faults.is_empty(), fits, "{effect:?}");
            if fits {
                assert_eq!((effect.gpr[0], effect.forward), (5, 2));
            } else {
                assert!(effect.faults[0].contains("#GP") && effect.faults[0].contains("CS"), "{effect:?}");
            }
        }
    }
}
