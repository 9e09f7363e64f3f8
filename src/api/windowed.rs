//! Windows over a keyed stream.

use super::job::{SharedGraph, lock};
use super::{LocalGlobal, Stream};
use crate::graph::{Exchange, Logic, Node, NodeId};
use crate::operator::window::trigger::Trigger;
use crate::operator::window::{
    Cut, Late, WindowCollect, WindowDistinct, WindowInfo, WindowOperator, WindowProcess, Windowed, Windows,
};
use crate::operator::{Aggregate, Count, HeadFactory, Reduce, TypedPort};
use crate::record::{Data, Key};
use crate::state::StateValue;
use serde::{Serialize, de::DeserializeOwned};
use std::sync::Arc;
use std::time::Duration;

/// A keyed stream cut into windows; one of its methods says what becomes of each window.
///
/// Unless a [`trigger`](WindowedStream::trigger) or an [`allowed_lateness`](WindowedStream::allowed_lateness) says otherwise,
/// a window speaks once, at its end: when the watermark reaches its last instant (`end - 1 ms`), or, by processing time, when
/// the clock reaches its end. Results bear the last instant as their event time and come by window end, then by key. A record
/// all of whose windows are gone is *late*: it is counted and goes to [`late`](WindowedStream::late), where nothing happens to
/// it unless that stream is used. [`operator::window`](crate::operator::window) has a table of what speaks when.
pub struct WindowedStream<K, T> {
    graph: SharedGraph,
    node: NodeId,
    key: Arc<dyn Fn(&T) -> K + Send + Sync>,
    cut: Cut<T>,
}

impl<K: Key, T: Data> WindowedStream<K, T> {
    pub(crate) fn new(
        graph: SharedGraph,
        key_by: NodeId,
        key: Arc<dyn Fn(&T) -> K + Send + Sync>,
        windows: Windows<T>,
    ) -> Self {
        let cut = Cut::new(windows);
        // A window nobody aggregates leads to no sink, so the plan refuses it before this logic could run.
        let logic = Logic::Keyed(Arc::new(WindowOperator::new(key.clone(), cut.clone(), Count)));
        let ports =
            vec![TypedPort::<Windowed<K, u64>>::shared(), TypedPort::<Late<T>>::shared(), TypedPort::<T>::shared()];
        let mut node = Node::new(cut.name(), logic, None, ports);
        node.flaw = cut.check().err();
        let id = lock(&graph).add(node, &[(key_by, 0, Exchange::Hash)]);
        WindowedStream { graph, node: id, key, cut }
    }

    /// In one subtask.
    pub(crate) fn alone(self) -> Self {
        lock(&self.graph).nodes[self.node].parallelism = Some(1);
        self
    }

    /// Cuts another way.
    fn with_cut(self, cut: Cut<T>) -> Self {
        let mut graph = lock(&self.graph);
        graph.nodes[self.node].kind = cut.name();
        graph.nodes[self.node].flaw = cut.check().err();
        drop(graph);
        WindowedStream { cut, ..self }
    }

    /// Lets a trigger say when windows speak, instead of once, on time.
    ///
    /// ```
    /// use millstream::operator::window::{Timing, trigger::ContinuousTrigger};
    /// use millstream::prelude::*;
    /// use millstream::testing::Harness;
    ///
    /// let mut counts = Harness::new(|hits: Stream<&'static str>| {
    ///     let windows = hits.key_by(|page| page.to_string()).window(Tumbling::of(hours(1)));
    ///     windows.trigger(ContinuousTrigger::every(minutes(10))).count()
    /// });
    /// counts.push("/", Timestamp::EPOCH).watermark(Timestamp::EPOCH + minutes(10));
    /// counts.push("/", Timestamp::EPOCH + minutes(11)).watermark(Timestamp::EPOCH + hours(1));
    /// let told = counts.drain().into_iter().map(|window| (window.pane.timing, window.pane.index, window.value));
    /// assert_eq!(told.collect::<Vec<_>>(), [(Timing::Early, 0, 1), (Timing::OnTime, 1, 2)]);
    /// ```
    #[must_use]
    pub fn trigger(self, trigger: impl Trigger<T>) -> Self {
        let cut = self.cut.clone().trigger(trigger);
        self.with_cut(cut)
    }

