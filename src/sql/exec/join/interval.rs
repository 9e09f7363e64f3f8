//! Joins of rows whose event times are near.

use super::kind::Kind;
use super::shape::Shape;
use super::{Join, Side, connect, late};
use crate::operator::process::{CoProcess, Context, Failure, States, Tag, Timer};
use crate::sql::exec::{ExecError, Prepared};
use crate::sql::row::{Row, RowKey, RowKind};
use crate::state::MapState;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Joins rows for whose event times `lower <= left - right <= upper` holds, in milliseconds.
///
/// Shape: one result per pair, as soon as both rows have come, with the later of the two event times; one per row without a
/// partner, if the kind of join tells them, when the watermark has come so far that none can come any more, with the row's
/// event time. That is behind the watermark, so event time ends here, as the plan says. (In Flink it goes on, and the watermark is
/// held back.)
///
/// State: each row until then, under its key. A row of a semi or anti join is forgotten with its first partner.
///
/// A row at or before the watermark is late: it is counted and dropped. Flink pairs it with what happens to be there still; here
/// no result depends on when state is cleaned. A row without an event time has no partner.
///
/// # Errors
/// If the columns do not fit, or the condition cannot be evaluated.
pub(in crate::sql) fn interval(
    left: &Side,
    right: &Side,
    (lower, upper): (i64, i64),
    join: &Join<'_>,
) -> Result<Prepared, ExecError> {
    let (shape, exchanged) = Shape::new(&left.columns, &right.columns, join)?;
    let shape = Arc::new(shape);
    let (first, last) = if exchanged { (upper.saturating_neg(), lower.saturating_neg()) } else { (lower, upper) };
    let function = Interval::new(Arc::clone(&shape), (first, last), late(exchanged));
    Ok(connect((left, right), exchanged, &shape, join, function))
}

struct Interval {
    shape: Arc<Shape>,
    /// Where the partners of a side's rows lie: the least and greatest difference of their event time to the row's.
    partners: [(i64, i64); 2],
    late: [Tag<Row>; 2],
}

/// A row that waits for partners.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Waits {
    row: Row,
    /// Whether it has had one; only of a side that minds.
    paired: bool,
}

/// The rows of a side by event time, and those of one time in the order in which they came.
type Rows = MapState<RowKey, (Timestamp, u64), Waits>;

impl Interval {
    /// * `lower`, `upper`: of the time of a row of side 0 less that of its partner.
    fn new(shape: Arc<Shape>, (lower, upper): (i64, i64), late: [Tag<Row>; 2]) -> Self {
        Interval { shape, partners: [(upper.saturating_neg(), lower.saturating_neg()), (lower, upper)], late }
    }

    /// The watermark from which on no partner of a row can come.
    fn end(&self, side: usize, time: Timestamp) -> Timestamp {
        time.plus_millis(self.partners[side].1)
    }

    /// When the next row of a key can go.
    fn next_end(&self, rows: &[Rows; 2], ctx: &Context<'_, RowKey, Row>) -> Result<Option<Timestamp>, Failure> {
        let mut next = None;
        for (side, rows) in rows.iter().enumerate() {
            let end = rows.first_key_in(ctx.keyed(), ..)?.map(|(time, _)| self.end(side, time));
            next = [next, end].into_iter().flatten().min();
        }
        Ok(next)
    }

    fn tell_alone(
        &self,
        side: usize,
        row: &Row,
        time: Timestamp,
        ctx: &mut Context<'_, RowKey, Row>,
    ) -> Result<(), Failure> {
        if self.shape.kind.tells_alone(side) {
            ctx.emit_at(self.shape.alone(side, row, RowKind::Insert)?, time);
        }
        Ok(())
    }

