//! From the plan to a dataflow: each relation becomes an operator on a stream of [`Row`](super::row::Row)s.
//!
//! # How
//! Relations are built in the order of the plan, inputs first. What a relation gives is a *flow*: a stream and the *steps*
//! (filters and projections) that are still to be taken on it. Steps are gathered until an operator needs the rows, or several
//! do; then all of them run in one operator, behind a table within its scan: rows are made of columns once.
//!
//! An operator with keys works on columns by number. What it groups, joins or orders by, and what it aggregates, is computed
//! by a projection in front of it; so there are expressions in steps only.
//!
//! # Invariants
//! * The event time of a row is the record's. The relation's time column, if it has one, tells the same.
//! * Every operator stands under the uid of its relation, a hash of what it computes: state is found again as long as that part
//!   of the text stays the same. Tables stand under their name.
//! * A row on which an operator fails is a dead letter, never the end of the job.

mod error;
mod flow;
mod graph;
mod grid;
mod group_aggregate;
mod in_window;
mod join;
mod late;
mod order;
mod over;
mod rank;
mod sink;
#[cfg(test)]
mod tests;
mod values;
mod window_aggregate;
mod window_assign;
mod windowing;

pub use error::ExecError;
pub use graph::job;

pub(super) use flow::Prepared;
pub(super) use in_window::InColumns;
pub(super) use order::{By, compare};
