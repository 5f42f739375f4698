//! A snapshot brings the same future, to the bit and to the cycle, from memory and from bytes.

use turtle86::{Machine, RunLimit, Snapshot, arch::Model};

fn main() -> Result<(), turtle86::Error> {
    let bios = concat!(env!("CARGO_MANIFEST_DIR"), "/../../test-roms/images/string.bin");
    let mut machine = Machine::builder(Model::I386Dx).ram(4 << 20).isa_pc().bios(bios).build()?;
    machine.run(RunLimit::cycles(10_000));
    let before = machine.snapshot();
    let first = machine.run(RunLimit::cycles(5_000));
    let (end, after) = (machine.now(), machine.snapshot());

    machine.restore(&before)?;
    assert_eq!(machine.run(RunLimit::cycles(5_000)), first);
    assert_eq!(machine.now(), end, "a restored run is cycle-identical");
    assert!(machine.snapshot() == after, "and bit-identical");

    let bytes = before.to_bytes(); // versioned, in sections with checksums
    let copy = Snapshot::from_bytes(&bytes)?;
    assert!(copy == before);
    println!("{} bytes hold a machine with 4 MiB of RAM at {:?}", bytes.len(), end);
    Ok(())
}
