//! What is told of event time to people.

use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt::{self, Formatter};

/// How many splits of an operator are shown to people.
const MOST_SPLITS: usize = 20;

/// How far each subtask of a job has come in event time, and what holds it back.
///
/// Shown as text it is a tree from the sinks back to the splits of the sources: of each operator behind which there is nobody
/// the subtask that is furthest behind, the inputs that hold it back, and so on. A subtask is shown once. The fields hold the
/// same of all subtasks.
///
/// The subtasks publish their part one by one, each after its last step: the parts may be of slightly different moments.
///
/// ```
/// use millstream::prelude::*;
/// use millstream::testing::Simulation;
///
/// let job = Job::new("sums");
/// let numbers = job.source(MemorySource::new(0..100_i64)).event_time(|n| Timestamp::from_seconds(*n), Watermarks::monotonic());
/// numbers.key_by(|n| n % 2).window(Tumbling::of(minutes(1))).count().sink(DiscardSink);
/// let mut simulation = Simulation::start(&job, Config::default(), 1)?;
/// simulation.run()?;
/// let report = simulation.explain_watermark();
/// assert!(report.subtasks.iter().all(|subtask| subtask.watermark == Some(Timestamp::MAX)));
/// println!("{report}");
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WatermarkReport {
    /// The job's name.
    pub job: String,
    /// Its subtasks, each behind those from which something comes to it.
    pub subtasks: Vec<SubtaskWatermark>,
}

/// How far a subtask has come in event time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SubtaskWatermark {
    /// Its operators, the one in front first.
    pub operators: Vec<String>,
    /// Its number.
    pub subtask: usize,
    /// Whether event time comes to it from other subtasks. Not to those of sources, and of what is behind them without
    /// `event_time`.
    pub timed: bool,
    /// Whether nobody is behind it.
    pub last: bool,
    /// Its clock: the last watermark that it has taken. `None` before the first; [`Timestamp::MAX`] at the end.
    pub watermark: Option<Timestamp>,
    /// The channels into it.
    pub inputs: Vec<InputWatermark>,
    /// Its operators that make watermarks.
    pub generators: Vec<GeneratorWatermark>,
    /// It is a source that does not read some of its splits now, so that others can catch up: see
    /// [`Watermarks::aligned`](crate::time::Watermarks::aligned).
    pub holds_splits: bool,
}

/// A channel into a subtask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct InputWatermark {
    /// Where it comes from: an index into [`WatermarkReport::subtasks`].
    pub from: usize,
    /// Where its event time begins, if that is there: an index into [`SubtaskWatermark::generators`].
    pub generator: Option<usize>,
    /// The last watermark that has been taken from it.
    pub watermark: Option<Timestamp>,
    /// It is silent and holds nothing back.
    pub idle: bool,
    /// It holds the subtask's clock where it is.
    pub holds: bool,
}

/// An operator that makes watermarks, in one subtask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GeneratorWatermark {
    /// What people call it.
    pub operator: String,
    /// How far it has come. `None`: to nowhere yet; [`Timestamp::MAX`]: all its splits have ended.
    pub watermark: Option<Timestamp>,
    /// What it has seen of each split. One for all that comes if it is not right behind a source.
    pub splits: Vec<SplitWatermark>,
}

/// What an operator that makes watermarks has seen of one split.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SplitWatermark {
    /// Its name; `None` if the operator is not right behind a source.
    pub split: Option<String>,
    /// The latest event time; where records bear marks ([`Watermarks::punctuated`](crate::time::Watermarks::punctuated)) the
    /// highest mark. `None` if there was none.
    pub last_event_time: Option<Timestamp>,
    /// The watermark that follows from it.
    pub watermark: Option<Timestamp>,
    /// It is silent and holds nothing back.
    pub idle: bool,
    /// It has been read to its end.
    pub finished: bool,
    /// It holds the operator where it is.
    pub holds: bool,
}

impl WatermarkReport {
    /// What has been sent on a channel last.
    pub(super) fn sent(&self, input: &InputWatermark) -> Option<Timestamp> {
        let sender = &self.subtasks[input.from];
        input.generator.map_or(sender.watermark, |generator| sender.generators[generator].watermark)
    }
}

impl SubtaskWatermark {
    /// How far it has come, by its clock or, as a source, by what it makes.
    fn position(&self) -> Option<Timestamp> {
        if self.timed {
            return self.watermark;
        }
        self.generators.iter().map(|generator| generator.watermark).min().flatten()
    }
}

impl fmt::Display for SubtaskWatermark {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let labels: Vec<String> = self.operators.iter().map(|label| format!("`{label}`")).collect();
        write!(f, "{}, subtask {}", labels.join(" -> "), self.subtask)
    }
}

/// A moment, in words.
fn moment(watermark: Option<Timestamp>) -> String {
    watermark.map_or_else(|| "no watermark yet".to_owned(), |watermark| watermark.to_string())
}

impl fmt::Display for SplitWatermark {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.split {
            Some(split) => write!(f, "split `{split}`: {}", moment(self.watermark))?,
            None => write!(f, "all that comes: {}", moment(self.watermark))?,
        }
        match self.last_event_time {
            Some(last) => write!(f, ", last event time {last}")?,
            None => write!(f, ", no event time seen")?,
        }
        let states = [(self.finished, "ended"), (self.idle && !self.finished, "idle"), (self.holds, "holds it back")];
        states.iter().filter(|(is, _)| *is).try_for_each(|(_, state)| write!(f, ", {state}"))
    }
}

