//! Apache Flink as a contender: a JVM that stays, so that all but its first run find it warm.

use crate::case::Case;
use crate::measure::{Cost, Failure};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

const INSTALL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/flink/install.sh");
/// What Flink's own scripts give by default to its two processes together, a little less.
const HEAP: &str = "-Xmx3g";

/// A JVM that runs programs.
pub struct Flink {
    process: Child,
    programs: ChildStdin,
    told: BufReader<ChildStdout>,
    program: PathBuf,
}

/// Fetches what is missing into the directory.
pub fn install(into: &Path) -> Result<(), Failure> {
    let status = Command::new(INSTALL).arg(into).status()?;
    if status.success() { Ok(()) } else { Err(format!("{INSTALL} failed: {status}").into()) }
}

impl Flink {
    /// Starts the JVM for a case.
    pub fn start(installed: &Path, place: &Path, case: &Case) -> Result<Self, Failure> {
        let mut command = Command::new("java");
        let classes = format!("{}:{}/lib/*", installed.display(), installed.display());
        // What Flink's own scripts open for it.
        for package in ["java.util", "java.lang", "java.nio", "java.net", "java.time", "java.util.concurrent"] {
            command.arg(format!("--add-opens=java.base/{package}=ALL-UNNAMED"));
        }
        command.args([HEAP, "-Dlog4j2.level=ERROR", "-cp", &classes, "Runner", &case.parallelism.to_string()]);
        command.arg(place.join("flink-checkpoints"));
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn()?;
        let (programs, told) = (process.stdin.take(), process.stdout.take());
        let (Some(programs), Some(told)) = (programs, told) else { return Err("the JVM has no pipes".into()) };
        Ok(Flink { process, programs, told: BufReader::new(told), program: place.join("flink.sql") })
    }

    /// Runs the case once.
    pub fn run(&mut self, case: &Case) -> Result<Cost, Failure> {
        fs::write(&self.program, case.sql(true))?;
        writeln!(self.programs, "{}", self.program.display())?;
        let mut line = String::new();
        loop {
            line.clear();
            if self.told.read_line(&mut line)? == 0 {
                return Err(format!("Flink has failed at {}", case.query.name()).into());
            }
            if let Some(figures) = line.strip_prefix("cost ") {
                return Cost::parse(figures);
            }
        }
    }
}

impl Drop for Flink {
    fn drop(&mut self) {
        // It may have ended on its own.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
