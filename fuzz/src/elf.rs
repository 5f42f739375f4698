//! Guest images: Multiboot kernels as ELF files and by their header, and flat images.
//!
//! Input: how, two bytes for the place of a flat image, then the file.

use crate::bench::{Bench, Pool, with};
use turtle86::{
    Machine, Multiboot, RunLimit,
    arch::{Cr0, Gpr, Model, PhysicalAddress},
};

const RAM: u64 = 96 << 10;

thread_local! {
    static BENCHES: Pool<(), Bench> = Pool::default();
}

/// Runs one input.
pub fn run(data: &[u8]) {
    let [how, low, high, file @ ..] = data else { return };
    let place = u16::from_le_bytes([*low, *high]);
    let make = |_: &()| Bench::new(Machine::builder(Model::Pentium).ram(RAM), &[]);
    with(&BENCHES, (), make, |bench| {
        let state = bench.reset();
        bench.start(&state);
        if how & 1 == 0 {
            multiboot(&mut bench.machine, file, place)
        } else {
            flat(&mut bench.machine, file, place)
        }
        bench.machine.run(RunLimit { cycles: Some(10_000), instructions: Some(50) });
    });
}

fn multiboot(machine: &mut Machine, file: &[u8], place: u16) {
    let found = Multiboot::find(file);
    if let Some(header) = found {
        assert!(header.offset % 4 == 0 && header.offset < 8192, "a header at {:#x}", header.offset);
    }
    // Most are short; some are longer than there is room.
    let line = "x".repeat(usize::from(if place & 0xf000 == 0xf000 { place } else { place & 0xfff }));
    match machine.load_multiboot("kernel", file, &line) {
        Ok(()) => {
            assert!(found.is_some(), "loaded without a header");
            assert_eq!(machine.cpu.gpr(Gpr::Eax), 0x2bad_b002);
            assert_eq!((machine.cpu.cr0() & (Cr0::PE | Cr0::PG), machine.cpu.cpl()), (Cr0::PE, 0));
            // The line is where the structure says it is.
            let mut text = [0; 4];
            machine.read_physical(PhysicalAddress(u64::from(machine.cpu.gpr(Gpr::Ebx)) + 16), &mut text);
            let mut read = vec![0; line.len() + 1];
            machine.read_physical(PhysicalAddress(u32::from_le_bytes(text).into()), &mut read);
            assert!(read.iter().eq(line.as_bytes().iter().chain(&[0])), "the command line");
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn flat(machine: &mut Machine, file: &[u8], place: u16) {
    // Up to a little more than 1 MiB: RAM ends long before.
    let at = PhysicalAddress(u64::from(place) << 5);
    let entry = (place, place.rotate_left(7));
    let fits = at.0 + file.len() as u64 <= RAM;
    match machine.load_flat(file, at, entry) {
        Ok(()) => {
            let mut read = vec![0; file.len()];
            machine.read_physical(at, &mut read);
            assert!(fits && read == file, "a flat image at {at}");
        }
        Err(error) => assert!(!fits || file.is_empty(), "{error}"),
    }
}
