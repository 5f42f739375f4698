//! Where a captured processor and the model that runs its tests differ by design, or where the capture does not tell enough.
//! Such tests are not run. What decides is the test, never what became of it.
//!
//! The differences are those of Intel's *80386 Programmer's Reference Manual*, 14.7 "Differences From 8086" and 14.8 "Differences
//! From 80286 Real-Address Mode", in its words where there are quotation marks; where they are not the manual's, the reason says so.

use super::{
    registers::Register,
    test::{Family, Test},
};
use iced_x86::{Code, CpuidFeature, Decoder, Instruction, InstructionInfoFactory, MemorySize, Mnemonic, OpKind, Register as Iced};
use turtle86::arch::{Cr0, Features, Profile, UndefinedFlags};

/// A reason why a test was not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Skip {
    /// Its name in reports.
    pub name: &'static str,
    /// In words.
    pub why: &'static str,
}
impl Skip {
    const fn new(name: &'static str, why: &'static str) -> Skip {
        Skip { name, why }
    }
}

/// The hash of the test is in a revocation list.
pub const REVOKED: Skip = Skip::new("revoked", "The suite's authors took the test back.");
/// The capture is of a processor whose rules are not known here.
pub const OTHER_PROCESSOR: Skip =
    Skip::new("other-processor", "Captures of this processor are not supported: 8086, 8088, 80286 and 386EX are.");
/// The initial state is not whole.
pub const INCOMPLETE: Skip = Skip::new("incomplete", "The initial state lacks registers, or the test has no instruction.");
/// Protected mode and others.
pub const NOT_REAL_MODE: Skip =
    Skip::new("not-real-mode", "The test does not begin in real mode, and the format has no segment descriptors.");
/// Bytes outside the machine's memory.
pub const ADDRESS: Skip = Skip::new("address", "The test has bytes above 16 MiB (8086: 1 MiB), where the machine has no memory.");

