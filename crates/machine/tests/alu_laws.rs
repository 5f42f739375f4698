//! Every arithmetic and logical operation against wide arithmetic written from the manual; nothing here is shared with the core.
//!
//! Each case runs twice, as part of a block and as a single step. What the manual leaves undefined is masked by [`UNDEFINED`] alone.
//! The cases are those of a fixed generator: edge values in all pairs, then random ones.

mod common;

use common::{Random, hex};
use turtle86::{
    Machine, RunLimit, Stop,
    arch::{DescriptorCache, Eflags, Gpr, Model, PhysicalAddress, SegmentRegister, SegmentSelector},
    devices::DebugExit,
    mmu::TableRegister,
};

const CF: u32 = 1;
const PF: u32 = 1 << 2;
const AF: u32 = 1 << 4;
const ZF: u32 = 1 << 6;
const SF: u32 = 1 << 7;
const OF: u32 = 1 << 11;
const STATUS: u32 = CF | PF | AF | ZF | SF | OF;

/// The flags that the manual leaves undefined, in its words (SDM Vol. 2, "Flags Affected" of each page).
const UNDEFINED: &[(&str, u32, &str)] = &[
    ("AND OR XOR TEST", AF, "The state of the AF flag is undefined."),
    ("shift", AF, "For a non-zero count, the AF flag is undefined."),
    ("shift by more than 1", OF, "The OF flag is affected only for 1-bit shifts; otherwise, it is undefined."),
    (
        "SHL SHR by the width or more",
        CF,
        "it is undefined for SHL and SHR instructions where the count is greater than or equal to the size",
    ),
    ("rotate by more than 1", OF, "The OF flag is defined only for the 1-bit rotates; it is undefined in all other cases"),
    ("double shift", AF, "If a shift occurs, the AF flag is undefined."),
    ("double shift by more than 1", OF, "For shifts greater than 1 bit, the OF flag is undefined."),
    ("MUL IMUL", SF | ZF | AF | PF, "The SF, ZF, AF, and PF flags are undefined."),
    ("DIV IDIV", STATUS, "The CF, OF, SF, ZF, AF, and PF flags are undefined."),
    ("BT BTS BTR BTC", OF | SF | AF | PF, "The ZF flag is unaffected. The OF, SF, AF, and PF flags are undefined."),
    ("BSF BSR", CF | OF | SF | AF | PF, "The CF, OF, SF, AF, and PF flags are undefined."),
    ("DAA DAS", OF, "The SF, ZF, and PF flags are set according to the result. The OF flag is undefined."),
    ("AAA AAS", OF | SF | ZF | PF, "The OF, SF, ZF, and PF flags are undefined."),
    ("AAM AAD", OF | AF | CF, "The OF, AF, and CF flags are undefined."),
];
fn undefined(what: &str) -> u32 {
    UNDEFINED.iter().find(|(name, ..)| *name == what).map(|(_, flags, _)| *flags).unwrap_or_else(|| panic!("no row {what}"))
}

const CODE: u32 = 0x1000;
const HANDLERS: u32 = 0x2000;
const GDT: u32 = 0x3000;
const IDT: u32 = 0x3100;
/// The operand in memory, in the middle of the bytes that are compared.
const DATA: u32 = 0x5000;
const BEFORE: u32 = 32;
const WINDOW: usize = 96;
const STACK: u32 = 0x8000;
/// The base of FS, so that a memory operand goes through a segment that is not flat.
const FS_BASE: u32 = 0x340;

/// What an instruction can see and change.
#[derive(Clone, Debug, PartialEq, Eq)]
struct State {
    regs: [u32; 8],
    flags: u32,
    memory: [u8; WINDOW],
    /// The exception that it raised.
    vector: Option<u8>,
}
impl State {
    fn random(random: &mut Random) -> State {
        let mut state =
            State { regs: std::array::from_fn(|_| random.value()), flags: random.u32() & STATUS | 2, memory: [0; WINDOW], vector: None };
        state.memory.iter_mut().for_each(|byte| *byte = random.u8());
        state.regs[4] = STACK;
        state
    }
    fn cf(&self) -> bool {
        self.flags & CF != 0
    }
    /// Replaces the flags in `mask`.
    fn put_flags(&mut self, mask: u32, flags: u32) {
        self.flags = self.flags & !mask | flags & mask;
    }
    fn get(&self, place: Place, w: u32) -> u64 {
        match place {
            Place::Reg(n) if w == 8 => u64::from(self.regs[n & 3] >> (8 * (n >> 2)) & 0xff),
            Place::Reg(n) => u64::from(self.regs[n]) & mask(w),
            Place::Mem(_) => self.load(0, w),
        }
    }
    fn set(&mut self, place: Place, w: u32, value: u64) {
        let value = value & mask(w);
        match place {
            Place::Reg(n) if w == 8 => {
                let shift = 8 * (n >> 2);
                self.regs[n & 3] = self.regs[n & 3] & !(0xff << shift) | (value as u32) << shift;
            }
            Place::Reg(n) => self.regs[n] = (u64::from(self.regs[n]) & !mask(w) | value) as u32,
            Place::Mem(_) => self.store(0, w, value),
        }
    }
    /// A load `by` bytes behind the operand in memory.
    fn load(&self, by: i64, w: u32) -> u64 {
        let at = (i64::from(BEFORE) + by) as usize;
        (0..w as usize / 8).rev().fold(0, |value, i| value << 8 | u64::from(self.memory[at + i]))
    }
    fn store(&mut self, by: i64, w: u32, value: u64) {
        let at = (i64::from(BEFORE) + by) as usize;
        (0..w as usize / 8).for_each(|i| self.memory[at + i] = (value >> (8 * i)) as u8);
    }
}

fn mask(w: u32) -> u64 {
    (1u64 << w).wrapping_sub(1)
}
fn signed(value: u64, w: u32) -> i128 {
    let value = i128::from(value & mask(w));
    if value >> (w - 1) & 1 != 0 { value - (1 << w) } else { value }
}
fn fits(value: i128, w: u32) -> bool {
    (-(1i128 << (w - 1))..1i128 << (w - 1)).contains(&value)
}
fn flag(flag: u32, on: bool) -> u32 {
    if on { flag } else { 0 }
}
/// SF, ZF and PF of a result.
fn result_flags(r: u64, w: u32) -> u32 {
    let r = r & mask(w);
    flag(SF, r >> (w - 1) != 0) | flag(ZF, r == 0) | flag(PF, (r & 0xff).count_ones().is_multiple_of(2))
}
fn add(d: u64, s: u64, carry: bool, w: u32) -> (u64, u32) {
    let (d, s, c) = (d & mask(w), s & mask(w), u64::from(carry));
    let r = (d + s + c) & mask(w);
    let of = !fits(signed(d, w) + signed(s, w) + i128::from(c), w);
    (r, result_flags(r, w) | flag(CF, d + s + c > mask(w)) | flag(AF, (d & 15) + (s & 15) + c > 15) | flag(OF, of))
}
fn sub(d: u64, s: u64, borrow: bool, w: u32) -> (u64, u32) {
    let (d, s, c) = (d & mask(w), s & mask(w), u64::from(borrow));
    let r = d.wrapping_sub(s + c) & mask(w);
    let of = !fits(signed(d, w) - signed(s, w) - i128::from(c), w);
    (r, result_flags(r, w) | flag(CF, d < s + c) | flag(AF, (d & 15) < (s & 15) + c) | flag(OF, of))
}

