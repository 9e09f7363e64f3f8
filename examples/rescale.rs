//! A job changes its parallelism while it runs: from one subtask to four, and down to two.
//!
//! A shop's orders come in at a steady rate and are summed up by customer. Each rescale is a last checkpoint, then a new life
//! in which each subtask has its share of the customers; what comes in meanwhile waits where it is read from. At the end
//! each order has counted once.
//!
//! ```text
//! cargo run --example rescale
//! ```
//! From outside, the same is done by `millstream rescale --state-dir DIR --parallelism N`.

use millstream::prelude::*;
use millstream::{JobHandle, Rescaled};
use std::collections::BTreeMap;

const ORDERS: u64 = 20_000;
const CUSTOMERS: u64 = 50;

/// Customer and cents of an order.
fn order(number: u64) -> (u64, u64) {
    (number * number % CUSTOMERS, number % 1_000)
}

/// Waits until so many orders have come in.
fn await_orders(handle: &JobHandle, orders: u64) {
    while handle.status().operator("orders").is_some_and(|source| source.records_in < orders) {
        std::thread::sleep(millis(5));
    }
}

/// The rescales, and what each customer has spent.
pub(crate) fn run() -> millstream::Result<(Vec<Rescaled>, BTreeMap<u64, u64>)> {
    let job = Job::new("rescale");
    let sink = CollectSink::new();
    let sums = sink.handle();
    job.source(GeneratorSource::new(order).rate(15_000).count(ORDERS).splits(4))
        .uid("orders")
        .key_by(|order| order.0)
        .reduce(|sum, order| (sum.0, sum.1 + order.1))
        .uid("spent")
        .sink(sink);
    let handle = job.start(Config::default().checkpoint_interval(millis(100)))?;
    let mut rescales = Vec::new();
    for (orders, parallelism) in [(5_000, 4), (10_000, 2)] {
        await_orders(&handle, orders);
        rescales.push(handle.rescale(parallelism)?);
    }
    handle.wait()?;
    let mut spent = BTreeMap::new();
    for (customer, cents) in sums.rows() {
        let most = spent.entry(customer).or_insert(cents);
        *most = cents.max(*most);
    }
    Ok((rescales, spent))
}

/// What each customer has spent, by hand.
pub(crate) fn expected() -> BTreeMap<u64, u64> {
    let mut spent = BTreeMap::new();
    for (customer, cents) in (0..ORDERS).map(order) {
        *spent.entry(customer).or_default() += cents;
    }
    spent
}

fn main() -> millstream::Result<()> {
    let (rescales, spent) = run()?;
    for Rescaled { from, to, gap, .. } in rescales {
        println!("from {from} to {to} subtasks: nothing was read for {} ms", gap.as_millis());
    }
    let all = spent == expected();
    println!("{} customers; each order has counted once: {all}", spent.len());
    Ok(())
}
