//! Windows over the records of each key: what holds a record, when it speaks, and what is late.
//!
//! An *assigner* says which windows a record belongs to ([`Tumbling`], [`Sliding`], [`Session`], [`CountWindows`], [`Global`],
//! [`Matching`], or your own [`Assigner`]). A *trigger* says when a window speaks ([`trigger`]). The *allowed lateness* says
//! how long a window stays behind its end, to be corrected.
//!
//! As in Flink, with `end - 1 ms` as a window's last instant: a window of event time speaks when the subtask's clock (its
//! watermark) reaches that instant, and is gone when it reaches that instant plus the allowed lateness. A record is late if
//! all of its windows are gone; one behind the clock whose window still stands is not late. A window of processing time
//! speaks when the machine's clock reaches its end, and is gone then; for such windows no record is late.
//!
//! * Windows are half open, `[start, end)`, and aligned to the Unix epoch unless an offset shifts them.
//! * Results bear the window's last instant as their event time, and come by window end, then by key, as long as triggers
//!   speak at the ends of windows only.
//! * Each result says which one of its window's it is: its [`Pane`].
//! * A late record is counted and goes to the late output, one without a window is counted as unassigned: nothing is dropped
//!   in silence.
//! * Contents, triggers and timers are keyed state: they survive crashes and follow their keys to other subtasks.
//!
//! ```
//! use millstream::operator::window::{Session, Tumbling, Windows};
//! use millstream::time::minutes;
//!
//! assert_eq!(Windows::<u64>::from(Tumbling::of(minutes(5))).to_string(), "tumbling(5m)");
//! assert_eq!(Windows::<u64>::from(Session::gap(minutes(30))).to_string(), "session(30m)");
//! ```
//!
//! # Which window speaks when
//! "At the end" is the window's end by its own clock; "on time" is the result that comes then. Tumbling, sliding, session and
//! custom windows are alike in this but for two things: of a sliding record each window is asked for itself, and when
//! sessions merge, their triggers merge too.
//!
//! | trigger | by event time | by event time, with lateness | by processing time | global |
//! |---|---|---|---|---|
//! | none given | at the end | and at each late record | at the end | refused: it would never speak |
//! | [`EventTimeTrigger`](trigger::EventTimeTrigger) | at the end | and at each late record | when the watermark reaches the last instant, if it still stands | at the end of input |
//! | [`ProcessingTimeTrigger`](trigger::ProcessingTimeTrigger) | when the machine's clock reaches the end, if it still stands | the same, it stands longer | at the end | at the end of input |
//! | [`CountTrigger`](trigger::CountTrigger) | after every n records | late ones count too | after every n records | after every n records |
//! | [`ContinuousTrigger`](trigger::ContinuousTrigger) | at the interval, then at the end | and at each late record | at the interval, then at the end | at the interval, then at the end of input |
//! | [`DeltaTrigger`](trigger::DeltaTrigger) (not for sessions) | at each far record | at far late ones too | at each far record | at each far record |
//! | [`EarlyLateTrigger`](trigger::EarlyLateTrigger) | as its early trigger says, then at the end | and as its late trigger says | as its early trigger says, then at the end | as its early trigger says, then at the end of input |
//! | [`PurgingTrigger`](trigger::PurgingTrigger) | as the trigger inside, of the records since the last result | the same | the same | the same |
//! | [`NeverTrigger`](trigger::NeverTrigger) | never | never | never | never |
//!
//! At the end of input the watermark comes to the end of time, so windows of event time speak; the timers of processing time
//! that are pending fire once. What a count or delta trigger still holds back is not spoken of, as in Flink.
//!
//! Count windows speak when they are full and [`Matching`] ones when a record closes them: they take no trigger and no
//! lateness. The same counts with other semantics are a [`Global`] window with a [`CountTrigger`](trigger::CountTrigger).
//!
//! # What it costs
//! Windows that speak once, on time, have heads of their own: tumbling ones keep one accumulator per key and window, sliding
//! ones share panes, sessions of one gap move no timer before it fires. Any other combination is run by one general head,
//! which adds a record to each of its windows by itself (a sliding window of size / slide = 60 costs 60 times as much as a
//! tumbling one), keeps the trigger's state beside each, and clones an accumulator when it speaks without purging.

mod assigner;
mod blocks;
mod builders;
mod count;
mod cut;
mod distinct;
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
pub(crate) use distinct::WindowDistinct;
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
