//! Arithmetic on registers.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use turtle86_benches::{ALU, run};

const INSTRUCTIONS: u64 = 100_000;

fn alu(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("alu");
    group.throughput(Throughput::Elements(INSTRUCTIONS));
    let mut machine = ALU.machine();
    group.bench_function(ALU.name, |b| b.iter(|| run(&mut machine, INSTRUCTIONS)));
    group.finish();
}

criterion_group!(benches, alu);
criterion_main!(benches);
