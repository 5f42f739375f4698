//! Numbers and flags.

use proptest::prelude::*;
use turtle86::arch::Eflags;

/// 32-bit values at which something happens: 0, 1, sign bits of every width, carries, ends of 16-bit offsets; or any value.
pub fn edges() -> impl Strategy<Value = u32> + Clone {
    let powers = (0u32..32, -1i32..=1).prop_map(|(bit, by)| (1u32 << bit).wrapping_add_signed(by));
    prop_oneof![2 => powers, 1 => Just(0), 1 => Just(u32::MAX), 1 => 0u32..64, 2 => any::<u32>()]
}
/// Values around this one, up to `by` away: limits, ends of pages.
pub fn near(value: u32, by: u32) -> impl Strategy<Value = u32> + Clone {
    (0..=by, any::<bool>()).prop_map(move |(by, up)| if up { value.wrapping_add(by) } else { value.wrapping_sub(by) })
}
/// Any of the status flags and DF.
pub fn eflags() -> impl Strategy<Value = Eflags> + Clone {
    any::<u32>().prop_map(|bits| Eflags(bits) & (Eflags::STATUS | Eflags::DF))
}
