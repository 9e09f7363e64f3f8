//! Joins of all rows of both sides, which may come and go.

use super::kind::Kind;
use super::shape::Shape;
use super::{Join, Side, connect};
use crate::operator::TimeDomain;
use crate::operator::process::{CoProcess, Context, Failure, States};
use crate::sql::exec::{ExecError, Prepared};
use crate::sql::row::{Row, RowError, RowKey, RowKind};
use crate::state::{MapState, Ttl};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// Joins each row with all that the other side has of its key, and tells what that changes.
///
/// Shape: a row that comes gives a row per partner; one that goes takes those back. A row that is told without a partner is
/// told at once, and taken back (`-D`) when its first partner comes; when the last one goes it is told again (`+I`). Without
/// such rows results are of the kind of the row that arrives. An inner or semi join of rows that are only added gives rows that
/// are only added. A result bears the greater event time of its rows.
///
/// State: each row, with how many times it is there and how many partners it has; for ever, or until `ttl` has passed
/// (processing time) since it last came or its number of partners changed. Rows that have expired are not seen, and nothing is
/// told of it; if one goes that is not known any more, what it gives now is taken back. Both as in Flink.
///
/// # Errors
/// If the columns do not fit, or the condition cannot be evaluated.
pub(in crate::sql) fn regular(
    left: &Side,
    right: &Side,
    ttl: Option<Duration>,
    join: &Join<'_>,
) -> Result<Prepared, ExecError> {
    let (shape, exchanged) = Shape::new(&left.columns, &right.columns, join)?;
    let shape = Arc::new(shape);
    Ok(connect((left, right), exchanged, &shape, join, Regular { shape: Arc::clone(&shape), ttl }))
}

struct Regular {
    shape: Arc<Shape>,
    ttl: Option<Duration>,
}

/// What is known of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    /// How many times it is there.
    count: u64,
    /// How many partners it has; counted only for a side that minds.
    partners: u64,
    /// The latest event time it came with.
    time: Timestamp,
}

/// The rows of a side, as `+I`.
type Rows = MapState<RowKey, Row, Known>;

/// What an arrival leads to: results with their event times.
type Made = Vec<(Row, Timestamp)>;

impl Regular {
    /// What the arrival of a row leads to.
    fn results(
        &self,
        side: usize,
        row: &Row,
        (kind, time): (RowKind, Timestamp),
        partners: &[(Row, Known)],
    ) -> Result<Made, RowError> {
        let (shape, other, adds) = (&*self.shape, 1 - side, kind.adds());
        let (plain, opposite) =
            if adds { (RowKind::Insert, RowKind::Delete) } else { (RowKind::Delete, RowKind::Insert) };
        let mut made = Vec::new();
        // Rows of the other side for which this one is the first partner that comes, or the last one that goes.
        let turn = |made: &mut Made, kind| -> Result<(), RowError> {
            for (partner, known) in partners.iter().filter(|(_, known)| known.partners == u64::from(!adds)) {
                repeat(made, &shape.alone(other, partner, kind)?, known, time);
            }
            Ok(())
        };
        match shape.kind {
            Kind::Semi | Kind::Anti if side == 0 => {
                if partners.is_empty() == (shape.kind == Kind::Anti) {
                    made.push((shape.alone(0, row, kind)?, time));
                }
            }
            Kind::Semi => turn(&mut made, kind)?,
            Kind::Anti => turn(&mut made, opposite)?,
            Kind::Pairs { alone } => {
                if partners.is_empty() && alone[side] {
                    made.push((shape.alone(side, row, plain)?, time));
                }
                if alone[other] && adds {
                    turn(&mut made, opposite)?;
                }
                let kind = if alone[side] || (alone[other] && adds) { plain } else { kind };
                for (partner, known) in partners {
                    repeat(&mut made, &shape.pair(side, row, partner, kind)?, known, time);
                }
                if alone[other] && !adds {
                    turn(&mut made, opposite)?;
                }
            }
        }
        Ok(made)
    }

