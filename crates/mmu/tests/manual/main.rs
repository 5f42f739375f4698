//! The library against a slow model written from the manuals.
//!
//! `PROPTEST_CASES` raises the number of cases of every test.

#[path = "../model/mod.rs"]
mod model;

mod control;
mod limits;
mod loads;
mod paging;
mod rig;
mod snapshots;
mod tlb;
