//! Page walks (SDM Vol. 3, "Paging"): 32-bit paging with 4 MiB pages, and PAE.

use crate::{
    Mmu, PAGE,
    tlb::{Translation, USER_BANK},
};
use turtle86_arch::{AccessKind, Cr0, Cr4, ErrorCode, Exception, Fault, Features, LinearAddress, PageLevel, PhysicalAddress, Reason};
use turtle86_bus::AccessSize;

const PRESENT: u64 = 1 << 0;
const WRITABLE: u64 = 1 << 1;
const USER: u64 = 1 << 2;
const ACCESSED: u64 = 1 << 5;
const DIRTY: u64 = 1 << 6;
const LARGE: u64 = 1 << 7;
const GLOBAL: u64 = 1 << 8;
/// Bit 7 of a page-table entry is reserved without the page-attribute table, which no model has; so is bit 12 of a large page.
const NO_PAT: u64 = 1 << 7;

/// An entry of a paging structure, and where it was read.
#[derive(Clone, Copy)]
struct Entry {
    level: PageLevel,
    value: u64,
    at: PhysicalAddress,
}
/// What is being translated, and for whom.
#[derive(Clone, Copy)]
struct Request {
    linear: u32,
    kind: AccessKind,
    user: bool,
}

impl Mmu {
    /// Translates a linear address for an access at the current privilege. Fills the TLB; sets accessed and dirty bits.
    ///
    /// # Errors
    /// #PF with its error code and the address itself, and the entry that refused.
    pub fn translate(&mut self, linear: LinearAddress, kind: AccessKind) -> Result<PhysicalAddress, Fault> {
        self.translate_as(linear.0, kind, self.cpl == 3)
    }
    /// The same for the processor's own accesses to descriptor tables and task-state segments: always supervisor.
    pub fn translate_system(&mut self, linear: LinearAddress, kind: AccessKind) -> Result<PhysicalAddress, Fault> {
        self.translate_as(linear.0, kind, false)
    }

    /// What the page tables say now, without the TLB and without touching a bit: for debuggers. `None` where nothing is mapped.
    pub fn peek_translation(&mut self, linear: LinearAddress) -> Option<PhysicalAddress> {
        let linear = linear.0;
        if !self.control.cr0.contains(Cr0::PG) {
            return Some(self.bus_address(u64::from(linear)));
        }
        let request = Request { linear, kind: AccessKind::Read, user: false };
        let path = self.walk_entries(request).ok()?;
        let last = path.into_iter().flatten().last()?;
        Some(self.bus_address(self.frame(&last, linear) & !0xfff | u64::from(linear & 0xfff)))
    }

    /// A20 and the width of the address bus.
    #[inline]
    pub(crate) fn bus_address(&self, physical: u64) -> PhysicalAddress {
        let masked = physical & self.physical_mask;
        PhysicalAddress(if self.bus.lines.a20 { masked } else { masked & !(1 << 20) })
    }

    pub(crate) fn bank_of(&self, user: bool) -> u32 {
        if user && self.control.cr0.contains(Cr0::PG) { USER_BANK } else { 0 }
    }
    pub(crate) fn translate_as(&mut self, linear: u32, kind: AccessKind, user: bool) -> Result<PhysicalAddress, Fault> {
        let paging = self.control.cr0.contains(Cr0::PG);
        if kind == AccessKind::Execute {
            return self.translate_code(linear, user && paging, paging);
        }
        let bank = self.bank_of(user);
        let page = match self.cached(linear, bank) {
            // A write that the cached translation forbids, or that must set the dirty bit, is walked again: the manual allows it,
            // and the fault then tells what is in memory.
            Some(t) if kind != AccessKind::Write || t.writable && t.dirty => t.physical,
            _ => {
                let walked = if paging { self.walk(Request { linear, kind, user }) } else { Ok(Self::identity(linear)) };
                // A page fault forgets its page for every privilege ("Operations that Invalidate TLBs"): the handler need not.
                let translation = walked.inspect_err(|_| self.translations_changed |= self.forget_page(linear))?;
                self.enter(translation, bank);
                translation.physical
            }
        };
        Ok(self.bus_address(page | u64::from(linear & 0xfff)))
    }
    fn translate_code(&mut self, linear: u32, user: bool, paging: bool) -> Result<PhysicalAddress, Fault> {
        let page = match self.cached_code(linear, user) {
            Some(translation) => translation.physical,
            None => {
                let kind = AccessKind::Execute;
                let walked = if paging { self.walk(Request { linear, kind, user }) } else { Ok(Self::identity(linear)) };
                let translation = walked.inspect_err(|_| self.translations_changed |= self.forget_page(linear))?;
                self.enter_code(translation, user);
                translation.physical
            }
        };
        Ok(self.bus_address(page | u64::from(linear & 0xfff)))
    }
    fn identity(linear: u32) -> Translation {
        let page = linear & PAGE;
        Translation { page, physical: u64::from(page), writable: true, dirty: true, global: false, large: false }
    }

