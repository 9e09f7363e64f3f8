//! Gives records their event time and makes the watermarks of the stream.
//!
//! Behind a source there is one generator state per split: a file read to its end holds nothing back, and a file that is
//! read slowly holds back only what it must. The operator's watermark is the minimum over the splits that are neither
//! finished nor idle. Elsewhere the operator has one state for all that comes in.
//!
//! A strategy that looks at times is asked at the end of each batch. One that looks at records (punctuated) speaks right
//! behind the record with the mark: where it stands among the others has a meaning, where a batch ends has none.

use super::{AnyStage, BuildContext, Error, Law, Site, Stage, StageFactory, erase, only};
use crate::record::Data;
use crate::time::{Mark, Timestamp, WatermarkStrategy, Watermarks};
use serde::{Deserialize, Serialize};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// How far one split has come in event time.
#[derive(Clone, Debug)]
struct SplitTime {
    id: Arc<str>,
    /// The latest event time, or, with marks in the records, the highest mark.
    max: Timestamp,
    /// Its input is not silent.
    active: bool,
    /// It has been read to its end.
    finished: bool,
}

impl SplitTime {
    fn rise(&mut self, to: Timestamp) {
        if to > self.max {
            self.max = to;
        }
    }
}

/// How far the splits of one subtask have come.
#[derive(Debug)]
pub(crate) struct SplitTimes {
    splits: Vec<SplitTime>,
    strategy: Watermarks,
    /// What the checkpoint holds for splits that have not been added yet.
    restored: BTreeMap<String, Timestamp>,
    /// A silent split speaks again: those behind must be told, also if event time stands still.
    resumed: bool,
}

impl SplitTimes {
    /// Adds the next split. It starts where the checkpoint left it.
    pub(crate) fn add(&mut self, id: &str) {
        let max = self.restored.remove(id).unwrap_or(Timestamp::MIN);
        self.splits.push(SplitTime { id: id.into(), max, active: true, finished: false });
    }

    /// Whether the split holds event time back.
    pub(crate) fn set_active(&mut self, split: usize, active: bool) {
        self.splits[split].active = active;
        self.resumed |= active;
    }

    /// The split has been read to its end.
    pub(crate) fn finish(&mut self, split: usize) {
        self.splits[split].finished = true;
    }

    /// How far one split has come.
    pub(crate) fn split_watermark(&self, split: usize) -> Timestamp {
        self.strategy.watermark(self.splits[split].max)
    }

    /// All splits as they stand.
    pub(crate) fn views(&self) -> impl Iterator<Item = SplitView> {
        self.splits.iter().map(|split| SplitView {
            id: split.id.clone(),
            last: split.max,
            watermark: self.strategy.watermark(split.max),
            active: split.active,
            finished: split.finished,
        })
    }

    /// How far a split may be ahead of the slowest one.
    pub(crate) fn max_drift(&self) -> Option<std::time::Duration> {
        self.strategy.max_drift()
    }

    /// The silence after which a split counts as idle.
    pub(crate) fn idle_timeout(&self) -> std::time::Duration {
        self.strategy.idle_timeout()
    }

    /// The minimum over the splits that hold event time back. If all are silent, the furthest of them counts: it must not
    /// matter which fell silent first. `None` if all are finished.
    pub(crate) fn watermark(&self) -> Option<Timestamp> {
        let open = self.splits.iter().filter(|split| !split.finished);
        let lively = open.clone().filter(|split| split.active).map(|split| self.strategy.watermark(split.max)).min();
        lively.or_else(|| open.map(|split| self.strategy.watermark(split.max)).max())
    }
}

/// One split as it stands.
#[derive(Clone, Debug)]
pub(crate) struct SplitView {
    /// Empty where the operator is not behind a source.
    pub(crate) id: Arc<str>,
    /// The latest event time, or the highest mark; [`Timestamp::MIN`] if there was none.
    pub(crate) last: Timestamp,
    pub(crate) watermark: Timestamp,
    /// Its input is not silent.
    pub(crate) active: bool,
    /// It has been read to its end.
    pub(crate) finished: bool,
}

/// The small state of the operator.
#[derive(Serialize, Deserialize)]
struct Saved {
    /// The latest event time (or the highest mark) of each split, in milliseconds.
    splits: BTreeMap<String, i64>,
}

/// Gives each record its event time.
pub(crate) struct EventTime<T> {
    time: Arc<dyn Fn(&T) -> Timestamp + Send + Sync>,
    strategy: WatermarkStrategy<T>,
}

