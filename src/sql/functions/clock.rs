//! The functions that tell the time: named in the plan, answered by the engine.
//!
//! The library's own are folded to the time of planning, which on a stream would be the start of the job for ever. These are
//! volatile, so no rule folds or shares them; the operator that evaluates an expression must replace a call by the stamp of
//! the element it works on, so that a replay reads the same time.

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
