//! DAA DAS AAA AAS AAM AAD.

use super::*;

#[test]
fn decimal_adjustments_follow_the_manual_for_every_input() {
    let mut random = Random(13);
    let adjusts = |al: u64, state: &State| al & 15 > 9 || state.flags & AF != 0;
    for model in OLD_AND_NEW {
        let mut bench = Bench::new(model);
        for case in 0..1024u64 {
            let mut before = State::random(&mut random);
            let al = case & 0xff;
            before.set(Place::Reg(0), 8, al);
            before.put_flags(CF | AF, flag(CF, case >> 8 & 1 != 0) | flag(AF, case >> 9 != 0));
            let (low, high) = (adjusts(al, &before), al > 0x99 || before.cf());
            let ah = before.get(Place::Reg(4), 8);

            for (name, opcode, minus) in [("DAA", 0x27, false), ("DAS", 0x2f, true)] {
                let change = if low { 6 } else { 0 } + if high { 0x60 } else { 0 };
                let r = if minus { al.wrapping_sub(change) } else { al + change } & 0xff;
                // DAS: the low adjustment's borrow counts too.
                let cf = high || minus && low && al < 6;
                let mut want = before.clone();
                want.set(Place::Reg(0), 8, r);
                want.put_flags(STATUS, result_flags(r, 8) | flag(CF, cf) | flag(AF, low));
                bench.load(&[opcode]);
                bench.check(name, &before, &want, undefined("DAA DAS"));
            }
            for (name, opcode, minus) in [("AAA", 0x37, false), ("AAS", 0x3f, true)] {
                let ax = ah << 8 | al;
                let ax = match (low, minus) {
                    (false, _) => ax,
                    (true, false) => ax + 0x106,
                    (true, true) => ax.wrapping_sub(6).wrapping_sub(0x100),
                };
                let mut want = before.clone();
                want.set(Place::Reg(0), 16, ax & 0xff0f);
                want.put_flags(CF | AF, flag(CF | AF, low));
                bench.load(&[opcode]);
                bench.check(name, &before, &want, undefined("AAA AAS"));
            }
            let base = random.pick(&[10, 10, 16, 1, 2, 255, 0, 7]);
            let mut want = before.clone();
            match al.checked_div(base) {
                Some(quotient) => {
                    want.set(Place::Reg(4), 8, quotient);
                    want.set(Place::Reg(0), 8, al % base);
                    want.put_flags(SF | ZF | PF, result_flags(al % base, 8));
                }
                None => want.vector = Some(0),
            }
            bench.load(&[0xd4, base as u8]);
            bench.check("AAM", &before, &want, if base == 0 { 0 } else { undefined("AAM AAD") });
            let r = (al + ah * base) & 0xff;
            let mut want = before.clone();
            want.set(Place::Reg(0), 16, r);
            want.put_flags(SF | ZF | PF, result_flags(r, 8));
            bench.load(&[0xd5, base as u8]);
            bench.check("AAD", &before, &want, undefined("AAM AAD"));
        }
    }
}
