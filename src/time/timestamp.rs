//! A moment of event or processing time.

use super::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;
use std::time::Duration;

const MILLIS_PER_DAY: i64 = 86_400_000;
/// 0000-01-01 and 9999-12-31, as days after 1970-01-01.
const FIRST_DAY: i64 = -719_528;
const LAST_DAY: i64 = 2_932_896;

/// The numbers from 0 to 99 as text.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[b'0'; 2]; 100];
    let mut number = 0;
    while number < 100 {
        pairs[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    pairs
};

/// A moment, in whole milliseconds since 1970-01-01T00:00:00Z; negative before.
///
/// Text is RFC 3339 in UTC, with a fraction only where the moment is not on a whole second. Formats for people (JSON,
/// CSV) carry that text, binary ones the number. Sums saturate, so that [`Timestamp::MAX`], the watermark after the last
/// record, stays what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Before every record: the watermark of a stream that has told nothing yet, and the event time of a record that
    /// has none.
    pub const MIN: Timestamp = Timestamp(i64::MIN);
    /// After every record: the final watermark.
    pub const MAX: Timestamp = Timestamp(i64::MAX);
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Timestamp = Timestamp(0);

    /// The moment `millis` milliseconds after (or, negative, before) the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Timestamp(millis)
    }

    /// The moment `seconds` seconds after (or, negative, before) the Unix epoch; saturates.
    pub const fn from_seconds(seconds: i64) -> Self {
        Timestamp(seconds.saturating_mul(1000))
    }

    /// Milliseconds since the Unix epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// The moment `millis` later; saturates.
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Timestamp(self.0.saturating_add(millis))
    }

    /// Milliseconds from `earlier` to `self`; negative if `earlier` is later; saturates.
    pub const fn millis_since(self, earlier: Timestamp) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The start of the span of `size` (cut to whole milliseconds, at least one) that holds this moment, in a grid that
    /// starts at the Unix epoch. Right for moments before 1970 too; saturates at [`Timestamp::MIN`].
    #[must_use]
    pub fn floor_to(self, size: Duration) -> Self {
        let size = super::whole_millis(size).max(1);
        Timestamp(self.0.saturating_sub(self.0.rem_euclid(size)))
    }

    /// Writes the RFC 3339 text into `buffer` and returns it, or `None` outside the years 0 to 9999, which RFC 3339
    /// cannot write.
    fn write_rfc3339(self, buffer: &mut [u8; 24]) -> Option<&str> {
        let (days, millis) = (self.0.div_euclid(MILLIS_PER_DAY), self.0.rem_euclid(MILLIS_PER_DAY) as u32);
        if !(FIRST_DAY..=LAST_DAY).contains(&days) {
            return None;
        }
        let (year, month, day) = civil_from_days(days);
        let (second, fraction) = (millis / 1000, millis % 1000);
        let two = |buffer: &mut [u8; 24], at: usize, value: u32| {
            buffer[at..at + 2].copy_from_slice(&PAIRS[value as usize]);
        };
        *buffer = *b"0000-00-00T00:00:00.000Z";
        two(buffer, 0, year / 100);
        two(buffer, 2, year % 100);
        two(buffer, 5, month);
        two(buffer, 8, day);
        two(buffer, 11, second / 3600);
        two(buffer, 14, second / 60 % 60);
        two(buffer, 17, second % 60);
        let end = if fraction == 0 {
            buffer[19] = b'Z';
            20
        } else {
            buffer[20] = b'0' + (fraction / 100) as u8;
            two(buffer, 21, fraction % 100);
            24
        };
        std::str::from_utf8(&buffer[..end]).ok()
    }
}

/// Year, month and day of the day `days` after 1970-01-01 in the proleptic Gregorian calendar, from the year 0 to 9999.
/// Source: Cassio Neri and Lorenz Schneider, "Euclidean affine functions and their application to calendar algorithms",
/// Software: Practice and Experience 53(4), 2023, figure 12.
pub(crate) fn civil_from_days(days: i64) -> (u32, u32, u32) {
    // From 1 March of the year -400 on, so that no day is negative.
    let day_number = (days + 719_468 + 146_097) as u32;
    let quarters = 4 * day_number + 3;
    let century = quarters / 146_097;
    let day_of_century = quarters % 146_097 / 4;
    let scaled = 2_939_745 * u64::from(4 * day_of_century + 3);
    let day_of_year = scaled as u32 / 2_939_745 / 4;
    let year = 100 * century + (scaled >> 32) as u32;
    let months = 2141 * day_of_year + 197_913;
    let (month, day) = (months >> 16, (months & 0xffff) / 2141 + 1);
    // The last two months of a year that begins in March are the first of the next one.
    if day_of_year >= 306 { (year + 1 - 400, month - 12, day) } else { (year - 400, month, day) }
}

/// Days from 1970-01-01 to that date, which must be a real one. Same source, `days_from_civil`.
pub(crate) fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let shifted_year = year - i64::from(month <= 2);
    let era = shifted_year.div_euclid(400);
    let year_of_era = shifted_year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Days in that month, 28 to 31.
pub(crate) fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Timestamp::MIN => f.pad("the beginning of time"),
            Timestamp::MAX => f.pad("the end of time"),
            _ => match self.write_rfc3339(&mut [0; 24]) {
                Some(text) => f.pad(text),
                None => write!(f, "{} ms", self.0),
            },
        }
    }
}

impl FromStr for Timestamp {
    type Err = Error;

    /// Reads an RFC 3339 time with any offset; digits of the second beyond the third are cut off.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_rfc3339(text.as_bytes()).ok_or_else(|| Error::Rfc3339 { text: text.to_owned() })
    }
}

