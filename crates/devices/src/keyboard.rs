//! The 8042 keyboard controller of the AT (IBM PC AT technical reference, 6280070), a keyboard on it, and port 92h of the PS/2.

use crate::{clock::cycles_of_micros, scancodes};
use bitflags::bitflags;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use turtle86_bus::{AccessSize, BusCycle, Device, IrqLine, PortIo, StateError, Stateful, Timer, Wiring, state_from, state_of};

bitflags! {
    /// The status register, 64h.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Status: u8 {
        /// Output buffer full: there is something at 60h.
        const OBF = 1 << 0;
        /// Input buffer full: the controller still works on its answer.
        const IBF = 1 << 1;
        /// The self test has passed.
        const SYSTEM = 1 << 2;
        /// The last write was a command, to 64h.
        const COMMAND = 1 << 3;
        /// The keyboard is not locked.
        const UNLOCKED = 1 << 4;
        /// What is at 60h comes from the auxiliary port.
        const AUX = 1 << 5;
        /// The other end did not answer.
        const TIMEOUT = 1 << 6;
        /// Parity error.
        const PARITY = 1 << 7;
    }
    /// The command byte, byte 0 of the controller's memory.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct CommandByte: u8 {
        /// Interrupts for the keyboard, on IRQ 1.
        const KEYBOARD_IRQ = 1 << 0;
        /// Interrupts for the auxiliary port, on IRQ 12.
        const AUX_IRQ = 1 << 1;
        /// Shows in the status.
        const SYSTEM = 1 << 2;
        /// The keyboard's clock is held.
        const KEYBOARD_OFF = 1 << 4;
        /// The auxiliary port's clock is held.
        const AUX_OFF = 1 << 5;
        /// Scan code set 2 is translated to set 1.
        const TRANSLATE = 1 << 6;
    }
    /// The output port.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct OutputPort: u8 {
        /// Low resets the processor.
        const NOT_RESET = 1 << 0;
        /// Address line 20.
        const A20 = 1 << 1;
        /// Auxiliary data.
        const AUX_DATA = 1 << 2;
        /// Auxiliary clock.
        const AUX_CLOCK = 1 << 3;
        /// IRQ 1.
        const KEYBOARD_IRQ = 1 << 4;
        /// IRQ 12.
        const AUX_IRQ = 1 << 5;
        /// Keyboard clock.
        const KEYBOARD_CLOCK = 1 << 6;
        /// Keyboard data.
        const KEYBOARD_DATA = 1 << 7;
    }
    /// System control port A, 92h.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub struct ControlA: u8 {
        /// A rising edge resets the processor.
        const RESET = 1 << 0;
        /// Address line 20.
        const A20 = 1 << 1;
    }
    /// The keyboard's lights, as command EDh sets them.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Leds: u8 {
        /// Scroll lock.
        const SCROLL = 1 << 0;
        /// Num lock.
        const NUM = 1 << 1;
        /// Caps lock.
        const CAPS = 1 << 2;
    }
}

/// Ports 60h and 64h, port 92h; IRQ 1 and IRQ 12. The auxiliary port has nothing plugged in.
///
/// Commands act at once; answers take 10 us to appear, and a byte from the keyboard 100 us.
/// After reset the controller is as firmware leaves it: the keyboard interrupts, and its codes arrive in set 1.
#[derive(Debug, Default)]
pub struct Keyboard {
    state: State,
    irq: Option<[IrqLine; 2]>,
}
impl Keyboard {
    /// As after a reset.
    pub fn new() -> Keyboard {
        Keyboard::default()
    }
    /// Presses a key: its make code in set 1, with E0h in the high byte for the keys that have it (E11Dh is Pause, E037h Print Screen).
    /// Reach it by [`SystemBus::with_device`](turtle86_bus::SystemBus::with_device).
    pub fn press(&mut self, code: u16, bus: &mut BusCycle<'_>) {
        self.state.keyboard.stroke(code, true);
        self.settle(bus);
    }
    /// Lets go of a key.
    pub fn release(&mut self, code: u16, bus: &mut BusCycle<'_>) {
        self.state.keyboard.stroke(code, false);
        self.settle(bus);
    }
    /// Types on a US keyboard: a key event every 10 ms, once the guest has read the ones before. Letters without a key are left out.
    pub fn type_text(&mut self, text: &str, bus: &mut BusCycle<'_>) {
        for letter in text.chars() {
            let Some((code, shifted)) = scancodes::key_of(letter) else { continue };
            let typed = &mut self.state.typed;
            if shifted {
                typed.push_back((SHIFT, true));
            }
            typed.extend([(code, true), (code, false)]);
            if shifted {
                typed.push_back((SHIFT, false));
            }
        }
        self.settle(bus);
    }
    /// Whether everything typed has been read.
    pub fn is_idle(&self) -> bool {
        self.state.typed.is_empty() && self.state.keyboard.codes.is_empty() && self.state.output.is_none()
    }
    /// The lights.
    pub fn leds(&self) -> Leds {
        self.state.keyboard.leds
    }

