//! SQL text as a dataflow.
mod dialect;
mod error;
mod position;
mod settings;
mod types;

pub use error::Error;
pub use position::{Place, Position};
pub use settings::{KEYS, Settings};
pub use types::{is_key, type_name};
