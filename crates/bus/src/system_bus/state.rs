//! The bus as bytes, for snapshots, and as a checkpoint that is put back fast.

use super::{Slot, SystemBus};
use crate::{Cycle, Lines, SavedRam, StateError, state_from, state_of};

/// The bus at one point: memory, lines, clock, and the bytes of every device's state.
#[derive(Debug)]
pub struct BusCheckpoint {
    ram: SavedRam,
    lines: Lines,
    now: Cycle,
    wakes: Vec<u64>,
    irq: Vec<u16>,
    devices: Vec<(String, Vec<u8>)>,
}
impl BusCheckpoint {
    /// The memory.
    pub fn ram(&self) -> &SavedRam {
        &self.ram
    }
    /// What [`SystemBus::save`] gave then.
    pub fn saved(&self) -> (Vec<u8>, Vec<(String, Vec<u8>)>) {
        (state_of(&(self.lines, self.now, &self.wakes, &self.irq)), self.devices.clone())
    }
}

impl SystemBus {
    /// The state of every device, of the lines and of the clock. `(name, state)` per device.
    pub fn save(&mut self) -> (Vec<u8>, Vec<(String, Vec<u8>)>) {
        let own = state_of(&(self.lines, self.timeline.now(), self.timeline.wakes(), self.irqs()));
        (own, self.save_devices())
    }
    /// Takes such a state back. The devices must be the same, in the same order.
    pub fn load(&mut self, own: &[u8], devices: &[(String, Vec<u8>)]) -> Result<(), StateError> {
        let (lines, now, wakes, irq): (Lines, Cycle, Vec<u64>, Vec<u16>) = state_from(own)?;
        self.require_devices(devices, &wakes, &irq)?;
        for (slot, saved) in self.slots.iter_mut().zip(devices) {
            slot.load(saved)?;
        }
        self.put_back(lines, now, &wakes, &irq);
        Ok(())
    }

    /// The whole bus, to be put back by [`SystemBus::rewind`]. Memory begins a log: see [`Memory::checkpoint`](crate::Memory::checkpoint).
    pub fn checkpoint(&mut self) -> BusCheckpoint {
        let checkpoint = BusCheckpoint {
            ram: self.memory.checkpoint(),
            lines: self.lines,
            now: self.timeline.now(),
            wakes: self.timeline.wakes().to_vec(),
            irq: self.irqs(),
            devices: self.save_devices(),
        };
        self.slots.iter_mut().for_each(|slot| slot.talked = false);
        checkpoint
    }
    /// Puts everything back: of memory what was written, of the devices those that somebody talked to, if the last checkpoint that
    /// was taken or put back is this one; otherwise all that differs.
    ///
    /// # Errors
    /// The devices are others; then nothing has changed. Or a device refuses its state: then memory has not changed.
    pub fn rewind(&mut self, to: &BusCheckpoint) -> Result<(), StateError> {
        let all = !self.memory.logs_since(&to.ram);
        if all {
            self.require_devices(&to.devices, &to.wakes, &to.irq)?;
        }
        for (slot, saved) in self.slots.iter_mut().zip(&to.devices) {
            slot.talked |= all;
            if slot.talked {
                slot.load(saved)?;
            }
        }
        self.slots.iter_mut().for_each(|slot| slot.talked = false);
        self.memory.rewind(&to.ram);
        self.put_back(to.lines, to.now, &to.wakes, &to.irq);
        Ok(())
    }

    fn irqs(&self) -> Vec<u16> {
        self.slots.iter().map(|slot| slot.irq).collect()
    }
    fn save_devices(&mut self) -> Vec<(String, Vec<u8>)> {
        let state = |slot: &mut Slot| slot.device.as_deref_mut().and_then(|device| device.state()).map_or(Vec::new(), |state| state.save());
        self.slots.iter_mut().map(|slot| (slot.name.to_string(), state(slot))).collect()
    }
    fn require_devices(&self, devices: &[(String, Vec<u8>)], wakes: &[u64], irq: &[u16]) -> Result<(), StateError> {
        let same = self.slots.len() == devices.len() && self.slots.iter().zip(devices).all(|(slot, (name, _))| slot.name == name);
        if same && wakes.len() == self.slots.len() && irq.len() == self.slots.len() {
            return Ok(());
        }
        let own: Vec<&str> = self.slots.iter().map(|slot| slot.name).collect();
        let saved: Vec<&str> = devices.iter().map(|(name, _)| name.as_str()).collect();
        Err(StateError(format!("this machine's devices are [{}], the saved ones [{}]", own.join(", "), saved.join(", "))))
    }
    fn put_back(&mut self, lines: Lines, now: Cycle, wakes: &[u64], irq: &[u16]) {
        self.lines = lines;
        self.timeline.set_now(now);
        self.timeline.set_wakes(wakes);
        for (slot, irq) in self.slots.iter_mut().zip(irq) {
            slot.irq = *irq;
        }
        self.attention = true;
    }
}

impl Slot {
    fn load(&mut self, (name, bytes): &(String, Vec<u8>)) -> Result<(), StateError> {
        self.talked = true;
        match self.device.as_deref_mut().and_then(|device| device.state()) {
            Some(state) => state.load(bytes).map_err(|StateError(why)| StateError(format!("{name}: {why}"))),
            None => Ok(()),
        }
    }
}
