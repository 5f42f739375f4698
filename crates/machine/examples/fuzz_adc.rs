//! Compares one instruction with the manual's definition on random states: a property test in a few lines.

use proptest::{prelude::*, test_runner::TestRunner};
use turtle86::{
    arch::{Eflags, Model},
    testing::{Registers, SingleStep},
};

/// The manual's pseudo-code for `ADC r/m32, r32`, in wide arithmetic; shares no code with the processor.
fn reference_adc(before: &Registers) -> (u32, Eflags) {
    let (dest, src, carry) = (before.eax, before.ecx, before.eflags.0 & 1);
    let wide = u64::from(dest) + u64::from(src) + u64::from(carry);
    let result = wide as u32;
    let signed = i64::from(dest as i32) + i64::from(src as i32) + i64::from(carry);
    let mut flags = Eflags(0);
    flags.set(Eflags::CF, wide >> 32 != 0);
    flags.set(Eflags::PF, (result as u8).count_ones().is_multiple_of(2));
    flags.set(Eflags::AF, (dest ^ src ^ result) & 0x10 != 0);
    flags.set(Eflags::ZF, result == 0);
    flags.set(Eflags::SF, result >> 31 != 0);
    flags.set(Eflags::OF, signed != i64::from(result as i32));
    (result, flags)
}

fn main() {
    let states = (any::<u32>(), any::<u32>(), 0u32..=1);
    let mut runner = TestRunner::new(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() });
    let outcome = runner.run(&states, |(eax, ecx, carry)| {
        let before = Registers { eax, ecx, eflags: Eflags(carry), ..Registers::default() };
        let after = SingleStep::flat32(Model::I386Dx).registers(before.clone()).execute(&[0x11, 0xc8]); // adc eax, ecx
        let after = after.map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!((after.eax, after.eflags.masked(Eflags::STATUS)), reference_adc(&before));
        Ok(())
    });
    match outcome {
        Ok(()) => println!("ADC agrees with the manual in {} random states", ProptestConfig::default().cases),
        Err(failure) => panic!("{failure}"),
    }
}
