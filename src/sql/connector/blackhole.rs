//! Nowhere.

use super::{Connector, OptionDoc, Options, Output};
use crate::connector::DiscardSink;
use crate::sql::catalog::{OptionError, Takes};

/// `blackhole`: takes rows of all kinds and keeps none, to measure a query.
///
/// ```
/// use millstream::sql::connector::{Blackhole, Connector};
///
/// assert_eq!(Blackhole.name(), "blackhole");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Blackhole;

impl Connector for Blackhole {
    fn name(&self) -> &str {
        "blackhole"
    }

    fn doc(&self) -> &str {
        "takes rows and keeps none, to measure a query"
    }

    fn options(&self) -> &[OptionDoc] {
        &[]
    }

    fn sink(&self, _: Options<'_>) -> Result<Output, OptionError> {
        Ok(Output::rows(Takes::Changes, DiscardSink))
    }
}
