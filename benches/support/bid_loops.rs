//! Queries of Nexmark over a file of bids, as a good programmer writes them without any engine: one thread, one loop, hash
//! maps. Bids come in the order of time, as the generator makes them; nothing is checked that the file cannot have.
//!
//! A bid is a line `auction,bidder,price,channel,url,dateTime,extra`, without quotes, with a time like
//! `2015-07-15 00:00:00.01`.

use hashbrown::HashMap;
use memchr::{memchr_iter, memrchr};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Read, Write};
use std::path::Path;
use xxhash_rust::xxh3::Xxh3DefaultBuilder;

const BLOCK: usize = 256 * 1024;

/// Which query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Query {
    /// All bids, with prices in euros.
    Q1,
    /// The auctions with most bids in the last ten seconds, every two seconds.
    Q5,
    /// The highest bids of each ten seconds.
    Q7,
}

struct Bid<'a> {
    auction: u64,
    bidder: u64,
    price: u64,
    /// As in the file.
    time: &'a str,
    extra: &'a str,
}

/// Reads the bids in `input` and writes the answer to `output`; returns how many lines it wrote.
///
/// # Errors
/// What reading and writing give; `InvalidData` for a line that is no bid.
pub(crate) fn run(query: Query, input: &Path, output: &Path) -> io::Result<u64> {
    let mut out = BufWriter::with_capacity(BLOCK, File::create(output)?);
    let mut lines = 0;
    match query {
        Query::Q1 => each(input, |bid| {
            lines += 1;
            let tenths = bid.price * 908;
            let (euros, rest) = (tenths / 1000, tenths % 1000);
            writeln!(out, "{},{},{euros}.{rest:03},{},{}", bid.auction, bid.bidder, bid.time, bid.extra)
        })?,
        Query::Q5 => {
            let mut hot = HotItems::default();
            each(input, |bid| {
                hot.bid(bid.auction, millis(bid.time)?, &mut |line| {
                    lines += 1;
                    out.write_all(line.as_bytes())
                })
            })?;
            hot.close(i64::MAX, &mut |line| {
                lines += 1;
                out.write_all(line.as_bytes())
            })?;
        }
        Query::Q7 => {
            let (mut end, mut best, mut highest) = (i64::MIN, 0, Vec::new());
            let mut close = |end: i64, price: u64, highest: &mut Vec<(u64, u64, String)>| {
                for (auction, bidder, time) in highest.drain(..) {
                    lines += 1;
                    writeln!(out, "{auction},{bidder},{price},{time},{}", text(end))?;
                }
                Ok::<_, io::Error>(())
            };
            each(input, |bid| {
                let time = millis(bid.time)?;
                if time >= end {
                    close(end, best, &mut highest)?;
                    (end, best) = ((time.div_euclid(10_000) + 1) * 10_000, 0);
                }
                if bid.price > best {
                    best = bid.price;
                    highest.clear();
                }
                if bid.price == best {
                    highest.push((bid.auction, bid.bidder, bid.time.to_owned()));
                }
                Ok(())
            })?;
            close(end, best, &mut highest)?;
        }
    }
    out.flush()?;
    Ok(lines)
}

type WriteLine<'w> = dyn FnMut(String) -> io::Result<()> + 'w;

/// Counts of panes of two seconds; a window is five of them.
#[derive(Default)]
struct HotItems {
    /// Each with its end.
    panes: VecDeque<(i64, HashMap<u64, u64, Xxh3DefaultBuilder>)>,
}

impl HotItems {
    fn bid(&mut self, auction: u64, time: i64, write: &mut WriteLine<'_>) -> io::Result<()> {
        let end = (time.div_euclid(2_000) + 1) * 2_000;
        if self.panes.back().is_none_or(|(last, _)| *last < end) {
            self.close(end, write)?;
            self.panes.push_back((end, HashMap::default()));
        }
        if let Some((_, counts)) = self.panes.back_mut() {
            *counts.entry(auction).or_default() += 1;
        }
        Ok(())
    }

    /// Writes the windows that end before `before`.
    fn close(&mut self, before: i64, write: &mut WriteLine<'_>) -> io::Result<()> {
        let Some(mut end) = self.panes.back().map(|(end, _)| *end) else { return Ok(()) };
        while end < before && !self.panes.is_empty() {
            let mut counts: HashMap<u64, u64, Xxh3DefaultBuilder> = HashMap::default();
            for (auction, count) in self.panes.iter().flat_map(|(_, counts)| counts) {
                *counts.entry(*auction).or_default() += count;
            }
            let most = counts.values().copied().max().unwrap_or(0);
            for (auction, _) in counts.iter().filter(|(_, count)| **count == most) {
                write(format!("{auction},{most},{},{}\n", text(end - 10_000), text(end)))?;
            }
            end += 2_000;
            while self.panes.front().is_some_and(|(first, _)| *first <= end - 10_000) {
                self.panes.pop_front();
            }
        }
        Ok(())
    }
}

fn each(input: &Path, mut work: impl FnMut(Bid<'_>) -> io::Result<()>) -> io::Result<()> {
    let mut file = File::open(input)?;
    let mut buffer = vec![0; BLOCK];
    let mut filled = 0;
    loop {
        let read = file.read(&mut buffer[filled..])?;
        if read == 0 {
            return Ok(());
        }
        filled += read;
        let whole = memrchr(b'\n', &buffer[..filled]).map_or(0, |at| at + 1);
        let mut start = 0;
        for end in memchr_iter(b'\n', &buffer[..whole]) {
            let line = std::str::from_utf8(&buffer[start..end]).map_err(|_| ErrorKind::InvalidData)?;
            let mut fields = line.split(',');
            let mut next = || fields.next().ok_or(ErrorKind::InvalidData);
            let (auction, bidder, price, _, _, time, extra) =
                (next()?, next()?, next()?, next()?, next()?, next()?, next()?);
            let number = |text: &str| text.parse::<u64>().map_err(|_| ErrorKind::InvalidData);
            let (auction, bidder, price) = (number(auction)?, number(bidder)?, number(price)?);
            work(Bid { auction, bidder, price, time, extra })?;
            start = end + 1;
        }
        buffer.copy_within(whole..filled, 0);
        filled -= whole;
    }
}

/// Milliseconds since 1970 of a moment of July 2015; the generator makes no other ones.
fn millis(time: &str) -> io::Result<i64> {
    const JULY: i64 = 1_435_708_800_000;
    let part = |from: usize, to: usize| -> io::Result<i64> {
        let digits = time.as_bytes().get(from..to).ok_or(ErrorKind::InvalidData)?;
        Ok(digits.iter().fold(0, |number, digit| number * 10 + i64::from(digit.wrapping_sub(b'0'))))
    };
    if !time.starts_with("2015-07-") {
        return Err(ErrorKind::InvalidData.into());
    }
    let seconds = (part(8, 10)? - 1) * 86_400 + part(11, 13)? * 3_600 + part(14, 16)? * 60 + part(17, 19)?;
    let fraction = match time.len() {
        19 => 0,
        21 => part(20, 21)? * 100,
        22 => part(20, 22)? * 10,
        _ => part(20, 23)?,
    };
    Ok(JULY + seconds * 1_000 + fraction)
}

/// A moment as the file has it: without zeros at the end of its fraction.
pub(crate) fn text(millis: i64) -> String {
    let time = millstream::time::Timestamp::from_millis(millis).to_string().replace('T', " ").replace('Z', "");
    if time.contains('.') { time.trim_end_matches('0').to_owned() } else { time }
}
