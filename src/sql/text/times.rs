//! Dates and times as text.

use crate::time::{civil_from_days, days_from_civil, days_in_month};
use arrow::datatypes::TimeUnit;
use std::fmt::Write;

const DAY_SECONDS: i64 = 86_400;
/// The years 0 to 9999, which have a text of four digits.
const DAYS: std::ops::RangeInclusive<i64> = -719_528..=2_932_896;

/// How many of a unit are a second.
fn per_second(unit: &TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    }
}

/// Appends a day, `2020-01-31`; a number of days where the year has no four digits.
pub(super) fn write_date(out: &mut String, days: i64) {
    if !DAYS.contains(&days) {
        let _ = write!(out, "{days}");
        return;
    }
    let (year, month, day) = civil_from_days(days);
    push::<4>(out, year.into());
    out.push('-');
    push::<2>(out, month.into());
    out.push('-');
    push::<2>(out, day.into());
}

/// Appends the last digits of a number, with zeros in front.
fn push<const DIGITS: usize>(out: &mut String, number: i64) {
    let mut rest = number.unsigned_abs();
    let mut digits = [b'0'; DIGITS];
    for digit in digits.iter_mut().rev() {
        *digit += (rest % 10) as u8;
        rest /= 10;
    }
    out.push_str(std::str::from_utf8(&digits).expect("digits are ASCII"));
}

/// Appends a time of day, `12:00:00.5`: as many digits of the second as are not zero.
pub(super) fn write_time(out: &mut String, time: i64, unit: &TimeUnit) {
    let per_second = per_second(unit);
    let (seconds, fraction) = (time.div_euclid(per_second), time.rem_euclid(per_second));
    match seconds / 3600 {
        hours @ 0..100 => push::<2>(out, hours),
        // Of an interval.
        hours => out.push_str(itoa::Buffer::new().format(hours)),
    }
    out.push(':');
    push::<2>(out, seconds / 60 % 60);
    out.push(':');
    push::<2>(out, seconds % 60);
    if fraction > 0 {
        out.push('.');
        push::<9>(out, fraction * (1_000_000_000 / per_second));
        out.truncate(out.trim_end_matches('0').len());
    }
}

/// Appends a moment: the day, `between`, and the time of day.
pub(super) fn write_timestamp(out: &mut String, time: i64, unit: &TimeUnit, between: char) {
    let per_day = DAY_SECONDS * per_second(unit);
    write_date(out, time.div_euclid(per_day));
    out.push(between);
    write_time(out, time.rem_euclid(per_day), unit);
}

/// Digits from the front of a text: so many, as a number.
fn digits(text: &mut &[u8], count: usize) -> Option<i64> {
    let (digits, rest) = text.split_at_checked(count)?;
    *text = rest;
    digits.iter().try_fold(0, |number, byte| byte.is_ascii_digit().then(|| number * 10 + i64::from(byte - b'0')))
}

fn byte(text: &mut &[u8], allowed: &[u8]) -> Option<u8> {
    let (first, rest) = text.split_first()?;
    *text = rest;
    allowed.contains(first).then_some(*first)
}

fn date(text: &mut &[u8]) -> Option<i64> {
    let year = digits(text, 4)?;
    byte(text, b"-")?;
    let month = digits(text, 2)?;
    byte(text, b"-")?;
    let day = digits(text, 2)?;
    let exists = (1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day);
    exists.then(|| days_from_civil(year, month, day))
}

/// Seconds, and billionths of one.
fn time(text: &mut &[u8]) -> Option<(i64, i64)> {
    let hour = digits(text, 2)?;
    byte(text, b":")?;
    let minute = digits(text, 2)?;
    let mut second = 0;
    if text.first() == Some(&b':') {
        byte(text, b":")?;
        second = digits(text, 2)?;
    }
    let mut nanos = 0;
    if text.first() == Some(&b'.') {
        byte(text, b".")?;
        let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let kept = count.min(9);
        if count == 0 {
            return None;
        }
        nanos = digits(text, kept)? * 10_i64.pow(9 - kept as u32);
        digits(text, count - kept).or(Some(0).filter(|_| count - kept > 18))?;
    }
    let exists = hour < 24 && minute < 60 && second < 60;
    exists.then_some((hour * 3600 + minute * 60 + second, nanos))
}

