//! turtle86: a pure-software, cycle-level IA-32 emulator to embed.
//!
//! A [`Machine`] is a processor of a chosen [`Model`](arch::Model), memory, and devices that plug in as trait objects.
//! It is deterministic: the same machine with the same inputs gives the same bytes and the same cycle on every host, watched or not.
//!
//! ```
//! use turtle86::{Machine, RunLimit, Stop, arch::{Gpr, Model, PhysicalAddress}};
//!
//! let mut machine = Machine::builder(Model::I486Dx).ram(1 << 20).build()?;
//! machine.load(PhysicalAddress(0x7c00), &[0xb8, 0x34, 0x12, 0xf4])?; // mov ax, 1234h; hlt
//! machine.start_at(0, 0x7c00);
//! assert_eq!(machine.run(RunLimit::none()), Stop::Halted);
//! assert_eq!(machine.cpu.gpr(Gpr::Eax), 0x1234);
//! # Ok::<(), turtle86::Error>(())
//! ```

mod builder;
mod checkpoint;
mod error;
mod hook;
mod image;
mod machine;
mod snapshot;
pub mod testing;

pub use builder::{MachineBuilder, Timing};
pub use checkpoint::Checkpoint;
pub use error::Error;
pub use hook::{HookId, HookPoint};
pub use image::Multiboot;
pub use machine::{Machine, RunLimit};
pub use snapshot::Snapshot;
pub use turtle86_arch as arch;
pub use turtle86_bus as bus;
pub use turtle86_cpu::{Cpu, CpuState, FaultRecord, Form, Instruction, ProcessorMode, Stop, Verdict, iced_x86, instruction_table};
pub use turtle86_devices as devices;
pub use turtle86_mmu as mmu;

/// The examples and the README's program, as tests.
#[cfg(doctest)]
mod examples {
    macro_rules! example {
        ($name:ident, $file:literal) => {
            #[doc = concat!("```\n", include_str!($file), "\n```")]
            struct $name;
        };
    }
    example!(RunRom, "../examples/run_rom.rs");
    example!(Hook, "../examples/hook.rs");
    example!(DeviceOfOnesOwn, "../examples/device.rs");
    example!(SnapshotAndRestore, "../examples/snapshot.rs");
    example!(FuzzAdc, "../examples/fuzz_adc.rs");
    example!(CheckpointAndRewind, "../examples/checkpoint.rs");

    #[doc = include_str!("../../../README.md")]
    struct Readme;
}
