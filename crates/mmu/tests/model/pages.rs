//! SDM Vol. 3, "Paging": control registers, page walks and what a translation lookaside buffer may answer.

use super::{Exception, Memory, bit, bits};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Read,
    Write,
    Fetch,
}

/// What differs between processors.
#[derive(Clone, Copy, Debug)]
pub struct Processor {
    pub has_wp: bool,
    pub has_pse36: bool,
    pub reports_reserved: bool,
    /// MAXPHYADDR.
    pub address_bits: u32,
}

#[derive(Clone, Debug)]
pub struct Paging {
    pub processor: Processor,
    pub cr0: u32,
    pub cr3: u32,
    pub cr4: u32,
    /// "PDPTE Registers".
    pub pdpte: [u64; 4],
    pub a20: bool,
}

/// "Details of TLB Use": what a TLB entry caches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Translation {
    pub page_number: u32,
    /// Before A20.
    pub frame: u64,
    /// "The logical-AND of the R/W flags", and of the U/S flags.
    pub writable: bool,
    pub user: bool,
    pub dirty: bool,
    pub global: bool,
    /// Bits 31 to this one of a linear address name the page.
    pub page_shift: u32,
}

/// The entries of one walk: where each lies and its value.
struct Walk {
    entries: Vec<(u64, u64)>,
    frame: u64,
    page_shift: u32,
}

impl Paging {
    pub fn enabled(&self) -> bool {
        bit(self.cr0.into(), 31)
    }
    fn pse(&self) -> bool {
        bit(self.cr4.into(), 4)
    }
    fn pae(&self) -> bool {
        bit(self.cr4.into(), 5)
    }
    fn pge(&self) -> bool {
        bit(self.cr4.into(), 7)
    }
    /// "Control Registers": WP came with the 486; the 386 lets the supervisor write every page.
    fn write_protect(&self) -> bool {
        self.processor.has_wp && bit(self.cr0.into(), 16)
    }

    /// The address lines that exist; a closed A20 gate holds line 20 low, for the processor's page walks too.
    pub fn on_the_bus(&self, address: u64) -> u64 {
        let mut address = bits(address, self.processor.address_bits - 1, 0);
        if !self.a20 && bit(address, 20) {
            address -= 1 << 20;
        }
        address
    }

    /// "Page-Fault Exceptions", the error code: P, W/R, U/S, RSVD.
    fn page_fault(&self, linear: u32, access: Access, user: bool, present: bool, reserved: bool) -> Exception {
        let mut code = 0;
        if present {
            code += 1;
        }
        if access == Access::Write {
            code += 2;
        }
        if user {
            code += 4;
        }
        if reserved && self.processor.reports_reserved {
            code += 8;
        }
        Exception::Pf(code, linear)
    }

    /// "32-Bit Paging": "there are reserved bits only if CR4.PSE = 1".
    fn sets_reserved_32(&self, entry: u64, is_table_entry: bool) -> bool {
        if !self.pse() {
            return false;
        }
        // "If the PAT is not supported": bit 7 of a PTE, bit 12 of a PDE that maps a page. No processor here has it.
        if is_table_entry {
            return bit(entry, 7);
        }
        if !bit(entry, 7) {
            return false;
        }
        if self.processor.has_pse36 {
            // "bits 21:(M–19) are reserved, where M is the minimum of 40 and MAXPHYADDR"
            let m = self.processor.address_bits.min(40);
            bit(entry, 12) || bits(entry, 21, m - 19) != 0
        } else {
            bit(entry, 12) || bits(entry, 21, 13) != 0
        }
    }
    /// "PAE Paging", "Linear-Address Translation with PAE Paging". There is no NXE: XD is reserved.
    fn sets_reserved_pae(&self, entry: u64, is_table_entry: bool) -> bool {
        let beyond = bits(entry, 63, self.processor.address_bits) != 0;
        if is_table_entry {
            return beyond || bit(entry, 7);
        }
        beyond || bit(entry, 7) && bits(entry, 20, 12) != 0
    }

