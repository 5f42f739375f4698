//! Page walks: more pages than the TLB holds, and loads of CR3.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use turtle86_benches::{CR3_LOADS, TLB_MISSES, run};

const INSTRUCTIONS: u64 = 100_000;

fn paging(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("paging");
    group.throughput(Throughput::Elements(INSTRUCTIONS));
    for guest in [TLB_MISSES, CR3_LOADS] {
        let mut machine = guest.machine();
        group.bench_function(guest.name, |b| b.iter(|| run(&mut machine, INSTRUCTIONS)));
    }
    group.finish();
}

criterion_group!(benches, paging);
criterion_main!(benches);
