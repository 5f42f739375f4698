//! The processor's state as plain data: for snapshots.

use crate::{
    core::{Activity, Shadow},
    cpu::Cpu,
};
use serde::{Deserialize, Serialize};
use turtle86_mmu::MmuState;

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
        if state.msr.len() != self.core.profile.msrs.len() {
            return Err(format!(
                "{} model-specific registers, and the {} has {}",
                state.msr.len(),
                self.core.profile.name,
                self.core.profile.msrs.len()
            ));
        }
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
        self.faults.clear();
        self.last_fault = None;
        // A20 belongs to the lines, which are in place: the translations below are made with it.
        self.a20 = core.mmu.bus.lines.a20;
        core.mmu.set_state(&state.mmu);
        self.blocks.forget(core);
        self.last_mode = self.processor_mode();
        self.core.call_attention();
        Ok(())
    }
}
