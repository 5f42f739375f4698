//! The physical side of a machine: RAM and ROM, ports and memory-mapped devices, lines and time.
//!
//! A device sees a [`BusCycle`] (the time, its wake-up, its lines, memory by DMA) and never the processor.
//! What the processor has to notice comes back by [`Lines`] and the [`Timeline`], sampled at instruction boundaries.

mod cycle;
mod device;
mod lines;
mod memory;
mod system_bus;
mod timeline;
mod wiring;

pub use cycle::BusCycle;
pub use device::{
    AccessSize, Device, DmaController, InterruptController, MemoryIo, PortIo, StateError, Stateful, Timer, state_from, state_of,
};
pub use lines::{Lines, StopRequest};
pub use memory::{Backing, MapError, Memory, MemoryMap, PAGE_SIZE, RomImage, SavedRam};
pub use system_bus::{BuildError, BusCheckpoint, PortAccess, SystemBus};
pub use timeline::{Cycle, Timeline};
pub use wiring::{IrqLine, Wiring};
