//! Functions of users, written in Rust.

mod argument;
mod returned;
mod scalar;

pub use argument::Argument;
pub use returned::{Plain, Returned};
pub use scalar::ScalarFunction;
