//! What several test programs share.
#![allow(dead_code)]

pub mod guest;
pub mod state;

use turtle86::{CpuState, Machine, MachineBuilder, RunLimit, Stop, arch::Model, devices::DebugCon};
use turtle86_test_roms::Rom;

/// SplitMix64: the same numbers on every host and in every version, so that a seed in a failure message can be pasted.
#[derive(Clone)]
pub struct Random(pub u64);
impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }
    pub fn u32(&mut self) -> u32 {
        self.next() as u32
    }
    pub fn u16(&mut self) -> u16 {
        self.next() as u16
    }
    pub fn u8(&mut self) -> u8 {
        self.next() as u8
    }
    /// Less than `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
    /// One time in `n`.
    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }
    /// A number near an edge of 32 bits, or any.
    pub fn value(&mut self) -> u32 {
        match self.below(8) {
            0 => self.below(4) as u32,
            1 => 0u32.wrapping_sub(self.below(4) as u32),
            2 => 1u32.checked_shl(self.below(32) as u32).unwrap_or(0).wrapping_sub(self.below(2) as u32),
            3 => self.u8() as i8 as u32,
            4 => u32::from(self.u16()),
            _ => self.u32(),
        }
    }
    pub fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| self.u8()).collect()
    }
}

/// An ISA PC with a test ROM in its socket.
pub fn pc(model: Model, rom: &Rom) -> MachineBuilder {
    Machine::builder(model).ram(64 << 20).isa_pc().bios_image(rom.image)
}
pub fn build(builder: MachineBuilder) -> Machine {
    builder.build().unwrap_or_else(|error| panic!("{error}"))
}
/// What the guest wrote to port E9h.
pub fn console(machine: &Machine) -> String {
    machine.device::<DebugCon>().map(|console| console.text().into_owned()).unwrap_or_default()
}

/// Everything that a run can be told apart by. Snapshots hold registers, TLB, devices, lines, clock and memory.
#[derive(Clone, PartialEq, Eq)]
pub struct Outcome {
    pub stop: Stop,
    pub snapshot: turtle86::Snapshot,
    pub cpu: CpuState,
    pub console: String,
    pub last_fault: Option<turtle86::FaultRecord>,
}
impl Outcome {
    pub fn of(machine: &mut Machine, stop: Stop) -> Outcome {
        let last_fault = machine.cpu.last_fault().cloned();
        Outcome { stop, snapshot: machine.snapshot(), cpu: machine.cpu.state(), console: console(machine), last_fault }
    }
    pub fn run(machine: &mut Machine, limit: RunLimit) -> Outcome {
        let stop = machine.run(limit);
        Outcome::of(machine, stop)
    }
    /// Equal in all that an instruction can see at once: the TLB, which shows only where page tables changed behind it, is left out.
    pub fn same_but_for_the_tlb(&self, other: &Outcome) -> bool {
        let visible = |outcome: &Outcome| {
            let mut cpu = outcome.cpu.clone();
            cpu.mmu.translations.clear();
            let sections: Vec<_> = sections(&outcome.snapshot).into_iter().filter(|(tag, _)| tag != "CPU ").collect();
            (outcome.stop.clone(), cpu, sections, outcome.console.clone(), outcome.last_fault.clone())
        };
        visible(self) == visible(other)
    }
    /// The first things that differ, as text for a failure message; empty if nothing does.
    pub fn difference(&self, other: &Outcome) -> String {
        let mut text = String::new();
        let mut note = |what: &str, a: String, b: String| {
            if a != b {
                text += &format!("{what}:\n  {a}\n  {b}\n");
            }
        };
        note("stop", format!("{:?}", self.stop), format!("{:?}", other.stop));
        note("last fault", format!("{:?}", self.last_fault), format!("{:?}", other.last_fault));
        note("console", self.console.clone(), other.console.clone());
        if self.snapshot != other.snapshot {
            let (a, b) = (sections(&self.snapshot), sections(&other.snapshot));
            for ((tag, a), (_, b)) in a.iter().zip(&b) {
                let at = a.iter().zip(b).position(|(a, b)| a != b).unwrap_or(a.len().min(b.len()));
                let part = |bytes: &[u8]| format!("{:02x?}", &bytes[at.saturating_sub(8).min(bytes.len())..(at + 24).min(bytes.len())]);
                note(&format!("snapshot section {tag} at offset {at:#x}"), part(a), part(b));
            }
        }
        text
    }
}
impl std::fmt::Debug for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({:?})", self.stop, self.last_fault)
    }
}
/// The sections of a snapshot, by tag.
pub fn sections(snapshot: &turtle86::Snapshot) -> Vec<(String, Vec<u8>)> {
    let bytes = snapshot.to_bytes();
    let (mut at, mut all) = (12, Vec::new());
    while at + 16 <= bytes.len() {
        let tag = String::from_utf8_lossy(&bytes[at..at + 4]).into_owned();
        let length = bytes[at + 4..at + 12].iter().rev().fold(0, |n, byte| n << 8 | usize::from(*byte));
        all.push((tag, bytes[at + 16..at + 16 + length].to_vec()));
        at += 16 + length;
    }
    all
}
#[track_caller]
pub fn assert_same(what: &str, a: &Outcome, b: &Outcome) {
    assert!(a == b, "{what}: the runs differ\n{}", a.difference(b));
}

/// Bytes of a program for failure messages.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}
