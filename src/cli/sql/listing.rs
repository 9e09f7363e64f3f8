//! `connectors` and `functions`: what tables can be, and what queries can call.

use crate::cli::{Done, Failure, table};
use crate::sql::connector::{OptionDoc, TIMING};
use crate::sql::{self, Env};
use std::io::{self, Write};

/// List the connectors and formats of tables, or the options of one
///
/// Examples:
///   millstream connectors
///   millstream connectors filesystem
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Connectors {
    /// A connector or format
    name: Option<String>,
}

impl Connectors {
    pub(super) fn run(self, env: &Env) -> Done {
        let mut out = io::stdout().lock();
        let row = |name: &str, kind: &str, doc: &str| vec![name.to_owned(), kind.to_owned(), doc.to_owned()];
        let registry = &env.connectors;
        let Some(name) = self.name else {
            let mut rows: Vec<_> =
                registry.connectors().map(|found| row(found.name(), "connector", found.doc())).collect();
            rows.extend(registry.formats().map(|found| row(found.name(), "format", found.doc())));
            table(&mut out, &["name", "is a", "what"], &rows)?;
            writeln!(out, "\nWhat is read and has a WATERMARK FOR may have besides")?;
            return Ok(options(&mut out, "", TIMING)?);
        };
        let connector = registry.connectors().find(|found| found.name() == name);
        let format = registry.formats().find(|found| found.name() == name);
        if let Some(connector) = connector {
            let lines = if connector.has_format() { "; needs a 'format'" } else { "" };
            writeln!(out, "'connector' = '{name}': {}{lines}", connector.doc())?;
            options(&mut out, "", connector.options())?;
        }
        if let Some(format) = format {
            writeln!(out, "'format' = '{name}': {}", format.doc())?;
            options(&mut out, &format!("{name}."), format.options())?;
        }
        if connector.is_none() && format.is_none() {
            let names =
                registry.connectors().map(|found| found.name()).chain(registry.formats().map(|found| found.name()));
            return Err(Failure::Mistake(sql::unknown("connector or format", &name, names)));
        }
        Ok(())
    }
}

/// List the functions of queries with how they are called, or tell of one
///
/// Examples:
///   millstream functions
///   millstream functions upper
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Functions {
    /// A function
    name: Option<String>,
}

impl Functions {
    pub(super) fn run(self, env: &Env) -> Done {
        let mut out = io::stdout().lock();
        let all = sql::functions(env);
        let Some(name) = self.name else {
            let row = |function: sql::FunctionDoc| vec![function.name, function.kind.to_owned(), function.syntax];
            return Ok(table(&mut out, &["name", "is a", "how"], &all.into_iter().map(row).collect::<Vec<_>>())?);
        };
        let Some(function) = all.iter().find(|function| function.name.eq_ignore_ascii_case(&name)) else {
            let names = all.iter().map(|function| function.name.as_str());
            return Err(Failure::Mistake(sql::unknown("function", &name, names)));
        };
        writeln!(out, "{} ({})\n  {}", function.syntax, function.kind, function.doc)?;
        Ok(())
    }
}

fn options(out: &mut impl Write, prefix: &str, options: &[OptionDoc]) -> io::Result<()> {
    for option in options {
        let default = option.default.map(|default| format!(" [default: {default}]")).unwrap_or_default();
        writeln!(out, "  '{prefix}{}': {}{default}", option.key, option.doc)?;
    }
    Ok(())
}
