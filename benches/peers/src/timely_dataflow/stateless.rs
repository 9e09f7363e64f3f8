//! Record by record.

use super::{Scope, bids, write};
use crate::case::Case;
use compact_str::CompactString;
use std::io::Write;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::vec::Filter;

/// q0.
pub(super) fn all(scope: Scope<'_>, case: &Case) {
    let all = bids(scope, case, |bid| {
        let texts = [bid.channel, bid.url, bid.time, bid.extra].map(CompactString::new);
        (bid.auction, bid.bidder, bid.price, texts)
    });
    write(all, Pipeline, case, "answer", |file, (auction, bidder, price, [channel, url, time, extra])| {
        writeln!(file, "{auction},{bidder},{price},{channel},{url},{time},{extra}")
    });
}

/// q1.
pub(super) fn in_euros(scope: Scope<'_>, case: &Case) {
    let all = bids(scope, case, |bid| {
        (bid.auction, bid.bidder, bid.price * 908, CompactString::new(bid.time), CompactString::new(bid.extra))
    });
    write(all, Pipeline, case, "answer", |file, (auction, bidder, thousandths, time, extra)| {
        let (euros, rest) = (thousandths / 1000, thousandths % 1000);
        writeln!(file, "{auction},{bidder},{euros}.{rest:03},{time},{extra}")
    });
}

/// q2.
pub(super) fn chosen(scope: Scope<'_>, case: &Case) {
    let chosen = bids(scope, case, |bid| (bid.auction, bid.price)).filter(|(auction, _)| auction % 123 == 0);
    write(chosen, Pipeline, case, "answer", |file, (auction, price)| writeln!(file, "{auction},{price}"));
}
