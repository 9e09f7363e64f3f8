//! Crash tests for a dataflow of your own: fifty seeds, each with another order of things and other crashes, and one answer.
//!
//! A shop numbers its orders without gaps, since the tax office wants it so, and sums up each hour. The dataflow is written
//! twice: once with its counter in a state handle, and once with it where it looks harmless and is forgotten: in a variable of
//! the program. Straight through both give the same.
//!
//! ```text
//! cargo run --example crash_test_your_dataflow
//! ```

use millstream::connector::Collected;
use millstream::prelude::*;
use millstream::testing::{Script, Simulation};
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

fn sorted(rows: &Collected<String>) -> Vec<String> {
    let mut rows = rows.rows();
    rows.sort();
    rows
}

/// The rows when nothing happens.
pub(crate) fn straight(counter: Counter) -> millstream::Result<Vec<String>> {
    let (job, rows) = job(counter);
    Simulation::start(&job, Config::default(), 0)?.run()?;
    Ok(sorted(&rows))
}

/// The rows when much happens: checkpoints, panics of operators and crashes by chance, and two starts at another parallelism.
/// The seed decides when; the same seed is the same run.
pub(crate) fn crashed(counter: Counter, seed: u64) -> millstream::Result<Vec<String>> {
    let (job, rows) = job(counter);
    let config = Config::default().batch_size(4).parallelism(1 + seed as usize % 3);
    let mut simulation = Simulation::start(&job, config, seed)?;
    simulation.checkpoints_one_in(20).panics_one_in(25).crashes_one_in(60, 3);
    simulation.step(60)?;
    simulation.crash_into(3)?;
    simulation.step(60)?;
    simulation.crash_into(2)?;
    simulation.run()?;
    Ok(sorted(&rows))
}

/// The first of fifty seeds under which the rows are others, and a row that should not be there or is missing.
pub(crate) fn find(counter: Counter) -> millstream::Result<Option<(u64, String)>> {
    let expected = straight(counter)?;
    for seed in 0..50 {
        let rows = crashed(counter, seed)?;
        if rows != expected {
            let extra = rows.iter().find(|row| !expected.contains(row)).map(|row| format!("`{row}` is too much"));
            let missing = expected.iter().find(|row| !rows.contains(row)).map(|row| format!("`{row}` is missing"));
            return Ok(Some((seed, missing.or(extra).unwrap_or_else(|| "a row is there twice".to_owned()))));
        }
    }
    Ok(None)
}

fn main() -> millstream::Result<()> {
    for (name, counter) in [("in a state handle", Counter::State), ("in the program", Counter::Program)] {
        match find(counter)? {
            None => println!("the counter {name}: fifty seeds, one answer"),
            Some((seed, what)) => println!("the counter {name}: seed {seed} shows a bug: {what}"),
        }
    }
    Ok(())
}
