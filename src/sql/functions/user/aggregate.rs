//! An aggregate of Rust as an aggregate of SQL.

use super::{Argument, Plain, Returned};
use crate::fault::guard;
use crate::operator::Aggregate;
use arrow::array::{Array, ArrayRef};
use arrow::datatypes::DataType;
use datafusion_common::{Result, ScalarValue, exec_datafusion_err, internal_err, plan_err};
use datafusion_expr::function::AccumulatorArgs;
use datafusion_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, DocSection, Documentation, Signature, Volatility};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// What an aggregate of SQL takes: an [`Argument`] that is no borrow, or a tuple of up to three of them.
///
/// ```
/// use millstream::sql::Arguments;
///
/// fn is_record<T: Arguments>() {}
/// is_record::<(String, i64)>();
/// ```
pub trait Arguments: Sized + 'static {
    /// Their names in SQL.
    #[doc(hidden)]
    fn names() -> Vec<&'static str>;
    #[doc(hidden)]
    fn convert(given: &[DataType]) -> Option<Vec<DataType>>;
    /// Does something with each row; those with NULLs are left out. `None` if the columns are of other types.
    #[doc(hidden)]
    fn each(columns: &[ArrayRef], work: &mut dyn FnMut(Self)) -> Option<()>;
}

macro_rules! arguments {
    ($record:ty, |$($value:ident),*| $make:expr, $($argument:ident $number:tt),*) => {
        impl<$($argument),*> Arguments for $record
        where
            $($argument: for<'a> Argument<Given<'a> = $argument>,)*
        {
            fn names() -> Vec<&'static str> {
                vec![$($argument::NAME),*]
            }

            fn convert(given: &[DataType]) -> Option<Vec<DataType>> {
                let converted = vec![$($argument::convert(given.get($number)?)?),*];
                (converted.len() == given.len()).then_some(converted)
            }

            fn each(columns: &[ArrayRef], work: &mut dyn FnMut(Self)) -> Option<()> {
                $(let $value = $argument::column(columns.get($number)?)?;)*
                for row in 0..columns.first()?.len() {
                    if columns.iter().all(|column| column.is_valid(row)) {
                        $(let $value = $argument::at(&$value, row);)*
                        work($make);
                    }
                }
                Some(())
            }
        }
    };
}

macro_rules! one_argument {
    ($($rust:ty),*) => {
        $(impl Arguments for $rust {
            fn names() -> Vec<&'static str> {
                vec![<$rust as Argument>::NAME]
            }

            fn convert(given: &[DataType]) -> Option<Vec<DataType>> {
                let [only] = given else { return None };
                Some(vec![<$rust as Argument>::convert(only)?])
            }

            fn each(columns: &[ArrayRef], work: &mut dyn FnMut(Self)) -> Option<()> {
                let [only] = columns else { return None };
                let column = <$rust as Argument>::column(only)?;
                (0..only.len()).filter(|row| only.is_valid(*row)).for_each(|row| work(<$rust as Argument>::at(&column, row)));
                Some(())
            }
        })*
    };
}

one_argument!(bool, i32, i64, f32, f64, String, Vec<u8>, crate::time::Timestamp);
arguments!((A, B), |a, b| (a, b), A 0, B 1);
arguments!((A, B, C), |a, b, c| (a, b, c), A 0, B 1, C 2);

const OWN: DocSection = DocSection { include: true, label: "Own", description: None };

type Start = dyn Fn() -> Box<dyn Accumulator> + Send + Sync;

/// The function as the planner's library sees it.
struct UserAggregate {
    name: String,
    names: Vec<&'static str>,
    convert: fn(&[DataType]) -> Option<Vec<DataType>>,
    result: DataType,
    start: Box<Start>,
    signature: Signature,
    documentation: Documentation,
}

/// Makes a function of an aggregate.
pub(super) fn aggregate<T, G>(name: &str, aggregate: G) -> AggregateUDF
where
    T: Arguments,
    G: Aggregate<T, Accumulator: Send + Sync>,
    G::Output: Returned,
{
    let aggregate = Arc::new(aggregate);
    let start =
        move || -> Box<dyn Accumulator> { Box::new(Running::<T, G> { aggregate: Arc::clone(&aggregate), kept: None }) };
    let syntax = format!("{}({})", name.to_uppercase(), T::names().join(", "));
    AggregateUDF::from(UserAggregate {
        name: name.to_owned(),
        names: T::names(),
        convert: T::convert,
        result: <G::Output as Returned>::Plain::data_type(),
        start: Box::new(start),
        signature: Signature::user_defined(Volatility::Immutable),
        documentation: Documentation::builder(OWN, "An aggregate of this program.", syntax).build(),
    })
}

/// Whether a function is an aggregate of a user's.
pub(in crate::sql) fn is_user_aggregate(function: &AggregateUDF) -> bool {
    function.inner().downcast_ref::<UserAggregate>().is_some()
}

struct Running<T, G: Aggregate<T>> {
    aggregate: Arc<G>,
    /// What the values so far have come to; a panic leaves nothing that is used again.
    kept: Option<G::Accumulator>,
}

impl<T, G: Aggregate<T>> fmt::Debug for Running<T, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an aggregate of a user's")
    }
}

impl<T, G> Accumulator for Running<T, G>
where
    T: Arguments,
    G: Aggregate<T>,
    G::Accumulator: Send + Sync,
    G::Output: Returned,
{
    fn update_batch(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let kept = &mut self.kept;
        let added = guard(|| {
            let kept = kept.get_or_insert_with(|| self.aggregate.create());
            T::each(columns, &mut |record| self.aggregate.add(kept, &record))
        });
        let added = added.map_err(|message| exec_datafusion_err!("{message}"))?;
        added.ok_or_else(|| exec_datafusion_err!("columns of other types than were planned"))
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let kept = self.kept.take();
        let value = guard(|| {
            let kept = kept.unwrap_or_else(|| self.aggregate.create());
            self.aggregate.finish(kept).value()
        });
        let value = value.unwrap_or_else(Err).map_err(|message| exec_datafusion_err!("{message}"))?;
        let mut column = Default::default();
        <G::Output as Returned>::Plain::push(&mut column, value);
        ScalarValue::try_from_array(&<G::Output as Returned>::Plain::finish(column), 0)
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        internal_err!("values are kept, not what accumulators make of them")
    }

    fn merge_batch(&mut self, _: &[ArrayRef]) -> Result<()> {
        internal_err!("values are kept, not what accumulators make of them")
    }
}

impl fmt::Debug for UserAggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// One function is one object.
impl PartialEq for UserAggregate {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for UserAggregate {}

impl Hash for UserAggregate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl AggregateUDFImpl for UserAggregate {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        // What it does not take is refused where the type of the result is asked for, in our own words.
        Ok((self.convert)(given).unwrap_or_else(|| given.to_vec()))
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        if (self.convert)(given).is_some() {
            return Ok(self.result.clone());
        }
        let (name, takes) = (self.name.to_uppercase(), self.names.join(", "));
        let given: Vec<String> = given.iter().map(crate::sql::type_name).collect();
        plan_err!("found {name}({}); there is {name}({takes})", given.join(", "))
    }

    fn accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok((self.start)())
    }
}
