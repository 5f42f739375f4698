//! Random guests that do a bit of everything: arithmetic, strings, loops, calls, faults, traps, timer interrupts, code that changes itself.

use super::Random;
use turtle86::{
    Machine,
    arch::{Model, PhysicalAddress},
};

const START: u16 = 0x7c00;
const STACK: u16 = 0x7000;
/// Where data lies: 4 KiB, apart from code.
const DATA: u16 = 0x2000;
/// Counters of the handlers.
const TICKS: u16 = 0x500;
const FAULTS: u16 = 0x502;
const TRAPS: u16 = 0x504;

/// A real-mode program under construction.
struct Code {
    bytes: Vec<u8>,
    /// Addresses of immediate bytes that may be overwritten.
    soft: Vec<u16>,
}
impl Code {
    fn here(&self) -> u16 {
        START + self.bytes.len() as u16
    }
    fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
    }
    fn put_word(&mut self, word: u16) {
        self.put(&word.to_le_bytes());
    }
}

/// An address in the data area, sometimes one whose operand crosses into the next page.
fn data(random: &mut Random) -> u16 {
    if random.one_in(8) { DATA + 0xffd + random.below(3) as u16 } else { DATA + random.below(0xff0) as u16 }
}
/// A register that is not SP.
fn register(random: &mut Random) -> u8 {
    random.pick(&[0, 1, 2, 3, 5, 6, 7])
}
fn instruction(code: &mut Code, random: &mut Random, depth: u32) {
    let wide = random.one_in(3);
    let prefix: &[u8] = if wide { &[0x66] } else { &[] };
    match random.below(24) {
        0..=2 => {
            code.put(prefix);
            let operation = random.below(8) as u8;
            code.put(&[operation << 3 | 1 | (random.below(2) as u8) << 1, 0xc0 | register(random) << 3 | register(random)]);
        }
        3..=5 => {
            code.put(prefix);
            let operation = random.below(8) as u8;
            code.put(&[operation << 3 | random.below(4) as u8, 0x06 | register(random) << 3]);
            code.put_word(data(random));
        }
        6 => {
            code.put(&[0xb0 | random.pick(&[0, 1, 2, 3, 6, 7])]);
            code.soft.push(code.here());
            code.put(&[random.u8()]);
        }
        7 => {
            code.put(prefix);
            code.put(&[0xb8 | register(random)]);
            code.put(&random.value().to_le_bytes()[..if wide { 4 } else { 2 }]);
        }
        8 => {
            code.put(prefix);
            code.put(&[0xc1, 0xc0 | (random.u8() & 0x38) | register(random), random.u8()]);
        }
        9 => {
            // Strings: CX SI DI in the data area, forward or backward.
            code.put(&[random.pick(&[0xfc, 0xfd]), 0xb9, random.below(40) as u8, 0, 0xbe]);
            code.put_word(DATA + 0x800 + random.below(0x100) as u16);
            code.put(&[0xbf]);
            code.put_word(DATA + 0x900 + random.below(0x100) as u16);
            if random.one_in(2) {
                code.put(&[random.pick(&[0xf2, 0xf3])]);
            }
            code.put(prefix);
            code.put(&[random.pick(&[0xa4, 0xa5, 0xa6, 0xa7, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf])]);
        }
        10 => {
            let (a, b) = (register(random), register(random));
            code.put(&[0x50 | a, 0x58 | b]);
        }
        11 if depth < 3 => {
            // mov cx, n; body; loop body. CX is kept on the stack.
            code.put(&[0xb9, random.below(6) as u8 + 1, 0]);
            let body = code.here();
            code.put(&[0x51]);
            (0..random.below(4)).for_each(|_| instruction(code, random, depth + 3));
            code.put(&[0x59]);
            let back = body.wrapping_sub(code.here() + 2) as i16;
            match i8::try_from(back) {
                Ok(back) => code.put(&[0xe2, back as u8]),
                Err(_) => code.put(&[0x90]),
            }
        }
        12 if depth < 3 => {
            // Jcc over some instructions.
            let at = code.bytes.len();
            code.put(&[0x70 | random.u8() & 15, 0]);
            (0..random.below(4)).for_each(|_| instruction(code, random, depth + 3));
            let distance = code.bytes.len() - at - 2;
            code.bytes[at + 1] = distance.min(127) as u8;
            if distance > 127 {
                code.bytes[at] = 0x90;
                code.bytes[at + 1] = 0x90;
            }
        }
        13 => {
            // call over a subroutine of one instruction.
            let at = code.bytes.len();
            code.put(&[0xeb, 0]);
            let target = code.here();
            instruction(code, random, 3);
            code.put(&[0xc3]);
            let over = code.bytes.len() - at - 2;
            code.bytes[at + 1] = over as u8;
            let distance = target.wrapping_sub(code.here() + 3);
            code.put(&[0xe8]);
            code.put_word(distance);
        }
        14 => {
            // Writes into an instruction that was or will be executed.
            if let Some(at) = (!code.soft.is_empty()).then(|| random.pick(&code.soft)) {
                code.put(&[0xc6, 0x06]);
                code.put_word(at);
                code.put(&[random.u8()]);
            }
        }
        15 => code.put(&[0xe6, 0xe9]),
        16 => {
            // Time as the timer shows it, and what nobody answers.
            code.put(&[0xb0, 0, 0xe6, 0x43, 0xe4, 0x40, 0xe4, 0x40, 0xe4, random.pick(&[0x61, 0x21, 0xe9, 0x33])]);
        }
        17 => code.put(&[0xf6, random.pick(&[0xf0, 0xf8, 0xe0, 0xe8]) | random.pick(&[1, 2, 3])]),
        18 => code.put(&[0xf4]),
        19 => code.put(&[0xcd, random.pick(&[0x20, 0x21, 3, 4])]),
        20 => match random.below(6) {
            0 => code.put(&[0x0f, 0x0b]),
            1 => code.put(&[0xce]),
            2 => code.put(&[0xd4, 0]),
            // A word over the end of the segment.
            3 => code.put(&[0xa1, 0xff, 0xff]),
            4 => code.put(&[0xcc]),
            _ => code.put(&[0x0f, 0xa2]),
        },
        21 => code.put(&[random.pick(&[0xfa, 0xfb, 0xfb, 0x9c]), random.pick(&[0x90, 0x9d, 0xfb])]),
        22 => {
            // TF for some instructions: the handler counts down.
            code.put(&[0xc7, 0x06]);
            code.put_word(TRAPS);
            code.put_word(random.below(12) as u16 + 1);
            code.put(&[0x9c, 0x58, 0x80, 0xcc, 0x01, 0x50, 0x9d]);
        }
        23 => {
            // MOV SS holds events off.
            code.put(&[0x31, 0xc0, 0x8e, 0xd0, 0xbc]);
            code.put_word(STACK);
        }
        _ => code.put(&[0x0f, 0x90 | random.u8() & 15, 0xc0]),
    }
}

