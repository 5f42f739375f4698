//! A device that was given a damaged state: it refuses it, or goes on with whatever it made of it.
//!
//! Input: the target whose devices, which of them, how, a length and so many bytes of state; then actions.

use super::{SETUPS, Twins, load, on_twins};
use crate::bench::pick;

/// Runs one input.
pub fn run(data: &[u8]) {
    let [setup, device, how, length, data @ ..] = data else { return };
    let (damage, actions) = data.split_at(usize::from(*length).min(data.len()));
    on_twins(pick(SETUPS, *setup), |twins| {
        if twins.damage(*device, *how, damage) {
            twins.act(actions);
        }
    });
}

impl Twins {
    /// True if the devices took it.
    fn damage(&mut self, device: u8, how: u8, damage: &[u8]) -> bool {
        let mut saved = self.bus.save();
        let count = saved.1.len();
        let state = &mut saved.1[usize::from(device) % count].1;
        if how & 1 == 0 {
            // All of it.
            *state = damage.to_vec();
        } else {
            for edit in damage.chunks_exact(3) {
                let at = usize::from(u16::from_le_bytes([edit[0], edit[1]])) % state.len().max(1);
                match state.get_mut(at) {
                    Some(byte) if edit[1] & 0x80 == 0 => *byte = edit[2],
                    // Longer lists.
                    Some(_) => state.insert(at, edit[2]),
                    None => {}
                }
            }
        }
        // A list that the snapshot holds may be as long as it likes.
        self.given += damage.len();
        load(&mut self.bus, &saved).is_ok()
    }
}
