//! Which flags an instruction leaves undefined, and where they are compared all the same.
//!
//! The manual's word is the start: what it calls undefined is not compared. Where the behaviour of a processor is known and the
//! model has its rule, the row of the table names it, and the flags are compared against that processor after all.

use iced_x86::{Instruction, Mnemonic, OpKind, Register, RflagsBits};
use turtle86::arch::Eflags;

/// Whose results are compared with ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reference {
    /// Captures of an 8086 or 8088.
    I8086,
    /// Captures of an 80286.
    I286,
    /// Captures of an 80386.
    I386,
    /// A recent processor of Intel's.
    Intel,
    /// A recent processor of AMD's.
    Amd,
    /// Another processor or an emulator.
    Other,
}

/// The flags that `instruction` leaves undefined and that are not known of `reference`: leave them out of a comparison.
pub fn unknown_flags(instruction: &Instruction, reference: Reference) -> Eflags {
    let undefined = from_iced(instruction.rflags_undefined());
    let known = KNOWN
        .iter()
        .filter(|row| row.mnemonics.contains(&instruction.mnemonic()) && row.references.contains(&reference))
        .fold(Eflags::empty(), |all, row| all | row.flags);
    undefined & !known
}

/// What is unknown of the flags after these instructions, executed one after the other: the flags themselves, and whether one of
/// the instructions read a flag that was unknown by then, so that anything may differ.
pub fn unknown_after(executed: &[Instruction], reference: Reference) -> (Eflags, bool) {
    let (mut unknown, mut read) = (Eflags::empty(), false);
    for instruction in executed {
        read |= from_iced(instruction.rflags_read()).intersects(unknown);
        // A count of zero changes no flag.
        let counts = instruction.op_count() > 1
            && instruction.op_kind(instruction.op_count() - 1) == OpKind::Register
            && instruction.op_register(instruction.op_count() - 1) == Register::CL;
        if !counts && !instruction.has_rep_prefix() && !instruction.has_repne_prefix() {
            // Not what is undefined: where it is known to stay, it stays unknown.
            unknown &= !from_iced(instruction.rflags_written() | instruction.rflags_cleared() | instruction.rflags_set());
        }
        unknown |= unknown_flags(instruction, reference);
    }
    (unknown, read)
}

/// Flags that the manual calls undefined and that these references set as the model does.
struct Known {
    mnemonics: &'static [Mnemonic],
    flags: Eflags,
    references: &'static [Reference],
    #[allow(dead_code)]
    rule: &'static str,
}
const KNOWN: &[Known] = &[
    Known {
        mnemonics: &[Mnemonic::And, Mnemonic::Or, Mnemonic::Xor, Mnemonic::Test],
        flags: Eflags::AF,
        references: &[Reference::I386, Reference::Intel, Reference::Amd],
        rule: "AF is cleared",
    },
    Known {
        mnemonics: &[
            Mnemonic::Shl,
            Mnemonic::Sal,
            Mnemonic::Shr,
            Mnemonic::Sar,
            Mnemonic::Rol,
            Mnemonic::Ror,
            Mnemonic::Rcl,
            Mnemonic::Rcr,
        ],
        flags: Eflags::OF,
        references: &[Reference::I386, Reference::Amd],
        rule: "OF is what the last step by one bit gives",
    },
    Known {
        mnemonics: &[Mnemonic::Shld, Mnemonic::Shrd],
        flags: Eflags::OF,
        references: &[Reference::I386],
        rule: "OF is what the last step by one bit gives",
    },
    Known {
        mnemonics: &[Mnemonic::Bt, Mnemonic::Bts, Mnemonic::Btr, Mnemonic::Btc],
        flags: Eflags::OF,
        references: &[Reference::I386],
        rule: "OF is the exclusive or of the two top bits of the operand rotated right by the index",
    },
    Known {
        mnemonics: &[Mnemonic::Aaa, Mnemonic::Aas],
        flags: Eflags::SF.union(Eflags::ZF).union(Eflags::PF).union(Eflags::OF),
        references: &[Reference::I386],
        rule: "those of AL adjusted by six, before its high digit goes",
    },
    Known {
        mnemonics: &[Mnemonic::Bt, Mnemonic::Bts, Mnemonic::Btr, Mnemonic::Btc],
        flags: Eflags::OF.union(Eflags::SF).union(Eflags::AF).union(Eflags::PF),
        references: &[Reference::Amd],
        rule: "all but CF stay",
    },
    Known {
        mnemonics: &[Mnemonic::Aad, Mnemonic::Aam],
        flags: Eflags::OF.union(Eflags::AF).union(Eflags::CF),
        references: &[Reference::Amd],
        rule: "as on the 386",
    },
    Known {
        mnemonics: &[Mnemonic::Daa, Mnemonic::Das],
        flags: Eflags::OF,
        references: &[Reference::Amd],
        rule: "signed overflow of the adjustment",
    },
    Known { mnemonics: &[Mnemonic::Daa], flags: Eflags::OF, references: &[Reference::I386], rule: "OF where bit 7 of AL goes from 0 to 1" },
    Known {
        mnemonics: &[Mnemonic::Aad, Mnemonic::Aam],
        flags: Eflags::OF.union(Eflags::AF).union(Eflags::CF),
        references: &[Reference::I386],
        rule: "AAD: those of the addition; AAM: cleared",
    },
];

fn from_iced(bits: u32) -> Eflags {
    let pairs = [
        (RflagsBits::OF, Eflags::OF),
        (RflagsBits::SF, Eflags::SF),
        (RflagsBits::ZF, Eflags::ZF),
        (RflagsBits::AF, Eflags::AF),
        (RflagsBits::CF, Eflags::CF),
        (RflagsBits::PF, Eflags::PF),
    ];
    pairs.into_iter().filter(|(bit, _)| bits & bit != 0).fold(Eflags::empty(), |all, (_, flag)| all | flag)
}
