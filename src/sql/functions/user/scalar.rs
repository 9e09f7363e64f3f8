//! A function of Rust as a function of SQL.

use super::{Argument, Plain, Returned};
use crate::sql::functions::form::{Form, Given};
use arrow::array::ArrayRef;
use arrow::datatypes::DataType;

/// A function or closure of up to four [`Argument`]s that gives something that can be [`Returned`].
///
/// It must give the same for the same arguments always: it may be called once for many rows, or again after a restart.
///
/// ```
/// use millstream::sql::ScalarFunction;
///
/// fn takes<M>(function: impl ScalarFunction<M>) {}
/// takes(|ip: &str| -> Option<String> { ip.split('.').next().map(str::to_owned) });
/// ```
pub trait ScalarFunction<M>: Send + Sync + 'static {
    #[doc(hidden)]
    fn form(self) -> ScalarForm;
}

/// A function of Rust, prepared for columns.
pub struct ScalarForm(pub(in crate::sql::functions) Form);

macro_rules! scalar_function {
    ($($argument:ident $column:ident $number:tt),*) => {
        impl<F, R, $($argument),*> ScalarFunction<(R, $($argument,)*)> for F
        where
            R: Returned,
            $($argument: Argument,)*
            F: Fn($($argument),*) -> R + for<'a> Fn($($argument::Given<'a>),*) -> R + Send + Sync + 'static,
        {
            #[allow(unused_variables, clippy::unused_unit, reason = "there may be no argument")]
            fn form(self) -> ScalarForm {
                // Which of the two kinds of calls is meant.
                fn call<R, $($argument),*>(function: &impl Fn($($argument),*) -> R, $($column: $argument),*) -> R {
                    function($($column),*)
                }
                let names: Vec<&str> = vec![$($argument::NAME),*];
                let count = names.len();
                let convert = move |given: &[DataType]| {
                    if given.len() != count {
                        return None;
                    }
                    Some(vec![$($argument::convert(&given[$number])?),*])
                };
                let gives = |_: &[DataType]| R::Plain::data_type();
                let run = move |given: &[Given<'_>], rows: usize, _: &DataType| -> Result<ArrayRef, String> {
                    $(let $column = $argument::column(given[$number].array)
                        .ok_or_else(|| format!("found {}, expected {}", given[$number].array.data_type(), $argument::NAME))?;)*
                    let mut made = <R::Plain as Plain>::Column::default();
                    for row in 0..rows {
                        if false $(|| (!$argument::NULLS && given[$number].is_null(row)))* {
                            R::Plain::push(&mut made, None);
                            continue;
                        }
                        let returned = call(&self, $($argument::at(&$column, given[$number].at(row))),*);
                        R::Plain::push(&mut made, returned.value()?);
                    }
                    Ok(R::Plain::finish(made))
                };
                ScalarForm(Form::new(names.join(", "), convert, gives, run))
            }
        }
    };
}

scalar_function!();
scalar_function!(A a 0);
scalar_function!(A a 0, B b 1);
scalar_function!(A a 0, B b 1, C c 2);
scalar_function!(A a 0, B b 1, C c 2, D d 3);
