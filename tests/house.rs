//! The house keeps its floors: which room may use which, and which foreign library lives where.
//!
//! A layer that no test holds does not last. The tables below are the architecture; a new arrow is drawn here on purpose.

#![expect(clippy::unwrap_used, reason = "a test that cannot read the sources has failed")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms each room may use. Rooms import from lower floors only; the few neighbours are named here.
const ROOMS: &[(&str, &[&str])] = &[
    ("bug", &[]),
    ("fault", &[]),
    ("time", &[]),
    ("record", &["time"]),
    ("formats", &["fault", "time"]),
    ("state", &["bug", "fault", "record", "time"]),
    ("connector", &["bug", "fault", "record", "time"]),
    ("operator", &["bug", "fault", "record", "time", "state", "connector"]),
    ("config", &["fault", "record"]),
    ("graph", &["fault", "record", "operator"]),
    ("checkpoint", &["bug", "record", "operator", "connector"]),
    ("savepoint", &["fault", "record", "time", "state", "checkpoint"]),
    (
        "runtime",
        &[
            "bug",
            "fault",
            "record",
            "time",
            "state",
            "connector",
            "operator",
            "config",
            "graph",
            "checkpoint",
            "savepoint",
            "error",
        ],
    ),
    ("error", &["fault", "record", "state", "connector", "graph", "checkpoint", "savepoint"]),
    ("testing", &["bug", "fault", "record", "time", "connector", "operator", "config", "runtime", "error", "api"]),
    // `cli`: the binary as a function, `sql::main`.
    (
        "sql",
        &[
            "fault",
            "formats",
            "time",
            "record",
            "state",
            "connector",
            "operator",
            "config",
            "runtime",
            "api",
            "testing",
            "cli",
        ],
    ),
    ("cli", &["record", "time", "state", "config", "savepoint", "runtime", "error", "api", "sql"]),
    // The back door: calls `cli`.
    ("main", &[]),
    ("api", &["record", "time", "state", "connector", "operator", "config", "graph", "savepoint", "runtime", "error"]),
];

/// The rooms in which a foreign library may be used; libraries that are not named here may be used everywhere.
const LIBRARIES: &[(&str, &[&str])] = &[
    ("actix", &["runtime"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("toml", &["cli"]),
    ("tracing_subscriber", &["cli"]),
    ("tokio", &["runtime"]),
    ("redb", &["state"]),
    ("csv", &["connector"]),
    ("flate2", &["connector"]),
    ("glob", &["connector"]),
    ("postcard", &["record"]),
    ("hashbrown", &["state", "operator"]),
    ("jiff", &["time"]),
    ("memchr", &["connector", "formats", "sql"]),
    ("arrow", &["sql"]),
    ("datafusion_common", &["sql"]),
    ("datafusion_expr", &["sql"]),
    ("datafusion_functions", &["sql"]),
    ("datafusion_functions_aggregate", &["sql"]),
    ("datafusion_functions_window", &["sql"]),
    ("datafusion_optimizer", &["sql"]),
    ("datafusion_physical_expr", &["sql"]),
    ("datafusion_sql", &["sql"]),
    ("regex", &["sql"]),
];

/// All Rust files below `directory`.
fn sources(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// The code of a file without its comments, doc examples, and unit tests: those may reach further.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The first names behind `prefix` in `code`, like `time` in `crate::time::Timestamp`.
fn names_behind<'a>(code: &'a str, prefix: &str) -> Vec<&'a str> {
    let ends = |rest: &'a str| rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    code.match_indices(prefix)
        .filter(|(at, _)| !code[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$'))
        .map(|(at, _)| &code[at + prefix.len()..])
        .map(|rest| &rest[..ends(rest)])
        .collect()
}

fn rooms() -> BTreeMap<String, Vec<PathBuf>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut rooms: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for file in sources(&root) {
        let inside = file.strip_prefix(&root).unwrap();
        let room = inside.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
        rooms.entry(room.trim_end_matches(".rs").to_owned()).or_default().push(file);
    }
    rooms.remove("lib");
    rooms
}

#[test]
fn an_arrow_is_seen() {
    let code = "use crate::time::Timestamp;\nfn f() -> crate::state::Error {}\nmy_crate::graph::g();";
    assert_eq!(names_behind(code, "crate::"), ["time", "state"]);
}

#[test]
fn rooms_import_from_lower_floors_only() {
    let allowed: BTreeMap<_, _> = ROOMS.iter().copied().collect();
    let mut arrows = Vec::new();
    for (room, files) in rooms() {
        let may = allowed.get(room.as_str()).unwrap_or_else(|| panic!("room `{room}` is not in the table"));
        for file in files {
            assert!(!code(&file).contains("use crate::{"), "{}: name one room per use", file.display());
            // Names at the root of the crate, like `crate::Result`, are the front door's, not a room's.
            for used in names_behind(&code(&file), "crate::").into_iter().filter(|name| allowed.contains_key(name)) {
                if used != room && !may.contains(&used) {
                    arrows.push(format!("{}: {room} -> {used}", file.display()));
                }
            }
        }
    }
    assert!(arrows.is_empty(), "arrows that are not drawn in the table:\n{}", arrows.join("\n"));
}

#[test]
fn every_foreign_library_lives_in_its_room() {
    let mut strangers = Vec::new();
    for (room, files) in rooms() {
        for file in files {
            let code = code(&file);
            for (library, may) in LIBRARIES {
                let used = !names_behind(&code, &format!("{library}::")).is_empty();
                if used && !may.contains(&room.as_str()) {
                    strangers.push(format!("{}: {library} in {room}", file.display()));
                }
            }
        }
    }
    assert!(strangers.is_empty(), "libraries outside their rooms:\n{}", strangers.join("\n"));
}

#[test]
fn doors_tell_their_story() {
    for (room, files) in rooms() {
        let door = files.iter().find(|file| file.ends_with("mod.rs") && file.parent().unwrap().ends_with(&room));
        let door = door.or_else(|| files.iter().find(|file| file.ends_with(format!("{room}.rs"))));
        let text = fs::read_to_string(door.unwrap_or_else(|| panic!("room `{room}` has no door"))).unwrap();
        assert!(text.starts_with("//! "), "room `{room}` does not say what it is for");
    }
}

#[test]
fn what_the_readme_points_to_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let links: Vec<&str> = readme.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect();
    assert!(links.len() > 30, "the README has lost its links");
    for link in links {
        assert!(root.join(link).exists(), "README.md points to {link}, which is not there");
    }
    for example in sources(&root.join("examples")) {
        let name = example.file_stem().unwrap().to_string_lossy().into_owned();
        let is_example = example.parent().unwrap().ends_with("examples");
        assert!(!is_example || readme.contains(&name), "README.md does not tell of the example {name}");
    }
}
