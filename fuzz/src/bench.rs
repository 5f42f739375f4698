//! Machines that are built once and put back before each run.

use std::{cell::RefCell, collections::HashMap, fmt::Debug, hash::Hash, thread::LocalKey};
use turtle86::{
    CpuState, FaultRecord, Machine, MachineBuilder, Stop,
    arch::Model,
    devices::{IsaPc, Sink},
};

/// A machine and what it was after power-on.
pub struct Bench {
    pub machine: Machine,
    cpu: CpuState,
    bus: (Vec<u8>, Vec<(String, Vec<u8>)>),
    image: Vec<u8>,
}
impl Bench {
    /// `image` is what RAM holds before each run; what it does not reach is zero.
    pub fn new(builder: MachineBuilder, image: &[u8]) -> Bench {
        let mut machine = builder.build().unwrap_or_else(|error| panic!("{error}"));
        let bus = machine.cpu.bus_mut().save();
        let mut image = image.to_vec();
        image.resize(machine.cpu.bus().memory.ram().len(), 0);
        Bench { cpu: machine.cpu.state(), bus, image, machine }
    }
    /// From now on the processor begins as it is now.
    pub fn keep_processor(&mut self) {
        self.cpu = self.machine.cpu.state();
    }
    /// Puts memory, devices and time back; gives the processor's state, to change and to hand to [`Bench::start`].
    pub fn reset(&mut self) -> CpuState {
        let bus = self.machine.cpu.bus_mut();
        bus.load(&self.bus.0, &self.bus.1).unwrap_or_else(|error| panic!("{error}"));
        bus.memory.ram_mut().copy_from_slice(&self.image);
        self.cpu.clone()
    }
    /// RAM, to change between [`Bench::reset`] and [`Bench::start`].
    pub fn ram(&mut self) -> &mut [u8] {
        self.machine.cpu.bus_mut().memory.ram_mut()
    }
    /// Puts the processor into this state; decoded code is forgotten.
    pub fn start(&mut self, state: &CpuState) {
        self.machine.cpu.set_state(state).unwrap_or_else(|error| panic!("{error}"));
    }
}

/// Copies as many of the bytes to `at` as fit.
pub fn put(ram: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(rest) = ram.get_mut(at..) {
        let n = rest.len().min(bytes.len());
        rest[..n].copy_from_slice(&bytes[..n]);
    }
}

/// An element of a list, whatever the number.
pub fn pick<T: Copy>(from: &[T], number: u8) -> T {
    from[usize::from(number) % from.len()]
}
pub fn model(number: u8) -> Model {
    pick(&Model::ALL, number)
}
/// A PC that prints nowhere.
pub fn quiet_pc() -> IsaPc {
    IsaPc { serial: Sink::Nowhere, debug_console: Sink::Nowhere, ..IsaPc::default() }
}

/// Shows what an input means when a law breaks: in a replay, for libFuzzer's panics do not unwind.
pub struct Explain<'a, T: Debug>(pub &'a T);
impl<T: Debug> Drop for Explain<'_, T> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{:x?}", self.0);
        }
    }
}

/// What is made once per thread and key.
pub type Pool<K, V> = RefCell<HashMap<K, V>>;
pub fn with<K: Eq + Hash + 'static, V: 'static, R>(
    pool: &'static LocalKey<Pool<K, V>>,
    key: K,
    make: impl FnOnce(&K) -> V,
    f: impl FnOnce(&mut V) -> R,
) -> R {
    pool.with_borrow_mut(|all| {
        let made = match all.entry(key) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => {
                let value = make(entry.key());
                entry.insert(value)
            }
        };
        f(made)
    })
}

/// Everything that a run can be told apart by.
#[derive(Clone, PartialEq, Eq)]
pub struct Outcome {
    pub stop: Stop,
    pub cpu: CpuState,
    pub bus: (Vec<u8>, Vec<(String, Vec<u8>)>),
    pub ram: Vec<u8>,
    pub last_fault: Option<FaultRecord>,
}
impl Outcome {
    pub fn of(machine: &mut Machine, stop: Stop) -> Outcome {
        Outcome {
            stop,
            cpu: machine.cpu.state(),
            bus: machine.cpu.bus_mut().save(),
            ram: machine.cpu.bus().memory.ram().to_vec(),
            last_fault: machine.cpu.last_fault().cloned(),
        }
    }
    /// Fails with the first thing that differs.
    pub fn assert_same(&self, other: &Outcome, what: &str) {
        if self == other {
            return;
        }
        assert_eq!(self.stop, other.stop, "{what}: the stop");
        assert_eq!(self.last_fault, other.last_fault, "{what}: the last fault");
        assert_eq!(self.cpu, other.cpu, "{what}: the processor");
        assert_eq!(self.bus, other.bus, "{what}: the bus");
        let at = self.ram.iter().zip(&other.ram).position(|(a, b)| a != b).unwrap_or_default();
        let bytes = |ram: &[u8]| ram[at..].iter().take(8).map(|byte| format!("{byte:02x} ")).collect::<String>();
        panic!("{what}: RAM at {at:#x}: {}and {}", bytes(&self.ram), bytes(&other.ram));
    }
}
