//! Times: read, written, cut, counted.
//!
//! The zone of the session is UTC, so a TIMESTAMP_LTZ is written and cut as in UTC; CONVERT_TZ makes of it the local time of
//! another place. All are of the years 0 to 9999; what would be outside is an error of the row.

mod moment;
mod pattern;
mod unit;
mod zone;

use super::form::{Form, Types, general, is_text};
use super::function::{Function, function};
use super::recent::Recent;
use super::text::owned;
use crate::sql::row::Value;
use crate::sql::text::read_text;
use crate::sql::types::UTC;
use arrow::datatypes::{DataType, TimeUnit};
use moment::{Moment, is_time};
use pattern::Pattern;
use std::borrow::Cow;
use std::cell::RefCell;
use unit::{Unit, part};

thread_local! {
    static PATTERNS: RefCell<Recent<Pattern>> = const { RefCell::new(Recent::new()) };
}

const LOCAL: DataType = DataType::Timestamp(TimeUnit::Millisecond, None);
/// How FROM_UNIXTIME, UNIX_TIMESTAMP and CONVERT_TZ write times.
const STANDARD: &str = "yyyy-MM-dd HH:mm:ss";

fn instant() -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, Some(UTC.into()))
}

pub(super) fn functions() -> Vec<Function> {
    let mut functions = vec![
        function("to_timestamp", "TO_TIMESTAMP(string[, pattern])", "The TIMESTAMP(3) that a text writes; NULL if it writes none.")
            .form(general("STRING", one_text, |_| LOCAL, false, |values, types| value(read(values)?, types)))
            .form(general("STRING, STRING", two_texts, |_| LOCAL, false, |values, types| value(read(values)?, types))),
        function("to_timestamp_ltz", "TO_TIMESTAMP_LTZ(number[, digits]) or TO_TIMESTAMP_LTZ(string[, pattern[, zone]])", "The TIMESTAMP_LTZ(3) of seconds (0 digits) or milliseconds (3, if not said) since 1970, or of a text in a zone, UTC if not said; NULL if the text writes none.")
            .form(general("BIGINT", |given| numbers(given, 1), |_| instant(), false, |values, types| since(values, 3, types)))
            .form(general("BIGINT, 0 or 3", |given| numbers(given, 2), |_| instant(), false, |values, types| {
                match values.get(1) {
                    Some(Value::Int(digits @ (0 | 3))) => since(values, *digits, types),
                    _ => Err("digits are 0, for seconds, or 3, for milliseconds".to_owned()),
                }
            }))
            .form(general("STRING", one_text, |_| instant(), false, |values, types| value(read(values)?, types)))
            .form(general("STRING, STRING", two_texts, |_| instant(), false, |values, types| value(read(values)?, types)))
            .form(general("STRING, STRING, STRING", three_texts, |_| instant(), false, |values, types| {
                let [text, pattern, Value::Text(zone)] = values else { return Ok(Value::Null) };
                let moment = read(&[text.clone(), pattern.clone()])?;
                value(moment.map(|moment| zone::instant(moment, zone)).transpose()?, types)
            })),
        function("to_date", "TO_DATE(string[, pattern])", "The DATE that a text writes; NULL if it writes none.")
            .form(general("STRING", one_text, |_| DataType::Date32, false, |values, types| value(read(values)?, types)))
            .form(general("STRING, STRING", two_texts, |_| DataType::Date32, false, |values, types| value(read(values)?, types))),
        function("date_format", "DATE_FORMAT(time, pattern)", "The time in the form of a pattern, as of Java: 'yyyy-MM-dd HH:mm:ss'.")
            .form(general("TIMESTAMP, STRING", time_and_text, |_| DataType::Utf8View, false, |values, types| {
                let [time, Value::Text(pattern)] = values else { return Ok(Value::Null) };
                written(moment(time, &types.arguments[0])?, pattern)
            }))
            .form(general("STRING, STRING", two_texts, |_| DataType::Utf8View, false, |values, _| {
                let [time, Value::Text(pattern)] = values else { return Ok(Value::Null) };
                read(std::slice::from_ref(time))?.map_or(Ok(Value::Null), |moment| written(moment, pattern))
            })),
        // Without an argument it tells the time: see `rewrite`.
        function("unix_timestamp", "UNIX_TIMESTAMP([string[, pattern]])", "Seconds since 1970, now or at a time 'yyyy-MM-dd HH:mm:ss'; the least BIGINT if the text writes none.")
            .of(|| Err::<i64, _>("the clock is read by the operator"))
            .of(|text: &str| seconds(text, STANDARD))
            .of(seconds),
        function("from_unixtime", "FROM_UNIXTIME(seconds[, pattern])", "The time so many seconds after 1970 as text, 'yyyy-MM-dd HH:mm:ss' if not said.")
            .of(|seconds: i64| from_seconds(seconds, STANDARD))
            .of(from_seconds),
        function("convert_tz", "CONVERT_TZ(string, from, to)", "The local time 'yyyy-MM-dd HH:mm:ss' of one zone as that of another; NULL if the text writes none.")
            .of(|text: &str, from: &str, to: &str| -> Result<Option<String>, String> {
                let Some(moment) = with(STANDARD, |pattern| pattern.parse(text, true))? else { return Ok(None) };
                let local = zone::converted(moment, from, to)?;
                with(STANDARD, |pattern| Some(pattern.write(local)))
            }),
        function("extract", "EXTRACT(unit FROM time)", "A part of a time: YEAR, QUARTER, MONTH, WEEK, DAY, DOW (1 is Sunday), DOY, HOUR, MINUTE, SECOND, MILLISECOND, EPOCH and others.")
            .alias("date_part")
            .form(general("STRING, TIMESTAMP", text_and_time, |_| DataType::Int64, false, |values, types| {
                let [Value::Text(unit), time] = values else { return Ok(Value::Null) };
                part(unit, moment(time, &types.arguments[1])?).map(Value::Int)
            })),
        function("floor_time", "FLOOR(time TO unit)", "The beginning of the unit that a time is in; a WEEK begins on Sunday.")
            .form(cut(Unit::floor)),
        function("ceil_time", "CEIL(time TO unit)", "The beginning of the next unit, but for a time at which one begins.")
            .form(cut(Unit::ceil)),
        function("timestampadd", "TIMESTAMPADD(unit, n, time)", "The time so many units later.").form(general(
            "unit, BIGINT, TIMESTAMP",
            |given| {
                let [unit, count, time] = given else { return None };
                let count = Some(DataType::Int64).filter(|_| count.is_integer() || *count == DataType::Null)?;
                Some(vec![text(unit)?, count, self::time(time)?])
            },
            |arguments| arguments[2].clone(),
            false,
            |values, types| {
                let [Value::Text(unit), Value::Int(count), time] = values else { return Ok(Value::Null) };
                let unit = unit_of(unit, types.result)?;
                let moment = moment(time, types.result)?;
                value(Some(unit.plus(moment, *count).ok_or("the time is in no year of four digits")?), types)
            },
        )),
        function("timestampdiff", "TIMESTAMPDIFF(unit, from, to)", "How many whole units lie between two times.").form(general(
            "unit, TIMESTAMP, TIMESTAMP",
            |given| {
                let [unit, from, to] = given else { return None };
                Some(vec![text(unit)?, time(from)?, time(to)?])
            },
            |_| DataType::Int64,
            false,
            |values, types| {
                let [Value::Text(unit), from, to] = values else { return Ok(Value::Null) };
                let (from, to) = (moment(from, &types.arguments[1])?, moment(to, &types.arguments[2])?);
                let count = Unit::of(unit)?.between(from, to);
                count.map(Value::Int).ok_or_else(|| "there are too many".to_owned())
            },
        )),
    ];
    for (name, unit, doc) in [
        ("year", "YEAR", "The year."),
        ("quarter", "QUARTER", "The quarter of the year, from 1."),
        ("month", "MONTH", "The month, from 1."),
        ("week", "WEEK", "The week of the year as in ISO 8601, from 1."),
        ("dayofyear", "DOY", "The day of the year, from 1."),
        ("dayofmonth", "DAY", "The day of the month, from 1."),
        ("dayofweek", "DOW", "The day of the week, 1 is Sunday."),
        ("hour", "HOUR", "The hour of the day, from 0."),
        ("minute", "MINUTE", "The minute of the hour, from 0."),
        ("second", "SECOND", "The second of the minute, from 0."),
    ] {
        let form = general(
            "TIMESTAMP",
            one_time,
            |_| DataType::Int64,
            false,
            move |values, types| part(unit, moment(&values[0], &types.arguments[0])?).map(Value::Int),
        );
        functions.push(function(name, &format!("{}(time)", name.to_uppercase()), doc).form(form));
    }
    functions
}