    /// Keeps windows by event time for so long behind their end: a record that comes in that time is added, and the window
    /// speaks again at once, unless its trigger says otherwise. What is later still goes to
    /// [`late`](WindowedStream::late).
    ///
    /// * lateness: whole milliseconds; 0 unless told otherwise.
    ///
    /// ```
    /// use millstream::operator::window::Timing;
    /// use millstream::prelude::*;
    /// use millstream::testing::Harness;
    ///
    /// let mut counts = Harness::new(|hits: Stream<&'static str>| {
    ///     let windows = hits.key_by(|page| page.to_string()).window(Tumbling::of(hours(1)));
    ///     windows.allowed_lateness(minutes(5)).count()
    /// });
    /// counts.push("/", Timestamp::EPOCH).watermark(Timestamp::EPOCH + hours(1));
    /// counts.push("/", Timestamp::EPOCH + minutes(1)).watermark(Timestamp::EPOCH + minutes(65));
    /// counts.push("/", Timestamp::EPOCH + minutes(2));
    /// let told = counts.drain().into_iter().map(|window| (window.pane.timing, window.value));
    /// assert_eq!(told.collect::<Vec<_>>(), [(Timing::OnTime, 1), (Timing::Late, 2)]);
    /// ```
    #[must_use]
    pub fn allowed_lateness(self, lateness: Duration) -> Self {
        let cut = self.cut.clone().allowed_lateness(lateness);
        self.with_cut(cut)
    }

    /// The records that came too late for all of their windows, with how late they were.
    pub fn late(&self) -> Stream<Late<T>> {
        Stream::new(self.graph.clone(), self.node, 1)
    }

    /// The records that belonged to no window, as in the gaps between windows that slide further than they are long.
    pub fn unassigned(&self) -> Stream<T> {
        Stream::new(self.graph.clone(), self.node, 2)
    }

    /// Aggregates in two phases: first in each subtask in front of the exchange, by key and pane, and behind it what those
    /// come to. So a key with very many records does not sink the one subtask that owns it, and less goes over the exchange.
    ///
    /// For tumbling and sliding windows by event time with their default trigger, and for aggregates whose `merge` does not
    /// care how records were grouped: all of the library are such. [`late`](WindowedStream::late) of this stream stays
    /// empty: what is late is a part, see [`LocalGlobal::aggregate_with_late`].
    ///
    /// ```
    /// use millstream::prelude::*;
    /// use millstream::testing::Harness;
    ///
    /// let mut counts = Harness::new(|hits: Stream<&'static str>| {
    ///     hits.key_by(|page| page.to_string()).window(Tumbling::of(hours(1))).local_global().count()
    /// });
    /// counts.push("/", Timestamp::EPOCH).push("/", Timestamp::EPOCH);
    /// assert_eq!(counts.end().drain()[0].value, 2);
    /// ```
    #[must_use]
    pub fn local_global(self) -> LocalGlobal<K, T> {
        LocalGlobal::new(self.graph, self.node, self.key, self.cut)
    }

    /// Aggregates each window of each key. State: one accumulator per key and open window.
    ///
    /// Sliding windows by event time that fire once share their records in *panes*, the parts into which time is cut where
    /// windows begin or end: a record costs the same however many windows hold it, and the state is one accumulator per key
    /// and pane. Count windows do the same with numbers of records. With another trigger, or with lateness, or by processing
    /// time, each window has an accumulator of its own, and a record is added to all that hold it.
    pub fn aggregate<A: Aggregate<T>>(self, aggregate: A) -> Stream<Windowed<K, A::Output>> {
        let operator = WindowOperator::new(self.key.clone(), self.cut.clone(), aggregate);
        self.finish(operator)
    }

    /// Counts the records of each window of each key.
    pub fn count(self) -> Stream<Windowed<K, u64>> {
        self.aggregate(Count)
    }

    /// Counts the distinct values of each window of each key, exactly.
    ///
    /// State, for tumbling windows by event time that speak once: one entry per key, open window and value, so that an epoch
    /// writes those that are new. Other windows keep a set for each window, which an epoch writes anew if it has grown.
    ///
    /// ```
    /// use millstream::prelude::*;
    /// use millstream::testing::Harness;
    ///
    /// let mut visitors = Harness::new(|hits: Stream<(&'static str, u32)>| {
    ///     let hours = hits.key_by(|hit| hit.0.to_string()).window(Tumbling::of(hours(1)));
    ///     hours.count_distinct(|hit| hit.1).map(|window| window.value)
    /// });
    /// for visitor in [7, 8, 7] {
    ///     visitors.push(("/", visitor), Timestamp::EPOCH);
    /// }
    /// assert_eq!(visitors.end().drain(), [2]);
    /// ```
    pub fn count_distinct<V: Key>(self, value: impl Fn(&T) -> V + Send + Sync + 'static) -> Stream<Windowed<K, u64>> {
        let operator = WindowDistinct::new(self.key.clone(), self.cut.clone(), Arc::new(value));
        self.finish(operator)
    }

