//! One run: which query, by whom, over what, into what.

use crate::query::{Input, Query, table};
use clap::ValueEnum;
use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// A loop by hand: one thread, hash maps, nothing durable. At parallelism 1 only.
    Loop,
    /// Timely dataflow, custom operators over hash maps. Nothing is durable, so nothing is exactly once.
    Timely,
    /// Millstream's streams in Rust.
    Typed,
    /// Millstream's SQL.
    Sql,
    /// Apache Flink's SQL, state on the heap.
    Flink,
}

impl Engine {
    /// Whether it can run so.
    pub fn answers(self, parallelism: usize) -> bool {
        match self {
            Engine::Loop => parallelism == 1,
            Engine::Timely | Engine::Typed | Engine::Sql | Engine::Flink => true,
        }
    }

    /// As on the command line.
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// What is to be run.
#[derive(Clone, Debug)]
pub struct Case {
    pub query: Query,
    /// How many workers, and files of each input.
    pub parallelism: usize,
    /// Has a directory for each kind of input.
    pub input: PathBuf,
    /// Empty, for whatever is written.
    pub output: PathBuf,
}

impl Case {
    /// The file of an input that a worker reads.
    pub fn file(&self, input: Input, worker: usize) -> PathBuf {
        self.input.join(input.name()).join(format!("{worker}.csv"))
    }

    /// The file of the output that a worker writes.
    pub fn output(&self, name: &str) -> io::Result<BufWriter<File>> {
        Ok(BufWriter::with_capacity(256 * 1024, File::create(self.output.join(name))?))
    }

    /// The program in SQL.
    pub fn sql(&self, for_flink: bool) -> String {
        let tables: String = self.query.inputs().iter().map(|&input| table(input, for_flink)).collect();
        let text = format!("{tables}\n{}", self.query.sql());
        text.replace("{in}", &absolute(&self.input)).replace("{out}", &absolute(&self.output))
    }

    /// Empties the output.
    pub fn clear(&self) -> io::Result<()> {
        match fs::remove_dir_all(&self.output) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        fs::create_dir_all(&self.output)
    }
}

fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}
