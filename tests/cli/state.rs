//! Looking into state on the command line, of a running job and of a stopped one.

use super::{job, refused, started, told};
use millstream::prelude::*;
use serde_json::{Value, json};
use std::path::Path;

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The name of the one state of `quotients`.
fn state_name(state: &Path) -> String {
    let listed = lines(&told(&["state", "ls", "quotients", "--json"], state));
    listed[0]["state"]["name"].as_str().unwrap().to_owned()
}

#[test]
fn the_state_of_a_running_job_is_seen_at_one_moment_and_leaves_nothing_behind() {
    let state = tempfile::tempdir().unwrap();
    let handle = started(&job(1_000_000), Config::default().state_dir(state.path()).parallelism(2));
    let name = state_name(state.path());
    let text = told(&["state", "ls"], state.path());
    assert!(text.starts_with("job quotients at epoch 1.") && text.contains("value u64 -> "), "{text}");
    let entries = lines(&told(&["state", "scan", "quotients", &name, "--json"], state.path()));
    let mut keys: Vec<u64> = entries.iter().map(|entry| entry["key"].as_u64().unwrap()).collect();
    keys.sort_unstable();
    assert_eq!(keys, [0, 1, 2, 3, 4]);
    let exported = lines(&told(&["state", "export"], state.path()));
    let subtasks: Vec<&Value> =
        exported.iter().filter(|line| line["operator"] == "quotients").map(|line| &line["subtask"]).collect();
    assert!(subtasks.contains(&&json!(0)) && subtasks.contains(&&json!(1)), "{exported:?}");
    let refusal = refused(&["state", "ls", "--checkpoint", "1.1"], state.path());
    assert!(refusal.contains("stop the job"), "{refusal}");
    let left = || std::fs::read_dir(state.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(!left().any(|name| name.to_str().unwrap().starts_with("view-")), "{:?}", left().collect::<Vec<_>>());

    // Of one who was killed while looking.
    std::fs::create_dir(state.path().join("view-old")).unwrap();
    handle.stop();
    assert_eq!(handle.wait().unwrap().restarts, 0);
    started(&job(1_000_000), Config::default().state_dir(state.path())).stop();
    assert!(!state.path().join("view-old").exists());
}

#[test]
fn the_state_of_a_stopped_job_is_listed_found_exported_and_compared() {
    let state = tempfile::tempdir().unwrap();
    let config = Config::default().state_dir(state.path()).keep_checkpoints(50);
    let handle = started(&job(1_000_000), config);
    while handle.status().operator("quotients").unwrap().records_in < 1_000 || handle.status().checkpoints < 4 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    handle.stop();
    handle.wait().unwrap();
    let name = state_name(state.path());
    let found = lines(&told(&["state", "get", "quotients", &name, "3", "--json"], state.path()));
    assert_eq!((found.len(), &found[0]["key"]), (1, &json!(3)));
    let text = told(&["state", "scan", "quotients", &name, "--limit", "2"], state.path());
    assert_eq!(text.lines().count(), 3, "{text}");
    for (arguments, word) in [
        (&["state", "get", "quotients", &name, "77"][..], "nothing under 77"),
        (&["state", "scan", "quotients", "sums"], &name),
        (&["state", "ls", "quotas"], "`quotas`"),
        (&["state", "scan", "quotas", "sums"], "quotients"),
        (&["state", "ls", "--checkpoint", "7.7"], "is not kept"),
        (&["state", "diff", "1.1", "nowhere.savepoint"], "nowhere.savepoint"),
    ] {
        let refusal = refused(arguments, state.path());
        assert!(refusal.contains(word), "{arguments:?}: {refusal}");
    }

    let file = state.path().join("../all.jsonl");
    let output = file.to_str().unwrap();
    let _ = std::fs::remove_file(&file);
    told(&["state", "export", "--output", output], state.path());
    assert!(lines(&std::fs::read_to_string(&file).unwrap()).iter().any(|line| line["key"] == 3));
    assert!(refused(&["state", "export", "--output", output], state.path()).contains("all.jsonl"), "it is there");
    std::fs::remove_file(&file).unwrap();

    let kept: Value = serde_json::from_str(&told(&["checkpoints", "list", "--json"], state.path())).unwrap();
    let kept: Vec<&str> = kept["kept"].as_array().unwrap().iter().map(|kept| kept["epoch"].as_str().unwrap()).collect();
    let (first, last) = (kept[0], kept[kept.len() - 1]);
    let value = |epoch: &str| {
        let found = told(&["state", "get", "quotients", &name, "3", "--json", "--checkpoint", epoch], state.path());
        lines(&found)[0]["value"].clone()
    };
    let changes = lines(&told(&["state", "diff", first, last, "--json"], state.path()));
    let of_three: Vec<&Value> = changes.iter().filter(|change| change["now"]["key"] == 3).collect();
    assert_eq!(of_three.len(), 1);
    assert_eq!((&of_three[0]["was"]["value"], &of_three[0]["now"]["value"]), (&value(first), &value(last)));
    assert!(told(&["state", "diff", last, last], state.path()).is_empty());
}
