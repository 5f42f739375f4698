//! Cases out of random numbers: instructions by form, states with values at the edges, operands where something happens.

use super::{
    case::{CHOSEN_FLAGS, Case},
    world::{ARENA, ARENA_PAGES, PAGE, World, selector},
};
use iced_x86::{
    Code, ConstantOffsets, Decoder, Instruction, MandatoryPrefix, Mnemonic, OpCodeOperandKind, OpCodeTableKind, OpKind, Register,
};
use rand::{RngExt, SeedableRng, seq::IndexedRandom};
use regex::Regex;
use std::collections::{HashMap, HashSet};
use turtle86::{
    Machine,
    arch::{Eflags, Gpr, Model, SegmentRegister},
    instruction_table,
};

/// The source of random numbers: small, fast, and the same on every platform and in every version.
pub type Entropy = rand_xoshiro::Xoshiro256PlusPlus;

/// What a case executes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Shape {
    /// One instruction of a form of the instruction table.
    Form {
        /// As the manual prints it.
        name: String,
        /// iced-x86's code.
        code: u32,
    },
    /// Two to four instructions of any forms.
    Block,
    /// Bytes.
    Raw,
}
impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Shape::Form { name, .. } => f.write_str(name),
            Shape::Block => f.write_str("blocks of instructions"),
            Shape::Raw => f.write_str("raw bytes"),
        }
    }
}

/// The forms of a model that user mode on the host can run.
#[derive(Clone)]
pub struct Forms {
    shapes: Vec<Shape>,
    codes: Vec<Code>,
    known: HashSet<Code>,
    decoder_options: u32,
}

/// What a host does otherwise on purpose: identification, time, what its kernel emulates, and what the oracle does not do yet.
pub(crate) const LEFT_OUT: [&str; 12] =
    ["CPUID", "RDTSC", "RDPMC", "SGDT", "SIDT", "SLDT", "SMSW", "STR", "SYSCALL", "SYSENTER", "SYSEXIT", "SYSRET"];
pub(crate) fn is_left_out(mnemonic: Mnemonic) -> Option<&'static str> {
    Some(match mnemonic {
        Mnemonic::Cpuid => "names the processor",
        Mnemonic::Rdtsc | Mnemonic::Rdpmc => "reads a counter",
        Mnemonic::Sgdt | Mnemonic::Sidt | Mnemonic::Sldt | Mnemonic::Smsw | Mnemonic::Str => "the host's kernel may emulate it (UMIP)",
        Mnemonic::Syscall | Mnemonic::Sysenter | Mnemonic::Sysexit | Mnemonic::Sysret => "enters the host's kernel",
        _ => return None,
    })
}

