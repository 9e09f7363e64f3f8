//! The program as a process: started, watched, sent signals.

use crate::program::{SETTINGS, Settings};
use millstream::time::{Clock, SystemClock};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

/// How long anything may take before a test gives up.
const LIMIT: Duration = Duration::from_secs(90);
/// How often a condition is looked at.
const PAUSE: Duration = Duration::from_millis(4);

/// Waits until `condition` holds.
///
/// # Panics
/// If it does not within the limit: with `what` was waited for.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let clock = SystemClock::new();
    while !condition() {
        assert!(clock.elapsed() < LIMIT, "waited {LIMIT:?} in vain: {what}");
        std::thread::sleep(PAUSE);
    }
}

/// The program with these settings; it says warnings and errors on stderr.
pub(crate) fn command(settings: &Settings) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a test knows its own executable"));
    command.args(["--exact", "program::the_job", "--ignored", "--nocapture", "--test-threads=1"]);
    command.env(SETTINGS, serde_json::to_string(settings).expect("settings")).env("RUST_LOG", "warn");
    command.env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

/// One process. Killed when dropped.
pub(crate) struct Life {
    child: Child,
    stderr: PathBuf,
}

/// How a process ended and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    /// `None`: by a signal.
    pub(crate) code: Option<i32>,
    pub(crate) stderr: String,
}

/// Starts the program; what it says goes to a file in `logs`.
pub(crate) fn start(settings: &Settings, logs: &Path) -> Life {
    start_command(command(settings), logs)
}

/// Starts a command; what it says goes to a file in `logs`.
pub(crate) fn start_command(mut command: Command, logs: &Path) -> Life {
    static LIVES: AtomicUsize = AtomicUsize::new(0);
    let stderr = logs.join(format!("stderr-{}", LIVES.fetch_add(1, Relaxed)));
    command.stdout(Stdio::null()).stderr(File::create(&stderr).expect("a log in a temporary directory"));
    let child = command.spawn().expect("the program can be started");
    Life { child, stderr }
}

impl Life {
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has said so far.
    pub(crate) fn stderr(&self) -> String {
        fs::read_to_string(&self.stderr).expect("stderr goes to a file")
    }

    /// Whether it has ended by itself.
    pub(crate) fn is_over(&mut self) -> bool {
        self.child.try_wait().expect("a child can be waited for").is_some()
    }

    /// Kills it, as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("a child can be killed");
        self.child.wait().expect("a child can be waited for");
    }

    /// How many bytes of a file it has read; `None` if it does not hold the file open.
    pub(crate) fn has_read(&self, file: &Path) -> Option<u64> {
        let process = PathBuf::from(format!("/proc/{}", self.id()));
        let links = fs::read_dir(process.join("fd")).ok()?;
        let link = links.flatten().find(|link| fs::read_link(link.path()).is_ok_and(|target| target == file))?;
        let told = fs::read_to_string(process.join("fdinfo").join(link.file_name())).ok()?;
        told.lines().find_map(|line| line.strip_prefix("pos:")?.trim().parse().ok())
    }

    /// Sends it a signal, like "TERM".
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.id().to_string()).status();
        assert!(sent.expect("there is a kill command").success());
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> Ended {
        wait_until("the end of the process", || self.is_over());
        let code = self.child.wait().expect("it has ended").code();
        Ended { code, stderr: self.stderr() }
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        // It may have ended already; a stopped process can be killed too.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    /// It ended with code 1 and one last line that holds each of `words`; nothing panicked.
    #[track_caller]
    pub(crate) fn refused(&self, words: &[&str]) {
        assert_eq!(self.code, Some(1), "{self:?}");
        let last = self.stderr.lines().last().unwrap_or_default();
        assert!(last.starts_with("soak: "), "{self:?}");
        for word in words {
            assert!(last.contains(word), "`{word}` is not in: {last}");
        }
        assert!(!self.stderr.contains("panic"), "{self:?}");
    }
}

/// Numbers that look random and are the same for the same seed (SplitMix64).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Dice(seed)
    }

    /// A number from 0 to `below - 1`.
    pub(crate) fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % below
    }

    /// One of these.
    pub(crate) fn choose<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.roll(of.len() as u64) as usize]
    }
}
