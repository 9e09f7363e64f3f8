//! Rows that change with each bid.

use super::{Scope, bids, by, hash, write};
use crate::case::Case;
use crate::hand::{Channel, Map};
use crate::records::millis;
use compact_str::{CompactString, format_compact};
use hashbrown::hash_map::Entry;
use serde::{Deserialize, Serialize};
use std::io::Write;
use xxhash_rust::xxh3::xxh3_64;

/// q16.
pub(super) fn channels(scope: Scope<'_>, case: &Case) {
    #[derive(Serialize, Deserialize)]
    struct Bid {
        channel_and_day: CompactString,
        minute: CompactString,
        price: u64,
        bidder: u64,
        auction: u64,
    }
    let bids = bids(scope, case, |bid| Bid {
        channel_and_day: format_compact!("{},{}", bid.channel, &bid.time[..10]),
        minute: bid.time[11..16].into(),
        price: bid.price,
        bidder: bid.bidder,
        auction: bid.auction,
    });
    let mut channels: Map<CompactString, Channel> = Map::default();
    write(bids, by(|bid: &Bid| xxh3_64(bid.channel_and_day.as_bytes())), case, "answer", move |file, bid| {
        let channel = channels.entry_ref(&bid.channel_and_day).or_default();
        if !channel.is_new() {
            writeln!(file, "-,{},{channel}", bid.channel_and_day)?;
        }
        channel.add(&bid.minute, bid.price, bid.bidder, bid.auction);
        writeln!(file, "+,{},{channel}", bid.channel_and_day)
    });
}

/// q18.
pub(super) fn last_bids(scope: Scope<'_>, case: &Case) {
    let bids = bids(scope, case, |bid| {
        let (auction, bidder, time) = (bid.auction, bid.bidder, bid.time);
        let row = format!("{auction},{bidder},{},{},{},{time},{}", bid.price, bid.channel, bid.url, bid.extra);
        ((bidder, auction), (millis(time), row))
    });
    let mut last: Map<(u64, u64), (i64, String)> = Map::default();
    let bidders = by(|((bidder, _), _): &((u64, u64), (i64, String))| hash(*bidder));
    write(bids, bidders, case, "answer", move |file, (key, bid)| match last.entry(key) {
        Entry::Occupied(mut before) if bid.0 > before.get().0 => {
            writeln!(file, "+,{}", bid.1)?;
            writeln!(file, "-,{}", before.insert(bid).1)
        }
        Entry::Occupied(_) => Ok(()),
        Entry::Vacant(first) => writeln!(file, "+,{}", first.insert(bid).1),
    });
}
