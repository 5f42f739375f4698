//! The chips of a plain ISA PC, one per module, each with its registers as bit fields.
//!
//! | Chip | Ports | Interrupt | Module |
//! |---|---|---|---|
//! | two 8259A interrupt controllers | 20h–21h, A0h–A1h, 4D0h–4D1h | INTR | [`pic`] |
//! | 8254 timer, system control port B | 40h–43h, 61h | 0 | [`pit`] |
//! | MC146818 clock and CMOS memory | 70h–71h | 8 | [`rtc`] |
//! | 8042 keyboard controller, system control port A | 60h, 64h, 92h | 1, 12 | [`keyboard`] |
//! | two 8237A DMA controllers, page registers | 00h–0Fh, C0h–DFh, 81h–8Fh | | [`dma`] |
//! | 16550A serial port | 3F8h–3FFh | 4 | [`uart`] |
//! | power-on self test codes | 80h | | [`post`] |
//! | debug console | E9h, 402h | | [`debug_console`] |
//! | debug exit, shutdown | F4h–F7h, 8900h | | [`debug_exit`] |
//!
//! Time comes from the bus alone, in processor cycles, and every rate is an exact ratio to it: a run repeats to the cycle.
//! [`IsaPc`] builds the whole set; it is what `qemu -M isapc` has without disks and display.
//!
//! ```
//! use turtle86_bus::{AccessSize, MemoryMap, SystemBus};
//! use turtle86_devices::{IsaPc, Uart};
//!
//! let pc = IsaPc { ram: 16 << 20, ..IsaPc::default() };
//! let mut bus = SystemBus::new(&MemoryMap { ram: 16 << 20, ..MemoryMap::default() }, pc.devices(), 100_000_000)?;
//! for byte in b"hello" {
//!     bus.write_port(0x3f8, AccessSize::Byte, u32::from(*byte));
//! }
//! assert_eq!(bus.device::<Uart>().unwrap().output_text(), "hello");
//! # Ok::<(), turtle86_bus::BuildError>(())
//! ```

mod clock;
pub mod debug_console;
pub mod debug_exit;
pub mod dma;
#[cfg(test)]
mod harness;
mod isa_pc;
pub mod keyboard;
pub mod pic;
pub mod pit;
pub mod post;
pub mod rtc;
mod scancodes;
mod sink;
pub mod uart;

pub use debug_console::DebugCon;
pub use debug_exit::{DebugExit, ShutdownPort};
pub use dma::Dma;
pub use isa_pc::{IsaPc, isa_pc};
pub use keyboard::Keyboard;
pub use pic::Pic;
pub use pit::Pit;
pub use post::PostPort;
pub use rtc::{BootDevice, Equipment, FloppyType, Rtc, WallClock};
pub use sink::Sink;
pub use uart::Uart;
