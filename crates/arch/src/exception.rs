//! Exceptions, vectors and error codes (SDM Vol. 3, "Exception and Interrupt Vectors", "Error Code").

use crate::LinearAddress;
use serde::{Deserialize, Serialize};
use std::fmt;

/// An interrupt vector.
pub type Vector = u8;

/// The error code that some exceptions push: EXT, IDT and TI bits with an index, or page-fault bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ErrorCode(pub u16);
impl ErrorCode {
    /// No selector.
    pub const ZERO: ErrorCode = ErrorCode(0);
    /// EXT: the event came from outside the program.
    pub const EXT: u16 = 1;
    /// IDT: the index is a vector.
    pub const IDT: u16 = 2;

    /// The code that names a gate of the IDT.
    pub const fn idt(vector: Vector) -> ErrorCode {
        ErrorCode((vector as u16) << 3 | Self::IDT)
    }
    /// The same code with EXT set or clear.
    pub const fn external(self, ext: bool) -> ErrorCode {
        ErrorCode(self.0 & !Self::EXT | ext as u16)
    }
}

/// An exception as the processor raises it, before delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Exception {
    DivideError,
    Debug,
    Breakpoint,
    Overflow,
    BoundRange,
    InvalidOpcode,
    DeviceNotAvailable,
    DoubleFault,
    InvalidTss(ErrorCode),
    SegmentNotPresent(ErrorCode),
    StackFault(ErrorCode),
    GeneralProtection(ErrorCode),
    /// With the linear address that goes to CR2.
    PageFault(ErrorCode, LinearAddress),
    FloatingPoint,
    AlignmentCheck,
    MachineCheck,
}
impl Exception {
    /// #GP(0).
    pub const GP0: Exception = Exception::GeneralProtection(ErrorCode::ZERO);
    /// #SS(0).
    pub const SS0: Exception = Exception::StackFault(ErrorCode::ZERO);

    /// The vector through which it is delivered.
    pub const fn vector(self) -> Vector {
        match self {
            Exception::DivideError => 0,
            Exception::Debug => 1,
            Exception::Breakpoint => 3,
            Exception::Overflow => 4,
            Exception::BoundRange => 5,
            Exception::InvalidOpcode => 6,
            Exception::DeviceNotAvailable => 7,
            Exception::DoubleFault => 8,
            Exception::InvalidTss(_) => 10,
            Exception::SegmentNotPresent(_) => 11,
            Exception::StackFault(_) => 12,
            Exception::GeneralProtection(_) => 13,
            Exception::PageFault(..) => 14,
            Exception::FloatingPoint => 16,
            Exception::AlignmentCheck => 17,
            Exception::MachineCheck => 18,
        }
    }

    /// The error code, for the exceptions that push one.
    pub const fn error_code(self) -> Option<ErrorCode> {
        match self {
            Exception::InvalidTss(code)
            | Exception::SegmentNotPresent(code)
            | Exception::StackFault(code)
            | Exception::GeneralProtection(code)
            | Exception::PageFault(code, _) => Some(code),
            Exception::DoubleFault | Exception::AlignmentCheck => Some(ErrorCode::ZERO),
            _ => None,
        }
    }

    /// The same exception, raised while an event from outside the program is delivered: EXT is set in its error code.
    pub const fn external(self, ext: bool) -> Exception {
        match self {
            Exception::InvalidTss(code) => Exception::InvalidTss(code.external(ext)),
            Exception::SegmentNotPresent(code) => Exception::SegmentNotPresent(code.external(ext)),
            Exception::StackFault(code) => Exception::StackFault(code.external(ext)),
            Exception::GeneralProtection(code) => Exception::GeneralProtection(code.external(ext)),
            other => other,
        }
    }

    /// A trap is reported after its instruction, a fault before (SDM Vol. 3, "Exception Classifications").
    pub const fn is_fault(self) -> bool {
        !matches!(self, Exception::Debug | Exception::Breakpoint | Exception::Overflow | Exception::DoubleFault | Exception::MachineCheck)
    }

    /// The manual's mnemonic.
    pub const fn mnemonic(self) -> &'static str {
        match self {
            Exception::DivideError => "#DE",
            Exception::Debug => "#DB",
            Exception::Breakpoint => "#BP",
            Exception::Overflow => "#OF",
            Exception::BoundRange => "#BR",
            Exception::InvalidOpcode => "#UD",
            Exception::DeviceNotAvailable => "#NM",
            Exception::DoubleFault => "#DF",
            Exception::InvalidTss(_) => "#TS",
            Exception::SegmentNotPresent(_) => "#NP",
            Exception::StackFault(_) => "#SS",
            Exception::GeneralProtection(_) => "#GP",
            Exception::PageFault(..) => "#PF",
            Exception::FloatingPoint => "#MF",
            Exception::AlignmentCheck => "#AC",
            Exception::MachineCheck => "#MC",
        }
    }
}
impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, self.error_code()) {
            (Exception::PageFault(code, at), _) => write!(f, "#PF({:04x}) at linear {at}", code.0),
            (_, Some(code)) => write!(f, "{}({:04x})", self.mnemonic(), code.0),
            (_, None) => f.write_str(self.mnemonic()),
        }
    }
}