    /// Drives the interrupt lines, and sees that what waits is delivered.
    fn settle(&mut self, bus: &mut BusCycle<'_>) {
        let state = &mut self.state;
        // What nobody reads is lost: a chip that waits for its reader is deaf, and so is the keyboard.
        state.answers.truncate(WAITING);
        state.keyboard.replies.truncate(WAITING);
        if let Some(lines) = &self.irq {
            let wanted = state.irqs();
            for (i, line) in lines.iter().enumerate() {
                if wanted[i] { bus.assert_irq(line) } else { bus.deassert_irq(line) }
            }
        }
        let after = |micros| bus.now() + cycles_of_micros(micros, bus.clock_hz());
        let wait = match (&state.output, state.answers.is_empty()) {
            (Some(_), _) => None,
            (None, false) => Some(ANSWER_MICROS),
            (None, true) => state.keyboard_waits().then_some(KEYBOARD_MICROS),
        };
        state.deliver_at = wait.map(|micros| state.deliver_at.unwrap_or(after(micros).0));
        let types = !state.typed.is_empty() && state.output.is_none() && state.keyboard.codes.is_empty() && state.keyboard.scanning;
        state.type_at = types.then(|| state.type_at.unwrap_or(after(TYPE_MICROS).0));
        let wake = [state.deliver_at, state.type_at].into_iter().flatten().min();
        if wake != state.wake {
            state.wake = wake;
            match wake {
                Some(cycle) => bus.wake_at(turtle86_bus::Cycle(cycle)),
                None => bus.cancel_wake(),
            }
        }
    }
}
impl Device for Keyboard {
    fn name(&self) -> &'static str {
        "keyboard"
    }
    fn connect(&mut self, wiring: &mut Wiring) {
        wiring.byte_ports(0x60..=0x60).byte_ports(0x64..=0x64).byte_ports(0x92..=0x92);
        self.irq = Some([wiring.irq(1), wiring.irq(12)]);
    }
    fn reset(&mut self, bus: &mut BusCycle<'_>) {
        // The hands that type are not the machine's.
        self.state = State { typed: std::mem::take(&mut self.state.typed), ..State::default() };
        bus.cancel_wake();
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
impl PortIo for Keyboard {
    fn read(&mut self, port: u16, _: AccessSize, bus: &mut BusCycle<'_>) -> u32 {
        let value = match port {
            0x60 => {
                if let Some(byte) = self.state.output.take() {
                    self.state.last = byte.value;
                }
                self.state.last
            }
            0x64 => return self.state.status().bits().into(),
            _ => {
                let mut value = self.state.control_a;
                value.set(ControlA::A20, bus.a20());
                value.bits()
            }
        };
        self.settle(bus);
        value.into()
    }
    fn write(&mut self, port: u16, _: AccessSize, value: u32, bus: &mut BusCycle<'_>) {
        let value = value as u8;
        match port {
            0x60 => self.state.data(value, bus),
            0x64 => self.state.command(value, bus),
            _ => {
                let (was, value) = (self.state.control_a, ControlA::from_bits_retain(value));
                if value.contains(ControlA::RESET) && !was.contains(ControlA::RESET) {
                    bus.assert_reset();
                }
                bus.set_a20(value.contains(ControlA::A20));
                self.state.control_a = value;
            }
        }
        self.settle(bus);
    }
}
impl Timer for Keyboard {
    fn wake(&mut self, bus: &mut BusCycle<'_>) {
        let now = bus.now().0;
        let state = &mut self.state;
        state.wake = None;
        if state.type_at.is_some_and(|at| at <= now) {
            state.type_at = None;
            if let Some((code, down)) = state.typed.pop_front() {
                state.keyboard.stroke(code, down);
            }
        }
        if state.deliver_at.is_some_and(|at| at <= now) {
            state.deliver_at = None;
            state.deliver();
        }
        self.settle(bus);
    }
}
impl Stateful for Keyboard {
    fn save(&self) -> Vec<u8> {
        state_of(&self.state)
    }
    fn load(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        self.state = state_from(bytes)?;
        Ok(())
    }
}

const ANSWER_MICROS: u64 = 10;
const KEYBOARD_MICROS: u64 = 100;
const TYPE_MICROS: u64 = 10_000;
const SHIFT: u16 = 0x2a;
/// Answers that can wait for a reader.
const WAITING: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Source {
    Keyboard,
    Aux,
}
/// A byte on its way to 60h.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Byte {
    value: u8,
    source: Source,
    timeout: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct State {
    /// The controller's memory; byte 0 is the command byte.
    memory: [u8; 32],
    /// A command that waits for its byte at 60h.
    pending: Option<u8>,
    last_was_command: bool,
    output: Option<Byte>,
    last: u8,
    /// The controller's own answers.
    answers: VecDeque<Byte>,
    keyboard: Keys,
    control_a: ControlA,
    typed: VecDeque<(u16, bool)>,
    /// Cycles at which the next byte comes, the next key moves, and the wake-up asked for.
    deliver_at: Option<u64>,
    type_at: Option<u64>,
    wake: Option<u64>,
}
impl Default for State {
    fn default() -> State {
        let mut memory = [0; 32];
        memory[0] = (CommandByte::KEYBOARD_IRQ | CommandByte::TRANSLATE).bits();
        State {
            memory,
            pending: None,
            last_was_command: true,
            output: None,
            last: 0,
            answers: VecDeque::new(),
            keyboard: Keys::default(),
            control_a: ControlA::empty(),
            typed: VecDeque::new(),
            deliver_at: None,
            type_at: None,
            wake: None,
        }
    }
}
impl State {
    fn command_byte(&self) -> CommandByte {
        CommandByte::from_bits_retain(self.memory[0])
    }
    fn change(&mut self, flag: CommandByte, on: bool) {
        let mut byte = self.command_byte();
        byte.set(flag, on);
        self.memory[0] = byte.bits();
    }
    /// IRQ 1 and IRQ 12.
    fn irqs(&self) -> [bool; 2] {
        let from = |source, flag| self.output.is_some_and(|byte| byte.source == source) && self.command_byte().contains(flag);
        [from(Source::Keyboard, CommandByte::KEYBOARD_IRQ), from(Source::Aux, CommandByte::AUX_IRQ)]
    }
    fn status(&self) -> Status {
        let mut status = Status::UNLOCKED;
        status.set(Status::OBF, self.output.is_some());
        // Whoever waits for an idle controller then finds the answer.
        status.set(Status::IBF, self.output.is_none() && !self.answers.is_empty());
        status.set(Status::AUX, self.output.is_some_and(|byte| byte.source == Source::Aux));
        status.set(Status::TIMEOUT, self.output.is_some_and(|byte| byte.timeout));
        status.set(Status::SYSTEM, self.command_byte().contains(CommandByte::SYSTEM));
        status.set(Status::COMMAND, self.last_was_command);
        status
    }
    fn keyboard_waits(&self) -> bool {
        let silent = self.keyboard.replies.is_empty() && self.keyboard.codes.is_empty();
        !silent && !self.command_byte().contains(CommandByte::KEYBOARD_OFF)
    }
    /// Fills the output buffer.
    fn deliver(&mut self) {
        if self.output.is_some() {
            return;
        }
        self.output = self.answers.pop_front();
        while self.output.is_none() && self.keyboard_waits() {
            let Some(code) = self.keyboard.next() else { return };
            let value = if self.command_byte().contains(CommandByte::TRANSLATE) {
                // The prefix of a release becomes bit 7 of what follows.
                match (code, std::mem::replace(&mut self.keyboard.released, code == 0xf0)) {
                    (0xf0, _) => continue,
                    (code, true) => scancodes::translated(code) | 0x80,
                    (code, false) => scancodes::translated(code),
                }
            } else {
                code
            };
            self.output = Some(Byte { value, source: Source::Keyboard, timeout: false });
        }
    }
    fn answer(&mut self, value: u8) {
        self.answers.push_back(Byte { value, source: Source::Keyboard, timeout: false });
    }
    fn output_port(&self, bus: &BusCycle<'_>) -> OutputPort {
        let [keyboard, aux] = self.irqs();
        let off = self.command_byte();
        let mut port = OutputPort::NOT_RESET | OutputPort::AUX_DATA | OutputPort::KEYBOARD_DATA;
        port.set(OutputPort::A20, bus.a20());
        port.set(OutputPort::KEYBOARD_IRQ, keyboard);
        port.set(OutputPort::AUX_IRQ, aux);
        port.set(OutputPort::KEYBOARD_CLOCK, !off.contains(CommandByte::KEYBOARD_OFF));
        port.set(OutputPort::AUX_CLOCK, !off.contains(CommandByte::AUX_OFF));
        port
    }
    /// A write to 64h.
    fn command(&mut self, command: u8, bus: &mut BusCycle<'_>) {
        self.last_was_command = true;
        self.pending = None;
        match command {
            0x20..=0x3f => self.answer(self.memory[usize::from(command & 31)]),
            0x60..=0x7f | 0xd1..=0xd4 => self.pending = Some(command),
            // No password.
            0xa4 => self.answer(0xf1),
            0xa7 => self.change(CommandByte::AUX_OFF, true),
            0xa8 => self.change(CommandByte::AUX_OFF, false),
            // Both ports' lines are sound.
            0xa9 | 0xab => self.answer(0x00),
            0xaa => {
                self.change(CommandByte::SYSTEM, true);
                self.answer(0x55);
            }
            0xad => self.change(CommandByte::KEYBOARD_OFF, true),
            0xae => self.change(CommandByte::KEYBOARD_OFF, false),
            // Not locked, colour display, no manufacturing jumper, 256 KiB or more on the board.
            0xc0 => self.answer(0xb0),
            0xd0 => self.answer(self.output_port(bus).bits()),
            // A way to A20 without the output port.
            0xdd => bus.set_a20(false),
            0xdf => bus.set_a20(true),
            0xe0 => self.answer(0x00),
            // Pulses output lines low; bit 0 is RESET.
            0xf0..=0xff if command & 1 == 0 => bus.assert_reset(),
            _ => {}
        }
    }
    /// A write to 60h.
    fn data(&mut self, value: u8, bus: &mut BusCycle<'_>) {
        self.last_was_command = false;
        match self.pending.take() {
            Some(command @ 0x60..=0x7f) => self.memory[usize::from(command & 31)] = value,
            Some(0xd1) => {
                let port = OutputPort::from_bits_retain(value);
                bus.set_a20(port.contains(OutputPort::A20));
                if !port.contains(OutputPort::NOT_RESET) {
                    bus.assert_reset();
                }
            }
            Some(0xd2) => self.answer(value),
            Some(0xd3) => self.answers.push_back(Byte { value, source: Source::Aux, timeout: false }),
            // Nobody there.
            Some(0xd4) => self.answers.push_back(Byte { value: 0xfe, source: Source::Aux, timeout: true }),
            _ => {
                // Sending opens the line.
                self.change(CommandByte::KEYBOARD_OFF, false);
                self.keyboard.command(value);
            }
        }
    }
}

/// The keyboard at the other end of the cable.
#[derive(Debug, Serialize, Deserialize)]
struct Keys {
    /// Answers to commands; they go before the codes.
    replies: VecDeque<u8>,
    codes: VecDeque<u8>,
    /// A command that waits for its byte.
    pending: Option<u8>,
    set: u8,
    scanning: bool,
    leds: Leds,
    typematic: u8,
    last_sent: u8,
    /// The controller has seen the prefix of a release.
    released: bool,
}
impl Default for Keys {
    fn default() -> Keys {
        Keys {
            replies: VecDeque::new(),
            codes: VecDeque::new(),
            pending: None,
            set: 2,
            scanning: true,
            leds: Leds::empty(),
            typematic: 0x2b,
            last_sent: 0,
            released: false,
        }
    }
}
impl Keys {
    /// What fits into a keyboard's buffer.
    const CODES: usize = 16;

    fn next(&mut self) -> Option<u8> {
        let byte = if self.released { None } else { self.replies.pop_front() };
        let byte = byte.or_else(|| self.codes.pop_front()).or_else(|| self.replies.pop_front());
        if let Some(byte) = byte {
            self.last_sent = byte;
        }
        byte
    }
    fn stroke(&mut self, code: u16, down: bool) {
        if !self.scanning {
            return;
        }
        let bytes = scancodes::bytes_of(code, down, self.set);
        if self.codes.len() + bytes.len() <= Keys::CODES {
            self.codes.extend(bytes);
        } else if self.codes.len() <= Keys::CODES {
            // Overrun, once.
            self.codes.resize(Keys::CODES, 0);
            self.codes.push_back(if self.set == 1 { 0xff } else { 0x00 });
        }
    }
    fn defaults(&mut self) {
        self.codes.clear();
        (self.set, self.typematic, self.released) = (2, 0x2b, false);
    }
    fn command(&mut self, value: u8) {
        const ACK: u8 = 0xfa;
        const RESEND: u8 = 0xfe;
        // A command in place of a parameter is a command.
        if let Some(command) = self.pending.take().filter(|_| value < 0xed) {
            let good = match (command, value) {
                (0xed, leds) => {
                    self.leds = Leds::from_bits_truncate(leds);
                    true
                }
                (0xf3, rate) => {
                    self.typematic = rate & 0x7f;
                    true
                }
                (_, 0) => {
                    self.replies.extend([ACK, self.set]);
                    return;
                }
                (_, set @ 1..=2) => {
                    self.set = set;
                    self.codes.clear();
                    true
                }
                _ => false,
            };
            self.replies.push_back(if good { ACK } else { RESEND });
            return;
        }
        match value {
            0xee => self.replies.push_back(0xee),
            0xed | 0xf0 | 0xf3 => {
                self.pending = Some(value);
                self.replies.push_back(ACK);
            }
            0xf2 => self.replies.extend([ACK, 0xab, 0x83]),
            0xf4 => {
                self.codes.clear();
                self.scanning = true;
                self.replies.push_back(ACK);
            }
            0xf5 | 0xf6 => {
                self.defaults();
                self.scanning = value == 0xf6;
                self.replies.push_back(ACK);
            }
            0xfe => self.replies.push_back(self.last_sent),
            0xff => {
                *self = Keys::default();
                self.replies.extend([ACK, 0xaa]);
            }
            _ => self.replies.push_back(RESEND),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Pic, harness::Bench};
    use proptest::prelude::*;

    fn bench() -> Bench {
        Bench::new(vec![Box::new(Pic::new()), Box::new(Keyboard::new())])
    }
    impl Bench {
        fn key(&mut self, f: impl FnOnce(&mut Keyboard, &mut BusCycle<'_>)) {
            self.0.with_device(f).unwrap();
        }
        /// Everything that arrives within 10 ms of silence.
        fn received(&mut self) -> Vec<u8> {
            let mut bytes = Vec::new();
            loop {
                self.run_micros(20_000);
                if self.read(0x64) & 1 == 0 {
                    return bytes;
                }
                bytes.push(self.read(0x60));
            }
        }
        fn controller(&mut self, command: u8) {
            self.write(0x64, command);
        }
        fn controller_with(&mut self, command: u8, data: u8) {
            self.write(0x64, command);
            self.write(0x60, data);
        }
    }

    #[test]
    fn the_controller_answers_as_the_reference_lists() {
        for (command, answer) in [
            (0x20, &[0x41][..]),
            (0xaa, &[0x55]),
            (0xab, &[0x00]),
            (0xa9, &[0x00]),
            (0xa4, &[0xf1]),
            (0xd0, &[0xcf]),
            (0xad, &[]),
            (0xae, &[]),
            (0xff, &[]),
        ] {
            let mut bench = bench();
            bench.controller(command);
            assert_eq!(bench.received(), answer, "{command:02x}");
        }
    }

    #[test]
    fn an_answer_takes_its_time_and_shows_in_the_status() {
        let mut bench = bench();
        assert_eq!(bench.read(0x64), 0x18);
        bench.controller(0xaa);
        bench.run_micros(9);
        assert_eq!(bench.read(0x64), 0x1e);
        bench.run_micros(1);
        assert_eq!(bench.read(0x64), 0x1d);
        assert!(bench.irq(1));
        assert_eq!((bench.read(0x60), bench.read(0x64), bench.read(0x60)), (0x55, 0x1c, 0x55));
        assert!(!bench.irq(1));
    }

    #[test]
    fn answers_that_nobody_reads_do_not_pile_up() {
        for ask in [|bench: &mut Bench| bench.controller(0xab), |bench: &mut Bench| bench.write(0x60, 0xf2)] {
            let mut bench = bench();
            (0..100).for_each(|_| ask(&mut bench));
            let size = |bench: &mut Bench| bench.0.save().1.iter().map(|(_, state)| state.len()).sum::<usize>();
            let before = size(&mut bench);
            (0..1000).for_each(|_| ask(&mut bench));
            assert_eq!(size(&mut bench), before);
            assert!(!bench.received().is_empty());
            ask(&mut bench);
            assert!(!bench.received().is_empty());
        }
    }

    #[test]
    fn the_keyboard_answers_as_the_reference_lists() {
        for (bytes, answer) in [
            (&[0xff][..], &[0xfa, 0xaa][..]),
            (&[0xee], &[0xee]),
            (&[0xed, 0x02], &[0xfa, 0xfa]),
            (&[0xf2], &[0xfa, 0xab, 0x83]),
            (&[0xf3, 0x20], &[0xfa, 0xfa]),
            (&[0xf4], &[0xfa]),
            (&[0xf5], &[0xfa]),
            (&[0xf6], &[0xfa]),
            (&[0xf0, 0x00], &[0xfa, 0xfa, 0x02]),
            (&[0xf0, 0x01], &[0xfa, 0xfa]),
            (&[0xf0, 0x05], &[0xfa, 0xfe]),
            (&[0xed, 0xf4], &[0xfa, 0xfa]),
            (&[0x12], &[0xfe]),
        ] {
            let mut bench = bench();
            bench.controller_with(0x60, 0x01);
            bytes.iter().for_each(|byte| bench.write(0x60, *byte));
            assert_eq!(bench.received(), answer, "{bytes:02x?}");
        }
        let mut bench = bench();
        bench.write(0x60, 0xf2);
        assert_eq!(bench.received(), [0xfa, 0xab, 0x41], "translated");
        bench.write(0x60, 0xed);
        bench.write(0x60, 0x05);
        assert_eq!(bench.0.device::<Keyboard>().unwrap().leds(), Leds::SCROLL | Leds::CAPS);
    }

    #[test]
    fn keys_arrive_in_the_chosen_set() {
        let codes = |command_byte, set| {
            let mut bench = bench();
            bench.controller_with(0x60, command_byte);
            bench.write(0x60, 0xf0);
            bench.write(0x60, set);
            assert_eq!(bench.received(), [0xfa, 0xfa]);
            bench.key(|keyboard, bus| {
                keyboard.press(0x1e, bus);
                keyboard.release(0x1e, bus);
                keyboard.press(0xe04b, bus);
                keyboard.release(0xe04b, bus);
            });
            bench.received()
        };
        assert_eq!(codes(0x41, 2), [0x1e, 0x9e, 0xe0, 0x4b, 0xe0, 0xcb]);
        assert_eq!(codes(0x01, 1), [0x1e, 0x9e, 0xe0, 0x4b, 0xe0, 0xcb]);
        assert_eq!(codes(0x01, 2), [0x1c, 0xf0, 0x1c, 0xe0, 0x6b, 0xe0, 0xf0, 0x6b]);
    }

    #[test]
    fn a_held_keyboard_keeps_its_codes_until_the_line_opens() {
        let mut bench = bench();
        bench.controller(0xad);
        bench.key(|keyboard, bus| keyboard.press(0x1e, bus));
        assert_eq!(bench.received(), []);
        bench.controller(0xae);
        assert_eq!(bench.received(), [0x1e]);
        // A command opens it, too.
        bench.controller(0xad);
        bench.write(0x60, 0xee);
        assert_eq!(bench.received(), [0xee]);
    }

    #[test]
    fn a_full_keyboard_says_so_once() {
        let mut bench = bench();
        bench.key(|keyboard, bus| (0..40).for_each(|_| keyboard.press(0x1e, bus)));
        let received = bench.received();
        assert_eq!((received.len(), received[15], received[16]), (17, 0x1e, 0xff));
    }

    #[test]
    fn text_is_typed_at_the_guests_pace() {
        let mut bench = bench();
        bench.key(|keyboard, bus| keyboard.type_text("aB\n", bus));
        assert_eq!(bench.received(), [0x1e, 0x9e, 0x2a, 0x30, 0xb0, 0xaa, 0x1c, 0x9c]);
        assert!(bench.0.device::<Keyboard>().unwrap().is_idle());
        assert_eq!(bench.0.timeline.deadline(), u64::MAX);
    }

    #[test]
    fn a20_follows_both_ports_and_shows_in_both() {
        let mut bench = bench();
        for (port, open) in [(0x64, false), (0x92, true), (0x92, false), (0x64, true)] {
            match port {
                0x64 => bench.controller_with(0xd1, if open { 0xdf } else { 0xdd }),
                _ => bench.write(0x92, if open { 2 } else { 0 }),
            }
            assert_eq!(bench.0.lines.a20, open);
            assert_eq!(bench.read(0x92) & 2 != 0, open);
            bench.controller(0xd0);
            assert_eq!(bench.received()[0] & 2 != 0, open);
        }
        assert!(!bench.0.lines.reset);
    }

    #[test]
    fn there_are_three_ways_to_reset() {
        let ways: [&dyn Fn(&mut Bench); 3] =
            [&|bench| bench.controller(0xfe), &|bench| bench.controller_with(0xd1, 0xde), &|bench| bench.write(0x92, 0x03)];
        for way in ways {
            let mut bench = bench();
            bench.write(0x92, 0x02);
            assert!(!bench.0.lines.reset);
            way(&mut bench);
            assert!(bench.0.lines.reset);
        }
    }

    #[test]
    fn nobody_answers_at_the_auxiliary_port_but_the_loop_works() {
        let mut bench = bench();
        bench.controller_with(0x60, 0x03);
        bench.controller_with(0xd4, 0xff);
        bench.run_micros(20);
        assert_eq!(bench.read(0x64) & 0x61, 0x61);
        assert!(bench.irq(12) && !bench.irq(1));
        assert_eq!(bench.received(), [0xfe]);
        bench.controller_with(0xd3, 0x5a);
        bench.run_micros(20);
        assert_eq!(bench.read(0x64) & 0x61, 0x21);
        assert_eq!(bench.received(), [0x5a]);
        bench.controller_with(0xd2, 0xa5);
        bench.run_micros(20);
        assert_eq!(bench.read(0x64) & 0x61, 0x01);
        assert_eq!(bench.received(), [0xa5]);
    }

    proptest! {
        #[test]
        fn a_wrong_state_is_no_panic(noise: Vec<u8>) {
            let mut bench = bench();
            bench.key(|keyboard, bus| keyboard.type_text("some text", bus));
            bench.survives_noise(&noise, &[0x60, 0x64, 0x92]);
        }
    }
}
