//! The National Semiconductor PC16550D serial port (data sheet TL/C/8652).

use crate::Sink;
use bitflags::bitflags;
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, collections::VecDeque, io::Write};
use turtle86_bus::{AccessSize, BusCycle, Cycle, Device, IrqLine, PortIo, StateError, Stateful, Timer, Wiring, state_from, state_of};

bitflags! {
    /// Interrupt enable register, offset 1.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Ier: u8 {
        /// Received data available, and timeout.
        const ERBFI = 1 << 0;
        /// Transmitter holding register empty.
        const ETBEI = 1 << 1;
        /// Receiver line status.
        const ELSI = 1 << 2;
        /// Modem status.
        const EDSSI = 1 << 3;
    }
    /// FIFO control register, offset 2, written.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Fcr: u8 {
        /// FIFOs are on.
        const ENABLE = 1 << 0;
        /// Empties the receiver's.
        const CLEAR_RECEIVER = 1 << 1;
        /// Empties the transmitter's.
        const CLEAR_TRANSMITTER = 1 << 2;
        /// DMA mode 1; kept, without effect.
        const DMA = 1 << 3;
        /// Trigger level of 4.
        const TRIGGER_LOW = 1 << 6;
        /// Trigger level of 8; with the other, 14.
        const TRIGGER_HIGH = 1 << 7;
    }
    /// Line control register, offset 3.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Lcr: u8 {
        /// Word length less 5, low bit.
        const LENGTH_LOW = 1 << 0;
        /// Word length less 5, high bit.
        const LENGTH_HIGH = 1 << 1;
        /// Two stop bits.
        const STOP = 1 << 2;
        /// A parity bit.
        const PARITY = 1 << 3;
        /// Even parity.
        const EVEN = 1 << 4;
        /// Parity is fixed.
        const STICK = 1 << 5;
        /// The output sends a break.
        const BREAK = 1 << 6;
        /// Offsets 0 and 1 are the divisor.
        const DLAB = 1 << 7;
    }
    /// Modem control register, offset 4.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Mcr: u8 {
        /// Data terminal ready.
        const DTR = 1 << 0;
        /// Request to send.
        const RTS = 1 << 1;
        /// Output 1.
        const OUT1 = 1 << 2;
        /// Output 2: on a PC it lets the interrupt through.
        const OUT2 = 1 << 3;
        /// Loopback.
        const LOOP = 1 << 4;
    }
    /// Line status register, offset 5.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Lsr: u8 {
        /// Data ready.
        const DR = 1 << 0;
        /// Overrun error.
        const OE = 1 << 1;
        /// Parity error.
        const PE = 1 << 2;
        /// Framing error.
        const FE = 1 << 3;
        /// Break interrupt.
        const BI = 1 << 4;
        /// Transmitter holding register, or FIFO, empty.
        const THRE = 1 << 5;
        /// Transmitter empty.
        const TEMT = 1 << 6;
        /// An error somewhere in the receiver's FIFO.
        const FIFO_ERROR = 1 << 7;
    }
    /// Modem status register, offset 6.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Msr: u8 {
        /// CTS changed.
        const DCTS = 1 << 0;
        /// DSR changed.
        const DDSR = 1 << 1;
        /// RI went away.
        const TERI = 1 << 2;
        /// DCD changed.
        const DDCD = 1 << 3;
        /// Clear to send.
        const CTS = 1 << 4;
        /// Data set ready.
        const DSR = 1 << 5;
        /// Ring.
        const RI = 1 << 6;
        /// Data carrier detect.
        const DCD = 1 << 7;
    }
}

