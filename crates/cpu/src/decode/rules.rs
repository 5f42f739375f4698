//! Which of iced's codes a model has, and the named rule that refuses the others.

use iced_x86::{Code, CpuidFeature, DecoderOptions, Instruction, Mnemonic, OpKind, Register};
use turtle86_arch::{Exception, Features, Profile, Reason};

/// Why an instruction is refused, before it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub exception: Exception,
    pub reason: Reason,
}
impl Refusal {
    fn undefined(reason: Reason) -> Refusal {
        Refusal { exception: Exception::InvalidOpcode, reason }
    }
}

/// What iced must know to decode as the model does: its undocumented opcodes, and none of the later ones that took the place
/// of prefixed or reserved forms.
pub fn decoder_options(profile: &Profile) -> u32 {
    let mut options = DecoderOptions::NO_INVALID_CHECK
        | DecoderOptions::FORCE_RESERVED_NOP
        | DecoderOptions::NO_MPFX_0FBC
        | DecoderOptions::NO_MPFX_0FBD
        | DecoderOptions::NO_WBNOINVD;
    for (feature, option) in [
        (Features::UMOV, DecoderOptions::UMOV),
        (Features::XBTS, DecoderOptions::XBTS),
        (Features::CMPXCHG486A, DecoderOptions::CMPXCHG486A),
        (Features::LOADALL386, DecoderOptions::LOADALL386),
        (Features::MOV_TR, DecoderOptions::MOV_TR),
    ] {
        if profile.has(feature) {
            options |= option;
        }
    }
    if !profile.has(Features::I486) {
        options |= DecoderOptions::OLD_FPU;
    }
    options
}

/// The model's feature behind iced's, with its name for the explanation.
fn needed(feature: CpuidFeature) -> Option<(Features, &'static str)> {
    Some(match feature {
        CpuidFeature::INTEL8086 | CpuidFeature::INTEL186 | CpuidFeature::INTEL286 | CpuidFeature::INTEL386 => {
            (Features::empty(), "80386 instructions")
        }
        // An x87 instruction is an escape, whatever the model has: `lower` sends it to #NM.
        CpuidFeature::FPU | CpuidFeature::FPU287 | CpuidFeature::FPU387 => (Features::empty(), "floating-point unit"),
        CpuidFeature::PAUSE => (Features::empty(), "PAUSE"),
        // LOADALL and MOV with a test register: the decoder knows them only where the model does.
        CpuidFeature::INTEL386_ONLY => (Features::empty(), "undocumented 80386 instructions"),
        CpuidFeature::UMOV => (Features::UMOV, "UMOV"),
        CpuidFeature::INTEL386_A0_ONLY => (Features::XBTS, "XBTS and IBTS"),
        CpuidFeature::INTEL486_A_ONLY => (Features::CMPXCHG486A, "CMPXCHG at 0F A6"),
        CpuidFeature::INTEL486 => (Features::I486, "80486 instructions"),
        CpuidFeature::CPUID => (Features::CPUID, "CPUID"),
        CpuidFeature::TSC => (Features::TSC, "time-stamp counter"),
        CpuidFeature::MSR => (Features::MSR, "model-specific registers"),
        CpuidFeature::CX8 => (Features::CX8, "CMPXCHG8B"),
        CpuidFeature::CMOV => (Features::CMOV, "CMOVcc"),
        CpuidFeature::RDPMC => (Features::RDPMC, "RDPMC"),
        CpuidFeature::MULTIBYTENOP => (Features::P6_MAP, "hint NOPs"),
        CpuidFeature::SMM => (Features::SMM, "System Management Mode"),
        _ => return None,
    })
}

/// An escape to the coprocessor.
pub fn is_x87(code: Code) -> bool {
    code.cpuid_features().iter().any(|feature| matches!(feature, CpuidFeature::FPU | CpuidFeature::FPU287 | CpuidFeature::FPU387))
}