impl Forms {
    /// All forms of a model whose name matches, with blocks and raw bytes among them if `filter` is none or matches their names.
    pub fn new(model: Model, filter: Option<&Regex>) -> Forms {
        let machine = Machine::builder(model).ram(0x1000).build();
        let decoder_options = machine.map_or(0, |machine| machine.cpu.decoder_options());
        let by_name: HashMap<String, Code> = Code::values().map(|code| (format!("{code:?}"), code)).collect();
        let first = |name: &str| name.parse::<Model>().unwrap_or_default();
        let mut forms = Forms { shapes: Vec::new(), codes: Vec::new(), known: HashSet::new(), decoder_options };
        for form in instruction_table() {
            let Some(code) = by_name.get(&form.code).copied() else { continue };
            let x87 = form.handler.starts_with("escape");
            if x87 || first(form.first_model) > model || is_left_out(code.mnemonic()).is_some() {
                continue;
            }
            // What later models dropped has no bytes here.
            let mut random = Entropy::seed_from_u64(0);
            if [16, 32].into_iter().all(|bits| forms.instruction(code, bits, &mut random).is_none()) {
                continue;
            }
            forms.codes.push(code);
            forms.known.insert(code);
            forms.shapes.push(Shape::Form { name: form.form, code: code as u32 });
        }
        forms.shapes.extend([Shape::Block, Shape::Raw]);
        if let Some(filter) = filter {
            forms.shapes.retain(|shape| filter.is_match(&shape.to_string()));
        }
        forms
    }
    /// What can be generated.
    pub fn shapes(&self) -> &[Shape] {
        &self.shapes
    }
    /// The model has this code, and user mode on the host can run it.
    pub(crate) fn has(&self, code: Code) -> bool {
        self.known.contains(&code)
    }
    /// How the model decodes.
    pub fn decoder_options(&self) -> u32 {
        self.decoder_options
    }
    /// A case of a shape in a world.
    pub fn case(&self, shape: &Shape, world: &World, random: &mut Entropy) -> Case {
        let mut case = surroundings(world, random);
        let bits = code_bits(&case, world);
        let codes = match shape {
            Shape::Form { code, .. } => Code::try_from(*code as usize).into_iter().collect(),
            Shape::Block => (0..random.random_range(2..=4)).filter_map(|_| self.codes.choose(random).copied()).collect(),
            Shape::Raw => Vec::new(),
        };
        for code in codes {
            if let Some(bytes) = self.instruction(code, bits, random) {
                case.code.extend(bytes);
            }
        }
        if *shape == Shape::Raw {
            case.code = (0..random.random_range(1..=16)).map(|_| random.random()).collect();
            // Most opcodes lie behind 0F, and most interesting bytes come first.
            if random.random_bool(0.3) {
                case.code[0] = 0x0f;
            }
        }
        place_code(&mut case, world, random);
        let decoded: Vec<Instruction> = Decoder::with_ip(bits, &case.code, case.eip.into(), self.decoder_options).into_iter().collect();
        for (n, instruction) in decoded.iter().enumerate() {
            if n == 0 || random.random_bool(0.3) {
                aim(&mut case, instruction, world, random);
            }
        }
        case
    }
    /// Bytes of one instruction of a code, with prefixes now and then; none if the code cannot be reached at this width.
    pub fn instruction(&self, code: Code, bits: u32, random: &mut Entropy) -> Option<Vec<u8>> {
        (0..64).find_map(|_| self.try_instruction(code, bits, random))
    }
    fn try_instruction(&self, code: Code, bits: u32, random: &mut Entropy) -> Option<Vec<u8>> {
        let form = code.op_code();
        let kinds = form.op_kinds();
        let mut prefixes = Vec::new();
        let other_width = |size: u32| size != 0 && size != bits;
        if other_width(form.operand_size()) || form.mandatory_prefix() == MandatoryPrefix::P66 {
            prefixes.push(0x66);
        }
        if other_width(form.address_size()) || form.address_size() == 0 && random.random_bool(0.2) {
            prefixes.push(0x67);
        }
        match form.mandatory_prefix() {
            MandatoryPrefix::PF3 => prefixes.push(0xf3),
            MandatoryPrefix::PF2 => prefixes.push(0xf2),
            _ => {}
        }
        if random.random_bool(0.12) {
            prefixes.push(*[0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65].choose(random).unwrap_or(&0x3e));
        }
        if random.random_bool(0.03) {
            prefixes.push(0xf0);
        }
        let repeatable = form.can_use_rep_prefix() || form.can_use_repne_prefix();
        if random.random_bool(if repeatable { 0.6 } else { 0.02 }) {
            prefixes.push(if random.random_bool(0.5) { 0xf2 } else { 0xf3 });
        }
        if random.random_bool(0.3) {
            let n = prefixes.len();
            if n > 1 {
                prefixes.swap(0, random.random_range(1..n));
            }
        }
        let mut bytes = prefixes;
        if form.table() == OpCodeTableKind::T0F {
            bytes.push(0x0f);
        }
        let opcode = form.op_code();
        let in_opcode = kinds
            .iter()
            .any(|kind| matches!(kind, OpCodeOperandKind::r8_opcode | OpCodeOperandKind::r16_opcode | OpCodeOperandKind::r32_opcode));
        if form.op_code_len() == 2 {
            bytes.push((opcode >> 8) as u8);
        }
        bytes.push(opcode as u8 | if in_opcode { random.random_range(0..8) } else { 0 });
        let start = bytes.len();
        let register = random.random_bool(0.4);
        let modrm: u8 = random.random();
        bytes.push(if register { modrm | 0xc0 } else { modrm & 0x3f | random.random_range(0..3) << 6 });
        bytes.extend((0..11).map(|_| random.random::<u8>()));
        if form.is_group() {
            bytes[start] = bytes[start] & 0xc7 | (form.group_index() as u8) << 3;
        }
        let mut decoder = Decoder::new(bits, &bytes, self.decoder_options);
        let instruction = decoder.decode();
        if instruction.code() != code || instruction.len() > 15 {
            return None;
        }
        let constants = decoder.get_constant_offsets(&instruction);
        bytes.truncate(instruction.len());
        settle_constants(&mut bytes, &constants, &instruction, random);
        Some(bytes)
    }
}

