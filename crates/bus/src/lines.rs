//! The wires between devices and processor.

use serde::{Deserialize, Serialize};

/// A device asks the host to stop the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StopRequest {
    /// A debug-exit device, with the status of the host process.
    DebugExit(u32),
    /// The machine's power was switched off.
    PowerOff,
}

/// Levels and latched edges that the processor samples at instruction boundaries. A20 is owned here too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lines {
    /// The interrupt controller's output.
    pub intr: bool,
    /// A rising edge of NMI, latched until it is taken.
    pub nmi: bool,
    /// A rising edge of SMI#, latched until it is taken.
    pub smi: bool,
    /// INIT, latched.
    pub init: bool,
    /// RESET, latched.
    pub reset: bool,
    /// True: address line 20 works. False: it is held low.
    pub a20: bool,
    /// What a device asked the host for.
    pub stop: Option<StopRequest>,
    /// Interrupt request inputs, a bit each.
    pub irq: u16,
    /// Those that rose and the controller has not been told yet.
    pub(crate) irq_rising: u16,
}
impl Default for Lines {
    fn default() -> Self {
        Lines { intr: false, nmi: false, smi: false, init: false, reset: false, a20: true, stop: None, irq: 0, irq_rising: 0 }
    }
}
