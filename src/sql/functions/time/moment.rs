//! Moments, days and times of day in one form, to count with.

use crate::sql::row::Value;
use crate::time::{civil_from_days, days_from_civil, days_in_month};
use arrow::datatypes::{DataType, TimeUnit};

pub(super) const DAY_SECONDS: i64 = 86_400;
const BILLION: i64 = 1_000_000_000;
/// The years 0 to 9999.
const DAYS: std::ops::RangeInclusive<i64> = -719_528..=2_932_896;

/// A moment: days since 1970 and nanoseconds of that day. A time of day is one of the day 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment {
    pub(super) days: i64,
    pub(super) nanos: i64,
}

/// Whether a type is a moment, a day or a time of day.
pub(super) fn is_time(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Timestamp(..) | DataType::Date32 | DataType::Time32(_) | DataType::Time64(_))
}

/// How many nanoseconds a unit has.
fn nanos(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => BILLION,
        TimeUnit::Millisecond => 1_000_000,
        TimeUnit::Microsecond => 1_000,
        TimeUnit::Nanosecond => 1,
    }
}

impl Moment {
    /// Of a value of such a type; `None` for others, and outside of the years 0 to 9999.
    pub(super) fn of(value: &Value<'_>, data_type: &DataType) -> Option<Self> {
        let Value::Int(time) = value else { return None };
        let moment = match data_type {
            DataType::Date32 => Moment { days: *time, nanos: 0 },
            DataType::Timestamp(unit, _) | DataType::Time32(unit) | DataType::Time64(unit) => {
                let per_day = DAY_SECONDS * (BILLION / nanos(*unit));
                Moment { days: time.div_euclid(per_day), nanos: time.rem_euclid(per_day) * nanos(*unit) }
            }
            _ => return None,
        };
        DAYS.contains(&moment.days).then_some(moment)
    }

    /// As a value of such a type, cut to its unit; `None` if it has none for it.
    pub(super) fn value(self, data_type: &DataType) -> Option<i64> {
        if !DAYS.contains(&self.days) {
            return None;
        }
        match data_type {
            DataType::Date32 => Some(self.days),
            DataType::Time32(unit) | DataType::Time64(unit) => Some(self.nanos / nanos(*unit)),
            DataType::Timestamp(unit, _) => {
                let per_day = DAY_SECONDS * (BILLION / nanos(*unit));
                self.days.checked_mul(per_day)?.checked_add(self.nanos / nanos(*unit))
            }
            _ => None,
        }
    }

    pub(super) fn from_seconds(seconds: i64) -> Option<Self> {
        let days = seconds.div_euclid(DAY_SECONDS);
        DAYS.contains(&days).then_some(Moment { days, nanos: seconds.rem_euclid(DAY_SECONDS) * BILLION })
    }

    /// Whole seconds since 1970.
    pub(super) fn seconds(self) -> i64 {
        self.days * DAY_SECONDS + self.nanos / BILLION
    }

    /// Nanoseconds since 1970.
    pub(super) fn all_nanos(self) -> i128 {
        i128::from(self.days) * i128::from(DAY_SECONDS * BILLION) + i128::from(self.nanos)
    }

    pub(super) fn from_nanos(nanos: i128) -> Option<Self> {
        let per_day = i128::from(DAY_SECONDS * BILLION);
        let days = i64::try_from(nanos.div_euclid(per_day)).ok().filter(|days| DAYS.contains(days))?;
        Some(Moment { days, nanos: i64::try_from(nanos.rem_euclid(per_day)).ok()? })
    }

    /// Year, month and day.
    pub(super) fn civil(self) -> (i64, i64, i64) {
        let (year, month, day) = civil_from_days(self.days);
        (year.into(), month.into(), day.into())
    }

    /// The first day of a month, months counted from that of the year 0; `None` outside of the years 0 to 9999.
    pub(super) fn of_month(months: i64) -> Option<Self> {
        let year = months.div_euclid(12);
        let days = || days_from_civil(year, months.rem_euclid(12) + 1, 1);
        (0..=9999).contains(&year).then(|| Moment { days: days(), nanos: 0 })
    }

    /// The month, counted from that of the year 0.
    pub(super) fn month(self) -> i64 {
        let (year, month, _) = self.civil();
        year * 12 + month - 1
    }

    /// So many months later, on the same day of the month, or on the last if the month is shorter.
    pub(super) fn plus_months(self, months: i64) -> Option<Self> {
        let (_, _, day) = self.civil();
        let first = Moment::of_month(self.month().checked_add(months)?)?;
        let (year, month, _) = first.civil();
        Some(Moment { days: first.days + day.min(days_in_month(year, month)) - 1, nanos: self.nanos })
    }

    /// The day of the week, from 0 for Sunday.
    pub(super) fn weekday(self) -> i64 {
        (self.days + 4).rem_euclid(7)
    }

    /// The day of the year, from 1.
    pub(super) fn day_of_year(self) -> i64 {
        self.days - days_from_civil(self.civil().0, 1, 1) + 1
    }

    /// The year and the week of ISO 8601, which begins on a Monday; the first has the year's first Thursday.
    pub(super) fn iso_week(self) -> (i64, i64) {
        let thursday = Moment { days: self.days - (self.weekday() + 6) % 7 + 3, nanos: 0 };
        // A Thursday can lie outside of the years by a few days.
        let thursday = if DAYS.contains(&thursday.days) { thursday } else { self };
        (thursday.civil().0, (thursday.day_of_year() - 1) / 7 + 1)
    }
}
