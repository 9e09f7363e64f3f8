//! A state directory of each version: of a job that was stopped in its middle, with what its sinks had shown.
//!
//! `fixtures/<version>/` holds its files, each compressed; `/` in a path is written as `~`.

use crate::job::{rows, run};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats/fixtures")
}

/// All files below a directory, by their paths in it.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(self::files(&path)) } else { files.push(path) }
    }
    files
}

/// Puts a fixture's files where they were.
fn unpack(fixture: &Path, into: &Path) {
    for file in files(fixture) {
        let name = file.file_stem().unwrap().to_str().unwrap().replace('~', "/");
        let target = into.join(name);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        let mut bytes = Vec::new();
        GzDecoder::new(File::open(&file).unwrap()).read_to_end(&mut bytes).unwrap();
        fs::write(target, bytes).unwrap();
    }
}

#[test]
fn a_job_that_any_version_has_stopped_goes_on_in_this_one() {
    let straight = tempfile::tempdir().unwrap();
    run(straight.path(), None).unwrap();
    let mut versions = 0;
    for version in fs::read_dir(fixtures()).unwrap() {
        let version = version.unwrap().path();
        let directory = tempfile::tempdir().unwrap();
        unpack(&version, directory.path());
        assert_ne!(rows(directory.path()), rows(straight.path()), "{} was stopped in its middle", version.display());
        run(directory.path(), None).unwrap();
        assert_eq!(rows(directory.path()), rows(straight.path()), "{}", version.display());
        versions += 1;
    }
    assert!(versions > 0, "the fixtures are gone");
}

/// Writes a new fixture, to be committed when a format has changed: name its folder in `MILLSTREAM_FIXTURE`.
#[test]
#[ignore = "writes into the source tree"]
fn write_a_fixture_of_this_version() {
    let name = std::env::var("MILLSTREAM_FIXTURE").expect("MILLSTREAM_FIXTURE names the folder of the new fixture");
    let target = fixtures().join(name);
    fs::create_dir(&target).expect("a version is written once");
    let directory = tempfile::tempdir().unwrap();
    run(directory.path(), Some(300)).unwrap();
    for file in files(directory.path()).into_iter().filter(|file| !file.ends_with("lock")) {
        let path = file.strip_prefix(directory.path()).unwrap().to_str().unwrap().replace('/', "~");
        let mut packed = GzEncoder::new(File::create(target.join(path + ".gz")).unwrap(), Compression::best());
        packed.write_all(&fs::read(&file).unwrap()).unwrap();
        packed.finish().unwrap();
    }
}
