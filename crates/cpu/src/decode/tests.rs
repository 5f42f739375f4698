//! Every code that iced can decode for a model has a handler, or a named rule that refuses it.

use super::{
    Context, lower,
    rules::{code_refusal, decoder_options},
    table::{every_opcode, instruction_table},
};
use iced_x86::{Code, Decoder, DecoderError};
use std::collections::BTreeSet;
use turtle86_arch::{Model, Reason};
use turtle86_mmu::Mode;

fn context(model: Model) -> Context {
    Context { profile: model.profile(), mode: Mode::default(), limit: !0 }
}

#[test]
fn every_code_that_a_model_decodes_has_a_handler_or_a_named_rule() {
    for model in Model::ALL {
        let profile = model.profile();
        let options = decoder_options(profile);
        let mut seen = BTreeSet::new();
        for (bytes, bits) in every_opcode().flat_map(|bytes| [(bytes, 16), (bytes, 32)]) {
            let instruction = Decoder::with_ip(bits, &bytes, 0, options).decode();
            let code = instruction.code();
            if code == Code::INVALID {
                continue;
            }
            seen.insert(code as usize);
            if let Err(refusal) = lower(&instruction, &context(model)) {
                // `lower` answers UndefinedOpcode for a row that is missing; only iced's own non-instructions may say so.
                let row_missing = refusal.reason == Reason::UndefinedOpcode && code_refusal(code, profile).is_none();
                assert!(!row_missing, "{model}: {code:?} ({bytes:02x?}, {bits} bits) has no handler and no rule refuses it");
            }
        }
        assert!(seen.len() > 600, "{model}: only {} codes were met", seen.len());
        // What the walk did not meet is of another mode or behind prefixes of its own: a rule must refuse it, or iced cannot decode it here.
        for code in Code::values().filter(|code| !seen.contains(&(*code as usize))) {
            let op_code = code.op_code();
            let decodable = op_code.is_instruction() && (op_code.mode16() || op_code.mode32());
            if decodable && code_refusal(code, profile).is_none() {
                let reason = unreached(code, options);
                assert!(reason.is_some(), "{model}: {code:?} ({}) was not met and nothing refuses it", op_code.op_code_string());
            }
        }
    }
}

/// Why a code that no rule refuses cannot be decoded with these options.
fn unreached(code: Code, options: u32) -> Option<&'static str> {
    let name = format!("{code:?}");
    let text = code.op_code().op_code_string();
    let off = |option: u32| options & option == 0;
    use iced_x86::DecoderOptions as O;
    match () {
        // iced's AMD option turns it on, with much else; Intel's UD0 of the P6 has a ModR/M byte.
        () if name == "Ud0" => Some("the form of another maker"),
        () if name.starts_with("Declare") => Some("a pseudo instruction"),
        () if name.starts_with("Umov") && off(O::UMOV) => Some("needs the UMOV option"),
        () if name.contains("_tr") && off(O::MOV_TR) => Some("needs the MOV_TR option"),
        () if name == "Loadall386" && off(O::LOADALL386) => Some("needs the LOADALL386 option"),
        () if off(O::OLD_FPU)
            && (name.contains("Fstdw") || name.contains("Fstsg") || name.contains("Frstpm") || name.contains("Fsetpm")) =>
        {
            Some("needs the OLD_FPU option")
        }
        () if name.contains("286") || name.contains("Popw_CS") => Some("of another processor"),
        () if name.starts_with("Nop_rm") || name.contains("Prefetch") || name.starts_with("Endbr") => Some("decoded as a reserved NOP"),
        () if text.contains("9B ") => Some("FWAIT and its instruction are two here"),
        () if text.contains("REX") || name.ends_with("_64") => Some("64-bit mode"),
        () => None,
    }
}

#[test]
fn decode_and_lowered_length_agree() {
    let options = decoder_options(Model::PentiumPro.profile());
    for (bytes, bits) in every_opcode().flat_map(|bytes| [(bytes, 16), (bytes, 32)]) {
        let mut decoder = Decoder::with_ip(bits, &bytes, 0, options);
        let instruction = decoder.decode();
        if decoder.last_error() == DecoderError::None
            && let Ok(lowered) = lower(&instruction, &context(Model::PentiumPro))
        {
            assert_eq!(usize::from(lowered.op.length), instruction.len(), "{bytes:02x?}");
        }
    }
}

#[test]
fn the_instruction_table_names_the_first_model_of_each_form() {
    let table = instruction_table();
    let first = |code: &str| table.iter().find(|form| form.code == code).map(|form| form.first_model);
    for (code, model) in [
        ("Add_rm32_r32", Some("386dx")),
        ("Loadall386", Some("386dx")),
        ("Umov_rm32_r32", Some("386dx")),
        ("Bswap_r32", Some("486dx")),
        ("Cpuid", Some("486dx4")),
        ("Rdtsc", Some("pentium")),
        ("Cmovne_r32_rm32", Some("pentium-pro")),
        ("Rsm", None),
        ("Pxor_mm_mmm64", None),
    ] {
        assert_eq!(first(code), model, "{code}");
    }
}
