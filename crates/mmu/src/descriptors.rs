//! Descriptor tables and segment-register loads, check by check in the manual's order
//! (SDM Vol. 2, MOV; Vol. 3, "Protection").

use crate::Mmu;
use serde::{Deserialize, Serialize};
use turtle86_arch::{
    DescriptorCache, ErrorCode, Exception, Fault, LinearAddress, Reason, SegmentDescriptor, SegmentRegister, SegmentSelector, Table,
    require,
};

/// GDTR or IDTR.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableRegister {
    /// Linear address of the table.
    pub base: u32,
    /// Offset of its last byte.
    pub limit: u16,
}

/// Makes an exception of an error code: #GP, #TS, … as the situation has it.
pub type Raise = fn(ErrorCode) -> Exception;

impl Mmu {
    /// Reads the descriptor that a selector names; `raise` is the exception for a selector outside its table.
    pub fn fetch_descriptor(&mut self, selector: SegmentSelector, raise: Raise) -> Result<SegmentDescriptor, Fault> {
        let at = self.descriptor_address(selector, raise)?;
        // Descriptors are aligned as a rule, so that both halves share a page.
        if at.0 & 0xfff <= 0xff8
            && let Some(bytes) = self.system_bytes(at.0)
        {
            return Ok(SegmentDescriptor(u64::from_le_bytes(bytes)));
        }
        let low = self.load_system::<u32>(at.0)?;
        let high = self.load_system::<u32>(at.0.wrapping_add(4))?;
        Ok(SegmentDescriptor(u64::from(high) << 32 | u64::from(low)))
    }
    /// Where the descriptor of a selector lies.
    pub fn descriptor_address(&self, selector: SegmentSelector, raise: Raise) -> Result<LinearAddress, Fault> {
        let (table, base, limit) = if selector.in_ldt() {
            require(self.ldtr.usable, raise(selector.error_code()), Reason::NoLdt { selector })?;
            (Table::Ldt, self.ldtr.base, self.ldtr.limit)
        } else {
            (Table::Gdt, self.gdtr.base, u32::from(self.gdtr.limit))
        };
        let inside = selector.offset() + 7 <= limit;
        require(inside, raise(selector.error_code()), Reason::SelectorBeyondTable { selector, table, limit })?;
        Ok(LinearAddress(base.wrapping_add(selector.offset())))
    }
    /// Sets the accessed bit of a code or data descriptor in its table, if it is clear, and returns the descriptor with it.
    #[inline]
    pub fn mark_accessed(&mut self, selector: SegmentSelector, descriptor: SegmentDescriptor) -> Result<SegmentDescriptor, Fault> {
        if !descriptor.rights().is_code_or_data() || descriptor.rights().accessed() {
            return Ok(descriptor);
        }
        self.set_accessed(selector, descriptor)
    }
    fn set_accessed(&mut self, selector: SegmentSelector, descriptor: SegmentDescriptor) -> Result<SegmentDescriptor, Fault> {
        let at = self.descriptor_address(selector, Exception::GeneralProtection)?;
        let marked = descriptor.with_accessed();
        self.store_system::<u8>(at.0.wrapping_add(5), (marked.0 >> 40) as u8)?;
        Ok(marked)
    }

    /// Loads SS in protected mode (SDM Vol. 2, MOV). Nothing changes if it faults.
    pub fn load_ss(&mut self, selector: SegmentSelector) -> Result<(), Fault> {
        let cache = self.check_ss(selector, self.cpl, Exception::GeneralProtection)?;
        self.set_segment(SegmentRegister::Ss, cache);
        Ok(())
    }
    /// The checks for SS at privilege `cpl`; `raise` is #GP for loads and returns, #TS for stacks from a TSS.
    pub fn check_ss(&mut self, selector: SegmentSelector, cpl: u8, raise: Raise) -> Result<DescriptorCache, Fault> {
        require(!selector.is_null(), raise(ErrorCode::ZERO), Reason::SelectorNull { role: "SS" })?;
        let descriptor = self.fetch_descriptor(selector, raise)?;
        let code = selector.error_code();
        let privilege = Reason::DescriptorPrivilege { selector, descriptor: descriptor.0, cpl };
        require(selector.rpl() == cpl, raise(code), privilege)?;
        let rights = descriptor.rights();
        let kind = Reason::DescriptorType { selector, descriptor: descriptor.0, expected: "a writable data segment" };
        require(rights.is_writable(), raise(code), kind)?;
        require(rights.dpl() == cpl, raise(code), privilege)?;
        require(rights.present(), Exception::StackFault(code), Reason::DescriptorNotPresent { selector, descriptor: descriptor.0 })?;
        let descriptor = self.mark_accessed(selector, descriptor)?;
        Ok(DescriptorCache::new(selector, descriptor))
    }

    /// Loads DS, ES, FS or GS in protected mode (SDM Vol. 2, MOV). Nothing changes if it faults.
    pub fn load_data_segment(&mut self, register: SegmentRegister, selector: SegmentSelector) -> Result<(), Fault> {
        if selector.is_null() {
            self.set_segment(register, DescriptorCache::null(selector));
            return Ok(());
        }
        let descriptor = self.fetch_descriptor(selector, Exception::GeneralProtection)?;
        let code = selector.error_code();
        let rights = descriptor.rights();
        let kind = Reason::DescriptorType { selector, descriptor: descriptor.0, expected: "data or readable code" };
        require(rights.is_code_or_data() && rights.is_readable(), Exception::GeneralProtection(code), kind)?;
        let allowed = rights.is_conforming() || selector.rpl().max(self.cpl) <= rights.dpl();
        let privilege = Reason::DescriptorPrivilege { selector, descriptor: descriptor.0, cpl: self.cpl };
        require(allowed, Exception::GeneralProtection(code), privilege)?;
        let absent = Reason::DescriptorNotPresent { selector, descriptor: descriptor.0 };
        require(rights.present(), Exception::SegmentNotPresent(code), absent)?;
        let descriptor = self.mark_accessed(selector, descriptor)?;
        self.set_segment(register, DescriptorCache::new(selector, descriptor));
        Ok(())
    }

    /// After an outward return: DS, ES, FS and GS that the new CPL may not use become null (SDM Vol. 2, RET).
    pub fn null_inner_segments(&mut self) {
        for register in [SegmentRegister::Es, SegmentRegister::Ds, SegmentRegister::Fs, SegmentRegister::Gs] {
            let cache = self.segment(register);
            let (rights, selector) = (cache.rights, cache.selector);
            if cache.usable && !rights.is_conforming() && rights.dpl() < self.cpl {
                self.set_segment(register, DescriptorCache::null(selector.with_rpl(0)));
                self.caches[register as usize].selector = SegmentSelector::NULL;
            }
        }
    }
}
