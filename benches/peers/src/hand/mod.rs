//! The queries as a good programmer writes them without any engine: one thread, one loop, hash maps.
//!
//! Records come in the order of time, as the generator makes them, and nothing is checked that the files cannot have. What
//! comes of two inputs reads the smaller one first, as a whole. Nothing is durable.

mod changes;
mod joins;
mod stateless;
mod windows;

pub use changes::Channel;
pub use windows::OUT_OF_ORDERNESS;

use crate::case::Case;
use crate::query::{Input, Query};
use crate::records::{Bid, Lines};
use std::io::{self, ErrorKind};
use xxhash_rust::xxh3::Xxh3DefaultBuilder;

/// What all who count by hand count in.
pub type Map<K, V> = hashbrown::HashMap<K, V, Xxh3DefaultBuilder>;

/// Answers the query.
pub fn run(case: &Case) -> io::Result<()> {
    match case.query {
        Query::Views10s => windows::views(case, 10_000),
        Query::Views10m => windows::views(case, 600_000),
        Query::Q0 | Query::Q1 | Query::Q2 => stateless::run(case),
        Query::Q3 => joins::sellers(case),
        Query::Q4 => joins::averages(case),
        Query::Q5 => windows::hot_items(case),
        Query::Q7 => windows::highest_bids(case),
        Query::Q8 => joins::new_sellers(case),
        Query::Q9 => joins::winning_bids(case),
        Query::Q11 => windows::sessions(case),
        Query::Q12 => windows::by_the_clock(case),
        Query::Q16 => changes::channels(case),
        Query::Q18 => changes::last_bids(case),
    }
}

/// Hands over each bid.
fn bids(case: &Case, mut work: impl FnMut(Bid<'_>) -> io::Result<()>) -> io::Result<()> {
    Lines::open(&case.file(Input::Bids, 0))?.each(|line| work(Bid::parse(line).ok_or(ErrorKind::InvalidData)?))
}
