//! Guest programs of the benches: endless loops, assembled by hand, with the assembly beside the bytes.
//!
//! All are loaded at 1000h. A bench runs one for a number of instructions; an iteration of a repeated string instruction
//! counts as one. The tests below prove that each does what its bench measures.

use turtle86::{
    Machine, RunLimit, Stop,
    arch::{Cr0, Gpr, Model, PhysicalAddress},
    mmu::{ControlRegisters, TableRegister},
};

/// Where every guest is loaded and entered.
pub const CODE: u16 = 0x1000;
/// The vector of the guests that interrupt themselves.
const VECTOR: u32 = 0x40;

const GDT: u32 = 0x2000;
const IDT: u32 = 0x3000;
const DIRECTORY: u32 = 0x4_0000;
const IDENTITY_TABLE: u32 = 0x4_1000;
const ALIAS_TABLE: u32 = 0x4_2000;
/// The page that everything above 16 MiB maps to in [`Start::Paged`].
const ALIAS: u32 = 0x5_0000;

/// The state that a guest starts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Real-address mode, CS:IP = 0:1000h.
    Real,
    /// 32-bit protected mode at CPL 0 with flat segments.
    Flat,
    /// The same with paging: the first 4 MiB as they are, 16 MiB to 32 MiB all in one page.
    Paged,
}

/// A guest program.
#[derive(Clone, Copy, Debug)]
pub struct Guest {
    /// Its name in the report.
    pub name: &'static str,
    /// How it starts.
    pub start: Start,
    /// Its code.
    pub code: &'static [u8],
}

impl Guest {
    /// A machine with this guest at its first instruction: 1 MiB of RAM, no devices.
    pub fn machine(&self) -> Machine {
        let mut machine = Machine::builder(Model::PentiumPro).ram(1 << 20).build().expect("the machine is sound");
        put(&mut machine, CODE.into(), self.code);
        if self.start == Start::Real {
            machine.start_at(0, CODE);
            put(&mut machine, 4 * VECTOR, &(u32::from(CODE) + 5).to_le_bytes());
        } else {
            machine.cpu.enter_flat_protected_mode();
            machine.cpu.set_eip(CODE.into());
            write_tables(&mut machine);
        }
        if self.start == Start::Paged {
            write_page_tables(&mut machine);
            let control = machine.cpu.control();
            machine.cpu.set_control(ControlRegisters { cr0: control.cr0 | Cr0::PG, cr3: DIRECTORY, ..control }, 0);
        }
        machine.cpu.set_gpr(Gpr::Esp, 0x8000);
        machine.cpu.set_gpr(Gpr::Eax, if self.start == Start::Paged { DIRECTORY } else { 1 });
        machine.cpu.set_gpr(Gpr::Esi, 0x1_0000);
        machine.cpu.set_gpr(Gpr::Edi, 0x2_0000);
        machine
    }
}

fn put(machine: &mut Machine, at: u32, bytes: &[u8]) {
    machine.load(PhysicalAddress(at.into()), bytes).expect("it fits into RAM");
}

/// Flat descriptors for the selectors 8 and 10h, and a 32-bit interrupt gate to offset 5 of the guest.
fn write_tables(machine: &mut Machine) {
    let gdt = [0, 0x00cf_9b00_0000_ffff_u64, 0x00cf_9300_0000_ffff];
    put(machine, GDT, &gdt.map(u64::to_le_bytes).concat());
    machine.cpu.set_gdtr(TableRegister { base: GDT, limit: 23 });
    let gate = 0x0000_8e00_0008_0000 | u64::from(CODE + 5);
    put(machine, IDT + 8 * VECTOR, &gate.to_le_bytes());
    machine.cpu.set_idtr(TableRegister { base: IDT, limit: 8 * VECTOR as u16 + 7 });
}

/// Present, writable, supervisor.
fn write_page_tables(machine: &mut Machine) {
    let mut directory = [0; 1024];
    directory[0] = IDENTITY_TABLE | 3;
    directory[4..8].fill(ALIAS_TABLE | 3);
    let identity: [u32; 1024] = std::array::from_fn(|page| (page as u32) << 12 | 3);
    for (at, entries) in [(DIRECTORY, directory), (IDENTITY_TABLE, identity), (ALIAS_TABLE, [ALIAS | 3; 1024])] {
        put(machine, at, &entries.map(u32::to_le_bytes).concat());
    }
}

/// Runs `n` instructions.
///
/// # Panics
/// The machine stopped earlier: the guest is wrong.
pub fn run(machine: &mut Machine, n: u64) {
    let stop = machine.run(RunLimit::instructions(n));
    assert_eq!(stop, Stop::InstructionLimit, "{:?}", machine.cpu.last_fault());
}

