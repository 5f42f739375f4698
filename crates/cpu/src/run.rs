//! The run loop: the one place where time goes forward and events come back.

use crate::{
    core::{Activity, Core, Shadow},
    cpu::Cpu,
    decode::{MOST, Wanted},
    dispatch::{Cause, Exit, enter},
    execute::system::alignment_checked,
    observer::{Observer, Seen, Verdict},
    stop::{Limits, Stop},
};
use turtle86_arch::{Dr6, Eflags, Exception, Fault, LinearAddress, Reason, SegmentRegister};
use turtle86_bus::StopRequest;

/// What a block can cost at most: with less left to a deadline, the loop goes on instruction by instruction.
const MARGIN: u64 = MOST as u64;
/// The most cycles handed out at once. It bounds the host stack wherever handlers' calls are not jumps.
const SLICE: u64 = 10_000;

/// So many deadlines without an interrupt, and without a cycle limit to end it, are a sleep for ever: a timer that ticks behind a mask.
const LONGEST_SLEEP: u32 = 1_000_000;

/// Whether the machine goes on.
type Flow = Result<(), Stop>;

impl Cpu {
    /// Runs until a limit, a stop or a verdict of the observer.
    pub fn run(&mut self, limits: Limits, observer: &mut dyn Observer) -> Stop {
        self.begin();
        loop {
            if let Err(stop) =
                self.boundary(&limits, observer).and_then(|ready| if ready { self.execute(&limits, observer) } else { Ok(()) })
            {
                return stop;
            }
        }
    }
    /// Executes one instruction (an iteration of a repeated one), or delivers one event, or lets a halted processor wait until
    /// the next deadline.
    pub fn step(&mut self, observer: &mut dyn Observer) -> Result<(), Stop> {
        self.begin();
        let (count, events, now) = (self.core.count, self.events, self.core.mmu.bus.timeline.now());
        while (count, events, now) == (self.core.count, self.events, self.core.mmu.bus.timeline.now()) {
            let limits = Limits { cycles: None, instructions: Some(count + events + 1) };
            if self.boundary(&limits, observer)? {
                self.execute(&limits, observer)?;
            }
        }
        Ok(())
    }
    /// What the host changed since the last run is looked at first.
    fn begin(&mut self) {
        self.slept = 0;
        // Whoever moved the processor since a hook stopped it wants the hook to see the instruction when it is met again.
        self.stopped_at = self.stopped_at.filter(|at| *at == self.linear_eip());
        self.core.call_attention();
    }

    /// Everything between two instructions. True if the next one may run.
    fn boundary(&mut self, limits: &Limits, observer: &mut dyn Observer) -> Result<bool, Stop> {
        let now = self.core.mmu.bus.timeline.now().0;
        if now >= self.core.mmu.bus.timeline.deadline() {
            self.core.mmu.bus.wake_due();
        }
        if std::mem::take(&mut self.core.mmu.bus.attention) {
            self.attend(observer)?;
        }
        if self.core.mmu.translations_changed {
            self.core.mmu.translations_changed = false;
            self.core.forget_jumps();
        }
        if limits.cycles.is_some_and(|limit| now >= limit) {
            return Err(Stop::CycleLimit);
        }
        if limits.instructions.is_some_and(|limit| self.core.count + self.events >= limit) {
            return Err(Stop::InstructionLimit);
        }
        // SDM Vol. 3, "Priority Among Simultaneous Exceptions and Interrupts": the traps of the last instruction, NMI, INTR.
        if std::mem::take(&mut self.pending_trap) {
            self.core.activity = Activity::Running;
            self.core.rare.dr[6] |= Dr6::BS.0;
            self.raise(Fault::new(Exception::Debug, Reason::SingleStep), observer)?;
            return Ok(false);
        }
        let shadow = self.core.shadow;
        if self.core.mmu.bus.lines.nmi && !self.core.nmi_blocked && shadow != Shadow::MovSs {
            self.core.mmu.bus.lines.nmi = false;
            self.core.nmi_blocked = true;
            self.interrupt(2, observer)?;
            return Ok(false);
        }
        match self.core.activity {
            Activity::Shutdown => return Err(Stop::Shutdown),
            _ if self.core.mmu.bus.lines.intr && self.core.system_flag(Eflags::IF) && shadow == Shadow::None => {
                let vector = self.core.mmu.bus.acknowledge_interrupt();
                self.interrupt(vector, observer)?;
                return Ok(false);
            }
            Activity::Halted => {
                self.wait(limits)?;
                return Ok(false);
            }
            Activity::Running => {}
        }
        if alignment_checked(&self.core) {
            return Err(self.unsupported("an alignment check (#AC)"));
        }
        Ok(true)
    }

