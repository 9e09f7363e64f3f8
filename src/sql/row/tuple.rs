//! Tuples of values: what rows, arrays, and maps are stored as.

use super::layout::{Kind, Layout, is_null};
use super::{RowError, Value};
use std::borrow::Cow;

/// The one that all are stored as.
const NAN: f64 = f64::from_bits(0x7ff8_0000_0000_0000);

/// A number with one representation.
#[inline]
pub(super) fn canonical(number: f64) -> f64 {
    if number.is_nan() {
        NAN
    } else if number == 0.0 {
        0.0
    } else {
        number
    }
}

/// As [`canonical`].
#[inline]
pub(super) fn canonical_f32(number: f32) -> f32 {
    if number.is_nan() {
        f32::from_bits(0x7fc0_0000)
    } else if number == 0.0 {
        0.0
    } else {
        number
    }
}

/// A value that is of another kind than its column: the column's number.
pub(super) struct Misfit(pub(super) usize);

/// Appends a tuple.
///
/// * `kinds`: as many as there are values.
///
/// # Errors
/// If a value is not of its kind.
pub(super) fn write<'k>(
    out: &mut Vec<u8>,
    kinds: impl Iterator<Item = &'k Kind> + Clone,
    values: &[Value<'_>],
) -> Result<(), Misfit> {
    let start = out.len();
    out.resize(start + values.len().div_ceil(8) + kinds.clone().map(Kind::width).sum::<usize>(), 0);
    let variable = out.len();
    let mut at = start + values.len().div_ceil(8);
    for (column, (kind, value)) in kinds.zip(values).enumerate() {
        let width = kind.width();
        if value.is_null() {
            out[start + column / 8] |= 1 << (column % 8);
        } else if !kind.is_variable() {
            put(&mut out[at..at + width], kind, value).ok_or(Misfit(column))?;
        } else {
            write_variable(out, kind, value).ok_or(Misfit(column))?;
        }
        if kind.is_variable() {
            // A tuple above 4 GiB is refused as a whole.
            let end = (out.len() - variable) as u32;
            out[at..at + width].copy_from_slice(&end.to_le_bytes());
        }
        at += width;
    }
    Ok(())
}

/// Writes a value into its slot; `None` if it is of another kind.
fn put(slot: &mut [u8], kind: &Kind, value: &Value<'_>) -> Option<()> {
    match (kind, value) {
        (Kind::Bool, Value::Bool(value)) => slot[0] = u8::from(*value),
        (Kind::Int(width), Value::Int(value)) => {
            let bits = 8 * *width as u32;
            let fits = bits == 64 || (value >> (bits - 1)) == 0 || (value >> (bits - 1)) == -1;
            fits.then(|| slot.copy_from_slice(&value.to_le_bytes()[..*width]))?;
        }
        (Kind::Unsigned(width), Value::Unsigned(value)) => {
            let fits = *width == 8 || value >> (8 * width) == 0;
            fits.then(|| slot.copy_from_slice(&value.to_le_bytes()[..*width]))?;
        }
        (Kind::Float32, Value::Float(value)) => slot.copy_from_slice(&canonical_f32(*value as f32).to_le_bytes()),
        (Kind::Float64, Value::Float(value)) => slot.copy_from_slice(&canonical(*value).to_le_bytes()),
        (Kind::Decimal(16), Value::Decimal(value)) => slot.copy_from_slice(&value.to_le_bytes()),
        (Kind::Decimal(_), Value::Decimal(value)) => {
            slot.copy_from_slice(&i64::try_from(*value).ok()?.to_le_bytes());
        }
        (Kind::Interval, Value::Interval { months, days, nanoseconds }) => {
            slot[..4].copy_from_slice(&months.to_le_bytes());
            slot[4..8].copy_from_slice(&days.to_le_bytes());
            slot[8..].copy_from_slice(&nanoseconds.to_le_bytes());
        }
        _ => return None,
    }
    Some(())
}

/// Appends the bytes of a value; `None` if it is of another kind.
pub(super) fn write_variable(out: &mut Vec<u8>, kind: &Kind, value: &Value<'_>) -> Option<()> {
    match (kind, value) {
        (Kind::Text, Value::Text(text)) => out.extend_from_slice(text.as_bytes()),
        (Kind::Bytes, Value::Bytes(bytes)) => out.extend_from_slice(bytes),
        (Kind::Row(kinds), Value::Row(fields)) if kinds.len() == fields.len() => {
            write(out, kinds.iter(), fields).ok()?;
        }
        (Kind::List(kind), Value::List(items)) => {
            out.extend_from_slice(&u32::try_from(items.len()).ok()?.to_le_bytes());
            write(out, std::iter::repeat_n(&**kind, items.len()), items).ok()?;
        }
        (Kind::Map(pair), Value::Map(entries)) => {
            let entry = Kind::Row(pair.to_vec());
            let rows: Vec<_> =
                entries.iter().map(|(key, value)| Value::Row(vec![key.clone(), value.clone()])).collect();
            out.extend_from_slice(&u32::try_from(rows.len()).ok()?.to_le_bytes());
            write(out, std::iter::repeat_n(&entry, rows.len()), &rows).ok()?;
        }
        _ => return None,
    }
    Some(())
}

