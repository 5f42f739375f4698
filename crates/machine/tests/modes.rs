//! The facade's promises: hooks and their verdicts, why a run ends, what a fault explains, interrupts, reset.

mod common;

use std::sync::{Arc, Mutex};
use turtle86::{
    HookPoint, Machine, ProcessorMode, RunLimit, Stop, Verdict,
    arch::{Cr0, DescriptorCache, Eflags, Exception, Gpr, LinearAddress, Model, PhysicalAddress, SegmentRegister, SegmentSelector},
    bus::AccessSize,
    devices::DebugCon,
    mmu::TableRegister,
};

const AT: u16 = 0x1000;
const HANDLER: u16 = 0x2000;
const GDT: u32 = 0x3000;
const IDT: u32 = 0x3800;
const DIRECTORY: u32 = 0x1_0000;

fn put(machine: &mut Machine, at: u32, bytes: &[u8]) {
    machine.load(PhysicalAddress(at.into()), bytes).unwrap();
}
/// An ISA PC in real mode at 0000:1000, every vector at 0000:2000, where a HLT is.
fn real_on(model: Model, code: &[u8]) -> Machine {
    let mut machine = Machine::builder(model).ram(1 << 20).isa_pc().build().unwrap();
    (0..256).for_each(|vector| put(&mut machine, vector * 4, &[HANDLER as u8, (HANDLER >> 8) as u8, 0, 0]));
    put(&mut machine, AT.into(), code);
    put(&mut machine, HANDLER.into(), &[0xf4]);
    machine.start_at(0, AT);
    machine.cpu.set_gpr(Gpr::Esp, 0x8000);
    machine
}
fn real(code: &[u8]) -> Machine {
    real_on(Model::Pentium, code)
}
/// The same in flat 32-bit protected mode: a GDT of flat code (08h) and data (10h), then whatever a test wants; gates that lead to HLT.
fn flat(code: &[u8], descriptors: &[u64]) -> Machine {
    let mut machine = real(code);
    machine.cpu.enter_flat_protected_mode();
    machine.cpu.set_eip(AT.into());
    // No LDT, and a task-state segment too short to say where an I/O permission bitmap is.
    let mut state = machine.cpu.state();
    state.mmu.ldtr = DescriptorCache::null(SegmentSelector::NULL);
    state.mmu.tr.limit = 0x65;
    machine.cpu.set_state(&state).unwrap();
    let table = [&[0, 0x00cf_9b00_0000_ffff, 0x00cf_9300_0000_ffff], descriptors].concat();
    put(&mut machine, GDT, &table.iter().flat_map(|descriptor| descriptor.to_le_bytes()).collect::<Vec<u8>>());
    machine.cpu.set_gdtr(TableRegister { base: GDT, limit: (table.len() * 8 - 1) as u16 });
    (0..256).for_each(|vector| put(&mut machine, IDT + 8 * vector, &(0x8e00_0008_0000u64 | u64::from(HANDLER)).to_le_bytes()));
    machine.cpu.set_idtr(TableRegister { base: IDT, limit: 0x7ff });
    machine
}
/// Pages of 4 KiB that map the first megabyte to itself; entry `n` of the one table is changed by `entry`.
fn paged(code: &[u8], entry: impl Fn(u32) -> u32) -> Machine {
    let mut machine = flat(code, &[]);
    put(&mut machine, DIRECTORY, &((DIRECTORY + 0x1000) | 7).to_le_bytes());
    (0..256).for_each(|n| put(&mut machine, DIRECTORY + 0x1000 + 4 * n, &entry(n).to_le_bytes()));
    let mut control = machine.cpu.control();
    control.cr3 = DIRECTORY;
    control.cr0 |= Cr0::PG | Cr0::WP;
    machine.cpu.set_control(control, 0);
    machine
}
const LIMIT: RunLimit = RunLimit { cycles: Some(1_000_000), instructions: Some(10_000) };

type Log = Arc<Mutex<Vec<String>>>;
fn note(log: &Log) -> impl FnMut(String) + Send + 'static {
    let log = Arc::clone(log);
    move |line| log.lock().unwrap().push(line)
}
fn lines(log: &Log) -> Vec<String> {
    log.lock().unwrap().clone()
}

// ---- hooks

#[test]
fn a_hook_on_everything_sees_each_instruction_once_and_those_that_fault() {
    // mov cx, 2; rep lodsb; an undefined opcode, behind which its handler halts
    let code = [0xb9, 0x02, 0x00, 0xf3, 0xac, 0x0f, 0x0b];
    let mut machine = real(&code);
    let log = Log::default();
    let mut note = note(&log);
    machine
        .hook(HookPoint::All, move |cpu, instruction| {
            note(format!("{:x} {}", cpu.eip(), instruction.mnemonic()));
            Verdict::Continue
        })
        .unwrap();
    assert_eq!(machine.run(LIMIT), Stop::Halted);
    // Each iteration is shown: an interrupt could come between them.
    assert_eq!(lines(&log), ["1000 MOV", "1003 LODSB", "1003 LODSB", "1005 UD2", "2000 HLT"]);
    let mut alone = real(&code);
    assert_eq!(alone.run(LIMIT), Stop::Halted);
    assert_eq!(alone.snapshot().to_bytes(), machine.snapshot().to_bytes());
}

#[test]
fn a_hook_that_skips_moves_behind_the_instruction() {
    // inc ax; add bx, 1234h; inc cx; hlt
    let mut machine = real(&[0x40, 0x81, 0xc3, 0x34, 0x12, 0x41, 0xf4]);
    machine.hook(HookPoint::Mnemonic("ADD"), |_, _| Verdict::Skip).unwrap();
    assert_eq!(machine.run(LIMIT), Stop::Halted);
    assert_eq!((machine.cpu.gpr(Gpr::Eax), machine.cpu.gpr(Gpr::Ebx), machine.cpu.gpr(Gpr::Ecx)), (1, 0, 1));
    assert_eq!((machine.cpu.instructions(), machine.cpu.events(), machine.now().0), (3, 1, 4));
}

