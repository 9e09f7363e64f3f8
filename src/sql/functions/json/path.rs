//! Paths into JSON, as SQL has them: `$.a.b[0]`, `$['a b']`, `$.a[*].b`, `$.*`, with `lax` (if not said) or `strict` in front.
//!
//! In the lax mode a member of an array is that of each of its objects, an index of what is no array is of an array of it
//! alone, and what is not there is nothing; in the strict mode each of these is an error.

use serde_json::Value;

/// A path, cut into its steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path {
    pub(super) is_strict: bool,
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Member(String),
    AllMembers,
    Index(usize),
    /// So many before the last.
    Last(usize),
    AllItems,
}

impl Path {
    /// Reads a path.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let wrong = |rest: &str| {
            let at = text.len() - rest.len();
            format!("the path `{text}` cannot be read from character {} on; write one like `$.a.b[0]`", at + 1)
        };
        let trimmed = text.trim_start();
        let (is_strict, rest) = match trimmed.strip_prefix("strict").or_else(|| trimmed.strip_prefix("lax")) {
            Some(rest) => (trimmed.starts_with("strict"), rest.trim_start()),
            None => (false, trimmed),
        };
        let mut rest = rest.strip_prefix('$').ok_or_else(|| wrong(rest))?.trim_end();
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let here = rest;
            // `$.['a']` is `$['a']`.
            if let Some(behind) = rest.strip_prefix('.').filter(|behind| !behind.starts_with('[')) {
                let step = if let Some(behind) = behind.strip_prefix('*') {
                    (Step::AllMembers, behind)
                } else if behind.starts_with(['"', '\'']) {
                    let (name, behind) = quoted(behind).ok_or_else(|| wrong(here))?;
                    (Step::Member(name), behind)
                } else {
                    let end = behind.find(['.', '[', ' ']).unwrap_or(behind.len());
                    (Step::Member(behind[..end].to_owned()), &behind[end..])
                };
                if step.0 == Step::Member(String::new()) {
                    return Err(wrong(here));
                }
                steps.push(step.0);
                rest = step.1;
            } else if let Some(behind) = rest.strip_prefix(".[").or_else(|| rest.strip_prefix('[')) {
                let behind = behind.trim_start();
                let (step, behind) = if behind.starts_with(['"', '\'']) {
                    let (name, behind) = quoted(behind).ok_or_else(|| wrong(here))?;
                    (Step::Member(name), behind)
                } else {
                    let (inner, _) = behind.split_once(']').ok_or_else(|| wrong(here))?;
                    (index(inner.trim()).ok_or_else(|| wrong(here))?, &behind[inner.len()..])
                };
                steps.push(step);
                rest = behind.trim_start().strip_prefix(']').ok_or_else(|| wrong(here))?;
            } else {
                return Err(wrong(here));
            }
        }
        Ok(Path { is_strict, steps })
    }

    /// Whether it can lead to several values.
    pub(super) fn is_many(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::AllMembers | Step::AllItems))
    }

    /// All values to which it leads, in order. An error only in the strict mode.
    pub(super) fn find<'v>(&self, root: &'v Value) -> Result<Vec<&'v Value>, String> {
        let mut found = vec![root];
        for step in &self.steps {
            let mut next = Vec::new();
            for value in found {
                self.step(step, value, &mut next)?;
            }
            found = next;
        }
        Ok(found)
    }

    fn step<'v>(&self, step: &Step, value: &'v Value, next: &mut Vec<&'v Value>) -> Result<(), String> {
        let before = next.len();
        match (step, value) {
            (Step::Member(name), Value::Object(members)) => next.extend(members.get(name)),
            (Step::AllMembers, Value::Object(members)) => {
                next.extend(members.values());
                return Ok(());
            }
            (Step::Member(_) | Step::AllMembers, Value::Array(items)) if !self.is_strict => {
                for item in items.iter().filter(|item| item.is_object()) {
                    self.step(step, item, next)?;
                }
            }
            (Step::Index(at), Value::Array(items)) => next.extend(items.get(*at)),
            (Step::Last(before), Value::Array(items)) => {
                next.extend(items.len().checked_sub(before + 1).and_then(|at| items.get(at)));
            }
            (Step::AllItems, Value::Array(items)) => {
                next.extend(items);
                return Ok(());
            }
            (Step::Index(0) | Step::Last(0) | Step::AllItems, other) if !self.is_strict => next.push(other),
            _ => {}
        }
        if self.is_strict && next.len() == before {
            return Err("the path leads to nothing".to_owned());
        }
        Ok(())
    }
}

/// A name in quotes; what is behind.
fn quoted(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next()?;
    let mut name = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((at, c)) = characters.next() {
        if c == quote {
            return Some((name, &text[at + 1..]));
        }
        name.push(if c == '\\' { characters.next()?.1 } else { c });
    }
    None
}

fn index(text: &str) -> Option<Step> {
    if text == "*" {
        return Some(Step::AllItems);
    }
    match text.strip_prefix("last") {
        Some("") => Some(Step::Last(0)),
        Some(rest) => rest.trim_start().strip_prefix('-')?.trim_start().parse().ok().map(Step::Last),
        None => text.parse().ok().map(Step::Index),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_what_it_says() {
        let json: Value =
            serde_json::from_str(r#"{"a": {"b c": [1, 2, {"d": null}]}, "e": [{"f": 1}, {"f": 2}, 3]}"#).unwrap();
        let cases = [
            ("$.a['b c'][0]", "[1]"),
            ("$.a.\"b c\"[last].d", "[null]"),
            ("lax $.a['b c'][last - 1]", "[2]"),
            ("$.e[*].f", "[1,2]"),
            ("$.e.f", "[1,2]"),
            ("$.e[1]", r#"[{"f":2}]"#),
            ("$.e[7]", "[]"),
            ("$.nothing.more", "[]"),
            ("$.a[0]['b c'][1]", "[2]"),
            ("$.a.[\"b c\"][1]", "[2]"),
            ("$.*[*].f", "[1,2]"),
        ];
        for (path, expected) in cases {
            let found = Path::read(path).and_then(|path| path.find(&json)).unwrap();
            assert_eq!(serde_json::to_string(&found).unwrap(), expected, "{path}");
        }
        for path in ["strict $.nothing", "strict $.e.f", "strict $.a[0]"] {
            assert!(Path::read(path).unwrap().find(&json).is_err(), "{path}");
        }
    }

    #[test]
    fn what_is_no_path_is_refused_with_the_place() {
        for path in ["", "a", "$.", "$[", "$['a]", "$.a[x]", "$ a", "$..a"] {
            let error = Path::read(path).unwrap_err();
            assert!(error.contains("from character"), "{path}: {error}");
        }
    }
}
