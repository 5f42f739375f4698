//! Segment registers in the form that handlers check, and the check in full (SDM Vol. 3, "Limit Checking", "Type Checking").

use crate::{Mmu, Width};
use turtle86_arch::{AccessKind, DescriptorCache, Exception, Fault, Reason, SegmentRegister};

/// What a handler needs of a segment register. `end` is limit + 1, so that one 64-bit compare is the limit check;
/// 0 means that the fast check always misses: null, not readable or writable, expand-down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Linear address of offset 0.
    pub base: u32,
    /// First offset that cannot be read.
    pub read_end: u64,
    /// First offset that cannot be written.
    pub write_end: u64,
}
impl Segment {
    pub(crate) const NONE: Segment = Segment { base: 0, read_end: 0, write_end: 0 };

    /// Real mode checks limits and no types: even CS can be written.
    pub(crate) fn of(cache: &DescriptorCache, protected: bool) -> Segment {
        let end = u64::from(cache.limit) + 1;
        let rights = cache.rights;
        let up = cache.usable && !rights.is_expand_down();
        let read = up && (!protected || rights.is_readable());
        let write = up && (!protected || rights.is_writable());
        Segment { base: cache.base, read_end: if read { end } else { 0 }, write_end: if write { end } else { 0 } }
    }
    pub(crate) fn is_flat(&self) -> bool {
        *self == Segment { base: 0, read_end: 1 << 32, write_end: 1 << 32 }
    }
}

/// #SS for the stack segment, #GP for the others.
fn limit_exception(register: SegmentRegister) -> Exception {
    if register == SegmentRegister::Ss { Exception::SS0 } else { Exception::GP0 }
}

impl Mmu {
    /// The linear address of `W` bytes at `segment:offset`, if the fast check can tell that they are allowed.
    #[inline(always)]
    pub fn linear<W: Width>(&self, segment: u8, offset: u32, write: bool) -> Option<u32> {
        let segment = &self.segments[usize::from(segment & 7)];
        let end = if write { segment.write_end } else { segment.read_end };
        if u64::from(offset) + W::BYTES as u64 > end {
            return None;
        }
        Some(segment.base.wrapping_add(offset))
    }

    /// The same for any number of bytes, with the reason if they are not allowed.
    pub fn linear_checked(&self, register: SegmentRegister, offset: u32, size: u32, kind: AccessKind) -> Result<u32, Fault> {
        let cache = self.segment(register);
        if !cache.usable {
            return Err(Fault::new(limit_exception(register), Reason::SegmentUnusable { segment: register }));
        }
        if self.mode.protected() {
            // #GP for SS too: only its limit, and its absence when it is loaded, are stack faults.
            let rights = cache.rights;
            if kind == AccessKind::Write && !rights.is_writable() {
                return Err(Fault::new(Exception::GP0, Reason::SegmentNotWritable { segment: register, rights }));
            }
            if kind == AccessKind::Read && !rights.is_readable() {
                return Err(Fault::new(Exception::GP0, Reason::SegmentNotReadable { segment: register, rights }));
            }
        }
        let last = u64::from(offset) + u64::from(size) - 1;
        let inside = if cache.rights.is_expand_down() {
            let top = if cache.rights.is_32_bit() { 0xffff_ffff } else { 0xffff };
            offset > cache.limit && last <= top
        } else {
            last <= u64::from(cache.limit)
        };
        if !inside {
            let reason = Reason::SegmentLimit { segment: register, offset, size, limit: cache.limit, kind };
            return Err(Fault::new(limit_exception(register), reason));
        }
        Ok(cache.base.wrapping_add(offset))
    }

    /// Puts a new descriptor cache into a segment register. No checks: they came before.
    pub fn set_segment(&mut self, register: SegmentRegister, cache: DescriptorCache) {
        self.caches[register as usize] = cache;
        self.segment_changed(register);
    }
    pub(crate) fn segment_changed(&mut self, register: SegmentRegister) {
        let cache = &self.caches[register as usize];
        let protected = self.mode.protected();
        let segment = Segment::of(cache, protected);
        self.segments[register as usize] = segment;
        self.mode.set_flat(register, protected && segment.is_flat());
        match register {
            SegmentRegister::Cs => {
                self.mode.set_code_32(cache.rights.is_32_bit());
                self.mode.set_context(self.contexts.number(cache.base, cache.limit));
            }
            SegmentRegister::Ss => self.mode.set_stack_32(cache.rights.is_32_bit()),
            _ => {}
        }
    }
    /// A segment load in real mode: selector and base change, limit and rights stay (they may be left from protected mode).
    #[inline]
    pub fn load_real_mode_segment(&mut self, register: SegmentRegister, selector: u16) {
        let cache = &mut self.caches[register as usize];
        cache.selector.0 = selector;
        cache.base = u32::from(selector) << 4;
        if !cache.usable {
            // A null selector was loaded in protected mode: real mode makes the register usable again with 64 KiB.
            *cache = DescriptorCache::real_mode(selector);
        }
        match register {
            SegmentRegister::Cs | SegmentRegister::Ss => self.segment_changed(register),
            _ => self.segments[register as usize] = Segment::of(&self.caches[register as usize], false),
        }
    }
}
