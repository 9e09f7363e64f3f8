//! Late rows on their way into a table.
//!
//! A row is late for an operator, not in itself: a window that is still open takes what is behind the watermark. So what a late
//! row is written with must come as far as the operator that drops it: the columns *ride* behind those of the query, through filters
//! and projections, and end where rows of another kind are made.

use super::{ExecError, Prepared};
use crate::api::{Job, Stream};
use crate::connector::MemorySource;
use crate::operator::process::Tag;
use crate::operator::window::Late;
use crate::sql::catalog::Table;
use crate::sql::row::{Row, RowCodec, RowKind};
use arrow::datatypes::{Field, FieldRef, Schema};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where an operator without windows sends what came late, by input.
pub(super) const LATE: [Tag<Row>; 2] = [Tag::new("late"), Tag::new("late right")];

/// The rows that a window drops.
pub(super) type Dropped = Stream<Late<Row>>;

/// Columns of a table that ride behind those of the query.
#[derive(Debug)]
pub(super) struct Riding {
    table: String,
    /// Which columns of the table.
    pub(super) columns: Vec<usize>,
    /// Under names that no query can say.
    pub(super) fields: Vec<FieldRef>,
}

impl Riding {
    pub(super) fn new(table: &Table, columns: &[usize]) -> Self {
        let field = |at: &usize| {
            let column = &table.columns[*at];
            Arc::new(Field::new(format!("<late>{}", column.name), column.data_type.clone(), true))
        };
        let (table, fields) = (table.name.clone(), columns.iter().map(field).collect());
        Riding { table, columns: columns.to_vec(), fields }
    }
}

/// The uid of an operator whose state holds whole rows: other ones if columns ride along.
pub(super) fn uid(uid: &str, rides: bool) -> String {
    if rides { format!("{uid}+late") } else { uid.to_owned() }
}

/// The late rows of each table, as far as the walk has come.
#[derive(Default)]
pub(super) struct LateRows(RefCell<BTreeMap<String, Vec<Stream<Row>>>>);

impl LateRows {
    /// Notes what an operator drops.
    ///
    /// * `codec`: of the rows, whose last columns are those that ride.
    /// * `uid`: of that operator.
    pub(super) fn add(
        &self,
        riding: &Riding,
        codec: &RowCodec,
        late: &Stream<Row>,
        uid: &str,
    ) -> Result<(), ExecError> {
        let (from, to) = (codec.clone(), RowCodec::new(&Schema::new(riding.fields.clone()))?);
        let width = codec.schema().fields().len() - riding.fields.len();
        let rows = late.map(move |row: Row| {
            let values = from.values(&row).and_then(|values| to.row(RowKind::Insert, &values[width..]));
            values.expect("the last columns of a row are those that ride")
        });
        let rows = rows.uid(format!("{uid}/late"));
        self.0.borrow_mut().entry(riding.table.clone()).or_default().push(rows);
        Ok(())
    }

    /// The same of an operator with windows.
    pub(super) fn add_from_window(
        &self,
        riding: &Riding,
        codec: &RowCodec,
        late: &Dropped,
        uid: &str,
    ) -> Result<(), ExecError> {
        self.add(riding, codec, &late.map(|late| late.record).uid(format!("{uid}/dropped")), uid)
    }

    /// All late rows of a table; none, if nothing can drop any.
    pub(super) fn of(&self, job: &Job, table: &Table, schema: &Schema, uid: &str) -> Result<Prepared, ExecError> {
        let codec = RowCodec::new(schema)?;
        let streams = self.0.borrow_mut().remove(&table.name).unwrap_or_default();
        let stream = match streams.split_first() {
            Some((first, others)) => first.union_all(others),
            None => job.source(MemorySource::new(Vec::<Row>::new())).uid(uid),
        };
        Ok(Prepared { stream, codec })
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;
    use crate::sql::exec::job;
    use crate::sql::testing::test;
    use crate::sql::{Env, plan};
    use crate::testing::Simulation;
    use crate::time::Timestamp;

    /// Each row moves the watermark.
    const HITS: &str = "CREATE TABLE hits (who STRING, path STRING, ts TIMESTAMP(3), size AS CHAR_LENGTH(path),
          WATERMARK FOR ts AS ts)
        WITH ('connector' = 'filesystem', 'path' = 'hits.csv', 'format' = 'csv',
          'scan.watermark.emit.strategy' = 'on-event', 'late-rows.table' = 'late');
        CREATE TABLE late (ts TIMESTAMP(3), path STRING, size INT)
        WITH ('connector' = 'filesystem', 'path' = 'late.csv', 'format' = 'csv');
        CREATE TABLE out (who STRING, n BIGINT) WITH ('connector' = 'filesystem', 'path' = 'o', 'format' = 'csv');";

    /// One row is behind the watermark in a window that is open, one of each user comes too late for it.
    const ROWS: &str = "ada,/a,2020-01-01 00:00:05\nbob,/b,2020-01-01 00:00:09\nada,/in-time,2020-01-01 00:00:01\n\
                        ada,/c,2020-01-01 00:00:21\nada,/late,2020-01-01 00:00:08\nbob,/later,2020-01-01 00:00:02\n\
                        bob,/d,2020-01-01 00:00:40\n";

    /// What is late for a query, and what is not, in three lives.
    #[track_caller]
    fn check(insert: &str, out: &str, late: &str) {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
        write("hits.csv", ROWS);
        write("case.out.expected", out);
        write("case.late.expected", late);
        write("case.sql", &format!("{HITS}\nINSERT INTO out {insert}"));
        test(&directory.path().join("case.sql"), &Env::default(), false).unwrap_or_else(|failed| panic!("{failed}"));
    }

