//! What a program may use, put together.

use super::{Arguments, Returned, ScalarFunction};
use crate::operator::Aggregate;
use crate::sql::Env;
use crate::sql::connector::Connector;
use crate::sql::format::Format;

impl Env {
    /// The connectors, formats and functions that Millstream has.
    ///
    /// ```
    /// use millstream::sql::{Env, plan};
    ///
    /// let env = Env::new()
    ///     .function("geo_country", |ip: &str| -> Option<String> {
    ///         ip.starts_with("10.").then(|| "home".to_owned())
    ///     })
    ///     .function("parsed", |text: &str| text.parse::<i64>());
    /// let program = "
    ///     CREATE TABLE hits (ip STRING, bytes STRING)
    ///       WITH ('connector' = 'filesystem', 'path' = 'hits.csv', 'format' = 'csv');
    ///     CREATE TABLE p (country STRING, bytes BIGINT) WITH ('connector' = 'print');
    ///     INSERT INTO p SELECT GEO_COUNTRY(ip), PARSED(bytes) FROM hits";
    /// assert!(plan(program, &env).is_ok());
    /// assert!(plan(program, &Env::new()).is_err());
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// With a function or closure of Rust that is called for each row, by this name in any case; see
    /// [`ScalarFunction`], [`Argument`](crate::sql::Argument) and [`Returned`]. It takes the place of a built-in one.
    #[must_use]
    pub fn function<M>(mut self, name: &str, of: impl ScalarFunction<M>) -> Self {
        self.functions = self.functions.with_function(name, of);
        self
    }

    /// With an aggregate of rows, which may be any of [`crate::operator`]; rows in which an argument is NULL do not count.
    ///
    /// What is kept are all values and how often each was added, so that rows can be taken back; the aggregate is given them
    /// when the result is asked for, in an order that does not depend on how they came.
    ///
    /// ```
    /// use millstream::operator::Fold;
    /// use millstream::sql::{Env, plan};
    ///
    /// let product = Fold::new(|| 1.0, |all: &mut f64, x: &f64| *all *= x, |all, more| *all *= more, |all| all);
    /// let env = Env::new().aggregate("product", product);
    /// let program = "
    ///     CREATE TABLE t (k STRING, x DOUBLE) WITH ('connector' = 'filesystem', 'path' = 't.csv', 'format' = 'csv');
    ///     CREATE TABLE p (k STRING, x DOUBLE) WITH ('connector' = 'print');
    ///     INSERT INTO p SELECT k, PRODUCT(x) FROM t GROUP BY k";
    /// assert!(plan(program, &env).is_ok());
    /// ```
    #[must_use]
    pub fn aggregate<T, G>(mut self, name: &str, of: G) -> Self
    where
        T: Arguments,
        G: Aggregate<T, Accumulator: Send + Sync>,
        G::Output: Returned,
    {
        self.functions = self.functions.with_aggregate(name, of);
        self
    }

    /// With another connector; one of the same name is replaced.
    #[must_use]
    pub fn connector(mut self, connector: impl Connector) -> Self {
        self.connectors = self.connectors.with_connector(connector);
        self
    }

    /// With another format; one of the same name is replaced.
    #[must_use]
    pub fn format(mut self, format: impl Format + 'static) -> Self {
        self.connectors = self.connectors.with_format(format);
        self
    }
}
