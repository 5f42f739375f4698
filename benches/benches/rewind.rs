//! Going back to a checkpoint of a PC with 16 MiB of RAM, after runs that touched a number of pages and all of its chips.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use std::time::{Duration, Instant};
use turtle86::{
    Checkpoint, Machine,
    arch::{AccessKind, LinearAddress},
};
use turtle86_benches::{talk_and_touch, toucher};

fn rewind(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("rewind");
    for pages in [1, 32, 256] {
        let mut machine = toucher();
        let start = machine.checkpoint();
        group.bench_function(BenchmarkId::new("pages", pages), |b| b.iter_custom(|n| rewinding(&mut machine, &start, pages, false, n)));
    }
    let mut machine = toucher();
    for page in 0..1500 {
        machine.cpu.mmu_mut().translate(LinearAddress(page << 12), AccessKind::Read).expect("paging is off");
    }
    let start = machine.checkpoint();
    group.bench_function("pages/32, TLB flushed", |b| b.iter_custom(|n| rewinding(&mut machine, &start, 32, true, n)));
    let mut machine = toucher();
    let start = machine.checkpoint();
    group.bench_function("iteration/32", |b| {
        b.iter(|| {
            talk_and_touch(&mut machine, 32);
            machine.rewind(&start).expect("it is this machine's");
        });
    });
    let other = machine.checkpoint();
    let mut points = [&start, &other].into_iter().cycle();
    group.bench_function("to_another", |b| b.iter(|| machine.rewind(points.next().unwrap_or(&start)).expect("it is this machine's")));
    group.bench_function("checkpoint", |b| b.iter(|| machine.checkpoint()));
    group.finish();
}
/// The time of `n` rewinds, without that of the runs between them.
fn rewinding(machine: &mut Machine, to: &Checkpoint, pages: u32, flush: bool, n: u64) -> Duration {
    (0..n)
        .map(|_| {
            talk_and_touch(machine, pages);
            if flush {
                machine.cpu.mmu_mut().flush_tlb(true);
            }
            let start = Instant::now();
            machine.rewind(to).expect("it is this machine's");
            start.elapsed()
        })
        .sum()
}

criterion_group!(benches, rewind);
criterion_main!(benches);
