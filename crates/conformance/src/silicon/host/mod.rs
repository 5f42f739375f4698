//! The host's processor, in a child process that runs nothing else.
//!
//! Linux on x86-64 lets a 64-bit process run 16- and 32-bit code: its far transfers reach the segments of the local descriptor
//! table that `modify_ldt` fills. The child maps the arena below 4 GiB, where nothing of its own lies, so that no 32-bit address
//! reaches anything else; code that would not end meets a timer; and system calls from below 4 GiB are refused by a filter.

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod child;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod kernel;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod parent;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod shared;

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub use parent::Host;

use std::fmt;
use thiserror::Error;

/// Why there is no host to ask.
#[derive(Debug, Error)]
#[allow(missing_docs)]
pub enum HostError {
    #[error("the host's processor can be asked on x86-64 Linux alone")]
    Platform,
    #[error("cannot {what}: {cause}{}", hint(what))]
    System { what: &'static str, cause: std::io::Error },
    #[error("the process that runs code on the host ended ({status}) at case {case} of its batch: {code}")]
    Died { status: String, case: usize, code: String },
    #[error("case {case}: {why}")]
    Case { case: usize, why: String },
}
fn hint(what: &str) -> &'static str {
    match what {
        "make segments with modify_ldt" => " (the kernel needs CONFIG_MODIFY_LDT_SYSCALL and CONFIG_IA32_EMULATION)",
        "map the arena below 4 GiB" => " (look at vm.mmap_min_addr, and for a program linked at a fixed address)",
        _ => "",
    }
}

/// Who made the host's processor: vendors differ in flags that the manual leaves undefined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Vendor {
    Intel,
    Amd,
    Other,
}
impl fmt::Display for Vendor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Vendor::Intel => "Intel",
            Vendor::Amd => "AMD",
            Vendor::Other => "another vendor",
        })
    }
}

/// The vendor of the host's processor and its name.
#[cfg(target_arch = "x86_64")]
pub fn host_vendor() -> (Vendor, String) {
    use std::arch::x86_64::__cpuid;
    let leaf = __cpuid(0);
    let mut name = Vec::new();
    if __cpuid(0x8000_0000).eax >= 0x8000_0004 {
        for leaf in 0x8000_0002..=0x8000_0004 {
            let part = __cpuid(leaf);
            name.extend([part.eax, part.ebx, part.ecx, part.edx].into_iter().flat_map(u32::to_le_bytes));
        }
    }
    let name = String::from_utf8_lossy(&name).trim_matches(['\0', ' ']).to_string();
    let id: Vec<u8> = [leaf.ebx, leaf.edx, leaf.ecx].into_iter().flat_map(u32::to_le_bytes).collect();
    let vendor = match &id[..] {
        b"GenuineIntel" => Vendor::Intel,
        b"AuthenticAMD" | b"HygonGenuine" => Vendor::Amd,
        _ => Vendor::Other,
    };
    let signature = __cpuid(1).eax;
    (vendor, format!("{name} ({signature:05x}h)"))
}
/// The vendor of the host's processor and its name.
#[cfg(not(target_arch = "x86_64"))]
pub fn host_vendor() -> (Vendor, String) {
    (Vendor::Other, std::env::consts::ARCH.to_string())
}

/// Elsewhere there is no such host.
#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
pub struct Host {
    never: std::convert::Infallible,
}
#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
mod absent {
    use super::{Host, HostError, Vendor};
    use crate::silicon::{Case, Outcome, World};
    impl Host {
        /// Starts the child process.
        ///
        /// # Errors
        /// Always, on this platform.
        pub fn new(_: &World) -> Result<Host, HostError> {
            Err(HostError::Platform)
        }
        /// Runs cases.
        ///
        /// # Errors
        /// Never: there is no value of this type.
        pub fn run(&mut self, _: &[Case]) -> Result<Vec<Outcome>, HostError> {
            match self.never {}
        }
        /// Sends cases.
        ///
        /// # Errors
        /// Never: there is no value of this type.
        pub fn submit(&mut self, _: &[Case]) -> Result<(), HostError> {
            match self.never {}
        }
        /// Waits for outcomes.
        ///
        /// # Errors
        /// Never: there is no value of this type.
        pub fn collect(&mut self) -> Result<Vec<Outcome>, HostError> {
            match self.never {}
        }
        /// Who made it.
        pub fn vendor(&self) -> Vendor {
            match self.never {}
        }
    }
}
