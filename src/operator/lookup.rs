//! Enrichment by calls to the outside: each record asks, and goes on with the answer.
//!
//! The head hands its calls to the shell, which makes them on the side, with a limit of time for each and with retries; an
//! answer comes back as an element of its own. What has been asked and not answered is part of the snapshot: after a
//! restart it is asked again, so the outside may see a question twice, and each record goes on once.
//!
//! * At most `concurrency` calls are open in a subtask; while more records wait, it takes no more.
//! * *Ordered*: records go on in the order in which they came. *Unordered*: as they are answered, but none overtakes a
//!   watermark, nor a watermark a record, as in Flink.

use super::{AnyStage, BuildContext, Error, Head, HeadFactory, Site, Stage, only};
use crate::record::{Batch, Data, decode, encode};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::any::Any;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// An answer whose type only its operator knows, or why there is none.
pub(crate) type Answer = Result<Box<dyn Any + Send>, String>;

/// Makes one call.
type Attempt = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Answer>>> + Send + Sync>;

/// A call to the outside, which the shell makes.
pub(crate) struct Call {
    pub(crate) id: u64,
    pub(crate) attempt: Attempt,
    pub(crate) patience: Patience,
}

/// How long an answer is waited for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// For one attempt.
    pub(crate) timeout: Duration,
    /// How many more attempts there are after one that fails.
    pub(crate) retries: u32,
    /// The pause before the first of them; doubles each time.
    pub(crate) delay: Duration,
}

/// Calls that wait for the shell to make them.
pub(crate) type Calls = Rc<RefCell<VecDeque<Call>>>;

type Ask<T, U> = Arc<dyn Fn(&T) -> Pin<Box<dyn Future<Output = Result<U, String>>>> + Send + Sync>;
type Fallback<T, U> = Arc<dyn Fn(&T, &str) -> U + Send + Sync>;

/// How records are enriched by calls to the outside: [`Stream::lookup`](crate::api::Stream::lookup).
///
/// Defaults: 100 calls at once in each subtask, 30 s for each attempt, 3 retries, the first after 100 ms.
///
/// ```
/// use millstream::operator::Lookup;
/// use millstream::prelude::*;
///
/// async fn country(ip: String) -> Result<String, String> {
///     if ip.starts_with("10.") { Ok("here".into()) } else { Err("unknown address".into()) }
/// }
///
/// let job = Job::new("countries");
/// let sink = CollectSink::new();
/// let rows = sink.handle();
/// job.source(MemorySource::new(["10.0.0.1".to_string(), "192.0.2.7".to_string()]))
///     .lookup(Lookup::ordered(|ip: &String| country(ip.clone())).retries(0, millis(1)).fallback(|_, _| "?".into()))
///     .sink(sink);
/// job.run(Config::default())?;
/// assert_eq!(rows.rows(), ["here", "?"]);
/// # Ok::<(), millstream::Error>(())
/// ```
pub struct Lookup<T, U> {
    ask: Ask<T, U>,
    fallback: Option<Fallback<T, U>>,
    ordered: bool,
    concurrency: usize,
    patience: Patience,
}

