//! One case on both sides.

use super::{
    case::{Case, Ending, Outcome},
    compare::{Difference, compare, completed, reference},
    emulated::{Emulated, Skipped, is_system},
    explained::{Seen, explain},
    generate::{Forms, is_left_out},
    host::{Host, HostError},
    run::{Explanation, RunError},
    shrink::shrink,
    world::World,
};
use crate::undefined::unknown_after;
use iced_x86::{Code, Decoder, DecoderOptions, Instruction, Mnemonic};
use std::fmt;
use turtle86::arch::Model;

/// What a case shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// The same outcome, as far as it is defined or known of the vendor.
    Agrees,
    /// Another outcome, for a reason that is known.
    Explained(Explanation),
    /// Another outcome.
    Differs(Difference),
    /// The case says nothing about the instruction.
    Skipped(String),
}
impl Agreement {
    /// Panics with the difference if there is one without an explanation: for tests.
    pub fn assert(&self) {
        if let Agreement::Differs(difference) = self {
            panic!("the model and silicon differ\n{difference}");
        }
    }
    /// The difference, as an error.
    ///
    /// # Errors
    /// The case differs without an explanation.
    pub fn ok(self) -> Result<(), Difference> {
        if let Agreement::Differs(difference) = self { Err(difference) } else { Ok(()) }
    }
}
impl fmt::Display for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Agreement::Agrees => f.write_str("agrees"),
            Agreement::Explained(why) => write!(f, "differs as explained: {}: {}", why.name, why.words),
            Agreement::Differs(difference) => write!(f, "differs\n{difference}"),
            Agreement::Skipped(reason) => write!(f, "skipped: {reason}"),
        }
    }
}

