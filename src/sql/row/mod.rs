//! What flows through an SQL dataflow: rows as bytes in a format of our own.
//!
//! A [`Row`] is how a row changed the table (its [`RowKind`]) and its fields, encoded by a [`RowCodec`] that knows the columns.
//! So one record type serves every query, and all typed operators work on it: windows, joins, checkpoints, dead letters,
//! savepoints. Stateless work is done column by column: a batch of rows becomes a `RecordBatch` and the other way round,
//! without an allocation per field.
//!
//! # Format
//! Stored for as long as there are savepoints. Numbers are little endian.
//!
//! ```text
//! row    kind (1 byte: 0 = +I, 1 = -U, 2 = +U, 3 = -D), then the tuple of its columns
//! tuple  nulls     one bit per column, lowest bit first, 1 = NULL; whole bytes, unused bits 0
//!        slots      one per column, in order, of the width below; zeros for NULL
//!        variable   the bytes of the variable columns one behind the other, nothing for NULL
//! slot   0 bytes  the type NULL
//!        1        BOOLEAN (0, 1), TINYINT
//!        2, 4, 8  SMALLINT, INT, BIGINT, and the unsigned ones; FLOAT, DOUBLE
//!        4        DATE (days), TIME(0), TIME(3) (seconds, ms)
//!        8        TIMESTAMP, TIMESTAMP_LTZ (in the type's unit since 1970), TIME(6), TIME(9), durations
//!        8, 16    DECIMAL(p, s) as a whole number of 10^-s: 8 bytes for p up to 18
//!        16       an interval: months (4), days (4), nanoseconds (8)
//!        4        STRING, BYTES, ARRAY, MAP, ROW: where its bytes end, counted from the beginning of `variable`
//! bytes  STRING: its UTF-8; BYTES: themselves; ROW: a tuple
//!        ARRAY: how many (4 bytes), then a tuple with so many columns of one type
//!        MAP: as an ARRAY of ROW<key, value>
//! ```
//!
//! # Invariants
//! * Equal values have equal bytes: -0.0 is stored as 0.0, every NaN as one. So keys and whole rows are compared as bytes.
//! * A column is found without reading those before it.
//! * Bytes that are no row of these columns are an error, never a panic.
//!
//! Why not Arrow's row format: it may change with each version of that library, and ours must be read by later versions.

mod arrays;
mod bytes;
mod codec;
mod column;
mod error;
mod json;
mod key;
mod layout;
mod pair;
mod pick;
mod record;
#[cfg(test)]
mod tests;
mod tuple;
mod value;

pub use codec::RowCodec;
pub use error::RowError;
pub use key::{KeyCodec, RowKey};
pub use record::{Row, RowKind};
pub use value::Value;

pub(in crate::sql) use arrays::value;
pub(in crate::sql) use column::Column;
pub(in crate::sql) use pair::PairCodec;
pub(in crate::sql) use pick::Picker;
