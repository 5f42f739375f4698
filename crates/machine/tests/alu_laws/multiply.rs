//! MUL IMUL DIV IDIV.

use super::*;

/// The accumulator's upper half: AH, DX, EDX.
pub fn upper(w: u32) -> Place {
    if w == 8 { Place::Reg(4) } else { Place::Reg(2) }
}
pub const FACTORS: [Place; 5] = [Place::Reg(3), MEMORY[0], MEMORY[1], MEMORY[2], MEMORY[3]];

#[test]
fn products_are_those_of_wide_arithmetic() {
    let mut random = Random(7);
    for model in OLD_AND_NEW {
        let mut bench = Bench::new(model);
        for is_signed in [false, true] {
            for w in [8, 16, 32] {
                for place in FACTORS {
                    bench.load(&encode(w, &[0xf6 | wide(w)], if is_signed { 5 } else { 4 }, place, &[]));
                    for (d, s) in pairs(w, 150, &mut random) {
                        let mut before = prepared(&mut random, place);
                        before.set(Place::Reg(0), w, d);
                        before.set(place, w, s);
                        let product = if is_signed { signed(d, w) * signed(s, w) } else { i128::from(d) * i128::from(s) };
                        let mut want = before.clone();
                        want.set(Place::Reg(0), w, product as u64);
                        want.set(upper(w), w, (product >> w) as u64);
                        let cut = if is_signed { !fits(product, w) } else { product >> w != 0 };
                        want.put_flags(CF | OF, flag(CF | OF, cut));
                        bench.check(if is_signed { "IMUL" } else { "MUL" }, &before, &want, undefined("MUL IMUL"));
                    }
                }
            }
        }
        for w in [16, 32] {
            for place in FACTORS {
                // IMUL r, r/m.
                bench.load(&encode(w, &[0x0f, 0xaf], 7, place, &[]));
                for (d, s) in pairs(w, 100, &mut random) {
                    let mut before = prepared(&mut random, place);
                    before.set(Place::Reg(7), w, d);
                    before.set(place, w, s);
                    check_truncated(&mut bench, &before, signed(d, w) * signed(s, w), w);
                }
                // IMUL r, r/m, imm.
                for (d, s) in pairs(w, 60, &mut random).into_iter().step_by(5) {
                    for short in [false, true] {
                        let bits = if short { 8 } else { w };
                        let code = encode(w, &[if short { 0x6b } else { 0x69 }], 7, place, &immediate(s, bits));
                        bench.load(&code);
                        let mut before = prepared(&mut random, place);
                        before.set(place, w, d);
                        check_truncated(&mut bench, &before, signed(d, w) * signed(s & mask(bits), bits), w);
                    }
                }
            }
        }
    }
}
/// IMUL with a destination as wide as its operands: EDI or DI.
#[track_caller]
fn check_truncated(bench: &mut Bench, before: &State, product: i128, w: u32) {
    let mut want = before.clone();
    want.set(Place::Reg(7), w, product as u64);
    want.put_flags(CF | OF, flag(CF | OF, !fits(product, w)));
    bench.check("IMUL", before, &want, undefined("MUL IMUL"));
}

#[test]
fn quotients_are_those_of_wide_arithmetic_or_raise_a_divide_error() {
    let mut random = Random(8);
    for model in OLD_AND_NEW {
        let mut bench = Bench::new(model);
        for is_signed in [false, true] {
            for w in [8, 16, 32] {
                // The 80386's own IDIV r/m8 completes some quotients that the manual calls errors, and the model follows silicon.
                if model == Model::I386Dx && is_signed && w == 8 {
                    continue;
                }
                for place in FACTORS {
                    bench.load(&encode(w, &[0xf6 | wide(w)], if is_signed { 7 } else { 6 }, place, &[]));
                    let mut cases = Vec::new();
                    for (low, divisor) in pairs(w, 100, &mut random) {
                        for high in [0, mask(w), 1, mask(w) >> 1, u64::from(random.u32()) & mask(w)] {
                            cases.push((high, low, divisor));
                        }
                        // Quotients just inside and just outside what fits.
                        for around in -2i128..=2 {
                            let quotient = if is_signed {
                                [-(1i128 << (w - 1)), (1 << (w - 1)) - 1][random.below(2) as usize]
                            } else {
                                mask(w).into()
                            };
                            let d = if is_signed { signed(divisor, w) } else { divisor.into() };
                            let dividend = quotient * d + around;
                            cases.push(((dividend >> w) as u64 & mask(w), dividend as u64 & mask(w), divisor));
                        }
                    }
                    for (high, low, divisor) in cases {
                        let mut before = prepared(&mut random, place);
                        before.set(Place::Reg(0), w, low);
                        before.set(upper(w), w, high);
                        before.set(place, w, divisor);
                        let both = i128::from(high) << w | i128::from(low);
                        let (n, d) = if is_signed {
                            (if high >> (w - 1) != 0 { both - (1i128 << (2 * w)) } else { both }, signed(divisor, w))
                        } else {
                            (both, divisor.into())
                        };
                        let mut want = before.clone();
                        let possible = d != 0 && if is_signed { fits(n / d, w) } else { n / d <= mask(w).into() };
                        if possible {
                            want.set(Place::Reg(0), w, (n / d) as u64);
                            want.set(upper(w), w, (n % d) as u64);
                        } else {
                            want.vector = Some(0);
                        }
                        let unspecified = if possible { undefined("DIV IDIV") } else { 0 };
                        bench.check(if is_signed { "IDIV" } else { "DIV" }, &before, &want, unspecified);
                    }
                }
            }
        }
    }
}
