//! Timers fire once, in order, at their time, and can be taken back.

use crate::at;
use millstream::prelude::*;
use millstream::testing::Harness;

/// What a record asks for, in seconds.
#[derive(Clone, Debug)]
enum Do {
    Event(i64),
    Processing(i64),
    DeleteEvent(i64),
    DeleteProcessing(i64),
}

/// Does what its records say, and tells of each timer: key, kind, time, watermark, and processing time.
struct Obedient;

type Told = (&'static str, TimeDomain, i64, i64, i64);

impl KeyedProcess for Obedient {
    type Key = String;
    type Input = (&'static str, Do);
    type Output = String;
    type State = ();

    fn open(&self, _: &mut States<'_, String>) -> Result<(), Failure> {
        Ok(())
    }

    fn process(&self, (): &(), (_, what): Self::Input, ctx: &mut Context<'_, String, String>) -> Result<(), Failure> {
        match what {
            Do::Event(second) => ctx.set_event_timer(at(second)),
            Do::Processing(second) => ctx.set_processing_timer(at(second)),
            Do::DeleteEvent(second) => {
                let was_set = ctx.delete_event_timer(at(second))?;
                ctx.emit(format!("deleted: {was_set}"));
                Ok(())
            }
            Do::DeleteProcessing(second) => {
                let was_set = ctx.delete_processing_timer(at(second))?;
                ctx.emit(format!("deleted: {was_set}"));
                Ok(())
            }
        }
    }

    fn on_timer(&self, (): &(), timer: Timer, ctx: &mut Context<'_, String, String>) -> Result<(), Failure> {
        assert_eq!(ctx.time(), timer.time);
        let second = |time: Timestamp| match time {
            Timestamp::MAX => "end".to_owned(),
            Timestamp::MIN => "none".to_owned(),
            _ => (time.millis() / 1_000).to_string(),
        };
        let (key, domain) = (ctx.key(), timer.domain);
        let (time, watermark, now) = (second(timer.time), second(ctx.watermark()), second(ctx.now()));
        ctx.emit(format!("{key} {domain:?} {time}, watermark {watermark}, now {now}"));
        // Keys that begin with "again" set the next one, two seconds later, until the end.
        if key.starts_with("again") && timer.time < at(20) {
            match timer.domain {
                TimeDomain::Event => ctx.set_event_timer(timer.time + seconds(2))?,
                TimeDomain::Processing => ctx.set_processing_timer(timer.time + seconds(2))?,
            }
        }
        Ok(())
    }
}

fn obedient() -> Harness<(&'static str, Do), String> {
    Harness::new(|orders: Stream<(&'static str, Do)>| orders.key_by(|order| order.0.to_owned()).process(Obedient))
}

fn told((key, domain, time, watermark, now): Told) -> String {
    format!("{key} {domain:?} {time}, watermark {watermark}, now {now}")
}

use Do::{DeleteEvent, DeleteProcessing, Event, Processing};
use TimeDomain as Of;

#[test]
fn timers_fire_by_time_and_then_by_key_when_the_watermark_has_come_to_them() {
    let mut harness = obedient();
    for order in [("bob", Event(5)), ("ada", Event(5)), ("cyd", Event(3)), ("ada", Event(7)), ("bob", Event(6))] {
        harness.push(order, at(0));
    }
    harness.crash_and_restore().watermark(at(4));
    assert_eq!(harness.drain(), [told(("cyd", Of::Event, 3, 4, 0))]);
    harness.watermark(at(6));
    let expected = [("ada", 5), ("bob", 5), ("bob", 6)].map(|(key, time)| told((key, Of::Event, time, 6, 0)));
    assert_eq!(harness.drain(), expected);
    harness.crash_and_restore().watermark(at(7));
    assert_eq!(harness.drain_timed(), [(told(("ada", Of::Event, 7, 7, 0)), at(7))]);
}

#[test]
fn a_timer_that_is_set_twice_fires_once_for_each_key_and_kind() {
    let mut harness = obedient();
    for order in [("ada", Event(5)), ("ada", Event(5)), ("bob", Event(5)), ("ada", Processing(5))] {
        harness.push(order, at(0)).crash_and_restore();
    }
    harness.push(("ada", Event(5)), at(0)).watermark(at(9)).watermark(at(10));
    assert_eq!(harness.drain(), [told(("ada", Of::Event, 5, 9, 0)), told(("bob", Of::Event, 5, 9, 0))]);
    harness.advance(seconds(20));
    assert_eq!(harness.drain(), [told(("ada", Of::Processing, 5, 10, 5))]);
}

#[test]
fn a_timer_that_is_taken_back_does_not_fire_and_only_that() {
    let mut harness = obedient();
    harness.push(("ada", Event(5)), at(0)).push(("bob", Event(5)), at(0)).push(("ada", Processing(5)), at(0));
    harness.crash_and_restore();
    for order in [DeleteEvent(5), DeleteEvent(5), DeleteEvent(6), DeleteProcessing(6)] {
        harness.push(("ada", order), at(0));
    }
    assert_eq!(harness.drain(), ["deleted: true", "deleted: false", "deleted: false", "deleted: false"]);
    harness.crash_and_restore().watermark(at(10));
    assert_eq!(harness.drain(), [told(("bob", Of::Event, 5, 10, 0))]);
    harness.push(("ada", DeleteProcessing(5)), at(11)).advance(seconds(10));
    assert_eq!(harness.drain(), ["deleted: true"]);
}

#[test]
fn a_timer_set_while_others_fire_fires_with_them_if_it_is_due() {
    let mut harness = obedient();
    harness.push(("again", Event(1)), at(0)).push(("bob", Event(4)), at(0)).watermark(at(6));
    let expected = [("again", 1), ("again", 3), ("bob", 4), ("again", 5)];
    assert_eq!(harness.drain(), expected.map(|(key, time)| told((key, Of::Event, time, 6, 0))));
    harness.crash_and_restore().watermark(at(7));
    assert_eq!(harness.drain(), [told(("again", Of::Event, 7, 7, 0))]);
}

#[test]
fn a_timer_set_behind_the_watermark_fires_with_the_next_one() {
    let mut harness = obedient();
    harness.watermark(at(10)).push(("ada", Event(5)), at(11));
    assert!(harness.drain().is_empty());
    harness.crash_and_restore().watermark(at(11));
    assert_eq!(harness.drain(), [told(("ada", Of::Event, 5, 11, 0))]);
}

#[test]
fn processing_time_timers_fire_by_the_clock_though_no_record_comes() {
    let mut harness = obedient();
    harness.push(("again", Processing(3)), at(0)).push(("ada", Processing(4)), at(0)).watermark(at(1)).drain();
    harness.advance(seconds(2));
    assert!(harness.drain().is_empty());
    harness.advance(seconds(2)).crash_and_restore().advance(seconds(2));
    let expected = [("again", 3), ("ada", 4), ("again", 5)];
    let fired = expected.map(|(key, time)| (told((key, Of::Processing, time, 1, time)), at(time)));
    assert_eq!(harness.drain_timed(), fired, "with the timer's time as event time");
}

#[test]
fn timers_move_with_their_keys_to_another_parallelism() {
    let mut harness = obedient();
    let keys = ["ada", "bob", "cyd", "dan", "eve", "fay", "gus", "hal"];
    for key in keys {
        harness.push((key, Event(5)), at(0)).push((key, Processing(5)), at(0));
    }
    harness.rescale(3).rescale(2).watermark(at(6)).advance(seconds(6));
    let mut fired = harness.drain();
    fired.sort();
    let both = |key| [told((key, Of::Event, 5, 6, 0)), told((key, Of::Processing, 5, 6, 5))];
    assert_eq!(fired, keys.iter().flat_map(|key| both(*key)).collect::<Vec<_>>());
}

#[test]
fn at_the_end_of_input_event_time_comes_to_its_end_and_what_waits_for_the_clock_fires_once() {
    let mut harness = obedient();
    for order in [("again", Processing(8)), ("again", Event(17)), ("ada", Processing(7))] {
        harness.push(order, at(0));
    }
    harness.end();
    let expected = [
        "again Event 17, watermark end, now 0",
        "again Event 19, watermark end, now 0",
        "again Event 21, watermark end, now 0",
        "ada Processing 7, watermark end, now 7",
        "again Processing 8, watermark end, now 8",
    ];
    assert_eq!(harness.drain(), expected);
}

#[test]
fn many_timers_of_one_watermark_all_fire_though_not_in_one_piece() {
    let mut harness = obedient();
    for second in 1..=5_000 {
        harness.push(("ada", Event(second)), at(0));
    }
    harness.watermark(at(5_000));
    let fired = harness.drain_timed();
    assert_eq!(fired.len(), 5_000);
    assert!(fired.iter().zip(1..).all(|((_, time), second)| *time == at(second)));
}

#[test]
fn what_a_watermark_fires_is_not_late_for_those_behind() {
    let mut harness = Harness::new(|orders: Stream<(&'static str, Do)>| {
        let fired = orders.key_by(|order| order.0.to_owned()).process(Obedient);
        fired.key_by(|_| 0_u8).window(Tumbling::of(seconds(10))).count().map(|window| window.value)
    });
    for second in [3, 4, 12, 13, 14] {
        harness.push(("ada", Event(second)), at(0));
    }
    harness.watermark(at(30));
    assert_eq!(harness.drain(), [2, 3]);
}
