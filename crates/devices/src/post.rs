//! The port for power-on self test codes.

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use turtle86_bus::{AccessSize, BusCycle, Device, PortIo, StateError, Stateful, Wiring, state_from, state_of};

/// Port 80h: what firmware is doing, on two digits of a plug-in card. It can be read back.
#[derive(Debug, Default)]
pub struct PostPort {
    state: State,
}
impl PostPort {
    /// How many codes the history keeps.
    pub const HISTORY: usize = 256;
    /// The last code.
    pub fn code(&self) -> u8 {
        self.state.code
    }
    /// The last codes, oldest first.
    pub fn history(&self) -> impl Iterator<Item = u8> + '_ {
        self.state.history.iter().copied()
    }
}
impl Device for PostPort {
    fn name(&self) -> &'static str {
        "post"
    }
    fn connect(&mut self, wiring: &mut Wiring) {
        wiring.byte_ports(0x80..=0x80);
    }
    fn ports(&mut self) -> Option<&mut dyn PortIo> {
        Some(self)
    }
    fn state(&mut self) -> Option<&mut dyn Stateful> {
        Some(self)
    }
}
impl PortIo for PostPort {
    fn read(&mut self, _: u16, _: AccessSize, _: &mut BusCycle<'_>) -> u32 {
        self.state.code.into()
    }
    fn write(&mut self, _: u16, _: AccessSize, value: u32, _: &mut BusCycle<'_>) {
        self.state.code = value as u8;
        if self.state.history.len() >= PostPort::HISTORY {
            self.state.history.pop_front();
        }
        self.state.history.push_back(value as u8);
    }
}
impl Stateful for PostPort {
    fn save(&self) -> Vec<u8> {
        state_of(&self.state)
    }
    fn load(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        self.state = state_from(bytes)?;
        self.state.history.truncate(PostPort::HISTORY);
        Ok(())
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct State {
    code: u8,
    history: VecDeque<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::Bench;

    #[test]
    fn the_last_code_reads_back_and_the_history_forgets_the_oldest() {
        let mut bench = Bench::new(vec![Box::new(PostPort::default())]);
        for code in 0..300u32 {
            bench.write(0x80, code as u8);
        }
        assert_eq!(bench.read(0x80), 43);
        let post: &PostPort = bench.0.device().unwrap();
        assert_eq!((post.code(), post.history().count(), post.history().next()), (43, PostPort::HISTORY, Some(44)));
    }
}