/// Arithmetic and logic on registers.
pub const ALU: Guest = Guest {
    name: "registers",
    start: Start::Flat,
    code: &[
        0x01, 0xd8, // top: add eax, ebx
        0x31, 0xc1, // xor ecx, eax
        0x8d, 0x54, 0x81, 0x05, // lea edx, [ecx+eax*4+5]
        0xc1, 0xc3, 0x03, // rol ebx, 3
        0x29, 0xd3, // sub ebx, edx
        0x83, 0xd6, 0x07, // adc esi, 7
        0x47, // inc edi
        0x0f, 0xb6, 0xe9, // movzx ebp, cl
        0x0f, 0xaf, 0xef, // imul ebp, edi
        0x81, 0xe5, 0xff, 0x00, 0x00, 0x00, // and ebp, 0ffh
        0xeb, 0xe1, // jmp top
    ],
};
/// Loads, stores, read-modify-write and the stack.
pub const MEMORY: Guest = Guest {
    name: "load_store",
    start: Start::Flat,
    code: &[
        0x8b, 0x06, // top: mov eax, [esi]
        0x03, 0x44, 0x8e, 0x10, // add eax, [esi+ecx*4+16]
        0x89, 0x04, 0x8f, // mov [edi+ecx*4], eax
        0x83, 0x47, 0x08, 0x01, // add dword [edi+8], 1
        0x8a, 0x5e, 0x03, // mov bl, [esi+3]
        0x89, 0x5f, 0x15, // mov [edi+21], ebx
        0x50, // push eax
        0x5a, // pop edx
        0x41, // inc ecx
        0x81, 0xe1, 0xff, 0x00, 0x00, 0x00, // and ecx, 0ffh
        0xeb, 0xe2, // jmp top
    ],
};
/// Conditional jumps both ways, CALL, RET and a computed jump.
pub const BRANCHES: Guest = Guest {
    name: "near",
    start: Start::Flat,
    code: &[
        0x40, // top: inc eax
        0xa9, 0x03, 0x00, 0x00, 0x00, // test eax, 3
        0x74, 0x07, // jz skip
        0x39, 0xc8, // cmp eax, ecx
        0x72, 0x03, // jb skip
        0x8d, 0x48, 0x05, // lea ecx, [eax+5]
        0xe8, 0x0b, 0x00, 0x00, 0x00, // skip: call leaf
        0xbb, 0x00, 0x10, 0x00, 0x00, // mov ebx, top
        0xa8, 0x01, // test al, 1
        0x74, 0xe3, // jz top
        0xff, 0xe3, // jmp ebx
        0x01, 0xc2, // leaf: add edx, eax
        0xc3, // ret
    ],
};
/// CALL and RET between code segments, 32-bit protected mode.
pub const FAR_CALL_PROTECTED: Guest = Guest {
    name: "call_protected",
    start: Start::Flat,
    code: &[
        0x9a, 0x0a, 0x10, 0x00, 0x00, 0x08, 0x00, // top: call 8:leaf
        0x40, // inc eax
        0xeb, 0xf6, // jmp top
        0x43, // leaf: inc ebx
        0xcb, // retf
    ],
};
/// The same in real-address mode.
pub const FAR_CALL_REAL: Guest = Guest {
    name: "call_real",
    start: Start::Real,
    code: &[
        0x9a, 0x08, 0x10, 0x00, 0x00, // top: call 0:leaf
        0x40, // inc ax
        0xeb, 0xf8, // jmp top
        0x43, // leaf: inc bx
        0xcb, // retf
    ],
};
/// INT through an interrupt gate, and IRETD.
pub const INT_PROTECTED: Guest = Guest {
    name: "int_protected",
    start: Start::Flat,
    code: &[
        0xcd, 0x40, // top: int 40h
        0x40, // inc eax
        0xeb, 0xfb, // jmp top
        0x43, // handler: inc ebx
        0xcf, // iretd
    ],
};
/// INT through the interrupt vector table, and IRET: the same bytes.
pub const INT_REAL: Guest = Guest { name: "int_real", start: Start::Real, ..INT_PROTECTED };
/// REP MOVSD, a page a time.
pub const REP_COPY: Guest = Guest {
    name: "rep_movsd",
    start: Start::Flat,
    code: &[
        0xbe, 0x00, 0x00, 0x01, 0x00, // top: mov esi, 10000h
        0xbf, 0x00, 0x00, 0x02, 0x00, // mov edi, 20000h
        0xb9, 0x00, 0x04, 0x00, 0x00, // mov ecx, 400h
        0xf3, 0xa5, // rep movsd
        0xeb, 0xed, // jmp top
    ],
};
/// REP STOSD, a page a time.
pub const REP_FILL: Guest = Guest {
    name: "rep_stosd",
    start: Start::Flat,
    code: &[
        0xbf, 0x00, 0x00, 0x02, 0x00, // top: mov edi, 20000h
        0xb9, 0x00, 0x04, 0x00, 0x00, // mov ecx, 400h
        0xf3, 0xab, // rep stosd
        0xeb, 0xf2, // jmp top
    ],
};
/// REPNE SCASB over a page without a match.
pub const REP_SCAN: Guest = Guest {
    name: "repne_scasb",
    start: Start::Flat,
    code: &[
        0xbf, 0x00, 0x00, 0x02, 0x00, // top: mov edi, 20000h
        0xb9, 0x00, 0x10, 0x00, 0x00, // mov ecx, 1000h
        0xb0, 0x01, // mov al, 1
        0xf2, 0xae, // repne scasb
        0xeb, 0xf0, // jmp top
    ],
};
/// LODSB in a loop.
pub const LODS: Guest = Guest {
    name: "lodsb",
    start: Start::Flat,
    code: &[
        0xac, // top: lodsb
        0x01, 0xc3, // add ebx, eax
        0x81, 0xe6, 0xff, 0xff, 0x01, 0x00, // and esi, 1ffffh
        0xeb, 0xf5, // jmp top
    ],
};
/// A load from another page each time, of more pages than the TLB has entries.
pub const TLB_MISSES: Guest = Guest {
    name: "tlb_misses",
    start: Start::Paged,
    code: &[
        0x03, 0x1e, // top: add ebx, [esi]
        0x81, 0xc6, 0x00, 0x10, 0x00, 0x00, // add esi, 1000h
        0x81, 0xe6, 0xff, 0xff, 0xff, 0x00, // and esi, 0ffffffh
        0x81, 0xce, 0x00, 0x00, 0x00, 0x01, // or esi, 1000000h
        0xeb, 0xea, // jmp top
    ],
};
/// A load of CR3 with the value that it has, and the walks after it.
pub const CR3_LOADS: Guest = Guest {
    name: "cr3_loads",
    start: Start::Paged,
    code: &[
        0x0f, 0x22, 0xd8, // top: mov cr3, eax
        0x8b, 0x1d, 0x00, 0x00, 0x01, 0x00, // mov ebx, [10000h]
        0x8b, 0x1d, 0x00, 0x10, 0x01, 0x00, // mov ebx, [11000h]
        0x8b, 0x1d, 0x00, 0x20, 0x01, 0x00, // mov ebx, [12000h]
        0xeb, 0xe9, // jmp top
    ],
};
/// A loop that changes an immediate of its own in every iteration.
pub const SELF_MODIFYING: Guest = Guest {
    name: "self_modifying",
    start: Start::Flat,
    code: &[
        0x40, // top: inc eax
        0xa3, 0x07, 0x10, 0x00, 0x00, // mov [patch+1], eax
        0xbb, 0x78, 0x56, 0x34, 0x12, // patch: mov ebx, 12345678h
        0x01, 0xd9, // add ecx, ebx
        0xeb, 0xf1, // jmp top
    ],
};

