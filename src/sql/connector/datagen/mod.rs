//! Rows that are made up.

mod field;
#[cfg(test)]
mod tests;

use super::registry::physical;
use super::{Connector, Input, OptionDoc, Options};
use crate::connector::GeneratorSource;
use crate::sql::catalog::OptionError;
use crate::sql::row::{RowCodec, RowKind};
use crate::sql::settings::unknown;
use crate::sql::text::read_text;
use arrow::datatypes::{DataType, TimeUnit};
use field::{Field, Moment, Reading};

/// `datagen`: rows that are made up, each a function of its number, the seed and the options.
///
/// Replayable: a job that restarts makes the same rows again. What differs from Flink, where chance and the clock decide:
/// * times are told by a clock of the table's own, which says `base-time` at row 0 and goes on by a second for each
///   `rows-per-second` rows; DATE and TIME are what it says, a TIMESTAMP is up to `max-past` before it;
/// * a sequence is dealt round to the readers that `scan.parallelism` asks for, one by default, not cut into ranges.
///
/// ```
/// use millstream::sql::{Env, plan};
///
/// let text = "CREATE TABLE orders (id BIGINT, amount INT)
///             WITH ('connector' = 'datagen', 'fields.id.kind' = 'sequence', 'fields.id.start' = '1',
///                   'fields.id.end' = '100', 'fields.amount.min' = '1', 'fields.amount.max' = '9');
///             CREATE TABLE out (id BIGINT, amount INT) WITH ('connector' = 'print');
///             INSERT INTO out SELECT * FROM orders";
/// assert!(plan(text, &Env::default()).is_ok());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Datagen;

/// How large a row may become, in bytes.
const SIZE_LIMIT: u64 = 64 * 1024 * 1024;

const OPTIONS: &[OptionDoc] = &[
    OptionDoc { key: "rows-per-second", default: Some("10000"), doc: "how many rows a second, all readers together" },
    OptionDoc { key: "number-of-rows", default: None, doc: "after how many rows the table ends; without it: never" },
    OptionDoc { key: "scan.parallelism", default: Some("1"), doc: "how many readers share the rows" },
    OptionDoc { key: "seed", default: Some("0"), doc: "other rows for another number (not in Flink)" },
    OptionDoc {
        key: "base-time",
        default: Some("2020-01-01 00:00:00"),
        doc: "when row 0 is made; each second has `rows-per-second` rows (not in Flink)",
    },
    OptionDoc { key: "fields.#.kind", default: Some("random"), doc: "random, or sequence, which ends" },
    OptionDoc { key: "fields.#.min", default: None, doc: "the least random number; without it that of the type" },
    OptionDoc { key: "fields.#.max", default: None, doc: "the greatest random number; without it that of the type" },
    OptionDoc { key: "fields.#.max-past", default: Some("0"), doc: "how old a random TIMESTAMP is at most" },
    OptionDoc {
        key: "fields.#.length",
        default: None,
        doc: "how long a STRING or BYTES is (100), how many items an ARRAY or MAP has (3)",
    },
    OptionDoc { key: "fields.#.var-len", default: Some("false"), doc: "the length is between 1 and `length`" },
    OptionDoc { key: "fields.#.start", default: None, doc: "the first number of a sequence" },
    OptionDoc { key: "fields.#.end", default: None, doc: "the last number of a sequence" },
    OptionDoc { key: "fields.#.null-rate", default: Some("0"), doc: "which part of the values is NULL, from 0 to 1" },
];

impl Connector for Datagen {
    fn name(&self) -> &str {
        "datagen"
    }

    fn doc(&self) -> &str {
        "rows that are made up: random values and sequences"
    }

    fn options(&self) -> &[OptionDoc] {
        OPTIONS
    }

    fn source(&self, options: Options<'_>) -> Result<Input, OptionError> {
        let rate: u32 = options.read("rows-per-second", "a number from 1", |rate| *rate > 0)?.unwrap_or(10_000);
        let seed = options.read("seed", "a number from 0", |_| true)?.unwrap_or(0);
        let base_ms = base_time(options, 1_577_836_800_000)?;
        let mut reading = Reading::new(options);
        let columns = physical(options.table());
        let mut fields = Vec::with_capacity(columns.fields().len());
        for column in columns.fields() {
            fields.push(reading.field(column.name(), column.data_type())?);
        }
        let nullable = options.table().columns.iter().filter(|column| !column.nullable);
        for column in nullable {
            let number = columns.fields().iter().position(|field| *field.name() == column.name);
            if number.is_some_and(|number| fields[number].is_ever_null()) {
                let key = format!("fields.{}.null-rate", column.name);
                return Err(options.refuse(&key, format!("`{}` is NOT NULL; leave '{key}' out", column.name)));
            }
        }
        let Reading { known, mut count, .. } = reading;
        for option in options.table().options.iter().filter(|option| option.key.starts_with("fields.")) {
            if !known.contains(&option.key) {
                let message = unknown("option", &option.key, known.iter().map(String::as_str));
                return Err(options.refuse(&option.key, message));
            }
        }
        if fields.iter().map(Field::size).fold(0, u64::saturating_add) > SIZE_LIMIT {
            let message = format!("a row would be larger than {} MiB; make lengths smaller", SIZE_LIMIT >> 20);
            return Err(options.refuse("connector", message));
        }
        if let Some(rows) = options.read::<u64>("number-of-rows", "a number from 0", |_| true)? {
            count = Some(count.map_or(rows, |count| count.min(rows)));
        }
        let codec = RowCodec::new(&columns).map_err(|error| options.refuse("connector", error.to_string()))?;
        let source = GeneratorSource::new(move |number| {
            let moment = Moment { seed, number, base_ms, rate };
            let values = fields.iter().enumerate().map(|(column, field)| field.value(&moment, column as u64));
            let values: Vec<_> = values.collect();
            codec.row(RowKind::Insert, &values).expect("a field makes values of its column's type, of bounded size")
        });
        let source = source.rate(rate).splits(readers(options)?);
        Ok(Input::rows(match count {
            Some(count) => source.count(count),
            None => source,
        }))
    }
}

/// The option `scan.parallelism`: how many readers share the rows.
///
/// # Errors
/// If it is no number from 1.
pub(super) fn readers(options: Options<'_>) -> Result<usize, OptionError> {
    let fits = |readers: &u16| *readers > 0;
    Ok(options.read("scan.parallelism", "a number from 1 to 65535", fits)?.map_or(1, usize::from))
}

/// The option `base-time`, in milliseconds since 1970.
///
/// # Errors
/// If it is no time of the years 0001 to 9999.
pub(super) fn base_time(options: Options<'_>, default: i64) -> Result<i64, OptionError> {
    let Some(text) = options.text("base-time") else { return Ok(default) };
    match read_text(text.into(), &DataType::Timestamp(TimeUnit::Millisecond, None)) {
        Some(crate::sql::row::Value::Int(ms)) => Ok(ms),
        _ => {
            Err(options.refuse("base-time", format!("'base-time' is a time like '2020-01-31 12:00:00', not '{text}'")))
        }
    }
}
