//! What a device is: a name, its wiring, and the capabilities that it opts in to.

use crate::{BusCycle, Wiring};
use serde::{Serialize, de::DeserializeOwned};
use std::any::Any;
use turtle86_arch::PhysicalAddress;

/// The width of one access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessSize {
    /// 8 bits.
    Byte,
    /// 16 bits.
    Word,
    /// 32 bits.
    Dword,
}
impl AccessSize {
    /// 1, 2 or 4.
    pub const fn bytes(self) -> u32 {
        match self {
            AccessSize::Byte => 1,
            AccessSize::Word => 2,
            AccessSize::Dword => 4,
        }
    }
    /// All ones of this width: what an unclaimed read gives.
    pub const fn mask(self) -> u32 {
        match self {
            AccessSize::Byte => 0xff,
            AccessSize::Word => 0xffff,
            AccessSize::Dword => !0,
        }
    }
    /// The width of 1, 2 or 4 bytes.
    pub const fn of_bytes(n: u32) -> Option<AccessSize> {
        match n {
            1 => Some(AccessSize::Byte),
            2 => Some(AccessSize::Word),
            4 => Some(AccessSize::Dword),
            _ => None,
        }
    }
}

/// A device on the bus. Each capability is opt-in: return `Some(self)` from its method.
///
/// ```
/// use turtle86_bus::{AccessSize, BusCycle, Device, PortIo, Wiring};
///
/// /// Remembers the last byte written to port 300h.
/// struct Latch(u32);
/// impl Device for Latch {
///     fn name(&self) -> &'static str { "latch" }
///     fn connect(&mut self, wiring: &mut Wiring) { wiring.byte_ports(0x300..=0x300); }
///     fn ports(&mut self) -> Option<&mut dyn PortIo> { Some(self) }
/// }
/// impl PortIo for Latch {
///     fn read(&mut self, _: u16, _: AccessSize, _: &mut BusCycle<'_>) -> u32 { self.0 }
///     fn write(&mut self, _: u16, _: AccessSize, value: u32, _: &mut BusCycle<'_>) { self.0 = value }
/// }
/// ```
pub trait Device: Any + Send {
    /// A short name, unique in a machine; it names the device in errors and snapshots.
    fn name(&self) -> &'static str;
    /// Claims ports, memory windows and interrupt lines. Called once, when the machine is built.
    fn connect(&mut self, wiring: &mut Wiring);
    /// What a hardware reset does.
    fn reset(&mut self, _bus: &mut BusCycle<'_>) {}
    /// Ports.
    fn ports(&mut self) -> Option<&mut dyn PortIo> {
        None
    }
    /// Memory-mapped registers.
    fn memory(&mut self) -> Option<&mut dyn MemoryIo> {
        None
    }
    /// Wake-ups.
    fn timer(&mut self) -> Option<&mut dyn Timer> {
        None
    }
    /// State for snapshots. A device without it has none, or keeps host-side state that a snapshot must not touch.
    /// It changes only while the bus lends the device out: of anything else going back to a checkpoint does not know.
    fn state(&mut self) -> Option<&mut dyn Stateful> {
        None
    }
    /// The chip that turns interrupt requests into INTR and vectors. At most one in a machine.
    fn interrupt_controller(&mut self) -> Option<&mut dyn InterruptController> {
        None
    }
    /// The chip that moves data between devices and memory. At most one in a machine.
    fn dma_controller(&mut self) -> Option<&mut dyn DmaController> {
        None
    }
}

/// A device with ports.
pub trait PortIo {
    /// Reads `size` at `port`; bits above the size are ignored.
    fn read(&mut self, port: u16, size: AccessSize, bus: &mut BusCycle<'_>) -> u32;
    /// Writes `value`, `size` wide, to `port`.
    fn write(&mut self, port: u16, size: AccessSize, value: u32, bus: &mut BusCycle<'_>);
}

/// A device with memory-mapped registers.
pub trait MemoryIo {
    /// Reads `size` at `at`; bits above the size are ignored.
    fn read(&mut self, at: PhysicalAddress, size: AccessSize, bus: &mut BusCycle<'_>) -> u32;
    /// Writes `value`, `size` wide, to `at`.
    fn write(&mut self, at: PhysicalAddress, size: AccessSize, value: u32, bus: &mut BusCycle<'_>);
}

/// A device that asked to be woken.
pub trait Timer {
    /// The cycle asked for with [`BusCycle::wake_at`] has come. The wake-up is used up; ask again for another.
    fn wake(&mut self, bus: &mut BusCycle<'_>);
}

/// The interrupt controller's side of the interrupt lines.
pub trait InterruptController {
    /// The request inputs changed: `levels` as they are now, `rising` those that went from low to high since the last call.
    fn inputs_changed(&mut self, levels: u16, rising: u16, bus: &mut BusCycle<'_>);
    /// The processor acknowledges INTR: gives the vector.
    fn acknowledge(&mut self, bus: &mut BusCycle<'_>) -> u8;
}

/// The DMA controller's side of a transfer that a device asked for.
pub trait DmaController {
    /// Moves `data` from a device to memory on `channel`; returns how many bytes the channel took, and whether it reached terminal count.
    fn device_to_memory(&mut self, channel: u8, data: &[u8], bus: &mut BusCycle<'_>) -> (usize, bool);
    /// Fills `data` for a device from memory on `channel`; returns how many bytes there were, and whether it reached terminal count.
    fn memory_to_device(&mut self, channel: u8, data: &mut [u8], bus: &mut BusCycle<'_>) -> (usize, bool);
}

/// A device's bytes in a snapshot are not its own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the saved state does not fit: {0}")]
pub struct StateError(pub String);

/// A device with state to save. [`state_of`] and [`state_from`] do it for any type with serde's traits.
pub trait Stateful {
    /// The state as bytes.
    fn save(&self) -> Vec<u8>;
    /// Takes the state back.
    fn load(&mut self, bytes: &[u8]) -> Result<(), StateError>;
}

/// Serialises a state.
pub fn state_of<T: Serialize>(state: &T) -> Vec<u8> {
    postcard::to_stdvec(state).unwrap_or_default()
}

/// Reads back what [`state_of`] wrote; all bytes must be used.
pub fn state_from<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, StateError> {
    match postcard::take_from_bytes(bytes) {
        Ok((state, [])) => Ok(state),
        Ok((_, rest)) => Err(StateError(format!("{} bytes too many", rest.len()))),
        Err(error) => Err(StateError(error.to_string())),
    }
}
