//! Record by record.

use super::bids;
use crate::case::Case;
use crate::query::Query;
use std::io::{self, Write};

pub(super) fn run(case: &Case) -> io::Result<()> {
    let mut out = case.output("answer")?;
    match case.query {
        Query::Q0 => bids(case, |bid| {
            let (time, extra) = (bid.time, bid.extra);
            writeln!(out, "{},{},{},{},{},{time},{extra}", bid.auction, bid.bidder, bid.price, bid.channel, bid.url)
        })?,
        Query::Q1 => bids(case, |bid| {
            let tenths = bid.price * 908;
            let (euros, rest) = (tenths / 1000, tenths % 1000);
            writeln!(out, "{},{},{euros}.{rest:03},{},{}", bid.auction, bid.bidder, bid.time, bid.extra)
        })?,
        _ => bids(case, |bid| match bid.auction % 123 {
            0 => writeln!(out, "{},{}", bid.auction, bid.price),
            _ => Ok(()),
        })?,
    }
    out.flush()
}
