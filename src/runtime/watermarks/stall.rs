//! Watching over watermarks: one that stands still while records come is told of, with what holds it back.
//!
//! Silence is not told of: where no records come, time may stand still. So for each subtask only the time is counted in which
//! records came to it, or in which a source in front of it held records back until others catch up. A look that finds the
//! clock elsewhere begins anew. As a batch may be seen before the watermark behind it, one or two looks prove nothing.

use super::{InputWatermark, SplitWatermark, SubtaskWatermark, WatermarkReport};
use crate::time::Timestamp;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How often it is looked within the time after which a watermark is told of.
const LOOKS: u32 = 4;

/// What has held back event time for longer than [`Config::watermark_warning`](crate::config::Config::watermark_warning), while
/// records came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WatermarkStall {
    /// Who holds it: a source, an operator that makes watermarks, or one that does not get on.
    pub operator: String,
    /// Its subtask.
    pub subtask: usize,
    /// The split of the source.
    pub split: Option<String>,
    /// The latest event time of the split, or of the operator that makes watermarks; `None` if there was none.
    pub last_event_time: Option<Timestamp>,
    /// The watermark that stands still; `None` if there has been none yet.
    pub watermark: Option<Timestamp>,
    /// For how long records have come without moving it.
    pub stood_for: Duration,
    /// The operators whose clocks stand still for it.
    pub stalled: Vec<String>,
    /// Why, in words.
    pub reason: String,
}

/// Who holds event time back: operator, subtask, split.
type Holder = (String, usize, Option<String>);

/// What is known of one subtask.
#[derive(Clone, Debug)]
struct Standing {
    clock: Option<Timestamp>,
    records: u64,
    stood_for: Duration,
    looks: u32,
}

/// Looks at the clocks of a job.
#[derive(Debug)]
pub(in super::super) struct StallWatch {
    warning: Duration,
    looked_at: Duration,
    /// By the numbers of the subtasks; empty before the first look.
    standing: Vec<Standing>,
    /// After how long each is logged next.
    told: BTreeMap<Holder, Duration>,
}

impl StallWatch {
    pub(in super::super) fn new(warning: Duration) -> Self {
        StallWatch { warning, looked_at: Duration::ZERO, standing: Vec::new(), told: BTreeMap::new() }
    }

    /// How often to look.
    pub(in super::super) fn period(&self) -> Duration {
        (self.warning / LOOKS).clamp(Duration::from_millis(1), Duration::from_secs(60))
    }

    /// Another life begins.
    pub(in super::super) fn reset(&mut self) {
        self.standing.clear();
        self.told.clear();
    }

    /// Whether it is time to look again.
    pub(in super::super) fn is_due(&self, now: Duration) -> bool {
        self.standing.is_empty() || now.saturating_sub(self.looked_at) >= self.period()
    }

    /// Looks. Returns what holds event time back for too long, and logs it, ever more seldom.
    ///
    /// * `records`: how many have come to each subtask.
    pub(in super::super) fn look(
        &mut self,
        now: Duration,
        report: &WatermarkReport,
        records: &[u64],
    ) -> Vec<WatermarkStall> {
        let since = now.saturating_sub(std::mem::replace(&mut self.looked_at, now));
        let fresh = |(subtask, records): (&SubtaskWatermark, &u64)| Standing {
            clock: subtask.watermark,
            records: *records,
            stood_for: Duration::ZERO,
            looks: 0,
        };
        let seen: Vec<Standing> = report.subtasks.iter().zip(records).map(fresh).collect();
        if self.standing.len() != seen.len() {
            self.standing = seen;
            return Vec::new();
        }
        // Whether records are held back in front of each subtask.
        let mut held: Vec<bool> = Vec::new();
        for subtask in &report.subtasks {
            held.push(subtask.holds_splits || subtask.inputs.iter().any(|input| held[input.from]));
        }
        for ((standing, now), held) in self.standing.iter_mut().zip(seen).zip(held) {
            let came = now.records != standing.records || held;
            let (stood_for, looks) = match () {
                () if now.clock != standing.clock => (Duration::ZERO, 0),
                () if came => (standing.stood_for + since, standing.looks + 1),
                () => (standing.stood_for, standing.looks),
            };
            *standing = Standing { stood_for, looks, ..now };
        }
        let stalls = self.stalls(report);
        self.log(&report.job, &stalls);
        stalls
    }