/// One column of a tuple that has been checked.
pub(super) fn read<'t>(layout: &Layout, tuple: &'t [u8], column: usize) -> Result<Value<'t>, RowError> {
    let slot = &layout.slots[column];
    if is_null(tuple, column) {
        return Ok(Value::Null);
    }
    if slot.kind.is_variable() {
        return variable(&slot.kind, layout.variable(tuple, slot)?);
    }
    Ok(fixed(&slot.kind, &tuple[slot.at..slot.at + slot.kind.width()]))
}

/// All columns of a tuple.
fn read_all(layout: &Layout, tuple: &[u8]) -> Result<Vec<Value<'static>>, RowError> {
    layout.check(tuple)?;
    (0..layout.slots.len()).map(|column| read(layout, tuple, column).map(owned)).collect()
}

/// Without what it borrows.
fn owned(value: Value<'_>) -> Value<'static> {
    match value {
        Value::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
        Value::Bytes(bytes) => Value::Bytes(Cow::Owned(bytes.into_owned())),
        Value::List(items) => Value::List(items.into_iter().map(owned).collect()),
        Value::Row(fields) => Value::Row(fields.into_iter().map(owned).collect()),
        Value::Map(entries) => Value::Map(entries.into_iter().map(|(key, value)| (owned(key), owned(value))).collect()),
        Value::Null => Value::Null,
        Value::Bool(value) => Value::Bool(value),
        Value::Int(value) => Value::Int(value),
        Value::Unsigned(value) => Value::Unsigned(value),
        Value::Float(value) => Value::Float(value),
        Value::Decimal(value) => Value::Decimal(value),
        Value::Interval { months, days, nanoseconds } => Value::Interval { months, days, nanoseconds },
    }
}

/// A value of so many bytes as its kind is wide.
fn fixed(kind: &Kind, slot: &[u8]) -> Value<'static> {
    let mut wide = [0; 16];
    wide[..slot.len()].copy_from_slice(slot);
    let number = i128::from_le_bytes(wide);
    // The sign of a shorter number.
    let signed = |width: usize| number << (128 - 8 * width) >> (128 - 8 * width);
    match kind {
        Kind::Bool => Value::Bool(number != 0),
        Kind::Int(width) => Value::Int(signed(*width) as i64),
        Kind::Unsigned(_) => Value::Unsigned(number as u64),
        Kind::Float32 => Value::Float(f64::from(f32::from_bits(number as u32))),
        Kind::Float64 => Value::Float(f64::from_bits(number as u64)),
        Kind::Decimal(width) => Value::Decimal(signed(*width)),
        Kind::Interval => {
            Value::Interval { months: number as i32, days: (number >> 32) as i32, nanoseconds: (number >> 64) as i64 }
        }
        _ => Value::Null,
    }
}

/// A value of these bytes.
pub(super) fn variable<'t>(kind: &Kind, bytes: &'t [u8]) -> Result<Value<'t>, RowError> {
    let damaged = |what| RowError::Damaged { bytes: bytes.len(), columns: 1, what };
    let items = |kind: &Kind| {
        let (count, rest) = bytes.split_first_chunk().ok_or_else(|| damaged("an array without a length"))?;
        let count = u32::from_le_bytes(*count) as usize;
        // Each item takes at least a bit.
        if count.div_ceil(8) > rest.len() {
            return Err(damaged("an array is longer than its bytes"));
        }
        read_all(&Layout::new(std::iter::repeat_n(kind.clone(), count)), rest)
    };
    Ok(match kind {
        Kind::Text => {
            let text = std::str::from_utf8(bytes).map_err(|_| damaged("a text is no UTF-8"))?;
            Value::Text(Cow::Borrowed(text))
        }
        Kind::Bytes => Value::Bytes(Cow::Borrowed(bytes)),
        Kind::Row(kinds) => Value::Row(read_all(&Layout::new(kinds.iter().cloned()), bytes)?),
        Kind::List(kind) => Value::List(items(kind)?),
        Kind::Map(pair) => {
            let entries = items(&Kind::Row(pair.to_vec()))?.into_iter().map(|entry| match entry {
                Value::Row(mut pair) if pair.len() == 2 => {
                    let value = pair.remove(1);
                    Ok((pair.remove(0), value))
                }
                _ => Err(damaged("an entry of a map is NULL")),
            });
            Value::Map(entries.collect::<Result<_, _>>()?)
        }
        _ => Value::Null,
    })
}
