//! Exceptions with the reason for them: which check of which step refused.

use crate::{AccessRights, Exception, PhysicalAddress, SegmentRegister, SegmentSelector};
use std::fmt;

/// An exception and why it was raised. One word wide, so that the paths which do not fault carry nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(Box<(Exception, Reason)>);
impl Fault {
    /// Raises `exception` because of `reason`.
    #[cold]
    #[inline(never)]
    pub fn new(exception: Exception, reason: Reason) -> Fault {
        Fault(Box::new((exception, reason)))
    }
    /// What this emulator does not do yet: never delivered to the guest, it stops the machine and names `what`.
    #[cold]
    #[inline(never)]
    pub fn unsupported(what: &'static str) -> Fault {
        Fault::new(Exception::InvalidOpcode, Reason::Unsupported(what))
    }
    /// The exception.
    pub fn exception(&self) -> Exception {
        self.0.0
    }
    /// The check that refused.
    pub fn reason(&self) -> Reason {
        self.0.1
    }
    /// The same fault with EXT set or clear in its error code.
    pub fn external(mut self, ext: bool) -> Fault {
        self.0.0 = self.0.0.external(ext);
        self
    }
}
/// The manual's `IF NOT condition THEN #exception; FI`.
///
/// # Errors
/// The exception, with the reason for it, unless the condition holds.
#[inline]
pub fn require(condition: bool, exception: Exception, reason: Reason) -> Result<(), Fault> {
    if condition { Ok(()) } else { Err(Fault::new(exception, reason)) }
}
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.exception(), self.reason())
    }
}

/// What an access wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum AccessKind {
    Read,
    Write,
    Execute,
}
impl fmt::Display for AccessKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AccessKind::Read => "read",
            AccessKind::Write => "write",
            AccessKind::Execute => "fetch",
        })
    }
}

/// The tables of descriptors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Table {
    Gdt,
    Ldt,
}
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Table::Gdt => "GDT",
            Table::Ldt => "LDT",
        })
    }
}

/// The levels of a page walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum PageLevel {
    DirectoryPointer,
    Directory,
    Table,
}
impl fmt::Display for PageLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PageLevel::DirectoryPointer => "page-directory-pointer entry",
            PageLevel::Directory => "page-directory entry",
            PageLevel::Table => "page-table entry",
        })
    }
}