    /// Looks at whatever raised attention: stores into code, lines, hooks.
    fn attend(&mut self, observer: &mut dyn Observer) -> Flow {
        let core = &mut *self.core;
        if core.mmu.bus.memory.has_touched() {
            self.blocks.invalidate(core);
        }
        if core.mmu.bus.lines.a20 != self.a20 {
            self.a20 = core.mmu.bus.lines.a20;
            core.mmu.remap();
        }
        if core.mmu.take_context_overflow() {
            self.blocks.forget(core);
        }
        self.report(observer)?;
        if let Some(request) = self.core.mmu.bus.lines.stop.take() {
            return Err(match request {
                StopRequest::DebugExit(status) => Stop::DebugExit(status),
                StopRequest::PowerOff => Stop::PowerOff,
            });
        }
        if self.core.mmu.bus.lines.reset {
            self.reset();
        }
        if std::mem::take(&mut self.core.mmu.bus.lines.init) {
            return Err(self.unsupported("INIT"));
        }
        Ok(())
    }
    /// Tells the observer what it wanted to know of the last instruction.
    fn report(&mut self, observer: &mut dyn Observer) -> Flow {
        let mut seen = Vec::new();
        if let Some(ports) = &mut self.core.mmu.bus.watched_ports {
            seen.extend(std::mem::take(ports).into_iter().map(Seen::Port));
        }
        seen.extend(self.core.mmu.take_watched().into_iter().map(Seen::Memory));
        let mode = self.processor_mode();
        if mode != self.last_mode {
            seen.push(Seen::Mode { from: self.last_mode, to: mode });
            self.last_mode = mode;
        }
        let mut stop = false;
        for event in seen {
            stop |= observer.seen(self, &event) == Verdict::Stop;
        }
        if stop { Err(Stop::Breakpoint(self.linear_eip())) } else { Ok(()) }
    }

    /// HLT: time goes to the next deadline, or the limit.
    fn wait(&mut self, limits: &Limits) -> Flow {
        let now = self.core.mmu.bus.timeline.now().0;
        let deadline = self.core.mmu.bus.timeline.deadline();
        let asleep = deadline == u64::MAX || !self.core.system_flag(Eflags::IF);
        self.slept += 1;
        if asleep || limits.cycles.is_none() && self.slept > LONGEST_SLEEP {
            return Err(Stop::Halted);
        }
        let until = deadline.min(limits.cycles.unwrap_or(u64::MAX));
        self.core.mmu.bus.timeline.pass(until.saturating_sub(now));
        Ok(())
    }

