//! The page view job as a good programmer writes it without any engine: one thread, one loop, hash maps.
//!
//! It is the mark that the engine is measured against, so it does what the job asks for and nothing that can be left
//! out: no checkpoint, no state on disk, no second job. It borrows one thing from the library, the log parser, so that
//! both are equally strict. Memory is bounded: windows, visits, and clients without either, are dropped once closed.
//!
//! * The *horizon* is the latest time seen less the out-of-orderness; no view before it is still to come. With several
//!   files it is that of the file that is furthest behind, and that one is read next.
//! * A window is written when its end has reached the horizon, a visit when its end lies before it: a view exactly the
//!   gap after the last one still belongs to the visit.
//! * A client is found by one look into a hash table; its counts in open windows and its open visits lie beside its name.

use compact_str::CompactString;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use memchr::{memchr_iter, memchr2, memrchr};
use millstream::formats::LogEntry;
use millstream::time::Timestamp;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use xxhash_rust::xxh3::xxh3_64;

const BLOCK: usize = 256 * 1024;
const DAY: i64 = 86_400;

/// What a run has read and written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Lines read, malformed and empty ones included.
    pub(crate) lines: u64,
    /// Malformed lines that are not empty.
    pub(crate) rejected: u64,
    /// Views before the horizon, which were left out.
    pub(crate) late: u64,
    /// Rows of `site.csv`, `users.csv` and `visits.csv`.
    pub(crate) rows: [u64; 3],
}

/// Reads the log files and writes `site.csv`, `users.csv`, `visits.csv` and `rejected.jsonl` into the directory `out`,
/// which must exist.
///
/// * `window`, `gap`, `out_of_orderness`: whole seconds; the window is not empty.
///
/// # Errors
/// What reading and writing give; `InvalidInput` for a duration that is not as said; `InvalidData` for a time outside the
/// years 0 to 9999, which the outputs cannot write.
pub(crate) fn run(
    inputs: &[PathBuf],
    out: &Path,
    window: Duration,
    gap: Duration,
    out_of_orderness: Duration,
) -> io::Result<Counts> {
    let (window, gap, out_of_orderness) = (seconds(window)?, seconds(gap)?, seconds(out_of_orderness)?);
    if window == 0 {
        return Err(io::Error::new(ErrorKind::InvalidInput, "the window must be at least 1 s long"));
    }
    let mut job = Job {
        window,
        gap,
        horizon: i64::MIN,
        next_close: i64::MAX,
        windows: VecDeque::new(),
        clients: Clients::default(),
        deadlines: BinaryHeap::new(),
        site: create(out, "site.csv", "window_start,window_end,views,users\n")?,
        users: create(out, "users.csv", "window_start,window_end,user,views\n")?,
        visits: create(out, "visits.csv", "window_start,window_end,user,views\n")?,
        rejected: create(out, "rejected.jsonl", "")?,
        calendar: Calendar::default(),
        counts: Counts::default(),
    };
    let mut inputs = inputs.iter().map(|path| Input::open(path)).collect::<io::Result<Vec<_>>>()?;
    while let Some(behind) = (0..inputs.len()).min_by_key(|&i| inputs[i].latest) {
        let mut input = inputs.swap_remove(behind);
        let others = inputs.iter().map(|input| input.latest).min().unwrap_or(i64::MAX);
        job.block(&mut input, others, out_of_orderness)?;
        if !input.has_ended {
            inputs.push(input);
        }
    }
    job.horizon = i64::MAX;
    job.close()?;
    for mut file in [job.site, job.users, job.visits, job.rejected] {
        file.flush()?;
    }
    Ok(job.counts)
}

fn seconds(duration: Duration) -> io::Result<i64> {
    let whole = i64::try_from(duration.as_secs()).ok().filter(|_| duration.subsec_nanos() == 0);
    whole.ok_or_else(|| {
        io::Error::new(ErrorKind::InvalidInput, format!("{duration:?} is not a number of whole seconds"))
    })
}

fn create(directory: &Path, name: &str, header: &str) -> io::Result<BufWriter<File>> {
    let mut file = BufWriter::with_capacity(BLOCK, File::create(directory.join(name))?);
    file.write_all(header.as_bytes())?;
    Ok(file)
}

/// A file that is read in blocks of whole lines.
struct Input {
    name: String,
    file: File,
    buffer: Vec<u8>,
    /// The buffer holds so many bytes, of which so many have been given out, and begins at that byte of the file.
    filled: usize,
    given: usize,
    offset: u64,
    /// The latest time seen.
    latest: i64,
    has_ended: bool,
}

impl Input {
    fn open(path: &Path) -> io::Result<Input> {
        let (name, file) = (path.display().to_string(), File::open(path)?);
        let buffer = vec![0; BLOCK];
        Ok(Input { name, file, buffer, filled: 0, given: 0, offset: 0, latest: i64::MIN, has_ended: false })
    }