    fn arrive(
        &self,
        side: usize,
        rows: &[Rows; 2],
        arrived: &Row,
        ctx: &mut Context<'_, RowKey, Row>,
    ) -> Result<(), Failure> {
        let (at, time, kind, other) = (ctx.keyed(), ctx.time(), arrived.kind(), 1 - side);
        let row = arrived.with_kind(RowKind::Insert);
        let unequal = self.shape.is_unequal(ctx.key())?;
        let mut partners = if unequal { Vec::new() } else { rows[other].entries(at)? };
        if let Err(cause) = self.shape.only_partners(side, &row, &mut partners, ctx.now()) {
            return ctx.leave_out(arrived, cause);
        }
        // What is made before anything changes leaves nothing behind if it fails.
        let made = self.results(side, &row, (kind, time), &partners)?;
        made.into_iter().for_each(|(row, time)| ctx.emit_at(row, time));
        if unequal {
            return Ok(());
        }
        self.keep(side, &rows[side], row, (kind, time), &partners, ctx)?;
        if self.shape.kind.minds_partners(other) {
            for (partner, known) in partners {
                let number = if kind.adds() { known.partners + 1 } else { known.partners.saturating_sub(1) };
                rows[other].put(at, partner, Known { partners: number, ..known })?;
            }
        }
        Ok(())
    }

    /// Keeps a row that comes, forgets one that goes.
    fn keep(
        &self,
        side: usize,
        rows: &Rows,
        row: Row,
        (kind, time): (RowKind, Timestamp),
        partners: &[(Row, Known)],
        ctx: &Context<'_, RowKey, Row>,
    ) -> Result<(), Failure> {
        let (at, known) = (ctx.keyed(), rows.get(ctx.keyed(), &row)?);
        let known = known.unwrap_or(Known { count: 0, partners: 0, time });
        if kind.adds() {
            let minds = self.shape.kind.minds_partners(side);
            let partners = if minds { partners.iter().map(|(_, known)| known.count).sum() } else { 0 };
            rows.put(at, row, Known { count: known.count + 1, partners, time: known.time.max(time) })?;
        } else if known.count > 1 {
            rows.put(at, row, Known { count: known.count - 1, ..known })?;
        } else {
            rows.remove(at, &row)?;
        }
        Ok(())
    }
}

/// A result for each time that the other row is there.
fn repeat(made: &mut Made, result: &Row, other: &Known, time: Timestamp) {
    made.extend((0..other.count).map(|_| (result.clone(), time.max(other.time))));
}

impl CoProcess for Regular {
    type Key = RowKey;
    type Left = Row;
    type Right = Row;
    type Output = Row;
    type State = [Rows; 2];

    fn open(&self, states: &mut States<'_, RowKey>) -> Result<Self::State, Failure> {
        let mut rows = |name| match self.ttl {
            Some(ttl) => states.map_with_ttl(name, Ttl::after(ttl), TimeDomain::Processing),
            None => states.map(name),
        };
        Ok([rows("left")?, rows("right")?])
    }

    fn process_left(&self, rows: &[Rows; 2], row: Row, ctx: &mut Context<'_, RowKey, Row>) -> Result<(), Failure> {
        self.arrive(0, rows, &row, ctx)
    }

