//! Rows that change with each bid.

use super::{Map, bids};
use crate::case::Case;
use compact_str::CompactString;
use hashbrown::hash_map::Entry;
use std::fmt::{self, Display};
use std::io::{self, Write};

/// The ranks of prices, by the first price that is above.
const RANKS: [u64; 2] = [10_000, 1_000_000];

/// q16: bids, bidders and auctions of each channel and day.
pub(super) fn channels(case: &Case) -> io::Result<()> {
    let mut out = case.output("answer")?;
    let mut channels: Map<CompactString, Channel> = Map::default();
    bids(case, |bid| {
        let (day, minute) = (&bid.time[..10], &bid.time[11..16]);
        let key = compact_str::format_compact!("{},{day}", bid.channel);
        let channel = channels.entry(key).or_default();
        if !channel.is_new() {
            writeln!(out, "-,{},{day},{channel}", bid.channel)?;
        }
        channel.add(minute, bid.price, bid.bidder, bid.auction);
        writeln!(out, "+,{},{day},{channel}", bid.channel)
    })?;
    out.flush()
}

/// What is known of a channel on a day. Its text is the rest of a row of q16.
#[derive(Default)]
pub struct Channel {
    minute: CompactString,
    /// Bids, bidders, auctions: of all, then by rank.
    counts: [[u64; 4]; 3],
    /// Of each bidder and auction, the ranks that they were seen in, a bit for each.
    seen: [Map<u64, u8>; 2],
}

impl Channel {
    /// Whether it has no bid yet.
    pub fn is_new(&self) -> bool {
        self.counts[0][0] == 0
    }

    /// Counts a bid.
    pub fn add(&mut self, minute: &str, price: u64, bidder: u64, auction: u64) {
        if minute > self.minute.as_str() {
            self.minute = minute.into();
        }
        let rank = 1 + RANKS.iter().filter(|above| price >= **above).count();
        for (kind, id) in [None, Some(bidder), Some(auction)].into_iter().enumerate() {
            let before = match id {
                None => 0,
                Some(id) => {
                    let seen = self.seen[kind - 1].entry(id).or_default();
                    std::mem::replace(seen, *seen | 1 << rank)
                }
            };
            self.counts[kind][0] += u64::from(before == 0);
            self.counts[kind][rank] += u64::from(before & 1 << rank == 0);
        }
    }
}

impl Display for Channel {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}", self.minute)?;
        self.counts.iter().flatten().try_for_each(|count| write!(to, ",{count}"))
    }
}

/// q18: the last bid of each bidder for each auction.
pub(super) fn last_bids(case: &Case) -> io::Result<()> {
    let mut out = case.output("answer")?;
    let mut last: Map<(u64, u64), String> = Map::default();
    bids(case, |bid| {
        let (auction, bidder, time) = (bid.auction, bid.bidder, bid.time);
        let row = format!("{auction},{bidder},{},{},{},{time},{}", bid.price, bid.channel, bid.url, bid.extra);
        writeln!(out, "+,{row}")?;
        match last.entry((bidder, auction)) {
            Entry::Occupied(mut before) => writeln!(out, "-,{}", before.insert(row)),
            Entry::Vacant(first) => {
                first.insert(row);
                Ok(())
            }
        }
    })?;
    out.flush()
}
