//! Running tests: what passes, what fails, what is not compared, what is not run.

use std::str::FromStr;
use turtle86::arch::Model;
use turtle86_conformance::moo::{
    CpuId, Cycle, Exception, Header, Layout, Mismatch, Opcode, Reader, Register, Registers, Revoked, Runner, State, Test, Verdict, Writer,
    generate, hash, reasons, run_file,
};

const C8086: CpuId = CpuId(*b"8086");
const C286: CpuId = CpuId(*b"C286");

fn runner(cpu: CpuId) -> Runner {
    Runner::new(cpu, cpu.nearest_model()).unwrap().unwrap()
}

/// A test at 1000:2000 with the stack at 3000:4000 and DS and ES at 5000 that nothing comes of, but for EIP.
fn test(cpu: CpuId, code: &[u8], set: &[(Register, u32)]) -> Test {
    use Register::*;
    let layout = if cpu == C8086 || cpu == C286 { Layout::Words } else { Layout::Dwords };
    let hlt: &[u8] = if cpu == C8086 { &[] } else { &[0xf4] };
    let bytes = [code, hlt].concat();
    let mut registers = Registers::new(layout);
    layout.order().iter().for_each(|register| registers.set(*register, 0));
    let usual = [(Cs, 0x1000), (Eip, 0x2000), (Ss, 0x3000), (Esp, 0x4000), (Ds, 0x5000), (Es, 0x5000), (Eflags, 2)];
    let constant = [(Cr0, 0x7ffe_fff0), (Dr6, 0xffff_0ff0)];
    usual.iter().chain(&constant).chain(set).for_each(|(register, value)| registers.set(*register, *value));
    let get = |register| registers.get(register).unwrap();
    let start = (get(Cs) << 4) + get(Eip);
    let mut initial = State::new(registers.clone());
    initial.ram = (start..).zip(bytes.iter().copied()).collect();
    let mut after = State::new(Registers::new(layout));
    after.registers.set(Eip, get(Eip) + bytes.len() as u32);
    Test { index: 0, seed: None, name: "by hand".into(), bytes, initial, after, cycles: Vec::new(), exception: None, hash: None }
}
/// The same with registers and bytes that change.
fn changes(mut test: Test, registers: &[(Register, u32)], ram: &[(u32, u8)]) -> Test {
    registers.iter().for_each(|(register, value)| test.after.registers.set(*register, *value));
    test.after.ram.extend(ram);
    test
}
fn reads(mut test: Test, ram: &[(u32, u8)]) -> Test {
    test.initial.ram.extend(ram);
    test
}
fn skipped(cpu: CpuId, test: &Test) -> Option<&'static str> {
    match runner(cpu).run(test, None) {
        Verdict::Skipped(skip) => Some(skip.name),
        _ => None,
    }
}

fn generated(model: Model, opcode: &str, count: u32) -> Vec<Test> {
    generate(model, &Opcode::from_str(opcode).unwrap(), count, 1).unwrap().1
}
fn file(cpu: CpuId, tests: &[Test], masks: Option<&Registers>) -> Vec<u8> {
    let header = Header { version: (1, 1), tests: tests.len() as u32, cpu };
    let mut writer = Writer::new(Vec::new(), &header, None, masks).unwrap();
    tests.iter().for_each(|test| writer.write(test).unwrap());
    writer.finish().unwrap()
}

