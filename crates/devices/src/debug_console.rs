//! The debug console: a port that takes letters and needs no set-up.

use crate::Sink;
use std::{borrow::Cow, io::Write};
use turtle86_bus::{AccessSize, BusCycle, Device, PortIo, Wiring};

/// Port E9h (Bochs) and port 402h (SeaBIOS): bytes written go to the host; reading gives E9h, by which a guest finds it.
#[derive(Debug, Default)]
pub struct DebugCon {
    sink: Sink,
}
impl DebugCon {
    /// Writes to `sink`.
    pub fn new(sink: Sink) -> DebugCon {
        DebugCon { sink }
    }
    /// Passes everything on to `writer`.
    pub fn with_writer(writer: impl Write + Send + 'static) -> DebugCon {
        DebugCon::new(Sink::writer(writer))
    }
    /// What was written, if it is kept in memory.
    pub fn bytes(&self) -> &[u8] {
        self.sink.bytes()
    }
    /// The same as text.
    pub fn text(&self) -> Cow<'_, str> {
        self.sink.text()
    }
    /// Where it goes.
    pub fn sink_mut(&mut self) -> &mut Sink {
        &mut self.sink
    }
}
impl Device for DebugCon {
    fn name(&self) -> &'static str {
        "debugcon"
    }
    fn connect(&mut self, wiring: &mut Wiring) {
        wiring.byte_ports(0xe9..=0xe9).byte_ports(0x402..=0x402);
    }
    fn ports(&mut self) -> Option<&mut dyn PortIo> {
        Some(self)
    }
}
impl PortIo for DebugCon {
    fn read(&mut self, _: u16, _: AccessSize, _: &mut BusCycle<'_>) -> u32 {
        0xe9
    }
    fn write(&mut self, _: u16, _: AccessSize, value: u32, _: &mut BusCycle<'_>) {
        self.sink.put(value as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::Bench;

    #[test]
    fn letters_from_both_ports_arrive_in_order() {
        let mut bench = Bench::new(vec![Box::new(DebugCon::default())]);
        for (i, byte) in "tortoise".bytes().enumerate() {
            bench.write([0xe9, 0x402][i & 1], byte);
        }
        assert_eq!((bench.read(0xe9), bench.read(0x402)), (0xe9, 0xe9));
        assert_eq!(bench.0.device::<DebugCon>().unwrap().text(), "tortoise");
    }

    #[test]
    fn a_writer_gets_every_byte_and_one_that_fails_is_left_alone() {
        struct Fails;
        impl Write for Fails {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(std::io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let (mut reader, writer) = std::io::pipe().unwrap();
        let mut bench = Bench::new(vec![Box::new(DebugCon::with_writer(writer))]);
        "snail".bytes().for_each(|byte| bench.write(0xe9, byte));
        drop(bench);
        assert_eq!(std::io::read_to_string(&mut reader).unwrap(), "snail");
        let mut bench = Bench::new(vec![Box::new(DebugCon::with_writer(Fails))]);
        "x".repeat(3).bytes().for_each(|byte| bench.write(0xe9, byte));
        assert_eq!(bench.0.device::<DebugCon>().unwrap().text(), "");
    }
}
