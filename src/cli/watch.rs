//! `explain-watermark`, and what `status` tells of checkpoints and watermarks that do not get on.

use super::talk::connect;
use super::{Done, Place, json};
use crate::control::Request;
use crate::record::Epoch;
use crate::runtime::WatermarkReport;
use serde_json::Value;
use std::io::{self, Write};
use std::time::Duration;

/// Tell how far event time has come in a running job, and what holds it back
///
/// Shows a tree: of each operator at the end of the job the subtask that is furthest behind, the inputs that hold it back,
/// and so on up to the splits of the sources, each with its last event time and whether it is idle. With --json, the same of
/// all subtasks.
///
/// Example: millstream explain-watermark --state-dir state
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub(super) struct ExplainWatermark {
    #[command(flatten)]
    place: Place,
}

impl ExplainWatermark {
    pub(super) fn run(self) -> Done {
        let report: WatermarkReport = connect(&self.place.state_dir)?.ask_for(&Request::ExplainWatermark)?;
        let mut out = io::stdout().lock();
        if self.place.json { Ok(json(&mut out, &report)?) } else { Ok(writeln!(out, "{report}")?) }
    }
}

/// What a status tells of the checkpoint that takes long, and of watermarks that stand still, line by line.
pub(super) fn warnings(status: &Value) -> Vec<String> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let time = |value: &Value| {
        let time: Duration = serde_json::from_value(value.clone()).unwrap_or_default();
        humantime::format_duration(Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)))
            .to_string()
    };
    let epoch = |value: &Value| serde_json::from_value::<Epoch>(value.clone()).unwrap_or_default();
    let mut lines = Vec::new();
    let slow = &status["slow_checkpoint"];
    if !slow.is_null() {
        lines.push(format!(
            "checkpoint {} has been open for {}; it waits for",
            epoch(&slow["epoch"]),
            time(&slow["open_for"])
        ));
        for wait in list(&slow["waits"]) {
            let (operator, reason) = (text(&wait["operator"]), text(&wait["reason"]));
            lines.push(format!("  `{operator}`, subtask {}: {reason}", wait["subtask"]));
        }
    }
    for stall in list(&status["watermark_stalls"]) {
        let stalled: Vec<String> = list(&stall["stalled"]).iter().map(|it| format!("`{}`", text(it))).collect();
        let watermark = if stall["watermark"].is_null() { "none yet".to_owned() } else { text(&stall["watermark"]) };
        lines.push(format!(
            "the watermark of {} has stood still for {} ({watermark}); it is held back by",
            stalled.join(", "),
            time(&stall["stood_for"])
        ));
        let split =
            if stall["split"].is_null() { String::new() } else { format!(", split `{}`", text(&stall["split"])) };
        let last = &stall["last_event_time"];
        let last = if last.is_null() { String::new() } else { format!(", last event time {}", text(last)) };
        let (operator, reason) = (text(&stall["operator"]), text(&stall["reason"]));
        lines.push(format!("  `{operator}`, subtask {}{split}{last}: {reason}", stall["subtask"]));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_status_without_trouble_has_no_warnings() {
        assert!(warnings(&json!({ "slow_checkpoint": null, "watermark_stalls": [] })).is_empty());
    }

    #[test]
    fn what_holds_up_a_checkpoint_or_a_watermark_is_named_with_its_subtask_and_split() {
        let status = json!({
            "slow_checkpoint": { "epoch": Epoch::new(1, 7), "open_for": { "secs": 30, "nanos": 5_000_000 }, "waits": [
                { "operator": "slow", "subtask": 2, "reason": "it is busy" },
            ] },
            "watermark_stalls": [{
                "operator": "clicks", "subtask": 0, "split": "b.log", "last_event_time": "2026-01-01T00:00:00Z",
                "watermark": null, "stood_for": { "secs": 61, "nanos": 0 }, "stalled": ["count", "join"], "reason": "it is quiet",
            }],
        });
        let told = [
            "checkpoint 1.7 has been open for 30s 5ms; it waits for",
            "  `slow`, subtask 2: it is busy",
            "the watermark of `count`, `join` has stood still for 1m 1s (none yet); it is held back by",
            "  `clicks`, subtask 0, split `b.log`, last event time 2026-01-01T00:00:00Z: it is quiet",
        ];
        assert_eq!(warnings(&status), told);
    }
}