/// Immediates and displacements of values that matter more than random ones.
fn settle_constants(bytes: &mut [u8], constants: &ConstantOffsets, instruction: &Instruction, random: &mut Entropy) {
    let branch = matches!(instruction.op_kind(0), OpKind::NearBranch16 | OpKind::NearBranch32);
    if constants.has_immediate() && !branch {
        let (at, size) = (constants.immediate_offset(), constants.immediate_size());
        if random.random_bool(0.6) {
            put(bytes, at, size, edge(random));
        }
        if constants.has_immediate2() {
            // ENTER's level, or the selector of a far pointer.
            let (at, size) = (constants.immediate_offset2(), constants.immediate_size2());
            let value = if size == 2 { random.random_range(0..64) << 3 | 7 } else { random.random_range(0..4) };
            if random.random_bool(0.8) {
                put(bytes, at, size, value);
            }
        }
        if instruction.mnemonic() == Mnemonic::Enter && random.random_bool(0.8) {
            put(bytes, at, size, random.random_range(0..0x200));
        }
        if matches!(instruction.op_kind(0), OpKind::FarBranch16 | OpKind::FarBranch32) {
            put(bytes, at, size, random.random_range(0..0x1fff));
        }
    }
    if branch && constants.has_immediate() && constants.immediate_size() > 1 && random.random_bool(0.7) {
        put(bytes, constants.immediate_offset(), constants.immediate_size(), random.random_range(0..0x400u32).wrapping_sub(0x200));
    }
    if constants.has_displacement() && constants.displacement_size() > 1 && random.random_bool(0.7) {
        put(bytes, constants.displacement_offset(), constants.displacement_size(), edge(random));
    }
}
fn put(bytes: &mut [u8], at: usize, size: usize, value: u32) {
    if let Some(place) = bytes.get_mut(at..at + size) {
        place.copy_from_slice(&value.to_le_bytes()[..size]);
    }
}

/// Values at which something happens: 0, 1, sign bits, carries, ends of pages and of 16-bit offsets; or small ones, or any.
pub(crate) fn edge(random: &mut Entropy) -> u32 {
    const EDGES: [u32; 24] = [
        0,
        1,
        2,
        3,
        7,
        8,
        0xf,
        0x10,
        0x1f,
        0x20,
        0x7f,
        0x80,
        0xff,
        0x100,
        0x7fff,
        0x8000,
        0xffff,
        0x1_0000,
        0x7fff_ffff,
        0x8000_0000,
        0xffff_ff80,
        0xffff_8000,
        0xffff_fffe,
        0xffff_ffff,
    ];
    match random.random_range(0..8) {
        0..=4 => EDGES.choose(random).copied().unwrap_or(0),
        5 => random.random_range(0..64),
        // Edges of each half and byte at once.
        6 => {
            let bytes = std::array::from_fn(|_| [0, 1, 0x0f, 0x7f, 0x80, 0x99, 0xf0, 0xff].choose(random).copied().unwrap_or(0));
            u32::from_le_bytes(bytes)
        }
        _ => random.random(),
    }
}
/// An edge, a selector, an address in the arena, an offset of 16 bits into it, or any value.
pub(crate) fn interesting(random: &mut Entropy, world: &World) -> u32 {
    match random.random_range(0..10) {
        0..=3 => edge(random),
        4 => some_selector(random, world).into(),
        5 => ARENA + random.random_range(0..(ARENA_PAGES * PAGE) as u32),
        6 => random.random_range(0..0x1_0000),
        _ => random.random(),
    }
}
fn some_selector(random: &mut Entropy, world: &World) -> u16 {
    match random.random_range(0..10) {
        0 => random.random_range(0..4),
        1 => [0x08, 0x10, 0x18, 0x23, 0x2b, 0x40, 0x50, 0x88, 0xfffc][random.random_range(0..9)] | random.random_range(0..4),
        2 => (world.ldt().len() as u16 + random.random_range(0..4)) << 3 | 7,
        _ => random.random_range(0..world.ldt().len() as u16) << 3 | if random.random_bool(0.8) { 7 } else { random.random_range(4..8) },
    }
}

