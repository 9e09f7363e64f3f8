//! The page view job once more, as slowly and plainly as it can be said: what its four outputs must hold.
//!
//! Nothing here comes from the library: it has its own reading of the log formats, of time, and of windows, so that a
//! mistake must be made twice to go unseen. All lines are held in memory, every window is a map entry, and no record is
//! late, as no window closes before all lines are read.
//!
//! * [`expected`] computes the rows from log files, [`read`] reads them from the directory that a run has written.
//! * Rows are compared as multisets ([`assert_same`]): the order of rows in a file carries no meaning.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The rows of one output, sorted; each row is its columns.
pub(crate) type Rows = Vec<Vec<String>>;

/// The rows of the four outputs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outputs {
    /// `window_start,window_end,views,users`: per window, all views and how many clients they came from.
    pub(crate) site: Rows,
    /// `window_start,window_end,user,views`: per window and client.
    pub(crate) users: Rows,
    /// `window_start,window_end,user,views`: per visit; it ends the gap after its last view.
    pub(crate) visits: Rows,
    /// `file,offset`: the malformed lines that are not empty; the first byte of a file is offset 0.
    pub(crate) rejected: Rows,
}

/// What a run over these log files must write.
///
/// * `window`: length of the windows of site and users, in seconds; their grid starts at the Unix epoch.
/// * `gap`: in seconds; two views of a client further apart belong to two visits.
///
/// # Panics
/// If a file cannot be read.
pub(crate) fn expected(files: &[&Path], window: i64, gap: i64) -> Outputs {
    let mut views = Vec::new();
    let mut outputs = Outputs::default();
    for file in files {
        let text = fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let mut offset = 0;
        for line in text.split(|&b| b == b'\n') {
            match view(line) {
                _ if line.is_empty() => {}
                Some(view) => views.push(view),
                None => outputs.rejected.push(vec![file.display().to_string(), offset.to_string()]),
            }
            offset += line.len() + 1;
        }
    }

    let mut windows = BTreeMap::<i64, BTreeMap<&str, u64>>::new();
    for View { client, second } in &views {
        *windows.entry(second.div_euclid(window) * window).or_default().entry(client).or_default() += 1;
    }
    for (start, users) in &windows {
        let span = [rfc3339(*start), rfc3339(start + window)];
        outputs.site.push(row(&span, &[&users.values().sum::<u64>().to_string(), &users.len().to_string()]));
        outputs.users.extend(users.iter().map(|(user, views)| row(&span, &[user, &views.to_string()])));
    }

    let mut seconds_of = BTreeMap::<&str, Vec<i64>>::new();
    for View { client, second } in &views {
        seconds_of.entry(client).or_default().push(*second);
    }
    for (user, seconds) in &mut seconds_of {
        seconds.sort_unstable();
        for visit in seconds.chunk_by(|earlier, later| later - earlier <= gap) {
            let span = [rfc3339(visit[0]), rfc3339(visit[visit.len() - 1] + gap)];
            outputs.visits.push(row(&span, &[user, &visit.len().to_string()]));
        }
    }
    outputs.sorted()
}

/// What a run has written into `directory`: `site.csv`, `users.csv`, `visits.csv`, `rejected.jsonl`.
///
/// Of a rejected line only `file` and `offset` are read; it may say more.
///
/// # Panics
/// If a file is missing, has another header than documented, or is malformed.
pub(crate) fn read(directory: &Path) -> Outputs {
    let rejected =
        fs::read_to_string(directory.join("rejected.jsonl")).unwrap_or_else(|e| panic!("rejected.jsonl: {e}"));
    let rejected = rejected.lines().map(|line| {
        let object: serde_json::Value =
            serde_json::from_str(line).unwrap_or_else(|e| panic!("rejected.jsonl: {line}: {e}"));
        let file = object["file"].as_str().unwrap_or_else(|| panic!("rejected.jsonl: no text `file`: {line}"));
        let offset = object["offset"].as_u64().unwrap_or_else(|| panic!("rejected.jsonl: no number `offset`: {line}"));
        vec![file.to_owned(), offset.to_string()]
    });
    let outputs = Outputs {
        site: read_csv(directory, "site.csv", &["window_start", "window_end", "views", "users"]),
        users: read_csv(directory, "users.csv", &["window_start", "window_end", "user", "views"]),
        visits: read_csv(directory, "visits.csv", &["window_start", "window_end", "user", "views"]),
        rejected: rejected.collect(),
    };
    outputs.sorted()
}