/// Reads `count` decimal digits at the front of `text`.
fn digits(text: &[u8], count: usize) -> Option<i64> {
    text.get(..count)?.iter().try_fold(0, |sum, b| b.is_ascii_digit().then(|| sum * 10 + i64::from(b - b'0')))
}

fn parse_rfc3339(text: &[u8]) -> Option<Timestamp> {
    let at = |i: usize| text.get(i).copied();
    let number = |from: usize, count: usize| text.get(from..).and_then(|rest| digits(rest, count));
    let (year, month, day) = (number(0, 4)?, number(5, 2)?, number(8, 2)?);
    let (hour, minute, second) = (number(11, 2)?, number(14, 2)?, number(17, 2)?);
    let separators = [at(4)?, at(7)?, at(13)?, at(16)?] == *b"--::" && matches!(at(10)?, b'T' | b't' | b' ');
    let real = (1..=12).contains(&month)
        && (1..=days_in_month(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    if !separators || !real {
        return None;
    }
    let mut rest = &text[19..];
    let mut millis = 0;
    if let [b'.', fraction @ ..] = rest {
        let length = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
        if length == 0 {
            return None;
        }
        let kept = length.min(3);
        millis = digits(fraction, kept)? * 10_i64.pow(3 - kept as u32);
        rest = &fraction[length..];
    }
    let offset_minutes = match rest {
        b"Z" | b"z" => 0,
        [sign @ (b'+' | b'-'), offset @ ..] if offset.len() == 5 && offset[2] == b':' => {
            let (hours, minutes) = (digits(offset, 2)?, digits(&offset[3..], 2)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            (hours * 60 + minutes) * if *sign == b'-' { -1 } else { 1 }
        }
        _ => return None,
    };
    let minutes = (days_from_civil(year, month, day) * 24 + hour) * 60 + minute - offset_minutes;
    Some(Timestamp((minutes * 60 + second) * 1000 + millis))
}

impl Add<Duration> for Timestamp {
    type Output = Timestamp;

    fn add(self, by: Duration) -> Timestamp {
        self.plus_millis(super::whole_millis(by))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Timestamp;

    fn sub(self, by: Duration) -> Timestamp {
        Timestamp(self.0.saturating_sub(super::whole_millis(by)))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return serializer.serialize_i64(self.0);
        }
        match self.write_rfc3339(&mut [0; 24]) {
            Some(text) => serializer.serialize_str(text),
            None => serializer.serialize_i64(self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Timestamp;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an RFC 3339 time or milliseconds since 1970")
            }

            fn visit_i64<E: de::Error>(self, millis: i64) -> Result<Timestamp, E> {
                Ok(Timestamp(millis))
            }

            fn visit_u64<E: de::Error>(self, millis: u64) -> Result<Timestamp, E> {
                i64::try_from(millis).map(Timestamp).map_err(E::custom)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Timestamp, E> {
                text.parse().map_err(E::custom)
            }
        }

        if deserializer.is_human_readable() {
            deserializer.deserialize_any(Visitor)
        } else {
            deserializer.deserialize_i64(Visitor)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_is_rfc_3339_in_utc() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (1_431_857_103_000, "2015-05-17T10:05:03Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (253_402_300_799_000, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(Timestamp::from_millis(millis).to_string(), text);
            assert_eq!(text.parse(), Ok(Timestamp::from_millis(millis)));
        }
        assert_eq!("2015-05-17t12:05:03.5+02:00".parse(), Ok(Timestamp::from_millis(1_431_857_103_500)));
    }

    #[test]
    fn years_that_have_no_four_digits_are_written_as_a_number() {
        let (first, last) = (-62_167_219_200_000, 253_402_300_799_999);
        assert_eq!(Timestamp::from_millis(first).to_string(), "0000-01-01T00:00:00Z");
        assert_eq!(Timestamp::from_millis(last).to_string(), "9999-12-31T23:59:59.999Z");
        for beyond in [first - 1, last + 1] {
            assert_eq!(Timestamp::from_millis(beyond).to_string(), format!("{beyond} ms"));
        }
    }

    #[test]
    fn each_day_of_four_centuries_is_one_after_the_day_before() {
        let first = days_from_civil(1896, 1, 1);
        for days in first..first + 146_097 {
            let (year, month, day) = civil_from_days(days);
            assert_eq!(days_from_civil(year.into(), month.into(), day.into()), days);
            assert!(i64::from(day) <= days_in_month(year.into(), month.into()));
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "2015-05-17",
            "2015-02-29T00:00:00Z",
            "2015-13-01T00:00:00Z",
            "2015-05-17T24:00:00Z",
            "2015-05-17T10:05:03",
            "2015-05-17T10:05:03.Z",
            "2015-05-17T10:05:03+2:00",
            "2015-05-17T10:05:03Zulu",
            "２015-05-17T10:05:03Z",
        ] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }

    #[test]
    fn moments_before_1970_fall_into_the_span_that_holds_them() {
        assert_eq!(Timestamp::from_millis(-1).floor_to(Duration::from_secs(10)).millis(), -10_000);
        assert_eq!(Timestamp::from_millis(-10_000).floor_to(Duration::from_secs(10)).millis(), -10_000);
        assert_eq!(Timestamp::MIN.floor_to(Duration::from_secs(10)), Timestamp::MIN);
    }

    proptest! {
        #[test]
        fn every_moment_with_a_text_survives_it(millis in -62_167_219_200_000_i64..253_402_300_800_000) {
            let moment = Timestamp::from_millis(millis);
            prop_assert_eq!(moment.to_string().parse(), Ok(moment));
        }
    }
}