impl fmt::Display for WatermarkReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "job `{}`", self.job)?;
        let mut shown = Tree { report: self, seen: BTreeSet::new() };
        let mut roots: Vec<usize> = Vec::new();
        for (number, subtask) in self.subtasks.iter().enumerate().filter(|(_, subtask)| subtask.last) {
            match roots.iter_mut().find(|root| self.subtasks[**root].operators == subtask.operators) {
                Some(root) if self.subtasks[*root].position() > subtask.position() => *root = number,
                Some(_) => {}
                None => roots.push(number),
            }
        }
        for root in roots {
            let subtask = &self.subtasks[root];
            shown.subtask(f, root, None, 0)?;
            let others = self.subtasks.iter().filter(|other| other.operators == subtask.operators).count() - 1;
            if others > 0 {
                line(f, 1, &format!("{others} more of its subtasks are as far or further"))?;
            }
        }
        Ok(())
    }
}

fn line(f: &mut Formatter<'_>, depth: usize, text: &str) -> fmt::Result {
    write!(f, "\n{:indent$}{text}", "", indent = 2 * depth)
}

/// A report that is being shown.
struct Tree<'a> {
    report: &'a WatermarkReport,
    /// The subtasks that have been shown.
    seen: BTreeSet<usize>,
}

impl Tree<'_> {
    /// Shows a subtask and what is in front of it, as far as it holds event time back.
    ///
    /// * `channel`: the one by which it holds back the one above.
    fn subtask(
        &mut self,
        f: &mut Formatter<'_>,
        number: usize,
        channel: Option<&InputWatermark>,
        depth: usize,
    ) -> fmt::Result {
        let subtask = &self.report.subtasks[number];
        self.seen.insert(number);
        let generator = channel.and_then(|channel| channel.generator);
        let clock = match channel {
            None if !subtask.timed && subtask.generators.is_empty() => "no event time comes to it".to_owned(),
            None => moment(subtask.position()),
            Some(channel) => moment(channel.watermark),
        };
        let held_by = if channel.is_some() { "held back by " } else { "" };
        line(f, depth, &format!("{held_by}{subtask}: {clock}"))?;
        match generator {
            Some(generator) => shows(f, &subtask.generators[generator], depth + 1),
            None => {
                self.inputs(f, subtask, depth + 1)?;
                let all = subtask.generators.iter().filter(|_| channel.is_none());
                all.into_iter().try_for_each(|generator| shows(f, generator, depth + 1))
            }
        }
    }

    fn inputs(&mut self, f: &mut Formatter<'_>, subtask: &SubtaskWatermark, depth: usize) -> fmt::Result {
        if !subtask.timed {
            return Ok(());
        }
        let (holding, others): (Vec<_>, Vec<_>) = subtask.inputs.iter().partition(|input| input.holds);
        let mut shown_before = 0;
        for input in holding {
            let sent = self.report.sent(input);
            if sent > input.watermark {
                let sender = &self.report.subtasks[input.from];
                line(f, depth, &format!("has yet to take {} from {sender}, and what lies before that", moment(sent)))?;
            } else if self.seen.contains(&input.from) {
                shown_before += 1;
            } else {
                self.subtask(f, input.from, Some(input), depth)?;
            }
        }
        if shown_before > 0 {
            line(f, depth, &format!("held back by {shown_before} more that {} shown above", are(shown_before)))?;
        }
        let idle = others.iter().filter(|input| input.idle).count();
        if idle > 0 {
            line(f, depth, &format!("{idle} of its inputs {} idle", are(idle)))?;
        }
        let further: Vec<_> = others.iter().filter(|input| !input.idle).map(|input| input.watermark).collect();
        if let (Some(least), Some(most)) = (further.iter().min(), further.iter().max()) {
            let (count, verb) = (further.len(), are(further.len()));
            let place = if least == most { moment(*least) } else { format!("{} to {}", moment(*least), moment(*most)) };
            line(f, depth, &format!("{count} of its inputs {verb} not holding it back: {place}"))?;
        }
        Ok(())
    }
}

fn are(count: usize) -> &'static str {
    if count == 1 { "is" } else { "are" }
}

fn shows(f: &mut Formatter<'_>, generator: &GeneratorWatermark, depth: usize) -> fmt::Result {
    line(f, depth, &format!("`{}` makes {}", generator.operator, moment(generator.watermark)))?;
    let (holding, others): (Vec<_>, Vec<_>) = generator.splits.iter().partition(|split| split.holds);
    let all = holding.iter().chain(&others);
    all.take(MOST_SPLITS).try_for_each(|split| line(f, depth + 1, &split.to_string()))?;
    match generator.splits.len().saturating_sub(MOST_SPLITS) {
        0 => Ok(()),
        more => {
            let hold = holding.len().saturating_sub(MOST_SPLITS);
            line(f, depth + 1, &format!("and {more} more splits, {hold} of which hold it back"))
        }
    }
}
