//! SDM Vol. 3, "Protection", and MOV of Vol. 2: limits, types, privileges. Descriptors are the raw eight bytes.

use super::pages::{Access, Paging};
use super::{Exception, Memory, bit, bits};

/// The hidden part of a segment register. `None`: a null selector was loaded.
pub type Hidden = Option<u64>;

pub const SS: usize = 2;

pub fn base(descriptor: u64) -> u32 {
    (bits(descriptor, 39, 16) + (bits(descriptor, 63, 56) << 24)) as u32
}
/// "Segment Descriptors": "the processor does not check the 12 least significant bits of an offset" if G is set.
pub fn effective_limit(descriptor: u64) -> u32 {
    let limit = bits(descriptor, 15, 0) + (bits(descriptor, 51, 48) << 16);
    let granularity = bit(descriptor, 55);
    (if granularity { limit * 4096 + 4095 } else { limit }) as u32
}
pub fn dpl(descriptor: u64) -> u8 {
    bits(descriptor, 46, 45) as u8
}
fn present(descriptor: u64) -> bool {
    bit(descriptor, 47)
}
fn is_code_or_data(descriptor: u64) -> bool {
    bit(descriptor, 44)
}
fn is_code(descriptor: u64) -> bool {
    is_code_or_data(descriptor) && bit(descriptor, 43)
}
fn is_data(descriptor: u64) -> bool {
    is_code_or_data(descriptor) && !bit(descriptor, 43)
}
fn conforming(descriptor: u64) -> bool {
    is_code(descriptor) && bit(descriptor, 42)
}
fn expands_down(descriptor: u64) -> bool {
    is_data(descriptor) && bit(descriptor, 42)
}
fn writable(descriptor: u64) -> bool {
    is_data(descriptor) && bit(descriptor, 41)
}
fn readable(descriptor: u64) -> bool {
    is_data(descriptor) || is_code(descriptor) && bit(descriptor, 41)
}

/// "Limit Checking": every byte of the operand must be inside; an expand-down segment has the bytes above its limit.
/// At a limit of 4 GiB the manual lets wrapping accesses fault or not; here they do.
fn inside_limit(descriptor: u64, offset: u32, size: u32) -> bool {
    let limit = u64::from(effective_limit(descriptor));
    for i in 0..u64::from(size) {
        let byte = u64::from(offset) + i;
        let inside = if expands_down(descriptor) {
            let big = bit(descriptor, 54);
            byte > limit && byte <= if big { 0xffff_ffff } else { 0xffff }
        } else {
            byte <= limit
        };
        if !inside {
            return false;
        }
    }
    true
}

/// The linear address of an access, or why not. "Type Checking": violations are #GP(0) for every segment register;
/// only limits tell SS apart ("Interrupt 12—Stack Fault Exception"). Real mode checks limits alone.
pub fn linear(hidden: Hidden, register: usize, protected: bool, offset: u32, size: u32, access: Access) -> Result<u32, Exception> {
    let Some(descriptor) = hidden else {
        // "Null Segment Selector Checking"
        return Err(Exception::Gp(0));
    };
    if protected {
        let refused = match access {
            Access::Read => !readable(descriptor),
            Access::Write => !writable(descriptor),
            Access::Fetch => false,
        };
        if refused {
            return Err(Exception::Gp(0));
        }
    }
    if !inside_limit(descriptor, offset, size) {
        return Err(if register == SS { Exception::Ss(0) } else { Exception::Gp(0) });
    }
    Ok(base(descriptor).wrapping_add(offset))
}

/// What segment loads look at.
pub struct Tables {
    pub gdt_base: u32,
    pub gdt_limit: u16,
    /// `None`: LDTR is null.
    pub ldt: Option<(u32, u32)>,
    pub cpl: u8,
}

fn is_null(selector: u16) -> bool {
    bits(selector.into(), 15, 2) == 0
}
fn rpl(selector: u16) -> u8 {
    bits(selector.into(), 1, 0) as u8
}
/// "Error Code": the selector's index and TI; EXT and IDT are clear.
fn error_code(selector: u16) -> u16 {
    selector - selector % 4
}

