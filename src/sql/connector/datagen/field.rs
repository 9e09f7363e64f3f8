//! How the values of a column are made.

use super::super::Options;
use super::super::random::Random;
use crate::sql::catalog::OptionError;
use crate::sql::row::Value;
use crate::sql::text::read_text;
use crate::sql::type_name;
use arrow::datatypes::{DataType, TimeUnit};

/// What a row's values follow from.
pub(super) struct Moment {
    pub(super) seed: u64,
    /// The row's number.
    pub(super) number: u64,
    /// When row 0 was made, in milliseconds since 1970.
    pub(super) base_ms: i64,
    /// Rows per second.
    pub(super) rate: u32,
}

impl Moment {
    /// When the row is made, in nanoseconds since 1970.
    fn nanos(&self) -> i128 {
        let passed = i128::from(self.number) * 1_000_000_000 / i128::from(self.rate);
        i128::from(self.base_ms) * 1_000_000 + passed
    }
}

/// Makes the values of a column, or of a part of it.
pub(super) struct Field {
    make: Make,
    /// Which part of the values is NULL.
    null_rate: f64,
}

enum Make {
    /// The row's number, from this one on.
    Sequence(i64, Form),
    Bool,
    Int(i64, i64),
    Float(f64, f64),
    Decimal(i128, i128),
    Text(Length),
    Bytes(Length),
    Date,
    Time(TimeUnit),
    /// At most so many milliseconds old.
    Timestamp(TimeUnit, u64),
    List(Box<Field>, usize),
    Map(Box<[Field; 2]>, usize),
    Row(Vec<Field>),
}

/// What a number of a sequence is written as.
enum Form {
    Int,
    Float,
    /// With so many digits behind the point, as a factor.
    Decimal(i128),
    Text,
}

struct Length {
    max: usize,
    varies: bool,
}

impl Length {
    fn of(&self, random: &mut Random) -> usize {
        if self.varies { 1 + random.below(self.max as u64) as usize } else { self.max }
    }
}

/// How many of a unit are in a second.
fn per_second(unit: TimeUnit) -> i128 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    }
}

const NANOS_PER_DAY: i128 = 86_400 * 1_000_000_000;

impl Field {
    pub(super) fn is_ever_null(&self) -> bool {
        self.null_rate > 0.0
    }

    /// How many bytes a value takes at most, about.
    pub(super) fn size(&self) -> u64 {
        let times = |size: u64, count: usize| size.saturating_mul(count as u64);
        match &self.make {
            Make::Text(length) | Make::Bytes(length) => length.max as u64,
            Make::List(item, count) => times(item.size(), *count),
            Make::Map(pair, count) => times(pair[0].size().saturating_add(pair[1].size()), *count),
            Make::Row(fields) => fields.iter().map(Field::size).fold(8, u64::saturating_add),
            _ => 32,
        }
    }

    /// The value of a row.
    ///
    /// * `column`: which of the row's columns it is.
    pub(super) fn value(&self, moment: &Moment, column: u64) -> Value<'static> {
        self.make(moment, &mut Random::of(moment.seed.wrapping_add(column << 32), moment.number))
    }

    fn make(&self, moment: &Moment, random: &mut Random) -> Value<'static> {
        if self.null_rate > 0.0 && random.fraction() < self.null_rate {
            return Value::Null;
        }
        match &self.make {
            Make::Sequence(start, form) => form.value(start.saturating_add_unsigned(moment.number)),
            Make::Bool => Value::Bool(random.below(2) == 1),
            Make::Int(min, max) => Value::Int(random.between(*min, *max)),
            Make::Float(min, max) => {
                let at = random.fraction();
                Value::Float((min * (1.0 - at) + max * at).clamp(*min, *max))
            }
            Make::Decimal(min, max) => {
                // Two decimals may be further apart than the greatest of their integers; their distance without a sign fits.
                let any = u128::from(random.any()) << 64 | u128::from(random.any());
                Value::Decimal(min.wrapping_add_unsigned(any % (max.abs_diff(*min) + 1)))
            }
            Make::Text(length) => {
                let length = length.of(random);
                let mut text = String::with_capacity(length);
                random.text(&mut text, b"0123456789abcdef", length);
                Value::Text(text.into())
            }
            Make::Bytes(length) => {
                let length = length.of(random);
                Value::Bytes((0..length).map(|_| random.below(256) as u8).collect::<Vec<_>>().into())
            }
            Make::Date => Value::Int(moment.nanos().div_euclid(NANOS_PER_DAY) as i64),
            Make::Time(unit) => {
                let nanos = moment.nanos().rem_euclid(NANOS_PER_DAY);
                Value::Int((nanos * per_second(*unit) / 1_000_000_000) as i64)
            }
            Make::Timestamp(unit, past) => {
                let age = i128::from(random.below(past.saturating_add(1))) * 1_000_000;
                let time = (moment.nanos() - age).div_euclid(1_000_000_000 / per_second(*unit));
                Value::Int(time.clamp(i64::MIN.into(), i64::MAX.into()) as i64)
            }
            Make::List(item, count) => Value::List((0..*count).map(|_| item.make(moment, random)).collect()),
            Make::Map(pair, count) => {
                let mut entries: Vec<(Value<'static>, Value<'static>)> = Vec::with_capacity(*count);
                for _ in 0..*count {
                    let (key, value) = (pair[0].make(moment, random), pair[1].make(moment, random));
                    if entries.iter().all(|(other, _)| *other != key) {
                        entries.push((key, value));
                    }
                }
                Value::Map(entries)
            }
            Make::Row(fields) => Value::Row(fields.iter().map(|field| field.make(moment, random)).collect()),
        }
    }
}

