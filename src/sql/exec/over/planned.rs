//! From the functions of a plan to those that are run.

use super::{Frame, Function};
use crate::sql::aggregate::{Lowered, Refused};
use crate::sql::row::{RowCodec, RowError};
use arrow::datatypes::{DataType, Schema};
use datafusion_common::{DFSchema, ScalarValue};
use datafusion_expr::expr::{AggregateFunction, WindowFunction};
use datafusion_expr::{Expr, WindowFunctionDefinition, cast};

/// What a list of functions reads, and what they are.
pub(in crate::sql::exec) struct Planned {
    /// The partition's, and behind them what the functions read.
    reads: Vec<Expr>,
    partition: usize,
    functions: Vec<Shape>,
}

/// A function whose columns are numbers of [`Planned::reads`].
enum Shape {
    Number,
    Rank,
    DenseRank,
    /// The column, the default's column, and how many rows back.
    Lag(usize, Option<usize>, u64),
    First(usize, Frame),
    Last(usize, Frame),
    /// With the number of its first column.
    Aggregate(Box<Lowered>, usize, Frame),
}

fn refused<T>(what: impl Into<String>, instead: &str) -> Result<T, Refused> {
    Err(Refused { what: what.into(), instead: instead.to_owned() })
}

impl Planned {
    /// * `functions`: `Expr::WindowFunction`, perhaps with an alias, of one partition, over `input`.
    /// * `output`: ends with their results.
    pub(in crate::sql::exec) fn new(input: &DFSchema, functions: &[Expr], output: &Schema) -> Result<Self, Refused> {
        let mut planned = Planned { reads: Vec::new(), partition: 0, functions: Vec::new() };
        let results = &output.fields()[output.fields().len() - functions.len()..];
        for (number, (function, result)) in functions.iter().zip(results).enumerate() {
            let Expr::WindowFunction(function) = function.clone().unalias() else {
                return refused(format!("{function} with OVER"), "use an aggregate, ROW_NUMBER or LAG");
            };
            let partition = &function.params.partition_by;
            if number == 0 {
                (planned.reads, planned.partition) = (partition.clone(), partition.len());
            } else if planned.reads[..planned.partition] != partition[..] {
                return refused("OVER with different partitions", "write one subquery for each");
            }
            let shape = planned.shape(input, *function, result.data_type())?;
            planned.functions.push(shape);
        }
        Ok(planned)
    }

    fn shape(&mut self, input: &DFSchema, function: WindowFunction, result: &DataType) -> Result<Shape, Refused> {
        let WindowFunction { fun, params } = function;
        let frame = Frame::new(&params.window_frame);
        let name = fun.name().to_lowercase();
        if params.null_treatment.is_some() {
            return refused(
                format!("{} with IGNORE NULLS or RESPECT NULLS", name.to_uppercase()),
                "leave it out: FIRST_VALUE and LAST_VALUE pass over NULLs, LAG does not",
            );
        }
        let udf = match fun {
            WindowFunctionDefinition::WindowUDF(_) => None,
            WindowFunctionDefinition::AggregateUDF(udf) => Some(udf),
        };
        let Some(udf) = udf else {
            if params.filter.is_some() || params.distinct {
                let what = format!("{} with FILTER or DISTINCT", name.to_uppercase());
                return refused(what, "filter in a subquery, or use an aggregate");
            }
            return self.window_function(&name, &params.args, frame, result);
        };
        let call = AggregateFunction::new_udf(udf, params.args, params.distinct, params.filter, Vec::new(), None);
        let call = Expr::AggregateFunction(call);
        let lowered = Lowered::new(input, &[], &[call], std::slice::from_ref(result))?;
        let frame = frame?;
        if let Some(name) = lowered.irrevocable().filter(|_| frame.is_bounded()) {
            let instead = "begin the frame with UNBOUNDED PRECEDING, or count exactly with COUNT(DISTINCT ..)";
            return refused(format!("{name} over a frame that rows leave"), instead);
        }
        let first = self.reads.len();
        self.reads.extend(lowered.columns.iter().cloned());
        Ok(Shape::Aggregate(Box::new(lowered), first, frame))
    }

    fn window_function(
        &mut self,
        name: &str,
        args: &[Expr],
        frame: Result<Frame, Refused>,
        result: &DataType,
    ) -> Result<Shape, Refused> {
        let mut read = |expression: Expr| {
            self.reads.push(expression);
            self.reads.len() - 1
        };
        Ok(match (name, args) {
            ("row_number", _) => Shape::Number,
            ("rank", _) => Shape::Rank,
            ("dense_rank", _) => Shape::DenseRank,
            ("first_value", [of]) => Shape::First(read(of.clone()), frame?),
            ("last_value", [of]) => Shape::Last(read(of.clone()), frame?),
            ("lag", [of, rest @ ..]) if rest.len() <= 2 => {
                let back = match rest.first() {
                    None => Some(1),
                    Some(Expr::Literal(ScalarValue::Int64(Some(back)), _)) => u64::try_from(*back).ok(),
                    Some(_) => None,
                };
                let Some(back) = back else { return refused("LAG by what is no whole number", "write LAG(x, 1)") };
                let of = read(cast(of.clone(), result.clone()));
                let default = rest.get(1).map(|default| read(cast(default.clone(), result.clone())));
                Shape::Lag(of, default, back)
            }
            ("lead", _) => {
                return refused("LEAD", "use LAG in the other direction: rows that are still to come are not known");
            }
            (name, _) => {
                let what = format!("{} with OVER", name.to_uppercase());
                return refused(what, "use an aggregate, ROW_NUMBER, RANK, DENSE_RANK, LAG, FIRST_VALUE or LAST_VALUE");
            }
        })
    }

    /// The expressions whose columns are read.
    pub(in crate::sql::exec) fn reads(&self) -> &[Expr] {
        &self.reads
    }

    /// The columns of the partition, and the functions, over the rows of a codec.
    ///
    /// * `columns`: where each of [`reads`](Self::reads) is.
    pub(super) fn placed(self, columns: &[usize], rows: &RowCodec) -> Result<(Vec<usize>, Vec<Function>), RowError> {
        let functions = self.functions.into_iter().map(|shape| {
            Ok(match shape {
                Shape::Number => Function::Number,
                Shape::Rank => Function::Rank,
                Shape::DenseRank => Function::DenseRank,
                Shape::Lag(of, default, back) => {
                    Function::Lag { of: columns[of], default: default.map(|default| columns[default]), back }
                }
                Shape::First(of, frame) => Function::First(columns[of], frame),
                Shape::Last(of, frame) => Function::Last(columns[of], frame),
                Shape::Aggregate(lowered, first, frame) => {
                    let machine = lowered.placed(&columns[first..]).machine(rows.schema(), frame.is_bounded())?;
                    Function::Aggregate(Box::new(machine), frame)
                }
            })
        });
        Ok((columns[..self.partition].to_vec(), functions.collect::<Result<_, RowError>>()?))
    }
}
