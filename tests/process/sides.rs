//! Side outputs: what goes to a tag comes out under that tag, and mistakes are told.

use crate::at;
use millstream::prelude::*;
use millstream::testing::{Harness, Probe};

const ODD: Tag<u64> = Tag::new("odd");
const BIG: Tag<String> = Tag::new("big");

/// Even numbers go on, odd ones to one side, and those above 100 as text to another one too.
struct Sort;

impl KeyedProcess for Sort {
    type Key = u64;
    type Input = u64;
    type Output = u64;
    type State = ();

    fn open(&self, _: &mut States<'_, u64>) -> Result<(), Failure> {
        Ok(())
    }

    fn process(&self, (): &(), n: u64, ctx: &mut Context<'_, u64, u64>) -> Result<(), Failure> {
        if n > 100 {
            ctx.side(&BIG, n.to_string());
        }
        if n.is_multiple_of(2) {
            ctx.emit(n);
        } else {
            ctx.side(&ODD, n);
        }
        Ok(())
    }
}

fn sorted(numbers: &Stream<u64>) -> Stream<u64> {
    numbers.key_by(|n| n % 4).process(Sort).uid("sort")
}

fn push(harness: &mut Harness<u64, u64>, numbers: impl IntoIterator<Item = u64>) {
    for n in numbers {
        harness.push(n, at(n as i64));
    }
}

#[test]
fn each_tag_has_its_stream_with_event_times_and_watermarks() {
    let (odd, big) = (Probe::new(), Probe::new());
    let (seen_odd, seen_big) = (odd.clone(), big.clone());
    let mut harness = Harness::new(move |numbers: Stream<u64>| {
        let even = sorted(&numbers);
        even.side(&BIG).sink(big);
        let minutes = even.side(&ODD).key_by(|_| ()).window(Tumbling::of(minutes(1))).count();
        minutes.map(|window| window.value).sink(odd);
        even
    });
    push(&mut harness, [1, 2, 7, 101, 102]);
    harness.crash_and_restore().watermark(at(200));
    assert_eq!(harness.drain(), [2, 102]);
    assert_eq!(seen_big.drain_timed(), [("101".to_owned(), at(101)), ("102".to_owned(), at(102))]);
    assert_eq!(seen_odd.drain(), [2, 1]);
}

#[test]
fn a_side_output_that_nobody_reads_is_dropped_and_counts_nothing() {
    let mut harness = Harness::new(|numbers: Stream<u64>| sorted(&numbers));
    push(&mut harness, [1, 2, 103]);
    assert_eq!(harness.drain(), [2]);
    let status = harness.status();
    let sort = status.operator("sort").unwrap();
    assert_eq!((sort.records_in, sort.records_out), (3, 1));
}

#[test]
fn a_tag_that_is_asked_for_twice_is_one_stream() {
    let (left, right) = (Probe::new(), Probe::new());
    let (seen_left, seen_right) = (left.clone(), right.clone());
    let mut harness = Harness::new(move |numbers: Stream<u64>| {
        let even = sorted(&numbers);
        even.side(&ODD).sink(left);
        even.side(&Tag::<u64>::new("odd")).sink(right);
        even
    });
    push(&mut harness, [1, 2, 3]);
    assert_eq!((seen_left.drain(), seen_right.drain(), harness.drain()), (vec![1, 3], vec![1, 3], vec![2]));
    assert_eq!(harness.status().operator("sort").unwrap().records_out, 3);
}

/// The message with which a job refuses to start.
fn refusal(build: impl FnOnce(&Stream<u64>)) -> String {
    let job = Job::new("mistaken");
    build(&job.source(MemorySource::new(0..3_u64)));
    job.start(Config::default()).err().expect("the job should not start").to_string()
}

#[test]
fn two_tags_of_one_name_and_two_types_are_refused_with_both() {
    let told = refusal(|numbers| {
        let even = sorted(numbers);
        even.side(&ODD).sink(DiscardSink);
        even.side(&Tag::<String>::new("odd")).sink(DiscardSink);
        even.sink(DiscardSink);
    });
    for word in ["`odd`", "`sort`", "u64", "String"] {
        assert!(told.contains(word), "{told}");
    }
}

#[test]
fn a_side_output_of_another_operator_is_refused_by_name() {
    let told = refusal(|numbers| {
        let doubled = numbers.map(|n| n * 2).uid("doubled");
        doubled.side(&ODD).sink(DiscardSink);
        doubled.sink(DiscardSink);
    });
    assert!(told.contains("operator `doubled` has no side outputs") && told.contains("`odd`"), "{told}");
    let told = refusal(|numbers| {
        let union = sorted(numbers).union(numbers);
        union.side(&ODD).sink(DiscardSink);
        union.sink(DiscardSink);
    });
    assert!(told.contains("a union is no operator"), "{told}");
}

#[test]
fn a_tag_that_is_written_with_another_type_than_it_is_read_fails_the_operator() {
    let job = Job::new("mistaken");
    let even = sorted(&job.source(MemorySource::new(0..3_u64)));
    even.side(&Tag::<String>::new("odd")).sink(DiscardSink);
    even.sink(DiscardSink);
    let told = job.run(Config::default()).unwrap_err().to_string();
    for word in ["operator `sort`", "side output `odd`", "u64", "String", "not restarted"] {
        assert!(told.contains(word), "{told}");
    }
}
