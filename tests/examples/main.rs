//! The examples do what they say. Each has a function that does its work and a `main` that prints it; the function is run
//! here.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

#[expect(dead_code, reason = "its main is for people")]
#[path = "../../examples/sessions.rs"]
mod sessions;
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
