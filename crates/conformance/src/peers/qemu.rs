//! QEMU, with its translator: an ISA PC.

use std::{path::Path, process::Command};

/// The processor is the model that is nearest to a Pentium Pro, without what came with the Pentium II.
pub(super) fn command(image: &Path) -> Command {
    let mut command = Command::new("qemu-system-i386");
    command
        .args(["-machine", "isapc,accel=tcg", "-cpu", "pentium2,-mmx,-fxsr,-sep", "-bios"])
        .arg(image)
        .args(["-debugcon", "stdio", "-display", "none", "-no-reboot"])
        .args(["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]);
    command
}
