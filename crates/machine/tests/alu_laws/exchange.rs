//! XADD CMPXCHG CMPXCHG8B BSWAP XCHG, and moves that extend.

use super::*;

#[test]
fn exchanging_instructions_exchange() {
    let mut random = Random(11);
    let mut bench = Bench::new(Model::PentiumPro);
    for w in [8, 16, 32] {
        for place in places() {
            bench.load(&encode(w, &[0x0f, 0xc0 | wide(w)], 1, place, &[]));
            for (d, s) in pairs(w, 50, &mut random) {
                let mut before = prepared(&mut random, place);
                before.set(place, w, d);
                before.set(Place::Reg(1), w, s);
                let (r, flags) = add(d, s, false, w);
                let mut want = before.clone();
                want.set(Place::Reg(1), w, d);
                want.set(place, w, r);
                want.put_flags(STATUS, flags);
                bench.check("XADD", &before, &want, 0);
            }
            bench.load(&encode(w, &[0x0f, 0xb0 | wide(w)], 1, place, &[]));
            for (d, a) in pairs(w, 50, &mut random).into_iter().flat_map(|(d, a)| [(d, a), (d, d)]) {
                let mut before = prepared(&mut random, place);
                before.set(place, w, d);
                before.set(Place::Reg(0), w, a);
                let mut want = before.clone();
                want.put_flags(STATUS, sub(a, d, false, w).1);
                if a == d {
                    want.set(place, w, before.get(Place::Reg(1), w));
                } else {
                    want.set(Place::Reg(0), w, d);
                }
                bench.check("CMPXCHG", &before, &want, 0);
            }
            bench.load(&encode(w, &[0x86 | wide(w)], 1, place, &[]));
            for _ in 0..50 {
                let before = prepared(&mut random, place);
                let mut want = before.clone();
                want.set(place, w, before.get(Place::Reg(1), w));
                want.set(Place::Reg(1), w, before.get(place, w));
                bench.check("XCHG", &before, &want, 0);
            }
        }
        // One register as both operands: XADD leaves the sum.
        bench.load(&encode(w, &[0x0f, 0xc0 | wide(w)], 3, Place::Reg(3), &[]));
        for _ in 0..50 {
            let before = State::random(&mut random);
            let d = before.get(Place::Reg(3), w);
            let (r, flags) = add(d, d, false, w);
            let mut want = before.clone();
            want.set(Place::Reg(3), w, r);
            want.put_flags(STATUS, flags);
            bench.check("XADD", &before, &want, 0);
        }
    }
    for place in MEMORY {
        bench.load(&encode(32, &[0x0f, 0xc7], 1, place, &[]));
        for n in 0..200 {
            let mut before = prepared(&mut random, place);
            if n % 2 == 0 {
                before.store(0, 32, before.regs[0].into());
            }
            if n % 4 == 0 {
                before.store(4, 32, before.regs[2].into());
            }
            let old = (before.load(0, 32), before.load(4, 32));
            let equal = old == (before.regs[0].into(), before.regs[2].into());
            let mut want = before.clone();
            want.put_flags(ZF, flag(ZF, equal));
            if equal {
                want.store(0, 32, before.regs[3].into());
                want.store(4, 32, before.regs[1].into());
            } else {
                (want.regs[0], want.regs[2]) = (old.0 as u32, old.1 as u32);
            }
            bench.check("CMPXCHG8B", &before, &want, 0);
        }
    }
    for register in [0, 1, 2, 3, 5, 6, 7] {
        bench.load(&[0x0f, 0xc8 | register as u8]);
        for _ in 0..30 {
            let before = State::random(&mut random);
            let mut want = before.clone();
            let bytes = before.regs[register].to_le_bytes();
            want.regs[register] = u32::from_be_bytes(bytes);
            bench.check("BSWAP", &before, &want, 0);
        }
    }
}

// ---- MOV MOVZX MOVSX CBW CWDE CWD CDQ

#[test]
fn extensions_keep_the_value_and_the_flags() {
    let mut random = Random(12);
    for model in OLD_AND_NEW {
        let mut bench = Bench::new(model);
        for (name, opcode, is_signed) in [("MOVZX", 0xb6, false), ("MOVSX", 0xbe, true)] {
            for (from, to) in [(8, 16), (8, 32), (16, 32)] {
                for place in places() {
                    bench.load(&encode(to, &[0x0f, opcode | wide(from)], 1, place, &[]));
                    for (s, _) in pairs(from, 20, &mut random) {
                        let mut before = prepared(&mut random, place);
                        before.set(place, from, s);
                        let mut want = before.clone();
                        want.set(Place::Reg(1), to, if is_signed { signed(s, from) as u64 } else { s });
                        bench.check(name, &before, &want, 0);
                    }
                }
            }
        }
        for _ in 0..400 {
            let before = State::random(&mut random);
            let a = u64::from(before.regs[0]);
            let sign = |w: u32| if a >> (w - 1) & 1 != 0 { !0 } else { 0 };
            for (name, code, place, w, value) in [
                ("CBW", &[0x66, 0x98][..], Place::Reg(0), 16, signed(a & 0xff, 8) as u64),
                ("CWDE", &[0x98], Place::Reg(0), 32, signed(a & 0xffff, 16) as u64),
                ("CWD", &[0x66, 0x99], Place::Reg(2), 16, sign(16)),
                ("CDQ", &[0x99], Place::Reg(2), 32, sign(32)),
            ] {
                bench.load(code);
                let mut want = before.clone();
                want.set(place, w, value);
                bench.check(name, &before, &want, 0);
            }
        }
    }
}
