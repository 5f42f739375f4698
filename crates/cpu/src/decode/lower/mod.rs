//! Decoded instruction to op: picks the handler, once.
//!
//! A row a mnemonic; the macros below run through widths and operand forms, so that a row names only the semantics.

use super::{
    Op,
    rules::{Refusal, is_x87, refusal},
};
use crate::{
    core::NO_REGISTER,
    dispatch::{Handler, branch, complex, sequential, transfer},
    execute::{
        I386, arithmetic::*, bit::*, decimal::*, flag_control::*, identify::*, interrupt::*, jump::*, loadall::*, logic::*, protection::*,
        segment::*, shift::*, stack::*, system::*, transfer::*,
    },
    operand::{M16, MB, MX, Rm},
};
use iced_x86::{Code, ConditionCode, Instruction, Mnemonic as M, OpKind, Register};
use turtle86_arch::{Profile, SegmentRegister, UndefinedFlags};
use turtle86_mmu::Mode;

mod control;
mod forms;
mod shapes;
mod system;

use forms::*;

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
    pub(super) fn is_memory(&self, n: u32) -> bool {
        self.i.op_kind(n) == OpKind::Memory
    }
    pub(super) fn is_register(&self, n: u32) -> bool {
        self.i.op_kind(n) == OpKind::Register
    }
    /// The width of operand `n`.
    pub(super) fn size(&self, n: u32) -> Size {
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
    pub(super) fn stack_size(&self) -> Size {
        if self.i.stack_pointer_increment().unsigned_abs().is_multiple_of(4) { Size::Dword } else { Size::Word }
    }
    pub(super) fn rules(&self) -> UndefinedFlags {
        self.context.profile.undefined
    }
    pub(super) fn stack(&self) -> StackKind {
        let mode = self.context.mode;
        match (mode.stack_32(), mode.flat(SegmentRegister::Ss)) {
            (true, true) => StackKind::Flat,
            (true, false) => StackKind::Wide,
            (false, _) => StackKind::Narrow,
        }
    }
    /// Fills the addressing fields.
    pub(super) fn memory(&mut self) -> Place {
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
    pub(super) fn rm(&mut self, n: u32) -> Place {
        if self.is_memory(n) {
            return self.memory();
        }
        if self.is_register(n) && self.i.op_register(n).is_gpr() {
            self.op.rm = register(self.i.op_register(n));
        }
        self.op.scale_segment = Op::REGISTER;
        Place::Register
    }
    pub(super) fn reg(&mut self, n: u32) {
        self.op.reg = register(self.i.op_register(n));
    }
    pub(super) fn immediate(&mut self, n: u32) {
        self.op.imm = self.i.immediate(n) as u32;
    }
    /// A memory operand that strings name implicitly: its segment, and whether the address size is 32.
    pub(super) fn string_operand(&mut self) -> bool {
        self.op.scale_segment = (self.i.memory_segment().number() as u8) << 4;
        (0..self.i.op_count()).any(|n| matches!(self.i.op_kind(n), OpKind::MemorySegESI | OpKind::MemoryESEDI | OpKind::MemorySegEDI))
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
            _ if is_x87(i.code()) || mnemonic == M::Wait => return self.escape(),
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
