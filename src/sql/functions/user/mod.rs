//! Functions of users, written in Rust.
//!
//! A function of one row is any function or closure of up to four [`Argument`]s that returns something [`Returned`]; an
//! aggregate is any [`Aggregate`](crate::operator::Aggregate) of [`Arguments`]. The types of SQL follow from those of Rust, so
//! there is nothing to declare; numbers are converted, other types must fit. The built-in functions are made in the same way.

mod aggregate;
mod argument;
mod env;
mod functions;
mod returned;
mod scalar;
#[cfg(test)]
mod tests;

pub use aggregate::Arguments;
pub(in crate::sql) use aggregate::is_user_aggregate;
pub use argument::Argument;
pub use functions::Functions;
pub use returned::{Plain, Returned};
pub use scalar::ScalarFunction;
