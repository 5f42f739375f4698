//! The host's processor as the oracle: one instruction or a short block runs natively in user mode and on the model, and every
//! bit of what they leave behind is compared.
//!
//! A [`World`] is what both see: an arena of pages below 4 GiB and a local descriptor table of chosen segments. A [`Case`] is a
//! state to begin with and code; it always ends in an exception, if only that of the `HLT` which fills the code pages and is
//! privileged. [`Host`] runs cases on silicon in a child process, [`Emulated`] on a [`Machine`](turtle86::Machine); [`compare`]
//! tells them apart, leaving out what the manual calls undefined and nobody knows. [`run`] does so millions of times.
//!
//! ```no_run
//! use turtle86::arch::Model;
//! use turtle86_conformance::silicon::{Case, Differential, World};
//!
//! let mut both = Differential::new(Model::default(), &World::new(1))?;
//! let case = Case::code32(&[0x11, 0xd8]).eax(0xffff_ffff).ebx(0).cf(true); // adc eax, ebx
//! both.agree(&case)?.assert();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod case;
mod compare;
mod differential;
mod emulated;
mod explained;
mod generate;
#[allow(unsafe_code)]
mod host;
mod run;
mod shrink;
mod world;

pub use case::{Case, Ending, Outcome};
pub use compare::{Difference, compare};
pub use differential::{Agreement, Differential};
pub use emulated::{Emulated, Skipped};
pub use generate::{Entropy, Forms, Shape};
pub use host::{Host, HostError, Vendor, host_vendor};
pub use run::{Explanation, FormReport, Mismatch, Options, Progress, Report, RunError, run};
pub use shrink::{shrink, smaller};
pub use world::{ARENA, ARENA_PAGES, Rights, World};

// For the comparison with other emulators.
pub(crate) use compare::{completed, memory_after, names};
pub(crate) use explained::{Seen, explain};
pub(crate) use world::RIGHTS;
