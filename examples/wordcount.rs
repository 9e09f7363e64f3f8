//! Counts words: the smallest dataflow with state.
//!
//! ```text
//! cargo run --example wordcount
//! ```

use millstream::prelude::*;
use std::collections::BTreeMap;

const TEXT: &str = "the mill turns while the water runs
the miller sleeps
while the mill turns the miller sleeps";

/// How often each word is in the text.
pub(crate) fn run() -> millstream::Result<BTreeMap<String, u64>> {
    let job = Job::new("wordcount");
    let sink = CollectSink::new();
    let counts = sink.handle();
    job.source(MemorySource::new(TEXT.lines().map(str::to_owned)))
        .flat_map(|line| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        .key_by(|word| word.clone())
        .count()
        .sink(sink);
    job.run(Config::default())?;
    // Each word brings the new count of that word: the last one stands.
    Ok(counts.rows().into_iter().collect())
}

fn main() -> millstream::Result<()> {
    for (word, count) in run()? {
        println!("{count:3} {word}");
    }
    Ok(())
}
