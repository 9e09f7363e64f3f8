//! The log that comes with the example is what its generator makes, and the library reads it as the documentation says.

use crate::naive::{self, View};
use millstream::formats::LogEntry;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// `examples/data/access.log`.
pub(crate) fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data/access.log")
}

static LOG: LazyLock<Vec<u8>> = LazyLock::new(|| std::fs::read(path()).expect("the log is part of the repository"));

static LINES: LazyLock<Vec<&[u8]>> =
    LazyLock::new(|| LOG.strip_suffix(b"\n").expect("each line ends").split(|&b| b == b'\n').collect());

/// What the library makes of a line, in the naive reading's words.
fn library_view(line: &[u8]) -> Option<View> {
    let entry = LogEntry::parse(line).ok()?;
    Some(View { client: entry.client.to_owned(), second: entry.time.millis() / 1000 })
}

#[test]
fn the_bundled_log_is_what_the_generator_makes() {
    let mut made = Vec::new();
    crate::access_log::write(&mut made, 10_000, 1).unwrap();
    let hint = "make it anew: cargo run --example generate_log -- --lines 10000 --seed 1 > examples/data/access.log";
    assert!(made == *LOG, "{hint}");
}

#[test]
fn the_bundled_log_has_the_shape_that_the_example_is_to_show() {
    assert_eq!(LINES.len(), 10_000);
    assert!(LOG.len() <= 2_200_000);
    assert_eq!(LINES.iter().filter(|line| line.is_empty()).count(), 2);
    assert_eq!(LINES.iter().filter(|line| !line.is_empty() && naive::view(line).is_none()).count(), 7);
    let views: Vec<_> = LINES.iter().filter_map(|line| naive::view(line)).collect();
    assert_eq!(views.iter().map(|view| &view.client).collect::<BTreeSet<_>>().len(), 1_666);
    let mut latest = views[0].second;
    let mut behind = 0;
    for view in &views {
        behind = behind.max(latest - view.second);
        latest = latest.max(view.second);
    }
    assert!((50..60).contains(&behind), "{behind} s: within the minute that the example allows, and close to it");
}

#[test]
fn the_library_reads_the_bundled_log_as_the_naive_reading_does() {
    for line in LINES.iter() {
        assert_eq!(library_view(line), naive::view(line), "{}", line.escape_ascii());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_library_reads_a_spoiled_line_as_the_naive_reading_does(
        line in 0_usize..10_000,
        at: prop::sample::Index,
        cut in 0_usize..3,
        put in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(&b" \"\\-0159[]:/+"[..])], 0..3),
    ) {
        let mut line = LINES[line].to_vec();
        // Half of the spoils hit the first eighty bytes, where the fields are short.
        let reach = if cut == 0 { line.len() + 1 } else { line.len().min(80) + 1 };
        let at = at.index(reach);
        line.splice(at..(at + cut).min(line.len()), put);
        prop_assert_eq!(library_view(&line), naive::view(&line), "{}", line.escape_ascii());
    }
}
