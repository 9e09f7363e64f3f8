//! The benchmark's auction: persons, auctions and bids.

mod generator;
#[cfg(test)]
mod tests;

pub use generator::{Auction, Bid, Event, Generator, Person, Shape};

use super::datagen::{base_time, readers};
use super::registry::physical;
use super::{Connector, Input, OptionDoc, Options};
use crate::connector::GeneratorSource;
use crate::sql::catalog::OptionError;
use crate::sql::row::{RowCodec, RowKind, Value};
use crate::sql::type_name;
use crate::time::Timestamp;
use std::num::NonZeroU32;
use std::str::FromStr;

/// `nexmark`: the events of an auction, each a function of its number, the seed and the options.
///
/// Replayable: a job that restarts makes the same events again. Event time is the events' own: `next-event.rate` of them in a
/// second from `base-time` on. What differs from the connector of Flink's benchmark, where the clock decides: events come as fast
/// as they are taken, unless `paced` is true; the rate does not change.
///
/// ```
/// use millstream::sql::connector::Connector;
/// use millstream::sql::connector::nexmark::Nexmark;
///
/// assert!(Nexmark.options().iter().any(|option| option.key == "events.num"));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Nexmark;

/// The columns that a table must have.
const COLUMNS: [(&str, &str); 4] = [
    ("event_type", "INT"),
    (
        "person",
        "ROW<id BIGINT, name STRING, emailAddress STRING, creditCard STRING, city STRING, state STRING, \
         dateTime TIMESTAMP(3), extra STRING>",
    ),
    (
        "auction",
        "ROW<id BIGINT, itemName STRING, description STRING, initialBid BIGINT, reserve BIGINT, dateTime TIMESTAMP(3), \
         expires TIMESTAMP(3), seller BIGINT, category BIGINT, extra STRING>",
    ),
    (
        "bid",
        "ROW<auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, dateTime TIMESTAMP(3), extra STRING>",
    ),
];

const OPTIONS: &[OptionDoc] = &[
    OptionDoc { key: "events.num", default: Some("0"), doc: "after how many events the table ends; 0: never" },
    OptionDoc { key: "first-event.rate", default: Some("10000"), doc: "the same as next-event.rate" },
    OptionDoc { key: "next-event.rate", default: Some("10000"), doc: "events per second of event time" },
    OptionDoc {
        key: "paced",
        default: Some("false"),
        doc: "events come at that rate, not as fast as they are taken (not in Flink)",
    },
    OptionDoc { key: "person.proportion", default: Some("1"), doc: "how many events one after the other are persons" },
    OptionDoc { key: "auction.proportion", default: Some("3"), doc: "how many events then are auctions" },
    OptionDoc { key: "bid.proportion", default: Some("46"), doc: "how many events then are bids" },
    OptionDoc { key: "person.avg-size", default: Some("200"), doc: "about how many bytes a person has" },
    OptionDoc { key: "auction.avg-size", default: Some("500"), doc: "about how many bytes an auction has" },
    OptionDoc { key: "bid.avg-size", default: Some("100"), doc: "about how many bytes a bid has" },
    OptionDoc {
        key: "bid.hot-ratio.auctions",
        default: Some("2"),
        doc: "one of so many bids is not for the auction that most bid for",
    },
    OptionDoc {
        key: "bid.hot-ratio.bidders",
        default: Some("4"),
        doc: "one of so many bids is not of the person who bids most",
    },
    OptionDoc {
        key: "auction.hot-ratio.sellers",
        default: Some("4"),
        doc: "one of so many auctions is not of the person who sells most",
    },
    OptionDoc {
        key: "base-time",
        default: Some("2015-07-15 00:00:00"),
        doc: "the event time of the first event (not in Flink)",
    },
    OptionDoc {
        key: "out-of-orderness",
        default: Some("0 s"),
        doc: "how far events may be before their time (not in Flink)",
    },
    OptionDoc { key: "seed", default: Some("0"), doc: "other events for another number (not in Flink)" },
    OptionDoc { key: "scan.parallelism", default: Some("1"), doc: "how many readers share the events" },
];

impl Connector for Nexmark {
    fn name(&self) -> &str {
        "nexmark"
    }

    fn doc(&self) -> &str {
        "the benchmark's auction: persons, auctions and bids"
    }

    fn options(&self) -> &[OptionDoc] {
        OPTIONS
    }

    fn source(&self, options: Options<'_>) -> Result<Input, OptionError> {
        check_columns(options)?;
        let shape = shape(options)?;
        let rate = shape.rate.get();
        let columns = physical(options.table());
        let codec = RowCodec::new(&columns).map_err(|error| options.refuse("connector", error.to_string()))?;
        let generator = Generator::new(shape);
        let source = GeneratorSource::new(move |number| {
            let values = values(generator.event(number));
            codec.row(RowKind::Insert, &values).expect("the columns have been checked")
        });
        let source = source.splits(readers(options)?);
        let source = if options.flag("paced", false)? { source.rate(rate) } else { source };
        let count: u64 = options.read("events.num", "a number from 0", |_| true)?.unwrap_or(0);
        Ok(Input::rows(if count > 0 { source.count(count) } else { source }))
    }
}