#[test]
fn a_hook_can_stand_in_for_the_instruction_that_it_skips() {
    // int 21h; hlt
    let mut machine = real(&[0xcd, 0x21, 0xf4]);
    machine
        .hook(HookPoint::Mnemonic("INT"), |cpu, instruction| {
            assert_eq!((instruction.mnemonic(), instruction.bytes()), ("INT", &[0xcd, 0x21][..]));
            cpu.set_gpr(Gpr::Eax, 0x4c00);
            Verdict::Skip
        })
        .unwrap();
    assert_eq!(machine.run(LIMIT), Stop::Halted);
    assert_eq!((machine.cpu.gpr(Gpr::Eax), machine.cpu.eip()), (0x4c00, u32::from(AT) + 3));
}

#[test]
fn a_hook_that_stops_stands_before_its_instruction_and_runs_on_over_it() {
    for slow in [false, true] {
        let mut machine = real(&[0x40, 0x43, 0x40, 0xf4]); // inc ax; inc bx; inc ax; hlt
        let at = LinearAddress(u32::from(AT) + 1);
        machine.hook(HookPoint::Address(at), |_, _| Verdict::Stop).unwrap();
        // With a small limit the instructions run one by one.
        let limit = if slow { RunLimit::instructions(20) } else { LIMIT };
        assert_eq!(machine.run(limit), Stop::Breakpoint(at));
        assert_eq!((machine.cpu.gpr(Gpr::Eax), machine.cpu.gpr(Gpr::Ebx), machine.cpu.eip()), (1, 0, at.0));
        assert_eq!(machine.run(limit), Stop::Halted, "slow: {slow}");
        assert_eq!((machine.cpu.gpr(Gpr::Eax), machine.cpu.gpr(Gpr::Ebx)), (2, 1));
    }
}

#[test]
fn a_stop_is_met_again_when_the_instruction_is() {
    let mut machine = real(&[0x40, 0xeb, 0xfd]); // inc ax; jmp back
    let at = LinearAddress(AT.into());
    machine.hook(HookPoint::Mnemonic("INC"), |_, _| Verdict::Stop).unwrap();
    for n in 0..5 {
        assert_eq!(machine.run(LIMIT), Stop::Breakpoint(at));
        assert_eq!(machine.cpu.gpr(Gpr::Eax), n);
    }
}

#[test]
fn a_handler_entered_right_after_a_stop_is_seen_by_its_hooks() {
    let mut machine = real(&[0x40, 0x40, 0xf4]);
    put(&mut machine, HANDLER.into(), &[0x43, 0xcf]); // inc bx; iret
    let log = Log::default();
    let mut noted = note(&log);
    let mut first = true;
    machine
        .hook(HookPoint::Mnemonic("INC"), move |_, instruction| {
            noted(instruction.address().to_string());
            if std::mem::take(&mut first) { Verdict::Stop } else { Verdict::Continue }
        })
        .unwrap();
    assert_eq!(machine.run(LIMIT), Stop::Breakpoint(LinearAddress(AT.into())));
    machine.assert_nmi();
    assert_eq!(machine.run(LIMIT), Stop::Halted);
    let seen = lines(&log);
    assert!(seen.contains(&"00002000".to_string()), "{seen:?}");
    assert_eq!((machine.cpu.gpr(Gpr::Eax), machine.cpu.gpr(Gpr::Ebx)), (2, 1));
}

#[test]
fn a_stop_behind_a_load_of_ss_holds_events_off_as_the_load_does() {
    let mut machine = real(&[0x8e, 0xd0, 0x43, 0x43, 0xf4]); // mov ss, ax; inc bx; inc bx; hlt
    let at = LinearAddress(u32::from(AT) + 2);
    machine.hook(HookPoint::Address(at), |_, _| Verdict::Stop).unwrap();
    assert_eq!(machine.run(LIMIT), Stop::Breakpoint(at));
    machine.assert_nmi();
    machine.step().unwrap();
    assert_eq!((machine.cpu.gpr(Gpr::Ebx), machine.cpu.eip()), (1, at.0 + 1), "the instruction behind MOV SS comes first");
    machine.step().unwrap();
    assert_eq!(machine.cpu.eip(), HANDLER.into());
}

#[test]
fn the_strongest_of_several_verdicts_counts_and_every_hook_is_called() {
    let mut machine = real(&[0x40, 0xf4]);
    let log = Log::default();
    for verdict in [Verdict::Continue, Verdict::Skip, Verdict::Stop, Verdict::Continue] {
        let mut noted = note(&log);
        machine
            .hook(HookPoint::Mnemonic("INC"), move |_, _| {
                noted(format!("{verdict:?}"));
                verdict
            })
            .unwrap();
    }
    assert!(matches!(machine.run(LIMIT), Stop::Breakpoint(_)));
    assert_eq!(lines(&log), ["Continue", "Skip", "Stop", "Continue"]);
    assert_eq!(machine.cpu.gpr(Gpr::Eax), 0);
}

#[test]
fn a_hook_that_is_taken_away_is_called_no_more() {
    let mut machine = real(&[0x40, 0xeb, 0xfd]);
    let log = Log::default();
    let mut noted = note(&log);
    let hook = machine
        .hook(HookPoint::Mnemonic("INC"), move |_, _| {
            noted(String::new());
            Verdict::Continue
        })
        .unwrap();
    machine.run(RunLimit::instructions(100));
    assert_eq!(lines(&log).len(), 50);
    machine.unhook(hook);
    machine.run(RunLimit::instructions(100));
    assert_eq!((lines(&log).len(), machine.cpu.gpr(Gpr::Eax)), (50, 100));
}

