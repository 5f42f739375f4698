//! Ports by which a guest ends the run: QEMU's isa-debug-exit, and the shutdown port of Bochs.

use serde::{Deserialize, Serialize};
use turtle86_bus::{AccessSize, BusCycle, Device, PortIo, StateError, Stateful, StopRequest, Wiring, state_from, state_of};

/// Ports F4h to F7h: writing `v` stops the machine with the status `v << 1 | 1`. They read as 0.
#[derive(Debug, Default)]
pub struct DebugExit;
impl Device for DebugExit {
    fn name(&self) -> &'static str {
        "debug-exit"
    }
    fn connect(&mut self, wiring: &mut Wiring) {
        wiring.ports(0xf4..=0xf7);
    }
    fn ports(&mut self) -> Option<&mut dyn PortIo> {
        Some(self)
    }
}
impl PortIo for DebugExit {
    fn read(&mut self, _: u16, _: AccessSize, _: &mut BusCycle<'_>) -> u32 {
        0
    }
    fn write(&mut self, _: u16, _: AccessSize, value: u32, bus: &mut BusCycle<'_>) {
        bus.request_stop(StopRequest::DebugExit(value << 1 | 1));
    }
}

/// Port 8900h: the word `Shutdown`, written byte by byte, switches the power off.
#[derive(Debug, Default)]
pub struct ShutdownPort {
    state: State,
}
impl Device for ShutdownPort {
    fn name(&self) -> &'static str {
        "shutdown"
    }
    fn connect(&mut self, wiring: &mut Wiring) {
        wiring.byte_ports(0x8900..=0x8900);
    }
    fn reset(&mut self, _: &mut BusCycle<'_>) {
        self.state = State::default();
    }
    fn ports(&mut self) -> Option<&mut dyn PortIo> {
        Some(self)
    }
    fn state(&mut self) -> Option<&mut dyn Stateful> {
        Some(self)
    }
}
impl PortIo for ShutdownPort {
    fn read(&mut self, _: u16, _: AccessSize, _: &mut BusCycle<'_>) -> u32 {
        0xff
    }
    fn write(&mut self, _: u16, _: AccessSize, value: u32, bus: &mut BusCycle<'_>) {
        let byte = value as u8;
        // A wrong letter may be the first of another try.
        let matched = if WORD.get(self.state.matched) == Some(&byte) { self.state.matched + 1 } else { usize::from(byte == WORD[0]) };
        self.state.matched = matched % WORD.len();
        if matched == WORD.len() {
            bus.request_stop(StopRequest::PowerOff);
        }
    }
}
impl Stateful for ShutdownPort {
    fn save(&self) -> Vec<u8> {
        state_of(&self.state)
    }
    fn load(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        self.state = state_from(bytes)?;
        self.state.matched %= WORD.len();
        Ok(())
    }
}

const WORD: &[u8] = b"Shutdown";

#[derive(Debug, Default, Serialize, Deserialize)]
struct State {
    /// How many letters have come.
    matched: usize,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::Bench;

    #[test]
    fn the_exit_status_is_odd_whatever_the_width() {
        for (size, value, status) in [(AccessSize::Byte, 0x10, 0x21), (AccessSize::Word, 0x1234, 0x2469), (AccessSize::Dword, 0, 1)] {
            let mut bench = Bench::new(vec![Box::new(DebugExit)]);
            assert_eq!(bench.read(0xf4), 0);
            bench.0.write_port(0xf4, size, value);
            assert_eq!(bench.0.lines.stop, Some(StopRequest::DebugExit(status)));
        }
    }

    #[test]
    fn only_the_whole_word_switches_off() {
        for (text, off) in [("Shutdown", true), ("ShutShutdown", true), ("shutdown", false), ("Shutdow", false), ("Shut down", false)] {
            let mut bench = Bench::new(vec![Box::new(ShutdownPort::default())]);
            text.bytes().for_each(|byte| bench.write(0x8900, byte));
            assert_eq!(bench.0.lines.stop, off.then_some(StopRequest::PowerOff), "{text}");
        }
    }
}
