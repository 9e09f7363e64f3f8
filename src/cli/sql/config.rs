//! `config`: which settings hold, and where they come from.

use super::{Given, STDIN, read};
use crate::cli::{Done, json, table};
use std::io;

/// Look at settings
#[derive(clap::Subcommand, Debug)]
pub(in crate::cli) enum Config {
    Show(Show),
}

/// Show each setting, its value, and where that was said
///
/// Places, the later before the earlier: the defaults; millstream.toml beside the SQL file, else in the working directory
/// (`parallelism.default = 2`, or `default = 2` below `[parallelism]`); the environment
/// (`MILLSTREAM__PARALLELISM__DEFAULT=2`: `__` for a point, `_` for a hyphen); SET in the SQL file; --set. The flags of
/// `run` that are named in brackets go before all of them.
///
/// Example: millstream config show pageviews.sql --set parallelism.default=2
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Show {
    /// The SQL file that is to be run
    #[arg(value_name = "FILE")]
    file: Option<String>,
    #[command(flatten)]
    given: Given,
    /// Tell the result as JSON
    #[arg(long)]
    json: bool,
}

impl Config {
    pub(super) fn run(self) -> Done {
        let Config::Show(show) = self;
        let text = show.file.as_deref().map_or(Ok(String::new()), read)?;
        let shown = show.given.layers(show.file.as_deref().unwrap_or(STDIN), &text)?.shown();
        let mut out = io::stdout().lock();
        if show.json {
            return Ok(json(&mut out, &shown)?);
        }
        let rows =
            shown.into_iter().map(|shown| vec![shown.key.to_owned(), shown.value, shown.from, shown.about.to_owned()]);
        Ok(table(&mut out, &["key", "value", "from", "what"], &rows.collect::<Vec<_>>())?)
    }
}