impl Form {
    fn value(&self, number: i64) -> Value<'static> {
        match self {
            Form::Int => Value::Int(number),
            Form::Float => Value::Float(number as f64),
            Form::Decimal(factor) => Value::Decimal(i128::from(number) * factor),
            Form::Text => Value::Text(number.to_string().into()),
        }
    }
}

/// Reads the options of fields.
pub(super) struct Reading<'t> {
    options: Options<'t>,
    /// The keys that may stand in the options.
    pub(super) known: Vec<String>,
    /// After how many rows the first sequence has ended.
    pub(super) count: Option<u64>,
}

impl<'t> Reading<'t> {
    pub(super) fn new(options: Options<'t>) -> Self {
        Reading { options, known: Vec::new(), count: None }
    }

    /// The key of an option, which may stand there from now on.
    fn key(&mut self, path: &str, option: &str) -> String {
        let key = format!("fields.{path}.{option}");
        self.known.push(key.clone());
        key
    }

    /// How the values of a column are made, or of what is in it.
    ///
    /// * `path`: the column's name, and the names of what it is in.
    ///
    /// # Errors
    /// What does not fit: an option, or a type that is not made.
    pub(super) fn field(&mut self, path: &str, data_type: &DataType) -> Result<Field, OptionError> {
        let options = self.options;
        let kind = self.key(path, "kind");
        if options.one_of(&kind, &["random", "sequence"])? == "sequence" {
            return Ok(Field { make: self.sequence(path, data_type, &kind)?, null_rate: 0.0 });
        }
        let null_rate = self.key(path, "null-rate");
        let fits = |rate: &f64| (0.0..=1.0).contains(rate);
        let null_rate = options.read(&null_rate, "a number from 0 to 1, like '0.1'", fits)?.unwrap_or(0.0);
        Ok(Field { make: self.random(path, data_type)?, null_rate })
    }

    fn random(&mut self, path: &str, data_type: &DataType) -> Result<Make, OptionError> {
        let whole = |min, max| (Value::Int(min), Value::Int(max));
        let bounds = match data_type {
            DataType::Int8 => whole(i8::MIN.into(), i8::MAX.into()),
            DataType::Int16 => whole(i16::MIN.into(), i16::MAX.into()),
            DataType::Int32 => whole(i32::MIN.into(), i32::MAX.into()),
            DataType::Int64 => whole(i64::MIN, i64::MAX),
            DataType::Float32 => (Value::Float(f32::MIN_POSITIVE.into()), Value::Float(f32::MAX.into())),
            DataType::Float64 => (Value::Float(f64::MIN_POSITIVE), Value::Float(f64::MAX)),
            DataType::Decimal128(precision, _) => {
                let most = 10_i128.pow(u32::from(*precision).min(38)) - 1;
                (Value::Decimal(-most), Value::Decimal(most))
            }
            _ => return self.unbounded(path, data_type),
        };
        let (min, max) = (self.key(path, "min"), self.key(path, "max"));
        let (low, high) = (self.bound(&min, data_type, bounds.0)?, self.bound(&max, data_type, bounds.1)?);
        let (make, fits) = match (low, high) {
            (Value::Int(low), Value::Int(high)) => (Make::Int(low, high), low <= high),
            (Value::Float(low), Value::Float(high)) => {
                (Make::Float(low, high), low <= high && low.is_finite() && high.is_finite())
            }
            (Value::Decimal(low), Value::Decimal(high)) => (Make::Decimal(low, high), low <= high),
            _ => return Err(self.unmade(path, data_type)),
        };
        if fits {
            return Ok(make);
        }
        Err(self.options.refuse(&min, format!("'{min}' is above '{max}', or one is not finite; let them be in order")))
    }