/// Refuses a table that is another than the benchmark's.
fn check_columns(options: Options<'_>) -> Result<(), OptionError> {
    let columns = physical(options.table());
    let found = columns.fields().iter().map(|field| (field.name().as_str(), type_name(field.data_type())));
    let found: Vec<(&str, String)> = found.collect();
    if found.len() == COLUMNS.len()
        && found.iter().zip(COLUMNS).all(|(found, (name, of))| found.0 == name && found.1 == of)
    {
        return Ok(());
    }
    let wanted = COLUMNS.map(|(name, data_type)| format!("{name} {}", data_type.replace("dateTime", "`dateTime`")));
    let message = format!("its columns are not the benchmark's; write ({}), then computed ones", wanted.join(", "));
    Err(options.refuse("connector", message))
}

fn shape(options: Options<'_>) -> Result<Shape, OptionError> {
    let Shape { mut rate, persons, auctions, bids, hot_auctions, hot_bidders, hot_sellers, .. } = Shape::default();
    let Shape { base_time_ms, person_size, auction_size, bid_size, .. } = Shape::default();
    if let Some(next) = options.read("next-event.rate", "a number from 1", |_| true)? {
        rate = next;
    }
    let first: Option<NonZeroU32> = options.read("first-event.rate", "a number from 1", |_| true)?;
    if first.is_some_and(|first| first != rate) {
        let message = format!("the rate does not change: 'next-event.rate' is {rate}; give both the same");
        return Err(options.refuse("first-event.rate", message));
    }
    let disorder = options.duration("out-of-orderness")?.unwrap_or_default();
    let message = || "'out-of-orderness' is at most 49 days";
    let disorder_ms = u32::try_from(disorder.as_millis()).map_err(|_| options.refuse("out-of-orderness", message()))?;
    Ok(Shape {
        seed: options.read("seed", "a number from 0", |_| true)?.unwrap_or(0),
        base_time_ms: base_time(options, base_time_ms)?,
        rate,
        persons: from_one(options, "person.proportion", persons)?,
        auctions: from_one(options, "auction.proportion", auctions)?,
        bids: size(options, "bid.proportion", bids)?,
        hot_auctions: from_one(options, "bid.hot-ratio.auctions", hot_auctions)?,
        hot_bidders: from_one(options, "bid.hot-ratio.bidders", hot_bidders)?,
        hot_sellers: from_one(options, "auction.hot-ratio.sellers", hot_sellers)?,
        person_size: size(options, "person.avg-size", person_size)?,
        auction_size: size(options, "auction.avg-size", auction_size)?,
        bid_size: size(options, "bid.avg-size", bid_size)?,
        disorder_ms,
    })
}

fn from_one<T: FromStr>(options: Options<'_>, key: &str, default: T) -> Result<T, OptionError> {
    Ok(options.read(key, "a number from 1", |_| true)?.unwrap_or(default))
}

fn size(options: Options<'_>, key: &str, default: u32) -> Result<u32, OptionError> {
    Ok(options.read(key, "a number from 0 to 1000000", |size| *size <= 1_000_000)?.unwrap_or(default))
}

/// The values of an event's row: its kind, and one of three columns.
fn values(event: Event) -> [Value<'static>; 4] {
    let text = |text: String| Value::Text(text.into());
    let number = |number: u64| Value::Int(number as i64);
    let time = |time: Timestamp| Value::Int(time.millis());
    match event {
        Event::Person(Person { id, name, email_address, credit_card, city, state, time: at, extra }) => {
            let place = [city, state].map(|place| Value::Text(place.into()));
            let mut row = vec![number(id), text(name), text(email_address), text(credit_card)];
            row.extend(place);
            row.extend([time(at), text(extra)]);
            [Value::Int(0), Value::Row(row), Value::Null, Value::Null]
        }
        Event::Auction(auction) => {
            let Auction { id, item_name, description, initial_bid, reserve, .. } = auction;
            let row = vec![
                number(id),
                text(item_name),
                text(description),
                number(initial_bid),
                number(reserve),
                time(auction.time),
                time(auction.expires),
                number(auction.seller),
                number(auction.category),
                text(auction.extra),
            ];
            [Value::Int(1), Value::Null, Value::Row(row), Value::Null]
        }
        Event::Bid(bid) => {
            let [auction, bidder, price] = [bid.auction, bid.bidder, bid.price].map(number);
            let row = vec![auction, bidder, price, text(bid.channel), text(bid.url), time(bid.time), text(bid.extra)];
            [Value::Int(2), Value::Null, Value::Null, Value::Row(row)]
        }
    }
}
