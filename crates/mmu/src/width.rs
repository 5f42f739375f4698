//! Operand widths as types.

use turtle86_bus::AccessSize;

/// An operand width: 8, 16 or 32 bits.
pub trait Width: Copy + Eq + Send + Sync + 'static {
    /// In bits.
    const BITS: u32;
    /// In bytes.
    const BYTES: usize = Self::BITS as usize / 8;
    /// As the bus says it.
    const SIZE: AccessSize;
    /// The low bits of `value`.
    fn of(value: u32) -> Self;
    /// Zero-extended.
    fn zx(self) -> u32;
    /// Sign-extended.
    fn sx(self) -> u32;
    /// From little-endian bytes; zero if there are not exactly enough.
    fn load(bytes: &[u8]) -> Self;
    /// To little-endian bytes; nothing if there is not exactly the room.
    fn store(self, bytes: &mut [u8]);
    /// The sign bit.
    #[inline(always)]
    fn msb(self) -> bool {
        self.zx() >> (Self::BITS - 1) & 1 != 0
    }
}
macro_rules! width {
    ($($unsigned:ty, $signed:ty, $size:ident;)*) => { $(impl Width for $unsigned {
        const BITS: u32 = <$unsigned>::BITS;
        const SIZE: AccessSize = AccessSize::$size;
        #[inline(always)]
        fn of(value: u32) -> Self { value as $unsigned }
        #[inline(always)]
        fn zx(self) -> u32 { u32::from(self) }
        #[inline(always)]
        fn sx(self) -> u32 { self as $signed as i32 as u32 }
        #[inline(always)]
        fn load(bytes: &[u8]) -> Self { bytes.try_into().map_or(0, Self::from_le_bytes) }
        #[inline(always)]
        fn store(self, bytes: &mut [u8]) { if bytes.len() == Self::BYTES { bytes.copy_from_slice(&self.to_le_bytes()) } }
    })* };
}
width! { u8, i8, Byte; u16, i16, Word; u32, i32, Dword; }
