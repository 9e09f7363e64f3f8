//! Calls that change which records go on, where, and how fast, but not what they are.

use super::job::lock;
use super::{KeyedStream, Stream};
use crate::graph::{Exchange, Logic, Node};
use crate::operator::{Dedup, Partition, Sample, Tap, Throttle, TimeDomain, TypedPort, ZipWithIndex};
use crate::record::{Data, Key};
use serde::Serialize;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

impl<T: Data> Stream<T> {
    /// This stream and all the others as one: [`union`](Stream::union) of many.
    ///
    /// ```
    /// use millstream::prelude::*;
    ///
    /// let job = Job::new("three-in-one");
    /// let part = |range: std::ops::Range<u64>| job.source(MemorySource::new(range));
    /// let sink = CollectSink::new();
    /// let rows = sink.handle();
    /// part(0..10).union_all([&part(10..20), &part(20..30)]).sink(sink);
    /// job.run(Config::default())?;
    /// assert_eq!(rows.rows().len(), 30);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    #[must_use]
    pub fn union_all<'a>(&self, others: impl IntoIterator<Item = &'a Stream<T>>) -> Stream<T> {
        others.into_iter().fold(self.clone(), |all, other| all.union(other))
    }

    /// Sends each record to the subtask of the next operator that `choose` says. What one subtask sends to another keeps its
    /// order.
    ///
    /// * `choose`: is given the record and the number of subtasks, and returns one of `0..subtasks`. Deterministic.
    ///
    /// Stateless. Where the state of the next operator is kept by key, use [`key_by`](Stream::key_by): a restart at another
    /// parallelism moves state by key.
    ///
    /// # Errors
    /// A number that is too high fails the operator; its name, the number and how many subtasks there are is told. Operators
    /// of different parallelism behind one `partition_custom` are an error of the plan.
    ///
    /// ```
    /// use millstream::prelude::*;
    ///
    /// let job = Job::new("by-size");
    /// let sink = CollectSink::new();
    /// let rows = sink.handle();
    /// let orders = job.source(MemorySource::new([3_u64, 900, 7]));
    /// orders.partition_custom(|cents, subtasks| if *cents >= 500 { 0 } else { subtasks - 1 }).sink(sink);
    /// job.run(Config::default().parallelism(2))?;
    /// assert_eq!(rows.rows(), [900, 3, 7], "subtask 0 comes first");
    /// # Ok::<(), millstream::Error>(())
    /// ```
    #[must_use]
    pub fn partition_custom(&self, choose: impl Fn(&T, usize) -> usize + Send + Sync + 'static) -> Stream<T> {
        let logic = Logic::KeyBy(Arc::new(Partition::new(choose)));
        let id = self.attach("partition_custom", logic, vec![TypedPort::<T>::shared()]);
        Stream::<T>::new(self.graph.clone(), id, 0).exchanged(Exchange::Custom)
    }

    /// Lets at most so many records pass in a second of processing time. The subtasks share the rate evenly: one without
    /// records leaves its share unused. What is above that waits, held by back pressure; nothing is dropped.
    ///
    /// * `records_per_second`: at least 1. After a silence there is no burst; an even flow of single records, or of 100 small
    ///   batches a second.
    ///
    /// One in, one out, order and event time kept. Stateless: no result depends on it, and a restart begins anew. Barriers
    /// pass while it waits, but not ahead of records: a checkpoint takes as long as what is under way in front of it, a block
    /// of the source (mostly up to 1,000 records) and a few batches. It runs in an actor of its own, so
    /// [`event_time`](Stream::event_time) belongs in front of it.
    ///
    /// ```
    /// use millstream::prelude::*;
    /// use millstream::testing::Simulation;
    ///
    /// let job = Job::new("slowly");
    /// let sink = CollectSink::new();
    /// let rows = sink.handle();
    /// job.source(MemorySource::new(0..600_u64)).throttle(10).sink(sink);
    /// let mut simulation = Simulation::start(&job, Config::default().parallelism(1), 1)?;
    /// simulation.run()?;
    /// assert_eq!((rows.rows().len(), simulation.now()), (600, Timestamp::from_millis(59_990)));
    /// # Ok::<(), millstream::Error>(())
    /// ```
    #[must_use]
    pub fn throttle(&self, records_per_second: u64) -> Stream<T> {
        let throttle = Throttle::<T>::new(records_per_second);
        let (limit, flaw) = (throttle.batch_limit(), throttle.flaw());
        let mut node = Node::new("throttle", Logic::Head(Arc::new(throttle)), None, vec![TypedPort::<T>::shared()]);
        (node.batch_limit, node.flaw) = (Some(limit), flaw);
        let id = lock(&self.graph).add(node, &self.from);
        Stream::new(self.graph.clone(), id, 0)
    }

    /// Keeps a part of the records: those for which the hash of what `by` returns is in the lowest `fraction`. Order and
    /// event time kept; stateless. The same records are kept after a restart and in every run, and records that are alike in
    /// `by` are kept or dropped together; the records of a smaller fraction are among those of a larger one.
    ///
    /// * `fraction`: from 0.0 (none) to 1.0 (all).
    /// * `by`: something that differs between records, like their number, or between what is to be kept whole, like a user.
    ///
    /// # Panics
    /// A value whose own `Serialize` refuses it fails the operator.
    ///
    /// ```
    /// use millstream::prelude::*;
    ///
    /// let job = Job::new("some-users");
    /// let sink = CollectSink::new();
    /// let rows = sink.handle();
    /// job.source(MemorySource::new(0..10_000_u64)).sample(0.1, |n| n % 1_000).sink(sink);
    /// job.run(Config::default())?;
    /// let kept = rows.rows();
    /// assert!((700..1_300).contains(&kept.len()));
    /// assert!(kept.iter().all(|n| kept.contains(&((n + 1_000) % 10_000))), "users are kept whole");
    /// # Ok::<(), millstream::Error>(())
    /// ```
    #[must_use]
    pub fn sample<H: Serialize>(&self, fraction: f64, by: impl Fn(&T) -> H + Send + Sync + 'static) -> Stream<T> {
        let sample = Sample::new(fraction);
        let flaw = sample.flaw();
        self.then("sample", sample.operator(by)).with_node(|node| node.flaw = flaw)
    }

    /// Logs each record as it passes, for debugging: by `tracing`, at INFO, target `millstream::tap`, with the fields
    /// `operator` (uid), `subtask`, `label`, `time` (event time, if it has one) and `record`. One in, one out, order and event
    /// time kept; stateless. After a restart records are seen again.
    ///
    /// ```
    /// use millstream::prelude::*;
    /// use millstream::testing::Harness;
    ///
    /// let mut doubled = Harness::new(|numbers: Stream<u64>| numbers.tap("before").map(|n| 2 * n).tap("after"));
    /// doubled.push(4, Timestamp::EPOCH);
    /// assert_eq!(doubled.drain(), [8]);
    /// ```
    #[must_use]
    pub fn tap(&self, label: impl Into<String>) -> Stream<T>
    where
        T: Debug,
    {
        self.then("tap", Tap::<T>::new(label.into()))
    }
}

