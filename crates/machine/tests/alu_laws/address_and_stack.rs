//! LEA, PUSH and POP, flag transfers.

use super::*;

#[test]
fn lea_adds_up_every_32_bit_addressing_form() {
    let mut random = Random(16);
    let mut bench = Bench::new(Model::PentiumPro);
    for w in [16, 32] {
        for modrm in 0..0xc0u32 {
            let (mode, rm) = (modrm >> 6, modrm & 7);
            for sib in if rm == 4 { 0..256u32 } else { 0..1 } {
                // The reg field is spread over the SIB bytes.
                let reg = (modrm >> 3 & 7) as usize;
                if reg == 4 || rm == 4 && sib & 7 != modrm >> 3 & 7 && w == 16 {
                    continue;
                }
                let before = State { regs: std::array::from_fn(|_| random.u32()), ..State::random(&mut random) };
                let displacement = random.u32();
                let mut code = if w == 16 { vec![0x66, 0x8d, modrm as u8] } else { vec![0x8d, modrm as u8] };
                let mut sum = 0u32;
                let base = if rm == 4 {
                    code.push(sib as u8);
                    if sib >> 3 & 7 != 4 {
                        sum = sum.wrapping_add(before.regs[(sib >> 3 & 7) as usize] << (sib >> 6));
                    }
                    sib & 7
                } else {
                    rm
                };
                let size = match (mode, base) {
                    (0, 5) | (2, _) => 4,
                    (1, _) => 1,
                    _ => 0,
                };
                if !(mode == 0 && base == 5) {
                    sum = sum.wrapping_add(before.regs[base as usize]);
                }
                code.extend(&displacement.to_le_bytes()[..size]);
                sum = sum.wrapping_add(match size {
                    0 => 0,
                    1 => displacement as i8 as u32,
                    _ => displacement,
                });
                bench.load(&code);
                let mut want = before.clone();
                want.set(Place::Reg(reg), w, sum.into());
                bench.check("LEA", &before, &want, 0);
            }
        }
    }
}

#[test]
fn lea_adds_up_every_16_bit_addressing_form() {
    let mut random = Random(17);
    let mut bench = Bench::new(Model::I386Dx);
    // BX+SI, BX+DI, BP+SI, BP+DI, SI, DI, BP, BX.
    let forms: [&[usize]; 8] = [&[3, 6], &[3, 7], &[5, 6], &[5, 7], &[6], &[7], &[5], &[3]];
    for w in [16, 32] {
        for modrm in (0..0xc0u32).filter(|modrm| modrm >> 3 & 7 != 4) {
            for _ in 0..8 {
                let (mode, rm) = (modrm >> 6, modrm as usize & 7);
                let before = State { regs: std::array::from_fn(|_| random.u32()), ..State::random(&mut random) };
                let displacement = random.u32();
                let absolute = mode == 0 && rm == 6;
                let size = if absolute { 2 } else { mode as usize };
                let mut code = if w == 16 { vec![0x66] } else { vec![] };
                code.extend([0x67, 0x8d, modrm as u8]);
                code.extend(&displacement.to_le_bytes()[..size]);
                let registers = if absolute { 0 } else { forms[rm].iter().fold(0u32, |sum, n| sum.wrapping_add(before.regs[*n])) };
                let displacement = match size {
                    0 => 0,
                    1 => displacement as i8 as u32,
                    _ => displacement,
                };
                bench.load(&code);
                let mut want = before.clone();
                want.set(Place::Reg((modrm >> 3 & 7) as usize), w, u64::from(registers.wrapping_add(displacement) & 0xffff));
                bench.check("LEA", &before, &want, 0);
            }
        }
    }
}

// ---- PUSH POP

/// A state whose stack lies in the bytes that are compared.
fn on_stack(random: &mut Random) -> State {
    let mut state = State::random(random);
    state.regs[4] = DATA;
    state
}
fn with_prefix(w: u32, code: &[u8]) -> Vec<u8> {
    [if w == 16 { &[0x66][..] } else { &[] }, code].concat()
}