    fn walk(&mut self, request: Request) -> Result<Translation, Fault> {
        let path = self.walk_entries(request)?;
        let entries = || path.iter().flatten();
        let all = entries().fold(WRITABLE | USER, |bits, entry| bits & entry.value);
        let write = request.kind == AccessKind::Write;
        let read_only = all & WRITABLE == 0;
        for entry in entries() {
            let no_user = request.user && entry.value & USER == 0;
            let no_write = write && entry.value & WRITABLE == 0 && (request.user || self.write_protect());
            if no_user || no_write {
                let (level, at) = (entry.level, entry.at);
                let reason = Reason::PageProtection { level, entry: entry.value, at, kind: request.kind, user: request.user };
                return Err(self.page_fault(request, true, false, reason));
            }
        }
        let Some(last) = entries().last().copied() else { return Ok(Self::identity(request.linear)) };
        for entry in entries() {
            let is_last = entry.at == last.at && entry.level == last.level;
            let wanted = ACCESSED | if is_last && write { DIRTY } else { 0 };
            if entry.value & wanted != wanted {
                // The low dword holds both bits; a locked read-modify-write on silicon.
                self.bus.write_physical(entry.at, AccessSize::Dword, (entry.value | wanted) as u32);
            }
        }
        Ok(Translation {
            page: request.linear & PAGE,
            physical: self.frame(&last, request.linear) & !0xfff,
            writable: !read_only || !request.user && !self.write_protect(),
            dirty: write || last.value & DIRTY != 0,
            global: last.value & GLOBAL != 0 && self.control.cr4.contains(Cr4::PGE),
            large: last.level == PageLevel::Directory,
        })
    }

    /// The directory entry and, for a small page, the table entry; both present and without reserved bits.
    fn walk_entries(&mut self, request: Request) -> Result<[Option<Entry>; 2], Fault> {
        let linear = request.linear;
        let pae = self.control.cr4.contains(Cr4::PAE);
        if pae {
            let index = (linear >> 30) as usize;
            let pointer = Entry {
                level: PageLevel::DirectoryPointer,
                value: self.control.pdpte[index],
                at: PhysicalAddress(u64::from(self.control.cr3 & !0x1f) + 8 * index as u64),
            };
            self.require_present(request, &pointer)?;
            let reserved = !(self.physical_mask | 0xfff);
            let directory =
                self.fetch_entry(PageLevel::Directory, (pointer.value & 0xf_ffff_f000) + u64::from(linear >> 21 & 0x1ff) * 8, true);
            self.require_present(request, &directory)?;
            if directory.value & LARGE != 0 {
                self.require_unreserved(request, &directory, reserved | 0x1f_f000)?;
                return Ok([Some(directory), None]);
            }
            self.require_unreserved(request, &directory, reserved)?;
            let table = self.fetch_entry(PageLevel::Table, (directory.value & 0xf_ffff_f000) + u64::from(linear >> 12 & 0x1ff) * 8, true);
            self.require_present(request, &table)?;
            self.require_unreserved(request, &table, reserved | NO_PAT)?;
            return Ok([Some(directory), Some(table)]);
        }
        let directory = self.fetch_entry(PageLevel::Directory, u64::from(self.control.cr3 & PAGE) + u64::from(linear >> 22) * 4, false);
        self.require_present(request, &directory)?;
        let pse = self.control.cr4.contains(Cr4::PSE);
        if directory.value & LARGE != 0 && pse {
            // With PSE-36, bits 13 and up hold the address bits from 32 on, as many as there are.
            let high = if self.features.contains(Features::PSE36) { self.physical_mask >> 32 << 13 } else { 0 };
            self.require_unreserved(request, &directory, 0x3f_f000 & !high)?;
            return Ok([Some(directory), None]);
        }
        let table = self.fetch_entry(PageLevel::Table, (directory.value & u64::from(PAGE)) + u64::from(linear >> 12 & 0x3ff) * 4, false);
        self.require_present(request, &table)?;
        if pse {
            self.require_unreserved(request, &table, NO_PAT)?;
        }
        Ok([Some(directory), Some(table)])
    }

