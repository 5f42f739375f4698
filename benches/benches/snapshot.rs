//! Snapshots of a PC with 16 MiB of RAM, of which 1 MiB is not zero.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use turtle86::{
    Machine, Snapshot,
    arch::{Model, PhysicalAddress},
};

fn snapshot(criterion: &mut Criterion) {
    let mut machine = Machine::builder(Model::PentiumPro).ram(16 << 20).isa_pc().build().expect("the machine is sound");
    machine.load(PhysicalAddress(1 << 20), &[0x5a; 1 << 20]).expect("it fits into RAM");
    let snapshot = machine.snapshot();
    let bytes = snapshot.to_bytes();
    let mut group = criterion.benchmark_group("snapshot");
    group.throughput(Throughput::Bytes(16 << 20));
    group.bench_function("take", |b| b.iter(|| machine.snapshot()));
    group.bench_function("restore", |b| b.iter(|| machine.restore(&snapshot).expect("it is this machine's")));
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("to_bytes", |b| b.iter(|| snapshot.to_bytes()));
    group.bench_function("from_bytes", |b| b.iter(|| Snapshot::from_bytes(&bytes).expect("it is sound")));
    group.finish();
}

criterion_group!(benches, snapshot);
criterion_main!(benches);
