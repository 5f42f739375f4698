//! Oscillators beside the processor's: whole ticks, exactly, from processor cycles.

use turtle86_bus::Cycle;

/// An oscillator of `ticks / seconds` Hz that started with the machine.
pub(crate) struct Oscillator {
    ticks: u128,
    seconds: u128,
}
impl Oscillator {
    pub(crate) const fn new(ticks: u64, seconds: u64) -> Oscillator {
        Oscillator { ticks: ticks as u128, seconds: seconds as u128 }
    }
    /// How many ticks have passed.
    pub(crate) fn ticks(&self, now: Cycle, clock_hz: u64) -> u64 {
        u64::try_from(u128::from(now.0) * self.ticks / (self.seconds * u128::from(clock_hz.max(1)))).unwrap_or(u64::MAX)
    }
    /// The first cycle at which `tick` ticks have passed.
    pub(crate) fn cycle_of(&self, tick: u64, clock_hz: u64) -> Cycle {
        let cycles = (u128::from(tick) * self.seconds * u128::from(clock_hz.max(1))).div_ceil(self.ticks);
        Cycle(u64::try_from(cycles).unwrap_or(u64::MAX))
    }
}

/// Processor cycles in `micros` microseconds, rounded up.
pub(crate) fn cycles_of_micros(micros: u64, clock_hz: u64) -> u64 {
    u64::try_from((u128::from(micros) * u128::from(clock_hz)).div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_cycle_of_a_tick_is_the_first_that_has_it(tick in 1u64..1 << 40, clock_hz in 1u64..5_000_000_000) {
            for oscillator in [Oscillator::new(14318180, 12), Oscillator::new(32768, 1)] {
                let cycle = oscillator.cycle_of(tick, clock_hz);
                prop_assert!(oscillator.ticks(cycle, clock_hz) >= tick);
                prop_assert!(oscillator.ticks(Cycle(cycle.0 - 1), clock_hz) < tick);
            }
        }
    }
}
