//! `plan`: the operators of an SQL file.

use super::{Given, Variables};
use crate::cli::Done;
use crate::sql::Env;
use clap::ValueEnum;
use std::io::{self, Write};

/// Show the operators that an SQL file becomes: exchanges, state, and how rows change
///
/// Examples:
///   millstream plan pageviews.sql
///   millstream plan pageviews.sql --format dot | dot -Tsvg > plan.svg
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Plan {
    /// An SQL file; `-` is standard input
    #[arg(value_name = "FILE")]
    file: String,
    #[command(flatten)]
    given: Given,
    #[command(flatten)]
    variables: Variables,
    /// How to show it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Text,
    Json,
    Dot,
    Mermaid,
}

impl Plan {
    pub(super) fn run(self, mut env: Env) -> Done {
        env.outside = self.variables.outside()?;
        let program = self.given.planned(&self.file, &env)?.program;
        let shown = match self.format {
            Format::Text => program.explain(),
            Format::Json => format!("{:#}\n", program.explain_json()),
            Format::Dot => program.explain_dot(),
            Format::Mermaid => program.explain_mermaid(),
        };
        Ok(io::stdout().lock().write_all(env.outside.redacted(&shown).as_bytes())?)
    }
}
