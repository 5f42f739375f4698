//! One device on a real bus, for the tests of this crate.

use turtle86_bus::{AccessSize, Device, MemoryMap, SystemBus};

/// A round number of cycles in a microsecond.
pub(crate) const CLOCK_HZ: u64 = 100_000_000;

pub(crate) struct Bench(pub(crate) SystemBus);
impl Bench {
    pub(crate) fn new(devices: Vec<Box<dyn Device>>) -> Bench {
        Bench::at(devices, CLOCK_HZ)
    }
    pub(crate) fn at(devices: Vec<Box<dyn Device>>, clock_hz: u64) -> Bench {
        Bench(SystemBus::new(&MemoryMap { ram: 2 << 20, ..MemoryMap::default() }, devices, clock_hz).unwrap())
    }
    pub(crate) fn write(&mut self, port: u16, value: u8) {
        self.0.write_port(port, AccessSize::Byte, value.into());
    }
    pub(crate) fn read(&mut self, port: u16) -> u8 {
        self.0.read_port(port, AccessSize::Byte) as u8
    }
    pub(crate) fn now(&self) -> u64 {
        self.0.timeline.now().0
    }
    /// Lets time pass up to `cycle`, waking every sleeper in time.
    pub(crate) fn run_to(&mut self, cycle: u64) {
        while self.0.timeline.deadline() <= cycle {
            let wait = self.0.timeline.deadline().saturating_sub(self.now());
            self.0.timeline.pass(wait);
            self.0.wake_due();
        }
        let wait = cycle.saturating_sub(self.now());
        self.0.timeline.pass(wait);
    }
    pub(crate) fn run(&mut self, cycles: u64) {
        self.run_to(self.now() + cycles);
    }
    pub(crate) fn run_micros(&mut self, micros: u64) {
        self.run(micros * self.0.clock_hz / 1_000_000);
    }
    pub(crate) fn irq(&self, line: u8) -> bool {
        self.0.lines.irq >> line & 1 != 0
    }
    /// Loads a saved state with some bytes changed: a load may fail, but using what it gave may not panic.
    pub(crate) fn load_noise(&mut self, bytes: &[u8]) {
        let (own, mut devices) = self.0.save();
        for (_, state) in devices.iter_mut().filter(|(_, state)| !state.is_empty()) {
            for pair in bytes.chunks_exact(2).take(3) {
                let place = usize::from(pair[0]) % state.len();
                state[place] = pair[1];
            }
        }
        let _ = self.0.load(&own, &devices);
    }
    pub(crate) fn survives_noise(&mut self, bytes: &[u8], ports: &[u16]) {
        self.load_noise(bytes);
        for (i, port) in ports.iter().cycle().take(4 * ports.len()).enumerate() {
            self.read(*port);
            self.write(*port, bytes.get(i).copied().unwrap_or(0x5a));
            self.run(10_000);
        }
    }
}
