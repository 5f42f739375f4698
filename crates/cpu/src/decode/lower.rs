//! Decoded instruction to op: picks the handler, once.
//!
//! A row a mnemonic; the macros below run through widths and operand forms, so that a row names only the semantics.

use super::{
    Op,
    rules::{Refusal, refusal},
};
use crate::{
    core::NO_REGISTER,
    dispatch::{Handler, branch, complex, fused, jump, repeat, sequential, transfer},
    execute::{
        I386, P6, arithmetic::*, bit::*, condition::*, decimal::*, divide::*, flag_control::*, identify::*, interrupt::*, jump::*,
        loadall::*, logic::*, multiply::*, port_io::*, protection::*, segment::*, shift::*, stack::*, string::*, system::*, transfer::*,
    },
    operand::{Cl, I, M16, MB, MG, MX, R, Rm},
};
use iced_x86::{Code, ConditionCode, Instruction, Mnemonic as M, OpKind, Register};
use turtle86_arch::{Profile, SegmentRegister, UndefinedFlags};
use turtle86_mmu::Mode;

/// What lowering depends on beside the instruction.
#[derive(Clone, Copy)]
pub struct Context {
    pub profile: &'static Profile,
    pub mode: Mode,

    /// The code segment's limit.
    pub limit: u32,
}

/// How an op ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The next op follows.
    Sequential,
    /// Taken to this EIP, or not.
    Branch(u32),
    /// The handler sets EIP.
    Jump,
}

/// An op with what the passes over its block want to know.
pub struct Lowered {
    pub op: Op,
    pub kind: Kind,
    /// With the conditional jump behind it.
    pub fuse: Option<fn(usize) -> Handler>,
    pub flags: FlagUse,
}
/// What an op has to do with the status flags, for the pass that drops dead ones.
#[derive(Clone, Copy)]
pub enum FlagUse {
    /// May read them, or fault, or leave the block: they must be right before it.
    Reads,
    /// Neither reads nor writes them, and cannot fault.
    Ignores,
    /// Writes all of them, reads none and cannot fault; the handler without them, if there is one.
    Writes(Option<Handler>),
    /// Writes some of them, reads none and cannot fault; the handler without them.
    WritesSome(Handler),
}

/// Operand widths.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Size {
    Byte,
    Word,
    Dword,
}
/// Forms of an r/m operand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Register,
    Base,
    Indexed,
    General,
    Short,
}
#[derive(Clone, Copy, PartialEq, Eq)]
enum StackKind {
    Flat,
    Wide,
    Narrow,
}

/// `$e` with `$W` as each width.
macro_rules! by_size {
    ($size:expr, $W:ident => $e:expr) => {
        match $size {
            Size::Byte => { type $W = u8; $e }
            Size::Word => { type $W = u16; $e }
            Size::Dword => { type $W = u32; $e }
        }
    };
}
/// The same for instructions without a byte form.
macro_rules! by_word {
    ($size:expr, $W:ident => $e:expr) => {
        if $size == Size::Dword { type $W = u32; $e } else { type $W = u16; $e }
    };
}
/// `$e` with `$T` as each form of an r/m operand.
macro_rules! by_place {
    ($place:expr, $T:ident => $e:expr) => {
        match $place {
            Place::Register => {
                type $T = Rm;
                $e
            }
            Place::Base => {
                type $T = MB;
                $e
            }
            Place::Indexed => {
                type $T = MX;
                $e
            }
            Place::General => {
                type $T = MG;
                $e
            }
            Place::Short => {
                type $T = M16;
                $e
            }
        }
    };
}
/// The same for operands in memory.
macro_rules! by_memory {
    ($place:expr, $T:ident => $e:expr) => {
        match $place {
            Place::Base => {
                type $T = MB;
                $e
            }
            Place::Indexed => {
                type $T = MX;
                $e
            }
            Place::Short => {
                type $T = M16;
                $e
            }
            _ => {
                type $T = MG;
                $e
            }
        }
    };
}
/// The same where a flat segment gains too little for handlers of its own.
macro_rules! by_general {
    ($place:expr, $T:ident => $e:expr) => {
        match $place {
            Place::Register => {
                type $T = Rm;
                $e
            }
            Place::Short => {
                type $T = M16;
                $e
            }
            _ => {
                type $T = MG;
                $e
            }
        }
    };
}
/// The same with a handler for base + displacement in a flat segment.
macro_rules! by_general_or_base {
    ($place:expr, $T:ident => $e:expr) => {
        match $place {
            Place::Register => {
                type $T = Rm;
                $e
            }
            Place::Base => {
                type $T = MB;
                $e
            }
            Place::Short => {
                type $T = M16;
                $e
            }
            _ => {
                type $T = MG;
                $e
            }
        }
    };
}
macro_rules! by_general_memory {
    ($place:expr, $T:ident => $e:expr) => {
        if $place == Place::Short {
            type $T = M16;
            $e
        } else {
            type $T = MG;
            $e
        }
    };
}
macro_rules! by_stack {
    ($stack:expr, $T:ident => $e:expr) => {
        match $stack {
            StackKind::Flat => {
                type $T = Flat;
                $e
            }
            StackKind::Wide => {
                type $T = Wide;
                $e
            }
            StackKind::Narrow => {
                type $T = Narrow;
                $e
            }
        }
    };
}
/// `$e` with `$X` as the rule for undefined flags.
macro_rules! by_rules {
    ($rules:expr, $X:ident => $e:expr) => {
        match $rules {
            UndefinedFlags::I386 => {
                type $X = I386;
                $e
            }
            UndefinedFlags::P6 => {
                type $X = P6;
                $e
            }
        }
    };
}
/// `$e` with `$C` as each condition, by its encoding.
macro_rules! by_condition {
    ($condition:expr, $C:ident => $e:expr) => {
        match $condition & 15 {
            0 => {
                type $C = O;
                $e
            }
            1 => {
                type $C = No;
                $e
            }
            2 => {
                type $C = B;
                $e
            }
            3 => {
                type $C = Nb;
                $e
            }
            4 => {
                type $C = Z;
                $e
            }
            5 => {
                type $C = Nz;
                $e
            }
            6 => {
                type $C = Be;
                $e
            }
            7 => {
                type $C = Nbe;
                $e
            }
            8 => {
                type $C = S;
                $e
            }
            9 => {
                type $C = Ns;
                $e
            }
            10 => {
                type $C = P;
                $e
            }
            11 => {
                type $C = Np;
                $e
            }
            12 => {
                type $C = L;
                $e
            }
            13 => {
                type $C = Nl;
                $e
            }
            14 => {
                type $C = Le;
                $e
            }
            _ => {
                type $C = Nle;
                $e
            }
        }
    };
}

