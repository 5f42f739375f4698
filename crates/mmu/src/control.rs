//! Control registers, as far as they steer translation (SDM Vol. 3, "Control Registers").

use crate::Mmu;
use serde::{Deserialize, Serialize};
use turtle86_arch::{Cr0, Cr4, Exception, Fault, Features, Reason};

/// CR0, CR2, CR3, CR4 and the four page-directory-pointer entries that PAE loads with CR3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ControlRegisters {
    pub cr0: Cr0,
    pub cr2: u32,
    pub cr3: u32,
    pub cr4: Cr4,
    pub pdpte: [u64; 4],
}

impl Mmu {
    /// Changes CR0; the value was checked. Fails only where paging with PAE finds bad PDPTEs, and then nothing changes.
    pub fn set_cr0(&mut self, value: Cr0) -> Result<(), Fault> {
        let old = self.control.cr0;
        let changed = old ^ value;
        // SDM Vol. 3, "PDPTE Registers": a change of the cache controls loads them too.
        let reload = changed.intersects(Cr0::PG | Cr0::NW | Cr0::CD);
        if value.contains(Cr0::PG) && reload && self.control.cr4.contains(Cr4::PAE) {
            self.control.pdpte = self.fetch_pdptes(self.control.cr3)?;
        }
        self.control.cr0 = value;
        if changed.intersects(Cr0::PG | Cr0::WP | Cr0::PE) {
            self.flush_tlb(true);
        }
        if changed.intersects(Cr0::PE | Cr0::PG) {
            self.protection_changed();
        }
        Ok(())
    }
    /// Loads CR3: all translations but the global ones go. With PAE the PDPTEs are read and checked first.
    pub fn set_cr3(&mut self, value: u32) -> Result<(), Fault> {
        if self.control.cr0.contains(Cr0::PG) && self.control.cr4.contains(Cr4::PAE) {
            self.control.pdpte = self.fetch_pdptes(value)?;
        }
        self.control.cr3 = value;
        self.flush_tlb(false);
        Ok(())
    }
    /// Changes CR4; the value was checked. Changing PSE, PAE or PGE drops every translation.
    pub fn set_cr4(&mut self, value: Cr4) -> Result<(), Fault> {
        let changed = self.control.cr4 ^ value;
        let paging = changed.intersects(Cr4::PSE | Cr4::PAE | Cr4::PGE);
        if value.contains(Cr4::PAE) && paging && self.control.cr0.contains(Cr0::PG) {
            self.control.pdpte = self.fetch_pdptes(self.control.cr3)?;
        }
        self.control.cr4 = value;
        if paging {
            self.flush_tlb(true);
        }
        Ok(())
    }

    fn fetch_pdptes(&mut self, cr3: u32) -> Result<[u64; 4], Fault> {
        // Bits 1, 2 and 5 to 8 are reserved, and those above the physical address width.
        let reserved = 0x1e6 | !(self.physical_mask | 0xfff);
        let mut entries = [0; 4];
        for (i, entry) in entries.iter_mut().enumerate() {
            let at = self.bus_address(u64::from(cr3 & !0x1f) + 8 * i as u64);
            *entry = self.load_physical_qword(at);
            if *entry & 1 != 0 && *entry & reserved != 0 {
                let reason = Reason::PageReservedBits { level: turtle86_arch::PageLevel::DirectoryPointer, entry: *entry, at };
                return Err(Fault::new(Exception::GP0, reason));
            }
        }
        Ok(entries)
    }

    /// Puts control registers and CPL in place as they are, without a check or a load: for reset, snapshots, LOADALL.
    pub fn restore_control(&mut self, control: ControlRegisters, cpl: u8) {
        self.control = control;
        self.cpl = cpl;
        self.protection_changed();
        self.flush_tlb(true);
    }
    /// CR0.WP counts only where the model has it.
    pub(crate) fn write_protect(&self) -> bool {
        self.control.cr0.contains(Cr0::WP) && self.features.contains(Features::I486)
    }
}
