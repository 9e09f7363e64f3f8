//! The functions of a program that are its user's.

use super::aggregate::aggregate;
use super::{Arguments, Returned, ScalarFunction};
use crate::operator::Aggregate;
use crate::sql::functions::function::function;
use datafusion_expr::{AggregateUDF, ScalarUDF};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Functions by name, told apart without regard to case. One that has the name of another, or of a built-in one, takes its
/// place.
///
/// ```
/// use millstream::sql::Functions;
///
/// let functions = Functions::default().with_function("twice", |n: i64| n * 2);
/// assert_eq!(functions.names().collect::<Vec<_>>(), ["twice"]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Functions {
    pub(in crate::sql) scalar: BTreeMap<String, Arc<ScalarUDF>>,
    pub(in crate::sql) aggregate: BTreeMap<String, Arc<AggregateUDF>>,
}

impl Functions {
    /// With a function of one row. A panic in it is an error of that row.
    #[must_use]
    pub fn with_function<M>(mut self, name: &str, of: impl ScalarFunction<M>) -> Self {
        let form = of.form().0.guarded();
        let name = name.to_lowercase();
        let syntax = format!("{}({})", name.to_uppercase(), form.takes);
        let made = function(&name, &syntax, "A function of this program.").form(form);
        self.aggregate.remove(&name);
        self.scalar.insert(name, Arc::new(ScalarUDF::from(made)));
        self
    }

    /// With an aggregate of rows. Rows in which an argument is NULL do not count; a panic in it is an error of the row that
    /// asks for the result.
    #[must_use]
    pub fn with_aggregate<T, G>(mut self, name: &str, of: G) -> Self
    where
        T: Arguments,
        G: Aggregate<T, Accumulator: Send + Sync>,
        G::Output: Returned,
    {
        let name = name.to_lowercase();
        let made = aggregate(&name, of);
        self.scalar.remove(&name);
        self.aggregate.insert(name, Arc::new(made));
        self
    }

    /// All names, in small letters.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.scalar.keys().chain(self.aggregate.keys()).map(String::as_str)
    }
}
