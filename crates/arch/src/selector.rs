//! Segment selectors (SDM Vol. 3, "Segment Selectors").

use crate::ErrorCode;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The visible part of a segment register: index, table indicator, requested privilege level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SegmentSelector(pub u16);
impl SegmentSelector {
    /// The null selector.
    pub const NULL: SegmentSelector = SegmentSelector(0);

    /// Requested privilege level.
    pub const fn rpl(self) -> u8 {
        (self.0 & 3) as u8
    }
    /// The table indicator: true for the LDT.
    pub const fn in_ldt(self) -> bool {
        self.0 & 4 != 0
    }
    /// Byte offset of the descriptor in its table.
    pub const fn offset(self) -> u32 {
        (self.0 & !7) as u32
    }
    /// GDT index 0, whatever the RPL.
    pub const fn is_null(self) -> bool {
        self.0 & !3 == 0
    }
    /// The same selector with another RPL.
    pub const fn with_rpl(self, rpl: u8) -> SegmentSelector {
        SegmentSelector(self.0 & !3 | rpl as u16)
    }
    /// The error code that names this selector (EXT and IDT clear).
    pub const fn error_code(self) -> ErrorCode {
        ErrorCode(self.0 & !3)
    }
}
impl fmt::Display for SegmentSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}", self.0)
    }
}
