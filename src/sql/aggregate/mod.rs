//! Aggregates over rows: what SUM, COUNT and the like keep, and what comes of it.
//!
//! [`Lowered`] makes of the aggregates of a plan a list of columns to be computed in front, and [`Aggregates`], a machine over
//! those columns: it adds rows, takes rows back, merges parts, and ends in one value per aggregate.
//!
//! # Invariants
//! * Results do not depend on the order of rows, but for those that are about it (the last two lines below): sums are exact inside (also those of DOUBLE), and stop at the bounds of their
//!   type where Flink's wrap around.
//! * Rows for which the filter is not true do not count, nor do NULLs, as in SQL.
//! * What is kept is ours, and stays readable: nothing in it depends on the version of a library.
//! * A row that is taken back must have been added; what is kept then is as if it had not been.
//!
//! | function | keeps | if rows are taken back |
//! |---|---|---|
//! | COUNT | 8 bytes | the same |
//! | SUM, AVG | 24 bytes, of DOUBLE about 70 | the same |
//! | MIN, MAX | the value | all values, in order |
//! | with DISTINCT | all values, with how often each was added | the same |
//! | APPROX_DISTINCT | a sketch of up to 4 KiB, within 1.6 % | refused |
//! | APPROX_PERCENTILE_CONT, APPROX_MEDIAN | a sketch, within 0.8 % | refused |
//! | STDDEV, VAR, CORR, COVAR, REGR, PERCENTILE, MEDIAN, BIT, BOOL | all values, with how often each was added | the same |
//! | ARRAY_AGG, LISTAGG, STRING_AGG, JSON_ARRAYAGG, JSON_OBJECTAGG | all values as they came; with ORDER BY, how often each was added | the same |
//! | FIRST_VALUE, LAST_VALUE | the value | all values as they came |

mod accumulator;
mod aggregates;
mod flink;
mod function;
mod general;
mod json;
mod lower;
#[cfg(test)]
mod tests;

pub(super) use accumulator::Accumulators;
pub(super) use aggregates::Aggregates;
pub(super) use flink::{REFUSED, SYNONYMS, functions};
pub(super) use lower::{Lowered, Refused};
