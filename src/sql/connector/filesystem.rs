//! Files.

use super::{Connector, Input, OptionDoc, Options, Output};
use crate::connector::{FileSink, FileSource, KeyedFileSink};
use crate::sql::catalog::OptionError;
use regex::Regex;
use std::time::Duration;

/// `filesystem`: the lines of files, read and written exactly once.
///
/// Read: `path` is a file, a directory with all below it (names that begin with `.` or `_` are left out), or a pattern like
/// `logs/*.log.gz`. What is compressed with gzip is decompressed. Without `source.monitor-interval` the table ends with its
/// files (in a directory, those for whose absolute path `source.path.regex-pattern` holds); with it they are followed as they grow and are rotated, without end. Which files there are is found at the start:
/// unlike Flink's, a table that is followed takes no more of them, so a directory cannot be followed. Columns of METADATA
/// are `file.path`, `file.name`, and `offset`, the place of the line in its file (which Flink has not).
///
/// Written: `path` is one file, which grows at each checkpoint; Flink makes a directory of files of it. Rows of all kinds are
/// taken if the format can say them. If it cannot, and the table has a PRIMARY KEY, the file holds the table as it is: one line
/// per key, in order of the keys. Each checkpoint replaces that file as a whole, so it is for tables of a size that can be written
/// so often, and a job that is started from a savepoint writes only the keys that change from there on. In Flink this connector
/// takes no changes.
///
/// ```
/// use millstream::sql::connector::{Connector, Filesystem};
///
/// assert_eq!(Filesystem.options()[0].key, "path");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Filesystem;

const PATTERN: &str = "source.path.regex-pattern";

const OPTIONS: &[OptionDoc] = &[
    OptionDoc { key: "path", default: None, doc: "a file; to read also a directory, or a pattern like 'logs/*.gz'" },
    OptionDoc {
        key: PATTERN,
        default: None,
        doc: "a regular expression for the whole absolute path of those files in the directory that are read",
    },
    OptionDoc {
        key: "source.monitor-interval",
        default: None,
        doc: "follow the files as they grow; any duration above zero, changes are seen at once",
    },
];

/// The path without the scheme that Flink's paths may have.
fn path<'t>(options: Options<'t>, example: &str) -> Result<&'t str, OptionError> {
    let path = options.required("path", example)?;
    let path = path.strip_prefix("file://").unwrap_or(path);
    let scheme = path.split_once("://").map(|(scheme, _)| scheme);
    match scheme {
        Some(scheme) => {
            Err(options.refuse("path", format!("'{scheme}://' is not supported; copy the file to this machine")))
        }
        None if path.is_empty() => Err(options.refuse("path", format!("'path' is empty; write 'path' = '{example}'"))),
        None => Ok(path),
    }
}

impl Connector for Filesystem {
    fn name(&self) -> &str {
        "filesystem"
    }

    fn doc(&self) -> &str {
        "lines of files, read and written exactly once"
    }

    fn options(&self) -> &[OptionDoc] {
        OPTIONS
    }

    fn has_format(&self) -> bool {
        true
    }

    fn source(&self, options: Options<'_>) -> Result<Input, OptionError> {
        let mut files = FileSource::lines([path(options, "access.log")?]).directories();
        if let Some(text) = options.text(PATTERN) {
            let pattern = Regex::new(&format!("^(?:{text})$"));
            let pattern = pattern.map_err(|cause| options.refuse(PATTERN, format!("'{PATTERN}': {cause}")))?;
            files = files.only(move |path| pattern.is_match(path));
        }
        match options.duration("source.monitor-interval")? {
            Some(Duration::ZERO) => Err(options.refuse(
                "source.monitor-interval",
                "'source.monitor-interval' is above zero; leave it out to read the files once",
            )),
            Some(_) => Ok(Input::lines(files.follow())),
            None => Ok(Input::lines(files)),
        }
    }

    fn sink(&self, options: Options<'_>) -> Result<Output, OptionError> {
        let path = path(options, "out.csv")?.to_owned();
        let keyed = path.clone();
        let lines = Output::lines(move |header| {
            let sink = FileSink::lines(path);
            match header {
                Some(header) => sink.header([header]),
                None => sink,
            }
        });
        Ok(lines.or_keyed(move |header, keys| {
            let sink = KeyedFileSink::new(keyed, move |line| keys(line));
            match header {
                Some(header) => sink.header(header),
                None => sink,
            }
        }))
    }
}
