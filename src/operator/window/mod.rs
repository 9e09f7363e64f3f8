//! Windows over the records of each key: what holds a record, when it speaks, and what is late.
//!
//! As in Flink, with `end - 1 ms` as a window's last instant: a window fires when the subtask's clock (its watermark) reaches
//! that instant, and is gone then; a record is late if all of its windows are gone. A record behind the clock whose window
//! still stands is not late.
//!
//! * Windows are half open, `[start, end)`, and aligned to the Unix epoch.
//! * Results bear the window's last instant as their event time, and come by window end, then by key.
//! * A late record is counted and goes to the late output, never into nothing.
//!
//! ```
//! use millstream::operator::window::{Session, Tumbling, Windows};
//! use millstream::time::minutes;
//!
//! assert_eq!(Windows::<u64>::from(Tumbling::of(minutes(5))).to_string(), "tumbling(5m)");
//! assert_eq!(Windows::<u64>::from(Session::gap(minutes(30))).to_string(), "session(30m)");
//! ```

mod assigner;
mod blocks;
mod builders;
mod count;
mod cut;
#[cfg(test)]
mod fixture;
mod general;
mod matching;
mod outputs;
mod paired;
mod panes;
mod process;
mod result;
mod session;
mod sliding;
mod slot;
mod timed;
pub mod trigger;
mod tumbling;
mod windows;

pub use assigner::{Assigner, Window};
pub use builders::{CountWindows, Global, Matching, Session, SessionBy, Sliding, Tumbling};
pub(crate) use cut::Cut;
pub(crate) use panes::WindowCollect;
pub use process::WindowInfo;
pub(crate) use process::WindowProcess;
pub use result::{Late, Pane, Timing, Windowed};
pub use windows::Windows;

use super::key_by::KeyFunction;
use super::{Aggregate, AnyStage, BuildContext, Error, Head, HeadFactory, TimeDomain};
use crate::record::{Data, Key};
use crate::time::whole_millis;
use count::CountHead;
use general::GeneralHead;
use matching::MatchingHead;
use outputs::Outputs;
use paired::Paired;
use panes::AggregatePanes;
use session::SessionHead;
use sliding::SlidingHead;
use std::sync::Arc;
use tumbling::{Grid, TumblingHead};
use windows::Kind;

/// How many results a head fires before it lets others have their turn.
const PIECE: usize = 4096;

/// Aggregates the windows of each key.
pub(crate) struct WindowOperator<T, K, A> {
    key: KeyFunction<T, K>,
    cut: Cut<T>,
    aggregate: Arc<A>,
}

impl<T: Data, K: Key, A: Aggregate<T>> WindowOperator<T, K, A> {
    pub(crate) fn new(key: KeyFunction<T, K>, cut: Cut<T>, aggregate: A) -> Self {
        WindowOperator { key, cut, aggregate: Arc::new(aggregate) }
    }
}

impl<T: Data, K: Key, A: Aggregate<T>> HeadFactory for WindowOperator<T, K, A> {
    fn build(&self, context: &mut BuildContext, outputs: Vec<AnyStage>) -> Result<Box<dyn Head>, Error> {
        let (key, aggregate) = (self.key.clone(), self.aggregate.clone());
        let plain = self.cut.is_plain();
        match self.cut.kind() {
            &Kind::Tumbling { size, offset, domain: TimeDomain::Event } if plain => {
                let panes = AggregatePanes::new(context, aggregate)?;
                let outputs = Outputs::new(context, outputs);
                Ok(Box::new(TumblingHead::new(Grid::new(size, offset), key, panes, outputs)))
            }
            &Kind::Session { gap, domain: TimeDomain::Event } if plain => {
                let head = SessionHead::new(context, whole_millis(gap), key, aggregate, outputs)?;
                Ok(Box::new(head))
            }
            // One behind the other.
            &Kind::Sliding { size, slide, offset, domain: TimeDomain::Event } if plain && size == slide => {
                let panes = AggregatePanes::new(context, aggregate)?;
                let outputs = Outputs::new(context, outputs);
                Ok(Box::new(TumblingHead::new(Grid::new(size, offset), key, panes, outputs)))
            }
            &Kind::Sliding { size, slide, offset, domain: TimeDomain::Event } if plain => {
                let panes = AggregatePanes::new(context, aggregate.clone())?;
                let grid = Paired::new(whole_millis(size), whole_millis(slide), whole_millis(offset));
                Ok(Box::new(SlidingHead::new(context, grid, key, aggregate, panes, outputs)?))
            }
            &Kind::Count { size, slide } => {
                Ok(Box::new(CountHead::new(context, (size, slide), key, aggregate, outputs)?))
            }
            Kind::Matching { open, close } => {
                let predicates = (open.clone(), close.clone());
                Ok(Box::new(MatchingHead::new(context, predicates, key, aggregate, outputs)?))
            }
            _ => Ok(Box::new(GeneralHead::new(context, &self.cut, key, aggregate, outputs)?)),
        }
    }
}