/// How an operand in memory is addressed: each form takes another path through the core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Absolute,
    /// [ESI+disp8]: ESI is set to fit.
    Base,
    /// FS:[disp32].
    Segment,
    /// [disp16].
    Short,
}
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Reg(usize),
    Mem(Form),
}
const MEMORY: [Place; 4] = [Place::Mem(Form::Absolute), Place::Mem(Form::Base), Place::Mem(Form::Segment), Place::Mem(Form::Short)];
/// Registers that a test may use freely, and memory.
fn places() -> impl Iterator<Item = Place> {
    [Place::Reg(2), Place::Reg(7)].into_iter().chain(MEMORY)
}

/// Prefixes, opcode, ModRM with `reg` and `place`, immediate.
fn encode(w: u32, opcode: &[u8], reg: usize, place: Place, immediate: &[u8]) -> Vec<u8> {
    let mut code = Vec::new();
    if w == 16 {
        code.push(0x66);
    }
    let reg = (reg as u8) << 3;
    let (prefix, operand): (&[u8], Vec<u8>) = match place {
        Place::Reg(n) => (&[], vec![0xc0 | reg | n as u8]),
        Place::Mem(Form::Absolute) => (&[], [&[0x05 | reg][..], &DATA.to_le_bytes()].concat()),
        Place::Mem(Form::Base) => (&[], vec![0x46 | reg, 0x10]),
        Place::Mem(Form::Segment) => (&[0x64], [&[0x05 | reg][..], &(DATA - FS_BASE).to_le_bytes()].concat()),
        Place::Mem(Form::Short) => (&[0x67], [&[0x06 | reg][..], &(DATA as u16).to_le_bytes()].concat()),
    };
    code.extend(prefix);
    code.extend(opcode);
    code.extend(operand);
    code.extend(immediate);
    code
}
fn immediate(value: u64, w: u32) -> Vec<u8> {
    value.to_le_bytes()[..w as usize / 8].to_vec()
}
/// Opcodes of byte and wider operands differ in bit 0.
fn wide(w: u32) -> u8 {
    u8::from(w != 8)
}

/// A machine that is kept across cases.
struct Bench {
    machine: Machine,
    length: u32,
    code: Vec<u8>,
}
impl Bench {
    fn new(model: Model) -> Bench {
        let mut machine = Machine::builder(model).ram(64 << 10).device(DebugExit).build().unwrap();
        machine.cpu.enter_flat_protected_mode();
        let put = |machine: &mut Machine, at: u32, bytes: &[u8]| machine.load(PhysicalAddress(at.into()), bytes).unwrap();
        put(&mut machine, GDT + 8, &0x00cf_9b00_0000_ffffu64.to_le_bytes());
        machine.cpu.set_gdtr(TableRegister { base: GDT, limit: 15 });
        for vector in 0..32 {
            // An interrupt gate to `out 0f4h, al`.
            let handler = HANDLERS + 16 * vector;
            put(&mut machine, handler, &[0xe6, 0xf4]);
            put(&mut machine, IDT + 8 * vector, &(0x8e00_0008_0000 | u64::from(handler)).to_le_bytes());
        }
        machine.cpu.set_idtr(TableRegister { base: IDT, limit: 255 });
        let flat = machine.cpu.segment(SegmentRegister::Ds);
        machine
            .cpu
            .set_segment(SegmentRegister::Fs, DescriptorCache { selector: SegmentSelector(0x18), base: FS_BASE, limit: 0x7fff, ..flat });
        Bench { machine, length: 0, code: Vec::new() }
    }
    /// The instruction, and a way out behind it.
    fn load(&mut self, code: &[u8]) {
        self.length = code.len() as u32;
        self.code = [code, &[0xe6, 0xf4]].concat();
        self.machine.load(PhysicalAddress(CODE.into()), &self.code).unwrap();
    }
    fn run(&mut self, before: &State, limit: RunLimit) -> State {
        let cpu = &mut self.machine.cpu;
        Gpr::ALL.into_iter().zip(before.regs).for_each(|(register, value)| cpu.set_gpr(register, value));
        cpu.set_eflags(Eflags(before.flags));
        cpu.set_eip(CODE);
        let at = PhysicalAddress(u64::from(DATA - BEFORE));
        self.machine.load(at, &before.memory).unwrap();
        let stop = self.machine.run(limit);
        let exit = if limit == RunLimit::none() { 2 } else { 0 };
        match stop {
            Stop::DebugExit(_) | Stop::InstructionLimit => {}
            other => panic!("{}: {other}", hex(&self.code)),
        }
        let cpu = &self.machine.cpu;
        let eip = cpu.eip() - exit;
        let vector = match eip {
            eip if eip == CODE + self.length => None,
            eip if (HANDLERS..HANDLERS + 512).contains(&eip) && eip & 15 == 0 => Some(((eip - HANDLERS) / 16) as u8),
            eip => panic!("{}: EIP {eip:08x}", hex(&self.code)),
        };
        let mut after = State { regs: Gpr::ALL.map(|register| cpu.gpr(register)), flags: cpu.eflags().0, memory: [0; WINDOW], vector };
        self.machine.read_physical(at, &mut after.memory);
        if vector.is_some() {
            // The frame of a fault: back to the instruction.
            let mut frame = [0; 4];
            self.machine.read_physical(PhysicalAddress(u64::from(after.regs[4])), &mut frame);
            assert_eq!((u32::from_le_bytes(frame), before.regs[4] - after.regs[4]), (CODE, 12), "{}", hex(&self.code));
            after.regs[4] = before.regs[4];
            after.flags = before.flags;
        }
        after
    }
    /// Runs the loaded instruction in a block and as a step; both must do what the law says, but for the undefined flags.
    #[track_caller]
    fn check(&mut self, what: &str, before: &State, want: &State, undefined: u32) {
        for (how, limit) in [("in a block", RunLimit::none()), ("as a step", RunLimit::instructions(1))] {
            let after = self.run(before, limit);
            let masked = |state: &State| State { flags: state.flags & !undefined, ..state.clone() };
            assert!(
                masked(&after) == masked(want),
                "{what} ({}) {how}\nbefore {:08x?} flags {:03x} memory {}\nafter  {:08x?} flags {:03x} memory {} {:?}\nwant   {:08x?} flags {:03x} memory {} {:?}",
                hex(&self.code[..self.length as usize]),
                before.regs,
                before.flags,
                hex(&before.memory[32..40]),
                after.regs,
                after.flags & !undefined,
                hex(&after.memory[32..40]),
                after.vector,
                want.regs,
                want.flags & !undefined,
                hex(&want.memory[32..40]),
                want.vector,
            );
        }
    }
}

fn edges(w: u32) -> Vec<u64> {
    let top = 1u64 << (w - 1);
    let mut all = vec![0, 1, 2, 9, 15, 16, 0x7f, 0x80, 0xff, top - 1, top, top + 1, mask(w) - 1, mask(w)];
    all.iter_mut().for_each(|value| *value &= mask(w));
    all.sort_unstable();
    all.dedup();
    all
}
/// All pairs of edges, then `n` random ones.
fn pairs(w: u32, n: usize, random: &mut Random) -> Vec<(u64, u64)> {
    let edges = edges(w);
    let mut all: Vec<(u64, u64)> = edges.iter().flat_map(|a| edges.iter().map(|b| (*a, *b))).collect();
    all.extend((0..n).map(|_| (u64::from(random.value()) & mask(w), u64::from(random.value()) & mask(w))));
    all
}
/// A state in which the forms of memory operands find their operand.
fn prepared(random: &mut Random, place: Place) -> State {
    let mut state = State::random(random);
    if place == Place::Mem(Form::Base) {
        state.regs[6] = DATA - 0x10;
    }
    state
}
const OLD_AND_NEW: [Model; 2] = [Model::I386Dx, Model::PentiumPro];