/// Compares two outputs as multisets of rows.
///
/// # Panics
/// If they differ: with, per output, how many rows are missing or too many, and the first of them.
pub(crate) fn assert_same(actual: &Outputs, expected: &Outputs) {
    let mut complaints = String::new();
    for (name, actual, expected) in [
        ("site.csv", &actual.site, &expected.site),
        ("users.csv", &actual.users, &expected.users),
        ("visits.csv", &actual.visits, &expected.visits),
        ("rejected.jsonl", &actual.rejected, &expected.rejected),
    ] {
        for (what, rows) in [("missing", surplus(expected, actual)), ("too many", surplus(actual, expected))] {
            if let Some(first) = rows.first() {
                let first = first.join(",");
                complaints += &format!("\n{name}: {} of {} rows {what}, first {first}", rows.len(), expected.len());
            }
        }
    }
    assert!(complaints.is_empty(), "the outputs differ:{complaints}");
}

/// The rows of `of` that are not in `beyond`, or oftener than there.
fn surplus(of: &Rows, beyond: &Rows) -> Rows {
    let mut counts = BTreeMap::<&Vec<String>, usize>::new();
    for row in beyond {
        *counts.entry(row).or_default() += 1;
    }
    let is_surplus = |row: &&Vec<String>| match counts.get_mut(*row) {
        Some(left @ 1..) => {
            *left -= 1;
            false
        }
        _ => true,
    };
    of.iter().filter(is_surplus).cloned().collect()
}

impl Outputs {
    fn sorted(mut self) -> Outputs {
        for rows in [&mut self.site, &mut self.users, &mut self.visits, &mut self.rejected] {
            rows.sort_unstable();
        }
        self
    }
}

fn row(span: &[String; 2], rest: &[&str; 2]) -> Vec<String> {
    vec![span[0].clone(), span[1].clone(), rest[0].to_owned(), rest[1].to_owned()]
}

fn read_csv(directory: &Path, name: &str, columns: &[&str]) -> Rows {
    let mut reader = csv::Reader::from_path(directory.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(reader.headers().unwrap_or_else(|error| panic!("{name}: {error}")), columns, "{name}: its header");
    let row = |record: csv::Result<csv::StringRecord>| match record {
        Ok(record) => record.iter().map(str::to_owned).collect(),
        Err(error) => panic!("{name}: {error}"),
    };
    reader.records().map(row).collect()
}

/// One page view: who, and when in seconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct View {
    /// The client's address, as logged.
    pub(crate) client: String,
    /// Seconds since the Unix epoch.
    pub(crate) second: i64,
}

/// Reads a line of the common or the combined log format; `None` if it is malformed.
pub(crate) fn view(line: &[u8]) -> Option<View> {
    let (client, rest) = word(line)?;
    let (_ident, rest) = word(rest)?;
    let (_user, rest) = word(rest)?;
    let end = rest.iter().position(|&b| b == b']')?;
    let second = time(std::str::from_utf8(&rest[..end]).ok()?.strip_prefix('[')?)?;
    let rest = quoted(rest[end + 1..].strip_prefix(b" ")?)?;
    let (status, rest) = rest.strip_prefix(b" ")?.split_at_checked(3)?;
    let status = number(std::str::from_utf8(status).ok()?, 3)?;
    let rest = rest.strip_prefix(b" ")?;
    let (size, more) = match rest.iter().position(|&b| b == b' ') {
        Some(space) => (&rest[..space], Some(&rest[space + 1..])),
        None => (rest, None),
    };
    let size = std::str::from_utf8(size).ok()?;
    let is_size = size == "-" || (size.bytes().all(|b| b.is_ascii_digit()) && size.parse::<u64>().is_ok());
    let is_complete = match more {
        None => true,
        Some(more) => quoted(quoted(more)?.strip_prefix(b" ")?)?.is_empty(),
    };
    let is_well_formed = (100..=599).contains(&status) && is_size && is_complete;
    is_well_formed.then(|| View { client: client.to_owned(), second })
}

