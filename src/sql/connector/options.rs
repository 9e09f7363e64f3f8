//! The options of a table: known, read, and refused by name.

use crate::sql::catalog::{OptionError, Table};
use crate::sql::settings::{duration, unknown};
use std::str::FromStr;
use std::time::Duration;

/// One option of a connector or format.
///
/// ```
/// let registry = millstream::sql::connector::Registry::standard();
/// let filesystem = registry.connectors().find(|connector| connector.name() == "filesystem").unwrap();
/// assert!(filesystem.options().iter().any(|option| option.key == "path"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionDoc {
    /// Its key; a `#` stands for a column's name.
    pub key: &'static str,
    /// What holds without it; `None`: it must be given, or nothing.
    pub default: Option<&'static str>,
    /// What it says.
    pub doc: &'static str,
}

/// Whether an option's key is this one.
fn is_named(doc: &OptionDoc, key: &str) -> bool {
    match doc.key.split_once('#') {
        None => doc.key == key,
        Some((front, back)) => key.len() > front.len() + back.len() && key.starts_with(front) && key.ends_with(back),
    }
}

/// The options of a table, as their reader sees them.
#[derive(Clone, Copy, Debug)]
pub struct Options<'t> {
    table: &'t Table,
    /// Stands before each key, with a point: `csv` for a format's.
    of: Option<&'t str>,
}

impl<'t> Options<'t> {
    /// All options of a table.
    pub fn new(table: &'t Table) -> Self {
        Options { table, of: None }
    }

    /// Those whose keys begin with this word and a point; they are asked for without it.
    #[must_use]
    pub fn of(self, format: &'t str) -> Self {
        Options { of: Some(format), ..self }
    }

    /// The table.
    pub fn table(&self) -> &'t Table {
        self.table
    }

    fn key(&self, key: &str) -> String {
        named(self.of, key)
    }

    /// A refusal that is about an option.
    pub fn refuse(&self, key: &str, message: impl Into<String>) -> OptionError {
        OptionError { key: Some(self.key(key)), message: message.into() }
    }

    /// The text of an option.
    pub fn text(&self, key: &str) -> Option<&'t str> {
        let key = self.key(key);
        let table = self.table;
        table.option(&key).map(|option| option.value.as_str())
    }

    /// The text of an option that must be there.
    ///
    /// # Errors
    /// If it is not, with an example.
    pub fn required(&self, key: &str, example: &str) -> Result<&'t str, OptionError> {
        let key = self.key(key);
        let missing = || OptionError {
            key: None,
            message: format!("table `{}` has no option '{key}'; write '{key}' = '{example}'", self.table.name),
        };
        self.table.option(&key).map(|option| option.value.as_str()).ok_or_else(missing)
    }

    /// A truth value; `default` without the option.
    ///
    /// # Errors
    /// If it is neither `true` nor `false`.
    pub fn flag(&self, key: &str, default: bool) -> Result<bool, OptionError> {
        match self.text(key) {
            None => Ok(default),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(true),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(false),
            Some(text) => {
                let key_text = self.key(key);
                Err(self.refuse(key, format!("'{key_text}' is 'true' or 'false', not '{text}'")))
            }
        }
    }

    /// A number or anything else that is read of a text.
    ///
    /// * `what`: for the message, like "a number from 1".
    ///
    /// # Errors
    /// If it is none, or `fits` says no.
    pub fn read<T: FromStr>(&self, key: &str, what: &str, fits: impl Fn(&T) -> bool) -> Result<Option<T>, OptionError> {
        let Some(text) = self.text(key) else { return Ok(None) };
        let read = text.trim().parse().ok().filter(fits);
        let refused = || self.refuse(key, format!("'{}' is {what}, not '{text}'", self.key(key)));
        read.map(Some).ok_or_else(refused)
    }

    /// A duration, like `10 s`; a bare number is milliseconds.
    ///
    /// # Errors
    /// If it is none.
    pub fn duration(&self, key: &str) -> Result<Option<Duration>, OptionError> {
        let read = self.text(key).map(|text| duration(&self.key(key), text));
        read.transpose().map_err(|message| self.refuse(key, message))
    }

    /// One character; `\t` and the like as in a string of Java.
    ///
    /// # Errors
    /// If it is more or less than one.
    pub fn character(&self, key: &str, default: char) -> Result<char, OptionError> {
        let Some(text) = self.text(key) else { return Ok(default) };
        let unescaped = text.replace("\\t", "\t").replace("\\n", "\n").replace("\\r", "\r").replace("\\\\", "\\");
        let mut characters = unescaped.chars();
        match (characters.next(), characters.next()) {
            (Some(one), None) => Ok(one),
            _ => Err(self.refuse(key, format!("'{}' is one character, not '{text}'", self.key(key)))),
        }
    }

    /// One of some words; the first without the option.
    ///
    /// # Errors
    /// If it is another, with the nearest.
    pub fn one_of<'w>(&self, key: &str, words: &[&'w str]) -> Result<&'w str, OptionError> {
        let text = self.text(key).unwrap_or(words[0]);
        let found = words.iter().copied().find(|word| word.eq_ignore_ascii_case(text));
        found.ok_or_else(|| self.refuse(key, unknown(&format!("'{}'", self.key(key)), text, words.iter().copied())))
    }

    /// Refuses what nobody reads.
    ///
    /// * `known`: all options, with the format they are of.
    ///
    /// # Errors
    /// The first option that is not known, with the nearest one that is.
    pub(super) fn check(&self, known: &[(Option<&str>, &[OptionDoc])]) -> Result<(), OptionError> {
        for option in &self.table.options {
            let is_known = known.iter().any(|(of, docs)| {
                let key = match of {
                    None => Some(option.key.as_str()),
                    Some(of) => option.key.strip_prefix(of).and_then(|key| key.strip_prefix('.')),
                };
                key.is_some_and(|key| docs.iter().any(|doc| is_named(doc, key)))
            });
            if !is_known {
                let keys = known.iter().flat_map(|(of, docs)| docs.iter().map(move |doc| named(*of, doc.key)));
                let keys: Vec<String> = keys.collect();
                let message = unknown("option", &option.key, keys.iter().map(String::as_str));
                return Err(OptionError { key: Some(option.key.clone()), message });
            }
        }
        Ok(())
    }
}

fn named(of: Option<&str>, key: &str) -> String {
    of.map_or_else(|| key.to_owned(), |of| format!("{of}.{key}"))
}
