//! Aggregates that are computed of all values when the result is asked for: by DataFusion's own accumulators.
//!
//! What is kept are the values, in our format. So nothing depends on how an accumulator keeps its state, values can be taken
//! back, and parts merged. Where the order of values is nothing to the function, or the call tells it (`ORDER BY`), they are
//! kept by their stored form, with how often each came: the result is the same in whatever order they came. Else they are kept
//! as they came.

use super::lower::Refused;
use crate::sql::exec::{By, compare};
use crate::sql::row::{Column, KeyCodec, RowCodec, RowError, RowKey, Value};
use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema};
use datafusion_common::{DataFusionError, ScalarValue};
use datafusion_expr::AggregateUDF;
use datafusion_physical_expr::PhysicalExpr;
use datafusion_physical_expr::aggregate::{AggregateExprBuilder, AggregateFunctionExpr};
use datafusion_physical_expr::expressions::{Column as Place, Literal};
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

/// How many values are handed to an accumulator at once.
const BATCH: usize = 8192;

/// Which values are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    /// All, by their stored form.
    All,
    /// All, as they came.
    Listed,
    /// The first that came; all, as they came, if values are taken back.
    First,
    /// The last that came; all, as they came, if values are taken back.
    Last,
}

impl Keep {
    /// What a function keeps, by its name; `None` if it is not one of these.
    pub(super) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "stddev" | "stddev_pop" | "var" | "var_pop" | "median" | "percentile_cont" => Keep::All,
            "bit_and" | "bit_or" | "bit_xor" | "bool_and" | "bool_or" => Keep::All,
            "corr" | "covar_samp" | "covar_pop" => Keep::All,
            "regr_slope" | "regr_intercept" | "regr_count" | "regr_r2" | "regr_avgx" | "regr_avgy" => Keep::All,
            "regr_sxx" | "regr_syy" | "regr_sxy" => Keep::All,
            "array_agg" | "string_agg" | "listagg" | "json_arrayagg" | "json_objectagg" => Keep::Listed,
            "first_value" | "any_value" => Keep::First,
            "last_value" => Keep::Last,
            _ => return None,
        })
    }
}

/// A call of such a function.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// The columns of the arguments that are no constants, and behind them those of the order.
    pub(super) columns: Vec<usize>,
    /// How many of them are arguments.
    arguments: usize,
    /// By columns of the list above.
    order: Vec<By>,
    function: AggregateFunctionExpr,
    distinct: bool,
    /// Whether NULL counts.
    pub(super) nulls: bool,
}

/// An argument.
pub(super) enum Argument {
    /// A column and its type.
    Column(usize, DataType),
    Constant(ScalarValue),
}

impl Call {
    /// * `order`: the columns of an order, with how they are ordered; the numbers in [`By`] do not count.
    /// * `nulls`: whether NULL counts.
    pub(super) fn new(
        function: Arc<AggregateUDF>,
        arguments: Vec<Argument>,
        order: Vec<(usize, By)>,
        (distinct, nulls): (bool, bool),
    ) -> Result<Self, Refused> {
        let name = function.name().to_uppercase();
        let (mut columns, mut fields) = (Vec::new(), Vec::new());
        let expressions = arguments.into_iter().map(|argument| -> Arc<dyn PhysicalExpr> {
            match argument {
                Argument::Constant(value) => Arc::new(Literal::new(value)),
                Argument::Column(column, data_type) => {
                    let field = format!("{}", columns.len());
                    let place = Place::new(&field, columns.len());
                    fields.push(Field::new(field, data_type, true));
                    columns.push(column);
                    Arc::new(place)
                }
            }
        });
        let expressions = expressions.collect();
        let builder = AggregateExprBuilder::new(function, expressions).schema(Arc::new(Schema::new(fields)));
        let planned = builder.alias("result").build().and_then(|function| {
            function.create_accumulator()?;
            Ok(function)
        });
        let function = planned.map_err(|error: DataFusionError| Refused {
            what: format!("{name} of these arguments ({})", error.strip_backtrace()),
            instead: "cast them, or write constants as they are".to_owned(),
        })?;
        let arguments = columns.len();
        let order = order.into_iter().map(|(column, by)| {
            columns.push(column);
            By { column: columns.len() - 1, ..by }
        });
        let order = order.collect();
        Ok(Call { columns, arguments, order, function, distinct, nulls })
    }

