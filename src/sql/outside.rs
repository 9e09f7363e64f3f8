//! What a text takes from outside of itself: values of variables, and where its relative paths begin.

use super::catalog::Table;
use super::error::{Error, Text};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// What the options of tables may refer to.
///
/// `${NAME}`, or `${ENV:NAME}`, in the value of an option stands for a variable, if that was allowed; else it is refused. So
/// a text that somebody else wrote reads no secret that it was not given. The value goes to the connector alone: plans and
/// errors show the name.
///
/// ```
/// use millstream::sql::Outside;
///
/// let outside = Outside::default().variable("TOKEN", "s3cret");
/// assert_eq!(outside.filled("Bearer ${TOKEN}").unwrap(), "Bearer s3cret");
/// assert_eq!(outside.redacted("cannot log in with s3cret"), "cannot log in with ${TOKEN}");
/// assert!(outside.filled("${HOME}").unwrap_err().contains("--allow-env HOME"));
/// ```
#[derive(Clone, Default)]
pub struct Outside {
    variables: BTreeMap<String, String>,
    beside: Option<PathBuf>,
}

impl fmt::Debug for Outside {
    /// Without the values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&String> = self.variables.keys().collect();
        f.debug_struct("Outside").field("variables", &names).field("beside", &self.beside).finish()
    }
}

impl Outside {
    /// Allows a variable.
    #[must_use]
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// Looks for the files of relative paths beside the text, in this directory, before it looks in the working directory.
    #[must_use]
    pub fn beside(mut self, directory: impl Into<PathBuf>) -> Self {
        self.beside = Some(directory.into());
        self
    }

    /// A value with those of its variables in their places.
    ///
    /// # Errors
    /// If a variable was not allowed, or its name does not end.
    pub fn filled(&self, value: &str) -> Result<String, String> {
        let (mut filled, mut rest) = (String::new(), value);
        while let Some((before, behind)) = rest.split_once("${") {
            let Some((name, after)) = behind.split_once('}') else {
                return Err(format!("`${{` in '{value}' has no `}}` behind it"));
            };
            let name = name.strip_prefix("ENV:").unwrap_or(name);
            let variable = self.variables.get(name).ok_or_else(|| {
                format!("the variable `${{{name}}}` may not be read; allow it with --allow-env {name}")
            })?;
            filled.push_str(before);
            filled.push_str(variable);
            rest = after;
        }
        Ok(filled + rest)
    }

    /// A message with the names of variables in the places of their values.
    pub fn redacted(&self, message: &str) -> String {
        // A value within another would leave the rest of that to be read: the longest go first.
        let mut variables: Vec<_> = self.variables.iter().filter(|(_, value)| !value.is_empty()).collect();
        variables.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
        let mut message = message.to_owned();
        for (name, value) in variables {
            let escaped = value.escape_debug().to_string();
            for form in [value, &escaped] {
                message = message.replace(form.as_str(), &format!("${{{name}}}"));
            }
        }
        message
    }

    /// A table whose options are as its connector is to see them.
    pub(super) fn prepared(&self, text: Text<'_>, mut table: Table) -> Result<Table, Error> {
        let reads_files = table.option("connector").is_some_and(|option| option.value == "filesystem");
        for option in &mut table.options {
            option.value = self.filled(&option.value).map_err(|message| text.meaning(option.at, message))?;
            if let Some(directory) = &self.beside
                && reads_files
                && option.key == "path"
                && is_found(directory, &option.value)
            {
                option.value = directory.join(&option.value).display().to_string();
            }
        }
        Ok(table)
    }
}

/// Whether there is such a file, or for a pattern the directory that it begins in.
fn is_found(directory: &Path, path: &str) -> bool {
    match path.find(['*', '?', '[']) {
        None => directory.join(path).exists(),
        Some(at) => directory.join(Path::new(&path[..at]).parent().unwrap_or(Path::new(""))).is_dir(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::{Env, plan};

    fn planned(path: &str, outside: Outside) -> Result<String, String> {
        let text = format!(
            "CREATE TABLE t (a STRING) WITH ('connector' = 'filesystem', 'path' = '{path}', 'format' = 'csv', 'x' = 'y');
             CREATE TABLE p (a STRING) WITH ('connector' = 'print'); INSERT INTO p SELECT a FROM t"
        );
        let env = Env { outside, ..Env::default() };
        let text =
            text.replace(", 'x' = 'y'", if path.ends_with("!") { ", 'csv.field-delimiter' = '${S}'" } else { "" });
        let program = plan(&text, &env).map_err(|error| error.to_string())?;
        Ok(program.tables["t"].option("path").unwrap().value.clone())
    }

    #[test]
    fn a_variable_is_read_only_if_it_was_allowed() {
        let allowed = || Outside::default().variable("D", "logs");
        assert_eq!(planned("${D}/${ENV:D}.csv", allowed()).unwrap(), "logs/logs.csv");
        let refused = planned("${HOME}/a.csv", allowed()).unwrap_err();
        assert!(refused.starts_with("line 1, column 61: the variable `${HOME}` may not be read"), "{refused}");
        assert!(planned("${D", allowed()).unwrap_err().contains("has no `}` behind it"));
    }

    #[test]
    fn a_secret_that_a_connector_refuses_is_shown_by_its_name() {
        let refused = planned("a.csv!", Outside::default().variable("S", "s3cret")).unwrap_err();
        assert!(refused.contains("${S}") && !refused.contains("s3cret"), "{refused}");
        assert!(!format!("{:?}", Outside::default().variable("S", "s3cret")).contains("s3cret"));
    }

    #[test]
    fn the_longest_secret_goes_first() {
        let outside = Outside::default().variable("A", "key").variable("B", "key-2\"").variable("NONE", "");
        assert_eq!(outside.redacted("key-2\" key \"key-2\\\"\""), "${B} ${A} \"${B}\"");
    }

    #[test]
    fn a_relative_path_is_looked_for_beside_the_text_first() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("in")).unwrap();
        std::fs::write(directory.path().join("in/a.csv"), "").unwrap();
        let beside = || Outside::default().beside(directory.path());
        let inside = |path: &str| directory.path().join(path).display().to_string();
        assert_eq!(planned("in/a.csv", beside()).unwrap(), inside("in/a.csv"));
        assert_eq!(planned("in/*.csv", beside()).unwrap(), inside("in/*.csv"));
        assert_eq!(planned("elsewhere/a.csv", beside()).unwrap(), "elsewhere/a.csv");
    }
}
