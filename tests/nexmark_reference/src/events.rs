//! The events of the auction as tables, a column of Arrow each.

use datafusion::arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use datafusion::error::Result;
use datafusion::prelude::SessionContext;
use millstream::sql::connector::nexmark::{Event, Generator, Shape};
use std::num::NonZeroU32;
use std::sync::Arc;

/// What `tests/sql/nexmark/tables.sql` says.
const EVENTS: u64 = 100_000;

fn shape() -> Shape {
    // 2015-07-15 23:59:10.
    Shape { base_time_ms: 1_437_004_750_000, rate: NonZeroU32::new(1000).unwrap(), ..Shape::default() }
}

/// Registers `person`, `auction`, `bid` and `side_input`. A time is there as `ts` and as the number `ms` of its milliseconds.
pub fn register(context: &SessionContext) -> Result<()> {
    let (mut persons, mut auctions, mut bids) = (Vec::new(), Vec::new(), Vec::new());
    let generator = Generator::new(shape());
    for number in 0..EVENTS {
        match generator.event(number) {
            Event::Person(person) => persons.push(person),
            Event::Auction(auction) => auctions.push(auction),
            Event::Bid(bid) => bids.push(bid),
        }
    }
    let person = [
        ("id", int(persons.iter().map(|person| person.id))),
        ("name", text(persons.iter().map(|person| person.name.as_str()))),
        ("email", text(persons.iter().map(|person| person.email_address.as_str()))),
        ("card", text(persons.iter().map(|person| person.credit_card.as_str()))),
        ("city", text(persons.iter().map(|person| person.city))),
        ("state", text(persons.iter().map(|person| person.state))),
        ("ts", time(persons.iter().map(|person| person.time.millis()))),
        ("ms", number(persons.iter().map(|person| person.time.millis()))),
        ("extra", text(persons.iter().map(|person| person.extra.as_str()))),
    ];
    let auction = [
        ("id", int(auctions.iter().map(|auction| auction.id))),
        ("item", text(auctions.iter().map(|auction| auction.item_name.as_str()))),
        ("description", text(auctions.iter().map(|auction| auction.description.as_str()))),
        ("initial", int(auctions.iter().map(|auction| auction.initial_bid))),
        ("reserve", int(auctions.iter().map(|auction| auction.reserve))),
        ("ts", time(auctions.iter().map(|auction| auction.time.millis()))),
        ("ms", number(auctions.iter().map(|auction| auction.time.millis()))),
        ("expires", time(auctions.iter().map(|auction| auction.expires.millis()))),
        ("seller", int(auctions.iter().map(|auction| auction.seller))),
        ("category", int(auctions.iter().map(|auction| auction.category))),
        ("extra", text(auctions.iter().map(|auction| auction.extra.as_str()))),
    ];
    let bid = [
        ("auction", int(bids.iter().map(|bid| bid.auction))),
        ("bidder", int(bids.iter().map(|bid| bid.bidder))),
        ("price", int(bids.iter().map(|bid| bid.price))),
        ("channel", text(bids.iter().map(|bid| bid.channel.as_str()))),
        ("url", text(bids.iter().map(|bid| bid.url.as_str()))),
        ("ts", time(bids.iter().map(|bid| bid.time.millis()))),
        ("ms", number(bids.iter().map(|bid| bid.time.millis()))),
        ("extra", text(bids.iter().map(|bid| bid.extra.as_str()))),
    ];
    for (name, columns) in [("person", person.to_vec()), ("auction", auction.to_vec()), ("bid", bid.to_vec())] {
        context.register_batch(name, RecordBatch::try_from_iter(columns)?)?;
    }
    let lines = include_str!("../../sql/nexmark/side_input.csv").lines();
    let (keys, values): (Vec<i64>, Vec<&str>) = lines
        .map(|line| line.split_once(',').unwrap())
        .map(|(key, value)| (key.parse::<i64>().unwrap(), value))
        .unzip();
    let side_input = [("key", number(keys.into_iter())), ("value", text(values.into_iter()))];
    context.register_batch("side_input", RecordBatch::try_from_iter(side_input)?)?;
    Ok(())
}

fn int(values: impl Iterator<Item = u64>) -> ArrayRef {
    number(values.map(|value| i64::try_from(value).unwrap()))
}

fn number(values: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values))
}

fn text<'t>(values: impl Iterator<Item = &'t str>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

fn time(values: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(TimestampMillisecondArray::from_iter_values(values))
}
