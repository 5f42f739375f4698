//! The processor's state as plain data, for snapshots, and as a checkpoint that is put back fast.

use crate::{
    core::{Activity, Shadow},
    cpu::Cpu,
};
use serde::{Deserialize, Serialize};
use turtle86_arch::LinearAddress;
use turtle86_bus::{BusCheckpoint, StateError};
use turtle86_mmu::{MmuCheckpoint, MmuState};

/// All that the processor remembers, beside memory and devices. Decoded code is not state: it is made anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct CpuState {
    pub gpr: [u32; 8],
    pub eip: u32,
    pub eflags: u32,
    pub instructions: u64,
    pub events: u64,
    /// 0 running, 1 halted, 2 shut down.
    pub activity: u8,
    /// 0 none, 1 STI, 2 MOV SS.
    pub shadow: u8,
    pub nmi_blocked: bool,
    pub repeating: bool,
    pub pending_trap: bool,
    pub debug: [u32; 8],
    pub test: [u32; 8],
    pub msr: Vec<u64>,
    pub tsc_offset: u64,
    pub mmu: MmuState,
}

/// The processor and everything beneath it at one point.
#[derive(Debug)]
pub struct CpuCheckpoint {
    /// As a snapshot has it.
    pub state: CpuState,
    mmu: MmuCheckpoint,
    stopped_at: Option<LinearAddress>,
}
impl CpuCheckpoint {
    /// The bus.
    pub fn bus(&self) -> &BusCheckpoint {
        &self.mmu.bus
    }
}

impl Cpu {
    /// The state.
    pub fn state(&self) -> CpuState {
        let core = &self.core;
        CpuState {
            gpr: std::array::from_fn(|n| core.reg(n as u8 * 4)),
            eip: core.eip,
            eflags: core.eflags(),
            instructions: core.count,
            events: self.events,
            activity: core.activity as u8,
            shadow: core.shadow as u8,
            nmi_blocked: core.nmi_blocked,
            repeating: core.repeating,
            pending_trap: self.pending_trap,
            debug: core.rare.dr,
            test: core.rare.tr,
            msr: core.rare.msr.clone(),
            tsc_offset: core.rare.tsc_offset,
            mmu: core.mmu.state(),
        }
    }
    /// Takes a state back; memory and devices must be in place already. Fails if it is another model's.
    pub fn set_state(&mut self, state: &CpuState) -> Result<(), String> {
        self.require_fit(state)?;
        // A20 belongs to the lines, which are in place: the translations are made with it.
        self.a20 = self.core.mmu.bus.lines.a20;
        self.core.mmu.set_state(&state.mmu);
        self.blocks.forget(&mut self.core);
        self.put_registers(state);
        Ok(())
    }
    fn require_fit(&self, state: &CpuState) -> Result<(), String> {
        let (own, saved) = (self.core.profile.msrs.len(), state.msr.len());
        if own == saved {
            return Ok(());
        }
        Err(format!("{saved} model-specific registers, and the {} has {own}", self.core.profile.name))
    }
    fn put_registers(&mut self, state: &CpuState) {
        let core = &mut *self.core;
        for (n, value) in state.gpr.into_iter().enumerate() {
            core.set_reg(n as u8 * 4, value);
        }
        core.eip = state.eip;
        core.set_eflags(state.eflags);
        core.count = state.instructions;
        core.activity = match state.activity {
            0 => Activity::Running,
            1 => Activity::Halted,
            _ => Activity::Shutdown,
        };
        core.shadow = match state.shadow {
            0 => Shadow::None,
            1 => Shadow::Sti,
            _ => Shadow::MovSs,
        };
        core.nmi_blocked = state.nmi_blocked;
        core.repeating = state.repeating;
        (core.rare.dr, core.rare.tr) = (state.debug, state.test);
        core.rare.msr.clone_from(&state.msr);
        core.rare.tsc_offset = state.tsc_offset;
        self.events = state.events;
        self.pending_trap = state.pending_trap;
        // What hooks were not told yet was of another past.
        self.core.mmu.take_watched();
        if let Some(ports) = &mut self.core.mmu.bus.watched_ports {
            ports.clear();
        }
        self.faults.clear();
        self.last_fault = None;
        self.last_mode = self.processor_mode();
        self.core.call_attention();
    }

    /// Everything, to be put back by [`Cpu::rewind`]. Decoded code stays.
    pub fn checkpoint(&mut self) -> CpuCheckpoint {
        CpuCheckpoint { state: self.state(), mmu: self.core.mmu.checkpoint(), stopped_at: self.stopped_at }
    }
    /// Puts everything back; of decoded code only that goes whose bytes change by it.
    ///
    /// # Errors
    /// It is of another model, or of other devices, and then nothing has changed; or a device refuses its state.
    pub fn rewind(&mut self, to: &CpuCheckpoint) -> Result<(), StateError> {
        self.require_fit(&to.state).map_err(StateError)?;
        self.core.mmu.rewind(&to.mmu, &to.state.mmu)?;
        if self.core.mmu.bus.memory.has_touched() {
            self.blocks.invalidate(&mut self.core);
        }
        self.put_registers(&to.state);
        self.stopped_at = to.stopped_at;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, Nobody};
    use turtle86_arch::{Model, PhysicalAddress};
    use turtle86_bus::{MemoryMap, SystemBus};

    #[test]
    fn a_rewind_forgets_only_the_blocks_whose_bytes_it_changes() {
        let bus = SystemBus::new(&MemoryMap { ram: 1 << 20, ..MemoryMap::default() }, vec![], 1_000_000).unwrap();
        let mut cpu = Cpu::new(Model::Pentium.profile(), bus);
        // mov byte [1081h], 5; mov byte [1100h], 6; jmp 1080h. 1080h: mov al, 4; hlt
        let code = [0xc6, 0x05, 0x81, 0x10, 0, 0, 5, 0xc6, 0x05, 0x00, 0x11, 0, 0, 6, 0xeb, 0x70];
        cpu.bus_mut().memory.write_bytes(PhysicalAddress(0x1000), &code);
        cpu.bus_mut().memory.write_bytes(PhysicalAddress(0x1080), &[0xb0, 4, 0xf4]);
        cpu.enter_flat_protected_mode();
        cpu.set_eip(0x1000);
        let start = cpu.checkpoint();
        let mut run = || {
            cpu.run(Limits { cycles: Some(cpu.bus().timeline.now().0 + 100), instructions: None }, &mut Nobody);
            assert_eq!(cpu.gpr(turtle86_arch::Gpr::Eax) & 0xff, 5);
            let after_run = cpu.blocks.kept();
            cpu.rewind(&start).unwrap();
            (after_run, cpu.blocks.kept())
        };
        let (after_run, after_rewind) = run();
        assert_eq!(after_rewind.0, after_run.0 - 1, "the block at 1080h goes, that at 1000h in the same page stays");
        assert_eq!(run(), (after_run, after_rewind), "nothing is decoded into new slots");
    }
}
