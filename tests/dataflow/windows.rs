//! Windows against a naive model: whatever the order, the batches, the checkpoints and the parallelism.

use crate::support::{Gate, GatedSource, TapSink, collected, run, sorted};
use millstream::prelude::*;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

/// (number, key, event time in milliseconds).
type Hit = (u64, String, i64);
/// (end, key, start, numbers of the records).
type Window = (i64, String, i64, Vec<u64>);

const KEYS: [&str; 5] = ["", "a", "aa", "b", "ab"];
/// The records stand at most so far behind the latest.
const BOUND: i64 = 40;

fn tumbling_model(hits: &[Hit], size: i64) -> Vec<Window> {
    let mut windows: BTreeMap<(i64, String), (i64, Vec<u64>)> = BTreeMap::new();
    for (number, key, time) in hits {
        let start = time.div_euclid(size) * size;
        windows.entry((start + size, key.clone())).or_insert((start, Vec::new())).1.push(*number);
    }
    windows.into_iter().map(|((end, key), (start, numbers))| (end, key, start, sorted(numbers))).collect()
}

fn session_model(hits: &[Hit], gap: i64) -> Vec<Window> {
    let mut windows = Vec::new();
    for key in KEYS {
        let mut of_key: Vec<_> = hits.iter().filter(|hit| hit.1 == key).collect();
        of_key.sort_by_key(|hit| hit.2);
        for session in of_key.chunk_by(|before, after| after.2 - before.2 <= gap) {
            let (first, last) = (session[0].2, session[session.len() - 1].2);
            windows.push((last + gap, key.to_owned(), first, sorted(session.iter().map(|hit| hit.0))));
        }
    }
    sorted(windows)
}

/// How a job is cut up, which must not matter.
#[derive(Clone, Copy, Debug)]
struct Cut {
    splits: usize,
    parallelism: usize,
    batch_size: usize,
    checkpoint: Option<u64>,
}

fn cuts() -> impl Strategy<Value = Cut> {
    (1..=3_usize, 1..=3_usize, 1..20_usize, prop::option::of(1..20_u64))
        .prop_map(|(splits, parallelism, batch_size, checkpoint)| Cut { splits, parallelism, batch_size, checkpoint })
}

/// What came out: the windows in the order of each subtask, and the numbers of late records.
struct Seen {
    windows: Vec<(usize, Window)>,
    times: Vec<Timestamp>,
    late: Vec<u64>,
    counted_late: u64,
}

fn run_windows(hits: &[Hit], windows: impl Into<Windows<Hit>>, bound: i64, cut: Cut) -> Seen {
    let job = Job::new("windows");
    let (sink, seen) = TapSink::new();
    // Small blocks, so that watermarks come between.
    let (count, block) = (hits.len() as u64, cut.batch_size as u64);
    let source = GatedSource { gate: Gate::default(), count, splits: cut.splits as u64, block };
    source.gate.open_to(count);
    let hits = hits.to_vec();
    let windowed = job
        .source(source)
        .map(move |number| hits[number as usize].clone())
        .event_time(
            |hit| Timestamp::from_millis(hit.2),
            Watermarks::out_of_order(Duration::from_millis(bound.unsigned_abs())),
        )
        .key_by(|hit| hit.1.clone())
        .window(windows);
    let late = collected(&windowed.late());
    windowed.collect().uid("windows").sink(sink);
    let mut config = Config::default().parallelism(cut.parallelism).batch_size(cut.batch_size);
    config.checkpoint_interval = cut.checkpoint.map(Duration::from_millis);
    let status = run(&job, config);
    let seen = seen.lock().unwrap();
    let windows = seen.iter().map(|(subtask, window, _)| {
        let numbers = sorted(window.value.iter().map(|hit| hit.0));
        (*subtask, (window.end.millis(), window.key.clone(), window.start.millis(), numbers))
    });
    Seen {
        windows: windows.collect(),
        times: seen.iter().map(|row| row.2).collect(),
        late: sorted(late.rows().iter().map(|late| late.record.0)),
        counted_late: status.operator("windows").unwrap().late,
    }
}

