//! The sixteen conditions, in SETcc, CMOVcc and Jcc.

use super::{arithmetic::binary, multiply::FACTORS, *};

/// SDM Vol. 1, "EFLAGS Condition Codes".
fn holds(condition: u8, flags: u32) -> bool {
    let is = |f: u32| flags & f != 0;
    match condition {
        0 => is(OF),
        1 => !is(OF),
        2 => is(CF),
        3 => !is(CF),
        4 => is(ZF),
        5 => !is(ZF),
        6 => is(CF) || is(ZF),
        7 => !(is(CF) || is(ZF)),
        8 => is(SF),
        9 => !is(SF),
        10 => is(PF),
        11 => !is(PF),
        12 => is(SF) != is(OF),
        13 => is(SF) == is(OF),
        14 => is(SF) != is(OF) || is(ZF),
        _ => is(SF) == is(OF) && !is(ZF),
    }
}

#[test]
fn conditions_are_right_for_all_flags_in_setcc_cmovcc_and_jcc() {
    let mut random = Random(14);
    let mut bench = Bench::new(Model::PentiumPro);
    let all_flags: Vec<u32> =
        (0..64u32).map(|n| [CF, PF, AF, ZF, SF, OF].iter().enumerate().fold(2, |all, (i, f)| all | flag(*f, n >> i & 1 != 0))).collect();
    for condition in 0..16u8 {
        for place in places() {
            bench.load(&encode(8, &[0x0f, 0x90 | condition], 0, place, &[]));
            for flags in &all_flags {
                let before = State { flags: *flags, ..prepared(&mut random, place) };
                let mut want = before.clone();
                want.set(place, 8, u64::from(holds(condition, *flags)));
                bench.check("SETcc", &before, &want, 0);
            }
        }
        for w in [16, 32] {
            for place in FACTORS {
                bench.load(&encode(w, &[0x0f, 0x40 | condition], 2, place, &[]));
                for flags in &all_flags {
                    let before = State { flags: *flags, ..prepared(&mut random, place) };
                    let mut want = before.clone();
                    if holds(condition, *flags) {
                        want.set(Place::Reg(2), w, before.get(place, w));
                    }
                    bench.check("CMOVcc", &before, &want, 0);
                }
            }
        }
        for (opcode, displacement) in [(&[0x70][..], &[2][..]), (&[0x0f, 0x80], &[2, 0, 0, 0])] {
            // Jcc over `mov cl, 1`.
            let opcode = [&opcode[..opcode.len() - 1], &[opcode[opcode.len() - 1] | condition], displacement].concat();
            let code = [&opcode[..], &[0xb1, 0x01]].concat();
            bench.load(&code);
            for flags in &all_flags {
                let before = State { flags: *flags, ..State::random(&mut random) };
                let mut want = before.clone();
                if !holds(condition, *flags) {
                    want.set(Place::Reg(1), 8, 1);
                }
                assert_eq!(bench.run(&before, RunLimit::none()), want, "Jcc {condition:x} {flags:x}");
            }
        }
    }
}

#[test]
fn a_comparison_and_its_jump_agree_with_wide_arithmetic() {
    let mut random = Random(15);
    let mut bench = Bench::new(Model::PentiumPro);
    for w in [8, 16, 32] {
        for place in [Place::Reg(2), MEMORY[0], MEMORY[1], MEMORY[2]] {
            for condition in 0..16u8 {
                // CMP and TEST with a register, CMP with an immediate, arithmetic that sets its operand: then Jcc over `mov bl, 1`.
                for op in [7, 8, 0, 5, 4, 9, 10] {
                    let first = match op {
                        8 => encode(w, &[0x84 | wide(w)], 1, place, &[]),
                        9 => encode(w, &[0xfe | wide(w)], 1, place, &[]),
                        10 => encode(w, &[0x80 | wide(w)], 7, place, &immediate(0x7f7f_7f7f, w)),
                        op => encode(w, &[(op as u8) << 3 | wide(w)], 1, place, &[]),
                    };
                    bench.load(&[&first[..], &[0x70 | condition, 2, 0xb3, 0x01]].concat());
                    for (d, s) in pairs(w, 10, &mut random).into_iter().step_by(3) {
                        let mut before = prepared(&mut random, place);
                        before.set(Place::Reg(1), w, s);
                        before.set(place, w, d);
                        let mut want = before.clone();
                        let (r, flags, unspecified) = match op {
                            9 => {
                                let (r, flags) = sub(d, 1, false, w);
                                (Some(r), flags & !CF | before.flags & CF, 0)
                            }
                            10 => (None, sub(d, 0x7f7f_7f7f, false, w).1, 0),
                            op => binary(op, d, s, before.cf(), w),
                        };
                        if let Some(r) = r {
                            want.set(place, w, r);
                        }
                        want.put_flags(STATUS, flags);
                        if !holds(condition, flags) {
                            want.set(Place::Reg(3), 8, 1);
                        }
                        let after = bench.run(&before, RunLimit::none());
                        let masked = |state: State| State { flags: state.flags & !unspecified, ..state };
                        assert_eq!(masked(after), masked(want), "{} before {before:x?}", hex(&bench.code));
                    }
                }
            }
        }
    }
}
