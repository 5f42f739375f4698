//! The pair of Intel 8237A DMA controllers (data sheet 231466) and the page registers of the AT.

use bitflags::bitflags;
use serde::{Deserialize, Serialize};
use turtle86_arch::PhysicalAddress;
use turtle86_bus::{AccessSize, BusCycle, Device, DmaController, PortIo, StateError, Stateful, Wiring, state_from, state_of};

bitflags! {
    /// The command register. Of its bits only DISABLE has an effect on a PC.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Command: u8 {
        /// Memory to memory.
        const MEMORY_TO_MEMORY = 1 << 0;
        /// Channel 0 holds its address.
        const ADDRESS_HOLD = 1 << 1;
        /// The controller is off.
        const DISABLE = 1 << 2;
        /// Compressed timing.
        const COMPRESSED = 1 << 3;
        /// Rotating priority.
        const ROTATING = 1 << 4;
        /// Extended write.
        const EXTENDED_WRITE = 1 << 5;
        /// DREQ is active low.
        const DREQ_LOW = 1 << 6;
        /// DACK is active high.
        const DACK_HIGH = 1 << 7;
    }
    /// The mode register of a channel, without the channel in bits 0 and 1.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Mode: u8 {
        /// To memory. (Neither this nor READ: verify, which only counts.)
        const WRITE = 1 << 2;
        /// From memory.
        const READ = 1 << 3;
        /// Start over at terminal count.
        const AUTO = 1 << 4;
        /// Addresses go down.
        const DECREMENT = 1 << 5;
        /// Single mode. (With BLOCK: cascade. Neither: demand.)
        const SINGLE = 1 << 6;
        /// Block mode.
        const BLOCK = 1 << 7;
    }
}

/// Channels 0 to 3 at 00h to 0Fh, for bytes; channels 4 to 7 at C0h to DFh, for words; page registers at 81h to 8Fh.
///
/// A device that has data calls [`BusCycle::dma_to_memory`] and the like: all of it moves at once, as far as the count reaches, in every mode
/// but cascade. Whether channel 4 lets the first controller through is not looked at. Memory to memory, which an AT cannot do, is left out.
#[derive(Debug, Default)]
pub struct Dma {
    state: State,
}
impl Dma {
    /// As after a reset: every channel masked.
    pub fn new() -> Dma {
        Dma::default()
    }
    /// Moves up to `wanted` bytes on `channel`; `step` gets the physical address, the place in the data, and the width of each unit.
    fn transfer(&mut self, channel: u8, wanted: usize, mut step: impl FnMut(Mode, PhysicalAddress, usize, usize)) -> (usize, bool) {
        let number = usize::from(channel & 7);
        let (wide, page) = (number >= 4, self.state.pages[PAGES[number]]);
        let controller = &mut self.state.controllers[number / 4];
        let bit = 1 << (number & 3);
        let cascade = Mode::SINGLE | Mode::BLOCK;
        let channel = &mut controller.channels[number & 3];
        if controller.command.contains(Command::DISABLE) || controller.masks & bit != 0 || channel.mode.contains(cascade) {
            return (0, false);
        }
        let unit = if wide { 2 } else { 1 };
        let mut done = 0;
        while done + unit <= wanted {
            // The page does not take part in counting: addresses wrap within it.
            let at = if wide {
                u64::from(page & 0xfe) << 16 | u64::from(channel.address) << 1
            } else {
                u64::from(page) << 16 | u64::from(channel.address)
            };
            step(channel.mode, PhysicalAddress(at), done, unit);
            done += unit;
            if channel.count_one() {
                controller.status |= bit;
                controller.requests &= !bit;
                if !channel.mode.contains(Mode::AUTO) {
                    controller.masks |= bit;
                }
                return (done, true);
            }
        }
        (done, false)
    }
    fn software_request(&mut self, controller: usize, channel: u8, bus: &mut BusCycle<'_>) {
        // A request cannot be masked. Nobody answers it: the data bus floats high.
        let bit = 1 << channel;
        let chip = &mut self.state.controllers[controller];
        if !chip.channels[usize::from(channel)].mode.contains(Mode::BLOCK) {
            return;
        }
        let masks = std::mem::replace(&mut chip.masks, 0);
        let (_, ended) = self.transfer(controller as u8 * 4 + channel, 1 << 17, |mode, at, _, unit| {
            if mode.contains(Mode::WRITE) {
                bus.write_memory(at, &[0xff; 2][..unit]);
            }
        });
        let chip = &mut self.state.controllers[controller];
        let auto = chip.channels[usize::from(channel)].mode.contains(Mode::AUTO);
        chip.masks = if ended && !auto { masks | bit } else { masks };
    }
}
impl Device for Dma {
    fn name(&self) -> &'static str {
        "dma"
    }
    fn connect(&mut self, wiring: &mut Wiring) {
        wiring.byte_ports(0x00..=0x0f).byte_ports(0x81..=0x8f).byte_ports(0xc0..=0xdf);
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
    fn dma_controller(&mut self) -> Option<&mut dyn DmaController> {
        Some(self)
    }
}
impl PortIo for Dma {
    fn read(&mut self, port: u16, _: AccessSize, _: &mut BusCycle<'_>) -> u32 {
        let value = match place(port) {
            Place::Page(page) => self.state.pages[page],
            Place::Register(controller, register) => self.state.controllers[controller].read(register),
        };
        value.into()
    }
    fn write(&mut self, port: u16, _: AccessSize, value: u32, bus: &mut BusCycle<'_>) {
        let value = value as u8;
        match place(port) {
            Place::Page(page) => self.state.pages[page] = value,
            Place::Register(controller, register) => {
                self.state.controllers[controller].write(register, value);
                if register == 9 && value & 4 != 0 {
                    self.software_request(controller, value & 3, bus);
                }
            }
        }
    }
}
impl DmaController for Dma {
    fn device_to_memory(&mut self, channel: u8, data: &[u8], bus: &mut BusCycle<'_>) -> (usize, bool) {
        self.transfer(channel, data.len(), |mode, at, done, unit| {
            if mode.contains(Mode::WRITE) {
                bus.write_memory(at, &data[done..done + unit]);
            }
        })
    }
    fn memory_to_device(&mut self, channel: u8, data: &mut [u8], bus: &mut BusCycle<'_>) -> (usize, bool) {
        self.transfer(channel, data.len(), |mode, at, done, unit| {
            let into = &mut data[done..done + unit];
            if mode.contains(Mode::READ) { bus.read_memory(at, into) } else { into.fill(0xff) }
        })
    }
}
impl Stateful for Dma {
    fn save(&self) -> Vec<u8> {
        state_of(&self.state)
    }
    fn load(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        self.state = state_from(bytes)?;
        Ok(())
    }
}

