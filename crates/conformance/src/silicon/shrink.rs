//! From a case that fails to the smallest that still does, and from that to a test.

use super::{
    case::Case,
    generate::code_bits,
    world::{World, selector},
};
use iced_x86::{Decoder, DecoderOptions};
use std::fmt::{self, Write};
use turtle86::arch::{Eflags, Gpr, Model, SegmentRegister};

/// Cases that are a little simpler than this one, the simplest first.
pub fn smaller(case: &Case, world: &World) -> Vec<Case> {
    let mut found = Vec::new();
    let mut propose = |change: &dyn Fn(&mut Case)| {
        let mut other = case.clone();
        change(&mut other);
        if other != *case {
            found.push(other);
        }
    };
    // Instructions, then bytes, from the end and from the start.
    let mut decoder = Decoder::new(code_bits(case, world), &case.code, DecoderOptions::NO_INVALID_CHECK);
    let mut ends = vec![0];
    while decoder.can_decode() {
        let _ = decoder.decode();
        ends.push(decoder.position());
    }
    for pair in ends.windows(2).rev() {
        propose(&|c| drop(c.code.drain(pair[0]..pair[1].min(c.code.len()))));
    }
    propose(&|c| c.code.truncate(c.code.len().saturating_sub(1)));
    if !case.code.is_empty() {
        propose(&|c| c.code = c.code[1..].to_vec());
    }
    for n in 0..case.memory.len() {
        propose(&|c| drop(c.memory.remove(n)));
    }
    let wide = code_bits(case, world) == 32;
    let plain = if wide { Case::code32(&[]) } else { Case::code16(&[]) };
    for register in SegmentRegister::ALL {
        let n = register as usize;
        let cs = if wide { selector::FLAT_CODE } else { selector::CODE16 };
        if register == SegmentRegister::Cs {
            let linear = world.descriptor(case.segments[n]).unwrap_or_default().base().wrapping_add(case.eip);
            let base = world.descriptor(cs).unwrap_or_default().base();
            propose(&|c| (c.segments[n], c.eip) = (cs, linear.wrapping_sub(base)));
        } else {
            propose(&|c| c.segments[n] = plain.segments[n]);
        }
    }
    propose(&|c| c.eip = plain.eip);
    for flag in case.eflags.iter() {
        propose(&|c| c.eflags &= !flag);
    }
    propose(&|c| c.eflags = Eflags::empty());
    for n in 0..8 {
        let value = case.registers[n];
        if value == plain.registers[n] {
            continue;
        }
        propose(&|c| c.registers[n] = plain.registers[n]);
        if n != Gpr::Esp as usize {
            propose(&|c| c.registers[n] = value.min(1));
            propose(&|c| c.registers[n] &= 0xff);
            propose(&|c| c.registers[n] &= 0xffff);
            propose(&|c| c.registers[n] &= 0xffff_0000);
        }
    }
    for (n, (_, bytes)) in case.memory.iter().enumerate() {
        propose(&|c| c.memory[n].1.truncate(bytes.len().saturating_sub(1)));
        for i in 0..bytes.len() {
            propose(&|c| c.memory[n].1[i] = 0);
        }
    }
    found
}

/// Makes a failing case as small as it goes: `fails` tells whether a case still does.
pub fn shrink(case: &Case, world: &World, mut fails: impl FnMut(&Case) -> bool) -> Case {
    let mut best = case.clone();
    let mut tries = 5000;
    'again: loop {
        for other in smaller(&best, world) {
            tries -= 1;
            if tries == 0 {
                return best;
            }
            if fails(&other) {
                best = other;
                continue 'again;
            }
        }
        return best;
    }
}

impl Case {
    /// The case as the Rust expression that makes it, to paste into a test. Its `Debug` form is the same.
    pub fn to_rust(&self) -> String {
        let narrow = self.segments[SegmentRegister::Cs as usize] == selector::CODE16;
        let plain = if narrow { Case::code16(&[]) } else { Case::code32(&[]) };
        let list = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:#04x}")).collect::<Vec<_>>().join(", ");
        let mut text = format!("Case::code{}(&[{}])", if narrow { 16 } else { 32 }, list(&self.code));
        for register in Gpr::ALL {
            let value = self.registers[register as usize];
            if value != plain.registers[register as usize] {
                let _ = write!(text, "\n    .{register}({value:#x})");
            }
        }
        if self.eip != plain.eip {
            let _ = write!(text, "\n    .at({:#x})", self.eip);
        }
        if !self.eflags.is_empty() {
            let names: Vec<_> = self.eflags.iter_names().map(|(name, _)| format!("Eflags::{name}")).collect();
            let _ = write!(text, "\n    .flags({})", names.join(" | "));
        }
        for register in SegmentRegister::ALL {
            let value = self.segments[register as usize];
            if value != plain.segments[register as usize] {
                let _ = write!(text, "\n    .segment(SegmentRegister::{register:?}, {value:#x})");
            }
        }
        for (at, bytes) in &self.memory {
            let _ = write!(text, "\n    .bytes({at:#x}, &[{}])", list(bytes));
        }
        text
    }
    /// A whole test that fails as long as the model and silicon differ in this case.
    pub fn to_test(&self, world_seed: u64, model: Model) -> String {
        let case = self.to_rust().replace('\n', "\n    ");
        format!(
            "#[test]\nfn agrees_with_silicon() {{\n    use turtle86::arch::{{Eflags, Model, SegmentRegister}};\n    \
             use turtle86_conformance::silicon::{{Case, Differential, World}};\n    let case = {case};\n    \
             let mut bench = Differential::new(Model::{model:?}, &World::new({world_seed})).unwrap();\n    \
             bench.agree(&case).unwrap().assert();\n}}"
        )
    }
}
impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rust())
    }
}