#[test]
fn our_own_results_pass() {
    for model in [Model::I386Ex, Model::PentiumPro] {
        for opcode in ["00", "676601", "80.4", "F6.7", "F3A4", "66C8", "CD", "62", "EB", "C4", "8E.3", "0FA3", "9D", "F4", "F06601", "0F22"]
        {
            let tests = generated(model, opcode, 12);
            let bytes = file(CpuId::of(model), &tests, None);
            let mut runner = Runner::new(CpuId::of(model), model).unwrap().unwrap();
            let (report, end) = run_file(Reader::new(&bytes[..]).unwrap(), Some(&mut runner), &Revoked::default(), 1);
            assert!(end.is_ok());
            assert_eq!((report.passed, report.failed, report.skipped.len()), (12, 0, 0), "{opcode} on a {model}: {:?}", report.failures);
            assert_eq!(report.cycles.compared, 0);
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_tests() {
    assert_eq!(generated(Model::I386Dx, "0FAF", 5), generated(Model::I386Dx, "0FAF", 5));
    for test in generated(Model::I386Dx, "0FAF", 5) {
        assert_eq!(test.hash, Some(hash(&Test { hash: None, ..test.clone() })));
    }
    assert!(generate(Model::I386Dx, &Opcode::from_str("FE.7").unwrap(), 1, 0).is_err());
    assert!(["", "1", "xx", "80.8", "80.", "00112233445566"].iter().all(|bad| Opcode::from_str(bad).is_err()));
}

#[test]
fn every_changed_register_flag_and_byte_is_found() {
    let model = Model::I486Dx;
    let mut runner = Runner::new(CpuId::of(model), model).unwrap().unwrap();
    for test in generated(model, "6601", 30) {
        assert_eq!(runner.run(&test, None), Verdict::Passed);
        for register in Layout::Dwords.order() {
            let now = test.after.registers.get(*register).or(test.initial.registers.get(*register)).unwrap();
            // CR3 and the debug registers read as ones or zeros where they have no bits; 1000h is a bit of none but CR3.
            let bit = if matches!(register, Register::Cr3) { 0x1000 } else { 1 };
            let wrong = changes(test.clone(), &[(*register, now ^ bit)], &[]);
            assert!(matches!(&runner.run(&wrong, None), Verdict::Failed(found) if found.len() == 1), "{register:?}");
        }
        let mut wrong = test.clone();
        for (_, value) in &mut wrong.after.ram {
            *value ^= 0x10;
        }
        assert_eq!(matches!(runner.run(&wrong, None), Verdict::Failed(_)), !test.after.ram.is_empty());
    }
}

#[test]
fn a_store_that_the_capture_does_not_have_is_found_and_is_laid_at_the_right_door() {
    // mov [1234h], al; the second one is told to store nothing.
    let store = changes(test(CpuId::I386EX, &[0xa2, 0x34, 0x12], &[(Register::Eax, 0x77)]), &[], &[(0x51234, 0x77)]);
    let mut silent = store.clone();
    silent.index = 1;
    silent.after.ram.clear();
    let bytes = file(CpuId::I386EX, &[store.clone(), silent, store], None);
    let (report, _) = run_file(Reader::new(&bytes[..]).unwrap(), Some(&mut runner(CpuId::I386EX)), &Revoked::default(), 9);
    assert_eq!((report.passed, report.failed), (2, 1));
    assert_eq!(report.failures[0].index, 1);
    assert_eq!(report.failures[0].differences, ["[051234]: ours 77, the capture writes nothing there"]);
}

#[test]
fn a_byte_that_was_written_as_it_was_before_is_seen_in_the_bus_cycles() {
    let store = test(CpuId::I386EX, &[0xa3, 0x34, 0x12], &[(Register::Eax, 0x7788)]);
    let t1 = Cycle { pins: 9, address: 0x51234, status: 7, data: 0x7788, t_state: 1, ..Cycle::default() };
    let cycles = vec![t1, Cycle { pins: 8, t_state: 2, ..t1 }];
    let mut runner = runner(CpuId::I386EX);
    assert_eq!(runner.run(&Test { cycles: cycles.clone(), ..store.clone() }, None), Verdict::Passed);
    assert_eq!(runner.stray(), []);
    assert_eq!((runner.run(&store, None), runner.stray().len()), (Verdict::Passed, 2));
    let wrong = cycles.iter().map(|cycle| Cycle { data: 0x7789, ..*cycle }).collect();
    assert!(matches!(runner.run(&Test { cycles: wrong, ..store }, None), Verdict::Failed(found) if found.len() == 1));
}

#[test]
fn masks_of_the_file_and_of_the_test_leave_bits_out() {
    // add al, 1 with a wrong CF
    let test = test(CpuId::I386EX, &[4, 1], &[]);
    let wrong = changes(test, &[(Register::Eax, 1), (Register::Eflags, 3)], &[]);
    let mut mask = Registers::new(Layout::Dwords);
    mask.set(Register::Eflags, !1);
    let mut runner = runner(CpuId::I386EX);
    assert!(matches!(runner.run(&wrong, None), Verdict::Failed(_)));
    assert_eq!(runner.run(&wrong, Some(&mask)), Verdict::Passed);
    let mut own = wrong.clone();
    own.after.masks = Some(mask);
    assert_eq!(runner.run(&own, None), Verdict::Passed);
}

#[test]
fn undefined_flags_of_a_capture_are_not_compared_also_where_they_are_pushed() {
    // mul cl: SF ZF AF PF are undefined.
    let mul = changes(test(CpuId::I386EX, &[0xf6, 0xe1], &[(Register::Eax, 3), (Register::Ecx, 5)]), &[(Register::Eax, 15)], &[]);
    let mut runner = runner(CpuId::I386EX);
    for flags in [0x02, 0xd6] {
        assert_eq!(runner.run(&changes(mul.clone(), &[(Register::Eflags, flags)], &[]), None), Verdict::Passed);
    }
    assert!(matches!(runner.run(&changes(mul, &[(Register::Eflags, 3)], &[]), None), Verdict::Failed(_)));

    // div cl by zero: the flags are undefined, the rest of the frame is not.
    let frame = |flags: u8, ip: u8| {
        let div = reads(test(CpuId::I386EX, &[0xf6, 0xf1], &[]), &[(0, 0), (1, 0), (2, 0), (3, 0x80), (0x80000, 0xf4)]);
        let pushed = [(0x33fff, 0), (0x33ffe, flags), (0x33ffd, 0x10), (0x33ffc, 0), (0x33ffb, 0x20), (0x33ffa, ip)];
        let registers = [(Register::Cs, 0x8000), (Register::Eip, 1), (Register::Esp, 0x3ffa), (Register::Eflags, u32::from(flags))];
        Test { exception: Some(Exception { vector: 0, flags_at: 0x33ffe }), ..changes(div, &registers, &pushed) }
    };
    assert_eq!(runner.run(&frame(0xd7, 0), None), Verdict::Passed);
    assert_eq!(runner.run(&frame(0x02, 0), None), Verdict::Passed);
    assert!(
        matches!(runner.run(&frame(0x02, 2), None), Verdict::Failed(found) if matches!(found[0], Mismatch::Memory { address: 0x33ffa, .. }))
    );
}

#[test]
fn a_jump_ends_where_a_hlt_would_be_fetched() {
    let mut runner = runner(CpuId::I386EX);
    // jmp $: what lies there is the jump itself, and the captures put a HLT on the bus.
    assert_eq!(runner.run(&changes(test(CpuId::I386EX, &[0xeb, 0xfe], &[]), &[(Register::Eip, 0x2001)], &[]), None), Verdict::Passed);
    // jmp 100h behind it
    assert_eq!(runner.run(&changes(test(CpuId::I386EX, &[0xe9, 0, 1], &[]), &[(Register::Eip, 0x2104)], &[]), None), Verdict::Passed);
    // hlt itself
    let mut hlt = test(CpuId::I386EX, &[], &[]);
    hlt.after.registers.set(Register::Eip, 0x2001);
    assert_eq!(runner.run(&hlt, None), Verdict::Passed);
}

#[test]
fn the_386ex_answers_at_the_ports_of_its_configuration() {
    // in ax, 22h; in al, 80h
    let mut runner = runner(CpuId::I386EX);
    let word = changes(test(CpuId::I386EX, &[0xe5, 0x22], &[]), &[(Register::Eax, 0x427f)], &[]);
    let byte = changes(test(CpuId::I386EX, &[0xe4, 0x80], &[]), &[(Register::Eax, 0xff)], &[]);
    assert_eq!((runner.run(&word, None), runner.run(&byte, None)), (Verdict::Passed, Verdict::Passed));
}

#[test]
fn an_8086_runs_one_instruction_without_a_hlt_in_a_megabyte_that_wraps() {
    let mut runner = runner(C8086);
    let nops = [(0x12002, 0x90), (0x12003, 0x90)];
    let add = changes(test(C8086, &[0, 0xe1], &[(Register::Eax, 0x339c), (Register::Ecx, 0x10)]), &[(Register::Ecx, 0x43)], &[]);
    assert_eq!(runner.run(&reads(add, &nops), None), Verdict::Passed);
    // mov [10h], al with DS = FFFFh goes to address 0; the upper four flags are ones.
    let high = test(C8086, &[0xa2, 0x10, 0], &[(Register::Ds, 0xffff), (Register::Eax, 9), (Register::Eflags, 0xf002)]);
    assert_eq!(runner.run(&changes(high, &[], &[(0, 9)]), None), Verdict::Passed);
    // pushf stores them
    let pushf = test(C8086, &[0x9c], &[(Register::Eflags, 0xfcd7)]);
    assert_eq!(runner.run(&changes(pushf, &[(Register::Esp, 0x3ffe)], &[(0x33ffe, 0xd7), (0x33fff, 0xfc)]), None), Verdict::Passed);
    // rep stosb, three times
    let stos =
        changes(test(C8086, &[0xf3, 0xaa], &[(Register::Ecx, 3), (Register::Eax, 7)]), &[(Register::Ecx, 0), (Register::Edi, 3)], &[]);
    assert_eq!(runner.run(&changes(stos, &[], &[(0x50000, 7), (0x50001, 7), (0x50002, 7)]), None), Verdict::Passed);
    // jmp $
    assert_eq!(runner.run(&changes(test(C8086, &[0xeb, 0xfe], &[]), &[(Register::Eip, 0x2000)], &[]), None), Verdict::Passed);
}

#[test]
fn what_an_8086_does_otherwise_is_skipped_with_the_reason() {
    use Register::*;
    let why = |code: &[u8], set: &[(Register, u32)]| skipped(C8086, &test(C8086, code, set));
    for (code, set, reason) in [
        (&[0x54][..], &[][..], "push-sp"),
        (&[0xff, 0xf4], &[], "push-sp"),
        (&[0xd3, 0xe0], &[(Ecx, 32)], "shift-count"),
        (&[0x60], &[], "undefined-opcode"),
        (&[0x0f, 0xa2], &[], "undefined-opcode"),
        (&[0xc1, 0xe0, 4], &[], "undefined-opcode"),
        (&[0xd2, 0xf0], &[(Ecx, 1)], "undefined-opcode"),
        (&[0x8e, 0xc8], &[], "undefined-opcode"),
        (&[0xc6, 0xc8, 1], &[], "undefined-opcode"),
        (&[0xf1], &[], "undefined-opcode"),
        (&[0xd8, 0xc0], &[], "coprocessor"),
        (&[0xf3, 0xf6, 0xf9], &[(Ecx, 1)], "rep-multiply"),
        (&[0xf0, 0x00, 0xc0], &[], "lock"),
        (&[0x26; 16], &[], "redundant-prefixes"),
        (&[0x40], &[(Eip, 0xffff)], "code-wraps"),
        (&[0xa1, 0xff, 0xff], &[], "operand-wraps"),
        (&[0x01, 0x40, 0x01], &[(Ebx, 0xfff0), (Esi, 0xe)], "operand-wraps"),
        (&[0x50], &[(Esp, 1)], "operand-wraps"),
        (&[0xcd, 3], &[(Esp, 3)], "operand-wraps"),
        (&[0xf3, 0xa5], &[(Esi, 0xfffb), (Ecx, 5)], "operand-wraps"),
        (&[0x9a, 0, 0, 0, 0], &[(Esp, 3)], "operand-wraps"),
        (&[0x37], &[(Eax, 0xfa)], "decimal-adjust"),
        (&[0x27], &[(Eax, 0x9a), (Eflags, 0x12)], "decimal-adjust"),
    ] {
        let code = if code.len() == 16 { [code, &[0x40]].concat() } else { code.to_vec() };
        assert_eq!(why(&code, set), Some(reason), "{code:02x?}");
        assert!(reasons().any(|known| known.name == reason && !known.why.is_empty()));
    }
    // And what lies beside these is run.
    for (code, set) in [
        (&[0x53][..], &[][..]),
        (&[0xd3, 0xe0], &[(Ecx, 31)]),
        (&[0xd6], &[]),
        (&[0xa0, 0xff, 0xff], &[]),
        (&[0x50], &[(Esp, 0)]),
        (&[0xf3, 0xa5], &[(Esi, 0xfff6), (Ecx, 5)]),
        (&[0xf3, 0xa5], &[(Esi, 0xfffb), (Ecx, 2)]),
        (&[0x37], &[(Eax, 0xf9)]),
        (&[0xf6, 0xf9], &[(Ecx, 1)]),
    ] {
        assert_eq!(why(code, set), None, "{code:02x?}");
    }
    let fault = changes(test(C8086, &[0xf6, 0xf1], &[]), &[(Esp, 0x3ffa)], &[]);
    assert_eq!(skipped(C8086, &fault), Some("divide-exception"));
}

#[test]
fn what_a_286_does_otherwise_is_skipped_with_the_reason() {
    let why = |code: &[u8]| skipped(C286, &test(C286, code, &[]));
    for (code, reason) in [
        (&[0x0f, 0xa0][..], "undefined-opcode"),
        (&[0x66, 0x40], "undefined-opcode"),
        (&[0xf1], "undefined-opcode"),
        (&[0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x00, 0x00], "redundant-prefixes"),
        (&[0xf0, 0x40], "lock"),
        (&[0x0f, 1, 0xe0], "machine-status-word"),
        (&[0x0f, 1, 6, 0, 0], "table-registers"),
        (&[0xdb, 0xe3], "coprocessor"),
    ] {
        assert_eq!(why(code), Some(reason), "{code:02x?}");
    }
    assert_eq!((why(&[0x54]), why(&[0x60]), why(&[0xf0, 0, 0])), (None, None, None));
    // The upper four flags that LOADALL was given never came to be.
    let nop = test(C286, &[0x90], &[(Register::Eflags, 0x7002)]);
    assert_eq!(runner(C286).run(&nop, None), Verdict::Passed);
    // shl al, 16: the 386 has a rule for CF, the 286 another.
    let shift = changes(test(C286, &[0xc0, 0xe0, 16], &[(Register::Eax, 1)]), &[(Register::Eax, 0), (Register::Eflags, 0x46)], &[]);
    assert_eq!(runner(C286).run(&shift, None), Verdict::Passed);
}

#[test]
fn what_a_386_capture_does_not_tell_is_skipped_with_the_reason() {
    use Register::*;
    let ex = |code: &[u8]| skipped(CpuId::I386EX, &test(CpuId::I386EX, code, &[]));
    let on = |model, test: &Test| match Runner::new(CpuId::I386EX, model).unwrap().unwrap().run(test, None) {
        Verdict::Skipped(skip) => Some(skip.name),
        _ => None,
    };
    assert_eq!(ex(&[0x0f, 1, 6, 0, 0]), Some("table-registers"));
    assert_eq!(ex(&[0x0f, 0x21, 0xc0]), Some("unseen-register"));
    assert_eq!(ex(&[0x67, 0x8b, 0x44, 0x60, 1]), Some("scaled-no-index"));
    assert_eq!(ex(&[0x67, 0x8b, 0x44, 0x20, 1]), None);
    assert_eq!(ex(&[0x0f, 0x20, 0xc0]), None);
    assert_eq!(on(Model::I386Dx, &test(CpuId::I386EX, &[0x0f, 0x20, 0xc0], &[])), Some("control-register"));
    let lock_bt = test(CpuId::I386EX, &[0xf0, 0x0f, 0xa3, 0], &[]);
    assert_eq!((on(Model::I386Dx, &lock_bt), on(Model::I386Ex, &lock_bt)), (Some("lock-bt"), None));
    // mov byte [cs:2006h], 90h: onto its own HLT
    let code = [0x2e, 0xc6, 0x06, 0x06, 0x20, 0x90];
    let onto_itself = changes(test(CpuId::I386EX, &code, &[]), &[], &[(0x12006, 0x90)]);
    assert_eq!(skipped(CpuId::I386EX, &onto_itself), Some("prefetched"));
    assert_eq!(skipped(CpuId::I386EX, &test(CpuId::I386EX, &[0x90], &[(Cr0, 0x7ffe_fff1)])), Some("not-real-mode"));
    assert_eq!(skipped(CpuId::I386EX, &test(CpuId::I386EX, &[0x90], &[(Dr7, 1)])), Some("debug-registers"));
    let far = reads(test(CpuId::I386EX, &[0x90], &[]), &[(0x0100_0000, 0)]);
    assert_eq!(skipped(CpuId::I386EX, &far), Some("address"));
    let mut incomplete = test(CpuId::I386EX, &[0x90], &[]);
    incomplete.initial.registers = Registers::new(Layout::Dwords);
    assert_eq!(skipped(CpuId::I386EX, &incomplete), Some("incomplete"));
    // The 80386 misses the overflow of idiv cl with AX = 741Eh, CL = 98h.
    let idiv = changes(test(CpuId::I386EX, &[0xf6, 0xf9], &[(Eax, 0x741e), (Ecx, 0x98)]), &[(Eax, 0x1e80)], &[]);
    assert_eq!(runner(CpuId::I386EX).run(&idiv, None), Verdict::Passed);
    assert_eq!(on(Model::I486Dx, &idiv), Some("idiv-of-the-386"));
}

#[test]
fn revoked_tests_and_other_processors_are_counted() {
    let mut nop = test(CpuId::I386EX, &[0x90], &[]);
    nop.hash = Some([0xab; 20]);
    let mut revoked = Revoked::default();
    revoked.add(&"ab".repeat(20)).unwrap();
    let bytes = file(CpuId::I386EX, &[nop.clone(), test(CpuId::I386EX, &[0x90], &[])], None);
    let (report, _) = run_file(Reader::new(&bytes[..]).unwrap(), Some(&mut runner(CpuId::I386EX)), &revoked, 1);
    assert_eq!((report.passed, report.skipped.get("revoked")), (1, Some(&1)));
    let v20 = CpuId(*b"V20 ");
    assert!(Runner::new(v20, Model::I386Dx).unwrap().is_none());
    let bytes = file(v20, &[nop], None);
    let (report, _) = run_file(Reader::new(&bytes[..]).unwrap(), None, &Revoked::default(), 1);
    assert_eq!((report.passed, report.skipped.get("other-processor")), (0, Some(&1)));
}

#[test]
fn a_file_that_ends_early_keeps_what_came_before() {
    let bytes = file(CpuId::I386EX, &vec![test(CpuId::I386EX, &[0x90], &[]); 3], None);
    let (report, end) = run_file(Reader::new(&bytes[..bytes.len() - 5]).unwrap(), Some(&mut runner(CpuId::I386EX)), &Revoked::default(), 1);
    assert_eq!(report.passed, 2);
    assert!(end.unwrap_err().to_string().contains("the file ends inside chunk \"TEST\""));
}
