//! The sixteen conditions (SDM Vol. 2, "Jcc").

use crate::flags::Flags;
use turtle86_mmu::Width;

/// A condition on the flags, or at once on the operands of the CMP or TEST before it.
pub trait Condition: 'static {
    fn holds(flags: &Flags) -> bool;
    /// After CMP d, s with difference r.
    fn compare<W: Width>(d: W, s: W, r: W) -> bool;
    /// After TEST with result r.
    fn logical<W: Width>(r: W) -> bool;
}
macro_rules! conditions {
    ($($name:ident |$f:ident| $holds:expr, |$d:ident, $s:ident, $r:ident| $compare:expr, |$l:ident| $logical:expr;)*) => { $(
        pub struct $name;
        impl Condition for $name {
            #[inline(always)]
            fn holds($f: &Flags) -> bool { $holds }
            #[inline(always)]
            fn compare<W: Width>($d: W, $s: W, $r: W) -> bool {
                let ($d, $s, $r) = ($d.sx() as i32, $s.sx() as i32, $r.sx() as i32);
                let _ = ($d, $s, $r);
                $compare
            }
            #[inline(always)]
            fn logical<W: Width>($l: W) -> bool {
                let $l = $l.sx() as i32;
                let _ = $l;
                $logical
            }
        }
    )* };
}
fn overflow(d: i32, s: i32, r: i32) -> bool {
    (d ^ s) & (d ^ r) < 0
}
fn even(r: i32) -> bool {
    (r as u8).count_ones() & 1 == 0
}
conditions! {
    O |f| f.of(), |d, s, r| overflow(d, s, r), |_r| false;
    No |f| !f.of(), |d, s, r| !overflow(d, s, r), |_r| true;
    B |f| f.cf(), |d, s, r| (d as u32) < s as u32, |_r| false;
    Nb |f| !f.cf(), |d, s, r| d as u32 >= s as u32, |_r| true;
    Z |f| f.zf(), |d, s, r| r == 0, |r| r == 0;
    Nz |f| !f.zf(), |d, s, r| r != 0, |r| r != 0;
    Be |f| f.cf() || f.zf(), |d, s, r| d as u32 <= s as u32, |r| r == 0;
    Nbe |f| !f.cf() && !f.zf(), |d, s, r| d as u32 > s as u32, |r| r != 0;
    S |f| f.sf(), |d, s, r| r < 0, |r| r < 0;
    Ns |f| !f.sf(), |d, s, r| r >= 0, |r| r >= 0;
    P |f| f.pf(), |d, s, r| even(r), |r| even(r);
    Np |f| !f.pf(), |d, s, r| !even(r), |r| !even(r);
    L |f| f.sf() != f.of(), |d, s, r| d < s, |r| r < 0;
    Nl |f| f.sf() == f.of(), |d, s, r| d >= s, |r| r >= 0;
    Le |f| f.zf() || f.sf() != f.of(), |d, s, r| d <= s, |r| r <= 0;
    Nle |f| !f.zf() && f.sf() == f.of(), |d, s, r| d > s, |r| r > 0;
}

/// The condition with this encoding, for instructions that are not worth a handler per condition.
pub fn holds(condition: u32, flags: &Flags) -> bool {
    let base = match condition >> 1 & 7 {
        0 => flags.of(),
        1 => flags.cf(),
        2 => flags.zf(),
        3 => flags.cf() || flags.zf(),
        4 => flags.sf(),
        5 => flags.pf(),
        6 => flags.sf() != flags.of(),
        _ => flags.zf() || flags.sf() != flags.of(),
    };
    base != (condition & 1 != 0)
}
