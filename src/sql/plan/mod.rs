//! From statements to a program: names are looked up, types are checked, the plan is optimised and cut into relations.
//!
//! DataFusion's planner makes a logical plan of each query, with our window functions as nodes of their own; its analyzer
//! and the rules that are right for streams improve it; then it becomes a graph of [`Rel`]s. Each of those knows whether event
//! time is still there and whether its rows change, so what a stream cannot do is refused here and not at run time.

mod attribute;
mod build;
mod context;
mod functions;
mod group_window;
mod join;
mod late;
mod lookup;
mod message;
mod not_null;
mod program;
mod rank;
mod refused;
mod rel;
mod same_names;
mod window;

pub(super) use attribute::is_proctime;
pub(super) use build::index as column;
pub(super) use context::Context;
pub use functions::{FunctionDoc, functions};
pub use program::{Env, plan};
pub use rel::{Changes, InWindow, Input, Op, Program, RankBy, Rel, RelId};
pub use window::Window;
