//! The queries as dataflows of Timely: operators with hash maps, and a frontier that tells when a window is whole.
//!
//! * Each worker reads its own file, a block of lines whenever it is its turn. Records meet at the worker of their key.
//! * Times are milliseconds since 1970. A block is sent at one time, before which nothing else of its file lies, so that
//!   progress is told once a block and not once a record.
//! * Workers read at different paces: what depends on order waits for the frontier, which is that of all files.

mod changes;
mod joins;
mod stateless;
mod windows;

use crate::case::Case;
use crate::measure::Failure;
use crate::query::{Input, Query};
use crate::records::{Bid, Lines};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::process;
use timely::dataflow::channels::pact::{Exchange, ParallelizationContract};
use timely::dataflow::operators::Operator;
use timely::dataflow::operators::generic::source;
use timely::{Config, ExchangeData};
use xxhash_rust::xxh3::xxh3_64;

type Scope<'scope> = timely::dataflow::Scope<'scope, i64>;
type Stream<'scope, D> = timely::dataflow::StreamVec<'scope, i64, D>;

/// The time of what has none.
const NO_TIME: i64 = i64::MIN;

/// Answers the query.
pub fn run(case: &Case) -> Result<(), Failure> {
    let config = match case.parallelism {
        1 => Config::thread(),
        workers => Config::process(workers),
    };
    let case = case.clone();
    let workers = timely::execute(config, move |worker| {
        worker.dataflow(|scope| match case.query {
            Query::Views10s => windows::views(scope, &case, 10_000),
            Query::Views10m => windows::views(scope, &case, 600_000),
            Query::Q0 => stateless::all(scope, &case),
            Query::Q1 => stateless::in_euros(scope, &case),
            Query::Q2 => stateless::chosen(scope, &case),
            Query::Q3 => joins::sellers(scope, &case),
            Query::Q4 => joins::averages(scope, &case),
            Query::Q5 => windows::hot_items(scope, &case),
            Query::Q7 => windows::highest_bids(scope, &case),
            Query::Q8 => joins::new_sellers(scope, &case),
            Query::Q9 => joins::winning_bids(scope, &case),
            Query::Q11 => windows::sessions(scope, &case),
            Query::Q12 => windows::by_the_clock(scope, &case),
            Query::Q16 => changes::channels(scope, &case),
            Query::Q18 => changes::last_bids(scope, &case),
        });
    })?;
    for worker in workers.join() {
        worker?;
    }
    Ok(())
}

/// What `parse` makes of each line of this worker's file, behind a time before which no later line of it lies. A line that
/// is none of its records is left out.
fn records<'scope, D: 'static>(
    scope: Scope<'scope>,
    case: &Case,
    input: Input,
    mut parse: impl FnMut(&str) -> Option<(i64, D)> + 'static,
) -> Stream<'scope, D> {
    let mut lines = or_exit(Lines::open(&case.file(input, scope.index())));
    source(scope, input.name(), |capability, operator| {
        let activator = scope.activator_for(operator.address);
        let mut capability = Some(capability);
        move |output| {
            let Some(held) = &mut capability else { return };
            let mut reached = *held.time();
            let mut session = output.session(held);
            let is_more = or_exit(lines.block(|line| {
                if let Some((time, record)) = parse(line) {
                    reached = reached.max(time);
                    session.give(record);
                }
                Ok(())
            }));
            drop(session);
            held.downgrade(&reached);
            if is_more { activator.activate() } else { capability = None }
        }
    })
}

/// What `take` keeps of each bid, without its time.
fn bids<'scope, D: 'static>(
    scope: Scope<'scope>,
    case: &Case,
    mut take: impl FnMut(Bid<'_>) -> D + 'static,
) -> Stream<'scope, D> {
    records(scope, case, Input::Bids, move |line| Some((NO_TIME, take(Bid::parse(line)?))))
}

/// Sends records to workers by a hash.
fn by<D: ExchangeData>(mut hash: impl FnMut(&D) -> u64 + 'static) -> impl ParallelizationContract<i64, Vec<D>> {
    // A worker's maps look at the lower half of the hash: it has to differ among the keys of a worker.
    Exchange::new(move |record: &D| hash(record) >> 32)
}

fn hash(number: u64) -> u64 {
    xxh3_64(&number.to_le_bytes())
}

/// Keeps records in a state. `due` puts out what is due when nothing before a time can come any more; it is asked whenever
/// something has come, and with `i64::MAX` at the end.
fn gather<'scope, D: 'static, S: 'static, O: 'static>(
    records: Stream<'scope, D>,
    pact: impl ParallelizationContract<i64, Vec<D>>,
    mut state: S,
    mut add: impl FnMut(&mut S, D) + 'static,
    mut due: impl FnMut(&mut S, i64, &mut Vec<O>) + 'static,
) -> Stream<'scope, O> {
    records.unary_frontier(pact, "gather", |capability, _| {
        let mut capability = Some(capability);
        let mut rows = Vec::new();
        move |(input, frontier), output| {
            input.for_each(|_, records| records.drain(..).for_each(|record| add(&mut state, record)));
            let Some(held) = &mut capability else { return };
            let reached = frontier.frontier().as_option().copied();
            due(&mut state, reached.unwrap_or(i64::MAX), &mut rows);
            if !rows.is_empty() {
                output.session(held).give_container(&mut rows);
                rows.clear();
            }
            match reached {
                Some(reached) => held.downgrade(&reached),
                None => capability = None,
            }
        }
    })
}

/// Writes to a file of this worker what `row` makes of each record, in the order in which they come.
fn write<'scope, D: 'static>(
    records: Stream<'scope, D>,
    pact: impl ParallelizationContract<i64, Vec<D>>,
    case: &Case,
    name: &str,
    mut row: impl FnMut(&mut BufWriter<File>, D) -> io::Result<()> + 'static,
) {
    let mut file = or_exit(case.output(&format!("{name}-{}", records.scope().index())));
    records.sink(pact, "write", move |(input, frontier)| {
        input.for_each(|_, records| records.drain(..).for_each(|record| or_exit(row(&mut file, record))));
        if frontier.is_empty() {
            or_exit(file.flush());
        }
    });
}

/// Ends the process on a failure: the other workers would not hear of it, and wait.
fn or_exit<T>(result: io::Result<T>) -> T {
    result.unwrap_or_else(|error| {
        eprintln!("peers: {error}");
        process::exit(1)
    })
}
