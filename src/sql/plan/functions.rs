//! All functions that a query may call, with what they are.

use super::context::Context;
use super::group_window::bound_docs;
use super::program::Env;
use crate::sql::aggregate::REFUSED;
use crate::sql::functions::is_refused;
use datafusion_expr::planner::ContextProvider;
use datafusion_expr::{Documentation, Signature};

/// A function, for people.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct FunctionDoc {
    /// Its name; upper and lower case are the same.
    pub name: String,
    /// `scalar`, `aggregate`, `ranking` or `window`.
    pub kind: &'static str,
    /// How it is called.
    pub syntax: String,
    /// What it gives, in a sentence; empty if nothing is known.
    pub doc: String,
}

/// What is no function of the planner's.
const OURS: &[(&str, &str, &str, &str)] = &[
    (
        "lag",
        "ranking",
        "LAG(x [, rows [, default]]) OVER ([PARTITION BY ..] ORDER BY time)",
        "The value of a row before.",
    ),
    (
        "rank",
        "ranking",
        "RANK() OVER ([PARTITION BY ..] ORDER BY time)",
        "Numbers rows from 1; equal ones have one number, and leave out as many behind it.",
    ),
    (
        "dense_rank",
        "ranking",
        "DENSE_RANK() OVER ([PARTITION BY ..] ORDER BY time)",
        "Numbers rows from 1; equal ones have one number.",
    ),
    (
        "row_number",
        "ranking",
        "ROW_NUMBER() OVER ([PARTITION BY ..] ORDER BY ..)",
        "Numbers rows from 1, to keep the first n.",
    ),
    (
        "tumble",
        "window",
        "TABLE(TUMBLE(TABLE t, DESCRIPTOR(time), size))",
        "Puts each row into the one window of a size that holds its time.",
    ),
    (
        "hop",
        "window",
        "TABLE(HOP(TABLE t, DESCRIPTOR(time), slide, size))",
        "Puts each row into all windows of a size, one beginning every slide, that hold its time.",
    ),
    (
        "cumulate",
        "window",
        "TABLE(CUMULATE(TABLE t, DESCRIPTOR(time), step, size))",
        "Puts each row into the windows that grow by a step up to a size and hold its time.",
    ),
    (
        "session",
        "window",
        "TABLE(SESSION(TABLE t PARTITION BY key, DESCRIPTOR(time), gap))",
        "Puts rows of a key into one window for as long as no gap lies between them.",
    ),
];

/// All functions that a program may call in an environment, sorted by name; those of its own are among them.
///
/// ```
/// use millstream::sql::{Env, functions};
///
/// let functions = functions(&Env::new().function("twice", |n: i64| n * 2));
/// let of = |name: &str| functions.iter().find(|function| function.name == name).unwrap();
/// assert_eq!(of("upper").kind, "scalar");
/// assert_eq!(of("twice").syntax, "TWICE(BIGINT)");
/// ```
pub fn functions(env: &Env) -> Vec<FunctionDoc> {
    let mut context = Context::new();
    context.add(&env.functions);
    let mut all = Vec::new();
    for name in context.udf_names() {
        if let Some(function) = context.get_function_meta(&name).filter(|function| !is_refused(function)) {
            all.push(told(&name, "scalar", function.documentation(), function.signature()));
        }
    }
    let is_own = |name: &String| env.functions.aggregate.contains_key(name);
    let runs = |name: &&String| is_own(name) || REFUSED.iter().all(|(refused, _)| refused != name);
    for name in context.udaf_names().iter().filter(runs) {
        if let Some(function) = context.get_aggregate_meta(name) {
            all.push(told(name, "aggregate", function.documentation(), function.signature()));
        }
    }
    let ours = OURS.iter().map(|(name, kind, syntax, doc)| FunctionDoc {
        name: (*name).to_owned(),
        kind,
        syntax: (*syntax).to_owned(),
        doc: (*doc).to_owned(),
    });
    all.extend(ours);
    all.extend(bound_docs());
    all.sort();
    all
}

fn told(name: &str, kind: &'static str, documentation: Option<&Documentation>, signature: &Signature) -> FunctionDoc {
    let syntax = documentation.map(|documentation| documentation.syntax_example.trim().to_owned());
    let syntax = syntax.filter(|syntax| !syntax.is_empty()).unwrap_or_else(|| {
        let arguments = signature.type_signature.to_string_repr();
        format!("{name}({})", arguments.first().map(String::as_str).unwrap_or_default())
    });
    let description = documentation.map(|documentation| documentation.description.trim()).unwrap_or_default();
    let first = description.lines().next().unwrap_or_default();
    let sentence = first.split_once(". ").map_or(first, |(sentence, _)| sentence);
    let doc = if sentence.is_empty() || sentence.ends_with('.') { sentence.to_owned() } else { format!("{sentence}.") };
    FunctionDoc { name: name.to_owned(), kind, syntax, doc }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::{exec, plan};
    use crate::time::Timestamp;

    /// Whether an aggregate of some of these can be run.
    fn runs(name: &str) -> bool {
        let calls = ["n", "n, n", "n, 2", "x, x", "x, 0.5", "x, x, 0.5", "n > 1", "s", "s, ','"];
        let calls = calls.iter().map(|arguments| format!("{name}({arguments})"));
        let env = Env::default();
        calls.chain([format!("{name}(0.5) WITHIN GROUP (ORDER BY x)")]).any(|call| {
            let text = format!(
                "CREATE TABLE t (n BIGINT, x DOUBLE, s STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
                   WITH ('connector' = 'filesystem', 'path' = 't', 'format' = 'csv');
                 CREATE TABLE p (is_null BOOLEAN) WITH ('connector' = 'print');
                 INSERT INTO p SELECT {call} IS NULL
                   FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND)) GROUP BY window_start, window_end"
            );
            plan(&text, &env).is_ok_and(|program| exec::job(&program, &env, Timestamp::EPOCH).is_ok())
        })
    }

    #[test]
    fn aggregates_are_listed_if_and_only_if_they_run() {
        let (listed, all) = (functions(&Env::default()), Context::new().udaf_names());
        assert!(all.len() > 30);
        for name in all {
            let is_listed = listed.iter().any(|function| function.kind == "aggregate" && function.name == name);
            assert_eq!(is_listed, runs(&name), "{name}");
        }
    }

    #[test]
    fn every_function_has_a_syntax() {
        let all = functions(&Env::default());
        assert!(all.iter().all(|function| !function.syntax.is_empty()), "{all:?}");
        assert!(all.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