// ---- ADD ADC SUB SBB CMP AND OR XOR TEST

/// Result (none for those that only compare), flags.
fn binary(op: usize, d: u64, s: u64, cf: bool, w: u32) -> (Option<u64>, u32, u32) {
    let logic = |r: u64| (r, result_flags(r, w));
    let ((r, flags), unspecified) = match op {
        0 => (add(d, s, false, w), 0),
        1 => (logic(d | s), undefined("AND OR XOR TEST")),
        2 => (add(d, s, cf, w), 0),
        3 => (sub(d, s, cf, w), 0),
        4 | 8 => (logic(d & s), undefined("AND OR XOR TEST")),
        5 | 7 => (sub(d, s, false, w), 0),
        _ => (logic(d ^ s), undefined("AND OR XOR TEST")),
    };
    (if op >= 7 { None } else { Some(r) }, flags, unspecified)
}
const BINARY: [&str; 9] = ["ADD", "OR", "ADC", "SBB", "AND", "SUB", "XOR", "CMP", "TEST"];

#[test]
fn two_operand_arithmetic_and_logic_is_wide_arithmetic() {
    let mut random = Random(1);
    let mut bench = Bench::new(Model::PentiumPro);
    for (op, name) in BINARY.iter().enumerate() {
        let group = if op == 8 { 0x84 } else { (op as u8) << 3 };
        for w in [8, 16, 32] {
            for place in places() {
                // r/m, r and r, r/m.
                for reversed in [false, true] {
                    if op == 8 && reversed {
                        continue;
                    }
                    let code = encode(w, &[group | wide(w) | if reversed { 2 } else { 0 }], 1, place, &[]);
                    bench.load(&code);
                    for (d, s) in pairs(w, 60, &mut random) {
                        let mut before = prepared(&mut random, place);
                        let (to, from) = if reversed { (Place::Reg(1), place) } else { (place, Place::Reg(1)) };
                        before.set(to, w, d);
                        before.set(from, w, s);
                        let (r, flags, unspecified) = binary(op, d, s, before.cf(), w);
                        let mut want = before.clone();
                        if let Some(r) = r {
                            want.set(to, w, r);
                        }
                        want.put_flags(STATUS, flags);
                        bench.check(name, &before, &want, unspecified);
                    }
                }
                // r/m, imm, and for wide operands r/m, imm8 with its sign.
                for (d, s) in pairs(w, 0, &mut random).into_iter().step_by(3) {
                    for short in [false, true] {
                        if short && (w == 8 || op == 8 || !fits(signed(s, w), 8)) {
                            continue;
                        }
                        let (opcode, reg) = if op == 8 { (0xf6, 0) } else { (if short { 0x82 } else { 0x80 }, op) };
                        let code = encode(w, &[opcode | wide(w)], reg, place, &immediate(s, if short { 8 } else { w }));
                        bench.load(&code);
                        let mut before = prepared(&mut random, place);
                        before.set(place, w, d);
                        let (r, flags, unspecified) = binary(op, d, s, before.cf(), w);
                        let mut want = before.clone();
                        if let Some(r) = r {
                            want.set(place, w, r);
                        }
                        want.put_flags(STATUS, flags);
                        bench.check(name, &before, &want, unspecified);
                    }
                }
            }
            // The accumulator, imm.
            for (d, s) in pairs(w, 20, &mut random).into_iter().step_by(2) {
                let opcode = if op == 8 { 0xa8 } else { group | 4 } | wide(w);
                let mut code = if w == 16 { vec![0x66, opcode] } else { vec![opcode] };
                code.extend(immediate(s, w));
                bench.load(&code);
                let mut before = State::random(&mut random);
                before.set(Place::Reg(0), w, d);
                let (r, flags, unspecified) = binary(op, d, s, before.cf(), w);
                let mut want = before.clone();
                if let Some(r) = r {
                    want.set(Place::Reg(0), w, r);
                }
                want.put_flags(STATUS, flags);
                bench.check(name, &before, &want, unspecified);
            }
        }
    }
}

#[test]
fn byte_arithmetic_is_right_for_every_pair_and_carry() {
    let mut bench = Bench::new(Model::PentiumPro);
    for op in [0, 2, 3, 5] {
        bench.load(&[(op as u8) << 3, 0xd8]); // AL, BL
        let mut before = State { regs: [0x5a5a_5a5a; 8], flags: 2, memory: [0; WINDOW], vector: None };
        before.regs[4] = STACK;
        for case in 0..1u64 << 17 {
            // Operations without a carry in need one round only.
            let (d, s, cf) = (case & 0xff, case >> 8 & 0xff, case >> 16 != 0);
            if cf && matches!(op, 0 | 5) {
                break;
            }
            before.set(Place::Reg(0), 8, d);
            before.set(Place::Reg(3), 8, s);
            before.flags = 2 | u32::from(cf);
            let (r, flags, _) = binary(op, d, s, cf, 8);
            let after = bench.run(&before, RunLimit::none());
            assert_eq!((after.regs[0] & 0xff, after.flags), (r.unwrap_or(d) as u32, flags | 2), "{} {d:02x} {s:02x} {cf}", BINARY[op]);
        }
    }
}

#[test]
fn one_register_can_be_both_operands() {
    let mut random = Random(2);
    let mut bench = Bench::new(Model::I386Dx);
    for (op, name) in BINARY.iter().enumerate() {
        let group = if op == 8 { 0x84 } else { (op as u8) << 3 };
        for w in [8, 16, 32] {
            // Of byte registers also the halves of one.
            for (to, from) in [(3, 3), (3, 7), (7, 3)].into_iter().take(if w == 8 { 3 } else { 1 }) {
                bench.load(&encode(w, &[group | wide(w)], from, Place::Reg(to), &[]));
                for _ in 0..200 {
                    let before = State::random(&mut random);
                    let (d, s) = (before.get(Place::Reg(to), w), before.get(Place::Reg(from), w));
                    let (r, flags, unspecified) = binary(op, d, s, before.cf(), w);
                    let mut want = before.clone();
                    if let Some(r) = r {
                        want.set(Place::Reg(to), w, r);
                    }
                    want.put_flags(STATUS, flags);
                    bench.check(name, &before, &want, unspecified);
                }
            }
        }
    }
}

// ---- INC DEC NEG NOT

#[test]
fn one_operand_arithmetic_is_wide_arithmetic() {
    let mut random = Random(3);
    let mut bench = Bench::new(Model::PentiumPro);
    for (name, opcode, reg) in [("INC", 0xfe, 0), ("DEC", 0xfe, 1), ("NOT", 0xf6, 2), ("NEG", 0xf6, 3)] {
        for w in [8, 16, 32] {
            let short = w != 8 && opcode == 0xfe;
            for (place, short) in places().map(|place| (place, false)).chain([(Place::Reg(5), true)].into_iter().filter(|_| short)) {
                let code = match (place, short) {
                    (Place::Reg(n), true) => [if w == 16 { &[0x66][..] } else { &[] }, &[0x40 | (reg as u8) << 3 | n as u8]].concat(),
                    _ => encode(w, &[opcode | wide(w)], reg, place, &[]),
                };
                bench.load(&code);
                for (d, _) in pairs(w, 100, &mut random) {
                    let mut before = prepared(&mut random, place);
                    before.set(place, w, d);
                    let (r, flags, touched) = match name {
                        "INC" => (add(d, 1, false, w).0, add(d, 1, false, w).1, STATUS & !CF),
                        "DEC" => (sub(d, 1, false, w).0, sub(d, 1, false, w).1, STATUS & !CF),
                        "NOT" => (!d, 0, 0),
                        _ => (sub(0, d, false, w).0, sub(0, d, false, w).1, STATUS),
                    };
                    let mut want = before.clone();
                    want.set(place, w, r);
                    want.put_flags(touched, flags);
                    bench.check(name, &before, &want, 0);
                }
            }
        }
    }
}

