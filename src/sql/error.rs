//! Why a text is no dataflow: every refusal says where, what was found, and what to write instead.

use super::position::{Place, Position};
use crate::fault::{Fault, Faulty};

/// What is wrong with an SQL text. Each error names its place and shows the line with a caret below it.
///
/// ```
/// use millstream::sql::{plan, Env};
///
/// let error = plan("SELEC 1", &Env::default()).unwrap_err();
/// assert_eq!(error.position().to_string(), "line 1, column 1");
/// assert!(error.to_string().contains("SELEC 1\n"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text does not follow the grammar.
    #[error("{place}: {message}{}", place.excerpt())]
    Syntax {
        /// Where.
        place: Place,
        /// What was found, what was expected.
        message: String,
    },
    /// The text is SQL, but not of the part that runs here.
    #[error("{place}: {what} is not supported; {instead}{}", place.excerpt())]
    Unsupported {
        /// Where.
        place: Place,
        /// What was found.
        what: String,
        /// What to do instead.
        instead: String,
    },
    /// The text is well formed, but does not mean anything: an unknown column, a type that does not fit.
    #[error("{place}: {message}{}", place.excerpt())]
    Meaning {
        /// Where.
        place: Place,
        /// What was found and how to mend it.
        message: String,
    },
}

impl Error {
    /// The place of the mistake.
    pub fn position(&self) -> Position {
        match self {
            Self::Syntax { place, .. } | Self::Unsupported { place, .. } | Self::Meaning { place, .. } => place.at,
        }
    }
}

impl Faulty for Error {
    /// Always the user's: a restart would meet the same text again.
    fn fault(&self) -> Fault {
        Fault::User
    }
}

/// A text under work: makes errors that show its lines.
#[derive(Clone, Copy)]
pub(super) struct Text<'a>(pub(super) &'a str);

impl Text<'_> {
    pub(super) fn syntax(self, at: impl Into<Position>, message: impl Into<String>) -> Error {
        Error::Syntax { place: Place::new(self.0, at.into()), message: message.into() }
    }

    pub(super) fn unsupported(
        self,
        at: impl Into<Position>,
        what: impl Into<String>,
        instead: impl Into<String>,
    ) -> Error {
        Error::Unsupported { place: Place::new(self.0, at.into()), what: what.into(), instead: instead.into() }
    }

    pub(super) fn meaning(self, at: impl Into<Position>, message: impl Into<String>) -> Error {
        Error::Meaning { place: Place::new(self.0, at.into()), message: message.into() }
    }
}
