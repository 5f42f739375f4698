//! What goes wrong on the host's side says so in words; and machines are independent of each other and of their thread.

mod common;

use common::{Outcome, assert_same, build, pc};
use turtle86::{
    Error, HookPoint, Machine, MachineBuilder, RunLimit, Snapshot, Verdict,
    arch::{Gpr, Model, PhysicalAddress, SegmentRegister},
    bus::{AccessSize, BusCycle, Device, PortIo, Wiring},
};
use turtle86_test_roms::find;

#[track_caller]
fn says(error: &Error, words: &[&str]) {
    let text = error.to_string();
    for word in words {
        assert!(text.contains(word), "\"{text}\" does not say \"{word}\"");
    }
}
#[track_caller]
fn refused(builder: MachineBuilder, words: &[&str]) {
    match builder.build() {
        Ok(_) => panic!("the machine was built; wanted an error with {words:?}"),
        Err(error) => says(&error, words),
    }
}
fn machine() -> Machine {
    Machine::builder(Model::I486Dx).ram(2 << 20).build().unwrap()
}

#[test]
fn a_missing_bios_is_named_with_the_systems_reason() {
    let path = std::env::temp_dir().join("turtle86-no-such-directory").join("bios.bin");
    let system = std::fs::read(&path).unwrap_err().to_string();
    refused(Machine::builder(Model::I386Dx).bios(&path), &["cannot read", "bios.bin", &system]);
    refused(Machine::builder(Model::I386Dx).bios(std::env::temp_dir()), &["cannot read"]);
}

#[test]
fn a_bios_of_a_wrong_size_is_told_the_right_ones() {
    for size in [0, 1, 4095, 4097, 0x1_0001, (16 << 20) + 4096] {
        refused(Machine::builder(Model::I386Dx).bios_image(vec![0; size]), &["BIOS", &size.to_string(), "4 KiB to 16 MiB"]);
    }
    for size in [4096, 0x1_0000, 0x2_0000, 0x4_0000, 16 << 20] {
        assert!(Machine::builder(Model::I386Dx).bios_image(vec![0x90; size]).build().is_ok(), "{size}");
    }
}

#[test]
fn a_machine_without_room_or_clock_is_refused() {
    for ram in [0, 1, 4095, 4097, (3 << 30) + 4096, u64::MAX] {
        refused(Machine::builder(Model::I386Dx).ram(ram), &[&ram.to_string(), "RAM", "multiple of 4096"]);
    }
    refused(Machine::builder(Model::I386Dx).clock_hz(0), &["clock", "1 Hz"]);
}

#[test]
fn roms_that_overlap_or_hang_over_are_named() {
    let base = || Machine::builder(Model::I486Dx).ram(1 << 20);
    let at = PhysicalAddress;
    refused(
        base().rom("video", at(0xc_0000), vec![0; 0x8000]).rom("disk", at(0xc_4000), vec![0; 0x4000]),
        &["video", "disk", "both claim", "000c4000"],
    );
    refused(base().bios_image(vec![0; 0x1_0000]).rom("disk", at(0xf_8000), vec![0; 4096]), &["BIOS", "disk", "both claim", "000f8000"]);
    refused(base().rom("video", at(0xc_0001), vec![0; 4096]), &["video", "000c0001", "multiple of 4096"]);
    refused(base().rom("video", at(0xffff_f000), vec![0; 4097]), &["video", "below 4 GiB"]);
    refused(base().rom("video", at(0xc_0000), vec![]), &["video", "empty"]);
}

#[test]
fn a_rom_at_the_end_of_64_bits_is_refused() {
    refused(Machine::builder(Model::I486Dx).rom("video", PhysicalAddress(u64::MAX - 0xfff), vec![0; 4096]), &["video", "below 4 GiB"]);
}

