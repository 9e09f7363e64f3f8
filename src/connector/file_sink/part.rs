//! The names and descriptions of what is written: the visible file, its pending parts, and the plan of a commit.

use crate::connector::files::{create_directory, directory};
use crate::connector::{Error, files};
use crate::record::Epoch;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs;
use std::hash::BuildHasher;
use std::path::{Path, PathBuf};

/// A pending file's rows, durable up to `length`; what stands behind does not count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Part {
    pub(super) name: String,
    /// The barrier before which its rows came.
    pub(super) epoch: Epoch,
    pub(super) length: u64,
    pub(super) rows: u64,
}

/// What a writer tells the committer.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct PreparedParts {
    /// The header that the rows' own names make, line end included.
    pub(super) header: Option<String>,
    /// All parts not known to be committed, oldest first.
    pub(super) parts: Vec<Part>,
}

/// What becomes visible with an epoch.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) epoch: Epoch,
    /// The visible file's length before.
    pub(super) before: u64,
    /// Its length after.
    pub(super) after: u64,
    /// What comes before the parts, in the first record that has any bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) header: Option<String>,
    /// In the order in which they are appended.
    pub(super) parts: Vec<Part>,
}

/// As JSON.
pub(super) fn to_value(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("numbers and texts can be written as JSON")
}

/// From JSON.
pub(super) fn from_value<T: DeserializeOwned>(path: &Path, value: &Value) -> Result<T, Error> {
    serde_json::from_value(value.clone()).map_err(|cause| {
        let message = format!(
            "the checkpoint's record of file {} was written by another kind of sink or version ({cause}); \
             start with a new state directory",
            path.display()
        );
        Error::user(message)
    })
}

/// The visible file, and where its pending files lie.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) path: PathBuf,
    pub(super) directory: PathBuf,
    name: String,
}

impl Target {
    /// # Errors
    /// If the path has no file name, or one that is no UTF-8.
    pub(super) fn new(path: &Path) -> Result<Self, Error> {
        let name = path.file_name().and_then(|name| name.to_str()).ok_or_else(|| {
            Error::user(format!("{} is no path of a file to write; end it with a file name", path.display()))
        })?;
        let name = name.to_owned();
        Ok(Target { path: path.to_owned(), directory: directory(path).to_owned(), name })
    }

    /// Makes the directory and looks whether files can be made in it, and none but a file is in the way.
    pub(super) fn check(&self) -> Result<(), Error> {
        create_directory(&self.directory)?;
        let shown = self.path.display();
        match fs::metadata(&self.path) {
            Ok(metadata) if metadata.is_dir() => {
                return Err(Error::user(format!("{shown} is a directory; name a file in it to write to")));
            }
            Ok(metadata) if !metadata.is_file() => {
                return Err(Error::user(format!("{shown} is no regular file; name another file to write to")));
            }
            _ => {}
        }
        let probe = tempfile::Builder::new().prefix(".millstream-").tempfile_in(&self.directory);
        probe.map(|_| ()).map_err(|cause| {
            Error::io(format_args!("cannot make files in {}, where {shown} is to be", self.directory.display()), cause)
        })
    }

    /// The path of a file in the same directory.
    pub(super) fn beside(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The common beginning of the names of one writer's pending files; no other writer, of whatever start, has the same.
    pub(super) fn writer_prefix(&self, uid: &str, subtask: usize) -> String {
        let safe: String = uid.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        // The keys of a new `RandomState` differ from those of every other one.
        let unique = std::hash::RandomState::new().hash_one(std::process::id());
        format!(".{}.{safe}-{subtask}.{unique:016x}-", self.name)
    }

    /// Whether a file with this name is a pending file of this target.
    fn is_pending(&self, file: &str) -> bool {
        let rest = file.strip_prefix('.').and_then(|rest| rest.strip_prefix(self.name.as_str()));
        let middle = rest.and_then(|rest| rest.strip_prefix('.')?.strip_suffix(".pending"));
        // The writer and the part's number have no dots, so `a` does not take the pending files of `a.b` for its own.
        middle.is_some_and(|middle| {
            middle.split_once('.').is_some_and(|(writer, part)| writer.contains('-') && !part.contains('.'))
        })
    }

    /// All pending files there are.
    pub(super) fn pending(&self) -> Result<Vec<PathBuf>, Error> {
        let unlistable = |cause| Error::io(format_args!("cannot list {}", self.directory.display()), cause);
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.directory).map_err(unlistable)? {
            let entry = entry.map_err(unlistable)?;
            if entry.file_name().to_str().is_some_and(|name| self.is_pending(name)) {
                found.push(entry.path());
            }
        }
        Ok(found)
    }

    /// Makes new directory entries durable.
    pub(super) fn sync_directory(&self) -> Result<(), Error> {
        files::sync_directory(&self.directory)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Fault, Faulty};

    #[test]
    fn a_target_knows_its_own_pending_files() {
        let target = Target::new(Path::new("out/site.csv")).unwrap();
        let own = target.writer_prefix("my sink/1.2", 3) + "0.pending";
        assert!(own.starts_with(".site.csv.my_sink_1_2-3."), "{own}");
        assert!(target.is_pending(&own));
        let longer = Target::new(Path::new("out/site.csv.old")).unwrap();
        let others = longer.writer_prefix("sink", 0) + "0.pending";
        assert!(!target.is_pending(&others) && longer.is_pending(&others));
        for other in ["site.csv", ".site.csv.pending", ".site.csv.swp", ".site.csv.a.b.pending"] {
            assert!(!target.is_pending(other), "{other}");
        }
    }

    #[test]
    fn no_two_writers_share_a_name() {
        let target = Target::new(Path::new("a")).unwrap();
        assert_ne!(target.writer_prefix("sink", 0), target.writer_prefix("sink", 0));
    }

    #[test]
    fn places_that_cannot_be_written_are_named() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("file"), "").unwrap();
        let check = |path: PathBuf| Target::new(&path).and_then(|target| target.check());
        for bad in [root.path().to_owned(), root.path().join("file/out.csv"), "/dev/null".into(), "..".into()] {
            let error = check(bad.clone()).unwrap_err();
            assert_eq!(error.fault(), Fault::User, "{error}");
            assert!(error.to_string().contains(bad.to_str().unwrap().trim_end_matches("/out.csv")), "{error}");
        }
        check(root.path().join("new/deep/out.csv")).unwrap();
        assert!(fs::read_dir(root.path().join("new/deep")).unwrap().next().is_none());
    }
}