// ---- ROL ROR RCL RCR SHL SHR SAR

/// One bit at a time, as the manual's pseudo-code does it. The operand and CF.
fn turn(kind: usize, d: u64, cf: bool, n: u32, w: u32) -> (u64, bool) {
    let (mut d, mut cf) = (d & mask(w), cf);
    for _ in 0..n {
        let (top, low, old) = (d >> (w - 1) & 1, d & 1, u64::from(cf));
        (d, cf) = match kind {
            0 => (d << 1 | top, top != 0),
            1 => (d >> 1 | low << (w - 1), low != 0),
            2 => (d << 1 | old, top != 0),
            3 => (d >> 1 | old << (w - 1), low != 0),
            4 | 6 => (d << 1, top != 0),
            5 => (d >> 1, low != 0),
            _ => (d >> 1 | top << (w - 1), low != 0),
        };
        d &= mask(w);
    }
    (d, cf)
}
const TURNS: [&str; 8] = ["ROL", "ROR", "RCL", "RCR", "SHL", "SHR", "SAL", "SAR"];
fn shifted(kind: usize, before: &State, place: Place, n: u32, w: u32) -> (State, u32) {
    let (n, d) = (n & 31, before.get(place, w));
    let mut want = before.clone();
    if n == 0 {
        return (want, 0);
    }
    let (r, cf) = turn(kind, d, before.cf(), n, w);
    want.set(place, w, r);
    let (top, second) = (r >> (w - 1) & 1 != 0, r >> (w - 2) & 1 != 0);
    // For a count of 1: the sign changed (left), the two top bits differ (right), the old sign (SHR), never (SAR).
    let of = match kind {
        0 | 2 | 4 | 6 => top != cf,
        1 | 3 => top != second,
        5 => d >> (w - 1) & 1 != 0,
        _ => false,
    };
    want.put_flags(CF | OF, flag(CF, cf) | flag(OF, of));
    if kind < 4 {
        return (want, if n > 1 { undefined("rotate by more than 1") } else { 0 });
    }
    want.put_flags(SF | ZF | PF, result_flags(r, w));
    let mut unspecified = undefined("shift");
    if n > 1 {
        unspecified |= undefined("shift by more than 1");
    }
    if n >= w && kind != 7 {
        unspecified |= undefined("SHL SHR by the width or more");
    }
    (want, unspecified)
}

