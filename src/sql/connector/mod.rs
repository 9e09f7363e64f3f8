//! Connectors: where tables are read from and written to.

mod options;

pub use options::{OptionDoc, Options};
