//! ROL ROR RCL RCR SHL SHR SAR, SHLD SHRD.

use super::*;

/// One bit at a time, as the manual's pseudo-code does it. The operand and CF.
fn turn(kind: usize, d: u64, cf: bool, n: u32, w: u32) -> (u64, bool) {
    let (mut d, mut cf) = (d & mask(w), cf);
    for _ in 0..n {
        let (top, low, old) = (d >> (w - 1) & 1, d & 1, u64::from(cf));
        (d, cf) = match kind {
            0 => (d << 1 | top, top != 0),
            1 => (d >> 1 | low << (w - 1), low != 0),
            2 => (d << 1 | old, top != 0),
            3 => (d >> 1 | old << (w - 1), low != 0),
            4 | 6 => (d << 1, top != 0),
            5 => (d >> 1, low != 0),
            _ => (d >> 1 | top << (w - 1), low != 0),
        };
        d &= mask(w);
    }
    (d, cf)
}
const TURNS: [&str; 8] = ["ROL", "ROR", "RCL", "RCR", "SHL", "SHR", "SAL", "SAR"];
fn shifted(kind: usize, before: &State, place: Place, n: u32, w: u32) -> (State, u32) {
    let (n, d) = (n & 31, before.get(place, w));
    let mut want = before.clone();
    if n == 0 {
        return (want, 0);
    }
    let (r, cf) = turn(kind, d, before.cf(), n, w);
    want.set(place, w, r);
    let (top, second) = (r >> (w - 1) & 1 != 0, r >> (w - 2) & 1 != 0);
    // For a count of 1: the sign changed (left), the two top bits differ (right), the old sign (SHR), never (SAR).
    let of = match kind {
        0 | 2 | 4 | 6 => top != cf,
        1 | 3 => top != second,
        5 => d >> (w - 1) & 1 != 0,
        _ => false,
    };
    want.put_flags(CF | OF, flag(CF, cf) | flag(OF, of));
    if kind < 4 {
        return (want, if n > 1 { undefined("rotate by more than 1") } else { 0 });
    }
    want.put_flags(SF | ZF | PF, result_flags(r, w));
    let mut unspecified = undefined("shift");
    if n > 1 {
        unspecified |= undefined("shift by more than 1");
    }
    if n >= w && kind != 7 {
        unspecified |= undefined("SHL SHR by the width or more");
    }
    (want, unspecified)
}

#[test]
fn shifts_and_rotates_are_their_one_bit_steps() {
    let mut random = Random(4);
    for model in OLD_AND_NEW {
        let mut bench = Bench::new(model);
        for (kind, name) in TURNS.iter().enumerate() {
            for w in [8, 16, 32] {
                for place in places() {
                    let values: Vec<u64> = edges(w).into_iter().chain((0..6).map(|_| u64::from(random.u32()) & mask(w))).collect();
                    bench.load(&encode(w, &[0xd2 | wide(w)], kind, place, &[]));
                    for n in (0..=33).chain([0x40, 0x81, 0xff]) {
                        for d in &values {
                            let mut before = prepared(&mut random, place);
                            before.set(place, w, *d);
                            before.set(Place::Reg(1), 8, n);
                            let (want, unspecified) = shifted(kind, &before, place, n as u32, w);
                            bench.check(name, &before, &want, unspecified);
                        }
                    }
                    for n in [None, Some(0), Some(1), Some(2), Some(7), Some(8), Some(9), Some(15), Some(16), Some(17), Some(31), Some(33)]
                    {
                        let code = match n {
                            None => encode(w, &[0xd0 | wide(w)], kind, place, &[]),
                            Some(n) => encode(w, &[0xc0 | wide(w)], kind, place, &[n]),
                        };
                        bench.load(&code);
                        for d in &values {
                            let mut before = prepared(&mut random, place);
                            before.set(place, w, *d);
                            let (want, unspecified) = shifted(kind, &before, place, n.unwrap_or(1).into(), w);
                            bench.check(name, &before, &want, unspecified);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn the_count_can_be_part_of_the_operand() {
    let mut random = Random(5);
    let mut bench = Bench::new(Model::PentiumPro);
    for (kind, name) in TURNS.iter().enumerate() {
        for w in [8, 16, 32] {
            bench.load(&encode(w, &[0xd2 | wide(w)], kind, Place::Reg(1), &[]));
            for _ in 0..100 {
                let before = State::random(&mut random);
                let (want, unspecified) = shifted(kind, &before, Place::Reg(1), before.regs[1] & 0xff, w);
                bench.check(name, &before, &want, unspecified);
            }
        }
    }
}

#[test]
fn double_shifts_take_their_bits_from_the_second_operand() {
    let mut random = Random(6);
    for model in OLD_AND_NEW {
        let mut bench = Bench::new(model);
        for (name, left, opcode) in [("SHLD", true, 0xa4), ("SHRD", false, 0xac)] {
            for w in [16, 32] {
                for place in places() {
                    for by_cl in [false, true] {
                        // A count above the width leaves everything undefined.
                        for n in (0..=w.min(31)).chain([32, 33, 0x60]) {
                            let code = if by_cl {
                                encode(w, &[0x0f, opcode + 1], 5, place, &[])
                            } else {
                                encode(w, &[0x0f, opcode], 5, place, &[n as u8])
                            };
                            bench.load(&code);
                            for (d, s) in pairs(w, 4, &mut random).into_iter().step_by(11) {
                                let mut before = prepared(&mut random, place);
                                before.set(place, w, d);
                                before.set(Place::Reg(5), w, s);
                                before.set(Place::Reg(1), 8, n.into());
                                let mut want = before.clone();
                                let (mut r, mut source, mut cf) = (d, s, before.cf());
                                let n = n & 31;
                                for _ in 0..n {
                                    if left {
                                        cf = r >> (w - 1) & 1 != 0;
                                        r = (r << 1 | source >> (w - 1) & 1) & mask(w);
                                        source <<= 1;
                                    } else {
                                        cf = r & 1 != 0;
                                        r = r >> 1 | (source & 1) << (w - 1);
                                        source >>= 1;
                                    }
                                }
                                let mut unspecified = 0;
                                if n != 0 {
                                    want.set(place, w, r);
                                    // For a count of 1: a change of sign.
                                    let of = (r ^ d) >> (w - 1) & 1 != 0;
                                    want.put_flags(CF | OF | SF | ZF | PF, flag(CF, cf) | flag(OF, of) | result_flags(r, w));
                                    unspecified = undefined("double shift");
                                }
                                if n > 1 {
                                    unspecified |= undefined("double shift by more than 1");
                                }
                                bench.check(name, &before, &want, unspecified);
                            }
                        }
                    }
                }
            }
        }
    }
}
