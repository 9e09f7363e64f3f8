//! Joins: two streams, what they are equal in, how near to each other, and what becomes of a pair.

use super::job::{SharedGraph, lock};
use super::stream::same_job;
use super::{KeyedStream, Stream, WindowedStream};
use crate::graph::{Exchange, Logic, Node, NodeId};
use crate::operator::join::{self, Bounds, Either, Kind, Offset, Retention, each_pair};
use crate::operator::window::{Late, Window, Windowed, Windows};
use crate::operator::{HeadFactory, Port, TimeDomain, TypedPort};
use crate::record::{Data, Key};
use serde::{Serialize, de::DeserializeOwned};
use std::sync::Arc;
use std::time::Duration;

type KeyFunction<T, K> = Arc<dyn Fn(&T) -> K + Send + Sync>;

impl<L: Data> Stream<L> {
    /// Begins a join of this stream (the left one) with another (the right one).
    ///
    /// ```
    /// use millstream::prelude::*;
    ///
    /// let job = Job::new("paid-orders");
    /// let sink = CollectSink::new();
    /// let rows = sink.handle();
    /// let at = |(_, minute): &(u64, i64)| Timestamp::from_seconds(60 * minute);
    /// let orders = job.source(MemorySource::new([(1_u64, 0_i64), (2, 1)])).event_time(at, Watermarks::monotonic());
    /// let payments = job.source(MemorySource::new([(1_u64, 5_i64), (2, 99)])).event_time(at, Watermarks::monotonic());
    /// orders
    ///     .join(&payments)
    ///     .on(|order| order.0, |payment| payment.0)
    ///     .interval(minutes(0), hours(1))
    ///     .inner(|order, payment| (order.0, payment.1 - order.1))
    ///     .sink(sink);
    /// job.run(Config::default())?;
    /// assert_eq!(rows.rows(), [(1, 5)], "order 1 was paid after five minutes, order 2 too late");
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn join<R: Data>(&self, right: &Stream<R>) -> Join<L, R> {
        let same = same_job(&self.graph, self.from[0].0, &right.graph);
        // If not, the mistake is noted, and what stands in for the stream is never run.
        let right = if same { right.clone() } else { self.flat_map(|_| None) };
        Join { left: self.clone(), right }
    }
}

/// Two streams that are to be joined: [`on`](Join::on) says in what their records are equal.
pub struct Join<L, R> {
    left: Stream<L>,
    right: Stream<R>,
}

impl<L: Data, R: Data> Join<L, R> {
    /// Joins records with equal keys. As with [`key_by`](Stream::key_by) the functions are called on both sides of the
    /// exchange, so they should be cheap and must be deterministic.
    pub fn on<K: Key>(
        self,
        left: impl Fn(&L) -> K + Send + Sync + 'static,
        right: impl Fn(&R) -> K + Send + Sync + 'static,
    ) -> JoinOn<K, L, R> {
        JoinOn { left: self.left, right: self.right, left_key: Arc::new(left), right_key: Arc::new(right) }
    }
}

/// Two streams and the keys in which their records must be equal. What is missing is how near a pair must be in time:
///
/// | call | a pair is |
/// |---|---|
/// | [`window`](JoinOn::window) | in one window |
/// | [`interval`](JoinOn::interval) | apart in event time by what the bounds allow |
/// | [`unbounded`](JoinOn::unbounded) | any two records of one key; with a time to live, if the first is still kept |
pub struct JoinOn<K, L, R> {
    left: Stream<L>,
    right: Stream<R>,
    left_key: KeyFunction<L, K>,
    right_key: KeyFunction<R, K>,
}

