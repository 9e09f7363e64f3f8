//! Where in the text something stands: line and column, and the line itself with a caret below.

use datafusion_sql::sqlparser::tokenizer::Location;
use std::fmt;

/// A place in a text. Both numbers begin with 1; the column counts characters, not bytes.
///
/// ```
/// let place = millstream::sql::Position { line: 3, column: 8 };
/// assert_eq!(place.to_string(), "line 3, column 8");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line, from 1.
    pub line: u64,
    /// The character in the line, from 1.
    pub column: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

impl From<Location> for Position {
    /// The parser's place; what it knows no place of counts as the beginning.
    fn from(at: Location) -> Self {
        Self { line: at.line.max(1), column: at.column.max(1) }
    }
}

/// A place together with the line it is in: what an error shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Line and column.
    pub at: Position,
    line: Box<str>,
}

impl Place {
    /// The place `at` in `text`; one behind the end of the text is shown without an excerpt.
    pub(crate) fn new(text: &str, at: Position) -> Self {
        let nth = usize::try_from(at.line - 1).unwrap_or(usize::MAX);
        Self { at, line: text.lines().nth(nth).unwrap_or_default().into() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.at)
    }
}

impl Place {
    /// The line with a caret below the place, each on a line of its own; empty if there is no such line.
    pub fn excerpt(&self) -> String {
        if self.line.is_empty() {
            return String::new();
        }
        let number = self.at.line.to_string();
        let before = usize::try_from(self.at.column - 1).unwrap_or(usize::MAX);
        // Tabs stay tabs, so that the caret stands below its character whatever their width is.
        let indent: String = self.line.chars().take(before).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        format!("\n {number} | {}\n {:pad$} | {indent}^", self.line, "", pad = number.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_stands_below_its_character() {
        let place = Place::new("a\n\tSELECT ü x", Position { line: 2, column: 11 });
        assert_eq!(place.excerpt(), "\n 2 | \tSELECT ü x\n   | \t         ^");
    }

    #[test]
    fn a_place_behind_the_text_has_no_excerpt() {
        assert_eq!(Place::new("a", Position { line: 9, column: 1 }).excerpt(), "");
    }
}
