//! The queries as dataflows in Rust, exactly once and with a checkpoint each second.

mod changes;
mod joins;
mod stateless;
mod windows;

use crate::case::Case;
use crate::measure::Failure;
use crate::query::{Input, Query};
use crate::records::{self, millis};
use crate::sql::config;
use millstream::prelude::*;
use serde::Serialize;
use std::borrow::Cow;

/// Answers the query.
pub fn run(case: &Case) -> Result<(), Failure> {
    let job = Job::new("peers");
    match case.query {
        Query::Views10s => windows::views(&job, case, seconds(10)),
        Query::Views10m => windows::views(&job, case, minutes(10)),
        Query::Q0 => stateless::all(&job, case),
        Query::Q1 => stateless::in_euros(&job, case),
        Query::Q2 => stateless::chosen(&job, case),
        Query::Q3 => joins::sellers(&job, case),
        Query::Q4 => joins::averages(&job, case),
        Query::Q5 => windows::hot_items(&job, case),
        Query::Q7 => windows::highest_bids(&job, case),
        Query::Q8 => joins::new_sellers(&job, case),
        Query::Q9 => joins::winning_bids(&job, case),
        Query::Q11 => windows::sessions(&job, case),
        Query::Q12 => windows::by_the_clock(&job, case),
        Query::Q16 => changes::channels(&job, case),
        Query::Q18 => changes::last_bids(&job, case),
    }
    job.run(config(case))?;
    Ok(())
}

/// What `parse` makes of each line of an input; a line that is none of its records is left out.
fn records<T: Data>(
    job: &Job,
    case: &Case,
    input: Input,
    parse: impl Fn(&str) -> Option<T> + Send + Sync + 'static,
) -> Stream<T> {
    let files = (0..case.parallelism).map(|worker| case.file(input, worker));
    let lines = job.source(FileSource::lines(files));
    lines.flat_map(move |line| match line.text() {
        Cow::Borrowed(text) => parse(text),
        Cow::Owned(_) => None,
    })
}

/// What `take` keeps of each bid.
fn bids<T: Data>(job: &Job, case: &Case, take: impl Fn(records::Bid<'_>) -> T + Send + Sync + 'static) -> Stream<T> {
    records(job, case, Input::Bids, move |line| records::Bid::parse(line).map(&take))
}

/// Where the answer goes. Rows are tuples, which have no names, so there is no header.
fn answer<T: Serialize + Data>(case: &Case) -> FileSink<T> {
    FileSink::csv(case.output.join("answer"))
}

fn timestamp(text: &str) -> Timestamp {
    Timestamp::from_millis(millis(text))
}