impl<K, L, R> JoinOn<K, L, R>
where
    K: Key,
    L: Data + Serialize + DeserializeOwned,
    R: Data + Serialize + DeserializeOwned,
{
    /// Joins the records of one key and one window, of any kind: the result is a windowed stream of both, with
    /// [`inner`](WindowedStream::inner), [`left`](WindowedStream::left), [`right`](WindowedStream::right) and
    /// [`full`](WindowedStream::full) besides what every windowed stream has, such as
    /// [`late`](WindowedStream::late). Session windows are of both streams in common, as in Flink.
    pub fn window(self, windows: impl Into<Windows<Either<L, R>>>) -> WindowedStream<K, Either<L, R>> {
        let JoinOn { left, right, left_key, right_key } = self;
        let both = left.map(Either::Left).union(&right.map(Either::Right));
        let keyed = both.key_by(move |record| match record {
            Either::Left(record) => left_key(record),
            Either::Right(record) => right_key(record),
        });
        keyed.window(windows)
    }

    /// Joins a left record with the right ones whose event time is from `lower` to `upper` away from its own, both bounds
    /// included: Flink's interval join. A duration stands for so much later, [`Offset::before`] for earlier.
    ///
    /// Whole milliseconds; `lower` must not exceed `upper`.
    pub fn interval(self, lower: impl Into<Offset>, upper: impl Into<Offset>) -> IntervalJoin<K, L, R> {
        let bounds = Bounds { lower: lower.into().millis(), upper: upper.into().millis() };
        // A join nobody finishes leads to no sink, so the plan refuses it before this logic could run.
        let (left, right) = (self.left_key.clone(), self.right_key.clone());
        let logic = join::IntervalJoin { left, right, bounds, combine: Arc::new(|_, _| ()) };
        let ports = vec![TypedPort::<()>::shared(), TypedPort::<Late<L>>::shared(), TypedPort::<Late<R>>::shared()];
        let (graph, node) = self.operator("interval_join", logic, ports);
        IntervalJoin { graph, node, left: self.left_key, right: self.right_key, bounds }
    }

    /// Joins every record with all records of the other stream with its key that came before: a regular inner join of Flink
    /// SQL. State: all records of both streams, for ever, unless a time to live is set.
    pub fn unbounded(self) -> RegularJoin<K, L, R> {
        RegularJoin { on: self, retention: Retention::Forever }
    }

    /// Adds an operator with the two keyed streams as its inputs.
    fn operator(
        &self,
        kind: &str,
        logic: impl HeadFactory + 'static,
        ports: Vec<Arc<dyn Port>>,
    ) -> (SharedGraph, NodeId) {
        fn keyed<K: Key, T: Data>(stream: &Stream<T>, key: &KeyFunction<T, K>) -> KeyedStream<K, T> {
            let key = key.clone();
            stream.key_by(move |record| key(record))
        }
        let left = keyed(&self.left, &self.left_key);
        let right = keyed(&self.right, &self.right_key);
        let node = Node::new(kind, Logic::Keyed(Arc::new(logic)), None, ports);
        let inputs = [(left.key_by, 0, Exchange::Hash), (right.key_by, 0, Exchange::Hash)];
        let id = lock(&left.graph).join(node, &[&inputs[..1], &inputs[1..]]);
        (left.graph, id)
    }
}

/// A join by the difference of event times. See [`JoinOn::interval`].
///
/// Results come when the second record of a pair arrives, with the later of both event times; those for one record by the
/// event time of the partner. A record without partner is told by nobody.
///
/// A record at or before the watermark is *late*: what it belongs to may be gone. It takes no part in the join, is counted, and
/// goes to [`late_left`](IntervalJoin::late_left) or [`late_right`](IntervalJoin::late_right), where nothing happens to it
/// unless that stream is used. (In Flink one exactly at the watermark takes part, but may miss a partner that has just been
/// removed.)
///
/// State: each record until the watermark has come to where its last partner could be, so that a record at `t` of the left
/// stream goes at `t + upper`, one of the right stream at `t - lower`. Touched for each record; its partners are looked up
/// in a sorted map. The bounds may be changed between two starts of a job: what is forgotten stays forgotten.
pub struct IntervalJoin<K, L, R> {
    graph: SharedGraph,
    node: NodeId,
    left: KeyFunction<L, K>,
    right: KeyFunction<R, K>,
    bounds: Bounds,
}

