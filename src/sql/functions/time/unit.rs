//! Units of time: what part of a moment they are, how moments are cut to them and counted in them.

use super::moment::Moment;

/// A unit, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// So many months, beginning with the first one of the year `from`.
    Months { count: i64, from: i64 },
    /// Beginning with Sunday.
    Week,
    /// So many nanoseconds.
    Nanos(i64),
}

const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400 * SECOND;

impl Unit {
    /// By its name, as it is or with an S behind it.
    pub(super) fn of(name: &str) -> Result<Self, String> {
        let upper = name.to_ascii_uppercase();
        let name_of_one = upper.strip_suffix('S').unwrap_or(&upper);
        Ok(match name_of_one.strip_prefix("SQL_TSI_").unwrap_or(name_of_one) {
            "MILLENNIUM" => Unit::Months { count: 12_000, from: 1 },
            "CENTURY" => Unit::Months { count: 1_200, from: 1 },
            "DECADE" => Unit::Months { count: 120, from: 0 },
            "YEAR" => Unit::Months { count: 12, from: 0 },
            "QUARTER" => Unit::Months { count: 3, from: 0 },
            "MONTH" => Unit::Months { count: 1, from: 0 },
            "WEEK" => Unit::Week,
            "DAY" => Unit::Nanos(DAY),
            "HOUR" => Unit::Nanos(3600 * SECOND),
            "MINUTE" => Unit::Nanos(60 * SECOND),
            "SECOND" => Unit::Nanos(SECOND),
            "MILLISECOND" => Unit::Nanos(1_000_000),
            "MICROSECOND" => Unit::Nanos(1_000),
            "NANOSECOND" => Unit::Nanos(1),
            _ => {
                let known = "YEAR, QUARTER, MONTH, WEEK, DAY, HOUR, MINUTE, SECOND, MILLISECOND";
                return Err(format!("no unit of time is called `{name}`; there are {known}"));
            }
        })
    }

    /// Whether it is less than a day.
    pub(super) fn is_short(self) -> bool {
        matches!(self, Unit::Nanos(nanos) if nanos < DAY)
    }

    /// The beginning of the unit that a moment is in; `None` outside of the years 0 to 9999.
    pub(super) fn floor(self, moment: Moment) -> Option<Moment> {
        match self {
            Unit::Months { count, from } => {
                let from = from * 12;
                Moment::of_month((moment.month() - from).div_euclid(count) * count + from)
            }
            Unit::Week => Some(Moment { days: moment.days - moment.weekday(), nanos: 0 }),
            Unit::Nanos(unit) => Some(Moment { nanos: moment.nanos / unit * unit, ..moment }),
        }
    }

    /// The beginning of the next unit, but for one that begins here.
    pub(super) fn ceil(self, moment: Moment) -> Option<Moment> {
        let floor = self.floor(moment)?;
        if floor == moment { Some(moment) } else { self.plus(floor, 1) }
    }

    /// So many units later.
    pub(super) fn plus(self, moment: Moment, count: i64) -> Option<Moment> {
        match self {
            Unit::Months { count: months, .. } => moment.plus_months(months.checked_mul(count)?),
            Unit::Week => Moment::from_nanos(moment.all_nanos() + i128::from(count) * i128::from(7 * DAY)),
            Unit::Nanos(nanos) => Moment::from_nanos(moment.all_nanos() + i128::from(count) * i128::from(nanos)),
        }
    }

    /// How many whole units lie between two moments; below 0 if the second comes first.
    pub(super) fn between(self, from: Moment, to: Moment) -> Option<i64> {
        let nanos = |unit: i64| i64::try_from((to.all_nanos() - from.all_nanos()) / i128::from(unit)).ok();
        match self {
            Unit::Nanos(unit) => nanos(unit),
            Unit::Week => nanos(7 * DAY),
            Unit::Months { count, .. } => {
                let mut months = to.month() - from.month();
                // The last month counts when it is over.
                let (from_rest, to_rest) = ((from.civil().2, from.nanos), (to.civil().2, to.nanos));
                if months > 0 && to_rest < from_rest {
                    months -= 1;
                } else if months < 0 && to_rest > from_rest {
                    months += 1;
                }
                Some(months / count)
            }
        }
    }
}

/// A part of a moment, as EXTRACT gives it.
pub(super) fn part(name: &str, moment: Moment) -> Result<i64, String> {
    let (year, month, day) = moment.civil();
    let within = |unit: i64, of: i64| moment.nanos % of / unit;
    Ok(match name.to_ascii_uppercase().as_str() {
        "MILLENNIUM" => (year + 999) / 1000,
        "CENTURY" => (year + 99) / 100,
        "DECADE" => year / 10,
        "YEAR" => year,
        "ISOYEAR" => moment.iso_week().0,
        "QUARTER" => (month - 1) / 3 + 1,
        "MONTH" => month,
        "WEEK" => moment.iso_week().1,
        "DAY" => day,
        "DOW" => moment.weekday() + 1,
        "ISODOW" => (moment.weekday() + 6) % 7 + 1,
        "DOY" => moment.day_of_year(),
        "HOUR" => within(3600 * SECOND, DAY),
        "MINUTE" => within(60 * SECOND, 3600 * SECOND),
        "SECOND" => within(SECOND, 60 * SECOND),
        "MILLISECOND" => within(1_000_000, 60 * SECOND),
        "MICROSECOND" => within(1_000, 60 * SECOND),
        "NANOSECOND" => within(1, 60 * SECOND),
        "EPOCH" => moment.seconds(),
        _ => return Err(format!("no part of a time is called `{name}`")),
    })
}
