//! The instruction table: every form that some model has, with its operands, flags and the rule that refuses it elsewhere.

use super::{Context, lower, rules};
use iced_x86::{Code, Decoder, InstructionInfoFactory, MemorySize, OpAccess, RflagsBits};
use serde::Serialize;
use std::collections::BTreeMap;
use turtle86_arch::Model;
use turtle86_mmu::Mode;

/// One form of one instruction.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct Form {
    /// As the manual prints it: `ADD r/m32, r32`.
    pub form: String,
    /// The opcode, as the manual prints it.
    pub opcode: String,
    /// iced-x86's name of it.
    pub code: String,
    /// What executes it: the semantics of this mnemonic, or the architecture's way out.
    pub handler: String,
    /// Operands read, `memory` among them.
    pub reads: Vec<String>,
    /// Operands written.
    pub writes: Vec<String>,
    /// Status and control flags read.
    pub flags_read: Vec<&'static str>,
    /// Flags set by the result, cleared or set.
    pub flags_written: Vec<&'static str>,
    /// Flags that the manual leaves undefined.
    pub flags_undefined: Vec<&'static str>,
    /// Exceptions that it can raise by itself, beside those of fetching and of its memory operand.
    pub exceptions: Vec<&'static str>,
    /// The first model that has it.
    pub first_model: &'static str,
}

fn flags(bits: u32) -> Vec<&'static str> {
    let names = [
        (RflagsBits::OF, "OF"),
        (RflagsBits::SF, "SF"),
        (RflagsBits::ZF, "ZF"),
        (RflagsBits::AF, "AF"),
        (RflagsBits::CF, "CF"),
        (RflagsBits::PF, "PF"),
        (RflagsBits::DF, "DF"),
        (RflagsBits::IF, "IF"),
        (RflagsBits::AC, "AC"),
    ];
    names.into_iter().filter(|(bit, _)| bits & bit != 0).map(|(_, name)| name).collect()
}

/// All forms, in the order of iced's codes. Found by decoding every opcode in both operand and address sizes, with both register
/// and memory operands, as every model does.
pub fn instruction_table() -> Vec<Form> {
    let mut forms: BTreeMap<usize, Form> = BTreeMap::new();
    for model in Model::ALL {
        let profile = model.profile();
        let options = rules::decoder_options(profile);
        let context = Context { profile, mode: Mode::default(), limit: !0 };
        for bytes in every_opcode() {
            for bits in [16, 32] {
                let instruction = Decoder::with_ip(bits, &bytes, 0, options).decode();
                let code = instruction.code();
                if code == Code::INVALID || forms.contains_key(&(code as usize)) || lower(&instruction, &context).is_err() {
                    continue;
                }
                forms.insert(code as usize, describe(&instruction, profile.name));
            }
        }
    }
    forms.into_values().collect()
}

/// Bytes that begin with every opcode and prefix that matters, register and memory forms.
pub(crate) fn every_opcode() -> impl Iterator<Item = [u8; 16]> {
    let prefixes: [&[u8]; 8] = [&[], &[0x66], &[0x67], &[0x66, 0x67], &[0xf3], &[0xf2], &[0x66, 0xf3], &[0x9b]];
    prefixes.into_iter().flat_map(move |prefix| {
        (0..512u32).flat_map(move |opcode| {
            (0..256u32).filter(|modrm| matches!(modrm >> 6, 0 | 3)).map(move |modrm| {
                let mut bytes = [0; 16];
                let mut at = prefix.len();
                bytes[..at].copy_from_slice(prefix);
                if opcode >= 256 {
                    bytes[at] = 0x0f;
                    at += 1;
                }
                bytes[at] = opcode as u8;
                bytes[at + 1] = modrm as u8;
                bytes
            })
        })
    })
}

