//! Undocumented instructions and flags, model by model, and code that changes under the processor.

use turtle86::{
    Machine, RunLimit, Stop,
    arch::{Eflags, Gpr, Model, PhysicalAddress, SegmentRegister, SegmentSelector},
    bus::{AccessSize, BusCycle, Device, PortIo, Wiring},
    testing::{Registers, SingleStep},
};

/// Runs one instruction of a model; `None` if it faults.
fn run(model: Model, registers: Registers, code: &[u8]) -> Option<Registers> {
    SingleStep::flat32(model).registers(registers).execute(code).ok()
}

#[test]
fn umov_is_mov_on_the_386_and_486_only() {
    for model in Model::ALL {
        // umov eax, ecx (0F 13 /r)
        let after = run(model, Registers { ecx: 7, ..Registers::default() }, &[0x0f, 0x13, 0xc1]);
        let has = matches!(model, Model::I386Dx | Model::I386Sx | Model::I386Ex | Model::I486Dx | Model::I486Dx4);
        assert_eq!(after.map(|r| r.eax), has.then_some(7), "{model}");
    }
}

#[test]
fn salc_spreads_the_carry_over_al() {
    for (flags, want) in [(Eflags::CF, 0xff), (Eflags(0), 0)] {
        let after = run(Model::Pentium, Registers { eax: 0x55, eflags: flags, ..Registers::default() }, &[0xd6]).unwrap();
        assert_eq!(after.eax, want);
        assert_eq!(after.eflags.masked(Eflags::STATUS), flags);
    }
}

#[test]
fn a_386_leaves_the_measured_flags_where_the_manual_says_undefined() {
    // shl al, 16: AF set, CF is the operand's low bit
    let shl = [0xc0, 0xe0, 16];
    let old = run(Model::I386Dx, Registers { eax: 1, ..Registers::default() }, &shl).unwrap();
    assert_eq!(old.eflags.masked(Eflags::STATUS), Eflags::CF | Eflags::OF | Eflags::AF | Eflags::ZF | Eflags::PF);
    let new = run(Model::PentiumPro, Registers { eax: 1, ..Registers::default() }, &shl).unwrap();
    assert!(!new.eflags.contains(Eflags::AF));
    // bt eax, 0 with EAX = 40000000h: OF is the exclusive or of the two top bits
    let bt = [0x0f, 0xba, 0xe0, 0];
    let eax = 0x4000_0000;
    assert!(run(Model::I386Sx, Registers { eax, ..Registers::default() }, &bt).unwrap().eflags.contains(Eflags::OF));
    assert!(!run(Model::I486Dx, Registers { eax, ..Registers::default() }, &bt).unwrap().eflags.contains(Eflags::OF));
    // shld ax, dx, 20: a word shifted by more than its width goes on with the second operand on the 386
    let shld = [0x66, 0x0f, 0xa4, 0xd0, 20];
    let before = Registers { eax: 0x1234, edx: 0xabcd, ..Registers::default() };
    assert_eq!(run(Model::I386Ex, before.clone(), &shld).unwrap().eax, 0xbcda);
    assert_eq!(run(Model::PentiumPro, before, &shld).unwrap().eax, 0xbcd1);
}

#[test]
fn loadall_loads_everything_on_the_386_only() {
    let mut image = [0u32; 51];
    let mut put = |offset: usize, value: u32| image[offset / 4] = value;
    put(0x00, 1); // CR0.PE
    put(0x04, 0x202); // EFLAGS
    put(0x08, 0x40); // EIP
    put(0x28, 0x1111_1111); // EAX
    put(0x0c, 0x2222_2222); // EDI
    for (selector, cache, value) in
        [(0x4c, 0xb4, 0x08), (0x48, 0xa8, 0x10), (0x44, 0x9c, 0x18), (0x50, 0xc0, 0x10), (0x40, 0x90, 0x10), (0x3c, 0x84, 0x10)]
    {
        put(selector, value);
        put(cache, if value == 0x08 { 0x00c0_9b00 } else { 0x00c0_9300 });
        put(cache + 4, if value == 0x18 { 0x5000 } else { 0 });
        put(cache + 8, if value == 0x08 { 0xffff_ffff } else { 0xf_ffff });
    }
    put(0x70, 0x1234); // GDT base
    put(0x74, 0x57);
    let bytes: Vec<u8> = image.iter().flat_map(|word| word.to_le_bytes()).collect();
    for model in Model::ALL {
        let mut machine = Machine::builder(model).ram(1 << 20).build().unwrap();
        machine.load(PhysicalAddress(0x1000), &[0x0f, 0x07]).unwrap();
        machine.load(PhysicalAddress(0x40), &[0xf4]).unwrap();
        machine.load(PhysicalAddress(0x800), &bytes).unwrap();
        machine.start_at(0, 0x1000);
        machine.cpu.set_gpr(Gpr::Edi, 0x800);
        machine.step().ok();
        let loaded = machine.cpu.gpr(Gpr::Eax) == 0x1111_1111;
        assert_eq!(loaded, matches!(model, Model::I386Dx | Model::I386Sx | Model::I386Ex), "{model}");
        if loaded {
            let ds = machine.cpu.segment(SegmentRegister::Ds);
            assert_eq!((ds.selector, ds.base, ds.limit), (SegmentSelector(0x18), 0x5000, 0xf_ffff));
            assert_eq!((machine.cpu.gdtr().base, machine.cpu.gdtr().limit), (0x1234, 0x57));
            assert_eq!((machine.cpu.eip(), machine.cpu.gpr(Gpr::Edi)), (0x40, 0x2222_2222));
            assert_eq!(machine.run(RunLimit::none()), Stop::Halted);
        }
    }
}

