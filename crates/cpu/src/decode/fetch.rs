//! Instruction fetch: which bytes the code segment and the page tables give, and the fault for the first that they do not.

use crate::core::Core;
use iced_x86::{Decoder, DecoderError};
use turtle86_arch::{AccessKind, Exception, Fault, LinearAddress, PhysicalAddress, Reason, SegmentRegister};
use turtle86_bus::AccessSize;
use turtle86_mmu::PAGE;

/// The longest instruction (SDM Vol. 2, "Instruction Format").
pub const LONGEST: usize = 15;

/// Where code lies in the memory's bytes; `None` where a device or nothing answers.
pub type CodeOffset = Option<u32>;

/// Translates a linear address for a fetch.
pub fn locate(core: &mut Core, linear: u32) -> Result<(CodeOffset, PhysicalAddress), Fault> {
    let at = core.mmu.translate(LinearAddress(linear), AccessKind::Execute)?;
    let backing = core.mmu.bus.memory.backing(at);
    Ok((backing.readable().then(|| backing.offset() | at.0 as u32 & 0xfff), at))
}
fn read(core: &mut Core, offset: CodeOffset, at: PhysicalAddress, into: &mut [u8]) {
    match offset {
        Some(offset) => {
            let start = offset as usize;
            into.copy_from_slice(&core.mmu.bus.memory.bytes()[start..start + into.len()]);
        }
        None => {
            for (i, byte) in into.iter_mut().enumerate() {
                *byte = core.mmu.bus.read_physical(PhysicalAddress(at.0 + i as u64), AccessSize::Byte) as u8;
            }
        }
    }
}

/// Bytes of code from one place on.
pub struct Window<const N: usize> {
    bytes: [u8; N],
    used: usize,
}
impl<const N: usize> Window<N> {
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.used]
    }
}

/// As many bytes as the page, the code segment and `N` allow.
pub fn window<const N: usize>(core: &mut Core, eip: u32, offset: CodeOffset, at: PhysicalAddress) -> Window<N> {
    let cs = core.mmu.segment(SegmentRegister::Cs);
    let in_limit = (u64::from(cs.limit) + 1).saturating_sub(u64::from(eip));
    let in_page = 4096 - (cs.base.wrapping_add(eip) & 0xfff) as usize;
    let used = N.min(in_page).min(usize::try_from(in_limit).unwrap_or(usize::MAX));
    let mut bytes = [0; N];
    read(core, offset, at, &mut bytes[..used]);
    Window { bytes, used }
}

/// The bytes of one instruction that needs more than its page or the code segment has left: `have` were not enough.
/// Gives the bytes of both pages, and where the second page lies.
///
/// # Errors
/// #GP(0) past 15 bytes or the limit, #PF of the second page: only for bytes that the instruction needs.
pub fn across(core: &mut Core, eip: u32, have: &[u8]) -> Result<(Window<LONGEST>, CodeOffset), Fault> {
    let too_long = || Fault::new(Exception::GP0, Reason::TooLong);
    if have.len() >= LONGEST {
        return Err(too_long());
    }
    let cs = *core.mmu.segment(SegmentRegister::Cs);
    let in_limit = (u64::from(cs.limit) + 1).saturating_sub(u64::from(eip));
    if in_limit <= have.len() as u64 {
        return Err(beyond(&cs, eip, have.len() as u32 + 1));
    }
    let linear = cs.base.wrapping_add(eip);
    let second = (linear & PAGE).wrapping_add(0x1000);
    let (offset, at) = locate(core, second)?;
    let used = LONGEST.min(usize::try_from(in_limit).unwrap_or(usize::MAX));
    let mut bytes = [0; LONGEST];
    bytes[..have.len()].copy_from_slice(have);
    read(core, offset, at, &mut bytes[have.len()..used]);
    Ok((Window { bytes, used }, offset))
}
/// The fault of an instruction that even both pages' bytes do not complete.
pub fn incomplete(core: &Core, eip: u32, have: usize) -> Fault {
    if have >= LONGEST {
        return Fault::new(Exception::GP0, Reason::TooLong);
    }
    beyond(core.mmu.segment(SegmentRegister::Cs), eip, have as u32 + 1)
}
/// Whether an invalid instruction is invalid for its length alone: without some of its prefixes it would be one.
pub fn is_too_long(bits: u32, bytes: &[u8], options: u32) -> bool {
    if bytes.len() < LONGEST {
        return false;
    }
    let decode = |bytes: &[u8]| {
        let mut decoder = Decoder::new(bits, bytes, options);
        let instruction = decoder.decode();
        (instruction.is_invalid(), decoder.last_error())
    };
    if decode(&bytes[..LONGEST - 1]).1 != DecoderError::NoMoreBytes {
        return false;
    }
    let prefixes = bytes.iter().take_while(|byte| matches!(**byte, 0x26 | 0x2e | 0x36 | 0x3e | 0x64..=0x67 | 0xf0 | 0xf2 | 0xf3)).count();
    // Fewer bytes may be at hand than the instruction has: then it wants more.
    prefixes >= LONGEST || (1..=prefixes).any(|n| matches!(decode(&bytes[n..]), (false, _) | (_, DecoderError::NoMoreBytes)))
}
fn beyond(cs: &turtle86_arch::DescriptorCache, eip: u32, size: u32) -> Fault {
    let reason = Reason::SegmentLimit { segment: SegmentRegister::Cs, offset: eip, size, limit: cs.limit, kind: AccessKind::Execute };
    Fault::new(Exception::GP0, reason)
}
