//! Two operands and one: ADD ADC SUB SBB CMP AND OR XOR TEST, INC DEC NEG NOT.

use super::*;

/// Result (none for those that only compare), flags.
pub fn binary(op: usize, d: u64, s: u64, cf: bool, w: u32) -> (Option<u64>, u32, u32) {
    let logic = |r: u64| (r, result_flags(r, w));
    let ((r, flags), unspecified) = match op {
        0 => (add(d, s, false, w), 0),
        1 => (logic(d | s), undefined("AND OR XOR TEST")),
        2 => (add(d, s, cf, w), 0),
        3 => (sub(d, s, cf, w), 0),
        4 | 8 => (logic(d & s), undefined("AND OR XOR TEST")),
        5 | 7 => (sub(d, s, false, w), 0),
        _ => (logic(d ^ s), undefined("AND OR XOR TEST")),
    };
    (if op >= 7 { None } else { Some(r) }, flags, unspecified)
}
const BINARY: [&str; 9] = ["ADD", "OR", "ADC", "SBB", "AND", "SUB", "XOR", "CMP", "TEST"];

#[test]
fn two_operand_arithmetic_and_logic_is_wide_arithmetic() {
    let mut random = Random(1);
    let mut bench = Bench::new(Model::PentiumPro);
    for (op, name) in BINARY.iter().enumerate() {
        let group = if op == 8 { 0x84 } else { (op as u8) << 3 };
        for w in [8, 16, 32] {
            for place in places() {
                // r/m, r and r, r/m.
                for reversed in [false, true] {
                    if op == 8 && reversed {
                        continue;
                    }
                    let code = encode(w, &[group | wide(w) | if reversed { 2 } else { 0 }], 1, place, &[]);
                    bench.load(&code);
                    for (d, s) in pairs(w, 60, &mut random) {
                        let mut before = prepared(&mut random, place);
                        let (to, from) = if reversed { (Place::Reg(1), place) } else { (place, Place::Reg(1)) };
                        before.set(to, w, d);
                        before.set(from, w, s);
                        let (r, flags, unspecified) = binary(op, d, s, before.cf(), w);
                        let mut want = before.clone();
                        if let Some(r) = r {
                            want.set(to, w, r);
                        }
                        want.put_flags(STATUS, flags);
                        bench.check(name, &before, &want, unspecified);
                    }
                }
                // r/m, imm, and for wide operands r/m, imm8 with its sign.
                for (d, s) in pairs(w, 0, &mut random).into_iter().step_by(3) {
                    for short in [false, true] {
                        if short && (w == 8 || op == 8 || !fits(signed(s, w), 8)) {
                            continue;
                        }
                        let (opcode, reg) = if op == 8 { (0xf6, 0) } else { (if short { 0x82 } else { 0x80 }, op) };
                        let code = encode(w, &[opcode | wide(w)], reg, place, &immediate(s, if short { 8 } else { w }));
                        bench.load(&code);
                        let mut before = prepared(&mut random, place);
                        before.set(place, w, d);
                        let (r, flags, unspecified) = binary(op, d, s, before.cf(), w);
                        let mut want = before.clone();
                        if let Some(r) = r {
                            want.set(place, w, r);
                        }
                        want.put_flags(STATUS, flags);
                        bench.check(name, &before, &want, unspecified);
                    }
                }
            }
            // The accumulator, imm.
            for (d, s) in pairs(w, 20, &mut random).into_iter().step_by(2) {
                let opcode = if op == 8 { 0xa8 } else { group | 4 } | wide(w);
                let mut code = if w == 16 { vec![0x66, opcode] } else { vec![opcode] };
                code.extend(immediate(s, w));
                bench.load(&code);
                let mut before = State::random(&mut random);
                before.set(Place::Reg(0), w, d);
                let (r, flags, unspecified) = binary(op, d, s, before.cf(), w);
                let mut want = before.clone();
                if let Some(r) = r {
                    want.set(Place::Reg(0), w, r);
                }
                want.put_flags(STATUS, flags);
                bench.check(name, &before, &want, unspecified);
            }
        }
    }
}