#[test]
fn shifts_and_rotates_are_their_one_bit_steps() {
    let mut random = Random(4);
    for model in OLD_AND_NEW {
        let mut bench = Bench::new(model);
        for (kind, name) in TURNS.iter().enumerate() {
            for w in [8, 16, 32] {
                for place in places() {
                    let values: Vec<u64> = edges(w).into_iter().chain((0..6).map(|_| u64::from(random.u32()) & mask(w))).collect();
                    bench.load(&encode(w, &[0xd2 | wide(w)], kind, place, &[]));
                    for n in (0..=33).chain([0x40, 0x81, 0xff]) {
                        for d in &values {
                            let mut before = prepared(&mut random, place);
                            before.set(place, w, *d);
                            before.set(Place::Reg(1), 8, n);
                            let (want, unspecified) = shifted(kind, &before, place, n as u32, w);
                            bench.check(name, &before, &want, unspecified);
                        }
                    }
                    for n in [None, Some(0), Some(1), Some(2), Some(7), Some(8), Some(9), Some(15), Some(16), Some(17), Some(31), Some(33)]
                    {
                        let code = match n {
                            None => encode(w, &[0xd0 | wide(w)], kind, place, &[]),
                            Some(n) => encode(w, &[0xc0 | wide(w)], kind, place, &[n]),
                        };
                        bench.load(&code);
                        for d in &values {
                            let mut before = prepared(&mut random, place);
                            before.set(place, w, *d);
                            let (want, unspecified) = shifted(kind, &before, place, n.unwrap_or(1).into(), w);
                            bench.check(name, &before, &want, unspecified);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn the_count_can_be_part_of_the_operand() {
    let mut random = Random(5);
    let mut bench = Bench::new(Model::PentiumPro);
    for (kind, name) in TURNS.iter().enumerate() {
        for w in [8, 16, 32] {
            bench.load(&encode(w, &[0xd2 | wide(w)], kind, Place::Reg(1), &[]));
            for _ in 0..100 {
                let before = State::random(&mut random);
                let (want, unspecified) = shifted(kind, &before, Place::Reg(1), before.regs[1] & 0xff, w);
                bench.check(name, &before, &want, unspecified);
            }
        }
    }
}

#[test]
fn double_shifts_take_their_bits_from_the_second_operand() {
    let mut random = Random(6);
    for model in OLD_AND_NEW {
        let mut bench = Bench::new(model);
        for (name, left, opcode) in [("SHLD", true, 0xa4), ("SHRD", false, 0xac)] {
            for w in [16, 32] {
                for place in places() {
                    for by_cl in [false, true] {
                        // A count above the width leaves everything undefined.
                        for n in (0..=w.min(31)).chain([32, 33, 0x60]) {
                            let code = if by_cl {
                                encode(w, &[0x0f, opcode + 1], 5, place, &[])
                            } else {
                                encode(w, &[0x0f, opcode], 5, place, &[n as u8])
                            };
                            bench.load(&code);
                            for (d, s) in pairs(w, 4, &mut random).into_iter().step_by(11) {
                                let mut before = prepared(&mut random, place);
                                before.set(place, w, d);
                                before.set(Place::Reg(5), w, s);
                                before.set(Place::Reg(1), 8, n.into());
                                let mut want = before.clone();
                                let (mut r, mut source, mut cf) = (d, s, before.cf());
                                let n = n & 31;
                                for _ in 0..n {
                                    if left {
                                        cf = r >> (w - 1) & 1 != 0;
                                        r = (r << 1 | source >> (w - 1) & 1) & mask(w);
                                        source <<= 1;
                                    } else {
                                        cf = r & 1 != 0;
                                        r = r >> 1 | (source & 1) << (w - 1);
                                        source >>= 1;
                                    }
                                }
                                let mut unspecified = 0;
                                if n != 0 {
                                    want.set(place, w, r);
                                    // For a count of 1: a change of sign.
                                    let of = (r ^ d) >> (w - 1) & 1 != 0;
                                    want.put_flags(CF | OF | SF | ZF | PF, flag(CF, cf) | flag(OF, of) | result_flags(r, w));
                                    unspecified = undefined("double shift");
                                }
                                if n > 1 {
                                    unspecified |= undefined("double shift by more than 1");
                                }
                                bench.check(name, &before, &want, unspecified);
                            }
                        }
                    }
                }
            }
        }
    }
}

// ---- MUL IMUL DIV IDIV

/// The accumulator's upper half: AH, DX, EDX.
fn upper(w: u32) -> Place {
    if w == 8 { Place::Reg(4) } else { Place::Reg(2) }
}
const FACTORS: [Place; 5] = [Place::Reg(3), MEMORY[0], MEMORY[1], MEMORY[2], MEMORY[3]];

#[test]
fn products_are_those_of_wide_arithmetic() {
    let mut random = Random(7);
    for model in OLD_AND_NEW {
        let mut bench = Bench::new(model);
        for is_signed in [false, true] {
            for w in [8, 16, 32] {
                for place in FACTORS {
                    bench.load(&encode(w, &[0xf6 | wide(w)], if is_signed { 5 } else { 4 }, place, &[]));
                    for (d, s) in pairs(w, 150, &mut random) {
                        let mut before = prepared(&mut random, place);
                        before.set(Place::Reg(0), w, d);
                        before.set(place, w, s);
                        let product = if is_signed { signed(d, w) * signed(s, w) } else { i128::from(d) * i128::from(s) };
                        let mut want = before.clone();
                        want.set(Place::Reg(0), w, product as u64);
                        want.set(upper(w), w, (product >> w) as u64);
                        let cut = if is_signed { !fits(product, w) } else { product >> w != 0 };
                        want.put_flags(CF | OF, flag(CF | OF, cut));
                        bench.check(if is_signed { "IMUL" } else { "MUL" }, &before, &want, undefined("MUL IMUL"));
                    }
                }
            }
        }
        for w in [16, 32] {
            for place in FACTORS {
                // IMUL r, r/m.
                bench.load(&encode(w, &[0x0f, 0xaf], 7, place, &[]));
                for (d, s) in pairs(w, 100, &mut random) {
                    let mut before = prepared(&mut random, place);
                    before.set(Place::Reg(7), w, d);
                    before.set(place, w, s);
                    check_truncated(&mut bench, &before, signed(d, w) * signed(s, w), w);
                }
                // IMUL r, r/m, imm.
                for (d, s) in pairs(w, 60, &mut random).into_iter().step_by(5) {
                    for short in [false, true] {
                        let bits = if short { 8 } else { w };
                        let code = encode(w, &[if short { 0x6b } else { 0x69 }], 7, place, &immediate(s, bits));
                        bench.load(&code);
                        let mut before = prepared(&mut random, place);
                        before.set(place, w, d);
                        check_truncated(&mut bench, &before, signed(d, w) * signed(s & mask(bits), bits), w);
                    }
                }
            }
        }
    }
}
/// IMUL with a destination as wide as its operands: EDI or DI.
#[track_caller]
fn check_truncated(bench: &mut Bench, before: &State, product: i128, w: u32) {
    let mut want = before.clone();
    want.set(Place::Reg(7), w, product as u64);
    want.put_flags(CF | OF, flag(CF | OF, !fits(product, w)));
    bench.check("IMUL", before, &want, undefined("MUL IMUL"));
}

#[test]
fn quotients_are_those_of_wide_arithmetic_or_raise_a_divide_error() {
    let mut random = Random(8);
    for model in OLD_AND_NEW {
        let mut bench = Bench::new(model);
        for is_signed in [false, true] {
            for w in [8, 16, 32] {
                // The 80386's own IDIV r/m8 completes some quotients that the manual calls errors, and the model follows silicon.
                if model == Model::I386Dx && is_signed && w == 8 {
                    continue;
                }
                for place in FACTORS {
                    bench.load(&encode(w, &[0xf6 | wide(w)], if is_signed { 7 } else { 6 }, place, &[]));
                    let mut cases = Vec::new();
                    for (low, divisor) in pairs(w, 100, &mut random) {
                        for high in [0, mask(w), 1, mask(w) >> 1, u64::from(random.u32()) & mask(w)] {
                            cases.push((high, low, divisor));
                        }
                        // Quotients just inside and just outside what fits.
                        for around in -2i128..=2 {
                            let quotient = if is_signed {
                                [-(1i128 << (w - 1)), (1 << (w - 1)) - 1][random.below(2) as usize]
                            } else {
                                mask(w).into()
                            };
                            let d = if is_signed { signed(divisor, w) } else { divisor.into() };
                            let dividend = quotient * d + around;
                            cases.push(((dividend >> w) as u64 & mask(w), dividend as u64 & mask(w), divisor));
                        }
                    }
                    for (high, low, divisor) in cases {
                        let mut before = prepared(&mut random, place);
                        before.set(Place::Reg(0), w, low);
                        before.set(upper(w), w, high);
                        before.set(place, w, divisor);
                        let both = i128::from(high) << w | i128::from(low);
                        let (n, d) = if is_signed {
                            (if high >> (w - 1) != 0 { both - (1i128 << (2 * w)) } else { both }, signed(divisor, w))
                        } else {
                            (both, divisor.into())
                        };
                        let mut want = before.clone();
                        let possible = d != 0 && if is_signed { fits(n / d, w) } else { n / d <= mask(w).into() };
                        if possible {
                            want.set(Place::Reg(0), w, (n / d) as u64);
                            want.set(upper(w), w, (n % d) as u64);
                        } else {
                            want.vector = Some(0);
                        }
                        let unspecified = if possible { undefined("DIV IDIV") } else { 0 };
                        bench.check(if is_signed { "IDIV" } else { "DIV" }, &before, &want, unspecified);
                    }
                }
            }
        }
    }
}

// ---- BT BTS BTR BTC BSF BSR

#[test]
fn bit_tests_copy_the_bit_and_change_only_it() {
    let mut random = Random(9);
    for model in OLD_AND_NEW {
        let mut bench = Bench::new(model);
        for (kind, name) in ["BT", "BTS", "BTR", "BTC"].iter().enumerate() {
            for w in [16, 32] {
                for place in places() {
                    let law = |before: &State, index: i64| {
                        // In memory the index reaches beyond the operand; in a register it is taken modulo its width.
                        let (by, bit) = match place {
                            Place::Reg(_) => (0, index.rem_euclid(w.into())),
                            Place::Mem(_) => (index.div_euclid(w.into()) * i64::from(w / 8), index.rem_euclid(w.into())),
                        };
                        let old = if let Place::Mem(_) = place { before.load(by, w) } else { before.get(place, w) };
                        let new = [old, old | 1 << bit, old & !(1 << bit), old ^ 1 << bit][kind];
                        let mut want = before.clone();
                        if let Place::Mem(_) = place {
                            want.store(by, w, new)
                        } else {
                            want.set(place, w, new)
                        }
                        want.put_flags(CF, flag(CF, old >> bit & 1 != 0));
                        want
                    };
                    bench.load(&encode(w, &[0x0f, 0xa3 | (kind as u8) << 3], 3, place, &[]));
                    for n in 0..300 {
                        let mut before = prepared(&mut random, place);
                        let index = n - 200;
                        before.set(Place::Reg(3), w, index as u64);
                        let want = law(&before, index);
                        bench.check(name, &before, &want, undefined("BT BTS BTR BTC"));
                    }
                    for index in (0..40).chain([0x7f, 0x80, 0xff]) {
                        bench.load(&encode(w, &[0x0f, 0xba], 4 + kind, place, &[index as u8]));
                        let before = prepared(&mut random, place);
                        let want = law(&before, index % i64::from(w));
                        bench.check(name, &before, &want, undefined("BT BTS BTR BTC"));
                    }
                }
            }
        }
    }
}

#[test]
fn bit_scans_find_the_lowest_and_the_highest_bit() {
    let mut random = Random(10);
    for model in OLD_AND_NEW {
        let mut bench = Bench::new(model);
        for (name, opcode) in [("BSF", 0xbc), ("BSR", 0xbd)] {
            for w in [16, 32] {
                for place in FACTORS {
                    bench.load(&encode(w, &[0x0f, opcode], 5, place, &[]));
                    for n in 0..300 {
                        let mut before = prepared(&mut random, place);
                        let s = match n {
                            0 => 0,
                            1..=32 => 1 << (n - 1),
                            _ => u64::from(random.u32() >> random.below(32) << random.below(32)),
                        } & mask(w);
                        before.set(place, w, s);
                        let mut want = before.clone();
                        want.put_flags(ZF, flag(ZF, s == 0));
                        // For a zero source the manual leaves the destination undefined, and every Intel processor leaves it alone.
                        let found = (0..w).filter(|bit| s >> bit & 1 != 0);
                        if let Some(bit) = if name == "BSF" { found.min() } else { found.max() } {
                            want.set(Place::Reg(5), w, bit.into());
                        }
                        bench.check(name, &before, &want, undefined("BSF BSR"));
                    }
                }
            }
        }
    }
}

// ---- XADD CMPXCHG CMPXCHG8B BSWAP XCHG

#[test]
fn exchanging_instructions_exchange() {
    let mut random = Random(11);
    let mut bench = Bench::new(Model::PentiumPro);
    for w in [8, 16, 32] {
        for place in places() {
            bench.load(&encode(w, &[0x0f, 0xc0 | wide(w)], 1, place, &[]));
            for (d, s) in pairs(w, 50, &mut random) {
                let mut before = prepared(&mut random, place);
                before.set(place, w, d);
                before.set(Place::Reg(1), w, s);
                let (r, flags) = add(d, s, false, w);
                let mut want = before.clone();
                want.set(Place::Reg(1), w, d);
                want.set(place, w, r);
                want.put_flags(STATUS, flags);
                bench.check("XADD", &before, &want, 0);
            }
            bench.load(&encode(w, &[0x0f, 0xb0 | wide(w)], 1, place, &[]));
            for (d, a) in pairs(w, 50, &mut random).into_iter().flat_map(|(d, a)| [(d, a), (d, d)]) {
                let mut before = prepared(&mut random, place);
                before.set(place, w, d);
                before.set(Place::Reg(0), w, a);
                let mut want = before.clone();
                want.put_flags(STATUS, sub(a, d, false, w).1);
                if a == d {
                    want.set(place, w, before.get(Place::Reg(1), w));
                } else {
                    want.set(Place::Reg(0), w, d);
                }
                bench.check("CMPXCHG", &before, &want, 0);
            }
            bench.load(&encode(w, &[0x86 | wide(w)], 1, place, &[]));
            for _ in 0..50 {
                let before = prepared(&mut random, place);
                let mut want = before.clone();
                want.set(place, w, before.get(Place::Reg(1), w));
                want.set(Place::Reg(1), w, before.get(place, w));
                bench.check("XCHG", &before, &want, 0);
            }
        }
        // One register as both operands: XADD leaves the sum.
        bench.load(&encode(w, &[0x0f, 0xc0 | wide(w)], 3, Place::Reg(3), &[]));
        for _ in 0..50 {
            let before = State::random(&mut random);
            let d = before.get(Place::Reg(3), w);
            let (r, flags) = add(d, d, false, w);
            let mut want = before.clone();
            want.set(Place::Reg(3), w, r);
            want.put_flags(STATUS, flags);
            bench.check("XADD", &before, &want, 0);
        }
    }
    for place in MEMORY {
        bench.load(&encode(32, &[0x0f, 0xc7], 1, place, &[]));
        for n in 0..200 {
            let mut before = prepared(&mut random, place);
            if n % 2 == 0 {
                before.store(0, 32, before.regs[0].into());
            }
            if n % 4 == 0 {
                before.store(4, 32, before.regs[2].into());
            }
            let old = (before.load(0, 32), before.load(4, 32));
            let equal = old == (before.regs[0].into(), before.regs[2].into());
            let mut want = before.clone();
            want.put_flags(ZF, flag(ZF, equal));
            if equal {
                want.store(0, 32, before.regs[3].into());
                want.store(4, 32, before.regs[1].into());
            } else {
                (want.regs[0], want.regs[2]) = (old.0 as u32, old.1 as u32);
            }
            bench.check("CMPXCHG8B", &before, &want, 0);
        }
    }
    for register in [0, 1, 2, 3, 5, 6, 7] {
        bench.load(&[0x0f, 0xc8 | register as u8]);
        for _ in 0..30 {
            let before = State::random(&mut random);
            let mut want = before.clone();
            let bytes = before.regs[register].to_le_bytes();
            want.regs[register] = u32::from_be_bytes(bytes);
            bench.check("BSWAP", &before, &want, 0);
        }
    }
}

// ---- MOV MOVZX MOVSX CBW CWDE CWD CDQ

#[test]
fn extensions_keep_the_value_and_the_flags() {
    let mut random = Random(12);
    for model in OLD_AND_NEW {
        let mut bench = Bench::new(model);
        for (name, opcode, is_signed) in [("MOVZX", 0xb6, false), ("MOVSX", 0xbe, true)] {
            for (from, to) in [(8, 16), (8, 32), (16, 32)] {
                for place in places() {
                    bench.load(&encode(to, &[0x0f, opcode | wide(from)], 1, place, &[]));
                    for (s, _) in pairs(from, 20, &mut random) {
                        let mut before = prepared(&mut random, place);
                        before.set(place, from, s);
                        let mut want = before.clone();
                        want.set(Place::Reg(1), to, if is_signed { signed(s, from) as u64 } else { s });
                        bench.check(name, &before, &want, 0);
                    }
                }
            }
        }
        for _ in 0..400 {
            let before = State::random(&mut random);
            let a = u64::from(before.regs[0]);
            let sign = |w: u32| if a >> (w - 1) & 1 != 0 { !0 } else { 0 };
            for (name, code, place, w, value) in [
                ("CBW", &[0x66, 0x98][..], Place::Reg(0), 16, signed(a & 0xff, 8) as u64),
                ("CWDE", &[0x98], Place::Reg(0), 32, signed(a & 0xffff, 16) as u64),
                ("CWD", &[0x66, 0x99], Place::Reg(2), 16, sign(16)),
                ("CDQ", &[0x99], Place::Reg(2), 32, sign(32)),
            ] {
                bench.load(code);
                let mut want = before.clone();
                want.set(place, w, value);
                bench.check(name, &before, &want, 0);
            }
        }
    }
}

// ---- DAA DAS AAA AAS AAM AAD

#[test]
fn decimal_adjustments_follow_the_manual_for_every_input() {
    let mut random = Random(13);
    let adjusts = |al: u64, state: &State| al & 15 > 9 || state.flags & AF != 0;
    for model in OLD_AND_NEW {
        let mut bench = Bench::new(model);
        for case in 0..1024u64 {
            let mut before = State::random(&mut random);
            let al = case & 0xff;
            before.set(Place::Reg(0), 8, al);
            before.put_flags(CF | AF, flag(CF, case >> 8 & 1 != 0) | flag(AF, case >> 9 != 0));
            let (low, high) = (adjusts(al, &before), al > 0x99 || before.cf());
            let ah = before.get(Place::Reg(4), 8);

            for (name, opcode, minus) in [("DAA", 0x27, false), ("DAS", 0x2f, true)] {
                let change = if low { 6 } else { 0 } + if high { 0x60 } else { 0 };
                let r = if minus { al.wrapping_sub(change) } else { al + change } & 0xff;
                // DAS: the low adjustment's borrow counts too.
                let cf = high || minus && low && al < 6;
                let mut want = before.clone();
                want.set(Place::Reg(0), 8, r);
                want.put_flags(STATUS, result_flags(r, 8) | flag(CF, cf) | flag(AF, low));
                bench.load(&[opcode]);
                bench.check(name, &before, &want, undefined("DAA DAS"));
            }
            for (name, opcode, minus) in [("AAA", 0x37, false), ("AAS", 0x3f, true)] {
                let ax = ah << 8 | al;
                let ax = match (low, minus) {
                    (false, _) => ax,
                    (true, false) => ax + 0x106,
                    (true, true) => ax.wrapping_sub(6).wrapping_sub(0x100),
                };
                let mut want = before.clone();
                want.set(Place::Reg(0), 16, ax & 0xff0f);
                want.put_flags(CF | AF, flag(CF | AF, low));
                bench.load(&[opcode]);
                bench.check(name, &before, &want, undefined("AAA AAS"));
            }
            let base = random.pick(&[10, 10, 16, 1, 2, 255, 0, 7]);
            let mut want = before.clone();
            match al.checked_div(base) {
                Some(quotient) => {
                    want.set(Place::Reg(4), 8, quotient);
                    want.set(Place::Reg(0), 8, al % base);
                    want.put_flags(SF | ZF | PF, result_flags(al % base, 8));
                }
                None => want.vector = Some(0),
            }
            bench.load(&[0xd4, base as u8]);
            bench.check("AAM", &before, &want, if base == 0 { 0 } else { undefined("AAM AAD") });
            let r = (al + ah * base) & 0xff;
            let mut want = before.clone();
            want.set(Place::Reg(0), 16, r);
            want.put_flags(SF | ZF | PF, result_flags(r, 8));
            bench.load(&[0xd5, base as u8]);
            bench.check("AAD", &before, &want, undefined("AAM AAD"));
        }
    }
}

// ---- conditions

/// SDM Vol. 1, "EFLAGS Condition Codes".
fn holds(condition: u8, flags: u32) -> bool {
    let is = |f: u32| flags & f != 0;
    match condition {
        0 => is(OF),
        1 => !is(OF),
        2 => is(CF),
        3 => !is(CF),
        4 => is(ZF),
        5 => !is(ZF),
        6 => is(CF) || is(ZF),
        7 => !(is(CF) || is(ZF)),
        8 => is(SF),
        9 => !is(SF),
        10 => is(PF),
        11 => !is(PF),
        12 => is(SF) != is(OF),
        13 => is(SF) == is(OF),
        14 => is(SF) != is(OF) || is(ZF),
        _ => is(SF) == is(OF) && !is(ZF),
    }
}

#[test]
fn conditions_are_right_for_all_flags_in_setcc_cmovcc_and_jcc() {
    let mut random = Random(14);
    let mut bench = Bench::new(Model::PentiumPro);
    let all_flags: Vec<u32> =
        (0..64u32).map(|n| [CF, PF, AF, ZF, SF, OF].iter().enumerate().fold(2, |all, (i, f)| all | flag(*f, n >> i & 1 != 0))).collect();
    for condition in 0..16u8 {
        for place in places() {
            bench.load(&encode(8, &[0x0f, 0x90 | condition], 0, place, &[]));
            for flags in &all_flags {
                let before = State { flags: *flags, ..prepared(&mut random, place) };
                let mut want = before.clone();
                want.set(place, 8, u64::from(holds(condition, *flags)));
                bench.check("SETcc", &before, &want, 0);
            }
        }
        for w in [16, 32] {
            for place in FACTORS {
                bench.load(&encode(w, &[0x0f, 0x40 | condition], 2, place, &[]));
                for flags in &all_flags {
                    let before = State { flags: *flags, ..prepared(&mut random, place) };
                    let mut want = before.clone();
                    if holds(condition, *flags) {
                        want.set(Place::Reg(2), w, before.get(place, w));
                    }
                    bench.check("CMOVcc", &before, &want, 0);
                }
            }
        }
        for (opcode, displacement) in [(&[0x70][..], &[2][..]), (&[0x0f, 0x80], &[2, 0, 0, 0])] {
            // Jcc over `mov cl, 1`.
            let opcode = [&opcode[..opcode.len() - 1], &[opcode[opcode.len() - 1] | condition], displacement].concat();
            let code = [&opcode[..], &[0xb1, 0x01]].concat();
            bench.load(&code);
            for flags in &all_flags {
                let before = State { flags: *flags, ..State::random(&mut random) };
                let mut want = before.clone();
                if !holds(condition, *flags) {
                    want.set(Place::Reg(1), 8, 1);
                }
                assert_eq!(bench.run(&before, RunLimit::none()), want, "Jcc {condition:x} {flags:x}");
            }
        }
    }
}

#[test]
fn a_comparison_and_its_jump_agree_with_wide_arithmetic() {
    let mut random = Random(15);
    let mut bench = Bench::new(Model::PentiumPro);
    for w in [8, 16, 32] {
        for place in [Place::Reg(2), MEMORY[0], MEMORY[1], MEMORY[2]] {
            for condition in 0..16u8 {
                // CMP and TEST with a register, CMP with an immediate, arithmetic that sets its operand: then Jcc over `mov bl, 1`.
                for op in [7, 8, 0, 5, 4, 9, 10] {
                    let first = match op {
                        8 => encode(w, &[0x84 | wide(w)], 1, place, &[]),
                        9 => encode(w, &[0xfe | wide(w)], 1, place, &[]),
                        10 => encode(w, &[0x80 | wide(w)], 7, place, &immediate(0x7f7f_7f7f, w)),
                        op => encode(w, &[(op as u8) << 3 | wide(w)], 1, place, &[]),
                    };
                    bench.load(&[&first[..], &[0x70 | condition, 2, 0xb3, 0x01]].concat());
                    for (d, s) in pairs(w, 10, &mut random).into_iter().step_by(3) {
                        let mut before = prepared(&mut random, place);
                        before.set(Place::Reg(1), w, s);
                        before.set(place, w, d);
                        let mut want = before.clone();
                        let (r, flags, unspecified) = match op {
                            9 => {
                                let (r, flags) = sub(d, 1, false, w);
                                (Some(r), flags & !CF | before.flags & CF, 0)
                            }
                            10 => (None, sub(d, 0x7f7f_7f7f, false, w).1, 0),
                            op => binary(op, d, s, before.cf(), w),
                        };
                        if let Some(r) = r {
                            want.set(place, w, r);
                        }
                        want.put_flags(STATUS, flags);
                        if !holds(condition, flags) {
                            want.set(Place::Reg(3), 8, 1);
                        }
                        let after = bench.run(&before, RunLimit::none());
                        let masked = |state: State| State { flags: state.flags & !unspecified, ..state };
                        assert_eq!(masked(after), masked(want), "{} before {before:x?}", hex(&bench.code));
                    }
                }
            }
        }
    }
}

// ---- LEA

#[test]
fn lea_adds_up_every_32_bit_addressing_form() {
    let mut random = Random(16);
    let mut bench = Bench::new(Model::PentiumPro);
    for w in [16, 32] {
        for modrm in 0..0xc0u32 {
            let (mode, rm) = (modrm >> 6, modrm & 7);
            for sib in if rm == 4 { 0..256u32 } else { 0..1 } {
                // The reg field is spread over the SIB bytes.
                let reg = (modrm >> 3 & 7) as usize;
                if reg == 4 || rm == 4 && sib & 7 != modrm >> 3 & 7 && w == 16 {
                    continue;
                }
                let before = State { regs: std::array::from_fn(|_| random.u32()), ..State::random(&mut random) };
                let displacement = random.u32();
                let mut code = if w == 16 { vec![0x66, 0x8d, modrm as u8] } else { vec![0x8d, modrm as u8] };
                let mut sum = 0u32;
                let base = if rm == 4 {
                    code.push(sib as u8);
                    if sib >> 3 & 7 != 4 {
                        sum = sum.wrapping_add(before.regs[(sib >> 3 & 7) as usize] << (sib >> 6));
                    }
                    sib & 7
                } else {
                    rm
                };
                let size = match (mode, base) {
                    (0, 5) | (2, _) => 4,
                    (1, _) => 1,
                    _ => 0,
                };
                if !(mode == 0 && base == 5) {
                    sum = sum.wrapping_add(before.regs[base as usize]);
                }
                code.extend(&displacement.to_le_bytes()[..size]);
                sum = sum.wrapping_add(match size {
                    0 => 0,
                    1 => displacement as i8 as u32,
                    _ => displacement,
                });
                bench.load(&code);
                let mut want = before.clone();
                want.set(Place::Reg(reg), w, sum.into());
                bench.check("LEA", &before, &want, 0);
            }
        }
    }
}

#[test]
fn lea_adds_up_every_16_bit_addressing_form() {
    let mut random = Random(17);
    let mut bench = Bench::new(Model::I386Dx);
    // BX+SI, BX+DI, BP+SI, BP+DI, SI, DI, BP, BX.
    let forms: [&[usize]; 8] = [&[3, 6], &[3, 7], &[5, 6], &[5, 7], &[6], &[7], &[5], &[3]];
    for w in [16, 32] {
        for modrm in (0..0xc0u32).filter(|modrm| modrm >> 3 & 7 != 4) {
            for _ in 0..8 {
                let (mode, rm) = (modrm >> 6, modrm as usize & 7);
                let before = State { regs: std::array::from_fn(|_| random.u32()), ..State::random(&mut random) };
                let displacement = random.u32();
                let absolute = mode == 0 && rm == 6;
                let size = if absolute { 2 } else { mode as usize };
                let mut code = if w == 16 { vec![0x66] } else { vec![] };
                code.extend([0x67, 0x8d, modrm as u8]);
                code.extend(&displacement.to_le_bytes()[..size]);
                let registers = if absolute { 0 } else { forms[rm].iter().fold(0u32, |sum, n| sum.wrapping_add(before.regs[*n])) };
                let displacement = match size {
                    0 => 0,
                    1 => displacement as i8 as u32,
                    _ => displacement,
                };
                bench.load(&code);
                let mut want = before.clone();
                want.set(Place::Reg((modrm >> 3 & 7) as usize), w, u64::from(registers.wrapping_add(displacement) & 0xffff));
                bench.check("LEA", &before, &want, 0);
            }
        }
    }
}

// ---- PUSH POP

/// A state whose stack lies in the bytes that are compared.
fn on_stack(random: &mut Random) -> State {
    let mut state = State::random(random);
    state.regs[4] = DATA;
    state
}
fn with_prefix(w: u32, code: &[u8]) -> Vec<u8> {
    [if w == 16 { &[0x66][..] } else { &[] }, code].concat()
}

#[test]
fn pushes_and_pops_move_the_value_and_the_pointer() {
    let mut random = Random(18);
    let mut bench = Bench::new(Model::PentiumPro);
    for w in [16, 32] {
        let size = w / 8;
        for _ in 0..20 {
            for register in 0..8 {
                // PUSH ESP stores the pointer as it was; POP ESP leaves what was popped.
                let before = on_stack(&mut random);
                let mut want = before.clone();
                want.store(-i64::from(size), w, before.get(Place::Reg(register), w));
                want.regs[4] -= size;
                for code in [vec![0x50 | register as u8], vec![0xff, 0xf0 | register as u8]] {
                    bench.load(&with_prefix(w, &code));
                    bench.check("PUSH", &before, &want, 0);
                }
                let mut want = before.clone();
                want.regs[4] += size;
                want.set(Place::Reg(register), w, before.load(0, w));
                for code in [vec![0x58 | register as u8], vec![0x8f, 0xc0 | register as u8]] {
                    bench.load(&with_prefix(w, &code));
                    bench.check("POP", &before, &want, 0);
                }
            }
            for short in [false, true] {
                let value = random.u32();
                let before = on_stack(&mut random);
                let mut want = before.clone();
                want.store(-i64::from(size), w, if short { value as i8 as u64 } else { value.into() });
                want.regs[4] -= size;
                let bytes = immediate(value.into(), if short { 8 } else { w });
                bench.load(&with_prefix(w, &[&[if short { 0x6a } else { 0x68 }][..], &bytes].concat()));
                bench.check("PUSH", &before, &want, 0);
            }
            // PUSH and POP with [ESP+disp8]: PUSH takes the address before it moves ESP, POP behind.
            let before = on_stack(&mut random);
            let mut want = before.clone();
            want.store(-i64::from(size), w, before.load(12, w));
            want.regs[4] -= size;
            bench.load(&with_prefix(w, &[0xff, 0x74, 0x24, 12]));
            bench.check("PUSH", &before, &want, 0);
            let mut want = before.clone();
            want.store(12 + i64::from(size), w, before.load(0, w));
            want.regs[4] += size;
            bench.load(&with_prefix(w, &[0x8f, 0x44, 0x24, 12]));
            bench.check("POP", &before, &want, 0);
        }
    }
}

#[test]
fn pusha_and_popa_keep_the_order_and_skip_the_stack_pointer() {
    let mut random = Random(19);
    let mut bench = Bench::new(Model::I386Dx);
    for w in [16, 32] {
        for _ in 0..50 {
            let before = on_stack(&mut random);
            let size = i64::from(w / 8);
            let mut want = before.clone();
            for register in 0..8 {
                want.store(-size * (register as i64 + 1), w, before.get(Place::Reg(register), w));
            }
            want.regs[4] -= 8 * w / 8;
            bench.load(&with_prefix(w, &[0x60]));
            bench.check("PUSHA", &before, &want, 0);
            let mut want = before.clone();
            for register in (0..8).filter(|register| *register != 4) {
                want.set(Place::Reg(register), w, before.load(size * (7 - register as i64), w));
            }
            want.regs[4] += 8 * w / 8;
            bench.load(&with_prefix(w, &[0x61]));
            bench.check("POPA", &before, &want, 0);
        }
    }
}

#[test]
fn carry_and_flag_transfers_do_only_that() {
    let mut random = Random(20);
    let mut bench = Bench::new(Model::PentiumPro);
    for _ in 0..100 {
        let before = State::random(&mut random);
        let ah = before.get(Place::Reg(4), 8) as u32;
        let kept = SF | ZF | AF | PF | CF;
        for (name, opcode, flags) in [
            ("CLC", 0xf8, before.flags & !CF),
            ("STC", 0xf9, before.flags | CF),
            ("CMC", 0xf5, before.flags ^ CF),
            ("SAHF", 0x9e, before.flags & !kept | ah & kept),
        ] {
            bench.load(&[opcode]);
            bench.check(name, &before, &State { flags, ..before.clone() }, 0);
        }
        let mut want = before.clone();
        want.set(Place::Reg(4), 8, u64::from(before.flags & 0xff));
        bench.load(&[0x9f]);
        bench.check("LAHF", &before, &want, 0);
        let mut want = before.clone();
        want.set(Place::Reg(0), 8, if before.cf() { 0xff } else { 0 });
        bench.load(&[0xd6]);
        bench.check("SALC", &before, &want, 0);
    }
}
