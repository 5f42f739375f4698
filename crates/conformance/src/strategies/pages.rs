//! Page tables of 32-bit paging.

use proptest::{collection::vec, prelude::*};
use turtle86::{
    Error, Machine,
    arch::{Cr0, PhysicalAddress},
    mmu::ControlRegisters,
};

/// A page of 4 KiB and where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The linear page's address.
    pub linear: u32,
    /// The physical page's address.
    pub physical: u32,
    /// P, R/W, U/S and the accessed and dirty bits of the entry (bits 0, 1, 2, 5, 6).
    pub bits: u32,
}

/// Page tables: mappings, each linear page once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageTables {
    /// The mappings.
    pub mappings: Vec<Mapping>,
}

/// Up to `most` pages, mapped into physical memory of `ram` bytes: neighbours and far away, shared frames, every combination of
/// rights. It shrinks to fewer pages.
pub fn page_tables(most: usize, ram: u32) -> impl Strategy<Value = PageTables> {
    let frames = ram >> 12;
    let linear = prop_oneof![3 => 0u32..0x40, 1 => 0x3f0u32..0x410, 1 => 0xf_fff0u32..=0xf_ffff];
    let bits = any::<u32>().prop_map(|bits| bits & 0x66);
    let mapping = (linear, 0..frames, bits, prop::bool::weighted(0.85));
    vec(mapping, 0..=most).prop_map(|list| {
        let mut mappings: Vec<Mapping> = Vec::new();
        for (page, frame, bits, present) in list {
            if mappings.iter().all(|other| other.linear != page << 12) {
                mappings.push(Mapping { linear: page << 12, physical: frame << 12, bits: bits | u32::from(present) });
            }
        }
        PageTables { mappings }
    })
}

impl PageTables {
    /// The physical address behind a linear one, if its page is present.
    pub fn translate(&self, linear: u32) -> Option<u32> {
        let mapping = self.mappings.iter().find(|mapping| mapping.linear == linear & !0xfff)?;
        (mapping.bits & 1 != 0).then_some(mapping.physical | linear & 0xfff)
    }
    /// Writes the tables into RAM from `at` on, a multiple of 4096, and turns paging on: a page for the directory, and one for each
    /// 4 MiB that something is mapped in. The directory's entries allow everything. Gives the end of the tables.
    ///
    /// # Errors
    /// They do not fit into RAM.
    pub fn install(&self, machine: &mut Machine, at: u32) -> Result<u32, Error> {
        const EMPTY: [u8; 0x1000] = [0; 0x1000];
        machine.load(PhysicalAddress(at.into()), &EMPTY)?;
        let mut next = at + 0x1000;
        let mut tables: Vec<(u32, u32)> = Vec::new();
        for mapping in &self.mappings {
            let directory = mapping.linear >> 22;
            let table = match tables.iter().find(|(index, _)| *index == directory) {
                Some((_, table)) => *table,
                None => {
                    tables.push((directory, next));
                    machine.load(PhysicalAddress(next.into()), &EMPTY)?;
                    machine.load(PhysicalAddress((at + directory * 4).into()), &(next | 7).to_le_bytes())?;
                    next += 0x1000;
                    next - 0x1000
                }
            };
            let entry = table + (mapping.linear >> 12 & 0x3ff) * 4;
            machine.load(PhysicalAddress(entry.into()), &(mapping.physical | mapping.bits).to_le_bytes())?;
        }
        let cr0 = machine.cpu.cr0() | Cr0::PE | Cr0::PG;
        let cpl = machine.cpu.cpl();
        machine.cpu.set_control(ControlRegisters { cr0, cr3: at, ..machine.cpu.control() }, cpl);
        Ok(next)
    }
}
