//! One instruction at a time, for property tests.

use crate::{Error, Machine, RunLimit, Stop};
use turtle86_arch::{Eflags, Gpr, Model, PhysicalAddress, SegmentRegister};

/// The registers that a [`SingleStep`] sets and gives back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Registers {
    pub eax: u32,
    pub ecx: u32,
    pub edx: u32,
    pub ebx: u32,
    pub esp: u32,
    pub ebp: u32,
    pub esi: u32,
    pub edi: u32,
    pub eflags: Eflags,
}

/// A machine with flat 32-bit segments and 64 KiB of RAM that runs one instruction.
///
/// ```
/// use turtle86::{arch::Model, testing::{Registers, SingleStep}};
///
/// let after = SingleStep::flat32(Model::I386Dx).registers(Registers { eax: 2, ..Registers::default() }).execute(&[0x40])?; // inc eax
/// assert_eq!(after.eax, 3);
/// # Ok::<(), turtle86::Error>(())
/// ```
pub struct SingleStep {
    model: Model,
    registers: Registers,
    memory: Vec<(u32, Vec<u8>)>,
}
/// Where the instruction lies.
const CODE: u32 = 0x1000;

impl SingleStep {
    /// A flat 32-bit machine of this model.
    pub fn flat32(model: Model) -> SingleStep {
        SingleStep { model, registers: Registers { esp: 0x8000, ..Registers::default() }, memory: Vec::new() }
    }
    /// The registers before the instruction.
    pub fn registers(mut self, registers: Registers) -> SingleStep {
        self.registers = registers;
        self
    }
    /// Bytes in memory before the instruction; it lies at 1000h itself.
    pub fn memory(mut self, at: u32, bytes: &[u8]) -> SingleStep {
        self.memory.push((at, bytes.to_vec()));
        self
    }
    /// Runs it.
    ///
    /// # Errors
    /// A fault, or a byte that does not fit into memory.
    pub fn execute(self, code: &[u8]) -> Result<Registers, Error> {
        self.execute_in(code).map(|(registers, _)| registers)
    }
    /// Runs it and gives the machine back too.
    ///
    /// # Errors
    /// A fault, or a byte that does not fit into memory.
    pub fn execute_in(self, code: &[u8]) -> Result<(Registers, Machine), Error> {
        let mut machine = Machine::builder(self.model).ram(64 << 10).build()?;
        machine.cpu.enter_flat_protected_mode();
        machine.load(PhysicalAddress(CODE.into()), code)?;
        for (at, bytes) in &self.memory {
            machine.load(PhysicalAddress((*at).into()), bytes)?;
        }
        machine.cpu.set_eip(CODE);
        for (register, value) in Gpr::ALL.into_iter().zip(self.registers.in_order()) {
            machine.cpu.set_gpr(register, value);
        }
        machine.cpu.set_eflags(self.registers.eflags);
        let stop = machine.run(RunLimit::instructions(1));
        if let Some(record) = machine.cpu.last_fault() {
            return Err(Error::Instruction(record.to_string()));
        }
        if !matches!(stop, Stop::InstructionLimit | Stop::Halted) {
            return Err(Error::Instruction(stop.to_string()));
        }
        debug_assert!(machine.cpu.segment(SegmentRegister::Cs).rights.is_32_bit());
        Ok((Registers::of(&machine), machine))
    }
}
impl Registers {
    fn in_order(&self) -> [u32; 8] {
        [self.eax, self.ecx, self.edx, self.ebx, self.esp, self.ebp, self.esi, self.edi]
    }
    /// The registers of a machine; of EFLAGS all.
    pub fn of(machine: &Machine) -> Registers {
        let r = |register| machine.cpu.gpr(register);
        Registers {
            eax: r(Gpr::Eax),
            ecx: r(Gpr::Ecx),
            edx: r(Gpr::Edx),
            ebx: r(Gpr::Ebx),
            esp: r(Gpr::Esp),
            ebp: r(Gpr::Ebp),
            esi: r(Gpr::Esi),
            edi: r(Gpr::Edi),
            eflags: machine.cpu.eflags(),
        }
    }
}
