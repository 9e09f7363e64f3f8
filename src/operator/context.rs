//! What operators are given when a subtask is built, and what they register there.

use super::core::SinkPort;
use super::firing::Firing;
use super::outlet::{OutletHandle, OutletQueue};
use super::process::Side;
use super::protect::Inlet;
use super::{Error, Gathers, OnError, SplitState};
use crate::record::{DeadLetter, RecordTypes};
use crate::state::Store;
use crate::time::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// Counts of one operator in one subtask. Part of its snapshot, so they roll back with it.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    pub(crate) records_in: Cell<u64>,
    pub(crate) records_out: Cell<u64>,
    pub(crate) late: Cell<u64>,
    pub(crate) unassigned: Cell<u64>,
    /// Records that the operator has left out because that is what it is for.
    pub(crate) filtered: Cell<u64>,
    /// Records that the operator has failed on and that were left out.
    pub(crate) dead: Cell<u64>,
    /// Timers and windows that it has failed on and that were left out.
    pub(crate) dead_timers: Cell<u64>,
}

/// An operator's mark on what happens: which operator of the subtask runs user code right now, and how many records it
/// has seen.
#[derive(Clone)]
pub(crate) struct Site {
    current: Rc<Cell<usize>>,
    node: usize,
    meter: Rc<Meter>,
    firing: Rc<Firing>,
    uid: Rc<str>,
    subtask: usize,
}

impl Site {
    /// A record comes in, and from here on it is this operator's code that runs.
    #[inline]
    pub(crate) fn record(&self) {
        self.enter();
        self.meter.records_in.set(self.meter.records_in.get() + 1);
    }

    /// From here on it is this operator's code that runs. To be called before each further call of user code: the operators
    /// behind have run in between.
    #[inline]
    pub(crate) fn enter(&self) {
        self.current.set(self.node);
    }

    /// A timer, or a window, of a key fires: the user's code runs next. Says whether it is to; if so, tell
    /// [`Site::fired`] when it has.
    pub(crate) fn fires(&self, key: &impl Serialize, time: Timestamp) -> bool {
        self.enter();
        self.firing.begin((&self.uid, self.subtask), &self.meter, key, time)
    }

    /// The code for a timer or window has run.
    pub(crate) fn fired(&self) {
        self.firing.end();
    }

    /// A record goes out.
    #[inline]
    pub(crate) fn out(&self) {
        self.meter.records_out.set(self.meter.records_out.get() + 1);
    }

    /// What was counted as one record that goes out has become so many.
    pub(crate) fn became(&self, records: usize) {
        self.meter.records_out.set(self.meter.records_out.get() - 1 + records as u64);
    }

    /// A record came too late for any of its windows.
    pub(crate) fn late(&self) {
        self.meter.late.set(self.meter.late.get() + 1);
    }

    /// A record is left out because that is what the operator is for.
    #[inline]
    pub(crate) fn filtered(&self) {
        self.meter.filtered.set(self.meter.filtered.get() + 1);
    }

    /// A record belongs to no window.
    pub(crate) fn unassigned(&self) {
        self.meter.unassigned.set(self.meter.unassigned.get() + 1);
    }
}

/// Small state of an operator (a source's positions, watermarks): rides on the checkpoint's ack into the manifest.
pub(crate) type Snapshots = Vec<(String, Rc<dyn Fn() -> Value>)>;

/// What the last checkpoint holds for one operator.
#[derive(Clone, Debug, Default)]
pub(crate) struct Restored {
    /// What each subtask had saved, by its index at that time.
    pub(crate) subtasks: BTreeMap<usize, Value>,
    /// How many subtasks the operator had.
    pub(crate) parallelism: usize,
}

