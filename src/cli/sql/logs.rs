//! What the engine logs, on stderr.

use crate::sql::Outside;
use clap::ValueEnum;
use std::io::{self, Write};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// How much is logged, and how.
#[derive(clap::Args, Debug)]
pub(super) struct Logs {
    /// How lines of the log are written to stderr
    #[arg(long, value_enum, default_value_t = Format::Text)]
    log_format: Format,
    /// What is logged: error, warn, info, debug or trace, or as `RUST_LOG` has it, like millstream=debug. Without the flag
    /// that variable says it
    #[arg(long, value_name = "LEVEL", value_parser = level)]
    log: Option<String>,
}

fn level(text: &str) -> Result<String, String> {
    text.parse::<EnvFilter>().map(|_| text.to_owned()).map_err(|cause| cause.to_string())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

impl Logs {
    /// Logs from here on, without what `outside` holds secret. A subscriber that is there already stays.
    pub(super) fn begin(&self, outside: &Outside) {
        let filter = match &self.log {
            Some(level) => EnvFilter::new(level),
            None => EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn")),
        };
        let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(Redacted(outside.clone()));
        // A program that has set one up wants its own.
        let _ = match self.log_format {
            Format::Text => lines.with_ansi(false).try_init(),
            Format::Json => lines.json().try_init(),
        };
    }
}

/// Stderr without secrets. Each line comes in one piece.
#[derive(Clone)]
struct Redacted(Outside);

impl Write for Redacted {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let shown = self.0.redacted(&String::from_utf8_lossy(line));
        io::stderr().lock().write_all(shown.as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl MakeWriter<'_> for Redacted {
    type Writer = Redacted;

    fn make_writer(&self) -> Redacted {
        self.clone()
    }
}
