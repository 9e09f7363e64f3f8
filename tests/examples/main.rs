//! The examples do what they say. Each has a function that does its work and a `main` that prints it; the function is run
//! here.

#![expect(unreachable_pub, reason = "what an example does is public to its reader")]

use millstream::prelude::Timestamp;

#[expect(dead_code, reason = "its main is for people")]
#[path = "../../examples/broadcast_rules.rs"]
mod broadcast_rules;
#[expect(dead_code, reason = "its main is for people")]
#[path = "../../examples/crash_test_your_dataflow.rs"]
mod crash_test_your_dataflow;
#[expect(dead_code, reason = "its main is for people")]
#[path = "../../examples/custom_operator.rs"]
mod custom_operator;
mod fault_recovery;
#[expect(dead_code, reason = "its main is for people")]
#[path = "../../examples/late_data.rs"]
mod late_data;
#[expect(dead_code, reason = "its main is for people")]
#[path = "../../examples/poison_records.rs"]
mod poison_records;
#[expect(dead_code, reason = "its main is for people")]
#[path = "../../examples/rescale.rs"]
mod rescale;
#[expect(dead_code, reason = "its main is for people")]
#[path = "../../examples/savepoint_upgrade.rs"]
mod savepoint_upgrade;
#[expect(dead_code, reason = "its main is for people")]
#[path = "../../examples/sessions.rs"]
mod sessions;
#[expect(dead_code, reason = "its main is for people")]
#[path = "../../examples/sliding_top_n.rs"]
mod sliding_top_n;
#[cfg(all(feature = "cli", feature = "sql"))]
#[expect(dead_code, reason = "its main is for people")]
#[path = "../../examples/sql_functions.rs"]
mod sql_functions;
#[expect(dead_code, reason = "its main is for people")]
#[path = "../../examples/stream_join.rs"]
mod stream_join;
#[expect(dead_code, reason = "its main is for people")]
#[path = "../../examples/testing_a_dataflow.rs"]
mod testing_a_dataflow;
#[expect(dead_code, reason = "its main is for people")]
#[path = "../../examples/wordcount.rs"]
mod wordcount;

#[test]
fn wordcount_counts_words() {
    let counts = wordcount::run().unwrap();
    assert_eq!((counts["the"], counts["miller"], counts["water"], counts.len()), (5, 2, 1, 8));
}

#[test]
fn a_job_is_rescaled_while_it_runs() {
    let (rescales, spent) = rescale::run().unwrap();
    assert_eq!(rescales.iter().map(|it| (it.from, it.to)).collect::<Vec<_>>(), [(1, 4), (4, 2)]);
    assert_eq!(spent, rescale::expected());
}