#[test]
fn xadd_and_cmpxchg_begin_with_the_486_and_cmov_with_the_pentium_pro() {
    let first = |code: &[u8]| Model::ALL.into_iter().find(|model| run(*model, Registers::default(), code).is_some());
    assert_eq!(first(&[0x0f, 0xc1, 0xc8]), Some(Model::I486Dx)); // xadd eax, ecx
    assert_eq!(first(&[0x0f, 0xb1, 0xc8]), Some(Model::I486Dx)); // cmpxchg eax, ecx
    assert_eq!(first(&[0x0f, 0xc8]), Some(Model::I486Dx)); // bswap eax
    assert_eq!(first(&[0x0f, 0xa2]), Some(Model::I486Dx4)); // cpuid
    assert_eq!(first(&[0x0f, 0x31]), Some(Model::Pentium)); // rdtsc
    assert_eq!(first(&[0x0f, 0x44, 0xc1]), Some(Model::PentiumPro)); // cmovz eax, ecx
    assert_eq!(first(&[0x0f, 0xaa]), None); // rsm
}

/// A bus master: a byte written to port 300h goes to memory, at the address of the instruction behind the OUT.
struct Writer(u64);
impl Device for Writer {
    fn name(&self) -> &'static str {
        "writer"
    }
    fn connect(&mut self, wiring: &mut Wiring) {
        wiring.ports(0x300..=0x300);
    }
    fn ports(&mut self) -> Option<&mut dyn PortIo> {
        Some(self)
    }
}
impl PortIo for Writer {
    fn read(&mut self, _: u16, _: AccessSize, _: &mut BusCycle<'_>) -> u32 {
        0
    }
    fn write(&mut self, _: u16, _: AccessSize, value: u32, bus: &mut BusCycle<'_>) {
        bus.write_memory(PhysicalAddress(self.0), &[value as u8]);
    }
}

#[test]
fn code_that_a_bus_master_writes_is_run_as_written_even_in_the_running_block() {
    // mov dx, 300h; again: out dx, al; mov bl, 0 (patched); inc cx; cmp cx, 2; jne again; hlt
    let code = [0xba, 0x00, 0x03, 0xee, 0xb3, 0x00, 0x41, 0x83, 0xf9, 0x02, 0x75, 0xf7, 0xf4];
    let mut machine = Machine::builder(Model::PentiumPro).ram(1 << 20).device(Writer(0x1005)).build().unwrap();
    machine.load(PhysicalAddress(0x1000), &code).unwrap();
    machine.start_at(0, 0x1000);
    machine.cpu.set_gpr(Gpr::Eax, 0x5a);
    assert_eq!(machine.run(RunLimit::none()), Stop::Halted);
    assert_eq!(machine.cpu.gpr(Gpr::Ebx) & 0xff, 0x5a);
    assert_eq!(machine.cpu.instructions(), 1 + 2 * 5 + 1);
}

#[test]
fn the_same_code_at_two_addresses_runs_by_the_eip_it_was_entered_with() {
    // At 1000:0000 and 0FF0:0100: call $+3; pop ax; hlt. The return address tells which.
    let code = [0xe8, 0x00, 0x00, 0x58, 0xf4];
    let mut machine = Machine::builder(Model::I386Dx).ram(1 << 20).build().unwrap();
    machine.load(PhysicalAddress(0x10000), &code).unwrap();
    for (segment, offset, want) in [(0x1000, 0x0000, 0x0003), (0x0ff0, 0x0100, 0x0103), (0x1000, 0x0000, 0x0003)] {
        machine.reset();
        machine.cpu.set_gpr(Gpr::Esp, 0x8000);
        machine.start_at(segment, offset);
        assert_eq!(machine.run(RunLimit::none()), Stop::Halted);
        assert_eq!(machine.cpu.gpr(Gpr::Eax) & 0xffff, want);
    }
}

#[test]
fn a_jump_wraps_at_64_kib_of_its_own_segment() {
    // The same bytes, entered as F000:E05B and as FE00:005B; jmp -1000h wraps only in the second.
    let code = [0xe9, 0x00, 0xf0];
    let mut machine = Machine::builder(Model::I486Dx).ram(2 << 20).build().unwrap();
    machine.load(PhysicalAddress(0xfe05b), &code).unwrap();
    machine.load(PhysicalAddress(0xf_d05e), &[0xf4]).unwrap();
    machine.load(PhysicalAddress(0x10_d05e), &[0xf4]).unwrap();
    for (segment, offset, want) in [(0xf000, 0xe05b, 0xd05f), (0xfe00, 0x005b, 0xf05f), (0xf000, 0xe05b, 0xd05f)] {
        machine.reset();
        machine.start_at(segment, offset);
        assert_eq!(machine.run(RunLimit::none()), Stop::Halted);
        assert_eq!(machine.cpu.eip(), want);
    }
}