/// How wide code is in the segment of CS.
pub(crate) fn code_bits(case: &Case, world: &World) -> u32 {
    let cs = world.descriptor(case.segments[SegmentRegister::Cs as usize]).unwrap_or_default();
    if cs.rights().is_32_bit() { 32 } else { 16 }
}

/// Registers, flags and segments.
fn surroundings(world: &World, random: &mut Entropy) -> Case {
    let wide = random.random_bool(0.5);
    let mut case = if wide { Case::code32(&[]) } else { Case::code16(&[]) };
    let mut choose = |random: &mut Entropy, register: SegmentRegister, from: &[u16]| {
        if let Some(selector) = from.choose(random) {
            case.segments[register as usize] = *selector;
        }
    };
    if random.random_bool(0.25) {
        choose(random, SegmentRegister::Cs, &world.code);
    }
    if random.random_bool(0.35) {
        choose(random, SegmentRegister::Ss, &world.stacks);
    }
    for register in [SegmentRegister::Es, SegmentRegister::Ds, SegmentRegister::Fs, SegmentRegister::Gs] {
        match random.random_range(0..20) {
            0 => choose(random, register, &[0]),
            1..=7 => choose(random, register, &world.data),
            _ => {}
        }
    }
    for n in 0..8 {
        case.registers[n] = interesting(random, world);
        if random.random_bool(0.1) {
            case.registers[n] = case.registers[random.random_range(0..8)].wrapping_add([0, 0, 1, !0][random.random_range(0..4)]);
        }
    }
    if random.random_bool(0.9) {
        let page = [7, 7, 7, 7, 7, 7, 4, 15][random.random_range(0..8)];
        let inside = match random.random_range(0..8) {
            0 => random.random_range(0..12),
            1 => 0x1000 - random.random_range(0..12),
            _ => random.random_range(0..0x400) * 4,
        };
        let ss = world.descriptor(case.segments[SegmentRegister::Ss as usize]).unwrap_or_default();
        let offset = (ARENA + page * 0x1000 + inside).wrapping_sub(ss.base());
        let esp = &mut case.registers[Gpr::Esp as usize];
        *esp = if ss.rights().is_32_bit() { offset } else { *esp & 0xffff_0000 | offset & 0xffff };
        if random.random_bool(0.7) {
            case.registers[Gpr::Ebp as usize] = offset.wrapping_add(random.random_range(0..0x80));
        }
    }
    case.eflags = Eflags(random.random::<u32>()) & CHOSEN_FLAGS & !Eflags::TF;
    if random.random_bool(0.03) {
        case.eflags |= Eflags::TF;
    }
    case
}