impl<K, L, R> IntervalJoin<K, L, R>
where
    K: Key,
    L: Data + Serialize + DeserializeOwned,
    R: Data + Serialize + DeserializeOwned,
{
    /// A partner exactly at the lower bound does not count.
    #[must_use]
    pub fn exclusive_lower(mut self) -> Self {
        self.bounds.lower = self.bounds.lower.saturating_add(1);
        self
    }

    /// A partner exactly at the upper bound does not count.
    #[must_use]
    pub fn exclusive_upper(mut self) -> Self {
        self.bounds.upper = self.bounds.upper.saturating_sub(1);
        self
    }

    /// The left records that came too late.
    pub fn late_left(&self) -> Stream<Late<L>> {
        Stream::new(self.graph.clone(), self.node, 1)
    }

    /// The right records that came too late.
    pub fn late_right(&self) -> Stream<Late<R>> {
        Stream::new(self.graph.clone(), self.node, 2)
    }

    /// Makes one record of each pair.
    ///
    /// # Errors
    /// A record without event time fails the operator. An empty interval is an error of the plan.
    pub fn inner<O: Data>(self, combine: impl Fn(&L, &R) -> O + Send + Sync + 'static) -> Stream<O> {
        let IntervalJoin { graph, node, left, right, bounds } = self;
        let logic = join::IntervalJoin { left, right, bounds, combine: Arc::new(combine) };
        let mut locked = lock(&graph);
        locked.nodes[node].flaw = bounds.flaw();
        locked.nodes[node].logic = Logic::Keyed(Arc::new(logic));
        locked.nodes[node].ports[0] = TypedPort::<O>::shared();
        drop(locked);
        Stream::new(graph, node, 0)
    }
}

/// A join of all records with equal keys. See [`JoinOn::unbounded`].
///
/// A result comes when the second record of a pair arrives, with the later of both event times; those for one record in the
/// order in which its partners expire, and came. No record is late here; one behind the watermark joins as any other, but its
/// results may be late for what follows.
///
/// Without a time to live all records are kept for ever. With one, which pairs are found at its edge depends on when records
/// arrive, as in Flink (`table.exec.state.ttl`): for pairs that depend on event time alone use
/// [`interval`](JoinOn::interval).
pub struct RegularJoin<K, L, R> {
    on: JoinOn<K, L, R>,
    retention: Retention,
}

impl<K, L, R> RegularJoin<K, L, R>
where
    K: Key,
    L: Data + Serialize + DeserializeOwned,
    R: Data + Serialize + DeserializeOwned,
{
    /// Keeps each record for that long after it came, by processing time.
    ///
    /// * `ttl`: at least 1 ms, whole milliseconds.
    #[must_use]
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.retention = Retention::For(ttl, TimeDomain::Processing);
        self
    }

    /// Keeps each record until the watermark is that far behind its event time. Every record must have one.
    ///
    /// * `ttl`: at least 1 ms, whole milliseconds.
    #[must_use]
    pub fn event_time_ttl(mut self, ttl: Duration) -> Self {
        self.retention = Retention::For(ttl, TimeDomain::Event);
        self
    }

    /// Makes one record of each pair. State: all records that have not expired, in a sorted map per key and side; touched for
    /// each record.
    ///
    /// ```
    /// use millstream::prelude::*;
    /// use millstream::testing::Harness;
    ///
    /// // Of one stream two, as it is the only one that a harness has.
    /// let mut named = Harness::new(|records: Stream<(u64, &'static str)>| {
    ///     let (users, clicks) = records.map(|(id, text)| (id, text.to_string())).split(|(_, text)| text.starts_with('@'));
    ///     let joined = users.join(&clicks).on(|user| user.0, |click| click.0).unbounded().ttl(hours(1));
    ///     joined.inner(|user, click| format!("{} {}", user.1, click.1))
    /// });
    /// named.push((1, "@ada"), Timestamp::MIN).push((1, "/about"), Timestamp::MIN);
    /// assert_eq!(named.drain(), ["@ada /about"]);
    /// named.advance(hours(1)).push((1, "/help"), Timestamp::MIN);
    /// assert!(named.drain().is_empty(), "nobody knows user 1 any more");
    /// ```
    ///
    /// # Errors
    /// With [`event_time_ttl`](RegularJoin::event_time_ttl) a record without event time fails the operator. A time to live
    /// of 0 is an error of the plan.
    pub fn inner<O: Data>(self, combine: impl Fn(&L, &R) -> O + Send + Sync + 'static) -> Stream<O> {
        let RegularJoin { on, retention } = self;
        let (left, right) = (on.left_key.clone(), on.right_key.clone());
        let logic = join::RegularJoin { left, right, retention, combine: Arc::new(combine) };
        let (graph, node) = on.operator(retention.kind(), logic, vec![TypedPort::<O>::shared()]);
        lock(&graph).nodes[node].flaw = retention.flaw();
        Stream::new(graph, node, 0)
    }
}

