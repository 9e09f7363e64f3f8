//! The functions that tell the time: named in the plan, answered by the engine.
//!
//! The library's own are folded to the time of planning, which on a stream would be the start of the job for ever. These are
//! volatile, so no rule folds or shares them; the operator that evaluates an expression must replace a call by the stamp of
//! the element it works on. So all calls for a row in one operator tell the same time, which is when the batch of that row came
//! there, and a subtask that is restarted alone and replays the element reads that time again. A job that goes back to a
//! checkpoint reads the rows behind it anew, at the time that it is then; what they were before was never committed. The
//! time never goes back, over restarts neither.

use crate::sql::types::UTC;
use arrow::datatypes::{DataType, TimeUnit};
use datafusion_common::{Result, exec_err};
use datafusion_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use std::sync::{Arc, LazyLock};

/// The type of an instant, and of the stamp that takes the place of a call.
pub(in crate::sql) static INSTANT: LazyLock<DataType> =
    LazyLock::new(|| DataType::Timestamp(TimeUnit::Millisecond, Some(UTC.into())));

/// If a function is one of them: the type of the time it tells.
pub(in crate::sql) fn is_clock(function: &ScalarUDF) -> Option<DataType> {
    function.inner().downcast_ref::<ClockFunction>().map(|clock| clock.data_type.clone())
}

/// All of them: `CURRENT_TIMESTAMP`, `NOW()`, `PROCTIME()`, `CURRENT_ROW_TIMESTAMP()` (`TIMESTAMP_LTZ(3)`), `LOCALTIMESTAMP`
/// (`TIMESTAMP(3)`, in UTC), `CURRENT_DATE`, `CURRENT_TIME` and `LOCALTIME` (`TIME`, in UTC), and what `UNIX_TIMESTAMP()` stands
/// for: whole seconds.
pub(in crate::sql) fn clocks() -> Vec<Arc<ScalarUDF>> {
    let instant = INSTANT.clone();
    let local = DataType::Timestamp(TimeUnit::Millisecond, None);
    let clock = |name, data_type: &DataType| {
        let signature = Signature::nullary(Volatility::Volatile);
        Arc::new(ScalarUDF::from(ClockFunction { name, data_type: data_type.clone(), signature }))
    };
    vec![
        clock("current_timestamp", &instant),
        clock("now", &instant),
        clock("proctime", &instant),
        clock("current_row_timestamp", &instant),
        clock("localtimestamp", &local),
        clock("current_time", &DataType::Time32(TimeUnit::Millisecond)),
        clock("localtime", &DataType::Time32(TimeUnit::Millisecond)),
        clock("unix_now", &DataType::Int64),
        clock("current_date", &DataType::Date32),
    ]
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ClockFunction {
    name: &'static str,
    data_type: DataType,
    signature: Signature,
}

impl ScalarUDFImpl for ClockFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.data_type.clone())
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        exec_err!("{} must be replaced by the clock stamp of the element", self.name)
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;
    use crate::sql::exec::job;
    use crate::sql::{Env, plan};
    use crate::testing::Simulation;
    use crate::time::Timestamp;

    #[test]
    fn the_time_is_that_of_each_row_and_never_goes_back_whatever_crashes() {
        for seed in 0..4 {
            let directory = tempfile::tempdir().unwrap();
            let out = directory.path().join("out.csv");
            let text = format!(
                "CREATE TABLE t (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '10', 'fields.n.kind' = 'sequence',
                   'fields.n.start' = '100', 'fields.n.end' = '199');
                 CREATE TABLE out (n BIGINT, at TIMESTAMP_LTZ(3), is_one BOOLEAN)
                 WITH ('connector' = 'filesystem', 'path' = '{}', 'format' = 'csv');
                 INSERT INTO out SELECT n, CURRENT_TIMESTAMP, NOW() = CURRENT_ROW_TIMESTAMP() AND PROCTIME() = CURRENT_TIMESTAMP
                   AND CAST(LOCALTIMESTAMP AS DATE) = CURRENT_DATE AND CAST(LOCALTIMESTAMP AS TIME) = LOCALTIME FROM t",
                out.display()
            );
            let env = Env::default();
            let program = plan(&text, &env).unwrap_or_else(|error| panic!("{error}"));
            let job = job(&program, &env, Timestamp::EPOCH).unwrap();
            let mut simulation = Simulation::start(&job, Config::default().parallelism(2), seed).unwrap();
            if seed > 0 {
                simulation.checkpoints_one_in(20).crashes_one_in(60, 3);
            }
            simulation.run().unwrap();
            let text = std::fs::read_to_string(&out).unwrap();
            let mut lines: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
            lines.sort();
            assert_eq!(lines.len(), 100, "seed {seed}: {text}");
            assert!(lines.iter().all(|line| line[2] == "true"), "seed {seed}: {text}");
            // Texts of times stand in the order of the times.
            let times: Vec<&str> = lines.iter().map(|line| line[1]).collect();
            assert!(times.is_sorted(), "seed {seed}: {text}");
            let different: std::collections::BTreeSet<_> = times.iter().map(|time| &time[..19]).collect();
            assert!(different.len() >= 9, "ten rows a second take ten seconds: {different:?}");
        }
    }
}
