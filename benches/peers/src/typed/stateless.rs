//! Record by record.

use super::{answer, bids};
use crate::case::Case;
use compact_str::{CompactString, format_compact};
use millstream::prelude::*;

/// q0.
pub(super) fn all(job: &Job, case: &Case) {
    let all = bids(job, case, |bid| {
        let [channel, url, time, extra] = [bid.channel, bid.url, bid.time, bid.extra].map(CompactString::new);
        (bid.auction, bid.bidder, bid.price, channel, url, time, extra)
    });
    all.sink(answer(case));
}

/// q1.
pub(super) fn in_euros(job: &Job, case: &Case) {
    let all = bids(job, case, |bid| {
        let thousandths = bid.price * 908;
        let price = format_compact!("{}.{:03}", thousandths / 1000, thousandths % 1000);
        (bid.auction, bid.bidder, price, CompactString::new(bid.time), CompactString::new(bid.extra))
    });
    all.sink(answer(case));
}

/// q2.
pub(super) fn chosen(job: &Job, case: &Case) {
    bids(job, case, |bid| (bid.auction, bid.price)).filter(|(auction, _)| auction % 123 == 0).sink(answer(case));
}
