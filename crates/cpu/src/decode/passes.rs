//! Passes over a finished block. They only replace handlers: an op keeps its slot, its fields and its place, so that faults and
//! counts do not know about them.

use super::{
    Kind, Lowered,
    lower::{FlagUse, condition},
};
use iced_x86::Instruction;

/// Joins the last instruction with the conditional jump behind it. True if it did.
pub fn fuse(block: &mut [Lowered], last: &Instruction) -> bool {
    let [.., first, second] = block else { return false };
    match (first.fuse, second.kind) {
        (Some(fuse), Kind::Branch(_)) if last.is_jcc_short_or_near() => {
            first.op.exec = fuse(condition(last));
            true
        }
        _ => false,
    }
}

/// Drops the flags of results that are overwritten before anything can look: no read, no fault, no end of the block between.
pub fn drop_dead_flags(block: &mut [Lowered]) {
    let mut live = true;
    for lowered in block.iter_mut().rev() {
        match lowered.flags {
            FlagUse::Ignores => {}
            FlagUse::Reads => live = true,
            FlagUse::Writes(quiet) => {
                match quiet {
                    Some(quiet) if !live => lowered.op.exec = quiet,
                    _ => {}
                }
                live = false;
            }
            FlagUse::WritesSome(quiet) => {
                if !live {
                    lowered.op.exec = quiet;
                }
            }
        }
    }
}
