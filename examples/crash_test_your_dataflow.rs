//! Crash tests for a dataflow of your own: fifty seeds, each with another order of things and other disasters, and one answer.
//!
//! A shop numbers its orders without gaps, since the tax office wants it so, and sums up each hour. The dataflow is written
//! twice: once with its counter in a state handle, and once with it where it looks harmless and is forgotten, in a variable of
//! the program. As long as nothing happens both give the same.
//!
//! ```text
//! cargo run --example crash_test_your_dataflow
//! MILLSTREAM_SEEDS=1000 cargo run --release --example crash_test_your_dataflow
//! ```

use millstream::connector::Collected;
use millstream::prelude::*;
use millstream::testing::{Exploration, Finding, Script, Simulation};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

#[derive(Clone, Debug)]
struct Order {
    shop: u8,
    cents: u64,
}

/// Where the counter of a shop lives.
#[derive(Clone, Copy)]
pub(crate) enum Counter {
    /// In a state handle: it goes back with everything else.
    State,
    /// In the program: after a crash it has counted what has never happened.
    Program,
}

/// The dataflow under test, from its input to rows that do not depend on the order in which subtasks run.
fn invoices(orders: &Stream<Order>, counter: Counter) -> Stream<String> {
    let by_shop = orders.key_by(|order| order.shop);
    let numbers = match counter {
        Counter::State => by_shop.map_with_state(
            || 0_u64,
            |last: &mut u64, shop, _| {
                *last += 1;
                format!("shop {shop}, invoice {last}")
            },
        ),
        Counter::Program => {
            let counters: [Arc<AtomicU64>; 3] = Default::default();
            let next = move |order: Order| counters[usize::from(order.shop)].fetch_add(1, Relaxed) + 1;
            by_shop.map_with_state(|| (), move |(), shop, order| format!("shop {shop}, invoice {}", next(order)))
        }
    };
    let takings = by_shop.window(Tumbling::of(hours(1))).aggregate(Sum::of(|order: &Order| order.cents));
    numbers.union(&takings.map(|hour| format!("shop {}, from {}: {} cents", hour.key, hour.start, hour.value)))
}

fn job(counter: Counter) -> (Job, Collected<String>) {
    let (job, sink) = (Job::new("invoices"), CollectSink::new());
    let rows = sink.handle();
    let orders = (0..120_u64).map(|n| (Order { shop: (n * n % 3) as u8, cents: n }, Timestamp::EPOCH + minutes(n)));
    invoices(&Script::new().records(orders).attach(&job), counter).sink(sink);
    (job, rows)
}

/// The rows when nothing happens.
pub(crate) fn straight(counter: Counter) -> millstream::Result<Vec<String>> {
    let (job, rows) = job(counter);
    Simulation::start(&job, Config::default(), 0)?.run()?;
    let mut rows = rows.rows();
    rows.sort();
    Ok(rows)
}

/// The first of fifty seeds under which the rows are not those of a run in which nothing happens. A seed decides in which order
/// things happen and what goes wrong: the process dies, the power goes in the middle of a write, a disk fails for a while,
/// operators panic, the job goes on at another parallelism. The same seed is the same run.
pub(crate) fn find(counter: Counter) -> Option<Finding> {
    Exploration::of(50).find(|_seed, _fuse| {
        let (job, rows) = job(counter);
        (job, move || rows.rows())
    })
}

fn main() -> millstream::Result<()> {
    for (place, counter) in [("in a state handle", Counter::State), ("in the program", Counter::Program)] {
        println!("the counter {place}: {} rows when nothing happens", straight(counter)?.len());
        match find(counter) {
            None => println!("  under every seed the same rows\n"),
            Some(Finding { seed, what, command, .. }) => {
                println!("  seed {seed} shows a bug:");
                what.lines().take(6).for_each(|line| println!("    {line}"));
                println!("    ...\n  run it again: {command}");
            }
        }
    }
    Ok(())
}