#[test]
fn port_hooks_see_width_value_and_direction() {
    // mov al, 41h; out e9h, al; in al, e9h; mov dx, 1234h; in ax, dx; out 80h, eax; hlt
    let code = [0xb0, 0x41, 0xe6, 0xe9, 0xe4, 0xe9, 0xba, 0x34, 0x12, 0xed, 0x66, 0xe7, 0x80, 0xf4];
    let mut machine = real(&code);
    let log = Log::default();
    let mut noted = note(&log);
    machine.hook_ports(0x80..=0x1fff, move |_, access| {
        noted(format!("{:x} {:?} {:x} {}", access.port, access.size, access.value, access.write));
        Verdict::Continue
    });
    machine.hook_ports(0x2000..=0xffff, |_, _| panic!("no such port is touched"));
    assert_eq!(machine.run(LIMIT), Stop::Halted);
    assert_eq!(lines(&log), ["e9 Byte 41 true", "e9 Byte e9 false", "1234 Word ffff false", "80 Dword ffff true"]);
}

#[test]
fn a_port_hook_can_stop_behind_the_instruction() {
    let mut machine = real(&[0xe6, 0x80, 0x40, 0xf4]);
    machine.hook_ports(0x80..=0x80, |_, _| Verdict::Stop);
    assert_eq!(machine.run(LIMIT), Stop::Breakpoint(LinearAddress(u32::from(AT) + 2)));
    assert_eq!(machine.cpu.gpr(Gpr::Eax), 0);
    assert_eq!(machine.run(LIMIT), Stop::Halted);
    assert_eq!(machine.cpu.gpr(Gpr::Eax), 1);
}

#[test]
fn memory_hooks_see_loads_and_stores_that_touch_their_range() {
    // mov eax, [5000h]; mov [5002h], ax; inc byte [5004h]; mov al, [5005h]; push ax; hlt
    let code = [0x66, 0xa1, 0, 0x50, 0xa3, 2, 0x50, 0xfe, 0x06, 4, 0x50, 0xa0, 5, 0x50, 0x50, 0xf4];
    let mut machine = real(&code);
    put(&mut machine, 0x5000, &[1, 2, 3, 4, 5, 6]);
    let log = Log::default();
    let mut noted = note(&log);
    machine.hook_memory(0x5003..=0x5004, move |_, access| {
        noted(format!("{} {:?} {:x} {}", access.at, access.size, access.value, access.write));
        Verdict::Continue
    });
    assert_eq!(machine.run(LIMIT), Stop::Halted);
    let want = ["00005000 Dword 4030201 false", "00005002 Word 201 true", "00005004 Byte 5 false", "00005004 Byte 6 true"];
    assert_eq!(lines(&log), want);
}

#[test]
fn memory_hooks_see_strings_and_accesses_over_a_page_end() {
    // mov cx, 3; mov si, 5ffeh; mov di, 6000h; rep movsb; mov ax, [6fffh]; hlt
    let mut machine = real(&[0xb9, 3, 0, 0xbe, 0xfe, 0x5f, 0xbf, 0, 0x60, 0xf3, 0xa4, 0xa1, 0xff, 0x6f, 0xf4]);
    let log = Log::default();
    let mut noted = note(&log);
    machine.hook_memory(0x6000..=0x7000, move |_, access| {
        noted(format!("{} {} {}", access.at, access.size.bytes(), if access.write { "w" } else { "r" }));
        Verdict::Continue
    });
    assert_eq!(machine.run(LIMIT), Stop::Halted);
    assert_eq!(lines(&log), ["00006000 1 w", "00006001 1 w", "00006000 1 r", "00006002 1 w", "00006fff 2 r"]);
}

#[test]
fn mode_hooks_see_the_way_into_protected_mode_and_paging() {
    // mov eax, cr0; or al, 1; mov cr0, eax; mov ecx, cr3... ; or eax, 80000000h; mov cr0, eax; and back; hlt
    let code = [
        0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0, // PE
        0x66, 0xb9, 0, 0, 1, 0, 0x0f, 0x22, 0xd9, // CR3
        0x66, 0x0d, 0, 0, 0, 0x80, 0x0f, 0x22, 0xc0, // PG
        0x66, 0x25, 0xfe, 0xff, 0xff, 0x7f, 0x0f, 0x22, 0xc0, // neither
        0xf4,
    ];
    let mut machine = real(&code);
    put(&mut machine, DIRECTORY, &((DIRECTORY + 0x1000) | 3).to_le_bytes());
    (0..256).for_each(|n| put(&mut machine, DIRECTORY + 0x1000 + 4 * n, &(n << 12 | 3).to_le_bytes()));
    let log = Log::default();
    let mut noted = note(&log);
    machine.hook_modes(move |cpu, from, to| {
        noted(format!("{from:?} {to:?} {:x}", cpu.eip()));
        Verdict::Continue
    });
    assert_eq!(machine.run(LIMIT), Stop::Halted);
    assert_eq!(lines(&log), ["Real Protected 1008", "Protected Paged 101a", "Paged Real 1023"]);
    assert_eq!(machine.cpu.processor_mode(), ProcessorMode::Real);
}

#[test]
fn a_mode_hook_can_stop_at_the_first_instruction_of_the_new_mode() {
    let mut machine = real(&[0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0, 0x43, 0xf4]);
    machine.hook_modes(|_, _, _| Verdict::Stop);
    assert_eq!(machine.run(LIMIT), Stop::Breakpoint(LinearAddress(u32::from(AT) + 8)));
    assert_eq!((machine.cpu.gpr(Gpr::Ebx), machine.cpu.processor_mode()), (0, ProcessorMode::Protected));
    assert_eq!(machine.run(LIMIT), Stop::Halted);
    assert_eq!(machine.cpu.gpr(Gpr::Ebx), 1);
}