impl<K: Key, T: Data> KeyedStream<K, T> {
    /// Passes a record of a key only if none of its key that has passed is less than `within` of event time away, before it
    /// or behind it. The others are dropped; the operator's `records_in - records_out` tells how many.
    ///
    /// * `within`: at least 1 ms, whole milliseconds. A record exactly `within` behind the one that passed passes.
    ///
    /// Of records that come out of order the one that *arrives* first passes, and it may be the later one by event time; which
    /// of two from different senders that is may differ between runs, but never do both pass. A record at or before the
    /// watermark is judged by what is still known of its key; where that has been forgotten it passes, rather than be lost.
    ///
    /// At most one out for one in, order and event time kept. State: the times of what has passed, per key, until the watermark
    /// is so far that nothing near them can come; touched for each record.
    ///
    /// # Errors
    /// A record without event time fails the operator.
    ///
    /// ```
    /// use millstream::prelude::*;
    /// use millstream::testing::Harness;
    ///
    /// let mut once = Harness::new(|clicks: Stream<&'static str>| clicks.key_by(|c| c.to_string()).dedup(seconds(10)));
    /// for (user, second) in [("ada", 0), ("ada", 9), ("bob", 9), ("ada", 10)] {
    ///     once.push(user, Timestamp::from_seconds(second));
    /// }
    /// assert_eq!(once.drain(), ["ada", "bob", "ada"]);
    /// ```
    pub fn dedup(&self, within: Duration) -> Stream<T> {
        self.deduplicated("dedup(event time)", within, TimeDomain::Event)
    }

    /// [`dedup`](KeyedStream::dedup) by processing time: passes a record of a key, and drops the others of that key until
    /// `within` has gone by. Records need no event time. Which pass depends on when they arrive.
    pub fn dedup_by_processing_time(&self, within: Duration) -> Stream<T> {
        self.deduplicated("dedup(processing time)", within, TimeDomain::Processing)
    }

    fn deduplicated(&self, kind: &str, within: Duration, domain: TimeDomain) -> Stream<T> {
        let dedup = Dedup::new(self.key.clone(), within, domain);
        let flaw = dedup.flaw();
        self.then(kind, Logic::Keyed(Arc::new(dedup))).with_node(|node| node.flaw = flaw)
    }

    /// Numbers the records of each key from 0 in the order in which they come. One in, one out, order and event time kept.
    /// State: one number per key, kept for ever; touched for each record.
    ///
    /// ```
    /// use millstream::prelude::*;
    /// use millstream::testing::Harness;
    ///
    /// let mut numbered = Harness::new(|words: Stream<&'static str>| words.key_by(|w| w.len() as u64).zip_with_index());
    /// for word in ["to", "be", "or", "not"] {
    ///     numbered.push(word, Timestamp::EPOCH);
    /// }
    /// assert_eq!(numbered.drain(), [(0, "to"), (1, "be"), (2, "or"), (0, "not")]);
    /// ```
    pub fn zip_with_index(&self) -> Stream<(u64, T)> {
        self.then("zip_with_index", Logic::Keyed(Arc::new(ZipWithIndex::new(self.key.clone()))))
    }
}
