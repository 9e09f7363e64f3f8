//! What is counted by time.

use super::{answer, bids, records, timestamp};
use crate::case::Case;
use crate::highest::Highest;
use crate::query::Input;
use compact_str::CompactString;
use millstream::formats::LogEntry;
use millstream::prelude::*;
use std::time::Duration;

const BEHIND: Duration = seconds(4);

/// Page views of each client and of the site.
pub(super) fn views(job: &Job, case: &Case, window: Duration) {
    let views = records(job, case, Input::Log, |line| {
        let entry = LogEntry::parse(line.as_bytes()).ok()?;
        Some((entry.time, CompactString::new(entry.client)))
    });
    let users = views
        .event_time(|view| view.0, Watermarks::out_of_order(minutes(1)))
        .key_by(|view| view.1.clone())
        .window(Tumbling::of(window))
        .count();
    users.map(|user| (user.start, user.key, user.value)).sink(FileSink::csv(case.output.join("users")));
    users
        .key_by(|user| user.start)
        .window(Tumbling::of(window))
        .aggregate((Sum::of(|user: &Windowed<CompactString, u64>| user.value), Count))
        .map(|site| (site.start, site.value.0, site.value.1))
        .sink(FileSink::csv(case.output.join("site")));
}

/// The auctions with most bids.
struct MostBids;

impl Aggregate<Windowed<u64, u64>> for MostBids {
    type Accumulator = Highest<u64>;
    type Output = Highest<u64>;

    fn create(&self) -> Highest<u64> {
        Highest::default()
    }

    fn add(&self, most: &mut Highest<u64>, auction: &Windowed<u64, u64>) {
        most.offer(auction.value, || auction.key);
    }

    fn merge(&self, most: &mut Highest<u64>, other: Highest<u64>) {
        most.merge(other);
    }

    fn finish(&self, most: Highest<u64>) -> Highest<u64> {
        most
    }
}

/// q5.
pub(super) fn hot_items(job: &Job, case: &Case) {
    const SLIDE: Duration = seconds(2);
    let counts = bids(job, case, |bid| (bid.auction, timestamp(bid.time)))
        .event_time(|bid| bid.1, Watermarks::out_of_order(BEHIND))
        .key_by(|bid| bid.0)
        .window(Sliding::of(seconds(10)).every(SLIDE))
        .count();
    let hot = counts.key_by(|count| count.start).window(Tumbling::of(SLIDE)).aggregate(MostBids);
    let rows = hot.flat_map(|hot| {
        let (start, Highest { score, who }) = (hot.key, hot.value);
        who.into_iter().map(move |auction| (auction, score, start, start + seconds(10)))
    });
    rows.sink(answer(case));
}

#[derive(Clone)]
struct Offer {
    auction: u64,
    bidder: u64,
    price: u64,
    time: Timestamp,
}

/// The highest bids.
struct HighestBids;

impl Aggregate<Offer> for HighestBids {
    type Accumulator = Highest<(u64, u64, Timestamp)>;
    type Output = Highest<(u64, u64, Timestamp)>;

    fn create(&self) -> Self::Accumulator {
        Highest::default()
    }

    fn add(&self, highest: &mut Self::Accumulator, bid: &Offer) {
        highest.offer(bid.price, || (bid.auction, bid.bidder, bid.time));
    }

    fn merge(&self, highest: &mut Self::Accumulator, other: Self::Accumulator) {
        highest.merge(other);
    }

    fn finish(&self, highest: Self::Accumulator) -> Self::Output {
        highest
    }
}

/// q7.
pub(super) fn highest_bids(job: &Job, case: &Case) {
    let offer = |bid: crate::records::Bid<'_>| Offer {
        auction: bid.auction,
        bidder: bid.bidder,
        price: bid.price,
        time: timestamp(bid.time),
    };
    let highest = bids(job, case, offer)
        .event_time(|bid| bid.time, Watermarks::out_of_order(BEHIND))
        .key_by(|_| ())
        .window(Tumbling::of(seconds(10)))
        .local_global()
        .aggregate(HighestBids);
    let rows = highest.flat_map(|window| {
        let (end, Highest { score, who }) = (window.end, window.value);
        who.into_iter().map(move |(auction, bidder, time)| (auction, bidder, score, time, end))
    });
    rows.sink(answer(case));
}

/// q11.
pub(super) fn sessions(job: &Job, case: &Case) {
    bids(job, case, |bid| (bid.bidder, timestamp(bid.time)))
        .event_time(|bid| bid.1, Watermarks::out_of_order(BEHIND))
        .key_by(|bid| bid.0)
        .window(Session::gap(seconds(10)))
        .count()
        .map(|session| (session.key, session.value, session.start, session.end))
        .sink(answer(case));
}

/// q12.
pub(super) fn by_the_clock(job: &Job, case: &Case) {
    bids(job, case, |bid| bid.bidder)
        .key_by(|bidder| *bidder)
        .window(Tumbling::of(seconds(10)).processing_time())
        .count()
        .map(|window| (window.key, window.value))
        .sink(answer(case));
}
