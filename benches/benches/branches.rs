//! Near branches: links between blocks, and targets that are found by EIP.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use turtle86_benches::{BRANCHES, run};

const INSTRUCTIONS: u64 = 100_000;

fn branches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("branches");
    group.throughput(Throughput::Elements(INSTRUCTIONS));
    let mut machine = BRANCHES.machine();
    group.bench_function(BRANCHES.name, |b| b.iter(|| run(&mut machine, INSTRUCTIONS)));
    group.finish();
}

criterion_group!(benches, branches);
criterion_main!(benches);
