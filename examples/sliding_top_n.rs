//! Trending pages: every ten seconds, the three pages with the most views of the last five minutes.
//!
//! First the views of each page are counted in sliding windows; then the counts that belong to one moment are gathered, in
//! windows as long as the slide, and the best are taken.
//!
//! ```text
//! cargo run --example sliding_top_n
//! ```

use millstream::prelude::*;

/// A moment, and the best pages with their views.
pub(crate) type Trending = (Timestamp, Vec<(String, u64)>);

/// A view each second; every page has its hour.
fn view(second: u64) -> (&'static str, Timestamp) {
    let page = match second % 10 {
        0..3 => "/",
        3 if second < 400 => "/spring",
        4..7 if second < 300 => "/spring",
        4..9 if second >= 450 => "/summer",
        _ => ["/about", "/faq", "/press"][second as usize % 3],
    };
    (page, Timestamp::EPOCH + seconds(second))
}

pub(crate) fn run() -> millstream::Result<Vec<Trending>> {
    let slide = seconds(10);

    let job = Job::new("trending");
    let sink = CollectSink::new();
    let trending = sink.handle();
    job.source(MemorySource::from_fn(900, view))
        .event_time(|view| view.1, Watermarks::monotonic())
        .key_by(|view| view.0.to_owned())
        .window(Sliding::of(minutes(5)).every(slide))
        .count()
        .window_all(Tumbling::of(slide))
        .aggregate(TopN::by(3, |page: &Windowed<String, u64>| page.value))
        .map(|best| (best.end, best.value.into_iter().map(|page| (page.key, page.value)).collect()))
        .sink(sink);
    job.run(Config::default())?;
    Ok(trending.rows())
}

fn main() -> millstream::Result<()> {
    for (moment, best) in run()? {
        let pages: Vec<String> = best.iter().map(|(page, views)| format!("{page} {views}")).collect();
        println!("{moment}  {}", pages.join("  "));
    }
    Ok(())
}
