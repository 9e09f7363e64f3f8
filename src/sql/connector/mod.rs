//! Connectors: where tables are read from and written to.
//!
//! A [`Connector`] is found by the table's option `connector`; what its lines say, if it has lines, is told by a
//! [`Format`](super::format::Format), found by the option `format`. All of them stand in a [`Registry`], to which a program may add its own.
//!
//! # Invariants
//! * An option that nobody reads is refused, with the nearest one that is known.
//! * A connector makes sources and sinks when the dataflow is built, and touches nothing outside before it runs.

mod blackhole;
mod console;
mod datagen;
mod filesystem;
mod input;
mod line_key;
pub mod nexmark;
mod options;
mod output;
mod random;
mod registry;
mod socket;
#[cfg(test)]
mod tests;
mod timing;

pub use blackhole::Blackhole;
pub use console::{Print, Stdin, Stdout};
pub use datagen::Datagen;
pub use filesystem::Filesystem;
pub(super) use input::Brings;
pub use input::Input;
pub(super) use input::LinePart;
pub use options::{OptionDoc, Options};
pub(super) use output::Goes;
pub use output::Output;
pub use registry::Registry;
pub(super) use registry::{physical, written};
pub use socket::Socket;
pub use timing::TIMING;
pub(super) use timing::{Emit, LATE};

use crate::sql::catalog::OptionError;

/// A place of tables.
///
/// ```
/// use millstream::prelude::*;
/// use millstream::sql::OptionError;
/// use millstream::sql::connector::{Connector, Input, OptionDoc, Options, Registry};
///
/// /// One file of rows by the name of a city.
/// struct Weather;
///
/// impl Connector for Weather {
///     fn name(&self) -> &str {
///         "weather"
///     }
///     fn doc(&self) -> &str {
///         "what the station of a city has measured"
///     }
///     fn options(&self) -> &[OptionDoc] {
///         &[OptionDoc { key: "city", default: None, doc: "which station" }]
///     }
///     fn has_format(&self) -> bool {
///         true
///     }
///     fn source(&self, options: Options<'_>) -> Result<Input, OptionError> {
///         let city = options.required("city", "Oslo")?;
///         Ok(Input::lines(FileSource::lines([format!("/var/weather/{city}.csv")])))
///     }
/// }
///
/// let registry = Registry::standard().with_connector(Weather);
/// assert!(registry.connectors().any(|connector| connector.name() == "weather"));
/// ```
pub trait Connector: Send + Sync + 'static {
    /// Its name, as `'connector' = '…'` says it.
    fn name(&self) -> &str;

    /// What it is, in a sentence.
    fn doc(&self) -> &str;

    /// Its options; `connector` and `format` are not among them.
    fn options(&self) -> &[OptionDoc];

    /// Whether what it brings or takes are lines, which a format reads and writes.
    fn has_format(&self) -> bool {
        false
    }

    /// Where a table is read from.
    ///
    /// # Errors
    /// What does not fit; by default that it cannot be read.
    fn source(&self, options: Options<'_>) -> Result<Input, OptionError> {
        Err(options.refuse("connector", format!("connector '{}' is written, not read", self.name())))
    }

    /// Where a table is written.
    ///
    /// # Errors
    /// What does not fit; by default that it cannot be written.
    fn sink(&self, options: Options<'_>) -> Result<Output, OptionError> {
        Err(options.refuse("connector", format!("connector '{}' is read, not written", self.name())))
    }
}