/// A model and the host's processor, side by side.
pub struct Differential {
    /// The host.
    pub host: Host,
    /// The model.
    pub model: Emulated,
    world: World,
    forms: Forms,
}
impl Differential {
    /// Both sides in a world.
    ///
    /// # Errors
    /// There is no host to ask.
    pub fn new(model: Model, world: &World) -> Result<Differential, RunError> {
        Differential::with_forms(model, world, Forms::new(model, None))
    }
    pub(crate) fn with_forms(model: Model, world: &World, forms: Forms) -> Result<Differential, RunError> {
        Ok(Differential { host: Host::new(world)?, model: Emulated::new(model, world)?, world: world.clone(), forms })
    }
    /// Runs a case on both sides and compares.
    ///
    /// # Errors
    /// The case cannot be begun, or the host's process died.
    pub fn agree(&mut self, case: &Case) -> Result<Agreement, HostError> {
        let ours = match self.ours(case) {
            Ok(ours) => ours,
            Err(reason) => return Ok(Agreement::Skipped(reason)),
        };
        let silicon = self.host.run(std::slice::from_ref(case))?;
        Ok(silicon.first().map_or(Agreement::Agrees, |silicon| self.judge(case, &ours, silicon)))
    }
    /// The smallest case that still differs, and how.
    ///
    /// # Errors
    /// The host's process died.
    pub fn smallest(&mut self, case: &Case) -> Result<(Case, Option<Difference>), HostError> {
        let mut broken = None;
        let world = self.world.clone();
        let small = shrink(case, &world, |case| match self.agree(case) {
            Ok(agreement) => matches!(agreement, Agreement::Differs(_)),
            // What shrinking makes cannot always be begun.
            Err(HostError::Case { .. }) => false,
            Err(error) => {
                broken = Some(error);
                false
            }
        });
        if let Some(error) = broken {
            return Err(error);
        }
        let difference = self.agree(&small)?.ok().err();
        Ok((small, difference))
    }
    /// Our outcome, or why the case is left out.
    pub(crate) fn ours(&mut self, case: &Case) -> Result<Outcome, String> {
        if case.code.is_empty() {
            return Err("the form cannot be encoded in code of this width".into());
        }
        if let Some(reason) = self.host_has_other(case) {
            return Err(reason.into());
        }
        let ours = self.model.run(case).map_err(|skipped: Skipped| skipped.to_string())?;
        match host_refusal(case, &ours) {
            Some(reason) => Err(reason.into()),
            None => Ok(ours),
        }
    }
    /// Bytes that are another instruction on the host than on the model.
    fn host_has_other(&self, case: &Case) -> Option<&'static str> {
        let bits = super::generate::code_bits(case, &self.world);
        // What follows is HLT, and can become part of the last instruction.
        let code: Vec<u8> = case.code.iter().copied().chain([0xf4; 14]).collect();
        let mut own = Decoder::with_ip(bits, &code, case.eip.into(), self.forms.decoder_options());
        let mut host = Decoder::with_ip(bits, &code, case.eip.into(), DecoderOptions::NONE);
        let (mut a, mut b) = (Instruction::default(), Instruction::default());
        while own.position() < case.code.len() {
            let at = own.position();
            own.decode_out(&mut a);
            let _ = host.set_position(at);
            host.set_ip(a.ip());
            host.decode_out(&mut b);
            if let Some(reason) = is_left_out(a.mnemonic()).or_else(|| is_left_out(b.mnemonic())) {
                return Some(reason);
            }
            let prefixes =
                code[at..].iter().take_while(|byte| matches!(byte, 0x26 | 0x2e | 0x36 | 0x3e | 0x64..=0x67 | 0xf0 | 0xf2 | 0xf3)).count();
            if matches!(code[at + prefixes], 0xd8..=0xdf) {
                return Some("the model has no x87 yet");
            }
            // With a register operand LES, LDS, BOUND and POP are prefixes of later instructions.
            if let [opcode @ (0xc4 | 0xc5 | 0x62 | 0x8f), modrm, ..] = code[at + prefixes..]
                && (modrm >= 0xc0 && opcode != 0x8f || modrm & 0x38 != 0 && opcode == 0x8f)
            {
                return Some("a prefix of later instructions on the host");
            }
            let real = |code: Code| {
                !matches!(code, Code::INVALID | Code::Ud0_r16_rm16 | Code::Ud0_r32_rm32 | Code::Ud1_r16_rm16 | Code::Ud1_r32_rm32)
            };
            if real(b.code()) && (a.code() != b.code() || !self.forms.has(a.code())) {
                return Some("another instruction on the host");
            }
        }
        None
    }
    pub(crate) fn judge(&mut self, case: &Case, ours: &Outcome, silicon: &Outcome) -> Agreement {
        if ours == silicon {
            return Agreement::Agrees;
        }
        if silicon.ending == Ending::SystemCall {
            return Agreement::Skipped("it reached the host's kernel".into());
        }
        let executed = self.model.trace(case);
        let Some(difference) = compare(case, &self.world, &executed, ours, silicon, self.host.vendor()) else { return Agreement::Agrees };
        if executed.iter().any(|i| is_x87(i.code())) {
            return Agreement::Skipped("the model has no x87 yet".into());
        }
        let undefined = |code: Code| matches!(code.mnemonic(), Mnemonic::INVALID | Mnemonic::Ud0 | Mnemonic::Ud1 | Mnemonic::Ud2);
        if executed.iter().any(|i| !undefined(i.code()) && !self.forms.has(i.code()) && is_left_out(i.mnemonic()).is_none()) {
            return Agreement::Skipped("another instruction on the host".into());
        }
        let vendor = self.host.vendor();
        let (unknown, _) = unknown_after(completed(&executed, ours), reference(vendor));
        let known = Outcome { eflags: silicon.eflags & !unknown | ours.eflags & unknown, ..silicon.clone() };
        let seen = Seen { case, world: &self.world, executed: &executed, ours, silicon: &known, vendor };
        match explain(&seen) {
            Some(departure) => Agreement::Explained(Explanation { name: departure.name, words: departure.words }),
            None => Agreement::Differs(difference),
        }
    }
}

fn is_x87(code: Code) -> bool {
    use iced_x86::CpuidFeature;
    code.cpuid_features().iter().any(|feature| matches!(feature, CpuidFeature::FPU | CpuidFeature::FPU287 | CpuidFeature::FPU387))
}
/// What the host must not be asked, or would answer for its kernel.
fn host_refusal(case: &Case, ours: &Outcome) -> Option<&'static str> {
    match ours.ending {
        Ending::Exception { vector: 13, error: 0x402, .. } => Some("INT 80h enters the host's kernel"),
        Ending::Exception { vector: 7, .. } => Some("the model has no x87 yet"),
        Ending::Exception { vector: 6, .. } if !within(case, ours.eip) => Some("it ran into data that is an instruction to the host"),
        Ending::Exception { vector: 14, address, .. } if is_system(address) => Some("it touched the model's own tables"),
        Ending::Exception { vector: 11, error: 0x30, .. } => Some("a segment of the host's own"),
        _ if ours.segments.iter().any(|selector| matches!(selector >> 2, 0x0c | 0x1e)) => Some("a segment of the host's own"),
        _ => None,
    }
}
fn within(case: &Case, eip: u32) -> bool {
    eip.wrapping_sub(case.eip) < case.code.len() as u32
}