/// The op under construction and what it is built from.
struct Lowering<'a> {
    i: &'a Instruction,
    context: &'a Context,
    op: Op,
    kind: Kind,
    fuse: Option<fn(usize) -> Handler>,
    flags: FlagUse,
}

/// Lowers one instruction; the op's place in its block is filled in by the caller.
pub fn lower(instruction: &Instruction, context: &Context) -> Result<Lowered, Refusal> {
    if let Some(refusal) = refusal(instruction, context.profile) {
        return Err(refusal);
    }
    let mut lowering = Lowering {
        i: instruction,
        context,
        op: Op {
            exec: crate::dispatch::stale,
            imm: 0,
            disp: 0,
            reg: 0,
            rm: 0,
            base: NO_REGISTER,
            index: NO_REGISTER,
            scale_segment: 0,
            nth: 0,
            offset: 0,
            length: instruction.len() as u8,
        },
        kind: Kind::Sequential,
        fuse: None,
        flags: FlagUse::Reads,
    };
    match lowering.handler() {
        Some(exec) => {
            lowering.op.exec = exec;
            Ok(Lowered { op: lowering.op, kind: lowering.kind, fuse: lowering.fuse, flags: lowering.flags })
        }
        None => Err(Refusal { exception: turtle86_arch::Exception::InvalidOpcode, reason: turtle86_arch::Reason::UndefinedOpcode }),
    }
}

/// A register's place in the register file.
fn register(r: Register) -> u8 {
    let n = r.number() as u8;
    if r.is_gpr8() { (n & 3) * 4 + (n >> 2 & 1) } else { n * 4 }
}
/// A condition's encoding.
pub fn condition(i: &Instruction) -> usize {
    match i.condition_code() {
        ConditionCode::o => 0,
        ConditionCode::no => 1,
        ConditionCode::b => 2,
        ConditionCode::ae => 3,
        ConditionCode::e => 4,
        ConditionCode::ne => 5,
        ConditionCode::be => 6,
        ConditionCode::a => 7,
        ConditionCode::s => 8,
        ConditionCode::ns => 9,
        ConditionCode::p => 10,
        ConditionCode::np => 11,
        ConditionCode::l => 12,
        ConditionCode::ge => 13,
        ConditionCode::le => 14,
        _ => 15,
    }
}

