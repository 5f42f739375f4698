//! Far calls and software interrupts, in real-address and in protected mode.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use turtle86_benches::{FAR_CALL_PROTECTED, FAR_CALL_REAL, INT_PROTECTED, INT_REAL, run};

const INSTRUCTIONS: u64 = 100_000;

fn far_control(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("far_control");
    group.throughput(Throughput::Elements(INSTRUCTIONS));
    for guest in [FAR_CALL_REAL, FAR_CALL_PROTECTED, INT_REAL, INT_PROTECTED] {
        let mut machine = guest.machine();
        group.bench_function(guest.name, |b| b.iter(|| run(&mut machine, INSTRUCTIONS)));
    }
    group.finish();
}

criterion_group!(benches, far_control);
criterion_main!(benches);
