//! What turtle86 is checked against: the processor that the tests run on, public single-step suites in their own format,
//! other emulators, and laws; and the same tools for whoever fuzzes instruction semantics.

pub mod moo;
pub mod page;
pub mod peers;
pub mod silicon;
pub mod strategies;
pub mod undefined;