/// The descriptor of a selector, with its linear address. The processor's own accesses are supervisor accesses at any CPL
/// ("Access Rights": implicit supervisor-mode accesses).
fn fetch(tables: &Tables, paging: &Paging, memory: &mut Memory, selector: u16, outside: Exception) -> Result<(u32, u64), Exception> {
    let index = u32::from(selector / 8);
    let (table, limit) = if bit(selector.into(), 2) {
        let Some((base, limit)) = tables.ldt else { return Err(outside) };
        (base, limit)
    } else {
        (tables.gdt_base, u32::from(tables.gdt_limit))
    };
    if index * 8 + 7 > limit {
        return Err(outside);
    }
    let at = table.wrapping_add(index * 8);
    let low = paging.load(memory, at, 4, false)?;
    let high = paging.load(memory, at.wrapping_add(4), 4, false)?;
    Ok((at, u64::from(low) + (u64::from(high) << 32)))
}
/// "Code- and Data-Segment Descriptor Types": the accessed bit is set in memory whenever the selector is loaded, if it is clear.
fn set_accessed(paging: &Paging, memory: &mut Memory, at: u32, descriptor: u64) -> Result<u64, Exception> {
    if bit(descriptor, 40) {
        return Ok(descriptor);
    }
    let marked = descriptor + (1 << 40);
    paging.store(memory, at.wrapping_add(5), 1, (marked >> 40) as u32 & 0xff, false)?;
    Ok(marked)
}

/// Which exception a bad stack selector raises: #GP for MOV and returns, #TS for a stack from a TSS.
#[derive(Clone, Copy, Debug)]
pub enum StackLoad {
    Mov,
    FromTss,
}

/// MOV, "IF SS is loaded". `cpl` is the privilege that the stack is for.
pub fn load_ss(
    tables: &Tables,
    paging: &Paging,
    memory: &mut Memory,
    selector: u16,
    cpl: u8,
    load: StackLoad,
) -> Result<Hidden, Exception> {
    let bad = |code| match load {
        StackLoad::Mov => Exception::Gp(code),
        StackLoad::FromTss => Exception::Ts(code),
    };
    if is_null(selector) {
        return Err(bad(0));
    }
    let named = error_code(selector);
    let (at, descriptor) = fetch(tables, paging, memory, selector, bad(named))?;
    if rpl(selector) != cpl || !writable(descriptor) || dpl(descriptor) != cpl {
        return Err(bad(named));
    }
    if !present(descriptor) {
        return Err(Exception::Ss(named));
    }
    Ok(Some(set_accessed(paging, memory, at, descriptor)?))
}

/// MOV, "IF DS, ES, FS, or GS is loaded with non-NULL selector", and with a null one.
pub fn load_data(tables: &Tables, paging: &Paging, memory: &mut Memory, selector: u16) -> Result<Hidden, Exception> {
    if is_null(selector) {
        return Ok(None);
    }
    let named = error_code(selector);
    let (at, descriptor) = fetch(tables, paging, memory, selector, Exception::Gp(named))?;
    if !readable(descriptor) {
        return Err(Exception::Gp(named));
    }
    // "Privilege Level Checking When Accessing Data Segments": the DPL must not be below the CPL nor the RPL.
    if !conforming(descriptor) && (rpl(selector) > dpl(descriptor) || tables.cpl > dpl(descriptor)) {
        return Err(Exception::Gp(named));
    }
    if !present(descriptor) {
        return Err(Exception::Np(named));
    }
    Ok(Some(set_accessed(paging, memory, at, descriptor)?))
}

/// RET, after a return to an outer privilege level: "IF segment register points to data or non-conforming code segment
/// and CPL > segment descriptor DPL THEN SegmentSelector := NULL".
pub fn becomes_null(descriptor: u64, cpl: u8) -> bool {
    (is_data(descriptor) || is_code(descriptor) && !conforming(descriptor)) && cpl > dpl(descriptor)
}
