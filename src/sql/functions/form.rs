//! One way to call a function: what it takes, what it gives, and what it does with columns.

use crate::fault::{guard, install_hook};
use crate::sql::row::{Column, Value, value};
use crate::sql::type_name;
use arrow::array::{Array, ArrayRef};
use arrow::datatypes::DataType;

/// A column of arguments.
#[derive(Clone, Copy)]
pub(super) struct Given<'a> {
    pub(super) array: &'a dyn Array,
    /// Its only value stands in every row.
    pub(super) is_constant: bool,
}

impl Given<'_> {
    /// Where the value of a row stands.
    pub(super) fn at(&self, row: usize) -> usize {
        if self.is_constant { 0 } else { row }
    }

    pub(super) fn is_null(&self, row: usize) -> bool {
        self.array.is_null(self.at(row))
    }
}

type Convert = dyn Fn(&[DataType]) -> Option<Vec<DataType>> + Send + Sync;
type Gives = dyn Fn(&[DataType]) -> DataType + Send + Sync;
type Call = dyn Fn(&[Given<'_>], usize, &DataType) -> Result<ArrayRef, String> + Send + Sync;

/// One way to call a function.
pub(super) struct Form {
    /// The types that it takes, for messages.
    pub(super) takes: String,
    convert: Box<Convert>,
    gives: Box<Gives>,
    call: Box<Call>,
}

impl Form {
    /// * `convert`: the types to which arguments of some types are converted; `None` if it does not take them. Takes what it
    ///   gives, and leaves it so.
    /// * `gives`: the type of the result for converted types.
    /// * `call`: is given the arguments, how many rows there are, and the type of the result. A message is about some row.
    pub(super) fn new(
        takes: String,
        convert: impl Fn(&[DataType]) -> Option<Vec<DataType>> + Send + Sync + 'static,
        gives: impl Fn(&[DataType]) -> DataType + Send + Sync + 'static,
        call: impl Fn(&[Given<'_>], usize, &DataType) -> Result<ArrayRef, String> + Send + Sync + 'static,
    ) -> Self {
        Form { takes, convert: Box::new(convert), gives: Box::new(gives), call: Box::new(call) }
    }

    /// The same, where a panic is an error: also while a program is planned, when calls with constants are made.
    pub(super) fn guarded(mut self) -> Self {
        install_hook();
        let call = self.call;
        self.call = Box::new(move |given, rows, result| guard(|| call(given, rows, result)).unwrap_or_else(Err));
        self
    }

    pub(super) fn convert(&self, given: &[DataType]) -> Option<Vec<DataType>> {
        (self.convert)(given)
    }

    pub(super) fn gives(&self, arguments: &[DataType]) -> DataType {
        (self.gives)(arguments)
    }

    pub(super) fn call(&self, arguments: &[Given<'_>], rows: usize, result: &DataType) -> Result<ArrayRef, String> {
        (self.call)(arguments, rows, result)
    }
}

/// What a [`general`] form is asked for: the types of the arguments, that of the result.
pub(super) struct Types<'a> {
    pub(super) arguments: &'a [DataType],
    pub(super) result: &'a DataType,
}

/// What a [`general`] form does with the values of one row.
pub(super) type OfValues = fn(&[Value<'_>], &Types<'_>) -> Result<Value<'static>, String>;

/// A form over values of types that are known only when it is planned.
///
/// * `nulls`: whether it is called for NULLs; else NULL gives NULL.
pub(super) fn general(
    takes: &str,
    convert: fn(&[DataType]) -> Option<Vec<DataType>>,
    gives: fn(&[DataType]) -> DataType,
    nulls: bool,
    of_values: impl Fn(&[Value<'_>], &Types<'_>) -> Result<Value<'static>, String> + Send + Sync + 'static,
) -> Form {
    let call = move |given: &[Given<'_>], rows: usize, result: &DataType| {
        let arguments: Vec<DataType> = given.iter().map(|given| given.array.data_type().clone()).collect();
        let types = Types { arguments: &arguments, result };
        let mut column = Column::new(result, rows).ok_or_else(|| format!("rows have no {}", type_name(result)))?;
        let mut values = Vec::with_capacity(given.len());
        for row in 0..rows {
            if !nulls && given.iter().any(|given| given.is_null(row)) {
                column.push(&Value::Null);
                continue;
            }
            values.clear();
            values.extend(given.iter().map(|given| value(given.array, given.at(row))));
            let made = of_values(&values, &types)?;
            if !column.push(&made) {
                return Err(format!("{made:?} is no {}", type_name(result)));
            }
        }
        column.finish().map_err(|error| error.to_string())
    };
    Form::new(takes.to_owned(), convert, gives, call)
}

/// Whether a type is text.
pub(super) fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// Whether a type is bytes.
pub(super) fn is_bytes(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Binary | DataType::LargeBinary | DataType::BinaryView)
}
