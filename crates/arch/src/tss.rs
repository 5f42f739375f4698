//! Where the fields of a task-state segment lie (SDM Vol. 3, "Task-State Segment (TSS)", "16-Bit Task-State Segment (TSS)").

/// Byte offsets in a 32-bit TSS.
pub struct Tss32;
impl Tss32 {
    /// ESP and SS of privilege level `level` (0 to 2).
    pub const fn stack(level: u8) -> (u32, u32) {
        (4 + 8 * level as u32, 8 + 8 * level as u32)
    }
    /// The word that says where the I/O permission bitmap begins.
    pub const IO_MAP_BASE: u32 = 102;
    /// The smallest limit that holds it all.
    pub const MINIMUM_LIMIT: u32 = 103;
}

/// Byte offsets in a 16-bit TSS.
pub struct Tss16;
impl Tss16 {
    /// SP and SS of privilege level `level` (0 to 2).
    pub const fn stack(level: u8) -> (u32, u32) {
        (2 + 4 * level as u32, 4 + 4 * level as u32)
    }
    /// The smallest limit that holds it all.
    pub const MINIMUM_LIMIT: u32 = 43;
}