#[test]
fn pushes_and_pops_move_the_value_and_the_pointer() {
    let mut random = Random(18);
    let mut bench = Bench::new(Model::PentiumPro);
    for w in [16, 32] {
        let size = w / 8;
        for _ in 0..20 {
            for register in 0..8 {
                // PUSH ESP stores the pointer as it was; POP ESP leaves what was popped.
                let before = on_stack(&mut random);
                let mut want = before.clone();
                want.store(-i64::from(size), w, before.get(Place::Reg(register), w));
                want.regs[4] -= size;
                for code in [vec![0x50 | register as u8], vec![0xff, 0xf0 | register as u8]] {
                    bench.load(&with_prefix(w, &code));
                    bench.check("PUSH", &before, &want, 0);
                }
                let mut want = before.clone();
                want.regs[4] += size;
                want.set(Place::Reg(register), w, before.load(0, w));
                for code in [vec![0x58 | register as u8], vec![0x8f, 0xc0 | register as u8]] {
                    bench.load(&with_prefix(w, &code));
                    bench.check("POP", &before, &want, 0);
                }
            }
            for short in [false, true] {
                let value = random.u32();
                let before = on_stack(&mut random);
                let mut want = before.clone();
                want.store(-i64::from(size), w, if short { value as i8 as u64 } else { value.into() });
                want.regs[4] -= size;
                let bytes = immediate(value.into(), if short { 8 } else { w });
                bench.load(&with_prefix(w, &[&[if short { 0x6a } else { 0x68 }][..], &bytes].concat()));
                bench.check("PUSH", &before, &want, 0);
            }
            // PUSH and POP with [ESP+disp8]: PUSH takes the address before it moves ESP, POP behind.
            let before = on_stack(&mut random);
            let mut want = before.clone();
            want.store(-i64::from(size), w, before.load(12, w));
            want.regs[4] -= size;
            bench.load(&with_prefix(w, &[0xff, 0x74, 0x24, 12]));
            bench.check("PUSH", &before, &want, 0);
            let mut want = before.clone();
            want.store(12 + i64::from(size), w, before.load(0, w));
            want.regs[4] += size;
            bench.load(&with_prefix(w, &[0x8f, 0x44, 0x24, 12]));
            bench.check("POP", &before, &want, 0);
        }
    }
}

#[test]
fn pusha_and_popa_keep_the_order_and_skip_the_stack_pointer() {
    let mut random = Random(19);
    let mut bench = Bench::new(Model::I386Dx);
    for w in [16, 32] {
        for _ in 0..50 {
            let before = on_stack(&mut random);
            let size = i64::from(w / 8);
            let mut want = before.clone();
            for register in 0..8 {
                want.store(-size * (register as i64 + 1), w, before.get(Place::Reg(register), w));
            }
            want.regs[4] -= 8 * w / 8;
            bench.load(&with_prefix(w, &[0x60]));
            bench.check("PUSHA", &before, &want, 0);
            let mut want = before.clone();
            for register in (0..8).filter(|register| *register != 4) {
                want.set(Place::Reg(register), w, before.load(size * (7 - register as i64), w));
            }
            want.regs[4] += 8 * w / 8;
            bench.load(&with_prefix(w, &[0x61]));
            bench.check("POPA", &before, &want, 0);
        }
    }
}

#[test]
fn carry_and_flag_transfers_do_only_that() {
    let mut random = Random(20);
    let mut bench = Bench::new(Model::PentiumPro);
    for _ in 0..100 {
        let before = State::random(&mut random);
        let ah = before.get(Place::Reg(4), 8) as u32;
        let kept = SF | ZF | AF | PF | CF;
        for (name, opcode, flags) in [
            ("CLC", 0xf8, before.flags & !CF),
            ("STC", 0xf9, before.flags | CF),
            ("CMC", 0xf5, before.flags ^ CF),
            ("SAHF", 0x9e, before.flags & !kept | ah & kept),
        ] {
            bench.load(&[opcode]);
            bench.check(name, &before, &State { flags, ..before.clone() }, 0);
        }
        let mut want = before.clone();
        want.set(Place::Reg(4), 8, u64::from(before.flags & 0xff));
        bench.load(&[0x9f]);
        bench.check("LAHF", &before, &want, 0);
        let mut want = before.clone();
        want.set(Place::Reg(0), 8, if before.cf() { 0xff } else { 0 });
        bench.load(&[0xd6]);
        bench.check("SALC", &before, &want, 0);
    }
}

#[test]
fn enter_copies_what_it_has_pushed_where_frames_overlap() {
    let registers = Registers { esp: 0x8000, ebp: 0x8004, ..Registers::default() };
    let bench = SingleStep::flat32(Model::I386Dx).registers(registers).memory(0x7fe0, &[0xcc; 0x40]);
    let (after, machine) = bench.execute_in(&[0xc8, 0x00, 0x00, 0x03]).unwrap(); // enter 0, 3
    let mut stack = [0; 16];
    machine.read_physical(PhysicalAddress(0x7ff0), &mut stack);
    let pushed: Vec<u32> = stack.chunks_exact(4).rev().map(|bytes| u32::from_le_bytes(bytes.try_into().unwrap())).collect();
    // EBP, [8000], [7ffc]: the EBP just pushed, the new frame.
    assert_eq!(pushed, [0x8004, 0xcccc_cccc, 0x8004, 0x7ffc]);
    assert_eq!((after.ebp, after.esp), (0x7ffc, 0x7ff0));
}
