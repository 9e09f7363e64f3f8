//! A small file system in memory, where the tests may mount one.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Set in a test that runs in a namespace of its own.
const INSIDE: &str = "MILLSTREAM_SOAK_NAMESPACE";

/// Where a test finds itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a namespace in which it may mount, and which takes its mounts along when it ends: do the work.
    Inside,
    /// Outside, and it has passed inside: nothing is left to be done.
    Passed,
    /// This system permits no mounts, and a word has been printed.
    NotPermitted,
}

/// Runs the test `name` in a namespace of its own.
///
/// # Panics
/// If the test failed in there.
pub(crate) fn enter(name: &str) -> Place {
    if std::env::var_os(INSIDE).is_some() {
        return Place::Inside;
    }
    let folder = tempfile::tempdir().expect("a temporary directory");
    let probe = "mount -t tmpfs -o size=64k none \"$0\"";
    let probe = Command::new("unshare").args(["-Urm", "sh", "-c", probe]).arg(folder.path()).output();
    if !probe.is_ok_and(|probe| probe.status.success()) {
        println!("{name}: this user may not mount, so what needs a small disk is skipped");
        return Place::NotPermitted;
    }
    let mut inside = Command::new("unshare");
    inside.arg("-Urm").arg(std::env::current_exe().expect("a test knows its own executable"));
    inside.args(["--exact", name, "--nocapture"]).env(INSIDE, "1");
    let status = inside.status().expect("it could be started a moment ago");
    assert!(status.success(), "{name} has failed in its namespace");
    Place::Passed
}

/// A small disk. It goes with the namespace.
#[derive(Debug)]
pub(crate) struct SmallDisk {
    path: PathBuf,
}

impl SmallDisk {
    /// Mounts a disk of `size`, like "8m", on a new directory.
    pub(crate) fn mount(path: PathBuf, size: &str) -> Self {
        fs::create_dir(&path).expect("a directory");
        let disk = SmallDisk { path };
        assert!(
            disk.call("mount", &["-t", "tmpfs", "-o", &format!("size={size}"), "none"]),
            "mounts are permitted here"
        );
        disk
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Fills it to its last byte.
    pub(crate) fn fill(&self) {
        let mut file =
            File::options().append(true).create(true).open(self.filler()).expect("an empty file needs no room");
        while file.write_all(&[0; 65_536]).is_ok() {}
        while file.write_all(&[0; 512]).is_ok() {}
        while file.write_all(&[0]).is_ok() {}
    }

    /// Makes room again.
    pub(crate) fn clear(&self) {
        fs::remove_file(self.filler()).expect("the filler is there");
    }

    fn filler(&self) -> PathBuf {
        self.path.join("filler")
    }

    fn call(&self, program: &str, arguments: &[&str]) -> bool {
        Command::new(program).args(arguments).arg(&self.path).output().is_ok_and(|output| output.status.success())
    }
}