/// Reads a day; `None` if it is none.
pub(super) fn read_date(text: &str) -> Option<i64> {
    let mut text = text.as_bytes();
    date(&mut text).filter(|_| text.is_empty())
}

/// Reads a time of day, cut to the unit; `None` if it is none.
pub(super) fn read_time(text: &str, unit: &TimeUnit) -> Option<i64> {
    let mut text = text.as_bytes();
    let (seconds, nanos) = time(&mut text)?;
    text.is_empty().then(|| seconds * per_second(unit) + nanos / (1_000_000_000 / per_second(unit)))
}

/// Reads a moment, cut to the unit: a day, `T` or a space, a time of day, and perhaps `Z` or an offset from UTC, which is taken
/// off. A day alone is its beginning.
pub(super) fn read_timestamp(text: &str, unit: &TimeUnit) -> Option<i64> {
    let mut text = text.as_bytes();
    let days = date(&mut text)?;
    let (mut seconds, mut nanos) = (days * DAY_SECONDS, 0);
    if !text.is_empty() {
        byte(&mut text, b"T ")?;
        let (of_day, fraction) = time(&mut text)?;
        (seconds, nanos) = (seconds + of_day, fraction);
        seconds -= offset(text)?;
    }
    seconds.checked_mul(per_second(unit))?.checked_add(nanos / (1_000_000_000 / per_second(unit)))
}

/// The offset from UTC in seconds that a text ends with.
fn offset(mut text: &[u8]) -> Option<i64> {
    if text.is_empty() || text == b"Z" {
        return Some(0);
    }
    let sign = if byte(&mut text, b"+-")? == b'-' { -1 } else { 1 };
    let hours = digits(&mut text, 2)?;
    if text.first() == Some(&b':') {
        byte(&mut text, b":")?;
    }
    let minutes = if text.is_empty() { 0 } else { digits(&mut text, 2)? };
    (text.is_empty() && hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(time: i64, unit: &TimeUnit) -> String {
        let mut out = String::new();
        write_timestamp(&mut out, time, unit, ' ');
        out
    }

    #[test]
    fn a_moment_is_written_with_the_digits_it_has() {
        assert_eq!(written(0, &TimeUnit::Millisecond), "1970-01-01 00:00:00");
        assert_eq!(written(-500, &TimeUnit::Millisecond), "1969-12-31 23:59:59.5");
        assert_eq!(written(1_580_000_000_000_001, &TimeUnit::Microsecond), "2020-01-26 00:53:20.000001");
        // A year that no text has.
        assert_eq!(written(i64::MAX, &TimeUnit::Millisecond).split(' ').next(), Some("106751991167"));
    }

    #[test]
    fn moments_are_read_in_both_forms_and_with_offsets() {
        let noon = 1_580_472_000_000;
        for text in
            ["2020-01-31 12:00:00", "2020-01-31T12:00:00.000Z", "2020-01-31 14:00+02:00", "2020-01-31T06:30:00-0530"]
        {
            assert_eq!(read_timestamp(text, &TimeUnit::Millisecond), Some(noon), "{text}");
        }
        assert_eq!(read_timestamp("2020-01-31", &TimeUnit::Second), Some(noon / 1000 - 43_200));
        for text in ["", "2020-02-30", "2020-01-31 ", "2020-01-31 25:00:00", "2020-1-31", "2020-01-31 12:00:00 Z", "12"]
        {
            assert_eq!(read_timestamp(text, &TimeUnit::Millisecond), None, "{text}");
        }
        assert_eq!(read_time("12:00:00.1239", &TimeUnit::Millisecond), Some(43_200_123));
        assert_eq!((read_date("2020-01-31"), read_date("2020-01-31 12:00:00")), (Some(18_292), None));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(time in -62_167_219_200_000_i64..253_402_300_800_000) {
            for unit in [TimeUnit::Millisecond, TimeUnit::Second] {
                let time = if unit == TimeUnit::Second { time.div_euclid(1000) } else { time };
                prop_assert_eq!(read_timestamp(&written(time, &unit), &unit), Some(time));
            }
        }
    }
}
