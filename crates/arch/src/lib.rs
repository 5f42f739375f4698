//! The vocabulary of the Intel manuals as plain types: addresses, registers, descriptors, exceptions, processor models.
//!
//! Nothing here has behaviour beyond bits; every other crate imports it and it imports none of them.

mod address;
mod control;
mod cpuid;
mod debug;
mod descriptor;
mod eflags;
mod exception;
mod fault;
mod model;
mod msr;
mod register;
mod selector;
mod tss;

pub use address::{EffectiveAddress, LinearAddress, PhysicalAddress};
pub use control::{Cr0, Cr4};
pub use cpuid::CpuidLeaf;
pub use debug::{Dr6, Dr7};
pub use descriptor::{AccessRights, DescriptorCache, Gate, GateKind, SegmentDescriptor, SystemType};
pub use eflags::Eflags;
pub use exception::{ErrorCode, Exception, Vector};
pub use fault::{AccessKind, Fault, PageLevel, Reason, Table, require};
pub use model::{Features, Model, Profile, ResetState, UndefinedFlags, UnknownModel};
pub use msr::{Msr, MsrKind, MsrSpec};
pub use register::{Gpr, SegmentRegister};
pub use selector::SegmentSelector;
pub use tss::{Tss16, Tss32};
