//! The binary `millstream`: see [`millstream::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    millstream::cli::main()
}