#[test]
fn fault_hooks_see_each_fault_with_its_reason_before_delivery() {
    let mut machine = real(&[0x40, 0x0f, 0x0b, 0xf4]);
    let log = Log::default();
    let mut noted = note(&log);
    machine.hook_faults(move |cpu, record| {
        noted(format!("{record} / {:04x}", cpu.eip()));
        Verdict::Stop
    });
    // It stops at the handler, which is entered.
    assert_eq!(machine.run(LIMIT), Stop::Breakpoint(LinearAddress(HANDLER.into())));
    assert_eq!(lines(&log), ["#UD at 0000:00001001: the program asked for it with UD / 1001"]);
}

#[test]
fn a_hook_sees_an_instruction_that_is_none_by_its_address() {
    let mut machine = real(&[0x0f, 0xff, 0xf4]);
    let log = Log::default();
    let mut noted = note(&log);
    machine
        .hook(HookPoint::Address(LinearAddress(AT.into())), move |_, instruction| {
            noted(format!("{:?}", instruction.address()));
            Verdict::Continue
        })
        .unwrap();
    assert_eq!(machine.run(LIMIT), Stop::Halted);
    assert_eq!((lines(&log).len(), machine.cpu.last_fault().map(|f| f.fault.exception())), (1, Some(Exception::InvalidOpcode)));
}

// ---- stops

#[test]
fn every_reason_to_stop_is_told() {
    let spin = [0xeb, 0xfe];
    for (code, limit, want, words) in [
        (&[0xfa, 0xf4][..], LIMIT, Stop::Halted, "halted"),
        (&spin, RunLimit::cycles(77), Stop::CycleLimit, "cycle"),
        (&spin, RunLimit::instructions(78), Stop::InstructionLimit, "instruction"),
        (&[0xb0, 0x10, 0xe6, 0xf4], LIMIT, Stop::DebugExit(0x21), "33"),
    ] {
        let mut machine = real(code);
        let stop = machine.run(limit);
        assert_eq!(stop, want);
        assert!(stop.to_string().contains(words), "{stop}");
    }
    let mut machine = real(&spin);
    machine.run(RunLimit::cycles(77));
    assert_eq!((machine.now().0, machine.cpu.instructions()), (77, 77));
    let limit = RunLimit { cycles: Some(10), instructions: Some(5) };
    assert_eq!((machine.run(limit), machine.now().0), (Stop::InstructionLimit, 82));
    assert_eq!(
        (machine.run(RunLimit::cycles(0)), machine.run(RunLimit::instructions(0)), machine.now().0),
        (Stop::CycleLimit, Stop::InstructionLimit, 82)
    );
}

#[test]
fn the_word_shutdown_switches_off_and_the_machine_can_run_on() {
    // mov si, 1100h; mov cx, 8; mov dx, 8900h; rep outsb; inc ax; hlt
    let mut machine = real(&[0xbe, 0, 0x11, 0xb9, 8, 0, 0xba, 0, 0x89, 0xf3, 0x6e, 0x40, 0xfa, 0xf4]);
    put(&mut machine, 0x1100, b"Shutdown");
    assert_eq!(machine.run(LIMIT), Stop::PowerOff);
    assert_eq!(machine.cpu.gpr(Gpr::Eax), 0);
    assert_eq!(machine.run(LIMIT), Stop::Halted);
    assert_eq!(machine.cpu.gpr(Gpr::Eax), 1);
}

#[test]
fn a_triple_fault_shuts_down_and_tells_its_chain() {
    let mut machine = flat(&[0x0f, 0x0b], &[]);
    machine.cpu.set_idtr(TableRegister { base: IDT, limit: 0 });
    assert_eq!(machine.run(LIMIT), Stop::Shutdown);
    assert!(machine.cpu.is_shut_down());
    let chain: Vec<String> = machine.cpu.fault_chain().iter().map(ToString::to_string).collect();
    assert_eq!(chain.len(), 5, "{chain:#?}");
    for (line, words) in chain.iter().zip(["#UD", "vector 06 lies beyond the IDT", "vector 0d lies beyond", "#DF", "vector 08 lies beyond"])
    {
        assert!(line.contains(words), "{line} / {words}");
    }
    assert!(chain[3].contains("while") && chain[3].contains("was delivered"), "{}", chain[3]);
    // It stays shut down until something resets it, or NMI comes.
    assert_eq!(machine.run(LIMIT), Stop::Shutdown);
    machine.reset();
    assert!(!machine.cpu.is_shut_down());
}

