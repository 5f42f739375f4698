//! Every arithmetic and logical operation against wide arithmetic written from the manual; nothing here is shared with the core.
//!
//! Each case runs twice, as part of a block and as a single step. What the manual leaves undefined is masked by [`UNDEFINED`] alone.
//! The cases are those of a fixed generator: edge values in all pairs, then random ones.

mod address_and_stack;
mod arithmetic;
mod bit;
#[path = "../common/mod.rs"]
mod common;
mod condition;
mod decimal;
mod exchange;
mod multiply;
mod shift;

use common::{Random, hex};
use turtle86::{
    Machine, RunLimit, Stop,
    arch::{DescriptorCache, Eflags, Gpr, Model, PhysicalAddress, SegmentRegister, SegmentSelector},
    devices::DebugExit,
    mmu::TableRegister,
    testing::{Registers, SingleStep},
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
