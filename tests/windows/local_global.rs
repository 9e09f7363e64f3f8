//! Windows that are aggregated in two phases give what one phase gives.

use millstream::prelude::*;
use millstream::testing::{Harness, Script, Simulation, assert_same_rows, three_lives};
use proptest::prelude::{Strategy, any, prop, proptest};

type Hit = (u8, i64, f64);

/// Key, window end, count, sum (as bits: floating point must come out the same), and the first of the largest.
type Row = (u8, i64, u64, u64, i64);

fn windows(hits: &Stream<Hit>, windows: impl Into<Windows<Hit>>, phases: u8) -> Stream<Row> {
    let aggregate = (Count, Sum::of(|hit: &Hit| hit.2), MaxBy::of(|hit: &Hit| hit.2));
    let windows = hits.key_by(|hit| hit.0).window(windows);
    let results = match phases {
        1 => windows.aggregate(aggregate),
        _ => windows.local_global().aggregate(aggregate),
    };
    results.map(|w| (w.key, w.end.millis(), w.value.0, w.value.1.to_bits(), w.value.2.1))
}

fn hits() -> impl Strategy<Value = Vec<(Hit, Timestamp)>> {
    let hit = (0..4_u8, 0..2_000_i64, any::<i16>());
    let made = |(key, time, value): (u8, i64, i16)| ((key, time, f64::from(value) / 7.0), Timestamp::from_millis(time));
    prop::collection::vec(hit.prop_map(made), 1..60)
}

fn simulated(hits: &[(Hit, Timestamp)], phases: u8, slide: u64, seed: u64) -> Vec<Row> {
    let (job, sink) = (Job::new("phases"), CollectSink::new());
    let rows = sink.handle();
    // All records before the first watermark: which are late must not depend on the order of things.
    let script = Script::new().records(hits.to_vec()).attach(&job);
    let size = Sliding::of(millis(300)).every(millis(slide));
    windows(&script.rebalance().inspect(|_| {}), size, phases).sink(sink);
    let config = Config::default().parallelism(3).batch_size(2);
    let mut simulation = Simulation::start(&job, config, seed).unwrap();
    simulation.checkpoints_one_in(30).crashes_one_in(150, 2).run().unwrap();
    rows.rows()
}

proptest! {
    #![proptest_config(prop::test_runner::Config::with_cases(24))]

    #[test]
    fn two_phases_give_what_one_gives(hits in hits(), slide in prop::sample::select(vec![300, 100, 70]), seed: u64) {
        // What is the first of the largest depends on the order in which subtasks come, so the values differ.
        let mut hits = hits;
        hits.sort_by(|a, b| a.0.2.total_cmp(&b.0.2));
        hits.dedup_by(|a, b| a.0.2 == b.0.2);
        assert_same_rows(simulated(&hits, 2, slide, seed), simulated(&hits, 1, slide, seed));
    }
}

#[test]
fn late_parts_are_counted_and_can_be_had() {
    let mut harness = Harness::new(|hits: Stream<u8>| {
        let windows = hits.key_by(|hit| *hit).window(Tumbling::of(seconds(1))).local_global();
        let (counts, late) = windows.aggregate_with_late(Count);
        let late = late.map(|part| (part.record.key, part.record.records, false));
        counts.map(|window| (window.key, window.value, true)).union(&late)
    });
    let at = Timestamp::from_millis;
    harness.push(7, at(5)).push(7, at(1_005)).watermark(at(999)).push(7, at(6)).push(8, at(7)).end();
    let mut rows = harness.drain();
    rows.sort();
    assert_eq!(rows, [(7, 1, false), (7, 1, true), (7, 1, true), (8, 1, false)]);
}

#[test]
fn lateness_may_be_allowed() {
    let mut harness = Harness::new(|hits: Stream<u8>| {
        let windows = hits.key_by(|hit| *hit).window(Tumbling::of(seconds(1))).allowed_lateness(seconds(1));
        windows.local_global().count().map(|window| window.value)
    });
    let at = Timestamp::from_millis;
    harness.push(7, at(5)).watermark(at(1_000)).push(7, at(6)).watermark(at(3_000)).push(7, at(7));
    assert_eq!(harness.drain(), [1, 2]);
}

#[test]
fn a_hot_key_sends_parts_and_not_its_records() {
    let (job, sink) = (Job::new("hot"), CollectSink::new());
    let rows = sink.handle();
    let hits = job.source(MemorySource::new(0..20_000_u64)).event_time(|_| Timestamp::EPOCH, Watermarks::monotonic());
    hits.key_by(|_| 0).window(Tumbling::of(seconds(1))).local_global().count().uid("global").sink(sink);
    let status = Simulation::start(&job, Config::default(), 1).unwrap().run().unwrap();
    assert_eq!(rows.rows()[0].value, 20_000);
    let parts = status.operator("global").unwrap().records_in;
    assert!(parts < 100, "{parts} parts");
}

#[test]
fn a_keying_may_be_used_in_one_phase_too() {
    let rows = three_lives(6, || {
        let (job, sink) = (Job::new("both"), CollectSink::new());
        let rows = sink.handle();
        let numbers = (0..40).map(|n| (n, Timestamp::from_millis(i64::from(n) * 100)));
        let keyed = Script::new().records(numbers).attach(&job).key_by(|n| n % 3);
        let local = keyed.window(Tumbling::of(seconds(1))).local_global().count();
        let plain = keyed.window(Tumbling::of(seconds(1))).count();
        local.union(&plain).map(|window| (window.key, window.end, window.value)).sink(sink);
        (job, rows)
    });
    let rows = rows.unwrap();
    assert!(rows.len() > 20 && rows.chunks(2).all(|pair| pair[0] == pair[1]), "{rows:?}");
}

#[test]
fn windows_without_panes_are_refused_by_name() {
    let job = Job::new("sessions");
    let keyed = job.source(MemorySource::new(0..9_u64)).key_by(|n| *n);
    keyed.window(Session::gap(seconds(1))).local_global().count().sink(DiscardSink);
    let error = job.run(Config::default()).unwrap_err().to_string();
    assert!(error.contains("session(1s) windows have no panes"), "{error}");
}