    fn stalls(&self, report: &WatermarkReport) -> Vec<WatermarkStall> {
        let mut stalls: BTreeMap<Holder, WatermarkStall> = BTreeMap::new();
        for (number, standing) in self.standing.iter().enumerate() {
            let subtask = &report.subtasks[number];
            let ended = standing.clock == Some(Timestamp::MAX);
            if !subtask.timed || ended || standing.looks < LOOKS - 1 || standing.stood_for < self.warning {
                continue;
            }
            let mut holders = Vec::new();
            holding(report, number, &mut BTreeSet::new(), &mut holders);
            for holder in holders {
                let key = (holder.operator.clone(), holder.subtask, holder.split.clone());
                let stall = stalls.entry(key).or_insert(holder);
                stall.stood_for = stall.stood_for.max(standing.stood_for);
                let label = &subtask.operators[0];
                if !stall.stalled.contains(label) {
                    stall.stalled.push(label.clone());
                }
            }
        }
        stalls.into_values().collect()
    }

    fn log(&mut self, job: &str, stalls: &[WatermarkStall]) {
        let mut told = BTreeMap::new();
        for stall in stalls {
            let WatermarkStall { operator, subtask, split, stood_for, reason, .. } = stall;
            let key = (operator.clone(), *subtask, split.clone());
            let next = self.told.get(&key).copied().unwrap_or_default();
            let due = *stood_for >= next;
            if due {
                let last_event_time = stall.last_event_time.map(tracing::field::display);
                let watermark = stall.watermark.map(tracing::field::display);
                tracing::warn!(%job, %operator, subtask, split, last_event_time, watermark, ?stood_for, reason,
                    stalled = ?stall.stalled, "a watermark stands still while records come: this holds it back");
            }
            told.insert(key, if due { *stood_for * 2 } else { next });
        }
        self.told = told;
    }
}

/// Finds who holds a subtask's clock back.
fn holding(report: &WatermarkReport, number: usize, seen: &mut BTreeSet<usize>, holders: &mut Vec<WatermarkStall>) {
    let subtask = &report.subtasks[number];
    for input in subtask.inputs.iter().filter(|input| input.holds) {
        let sent = report.sent(input);
        let sender = &report.subtasks[input.from];
        match input.generator {
            _ if sent > input.watermark => {
                holders.push(busy(subtask, input, sent));
            }
            Some(generator) => {
                let generator = &sender.generators[generator];
                let splits = generator.splits.iter().filter(|split| split.holds);
                holders.extend(splits.map(|split| silent(sender, &generator.operator, split)));
            }
            None if seen.insert(input.from) => holding(report, input.from, seen, holders),
            None => {}
        }
    }
}

/// A subtask that does not get on.
fn busy(subtask: &SubtaskWatermark, input: &InputWatermark, sent: Option<Timestamp>) -> WatermarkStall {
    let sent = sent.unwrap_or(Timestamp::MIN);
    WatermarkStall {
        operator: subtask.operators[0].clone(),
        subtask: subtask.subtask,
        split: None,
        last_event_time: None,
        watermark: input.watermark,
        stood_for: Duration::ZERO,
        stalled: Vec::new(),
        reason: format!("watermark {sent} has been sent to it, and it is busy with what lies before that"),
    }
}

/// A split whose event time goes no further.
fn silent(sender: &SubtaskWatermark, generator: &str, split: &SplitWatermark) -> WatermarkStall {
    // A source is named itself, as what is to be looked at; elsewhere it is the operator that makes the watermarks.
    let operator = if split.split.is_some() { &sender.operators[0] } else { generator };
    let reason = match split.last_event_time {
        Some(_) => "no later event time has come from it, and it is not silent for long enough to be idle",
        None => "no event time has come from it, and it is not silent for long enough to be idle",
    };
    let reason = if split.split.is_some() { reason } else { "no later event time has come to it" };
    WatermarkStall {
        operator: operator.to_owned(),
        subtask: sender.subtask,
        split: split.split.clone(),
        last_event_time: split.last_event_time,
        watermark: split.watermark,
        stood_for: Duration::ZERO,
        stalled: Vec::new(),
        reason: reason.to_owned(),
    }
}