    const LATE: &str = "2020-01-01 00:00:02,/later,6\n2020-01-01 00:00:08,/late,5\n";

    #[test]
    fn what_a_window_drops_is_written_whole_behind_filters_and_projections() {
        check(
            "SELECT UPPER(who), COUNT(*) FROM TABLE(TUMBLE(TABLE hits, DESCRIPTOR(ts), INTERVAL '10' SECOND))
             WHERE path <> '/later' GROUP BY UPPER(who), window_start, window_end",
            "ADA,1\nADA,2\nBOB,1\nBOB,1\n",
            "2020-01-01 00:00:08,/late,5\n",
        );
    }

    #[test]
    fn a_session_an_over_and_a_rank_in_a_window_write_what_they_drop() {
        let window = "TABLE(TUMBLE(TABLE hits, DESCRIPTOR(ts), INTERVAL '10' SECOND))";
        let session = "TABLE(SESSION(TABLE hits PARTITION BY who, DESCRIPTOR(ts), INTERVAL '5' SECOND))";
        let rank = format!(
            "SELECT who, n FROM (SELECT who, CHAR_LENGTH(path) AS n, ROW_NUMBER() OVER (
               PARTITION BY window_start, window_end ORDER BY who DESC) AS r FROM {window}) WHERE r <= 1"
        );
        check(&rank, "ada,2\nbob,2\nbob,2\n", LATE);
        check(&format!("SELECT who, CHAR_LENGTH(path) FROM {session}"), "ada,2\nada,2\nada,8\nbob,2\nbob,2\n", LATE);
        // Behind the watermark is too late for OVER, whatever is open.
        check(
            "SELECT who, COUNT(*) OVER (PARTITION BY who ORDER BY ts) FROM hits",
            "ada,1\nada,2\nbob,1\nbob,2\n",
            &format!("2020-01-01 00:00:01,/in-time,8\n{LATE}"),
        );
    }

    /// Which rows are late depends on how the inputs of a join interleave; each is joined or late, never both.
    #[test]
    fn a_row_of_a_join_is_told_once_joined_or_late() {
        let mut most = 0;
        for seed in 0..8 {
            let directory = tempfile::tempdir().unwrap();
            let path = |name: &str| directory.path().join(name);
            std::fs::write(path("hits.csv"), ROWS).unwrap();
            let mut text = HITS.to_owned();
            for name in ["hits.csv", "late.csv", "o"] {
                text = text.replace(&format!("'path' = '{name}'"), &format!("'path' = '{}'", path(name).display()));
            }
            text += "INSERT INTO out SELECT a.who, a.size FROM hits AS a LEFT JOIN hits AS b ON a.path = b.path
                     AND a.ts BETWEEN b.ts - INTERVAL '1' SECOND AND b.ts AND b.who = 'nobody'";
            let program = plan(&text, &Env::default()).unwrap_or_else(|error| panic!("{error}"));
            let job = job(&program, &Env::default(), Timestamp::EPOCH).unwrap();
            let mut simulation = Simulation::start(&job, Config::default().parallelism(2).batch_size(1), seed).unwrap();
            simulation.checkpoints_one_in(10).crashes_one_in(30, 2);
            simulation.run().unwrap();
            let sizes = |name: &str| -> Vec<String> {
                let text = std::fs::read_to_string(path(name)).unwrap();
                text.lines().filter_map(|line| line.rsplit(',').next().map(str::to_owned)).collect()
            };
            let late = sizes("late.csv");
            most = most.max(late.len());
            let mut all = [sizes("o"), late].concat();
            all.sort();
            assert_eq!(all, ["2", "2", "2", "2", "5", "6", "8"], "seed {seed}");
        }
        assert!(most > 0);
    }

    #[test]
    fn a_program_without_windows_writes_no_late_rows() {
        check("SELECT who, size FROM hits WHERE size > 5", "ada,8\nbob,6\n", "");
    }

    #[test]
    fn a_table_that_cannot_take_late_rows_is_refused_with_its_place() {
        let insert = "INSERT INTO out SELECT who, size FROM hits";
        let refused = |from: &str, to: &str, insert: &str| {
            let text = format!("{}\n{insert}", HITS.replace(from, to));
            plan(&text, &Env::default()).map(|_| ()).unwrap_err().to_string()
        };
        let cases = [
            ("'late-rows.table' = 'late'", "'late-rows.table' = 'lat'", "did you mean `late`?"),
            ("'late-rows.table' = 'late'", "'late-rows.table' = 'hits'", "no other table is called `hits`"),
            ("'late-rows.table' = 'late'", "'late-rows.table' = 'out'", "written by something else already"),
            ("late (ts", "late (tz", "in `hits`: no column is called `tz`; did you mean `ts`?"),
            ("path STRING, size INT", "path STRING, size BIGINT", "`size` is a INT in `hits`, and a BIGINT in `late`"),
            ("path STRING, size INT", "path STRING NOT NULL", "`path` may be NULL in `hits`"),
            (",\n          WATERMARK FOR ts AS ts", "", "has no WATERMARK FOR"),
        ];
        for (from, to, message) in cases {
            let found = refused(from, to, insert);
            assert!(found.contains(message) && found.starts_with("line "), "{to}: {found}");
        }
    }
}