impl<T: Data, U: Data> Lookup<T, U> {
    fn new<F, E>(ask: impl Fn(&T) -> F + Send + Sync + 'static, ordered: bool) -> Self
    where
        F: Future<Output = Result<U, E>> + 'static,
        E: std::fmt::Display,
    {
        let ask: Ask<T, U> = Arc::new(move |record| {
            let answer = ask(record);
            Box::pin(async move { answer.await.map_err(|error| error.to_string()) })
        });
        let patience = Patience { timeout: Duration::from_secs(30), retries: 3, delay: Duration::from_millis(100) };
        Lookup { ask, fallback: None, ordered, concurrency: 100, patience }
    }

    /// Records go on in the order in which they came, each as what `ask` answers.
    ///
    /// `ask` runs on the thread that moves the subtask's data, which has a tokio runtime: it must not block.
    pub fn ordered<F, E>(ask: impl Fn(&T) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<U, E>> + 'static,
        E: std::fmt::Display,
    {
        Self::new(ask, true)
    }

    /// Records go on as they are answered. None overtakes a watermark.
    ///
    /// `ask` runs on the thread that moves the subtask's data, which has a tokio runtime: it must not block.
    pub fn unordered<F, E>(ask: impl Fn(&T) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<U, E>> + 'static,
        E: std::fmt::Display,
    {
        Self::new(ask, false)
    }

    /// How many calls each subtask may have open. At least 1.
    #[must_use]
    pub fn concurrency(mut self, calls: usize) -> Self {
        self.concurrency = calls;
        self
    }

    /// How long one attempt may take.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.patience.timeout = timeout;
        self
    }

    /// How often a call that fails or takes too long is made again; the pause before that begins with `delay` and doubles.
    #[must_use]
    pub fn retries(mut self, retries: u32, delay: Duration) -> Self {
        (self.patience.retries, self.patience.delay) = (retries, delay);
        self
    }

    /// What a record goes on as when all attempts have failed, from it and the last error. Without a fallback the operator
    /// fails then, and the job's restart strategy decides.
    #[must_use]
    pub fn fallback(mut self, fallback: impl Fn(&T, &str) -> U + Send + Sync + 'static) -> Self {
        self.fallback = Some(Arc::new(fallback));
        self
    }

    /// Its kind, as the graph and a checkpoint name it.
    pub(crate) fn kind(&self) -> &'static str {
        if self.ordered { "lookup(ordered)" } else { "lookup(unordered)" }
    }

    /// What is wrong with it, if anything.
    pub(crate) fn flaw(&self) -> Option<String> {
        (self.concurrency == 0).then(|| "the concurrency of a lookup is 0; set it to at least 1".to_owned())
    }
}

/// What has been taken and has not gone on.
enum Entry<T, U> {
    Record { record: T, time: Timestamp, call: Progress<U> },
    Watermark(Timestamp),
}

/// How far the call of a record is.
enum Progress<U> {
    Waiting,
    /// It is open under this number.
    Open(u64),
    Answered(U),
}

impl<U> Progress<U> {
    fn is(&self, call: u64) -> bool {
        matches!(self, Progress::Open(open) if *open == call)
    }
}

/// What a snapshot holds of a record that has not gone on.
#[derive(Serialize, Deserialize)]
struct Saved {
    /// In postcard.
    record: Vec<u8>,
    time: i64,
}

type Queue<T, U> = VecDeque<Entry<T, U>>;

impl<T, U> HeadFactory for Lookup<T, U>
where
    T: Data + Serialize + DeserializeOwned,
    U: Data,
{
    fn build(&self, context: &mut BuildContext, outputs: Vec<AnyStage>) -> Result<Box<dyn Head>, Error> {
        let restored: Vec<Vec<Saved>> = context.restored()?;
        let (subtask, parallelism, rescaled) = (context.subtask, context.parallelism, context.is_rescaled());
        // With another number of subtasks each finds what all had, and takes its share.
        let all = restored.into_iter().flatten().enumerate();
        let mut queue: Queue<T, U> = VecDeque::new();
        for (_, saved) in all.filter(|(number, _)| !rescaled || number % parallelism == subtask) {
            let record = decode(&saved.record);
            let record = record.map_err(|cause| Error::Foreign { uid: context.uid().to_owned(), cause })?;
            let time = Timestamp::from_millis(saved.time);
            queue.push_back(Entry::Record { record, time, call: Progress::Waiting });
        }
        // Those behind have not heard of it, if it waited behind records.
        if !queue.is_empty() && context.clock.get() > Timestamp::MIN {
            queue.push_back(Entry::Watermark(context.clock.get()));
        }
        let queue = Rc::new(RefCell::new(queue));
        let pending = queue.clone();
        context.save(move || saved(&pending.borrow()));
        let mut head = LookupHead {
            ask: self.ask.clone(),
            fallback: self.fallback.clone(),
            ordered: self.ordered,
            concurrency: self.concurrency,
            patience: self.patience,
            calls: context.calls.clone(),
            queue,
            open: 0,
            waiting: 0,
            next_id: 0,
            site: context.site(),
            next: only::<U>(outputs),
        };
        head.waiting = head.queue.borrow().iter().filter(|entry| matches!(entry, Entry::Record { .. })).count();
        head.open_calls();
        Ok(Box::new(head))
    }
}

/// The records of a queue.
fn saved<T: Serialize, U>(queue: &Queue<T, U>) -> Vec<Saved> {
    let records = queue.iter().filter_map(|entry| match entry {
        Entry::Record { record, time, .. } => Some((record, time)),
        Entry::Watermark(_) => None,
    });
    let save = |(record, time): (&T, &Timestamp)| Saved {
        record: encode(record).expect("a record that was built can be encoded"),
        time: time.millis(),
    };
    records.map(save).collect()
}

struct LookupHead<T, U> {
    ask: Ask<T, U>,
    fallback: Option<Fallback<T, U>>,
    ordered: bool,
    concurrency: usize,
    patience: Patience,
    calls: Calls,
    /// In the order of arrival.
    queue: Rc<RefCell<Queue<T, U>>>,
    /// How many calls are open, and how many records wait for one.
    open: usize,
    waiting: usize,
    next_id: u64,
    site: Site,
    next: Box<dyn Stage<U>>,
}

impl<T: Data, U: Data> LookupHead<T, U> {
    /// Opens calls for those that came first.
    fn open_calls(&mut self) {
        if self.waiting == 0 {
            return;
        }
        for entry in self.queue.borrow_mut().iter_mut() {
            if self.waiting == 0 || self.open >= self.concurrency {
                return;
            }
            let Entry::Record { record, call: call @ Progress::Waiting, .. } = entry else { continue };
            let (ask, asked, id) = (self.ask.clone(), record.clone(), self.next_id);
            let attempt: Attempt = Arc::new(move || {
                let answer = ask(&asked);
                Box::pin(async move { answer.await.map(|value| Box::new(value) as Box<dyn Any + Send>) })
            });
            self.calls.borrow_mut().push_back(Call { id, attempt, patience: self.patience });
            *call = Progress::Open(id);
            self.next_id += 1;
            self.open += 1;
            self.waiting -= 1;
        }
    }