    /// The physical address of `linear` in the page that `entry` maps.
    fn frame(&self, entry: &Entry, linear: u32) -> u64 {
        let pae = self.control.cr4.contains(Cr4::PAE);
        match (entry.level, pae) {
            (PageLevel::Directory, true) => entry.value & 0xf_ffe0_0000 | u64::from(linear & 0x1f_ffff),
            (PageLevel::Directory, false) => {
                let high = if self.features.contains(Features::PSE36) { (entry.value >> 13 & 0xff) << 32 } else { 0 };
                high | entry.value & 0xffc0_0000 | u64::from(linear & 0x3f_ffff)
            }
            _ => entry.value & if pae { 0xf_ffff_f000 } else { 0xffff_f000 } | u64::from(linear & 0xfff),
        }
    }

    fn fetch_entry(&mut self, level: PageLevel, at: u64, wide: bool) -> Entry {
        let at = self.bus_address(at);
        let value = if wide { self.load_physical_qword(at) } else { u64::from(self.load_physical_dword(at)) };
        Entry { level, value, at }
    }
    fn load_physical_dword(&mut self, at: PhysicalAddress) -> u32 {
        let backing = self.bus.memory.backing(at);
        if backing.readable() {
            let offset = (backing.offset() | at.0 as u32 & 0xffc) as usize;
            if let Some(Ok(bytes)) = self.bus.memory.bytes().get(offset..offset + 4).map(<[u8; 4]>::try_from) {
                return u32::from_le_bytes(bytes);
            }
        }
        self.bus.read_physical(at, AccessSize::Dword)
    }
    pub(crate) fn load_physical_qword(&mut self, at: PhysicalAddress) -> u64 {
        let low = u64::from(self.load_physical_dword(at));
        low | u64::from(self.load_physical_dword(PhysicalAddress(at.0 + 4))) << 32
    }

    fn require_present(&self, request: Request, entry: &Entry) -> Result<(), Fault> {
        if entry.value & PRESENT != 0 {
            return Ok(());
        }
        let Entry { level, value, at } = *entry;
        let reason = Reason::PageNotPresent { level, entry: value, at, kind: request.kind, user: request.user };
        Err(self.page_fault(request, false, false, reason))
    }
    fn require_unreserved(&self, request: Request, entry: &Entry, reserved: u64) -> Result<(), Fault> {
        if entry.value & reserved == 0 {
            return Ok(());
        }
        let Entry { level, value, at } = *entry;
        Err(self.page_fault(request, true, true, Reason::PageReservedBits { level, entry: value, at }))
    }
    /// SDM Vol. 3, "Page-Fault Exceptions".
    fn page_fault(&self, request: Request, protection: bool, reserved: bool, reason: Reason) -> Fault {
        let reserved = reserved && self.features.contains(Features::PF_RSVD);
        let write = request.kind == AccessKind::Write;
        let code = u16::from(protection) | u16::from(write) << 1 | u16::from(request.user) << 2 | u16::from(reserved) << 3;
        Fault::new(Exception::PageFault(ErrorCode(code), LinearAddress(request.linear)), reason)
    }
}
