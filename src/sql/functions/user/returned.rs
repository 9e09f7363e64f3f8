//! The types of Rust that a function may return.

use crate::sql::types::UTC;
use crate::time::Timestamp;
use arrow::array::{
    ArrayRef, BinaryViewBuilder, BooleanBuilder, Float32Builder, Float64Builder, Int32Builder, Int64Builder,
    StringViewBuilder, TimestampMillisecondBuilder,
};
use arrow::datatypes::{DataType, TimeUnit};
use std::borrow::Cow;
use std::fmt::Display;
use std::sync::Arc;

/// A type of Rust that stands for one of SQL.
///
/// ```
/// use millstream::sql::Plain;
///
/// fn is_plain<P: Plain>() {}
/// is_plain::<String>();
/// ```
pub trait Plain: Sized {
    /// Gathers values.
    #[doc(hidden)]
    type Column: Default;

    #[doc(hidden)]
    fn data_type() -> DataType;
    #[doc(hidden)]
    fn push(column: &mut Self::Column, value: Option<Self>);
    #[doc(hidden)]
    fn finish(column: Self::Column) -> ArrayRef;
}

/// What a function may return: a [`Plain`] value, an `Option` of one (`None` is NULL), or a `Result` of either, whose error makes
/// the row a dead letter.
///
/// | Rust | SQL |
/// |---|---|
/// | `bool` | BOOLEAN |
/// | `i32`, `i64` | INT, BIGINT |
/// | `f32`, `f64` | FLOAT, DOUBLE |
/// | `String`, `&'static str`, `Cow<'static, str>` | STRING |
/// | `Vec<u8>` | BYTES |
/// | [`Timestamp`] | TIMESTAMP_LTZ(3) |
///
/// ```
/// use millstream::sql::Returned;
///
/// fn is_returned<R: Returned>() {}
/// is_returned::<Result<Option<i64>, std::num::ParseIntError>>();
/// ```
pub trait Returned {
    /// The type behind it.
    #[doc(hidden)]
    type Plain: Plain;

    #[doc(hidden)]
    fn value(self) -> Result<Option<Self::Plain>, String>;
}

macro_rules! plain {
    ($rust:ty, $column:ty, $data_type:expr) => {
        impl Plain for $rust {
            type Column = $column;

            fn data_type() -> DataType {
                $data_type
            }

            fn push(column: &mut $column, value: Option<Self>) {
                column.append_option(value);
            }

            fn finish(mut column: $column) -> ArrayRef {
                Arc::new(column.finish())
            }
        }

        returned!($rust);
    };
}

macro_rules! returned {
    ($rust:ty) => {
        impl Returned for $rust {
            type Plain = $rust;

            fn value(self) -> Result<Option<$rust>, String> {
                Ok(Some(self))
            }
        }
    };
}

plain!(bool, BooleanBuilder, DataType::Boolean);
plain!(i32, Int32Builder, DataType::Int32);
plain!(i64, Int64Builder, DataType::Int64);
plain!(f32, Float32Builder, DataType::Float32);
plain!(f64, Float64Builder, DataType::Float64);
plain!(String, StringViewBuilder, DataType::Utf8View);
plain!(&'static str, StringViewBuilder, DataType::Utf8View);
plain!(Cow<'static, str>, StringViewBuilder, DataType::Utf8View);
plain!(Vec<u8>, BinaryViewBuilder, DataType::BinaryView);

impl Plain for Timestamp {
    type Column = TimestampMillisecondBuilder;

    fn data_type() -> DataType {
        DataType::Timestamp(TimeUnit::Millisecond, Some(UTC.into()))
    }

    fn push(column: &mut Self::Column, value: Option<Self>) {
        column.append_option(value.map(Timestamp::millis));
    }

    fn finish(mut column: Self::Column) -> ArrayRef {
        Arc::new(column.finish().with_data_type(Self::data_type()))
    }
}

returned!(Timestamp);

impl<P: Plain> Returned for Option<P> {
    type Plain = P;

    fn value(self) -> Result<Option<P>, String> {
        Ok(self)
    }
}

impl<R: Returned, E: Display> Returned for Result<R, E> {
    type Plain = R::Plain;

    fn value(self) -> Result<Option<R::Plain>, String> {
        self.map_err(|error| error.to_string())?.value()
    }
}
