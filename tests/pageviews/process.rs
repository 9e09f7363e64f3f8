//! The real example program, as a process in a fresh directory.

use crate::naive;
use millstream::time::{Clock, SystemClock};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;
use tempfile::TempDir;

/// How long anything may take before a test gives up.
const LIMIT: Duration = Duration::from_secs(90);
/// How often a condition is looked at.
const PAUSE: Duration = Duration::from_millis(4);

/// The files that a run shows.
pub(crate) const OUTPUTS: [&str; 5] = ["site.csv", "users.csv", "visits.csv", "rejected.jsonl", "late.jsonl"];

/// The example beside this test's own executable.
fn binary() -> PathBuf {
    let own = std::env::current_exe().expect("a test knows its own executable");
    let profile = own.parent().and_then(Path::parent).expect("tests are built in <profile>/deps");
    let binary = profile.join("examples").join("pageviews").with_extension(std::env::consts::EXE_EXTENSION);
    assert!(binary.exists(), "{} is missing: run `cargo build --example pageviews` first", binary.display());
    binary
}

/// Waits until `condition` holds.
///
/// # Panics
/// If it does not within the limit: with `what` was waited for.
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let clock = SystemClock::new();
    let begin = clock.elapsed();
    while !condition() {
        assert!(clock.elapsed() - begin < LIMIT, "waited {LIMIT:?} in vain: {what}");
        std::thread::sleep(PAUSE);
    }
}

/// A fresh directory, and the output directory in it.
pub(crate) struct Scene {
    folder: TempDir,
    output: PathBuf,
    processes: AtomicUsize,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let output = folder.path().join("out");
        Scene { folder, output, processes: AtomicUsize::new(0) }
    }

    /// The same, with the output somewhere else.
    pub(crate) fn with_output(output: PathBuf) -> Self {
        Scene { output, ..Scene::new() }
    }

    /// A path in the directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes a file in the directory.
    pub(crate) fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).expect("a file in a temporary directory");
        path
    }

    pub(crate) fn output(&self) -> &Path {
        &self.output
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.output.join(".state")
    }

    /// What the run has written.
    pub(crate) fn read(&self) -> naive::Outputs {
        naive::read(&self.output)
    }

    /// The bytes of all visible files.
    pub(crate) fn bytes(&self) -> Vec<(&'static str, Vec<u8>)> {
        let read = |name| fs::read(self.output.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        OUTPUTS.iter().map(|name| (*name, read(name))).collect()
    }

    /// The program with these arguments, writing to this scene's output directory.
    pub(crate) fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(binary());
        command.arg("--output").arg(&self.output).args(arguments).env_remove("RUST_LOG").stdin(Stdio::null());
        command
    }

    /// Starts a command; what it says goes to files.
    pub(crate) fn start_command(&self, mut command: Command) -> Life {
        let number = self.processes.fetch_add(1, Relaxed);
        let (stdout, stderr) = (self.path(&format!("stdout-{number}")), self.path(&format!("stderr-{number}")));
        let create = |path: &Path| File::create(path).expect("a file in a temporary directory");
        command.stdout(create(&stdout)).stderr(create(&stderr));
        let child = command.spawn().expect("the example can be started");
        Life { child, stdout, stderr }
    }

    /// Starts the program.
    pub(crate) fn start<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Life {
        self.start_command(self.command(arguments))
    }

    /// Runs the program to its end.
    pub(crate) fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Ended {
        self.start(arguments).wait()
    }

    /// Runs the program to its end, which must be a good one, and returns its summary.
    pub(crate) fn summary<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> serde_json::Value {
        let path = self.path("summary.json");
        let mut command = self.command(arguments);
        command.arg("--summary").arg(&path);
        self.start_command(command).wait().succeeded();
        serde_json::from_slice(&fs::read(&path).expect("a summary")).expect("a summary is JSON")
    }
}

/// One process. Killed when dropped.
pub(crate) struct Life {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

/// How a process ended and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    /// `None`: by a signal.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Life {
    /// What it has said on stderr so far.
    pub(crate) fn stderr(&self) -> String {
        fs::read_to_string(&self.stderr).expect("stderr goes to a file")
    }

    /// Whether it has ended by itself.
    pub(crate) fn is_over(&mut self) -> bool {
        self.child.try_wait().expect("a child can be waited for").is_some()
    }

    /// Kills it, as `kill -9` does.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("a child can be killed");
        self.child.wait().expect("a child can be waited for");
    }

    /// Asks it to stop.
    pub(crate) fn terminate(&self) {
        let sent = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status();
        assert!(sent.expect("there is a kill command").success());
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> Ended {
        wait_until("the end of the process", || self.is_over());
        let code = self.child.wait().expect("it has ended").code();
        let stdout = fs::read_to_string(&self.stdout).expect("stdout goes to a file");
        Ended { code, stdout, stderr: self.stderr() }
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    /// It ended well and had nothing to complain of.
    #[track_caller]
    pub(crate) fn succeeded(&self) -> &Self {
        assert_eq!((self.code, self.stderr.as_str()), (Some(0), ""), "{self:?}");
        self
    }

    /// It ended with this code and one line on stderr that holds each of `words`.
    #[track_caller]
    pub(crate) fn refused(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert_eq!(self.stderr.lines().count(), 1, "one line: {}", self.stderr);
        assert!(self.stderr.starts_with("pageviews: ") && self.stderr.ends_with('\n'), "{}", self.stderr);
        for word in words {
            assert!(self.stderr.contains(word), "`{word}` is not in: {}", self.stderr);
        }
        for word in ["panicked", "backtrace", "RUST_BACKTRACE"] {
            assert!(!self.stderr.contains(word), "{}", self.stderr);
        }
    }
}

/// Copies a directory with all that is in it.
pub(crate) fn copy_directory(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory can be listed") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a file type").is_dir() {
            copy_directory(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a file can be copied");
        }
    }
}

/// Numbers that look random and are the same for the same seed (SplitMix64).
pub(crate) struct Dice(u64);

impl Dice {
    /// Prints the seed, so that a failing run tells it.
    pub(crate) fn new(seed: u64) -> Self {
        println!("seed {seed}");
        Dice(seed)
    }

    /// A number from 0 to `below - 1`.
    pub(crate) fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % below
    }
}