/// Instructions of [`straight_line`] before its last.
pub const STRAIGHT_LINE: u64 = 4000;

/// A machine with [`STRAIGHT_LINE`] instructions in a row: the ten of [`ALU`] over and over, and then a jump to the first.
pub fn straight_line() -> Machine {
    const AT: u32 = 0x6_0000;
    let mut code = ALU.code[..ALU.code.len() - 2].repeat(STRAIGHT_LINE as usize / 10);
    code.push(0xe9); // jmp
    code.extend((-(code.len() as i32 + 4)).to_le_bytes());
    let mut machine = ALU.machine();
    put(&mut machine, AT, &code);
    machine.cpu.set_eip(AT);
    machine
}

/// A PC with 16 MiB of RAM, of which 2 MiB are not zero, and a guest that talks to its chips, then writes into as many pages from 1 MiB
/// on as ECX says, and halts.
pub fn toucher() -> Machine {
    const CODE: u32 = 0x1000;
    let mut code = Vec::new();
    // Of each chip a register or command: both 8259A, 8254, MC146818, 8042, 8237A, POST.
    for (port, value) in [(0x21, 0xfe), (0xa1, 0xff), (0x43, 0x34), (0x40, 0xff), (0x40, 0xff), (0x70, 0x0f), (0x71, 0x42)] {
        code.extend([0xb0, value, 0xe6, port]); // mov al, value; out port, al
    }
    for (port, value) in [(0x64, 0x20), (0x0b, 0x45), (0x04, 0x12), (0x80, 0x42)] {
        code.extend([0xb0, value, 0xe6, port]);
    }
    code.extend([
        0x66, 0xba, 0xff, 0x03, // mov dx, 3ffh
        0xee, // out dx, al: the 16550A's scratch register
        0xbf, 0x00, 0x00, 0x10, 0x00, // mov edi, 100000h
        0x89, 0x0f, // top: mov [edi], ecx
        0x89, 0x8f, 0x00, 0x08, 0x00, 0x00, // mov [edi+800h], ecx
        0x81, 0xc7, 0x00, 0x10, 0x00, 0x00, // add edi, 1000h
        0x49, // dec ecx
        0x75, 0xef, // jnz top
        0xf4, // hlt
    ]);
    let mut machine = Machine::builder(Model::PentiumPro).ram(16 << 20).isa_pc().build().expect("the machine is sound");
    put(&mut machine, 1 << 20, &[0x5a; 2 << 20]);
    put(&mut machine, CODE, &code);
    machine.cpu.enter_flat_protected_mode();
    machine.cpu.set_gpr(Gpr::Esp, 0x8000);
    machine.cpu.set_eip(CODE);
    machine
}
/// Runs [`toucher`] to its end.
///
/// # Panics
/// It ended otherwise.
pub fn talk_and_touch(machine: &mut Machine, pages: u32) {
    machine.cpu.set_gpr(Gpr::Ecx, pages);
    assert_eq!(machine.run(RunLimit::none()), Stop::Halted);
}