/// Chooses where the code lies: inside a page, over the end of one, before a missing one, before the limit of CS.
fn place_code(case: &mut Case, world: &World, random: &mut Entropy) {
    let cs = world.descriptor(case.segments[SegmentRegister::Cs as usize]).unwrap_or_default();
    let length = case.code.len() as u32;
    let most = if cs.rights().is_32_bit() { cs.limit() } else { cs.limit().min(0xffff) };
    let linear = match random.random_range(0..10) {
        0 => ARENA + 0x1000 - random.random_range(0..=length),
        1 => ARENA + 0x2000 - random.random_range(1..=length.max(1)),
        2 => cs.base().wrapping_add(most).wrapping_sub(random.random_range(0..=length)),
        _ => ARENA + 0x100 + random.random_range(0..0x200),
    };
    let fits = |linear: u32| (ARENA..ARENA + 0x2000).contains(&linear) && linear.wrapping_sub(cs.base()) <= most;
    let linear = if fits(linear) { linear } else { ARENA + 0x100 };
    if fits(linear) {
        case.eip = linear.wrapping_sub(cs.base());
    } else {
        // A segment that misses the code pages: the plain one of its width instead.
        let code = if cs.rights().is_32_bit() { selector::FLAT_CODE } else { selector::CODE16 };
        case.segments[SegmentRegister::Cs as usize] = code;
        case.eip = if code == selector::FLAT_CODE { ARENA + 0x100 } else { 0x100 };
    }
}

