//! String instructions; an iteration of a repeated one counts as an instruction.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use turtle86_benches::{LODS, REP_COPY, REP_FILL, REP_SCAN, run};

const INSTRUCTIONS: u64 = 100_000;

fn string(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("string");
    group.throughput(Throughput::Elements(INSTRUCTIONS));
    for guest in [REP_COPY, REP_FILL, REP_SCAN, LODS] {
        let mut machine = guest.machine();
        group.bench_function(guest.name, |b| b.iter(|| run(&mut machine, INSTRUCTIONS)));
    }
    group.finish();
}

criterion_group!(benches, string);
criterion_main!(benches);