    /// Combines the records of each window of each key into one. State: one record per key and open window.
    pub fn reduce(self, combine: impl Fn(&T, &T) -> T + Send + Sync + 'static) -> Stream<Windowed<K, T>>
    where
        T: Serialize + DeserializeOwned,
    {
        self.aggregate(Reduce::by(combine))
    }

    /// All records of each window of each key, in the order in which they came. Sliding windows have them by *pane*, the parts
    /// into which time is cut where windows begin or end, and by order within each. State: all records of the open windows,
    /// each once.
    pub fn collect(self) -> Stream<Windowed<K, Vec<T>>>
    where
        T: Serialize + DeserializeOwned,
    {
        let operator = WindowCollect::new(self.key.clone(), self.cut.clone());
        self.finish(operator)
    }

    /// Hands all records of each window of each key to a function, with the key, the window, and which of its results is
    /// asked for. What the function emits bears the window's last instant as its event time.
    ///
    /// Records come in the order in which they came; where sessions merge, those of the earlier one first. State: all records
    /// of the open windows. Where an [`aggregate`](WindowedStream::aggregate) will do it holds less.
    ///
    /// ```
    /// use millstream::prelude::*;
    /// use millstream::testing::Harness;
    ///
    /// // The visitors of each hour who came more than once.
    /// let mut regulars = Harness::new(|visits: Stream<&'static str>| {
    ///     let visits = visits.map(str::to_owned).key_by(|_| "all".to_owned()).window(Tumbling::of(hours(1)));
    ///     visits.process(|_key, _info, names, emit| {
    ///         let mut names = names.to_vec();
    ///         names.sort();
    ///         for same in names.chunk_by(|a, b| a == b).filter(|same| same.len() > 1) {
    ///             emit(same[0].clone());
    ///         }
    ///     })
    /// });
    /// for name in ["bob", "ada", "eve", "bob", "ada"] {
    ///     regulars.push(name, Timestamp::EPOCH);
    /// }
    /// assert_eq!(regulars.end().drain(), ["ada", "bob"]);
    /// ```
    pub fn process<R: Data>(
        self,
        function: impl Fn(&K, &WindowInfo, &[T], &mut dyn FnMut(R)) + Send + Sync + 'static,
    ) -> Stream<R>
    where
        T: Serialize + DeserializeOwned,
    {
        self.process_with_state(move |key, info, records, (): &mut (), emit| function(key, info, records, emit))
    }

    /// [`process`](WindowedStream::process) with a value per key that outlives the key's windows, its default at first.
    ///
    /// State: all records of the open windows, and one value for each key that has ever had a window, for ever.
    ///
    /// ```
    /// use millstream::prelude::*;
    /// use millstream::testing::Harness;
    ///
    /// // By how much the sales of an hour differ from those of the hour before.
    /// let mut change = Harness::new(|sales: Stream<i64>| {
    ///     let sales = sales.key_by(|_| "shop".to_owned()).window(Tumbling::of(hours(1)));
    ///     sales.process_with_state(|_key, _info, sales, before: &mut i64, emit| {
    ///         let now = sales.iter().sum();
    ///         emit(now - std::mem::replace(before, now));
    ///     })
    /// });
    /// change.push(5, Timestamp::EPOCH).push(2, Timestamp::EPOCH).watermark(Timestamp::EPOCH + hours(1));
    /// change.crash_and_restore().push(4, Timestamp::EPOCH + minutes(61));
    /// assert_eq!(change.end().drain(), [7, -3]);
    /// ```
    pub fn process_with_state<S: StateValue + Default, R: Data>(
        self,
        function: impl Fn(&K, &WindowInfo, &[T], &mut S, &mut dyn FnMut(R)) + Send + Sync + 'static,
    ) -> Stream<R>
    where
        T: Serialize + DeserializeOwned,
    {
        let collect = WindowCollect::new(self.key.clone(), self.cut.clone());
        self.end_in(WindowProcess::new(collect, function))
    }

    fn finish<U: Data>(self, operator: impl HeadFactory + 'static) -> Stream<Windowed<K, U>> {
        self.end_in(operator)
    }

    fn end_in<R: Data>(self, operator: impl HeadFactory + 'static) -> Stream<R> {
        let mut graph = lock(&self.graph);
        let node = &mut graph.nodes[self.node];
        node.logic = Logic::Keyed(Arc::new(operator));
        node.ports[0] = TypedPort::<R>::shared();
        drop(graph);
        Stream::new(self.graph.clone(), self.node, 0)
    }
}