    fn walk(&self, memory: &Memory, linear: u32, access: Access, user: bool) -> Result<Walk, Exception> {
        if self.pae() { self.walk_pae(memory, linear, access, user) } else { self.walk_32(memory, linear, access, user) }
    }
    /// "32-Bit Paging", Figures "Linear-Address Translation to a 4-KByte Page" and "… 4-MByte Page".
    fn walk_32(&self, memory: &Memory, linear: u32, access: Access, user: bool) -> Result<Walk, Exception> {
        let address = u64::from(linear);
        let directory = bits(self.cr3.into(), 31, 12) << 12;
        let pde_at = self.on_the_bus(directory + bits(address, 31, 22) * 4);
        let pde = memory.number(pde_at, 4);
        if !bit(pde, 0) {
            return Err(self.page_fault(linear, access, user, false, false));
        }
        if self.sets_reserved_32(pde, false) {
            return Err(self.page_fault(linear, access, user, true, true));
        }
        if self.pse() && bit(pde, 7) {
            let mut frame = bits(pde, 31, 22) << 22;
            if self.processor.has_pse36 {
                frame += bits(pde, 20, 13) << 32;
            }
            frame += bits(address, 21, 12) << 12;
            return Ok(Walk { entries: vec![(pde_at, pde)], frame, page_shift: 22 });
        }
        let table = bits(pde, 31, 12) << 12;
        let pte_at = self.on_the_bus(table + bits(address, 21, 12) * 4);
        let pte = memory.number(pte_at, 4);
        if !bit(pte, 0) {
            return Err(self.page_fault(linear, access, user, false, false));
        }
        if self.sets_reserved_32(pte, true) {
            return Err(self.page_fault(linear, access, user, true, true));
        }
        Ok(Walk { entries: vec![(pde_at, pde), (pte_at, pte)], frame: bits(pte, 31, 12) << 12, page_shift: 12 })
    }
    /// "PAE Paging", Figures "Linear-Address Translation to a 4-KByte Page" and "… 2-MByte Page".
    fn walk_pae(&self, memory: &Memory, linear: u32, access: Access, user: bool) -> Result<Walk, Exception> {
        let address = u64::from(linear);
        let pdpte = self.pdpte[bits(address, 31, 30) as usize];
        if !bit(pdpte, 0) {
            return Err(self.page_fault(linear, access, user, false, false));
        }
        let pde_at = self.on_the_bus((bits(pdpte, 51, 12) << 12) + bits(address, 29, 21) * 8);
        let pde = memory.number(pde_at, 8);
        if !bit(pde, 0) {
            return Err(self.page_fault(linear, access, user, false, false));
        }
        if self.sets_reserved_pae(pde, false) {
            return Err(self.page_fault(linear, access, user, true, true));
        }
        if bit(pde, 7) {
            let frame = (bits(pde, 51, 21) << 21) + (bits(address, 20, 12) << 12);
            return Ok(Walk { entries: vec![(pde_at, pde)], frame, page_shift: 21 });
        }
        let pte_at = self.on_the_bus((bits(pde, 51, 12) << 12) + bits(address, 20, 12) * 8);
        let pte = memory.number(pte_at, 8);
        if !bit(pte, 0) {
            return Err(self.page_fault(linear, access, user, false, false));
        }
        if self.sets_reserved_pae(pte, true) {
            return Err(self.page_fault(linear, access, user, true, true));
        }
        Ok(Walk { entries: vec![(pde_at, pde), (pte_at, pte)], frame: bits(pte, 51, 12) << 12, page_shift: 12 })
    }

    /// "Access Rights": whether the flags of a translation let the access through.
    fn allows(&self, writable: bool, user_page: bool, access: Access, user: bool) -> bool {
        if user && !user_page {
            return false;
        }
        if access == Access::Write && !writable {
            return !user && !self.write_protect();
        }
        true
    }

    /// A translation without any TLB. Accessed and dirty flags are set only if the access is allowed
    /// ("Accessed and Dirty Flags"; 80386 PRM, "Page-Table Entries": "before a read or write operation to a page").
    pub fn translate_afresh(&self, memory: &mut Memory, linear: u32, access: Access, user: bool) -> Result<Translation, Exception> {
        let walk = self.walk(memory, linear, access, user)?;
        let mut writable = true;
        let mut user_page = true;
        for (_, entry) in &walk.entries {
            writable = writable && bit(*entry, 1);
            user_page = user_page && bit(*entry, 2);
        }
        if !self.allows(writable, user_page, access, user) {
            return Err(self.page_fault(linear, access, user, true, false));
        }
        for (number, (at, _)) in walk.entries.iter().enumerate() {
            let maps_a_page = number + 1 == walk.entries.len();
            let mut flags = memory.byte(*at) | 1 << 5;
            if maps_a_page && access == Access::Write {
                flags |= 1 << 6;
            }
            memory.set_byte(*at, flags);
        }
        let (_, last) = walk.entries[walk.entries.len() - 1];
        Ok(Translation {
            page_number: linear >> 12,
            frame: walk.frame,
            writable,
            user: user_page,
            dirty: access == Access::Write || bit(last, 6),
            global: self.pge() && bit(last, 8),
            page_shift: walk.page_shift,
        })
    }
    /// The physical address of an access by a processor without a TLB.
    pub fn translate(&self, memory: &mut Memory, linear: u32, access: Access, user: bool) -> Result<u64, Exception> {
        if !self.enabled() {
            return Ok(self.on_the_bus(linear.into()));
        }
        let translation = self.translate_afresh(memory, linear, access, user)?;
        Ok(self.physical(&translation, linear))
    }
    pub fn physical(&self, translation: &Translation, linear: u32) -> u64 {
        self.on_the_bus(translation.frame + u64::from(linear % 4096))
    }
    /// What the tables map now, whoever may use it.
    pub fn peek(&self, memory: &Memory, linear: u32) -> Option<u64> {
        if !self.enabled() {
            return Some(self.on_the_bus(linear.into()));
        }
        let walk = self.walk(memory, linear, Access::Read, false).ok()?;
        Some(self.on_the_bus(walk.frame + u64::from(linear % 4096)))
    }

