//! All queries of Nexmark that SQL has, on 100,000 events, in three lives.
//!
//! What is right was computed by DataFusion's batch engine, `tests/nexmark_reference`: it knows no watermark, no state and no
//! change, and the queries are said in its own words. The texts are the benchmark's, but for a cast where Flink converts on its
//! own.
//!
//! One cannot be said: q6 wants the last ten rows of a result that changes, in an OVER clause. No such rows are ever final; Flink
//! refuses it too.

use millstream::sql::{Env, testing};
use std::path::Path;

/// Runs a query behind the tables that all share.
fn answers(query: &str) {
    let from = Path::new("tests/sql/nexmark");
    let directory = tempfile::tempdir().unwrap();
    let copy = |name: &str| std::fs::copy(from.join(name), directory.path().join(name)).unwrap();
    let text = |name: &str| std::fs::read_to_string(from.join(name)).unwrap();
    copy("side_input.csv");
    for entry in std::fs::read_dir(from).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.starts_with(&format!("{query}.{query}.")) {
            copy(&name);
        }
    }
    let (query_text, file) = (text(&format!("{query}.sql")), directory.path().join(format!("{query}.sql")));
    let program = match query_text.strip_prefix("-- refused:").and_then(|rest| rest.split_once('\n')) {
        Some((refused, rest)) => format!("-- refused:{refused}\n{}{rest}", text("tables.sql")),
        None => format!("{}{query_text}", text("tables.sql")),
    };
    std::fs::write(&file, program).unwrap();
    if let Err(failed) = testing::test(&file, &Env::default(), false) {
        panic!("{query}: {failed}");
    }
}

macro_rules! queries {
    ($($query:ident: $promise:ident,)*) => {$(
        #[test]
        fn $promise() {
            answers(stringify!($query));
        }
    )*};
}

queries! {
    q0: q0_passes_bids_through,
    q1: q1_converts_prices,
    q2: q2_selects_auctions,
    q3: q3_joins_sellers_with_what_they_sell,
    q4: q4_averages_winning_bids_by_category,
    q5: q5_finds_the_auctions_with_most_bids,
    q6: q6_is_refused,
    q7: q7_finds_the_highest_bids,
    q8: q8_finds_new_sellers,
    q9: q9_finds_winning_bids,
    q10: q10_adds_day_and_minute,
    q11: q11_counts_bids_of_sessions,
    q12: q12_counts_bids_by_the_clock,
    q13: q13_looks_auctions_up,
    q14: q14_computes_and_filters,
    q15: q15_counts_distinct_of_a_day,
    q16: q16_counts_distinct_of_a_channel,
    q17: q17_has_statistics_of_auctions,
    q18: q18_keeps_the_last_bids,
    q19: q19_keeps_the_ten_highest_bids,
    q20: q20_joins_bids_with_auctions,
    q21: q21_takes_channels_from_addresses,
    q22: q22_splits_addresses,
}