#[test]
fn what_is_not_built_stops_the_machine_and_is_named() {
    let gate = |kind: u64, selector: u64| kind << 40 | selector << 16 | u64::from(AT);
    let far = [0x9a, 0, 0, 0, 0, 0x18, 0];
    let vm = [0x68, 0x02, 0x02, 0x02, 0, 0x6a, 8, 0x68, 0, 0x10, 0, 0, 0xcf];
    for (code, descriptors, words) in [
        (&far[..], vec![gate(0x8c, 8)], "call gate"),
        (&far, vec![gate(0x84, 8)], "call gate"),
        (&far, vec![gate(0x85, 0x20), 0x0000_8900_4000_0067], "task gate"),
        (&far, vec![0x0000_8900_4000_0067], "task switch"),
        (&vm, vec![], "virtual-8086"),
        (&[0x6a, 0x01, 0x58, 0x0f, 0x23, 0xf8], vec![], "DR7"),
        (&[0x68, 0x00, 0x40, 0, 0, 0x9d, 0xcf], vec![], "NT"),
    ] {
        let mut machine = flat(code, &descriptors);
        let stop = machine.run(LIMIT);
        let Stop::Unsupported { what, at } = &stop else { panic!("{words}: {stop:?} {:?}", machine.cpu.last_fault()) };
        assert!(what.contains(words), "{what} / {words}");
        assert_eq!(*at, LinearAddress(machine.cpu.eip()), "it stands at the instruction");
        assert!(stop.to_string().contains("not supported"), "{stop}");
        // Nothing was done, and doing it again says the same.
        assert_eq!(machine.run(LIMIT), stop);
    }
    let mut machine = flat(&[0xcd, 0x40], &[]);
    put(&mut machine, IDT + 8 * 0x40, &gate(0x85, 0x20).to_le_bytes());
    assert!(matches!(machine.run(LIMIT), Stop::Unsupported { what, .. } if what.contains("task gate")));
}

// ---- steps

#[test]
fn a_step_is_one_instruction_one_iteration_or_one_event() {
    // mov cx, 3; rep stosb; int 5; hlt (in the handler)
    let mut machine = real(&[0xb9, 3, 0, 0xf3, 0xaa, 0xcd, 5]);
    machine.cpu.set_gpr(Gpr::Edi, 0x5000);
    let mut at = Vec::new();
    for _ in 0..6 {
        machine.step().unwrap();
        at.push((machine.cpu.eip(), machine.cpu.gpr(Gpr::Ecx)));
    }
    assert_eq!(at, [(0x1003, 3), (0x1003, 2), (0x1003, 1), (0x1005, 0), (0x2000, 0), (0x2001, 0)]);
    assert!(machine.cpu.is_halted());
    assert_eq!(machine.step(), Err(Stop::Halted));
}

#[test]
fn a_step_over_a_fault_delivers_it() {
    let mut machine = real(&[0x0f, 0x0b]);
    machine.step().unwrap();
    assert_eq!((machine.cpu.eip(), machine.cpu.instructions(), machine.cpu.events()), (HANDLER.into(), 0, 1));
}

#[test]
fn a_step_of_a_processor_that_waits_comes_back() {
    // The timer runs behind a controller that lets nothing through: mov al, ffh; out 21h, al; mov al, 34h; ...; sti; hlt
    let mut machine = real(&[0xb0, 0xff, 0xe6, 0x21, 0xb0, 0x34, 0xe6, 0x43, 0xb0, 0x20, 0xe6, 0x40, 0xe6, 0x40, 0xfb, 0xf4]);
    for _ in 0..200 {
        machine.step().unwrap();
    }
    assert!(machine.cpu.is_halted());
    assert_eq!(machine.run(RunLimit::cycles(10_000)), Stop::CycleLimit);
}

// ---- explanations

#[track_caller]
fn explains(machine: &mut Machine, exception: &str, words: &[&str]) {
    let stop = machine.run(LIMIT);
    let fault = machine.cpu.fault_chain().first().unwrap_or_else(|| panic!("no fault: {stop}")).to_string();
    for word in words.iter().chain([&exception]) {
        assert!(fault.contains(word), "\"{fault}\" does not say \"{word}\"");
    }
}

#[test]
fn faults_name_the_selector_the_limit_or_the_entry_that_refused() {
    let load = |selector: u8| [0x6a, selector, 0x1f]; // push; pop ds
    explains(&mut flat(&load(0x50), &[]), "#GP(0050)", &["selector 0050", "beyond the limit 0017", "GDT"]);
    explains(&mut flat(&load(0x18), &[0x00cf_1300_0000_ffff]), "#NP(0018)", &["selector 0018", "00cf13000000ffff", "not present"]);
    explains(&mut flat(&load(0x18), &[0x00cf_9900_0000_ffff]), "#GP(0018)", &["selector 0018", "is not"]);
    explains(&mut flat(&load(0x1c), &[0]), "#GP(001c)", &["selector 001c", "LDTR is null"]);
    explains(&mut flat(&[0x6a, 0, 0x17], &[]), "#GP(0000)", &["null", "SS"]);
    // A byte beyond the limit of a small segment: push 18h; pop ds; mov al, [100h].
    let small = 0x0040_9300_0000_00ff;
    explains(&mut flat(&[0x6a, 0x18, 0x1f, 0xa0, 0, 1, 0, 0], &[small]), "#GP(0000)", &["DS:00000100", "limit 000000ff", "1-byte read"]);
    explains(&mut flat(&[0x6a, 0, 0x1f, 0xa0, 0, 0, 0, 0], &[]), "#GP(0000)", &["DS", "null selector"]);
    // cs: mov [0], al
    explains(&mut flat(&[0x2e, 0xa2, 0, 0, 0, 0], &[]), "#GP(0000)", &["CS is not writable"]);
    explains(&mut real(&[0xa1, 0xff, 0xff]), "#GP", &["2-byte read", "DS:0000ffff", "limit 0000ffff"]);
    explains(&mut real(&[0xf6, 0xf3]), "#DE", &["division by zero"]);
    explains(&mut real(&[0xb8, 0xff, 0xff, 0xb3, 1, 0xf6, 0xf3]), "#DE", &["does not fit"]);
    explains(&mut real(&[0xf0, 0x40]), "#UD", &["LOCK"]);
    explains(&mut real(&[0xd9, 0xe8]), "#NM", &["floating-point"]);
    explains(&mut real_on(Model::I386Dx, &[0x0f, 0xa2]), "#UD", &["CPUID"]);
    explains(&mut real(&[0x0f, 0x00, 0xd8]), "#UD", &["protected mode"]);
}

