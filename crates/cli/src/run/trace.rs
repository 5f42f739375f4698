//! A line for each instruction.

use crate::{
    disasm::{Text, hex},
    outputs::Output,
};
use std::{
    io::Write,
    sync::mpsc::{self, Receiver},
};
use turtle86::{Machine, RunLimit, Stop, Verdict, arch::SegmentRegister};

pub struct Trace {
    out: Output,
    text: Text,
    faults: Receiver<String>,
}
impl Trace {
    /// Writes to `out` what `machine` does.
    pub fn new(out: Output, machine: &mut Machine) -> Trace {
        let (sender, faults) = mpsc::channel();
        machine.hook_faults(move |_, record| {
            let _ = sender.send(record.to_string());
            Verdict::Continue
        });
        Trace { out, text: Text::default(), faults }
    }

    /// Runs instruction by instruction. Ends with the cycle limit where `interrupted` says so.
    pub fn run(&mut self, machine: &mut Machine, limit: RunLimit, interrupted: impl Fn() -> bool) -> Stop {
        let executed = |machine: &Machine| machine.cpu.instructions() + machine.cpu.events();
        let last_cycle = limit.cycles.map(|n| machine.now().0.saturating_add(n));
        let last_instruction = limit.instructions.map(|n| executed(machine).saturating_add(n));
        loop {
            let cycles = last_cycle.map(|last| last.saturating_sub(machine.now().0));
            if cycles == Some(0) || interrupted() {
                return Stop::CycleLimit;
            }
            if last_instruction.is_some_and(|last| executed(machine) >= last) {
                return Stop::InstructionLimit;
            }
            let (cycle, instructions, events) = (machine.now().0, machine.cpu.instructions(), machine.cpu.events());
            let (cs, eip) = (machine.cpu.segment(SegmentRegister::Cs).selector, machine.cpu.eip());
            let instruction = machine.cpu.fetch_instruction();
            let stop = machine.run(RunLimit { cycles, instructions: Some(1) });
            // A failed write is found when the output is flushed.
            if machine.cpu.instructions() > instructions {
                let (bytes, text) = (hex(instruction.bytes()), self.text.of(instruction.decoded()));
                let _ = writeln!(self.out, "{cycle:>12}  {cs}:{eip:08x}  {bytes:<24}  {text}");
            }
            let mut faults = 0;
            for fault in self.faults.try_iter() {
                let _ = writeln!(self.out, "{cycle:>12}  ; {fault}");
                faults += 1;
            }
            if faults == 0 && machine.cpu.events() > events && machine.cpu.instructions() == instructions {
                let _ = writeln!(self.out, "{cycle:>12}  ; interrupt at {cs}:{eip:08x}");
            }
            if stop != Stop::InstructionLimit {
                return stop;
            }
        }
    }
}