#[test]
fn sessions_are_cut_where_nobody_clicked() {
    let found = sessions::run().unwrap();
    let visit = |user: &str, from, to, pages: &[&str]| {
        (user.to_owned(), from, to, pages.iter().map(|page| (*page).to_owned()).collect::<Vec<_>>())
    };
    let expected = [
        visit("ada", 0, 12, &["/", "/mills", "/water"]),
        visit("bob", 3, 33, &["/", "/mills"]),
        visit("bob", 64, 64, &["/water"]),
        visit("ada", 80, 85, &["/", "/grain"]),
        visit("cyd", 90, 90, &["/"]),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_dataflow_is_tested_in_three_ways() {
    testing_a_dataflow::an_hour_survives_a_crash_in_its_middle();
    testing_a_dataflow::a_broken_line_costs_no_coin().unwrap();
    assert_eq!(testing_a_dataflow::every_life_gives_one_answer().unwrap(), 350);
}

#[test]
fn late_data_is_corrected_or_told() {
    let told = late_data::run().unwrap();
    let expected = [
        "minute 0: 3 readings (OnTime)",
        "minute 0: 4 readings (Late)",
        "minute 1: 3 readings (OnTime)",
        "minute 2: 1 readings (OnTime)",
        "too late: the reading of second 40, by 2m 29s 999ms",
        "minute 3: 1 readings (OnTime)",
    ];
    millstream::testing::assert_same_rows(told.iter().map(String::as_str), expected);
}

#[test]
fn trending_pages_change() {
    let trending = sliding_top_n::run().unwrap();
    let best = |second: i64| {
        let at = trending.iter().find(|(moment, _)| *moment == Timestamp::from_seconds(second)).unwrap();
        at.1.iter().map(|(page, views)| (page.as_str(), *views)).collect::<Vec<_>>()
    };
    assert_eq!(best(10), [("/spring", 4), ("/", 3), ("/about", 1)]);
    assert_eq!(best(300), [("/spring", 120), ("/", 90), ("/about", 30)]);
    assert_eq!(best(750), [("/summer", 150), ("/", 90), ("/about", 20)]);
    assert_eq!(trending.len(), 119, "the last five minutes hold the last view for 29 slides more");
}

#[test]
fn an_operator_of_ones_own_tells_of_idle_users() {
    let mut idle = custom_operator::run().unwrap();
    idle.sort();
    let expected = [("ada", 13), ("ada", 31), ("bob", 9), ("bob", 30)];
    assert_eq!(idle, expected.map(|(user, minute)| (user.to_owned(), minute)));
}

#[test]
fn rules_change_while_data_flows() {
    let mut warnings = broadcast_rules::run().unwrap();
    warnings.sort();
    let expected = [("boiler", 3, 95), ("boiler", 12, 85), ("river", 13, 62)];
    assert_eq!(warnings, expected.map(|(kind, second, value)| (kind.to_owned(), second, value)));
}

#[test]
fn orders_meet_the_payments_that_were_made_within_an_hour() {
    let paid = stream_join::run().unwrap();
    let paid: Vec<_> = paid.iter().map(|(order, what, minutes)| (*order, what.as_str(), *minutes)).collect();
    let expected = [(1, "flour", 5), (2, "bran", 2), (3, "a millstone", 3), (3, "a millstone", 59), (5, "rye", 60)];
    assert_eq!(paid, expected);
}

#[test]
fn an_upgrade_loses_no_view() {
    let folder = tempfile::tempdir().unwrap();
    let (plan, pages) = savepoint_upgrade::run(folder.path()).unwrap();
    for line in
        ["moves from 1 to 3", "migrates from { views: u32 } to { views: u64, readers: [u64] }", "is new", "it can be"]
    {
        assert!(plan.contains(line), "{line} is missing:\n{plan}");
    }
    let pages: Vec<_> = pages.iter().map(|(page, views)| (page.as_str(), *views)).collect();
    assert_eq!(pages, [("/", 5_000), ("/mills", 5_000), ("/mills/wind", 5_000), ("/water", 5_000)]);
}

#[test]
fn poison_fails_the_job_or_is_left_out_or_put_aside_and_replayed() {
    let told = poison_records::run().unwrap();
    let sums = |sums: &[(&str, u64)]| sums.iter().map(|(customer, cents)| ((*customer).to_owned(), *cents)).collect();
    let without_poison = sums(&[("ada", 300), ("bob", 500), ("cyd", 40)]);
    assert!(told.failed.contains("operator `sums`") && told.failed.contains("divide by zero"), "{}", told.failed);
    assert_eq!(told.skipped, (without_poison, 2));
    assert_eq!(told.put_aside.0, told.skipped.0);
    let lost: Vec<_> = told.put_aside.1.iter().map(|stored| stored.letter.to_string()).collect();
    assert!(lost.len() == 2 && lost.iter().all(|letter| letter.contains("divide by zero")), "{lost:?}");
    assert_eq!(told.replayed.0, sums(&[("ada", 1200), ("bob", 570)]));
    assert_eq!(told.replayed.1.len(), 2);
}

#[test]
fn fifty_seeds_find_a_counter_outside_the_state_and_nothing_else() {
    use crash_test_your_dataflow::{Counter, find, straight};
    assert_eq!(find(Counter::State), None);
    let finding = find(Counter::Program);
    assert!(finding.as_ref().is_some_and(|found| found.what.contains("invoice")), "{finding:?}");
    assert_eq!(find(Counter::Program), finding, "the seed says all");
    assert_eq!(straight(Counter::Program).unwrap(), straight(Counter::State).unwrap());
}

#[cfg(all(feature = "cli", feature = "sql"))]
#[test]
fn functions_of_rust_are_called_by_sql_in_three_lives() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/sql_functions.sql");
    let passed = millstream::sql::testing::test(&file, &sql_functions::env(), false).unwrap();
    assert_eq!((passed.tables, passed.missing), (1, None));
    assert!(passed.rows > 20);
}
