//! Filters and projections: expressions over the rows of a batch at once.
//!
//! [`Expressions`] are DataFusion's, over Arrow columns, one filter or projection; [`Steps`] are several, one behind the other.
//! [`Evaluate`] is the operator that takes them: it gathers the rows of a batch, makes
//! columns of them (those that the expressions read), evaluates, and hands the resulting rows on, each with the event time
//! and kind that it had.
//!
//! # Invariants
//! * Nothing is held over the end of an element of the stream: a batch, a watermark, a barrier. So results do not depend on
//!   where batches end, and no state is needed.
//! * DataFusion's errors are about whole batches, ours about rows: what fails is halved until the row is found. That one goes
//!   the way of the operator's error policy, the others go on. A panic of a function is such an error too.
//! * The clock is the stamp of the element, so that a replay reads the same time: see [`clock`](super::functions).

mod error;
mod expressions;
mod isolate;
mod stage;
mod steps;

pub use error::EvalError;
pub(crate) use expressions::Expressions;
pub(crate) use isolate::isolate;
pub(in crate::sql) use stage::Evaluate;
pub(in crate::sql) use steps::Steps;
