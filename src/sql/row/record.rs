//! The record type of all SQL dataflows.

use super::bytes::Bytes;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// How a row changes a table. In a query that only adds rows all are [`Insert`](RowKind::Insert).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum RowKind {
    /// `+I`: a new row.
    #[default]
    Insert = 0,
    /// `-U`: what a row was before the change that follows.
    UpdateBefore = 1,
    /// `+U`: what a row is now.
    UpdateAfter = 2,
    /// `-D`: a row goes.
    Delete = 3,
}

impl RowKind {
    /// All kinds, by their number.
    pub const ALL: [RowKind; 4] = [RowKind::Insert, RowKind::UpdateBefore, RowKind::UpdateAfter, RowKind::Delete];

    /// Whether the row is in the table from here on.
    pub fn adds(self) -> bool {
        matches!(self, RowKind::Insert | RowKind::UpdateAfter)
    }

    fn of(byte: u8) -> Option<Self> {
        RowKind::ALL.get(usize::from(byte)).copied()
    }
}

impl fmt::Display for RowKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RowKind::Insert => "+I",
            RowKind::UpdateBefore => "-U",
            RowKind::UpdateAfter => "+U",
            RowKind::Delete => "-D",
        })
    }
}

/// A row on its way: how it changes the table, and its fields as bytes that a [`RowCodec`](super::RowCodec) reads.
///
/// Two rows are equal if they are of one kind and their fields are equal; the order is that of the bytes, which means
/// nothing but is always the same. Up to 38 bytes lie in the row itself, more are shared by its clones. As JSON
/// it is `{"kind": "+I", "bytes": "00…"}`; further members are ignored when it is read, so that a dead letter can show the
/// fields as well.
///
/// ```
/// use millstream::sql::row::{Row, RowCodec, RowKind, Value};
/// use arrow::datatypes::{DataType, Field, Schema};
///
/// let codec = RowCodec::new(&Schema::new(vec![Field::new("views", DataType::Int64, true)]))?;
/// let row = codec.row(RowKind::Insert, &[Value::Int(3)])?;
/// assert_eq!(row.kind(), RowKind::Insert);
/// assert_eq!(serde_json::to_string(&row).unwrap(), r#"{"kind":"+I","bytes":"00000300000000000000"}"#);
/// # Ok::<(), millstream::sql::row::RowError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Row(Bytes);

impl Row {
    /// Of the kind's byte and the tuple behind it.
    #[inline]
    pub(super) fn copy(bytes: &[u8]) -> Self {
        Row(Bytes::copy(bytes))
    }

    /// How it changes the table.
    #[inline]
    pub fn kind(&self) -> RowKind {
        self.0.get().first().and_then(|byte| RowKind::of(*byte)).unwrap_or_default()
    }

    /// The same fields as another kind.
    #[must_use]
    pub fn with_kind(&self, kind: RowKind) -> Row {
        if self.kind() == kind { self.clone() } else { Row(self.0.with_first(kind as u8)) }
    }

    /// The fields.
    #[inline]
    pub(super) fn tuple(&self) -> &[u8] {
        self.0.get().get(1..).unwrap_or_default()
    }

    /// The stored form, as it is described in [`row`](super).
    pub fn bytes(&self) -> &[u8] {
        self.0.get()
    }

    pub(super) fn hex(&self) -> String {
        self.0.hex()
    }

    fn checked<E: Error>(bytes: Bytes) -> Result<Row, E> {
        match bytes.get().first().map(|byte| RowKind::of(*byte)) {
            Some(Some(_)) => Ok(Row(bytes)),
            Some(None) => Err(E::custom("a row begins with its kind, 0 to 3")),
            // Whoever asks for the shape of the type hands over nothing.
            None => Ok(Row(Bytes::copy(&[0]))),
        }
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.kind(), self.hex())
    }
}

/// As text formats have it.
#[derive(Serialize, Deserialize)]
struct Shown {
    kind: String,
    bytes: String,
}

impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            Shown { kind: self.kind().to_string(), bytes: self.hex() }.serialize(serializer)
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return Bytes::deserialize(deserializer).and_then(Row::checked);
        }
        let shown = Shown::deserialize(deserializer)?;
        let bytes = Bytes::of_hex(&shown.bytes).ok_or_else(|| D::Error::custom("`bytes` are hexadecimal digits"))?;
        Row::checked(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{decode, encode};

    #[test]
    fn a_row_is_stored_and_shown_and_read_back() {
        for bytes in [&[0_u8, 1, 2][..], &[3; 1], &[2; 200]] {
            let row = Row::copy(bytes);
            assert_eq!(decode::<Row>(&encode(&row).unwrap()).unwrap(), row);
            assert_eq!(serde_json::from_str::<Row>(&serde_json::to_string(&row).unwrap()).unwrap(), row);
        }
        assert!(decode::<Row>(&encode(&Bytes::copy(&[4])).unwrap()).is_err());
    }

    #[test]
    fn another_kind_changes_no_field() {
        let row = Row::copy(&[0, 7, 8]);
        assert_eq!(row.with_kind(RowKind::Delete).bytes(), [3, 7, 8]);
        assert_eq!(RowKind::ALL.map(|kind| kind.to_string()).join(" "), "+I -U +U -D");
        assert_eq!(RowKind::ALL.map(RowKind::adds), [true, false, true, false]);
    }
}