/// Whether the model has the code at all.
pub fn code_refusal(code: Code, profile: &Profile) -> Option<Refusal> {
    if matches!(code.mnemonic(), Mnemonic::INVALID | Mnemonic::Loadall) && code != Code::Loadall386 {
        return Some(Refusal::undefined(Reason::UndefinedOpcode));
    }
    // POP CS is the 8086's; iced names MOV CS too, which `instruction_refusal` sees.
    if matches!(code, Code::Popw_CS) {
        return Some(Refusal::undefined(Reason::UndefinedOpcode));
    }
    if matches!(code.mnemonic(), Mnemonic::Reservednop) && !profile.has(Features::P6_MAP) {
        return Some(Refusal::undefined(Reason::NotInModel { feature: "hint NOPs" }));
    }
    code.cpuid_features().iter().find_map(|feature| match needed(*feature) {
        Some((features, _)) if profile.has(features) => None,
        Some((_, feature)) => Some(Refusal::undefined(Reason::NotInModel { feature })),
        None => Some(Refusal::undefined(Reason::NotInModel { feature: "instruction of this extension" })),
    })
}

/// Everything that makes an instruction #UD before it runs (SDM Vol. 2, "Instruction Set Reference", the exceptions of each page).
pub fn refusal(instruction: &Instruction, profile: &Profile) -> Option<Refusal> {
    let code = instruction.code();
    if let Some(refusal) = code_refusal(code, profile) {
        return Some(refusal);
    }
    if instruction.has_lock_prefix() && !lock_allowed(instruction, profile) {
        return Some(Refusal::undefined(Reason::LockNotAllowed));
    }
    if needs_memory(instruction) && !(0..instruction.op_count()).any(|n| instruction.op_kind(n) == OpKind::Memory) {
        return Some(Refusal::undefined(Reason::RegisterForm));
    }
    if instruction.mnemonic() == Mnemonic::Mov && instruction.op_kind(0) == OpKind::Register && instruction.op_register(0) == Register::CS {
        return Some(Refusal::undefined(Reason::CsNotLoadable));
    }
    None
}

fn needs_memory(instruction: &Instruction) -> bool {
    matches!(
        instruction.mnemonic(),
        Mnemonic::Lea
            | Mnemonic::Lds
            | Mnemonic::Les
            | Mnemonic::Lfs
            | Mnemonic::Lgs
            | Mnemonic::Lss
            | Mnemonic::Bound
            | Mnemonic::Lgdt
            | Mnemonic::Lidt
            | Mnemonic::Sgdt
            | Mnemonic::Sidt
            | Mnemonic::Invlpg
            | Mnemonic::Cmpxchg8b
    )
}

/// LOCK is legal with a memory destination of these (SDM Vol. 2, "LOCK"); on the 386 with BT too, where the model says so.
fn lock_allowed(instruction: &Instruction, profile: &Profile) -> bool {
    if instruction.op_count() == 0 || !(0..instruction.op_count()).any(|n| instruction.op_kind(n) == OpKind::Memory) {
        return false;
    }
    // XCHG is symmetric: iced may name the register first. Of the others, memory must be the destination.
    let destination = instruction.op_kind(0) == OpKind::Memory;
    match instruction.mnemonic() {
        Mnemonic::Xchg => true,
        Mnemonic::Add
        | Mnemonic::Or
        | Mnemonic::Adc
        | Mnemonic::Sbb
        | Mnemonic::And
        | Mnemonic::Sub
        | Mnemonic::Xor
        | Mnemonic::Not
        | Mnemonic::Neg
        | Mnemonic::Inc
        | Mnemonic::Dec
        | Mnemonic::Bts
        | Mnemonic::Btr
        | Mnemonic::Btc
        | Mnemonic::Xadd
        | Mnemonic::Cmpxchg
        | Mnemonic::Cmpxchg8b => destination,
        Mnemonic::Bt => destination && profile.has(Features::LOCK_BT),
        _ => false,
    }
}