/// The place where a subtask is put together.
pub(crate) struct BuildContext {
    /// This subtask's number.
    pub(crate) subtask: usize,
    /// How many subtasks the chain has.
    pub(crate) parallelism: usize,
    /// Among how many subtasks the operator that is built chooses for its records, if it does.
    pub(crate) choices: usize,
    /// Its state, if the head is stateful.
    pub(crate) store: Option<Store>,
    /// What the checkpoint holds, by uid.
    pub(crate) restored: BTreeMap<String, Restored>,
    /// Which of a source's splits the current record comes from: an index into the subtask's splits.
    pub(crate) split: Rc<Cell<usize>>,
    /// The splits of a source, as far as they have been decoded.
    pub(crate) splits: Rc<RefCell<Vec<SplitState>>>,
    /// The subtask's event-time clock: the last watermark it has taken.
    pub(crate) clock: Rc<Cell<Timestamp>>,
    /// The stamp of the present element: processing time as it was when the element was handed over.
    pub(crate) now: Rc<Cell<Timestamp>>,
    /// The first error of a stage during an element, and the operator it is of.
    pub(crate) failure: Rc<RefCell<Option<(usize, Error)>>>,
    pub(crate) current: Rc<Cell<usize>>,
    pub(crate) queue: OutletQueue,
    pub(crate) outlets: Vec<Rc<dyn OutletHandle>>,
    pub(crate) sinks: Vec<SinkPort>,
    /// The sinks of the core that stood here before, if this one is built anew.
    pub(crate) kept: Vec<SinkPort>,
    /// The side outputs of the head, behind its main one.
    pub(crate) sides: Vec<Side>,
    pub(crate) meters: BTreeMap<usize, (String, Rc<Meter>)>,
    pub(crate) snapshots: Snapshots,
    /// Calls to the outside that are to be made.
    pub(crate) calls: super::lookup::Calls,
    /// What operators put aside.
    pub(crate) letters: Rc<RefCell<Vec<DeadLetter>>>,
    /// What fires in the present element.
    pub(crate) firing: Rc<Firing>,
    /// For the records of the present element windows that are gone open once more.
    pub(crate) reopens: Rc<Cell<bool>>,
    /// How records are written down.
    pub(crate) types: Arc<RecordTypes>,
    /// The stages that gather records, those behind before those in front.
    pub(crate) gathering: Vec<Rc<dyn Gathers>>,
    /// What becomes of a record that the operator that is built fails on.
    pub(crate) policy: OnError,
    /// Ways to hand a record to an operator within the chain, by uid.
    pub(crate) inlets: Vec<(String, Rc<dyn Inlet>)>,
    /// Whether the records of this chain come straight from a source, split by split.
    pub(crate) behind_source: bool,
    /// The per-split clocks of the event-time operators behind a source.
    pub(crate) split_times: Vec<Rc<RefCell<super::event_time::SplitTimes>>>,
    /// Where event time begins: the operators that make watermarks, behind a source or not.
    pub(crate) generators: Vec<(usize, Rc<RefCell<super::event_time::SplitTimes>>)>,
    node: usize,
    uid: String,
    batch_size: usize,
}

impl BuildContext {
    /// A context in which nothing has been built yet.
    pub(crate) fn new(subtask: usize, parallelism: usize, batch_size: usize) -> Self {
        let letters: Rc<RefCell<Vec<DeadLetter>>> = Rc::default();
        BuildContext {
            subtask,
            parallelism,
            choices: 1,
            store: None,
            restored: BTreeMap::new(),
            split: Rc::default(),
            splits: Rc::default(),
            clock: Rc::new(Cell::new(Timestamp::MIN)),
            now: Rc::new(Cell::new(Timestamp::MIN)),
            failure: Rc::default(),
            current: Rc::default(),
            queue: OutletQueue::default(),
            outlets: Vec::new(),
            sinks: Vec::new(),
            kept: Vec::new(),
            sides: Vec::new(),
            meters: BTreeMap::new(),
            snapshots: Vec::new(),
            calls: Rc::default(),
            firing: Rc::new(Firing::new(letters.clone())),
            reopens: Rc::default(),
            letters,
            types: Arc::default(),
            gathering: Vec::new(),
            policy: OnError::fail(),
            inlets: Vec::new(),
            behind_source: false,
            split_times: Vec::new(),
            generators: Vec::new(),
            node: 0,
            uid: String::new(),
            batch_size,
        }
    }