    fn arrive(
        &self,
        side: usize,
        rows: &[Rows; 2],
        row: Row,
        ctx: &mut Context<'_, RowKey, Row>,
    ) -> Result<(), Failure> {
        let (at, time, watermark) = (ctx.keyed(), ctx.time(), ctx.watermark());
        let (shape, kind, other) = (&*self.shape, self.shape.kind, 1 - side);
        if time == Timestamp::MIN {
            return self.tell_alone(side, &row, time, ctx);
        }
        if time <= watermark {
            ctx.late();
            ctx.side(&self.late[side], row);
            return Ok(());
        }
        if shape.is_unequal(ctx.key())? {
            return self.tell_alone(side, &row, time, ctx);
        }
        let (first, last) = self.partners[side];
        let between = (time.plus_millis(first), 0)..=(time.plus_millis(last), u64::MAX);
        let mut partners = Vec::new();
        rows[other].for_each(at, between, |place, waits| partners.push((waits.row.clone(), (*place, waits.paired))))?;
        if let Err(cause) = shape.only_partners(side, &row, &mut partners, ctx.now()) {
            return ctx.leave_out(&row, cause);
        }
        // What is made before anything changes leaves nothing behind if it fails.
        let mut made = Vec::with_capacity(partners.len());
        for (partner, (place, _)) in &partners {
            let time = time.max(place.0);
            if kind.gives_pairs() {
                made.push((shape.pair(side, &row, partner, RowKind::Insert)?, time));
            } else if kind == Kind::Semi && side == 1 {
                made.push((shape.alone(0, partner, RowKind::Insert)?, time));
            }
        }
        let paired = !partners.is_empty();
        if kind == Kind::Semi && side == 0 && paired {
            made.push((shape.alone(0, &row, RowKind::Insert)?, time));
        }
        made.into_iter().for_each(|(row, time)| ctx.emit_at(row, time));
        for (partner, (place, was_paired)) in partners {
            if !kind.gives_pairs() && other == 0 {
                rows[other].remove(at, &place)?;
            } else if kind.minds_partners(other) && !was_paired {
                rows[other].put(at, place, Waits { row: partner, paired: true })?;
            }
        }
        if !kind.gives_pairs() && side == 0 && paired {
            return Ok(());
        }
        let end = self.end(side, time);
        if end <= watermark {
            return if paired { Ok(()) } else { self.tell_alone(side, &row, time, ctx) };
        }
        if self.next_end(rows, ctx)?.is_none_or(|next| end < next) {
            ctx.set_event_timer(end)?;
        }
        let number = rows[side].last_key_in(at, (time, 0)..=(time, u64::MAX))?.map_or(0, |(_, last)| last + 1);
        Ok(rows[side].put(at, (time, number), Waits { row, paired })?)
    }
}

impl CoProcess for Interval {
    type Key = RowKey;
    type Left = Row;
    type Right = Row;
    type Output = Row;
    type State = [Rows; 2];

    fn open(&self, states: &mut States<'_, RowKey>) -> Result<Self::State, Failure> {
        Ok([states.map("left")?, states.map("right")?])
    }

    fn process_left(&self, rows: &[Rows; 2], row: Row, ctx: &mut Context<'_, RowKey, Row>) -> Result<(), Failure> {
        self.arrive(0, rows, row, ctx)
    }

    fn process_right(&self, rows: &[Rows; 2], row: Row, ctx: &mut Context<'_, RowKey, Row>) -> Result<(), Failure> {
        self.arrive(1, rows, row, ctx)
    }