#[test]
fn page_faults_name_the_entry_its_place_and_its_bits() {
    // mov eax, [40000h]; mov [40000h], eax
    let (load, store) = ([0xa1, 0, 0, 4, 0], [0xa3, 0, 0, 4, 0]);
    let one = |rights: u32| move |n: u32| n << 12 | if n == 0x40 { rights } else { 7 };
    explains(
        &mut paged(&load, one(0)),
        "#PF(0000) at linear 00040000",
        &["page-table entry", "physical 00011100", "not present", "supervisor read"],
    );
    explains(&mut paged(&store, one(5)), "#PF(0003) at linear 00040000", &["page-table entry", "00040005", "forbids", "supervisor write"]);
    let mut machine = paged(&load, one(7));
    machine.cpu.set_eip(0x40_0000);
    explains(&mut machine, "#PF(0000) at linear 00400000", &["page-directory entry", "physical 00010004", "fetch"]);
    assert_eq!(machine.cpu.control().cr2, 0x40_0000);
}

#[test]
fn privilege_is_explained_with_both_levels() {
    // CPL 3: push data; push esp; push code; push eip; retf, then hlt or in al, 60h at CPL 3.
    let code =
        |instruction: &[u8]| [&[0x6a, 0x23, 0x68, 0, 0x70, 0, 0, 0x6a, 0x1b, 0x68, 0x0d, 0x10, 0, 0, 0xcb][..], instruction].concat();
    let descriptors = [0x00cf_fb00_0000_ffff, 0x00cf_f300_0000_ffff];
    for (instruction, words) in
        [(&[0xf4][..], &["CPL 0", "CPL is 3"][..]), (&[0xe4, 0x60], &["0060", "CPL 3", "IOPL 0"]), (&[0xfa], &["CPL 3", "IOPL 0"])]
    {
        let mut code = code(instruction);
        code[10] = 0x0f;
        let mut machine = flat(&code, &descriptors);
        machine.run(LIMIT);
        let first = machine.cpu.fault_chain().first().map(ToString::to_string).unwrap_or_default();
        for word in words.iter().chain([&"#GP(0000) at 001b:0000100f"]) {
            assert!(first.contains(word), "\"{first}\" does not say \"{word}\"");
        }
    }
}

#[test]
fn an_instruction_over_a_page_end_is_fetched_from_where_its_second_page_lies_now() {
    // call 2fe0h; mov dword [page-table entry 3], 4007h; invlpg [3000h]; call 2fe0h; hlt
    let code = [
        0xe8, 0xdb, 0x1f, 0, 0, 0xc7, 0x05, 0x0c, 0x10, 0x01, 0, 0x07, 0x40, 0, 0, 0x0f, 0x01, 0x3d, 0, 0x30, 0, 0, 0xe8, 0xc5, 0x1f, 0, 0,
        0xf4,
    ];
    let mut machine = paged(&code, |n| n << 12 | 7);
    put(&mut machine, 0x2fe0, &[0x41, 0xeb, 0x1b]); // inc ecx; jmp 2ffeh
    put(&mut machine, 0x2ffe, &[0xb8, 0x11, 0x22, 0x33, 0x44, 0xc3]); // mov eax, 44332211h; ret
    put(&mut machine, 0x4000, &[0x99, 0x33, 0x44, 0xc3]);
    assert_eq!(machine.run(LIMIT), Stop::Halted, "{:?}", machine.cpu.last_fault());
    assert_eq!((machine.cpu.gpr(Gpr::Ecx), machine.cpu.gpr(Gpr::Eax)), (2, 0x4433_9911));
}

// ---- interrupts

/// Initialises both 8259As at vector 8 and 70h with IRQ 0 let through, and the timer in mode 2 with this divisor; then sti; hlt; inc cx; jmp to the hlt.
fn ticking(divisor: u16) -> Vec<u8> {
    let mut code = Vec::new();
    let [low, high] = divisor.to_le_bytes();
    for (port, value) in [(0x20, 0x11), (0x21, 8), (0x21, 4), (0x21, 1), (0x21, 0xfe), (0x43, 0x34), (0x40, low), (0x40, high)] {
        code.extend([0xb0, value, 0xe6, port]);
    }
    code.extend([0xfb, 0xf4, 0x41, 0xeb, 0xfc]);
    code
}

#[test]
fn a_halted_processor_is_woken_by_the_timer_at_its_rate() {
    let mut machine = real(&ticking(1193));
    put(&mut machine, HANDLER.into(), &[0xb0, 0x20, 0xe6, 0x20, 0xcf]); // mov al, 20h; out 20h, al; iret
    let second = machine.clock_hz();
    assert_eq!(machine.run(RunLimit::cycles(second)), Stop::CycleLimit);
    let ticks = machine.cpu.gpr(Gpr::Ecx);
    // 1193182 / 1193 ticks in a second, and time passes while the processor sleeps.
    assert!((999..=1001).contains(&ticks), "{ticks}");
    assert!(machine.cpu.instructions() < 10_000);
}

#[test]
fn a_halted_processor_with_interrupts_off_stays_so() {
    let mut code = ticking(100);
    let sti = code.len() - 5;
    code[sti] = 0xfa;
    let mut machine = real(&code);
    assert_eq!(machine.run(LIMIT), Stop::Halted);
    assert_eq!(machine.cpu.gpr(Gpr::Ecx), 0);
    // NMI is not masked by IF.
    machine.assert_nmi();
    put(&mut machine, HANDLER.into(), &[0x43, 0xcf]); // inc bx; iret
    assert_eq!(machine.run(LIMIT), Stop::Halted);
    assert_eq!((machine.cpu.gpr(Gpr::Ecx), machine.cpu.gpr(Gpr::Ebx)), (1, 1));
}