fn describe(instruction: &iced_x86::Instruction, first_model: &'static str) -> Form {
    let code = instruction.code();
    let op_code = code.op_code();
    let mut factory = InstructionInfoFactory::new();
    let info = factory.info(instruction);
    let mut reads = Vec::new();
    let mut writes = Vec::new();
    let mut note = |name: String, access: OpAccess| {
        let read = matches!(access, OpAccess::Read | OpAccess::CondRead | OpAccess::ReadWrite | OpAccess::ReadCondWrite);
        let write = matches!(access, OpAccess::Write | OpAccess::CondWrite | OpAccess::ReadWrite | OpAccess::ReadCondWrite);
        for (is, list) in [(read, &mut reads), (write, &mut writes)] {
            if is && !list.contains(&name) {
                list.push(name.clone());
            }
        }
    };
    for register in info.used_registers() {
        note(format!("{:?}", register.register()), register.access());
    }
    for memory in info.used_memory() {
        note(memory_name(memory.memory_size()), memory.access());
    }
    let x87 = rules::is_x87(code);
    let handler = if x87 { "escape (#NM without an FPU)".to_string() } else { format!("{:?}", code.mnemonic()).to_lowercase() };
    Form {
        form: op_code.instruction_string().to_string(),
        opcode: op_code.op_code_string().to_string(),
        code: format!("{code:?}"),
        handler,
        reads,
        writes,
        flags_read: flags(instruction.rflags_read()),
        flags_written: flags(instruction.rflags_written() | instruction.rflags_cleared() | instruction.rflags_set()),
        flags_undefined: flags(instruction.rflags_undefined()),
        exceptions: exceptions(instruction, x87),
        first_model,
    }
}
fn memory_name(size: MemorySize) -> String {
    match size.size() {
        0 => "memory".into(),
        n => format!("memory{}", n * 8),
    }
}
/// What the pages of the manual list, beside the faults that every fetch and every memory operand can raise.
fn exceptions(instruction: &iced_x86::Instruction, x87: bool) -> Vec<&'static str> {
    use iced_x86::Mnemonic as M;
    let mut list = Vec::new();
    let stack = instruction.is_stack_instruction();
    let memory = (0..instruction.op_count()).any(|n| {
        !matches!(
            instruction.op_kind(n),
            iced_x86::OpKind::Register
                | iced_x86::OpKind::NearBranch16
                | iced_x86::OpKind::NearBranch32
                | iced_x86::OpKind::FarBranch16
                | iced_x86::OpKind::FarBranch32
                | iced_x86::OpKind::Immediate8
                | iced_x86::OpKind::Immediate8_2nd
                | iced_x86::OpKind::Immediate16
                | iced_x86::OpKind::Immediate32
                | iced_x86::OpKind::Immediate8to16
                | iced_x86::OpKind::Immediate8to32
        )
    });
    match instruction.mnemonic() {
        M::Div | M::Idiv | M::Aam => list.push("#DE"),
        M::Bound => list.push("#BR"),
        M::Into => list.push("#OF"),
        M::Int3 => list.push("#BP"),
        M::Int1 => list.push("#DB"),
        M::Ud0 | M::Ud1 | M::Ud2 | M::Arpl | M::Lar | M::Lsl | M::Verr | M::Verw | M::Lldt | M::Ltr | M::Sldt | M::Str => list.push("#UD"),
        M::Wait => list.push("#NM"),
        _ if x87 => list.push("#NM"),
        _ => {}
    }
    let control = matches!(
        instruction.flow_control(),
        iced_x86::FlowControl::UnconditionalBranch
            | iced_x86::FlowControl::IndirectBranch
            | iced_x86::FlowControl::ConditionalBranch
            | iced_x86::FlowControl::Call
            | iced_x86::FlowControl::IndirectCall
            | iced_x86::FlowControl::Return
            | iced_x86::FlowControl::Interrupt
    );
    let selector = (0..instruction.op_count())
        .any(|n| instruction.op_kind(n) == iced_x86::OpKind::Register && instruction.op_register(n).is_segment_register());
    if memory || instruction.is_privileged() || control || selector {
        list.push("#GP");
    }
    if stack || memory {
        list.push("#SS");
    }
    if selector || matches!(instruction.mnemonic(), M::Retf | M::Iret | M::Iretd | M::Lldt | M::Ltr) {
        list.push("#NP");
    }
    if stack || memory {
        list.push("#PF");
    }
    list
}