/// A serial port: eight registers and an interrupt line.
///
/// The line is instant unless [`Uart::with_line_rate`] says otherwise: a byte written has been sent, and a byte of the host's arrives as soon
/// as there is room, so that a slow guest is not slowed further and loses nothing. To and from the host bytes are whole, whatever word length
/// the guest sets; only in loopback is it felt.
#[derive(Debug)]
pub struct Uart {
    name: &'static str,
    base: u16,
    number: u8,
    sink: Sink,
    state: State,
    irq: Option<IrqLine>,
}
impl Uart {
    /// A port named `name` at `base`, on interrupt line `irq`.
    pub fn new(name: &'static str, base: u16, irq: u8) -> Uart {
        Uart { name, base, number: irq, sink: Sink::default(), state: State::default(), irq: None }
    }
    /// 3F8h, IRQ 4.
    pub fn com1() -> Uart {
        Uart::new("com1", 0x3f8, 4)
    }
    /// 2F8h, IRQ 3.
    pub fn com2() -> Uart {
        Uart::new("com2", 0x2f8, 3)
    }
    /// 3E8h, IRQ 4.
    pub fn com3() -> Uart {
        Uart::new("com3", 0x3e8, 4)
    }
    /// 2E8h, IRQ 3.
    pub fn com4() -> Uart {
        Uart::new("com4", 0x2e8, 3)
    }
    /// Sends what the guest writes to `sink`; it is kept in memory otherwise.
    pub fn with_output(mut self, sink: Sink) -> Uart {
        self.sink = sink;
        self
    }
    /// Passes what the guest writes on to `writer`.
    pub fn with_writer(self, writer: impl Write + Send + 'static) -> Uart {
        self.with_output(Sink::writer(writer))
    }
    /// Bytes take the time that the guest's divisor and word format give them, in both directions, and may overrun.
    pub fn with_line_rate(mut self) -> Uart {
        self.state.timed = true;
        self
    }
    /// Bytes for the guest to receive. Reach it by [`SystemBus::with_device`](turtle86_bus::SystemBus::with_device).
    pub fn push_input(&mut self, bytes: &[u8], bus: &mut BusCycle<'_>) {
        self.state.incoming.extend(bytes);
        self.refill(bus);
        self.settle(bus);
    }
    /// How many bytes of the host's have not arrived yet.
    pub fn input_waiting(&self) -> usize {
        self.state.incoming.len()
    }
    /// What the guest has sent, if it is kept in memory.
    pub fn output(&self) -> &[u8] {
        self.sink.bytes()
    }
    /// The same as text.
    pub fn output_text(&self) -> Cow<'_, str> {
        self.sink.text()
    }
    /// Where output goes.
    pub fn sink_mut(&mut self) -> &mut Sink {
        &mut self.sink
    }

    /// Drives the interrupt line and asks for the next wake-up.
    fn settle(&mut self, bus: &mut BusCycle<'_>) {
        let line = self.state.cause().is_some() && self.state.mcr.contains(Mcr::OUT2);
        if let Some(irq) = &self.irq
            && line != self.state.line
        {
            self.state.line = line;
            if line { bus.assert_irq(irq) } else { bus.deassert_irq(irq) }
        }
        let state = &mut self.state;
        let wake = [state.sent_at, state.arrives_at, state.times_out_at].into_iter().flatten().min();
        if wake != state.wake {
            state.wake = wake;
            match wake {
                Some(cycle) => bus.wake_at(Cycle(cycle)),
                None => bus.cancel_wake(),
            }
        }
    }
    /// The host's bytes move up.
    fn refill(&mut self, bus: &mut BusCycle<'_>) {
        let state = &mut self.state;
        if state.timed {
            let next = bus.now().0.saturating_add(state.character_cycles(bus));
            state.arrives_at = (!state.incoming.is_empty()).then(|| state.arrives_at.unwrap_or(next));
            return;
        }
        // In loopback the input is cut off.
        while !state.mcr.contains(Mcr::LOOP) && state.received.len() < state.depth() {
            let Some(byte) = state.incoming.pop_front() else { break };
            state.receive(byte, Lsr::empty(), bus);
        }
    }
    /// Takes a byte from the guest.
    fn transmit(&mut self, byte: u8, bus: &mut BusCycle<'_>) {
        self.state.thre_interrupt = false;
        // The line falls before it may rise again: an edge for the controller.
        self.settle(bus);
        if !self.state.timed {
            self.leave(byte, bus);
            self.state.thre_interrupt = true;
            return;
        }
        if self.state.transmitting.len() >= self.state.depth() {
            // Overwritten.
            self.state.transmitting.pop_back();
        }
        self.state.transmitting.push_back(byte);
        self.shift(bus);
    }
    /// Moves a byte to the idle shift register.
    fn shift(&mut self, bus: &mut BusCycle<'_>) {
        if self.state.shifting.is_none()
            && let Some(byte) = self.state.transmitting.pop_front()
        {
            self.state.shifting = Some(byte);
            self.state.sent_at = Some(bus.now().0.saturating_add(self.state.character_cycles(bus)));
            self.state.thre_interrupt |= self.state.transmitting.is_empty();
        }
    }
    /// A byte has gone out, or around.
    fn leave(&mut self, byte: u8, bus: &mut BusCycle<'_>) {
        if self.state.mcr.contains(Mcr::LOOP) {
            let word = 0x1f << (self.state.lcr.bits() & 3) | 0x1f;
            self.state.receive(byte & word, Lsr::empty(), bus);
        } else {
            self.sink.put(byte);
        }
    }
    fn divisor_at(&mut self, offset: u16) -> Option<&mut u8> {
        let chosen = self.state.lcr.contains(Lcr::DLAB) && offset < 2;
        chosen.then(|| &mut self.state.divisor[usize::from(offset & 1)])
    }
}
impl Device for Uart {
    fn name(&self) -> &'static str {
        self.name
    }
    fn connect(&mut self, wiring: &mut Wiring) {
        self.irq = Some(wiring.byte_ports(self.base..=self.base + 7).irq(self.number));
    }
    fn reset(&mut self, bus: &mut BusCycle<'_>) {
        // What the host has sent is still on its way.
        let (timed, incoming) = (self.state.timed, std::mem::take(&mut self.state.incoming));
        self.state = State { timed, incoming, ..State::default() };
        bus.cancel_wake();
        self.refill(bus);
        self.settle(bus);
    }
    fn ports(&mut self) -> Option<&mut dyn PortIo> {
        Some(self)
    }
    fn timer(&mut self) -> Option<&mut dyn Timer> {
        Some(self)
    }
    fn state(&mut self) -> Option<&mut dyn Stateful> {
        Some(self)
    }
}
impl PortIo for Uart {
    fn read(&mut self, port: u16, _: AccessSize, bus: &mut BusCycle<'_>) -> u32 {
        let offset = port.wrapping_sub(self.base) & 7;
        if let Some(divisor) = self.divisor_at(offset) {
            return (*divisor).into();
        }
        let state = &mut self.state;
        let value = match offset {
            0 => {
                let value = state.take_received(bus);
                self.settle(bus);
                self.refill(bus);
                value
            }
            1 => state.ier.bits(),
            2 => state.identify(),
            3 => state.lcr.bits(),
            4 => state.mcr.bits(),
            5 => {
                let lsr = state.lsr();
                state.overrun = false;
                if let Some((_, errors)) = state.received.front_mut() {
                    *errors = 0;
                }
                lsr.bits()
            }
            6 => {
                let msr = state.msr();
                state.msr_changes = Msr::empty();
                msr.bits()
            }
            _ => state.scratch,
        };
        self.settle(bus);
        value.into()
    }
    fn write(&mut self, port: u16, _: AccessSize, value: u32, bus: &mut BusCycle<'_>) {
        let (offset, value) = (port.wrapping_sub(self.base) & 7, value as u8);
        if let Some(divisor) = self.divisor_at(offset) {
            *divisor = value;
            return;
        }
        match offset {
            0 => self.transmit(value, bus),
            1 => self.state.enable(Ier::from_bits_truncate(value)),
            2 => self.state.fifo_control(Fcr::from_bits_retain(value)),
            3 => self.state.line_control(Lcr::from_bits_retain(value), bus),
            4 => {
                self.state.modem_control(Mcr::from_bits_truncate(value));
                self.refill(bus);
            }
            7 => self.state.scratch = value,
            // The status registers are for reading; writing them is for factory tests.
            _ => {}
        }
        self.settle(bus);
        if offset == 2 {
            self.refill(bus);
            self.settle(bus);
        }
    }
}
impl Timer for Uart {
    fn wake(&mut self, bus: &mut BusCycle<'_>) {
        self.state.wake = None;
        let now = bus.now().0;
        let due = |at: &mut Option<u64>| at.take_if(|at| *at <= now).is_some();
        if due(&mut self.state.sent_at) {
            if let Some(byte) = self.state.shifting.take() {
                self.leave(byte, bus);
            }
            self.shift(bus);
        }
        if due(&mut self.state.arrives_at) {
            if let Some(byte) = self.state.incoming.pop_front()
                && !self.state.mcr.contains(Mcr::LOOP)
            {
                self.state.receive(byte, Lsr::empty(), bus);
            }
            self.refill(bus);
        }
        if due(&mut self.state.times_out_at) {
            self.state.timeout_interrupt = !self.state.received.is_empty();
        }
        self.settle(bus);
    }
}
impl Stateful for Uart {
    fn save(&self) -> Vec<u8> {
        state_of(&self.state)
    }
    fn load(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        let timed = self.state.timed;
        self.state = state_from(bytes)?;
        self.state.timed = timed;
        self.state.received.truncate(16);
        self.state.transmitting.truncate(16);
        Ok(())
    }
}

