//! Instruction semantics, a file per chapter of the instruction set. Check everything, then commit.
//!
//! Nothing here knows how ops follow each other or what they cost.

pub mod arithmetic;
pub mod bit;
pub mod condition;
pub mod decimal;
pub mod divide;
pub mod flag_control;
pub mod identify;
pub mod interrupt;
pub mod jump;
pub mod loadall;
pub mod logic;
pub mod multiply;
pub mod port_io;
pub mod protection;
pub mod segment;
pub mod shift;
pub mod stack;
pub mod string;
pub mod system;
pub mod transfer;

pub use condition::Condition;

use crate::{core::Core, decode::Op};
use std::marker::PhantomData;
pub(crate) use turtle86_arch::require;

/// Type parameters of a handler.
pub(crate) type Of<T> = PhantomData<T>;

/// Silicon's rule where the manual leaves flags undefined, as a type: chosen per model when an instruction is lowered.
pub trait Rules: 'static {
    /// As measured on the 80386.
    const I386: bool;
}
/// The 80386.
pub struct I386;
/// Later processors.
pub struct P6;
impl Rules for I386 {
    const I386: bool = true;
}
impl Rules for P6 {
    const I386: bool = false;
}

/// Declares instructions that need no memory of the fast kind: `Name = function;`.
macro_rules! complex_ops {
    ($($(#[$doc:meta])* $name:ident = $function:path;)*) => { $(
        $(#[$doc])*
        pub struct $name;
        impl crate::dispatch::Complex for $name {
            fn run(core: &mut crate::core::Core, op: &crate::decode::Op) -> Result<(), turtle86_arch::Fault> {
                $function(core, op)
            }
        }
    )* };
}
/// The same for instructions that set EIP themselves.
macro_rules! transfer_ops {
    ($($(#[$doc:meta])* $name:ident = $function:path;)*) => { $(
        $(#[$doc])*
        pub struct $name;
        impl crate::dispatch::Transfer for $name {
            fn run(core: &mut crate::core::Core, op: &crate::decode::Op) -> Result<(), turtle86_arch::Fault> {
                $function(core, op)
            }
        }
    )* };
}
pub(crate) use {complex_ops, transfer_ops};

impl Core {
    /// EIP of the instruction.
    pub(crate) fn this_eip(&self, op: &Op) -> u32 {
        self.eip.wrapping_add(u32::from(op.offset))
    }
    /// EIP of the one behind it.
    pub(crate) fn next_eip(&self, op: &Op) -> u32 {
        self.this_eip(op).wrapping_add(u32::from(op.length))
    }
}
