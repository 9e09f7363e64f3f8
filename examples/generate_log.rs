//! Writes an access log to the standard output: `examples/data/access.log`, or one of any length.
//!
//! ```text
//! cargo run --example generate_log -- --lines 10000 --seed 1 > examples/data/access.log
//! ```

#[path = "support/access_log.rs"]
mod access_log;

use std::io::{self, BufWriter, ErrorKind, Write};
use std::process::ExitCode;

const HELP: &str = "\
Writes an access log in the combined format to the standard output.

Options:
  --lines N  how many lines [default: 10000]
  --seed N   another number, another log [default: 1]
  --help     this text
";

fn main() -> ExitCode {
    let mut lines = 10_000;
    let mut seed = 1;
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        if name == "--help" {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        let value = arguments.next().and_then(|value| value.parse::<u64>().ok());
        match (name.as_str(), value) {
            ("--lines", Some(value)) => lines = value as usize,
            ("--seed", Some(value)) => seed = value,
            ("--lines" | "--seed", None) => return fail(&format!("`{name}` takes a whole number, like `{name} 1000`")),
            _ => return fail(&format!("there is no option `{name}`; see `--help`")),
        }
    }
    let mut out = BufWriter::new(io::stdout().lock());
    match access_log::write(&mut out, lines, seed).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => fail(&format!("the log could not be written: {error}")),
        _ => ExitCode::SUCCESS,
    }
}

fn fail(message: &str) -> ExitCode {
    eprintln!("{message}");
    ExitCode::from(2)
}