#[test]
fn nmi_waits_for_the_iret_of_the_one_before() {
    let mut machine = real(&[0x40, 0x40, 0x40, 0xfa, 0xf4]);
    put(&mut machine, HANDLER.into(), &[0x43, 0x43, 0x43, 0xcf]); // inc bx three times; iret
    machine.step().unwrap();
    machine.assert_nmi();
    machine.step().unwrap();
    assert_eq!(machine.cpu.eip(), HANDLER.into());
    machine.assert_nmi();
    for want in [HANDLER + 1, HANDLER + 2, HANDLER + 3, AT + 1, HANDLER] {
        machine.step().unwrap();
        assert_eq!(machine.cpu.eip(), want.into());
    }
    assert_eq!(machine.run(LIMIT), Stop::Halted);
    assert_eq!((machine.cpu.gpr(Gpr::Eax), machine.cpu.gpr(Gpr::Ebx)), (3, 6));
}

#[test]
fn an_nmi_that_waited_comes_right_behind_the_iret_however_far_the_run_may_go() {
    let mut machine = real(&[&[0x40; 40][..], &[0xf4]].concat()); // inc ax, 40 times; hlt
    put(&mut machine, HANDLER.into(), &[0x89, 0xc3, 0xcf]); // mov bx, ax; iret
    machine.step().unwrap();
    machine.assert_nmi();
    machine.step().unwrap();
    machine.assert_nmi();
    assert_eq!(machine.run(LIMIT), Stop::Halted);
    assert_eq!((machine.cpu.gpr(Gpr::Eax), machine.cpu.gpr(Gpr::Ebx), machine.cpu.events()), (40, 1, 2));
}

#[test]
fn a_return_to_a_program_whose_alignment_is_checked_says_at_once_that_this_is_not_built() {
    // retf; inc eax, for ever
    let mut machine = flat(&[0xcb, 0x40, 0xeb, 0xfd], &[0x00cf_fb00_0000_ffff, 0x00cf_f300_0000_ffff]);
    for (n, value) in [u32::from(AT) + 1, 0x1b, 0x9000, 0x23].into_iter().enumerate() {
        put(&mut machine, 0x8000 + 4 * n as u32, &value.to_le_bytes());
    }
    let mut control = machine.cpu.control();
    control.cr0 |= Cr0::AM;
    machine.cpu.set_control(control, 0);
    machine.cpu.set_eflags(Eflags::AC);
    assert!(matches!(machine.run(LIMIT), Stop::Unsupported { at: LinearAddress(0x1001), .. }));
    assert_eq!((machine.cpu.cpl(), machine.cpu.gpr(Gpr::Eax)), (3, 0));
}

/// `rep stosb` of 2000 bytes, then a loop, in 32-bit code.
fn storing() -> Machine {
    let mut machine = flat(&[0xf3, 0xaa, 0xeb, 0xfe], &[]);
    machine.cpu.set_gpr(Gpr::Ecx, 2000);
    machine.cpu.set_gpr(Gpr::Edi, 0x1_0000);
    machine
}
/// RF in the flags on top of the stack's first frame.
fn pushed_resume_flag(machine: &Machine) -> bool {
    let mut flags = [0; 4];
    machine.read_physical(PhysicalAddress(0x7ffc), &mut flags);
    u32::from_le_bytes(flags) & Eflags::RF.0 != 0
}

#[test]
fn the_resume_flag_is_pushed_between_iterations_and_not_behind_the_last() {
    let mut machine = storing();
    machine.run(RunLimit::cycles(1000));
    machine.assert_nmi();
    machine.step().unwrap();
    assert!(pushed_resume_flag(&machine));
    // Cut in the handler's `rep stosb`, whose IRET then lets the next NMI in.
    let mut machine = storing();
    put(&mut machine, HANDLER.into(), &[0xf3, 0xaa, 0xcf]);
    machine.cpu.set_eip(u32::from(AT) + 2);
    machine.assert_nmi();
    machine.run(RunLimit::cycles(1000));
    machine.assert_nmi();
    machine.run(RunLimit::cycles(3000));
    assert_eq!((machine.cpu.events(), machine.cpu.gpr(Gpr::Ecx)), (2, 0));
    assert!(!pushed_resume_flag(&machine));
}

#[test]
fn a_repeated_store_that_overwrites_itself_is_not_repeated_any_more() {
    // rep stosb, which becomes a nop with a prefix; then lock nop, and nobody to deliver its #UD to
    let mut machine = flat(&[0xf3, 0xaa, 0xf0, 0x90], &[]);
    machine.cpu.set_idtr(TableRegister { base: IDT, limit: 0 });
    for (register, value) in [(Gpr::Eax, 0x90), (Gpr::Ecx, 100), (Gpr::Edi, u32::from(AT) + 1)] {
        machine.cpu.set_gpr(register, value);
    }
    assert_eq!(machine.run(LIMIT), Stop::Shutdown);
    assert_eq!((machine.cpu.gpr(Gpr::Ecx), machine.cpu.eip(), machine.cpu.state().repeating), (99, u32::from(AT) + 2, false));
}

#[test]
fn the_resume_flag_that_iret_sets_lasts_for_one_instruction() {
    // iretd; nop; out 0f4h, al
    let mut machine = flat(&[0xcf, 0x90, 0xe6, 0xf4], &[]);
    machine.cpu.set_gpr(Gpr::Esp, 0x7ff4);
    for (at, value) in [(0x7ff4, u32::from(AT) + 1), (0x7ff8, 0x08), (0x7ffc, Eflags::RF.0 | 2)] {
        put(&mut machine, at, &value.to_le_bytes());
    }
    assert_eq!(machine.run(LIMIT), Stop::DebugExit(1));
    assert_eq!((machine.cpu.instructions(), machine.cpu.eflags() & Eflags::RF), (3, Eflags::empty()));
}

