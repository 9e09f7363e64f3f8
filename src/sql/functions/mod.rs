//! Functions that are ours, because Flink has them and the planner's library has them otherwise or not at all.

mod arrays;
mod cast;
mod clock;
mod code;
mod collection;
mod form;
mod function;
mod json;
mod logic;
mod math;
mod planner;
mod recent;
mod refused;
mod regex;
mod rewrite;
#[cfg(test)]
mod tests;
mod text;
mod time;
mod url;
pub(super) mod user;

pub(super) use clock::{INSTANT, clocks, is_clock};
pub(super) use planner::Syntax;
pub(super) use refused::is_refused;
pub(super) use rewrite::{Conversions, Meanings, rewritten};

use datafusion_common::{Result, plan_datafusion_err};
use datafusion_expr::ScalarUDF;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

/// All by name, also those that are refused.
static FUNCTIONS: LazyLock<BTreeMap<String, Arc<ScalarUDF>>> = LazyLock::new(|| {
    let ours = [
        text::functions(),
        regex::functions(),
        code::functions(),
        url::functions(),
        logic::functions(),
        math::functions(),
        time::functions(),
        json::functions(),
        collection::functions(),
        arrays::functions(),
    ];
    let ours = ours.into_iter().flatten().map(|function| Arc::new(ScalarUDF::from(function)));
    let mut all = BTreeMap::new();
    for function in ours.chain(clocks()).chain(refused::refused()) {
        for name in std::iter::once(function.name()).chain(function.aliases().iter().map(String::as_str)) {
            all.insert(name.to_owned(), Arc::clone(&function));
        }
    }
    all
});

/// The functions that stand for casts: they have no name that a text could say.
static CASTS: LazyLock<BTreeMap<&'static str, Arc<ScalarUDF>>> = LazyLock::new(|| {
    let casts = cast::Casts::new();
    let all = [
        ("cast_to_string", casts.to_text),
        ("cast_string", casts.read),
        ("try_cast_string", casts.try_read),
        ("cast_row", casts.row),
    ];
    all.into_iter().map(|(name, function)| (name, Arc::new(ScalarUDF::from(function)))).collect()
});

/// All functions of ours and all that are refused, with the names by which they are called, in small letters.
pub(super) fn scalar() -> impl Iterator<Item = (&'static String, &'static Arc<ScalarUDF>)> {
    FUNCTIONS.iter()
}

fn named(name: &str) -> Result<Arc<ScalarUDF>> {
    let found = FUNCTIONS.get(name).cloned();
    found.ok_or_else(|| plan_datafusion_err!("{} is not supported", name.to_uppercase()))
}
