//! BT BTS BTR BTC, BSF BSR.

use super::{multiply::FACTORS, *};

#[test]
fn bit_tests_copy_the_bit_and_change_only_it() {
    let mut random = Random(9);
    for model in OLD_AND_NEW {
        let mut bench = Bench::new(model);
        for (kind, name) in ["BT", "BTS", "BTR", "BTC"].iter().enumerate() {
            for w in [16, 32] {
                for place in places() {
                    let law = |before: &State, index: i64| {
                        // In memory the index reaches beyond the operand; in a register it is taken modulo its width.
                        let (by, bit) = match place {
                            Place::Reg(_) => (0, index.rem_euclid(w.into())),
                            Place::Mem(_) => (index.div_euclid(w.into()) * i64::from(w / 8), index.rem_euclid(w.into())),
                        };
                        let old = if let Place::Mem(_) = place { before.load(by, w) } else { before.get(place, w) };
                        let new = [old, old | 1 << bit, old & !(1 << bit), old ^ 1 << bit][kind];
                        let mut want = before.clone();
                        if let Place::Mem(_) = place {
                            want.store(by, w, new)
                        } else {
                            want.set(place, w, new)
                        }
                        want.put_flags(CF, flag(CF, old >> bit & 1 != 0));
                        want
                    };
                    bench.load(&encode(w, &[0x0f, 0xa3 | (kind as u8) << 3], 3, place, &[]));
                    for n in 0..300 {
                        let mut before = prepared(&mut random, place);
                        let index = n - 200;
                        before.set(Place::Reg(3), w, index as u64);
                        let want = law(&before, index);
                        bench.check(name, &before, &want, undefined("BT BTS BTR BTC"));
                    }
                    for index in (0..40).chain([0x7f, 0x80, 0xff]) {
                        bench.load(&encode(w, &[0x0f, 0xba], 4 + kind, place, &[index as u8]));
                        let before = prepared(&mut random, place);
                        let want = law(&before, index % i64::from(w));
                        bench.check(name, &before, &want, undefined("BT BTS BTR BTC"));
                    }
                }
            }
        }
    }
}

#[test]
fn bit_scans_find_the_lowest_and_the_highest_bit() {
    let mut random = Random(10);
    for model in OLD_AND_NEW {
        let mut bench = Bench::new(model);
        for (name, opcode) in [("BSF", 0xbc), ("BSR", 0xbd)] {
            for w in [16, 32] {
                for place in FACTORS {
                    bench.load(&encode(w, &[0x0f, opcode], 5, place, &[]));
                    for n in 0..300 {
                        let mut before = prepared(&mut random, place);
                        let s = match n {
                            0 => 0,
                            1..=32 => 1 << (n - 1),
                            _ => u64::from(random.u32() >> random.below(32) << random.below(32)),
                        } & mask(w);
                        before.set(place, w, s);
                        let mut want = before.clone();
                        want.put_flags(ZF, flag(ZF, s == 0));
                        // For a zero source the manual leaves the destination undefined, and every Intel processor leaves it alone.
                        let found = (0..w).filter(|bit| s >> bit & 1 != 0);
                        if let Some(bit) = if name == "BSF" { found.min() } else { found.max() } {
                            want.set(Place::Reg(5), w, bit.into());
                        }
                        bench.check(name, &before, &want, undefined("BSF BSR"));
                    }
                }
            }
        }
    }
}
