//! From bytes to ops: `fetch` gets the bytes and their faults, iced-x86 decodes them, `rules` says what the model has,
//! `lower` picks handlers, `passes` improves a finished block, `block` keeps it.

mod block;
mod fetch;
mod lower;
mod op;
mod passes;
mod rules;
mod table;

pub use block::{BlockCache, Hooking, MOST, Wanted};
pub use lower::{Context, Kind, Lowered, lower};
pub use op::{Op, POOL, Pool};
pub use rules::decoder_options;
pub use table::{Form, instruction_table};

#[cfg(test)]
mod tests;
