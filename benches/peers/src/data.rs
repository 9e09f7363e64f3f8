//! The inputs, made from a seed: an auction in Nexmark's proportions, 46 bids, 3 auctions and 1 person of 50 events, and an
//! access log.
//!
//! `DIR/PARTS/KIND/` has the records of a kind in as many files as there are parts, line by line in turn, so that event time
//! goes on at the same pace in all of them. A thousand events make a second of event time, so each has a millisecond of
//! its own, and no order that a query asks for has ties. Times are written as Flink writes them, without zeros at the end of
//! a fraction.

use crate::measure::Failure;
use crate::records;
use crate::shifted_log;
use millstream::formats::LogEntry;
use millstream::sql::connector::nexmark::{Event, Generator, Shape};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::num::NonZeroU32;
use std::path::Path;

const BUNDLED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/data/access.log");
const BLOCK: usize = 256 * 1024;

/// The files of one kind.
struct Parts {
    files: Vec<BufWriter<File>>,
    lines: usize,
}

impl Parts {
    fn create(directory: &Path, parts: usize) -> Result<Self, Failure> {
        fs::create_dir_all(directory)?;
        let file = |part| File::create(directory.join(format!("{part}.csv")));
        let files = (0..parts).map(|part| file(part).map(|file| BufWriter::with_capacity(BLOCK, file)));
        Ok(Parts { files: files.collect::<Result<_, _>>()?, lines: 0 })
    }

    /// Where the next line goes.
    fn next(&mut self) -> &mut BufWriter<File> {
        let part = self.lines % self.files.len();
        self.lines += 1;
        &mut self.files[part]
    }
}

/// Writes so many events, of all kinds together, in so many parts.
pub fn write_auction(to: &Path, parts: usize, events: u64) -> Result<(), Failure> {
    let [mut bids, mut auctions, mut persons] = {
        let kind = |name| Parts::create(&to.join(name), parts);
        [kind("bids")?, kind("auctions")?, kind("persons")?]
    };
    let rate = NonZeroU32::new(1_000).ok_or("the rate is zero")?;
    let generator = Generator::new(Shape { rate, ..Shape::default() });
    for number in 0..events {
        let event = generator.event(number);
        let time = records::text(event.time().millis());
        match event {
            Event::Bid(bid) => {
                let (auction, bidder, price) = (bid.auction, bid.bidder, bid.price);
                writeln!(bids.next(), "{auction},{bidder},{price},{},{},{time},{}", bid.channel, bid.url, bid.extra)?;
            }
            Event::Auction(it) => {
                let (id, name, about, expires) = (it.id, it.item_name, it.description, it.expires.millis());
                let (first, reserve, expires) = (it.initial_bid, it.reserve, records::text(expires));
                let (seller, category, extra) = (it.seller, it.category, it.extra);
                let file = auctions.next();
                writeln!(file, "{id},{name},{about},{first},{reserve},{time},{expires},{seller},{category},{extra}")?;
            }
            Event::Person(it) => {
                let (id, name, mail, card) = (it.id, it.name, it.email_address, it.credit_card);
                let (city, state, extra) = (it.city, it.state, it.extra);
                writeln!(persons.next(), "{id},{name},{mail},{card},{city},{state},{time},{extra}")?;
            }
        }
    }
    Ok(())
}

/// Writes a log of about so many lines in so many parts: the one of the examples, without its malformed lines, again and
/// again in shifted time.
pub fn write_log(to: &Path, parts: usize, lines: u64) -> Result<(), Failure> {
    let directory = to.join("log");
    let mut written = Parts::create(&directory, parts)?;
    let whole = to.join("access.log");
    shifted_log::write(Path::new(BUNDLED), &whole, usize::try_from(lines)?)?;
    for line in BufReader::with_capacity(BLOCK, File::open(&whole)?).split(b'\n') {
        let mut line = line?;
        if LogEntry::parse(&line).is_ok() {
            line.push(b'\n');
            written.next().write_all(&line)?;
        }
    }
    Ok(fs::remove_file(whole)?)
}
