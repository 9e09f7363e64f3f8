//! SQL text as a dataflow: Flink's dialect, read, checked and planned.
//!
//! # From text to a program
//! 1. `dialect`: the text is cut into tokens and read into statements; each keeps its place.
//! 2. `catalog`: CREATE TABLE becomes a [`Table`] with planned computed columns and watermark.
//! 3. `plan`: queries become a DataFusion plan, that an optimised one, and that a graph of [`Rel`]s.
//! 4. All INSERTs of a text together are one [`Program`]: a table is read once, equal parts of queries run once.
//!
//! # From a program to rows
//! 1. [`exec`] makes of each relation an operator on a stream of [`row::Row`]s, of the same kinds that typed dataflows have: so
//!    checkpoints, restarts, savepoints and rescaling hold for SQL as they do for Rust.
//! 2. `scan` reads tables, by a [`connector`] and a [`mod@format`], and takes the first filters and projections column by column.
//! 3. `eval` does that between operators; expressions are DataFusion's. `aggregate` has SUM, COUNT and the like.
//!
//! # Invariants
//! * Nothing is accepted and ignored: what has no meaning here is refused with its place and what to write instead.
//! * Every [`Error`] has a place in the text. No text makes the planner panic.
//! * Names of tables and columns are told apart by case, those of functions and types are not, as in Flink.
//! * A query that changes rows goes only into a table that takes changes.
//!
//! ```
//! use millstream::sql::{Env, plan};
//!
//! let program = plan(
//!     "CREATE TABLE access_log (host STRING, ts TIMESTAMP_LTZ(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
//!      WITH ('connector' = 'filesystem', 'path' = 'access.log', 'format' = 'combined-log');
//!      CREATE TABLE pageviews (host STRING, window_start TIMESTAMP(3), views BIGINT) WITH ('connector' = 'print');
//!      INSERT INTO pageviews SELECT host, window_start, COUNT(*) AS views
//!      FROM TABLE(TUMBLE(TABLE access_log, DESCRIPTOR(ts), INTERVAL '10' SECOND))
//!      GROUP BY host, window_start, window_end",
//!     &Env::default(),
//! )?;
//! assert!(program.explain().contains("tumble(10s)"));
//! # Ok::<(), millstream::sql::Error>(())
//! ```

mod aggregate;
mod catalog;
pub mod connector;
mod dialect;
mod error;
pub(crate) mod eval;
pub mod exec;
mod explain;
pub mod format;
mod functions;
mod outside;
mod plan;
mod position;
pub mod row;
mod run;
mod scan;
mod settings;
pub mod testing;
#[cfg(test)]
mod tests;
mod text;
mod types;

pub use catalog::{Column, ColumnKind, OptionError, Table, TableOption, Takes, Watermark};
pub use error::Error;
pub use eval::EvalError;
pub use exec::ExecError;
pub use functions::user::{Argument, Arguments, Functions, Plain, Returned, ScalarFunction};
pub use outside::Outside;
pub use plan::{Changes, Env, FunctionDoc, InWindow, Input, Op, Program, RankBy, Rel, RelId, Window, functions, plan};
pub use position::{Place, Position};
#[cfg(feature = "cli")]
pub use run::main;
pub use run::{Said, sets};
#[cfg(feature = "cli")]
pub(crate) use settings::unknown;
pub use settings::{KEYS, NotNull, Settings};
pub use types::{is_key, type_name};