    /// Runs blocks until something is due.
    fn execute(&mut self, limits: &Limits, observer: &mut dyn Observer) -> Flow {
        let now = self.core.mmu.bus.timeline.now().0;
        let due = self.core.mmu.bus.timeline.deadline().min(limits.cycles.unwrap_or(u64::MAX));
        self.slept = 0;
        let instructions = limits.instructions.map_or(u64::MAX, |limit| limit.saturating_sub(self.core.count + self.events));
        let left = due.saturating_sub(now).min(instructions);
        // RF is cleared at the start of an instruction, and a shadow ends with it.
        let before = (self.core.system_flag(Eflags::RF), self.core.shadow);
        self.core.set_system_flag(Eflags::RF, false);
        self.core.shadow = Shadow::None;
        let trap = self.core.system_flag(Eflags::TF);
        if before != (false, Shadow::None) || trap || left <= MARGIN {
            let done = (self.core.count, self.events);
            let flow = self.execute_one(Wanted::Step, trap, observer);
            if flow.is_err() && done == (self.core.count, self.events) {
                // A hook stopped the run before the instruction: nothing of it has happened.
                self.core.set_system_flag(Eflags::RF, before.0);
                self.core.shadow = before.1;
            }
            return flow;
        }
        self.core.mmu.bus.timeline.grant((left.min(SLICE + MARGIN) - MARGIN) as i64);
        let mut index = match self.find(Wanted::Block) {
            Ok(index) => index,
            Err(fault) => return self.raise(fault, observer),
        };
        loop {
            let exit = enter(&mut self.core, self.blocks.pool(), index);
            let edge = match exit.cause() {
                Cause::Edge => Some(exit.at()),
                Cause::Lookup => None,
                _ => return self.leave(exit, observer),
            };
            // A repeated instruction is done, or was overwritten in the middle.
            self.core.repeating = false;
            let core = &*self.core;
            if core.mmu.bus.attention || core.mmu.translations_changed || core.mmu.bus.timeline.budget < 0 {
                return Ok(());
            }
            index = match edge.and_then(|edge| self.blocks.linked(edge)) {
                Some(index) => index,
                None => match self.find(Wanted::Block) {
                    Ok(index) => index,
                    Err(fault) => return self.raise(fault, observer),
                },
            };
            if let Some(edge) = edge {
                self.blocks.link(edge, index);
            }
        }
    }
    /// Runs one instruction, or one iteration of a repeated one.
    fn execute_one(&mut self, wanted: Wanted, trap: bool, observer: &mut dyn Observer) -> Flow {
        self.core.mmu.bus.timeline.grant(0);
        let index = match self.find(wanted) {
            Ok(index) => index,
            Err(fault) => return self.raise(fault, observer),
        };
        let events = self.events;
        self.core.delivered = false;
        let exit = enter(&mut self.core, self.blocks.pool(), index);
        match exit.cause() {
            Cause::Edge | Cause::Lookup => self.core.repeating = false,
            Cause::Hook => return self.hooked(trap, observer),
            _ => self.leave(exit, observer)?,
        }
        // A trap is lost where the instruction faulted or was an interrupt, and held off by a load of SS.
        self.pending_trap = trap && events == self.events && !self.core.delivered && self.core.shadow != Shadow::MovSs;
        Ok(())
    }
    fn find(&mut self, wanted: Wanted) -> Result<u32, Fault> {
        self.blocks.find(&mut self.core, wanted)
    }
    /// A hook wants to see the instruction at EIP.
    fn hooked(&mut self, trap: bool, observer: &mut dyn Observer) -> Flow {
        // A run that goes on where a hook stopped it executes the instruction that the hook has seen.
        if self.stopped_at.take() == Some(self.linear_eip()) {
            return self.execute_one(Wanted::Unhooked, trap, observer);
        }
        let instruction = self.fetch_instruction();
        match observer.instruction(self, &instruction) {
            Verdict::Continue => self.execute_one(Wanted::Unhooked, trap, observer),
            Verdict::Stop => {
                self.stopped_at = Some(self.linear_eip());
                Err(Stop::Breakpoint(self.linear_eip()))
            }
            Verdict::Skip => {
                self.core.eip = self.core.eip.wrapping_add(instruction.bytes().len() as u32);
                self.core.repeating = false;
                self.core.mmu.bus.timeline.pass(1);
                self.events += 1;
                Ok(())
            }
        }
    }

    /// A block was left inside: what came before the op is paid, and EIP is set to it or behind it.
    fn leave(&mut self, exit: Exit, observer: &mut dyn Observer) -> Flow {
        let op = *self.blocks.op(exit.at());
        let core = &mut *self.core;
        let (done, forward) = match exit.cause() {
            Cause::Leave => (op.nth + 1, op.length),
            _ => (op.nth, 0),
        };
        core.eip = core.eip.wrapping_add(u32::from(op.offset) + u32::from(forward));
        core.count += u64::from(done);
        core.mmu.bus.timeline.budget -= i64::from(done);
        // A hook is asked before anything of the op happens.
        core.repeating = exit.cause() == Cause::Again || core.repeating && exit.cause() == Cause::Hook;
        match exit.cause() {
            Cause::Fault => match core.fault.take() {
                Some(fault) => self.raise(fault, observer),
                None => Ok(()),
            },
            Cause::Hook => self.hooked(false, observer),
            _ => Ok(()),
        }
    }
    pub(crate) fn linear_eip(&self) -> LinearAddress {
        LinearAddress(self.core.mmu.segment(SegmentRegister::Cs).base.wrapping_add(self.core.eip))
    }
}

impl Core {
    /// EFLAGS as an interrupt pushes it: RF marks a repeated instruction that is not done.
    pub(crate) fn interrupted_flags(&self) -> u32 {
        self.eflags() | if self.repeating { Eflags::RF.0 } else { 0 }
    }
}