/// Baud rates are this over the divisor, over 16.
const CRYSTAL_HZ: u128 = 1_843_200;

/// What the interrupt is for, by falling priority, as offset 2 shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Cause {
    LineStatus = 0b0110,
    Received = 0b0100,
    Timeout = 0b1100,
    Empty = 0b0010,
    Modem = 0b0000,
}

#[derive(Debug, Serialize, Deserialize)]
struct State {
    ier: Ier,
    fcr: Fcr,
    lcr: Lcr,
    mcr: Mcr,
    msr_changes: Msr,
    scratch: u8,
    divisor: [u8; 2],
    /// With the errors that came with each.
    received: VecDeque<(u8, u8)>,
    /// What an empty receiver shows.
    last: u8,
    overrun: bool,
    transmitting: VecDeque<u8>,
    shifting: Option<u8>,
    thre_interrupt: bool,
    timeout_interrupt: bool,
    /// The host's bytes that have not arrived.
    incoming: VecDeque<u8>,
    timed: bool,
    line: bool,
    sent_at: Option<u64>,
    arrives_at: Option<u64>,
    times_out_at: Option<u64>,
    wake: Option<u64>,
}
impl Default for State {
    fn default() -> State {
        State {
            ier: Ier::empty(),
            fcr: Fcr::empty(),
            lcr: Lcr::empty(),
            mcr: Mcr::empty(),
            msr_changes: Msr::empty(),
            scratch: 0,
            // 9600 baud.
            divisor: [12, 0],
            received: VecDeque::new(),
            last: 0,
            overrun: false,
            transmitting: VecDeque::new(),
            shifting: None,
            thre_interrupt: false,
            timeout_interrupt: false,
            incoming: VecDeque::new(),
            timed: false,
            line: false,
            sent_at: None,
            arrives_at: None,
            times_out_at: None,
            wake: None,
        }
    }
}
impl State {
    fn has_fifo(&self) -> bool {
        self.fcr.contains(Fcr::ENABLE)
    }
    fn depth(&self) -> usize {
        if self.has_fifo() { 16 } else { 1 }
    }
    fn trigger(&self) -> usize {
        if self.has_fifo() { [1, 4, 8, 14][usize::from(self.fcr.bits() >> 6)] } else { 1 }
    }
    /// Cycles that one character takes on the line.
    fn character_cycles(&self, bus: &BusCycle<'_>) -> u64 {
        let divisor = u128::from(u16::from_le_bytes(self.divisor).max(1));
        let bits = 1
            + 5
            + u128::from(self.lcr.bits() & 3)
            + u128::from(self.lcr.contains(Lcr::PARITY))
            + 1
            + u128::from(self.lcr.contains(Lcr::STOP));
        u64::try_from((bits * 16 * divisor * u128::from(bus.clock_hz())).div_ceil(CRYSTAL_HZ)).unwrap_or(u64::MAX)
    }
    fn receive(&mut self, byte: u8, errors: Lsr, bus: &BusCycle<'_>) {
        if self.received.len() >= self.depth() {
            self.overrun = true;
            if self.has_fifo() {
                return;
            }
            self.received.clear();
        }
        self.received.push_back((byte, errors.bits()));
        self.restart_timeout(bus);
    }
    /// The timeout counts from the last byte that came or went.
    fn restart_timeout(&mut self, bus: &BusCycle<'_>) {
        self.timeout_interrupt = false;
        let waits = self.has_fifo() && !self.received.is_empty();
        self.times_out_at = waits.then(|| bus.now().0.saturating_add(self.character_cycles(bus).saturating_mul(4)));
    }
    fn take_received(&mut self, bus: &BusCycle<'_>) -> u8 {
        if let Some((byte, _)) = self.received.pop_front() {
            self.last = byte;
        }
        self.restart_timeout(bus);
        self.last
    }
    fn lsr(&self) -> Lsr {
        let mut lsr = Lsr::from_bits_retain(self.received.front().map_or(0, |(_, errors)| *errors)) & (Lsr::PE | Lsr::FE | Lsr::BI);
        lsr.set(Lsr::DR, !self.received.is_empty());
        lsr.set(Lsr::OE, self.overrun);
        lsr.set(Lsr::THRE, self.transmitting.is_empty());
        lsr.set(Lsr::TEMT, self.transmitting.is_empty() && self.shifting.is_none());
        lsr.set(Lsr::FIFO_ERROR, self.has_fifo() && self.received.iter().any(|(_, errors)| *errors != 0));
        lsr
    }
    fn msr(&self) -> Msr {
        let mut msr = self.msr_changes;
        // Looped back, the outputs are the inputs; otherwise the host is there and listens.
        let looped = self.mcr.contains(Mcr::LOOP);
        msr.set(Msr::CTS, !looped || self.mcr.contains(Mcr::RTS));
        msr.set(Msr::DSR, !looped || self.mcr.contains(Mcr::DTR));
        msr.set(Msr::RI, looped && self.mcr.contains(Mcr::OUT1));
        msr.set(Msr::DCD, !looped || self.mcr.contains(Mcr::OUT2));
        msr
    }
    fn cause(&self) -> Option<Cause> {
        let lsr = self.lsr();
        let causes = [
            (Ier::ELSI, lsr.intersects(Lsr::OE | Lsr::PE | Lsr::FE | Lsr::BI), Cause::LineStatus),
            (Ier::ERBFI, self.received.len() >= self.trigger(), Cause::Received),
            (Ier::ERBFI, self.timeout_interrupt, Cause::Timeout),
            (Ier::ETBEI, self.thre_interrupt, Cause::Empty),
            (Ier::EDSSI, !self.msr_changes.is_empty(), Cause::Modem),
        ];
        causes.into_iter().find_map(|(enable, is, cause)| (is && self.ier.contains(enable)).then_some(cause))
    }
    /// Reads offset 2.
    fn identify(&mut self) -> u8 {
        let cause = self.cause();
        if cause == Some(Cause::Empty) {
            self.thre_interrupt = false;
        }
        cause.map_or(1, |cause| cause as u8) | if self.has_fifo() { 0xc0 } else { 0 }
    }
    fn enable(&mut self, ier: Ier) {
        // Enabling it while the transmitter is empty raises it.
        if ier.contains(Ier::ETBEI) && !self.ier.contains(Ier::ETBEI) {
            self.thre_interrupt = self.transmitting.is_empty();
        }
        self.ier = ier;
    }
    fn fifo_control(&mut self, fcr: Fcr) {
        let toggled = fcr.contains(Fcr::ENABLE) != self.has_fifo();
        if toggled || fcr.contains(Fcr::CLEAR_RECEIVER) {
            self.received.clear();
            (self.timeout_interrupt, self.times_out_at) = (false, None);
        }
        if (toggled || fcr.contains(Fcr::CLEAR_TRANSMITTER)) && !self.transmitting.is_empty() {
            self.transmitting.clear();
            self.thre_interrupt = true;
        }
        // The other bits are only taken with ENABLE.
        self.fcr = if fcr.contains(Fcr::ENABLE) { fcr & !(Fcr::CLEAR_RECEIVER | Fcr::CLEAR_TRANSMITTER) } else { Fcr::empty() };
    }
    fn line_control(&mut self, lcr: Lcr, bus: &BusCycle<'_>) {
        let breaks = lcr.contains(Lcr::BREAK) && !self.lcr.contains(Lcr::BREAK);
        self.lcr = lcr;
        if breaks && self.mcr.contains(Mcr::LOOP) {
            self.receive(0, Lsr::BI, bus);
        }
    }
    fn modem_control(&mut self, mcr: Mcr) {
        let was = self.msr();
        self.mcr = mcr;
        let changed = was ^ self.msr();
        for (line, change) in [(Msr::CTS, Msr::DCTS), (Msr::DSR, Msr::DDSR), (Msr::DCD, Msr::DDCD)] {
            if changed.contains(line) {
                self.msr_changes |= change;
            }
        }
        // RI counts at its end only.
        if was.contains(Msr::RI) && changed.contains(Msr::RI) {
            self.msr_changes |= Msr::TERI;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Pic,
        harness::{Bench, CLOCK_HZ},
    };
    use proptest::prelude::*;

    const THR: u16 = 0x3f8;
    const IER: u16 = 0x3f9;
    const IIR: u16 = 0x3fa;
    const FCR: u16 = 0x3fa;
    const LCR: u16 = 0x3fb;
    const MCR: u16 = 0x3fc;
    const LSR: u16 = 0x3fd;
    const MSR: u16 = 0x3fe;

    fn bench_of(uart: Uart) -> Bench {
        let mut bench = Bench::new(vec![Box::new(Pic::new()), Box::new(uart)]);
        bench.write(MCR, 0x0b);
        bench
    }
    fn bench() -> Bench {
        bench_of(Uart::com1())
    }
    impl Bench {
        fn com1(&self) -> &Uart {
            self.0.device().unwrap()
        }
        fn push(&mut self, bytes: &[u8]) {
            self.0.with_device(|uart: &mut Uart, bus| uart.push_input(bytes, bus)).unwrap();
        }
        fn set_line(&mut self, divisor: u16, lcr: u8) {
            self.write(LCR, 0x80);
            let [low, high] = divisor.to_le_bytes();
            self.write(THR, low);
            self.write(IER, high);
            self.write(LCR, lcr);
        }
    }

    #[test]
    fn registers_after_reset_are_those_of_the_data_sheet() {
        let mut bench = Bench::new(vec![Box::new(Uart::com1())]);
        for (port, value) in [(IER, 0x00), (IIR, 0x01), (LCR, 0x00), (MCR, 0x00), (LSR, 0x60), (MSR, 0xb0)] {
            assert_eq!(bench.read(port), value, "{port:03x}");
        }
        for (port, written, read) in [(IER, 0xff, 0x0f), (LCR, 0x7f, 0x7f), (MCR, 0xff, 0x1f), (0x3ff, 0xa5, 0xa5)] {
            bench.write(port, written);
            assert_eq!(bench.read(port), read, "{port:03x}");
        }
    }

    #[test]
    fn the_divisor_hides_behind_dlab() {
        let mut bench = bench();
        bench.write(IER, 0x05);
        bench.set_line(0x1234, 0x83);
        assert_eq!((bench.read(THR), bench.read(IER)), (0x34, 0x12));
        bench.write(LCR, 0x03);
        assert_eq!(bench.read(IER), 0x05);
        assert_eq!(bench.com1().output(), b"");
    }

    #[test]
    fn what_is_sent_comes_out_at_once() {
        let mut bench = bench();
        for byte in b"turtle" {
            assert_eq!(bench.read(LSR), 0x60);
            bench.write(THR, *byte);
        }
        assert_eq!(bench.com1().output_text(), "turtle");
    }

    #[test]
    fn nothing_of_the_hosts_is_lost_on_an_instant_line() {
        for fcr in [0x00, 0x01] {
            let mut bench = bench();
            bench.write(FCR, fcr);
            let sent: Vec<u8> = (0..100).collect();
            bench.push(&sent);
            let mut received = Vec::new();
            while bench.read(LSR) & 1 != 0 {
                received.push(bench.read(THR));
            }
            assert_eq!((received, bench.com1().input_waiting()), (sent, 0));
        }
    }

    #[test]
    fn interrupts_come_by_priority_and_go_as_the_data_sheet_lists() {
        let mut bench = bench();
        bench.write(IER, 0x0f);
        assert_eq!((bench.irq(4), bench.read(IIR), bench.read(IIR)), (true, 0x02, 0x01), "reading it takes it away");
        assert!(!bench.irq(4));
        // In loopback: an overrun, data, and a changed modem line.
        bench.write(MCR, 0x18);
        bench.write(THR, 1);
        bench.write(THR, 2);
        for (cause, port) in [(0x06, LSR), (0x04, THR), (0x02, IIR), (0x00, MSR)] {
            assert_eq!(bench.read(IIR), cause);
            if port != IIR {
                bench.read(port);
            }
        }
        assert_eq!(bench.read(IIR), 0x01);
        assert!(!bench.irq(4));
    }

    #[test]
    fn each_byte_sent_is_a_new_edge() {
        let mut bench = bench();
        [(0x20, 0x11), (0x21, 0x20), (0x21, 0x04), (0x21, 0x01), (0x21, 0xef)]
            .into_iter()
            .for_each(|(port, value)| bench.write(port, value));
        bench.write(IER, 0x02);
        for _ in 0..3 {
            assert_eq!(bench.0.acknowledge_interrupt(), 0x24);
            bench.write(THR, b'x');
            bench.write(0x20, 0x20);
            assert!(bench.0.lines.intr);
        }
    }

    #[test]
    fn out2_lets_the_interrupt_through() {
        let mut bench = bench();
        bench.write(MCR, 0x00);
        bench.write(IER, 0x02);
        assert!(!bench.irq(4));
        bench.write(MCR, 0x08);
        assert!(bench.irq(4));
    }

    #[test]
    fn the_fifo_interrupts_at_its_trigger_or_after_four_characters_of_silence() {
        for (fcr, trigger) in [(0x01, 1), (0x41, 4), (0x81, 8), (0xc1, 14)] {
            let mut bench = bench();
            bench.set_line(1, 0x03);
            bench.write(FCR, fcr);
            bench.write(IER, 0x01);
            bench.push(&vec![7; trigger - 1]);
            assert_eq!(bench.read(IIR), 0xc1);
            bench.push(&[7]);
            assert_eq!((bench.irq(4), bench.read(IIR)), (true, 0xc4));
            bench.read(THR);
            if trigger > 1 {
                assert_eq!(bench.read(IIR), 0xc1);
                let four = 4 * (10 * 16 * CLOCK_HZ).div_ceil(1_843_200);
                bench.run(four - 1);
                assert!(!bench.irq(4));
                bench.run(1);
                assert_eq!((bench.irq(4), bench.read(IIR)), (true, 0xcc));
                bench.read(THR);
            }
            assert!(!bench.irq(4));
        }
    }

    #[test]
    fn clearing_fifos_drops_what_they_hold() {
        let mut bench = bench();
        bench.write(FCR, 0x01);
        bench.push(&[1, 2, 3]);
        bench.write(FCR, 0x03);
        assert_eq!(bench.read(LSR) & 1, 0);
        bench.push(&[4]);
        assert_eq!(bench.read(THR), 4);
    }

    #[test]
    fn loopback_returns_bytes_and_modem_lines() {
        let mut bench = bench();
        bench.write(LCR, 0x03);
        for (mcr, msr) in [(0x10, 0x00), (0x11, 0x20), (0x12, 0x10), (0x14, 0x40), (0x18, 0x80), (0x1f, 0xf0)] {
            bench.write(MCR, mcr);
            assert_eq!(bench.read(MSR) & 0xf0, msr);
        }
        assert_eq!(bench.read(MSR), 0xf0, "changes are shown once");
        bench.write(MCR, 0x1b);
        assert_eq!(bench.read(MSR), 0xb4, "the ring has ended");
        bench.write(THR, 0x5a);
        assert_eq!((bench.read(LSR), bench.read(THR), bench.read(LSR)), (0x61, 0x5a, 0x60));
        for (lcr, byte) in [(0, 0x1f), (1, 0x3f), (2, 0x7f), (3, 0xff)] {
            bench.write(LCR, lcr);
            bench.write(THR, 0xff);
            assert_eq!(bench.read(THR), byte);
        }
        bench.write(LCR, 0x43);
        assert_eq!((bench.read(LSR), bench.read(LSR), bench.read(THR)), (0x71, 0x61, 0x00), "a break");
        assert_eq!(bench.com1().output(), b"");
    }

    #[test]
    fn on_a_timed_line_characters_take_their_time() {
        let mut bench = bench_of(Uart::com1().with_line_rate());
        // 9600 baud, 8 bits, no parity, one stop bit.
        bench.set_line(12, 0x03);
        let character = (10 * 16 * 12 * CLOCK_HZ).div_ceil(1_843_200);
        bench.write(THR, b'a');
        assert_eq!(bench.read(LSR), 0x20, "already in the shift register");
        bench.write(THR, b'b');
        assert_eq!(bench.read(LSR), 0x00);
        bench.run(character);
        assert_eq!((bench.com1().output_text().into_owned(), bench.read(LSR)), ("a".into(), 0x20));
        bench.run(character - 1);
        assert_eq!(bench.com1().output(), b"a");
        bench.run(1);
        assert_eq!((bench.com1().output_text().into_owned(), bench.read(LSR)), ("ab".into(), 0x60));
        bench.push(b"xy");
        bench.run(character);
        assert_eq!(bench.read(LSR), 0x61);
        bench.run(character);
        assert_eq!((bench.read(LSR), bench.read(LSR), bench.read(THR)), (0x63, 0x61, b'y'), "x was overrun");
    }

    #[test]
    fn a_timed_fifo_interrupts_when_the_last_byte_leaves_it() {
        let mut bench = bench_of(Uart::com1().with_line_rate());
        bench.set_line(1, 0x03);
        bench.write(FCR, 0x01);
        let character = (10 * 16 * CLOCK_HZ).div_ceil(1_843_200);
        (0..17).for_each(|byte| bench.write(THR, byte));
        bench.write(IER, 0x02);
        assert!(!bench.irq(4));
        bench.run(16 * character - 1);
        assert!(!bench.irq(4));
        bench.run(1);
        assert!(bench.irq(4));
        bench.run(character);
        assert_eq!(bench.com1().output().len(), 17);
    }

    proptest! {
        #[test]
        fn a_wrong_state_is_no_panic(noise: Vec<u8>) {
            let mut bench = bench_of(Uart::com1().with_line_rate());
            bench.push(b"some input");
            bench.survives_noise(&noise, &[THR, IER, IIR, LCR, MCR, LSR, MSR]);
        }
    }
}