/// Chooses registers so that the instruction finds its operands, and what they hold.
fn aim(case: &mut Case, instruction: &Instruction, world: &World, random: &mut Entropy) {
    use Mnemonic as M;
    let mnemonic = instruction.mnemonic();
    if instruction.has_rep_prefix() || instruction.has_repne_prefix() || matches!(mnemonic, M::Loop | M::Loope | M::Loopne) {
        let ecx = &mut case.registers[Gpr::Ecx as usize];
        if random.random_bool(0.9) {
            *ecx = random.random_range(0..40) | if random.random_bool(0.2) { *ecx & 0xffff_0000 } else { 0 };
        }
    }
    match mnemonic {
        M::Div | M::Idiv if random.random_bool(0.7) => {
            // The high half small, or the sign of the low one.
            let sign = |negative: bool| if negative { !0u32 } else { 0 };
            let eax = case.registers[Gpr::Eax as usize];
            let small = random.random_range(0..4);
            match instruction.op0_register().size().max(instruction.memory_size().size()) {
                1 => {
                    case.registers[Gpr::Eax as usize] =
                        if random.random_bool(0.5) { eax as i8 as i16 as u32 } else { eax & 0xff | small << 8 }
                }
                2 => case.registers[Gpr::Edx as usize] = if random.random_bool(0.5) { sign(eax & 0x8000 != 0) } else { small },
                _ => case.registers[Gpr::Edx as usize] = if random.random_bool(0.5) { sign(eax & 0x8000_0000 != 0) } else { small },
            }
        }
        M::Sahf | M::Aaa | M::Aas | M::Daa | M::Das | M::Aad | M::Aam => case.registers[Gpr::Eax as usize] = random.random(),
        _ => {}
    }
    let shift = instruction.op_count() > 1
        && (0..instruction.op_count())
            .any(|n| n > 0 && instruction.op_kind(n) == OpKind::Register && instruction.op_register(n) == Register::CL);
    if shift && random.random_bool(0.8) {
        let ecx = &mut case.registers[Gpr::Ecx as usize];
        *ecx = *ecx & !0xff | random.random_range(0..36);
    }
    if matches!(mnemonic, M::Bt | M::Bts | M::Btr | M::Btc) && instruction.op1_kind() == OpKind::Register && random.random_bool(0.8) {
        let n = instruction.op1_register().number() & 7;
        case.registers[n] = random.random_range(0..512u32).wrapping_sub(256);
    }
    let loads_segment =
        (0..instruction.op_count()).any(|n| instruction.op_kind(n) == OpKind::Register && instruction.op_register(n).is_segment_register());
    let selector_operand = loads_segment || matches!(mnemonic, M::Lar | M::Lsl | M::Verr | M::Verw | M::Arpl);
    if selector_operand && random.random_bool(0.9) {
        for n in 0..instruction.op_count() {
            let register = instruction.op_register(n);
            if instruction.op_kind(n) == OpKind::Register && register.is_gpr() && random.random_bool(0.9) {
                let value = &mut case.registers[register.full_register32().number() & 7];
                *value = *value & 0xffff_0000 | u32::from(some_selector(random, world));
            }
        }
    }
    let transfer = matches!(mnemonic, M::Ret | M::Retf | M::Iret | M::Iretd | M::Popf | M::Popfd | M::Pop | M::Jmp | M::Call | M::Leave);
    if instruction.is_stack_instruction() && transfer && random.random_bool(0.8) {
        let at = stack_top(case, world);
        let wide = matches!(mnemonic, M::Iretd | M::Popfd)
            || matches!(instruction.code(), Code::Retnd | Code::Retnd_imm16 | Code::Retfd | Code::Retfd_imm16);
        let bytes = stack_image(case, wide, world, random);
        case.memory.push((at, bytes));
    }
    let explicit = (0..instruction.op_count()).any(|n| instruction.op_kind(n) == OpKind::Memory);
    if explicit && random.random_bool(0.9) {
        aim_memory(case, instruction, world, random);
    }
    for n in 0..instruction.op_count() {
        let (register, wide) = match instruction.op_kind(n) {
            OpKind::MemorySegSI | OpKind::MemoryESDI if random.random_bool(0.9) => {
                (if instruction.op_kind(n) == OpKind::MemorySegSI { Gpr::Esi } else { Gpr::Edi }, false)
            }
            OpKind::MemorySegESI if random.random_bool(0.9) => (Gpr::Esi, true),
            OpKind::MemoryESEDI if random.random_bool(0.9) => (Gpr::Edi, true),
            _ => continue,
        };
        let segment = if register == Gpr::Edi { SegmentRegister::Es } else { segment_of(instruction.memory_segment()) };
        let target = target(case, segment, world, random);
        let base = world.descriptor(case.segments[segment as usize]).unwrap_or_default().base();
        let offset = target.wrapping_sub(base);
        let value = &mut case.registers[register as usize];
        *value = if wide { offset } else { *value & 0xffff_0000 | offset & 0xffff };
        fill(case, target, world, random);
    }
}
fn stack_top(case: &Case, world: &World) -> u32 {
    let ss = world.descriptor(case.segments[SegmentRegister::Ss as usize]).unwrap_or_default();
    let esp = case.registers[Gpr::Esp as usize];
    ss.base().wrapping_add(if ss.rights().is_32_bit() { esp } else { esp & 0xffff })
}
/// What a return would pop: an offset, a selector, flags, and more.
fn stack_image(case: &Case, wide: bool, world: &World, random: &mut Entropy) -> Vec<u8> {
    let code = if random.random_bool(0.8) { code_selector(case, world, random) } else { some_selector(random, world) };
    let base = world.descriptor(code).unwrap_or_default().base();
    let eip = if random.random_bool(0.8) { (ARENA + random.random_range(0..0x1800)).wrapping_sub(base) } else { edge(random) };
    let flags = random.random::<u32>() & !0x0005_4000 | if random.random_bool(0.1) { 0x4000 } else { 0 };
    let values = [eip, code.into(), flags, interesting(random, world), some_selector(random, world).into()];
    if wide {
        values.into_iter().flat_map(u32::to_le_bytes).collect()
    } else {
        values.into_iter().flat_map(|value| (value as u16).to_le_bytes()).collect()
    }
}
fn code_selector(case: &Case, world: &World, random: &mut Entropy) -> u16 {
    if random.random_bool(0.3) {
        return case.segments[SegmentRegister::Cs as usize];
    }
    world.all_code.choose(random).copied().unwrap_or(selector::FLAT_CODE)
}
fn segment_of(register: Register) -> SegmentRegister {
    match register {
        Register::ES => SegmentRegister::Es,
        Register::CS => SegmentRegister::Cs,
        Register::SS => SegmentRegister::Ss,
        Register::FS => SegmentRegister::Fs,
        Register::GS => SegmentRegister::Gs,
        _ => SegmentRegister::Ds,
    }
}
/// A linear address worth an operand: data, the ends of pages, beside missing and read-only ones, the segment's limit.
fn target(case: &Case, segment: SegmentRegister, world: &World, random: &mut Entropy) -> u32 {
    let near = |at: u32, random: &mut Entropy| at.wrapping_add(random.random_range(0..16)).wrapping_sub(8);
    let descriptor = world.descriptor(case.segments[segment as usize]).unwrap_or_default();
    match random.random_range(0..20) {
        0 => near(descriptor.base().wrapping_add(descriptor.limit()), random),
        1 => near(descriptor.base(), random),
        2 => near(ARENA + 0x1_0000, random),
        3 => near(ARENA + random.random_range(0..=ARENA_PAGES as u32) * 0x1000, random),
        4 => ARENA + 0x5000 + random.random_range(0..0x1000),
        5 => ARENA + random.random_range(0..(ARENA_PAGES * PAGE) as u32),
        6 => ARENA + 0x7000 + random.random_range(0..0x1000),
        _ => ARENA + 0x3000 + random.random_range(0..0x1ff0),
    }
}
/// Chooses the registers of a memory operand so that it lies at a target.
fn aim_memory(case: &mut Case, instruction: &Instruction, world: &World, random: &mut Entropy) {
    let segment = segment_of(instruction.memory_segment());
    let target = target(case, segment, world, random);
    let base = world.descriptor(case.segments[segment as usize]).unwrap_or_default().base();
    let mut offset = target.wrapping_sub(base).wrapping_sub(instruction.memory_displacement32());
    let narrow = |register: Register| register.size() == 2;
    let (first, index) = (instruction.memory_base(), instruction.memory_index());
    if index != Register::None && first != Register::None && first != index {
        let mut value = case.registers[index.number() & 7];
        if random.random_bool(0.5) {
            value = edge(random);
            let old = &mut case.registers[index.number() & 7];
            *old = if narrow(index) { *old & 0xffff_0000 | value & 0xffff } else { value };
        }
        offset = offset.wrapping_sub(value.wrapping_mul(instruction.memory_index_scale()));
    }
    let (register, value) = match (first, index) {
        (Register::None, Register::None) => return,
        (Register::None, index) => (index, offset / instruction.memory_index_scale().max(1)),
        (first, index) if first == index => (first, offset / (1 + instruction.memory_index_scale())),
        (first, _) => (first, offset),
    };
    // A stack pointer elsewhere is rarely what a case is about.
    if register.full_register32() == Register::ESP && random.random_bool(0.7) {
        return;
    }
    let old = &mut case.registers[register.full_register32().number() & 7];
    *old = if narrow(register) { *old & 0xffff_0000 | value & 0xffff } else { value };
    let far = matches!(instruction.mnemonic(), Mnemonic::Lds | Mnemonic::Les | Mnemonic::Lfs | Mnemonic::Lgs | Mnemonic::Lss);
    let transfer = matches!(instruction.mnemonic(), Mnemonic::Jmp | Mnemonic::Call);
    if far || transfer {
        let wide = instruction.memory_size().size() >= 6 || !far && instruction.memory_size().size() == 4 && random.random_bool(0.5);
        let mut image = stack_image(case, wide, world, random);
        if far && random.random_bool(0.7) {
            let selector = some_selector(random, world).to_le_bytes();
            let at = if wide { 4 } else { 2 };
            image[at..at + 2].copy_from_slice(&selector);
        }
        case.memory.push((target, image[..8].to_vec()));
    } else {
        fill(case, target, world, random);
    }
}
/// Puts values worth an operand at a target.
fn fill(case: &mut Case, target: u32, world: &World, random: &mut Entropy) {
    if random.random_bool(0.6) {
        let bytes = [interesting(random, world), interesting(random, world)].into_iter().flat_map(u32::to_le_bytes).collect();
        case.memory.push((target, bytes));
    }
}