    fn process_right(&self, rows: &[Rows; 2], row: Row, ctx: &mut Context<'_, RowKey, Row>) -> Result<(), Failure> {
        self.arrive(1, rows, &row, ctx)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testkit::{self, Arrival, Bench, Fields, KINDS, reference, row, show, side, table};
    use super::*;
    use crate::api::Job;
    use crate::config::Config;
    use crate::connector::{CollectSink, MemorySource};
    use crate::testing::{Harness, Simulation};
    use crate::time::millis;
    use datafusion_common::JoinType;
    use datafusion_expr::{Expr, col, lit};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn harness(kind: JoinType, ttl: Option<Duration>, condition: Option<&Expr>) -> Harness<Arrival, Row> {
        Harness::new(|arrivals| {
            let (left, right) = (side(&arrivals, 0), side(&arrivals, 1));
            testkit::join(kind, condition, |join| regular(&left, &right, ttl, join)).unwrap().stream
        })
    }

    /// What a join gives for each of some arrivals.
    fn told(kind: JoinType, arrivals: &[(usize, RowKind, Fields)]) -> Vec<Vec<String>> {
        let mut join = harness(kind, None, None);
        let told = arrivals.iter().map(|(side, change, fields)| {
            join.push((*side, row(*change, *fields)), Timestamp::EPOCH).crash_and_restore();
            join.drain().iter().map(|row| show(kind, row)).collect()
        });
        told.collect()
    }

    use RowKind::{Delete, Insert, UpdateAfter, UpdateBefore};

    #[test]
    fn an_inner_join_gives_each_pair_the_kind_of_the_row_that_arrives() {
        let arrivals = [
            (0, Insert, (Some(1), 7)),
            (1, Insert, (Some(1), 8)),
            (1, UpdateBefore, (Some(1), 8)),
            (1, UpdateAfter, (Some(1), 9)),
            (0, Delete, (Some(1), 7)),
        ];
        let expected: [&[&str]; 5] = [&[], &["+I 1 7 1 8"], &["-U 1 7 1 8"], &["+U 1 7 1 9"], &["-D 1 7 1 9"]];
        assert_eq!(told(JoinType::Inner, &arrivals), expected);
    }

    #[test]
    fn a_row_is_told_alone_until_its_first_partner_comes_and_again_when_the_last_one_goes() {
        let arrivals = [
            (0, Insert, (Some(1), 7)),
            (1, Insert, (Some(1), 8)),
            (1, Insert, (Some(1), 8)),
            (1, Delete, (Some(1), 8)),
            (1, UpdateBefore, (Some(1), 8)),
            (0, UpdateBefore, (Some(1), 7)),
        ];
        let expected: [&[&str]; 6] = [
            &["+I 1 7 - -"],
            &["-D 1 7 - -", "+I 1 7 1 8"],
            &["+I 1 7 1 8"],
            &["-D 1 7 1 8"],
            &["-U 1 7 1 8", "+I 1 7 - -"],
            &["-D 1 7 - -"],
        ];
        assert_eq!(told(JoinType::Left, &arrivals), expected);
    }

    #[test]
    fn a_semi_join_gives_a_row_when_its_first_partner_comes_and_an_anti_join_takes_it_back() {
        let arrivals = [
            (0, Insert, (Some(1), 7)),
            (1, UpdateAfter, (Some(1), 8)),
            (1, Insert, (Some(1), 9)),
            (0, Insert, (Some(1), 6)),
            (1, UpdateBefore, (Some(1), 8)),
            (1, Delete, (Some(1), 9)),
            (0, Insert, (None, 5)),
        ];
        let semi: [&[&str]; 7] = [&[], &["+U 1 7"], &[], &["+I 1 6"], &[], &["-D 1 6", "-D 1 7"], &[]];
        assert_eq!(told(JoinType::LeftSemi, &arrivals), semi);
        let anti: [&[&str]; 7] = [&["+I 1 7"], &["-D 1 7"], &[], &[], &[], &["+I 1 6", "+I 1 7"], &["+I - 5"]];
        assert_eq!(told(JoinType::LeftAnti, &arrivals), anti);
    }

    #[test]
    fn a_row_that_nobody_has_touched_for_its_time_to_live_has_no_partners() {
        let kind = JoinType::Inner;
        let mut join = harness(kind, Some(millis(100)), None);
        join.push((0, row(Insert, (Some(1), 7))), Timestamp::EPOCH).advance(millis(99));
        join.push((1, row(Insert, (Some(1), 8))), Timestamp::EPOCH).advance(millis(1)).crash_and_restore();
        join.push((1, row(Insert, (Some(1), 9))), Timestamp::EPOCH);
        join.push((0, row(Insert, (Some(1), 6))), Timestamp::EPOCH);
        let told: Vec<_> = join.drain().iter().map(|row| show(kind, row)).collect();
        assert_eq!(told, ["+I 1 7 1 8", "+I 1 6 1 8", "+I 1 6 1 9"]);
    }

    #[test]
    fn a_row_for_which_the_condition_fails_is_a_dead_letter_and_the_others_go_on() {
        let kind = JoinType::Full;
        let condition = (lit(100_i64) / (col("l.v") - col("r.v"))).not_eq(lit(0_i64));
        let mut join = harness(kind, None, Some(&condition));
        for (side, fields) in [(0, (Some(1), 7)), (1, (Some(1), 7)), (1, (Some(1), 8))] {
            join.push((side, row(Insert, fields)), Timestamp::EPOCH);
        }
        join.snapshot();
        let told: Vec<_> = join.drain().iter().map(|row| show(kind, row)).collect();
        assert_eq!(told, ["+I 1 7 - -", "-D 1 7 - -", "+I 1 7 1 8"]);
        assert_eq!(join.status().local_restarts, 0);
        let letters = join.dead_letters().list(None, 9, |_| true).unwrap();
        let inputs: Vec<_> = letters.iter().map(|stored| stored.letter.input).collect();
        assert_eq!(inputs, [1]);
        // It is as if it had never come.
        join.push((0, row(Delete, (Some(1), 7))), Timestamp::EPOCH);
        let told: Vec<_> = join.drain().iter().map(|row| show(kind, row)).collect();
        assert_eq!(told, ["-D 1 7 1 8", "+I - - 1 8"]);
    }

    #[test]
    fn nothing_is_left_of_rows_that_have_gone_and_of_rows_without_a_key() {
        for kind in KINDS {
            let mut join = Bench::new(kind, |shape| Regular { shape, ttl: None });
            for side in [0, 1, 1] {
                join.push(side, row(Insert, (Some(1), 7)), 0);
                join.push(side, row(Insert, (None, 7)), 0);
            }
            for side in [1, 0, 1] {
                join.push(side, row(Delete, (Some(1), 7)), 0);
            }
            assert!(join.is_empty(), "{kind}");
        }
    }

    /// What a join of two sources comes to that are read independently, with crashes, at a parallelism.
    fn simulated(kind: JoinType, changes: &[Vec<Row>; 2], parallelism: usize, seed: u64) -> BTreeMap<String, i64> {
        let (job, sink) = (Job::new("join"), CollectSink::new());
        let rows = sink.handle();
        let side = |side: usize| {
            let stream = job.source(MemorySource::new(changes[side].clone()));
            Side { stream, columns: testkit::columns() }
        };
        let build = |join: &Join<'_>| regular(&side(0), &side(1), None, join);
        testkit::join(kind, None, build).unwrap().stream.sink(sink);
        let config = Config::default().parallelism(parallelism).batch_size(4);
        let mut simulation = Simulation::start(&job, config, seed).unwrap();
        simulation.checkpoints_one_in(20).crashes_one_in(60, 2).run().unwrap();
        let mut net: BTreeMap<String, i64> = BTreeMap::new();
        for change in rows.rows() {
            let shown = show(kind, &change.with_kind(Insert));
            *net.entry(shown).or_default() += if change.kind().adds() { 1 } else { -1 };
        }
        net.retain(|_, count| *count != 0);
        net
    }

    #[test]
    fn whatever_comes_first_and_crashes_the_changes_come_to_the_same() {
        let change = |side: i64, n: i64| match n % 5 {
            // Every fifth row takes back the one before.
            4 => row(Delete, (Some(3 * side + (n - 1) % 7), (n - 1) % 3)),
            _ => row(Insert, (Some(3 * side + n % 7), n % 3)),
        };
        let changes = [0, 1].map(|side| (0..60).map(|n| change(side, n)).collect::<Vec<_>>());
        for kind in KINDS {
            let expected = simulated(kind, &changes, 1, 1);
            assert!(expected.values().all(|count| *count > 0) && !expected.is_empty(), "{kind}: {expected:?}");
            for seed in 2..4 {
                assert_eq!(simulated(kind, &changes, 2, seed), expected, "{kind}, seed {seed}");
            }
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        /// A row comes.
        Come(usize, Fields, bool),
        /// One of those that are there goes.
        Go(usize, prop::sample::Index, bool),
        Crash,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let fields = (prop::option::weighted(0.9, 0_i64..2), 0_i64..3);
        let step = prop_oneof![
            8 => (0_usize..2, fields, any::<bool>()).prop_map(|(side, fields, update)| Step::Come(side, fields, update)),
            5 => (0_usize..2, any::<prop::sample::Index>(), any::<bool>())
                .prop_map(|(side, which, update)| Step::Go(side, which, update)),
            1 => Just(Step::Crash),
        ];
        prop::collection::vec(step, 0..50)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn the_changes_always_lead_to_the_join_of_what_is_there(
            steps in steps(),
            kind in prop::sample::select(KINDS.to_vec()),
            conditional in any::<bool>(),
        ) {
            let condition = col("l.v").lt_eq(col("r.v"));
            let mut join = harness(kind, None, conditional.then_some(&condition));
            let mut tables: [Vec<(Fields, ())>; 2] = [Vec::new(), Vec::new()];
            let mut told = Vec::new();
            let fits = |l: &(Fields, ()), r: &(Fields, ())| !conditional || l.0.1 <= r.0.1;
            for step in steps {
                match step {
                    Step::Come(side, fields, update) => {
                        tables[side].push((fields, ()));
                        let change = if update { UpdateAfter } else { Insert };
                        join.push((side, row(change, fields)), Timestamp::EPOCH);
                    }
                    Step::Go(side, which, update) if !tables[side].is_empty() => {
                        let (fields, ()) = tables[side].remove(which.index(tables[side].len()));
                        let change = if update { UpdateBefore } else { Delete };
                        join.push((side, row(change, fields)), Timestamp::EPOCH);
                    }
                    Step::Go(..) => {}
                    Step::Crash => {
                        join.crash_and_restore();
                    }
                }
                told.extend(join.drain().iter().map(|row| show(kind, row)));
                prop_assert_eq!(table(told.clone()), reference(kind, &tables[0], &tables[1], fits));
            }
        }
    }
}