fn text(given: &DataType) -> Option<DataType> {
    (is_text(given) || *given == DataType::Null).then_some(DataType::Utf8View)
}

fn time(given: &DataType) -> Option<DataType> {
    match given {
        DataType::Null => Some(LOCAL),
        other => Some(other.clone()).filter(is_time),
    }
}

fn one_text(given: &[DataType]) -> Option<Vec<DataType>> {
    super::text::texts(given).filter(|texts| texts.len() == 1)
}

fn two_texts(given: &[DataType]) -> Option<Vec<DataType>> {
    super::text::texts(given).filter(|texts| texts.len() == 2)
}

fn three_texts(given: &[DataType]) -> Option<Vec<DataType>> {
    super::text::texts(given).filter(|texts| texts.len() == 3)
}

fn one_time(given: &[DataType]) -> Option<Vec<DataType>> {
    let [only] = given else { return None };
    Some(vec![time(only)?])
}

fn time_and_text(given: &[DataType]) -> Option<Vec<DataType>> {
    let [first, second] = given else { return None };
    Some(vec![time(first)?, text(second)?])
}

fn text_and_time(given: &[DataType]) -> Option<Vec<DataType>> {
    let [first, second] = given else { return None };
    Some(vec![text(first)?, time(second)?])
}

/// Whole numbers, the first perhaps with a fraction, which is cut off.
fn numbers(given: &[DataType], count: usize) -> Option<Vec<DataType>> {
    let (first, rest) = given.split_first()?;
    let fits = given.len() == count && (first.is_numeric() || *first == DataType::Null);
    (fits && rest.iter().all(|rest| rest.is_integer() || *rest == DataType::Null)).then(|| vec![DataType::Int64; count])
}