impl Lowering<'_> {
    fn is_memory(&self, n: u32) -> bool {
        self.i.op_kind(n) == OpKind::Memory
    }
    fn is_register(&self, n: u32) -> bool {
        self.i.op_kind(n) == OpKind::Register
    }
    /// The width of operand `n`.
    fn size(&self, n: u32) -> Size {
        let bytes = match self.i.op_kind(n) {
            OpKind::Register => self.i.op_register(n).size(),
            OpKind::Memory => self.i.memory_size().size(),
            OpKind::Immediate8 => 1,
            OpKind::Immediate16 | OpKind::Immediate8to16 | OpKind::NearBranch16 => 2,
            _ => 4,
        };
        match bytes {
            1 => Size::Byte,
            2 => Size::Word,
            _ => Size::Dword,
        }
    }
    /// The operand size of an instruction whose operands do not tell, by the stack that it moves.
    fn stack_size(&self) -> Size {
        if self.i.stack_pointer_increment().unsigned_abs().is_multiple_of(4) { Size::Dword } else { Size::Word }
    }
    fn rules(&self) -> UndefinedFlags {
        self.context.profile.undefined
    }
    fn stack(&self) -> StackKind {
        let mode = self.context.mode;
        match (mode.stack_32(), mode.flat(SegmentRegister::Ss)) {
            (true, true) => StackKind::Flat,
            (true, false) => StackKind::Wide,
            (false, _) => StackKind::Narrow,
        }
    }
    /// Fills the addressing fields.
    fn memory(&mut self) -> Place {
        let (base, index) = (self.i.memory_base(), self.i.memory_index());
        let segment = self.i.memory_segment();
        let op = &mut self.op;
        op.base = if base == Register::None { NO_REGISTER } else { register(base) };
        op.index = if index == Register::None { NO_REGISTER } else { register(index) };
        op.disp = self.i.memory_displacement32();
        op.scale_segment = self.i.memory_index_scale().trailing_zeros() as u8 | (segment.number() as u8) << 4;
        let none = base == Register::None && index == Register::None;
        let short = base.is_gpr16() || index.is_gpr16() || none && self.i.memory_displ_size() == 2;
        if short {
            op.scale_segment |= Op::ADDRESS_16;
            return Place::Short;
        }
        let flat = SegmentRegister::from_encoding(segment.number() as u8).is_some_and(|s| self.context.mode.flat(s));
        match (flat, index == Register::None) {
            (false, _) => Place::General,
            (true, true) => Place::Base,
            (true, false) => Place::Indexed,
        }
    }
    /// The r/m operand `n`.
    fn rm(&mut self, n: u32) -> Place {
        if self.is_memory(n) {
            return self.memory();
        }
        if self.is_register(n) && self.i.op_register(n).is_gpr() {
            self.op.rm = register(self.i.op_register(n));
        }
        self.op.scale_segment = Op::REGISTER;
        Place::Register
    }
    fn reg(&mut self, n: u32) {
        self.op.reg = register(self.i.op_register(n));
    }
    fn immediate(&mut self, n: u32) {
        self.op.imm = self.i.immediate(n) as u32;
    }
    /// A memory operand that strings name implicitly: its segment, and whether the address size is 32.
    fn string_operand(&mut self) -> bool {
        self.op.scale_segment = (self.i.memory_segment().number() as u8) << 4;
        (0..self.i.op_count()).any(|n| matches!(self.i.op_kind(n), OpKind::MemorySegESI | OpKind::MemoryESEDI | OpKind::MemorySegEDI))
    }

    // ---- shapes that several mnemonics share

    /// ALU, MOV and TEST: all forms of two operands.
    fn binary<K: Alu>(&mut self, mov: bool) -> Handler {
        let size = self.size(0);
        macro_rules! pick {
            ($W:ident, $D:ident, $S:ident) => {
                if mov { sequential::<Mov<$W, $D, $S>> as Handler } else { sequential::<Binary<K, $W, $D, $S>> as Handler }
            };
        }
        if self.is_memory(0) {
            let place = self.memory();
            if self.is_register(1) {
                self.reg(1);
                return by_size!(size, W => by_memory!(place, D => pick!(W, D, R)));
            }
            self.immediate(1);
            if !mov && place == Place::Base {
                self.fuse = match size {
                    Size::Byte => Some(fuse::<Binary<K, u8, MB, I>>),
                    Size::Dword => Some(fuse::<Binary<K, u32, MB, I>>),
                    Size::Word => None,
                };
                if K::WRITES {
                    self.fuse = None;
                }
            }
            return by_size!(size, W => by_memory!(place, D => pick!(W, D, I)));
        }
        if self.is_memory(1) {
            self.reg(0);
            let place = self.memory();
            return by_size!(size, W => by_memory!(place, S => pick!(W, R, S)));
        }
        self.op.rm = register(self.i.op_register(0));
        let immediate = !self.is_register(1);
        self.flags = match (mov, size) {
            (true, _) => FlagUse::Ignores,
            _ if K::READS_CARRY => FlagUse::Reads,
            (_, Size::Dword) if K::WRITES => {
                FlagUse::Writes(Some(if immediate { sequential::<Quiet<K, Rm, I>> } else { sequential::<Quiet<K, Rm, R>> }))
            }
            _ => FlagUse::Writes(None),
        };
        if immediate {
            self.immediate(1)
        } else {
            self.reg(1)
        }
        if !mov && !K::READS_CARRY {
            self.fuse = match (size, immediate) {
                (Size::Dword, true) => Some(fuse::<Binary<K, u32, Rm, I>>),
                (Size::Dword, false) if !K::WRITES => Some(fuse::<Binary<K, u32, Rm, R>>),
                (Size::Byte, true) if !K::WRITES => Some(fuse::<Binary<K, u8, Rm, I>>),
                (Size::Byte, false) if !K::WRITES => Some(fuse::<Binary<K, u8, Rm, R>>),
                (Size::Word, true) if !K::WRITES => Some(fuse::<Binary<K, u16, Rm, I>>),
                _ => None,
            };
        }
        if immediate { by_size!(size, W => pick!(W, Rm, I)) } else { by_size!(size, W => pick!(W, Rm, R)) }
    }
    fn unary<K: OneOperand>(&mut self, quiet: Option<FlagUse>, fusible: bool) -> Handler {
        let size = self.size(0);
        let place = self.rm(0);
        if place == Place::Register {
            if let Some(quiet) = quiet {
                self.flags = if size == Size::Dword { quiet } else { FlagUse::Reads };
            }
            if fusible && size == Size::Dword {
                self.fuse = Some(fuse::<Unary<K, u32, Rm>>);
            }
        }
        by_size!(size, W => by_place!(place, D => sequential::<Unary<K, W, D>>))
    }
    /// All forms of a shift. `flat` ones have handlers for flat segments.
    fn shift<K: Turn>(&mut self, quiet: bool) -> Handler {
        let size = self.size(0);
        let place = self.rm(0);
        if self.is_register(1) {
            return by_size!(size, W => by_general!(place, D => sequential::<Shift<K, W, D, Cl>>));
        }
        self.immediate(1);
        if place == Place::Register && size == Size::Dword && self.op.imm & 31 != 0 && quiet {
            self.flags = FlagUse::Writes(Some(sequential::<QuietShift<K>>));
        }
        by_size!(size, W => by_general!(place, D => sequential::<Shift<K, W, D, I>>))
    }
    fn double_shift<const LEFT: bool>(&mut self) -> Handler {
        let size = self.size(0);
        let place = self.rm(0);
        self.reg(1);
        let rules = self.rules();
        if self.is_register(2) {
            return by_rules!(rules, X => by_word!(size, W => by_general!(place, D => sequential::<DoubleShift<LEFT, X, W, D, Cl>>)));
        }
        self.immediate(2);
        by_rules!(rules, X => by_word!(size, W => by_general!(place, D => sequential::<DoubleShift<LEFT, X, W, D, I>>)))
    }
    fn extend<const SIGNED: bool>(&mut self) -> Handler {
        self.reg(0);
        let (to, from) = (self.size(0), self.size(1));
        let place = self.rm(1);
        if place == Place::Register {
            self.flags = FlagUse::Ignores;
        }
        match (from, to) {
            (Size::Byte, Size::Word) => by_place!(place, S => sequential::<Extend<SIGNED, u8, u16, S>>),
            (Size::Byte, _) => by_place!(place, S => sequential::<Extend<SIGNED, u8, u32, S>>),
            (_, Size::Word) => by_general!(place, S => sequential::<Extend<SIGNED, u16, u16, S>>),
            _ => by_place!(place, S => sequential::<Extend<SIGNED, u16, u32, S>>),
        }
    }
    fn multiply<const SIGNED: bool>(&mut self) -> Handler {
        let rules = self.rules();
        if self.i.op_count() == 1 {
            let size = self.size(0);
            let place = self.rm(0);
            return by_rules!(rules, X => by_size!(size, W => by_general!(place, S => sequential::<Multiply<SIGNED, X, W, S>>)));
        }
        self.reg(0);
        let size = self.size(0);
        let place = self.rm(1);
        if self.i.op_count() == 3 {
            self.immediate(2);
            return by_rules!(rules, X => by_word!(size, W => by_general!(place, S => sequential::<MultiplyThree<X, W, S>>)));
        }
        by_rules!(rules, X => by_word!(size, W => by_general!(place, S => sequential::<MultiplyTwo<X, W, S>>)))
    }
    fn divide<const SIGNED: bool>(&mut self) -> Handler {
        let size = self.size(0);
        let place = self.rm(0);
        let rules = self.rules();
        by_rules!(rules, X => by_size!(size, W => by_general!(place, S => sequential::<Divide<SIGNED, X, W, S>>)))
    }
    fn bit_test<K: BitOperation>(&mut self) -> Handler {
        let size = self.size(0);
        let place = self.rm(0);
        let rules = self.rules();
        if self.is_register(1) {
            self.reg(1);
            return match place {
                Place::Register => by_rules!(rules, X => by_word!(size, W => sequential::<BitTest<K, X, W, Rm, R>>)),
                _ => by_rules!(rules, X => by_word!(size, W => by_general_memory!(place, D => sequential::<BitString<K, X, W, D>>))),
            };
        }
        self.immediate(1);
        by_rules!(rules, X => by_word!(size, W => by_general!(place, D => sequential::<BitTest<K, X, W, D, I>>)))
    }
    fn bit_scan<const REVERSE: bool>(&mut self) -> Handler {
        self.reg(0);
        let size = self.size(0);
        let place = self.rm(1);
        by_word!(size, W => by_general!(place, S => sequential::<BitScan<REVERSE, W, S>>))
    }

    fn push(&mut self) -> Option<Handler> {
        let size = self.stack_size();
        if self.is_register(0) && self.i.op_register(0).is_segment_register() {
            self.op.reg = self.i.op_register(0).number() as u8;
            return Some(if size == Size::Word { complex::<PushSegment16> } else { complex::<PushSegment32> });
        }
        let stack = self.stack();
        if !self.is_register(0) && !self.is_memory(0) {
            self.immediate(0);
            return Some(by_stack!(stack, T => by_word!(size, W => sequential::<Push<T, W, I>>)));
        }
        let place = self.rm(0);
        Some(by_stack!(stack, T => by_word!(size, W => by_general_or_base!(place, S => sequential::<Push<T, W, S>>))))
    }
    fn pop(&mut self) -> Option<Handler> {
        let size = self.stack_size();
        if self.is_register(0) && self.i.op_register(0).is_segment_register() {
            self.op.reg = self.i.op_register(0).number() as u8;
            return Some(if size == Size::Word { complex::<PopSegment16> } else { complex::<PopSegment32> });
        }
        let stack = self.stack();
        let place = self.rm(0);
        if place == Place::Register {
            return Some(by_stack!(stack, T => by_word!(size, W => sequential::<Pop<T, W>>)));
        }
        Some(by_stack!(stack, T => by_word!(size, W => by_general_memory!(place, D => sequential::<PopMemory<T, W, D>>))))
    }

    // ---- control transfer

    fn next_eip(&self) -> u32 {
        self.i.next_ip32()
    }
    /// A branch to a known target; `beyond` is its kind for a target that the code segment does not hold.
    fn known(&mut self, target: u32, beyond: u8, handler: Handler) -> Handler {
        if target > self.context.limit {
            self.kind = Kind::Jump;
            self.op.imm = target;
            self.op.reg = beyond;
            return transfer::<BranchBeyond>;
        }
        self.kind = Kind::Branch(target);
        handler
    }
    fn near_target(&self) -> u32 {
        match self.i.op_kind(0) {
            OpKind::NearBranch16 => u32::from(self.i.near_branch16()),
            _ => self.i.near_branch32(),
        }
    }
    /// JCXZ and LOOPcc: their address size picks the counter.
    fn counted(&mut self) -> Handler {
        let wide = matches!(
            self.i.code(),
            Code::Jecxz_rel8_16
                | Code::Jecxz_rel8_32
                | Code::Loop_rel8_16_ECX
                | Code::Loop_rel8_32_ECX
                | Code::Loope_rel8_16_ECX
                | Code::Loope_rel8_32_ECX
                | Code::Loopne_rel8_16_ECX
                | Code::Loopne_rel8_32_ECX
        );
        let target = self.near_target();
        let (kind, handler): (u8, Handler) = match (self.i.mnemonic(), wide) {
            (M::Loopne, false) => (0, branch::<Loop<u16, 0>>),
            (M::Loopne, true) => (0, branch::<Loop<u32, 0>>),
            (M::Loope, false) => (1, branch::<Loop<u16, 1>>),
            (M::Loope, true) => (1, branch::<Loop<u32, 1>>),
            (M::Loop, false) => (2, branch::<Loop<u16, 2>>),
            (M::Loop, true) => (2, branch::<Loop<u32, 2>>),
            (_, false) => return self.known(target, beyond::JCXZ, branch::<Jcxz<u16>>),
            (_, true) => return self.known(target, beyond::JECXZ, branch::<Jcxz<u32>>),
        };
        self.known(target, kind + if wide { beyond::LOOP32 } else { beyond::LOOP16 }, handler)
    }
    fn jump_or_call(&mut self, call: bool) -> Option<Handler> {
        let stack = self.stack();
        match self.i.op_kind(0) {
            OpKind::NearBranch16 | OpKind::NearBranch32 => {
                let target = self.near_target();
                if !call {
                    return Some(self.known(target, beyond::ALWAYS, branch::<Jmp>));
                }
                let size = if self.i.op_kind(0) == OpKind::NearBranch16 { Size::Word } else { Size::Dword };
                self.op.imm = self.next_eip();
                Some(self.known(target, beyond::ALWAYS, by_stack!(stack, T => by_word!(size, W => branch::<Call<T, W>>))))
            }
            OpKind::FarBranch16 | OpKind::FarBranch32 => {
                self.kind = Kind::Jump;
                let wide = self.i.op_kind(0) == OpKind::FarBranch32;
                self.op.imm = if wide { self.i.far_branch32() } else { self.i.far_branch16().into() };
                self.op.disp = self.i.far_branch_selector().into();
                Some(match (call, wide) {
                    (false, _) => transfer::<JmpFar>,
                    (true, false) => transfer::<CallFar16>,
                    (true, true) => transfer::<CallFar32>,
                })
            }
            _ => {
                self.kind = Kind::Jump;
                let far = matches!(self.i.code(), Code::Jmp_m1616 | Code::Jmp_m1632 | Code::Call_m1616 | Code::Call_m1632);
                if far {
                    self.memory();
                    return Some(match self.i.code() {
                        Code::Jmp_m1616 => transfer::<JmpFarMemory16>,
                        Code::Jmp_m1632 => transfer::<JmpFarMemory32>,
                        Code::Call_m1616 => transfer::<CallFarMemory16>,
                        _ => transfer::<CallFarMemory32>,
                    });
                }
                let size = self.size(0);
                let place = self.rm(0);
                if !call {
                    return Some(by_word!(size, W => by_place!(place, S => jump::<JmpTo<W, S>>)));
                }
                self.op.imm = self.next_eip();
                Some(by_stack!(stack, T => by_word!(size, W => by_general_or_base!(place, S => jump::<CallTo<T, W, S>>))))
            }
        }
    }
    fn ret(&mut self) -> Handler {
        self.kind = Kind::Jump;
        if self.i.op_count() > 0 {
            self.immediate(0);
        }
        let stack = self.stack();
        let size = if matches!(self.i.code(), Code::Retnd | Code::Retnd_imm16) { Size::Dword } else { Size::Word };
        by_stack!(stack, T => by_word!(size, W => jump::<Ret<T, W>>))
    }

    // ---- strings and ports

    fn string(&mut self) -> Option<Handler> {
        let wide = self.string_operand();
        let (rep, repne) = (self.i.has_rep_prefix(), self.i.has_repne_prefix());
        macro_rules! pick {
            ($K:ident, $W:ty, compares) => {
                match (wide, repne, rep) {
                    (true, true, _) => repeat::<Rep<$K<$W, u32>, u32, true>> as Handler,
                    (true, _, true) => repeat::<Rep<$K<$W, u32>, u32, false>>,
                    (true, _, _) => sequential::<Once<$K<$W, u32>>>,
                    (false, true, _) => repeat::<Rep<$K<$W, u16>, u16, true>>,
                    (false, _, true) => repeat::<Rep<$K<$W, u16>, u16, false>>,
                    (false, _, _) => sequential::<Once<$K<$W, u16>>>,
                }
            };
            ($K:ident, $W:ty) => {
                match (wide, repne || rep) {
                    (true, true) => repeat::<Rep<$K<$W, u32>, u32, false>> as Handler,
                    (true, _) => sequential::<Once<$K<$W, u32>>>,
                    (false, true) => repeat::<Rep<$K<$W, u16>, u16, false>>,
                    (false, _) => sequential::<Once<$K<$W, u16>>>,
                }
            };
            ($K:ident, $W:ty, port) => {
                match (wide, repne || rep) {
                    (true, true) => repeat::<Rep<$K<$W, u32>, u32, false>> as Handler,
                    (true, _) => complex::<OnceSlow<$K<$W, u32>>>,
                    (false, true) => repeat::<Rep<$K<$W, u16>, u16, false>>,
                    (false, _) => complex::<OnceSlow<$K<$W, u16>>>,
                }
            };
        }
        Some(match self.i.mnemonic() {
            M::Movsb => pick!(Movs, u8),
            M::Movsw => pick!(Movs, u16),
            M::Movsd => pick!(Movs, u32),
            M::Stosb => pick!(Stos, u8),
            M::Stosw => pick!(Stos, u16),
            M::Stosd => pick!(Stos, u32),
            M::Lodsb => pick!(Lods, u8),
            M::Lodsw => pick!(Lods, u16),
            M::Lodsd => pick!(Lods, u32),
            M::Scasb => pick!(Scas, u8, compares),
            M::Scasw => pick!(Scas, u16, compares),
            M::Scasd => pick!(Scas, u32, compares),
            M::Cmpsb => pick!(Cmps, u8, compares),
            M::Cmpsw => pick!(Cmps, u16, compares),
            M::Cmpsd => pick!(Cmps, u32, compares),
            M::Insb => pick!(Ins, u8, port),
            M::Insw => pick!(Ins, u16, port),
            M::Insd => pick!(Ins, u32, port),
            M::Outsb => pick!(Outs, u8, port),
            M::Outsw => pick!(Outs, u16, port),
            M::Outsd => pick!(Outs, u32, port),
            _ => return None,
        })
    }
    /// IN and OUT; operand 0 of IN and 1 of OUT is the accumulator.
    fn port(&mut self, input: bool) -> Handler {
        let (accumulator, port) = if input { (0, 1) } else { (1, 0) };
        let size = self.size(accumulator);
        let immediate = !self.is_register(port);
        if immediate {
            self.immediate(port);
        }
        match (input, immediate) {
            (true, true) => by_size!(size, W => complex::<In<W, true>>),
            (true, false) => by_size!(size, W => complex::<In<W, false>>),
            (false, true) => by_size!(size, W => complex::<Out<W, true>>),
            (false, false) => by_size!(size, W => complex::<Out<W, false>>),
        }
    }

    // ---- system

    /// LDS and its kin, with the segment register that the mnemonic names.
    fn far_pointer(&mut self, segment: SegmentRegister) -> Handler {
        self.reg(0);
        let size = self.size(0);
        self.memory();
        self.op.imm = segment as u32;
        by_word!(size, W => complex::<LoadFarPointer<W>>)
    }
    /// MOV with a segment, control, debug or test register.
    fn special_mov(&mut self) -> Option<Handler> {
        let special = |r: Register| r.is_segment_register() || r.is_cr() || r.is_dr() || r.is_tr();
        for (n, other) in [(0, 1), (1, 0)] {
            if !self.is_register(n) || !special(self.i.op_register(n)) {
                continue;
            }
            let r = self.i.op_register(n);
            let to = n == 0;
            self.op.reg = r.number() as u8;
            let size = self.size(other);
            self.rm(other);
            return Some(match () {
                () if r.is_segment_register() && to => complex::<MovToSegment>,
                () if r.is_segment_register() && size == Size::Dword => complex::<MovFromSegment32>,
                () if r.is_segment_register() => complex::<MovFromSegment16>,
                () if r.is_cr() && to => complex::<MovToCr>,
                () if r.is_cr() => complex::<MovFromCr>,
                () if r.is_dr() && to => complex::<MovToDr>,
                () if r.is_dr() => complex::<MovFromDr>,
                () if to => complex::<MovToTr>,
                () => complex::<MovFromTr>,
            });
        }
        None
    }
    /// An instruction that reads its r/m operand when it runs.
    fn with_rm(&mut self, handler: Handler) -> Option<Handler> {
        self.rm(0);
        Some(handler)
    }
    /// An instruction that sets EIP itself.
    fn transfers(&mut self, handler: Handler) -> Option<Handler> {
        self.kind = Kind::Jump;
        Some(handler)
    }
    fn ignores(&mut self, handler: Handler) -> Option<Handler> {
        self.flags = FlagUse::Ignores;
        Some(handler)
    }
    /// An instruction of the x87, on a processor without one.
    fn escape(&mut self) -> Option<Handler> {
        Some(match self.i.mnemonic() {
            M::Wait => complex::<Wait>,
            M::Fninit | M::Fnclex => complex::<EscapeIgnored>,
            M::Fnstsw if self.is_register(0) => complex::<EscapeStatusAx>,
            M::Fnstsw | M::Fnstcw => {
                self.memory();
                complex::<EscapeStatus>
            }
            _ => complex::<Escape>,
        })
    }

    /// The row of each mnemonic.
    fn handler(&mut self) -> Option<Handler> {
        let i = self.i;
        let mnemonic = i.mnemonic();
        let wide = |code: Code| {
            matches!(code, Code::Pushad | Code::Popad | Code::Pushfd | Code::Popfd | Code::Leaved | Code::Enterd_imm16_imm8 | Code::Iretd)
        };
        let size = if wide(i.code()) { Size::Dword } else { Size::Word };
        let stack = self.stack();
        let cc = condition(i);
        Some(match mnemonic {
            M::Add => self.binary::<Add>(false),
            M::Or => self.binary::<Or>(false),
            M::Adc => self.binary::<Adc>(false),
            M::Sbb => self.binary::<Sbb>(false),
            M::And => self.binary::<And>(false),
            M::Sub => self.binary::<Sub>(false),
            M::Xor => self.binary::<Xor>(false),
            M::Cmp => self.binary::<Cmp>(false),
            M::Test => self.binary::<Test>(false),
            M::Mov => match self.special_mov() {
                Some(handler) => handler,
                None => self.binary::<Test>(true),
            },
            M::Umov => self.binary::<Test>(true),
            M::Inc => self.unary::<Inc>(Some(FlagUse::WritesSome(sequential::<QuietUnary<Inc>>)), true),
            M::Dec => self.unary::<Dec>(Some(FlagUse::WritesSome(sequential::<QuietUnary<Dec>>)), true),
            M::Neg => self.unary::<Neg>(Some(FlagUse::Writes(Some(sequential::<QuietUnary<Neg>>))), false),
            M::Not => self.unary::<Not>(Some(FlagUse::Ignores), false),
            M::Rol => self.shift::<Rol>(false),
            M::Ror => self.shift::<Ror>(false),
            M::Rcl => self.shift::<Rcl>(false),
            M::Rcr => self.shift::<Rcr>(false),
            M::Shl | M::Sal => match self.rules() {
                UndefinedFlags::I386 => self.shift::<Shl<I386>>(true),
                UndefinedFlags::P6 => self.shift::<Shl>(true),
            },
            M::Shr => match self.rules() {
                UndefinedFlags::I386 => self.shift::<Shr<I386>>(true),
                UndefinedFlags::P6 => self.shift::<Shr>(true),
            },
            M::Sar => self.shift::<Sar>(true),
            M::Shld => self.double_shift::<true>(),
            M::Shrd => self.double_shift::<false>(),
            M::Movzx => self.extend::<false>(),
            M::Movsx => self.extend::<true>(),
            M::Mul => self.multiply::<false>(),
            M::Imul => self.multiply::<true>(),
            M::Div => self.divide::<false>(),
            M::Idiv => self.divide::<true>(),
            M::Bt => self.bit_test::<Bt>(),
            M::Bts => self.bit_test::<Bts>(),
            M::Btr => self.bit_test::<Btr>(),
            M::Btc => self.bit_test::<Btc>(),
            M::Bsf => self.bit_scan::<false>(),
            M::Bsr => self.bit_scan::<true>(),
            M::Lea => {
                self.reg(0);
                let size = self.size(0);
                self.flags = FlagUse::Ignores;
                match self.memory() {
                    Place::Short => by_word!(size, W => sequential::<Lea<W, M16>>),
                    _ if self.op.index == NO_REGISTER => by_word!(size, W => sequential::<Lea<W, MB>>),
                    _ => by_word!(size, W => sequential::<Lea<W, MX>>),
                }
            }
            M::Xchg => {
                // Memory may stand first or second; the register is always `reg`.
                let (rm, reg) = if self.is_memory(1) { (1, 0) } else { (0, 1) };
                let size = self.size(reg);
                self.reg(reg);
                let place = self.rm(rm);
                by_size!(size, W => by_general_or_base!(place, D => sequential::<Xchg<W, D>>))
            }
            M::Xadd => {
                let size = self.size(1);
                self.reg(1);
                let place = self.rm(0);
                by_size!(size, W => by_general!(place, D => sequential::<Xadd<W, D>>))
            }
            M::Cmpxchg => {
                let size = self.size(1);
                self.reg(1);
                let place = self.rm(0);
                by_size!(size, W => by_general!(place, D => sequential::<Cmpxchg<W, D>>))
            }
            M::Cmpxchg8b => {
                let place = self.memory();
                by_general_memory!(place, D => sequential::<Cmpxchg8b<D>>)
            }
            M::Bswap => {
                let size = self.size(0);
                self.rm(0);
                self.flags = FlagUse::Ignores;
                by_word!(size, W => sequential::<Bswap<W>>)
            }
            M::Bound => {
                self.reg(0);
                let size = self.size(0);
                let place = self.memory();
                by_word!(size, W => by_general_memory!(place, D => sequential::<Bound<W, D>>))
            }
            M::Xlatb => {
                self.op.scale_segment = (i.memory_segment().number() as u8) << 4;
                if i.memory_base() == Register::EBX { sequential::<Xlat<true>> } else { sequential::<Xlat<false>> }
            }
            // NOP is XCHG of the accumulator with itself; hints act on nothing.
            M::Nop | M::Pause | M::Reservednop => return self.ignores(sequential::<Nop>),
            M::Cbw => return self.ignores(sequential::<Cbw>),
            M::Cwde => return self.ignores(sequential::<Cwde>),
            M::Cwd => return self.ignores(sequential::<Cwd>),
            M::Cdq => return self.ignores(sequential::<Cdq>),
            M::Lahf => sequential::<Lahf>,
            M::Sahf => sequential::<Sahf>,
            M::Salc => sequential::<Salc>,
            M::Clc => sequential::<CarryFlag<0>>,
            M::Stc => sequential::<CarryFlag<1>>,
            M::Cmc => sequential::<CarryFlag<2>>,
            M::Cli => complex::<Cli>,
            M::Sti => complex::<Sti>,
            M::Cld => complex::<Cld>,
            M::Std => complex::<Std>,
            M::Daa => complex::<Daa>,
            M::Das => complex::<Das>,
            M::Aaa => complex::<Aaa>,
            M::Aas => complex::<Aas>,
            M::Aam | M::Aad => {
                self.immediate(0);
                if mnemonic == M::Aam { complex::<Aam> } else { complex::<Aad> }
            }

            M::Push => return self.push(),
            M::Pop => return self.pop(),
            M::Pusha | M::Pushad => by_stack!(stack, T => by_word!(size, W => sequential::<PushAll<T, W>>)),
            M::Popa | M::Popad => by_stack!(stack, T => by_word!(size, W => sequential::<PopAll<T, W>>)),
            M::Pushf => complex::<Pushf16>,
            M::Pushfd => complex::<Pushf32>,
            M::Popf => complex::<Popf16>,
            M::Popfd => complex::<Popf32>,
            M::Leave => by_stack!(stack, T => by_word!(size, W => sequential::<Leave<T, W>>)),
            M::Enter => {
                self.immediate(0);
                self.op.reg = i.immediate8_2nd() & 31;
                by_stack!(stack, T => by_word!(size, W => sequential::<Enter<T, W>>))
            }

            M::Call => return self.jump_or_call(true),
            M::Jmp => return self.jump_or_call(false),
            M::Ret => self.ret(),
            M::Retf => {
                self.kind = Kind::Jump;
                if i.op_count() > 0 {
                    self.immediate(0);
                }
                if matches!(i.code(), Code::Retfd | Code::Retfd_imm16) { transfer::<RetFar32> } else { transfer::<RetFar16> }
            }
            M::Jcxz | M::Jecxz | M::Loop | M::Loope | M::Loopne => self.counted(),
            M::Int => {
                self.immediate(0);
                return self.transfers(transfer::<IntN>);
            }
            M::Int3 => return self.transfers(transfer::<Int3>),
            M::Into => return self.transfers(transfer::<Into>),
            M::Int1 => return self.transfers(transfer::<Icebp>),
            M::Ud0 | M::Ud1 | M::Ud2 => return self.transfers(transfer::<Ud>),
            M::Iret => return self.transfers(transfer::<Iret16>),
            M::Iretd => return self.transfers(transfer::<Iret32>),
            M::Loadall => return self.transfers(transfer::<Loadall386>),

            M::In => self.port(true),
            M::Out => self.port(false),

            M::Lds => self.far_pointer(SegmentRegister::Ds),
            M::Les => self.far_pointer(SegmentRegister::Es),
            M::Lss => self.far_pointer(SegmentRegister::Ss),
            M::Lfs => self.far_pointer(SegmentRegister::Fs),
            M::Lgs => self.far_pointer(SegmentRegister::Gs),

            M::Lgdt => return self.with_rm(if i.code() == Code::Lgdt_m1632_16 { complex::<Lgdt16> } else { complex::<Lgdt32> }),
            M::Lidt => return self.with_rm(if i.code() == Code::Lidt_m1632_16 { complex::<Lidt16> } else { complex::<Lidt32> }),
            M::Sgdt => return self.with_rm(complex::<Sgdt>),
            M::Sidt => return self.with_rm(complex::<Sidt>),
            M::Lmsw => return self.with_rm(complex::<Lmsw>),
            M::Smsw => {
                let wide = i.code() == Code::Smsw_r32m16;
                return self.with_rm(if wide { complex::<Smsw32> } else { complex::<Smsw16> });
            }
            M::Clts => complex::<Clts>,
            M::Hlt => complex::<Hlt>,
            M::Invd | M::Wbinvd => complex::<Invd>,
            M::Invlpg => return self.with_rm(complex::<Invlpg>),
            M::Cpuid => complex::<Cpuid>,
            M::Rdtsc => complex::<Rdtsc>,
            M::Rdpmc => complex::<Rdpmc>,
            M::Rdmsr => complex::<Rdmsr>,
            M::Wrmsr => complex::<Wrmsr>,
            M::Lldt => return self.with_rm(complex::<Lldt>),
            M::Ltr => return self.with_rm(complex::<Ltr>),
            M::Sldt => return self.with_rm(if i.code() == Code::Sldt_r32m16 { complex::<Sldt32> } else { complex::<Sldt16> }),
            M::Str => return self.with_rm(if i.code() == Code::Str_r32m16 { complex::<Str32> } else { complex::<Str16> }),
            M::Verr => return self.with_rm(complex::<Verr>),
            M::Verw => return self.with_rm(complex::<Verw>),
            M::Arpl => {
                self.reg(1);
                return self.with_rm(complex::<Arpl>);
            }
            M::Lar | M::Lsl => {
                self.reg(0);
                let size = self.size(0);
                self.rm(1);
                match mnemonic {
                    M::Lar => by_word!(size, W => complex::<LoadAccess<W, false>>),
                    _ => by_word!(size, W => complex::<LoadAccess<W, true>>),
                }
            }

            _ if i.is_jcc_short_or_near() => {
                let target = self.near_target();
                self.known(target, cc as u8, by_condition!(cc, C => branch::<Jcc<C>>))
            }
            _ if is_setcc(mnemonic) => {
                let place = self.rm(0);
                self.op.imm = cc as u32;
                match place {
                    Place::Register => by_condition!(cc, C => sequential::<Set<C>>),
                    _ => by_general_memory!(place, D => sequential::<SetMemory<D>>),
                }
            }
            _ if is_cmovcc(mnemonic) => {
                self.reg(0);
                let size = self.size(0);
                let place = self.rm(1);
                self.op.imm = cc as u32;
                match place {
                    Place::Register => by_condition!(cc, C => by_word!(size, W => sequential::<Cmov<C, W, Rm>>)),
                    _ => by_word!(size, W => by_general_memory!(place, S => sequential::<CmovMemory<W, S>>)),
                }
            }
            _ if i.is_string_instruction() => return self.string(),
            _ if i.code().cpuid_features().iter().any(|f| is_x87(*f)) || mnemonic == M::Wait => return self.escape(),
            _ => return None,
        })
    }
}
fn is_setcc(mnemonic: M) -> bool {
    use M::*;
    matches!(
        mnemonic,
        Seto | Setno | Setb | Setae | Sete | Setne | Setbe | Seta | Sets | Setns | Setp | Setnp | Setl | Setge | Setle | Setg
    )
}
fn is_cmovcc(mnemonic: M) -> bool {
    use M::*;
    matches!(
        mnemonic,
        Cmovo
            | Cmovno
            | Cmovb
            | Cmovae
            | Cmove
            | Cmovne
            | Cmovbe
            | Cmova
            | Cmovs
            | Cmovns
            | Cmovp
            | Cmovnp
            | Cmovl
            | Cmovge
            | Cmovle
            | Cmovg
    )
}
fn is_x87(feature: iced_x86::CpuidFeature) -> bool {
    use iced_x86::CpuidFeature;
    matches!(feature, CpuidFeature::FPU | CpuidFeature::FPU287 | CpuidFeature::FPU387)
}

/// The fused handlers of an instruction, by the encoding of the condition behind it.
fn fuse<T: crate::dispatch::Fusible>(condition: usize) -> Handler {
    by_condition!(condition, C => fused::<T, C>)
}
