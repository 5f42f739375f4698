//! Decoding: code that runs for the first time, and code that is changed before it runs again.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use turtle86_benches::{SELF_MODIFYING, STRAIGHT_LINE, run, straight_line};

fn decode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Elements(STRAIGHT_LINE + 1));
    let mut machine = straight_line();
    group.bench_function("cold", |b| {
        b.iter(|| {
            machine.cpu.forget_code();
            run(&mut machine, STRAIGHT_LINE + 1);
        })
    });
    let mut machine = SELF_MODIFYING.machine();
    group.throughput(Throughput::Elements(5000));
    group.bench_function(SELF_MODIFYING.name, |b| b.iter(|| run(&mut machine, 5000)));
    group.finish();
}

criterion_group!(benches, decode);
criterion_main!(benches);
