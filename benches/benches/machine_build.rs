//! Building a machine with 16 MiB of RAM that does nothing yet.

use criterion::{Criterion, criterion_group, criterion_main};
use turtle86::{Machine, arch::Model};

fn machine_build(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("machine_build");
    let builder = || Machine::builder(Model::PentiumPro).ram(16 << 20);
    group.bench_function("bare", |b| b.iter(|| builder().build().expect("the machine is sound")));
    group.bench_function("isa_pc", |b| b.iter(|| builder().isa_pc().build().expect("the machine is sound")));
    group.finish();
}

criterion_group!(benches, machine_build);
criterion_main!(benches);