/// A rule: the reason, and the tests that it is for.
struct Difference {
    skip: Skip,
    applies: fn(&Case<'_>) -> bool,
}
const fn difference(name: &'static str, why: &'static str, applies: fn(&Case<'_>) -> bool) -> Difference {
    Difference { skip: Skip::new(name, why), applies }
}

/// A test with its instruction decoded.
pub(super) struct Case<'a> {
    pub test: &'a Test,
    pub instruction: &'a Instruction,
    pub profile: &'static Profile,
    /// The bytes without the HLT behind them.
    code: &'a [u8],
    /// The bytes behind the prefixes.
    opcode: &'a [u8],
}
impl<'a> Case<'a> {
    pub fn new(test: &'a Test, family: Family, instruction: &'a Instruction, profile: &'static Profile) -> Case<'a> {
        let code = match (family, test.bytes.split_last()) {
            (Family::I8086, _) => &test.bytes[..],
            (_, Some((0xf4, rest))) if !rest.is_empty() => rest,
            _ => &test.bytes[..],
        };
        let opcode = &code[code.iter().take_while(|byte| is_prefix(**byte)).count()..];
        Case { test, instruction, profile, code, opcode }
    }
    fn initial(&self, register: Register) -> u32 {
        self.test.initial.registers.get(register).unwrap_or(0)
    }
    fn prefixes(&self) -> &[u8] {
        &self.code[..self.code.len() - self.opcode.len()]
    }
    fn has_rep(&self) -> bool {
        self.prefixes().iter().any(|prefix| matches!(prefix, 0xf2 | 0xf3))
    }
    fn first(&self) -> u8 {
        self.opcode.first().copied().unwrap_or(0)
    }
    /// The middle field of the byte behind a one-byte opcode.
    fn digit(&self) -> u8 {
        self.opcode.get(1).map_or(0, |modrm| modrm >> 3 & 7)
    }
    fn is(&self, mnemonics: &[Mnemonic]) -> bool {
        mnemonics.contains(&self.instruction.mnemonic())
    }
    /// The source is one of these registers.
    fn reads_register(&self, among: impl Fn(Iced) -> bool) -> bool {
        self.instruction.op1_kind() == OpKind::Register && among(self.instruction.op1_register())
    }
    /// A code of a processor beyond the 286 (beyond the 8086 if that is said), or none at all.
    fn is_newer_than(&self, family: Family) -> bool {
        self.instruction.is_invalid()
            || self.instruction.cpuid_features().iter().any(|feature| match feature {
                CpuidFeature::INTEL8086 | CpuidFeature::INTEL8086_ONLY => false,
                CpuidFeature::INTEL186 | CpuidFeature::INTEL286 | CpuidFeature::INTEL286_ONLY => family == Family::I8086,
                _ => true,
            })
    }
    fn locks_what_the_386_does_not(&self) -> bool {
        let memory = (0..self.instruction.op_count()).any(|n| self.instruction.op_kind(n) == OpKind::Memory);
        self.prefixes().contains(&0xf0) && !(memory && self.instruction.op_code().can_use_lock_prefix())
    }
}

/// Segments, LOCK, REP, and the sizes that the 386 brought.
fn is_prefix(byte: u8) -> bool {
    matches!(byte, 0x26 | 0x2e | 0x36 | 0x3e | 0x64..=0x67 | 0xf0 | 0xf2 | 0xf3)
}

/// The reason not to run this test, if there is one.
pub(super) fn reason(case: &Case<'_>, family: Family) -> Option<Skip> {
    let rules = match family {
        Family::I8086 => FROM_8086,
        Family::I286 => FROM_286,
        Family::I386 => FROM_386,
        Family::Turtle86 => &[],
    };
    rules.iter().find(|rule| (rule.applies)(case)).map(|rule| rule.skip)
}
/// All reasons with their words.
pub fn reasons() -> impl Iterator<Item = Skip> {
    let rules = FROM_8086.iter().chain(FROM_286).chain(FROM_386).map(|rule| rule.skip);
    let mut all = vec![REVOKED, OTHER_PROCESSOR, INCOMPLETE, NOT_REAL_MODE, ADDRESS];
    for skip in rules {
        if !all.iter().any(|other| other.name == skip.name) {
            all.push(skip);
        }
    }
    all.into_iter()
}

const COPROCESSOR: Difference =
    difference("coprocessor", "An escape to the coprocessor: what it does depends on what the board has beside the processor.", |case| {
        matches!(case.first(), 0xd8..=0xdf | 0x9b)
    });

const FROM_8086: &[Difference] = &[
    COPROCESSOR,
    difference(
        "redundant-prefixes",
        "\"The 80386 sets a limit of 15 bytes on instruction length. [...] The 8086/8088 has no instruction length limit.\"",
        |case| case.code.len() > 15,
    ),
    difference(
        "undefined-opcode",
        "\"Opcodes that were not defined for the 8086/8088 will cause exception 6 or will execute one of the new instructions defined for the 80386.\"",
        |case| {
            let undefined_form = match case.first() {
                0xd0..=0xd3 => case.digit() == 6,
                0x8c => case.digit() > 3,
                0x8e => case.digit() > 3 || case.digit() == 1,
                0xc6 | 0xc7 | 0x8f => case.digit() != 0,
                0xf1 => true,
                _ => false,
            };
            undefined_form || case.prefixes().iter().any(|prefix| matches!(prefix, 0x64..=0x67)) || case.is_newer_than(Family::I8086)
        },
    ),
    difference(
        "push-sp",
        "\"The 80386 pushes the value of SP before SP is incremented as part of the push operation; the 8086/8088 pushes the value of SP after it is incremented.\"",
        |case| case.is(&[Mnemonic::Push]) && case.instruction.op0_register() == Iced::SP,
    ),
    difference("shift-count", "\"The 80386 masks all shift and rotate counts to the low-order five bits.\"", |case| {
        matches!(case.first(), 0xd2 | 0xd3) && case.initial(Register::Ecx) & 0xff > 31
    }),
    difference(
        "divide-exception",
        "\"Divide exceptions on the 80386 always leave the saved CS:IP value pointing to the instruction that failed. On the 8086/8088, the CS:IP value points to the next instruction.\" And -80h or -8000h is a quotient of IDIV on the 80386, and an exception on the 8086/8088.",
        // DIV moves SP only by an exception.
        |case| case.is(&[Mnemonic::Div, Mnemonic::Idiv, Mnemonic::Aam]) && case.test.after.registers.get(Register::Esp).is_some(),
    ),
    difference(
        "decimal-adjust",
        "AAA and AAS of the 8086 adjust AL and AH apart, the 80386 all of AX; DAA and DAS compare AL with another limit while AF is set. Digits of decimal numbers do not come to that.",
        |case| {
            let al = case.initial(Register::Eax) & 0xff;
            let af = case.initial(Register::Eflags) & 0x10 != 0;
            let adjusts = af || al & 0xf > 9;
            match case.instruction.mnemonic() {
                Mnemonic::Aaa => adjusts && al > 0xf9,
                Mnemonic::Aas => adjusts && al < 6,
                Mnemonic::Daa | Mnemonic::Das => af && (0x9a..=0x9f).contains(&al),
                _ => false,
            }
        },
    ),
    difference(
        "rep-multiply",
        "A REP prefix turns round the sign that the 8086's microcode keeps for MUL, IMUL, DIV and IDIV; the manual does not define it.",
        |case| case.has_rep() && case.is(&[Mnemonic::Mul, Mnemonic::Imul, Mnemonic::Div, Mnemonic::Idiv]),
    ),
    difference(
        "lock",
        "The 80386 takes LOCK before certain instructions with an operand in memory alone, and answers others with exception 6.",
        |case| case.locks_what_the_386_does_not(),
    ),
    difference("code-wraps", "Execution across offset 65535: the 8086 goes on at offset 0, on the 80386 it is exception 13.", |case| {
        case.initial(Register::Eip).saturating_add(case.code.len() as u32) > 0xffff
    }),
    difference(
        "operand-wraps",
        "An operand across offset 65535: the 8086 takes the other byte from offset 0, on the 80386 it is exception 13, on the stack 12.",
        operand_wraps,
    ),
];

const FROM_286: &[Difference] = &[
    COPROCESSOR,
    difference(
        "undefined-opcode",
        "An opcode or a prefix that the 80286 answers with exception 6, or knows alone, and that the 80386 defined anew.",
        |case| {
            let prefixed = case.prefixes().iter().any(|prefix| matches!(prefix, 0x64..=0x67));
            prefixed || case.first() == 0xf1 || (case.is_newer_than(Family::I286) && !case.instruction.is_invalid())
        },
    ),
    difference("redundant-prefixes", "The 80286 sets a limit of 10 bytes on instruction length, the 80386 one of 15.", |case| {
        case.code.len() > 10
    }),
    difference(
        "lock",
        "The 80386 takes LOCK before certain instructions with an operand in memory alone, and answers others with exception 6.",
        |case| case.locks_what_the_386_does_not(),
    ),
    difference(
        "machine-status-word",
        "The machine status word has other reserved bits on the 80386, where it is the low half of CR0.",
        |case| case.is(&[Mnemonic::Smsw]),
    ),
    TABLE_REGISTERS,
];

const TABLE_REGISTERS: Difference =
    difference("table-registers", "SGDT and SIDT store registers that the capture does not tell.", |case| {
        case.is(&[Mnemonic::Sgdt, Mnemonic::Sidt])
    });

const FROM_386: &[Difference] = &[
    COPROCESSOR,
    TABLE_REGISTERS,
    difference(
        "control-register",
        "The instruction shows reserved bits of CR0, which differ between the steppings of the 80386; run it on a 386ex.",
        |case| {
            let shown = case.profile.cr0_shown | case.profile.cr0_fixed;
            let defined = Cr0::PE | Cr0::MP | Cr0::EM | Cr0::TS | Cr0::PG;
            let reads = case.is(&[Mnemonic::Smsw]) || case.reads_register(|register| register == Iced::CR0);
            reads && (case.initial(Register::Cr0) ^ shown.0) & !defined.0 != 0
        },
    ),
    difference(
        "unseen-register",
        "The instruction reads a register that the capture does not tell: CR2, DR0 to DR3, a test register.",
        |case| case.reads_register(|register| register == Iced::CR2 || (Iced::DR0..=Iced::DR3).contains(&register) || register.is_tr()),
    ),
    difference("debug-registers", "The test begins with breakpoints or debug status set.", |case| {
        let reset = case.profile.reset;
        case.initial(Register::Dr7) != reset.dr7 && case.initial(Register::Dr7) & 0x20ff != 0
            || (case.initial(Register::Dr6) ^ reset.dr6) & 0xe00f != 0
    }),
    difference(
        "scaled-no-index",
        "A SIB byte that scales and has no index: its address is undefined by the Intel386 DX data sheet, and the 80386 scales the base.",
        scales_no_index,
    ),
    difference("lock-bt", "LOCK BT: the manual allows it, the 386EX that was captured refuses it; run it on a 386ex.", |case| {
        case.profile.has(Features::LOCK_BT) && case.instruction.has_lock_prefix() && case.is(&[Mnemonic::Bt])
    }),
    difference(
        "prefetched",
        "The instruction stores into the bytes behind it, which the 80386 has in its prefetch queue already.",
        |case| {
            let base = (case.initial(Register::Cs) & 0xffff) << 4;
            let start = base.wrapping_add(case.initial(Register::Eip));
            let queue = start..start.saturating_add(case.test.bytes.len() as u32);
            case.test.after.ram.iter().any(|(address, _)| queue.contains(address))
        },
    ),
    difference(
        "idiv-of-the-386",
        "IDIV with an 8-bit operand and a quotient of -128: the 80386 misses some overflows, later processors do not.",
        |case| {
            let quotient = case.test.after.registers.get(Register::Eax).unwrap_or(case.initial(Register::Eax)) & 0xff;
            let missed = case.is(&[Mnemonic::Idiv]) && case.first() == 0xf6 && case.test.exception.is_none() && quotient == 0x80;
            missed && case.profile.undefined != UndefinedFlags::I386
        },
    ),
];

fn scales_no_index(case: &Case<'_>) -> bool {
    let i = case.instruction;
    let has_memory = (0..i.op_count()).any(|n| i.op_kind(n) == OpKind::Memory);
    let wide = i.memory_base().is_gpr32() || i.memory_displ_size() == 4;
    has_memory && wide && i.memory_index() == Iced::None && i.memory_index_scale() != 1
}

/// A word or more of the operand lies on both sides of the end of its segment.
fn operand_wraps(case: &Case<'_>) -> bool {
    let crosses = |offset: u32, size: u32| (offset & 0xffff) + size > 0x1_0000;
    let i = case.instruction;
    let sp = case.initial(Register::Esp);
    if case.is(&[Mnemonic::Int, Mnemonic::Int3, Mnemonic::Into]) {
        return (1..=3).any(|n| crosses(sp.wrapping_sub(2 * n), 2));
    }
    let size = i.memory_size().size() as u32;
    let string = |kinds: &[OpKind]| (0..i.op_count()).any(|n| kinds.contains(&i.op_kind(n)));
    let (source, target) = (string(&[OpKind::MemorySegSI]), string(&[OpKind::MemoryESDI]));
    if source || target {
        let count = if case.has_rep() { case.initial(Register::Ecx) & 0xffff } else { 1 };
        let down = case.initial(Register::Eflags) & 0x400 != 0;
        let wraps =
            |start: u32| (0..count).any(|n| crosses(if down { start.wrapping_sub(n * size) } else { start.wrapping_add(n * size) }, size));
        return source && wraps(case.initial(Register::Esi)) || target && wraps(case.initial(Register::Edi));
    }
    let mut factory = InstructionInfoFactory::new();
    factory.info(i).used_memory().iter().any(|memory| {
        let at = memory.virtual_address(0, |register, _, _| Some(value_of(case, register)));
        let size = match memory.memory_size() {
            // CALL and RET far: two words.
            MemorySize::Unknown => 4,
            size => size.size() as u32,
        };
        at.is_some_and(|at| crosses(at as u32, size))
    })
}
/// A register as an address is made of it; segments count nothing.
fn value_of(case: &Case<'_>, register: Iced) -> u64 {
    let wanted = match register.full_register32() {
        Iced::EBX => Register::Ebx,
        Iced::ESP => Register::Esp,
        Iced::EBP => Register::Ebp,
        Iced::ESI => Register::Esi,
        Iced::EDI => Register::Edi,
        Iced::EAX => Register::Eax,
        _ => return 0,
    };
    u64::from(case.initial(wanted)) & if register.size() == 1 { 0xff } else { 0xffff }
}

/// Decodes the instruction of a test.
pub(super) fn decode(test: &Test, options: u32) -> Instruction {
    let ip = test.initial.registers.get(Register::Eip).unwrap_or(0);
    let mut instruction = Instruction::default();
    Decoder::with_ip(16, &test.bytes, ip.into(), options).decode_out(&mut instruction);
    if instruction.code() == Code::Nopw && test.bytes.is_empty() {
        instruction.set_code(Code::INVALID);
    }
    instruction
}
