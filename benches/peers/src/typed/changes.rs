//! Rows that change with each bid.

use super::{answer, bids};
use crate::case::Case;
use compact_str::CompactString;
use millstream::prelude::*;
use serde::{Deserialize, Serialize};

/// The ranks of prices, by the first price that is above.
const RANKS: [u64; 2] = [10_000, 1_000_000];

type Row = (char, u64, u64, u64, CompactString, CompactString, CompactString, CompactString);
type Key = (CompactString, CompactString);

#[derive(Clone, Serialize, Deserialize)]
struct ChannelBid {
    channel: CompactString,
    day: CompactString,
    minute: CompactString,
    price: u64,
    bidder: u64,
    auction: u64,
}

/// Bids, bidders, auctions: of all, then by rank.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Counts {
    minute: CompactString,
    counts: [[u64; 4]; 3],
}

/// Counts each channel and day.
struct Channels;

/// What is known of a channel on a day; of each bidder and auction the ranks that they were seen in, a bit for each.
struct Channel {
    counts: ValueState<Key, Counts>,
    bidders: MapState<Key, u64, u8>,
    auctions: MapState<Key, u64, u8>,
}

impl KeyedProcess for Channels {
    type Key = Key;
    type Input = ChannelBid;
    type Output = (char, CompactString, CompactString, CompactString, [[u64; 4]; 3]);
    type State = Channel;

    fn open(&self, states: &mut States<'_, Key>) -> Result<Channel, Failure> {
        let (bidders, auctions) = (states.map("bidders")?, states.map("auctions")?);
        Ok(Channel { counts: states.value("counts")?, bidders, auctions })
    }

    fn process(
        &self,
        channel: &Channel,
        bid: ChannelBid,
        ctx: &mut Context<'_, Key, Self::Output>,
    ) -> Result<(), Failure> {
        let rank = 1 + RANKS.iter().filter(|above| bid.price >= **above).count();
        let see = |seen: &mut u8| std::mem::replace(seen, *seen | 1 << rank);
        let bidder = channel.bidders.update(ctx.keyed(), bid.bidder, || 0, see)?;
        let auction = channel.auctions.update(ctx.keyed(), bid.auction, || 0, see)?;
        let (before, after) = channel.counts.update(ctx.keyed(), Counts::default, |known| {
            let before = known.clone();
            if bid.minute > known.minute {
                known.minute = bid.minute;
            }
            for (counts, seen) in known.counts.iter_mut().zip([0, bidder, auction]) {
                counts[0] += u64::from(seen == 0);
                counts[rank] += u64::from(seen & 1 << rank == 0);
            }
            (before, known.clone())
        })?;
        if before.counts[0][0] > 0 {
            ctx.emit(('-', bid.channel.clone(), bid.day.clone(), before.minute, before.counts));
        }
        ctx.emit(('+', bid.channel, bid.day, after.minute, after.counts));
        Ok(())
    }
}

/// q16.
pub(super) fn channels(job: &Job, case: &Case) {
    let bids = bids(job, case, |bid| ChannelBid {
        channel: bid.channel.into(),
        day: bid.time[..10].into(),
        minute: bid.time[11..16].into(),
        price: bid.price,
        bidder: bid.bidder,
        auction: bid.auction,
    });
    bids.key_by(|bid| (bid.channel.clone(), bid.day.clone())).process(Channels).sink(answer(case));
}

#[derive(Clone, Serialize, Deserialize)]
struct Bid {
    auction: u64,
    bidder: u64,
    price: u64,
    channel: CompactString,
    url: CompactString,
    time: CompactString,
    extra: CompactString,
}

impl Bid {
    fn row(self, sign: char) -> Row {
        (sign, self.auction, self.bidder, self.price, self.channel, self.url, self.time, self.extra)
    }
}

/// q18.
pub(super) fn last_bids(job: &Job, case: &Case) {
    let bids = bids(job, case, |bid| Bid {
        auction: bid.auction,
        bidder: bid.bidder,
        price: bid.price,
        channel: bid.channel.into(),
        url: bid.url.into(),
        time: bid.time.into(),
        extra: bid.extra.into(),
    });
    let rows = bids.key_by(|bid| (bid.bidder, bid.auction)).flat_map_with_state(
        || None,
        |last: &mut Option<Bid>, _, bid| {
            let is_later = last.as_ref().is_none_or(|last| bid.time.as_str() > last.time.as_str());
            let before = if is_later { last.replace(bid.clone()) } else { None };
            [before.map(|bid| bid.row('-')), is_later.then(|| bid.row('+'))].into_iter().flatten()
        },
    );
    rows.sink(answer(case));
}
