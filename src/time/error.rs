//! What can be wrong with the text of a time.

use super::Timestamp;

/// A text that is no time, or a format that describes none.
///
/// ```
/// use millstream::time::Timestamp;
///
/// let refused = "17 May 2015".parse::<Timestamp>().unwrap_err();
/// assert!(refused.to_string().starts_with("`17 May 2015` is no RFC 3339 time"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is no RFC 3339 time.
    #[error("`{text}` is no RFC 3339 time; write it like 2015-05-17T10:05:00Z or 2015-05-17T12:05:00.250+02:00")]
    Rfc3339 {
        /// The text.
        text: String,
    },
    /// The text is no number of units since 1970.
    #[error(
        "`{text}` is no number of {unit} since 1970 that a time can hold; write it in digits, like 1431857103 or -12.5"
    )]
    Unix {
        /// The text.
        text: String,
        /// `seconds`, `milliseconds` or `microseconds`.
        unit: &'static str,
    },
    /// The text is not what the format describes.
    #[error("`{text}` is no time in the format `{format}`: {cause}")]
    Text {
        /// The text.
        text: String,
        /// The format.
        format: String,
        /// What does not fit.
        cause: String,
    },
    /// The format describes no moment.
    #[error("`{format}` is no format for a time: {cause}; write it like %d/%b/%Y:%H:%M:%S %z")]
    Format {
        /// The format.
        format: String,
        /// What is wrong with it.
        cause: String,
    },
    /// The moment cannot be written in the format.
    #[error("the time {time} cannot be written as `{format}`: {cause}")]
    Unwritable {
        /// The moment.
        time: Timestamp,
        /// The format.
        format: String,
        /// Why not.
        cause: String,
    },
}