/// Does something with a pattern.
fn with<R>(pattern: &str, work: impl FnOnce(&Pattern) -> R) -> Result<R, String> {
    PATTERNS.with_borrow_mut(|patterns| patterns.of(pattern, Pattern::read).map(work))
}

/// The moment that a text writes, in the standard form or that of the pattern behind it.
fn read(values: &[Value<'_>]) -> Result<Option<Moment>, String> {
    match values {
        [Value::Text(text)] => {
            let time = read_text(Cow::Borrowed(text), &DataType::Timestamp(TimeUnit::Microsecond, None));
            Ok(time.and_then(|time| Moment::of(&time, &DataType::Timestamp(TimeUnit::Microsecond, None))))
        }
        [Value::Text(text), Value::Text(pattern)] => with(pattern, |pattern| pattern.parse(text, true)),
        _ => Ok(None),
    }
}

fn moment(value: &Value<'_>, data_type: &DataType) -> Result<Moment, String> {
    Moment::of(value, data_type).ok_or_else(|| "the time is in no year of four digits".to_owned())
}

/// The value of a moment, if there is one.
fn value(moment: Option<Moment>, types: &Types<'_>) -> Result<Value<'static>, String> {
    let Some(moment) = moment else { return Ok(Value::Null) };
    let value = moment.value(types.result);
    value.map(Value::Int).ok_or_else(|| "the time is in no year of four digits".to_owned())
}

fn written(moment: Moment, pattern: &str) -> Result<Value<'static>, String> {
    with(pattern, |pattern| owned(pattern.write(moment)))
}

/// The time so many seconds (0 digits) or milliseconds (3) after 1970.
fn since(values: &[Value<'_>], digits: i64, _: &Types<'_>) -> Result<Value<'static>, String> {
    let Some(Value::Int(number)) = values.first() else { return Ok(Value::Null) };
    let millis = if digits == 0 { number.checked_mul(1000) } else { Some(*number) };
    millis.map(Value::Int).ok_or_else(|| format!("{number} seconds after 1970 are too many"))
}

fn seconds(text: &str, pattern: &str) -> Result<i64, String> {
    // As Java's reader does, what comes behind the pattern's end is not looked at.
    with(pattern, |pattern| pattern.parse(text, false).map_or(i64::MIN, Moment::seconds))
}

fn from_seconds(seconds: i64, pattern: &str) -> Result<String, String> {
    let moment = Moment::from_seconds(seconds).ok_or_else(|| format!("{seconds} seconds after 1970 are too many"))?;
    with(pattern, |pattern| pattern.write(moment))
}

/// A unit that can be added to a type, or to which it can be cut.
fn unit_of(name: &str, data_type: &DataType) -> Result<Unit, String> {
    let unit = Unit::of(name)?;
    if *data_type == DataType::Date32 && unit.is_short() {
        return Err(format!("a DATE has no {name}; cast it to TIMESTAMP(3)"));
    }
    Ok(unit)
}

fn cut(of_moment: fn(Unit, Moment) -> Option<Moment>) -> Form {
    general(
        "TIMESTAMP, unit",
        time_and_text,
        |arguments| arguments[0].clone(),
        false,
        move |values, types| {
            let [time, Value::Text(unit)] = values else { return Ok(Value::Null) };
            let cut = of_moment(unit_of(unit, types.result)?, moment(time, types.result)?);
            value(Some(cut.ok_or("the time is in no year of four digits")?), types)
        },
    )
}