/// Window joins: what a window of two streams (see [`JoinOn::window`]) becomes when it fires.
///
/// State: all records of the open windows. Results bear the window's last instant as their event time; those of a window come
/// by left record, then by right record, each in the order in which it came. A window makes all its pairs in one go, as many
/// as it has left records times right ones. A window that fires more than once makes all its pairs anew each time.
impl<K, L, R> WindowedStream<K, Either<L, R>>
where
    K: Key,
    L: Data + Serialize + DeserializeOwned,
    R: Data + Serialize + DeserializeOwned,
{
    /// Makes one record of each left record with each right record of a window.
    ///
    /// ```
    /// use millstream::prelude::*;
    ///
    /// let job = Job::new("same-minute");
    /// let sink = CollectSink::new();
    /// let rows = sink.handle();
    /// let at = |(_, second): &(u64, i64)| Timestamp::from_seconds(*second);
    /// let clicks = job.source(MemorySource::new([(1_u64, 3_i64), (1, 70)])).event_time(at, Watermarks::monotonic());
    /// let views = job.source(MemorySource::new([(1_u64, 59_i64), (2, 59)])).event_time(at, Watermarks::monotonic());
    /// let both = clicks.join(&views).on(|click| click.0, |view| view.0).window(Tumbling::of(minutes(1)));
    /// both.left(|click, view| (click.1, view.map(|view| view.1))).map(|window| window.value).sink(sink);
    /// job.run(Config::default())?;
    /// assert_eq!(rows.rows(), [(3, Some(59)), (70, None)]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn inner<O: Data>(self, combine: impl Fn(&L, &R) -> O + Send + Sync + 'static) -> Stream<Windowed<K, O>> {
        self.paired(Kind::Inner, move |left, right| {
            combine(left.expect("a pair has a left record"), right.expect("a pair has a right record"))
        })
    }

    /// [`inner`](WindowedStream::inner), and one record of each left record in whose window no right one is.
    pub fn left<O: Data>(
        self,
        combine: impl Fn(&L, Option<&R>) -> O + Send + Sync + 'static,
    ) -> Stream<Windowed<K, O>> {
        self.paired(Kind::Left, move |left, right| combine(left.expect("a left join has a left record"), right))
    }

    /// [`inner`](WindowedStream::inner), and one record of each right record in whose window no left one is.
    pub fn right<O: Data>(
        self,
        combine: impl Fn(Option<&L>, &R) -> O + Send + Sync + 'static,
    ) -> Stream<Windowed<K, O>> {
        self.paired(Kind::Right, move |left, right| combine(left, right.expect("a right join has a right record")))
    }

    /// [`inner`](WindowedStream::inner), and one record of each record in whose window none of the other stream is.
    pub fn full<O: Data>(
        self,
        combine: impl Fn(Option<&L>, Option<&R>) -> O + Send + Sync + 'static,
    ) -> Stream<Windowed<K, O>> {
        self.paired(Kind::Full, combine)
    }

    fn paired<O: Data>(
        self,
        kind: Kind,
        combine: impl Fn(Option<&L>, Option<&R>) -> O + Send + Sync + 'static,
    ) -> Stream<Windowed<K, O>> {
        self.process(move |key: &K, info, records, emit| {
            let Window { start, end } = info.window;
            each_pair(kind, records, |left, right| {
                emit(Windowed { key: key.clone(), start, end, value: combine(left, right), pane: info.pane });
            });
        })
    }
}
