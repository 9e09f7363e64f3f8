//! A panic anywhere leaves the results as if nothing had happened, and is counted.

use crate::everything::{Place, run};
use crate::fuse::Fuse;
use crate::trickle::Trickle;
use millstream::prelude::*;
use std::collections::BTreeSet;
use std::sync::LazyLock;

fn config(parallelism: usize) -> Config {
    Config::default()
        .parallelism(parallelism)
        .checkpoint_interval(millis(4))
        .batch_size(64)
        .restart(Restart::fixed_delay(millis(1), 10))
}

/// The rows without any panic.
static ROWS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let shown = run(None, &Fuse::default(), config(1).without_checkpoints()).expect("nothing fails");
    assert_eq!((shown.status.restarts, shown.status.checkpoints), (0, 1));
    let kinds: BTreeSet<_> = shown.rows.iter().filter_map(|row| row.split(' ').next()).collect();
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), ["few", "minute", "refused", "session", "total"]);
    shown.rows
});

/// Runs the job with panics in that place, each time at these tenths of all its calls.
fn check(place: Place, times: &[&[u64]]) {
    for parallelism in [1, 2] {
        let dry = Fuse::default();
        let shown = run(Some(place), &dry, config(parallelism)).expect("nothing fails");
        assert!(shown.rows == *ROWS, "{place:?} at parallelism {parallelism}: checkpoints change nothing");
        for tenths in times {
            let fuse = Fuse::at(tenths.iter().map(|tenth| (dry.calls() * tenth / 10).max(1)));
            let what = format!("{place:?} at {tenths:?} tenths of {} calls, parallelism {parallelism}", dry.calls());
            let shown = run(Some(place), &fuse, config(parallelism)).unwrap_or_else(|error| panic!("{what}: {error}"));
            let status = shown.status;
            assert_eq!(status.state, JobState::Finished, "{what}");
            assert!(shown.rows == *ROWS, "{what}: {} rows, not {}", shown.rows.len(), ROWS.len());
            assert_eq!(status.restarts + status.local_restarts, tenths.len() as u64, "{what}");
            assert!(status.restarts == 0 || !place.is_restarted_alone(), "{what}: the whole job went back");
            let failure = status.failure.expect("a panic is told");
            let named = place.operators().iter().any(|uid| failure.contains(&format!("operator `{uid}`")));
            assert!(named && failure.contains("panic: the fuse blew at call"), "{what}: {failure}");
            assert!(failure.contains("tests/recovery/fuse.rs:"), "{what}: {failure}");
        }
    }
}

macro_rules! a_panic_is_made_good {
    ($($name:ident: $($place:ident),+;)+) => {$(
        #[test]
        fn $name() {
            for place in [$(Place::$place),+] {
                check(place, &[&[0], &[5], &[9]]);
            }
        }
    )+};
}

a_panic_is_made_good! {
    a_panic_in_a_source_is_made_good: Read, Decode;
    a_panic_in_a_map_is_made_good: Map;
    a_panic_in_a_filter_is_made_good: Filter;
    a_panic_in_a_flat_map_or_its_iterator_is_made_good: FlatMap, FlatMapIterator;
    a_panic_in_a_try_map_is_made_good: TryMap;
    a_panic_in_an_inspect_is_made_good: Inspect;
    a_panic_in_a_split_is_made_good: Split;
    a_panic_in_an_event_time_is_made_good: EventTime;
    a_panic_in_a_key_function_is_made_good: Key;
    a_panic_in_an_aggregate_is_made_good: Create, Add, Merge, Finish;
    a_panic_in_a_reduce_is_made_good: Reduce;
    a_panic_in_a_sink_is_made_good: Write;
}

#[test]
fn a_panic_while_a_sink_prepares_is_made_good() {
    for parallelism in [1, 2] {
        for call in [1, 4, 7] {
            let fuse = Fuse::at([call]);
            let shown = run(Some(Place::Prepare), &fuse, config(parallelism)).unwrap();
            assert!(shown.rows == *ROWS, "at call {call}, parallelism {parallelism}");
            // How many epochs there are depends on the machine, but the first there always is.
            if call > 1 && fuse.calls() < call {
                continue;
            }
            // It may fail the checkpoint only, or the subtask.
            let failure = shown.status.failure.unwrap();
            assert!(failure.contains("the fuse blew at call"), "{failure}");
        }
    }
}

#[test]
fn several_panics_in_one_run_are_all_made_good() {
    for place in [Place::Filter, Place::Add, Place::Write] {
        check(place, &[&[2, 5, 8]]);
    }
}

#[test]
fn a_panic_before_any_checkpoint_goes_back_to_the_start() {
    for parallelism in [1, 2] {
        let fuse = Fuse::at([2_000]);
        let shown = run(Some(Place::Add), &fuse, config(parallelism).journal(0).without_checkpoints()).unwrap();
        assert!(shown.rows == *ROWS);
        assert_eq!((shown.status.restarts, shown.status.checkpoints), (1, 1));
    }
}

#[test]
fn counts_of_records_roll_back_with_the_state() {
    let dry = run(None, &Fuse::default(), config(2)).unwrap().status;
    for journal in [0, 1 << 20] {
        let config = config(2).journal(journal);
        let shown = run(Some(Place::Add), &Fuse::at([900, 2_500]), config).unwrap().status;
        let counts = |status: &JobStatus| {
            let count = |uid: &&str| status.operator(uid).map(|operator| (operator.records_in, operator.records_out));
            ["numbers", "chosen", "twins", "check", "sessions", "totals", "session-rows"].each_ref().map(count)
        };
        assert_eq!(counts(&shown), counts(&dry));
        assert_eq!(if journal == 0 { shown.restarts } else { shown.local_restarts }, 2);
    }
    assert_eq!(dry.operator("chosen").map(|operator| operator.records_in), Some(3_200));
}

#[test]
fn rows_in_a_file_are_there_once_though_the_job_panics() {
    let folder = tempfile::tempdir().unwrap();
    for parallelism in [1, 2] {
        let path = folder.path().join(format!("{parallelism}.csv"));
        let fuse = Fuse::at([500, 1_500, 2_900]);
        let job = Job::new("file");
        job.source(Trickle::new(3_000))
            .key_by(|number| number % 7)
            .count()
            .map(move |row| {
                fuse.call();
                row
            })
            .sink(FileSink::csv(&path).header(["key", "count"]));
        let status = job.run(config(parallelism)).unwrap();
        assert_eq!((status.restarts, status.local_restarts), (0, 3));
        let text = std::fs::read_to_string(&path).unwrap();
        let mut rows: Vec<&str> = text.lines().collect();
        assert_eq!(rows.remove(0), "key,count");
        rows.sort_unstable();
        let mut expected: Vec<String> = (0..3_000_u64).map(|n| format!("{},{}", n % 7, n / 7 + 1)).collect();
        expected.sort_unstable();
        assert_eq!(rows, expected);
    }
}