    /// From here on `node` is built. Its counters start where the checkpoint left them.
    pub(crate) fn begin(&mut self, node: usize, uid: &str) {
        self.node = node;
        self.uid = uid.to_owned();
        self.current.set(node);
        if self.meters.contains_key(&node) {
            return;
        }
        let meter = Rc::new(Meter::default());
        if let Some(restored) = self.restored.get(uid) {
            let share = |name: &str| -> u64 {
                // Counts of a subtask that no longer exists go on at subtask 0, so that no sum changes.
                let mine = |index: usize| index == self.subtask || (self.subtask == 0 && index >= self.parallelism);
                let counts = restored.subtasks.iter().filter(|(index, _)| mine(**index));
                counts.filter_map(|(_, saved)| saved.get(name)?.as_u64()).sum()
            };
            meter.records_in.set(share("in"));
            meter.records_out.set(share("out"));
            meter.late.set(share("late"));
            meter.unassigned.set(share("unassigned"));
            meter.filtered.set(share("filtered"));
            meter.dead.set(share("dead"));
            meter.dead_timers.set(share("dead_timers"));
        }
        self.meters.insert(node, (uid.to_owned(), meter));
    }

    /// The operator that is built.
    pub(crate) fn uid(&self) -> &str {
        &self.uid
    }

    /// The operator that is built, by number.
    pub(crate) fn node(&self) -> usize {
        self.node
    }

    /// The counts of the operator that is built.
    pub(crate) fn meter(&self) -> Rc<Meter> {
        self.meters[&self.node].1.clone()
    }

    /// The site of the operator that is built.
    pub(crate) fn site(&self) -> Site {
        Site {
            current: self.current.clone(),
            node: self.node,
            meter: self.meter(),
            firing: self.firing.clone(),
            uid: self.uid.as_str().into(),
            subtask: self.subtask,
        }
    }

    /// The writer that the sink that is built had before.
    pub(crate) fn kept_writer<W: 'static>(&self) -> Option<Rc<W>> {
        let kept = self.kept.iter().find(|sink| sink.uid == self.uid)?;
        kept.writer.clone().downcast().ok()
    }

    /// How many records an outlet gathers before it lets a batch go.
    pub(crate) fn batch_size(&self) -> usize {
        self.batch_size
    }

    /// What the operator that is built had saved as its own small state: this subtask's if the parallelism is the same, of
    /// all old subtasks if it has changed. Empty at a first start.
    pub(crate) fn restored<S: DeserializeOwned>(&self) -> Result<Vec<S>, Error> {
        let Some(restored) = self.restored.get(&self.uid) else { return Ok(Vec::new()) };
        let same = restored.parallelism == self.parallelism;
        let relevant = restored.subtasks.iter().filter(|(index, _)| !same || **index == self.subtask);
        let states = relevant.filter_map(|(_, saved)| saved.get("state"));
        states.map(|state| read_state(&self.uid, state)).collect()
    }

    /// Whether the operator that is built had another number of subtasks.
    pub(crate) fn is_rescaled(&self) -> bool {
        self.restored.get(&self.uid).is_some_and(|restored| restored.parallelism != self.parallelism)
    }

    /// Saves `state()` as the small state of the operator that is built, at each checkpoint.
    pub(crate) fn save<S: Serialize>(&mut self, state: impl Fn() -> S + 'static) {
        let saved = move || serde_json::to_value(state()).expect("small state can be written as JSON");
        self.snapshots.push((self.uid.clone(), Rc::new(saved)));
    }

    /// The store of a stateful head.
    ///
    /// # Panics
    /// If the node was not declared stateful.
    pub(crate) fn store(&mut self) -> &mut Store {
        self.store.as_mut().expect("the runtime opens a store for each stateful operator")
    }
}

/// Reads the small state that a checkpoint holds for `uid`.
pub(crate) fn read_state<S: DeserializeOwned>(uid: &str, state: &Value) -> Result<S, Error> {
    let read = serde_json::from_value(state.clone());
    read.map_err(|cause| Error::Snapshot { uid: uid.to_owned(), found: state.to_string(), cause })
}
