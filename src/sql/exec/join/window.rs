//! Joins of the rows of a window.

use super::kind::Kind;
use super::shape::Shape;
use super::{Join, Side, connect, late};
use crate::operator::process::{CoProcess, Context, Failure, States, Tag, Timer};
use crate::sql::exec::{ExecError, Prepared};
use crate::sql::row::{Row, RowCodec, RowKey, RowKind, Value};
use crate::state::ListState;
use crate::time::Timestamp;
use std::sync::Arc;

/// Joins the rows of a key and window when the watermark has passed the window's last instant.
///
/// Shape: all pairs at once, by left row and then by right row, each in the order in which they came; rows without a partner
/// stand among the left ones, or behind all, if they are right ones. Each result bears the window's last instant.
///
/// State: all rows of the open windows. A row whose window has been joined is late: it is counted and dropped, as in Flink.
///
/// A condition is evaluated twice for each pair: when the second row comes, so that one for which it fails is a dead letter and
/// not the end of its window, and when the window is joined.
///
/// * `ends`: the columns of the window's end, left and right, in milliseconds. Both bounds are among the keys.
///
/// # Errors
/// If the columns do not fit, or the condition cannot be evaluated.
pub(in crate::sql) fn window(
    left: &Side,
    right: &Side,
    (left_end, right_end): (usize, usize),
    join: &Join<'_>,
) -> Result<Prepared, ExecError> {
    let (shape, exchanged) = Shape::new(&left.columns, &right.columns, join)?;
    let shape = Arc::new(shape);
    let [l, r] = [(left, left_end), (right, right_end)].map(|(side, end)| (side.columns.codec.clone(), end));
    let ends = if exchanged { [r, l] } else { [l, r] };
    let function = WindowJoin { shape: Arc::clone(&shape), ends, late: late(exchanged) };
    Ok(connect((left, right), exchanged, &shape, join, function))
}

struct WindowJoin {
    shape: Arc<Shape>,
    /// Of each side: its rows, and the column of the window's end.
    ends: [(RowCodec, usize); 2],
    late: [Tag<Row>; 2],
}

/// The rows of a side in the order in which they came. As the window is part of the key, all are of one window.
type Rows = ListState<RowKey, Row>;

impl WindowJoin {
    fn arrive(
        &self,
        side: usize,
        rows: &[Rows; 2],
        row: Row,
        ctx: &mut Context<'_, RowKey, Row>,
    ) -> Result<(), Failure> {
        let (codec, column) = &self.ends[side];
        let last = match codec.value(&row, *column)? {
            Value::Int(end) => Timestamp::from_millis(end).plus_millis(-1),
            // In no window; and its key has a NULL.
            _ => ctx.time(),
        };
        if last <= ctx.watermark() {
            ctx.late();
            ctx.side(&self.late[side], row);
            return Ok(());
        }
        let (at, now) = (ctx.keyed(), ctx.now());
        if self.shape.is_unequal(ctx.key())? {
            if self.shape.kind.tells_alone(side) {
                ctx.emit_at(self.shape.alone(side, &row, RowKind::Insert)?, last);
            }
            return Ok(());
        }
        if self.shape.has_condition() {
            let tried = rows[1 - side].with(at, |others| self.shape.partners(side, &row, others, now).map(drop))?;
            if let Err(cause) = tried {
                return ctx.leave_out(&row, cause);
            }
        }
        ctx.set_event_timer(last)?;
        Ok(rows[side].push(at, row)?)
    }
}

impl CoProcess for WindowJoin {
    type Key = RowKey;
    type Left = Row;
    type Right = Row;
    type Output = Row;
    type State = [Rows; 2];

    fn open(&self, states: &mut States<'_, RowKey>) -> Result<Self::State, Failure> {
        Ok([states.list("left")?, states.list("right")?])
    }

    fn process_left(&self, rows: &[Rows; 2], row: Row, ctx: &mut Context<'_, RowKey, Row>) -> Result<(), Failure> {
        self.arrive(0, rows, row, ctx)
    }

    fn process_right(&self, rows: &[Rows; 2], row: Row, ctx: &mut Context<'_, RowKey, Row>) -> Result<(), Failure> {
        self.arrive(1, rows, row, ctx)
    }

