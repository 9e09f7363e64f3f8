//! What two tables do not have in common.

use std::collections::BTreeMap;

/// How many lines of a kind are shown.
const SHOWN: usize = 10;

/// The lines that are missing and those that are too many, whatever their order; `None` if the tables are equal.
pub(super) fn difference(expected: &[String], found: &[String]) -> Option<String> {
    let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
    for line in expected {
        *counts.entry(line).or_default() -= 1;
    }
    for line in found {
        *counts.entry(line).or_default() += 1;
    }
    let lines = |sign: i64| {
        let repeated = move |(line, count): (&&str, &i64)| {
            let times = usize::try_from(count * sign).unwrap_or(0);
            std::iter::repeat_n((*line).to_owned(), times)
        };
        counts.iter().flat_map(repeated).collect::<Vec<String>>()
    };
    let (missing, extra) = (lines(-1), lines(1));
    if missing.is_empty() && extra.is_empty() {
        return None;
    }
    let mut shown = Vec::new();
    for (sign, lines) in [('-', missing), ('+', extra)] {
        shown.extend(lines.iter().take(SHOWN).map(|line| format!("{sign} {line}")));
        if lines.len() > SHOWN {
            shown.push(format!("{sign} .. and {} more", lines.len() - SHOWN));
        }
    }
    Some(shown.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn lines_are_compared_in_any_order_but_counted() {
        assert_eq!(difference(&lines("a b b"), &lines("b a b")), None);
        assert_eq!(difference(&lines("a b b c"), &lines("b a d")).unwrap(), "- b\n- c\n+ d");
    }

    #[test]
    fn of_many_lines_some_are_shown() {
        let many: Vec<String> = (10..30).map(|n| n.to_string()).collect();
        let shown = difference(&many, &[]).unwrap();
        assert!(shown.starts_with("- 10\n") && shown.ends_with("- 19\n- .. and 10 more"), "{shown}");
    }
}