    /// Makes `buffer[..given]` the next whole lines; the last line of the file may lack its newline.
    fn read(&mut self) -> io::Result<()> {
        self.buffer.copy_within(self.given..self.filled, 0);
        self.filled -= self.given;
        self.offset += self.given as u64;
        loop {
            if self.filled == self.buffer.len() {
                self.buffer.resize(2 * self.filled, 0);
            }
            let read = match self.file.read(&mut self.buffer[self.filled..]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                read => read?,
            };
            let new = self.filled..self.filled + read;
            self.filled = new.end;
            if read == 0 {
                self.has_ended = true;
                self.given = self.filled;
                return Ok(());
            }
            if let Some(newline) = memrchr(b'\n', &self.buffer[new.clone()]) {
                self.given = new.start + newline + 1;
                return Ok(());
            }
        }
    }
}

struct Window {
    start: i64,
    views: u64,
    /// The clients that were seen in it, by number.
    clients: Vec<usize>,
}

struct Visit {
    first: i64,
    last: i64,
    views: u64,
}

#[derive(Default)]
struct Client {
    name: CompactString,
    hash: u64,
    /// Views in each open window, by its start.
    windows: Vec<(i64, u64)>,
    /// Open visits, more than the gap apart.
    visits: Vec<Visit>,
}

/// The clients with an open window or visit, by number; a number is given anew once it is free.
#[derive(Default)]
struct Clients {
    all: Vec<Client>,
    by_name: HashTable<usize>,
    free: Vec<usize>,
}

impl Clients {
    fn number(&mut self, name: &str) -> usize {
        let hash = xxh3_64(name.as_bytes());
        let entry = self.by_name.entry(hash, |&i| self.all[i].name == name, |&i| self.all[i].hash);
        let vacant = match entry {
            Entry::Occupied(found) => return *found.get(),
            Entry::Vacant(vacant) => vacant,
        };
        let number = self.free.pop().unwrap_or_else(|| {
            self.all.push(Client::default());
            self.all.len() - 1
        });
        vacant.insert(number);
        (self.all[number].name, self.all[number].hash) = (name.into(), hash);
        number
    }

    /// Frees the number of a client that has nothing open any more.
    fn forget_if_idle(&mut self, number: usize) {
        let client = &self.all[number];
        if client.windows.is_empty()
            && client.visits.is_empty()
            && let Ok(entry) = self.by_name.find_entry(client.hash, |&i| i == number)
        {
            entry.remove();
            self.free.push(number);
        }
    }
}

struct Job {
    window: i64,
    gap: i64,
    horizon: i64,
    /// Nothing has to be closed before the horizon gets here.
    next_close: i64,
    /// Open windows in the order of time.
    windows: VecDeque<Window>,
    clients: Clients,
    /// For each client with open visits, one entry: a time at or before the end of the first, and its number.
    deadlines: BinaryHeap<Reverse<(i64, usize)>>,
    site: BufWriter<File>,
    users: BufWriter<File>,
    visits: BufWriter<File>,
    rejected: BufWriter<File>,
    calendar: Calendar,
    counts: Counts,
}

impl Job {
    /// Reads and counts the next block of an input; the other ones have come to `others`.
    fn block(&mut self, input: &mut Input, others: i64, out_of_orderness: i64) -> io::Result<()> {
        input.read()?;
        let block = &input.buffer[..input.given];
        let mut start = 0;
        let unended = (!block.is_empty() && !block.ends_with(b"\n")).then_some(block.len());
        for end in memchr_iter(b'\n', block).chain(unended) {
            let line = &block[start..end];
            self.counts.lines += 1;
            match LogEntry::parse(line) {
                Ok(entry) => {
                    let time = entry.time.millis() / 1000;
                    self.view(entry.client, time);
                    if time > input.latest {
                        input.latest = time;
                        self.horizon = time.min(others).saturating_sub(out_of_orderness);
                        if self.horizon >= self.next_close {
                            self.close()?;
                        }
                    }
                }
                Err(_) if line.is_empty() => {}
                Err(reason) => {
                    self.counts.rejected += 1;
                    let (file, offset) = (&input.name, input.offset + start as u64);
                    let row = serde_json::json!({ "file": file, "offset": offset, "reason": reason.to_string() });
                    writeln!(self.rejected, "{row}")?;
                }
            }
            start = end + 1;
        }
        Ok(())
    }