/// A random program with its machine: an ISA PC of 1 MiB, slow enough for the timer to tick often.
pub fn machine(model: Model, seed: u64) -> Machine {
    let mut random = Random(seed);
    let mut machine = Machine::builder(model).ram(1 << 20).clock_hz(3_000_000).isa_pc().build().unwrap_or_else(|error| panic!("{error}"));
    let mut code = Code { bytes: Vec::new(), soft: Vec::new() };
    // cli; xor ax, ax; mov ds, ax; mov es, ax; mov ss, ax; mov sp, STACK
    code.put(&[0xfa, 0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xd0, 0xbc]);
    code.put_word(STACK);
    // The first 8259A at vector 8, all but the timer masked; the timer at a random rate.
    for (port, value) in [(0x20, 0x11), (0x21, 8), (0x21, 4), (0x21, 1), (0x21, 0xfe)] {
        code.put(&[0xb0, value, 0xe6, port]);
    }
    let rate = random.below(600) as u16 + 20;
    for (port, value) in [(0x43, random.pick(&[0x34, 0x36])), (0x40, rate as u8), (0x40, (rate >> 8) as u8)] {
        code.put(&[0xb0, value, 0xe6, port]);
    }
    let top = code.here();
    code.put(&[0xfb]);
    (0..random.below(40) + 10).for_each(|_| instruction(&mut code, &mut random, 0));
    let back = top.wrapping_sub(code.here() + 3);
    code.put(&[0xe9]);
    code.put_word(back);
    // Handlers, each where its vectors point.
    let mut handlers = |bytes: &[u8]| {
        let at = code.here();
        code.put(bytes);
        at
    };
    let ignore = handlers(&[0xcf]);
    let [low, high] = TICKS.to_le_bytes();
    let tick = handlers(&[0xff, 0x06, low, high, 0x50, 0xb0, 0x20, 0xe6, 0x20, 0x58, 0xcf]);
    let [low, high] = FAULTS.to_le_bytes();
    let [stack_low, stack_high] = STACK.to_le_bytes();
    let fault = handlers(&[0xff, 0x06, low, high, 0xbc, stack_low, stack_high, 0xea, top as u8, (top >> 8) as u8, 0, 0]);
    let [low, high] = TRAPS.to_le_bytes();
    let trap = handlers(&[0x55, 0x89, 0xe5, 0xff, 0x0e, low, high, 0x75, 0x05, 0x81, 0x66, 0x06, 0xff, 0xfe, 0x5d, 0xcf]);
    let mut vectors = Vec::new();
    for vector in 0..256 {
        let handler = match vector {
            1 => trap,
            8 => tick,
            0 | 5 | 6 | 7 | 12 | 13 => fault,
            _ => ignore,
        };
        vectors.extend([handler as u8, (handler >> 8) as u8, 0, 0]);
    }
    machine.load(PhysicalAddress(0), &vectors).unwrap_or_else(|error| panic!("{error}"));
    machine.load(PhysicalAddress(DATA.into()), &random.bytes(0x1000)).unwrap_or_else(|error| panic!("{error}"));
    machine.load(PhysicalAddress(START.into()), &code.bytes).unwrap_or_else(|error| panic!("{error}"));
    machine.start_at(0, START);
    machine
}
