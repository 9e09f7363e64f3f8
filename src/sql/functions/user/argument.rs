//! The types of Rust that a function may take.

use crate::time::Timestamp;
use arrow::array::{
    Array, AsArray, BinaryViewArray, BooleanArray, Float32Array, Float64Array, Int32Array, Int64Array, StringViewArray,
    TimestampMillisecondArray,
};
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int32Type, Int64Type, TimeUnit, TimestampMillisecondType};

/// A type of Rust that stands for one of SQL as the argument of a function.
///
/// | Rust | takes |
/// |---|---|
/// | `bool` | BOOLEAN |
/// | `i32`, `i64` | whole numbers; one that is too large is an error of the row |
/// | `f32`, `f64` | numbers |
/// | `&str`, `String` | STRING |
/// | `&[u8]`, `Vec<u8>` | BYTES |
/// | [`Timestamp`] | TIMESTAMP and TIMESTAMP_LTZ, cut to milliseconds; DATE |
/// | `Option` of them | the same, and NULL as `None` |
///
/// Without an `Option`, a row with NULL gives NULL and the function is not called.
///
/// ```
/// use millstream::sql::Argument;
///
/// fn is_argument<A: Argument>() {}
/// is_argument::<Option<&str>>();
/// ```
pub trait Argument: 'static {
    /// What the function is handed.
    #[doc(hidden)]
    type Given<'a>;
    /// A column of it.
    #[doc(hidden)]
    type Column<'a>;
    /// Whether the function is called for NULL.
    #[doc(hidden)]
    const NULLS: bool = false;
    /// Its name in SQL.
    #[doc(hidden)]
    const NAME: &'static str;

    /// The type to which an argument is converted; `None` if it cannot be.
    #[doc(hidden)]
    fn convert(given: &DataType) -> Option<DataType>;
    #[doc(hidden)]
    fn column(array: &dyn Array) -> Option<Self::Column<'_>>;
    #[doc(hidden)]
    fn at<'a>(column: &Self::Column<'a>, row: usize) -> Self::Given<'a>;
}

/// The type itself, if one that fits is given.
fn converted(given: &DataType, fits: bool, to: DataType) -> Option<DataType> {
    (fits || *given == DataType::Null).then_some(to)
}

fn is_text(given: &DataType) -> bool {
    matches!(given, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

fn is_bytes(given: &DataType) -> bool {
    matches!(given, DataType::Binary | DataType::LargeBinary | DataType::BinaryView)
}

macro_rules! argument {
    ($rust:ty, $name:literal, $column:ty, $to:expr, |$given:ident| $fits:expr, $read:expr, |$values:ident, $row:ident| $at:expr) => {
        impl Argument for $rust {
            type Given<'a> = $rust;
            type Column<'a> = &'a $column;
            const NAME: &'static str = $name;

            fn convert($given: &DataType) -> Option<DataType> {
                converted($given, $fits, $to)
            }

            fn column(array: &dyn Array) -> Option<&$column> {
                let read: fn(&dyn Array) -> Option<&$column> = $read;
                read(array)
            }

            fn at<'a>($values: &Self::Column<'a>, $row: usize) -> Self::Given<'a> {
                $at
            }
        }
    };
}

argument!(
    bool,
    "BOOLEAN",
    BooleanArray,
    DataType::Boolean,
    |given| *given == DataType::Boolean,
    |array| array.as_boolean_opt(),
    |values, row| values.value(row)
);
argument!(
    i32,
    "INT",
    Int32Array,
    DataType::Int32,
    |given| given.is_integer(),
    |array| array.as_primitive_opt::<Int32Type>(),
    |values, row| values.value(row)
);
argument!(
    i64,
    "BIGINT",
    Int64Array,
    DataType::Int64,
    |given| given.is_integer(),
    |array| array.as_primitive_opt::<Int64Type>(),
    |values, row| values.value(row)
);
argument!(
    f32,
    "FLOAT",
    Float32Array,
    DataType::Float32,
    |given| given.is_numeric(),
    |array| array.as_primitive_opt::<Float32Type>(),
    |values, row| values.value(row)
);
argument!(
    f64,
    "DOUBLE",
    Float64Array,
    DataType::Float64,
    |given| given.is_numeric(),
    |array| array.as_primitive_opt::<Float64Type>(),
    |values, row| values.value(row)
);
argument!(
    String,
    "STRING",
    StringViewArray,
    DataType::Utf8View,
    |given| is_text(given),
    |array| array.as_string_view_opt(),
    |values, row| values.value(row).to_owned()
);
argument!(
    Vec<u8>,
    "BYTES",
    BinaryViewArray,
    DataType::BinaryView,
    |given| is_bytes(given),
    |array| array.as_binary_view_opt(),
    |values, row| values.value(row).to_vec()
);

impl Argument for &'static str {
    type Given<'a> = &'a str;
    type Column<'a> = &'a StringViewArray;
    const NAME: &'static str = "STRING";

    fn convert(given: &DataType) -> Option<DataType> {
        converted(given, is_text(given), DataType::Utf8View)
    }

    fn column(array: &dyn Array) -> Option<&StringViewArray> {
        array.as_string_view_opt()
    }

    fn at<'a>(column: &Self::Column<'a>, row: usize) -> Self::Given<'a> {
        column.value(row)
    }
}

impl Argument for &'static [u8] {
    type Given<'a> = &'a [u8];
    type Column<'a> = &'a BinaryViewArray;
    const NAME: &'static str = "BYTES";

    fn convert(given: &DataType) -> Option<DataType> {
        converted(given, is_bytes(given), DataType::BinaryView)
    }

    fn column(array: &dyn Array) -> Option<&BinaryViewArray> {
        array.as_binary_view_opt()
    }

    fn at<'a>(column: &Self::Column<'a>, row: usize) -> Self::Given<'a> {
        column.value(row)
    }
}

impl Argument for Timestamp {
    type Given<'a> = Timestamp;
    type Column<'a> = &'a TimestampMillisecondArray;
    const NAME: &'static str = "TIMESTAMP(3)";

    fn convert(given: &DataType) -> Option<DataType> {
        match given {
            DataType::Timestamp(_, zone) => Some(DataType::Timestamp(TimeUnit::Millisecond, zone.clone())),
            DataType::Date32 | DataType::Null => Some(DataType::Timestamp(TimeUnit::Millisecond, None)),
            _ => None,
        }
    }

    fn column(array: &dyn Array) -> Option<&TimestampMillisecondArray> {
        array.as_primitive_opt::<TimestampMillisecondType>()
    }

    fn at<'a>(column: &Self::Column<'a>, row: usize) -> Self::Given<'a> {
        Timestamp::from_millis(column.value(row))
    }
}

impl<A: Argument> Argument for Option<A> {
    type Given<'a> = Option<A::Given<'a>>;
    type Column<'a> = (&'a dyn Array, A::Column<'a>);
    const NULLS: bool = true;
    const NAME: &'static str = A::NAME;

    fn convert(given: &DataType) -> Option<DataType> {
        A::convert(given)
    }

    fn column(array: &dyn Array) -> Option<(&dyn Array, A::Column<'_>)> {
        Some((array, A::column(array)?))
    }

    fn at<'a>((array, column): &Self::Column<'a>, row: usize) -> Self::Given<'a> {
        array.is_valid(row).then(|| A::at(column, row))
    }
}