/// Where each channel's page register is among 80h to 8Fh.
const PAGES: [usize; 8] = [7, 3, 1, 2, 15, 11, 9, 10];

enum Place {
    Page(usize),
    Register(usize, u16),
}
fn place(port: u16) -> Place {
    match port {
        0x00..=0x0f => Place::Register(0, port),
        0x80..=0x8f => Place::Page(usize::from(port & 15)),
        // The second controller's address lines are shifted by one.
        _ => Place::Register(1, port >> 1 & 15),
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct State {
    controllers: [Controller; 2],
    pages: [u8; 16],
}

#[derive(Debug, Serialize, Deserialize)]
struct Controller {
    channels: [Channel; 4],
    command: Command,
    /// Terminal counts reached, cleared by reading.
    status: u8,
    /// Software requests that are not served yet.
    requests: u8,
    masks: u8,
    temporary: u8,
    /// The next byte is the high one.
    high: bool,
}
impl Default for Controller {
    fn default() -> Controller {
        Controller { channels: Default::default(), command: Command::empty(), status: 0, requests: 0, masks: 15, temporary: 0, high: false }
    }
}
impl Controller {
    fn read(&mut self, register: u16) -> u8 {
        match register {
            0..=7 => {
                let channel = &self.channels[usize::from(register >> 1)];
                let [low, high] = if register & 1 == 0 { channel.address } else { channel.count }.to_le_bytes();
                let second = self.high;
                self.high = !second;
                if second { high } else { low }
            }
            8 => std::mem::take(&mut self.status) & 15 | self.requests << 4,
            13 => self.temporary,
            // As on later chips, the masks can be read.
            15 => self.masks | 0xf0,
            _ => 0xff,
        }
    }
    fn write(&mut self, register: u16, value: u8) {
        let bit = 1 << (value & 3);
        match register {
            0..=7 => {
                let second = self.high;
                self.high = !second;
                let channel = &mut self.channels[usize::from(register >> 1)];
                let (base, current) = if register & 1 == 0 {
                    (&mut channel.base_address, &mut channel.address)
                } else {
                    (&mut channel.base_count, &mut channel.count)
                };
                let shift = if second { 8 } else { 0 };
                for register in [base, current] {
                    *register = *register & !(0xff << shift) | u16::from(value) << shift;
                }
            }
            8 => self.command = Command::from_bits_retain(value),
            9 if value & 4 != 0 => self.requests |= bit,
            9 => self.requests &= !bit,
            10 if value & 4 != 0 => self.masks |= bit,
            10 => self.masks &= !bit,
            11 => self.channels[usize::from(value & 3)].mode = Mode::from_bits_truncate(value),
            12 => self.high = false,
            13 => {
                let channels = std::mem::take(&mut self.channels);
                *self = Controller { channels, ..Controller::default() };
            }
            14 => self.masks = 0,
            _ => self.masks = value & 15,
        }
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Channel {
    base_address: u16,
    base_count: u16,
    address: u16,
    count: u16,
    mode: Mode,
}
impl Channel {
    /// Steps over one unit. True: that was the last.
    fn count_one(&mut self) -> bool {
        let step = if self.mode.contains(Mode::DECREMENT) { u16::wrapping_sub } else { u16::wrapping_add };
        self.address = step(self.address, 1);
        let last = self.count == 0;
        self.count = self.count.wrapping_sub(1);
        if last && self.mode.contains(Mode::AUTO) {
            (self.address, self.count) = (self.base_address, self.base_count);
        }
        last
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::Bench;
    use proptest::prelude::*;

    /// A device that wants DMA: what the bus cycle of any other device offers.
    #[derive(Default)]
    struct Disk;
    impl Device for Disk {
        fn name(&self) -> &'static str {
            "disk"
        }
        fn connect(&mut self, _: &mut Wiring) {}
    }
    fn bench() -> Bench {
        Bench::new(vec![Box::new(Dma::new()), Box::new(Disk)])
    }
    /// Address, count, page and mode ports of a channel.
    const PORTS: [(u16, u16, u16); 8] = [
        (0x00, 0x01, 0x87),
        (0x02, 0x03, 0x83),
        (0x04, 0x05, 0x81),
        (0x06, 0x07, 0x82),
        (0xc0, 0xc2, 0x8f),
        (0xc4, 0xc6, 0x8b),
        (0xc8, 0xca, 0x89),
        (0xcc, 0xce, 0x8a),
    ];
    impl Bench {
        fn program(&mut self, channel: u8, mode: u8, page: u8, address: u16, count: u16) {
            let (address_port, count_port, page_port) = PORTS[usize::from(channel)];
            let (mask, mode_port, flip_flop) = if channel < 4 { (0x0a, 0x0b, 0x0c) } else { (0xd4, 0xd6, 0xd8) };
            self.write(mask, 4 | channel & 3);
            self.write(flip_flop, 0);
            self.write(mode_port, mode | channel & 3);
            for (port, value) in [(address_port, address), (count_port, count)] {
                value.to_le_bytes().into_iter().for_each(|byte| self.write(port, byte));
            }
            self.write(page_port, page);
            self.write(mask, channel & 3);
        }
        fn current(&mut self, channel: u8) -> (u16, u16) {
            let (address, count, _) = PORTS[usize::from(channel)];
            self.write(if channel < 4 { 0x0c } else { 0xd8 }, 0);
            let mut word = |port| u16::from_le_bytes([self.read(port), self.read(port)]);
            (word(address), word(count))
        }
        fn give(&mut self, channel: u8, data: &[u8]) -> (usize, bool) {
            self.0.with_device(|_: &mut Disk, bus| bus.dma_to_memory(channel, data)).unwrap()
        }
        fn take(&mut self, channel: u8, data: &mut [u8]) -> (usize, bool) {
            self.0.with_device(|_: &mut Disk, bus| bus.dma_from_memory(channel, data)).unwrap()
        }
    }

    #[test]
    fn data_moves_up_to_terminal_count_and_the_channel_masks_itself() {
        let mut bench = bench();
        bench.program(2, 0x44, 0x01, 0x2345, 4 - 1);
        assert_eq!(bench.give(2, b"abc"), (3, false));
        assert_eq!(bench.current(2), (0x2348, 0));
        assert_eq!(bench.read(0x08), 0);
        assert_eq!(bench.give(2, b"de"), (1, true));
        assert_eq!(bench.0.memory.ram()[0x12345..0x1234a], *b"abcd\0");
        assert_eq!((bench.read(0x08), bench.read(0x08)), (0x04, 0));
        assert_eq!(bench.read(0x0f), 0xff);
        assert_eq!(bench.give(2, b"f"), (0, false));
        assert_eq!(bench.current(2), (0x2349, 0xffff));
    }

    #[test]
    fn words_move_on_the_second_controller_and_the_page_has_no_bit_0() {
        let mut bench = bench();
        bench.0.memory.ram_mut()[0x12468..0x1246c].copy_from_slice(b"wxyz");
        bench.program(5, 0x48, 0x01, 0x9234, 1);
        let mut data = [0; 5];
        assert_eq!(bench.take(5, &mut data), (4, true));
        assert_eq!(&data, b"wxyz\0");
    }

    #[test]
    fn addresses_wrap_within_their_page_and_may_go_down() {
        for (channel, mode, address, wrapped) in
            [(1, 0x44, 0xffff, 0x0000), (1, 0x64, 0x0000, 0xffff), (6, 0x44, 0xffff, 0x0000), (6, 0x64, 0x0000, 0xffff)]
        {
            let mut bench = bench();
            let shift = u32::from(channel >= 4);
            bench.program(channel, mode, 0x04, address, 7);
            assert_eq!(bench.give(channel, &[0xaa, 0xab, 0xbb, 0xbc]), (4, false));
            let at = |address: u16| 0x40000 + (usize::from(address) << shift);
            let ram = bench.0.memory.ram();
            let second = if channel < 4 { 0xab } else { 0xbb };
            assert_eq!((ram[at(address)], ram[at(wrapped)]), (0xaa, second), "{channel} {mode:02x}");
        }
    }

    #[test]
    fn autoinitialisation_starts_over() {
        let mut bench = bench();
        bench.program(3, 0x54, 0x00, 0x8000, 1);
        assert_eq!(bench.give(3, b"abc"), (2, true));
        assert_eq!(bench.give(3, b"c"), (1, false));
        assert_eq!(&bench.0.memory.ram()[0x8000..0x8002], b"cb");
    }

    #[test]
    fn verify_counts_and_leaves_memory_alone() {
        let mut bench = bench();
        bench.program(2, 0x40, 0x00, 0x8000, 1);
        assert_eq!(bench.give(2, b"ab"), (2, true));
        assert_eq!(bench.0.memory.ram()[0x8000..0x8002], [0, 0]);
    }

    #[test]
    fn masked_cascaded_or_disabled_channels_move_nothing() {
        let set_ups: [&dyn Fn(&mut Bench); 6] = [
            &|bench| bench.write(0x0a, 0x06),
            &|bench| bench.write(0x0f, 0x04),
            &|bench| bench.write(0x0b, 0xc2),
            &|bench| bench.write(0x08, 0x04),
            &|bench| bench.write(0x0d, 0x00),
            &|bench| bench.0.reset_devices(),
        ];
        for set_up in set_ups {
            let mut bench = bench();
            bench.program(2, 0x44, 0x00, 0x8000, 9);
            set_up(&mut bench);
            assert_eq!(bench.give(2, b"a"), (0, false));
        }
        let mut bench = bench();
        bench.program(2, 0x44, 0x00, 0x8000, 9);
        bench.write(0x0f, 0x0f);
        bench.write(0x0e, 0x00);
        assert_eq!(bench.give(2, b"a"), (1, false));
    }

    #[test]
    fn a_software_request_runs_a_block_to_its_end() {
        let mut bench = bench();
        bench.program(1, 0x84, 0x00, 0x8000, 2);
        bench.write(0x09, 0x05);
        assert_eq!(bench.0.memory.ram()[0x8000..0x8004], [0xff, 0xff, 0xff, 0]);
        assert_eq!(bench.read(0x08), 0x02);
    }

    #[test]
    fn pages_read_back() {
        let mut bench = bench();
        (0x81..=0x8f).for_each(|port| bench.write(port, port as u8 ^ 0x5a));
        (0x81..=0x8f).for_each(|port| assert_eq!(bench.read(port), port as u8 ^ 0x5a));
    }

    proptest! {
        #[test]
        fn a_wrong_state_is_no_panic(noise: Vec<u8>) {
            let mut bench = bench();
            bench.survives_noise(&noise, &[0x00, 0x01, 0x08, 0x09, 0x0b, 0xc0, 0xd0, 0x8b]);
            (0..8).for_each(|channel| { bench.give(channel, &[1; 9]); });
        }
    }
}
