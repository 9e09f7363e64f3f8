//! Values as text, and text as values: what all formats share.
//!
//! Numbers and times are written as Flink writes them: a DOUBLE with a point and, beyond 10^7 or below 10^-3, an exponent
//! (`1.0E10`); a DECIMAL with all digits of its scale; a TIMESTAMP as `2020-01-31 12:00:00.5`, a TIMESTAMP_LTZ with a `Z` behind
//! it, or both with a `T` in the ISO form; BYTES in base 64. What is read may have either form of a time, and an offset from
//! UTC: that is more than Flink takes.

pub(super) mod base64;
mod json;
mod numbers;
mod print;
mod read;
mod times;

pub(super) use json::{TimeStyle, plain_json, write_json, write_member};
pub(super) use print::{print_row, write_plain};
pub(super) use read::read_text;
