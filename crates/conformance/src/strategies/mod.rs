//! proptest strategies for instruction semantics: instructions, states with values at the edges, descriptors, page tables.
//!
//! Fuzz an instruction of your choice in ten lines; a failure shrinks to the smallest case and is printed as the Rust expression
//! that makes it:
//!
//! ```no_run
//! use proptest::prelude::*;
//! use turtle86::arch::Model;
//! use turtle86_conformance::{silicon::{Differential, World}, strategies::Cases};
//!
//! let world = World::new(1);
//! let mut both = Differential::new(Model::default(), &world)?;
//! let both = std::cell::RefCell::new(&mut both);
//! proptest!(|(case in Cases::of("^ADC", Model::default(), &world)?)| {
//!     both.borrow_mut().agree(&case)?.ok()?;
//! });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Without a host to ask, compare [`Emulated::run`](crate::silicon::Emulated::run) with a definition of your own: a
//! [`Case`](crate::silicon::Case) has its registers and memory in public fields, and so has its outcome.

mod cases;
mod descriptors;
mod pages;
mod values;

pub use cases::{CaseTree, Cases, UnknownForm, instructions, raw_bytes};
pub use descriptors::{descriptors, segment_descriptors};
pub use pages::{Mapping, PageTables, page_tables};
pub use values::{edges, eflags, near};
