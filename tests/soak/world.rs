//! What the job reads, what it should have written, and a reader that remembers what it saw.

use crate::process::{Dice, Life, wait_until};
use crate::program::{BOUND, Event, INPUTS, InWindow, OUTPUTS, Running, Settings, WINDOW};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// How many bytes before the end of what was seen are read again at each look.
const OVERLAP: u64 = 16 * 1024;
/// How many keys there are, unless told otherwise.
const KEYS: u64 = 40;

/// The inputs and what has come of them.
pub(crate) struct World {
    input: PathBuf,
    output: PathBuf,
    events: Vec<Event>,
    /// Event time so far.
    now: i64,
    seen: Seen,
}

/// What was visible of each output, and how many lines that are.
#[derive(Clone, Default)]
pub(crate) struct Seen {
    bytes: [Vec<u8>; OUTPUTS.len()],
    lines: usize,
}

impl World {
    /// Empty inputs.
    pub(crate) fn new(settings: &Settings) -> Self {
        fs::create_dir_all(&settings.input).expect("a directory");
        for name in INPUTS {
            fs::write(settings.input.join(name), "").expect("a file");
        }
        World {
            input: settings.input.clone(),
            output: settings.output.clone(),
            events: Vec::new(),
            now: 0,
            seen: Seen::default(),
        }
    }

    /// Appends about `count` lines to each input, and one at the end that brings event time to the same place in both.
    /// Lines come out of order by less than the bound, and in pieces that end within a line.
    pub(crate) fn grow(&mut self, count: u64, dice: &mut Dice) {
        self.grow_with(count, KEYS, dice);
    }

    /// The same with so many keys.
    pub(crate) fn grow_with(&mut self, count: u64, keys: u64, dice: &mut Dice) {
        let from = self.now;
        self.now += 2_000 + dice.roll(20_000) as i64;
        let bound = BOUND.as_millis() as u64;
        for name in INPUTS {
            let mut text = String::new();
            for line in 0..count {
                let along = from + (self.now - from) * line as i64 / count as i64;
                // Nobody is late: the newest line so far is at most this old.
                let at = (along - dice.roll(bound) as i64).max(0);
                self.push(at, dice.roll(keys) as u32, &mut text);
            }
            self.push(self.now, dice.roll(keys) as u32, &mut text);
            let mut file = File::options().append(true).open(self.input.join(name)).expect("an input");
            let cut = dice.roll(text.len() as u64) as usize;
            file.write_all(&text.as_bytes()[..cut]).expect("room for inputs");
            file.write_all(&text.as_bytes()[cut..]).expect("room for inputs");
        }
    }

    fn push(&mut self, at: i64, key: u32, text: &mut String) {
        let event = Event { at, key, serial: self.events.len() as u64 };
        text.push_str(&format!("{} {} {}\n", event.at, event.key, event.serial));
        self.events.push(event);
    }

    /// How many rows there should be in each output.
    pub(crate) fn rows(&self) -> usize {
        2 * self.events.len() + self.windows().len()
    }

    fn counts(&self) -> Vec<Running> {
        let mut counts: BTreeMap<u32, u64> = BTreeMap::new();
        for event in &self.events {
            *counts.entry(event.key).or_default() += 1;
        }
        counts.into_iter().flat_map(|(key, count)| (1..=count).map(move |count| Running { key, count })).collect()
    }

    /// The windows that are over.
    fn windows(&self) -> Vec<InWindow> {
        let size = WINDOW.as_millis() as i64;
        let watermark = self.now - BOUND.as_millis() as i64 - 1;
        let mut windows: BTreeMap<(i64, u32), u64> = BTreeMap::new();
        for event in &self.events {
            *windows.entry((event.at.div_euclid(size) * size, event.key)).or_default() += 1;
        }
        let over = windows.into_iter().filter(|((start, _), _)| start + size - 1 <= watermark);
        over.map(|((start, key), count)| InWindow { start, key, count }).collect()
    }

    /// Looks at the outputs; returns how many lines there are in all.
    ///
    /// # Panics
    /// If something that was there before is gone or different.
    #[track_caller]
    pub(crate) fn look(&mut self) -> usize {
        self.look_again(OVERLAP)
    }

    #[track_caller]
    fn look_again(&mut self, overlap: u64) -> usize {
        for (name, seen) in OUTPUTS.iter().zip(&mut self.seen.bytes) {
            let Ok(mut file) = File::open(self.output.join(name)) else {
                assert!(seen.is_empty(), "{name} has vanished");
                continue;
            };
            let from = (seen.len() as u64).saturating_sub(overlap);
            let mut now = Vec::new();
            file.seek(SeekFrom::Start(from)).and_then(|_| file.read_to_end(&mut now)).expect("outputs can be read");
            let before = &seen[from as usize..];
            assert!(now.starts_with(before), "{name}: {} bytes were visible and are not its beginning now", seen.len());
            let new = &now[before.len()..];
            self.seen.lines += new.iter().filter(|&&byte| byte == b'\n').count();
            seen.extend(new);
        }
        self.seen.lines
    }

    /// Waits until as many rows are visible as there should be, and compares them all.
    ///
    /// # Panics
    /// If the process ends meanwhile, or a row is missing, doubled or wrong.
    #[track_caller]
    pub(crate) fn settle(&mut self, life: &mut Life) {
        let rows = self.rows();
        let mut over = false;
        wait_until(&format!("{rows} rows"), || {
            over = life.is_over();
            over || self.look() >= rows
        });
        assert!(!over, "it has ended: {}", life.stderr());
        self.compare();
    }

    /// Compares what is visible with what should be.
    #[track_caller]
    pub(crate) fn compare(&mut self) {
        self.look_again(u64::MAX);
        same("seen", rows(&self.seen.bytes[0]), self.events.clone());
        same("counts", rows(&self.seen.bytes[1]), self.counts());
        same("windows", rows(&self.seen.bytes[2]), self.windows());
    }

    /// Remembers how things are, to go back by [`restore`](World::restore).
    pub(crate) fn remember(&self) -> Seen {
        self.seen.clone()
    }

    /// The outputs have been put back to what they were.
    pub(crate) fn restore(&mut self, seen: Seen) {
        self.seen = seen;
    }
}

fn rows<T: DeserializeOwned>(bytes: &[u8]) -> Vec<T> {
    let lines = bytes.split_inclusive(|&byte| byte == b'\n');
    lines.map(|line| serde_json::from_slice(line).expect("whole lines of JSON")).collect()
}

#[track_caller]
fn same<T: Ord + std::fmt::Debug>(what: &str, mut found: Vec<T>, mut expected: Vec<T>) {
    found.sort();
    expected.sort();
    if found == expected {
        return;
    }
    let differs = found.iter().zip(&expected).position(|(found, expected)| found != expected);
    let at = differs.unwrap_or(found.len().min(expected.len()));
    let (lengths, found, expected) = ((found.len(), expected.len()), found.get(at), expected.get(at));
    panic!("{what}: {} rows for {}; the first that differs is {found:?} for {expected:?}", lengths.0, lengths.1);
}

/// Copies a directory with all files that are in it; a socket is nothing without its process.
pub(crate) fn copy_directory(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory can be listed") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a file type").is_dir() {
            copy_directory(&entry.path(), &target);
        } else if entry.file_type().expect("a file type").is_file() {
            fs::copy(entry.path(), target).expect("a file can be copied");
        }
    }
}

/// All files below a directory, in order.
pub(crate) fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}