impl<T: Data> EventTime<T> {
    pub(crate) fn new(time: impl Fn(&T) -> Timestamp + Send + Sync + 'static, strategy: WatermarkStrategy<T>) -> Self {
        EventTime { time: Arc::new(time), strategy }
    }
}

/// The only "split" of an operator that is not behind a source.
const ALL: &str = "";

/// Tells those behind how far the splits of a subtask have come.
pub(crate) struct SplitClock {
    times: Rc<RefCell<SplitTimes>>,
    split: Rc<Cell<usize>>,
    told: Timestamp,
}

impl SplitClock {
    /// The clock of the operator that is built, as the checkpoint left it; it is part of the next ones.
    pub(crate) fn register(context: &mut BuildContext, strategy: &Watermarks) -> Result<Self, Error> {
        let mut restored: BTreeMap<String, Timestamp> = BTreeMap::new();
        for saved in context.restored::<Saved>()? {
            for (id, max) in saved.splits {
                let max = Timestamp::from_millis(max);
                restored.entry(id).and_modify(|known| *known = max.min(*known)).or_insert(max);
            }
        }
        let times = SplitTimes { splits: Vec::new(), strategy: strategy.clone(), restored, resumed: false };
        let times = Rc::new(RefCell::new(times));
        if context.behind_source {
            context.split_times.push(times.clone());
        } else {
            times.borrow_mut().add(ALL);
        }
        context.generators.push((context.node(), times.clone()));
        let saved = times.clone();
        context.save(move || Saved {
            splits: saved.borrow().splits.iter().map(|split| (split.id.to_string(), split.max.millis())).collect(),
        });
        Ok(SplitClock { times, split: context.split.clone(), told: Timestamp::MIN })
    }

    /// The present split has come to `to`: the event time of a record, or a mark.
    pub(crate) fn rise(&self, to: Timestamp) {
        self.times.borrow_mut().splits[self.split.get()].rise(to);
    }

    /// The watermark that is now to be told, if there is one; it counts as told.
    pub(crate) fn risen(&mut self) -> Option<Timestamp> {
        let watermark = self.times.borrow().watermark();
        watermark.filter(|watermark| self.tell(*watermark))
    }

    /// The same at the end of a batch, where those behind must also be told that a silent split speaks again.
    pub(crate) fn at_batch_end(&mut self) -> Option<Timestamp> {
        let resumed = std::mem::take(&mut self.times.borrow_mut().resumed);
        self.risen().or_else(|| Some(self.told).filter(|told| resumed && *told > Timestamp::MIN))
    }

    /// Whether a watermark is news; it counts as told.
    pub(crate) fn tell(&mut self, watermark: Timestamp) -> bool {
        let is_news = watermark > self.told;
        self.told = self.told.max(watermark);
        is_news
    }
}

impl<T: Data> StageFactory for EventTime<T> {
    fn build(&self, context: &mut BuildContext, outputs: Vec<AnyStage>) -> Result<AnyStage, Error> {
        let clock = SplitClock::register(context, &self.strategy.watermarks)?;
        let (time, site, mark) = (self.time.clone(), context.site(), self.strategy.mark.clone());
        Ok(erase::<T>(Box::new(EventTimeStage { time, mark, clock, site, next: only::<T>(outputs) })))
    }

    fn law(&self) -> Law {
        Law::OneToOne
    }

    fn makes_watermarks(&self) -> bool {
        true
    }
}

struct EventTimeStage<T> {
    time: Arc<dyn Fn(&T) -> Timestamp + Send + Sync>,
    mark: Option<Mark<T>>,
    clock: SplitClock,
    site: Site,
    next: Box<dyn Stage<T>>,
}

impl<T> Stage<T> for EventTimeStage<T> {
    fn push(&mut self, record: T, _time: Timestamp) {
        self.site.record();
        let time = (self.time)(&record);
        let Some(mark) = &self.mark else {
            self.clock.rise(time);
            self.site.out();
            self.next.push(record, time);
            return;
        };
        let mark = mark(&record, time);
        self.site.out();
        self.next.push(record, time);
        if let Some(mark) = mark {
            self.clock.rise(mark);
            self.clock.risen().into_iter().for_each(|watermark| self.next.watermark(watermark));
        }
    }

    /// Only the end of input passes: event time begins here, so what the stream told before does not count.
    fn watermark(&mut self, watermark: Timestamp) {
        if watermark == Timestamp::MAX && self.clock.tell(watermark) {
            self.next.watermark(watermark);
        }
    }

    fn batch_end(&mut self) {
        self.clock.at_batch_end().into_iter().for_each(|watermark| self.next.watermark(watermark));
        self.next.batch_end();
    }
}