#[test]
fn byte_arithmetic_is_right_for_every_pair_and_carry() {
    let mut bench = Bench::new(Model::PentiumPro);
    for op in [0, 2, 3, 5] {
        bench.load(&[(op as u8) << 3, 0xd8]); // AL, BL
        let mut before = State { regs: [0x5a5a_5a5a; 8], flags: 2, memory: [0; WINDOW], vector: None };
        before.regs[4] = STACK;
        for case in 0..1u64 << 17 {
            // Operations without a carry in need one round only.
            let (d, s, cf) = (case & 0xff, case >> 8 & 0xff, case >> 16 != 0);
            if cf && matches!(op, 0 | 5) {
                break;
            }
            before.set(Place::Reg(0), 8, d);
            before.set(Place::Reg(3), 8, s);
            before.flags = 2 | u32::from(cf);
            let (r, flags, _) = binary(op, d, s, cf, 8);
            let after = bench.run(&before, RunLimit::none());
            assert_eq!((after.regs[0] & 0xff, after.flags), (r.unwrap_or(d) as u32, flags | 2), "{} {d:02x} {s:02x} {cf}", BINARY[op]);
        }
    }
}

#[test]
fn one_register_can_be_both_operands() {
    let mut random = Random(2);
    let mut bench = Bench::new(Model::I386Dx);
    for (op, name) in BINARY.iter().enumerate() {
        let group = if op == 8 { 0x84 } else { (op as u8) << 3 };
        for w in [8, 16, 32] {
            // Of byte registers also the halves of one.
            for (to, from) in [(3, 3), (3, 7), (7, 3)].into_iter().take(if w == 8 { 3 } else { 1 }) {
                bench.load(&encode(w, &[group | wide(w)], from, Place::Reg(to), &[]));
                for _ in 0..200 {
                    let before = State::random(&mut random);
                    let (d, s) = (before.get(Place::Reg(to), w), before.get(Place::Reg(from), w));
                    let (r, flags, unspecified) = binary(op, d, s, before.cf(), w);
                    let mut want = before.clone();
                    if let Some(r) = r {
                        want.set(Place::Reg(to), w, r);
                    }
                    want.put_flags(STATUS, flags);
                    bench.check(name, &before, &want, unspecified);
                }
            }
        }
    }
}

// ---- INC DEC NEG NOT

#[test]
fn one_operand_arithmetic_is_wide_arithmetic() {
    let mut random = Random(3);
    let mut bench = Bench::new(Model::PentiumPro);
    for (name, opcode, reg) in [("INC", 0xfe, 0), ("DEC", 0xfe, 1), ("NOT", 0xf6, 2), ("NEG", 0xf6, 3)] {
        for w in [8, 16, 32] {
            let short = w != 8 && opcode == 0xfe;
            for (place, short) in places().map(|place| (place, false)).chain([(Place::Reg(5), true)].into_iter().filter(|_| short)) {
                let code = match (place, short) {
                    (Place::Reg(n), true) => [if w == 16 { &[0x66][..] } else { &[] }, &[0x40 | (reg as u8) << 3 | n as u8]].concat(),
                    _ => encode(w, &[opcode | wide(w)], reg, place, &[]),
                };
                bench.load(&code);
                for (d, _) in pairs(w, 100, &mut random) {
                    let mut before = prepared(&mut random, place);
                    before.set(place, w, d);
                    let (r, flags, touched) = match name {
                        "INC" => (add(d, 1, false, w).0, add(d, 1, false, w).1, STATUS & !CF),
                        "DEC" => (sub(d, 1, false, w).0, sub(d, 1, false, w).1, STATUS & !CF),
                        "NOT" => (!d, 0, 0),
                        _ => (sub(0, d, false, w).0, sub(0, d, false, w).1, STATUS),
                    };
                    let mut want = before.clone();
                    want.set(place, w, r);
                    want.put_flags(touched, flags);
                    bench.check(name, &before, &want, 0);
                }
            }
        }
    }
}