#[test]
fn a_hook_between_iterations_changes_no_resume_flag() {
    for (verdict, want) in [(Verdict::Stop, true), (Verdict::Skip, false)] {
        let (mut machine, mut calls) = (storing(), 0);
        let hook = move |_: &mut turtle86::Cpu, _: &turtle86::Instruction| {
            calls += 1;
            if calls == 5 { verdict } else { Verdict::Continue }
        };
        machine.hook(HookPoint::Mnemonic("STOSB"), hook).unwrap();
        let stop = machine.run(RunLimit::instructions(5));
        assert_eq!(stop == Stop::Breakpoint(LinearAddress(AT.into())), verdict == Verdict::Stop);
        machine.assert_nmi();
        machine.step().unwrap();
        assert_eq!((machine.cpu.gpr(Gpr::Ecx), pushed_resume_flag(&machine)), (1996, want), "{verdict:?}");
    }
}

#[test]
fn sti_and_a_load_of_ss_let_one_more_instruction_run_before_nmi_or_intr() {
    // mov ss, ax; inc bx; inc bx; hlt
    let mut machine = real(&[0x8e, 0xd0, 0x43, 0x43, 0xf4]);
    machine.step().unwrap();
    machine.assert_nmi();
    machine.step().unwrap();
    assert_eq!((machine.cpu.eip(), machine.cpu.gpr(Gpr::Ebx)), (u32::from(AT) + 3, 1));
    machine.step().unwrap();
    assert_eq!(machine.cpu.eip(), HANDLER.into());
}

#[test]
fn the_trap_flag_traps_behind_each_instruction() {
    // inc ax; inc ax; hlt, with the handler counting in bx.
    let mut machine = real(&[0x40, 0x40, 0xfa, 0xf4]);
    put(&mut machine, HANDLER.into(), &[0x43, 0xcf]);
    machine.cpu.set_eflags(machine.cpu.eflags() | Eflags::TF);
    machine.run(RunLimit::instructions(40));
    assert_eq!(machine.cpu.gpr(Gpr::Eax), 2);
    assert!((3..=4).contains(&machine.cpu.gpr(Gpr::Ebx)), "{}", machine.cpu.gpr(Gpr::Ebx));
    assert!(machine.cpu.last_fault().is_some_and(|fault| fault.to_string().contains("#DB")));
    assert_eq!(machine.cpu.debug_register(6) >> 14 & 1, 1);
}

// ---- reset

#[test]
fn reset_starts_anew_and_keeps_memory_and_time() {
    let mut machine = flat(&[0x40, 0xeb, 0xfd], &[]);
    machine.run(RunLimit::cycles(1000));
    machine.reset();
    let cpu = &machine.cpu;
    let cs = cpu.segment(SegmentRegister::Cs);
    assert_eq!((cs.selector.0, cs.base, cpu.eip()), (0xf000, 0xffff_0000, 0xfff0));
    assert_eq!((cpu.gpr(Gpr::Eax), cpu.eflags(), cpu.processor_mode()), (0, Eflags::FIXED, ProcessorMode::Real));
    assert_eq!(cpu.gpr(Gpr::Edx), Model::Pentium.profile().reset.edx);
    assert_eq!((machine.now().0, cpu.cpl()), (1000, 0));
    assert_eq!(machine.read_linear(LinearAddress(AT.into()), 3), [0x40, 0xeb, 0xfd]);
    // The memory runs again.
    machine.start_at(0, AT);
    machine.run(RunLimit::instructions(10));
    assert_eq!(machine.cpu.gpr(Gpr::Eax), 5);
}

#[test]
fn the_keyboard_controller_and_port_92h_reset_the_processor() {
    for code in [&[0xb0, 0xfe, 0xe6, 0x64][..], &[0xe4, 0x92, 0x0c, 1, 0xe6, 0x92]] {
        let mut machine = real(&[code, &[0xeb, 0xfe]].concat());
        // Without a ROM the reset vector reads as FFh: an invalid opcode, and the handler halts.
        let stop = machine.run(RunLimit::cycles(1_000_000));
        assert_eq!((stop, machine.cpu.eip(), machine.cpu.is_halted()), (Stop::Halted, u32::from(HANDLER) + 1, true));
        assert_eq!(machine.cpu.last_fault().map(|fault| (fault.cs.0, fault.eip)), Some((0xf000, 0xfff0)));
    }
}

#[test]
fn a_device_is_reached_from_the_host_with_its_lines() {
    let mut machine = real(&[0xe4, 0xe9, 0xf4]);
    assert_eq!(machine.cpu.read_port(0xe9, AccessSize::Byte), 0xe9);
    let length = machine.with_device::<DebugCon, _>(|console, bus| {
        assert_eq!(bus.now().0, 0);
        console.bytes().len()
    });
    assert_eq!(length, Some(0));
    assert!(machine.device::<turtle86::devices::Pit>().is_some());
}

#[test]
fn a_sleep_behind_a_masked_timer_ends_a_run_that_has_no_cycle_limit() {
    // out 21h and A1h, al: every interrupt masked; sti; hlt
    let code = [0xb0, 0xff, 0xe6, 0x21, 0xe6, 0xa1, 0xfb, 0xf4];
    let mut machine = Machine::builder(Model::Pentium).ram(1 << 20).isa_pc().build().unwrap();
    machine.load(PhysicalAddress(0x1000), &code).unwrap();
    machine.start_at(0, 0x1000);
    assert_eq!(machine.run(RunLimit::instructions(100)), Stop::Halted);
    assert_eq!(machine.run(RunLimit::cycles(1_000_000)), Stop::CycleLimit);
}
