//! A log as long as a bench needs it: a short one, repeated in shifted time.
//!
//! Each repetition is moved by so many whole days that it begins at least an hour after the one before has ended; so the
//! hours of a day stay as busy as they are, and all windows that divide a day keep their content. Only the dates in the
//! text change; malformed lines stay as they are.

use memchr::memchr;
use millstream::formats::LogEntry;
use millstream::time::Timestamp;
use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::Path;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A line of the short log. A malformed one is all head and has no date.
struct Line<'a> {
    head: &'a [u8],
    /// Which of the dates that occur in the log.
    date: Option<usize>,
    tail: &'a [u8],
}

/// Writes `lines` lines to `to`: those of `from`, again and again.
///
/// # Errors
/// What reading and writing give; `InvalidData` if `from` has no well-formed line, or the years come to five digits.
pub(crate) fn write(from: &Path, to: &Path, lines: usize) -> io::Result<()> {
    let text = fs::read(from)?;
    let text = text.strip_suffix(b"\n").unwrap_or(&text);
    let (mut first, mut last) = (Timestamp::MAX, Timestamp::MIN);
    let mut dates = Vec::new();
    let mut short = Vec::new();
    for line in text.split(|&b| b == b'\n') {
        let (Ok(entry), Some(bracket)) = (LogEntry::parse(line), memchr(b'[', line)) else {
            short.push(Line { head: line, date: None, tail: b"" });
            continue;
        };
        (first, last) = (first.min(entry.time), last.max(entry.time));
        let (head, rest) = line.split_at(bracket + 1);
        let (date, tail) = rest.split_at("17/May/2015".len());
        let known = dates.iter().position(|known| *known == date);
        let date = known.unwrap_or_else(|| {
            dates.push(date);
            dates.len() - 1
        });
        short.push(Line { head, date: Some(date), tail });
    }
    if dates.is_empty() {
        return Err(io::Error::new(ErrorKind::InvalidData, format!("{} has no well-formed line", from.display())));
    }

    let days = (last.millis_since(first) + HOUR_MS).div_euclid(DAY_MS) + 1;
    let mut out = BufWriter::with_capacity(256 * 1024, File::create(to)?);
    let mut left = lines;
    for repetition in 0.. {
        let shifted = dates.iter().map(|date| shift(date, repetition * days)).collect::<io::Result<Vec<_>>>()?;
        for Line { head, date, tail } in &short {
            if left == 0 {
                return out.flush();
            }
            left -= 1;
            out.write_all(head)?;
            out.write_all(date.map_or("", |date| &shifted[date]).as_bytes())?;
            out.write_all(tail)?;
            out.write_all(b"\n")?;
        }
    }
    Ok(())
}

/// The date so many days after `17/May/2015`, in the same form.
fn shift(date: &[u8], days: i64) -> io::Result<String> {
    let no_date = || io::Error::new(ErrorKind::InvalidData, format!("{} + {days} days", date.escape_ascii()));
    let date = std::str::from_utf8(date).map_err(|_| no_date())?;
    let month = MONTHS.iter().position(|month| *month == &date[3..6]).ok_or_else(no_date)? + 1;
    let midnight = format!("{}-{month:02}-{}T00:00:00Z", &date[7..], &date[..2]);
    let midnight: Timestamp = midnight.parse().map_err(|_| no_date())?;
    let text = midnight.plus_millis(days * DAY_MS).to_string();
    match text.strip_suffix("T00:00:00Z").and_then(|text| text.split_once('-')) {
        Some((year, rest)) => {
            let month = rest[..2].parse::<usize>().ok().and_then(|month| MONTHS.get(month - 1)).ok_or_else(no_date)?;
            Ok(format!("{}/{month}/{year}", &rest[3..]))
        }
        None => Err(no_date()),
    }
}
