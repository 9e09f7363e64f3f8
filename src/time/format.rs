//! Times in any format, described as by strftime.

use super::{Error, Timestamp, hours, minutes, seconds};
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::{Offset, TimeZone};
use std::fmt;

/// How a time is written, in the letters of strftime.
///
/// Dates: `%Y` year, `%m` month, `%d` day, `%e` the same without a zero in front, `%b` `May`, `%B` `May` in full, `%a` and `%A`
/// weekday, `%j` day of the year, `%y` the last two digits of a year from 1969 to 2068, `%F` for `%Y-%m-%d`. Times: `%H`
/// hour, `%I` and `%p` hour with AM or PM, `%M` minute, `%S` second, `%.f` fraction with its point or nothing, `%3f` three
/// digits of it, `%T` for `%H:%M:%S`. Offset: `%z` `+0200`, `%:z` `+02:00`. `%s` is seconds since 1970, `%%` a percent sign.
/// All of them are those of the [jiff] library. Names are English.
///
/// A format without an offset is read and written as UTC; one with an offset is written with `+0000`. What a format leaves
/// out of the time of day is zero; a date it must have. Digits behind the third of a second are cut off. The second 60 is
/// read as 59.
///
/// [jiff]: https://docs.rs/jiff/latest/jiff/fmt/strtime/index.html
///
/// ```
/// use millstream::time::TimeFormat;
///
/// let format = TimeFormat::new("%d/%b/%Y:%H:%M:%S %z")?;
/// let at = format.parse("17/May/2015:12:05:03 +0200")?;
/// assert_eq!(at.to_string(), "2015-05-17T10:05:03Z");
/// assert_eq!(format.format(at)?, "17/May/2015:10:05:03 +0000");
/// # Ok::<(), millstream::time::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeFormat {
    format: String,
}

impl TimeFormat {
    /// A format, tried out: it must be able to write a time and to read it back.
    ///
    /// # Errors
    /// [`Error::Format`] if a letter is unknown or can only be written, the date is not whole, or the format leaves open
    /// which time of day is meant.
    pub fn new(format: impl Into<String>) -> Result<Self, Error> {
        let format = TimeFormat { format: format.into() };
        let wrong = |cause: String| Error::Format { format: format.format.clone(), cause };
        // An afternoon, so that an hour without AM or PM gives itself away; month, day, hour, minute and second all differ.
        let sample = Timestamp::from_millis(981_217_506_789);
        let text = format.write(sample).map_err(wrong)?;
        let read = format.read(&text).map_err(wrong)?;
        let kept = [seconds(1), minutes(1), hours(1), hours(24)].map(|unit| sample.floor_to(unit));
        if read != sample && !kept.contains(&read) {
            return Err(wrong(format!("it writes {sample} as `{text}` and reads that as {read}")));
        }
        Ok(format)
    }

    /// Reads a time.
    ///
    /// # Errors
    /// [`Error::Text`] if the text is not what the format describes, or no moment of the years -9999 to 9999.
    pub fn parse(&self, text: &str) -> Result<Timestamp, Error> {
        let wrong = |cause| Error::Text { text: text.to_owned(), format: self.format.clone(), cause };
        self.read(text).map_err(wrong)
    }

    /// Writes a time, cut to what the format holds.
    ///
    /// # Errors
    /// [`Error::Unwritable`] beyond the years -9999 to 9999.
    pub fn format(&self, time: Timestamp) -> Result<String, Error> {
        self.write(time).map_err(|cause| Error::Unwritable { time, format: self.format.clone(), cause })
    }

    fn read(&self, text: &str) -> Result<Timestamp, String> {
        let read = || {
            let parsed = BrokenDownTime::parse(&self.format, text)?;
            match (parsed.timestamp(), parsed.offset()) {
                (Some(since_1970), _) => Ok(since_1970),
                (None, offset) => offset.unwrap_or(Offset::UTC).to_timestamp(parsed.to_datetime()?),
            }
        };
        let nanos = read().map_err(|cause: jiff::Error| cause.to_string())?.as_nanosecond();
        let millis = i64::try_from(nanos.div_euclid(1_000_000));
        millis.map(Timestamp::from_millis).map_err(|_| "it is beyond all time".to_owned())
    }