    fn on_timer(&self, rows: &[Rows; 2], _: Timer, ctx: &mut Context<'_, RowKey, Row>) -> Result<(), Failure> {
        let (lefts, rights) = (rows[0].take(ctx.keyed())?, rows[1].take(ctx.keyed())?);
        let (shape, now) = (&*self.shape, ctx.now());
        let mut paired = vec![false; rights.len()];
        for left in &lefts {
            let partners = shape.partners(0, left, &rights, now)?;
            let mut is_alone = true;
            for (number, right) in rights.iter().enumerate().filter(|(number, _)| partners.has(*number)) {
                (paired[number], is_alone) = (true, false);
                if !shape.kind.gives_pairs() {
                    break;
                }
                ctx.emit(shape.pair(0, left, right, RowKind::Insert)?);
            }
            if (shape.kind == Kind::Semi && !is_alone) || (shape.kind.tells_alone(0) && is_alone) {
                ctx.emit(shape.alone(0, left, RowKind::Insert)?);
            }
        }
        if shape.kind.tells_alone(1) {
            for (right, _) in rights.iter().zip(paired).filter(|(_, paired)| !paired) {
                ctx.emit(shape.alone(1, right, RowKind::Insert)?);
            }
        }
        Ok(())
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

    /// The key is the window's end.
    fn harness(kind: JoinType, condition: Option<&Expr>) -> Harness<Arrival, Row> {
        Harness::new(|arrivals| {
            let (left, right) = (side(&arrivals, 0), side(&arrivals, 1));
            testkit::join(kind, condition, |join| window(&left, &right, (0, 0), join)).unwrap().stream
        })
    }

    fn arrival(side: usize, fields: Fields) -> Arrival {
        (side, row(RowKind::Insert, fields))
    }

    fn drained(kind: JoinType, harness: &mut Harness<Arrival, Row>) -> Vec<String> {
        harness.drain().iter().map(|row| show(kind, row)).collect()
    }

    #[test]
    fn a_window_is_joined_once_when_the_watermark_comes_to_its_last_instant() {
        let kind = JoinType::Full;
        let condition = col("l.v").not_eq(col("r.v"));
        let mut join = harness(kind, Some(&condition));
        for (side, number) in [(1, 9), (0, 8), (0, 7), (1, 7), (0, 9)] {
            join.push(arrival(side, (Some(100), number)), t(95));
        }
        join.push(arrival(0, (Some(110), 1)), t(95)).crash_and_restore().watermark(t(98));
        assert_eq!(join.drain(), []);
        join.watermark(t(99));
        let told: Vec<_> = join.drain_timed().iter().map(|(row, time)| (show(kind, row), time.millis())).collect();
        let pairs = [(8, 9), (8, 7), (7, 9), (9, 7)].map(|(l, r)| (format!("+I 100 {l} 100 {r}"), 99));
        assert_eq!(told, pairs);
        join.push(arrival(1, (Some(110), 1)), t(101)).end();
        assert_eq!(drained(kind, &mut join), ["+I 110 1 - -", "+I - - 110 1"]);
    }

    #[test]
    fn a_row_whose_window_has_been_joined_is_counted_and_dropped() {
        let mut join = harness(JoinType::Left, None);
        join.watermark(t(99)).push(arrival(0, (Some(100), 7)), t(100)).end();
        assert_eq!(join.drain(), []);
        let late: u64 = join.status().operators.iter().map(|operator| operator.late).sum();
        assert_eq!(late, 1);
    }

    #[test]
    fn a_row_for_which_the_condition_fails_is_a_dead_letter_and_its_window_goes_on() {
        let kind = JoinType::Inner;
        let condition = (lit(100_i64) / (col("l.v") - col("r.v"))).not_eq(lit(0_i64));
        let mut join = harness(kind, Some(&condition));
        for (side, number) in [(0, 7), (1, 7), (1, 8)] {
            join.push(arrival(side, (Some(100), number)), t(95));
        }
        join.snapshot();
        assert_eq!(join.dead_letters().list(None, 9, |_| true).unwrap().len(), 1);
        join.end();
        assert_eq!(drained(kind, &mut join), ["+I 100 7 100 8"]);
    }

    #[test]
    fn nothing_is_left_of_a_window_that_has_been_joined() {
        for (watermark, is_empty) in [(98, false), (99, true)] {
            let ends = [(); 2].map(|()| (testkit::columns().codec, 0));
            let mut join = Bench::new(JoinType::Full, |shape| WindowJoin { shape, ends, late: late(false) });
            join.push(0, row(RowKind::Insert, (Some(100), 7)), 95);
            join.push(1, row(RowKind::Insert, (Some(100), 8)), 95);
            join.push(1, row(RowKind::Insert, (None, 8)), 95);
            join.watermark(watermark);
            assert_eq!(join.is_empty(), is_empty, "at {watermark}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn a_window_join_is_the_join_of_all_rows_that_are_not_late(
            arrivals in prop::collection::vec((0_usize..2, prop::option::weighted(0.9, 0_i64..5), 0_i64..4, 0_i64..8), 0..60),
            kind in prop::sample::select(KINDS.to_vec()),
            conditional in any::<bool>(),
            crashes in any::<bool>(),
        ) {
            let condition = col("l.v").lt_eq(col("r.v"));
            let mut join = harness(kind, conditional.then_some(&condition));
            let (mut tables, mut watermark) = ([const { Vec::new() }; 2], 0);
            for (number, (side, window, value, further)) in arrivals.into_iter().enumerate() {
                // Windows of 10 ms: the present one and those around it.
                let end = window.map(|window| (watermark / 10 + window) * 10);
                let fields = (end, value);
                join.push(arrival(side, fields), t(watermark + 1));
                if end.is_none_or(|end| end - 1 > watermark || number == 0) {
                    tables[side].push((fields, ()));
                }
                watermark += further;
                join.watermark(t(watermark));
                if crashes && number % 7 == 3 {
                    join.crash_and_restore();
                }
            }
            join.end();
            let found = table(drained(kind, &mut join));
            let fits = |l: &(Fields, ()), r: &(Fields, ())| !conditional || l.0.1 <= r.0.1;
            prop_assert_eq!(found, reference(kind, &tables[0], &tables[1], fits));
        }
    }
}
