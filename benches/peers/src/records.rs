//! What all contenders but SQL read records with: the same code, so that none is ahead by its parser.

use memchr::{memchr, memchr_iter, memrchr};
use millstream::time::Timestamp;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::str;

const BLOCK: usize = 256 * 1024;

/// A line `auction,bidder,price,channel,url,time,extra`. Times stay text until somebody asks.
#[derive(Clone, Copy, Debug)]
pub struct Bid<'a> {
    pub auction: u64,
    pub bidder: u64,
    pub price: u64,
    pub channel: &'a str,
    pub url: &'a str,
    pub time: &'a str,
    pub extra: &'a str,
}

/// A line `id,item name,description,initial bid,reserve,time,expires,seller,category,extra`.
#[derive(Clone, Copy, Debug)]
pub struct Auction<'a> {
    pub id: u64,
    pub item_name: &'a str,
    pub time: &'a str,
    pub expires: &'a str,
    pub seller: u64,
    pub category: u64,
}

/// A line `id,name,address,card,city,state,time,extra`.
#[derive(Clone, Copy, Debug)]
pub struct Person<'a> {
    pub id: u64,
    pub name: &'a str,
    pub city: &'a str,
    pub state: &'a str,
    pub time: &'a str,
}

/// The fields of a line, from left to right.
struct Fields<'a>(&'a str);

impl<'a> Fields<'a> {
    fn text(&mut self) -> &'a str {
        let end = memchr(b',', self.0.as_bytes()).unwrap_or(self.0.len());
        let field = &self.0[..end];
        self.0 = self.0.get(end + 1..).unwrap_or("");
        field
    }

    fn number(&mut self) -> Option<u64> {
        self.text().parse().ok()
    }

    fn skip(&mut self, count: usize) {
        (0..count).for_each(|_| {
            self.text();
        });
    }
}

impl<'a> Bid<'a> {
    /// None if it is no bid.
    pub fn parse(line: &'a str) -> Option<Self> {
        let mut fields = Fields(line);
        Some(Bid {
            auction: fields.number()?,
            bidder: fields.number()?,
            price: fields.number()?,
            channel: fields.text(),
            url: fields.text(),
            time: fields.text(),
            extra: fields.text(),
        })
    }
}

impl<'a> Auction<'a> {
    /// None if it is no auction.
    pub fn parse(line: &'a str) -> Option<Self> {
        let mut fields = Fields(line);
        let (id, item_name) = (fields.number()?, fields.text());
        fields.skip(3);
        let (time, expires) = (fields.text(), fields.text());
        Some(Auction { id, item_name, time, expires, seller: fields.number()?, category: fields.number()? })
    }
}

impl<'a> Person<'a> {
    /// None if it is no person.
    pub fn parse(line: &'a str) -> Option<Self> {
        let mut fields = Fields(line);
        let (id, name) = (fields.number()?, fields.text());
        fields.skip(2);
        Some(Person { id, name, city: fields.text(), state: fields.text(), time: fields.text() })
    }
}

/// The lines of a file, read in blocks.
pub struct Lines {
    file: File,
    buffer: Vec<u8>,
    filled: usize,
}

impl Lines {
    /// From its first line on.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Lines { file: File::open(path)?, buffer: vec![0; BLOCK], filled: 0 })
    }

    /// Hands over the lines of the next block; false at the end. The last line must have its newline.
    pub fn block(&mut self, mut line: impl FnMut(&str) -> io::Result<()>) -> io::Result<bool> {
        let read = self.file.read(&mut self.buffer[self.filled..])?;
        if read == 0 {
            return Ok(false);
        }
        self.filled += read;
        let whole = memrchr(b'\n', &self.buffer[..self.filled]).map_or(0, |at| at + 1);
        let text = str::from_utf8(&self.buffer[..whole]).map_err(|_| ErrorKind::InvalidData)?;
        let mut start = 0;
        for end in memchr_iter(b'\n', text.as_bytes()) {
            line(&text[start..end])?;
            start = end + 1;
        }
        self.buffer.copy_within(whole..self.filled, 0);
        self.filled -= whole;
        Ok(true)
    }

    /// Hands over all lines that are left.
    pub fn each(mut self, mut line: impl FnMut(&str) -> io::Result<()>) -> io::Result<()> {
        while self.block(&mut line)? {}
        Ok(())
    }
}

/// Milliseconds since 1970 of a moment of July 2015, as the inputs have it; the generator makes no other ones.
pub fn millis(time: &str) -> i64 {
    const JULY: i64 = 1_435_708_800_000;
    let bytes = time.as_bytes();
    let part = |from: usize, to: usize| {
        let digits = bytes.get(from..to).unwrap_or_default();
        digits.iter().fold(0, |number, digit| number * 10 + i64::from(digit.wrapping_sub(b'0')))
    };
    let seconds = (part(8, 10) - 1) * 86_400 + part(11, 13) * 3_600 + part(14, 16) * 60 + part(17, 19);
    let fraction = match time.len() {
        0..=20 => 0,
        21 => part(20, 21) * 100,
        22 => part(20, 22) * 10,
        _ => part(20, 23),
    };
    JULY + seconds * 1_000 + fraction
}

/// A moment as the inputs have it.
pub fn text(millis: i64) -> String {
    let time = Timestamp::from_millis(millis).to_string().replace('T', " ").replace('Z', "");
    if time.contains('.') { time.trim_end_matches('0').to_owned() } else { time }
}