    fn view(&mut self, name: &str, time: i64) {
        if time < self.horizon {
            self.counts.late += 1;
            return;
        }
        let number = self.clients.number(name);
        let client = &mut self.clients.all[number];

        let at = match self.windows.back() {
            Some(last) if (last.start..last.start + self.window).contains(&time) => self.windows.len() - 1,
            _ => {
                let start = time - time.rem_euclid(self.window);
                self.windows.binary_search_by_key(&start, |window| window.start).unwrap_or_else(|at| {
                    self.windows.insert(at, Window { start, views: 0, clients: Vec::new() });
                    self.next_close = self.next_close.min(start + self.window);
                    at
                })
            }
        };
        let window = &mut self.windows[at];
        window.views += 1;
        match client.windows.iter_mut().rev().find(|(start, _)| *start == window.start) {
            Some((_, views)) => *views += 1,
            None => {
                client.windows.push((window.start, 1));
                window.clients.push(number);
            }
        }

        let gap = self.gap;
        let touches = |visit: &Visit| visit.first - gap <= time && time <= visit.last + gap;
        if client.visits.is_empty() {
            self.deadlines.push(Reverse((time + gap, number)));
            self.next_close = self.next_close.min(time + gap + 1);
        }
        match &mut client.visits[..] {
            [visit] if touches(visit) => visit.join(&Visit { first: time, last: time, views: 1 }),
            _ => {
                let mut joined = Visit { first: time, last: time, views: 1 };
                for visit in client.visits.extract_if(.., |visit| touches(visit)) {
                    joined.join(&visit);
                }
                client.visits.push(joined);
            }
        }
    }

    /// Writes and drops what the horizon has passed.
    fn close(&mut self) -> io::Result<()> {
        while self.windows.front().is_some_and(|window| window.start + self.window <= self.horizon)
            && let Some(window) = self.windows.pop_front()
        {
            let span = self.calendar.span(window.start, window.start + self.window)?;
            self.counts.rows[0] += 1;
            self.site.write_all(&span)?;
            write_number(&mut self.site, window.views, b',')?;
            write_number(&mut self.site, window.clients.len() as u64, b'\n')?;
            for number in window.clients {
                let client = &mut self.clients.all[number];
                let Some(at) = client.windows.iter().position(|(start, _)| *start == window.start) else { continue };
                let (_, views) = client.windows.swap_remove(at);
                self.counts.rows[1] += 1;
                write_user(&mut self.users, &span, &client.name, views)?;
                self.clients.forget_if_idle(number);
            }
        }
        while let Some(&Reverse((deadline, number))) = self.deadlines.peek()
            && deadline < self.horizon
        {
            self.deadlines.pop();
            let client = &mut self.clients.all[number];
            for visit in client.visits.extract_if(.., |visit| visit.last + self.gap < self.horizon) {
                let span = self.calendar.span(visit.first, visit.last + self.gap)?;
                self.counts.rows[2] += 1;
                write_user(&mut self.visits, &span, &client.name, visit.views)?;
            }
            match client.visits.iter().map(|visit| visit.last + self.gap).min() {
                Some(end) => self.deadlines.push(Reverse((end, number))),
                None => self.clients.forget_if_idle(number),
            }
        }
        let window_end = self.windows.front().map_or(i64::MAX, |window| window.start + self.window);
        let visit_end = self.deadlines.peek().map_or(i64::MAX, |Reverse((deadline, _))| deadline + 1);
        self.next_close = window_end.min(visit_end);
        Ok(())
    }
}

impl Visit {
    fn join(&mut self, other: &Visit) {
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.views += other.views;
    }
}

fn write_user(out: &mut impl Write, span: &[u8], name: &str, views: u64) -> io::Result<()> {
    out.write_all(span)?;
    if memchr2(b',', b'"', name.as_bytes()).is_none() {
        out.write_all(name.as_bytes())?;
    } else {
        write!(out, "\"{}\"", name.replace('"', "\"\""))?;
    }
    out.write_all(b",")?;
    write_number(out, views, b'\n')
}

fn write_number(out: &mut impl Write, mut number: u64, end: u8) -> io::Result<()> {
    let mut text = [end; 21];
    let mut at = 20;
    loop {
        at -= 1;
        text[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return out.write_all(&text[at..]);
        }
    }
}

/// Writes times, and remembers the last date written.
#[derive(Default)]
struct Calendar {
    day: i64,
    /// That day, like `2015-05-17T`; empty at first.
    date: Vec<u8>,
}

impl Calendar {
    /// The two times, each with a comma behind it.
    fn span(&mut self, start: i64, end: i64) -> io::Result<[u8; 42]> {
        let mut span = *b"0000-00-00T00:00:00Z,0000-00-00T00:00:00Z,";
        for (time, text) in [start, end].into_iter().zip(span.chunks_exact_mut(21)) {
            let (day, second) = (time.div_euclid(DAY), time.rem_euclid(DAY));
            if self.date.is_empty() || day != self.day {
                let written = Timestamp::from_seconds(day.saturating_mul(DAY)).to_string();
                let Some(date) = written.strip_suffix("00:00:00Z") else {
                    return Err(io::Error::new(ErrorKind::InvalidData, format!("no year has four digits: {written}")));
                };
                (self.day, self.date) = (day, date.as_bytes().to_vec());
            }
            text[..11].copy_from_slice(&self.date);
            for (at, number) in [(11, second / 3600), (14, second / 60 % 60), (17, second % 60)] {
                text[at] = b'0' + (number / 10) as u8;
                text[at + 1] = b'0' + (number % 10) as u8;
            }
        }
        Ok(span)
    }
}