    /// The result of values that are keys of the call's columns.
    ///
    /// * `values`: with how often each counts; what counts less than once is left out.
    pub(super) fn value<'k>(
        &self,
        key: &KeyCodec,
        values: impl Iterator<Item = (&'k RowKey, i64)>,
        result: &DataType,
    ) -> Result<Value<'static>, RowError> {
        let mut kept: Vec<(Vec<Value<'k>>, i64)> = Vec::new();
        let mut seen = BTreeSet::new();
        for (cell, count) in values.filter(|(_, count)| *count > 0) {
            if self.distinct && !seen.insert(cell) {
                continue;
            }
            kept.push((key.values(cell)?, if self.distinct { 1 } else { count }));
        }
        if !self.order.is_empty() {
            kept.sort_by(|(left, _), (right, _)| self.compare(left, right));
        }
        let all = kept.iter().flat_map(|(values, count)| std::iter::repeat_n(values, *count as usize));
        let failed = |error: DataFusionError| RowError::Aggregate {
            function: self.function.fun().name().to_uppercase(),
            message: match error.find_root() {
                DataFusionError::Execution(message) => message.clone(),
                other => other.strip_backtrace(),
            },
        };
        let mut accumulator = self.function.create_accumulator().map_err(failed)?;
        let mut all = all.peekable();
        while all.peek().is_some() {
            let columns = self.columns(key, all.by_ref().take(BATCH))?;
            accumulator.update_batch(&columns).map_err(failed)?;
        }
        let value = accumulator.evaluate().and_then(|value| value.to_array()).map_err(failed)?;
        let value = cast(&value, result).map_err(|error| failed(error.into()))?;
        let schema = Arc::new(Schema::new(vec![Field::new("result", result.clone(), true)]));
        let batch = RecordBatch::try_new(Arc::clone(&schema), vec![value]).map_err(|error| failed(error.into()))?;
        let codec = RowCodec::new(&schema)?;
        let rows = codec.rows(&batch)?;
        rows.first().map_or(Ok(Value::Null), |row| Ok(codec.value(row, 0)?.into_owned()))
    }

    /// The arguments of some values, with the constants.
    fn columns<'v>(
        &self,
        key: &KeyCodec,
        values: impl Iterator<Item = &'v Vec<Value<'v>>>,
    ) -> Result<Vec<ArrayRef>, RowError> {
        let misfit = |column: usize, found: String| RowError::Misfit {
            column,
            found,
            data_type: Box::new(key.schema().field(column).data_type().clone()),
        };
        let fields = &key.schema().fields()[..self.arguments];
        let columns = fields.iter().map(|field| Column::new(field.data_type(), 0)).collect::<Option<Vec<_>>>();
        let mut columns = columns.ok_or_else(|| misfit(0, "of no type of rows".to_owned()))?;
        let mut rows = 0;
        for values in values {
            columns.iter_mut().zip(values).for_each(|(column, value)| {
                column.push(value);
            });
            rows += 1;
        }
        let columns = columns.into_iter().enumerate();
        let columns = columns.map(|(at, column)| column.finish().map_err(|error| misfit(at, error.to_string())));
        let mut columns = columns.collect::<Result<Vec<_>, _>>()?.into_iter();
        let arguments = self.function.expressions();
        let arrays = arguments.iter().enumerate().map(|(at, argument)| match argument.downcast_ref::<Literal>() {
            Some(constant) => constant.value().to_array_of_size(rows).map_err(|error| misfit(at, error.to_string())),
            None => columns.next().ok_or_else(|| misfit(at, "missing".to_owned())),
        });
        arrays.collect()
    }

    fn compare(&self, left: &[Value<'_>], right: &[Value<'_>]) -> Ordering {
        let by = |by: &By| {
            let (left, right) = (&left[by.column], &right[by.column]);
            match (left.is_null(), right.is_null()) {
                (true, true) => Ordering::Equal,
                (true, false) if by.nulls_first => Ordering::Less,
                (true, false) => Ordering::Greater,
                (false, true) if by.nulls_first => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) if by.ascending => compare(left, right),
                (false, false) => compare(right, left),
            }
        };
        self.order.iter().map(by).find(|ordering| *ordering != Ordering::Equal).unwrap_or(Ordering::Equal)
    }
}
