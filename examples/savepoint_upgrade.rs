//! Version 2 of a program goes on where version 1 stopped: its state has a field more, an operator is new, and it runs in
//! three subtasks instead of one.
//!
//! ```text
//! cargo run --example savepoint_upgrade
//! ```

use millstream::connector::Collected;
use millstream::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const VIEWS: u64 = 20_000;
const PAGES: [&str; 4] = ["/", "/mills", "/mills/wind", "/water"];

/// A reader and a page.
type View = (u64, &'static str);

fn views(job: &Job, per_second: f64) -> Stream<View> {
    let view = |n: u64| (n % 7, PAGES[(n % 4) as usize]);
    // State is found again by operator ids: what has one can be moved, renamed and put elsewhere.
    job.source(GeneratorSource::new(view).count(VIEWS).rate(per_second)).uid("views")
}

/// What version 1 knows of a page.
#[derive(Clone, Default, Serialize, Deserialize)]
struct PageV1 {
    views: u32,
}

fn version_1() -> Job {
    let job = Job::new("pages");
    let count = |page: &mut PageV1, path: &String, _: View| {
        page.views += 1;
        (path.clone(), page.views)
    };
    let by_page = views(&job, 10_000.0).key_by(|view| view.1.to_owned());
    by_page.map_with_state(PageV1::default, count).uid("pages").sink(DiscardSink).uid("page-rows");
    job
}

/// What version 2 knows of a page.
#[derive(Clone, Default, Serialize, Deserialize)]
struct PageV2 {
    views: u64,
    /// Who has been here since the upgrade.
    #[serde(default)]
    readers: BTreeSet<u64>,
}

fn version_2() -> (Job, Collected<(String, u64)>) {
    let (job, sink) = (Job::new("pages"), CollectSink::new());
    let rows = sink.handle();
    let views = views(&job, 1e9);
    let count = |page: &mut PageV2, path: &String, (reader, _): View| {
        page.views += 1;
        page.readers.insert(reader);
        (path.clone(), page.views)
    };
    let by_page = views.key_by(|view| view.1.to_owned());
    by_page.map_with_state(PageV2::default, count).uid("pages").sink(sink).uid("page-rows");
    views.key_by(|view| view.0).count().uid("readers").sink(DiscardSink).uid("reader-rows");
    (job, rows)
}

/// Runs both versions; returns the plan of the upgrade, and the views of each page in the end.
pub fn run(folder: &Path) -> millstream::Result<(String, BTreeMap<String, u64>)> {
    let savepoint = folder.join("version-1.savepoint");

    let running = version_1().start(Config::default().state_dir(folder.join("version-1")))?;
    while running.status().operators.iter().all(|operator| operator.records_in < 2_000) {
        running.wait_for(millis(1));
    }
    running.stop_with_savepoint(&savepoint)?;
    running.wait()?;

    let (job, rows) = version_2();
    let config = Config::default().parallelism(3).state_dir(folder.join("version-2")).restore_from(&savepoint);
    // Nothing has been started yet.
    let plan = job.plan_diff(&config, &savepoint)?.to_string();
    job.run(config)?;
    let mut pages = BTreeMap::new();
    for (page, views) in rows.rows() {
        let most: &mut u64 = pages.entry(page).or_default();
        *most = views.max(*most);
    }
    Ok((plan, pages))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::temp_dir().join(format!("savepoint-upgrade-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let (plan, pages) = run(&folder)?;
    println!("{plan}\n");
    for (page, views) in pages {
        println!("{page}: {views} views");
    }
    Ok(std::fs::remove_dir_all(folder)?)
}
