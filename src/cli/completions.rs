//! `completions`: what a shell completes.

use super::Done;
use clap::CommandFactory;
use clap_complete::Shell;
use std::io::{self, Write};

/// Write a script that lets a shell complete commands and flags
///
/// Examples:
///   millstream completions bash > ~/.local/share/bash-completion/completions/millstream
///   millstream completions zsh > ~/.zfunc/_millstream
///   millstream completions fish > ~/.config/fish/completions/millstream.fish
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub(super) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    /// For the command line `C` of a program of this name.
    pub(super) fn run<C: CommandFactory>(self, name: &str) -> Done {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut C::command(), name, &mut script);
        Ok(io::stdout().lock().write_all(&script)?)
    }
}
