//! Time: one clock, counted in processor cycles, and who wants to be woken when.

use serde::{Deserialize, Serialize};
use std::ops::Add;

/// A point in time: processor cycles since the machine was built.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Cycle(pub u64);
impl Add<u64> for Cycle {
    type Output = Cycle;
    fn add(self, cycles: u64) -> Cycle {
        Cycle(self.0.saturating_add(cycles))
    }
}

/// The clock and the wake-ups.
///
/// The processor pays for what it runs by lowering `budget`: the time is `end - budget`, so paying is one subtraction and
/// a negative budget says that something is due. Inside a block the instructions before the current one are not paid yet;
/// `in_block` holds their price while a device looks at the clock.
#[derive(Clone, Debug)]
pub struct Timeline {
    /// Cycles left until the processor must look up.
    pub budget: i64,
    /// Price of the instructions of the running block that are done and not paid yet.
    pub in_block: u32,
    end: u64,
    wakes: Vec<u64>,
    next: u64,
}
impl Timeline {
    /// At cycle 0 with `devices` sleepers.
    pub(crate) fn new(devices: usize) -> Timeline {
        Timeline { budget: 0, in_block: 0, end: 0, wakes: vec![u64::MAX; devices], next: u64::MAX }
    }
    /// The time.
    #[inline]
    pub fn now(&self) -> Cycle {
        Cycle(self.end.wrapping_sub(self.budget as u64).wrapping_add(u64::from(self.in_block)))
    }
    /// Gives the processor `budget` cycles from now on.
    #[inline]
    pub fn grant(&mut self, budget: i64) {
        let now = self.now().0;
        self.in_block = 0;
        self.end = now.wrapping_add(budget as u64);
        self.budget = budget;
    }
    /// Makes the budget negative without moving time, so that the running block is the last.
    #[inline]
    pub fn cut(&mut self) {
        if self.budget >= 0 {
            self.end = self.end.wrapping_sub(self.budget as u64).wrapping_sub(1);
            self.budget = -1;
        }
    }
    /// Lets time pass.
    pub fn pass(&mut self, cycles: u64) {
        self.end = self.end.wrapping_add(cycles);
    }
    /// Sets the clock: for snapshots.
    pub fn set_now(&mut self, now: Cycle) {
        (self.end, self.budget, self.in_block) = (now.0, 0, 0);
    }
    /// The next wake-up, `u64::MAX` if nobody waits.
    #[inline]
    pub fn deadline(&self) -> u64 {
        self.next
    }
    pub(crate) fn wake_at(&mut self, device: usize, at: u64) {
        if let Some(wake) = self.wakes.get_mut(device) {
            *wake = at;
        }
        self.next = self.wakes.iter().copied().min().unwrap_or(u64::MAX);
    }
    /// A device whose time has come; its wake-up is used up. Of several the earliest, then the first connected.
    pub(crate) fn due(&mut self) -> Option<usize> {
        if self.next > self.now().0 {
            return None;
        }
        let device = self.wakes.iter().position(|wake| *wake == self.next)?;
        self.wake_at(device, u64::MAX);
        Some(device)
    }
    /// The wake-ups in the order of the devices: for snapshots.
    pub(crate) fn wakes(&self) -> &[u64] {
        &self.wakes
    }
    /// Takes them back; as many as there are devices.
    pub(crate) fn set_wakes(&mut self, wakes: &[u64]) {
        self.wakes.copy_from_slice(wakes);
        self.next = wakes.iter().copied().min().unwrap_or(u64::MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paying_moves_time_and_cutting_does_not() {
        let mut timeline = Timeline::new(1);
        timeline.grant(100);
        timeline.budget -= 30;
        assert_eq!(timeline.now(), Cycle(30));
        timeline.in_block = 5;
        assert_eq!(timeline.now(), Cycle(35));
        timeline.in_block = 0;
        timeline.cut();
        assert!(timeline.budget < 0);
        assert_eq!(timeline.now(), Cycle(30));
        timeline.grant(10);
        assert_eq!(timeline.now(), Cycle(30));
    }

    #[test]
    fn the_earliest_sleeper_is_woken_first_and_once() {
        let mut timeline = Timeline::new(3);
        timeline.wake_at(0, 20);
        timeline.wake_at(2, 10);
        assert_eq!((timeline.deadline(), timeline.due()), (10, None));
        timeline.pass(25);
        assert_eq!((timeline.due(), timeline.due(), timeline.due()), (Some(2), Some(0), None));
        assert_eq!(timeline.deadline(), u64::MAX);
    }
}
