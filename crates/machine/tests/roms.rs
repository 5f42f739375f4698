//! Every bundled ROM passes on every model that it supports.

mod common;

use common::{build, console, pc};
use turtle86::{RunLimit, Stop, arch::Model};
use turtle86_test_roms::{ROMS, Report};

/// What a ROM writes to port F4h when all is well, as a status.
const SUCCESS: u32 = 0x10 << 1 | 1;

fn every_rom_passes_on(model: Model) {
    let mut complaints = String::new();
    let mut run = 0;
    for rom in ROMS {
        let first: Model = rom.first_model.parse().unwrap();
        if first > model {
            continue;
        }
        run += 1;
        let mut machine = build(pc(model, rom));
        let stop = machine.run(RunLimit::cycles(2_000_000_000));
        let report = Report::parse(&console(&machine));
        for case in &report.failed {
            complaints += &format!("{} {}: got {} want {}\n", rom.name, case.name, case.got, case.want);
        }
        let named = (report.passed.len() + report.failed.len()) as u32;
        match report.done {
            Some((passed, total)) if passed == total && total == named && total > 0 => {}
            other => complaints += &format!("{}: the last line says {other:?}, {named} cases are named\n", rom.name),
        }
        if model == Model::default() && named != rom.cases {
            complaints += &format!("{}: {named} cases, and it has {}\n", rom.name, rom.cases);
        }
        if stop != Stop::DebugExit(SUCCESS) {
            complaints += &format!("{}: ended with {stop}, last fault {:?}\n", rom.name, machine.cpu.last_fault());
        }
    }
    assert!(run > 0 && complaints.is_empty(), "{model}: {run} ROMs run\n{complaints}");
}

#[test]
fn every_rom_passes_on_the_386dx() {
    every_rom_passes_on(Model::I386Dx);
}
#[test]
fn every_rom_passes_on_the_386sx() {
    every_rom_passes_on(Model::I386Sx);
}
#[test]
fn every_rom_passes_on_the_386ex() {
    every_rom_passes_on(Model::I386Ex);
}
#[test]
fn every_rom_passes_on_the_486dx() {
    every_rom_passes_on(Model::I486Dx);
}
#[test]
fn every_rom_passes_on_the_486dx4() {
    every_rom_passes_on(Model::I486Dx4);
}
#[test]
fn every_rom_passes_on_the_pentium() {
    every_rom_passes_on(Model::Pentium);
}
#[test]
fn every_rom_passes_on_the_pentium_pro_with_all_its_cases() {
    every_rom_passes_on(Model::PentiumPro);
}
