//! Two streams meet: which orders were paid within an hour, and how fast.
//!
//! Orders and payments come from two systems and know of each other by the order's number only. An interval join pairs a
//! payment with its order if it was made up to an hour after it; both may be a few minutes out of order. What waits for a
//! partner is kept only until the watermark says that none can come any more.
//!
//! ```text
//! cargo run --example stream_join
//! ```

use millstream::prelude::*;
use serde::{Deserialize, Serialize};

/// Somebody orders something.
#[derive(Clone, Serialize, Deserialize)]
struct Order {
    number: u32,
    what: String,
    minute: u64,
}

/// Somebody pays for an order.
#[derive(Clone, Serialize, Deserialize)]
struct Payment {
    order: u32,
    minute: u64,
}

/// (number, what, minute), in the order in which they arrive.
const ORDERS: [(u32, &str, u64); 6] =
    [(1, "flour", 0), (2, "bran", 4), (4, "oats", 30), (3, "a millstone", 27), (5, "rye", 45), (6, "semolina", 200)];

/// (order, minute). Order 3 is paid in two parts, 4 an hour and a minute late, 5 to the minute, 6 never; nobody ordered 9.
const PAYMENTS: [(u32, u64); 7] = [(2, 6), (1, 5), (9, 20), (3, 30), (3, 86), (4, 91), (5, 105)];

/// The payments that were made in time: (order, what was ordered, minutes until it was paid).
pub(crate) fn run() -> millstream::Result<Vec<(u32, String, u64)>> {
    let job = Job::new("stream-join");
    let sink = CollectSink::new();
    let paid = sink.handle();

    let orders = ORDERS.map(|(number, what, minute)| Order { number, what: what.to_owned(), minute });
    let orders = job
        .source(MemorySource::new(orders))
        .event_time(|order| Timestamp::EPOCH + minutes(order.minute), Watermarks::out_of_order(minutes(5)));
    let payments = PAYMENTS.map(|(order, minute)| Payment { order, minute });
    let payments = job
        .source(MemorySource::new(payments))
        .event_time(|payment| Timestamp::EPOCH + minutes(payment.minute), Watermarks::out_of_order(minutes(5)));

    orders
        .join(&payments)
        .on(|order| order.number, |payment| payment.order)
        .interval(minutes(0), hours(1))
        .inner(|order, payment| (order.number, order.what.clone(), payment.minute - order.minute))
        .sink(sink);
    job.run(Config::default())?;

    let mut paid = paid.rows();
    paid.sort();
    Ok(paid)
}

fn main() -> millstream::Result<()> {
    for (order, what, minutes) in run()? {
        println!("order {order} ({what}): paid after {minutes} minutes");
    }
    Ok(())
}