    fn write(&self, time: Timestamp) -> Result<String, String> {
        let written = || {
            let moment = jiff::Timestamp::from_millisecond(time.millis())?;
            let mut parts = BrokenDownTime::from(&moment.to_zoned(TimeZone::UTC));
            // Before 1970 the library would write a broken second as the next whole one.
            parts.set_timestamp(Some(jiff::Timestamp::from_second(time.millis().div_euclid(1000))?));
            parts.to_string(&self.format)
        };
        written().map_err(|cause: jiff::Error| cause.to_string())
    }
}

impl fmt::Display for TimeFormat {
    /// The letters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.format)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(format: &str, text: &str) -> Result<String, Error> {
        TimeFormat::new(format)?.parse(text).map(|time| time.to_string())
    }

    #[test]
    fn times_in_many_formats_are_read() {
        for (format, text, time) in [
            ("%Y-%m-%d", "2015-05-17", "2015-05-17T00:00:00Z"),
            ("%F %T%.f", "2015-05-17 10:05:03", "2015-05-17T10:05:03Z"),
            ("%F %T%.f", "2015-05-17 10:05:03.2509", "2015-05-17T10:05:03.250Z"),
            ("%F %T.%3f", "1960-05-17 10:05:03.250", "1960-05-17T10:05:03.250Z"),
            ("%a, %d %b %Y %H:%M:%S %z", "Sun, 17 May 2015 12:05:03 -0130", "2015-05-17T13:35:03Z"),
            ("%b %e, %Y %I:%M %p", "May 7, 2015 12:05 AM", "2015-05-07T00:05:00Z"),
            ("%m/%d/%y %H", "5/7/69 23", "1969-05-07T23:00:00Z"),
            ("%Y-%j", "2015-137", "2015-05-17T00:00:00Z"),
            ("%s", "-1", "1969-12-31T23:59:59Z"),
            ("100%% %F", "100% 2016-02-29", "2016-02-29T00:00:00Z"),
            ("%F %T", "2016-12-31 23:59:60", "2016-12-31T23:59:59Z"),
        ] {
            assert_eq!(read(format, text).as_deref(), Ok(time), "{text} as {format}");
        }
    }

    #[test]
    fn a_text_that_does_not_fit_is_named_with_its_format() {
        for (format, text) in [
            ("%F", "2015-02-29"),
            ("%F", "2015-05-17 10:05"),
            ("%F %T %z", "2015-05-17 10:05:03"),
            ("%d/%b/%Y", "17/Mai/2015"),
            ("%A %F", "Monday 2015-05-17"),
            ("%F", ""),
        ] {
            let refused = read(format, text).unwrap_err();
            assert!(matches!(refused, Error::Text { .. }), "{refused}");
            let message = refused.to_string();
            assert!(message.contains(&format!("`{text}`")) && message.contains(&format!("`{format}`")), "{message}");
        }
    }

    #[test]
    fn a_format_that_cannot_tell_a_moment_is_refused() {
        for format in ["", "%H:%M", "%Y-%m", "%F %", "%F %!", "%F %I:%M", "%F %M", "%F %T %Z", "%c", "day %d"] {
            let refused = TimeFormat::new(format).unwrap_err();
            assert!(matches!(refused, Error::Format { .. }) && refused.to_string().contains(format), "{refused}");
        }
    }

    #[test]
    fn a_moment_that_no_year_can_tell_is_not_written() {
        let format = TimeFormat::new("%F %T").unwrap();
        for time in [Timestamp::MIN, Timestamp::MAX] {
            assert!(format.format(time).unwrap_err().to_string().contains(&time.to_string()));
        }
    }

    proptest! {
        #[test]
        fn every_moment_that_is_written_is_read_back(millis in -62_135_596_800_000_i64..253_402_200_000_000) {
            let time = Timestamp::from_millis(millis);
            for (format, unit) in [("%F %T%.f %:z", 1), ("%A %d %B %Y %I:%M:%S.%3f %p", 1), ("%Y%m%dT%H%M%S", 1000), ("%s", 1000)] {
                let format = TimeFormat::new(format).unwrap();
                let kept = Timestamp::from_millis(millis.div_euclid(unit) * unit);
                prop_assert_eq!(format.parse(&format.format(time).unwrap()), Ok(kept));
            }
        }
    }
}
