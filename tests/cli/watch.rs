//! What holds a job back is told on the command line.

use super::{LOOKS, pause, refused, started, told};
use millstream::WatermarkReport;
use millstream::prelude::*;
use std::fs;

#[test]
fn the_split_that_holds_event_time_back_is_named_by_explain_watermark_and_status() {
    let folder = tempfile::tempdir().unwrap();
    let (state, quiet) = (folder.path().join("state"), folder.path().join("quiet.log"));
    fs::write(&quiet, "").unwrap();
    let job = Job::new("union");
    let watermarks = Watermarks::monotonic().idle_after(minutes(600));
    let numbers = job.source(GeneratorSource::new(|n| n).rate(4_000)).uid("lively");
    let numbers = numbers.event_time(|n| Timestamp::from_millis(*n as i64), watermarks.clone());
    let lines = job.source(FileSource::lines([&quiet]).follow()).uid("quiet").map(|line| line.text().len() as u64);
    let lines = lines.event_time(|n| Timestamp::from_millis(*n as i64), watermarks);
    numbers.union(&lines).key_by(|n| n % 5).count().uid("counts").sink(DiscardSink);
    let handle = started(&job, Config::default().state_dir(&state).watermark_warning(millis(40)));

    let wait_for = |arguments: &[&str], words: &[&str]| {
        let look = || Some(told(arguments, &state)).filter(|text| words.iter().all(|word| text.contains(word)));
        (0..LOOKS).find_map(|_| look().or_else(pause)).unwrap_or_else(|| panic!("{}", told(arguments, &state)))
    };
    wait_for(&["status"], &["`counts` has stood still for ", "`quiet`, subtask 0, split `", "quiet.log`"]);
    let text = wait_for(&["explain-watermark"], &["not holding it back"]);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[..2], ["job `union`", "`counts` -> `counts/sink`, subtask 0: no watermark yet"], "{text}");
    assert!(lines[3].starts_with("    held back by `quiet` -> "), "{text}");
    assert!(lines[5].ends_with("quiet.log`: no watermark yet, no event time seen, holds it back"), "{text}");
    let report: WatermarkReport = serde_json::from_str(&told(&["explain-watermark", "--json"], &state)).unwrap();
    let splits = report.subtasks.iter().flat_map(|subtask| &subtask.generators).flat_map(|it| &it.splits);
    assert_eq!(splits.filter(|split| split.holds).count(), 2, "{report}");

    handle.stop();
    handle.wait().unwrap();
    assert!(refused(&["explain-watermark"], &state).contains("no job runs there"));
}