    /// "Using the TLBs": what an entry may answer. `None`: the access needs the tables in memory, for their dirty flag
    /// or because the entry forbids it.
    pub fn answer(&self, cached: &Translation, linear: u32, access: Access, user: bool) -> Option<u64> {
        let usable = cached.page_number == linear >> 12 && self.allows(cached.writable, cached.user, access, user);
        if !usable || access == Access::Write && !cached.dirty {
            return None;
        }
        Some(self.physical(cached, linear))
    }

    /// The physical address of every byte of an access. Where it spans two pages both are checked before a byte moves;
    /// the second page faults at its first byte.
    pub fn spans(&self, memory: &mut Memory, linear: u32, size: u32, access: Access, user: bool) -> Result<Vec<u64>, Exception> {
        let mut addresses = Vec::new();
        for i in 0..size {
            let byte = linear.wrapping_add(i);
            if i == 0 || byte % 4096 == 0 {
                addresses.push(self.translate(memory, byte, access, user)?);
            } else {
                addresses.push(addresses[addresses.len() - 1] + 1);
            }
        }
        Ok(addresses)
    }
    pub fn load(&self, memory: &mut Memory, linear: u32, size: u32, user: bool) -> Result<u32, Exception> {
        let mut value = 0;
        for (i, at) in self.spans(memory, linear, size, Access::Read, user)?.into_iter().enumerate() {
            value += u32::from(memory.byte(at)) << (8 * i);
        }
        Ok(value)
    }
    pub fn store(&self, memory: &mut Memory, linear: u32, size: u32, value: u32, user: bool) -> Result<(), Exception> {
        for (i, at) in self.spans(memory, linear, size, Access::Write, user)?.into_iter().enumerate() {
            memory.set_byte(at, (value >> (8 * i)) as u8);
        }
        Ok(())
    }

    /// "PDPTE Registers": read from the table in CR3; #GP(0) if a present one has bits 2:1, 8:5 or 63:MAXPHYADDR set.
    fn load_pdptes(&self, memory: &Memory, cr3: u32) -> Result<[u64; 4], Exception> {
        let mut loaded = [0; 4];
        for (i, pdpte) in loaded.iter_mut().enumerate() {
            let at = self.on_the_bus((bits(cr3.into(), 31, 5) << 5) + 8 * i as u64);
            let value = memory.number(at, 8);
            let reserved = bits(value, 2, 1) != 0 || bits(value, 8, 5) != 0 || bits(value, 63, self.processor.address_bits) != 0;
            if bit(value, 0) && reserved {
                return Err(Exception::Gp(0));
            }
            *pdpte = value;
        }
        Ok(loaded)
    }
    /// "PDPTE Registers": "If PAE paging would be in use following an execution of MOV to CR0 or MOV to CR4 and the instruction
    /// is modifying any of CR0.CD, CR0.NW, CR0.PG, CR4.PAE, CR4.PGE, CR4.PSE".
    fn reload(&mut self, memory: &Memory, cr0: u32, cr4: u32) -> Result<(), Exception> {
        let changed_0 = u64::from(self.cr0 ^ cr0);
        let changed_4 = u64::from(self.cr4 ^ cr4);
        let modified =
            bit(changed_0, 31) || bit(changed_0, 30) || bit(changed_0, 29) || bit(changed_4, 4) || bit(changed_4, 5) || bit(changed_4, 7);
        if bit(cr0.into(), 31) && bit(cr4.into(), 5) && modified {
            self.pdpte = self.load_pdptes(memory, self.cr3)?;
        }
        Ok(())
    }
    pub fn mov_cr0(&mut self, memory: &Memory, value: u32) -> Result<(), Exception> {
        self.reload(memory, value, self.cr4)?;
        self.cr0 = value;
        Ok(())
    }
    pub fn mov_cr4(&mut self, memory: &Memory, value: u32) -> Result<(), Exception> {
        self.reload(memory, self.cr0, value)?;
        self.cr4 = value;
        Ok(())
    }
    pub fn mov_cr3(&mut self, memory: &Memory, value: u32) -> Result<(), Exception> {
        if self.enabled() && self.pae() {
            self.pdpte = self.load_pdptes(memory, value)?;
        }
        self.cr3 = value;
        Ok(())
    }
}

/// "Caching Translation Information": every translation that a TLB may still hold. Real ones hold fewer.
#[derive(Clone, Debug, Default)]
pub struct History(pub Vec<Translation>);
impl History {
    pub fn remember(&mut self, translation: Translation) {
        if !self.0.contains(&translation) {
            self.0.push(translation);
        }
    }
    /// "Operations that Invalidate TLBs": MOV to CR3 spares global pages, the others nothing.
    pub fn flush(&mut self, global_too: bool) {
        self.0.retain(|t| t.global && !global_too);
    }
    /// INVLPG, and page faults: all entries for the page, which a large one covers whole.
    pub fn invalidate(&mut self, linear: u32) {
        self.0.retain(|t| t.page_number >> (t.page_shift - 12) != linear >> t.page_shift);
    }
}