/// Which check refused; its `Display` is one sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
#[non_exhaustive]
pub enum Reason {
    /// Not an architectural fault: this emulator cannot go on.
    Unsupported(&'static str),

    // Decoding
    UndefinedOpcode,
    NotInModel {
        feature: &'static str,
    },
    NoFpu,
    LockNotAllowed,
    RegisterForm,
    TooLong,
    NeedsProtectedMode,
    SoftwareUndefined,

    // Segmentation
    SegmentLimit {
        segment: SegmentRegister,
        offset: u32,
        size: u32,
        limit: u32,
        kind: AccessKind,
    },
    SegmentUnusable {
        segment: SegmentRegister,
    },
    SegmentNotWritable {
        segment: SegmentRegister,
        rights: AccessRights,
    },
    SegmentNotReadable {
        segment: SegmentRegister,
        rights: AccessRights,
    },
    BranchBeyondLimit {
        target: u32,
        limit: u32,
    },

    // Descriptor loads
    SelectorNull {
        role: &'static str,
    },
    SelectorBeyondTable {
        selector: SegmentSelector,
        table: Table,
        limit: u32,
    },
    SelectorInLdt {
        selector: SegmentSelector,
    },
    NoLdt {
        selector: SegmentSelector,
    },
    DescriptorType {
        selector: SegmentSelector,
        descriptor: u64,
        expected: &'static str,
    },
    DescriptorPrivilege {
        selector: SegmentSelector,
        descriptor: u64,
        cpl: u8,
    },
    DescriptorNotPresent {
        selector: SegmentSelector,
        descriptor: u64,
    },
    ReturnToInner {
        selector: SegmentSelector,
        cpl: u8,
    },
    TssTooSmall {
        limit: u32,
        needed: u32,
    },

    // Interrupts
    VectorBeyondIdt {
        vector: u8,
        limit: u32,
    },
    NotAGate {
        vector: u8,
        descriptor: u64,
    },
    GatePrivilege {
        vector: u8,
        dpl: u8,
        cpl: u8,
    },
    GateNotPresent {
        vector: u8,
        descriptor: u64,
    },
    StackWraps,

    // Paging
    PageNotPresent {
        level: PageLevel,
        entry: u64,
        at: PhysicalAddress,
        kind: AccessKind,
        user: bool,
    },
    PageProtection {
        level: PageLevel,
        entry: u64,
        at: PhysicalAddress,
        kind: AccessKind,
        user: bool,
    },
    PageReservedBits {
        level: PageLevel,
        entry: u64,
        at: PhysicalAddress,
    },

    // Privilege
    NeedsCpl0 {
        cpl: u8,
    },
    NeedsIopl {
        cpl: u8,
        iopl: u8,
    },
    PortDenied {
        port: u16,
        cpl: u8,
        iopl: u8,
    },
    TimeStampDisabled,
    CountersDisabled,

    // Registers
    ControlBits {
        register: &'static str,
        value: u32,
        reserved: u32,
    },
    PagingWithoutProtection,
    NotWriteThroughWithoutCacheDisable,
    NoSuchRegister {
        register: &'static str,
    },
    NoSuchMsr {
        number: u32,
    },
    MsrBits {
        number: u32,
        value: u64,
    },
    DebugExtensions,
    CsNotLoadable,

    // Arithmetic and traps
    DivideByZero,
    QuotientTooLarge,
    BoundsExceeded {
        index: i32,
        lower: i32,
        upper: i32,
    },
    SingleStep,
    Breakpoint,
    Icebp,
    CoprocessorEmulated,
    TaskSwitched,

    // Delivery
    DoubleFault {
        first: Exception,
        second: Exception,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use Reason::*;
        let ring = |user: bool| if user { "user" } else { "supervisor" };
        match *self {
            Unsupported(what) => write!(f, "{what} is not supported yet"),
            UndefinedOpcode => f.write_str("the opcode is not defined"),
            NotInModel { feature } => write!(f, "this processor has no {feature}"),
            NoFpu => f.write_str("this machine has no floating-point unit and CR0.EM is clear"),
            LockNotAllowed => f.write_str("LOCK is not allowed with this instruction or operand"),
            RegisterForm => f.write_str("the instruction needs a memory operand"),
            TooLong => f.write_str("the instruction is longer than 15 bytes"),
            NeedsProtectedMode => f.write_str("the instruction is not recognised outside protected mode"),
            SoftwareUndefined => f.write_str("the program asked for it with UD"),
            SegmentLimit { segment, offset, size, limit, kind } => {
                write!(f, "a {size}-byte {kind} at {segment}:{offset:08x} is outside the segment limit {limit:08x}")
            }
            SegmentUnusable { segment } => write!(f, "{segment} holds a null selector"),
            SegmentNotWritable { segment, rights } => write!(f, "{segment} is not writable (access rights {:04x})", rights.0),
            SegmentNotReadable { segment, rights } => write!(f, "{segment} is not readable (access rights {:04x})", rights.0),
            BranchBeyondLimit { target, limit } => write!(f, "the branch target {target:08x} is beyond the code segment limit {limit:08x}"),
            SelectorNull { role } => write!(f, "the selector for {role} is null"),
            SelectorBeyondTable { selector, table, limit } => {
                write!(f, "selector {selector} lies beyond the limit {limit:04x} of the {table}")
            }
            SelectorInLdt { selector } => write!(f, "selector {selector} must name the GDT"),
            NoLdt { selector } => write!(f, "selector {selector} names the LDT, and LDTR is null"),
            DescriptorType { selector, descriptor, expected } => {
                write!(f, "the descriptor {descriptor:016x} of selector {selector} is not {expected}")
            }
            DescriptorPrivilege { selector, descriptor, cpl } => {
                let dpl = descriptor >> 45 & 3;
                write!(f, "privilege refuses selector {selector}: DPL {dpl}, RPL {}, CPL {cpl}", selector.rpl())
            }
            DescriptorNotPresent { selector, descriptor } => {
                write!(f, "the descriptor {descriptor:016x} of selector {selector} is not present")
            }
            ReturnToInner { selector, cpl } => write!(f, "a return from CPL {cpl} to the more privileged selector {selector}"),
            TssTooSmall { limit, needed } => write!(f, "the TSS limit {limit:04x} does not reach {needed:04x}"),
            VectorBeyondIdt { vector, limit } => write!(f, "vector {vector:02x} lies beyond the IDT limit {limit:04x}"),
            NotAGate { vector, descriptor } => {
                write!(f, "entry {vector:02x} of the IDT ({descriptor:016x}) is not an interrupt, trap or task gate")
            }
            GatePrivilege { vector, dpl, cpl } => write!(f, "the gate of vector {vector:02x} has DPL {dpl} and CPL is {cpl}"),
            GateNotPresent { vector, descriptor } => write!(f, "the gate of vector {vector:02x} ({descriptor:016x}) is not present"),
            StackWraps => f.write_str("the stack has no room for the frame"),
            PageNotPresent { level, entry, at, kind, user } => {
                write!(f, "{} {kind}: the {level} {entry:08x} at physical {at} is not present", ring(user))
            }
            PageProtection { level, entry, at, kind, user } => {
                write!(f, "{} {kind}: the {level} {entry:08x} at physical {at} forbids it", ring(user))
            }
            PageReservedBits { level, entry, at } => write!(f, "the {level} {entry:016x} at physical {at} has reserved bits set"),
            NeedsCpl0 { cpl } => write!(f, "the instruction needs CPL 0 and CPL is {cpl}"),
            NeedsIopl { cpl, iopl } => write!(f, "CPL {cpl} is above IOPL {iopl}"),
            PortDenied { port, cpl, iopl } => {
                write!(f, "CPL {cpl} is above IOPL {iopl} and the I/O permission bitmap does not allow port {port:04x}")
            }
            TimeStampDisabled => f.write_str("CR4.TSD is set and CPL is not 0"),
            CountersDisabled => f.write_str("CR4.PCE is clear and CPL is not 0"),
            ControlBits { register, value, reserved } => {
                write!(f, "writing {value:08x} to {register} sets reserved bits {:08x}", value & reserved)
            }
            PagingWithoutProtection => f.write_str("CR0.PG cannot be set without CR0.PE"),
            NotWriteThroughWithoutCacheDisable => f.write_str("CR0.NW cannot be set without CR0.CD"),
            NoSuchRegister { register } => write!(f, "there is no {register}"),
            NoSuchMsr { number } => write!(f, "there is no model-specific register {number:08x}"),
            MsrBits { number, value } => write!(f, "model-specific register {number:08x} does not take {value:016x}"),
            DebugExtensions => f.write_str("CR4.DE is set: DR4 and DR5 do not exist"),
            CsNotLoadable => f.write_str("MOV cannot load CS"),
            DivideByZero => f.write_str("division by zero"),
            QuotientTooLarge => f.write_str("the quotient does not fit its register"),
            BoundsExceeded { index, lower, upper } => write!(f, "{index} is not between {lower} and {upper}"),
            SingleStep => f.write_str("EFLAGS.TF was set"),
            Breakpoint => f.write_str("INT3"),
            Icebp => f.write_str("INT1 (ICEBP)"),
            CoprocessorEmulated => f.write_str("CR0.EM is set"),
            TaskSwitched => f.write_str("CR0.TS is set"),
            DoubleFault { first, second } => write!(f, "{second} while {first} was delivered"),
        }
    }
}
