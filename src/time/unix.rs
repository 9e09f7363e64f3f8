//! Times as numbers since the Unix epoch, in the units that are met in data.

use super::{Error, Timestamp};

/// Digits behind the point that are read.
const DIGITS: usize = 9;
/// One, in the last of them.
const ONE: i128 = 10_i128.pow(DIGITS as u32);

impl Timestamp {
    /// The moment `micros` microseconds after (or, negative, before) the Unix epoch, cut to the millisecond that holds it.
    ///
    /// ```
    /// use millstream::time::Timestamp;
    ///
    /// assert_eq!(Timestamp::from_micros(1_431_857_103_250_999).millis(), 1_431_857_103_250);
    /// assert_eq!(Timestamp::from_micros(-1).millis(), -1);
    /// ```
    pub const fn from_micros(micros: i64) -> Self {
        Timestamp::from_millis(micros.div_euclid(1000))
    }

    /// The moment `seconds` seconds after (or, negative, before) the Unix epoch, at the nearest millisecond; `None` for NaN.
    /// Beyond what a timestamp can hold it is [`Timestamp::MIN`] or [`Timestamp::MAX`].
    ///
    /// A number of seconds in text is better read by [`parse_seconds`](Self::parse_seconds), which does not round.
    ///
    /// ```
    /// use millstream::time::Timestamp;
    ///
    /// assert_eq!(Timestamp::from_seconds_f64(1.001), Some(Timestamp::from_millis(1_001)));
    /// assert_eq!(Timestamp::from_seconds_f64(f64::NAN), None);
    /// ```
    pub fn from_seconds_f64(seconds: f64) -> Option<Self> {
        (!seconds.is_nan()).then(|| Timestamp::from_millis((seconds * 1000.0).round() as i64))
    }

    /// Reads a decimal number of seconds since the Unix epoch, cut to the millisecond that holds it.
    ///
    /// # Errors
    /// [`Error::Unix`] if the text is no such number, or one that a timestamp cannot hold.
    ///
    /// ```
    /// use millstream::time::Timestamp;
    ///
    /// assert_eq!(Timestamp::parse_seconds("1431857103.2507")?.millis(), 1_431_857_103_250);
    /// # Ok::<(), millstream::time::Error>(())
    /// ```
    pub fn parse_seconds(text: &str) -> Result<Self, Error> {
        parse(text, "seconds", ONE / 1000)
    }

    /// Reads a decimal number of milliseconds since the Unix epoch, cut to the whole millisecond.
    ///
    /// # Errors
    /// [`Error::Unix`] if the text is no such number, or one that a timestamp cannot hold.
    pub fn parse_millis(text: &str) -> Result<Self, Error> {
        parse(text, "milliseconds", ONE)
    }

    /// Reads a decimal number of microseconds since the Unix epoch, cut to the millisecond that holds it.
    ///
    /// # Errors
    /// [`Error::Unix`] if the text is no such number, or one that a timestamp cannot hold.
    pub fn parse_micros(text: &str) -> Result<Self, Error> {
        parse(text, "microseconds", ONE * 1000)
    }
}

/// Reads a number; a millisecond is `millisecond` billionths of the unit.
fn parse(text: &str, unit: &'static str, millisecond: i128) -> Result<Timestamp, Error> {
    let millis = billionths(text).and_then(|number| i64::try_from(number.div_euclid(millisecond)).ok());
    millis.map(Timestamp::from_millis).ok_or_else(|| Error::Unix { text: text.to_owned(), unit })
}

/// The number in billionths: a sign or none, digits, and perhaps a point and more digits, the first nine of which count.
fn billionths(text: &str) -> Option<i128> {
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let fraction = format!("{:0<DIGITS$}", &fraction[..fraction.len().min(DIGITS)]);
    let number = whole.parse::<i128>().ok()?.checked_mul(ONE)?.checked_add(fraction.parse().ok()?)?;
    Some(if is_negative { -number } else { number })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_in_every_unit_are_read() {
        for (text, millis) in
            [("0", 0), ("-0.0001", -1), ("1431857103", 1_431_857_103_000), ("-1.5", -1_500), ("007.2", 7_200)]
        {
            assert_eq!(Timestamp::parse_seconds(text), Ok(Timestamp::from_millis(millis)), "{text}");
        }
        assert_eq!(Timestamp::parse_millis("1431857103250.9"), Ok(Timestamp::from_millis(1_431_857_103_250)));
        assert_eq!(Timestamp::parse_micros("-1001"), Ok(Timestamp::from_millis(-2)));
    }

    #[test]
    fn what_is_no_number_or_too_great_a_one_is_refused_by_name() {
        let digits = "9".repeat(60);
        for text in ["", "-", ".5", "5.", "1e9", "+1", " 1", "1,5", "--1", "0x10", "９", "9223372036854775807", &digits]
        {
            let refused = Timestamp::parse_seconds(text).unwrap_err().to_string();
            assert!(refused.contains(&format!("`{text}`")) && refused.contains("seconds"), "{refused}");
        }
    }

    #[test]
    fn seconds_beyond_all_time_are_the_bounds_of_time() {
        assert_eq!(Timestamp::from_seconds_f64(1e300), Some(Timestamp::MAX));
        assert_eq!(Timestamp::from_seconds_f64(f64::NEG_INFINITY), Some(Timestamp::MIN));
    }

    proptest! {
        #[test]
        fn every_moment_in_milliseconds_is_read_back(millis in any::<i64>()) {
            prop_assert_eq!(Timestamp::parse_millis(&millis.to_string()), Ok(Timestamp::from_millis(millis)));
        }

        #[test]
        fn a_moment_is_the_same_in_every_unit(millis in -1_000_000_000_000_i64..4_000_000_000_000) {
            let moment = Timestamp::from_millis(millis);
            prop_assert_eq!(Timestamp::from_micros(millis * 1000 + 999), moment);
            prop_assert_eq!(Timestamp::parse_micros(&(millis * 1000).to_string()), Ok(moment));
            prop_assert_eq!(Timestamp::from_seconds_f64(millis as f64 / 1000.0), Some(moment));
            let sign = if millis < 0 { "-" } else { "" };
            let seconds = format!("{sign}{}.{:03}", millis.abs() / 1000, millis.abs() % 1000);
            prop_assert_eq!(Timestamp::parse_seconds(&seconds), Ok(moment));
        }
    }
}
