//! A record that no restart helps: three policies for it, side by side, and what becomes of it when the code is mended.
//!
//! Customers pay for items; wanted is what each has paid per item, summed up. Somebody has paid for no items at all.
//!
//! ```text
//! cargo run --example poison_records
//! ```

use millstream::connector::Collected;
use millstream::prelude::*;
use millstream::record::LetterId;
use millstream::state::{LetterStatus, StoredLetter};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

type Error = Box<dyn std::error::Error>;
/// Sums, and dead letters.
type PutAside = (BTreeMap<String, u64>, Vec<StoredLetter>);

const PAYMENTS: &str = "ada 600 3\nbob 500 1\nada 900 0\ncyd 80 2\nada 100 1\nbob 70 0\n";

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Payment {
    customer: String,
    cents: u64,
    items: u64,
}

/// What an operator does with a payment.
type Code = fn(&Payment) -> u64;
const CODE: Code = |payment| payment.cents / payment.items;
const MENDED: Code = |payment| payment.cents / payment.items.max(1);

fn parse(line: &str) -> Option<Payment> {
    let mut words = line.split_whitespace();
    let (customer, cents, items) = (words.next()?, words.next()?, words.next()?);
    Some(Payment { customer: customer.to_owned(), cents: cents.parse().ok()?, items: items.parse().ok()? })
}

/// The sum of each customer, told anew at each payment.
fn job(payments: FileSource, code: Code, policy: OnError) -> (Job, Collected<(String, u64)>) {
    let (job, sink) = (Job::new("payments"), CollectSink::new());
    let rows = sink.handle();
    job.record_type::<Payment>();
    let payments = job.source(payments).uid("lines").flat_map(|line| parse(&line.text())).uid("payments");
    let sums = payments.key_by(|payment| payment.customer.clone()).uid("by-customer").aggregate(Sum::of(code));
    sums.uid("sums").on_error(policy).sink(sink).uid("sink");
    (job, rows)
}

/// The last sum of each customer.
fn sums(rows: Vec<(String, u64)>) -> BTreeMap<String, u64> {
    rows.into_iter().collect()
}

/// What came of it.
pub(crate) struct Told {
    /// With `fail`: why the job gave up.
    pub(crate) failed: String,
    /// With `skip`: the sums, and how many records were left out.
    pub(crate) skipped: (BTreeMap<String, u64>, u64),
    /// With `dead_letter`: the sums, and the letters.
    pub(crate) put_aside: PutAside,
    /// The sums when the letters have been replayed into the mended code, and what the letters say now.
    pub(crate) replayed: PutAside,
}

pub(crate) fn run() -> Result<Told, Error> {
    let folder = tempfile::tempdir()?;
    let (log, state) = (folder.path().join("payments.log"), folder.path().join("state"));
    std::fs::write(&log, PAYMENTS)?;

    // `fail`, the default: a restart meets the record again, and in the end the job gives up and says why.
    let (first, _) = job(FileSource::lines([&log]), CODE, OnError::fail());
    let failed = match first.run(Config::default().restart(Restart::fixed_delay(millis(1), 3))) {
        Ok(status) => return Err(format!("this cannot go well: {status:?}").into()),
        Err(error) => error.to_string(),
    };

    // `skip`: the record is left out and counted. Its subtask is restarted twice before, since many failures pass.
    let (second, rows) = job(FileSource::lines([&log]), CODE, OnError::skip());
    let status = second.run(Config::default())?;
    let skipped = (sums(rows.rows()), status.operator("sums").map_or(0, |sums| sums.dead));

    // `dead_letter`: it is kept as well. The file is followed, so the job has not ended and can take its records later.
    let put_aside = follow(&log, &state, CODE, &[])?;
    // The program is mended and started again, and is handed the letters.
    let letters: Vec<_> = put_aside.1.iter().map(|stored| stored.id).collect();
    let replayed = follow(&log, &state, MENDED, &letters)?;
    Ok(Told { failed, skipped, put_aside, replayed })
}

/// Runs the job on a file that it follows, until both letters have come and those that are to be replayed have been.
fn follow(log: &Path, state: &Path, code: Code, replay: &[LetterId]) -> Result<PutAside, Error> {
    let (job, rows) = job(FileSource::lines([log]).follow(), code, OnError::dead_letter());
    let handle = job.start(Config::default().state_dir(state).checkpoint_interval(millis(20)))?;
    while handle.status().state == JobState::Starting && !handle.wait_for(millis(5)) {}
    let letters = handle.dead_letters()?;
    letters.replay(replay)?;
    let is_settled = |stored: &StoredLetter| replay.is_empty() || matches!(stored.status, LetterStatus::Replayed(_));
    let mut found = Vec::new();
    while found.len() < 2 {
        handle.wait_for(millis(5));
        found = letters.list(None, 10, is_settled)?;
    }
    handle.stop();
    handle.wait()?;
    Ok((sums(rows.rows()), found))
}

fn main() -> Result<(), Error> {
    let told = run()?;
    println!("fail:        {}\n", told.failed);
    println!("skip:        {:?}, {} records left out\n", told.skipped.0, told.skipped.1);
    println!("dead_letter: {:?}, {} records put aside", told.put_aside.0, told.put_aside.1.len());
    for stored in &told.put_aside.1 {
        println!("  {} ({}) {}", stored.id, stored.status, stored.letter);
        println!("    {}", serde_json::to_string(&stored.letter.remains)?);
    }
    println!("mended:      {:?}, for those with a letter", told.replayed.0);
    told.replayed.1.iter().for_each(|stored| println!("  {} ({})", stored.id, stored.status));
    Ok(())
}