    fn on_timer(&self, rows: &[Rows; 2], _: Timer, ctx: &mut Context<'_, RowKey, Row>) -> Result<(), Failure> {
        let watermark = ctx.watermark();
        for (side, rows) in rows.iter().enumerate() {
            let is_over = |(time, _): &(Timestamp, u64), _: &Waits| self.end(side, *time) <= watermark;
            while let Some(((time, _), waits)) = rows.remove_first_if(ctx.keyed(), is_over)? {
                if !waits.paired {
                    self.tell_alone(side, &waits.row, time, ctx)?;
                }
            }
        }
        self.next_end(rows, ctx)?.map_or(Ok(()), |next| ctx.set_event_timer(next))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testkit::{self, Arrival, Bench, Fields, KINDS, reference, row, show, side, table};
    use super::*;
    use crate::testing::Harness;
    use datafusion_common::JoinType;
    use datafusion_expr::{Expr, col, lit};
    use proptest::prelude::*;

    fn t(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn harness(kind: JoinType, bounds: (i64, i64), condition: Option<&Expr>) -> Harness<Arrival, Row> {
        Harness::new(|arrivals| {
            let (left, right) = (side(&arrivals, 0), side(&arrivals, 1));
            testkit::join(kind, condition, |join| interval(&left, &right, bounds, join)).unwrap().stream
        })
    }

    fn arrival(side: usize, fields: Fields) -> Arrival {
        (side, row(RowKind::Insert, fields))
    }

    fn drained(kind: JoinType, harness: &mut Harness<Arrival, Row>) -> Vec<(String, i64)> {
        harness.drain_timed().iter().map(|(row, time)| (show(kind, row), time.millis())).collect()
    }

    #[test]
    fn a_row_is_told_alone_when_the_watermark_says_that_no_partner_can_come() {
        let kind = JoinType::Full;
        // 100 - 20 <= right <= 100 + 5, and 100 - 5 <= left <= 100 + 20.
        let mut join = harness(kind, (-5, 20), None);
        join.push(arrival(0, (Some(1), 7)), t(100)).push(arrival(1, (Some(2), 8)), t(100)).watermark(t(104));
        assert_eq!(drained(kind, &mut join), []);
        join.watermark(t(105));
        assert_eq!(drained(kind, &mut join), [("+I 1 7 - -".to_owned(), 100)]);
        join.crash_and_restore().watermark(t(119));
        assert_eq!(drained(kind, &mut join), []);
        join.watermark(t(120));
        assert_eq!(drained(kind, &mut join), [("+I - - 2 8".to_owned(), 100)]);
    }

    #[test]
    fn a_pair_bears_the_later_time_and_no_row_of_it_is_told_alone() {
        let kind = JoinType::Full;
        let mut join = harness(kind, (-5, 20), None);
        join.push(arrival(0, (Some(1), 7)), t(100)).push(arrival(1, (Some(1), 8)), t(105));
        join.push(arrival(1, (Some(1), 9)), t(80)).end();
        assert_eq!(drained(kind, &mut join), [("+I 1 7 1 8".to_owned(), 105), ("+I 1 7 1 9".to_owned(), 100)]);
    }

    #[test]
    fn a_late_row_is_counted_and_dropped() {
        let mut join = harness(JoinType::Left, (-50, 50), None);
        join.push(arrival(1, (Some(1), 8)), t(110)).watermark(t(100));
        join.push(arrival(0, (Some(1), 7)), t(100)).push(arrival(0, (None, 7)), t(99)).end();
        assert_eq!(join.drain(), []);
        let late: u64 = join.status().operators.iter().map(|operator| operator.late).sum();
        assert_eq!(late, 2);
    }

    #[test]
    fn a_row_for_which_the_condition_fails_is_a_dead_letter_and_the_others_go_on() {
        let kind = JoinType::Full;
        let condition = (lit(100_i64) / (col("l.v") - col("r.v"))).not_eq(lit(0_i64));
        let mut join = harness(kind, (0, 0), Some(&condition));
        join.push(arrival(0, (Some(1), 7)), t(100)).push(arrival(1, (Some(1), 7)), t(100));
        join.push(arrival(1, (Some(1), 8)), t(100)).snapshot();
        assert_eq!(drained(kind, &mut join), [("+I 1 7 1 8".to_owned(), 100)]);
        let letters = join.dead_letters().list(None, 9, |_| true).unwrap();
        assert_eq!((letters.len(), join.status().local_restarts), (1, 0));
        assert!(letters[0].letter.cause.contains("ivide by zero"), "{}", letters[0].letter.cause);
        join.end();
        assert_eq!(join.drain(), []);
    }

    #[test]
    fn a_row_is_forgotten_when_no_partner_can_come() {
        for kind in KINDS {
            for (side, end) in [(0, 105), (1, 120)] {
                for (watermark, is_empty) in [(end - 1, false), (end, true)] {
                    let mut join = Bench::new(kind, |shape| Interval::new(shape, (-5, 20), late(false)));
                    for time in [100, 98, 100, 99] {
                        join.push(side, row(RowKind::Insert, (Some(1), 7)), time);
                    }
                    join.watermark(watermark);
                    assert_eq!(join.is_empty(), is_empty, "{kind}: side {side} at {watermark}");
                }
            }
        }
    }

    #[test]
    fn a_row_that_can_have_no_partner_is_not_kept() {
        let mut join = Bench::new(JoinType::Full, |shape| Interval::new(shape, (10, 20), late(false)));
        join.watermark(95);
        // Its partners are at 85 at the latest.
        join.push(0, row(RowKind::Insert, (Some(1), 7)), 100);
        join.push(1, row(RowKind::Insert, (None, 7)), 100);
        assert!(join.is_empty());
    }

    #[derive(Clone, Debug)]
    enum Step {
        Row(usize, Fields, i64),
        Watermark(i64),
        Crash,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let fields = (prop::option::weighted(0.9, 0_i64..2), 0_i64..4);
        let step = prop_oneof![
            8 => (0_usize..2, fields, 0_i64..30).prop_map(|(side, fields, time)| Step::Row(side, fields, time)),
            3 => (0_i64..12).prop_map(Step::Watermark),
            1 => Just(Step::Crash),
        ];
        prop::collection::vec(step, 0..60)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn an_interval_join_is_the_join_of_all_rows_that_are_not_late(
            steps in steps(),
            kind in prop::sample::select(KINDS.to_vec()),
            lower in -12_i64..12,
            width in 0_i64..12,
            conditional in any::<bool>(),
        ) {
            let condition = col("l.v").lt_eq(col("r.v"));
            let bounds = (lower, lower + width);
            let mut join = harness(kind, bounds, conditional.then_some(&condition));
            // Rows come up to 30 ms ahead of the watermark, some behind it.
            let (mut tables, mut base, mut watermark) = ([const { Vec::new() }; 2], 0, i64::MIN);
            for step in steps {
                match step {
                    Step::Row(side, fields, ahead) => {
                        let time = base + ahead - 3;
                        join.push(arrival(side, fields), t(time));
                        if time > watermark {
                            tables[side].push((fields, time));
                        }
                    }
                    Step::Watermark(further) => {
                        base += further;
                        watermark = base;
                        join.watermark(t(base));
                    }
                    Step::Crash => {
                        join.crash_and_restore();
                    }
                }
            }
            join.end();
            let found = table(join.drain().iter().map(|row| show(kind, row)));
            let near = |l: &(Fields, i64), r: &(Fields, i64)| (bounds.0..=bounds.1).contains(&(l.1 - r.1));
            let fits = |l: &(Fields, i64), r: &(Fields, i64)| near(l, r) && (!conditional || l.0.1 <= r.0.1);
            prop_assert_eq!(found, reference(kind, &tables[0], &tables[1], fits));
        }
    }
}
