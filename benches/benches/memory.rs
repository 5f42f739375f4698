//! Loads and stores in flat segments.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use turtle86_benches::{MEMORY, run};

const INSTRUCTIONS: u64 = 100_000;

fn memory(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("memory");
    group.throughput(Throughput::Elements(INSTRUCTIONS));
    let mut machine = MEMORY.machine();
    group.bench_function(MEMORY.name, |b| b.iter(|| run(&mut machine, INSTRUCTIONS)));
    group.finish();
}

criterion_group!(benches, memory);
criterion_main!(benches);
