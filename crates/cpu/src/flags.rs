//! Lazy status flags.

use turtle86_mmu::Width;

/// The last result and `operand ^ operand ^ result` in 64 bits; every status flag is computed when it is read.
///
/// `aux` bit 32 is CF, bit 31 CF xor OF, bit 4 AF. Bits 33 and 34 differ where SF is not the result's sign, and the xor of
/// bytes 40 and 48 corrects the parity: a borrow fills all bits above 32, which cancels out, so ADD and SUB store what they have
/// without a mask.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct Flags {
    pub result: u32,
    pub aux: u64,
}

pub const CF: u32 = 1 << 0;
pub const PF: u32 = 1 << 2;
pub const AF: u32 = 1 << 4;
pub const ZF: u32 = 1 << 6;
pub const SF: u32 = 1 << 7;
pub const OF: u32 = 1 << 11;
/// The six of them.
pub const STATUS: u32 = CF | PF | AF | ZF | SF | OF;

impl Flags {
    #[inline(always)]
    fn arithmetic<W: Width>(&mut self, d: W, s: W, wide: u64, r: W) {
        let carries = u64::from(d.zx()) ^ u64::from(s.zx()) ^ wide;
        self.result = r.sx();
        self.aux = if W::BITS == 32 { carries } else { carries << (32 - W::BITS) | carries & 0x10 };
    }
    /// `r = d + s + carry`.
    #[inline(always)]
    pub fn add<W: Width>(&mut self, d: W, s: W, r: W, carry: bool) {
        self.arithmetic(d, s, u64::from(d.zx()) + u64::from(s.zx()) + u64::from(carry), r);
    }
    /// `r = d - s - borrow`.
    #[inline(always)]
    pub fn sub<W: Width>(&mut self, d: W, s: W, r: W, borrow: bool) {
        self.arithmetic(d, s, u64::from(d.zx()).wrapping_sub(u64::from(s.zx())).wrapping_sub(u64::from(borrow)), r);
    }
    /// CF OF AF clear, the others by the result.
    #[inline(always)]
    pub fn logic<W: Width>(&mut self, r: W) {
        self.result = r.sx();
        self.aux = 0;
    }
    /// CF and OF given, AF clear, the others by the result.
    #[inline(always)]
    pub fn shifted<W: Width>(&mut self, r: W, cf: bool, of: bool) {
        self.result = r.sx();
        self.aux = u64::from(cf) << 32 | u64::from(cf ^ of) << 31;
    }
    /// CF and OF given, the others stay.
    #[inline(always)]
    pub fn set_cf_of(&mut self, cf: bool, of: bool) {
        self.aux = self.clean() & !(3 << 31) | u64::from(cf) << 32 | u64::from(cf ^ of) << 31;
    }
    /// INC and DEC: everything but CF.
    #[inline(always)]
    pub fn step<W: Width>(&mut self, d: W, r: W, of: bool) {
        let cf = self.aux & 1 << 32;
        self.result = r.sx();
        self.aux = cf | (cf >> 1 ^ u64::from(of) << 31) | u64::from((d.zx() ^ r.zx()) & 0x10);
    }
    /// The same flags with nothing above bit 32 that cancels out.
    fn clean(&self) -> u64 {
        self.aux & 0x1_ffff_ffff | ((self.aux >> 33 ^ self.aux >> 34) & 1) << 33 | ((self.aux >> 40 ^ self.aux >> 48) & 0xff) << 40
    }
    /// Takes the six flags from an EFLAGS image.
    pub fn set(&mut self, eflags: u32) {
        let bit = |n: u32| u64::from(eflags >> n & 1);
        let (cf, of, zf, sf, pf, af) = (bit(0), bit(11), bit(6), bit(7), bit(2), bit(4));
        // Not zero unless ZF; sign clear, low byte 0 and so of even parity.
        self.result = ((zf ^ 1) << 8) as u32;
        self.aux = cf << 32 | (cf ^ of) << 31 | (pf ^ 1) << 40 | af << 4 | sf << 33;
    }
    /// Replaces the flags in `mask` by those of an EFLAGS image.
    pub fn replace(&mut self, mask: u32, eflags: u32) {
        self.set(self.image() & !mask | eflags & mask);
    }
    /// The six flags as EFLAGS has them.
    pub fn image(&self) -> u32 {
        u32::from(self.cf())
            | u32::from(self.pf()) << 2
            | u32::from(self.af()) << 4
            | u32::from(self.zf()) << 6
            | u32::from(self.sf()) << 7
            | u32::from(self.of()) << 11
    }
    #[inline(always)]
    pub fn cf(&self) -> bool {
        self.aux >> 32 & 1 != 0
    }
    #[inline(always)]
    pub fn of(&self) -> bool {
        (self.aux >> 32 ^ self.aux >> 31) & 1 != 0
    }
    #[inline(always)]
    pub fn zf(&self) -> bool {
        self.result == 0
    }
    #[inline(always)]
    pub fn sf(&self) -> bool {
        (self.result >> 31 ^ (self.aux >> 33 ^ self.aux >> 34) as u32 & 1) != 0
    }
    #[inline(always)]
    pub fn af(&self) -> bool {
        self.aux & 0x10 != 0
    }
    #[inline(always)]
    pub fn pf(&self) -> bool {
        ((u64::from(self.result) ^ self.aux >> 40 ^ self.aux >> 48) as u8).count_ones() & 1 == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The manual's definitions in wide arithmetic.
    fn reference(d: u8, s: u8, c: bool, sub: bool) -> (u8, u32) {
        let sign = if sub { -1 } else { 1 };
        let (d32, s32, c32) = (i32::from(d), sign * i32::from(s), sign * i32::from(c));
        let wide = d32 + s32 + c32;
        let low = (d32 & 15) + sign * i32::from(s & 15) + c32;
        let signed = i32::from(d as i8) + sign * i32::from(s as i8) + c32;
        let r = wide as u8;
        let flag = |on: bool, bit: u32| if on { bit } else { 0 };
        let image = flag(!(0..256).contains(&wide), CF)
            | flag(r.count_ones().is_multiple_of(2), PF)
            | flag(!(0..16).contains(&low), AF)
            | flag(r == 0, ZF)
            | flag(r >= 0x80, SF)
            | flag(signed != i32::from(r as i8), OF);
        (r, image)
    }

    #[test]
    fn all_six_flags_are_exact_for_every_byte_pair() {
        let mut flags = Flags::default();
        for (d, s, c) in (0..=255u8).flat_map(|d| (0..=255u8).flat_map(move |s| [(d, s, false), (d, s, true)])) {
            let (r, want) = reference(d, s, c, false);
            flags.add(d, s, r, c);
            assert_eq!(flags.image(), want, "{d} + {s} + {c}");
            let (r, want) = reference(d, s, c, true);
            flags.sub(d, s, r, c);
            assert_eq!(flags.image(), want, "{d} - {s} - {c}");
        }
    }

    #[test]
    fn any_flags_can_be_set_and_partly_changed() {
        for bits in 0..64u32 {
            let want = bits & 1
                | (bits >> 1 & 1) << 2
                | (bits >> 2 & 1) << 4
                | (bits >> 3 & 1) << 6
                | (bits >> 4 & 1) << 7
                | (bits >> 5 & 1) << 11;
            let mut flags = Flags::default();
            flags.set(want);
            assert_eq!(flags.image(), want);
            flags.set_cf_of(true, false);
            assert_eq!(flags.image(), want & !(CF | OF) | CF);
            flags.sub(0u32, 1, !0, false);
            flags.set_cf_of(false, true);
            assert_eq!(flags.image(), OF | SF | AF | PF);
            flags.set(want);
            flags.step(0x7fu8, 0x80, true);
            assert_eq!(flags.image(), want & CF | OF | SF | AF);
            flags.replace(ZF | CF, CF);
            assert_eq!(flags.image(), CF | OF | SF | AF);
        }
    }
}