/// A device with a choice of name, ports and window.
struct Part {
    name: &'static str,
    ports: std::ops::RangeInclusive<u16>,
    window: Option<std::ops::RangeInclusive<u64>>,
}
impl Device for Part {
    fn name(&self) -> &'static str {
        self.name
    }
    fn connect(&mut self, wiring: &mut Wiring) {
        wiring.ports(self.ports.clone());
        if let Some(window) = &self.window {
            wiring.memory(window.clone());
        }
    }
    fn ports(&mut self) -> Option<&mut dyn PortIo> {
        Some(self)
    }
}
impl PortIo for Part {
    fn read(&mut self, _: u16, _: AccessSize, _: &mut BusCycle<'_>) -> u32 {
        7
    }
    fn write(&mut self, _: u16, _: AccessSize, _: u32, _: &mut BusCycle<'_>) {}
}
fn part(name: &'static str, ports: std::ops::RangeInclusive<u16>) -> Part {
    Part { name, ports, window: None }
}

#[test]
fn devices_in_each_others_way_are_named() {
    let base = || Machine::builder(Model::I486Dx);
    refused(base().device(part("one", 0x300..=0x307)).device(part("two", 0x307..=0x310)), &["one", "two", "port 0x0307"]);
    refused(base().device(part("one", 0x300..=0x300)).device(part("one", 0x310..=0x310)), &["\"one\"", "unique"]);
    refused(base().isa_pc().device(part("mine", 0x60..=0x60)), &["mine", "port 0x0060"]);
    let window = |name, window| Part { name, ports: 0..=0, window: Some(window) };
    refused(base().device(window("big", 0xd_0000..=1 << 32)), &["big", "below 4 GiB"]);
    refused(
        base().device(window("one", 0xd_0000..=0xd_ffff)).device(Part { ports: 1..=1, ..window("two", 0xd_8000..=0xd_8003) }),
        &["one", "two", "000d8000"],
    );
}

#[test]
fn an_unknown_model_is_told_all_that_there_are() {
    let error = Error::from("586dx".parse::<Model>().unwrap_err());
    says(&error, &["586dx", "386dx", "386sx", "486dx4", "pentium-pro"]);
    assert_eq!("PENTIUM-PRO".parse::<Model>(), Ok(Model::PentiumPro));
}

#[test]
fn an_unknown_mnemonic_is_told_an_example() {
    let mut machine = machine();
    for name in ["CPUIDD", "", "cpu id", "INVALID MNEMONIC"] {
        let error = machine.hook(HookPoint::Mnemonic(name), |_, _| Verdict::Continue).unwrap_err();
        says(&error, &[&format!("\"{name}\""), "no instruction", "CPUID"]);
    }
    for name in ["CPUID", "cpuid", "Mov", "INT3", "RETF"] {
        assert!(machine.hook(HookPoint::Mnemonic(name), |_, _| Verdict::Continue).is_ok(), "{name}");
    }
}

#[test]
fn loads_outside_of_ram_are_refused_whole() {
    let mut machine = Machine::builder(Model::I486Dx).ram(2 << 20).isa_pc().bios_image(vec![0; 0x1_0000]).bios_read_only().build().unwrap();
    for (at, bytes) in [
        (2u64 << 20, 1),
        ((2 << 20) - 1, 2),
        (0xf_0000, 1),
        (0xa_0000, 1),
        (0x9_ffff, 2),
        (0xffff_fff0, 16),
        (1 << 32, 1),
        (1 << 40, 4),
        (u64::MAX, 1),
        (u64::MAX, 2),
    ] {
        let error = machine.load(PhysicalAddress(at), &vec![0x55; bytes]).unwrap_err();
        says(&error, &["RAM", &format!("{bytes} bytes"), &(2 << 20).to_string()]);
    }
    let mut byte = [0];
    machine.read_physical(PhysicalAddress((2 << 20) - 1), &mut byte);
    assert_eq!(byte, [0], "nothing of a refused load is stored");
    machine.load(PhysicalAddress((2 << 20) - 4), &[1, 2, 3, 4]).unwrap();
    machine.load(PhysicalAddress(0), &[]).unwrap();
    says(&machine.load_flat(&[0; 8], PhysicalAddress((2 << 20) - 4), (0, 0)).unwrap_err(), &["RAM"]);
}

// ---- Multiboot

/// A kernel with a Multiboot header at `header` and these flags, and an ELF header with one segment.
fn kernel(flags: u32) -> Vec<u8> {
    let mut file = vec![0; 0x200];
    let put = |file: &mut Vec<u8>, at: usize, bytes: &[u8]| file[at..at + bytes.len()].copy_from_slice(bytes);
    put(&mut file, 0, b"\x7fELF\x01\x01\x01");
    put(&mut file, 16, &2u16.to_le_bytes());
    put(&mut file, 18, &3u16.to_le_bytes());
    for (at, value) in [(24, 0x10_0100u32), (28, 52), (40, 0x0020_0034), (44, 1)] {
        put(&mut file, at, &value.to_le_bytes());
    }
    for (n, value) in [1u32, 0x100, 0xffff_0000, 0x10_0100, 0x80, 0x90, 5, 0x1000].into_iter().enumerate() {
        put(&mut file, 52 + 4 * n, &value.to_le_bytes());
    }
    put(&mut file, 0x100, &[0xb9, 0x78, 0x56, 0x34, 0x12, 0xf4]); // mov ecx, 12345678h; hlt
    for (n, value) in [0x1bad_b002, flags, 0u32.wrapping_sub(0x1bad_b002).wrapping_sub(flags)].into_iter().enumerate() {
        put(&mut file, 0x180 + 4 * n, &value.to_le_bytes());
    }
    file
}

#[test]
fn a_multiboot_kernel_starts_as_the_specification_says() {
    let mut machine = machine();
    machine.load_multiboot("kernel", &kernel(3), "one two").unwrap();
    assert_eq!(machine.run(RunLimit::instructions(100)), turtle86::Stop::Halted);
    let cpu = &machine.cpu;
    assert_eq!((cpu.gpr(Gpr::Ecx), cpu.gpr(Gpr::Eax)), (0x1234_5678, 0x2bad_b002));
    assert!(cpu.segment(SegmentRegister::Cs).rights.is_32_bit() && cpu.segment(SegmentRegister::Cs).limit == !0);
    let information = PhysicalAddress(cpu.gpr(Gpr::Ebx).into());
    let word = |at: u64| {
        let mut bytes = [0; 4];
        machine.read_physical(PhysicalAddress(at), &mut bytes);
        u32::from_le_bytes(bytes)
    };
    assert_eq!((word(information.0 + 4), word(information.0 + 8)), (640, 1024));
    let mut text = [0; 8];
    machine.read_physical(PhysicalAddress(word(information.0 + 16).into()), &mut text);
    assert_eq!(&text, b"one two\0");
}

#[test]
fn a_damaged_kernel_is_refused_with_its_name() {
    let load = |file: &[u8]| machine().load_multiboot("vmturtle", file, "");
    says(&load(&[]).unwrap_err(), &["vmturtle", "Multiboot", "header"]);
    says(&load(&[0; 0x4000]).unwrap_err(), &["vmturtle", "8 KiB"]);
    says(&load(&kernel(4)).unwrap_err(), &["vmturtle", "video"]);
    let damaged = |at: usize, byte: u8| {
        let mut file = kernel(0);
        file[at] = byte;
        load(&file)
    };
    for (at, byte) in [(0, 0), (4, 2), (5, 2), (18, 62)] {
        says(&damaged(at, byte).unwrap_err(), &["vmturtle", "ELF", "80386"]);
    }
    says(&damaged(44, 0).unwrap_err(), &["no program headers"]);
    says(&damaged(44, 200).unwrap_err(), &["program headers are cut off"]);
    says(&damaged(31, 0xff).unwrap_err(), &["program headers are cut off"]);
    says(&damaged(52 + 7, 0xff).unwrap_err(), &["beyond the end of the file"]);
    says(&damaged(52 + 20, 0x10).unwrap_err(), &["smaller in memory"]);
    says(&damaged(52 + 15, 0xff).unwrap_err(), &["RAM"]);
    says(&damaged(52 + 23, 0xff).unwrap_err(), &["RAM"]);
    // A kernel is refused or loaded at every length, without a panic.
    let whole = kernel(0);
    for length in 0..whole.len() {
        match load(&whole[..length]) {
            Ok(()) => assert!(length >= 0x18c, "{length}"),
            Err(error) => says(&error, &["vmturtle"]),
        }
    }
}

#[test]
fn a_header_with_addresses_is_checked_against_the_file() {
    let with = |fields: [u32; 5]| {
        let mut file = kernel(1 << 16);
        for (n, value) in fields.into_iter().enumerate() {
            file[0x18c + 4 * n..0x190 + 4 * n].copy_from_slice(&value.to_le_bytes());
        }
        let mut machine = machine();
        machine.load_multiboot("flat", &file, "").map(|()| machine.cpu.eip())
    };
    let base = 0x10_0000;
    // header, load, load end, bss end, entry
    assert_eq!(with([base + 0x180, base, 0, 0, base + 0x100]).unwrap(), base + 0x100);
    assert_eq!(with([base + 0x180, base, base + 0x190, base + 0x1000, 5]).unwrap(), 5);
    says(&with([base, base + 4, 0, 0, 0]).unwrap_err(), &["flat", "before its load address"]);
    says(&with([base + 0x184, base, 0, 0, 0]).unwrap_err(), &["flat", "before the file"]);
    says(&with([base + 0x180, base, base - 1, 0, 0]).unwrap_err(), &["flat", "before its start"]);
    says(&with([base + 0x180, base, base + 0x1000, 0, 0]).unwrap_err(), &["flat", "shorter than its header says"]);
    says(&with([base + 0x180, base, 0, u32::MAX, 0]).unwrap_err(), &["RAM"]);
    says(&with([0xffff_f180, 0xffff_f000, 0, 0, 0]).unwrap_err(), &["RAM"]);
}

// ---- independence

#[test]
fn a_snapshot_of_another_machine_is_refused_with_the_difference() {
    let snapshot = machine().snapshot();
    let refuse = |builder: MachineBuilder, words: &[&str]| says(&build(builder).restore(&snapshot).unwrap_err(), words);
    let base = || Machine::builder(Model::I486Dx).ram(2 << 20);
    refuse(Machine::builder(Model::Pentium).ram(2 << 20), &["another machine", "486dx", "pentium"]);
    refuse(base().ram(4 << 20), &["RAM", &(2 << 20).to_string(), &(4 << 20).to_string()]);
    refuse(base().clock_hz(1), &["clock"]);
    refuse(base().device(part("mine", 1..=1)), &["devices", "mine"]);
    says(&Snapshot::from_bytes(b"no snapshot").unwrap_err(), &["not a snapshot", "T86SNAP"]);
}

#[test]
fn machines_in_threads_give_what_one_alone_gives() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let roms = ["string", "paging", "pit"];
    let run = |name: &str| {
        let mut machine = is_send(build(pc(Model::Pentium, find(name).unwrap())));
        Outcome::run(&mut machine, RunLimit::cycles(400_000))
    };
    let alone: Vec<Outcome> = roms.iter().map(|name| run(name)).collect();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..12).map(|n| (n % roms.len(), scope.spawn(move || run(roms[n % roms.len()])))).collect();
        for (n, thread) in threads {
            assert_same(roms[n], &alone[n], &thread.join().unwrap());
        }
    });
}

#[test]
fn a_machine_goes_on_in_another_thread() {
    let mut here = build(pc(Model::I386Dx, find("pmode").unwrap()));
    let whole = Outcome::run(&mut here, RunLimit::cycles(300_000));
    let mut machine = build(pc(Model::I386Dx, find("pmode").unwrap()));
    machine.run(RunLimit::cycles(100_000));
    let moved = std::thread::spawn(move || Outcome::run(&mut machine, RunLimit::cycles(200_000))).join().unwrap();
    assert_same("pmode", &whole, &moved);
}