    /// Lets go what may go on.
    fn release(&mut self) {
        loop {
            let mut queue = self.queue.borrow_mut();
            let place = match queue.front() {
                Some(Entry::Watermark(_) | Entry::Record { call: Progress::Answered(_), .. }) => Some(0),
                Some(_) if !self.ordered => queue
                    .iter()
                    .take_while(|entry| !matches!(entry, Entry::Watermark(_)))
                    .position(|entry| matches!(entry, Entry::Record { call: Progress::Answered(_), .. })),
                _ => None,
            };
            let entry = place.and_then(|place| queue.remove(place));
            drop(queue);
            match entry {
                Some(Entry::Record { time, call: Progress::Answered(answer), .. }) => {
                    self.site.out();
                    self.next.push(answer, time);
                }
                Some(Entry::Watermark(watermark)) => self.next.watermark(watermark),
                _ => return,
            }
        }
    }
}

impl<T: Data + Serialize + DeserializeOwned, U: Data> Head for LookupHead<T, U> {
    /// What comes of a record is up to those who are asked.
    fn replays(&self) -> bool {
        false
    }

    fn batch(&mut self, _input: usize, batch: Batch) -> Result<(), Error> {
        let rows = batch.rows::<T>();
        for (record, time) in rows.records.iter().zip(&rows.times) {
            self.site.record();
            let entry = Entry::Record { record: record.clone(), time: *time, call: Progress::Waiting };
            self.queue.borrow_mut().push_back(entry);
            self.waiting += 1;
        }
        self.open_calls();
        Ok(())
    }

    fn watermark(&mut self, watermark: Timestamp) -> Result<(), Error> {
        self.queue.borrow_mut().push_back(Entry::Watermark(watermark));
        self.release();
        Ok(())
    }

    fn answer(&mut self, id: u64, answer: Answer) -> Result<(), Error> {
        self.site.enter();
        self.open -= 1;
        let mut queue = self.queue.borrow_mut();
        let asked = queue.iter_mut().find_map(|entry| match entry {
            Entry::Record { record, call, .. } if call.is(id) => Some((record, call)),
            _ => None,
        });
        let (record, call) = asked.expect("an answer belongs to a call that is open");
        let value = match (answer, &self.fallback) {
            (Ok(value), _) => *value.downcast::<U>().expect("an answer comes back to the operator that asked"),
            (Err(cause), Some(fallback)) => fallback(record, &cause),
            (Err(cause), None) => return Err(Error::Unanswered { attempts: self.patience.retries + 1, cause }),
        };
        *call = Progress::Answered(value);
        drop(queue);
        self.open_calls();
        self.release();
        self.next.batch_end();
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.waiting > 0
    }

    fn is_drained(&self) -> bool {
        self.queue.borrow().is_empty()
    }
}
