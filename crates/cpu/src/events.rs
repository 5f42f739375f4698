//! Interrupts and exceptions on their way to delivery: double faults, shutdown (SDM Vol. 3, "Double Fault Exception").

use crate::{
    core::Activity,
    cpu::Cpu,
    delivery::Source,
    observer::{Observer, Verdict},
    stop::{FaultRecord, Stop},
};
use turtle86_arch::{Eflags, Exception, Fault, Reason, Vector};

/// SDM Vol. 3, "Interrupt and Exception Classes".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Benign,
    Contributory,
    PageFault,
    DoubleFault,
}
fn class(exception: Exception) -> Class {
    match exception {
        Exception::DivideError
        | Exception::InvalidTss(_)
        | Exception::SegmentNotPresent(_)
        | Exception::StackFault(_)
        | Exception::GeneralProtection(_) => Class::Contributory,
        Exception::PageFault(..) => Class::PageFault,
        Exception::DoubleFault => Class::DoubleFault,
        _ => Class::Benign,
    }
}
/// What two exceptions make.
#[derive(Debug, PartialEq, Eq)]
enum Combined {
    Serial,
    DoubleFault,
    Shutdown,
}
/// SDM Vol. 3, "Conditions for Generating a Double Fault".
fn combine(first: Class, second: Class) -> Combined {
    match (first, second) {
        (Class::DoubleFault, Class::Contributory | Class::PageFault | Class::DoubleFault) => Combined::Shutdown,
        (Class::Contributory, Class::Contributory) | (Class::PageFault, Class::Contributory | Class::PageFault) => Combined::DoubleFault,
        _ => Combined::Serial,
    }
}

impl Cpu {
    /// Raises a fault of the instruction at EIP, or a trap of the one before it, and delivers it.
    pub(crate) fn raise(&mut self, fault: Fault, observer: &mut dyn Observer) -> Result<(), Stop> {
        self.faults.clear();
        self.raise_after(Class::Benign, fault, observer)
    }

    fn raise_after(&mut self, mut first: Class, mut fault: Fault, observer: &mut dyn Observer) -> Result<(), Stop> {
        loop {
            if let Reason::Unsupported(what) = fault.reason() {
                return Err(self.unsupported(what));
            }
            let mut exception = fault.exception();
            let record = FaultRecord { at: self.linear_eip(), cs: self.cs_selector(), eip: self.core.eip, fault: fault.clone() };
            self.faults.push(record.clone());
            self.last_fault = Some(record.clone());
            self.events += 1;
            self.core.mmu.bus.timeline.pass(1);
            if let Exception::PageFault(_, address) = exception {
                self.core.mmu.control.cr2 = address.0;
            }
            let verdict = observer.fault(self, &record);
            match combine(first, class(exception)) {
                Combined::Serial => {}
                Combined::DoubleFault => {
                    let before = self.faults.iter().rev().nth(1).map_or(exception, |record| record.fault.exception());
                    let reason = Reason::DoubleFault { first: before, second: exception };
                    exception = Exception::DoubleFault;
                    self.faults.push(FaultRecord { fault: Fault::new(exception, reason), ..record });
                }
                Combined::Shutdown => {
                    self.core.activity = Activity::Shutdown;
                    return Err(Stop::Shutdown);
                }
            }
            let flags = self.core.interrupted_flags() | if exception.is_fault() { Eflags::RF.0 } else { 0 };
            let eip = self.core.eip;
            let code = if self.core.mmu.mode().protected() { exception.error_code() } else { None };
            match self.core.deliver(exception.vector(), Source::Event, code, eip, flags) {
                Ok(()) if verdict == Verdict::Stop => return Err(Stop::Breakpoint(self.linear_eip())),
                Ok(()) => {
                    self.core.repeating = false;
                    return Ok(());
                }
                Err(next) => (first, fault) = (class(exception), next),
            }
        }
    }

    /// Delivers an external interrupt.
    pub(crate) fn interrupt(&mut self, vector: Vector, observer: &mut dyn Observer) -> Result<(), Stop> {
        self.core.activity = Activity::Running;
        self.core.shadow = crate::core::Shadow::None;
        self.events += 1;
        self.core.mmu.bus.timeline.pass(1);
        let (eip, flags) = (self.core.eip, self.core.interrupted_flags());
        match self.core.deliver(vector, Source::Event, None, eip, flags) {
            Ok(()) => {
                self.core.repeating = false;
                Ok(())
            }
            Err(fault) => {
                self.faults.clear();
                self.raise_after(Class::Benign, fault, observer)
            }
        }
    }

    pub(crate) fn unsupported(&self, what: &'static str) -> Stop {
        Stop::Unsupported { what, at: self.linear_eip() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_double_fault_table_is_the_manuals() {
        use Class::*;
        for (first, second, want) in [
            (Benign, Benign, Combined::Serial),
            (Benign, Contributory, Combined::Serial),
            (Benign, PageFault, Combined::Serial),
            (Contributory, Benign, Combined::Serial),
            (Contributory, Contributory, Combined::DoubleFault),
            (Contributory, PageFault, Combined::Serial),
            (PageFault, Benign, Combined::Serial),
            (PageFault, Contributory, Combined::DoubleFault),
            (PageFault, PageFault, Combined::DoubleFault),
            (DoubleFault, Benign, Combined::Serial),
            (DoubleFault, Contributory, Combined::Shutdown),
            (DoubleFault, PageFault, Combined::Shutdown),
        ] {
            assert_eq!(combine(first, second), want, "{first:?} then {second:?}");
        }
    }
}