    fn bound(&self, key: &str, data_type: &DataType, default: Value<'t>) -> Result<Value<'t>, OptionError> {
        let Some(text) = self.options.text(key) else { return Ok(default) };
        let read = read_text(text.trim().into(), data_type).filter(|value| !value.is_null());
        let message = || format!("'{key}' is a {}, not '{text}'", type_name(data_type));
        read.ok_or_else(|| self.options.refuse(key, message()))
    }

    fn unbounded(&mut self, path: &str, data_type: &DataType) -> Result<Make, OptionError> {
        Ok(match data_type {
            DataType::Boolean => Make::Bool,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Make::Text(self.length(path)?),
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView => Make::Bytes(self.length(path)?),
            DataType::Date32 => Make::Date,
            DataType::Time32(unit) | DataType::Time64(unit) => Make::Time(*unit),
            DataType::Timestamp(unit, _) => {
                let key = self.key(path, "max-past");
                let past = self.options.duration(&key)?.unwrap_or_default();
                Make::Timestamp(*unit, u64::try_from(past.as_millis()).unwrap_or(u64::MAX))
            }
            DataType::List(item) => {
                let count = self.count(path)?;
                Make::List(Box::new(self.field(&format!("{path}.element"), item.data_type())?), count)
            }
            DataType::Map(entries, _) => match entries.data_type() {
                DataType::Struct(pair) if pair.len() == 2 => {
                    let count = self.count(path)?;
                    let key = self.field(&format!("{path}.key"), pair[0].data_type())?;
                    if key.is_ever_null() {
                        let option = format!("fields.{path}.key.null-rate");
                        let message = format!("keys of a MAP are never NULL; leave '{option}' out");
                        return Err(self.options.refuse(&option, message));
                    }
                    let value = self.field(&format!("{path}.value"), pair[1].data_type())?;
                    Make::Map(Box::new([key, value]), count)
                }
                _ => return Err(self.unmade(path, data_type)),
            },
            DataType::Struct(fields) => {
                let field = |field: &arrow::datatypes::FieldRef| {
                    self.field(&format!("{path}.{}", field.name()), field.data_type())
                };
                Make::Row(fields.iter().map(field).collect::<Result<_, _>>()?)
            }
            _ => return Err(self.unmade(path, data_type)),
        })
    }

    fn length(&mut self, path: &str) -> Result<Length, OptionError> {
        let (length, varies) = (self.key(path, "length"), self.key(path, "var-len"));
        let max: u32 = self.options.read(&length, "a number from 1", |length| *length > 0)?.unwrap_or(100);
        Ok(Length { max: max as usize, varies: self.options.flag(&varies, false)? })
    }

    fn count(&mut self, path: &str) -> Result<usize, OptionError> {
        let length = self.key(path, "length");
        let count: Option<u32> = self.options.read(&length, "a number from 0", |_| true)?;
        Ok(count.unwrap_or(3) as usize)
    }

    fn sequence(&mut self, path: &str, data_type: &DataType, kind: &str) -> Result<Make, OptionError> {
        let form = match data_type {
            DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => Form::Int,
            DataType::Float32 | DataType::Float64 => Form::Float,
            DataType::Decimal128(_, scale) => Form::Decimal(10_i128.pow(u32::try_from(*scale).unwrap_or(0).min(38))),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Form::Text,
            _ => {
                let message = format!("a {} has no sequence; write '{kind}' = 'random'", type_name(data_type));
                return Err(self.options.refuse(kind, message));
            }
        };
        let (first, last) = (self.key(path, "start"), self.key(path, "end"));
        let (start, end) = (self.end_of_sequence(&first, data_type)?, self.end_of_sequence(&last, data_type)?);
        if start > end {
            let message = format!("'{first}' is {start}, above '{last}', which is {end}; a sequence goes up");
            return Err(self.options.refuse(&first, message));
        }
        let rows = end.abs_diff(start).saturating_add(1);
        self.count = Some(self.count.map_or(rows, |count| count.min(rows)));
        Ok(Make::Sequence(start, form))
    }

    fn end_of_sequence(&self, key: &str, data_type: &DataType) -> Result<i64, OptionError> {
        let text = self.options.required(key, "1")?.trim();
        let fits = read_text(text.into(), data_type).is_some();
        let message = || format!("'{key}' is a whole number that a {} holds, not '{text}'", type_name(data_type));
        text.parse().ok().filter(|_| fits).ok_or_else(|| self.options.refuse(key, message()))
    }

    fn unmade(&self, path: &str, data_type: &DataType) -> OptionError {
        let message = format!("`{path}` is a {}, which datagen does not make; leave it out", type_name(data_type));
        self.options.refuse("connector", message)
    }
}
