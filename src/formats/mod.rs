//! Formats of lines that programs write and people keep: parsers that are strict, borrow from the line, and say what is
//! wrong with it.
//!
//! [`LogEntry`] reads a line of a web server's access log, in the *common* format of Apache and Nginx or in the
//! *combined* one, which adds referer and agent:
//!
//! ```text
//! client ident user [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5120
//! client ident user [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5120 "referer" "agent"
//! ```
//!
//! A line is well formed when, from its first byte to its last, it is this and nothing else:
//!
//! * Exactly one space stands between two fields, none before the first or after the last. The line comes without its
//!   newline; a carriage return is not part of any format.
//! * *client*, *ident*, *user*: one or more printable ASCII characters other than the space; `-` where nothing is known.
//! * *time*: two digits of day, an English month of three letters (`Jan`), four digits of year, then hour, minute and
//!   second of two digits each, and the offset from UTC: a sign, two digits of hours (up to 23), two of minutes (up to
//!   59). The date must exist, and a leap second (`:60`) does not.
//! * *request*, *referer*, *agent*: any bytes between two double quotes. A backslash takes the next byte, whatever it
//!   is, into the string, so that `\"` does not end it. Nothing is unescaped: servers write `\"`, `\\` and `\xhh`.
//! * *status*: three digits, 100 to 599. The `000` that Nginx writes for a connection that was closed before an answer
//!   is no status.
//! * *bytes*: decimal digits, below 2^64, or `-` for none.
//!
//! Why no regular expression: one can say that a line does not match, but not which field and which column broke the
//! rule.
//!
//! ```
//! use millstream::formats::LogEntry;
//!
//! let entry = LogEntry::parse(br#"192.0.2.7 - - [17/May/2015:12:05:03 +0200] "GET /a?b=1 HTTP/1.1" 304 -"#)?;
//! assert_eq!(entry.client, "192.0.2.7");
//! assert_eq!(entry.time.to_string(), "2015-05-17T10:05:03Z");
//! assert_eq!(entry.path(), Some(&b"/a"[..]));
//! assert_eq!((entry.status, entry.bytes, entry.agent), (304, None, None));
//!
//! let error = LogEntry::parse(br#"192.0.2.7 - - [17/May/2015:12:05:03 +0200] "GET / HTTP/1.1" 2OO 5"#).unwrap_err();
//! assert_eq!(error.to_string(), "status: expected three digits at column 61");
//! # Ok::<(), millstream::formats::LogError>(())
//! ```

mod access_log;

pub use access_log::{LogEntry, LogError, LogField};
