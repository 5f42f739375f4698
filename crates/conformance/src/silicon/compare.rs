//! Two outcomes of a case side by side.

use super::{
    case::{Case, LINE, Outcome},
    host::Vendor,
    world::{ARENA, World},
};
use crate::undefined::{Reference, unknown_after};
use iced_x86::Instruction;
use std::fmt;
use turtle86::arch::{Eflags, Gpr, SegmentRegister};

/// What differs, a line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference(pub Vec<String>);
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

pub(crate) fn reference(vendor: Vendor) -> Reference {
    match vendor {
        Vendor::Intel => Reference::Intel,
        Vendor::Amd => Reference::Amd,
        Vendor::Other => Reference::Other,
    }
}
/// Without the last instruction, if that is the one that faulted: it changed nothing.
pub(crate) fn completed<'a>(executed: &'a [Instruction], ours: &Outcome) -> &'a [Instruction] {
    match executed.split_last() {
        Some((last, rest)) if last.ip() as u32 == ours.eip => rest,
        _ => executed,
    }
}

/// Compares our outcome with silicon's; none if they agree in all that is defined or known of the vendor. `executed` are the
/// instructions that led there: [`Emulated::trace`](super::Emulated::trace) has them.
pub fn compare(
    case: &Case,
    world: &World,
    executed: &[Instruction],
    ours: &Outcome,
    silicon: &Outcome,
    vendor: Vendor,
) -> Option<Difference> {
    if ours == silicon {
        return None;
    }
    let (unknown, _) = unknown_after(completed(executed, ours), reference(vendor));
    let mut lines = Vec::new();
    let mut differ = |what: String, ours: String, silicon: String| {
        if ours != silicon {
            lines.push(format!("{what}: ours {ours}, silicon {silicon}"));
        }
    };
    differ("ending".into(), ours.ending.to_string(), silicon.ending.to_string());
    differ("eip".into(), format!("{:08x}", ours.eip), format!("{:08x}", silicon.eip));
    for register in Gpr::ALL {
        let of = |outcome: &Outcome| format!("{:08x}", outcome.registers[register as usize]);
        differ(register.to_string(), of(ours), of(silicon));
    }
    for register in SegmentRegister::ALL {
        let of = |outcome: &Outcome| format!("{:04x}", outcome.segments[register as usize]);
        differ(register.to_string().to_lowercase(), of(ours), of(silicon));
    }
    let of = |outcome: &Outcome| names(outcome.eflags & !unknown);
    differ("eflags".into(), of(ours), of(silicon));
    lines.extend(memory(case, world, ours, silicon));
    (!lines.is_empty()).then_some(Difference(lines))
}
/// Flags by name.
pub(crate) fn names(flags: Eflags) -> String {
    let known: Vec<_> = (flags & !Eflags::FIXED).iter_names().map(|(name, _)| name).collect();
    format!("{:06x} ({})", flags.0, known.join(" "))
}
/// A byte of memory in which two outcomes differ.
pub(crate) struct DifferingByte {
    /// Its linear address.
    pub at: u32,
    pub before: u8,
    pub ours: u8,
    pub silicon: u8,
}
pub(crate) fn differing_bytes(case: &Case, world: &World, ours: &Outcome, silicon: &Outcome) -> Vec<DifferingByte> {
    let before = memory_before(case, world);
    let (ours, silicon) = (memory_after(world, ours), memory_after(world, silicon));
    let lines = (0..before.len()).step_by(LINE).filter(|at| ours[*at..*at + LINE] != silicon[*at..*at + LINE]);
    let bytes = lines.flat_map(|at| at..at + LINE).filter(|i| ours[*i] != silicon[*i]);
    bytes.map(|i| DifferingByte { at: ARENA + i as u32, before: before[i], ours: ours[i], silicon: silicon[i] }).collect()
}
impl std::error::Error for Difference {}

/// The arena as a case begins.
pub(crate) fn memory_before(case: &Case, world: &World) -> Vec<u8> {
    let mut memory = world.memory().to_vec();
    case.place(world, |offset, bytes| memory[offset..offset + bytes.len()].copy_from_slice(bytes));
    memory
}
/// The arena as an outcome left it.
pub(crate) fn memory_after(world: &World, outcome: &Outcome) -> Vec<u8> {
    let mut memory = world.memory().to_vec();
    for (n, line) in &outcome.memory {
        memory[usize::from(*n) * LINE..][..LINE].copy_from_slice(line);
    }
    memory
}
/// The first bytes of memory that differ.
fn memory(case: &Case, world: &World, ours: &Outcome, silicon: &Outcome) -> Vec<String> {
    let bytes = differing_bytes(case, world, ours, silicon).into_iter().take(8);
    bytes.map(|byte| format!("[{:08x}]: ours {:02x}, silicon {:02x}", byte.at, byte.ours, byte.silicon)).collect()
}
