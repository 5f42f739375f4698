//! The bodies of the fuzz targets: a module each, with `run(data)`, which panics where a law is broken.
//!
//! `fuzz_targets/` gives each to libFuzzer; `tests/corpus.rs` replays the committed corpora on any toolchain.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod bench;
pub mod decode;
mod device;
pub mod elf;
#[allow(dead_code)] // the model is the MMU's tests'; not all of it is needed here
#[path = "../../crates/mmu/tests/model/mod.rs"]
mod model;
pub mod moo;
pub mod page_tables;
pub mod snapshot;
pub mod step;

pub use device::{device_state, dma, keyboard, pic, pit, rtc, simple_devices, uart};
#[cfg(fuzzing)]
#[doc(hidden)]
pub use libfuzzer_sys;

/// A name, and what runs one input.
pub type Target = (&'static str, fn(&[u8]));
/// Every target: what `fuzz_targets/` and `corpus/` hold.
pub const TARGETS: &[Target] = &[
    ("decode", decode::run),
    ("device_state", device_state::run),
    ("dma", dma::run),
    ("elf", elf::run),
    ("keyboard", keyboard::run),
    ("moo", moo::run),
    ("page_tables", page_tables::run),
    ("pic", pic::run),
    ("pit", pit::run),
    ("rtc", rtc::run),
    ("simple_devices", simple_devices::run),
    ("snapshot", snapshot::run),
    ("step", step::run),
    ("uart", uart::run),
];

/// The program of one target: libFuzzer's where cargo-fuzz builds it, else one that runs the files that it is given.
#[macro_export]
macro_rules! target {
    ($name:ident) => {
        #[cfg(fuzzing)]
        $crate::libfuzzer_sys::fuzz_target!(|data: &[u8]| $crate::$name::run(data));
        #[cfg(not(fuzzing))]
        fn main() -> std::io::Result<()> {
            for file in std::env::args_os().skip(1) {
                $crate::$name::run(&std::fs::read(file)?);
            }
            Ok(())
        }
    };
}