impl Seen {
    /// The windows of all subtasks; each subtask must have told its own by end and then by key.
    fn in_order(&self) -> Result<Vec<Window>, TestCaseError> {
        for subtask in 0..3 {
            let own: Vec<_> = self.windows.iter().filter(|row| row.0 == subtask).collect();
            let order: Vec<_> = own.iter().map(|(_, (end, key, ..))| (end, key)).collect();
            prop_assert!(order.is_sorted(), "subtask {} told {:?}", subtask, order);
        }
        for ((_, (end, ..)), time) in self.windows.iter().zip(&self.times) {
            prop_assert_eq!(end - 1, time.millis(), "a result bears the last instant of its window");
        }
        Ok(sorted(self.windows.iter().map(|row| row.1.clone())))
    }
}

/// Records that stand at most [`BOUND`] behind the latest before them.
fn bounded() -> impl Strategy<Value = Vec<Hit>> {
    let origin =
        prop_oneof![Just(0_i64), Just(-2_000), Just(1_700_000_000_000), Just(i64::MIN / 2), Just(i64::MAX / 2)];
    let steps = prop::collection::vec((0..KEYS.len(), 0..60_i64, 0..=BOUND), 0..200);
    (origin, steps).prop_map(|(origin, steps)| {
        let (mut latest, mut hits) = (origin, Vec::new());
        for (number, (key, step, behind)) in steps.into_iter().enumerate() {
            latest += step;
            hits.push((number as u64, KEYS[key].to_owned(), latest - behind));
        }
        hits
    })
}

/// Records in any order.
fn unbounded() -> impl Strategy<Value = Vec<Hit>> {
    prop::collection::vec((0..KEYS.len(), -3_000..3_000_i64), 0..200).prop_map(|hits| {
        let hits = hits.into_iter().enumerate();
        hits.map(|(number, (key, time))| (number as u64, KEYS[key].to_owned(), time)).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn tumbling_windows_of_bounded_disorder_are_those_of_the_model(
        hits in bounded(), size in 1..300_i64, cut in cuts(),
    ) {
        let seen = run_windows(&hits, Tumbling::of(Duration::from_millis(size as u64)), BOUND, cut);
        prop_assert_eq!(seen.in_order()?, tumbling_model(&hits, size));
        prop_assert_eq!((seen.late, seen.counted_late), (vec![], 0));
    }

    #[test]
    fn sessions_of_bounded_disorder_are_those_of_the_model(
        hits in bounded(), gap in 1..300_i64, cut in cuts(),
    ) {
        let seen = run_windows(&hits, Session::gap(Duration::from_millis(gap as u64)), BOUND, cut);
        prop_assert_eq!(seen.in_order()?, session_model(&hits, gap));
        prop_assert_eq!((seen.late, seen.counted_late), (vec![], 0));
    }

    #[test]
    fn every_record_is_in_one_window_or_late_however_wild_the_disorder(
        hits in unbounded(), length in 1..1_000_i64, session in any::<bool>(), bound in 0..2_000_i64, cut in cuts(),
    ) {
        let length = Duration::from_millis(length as u64);
        let windows: Windows<Hit> = if session { Session::gap(length).into() } else { Tumbling::of(length).into() };
        let seen = run_windows(&hits, windows, bound, cut);
        let held = seen.in_order()?;
        let all = sorted(held.iter().flat_map(|window| window.3.clone()).chain(seen.late.iter().copied()));
        prop_assert_eq!(all, (0..hits.len() as u64).collect::<Vec<_>>());
        prop_assert_eq!(seen.late.len() as u64, seen.counted_late);
        for (end, key, start, numbers) in &held {
            for hit in numbers.iter().map(|number| &hits[*number as usize]) {
                prop_assert!(hit.1 == *key && *start <= hit.2 && hit.2 < *end, "{:?} in [{}, {})", hit, start, end);
            }
        }
    }
}