/// A word of printable ASCII and the rest behind the one space that follows it.
fn word(text: &[u8]) -> Option<(&str, &[u8])> {
    let end = text.iter().position(|&b| b == b' ')?;
    let word = std::str::from_utf8(&text[..end]).ok()?;
    let is_word = !word.is_empty() && word.chars().all(|c| ('!'..='~').contains(&c));
    is_word.then_some((word, &text[end + 1..]))
}

/// The rest behind a quoted string.
fn quoted(text: &[u8]) -> Option<&[u8]> {
    let mut inside = text.strip_prefix(b"\"")?;
    loop {
        inside = match inside {
            [b'"', rest @ ..] => return Some(rest),
            [b'\\', _, rest @ ..] | [_, rest @ ..] => rest,
            [] => return None,
        };
    }
}

/// Exactly so many digits.
fn number(text: &str, digits: usize) -> Option<i64> {
    (text.len() == digits && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

/// `17/May/2015:10:05:03 +0000` in seconds since the Unix epoch.
fn time(text: &str) -> Option<i64> {
    let (stamp, offset) = text.split_once(' ')?;
    let [date, hour, minute, second] = stamp.split(':').collect::<Vec<_>>().try_into().ok()?;
    let [day, month, year] = date.split('/').collect::<Vec<_>>().try_into().ok()?;
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = months.iter().position(|name| *name == month)?;
    let (day, year) = (number(day, 2)?, number(year, 4)?);
    let (hour, minute, second) = (number(hour, 2)?, number(minute, 2)?, number(second, 2)?);
    let (sign, offset) = offset.split_at_checked(1)?;
    let sign = match sign {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    number(offset, 4)?;
    let (offset_hour, offset_minute) = (number(&offset[..2], 2)?, number(&offset[2..], 2)?);
    let is_real = (1..=days_in(year, month)).contains(&day)
        && hour <= 23
        && minute <= 59
        && second <= 59
        && offset_hour <= 23
        && offset_minute <= 59;
    let days = days_before(year) + (0..month).map(|month| days_in(year, month)).sum::<i64>() + day - 1;
    let local = ((days * 24 + hour) * 60 + minute) * 60 + second;
    is_real.then_some(local - sign * (offset_hour * 60 + offset_minute) * 60)
}

/// Days from 1970 to the beginning of that year, counted one year after the other.
fn days_before(year: i64) -> i64 {
    (1970..year).map(days_of).sum::<i64>() - (year..1970).map(days_of).sum::<i64>()
}

fn days_of(year: i64) -> i64 {
    (0..12).map(|month| days_in(year, month)).sum()
}

/// Days in a month; January is 0.
fn days_in(year: i64, month: usize) -> i64 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        1 if is_leap => 29,
        1 => 28,
        3 | 5 | 8 | 10 => 30,
        _ => 31,
    }
}

/// The moment as text in UTC, to the second.
fn rfc3339(second: i64) -> String {
    let (mut days, second) = (second.div_euclid(86_400), second.rem_euclid(86_400));
    let mut year = 1970;
    while days < 0 {
        year -= 1;
        days += days_of(year);
    }
    while days >= days_of(year) {
        days -= days_of(year);
        year += 1;
    }
    let mut month = 0;
    while days >= days_in(year, month) {
        days -= days_in(year, month);
        month += 1;
    }
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", month + 1, days + 1)
}