/// The programs in the pages at the root of the workspace are doc-tests here.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
#[doc = include_str!("../../CONTRIBUTING.md")]
pub struct Pages;

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Guest; 14] = [
        ALU,
        MEMORY,
        BRANCHES,
        FAR_CALL_PROTECTED,
        FAR_CALL_REAL,
        INT_PROTECTED,
        INT_REAL,
        REP_COPY,
        REP_FILL,
        REP_SCAN,
        LODS,
        TLB_MISSES,
        CR3_LOADS,
        SELF_MODIFYING,
    ];

    #[test]
    fn every_guest_runs_without_a_fault_and_stays_in_its_code() {
        for guest in ALL {
            let mut machine = guest.machine();
            run(&mut machine, 50_001);
            assert_eq!(machine.cpu.last_fault(), None, "{}", guest.name);
            let place = machine.cpu.eip().wrapping_sub(CODE.into()) as usize;
            assert!(place < guest.code.len(), "{} is at {:08x}", guest.name, machine.cpu.eip());
        }
    }

    #[test]
    fn what_the_loops_count_is_what_their_length_says() {
        for (guest, length, register, step) in [
            (ALU, 11, Gpr::Edi, 1),
            (FAR_CALL_PROTECTED, 5, Gpr::Ebx, 1),
            (FAR_CALL_REAL, 5, Gpr::Ebx, 1),
            (INT_PROTECTED, 5, Gpr::Ebx, 1),
            (INT_REAL, 5, Gpr::Ebx, 1),
            (SELF_MODIFYING, 5, Gpr::Eax, 1),
            (TLB_MISSES, 5, Gpr::Esi, 0x1000),
        ] {
            let mut machine = guest.machine();
            let before = machine.cpu.gpr(register) & 0xffff;
            run(&mut machine, 10 * length);
            let after = machine.cpu.gpr(register) & 0xffff;
            assert_eq!(after.wrapping_sub(before) & 0xffff, (10 * step) & 0xffff, "{}", guest.name);
            assert_eq!(machine.cpu.eip(), CODE.into(), "{}", guest.name);
        }
    }

    #[test]
    fn the_self_modifying_loop_adds_what_it_stored() {
        let mut machine = SELF_MODIFYING.machine();
        run(&mut machine, 5 * 4);
        assert_eq!(machine.cpu.gpr(Gpr::Ecx), 2 + 3 + 4 + 5);
    }

    #[test]
    fn the_toucher_writes_as_many_pages_as_it_is_told_and_all_comes_back() {
        let mut machine = toucher();
        let start = machine.checkpoint();
        for pages in [1, 32] {
            talk_and_touch(&mut machine, pages);
            let (before, after) = (start.snapshot(), machine.snapshot());
            assert_ne!(before, after);
            let ram = machine.cpu.bus().memory.ram();
            let changed = ram.chunks(4096).skip(256).take(512).filter(|page| page.iter().any(|byte| *byte != 0x5a)).count();
            assert_eq!(changed, pages as usize);
            machine.rewind(&start).expect("it is this machine's");
            assert!(machine.snapshot() == before);
        }
    }

    #[test]
    fn the_straight_line_comes_back_to_its_start() {
        let mut machine = straight_line();
        run(&mut machine, STRAIGHT_LINE + 1);
        assert_eq!(machine.cpu.eip(), 0x6_0000);
    }
}
