//! The digits of a number as a line of JSON has them.
//!
//! The library reads a number with a fraction as a DOUBLE, which keeps 15 digits of up to 38. Names that are not escaped are
//! parts of the line, so that they tell where the value behind them begins.

/// What a line of JSON has from some place on; or nothing, if the place is not known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Digits<'l>(&'l [u8]);

impl<'l> Digits<'l> {
    pub(super) fn of(line: &'l [u8]) -> Self {
        Digits(line)
    }

    /// From the value of a member on.
    ///
    /// * `name`: the member's, as it was read of the line.
    pub(super) fn behind(self, name: &str) -> Self {
        let at = (name.as_ptr() as usize).checked_sub(self.0.as_ptr() as usize);
        let rest = at.and_then(|at| self.0.get(at..)?.strip_prefix(name.as_bytes())?.strip_prefix(b"\""));
        let value = rest.and_then(|rest| rest.trim_ascii_start().strip_prefix(b":"));
        Digits(value.unwrap_or_default())
    }

    /// From the first item of an array on.
    pub(super) fn items(self) -> Self {
        Digits(self.0.trim_ascii_start().strip_prefix(b"[").unwrap_or_default())
    }

    /// From the item behind a number on.
    pub(super) fn next(self) -> Self {
        let comma = self.0.iter().position(|byte| *byte == b',');
        Digits(comma.map_or(&[], |comma| &self.0[comma + 1..]))
    }

    /// The number that stands here, if it is the one that was read.
    pub(super) fn number(self, read: f64) -> Option<&'l str> {
        let value = self.0.trim_ascii_start();
        let is_number = |byte: &u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
        let end = value.iter().position(|byte| !is_number(byte)).unwrap_or(value.len());
        let text = std::str::from_utf8(&value[..end]).ok()?;
        (text.parse() == Ok(read)).then_some(text)
    }
}
