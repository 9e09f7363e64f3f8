//! Record types that are known by name: how to write one record down, and how to make a batch of it again.
//!
//! The engine moves records without knowing their types. To keep a record that nobody could process, and to hand it to its
//! operator again, somebody must have said how its type is written: the user, by
//! [`Job::record_type`](crate::api::Job::record_type).

use super::{Batch, Data, Remains, Rows};
use crate::time::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::any::{Any, TypeId, type_name};
use std::collections::BTreeMap;

/// A record type without its type.
#[derive(Clone, Copy)]
struct RecordType {
    write: fn(&dyn Any) -> Remains,
    /// `None` if its records can only be looked at.
    read: Option<Read>,
}

/// Makes a batch of one record: with its event time, and the hash of its key if it has one.
type Read = fn(&Value, Timestamp, Option<u64>) -> Result<Batch, serde_json::Error>;

/// The record types of a job that can be written down.
#[derive(Clone)]
pub(crate) struct RecordTypes {
    known: BTreeMap<TypeId, RecordType>,
}

/// A record that was written down and cannot be made again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Unreadable {
    /// Its type is not registered.
    #[error("records of type {type_name} cannot be read back; register it by job.record_type::<{type_name}>()")]
    Unknown {
        /// The type.
        type_name: &'static str,
    },
    /// It is no record of this type.
    #[error(
        "it is no {type_name} ({cause}); give a field that was added a `#[serde(default)]`, or mend the record at its source"
    )]
    Misfit {
        /// The type.
        type_name: &'static str,
        /// What does not fit.
        cause: serde_json::Error,
    },
}

fn write_json<T: Serialize + 'static>(row: &dyn Any) -> Remains {
    let record: &T = typed(row);
    serde_json::to_value(record).map_or_else(|cause| Remains::Unwritten { cause: cause.to_string() }, Remains::Json)
}

fn write_debug<T: std::fmt::Debug + 'static>(row: &dyn Any) -> Remains {
    let record: &T = typed(row);
    Remains::Debug(format!("{record:?}"))
}

fn read_json<T: Data + DeserializeOwned>(
    value: &Value,
    time: Timestamp,
    hash: Option<u64>,
) -> Result<Batch, serde_json::Error> {
    let records = vec![T::deserialize(value)?];
    Ok(Batch::new(Rows { records, times: vec![time], hashes: hash.into_iter().collect() }))
}

fn typed<T: 'static>(row: &dyn Any) -> &T {
    row.downcast_ref().expect("a record type is looked up by the type of the record")
}

impl RecordTypes {
    /// Says that records of type `T` can be written as JSON and read back.
    pub(crate) fn register<T: Data + Serialize + DeserializeOwned>(&mut self) {
        self.known.insert(TypeId::of::<T>(), RecordType { write: write_json::<T>, read: Some(read_json::<T>) });
    }

    /// Says that records of type `T` can be printed. One that can be written as well stays so.
    pub(crate) fn register_debug<T: Data + std::fmt::Debug>(&mut self) {
        self.known.entry(TypeId::of::<T>()).or_insert(RecordType { write: write_debug::<T>, read: None });
    }

    /// Writes a record down, as far as its type is known. Runs the type's own `Serialize` or `Debug`.
    ///
    /// * `row`: the record itself, not a box or a reference to it.
    pub(crate) fn encode(&self, row: &dyn Any) -> Remains {
        self.known.get(&row.type_id()).map_or(Remains::Unknown, |known| (known.write)(row))
    }

    /// Makes a batch of one record of a type. Runs the type's own `Deserialize`.
    ///
    /// * `time`: its event time; [`Timestamp::MIN`] if it has none.
    /// * `hash`: of its key, if it is for a keyed operator.
    ///
    /// # Errors
    /// If the type is not registered, or `value` is no record of it.
    pub(crate) fn decode(
        &self,
        (id, type_name): (TypeId, &'static str),
        value: &Value,
        time: Timestamp,
        hash: Option<u64>,
    ) -> Result<Batch, Unreadable> {
        let read = self.known.get(&id).and_then(|known| known.read).ok_or(Unreadable::Unknown { type_name })?;
        read(value, time, hash).map_err(|cause| Unreadable::Misfit { type_name, cause })
    }
}

/// What [`RecordTypes::decode`] wants to know of a type.
pub(crate) fn record_type<T: 'static>() -> (TypeId, &'static str) {
    (TypeId::of::<T>(), type_name::<T>())
}

macro_rules! register {
    ($types:ident: $($type:ty),+) => { $($types.register::<$type>();)+ };
}

/// Pairs of the first with each of the others.
macro_rules! register_pairs {
    ($types:ident: $($first:ty),+) => { $(register!($types: ($first, String), ($first, u64), ($first, i64), ($first, f64));)+ };
}

impl Default for RecordTypes {
    /// Knows numbers, texts, truth values, and pairs of the commonest of them.
    fn default() -> Self {
        let mut types = RecordTypes { known: BTreeMap::new() };
        register!(types: (), bool, char, String, u8, u16, u32, u64, usize, i8, i16, i32, i64, isize, f32, f64);
        register_pairs!(types: String, u64, i64, f64);
        types.register_debug::<&'static str>();
        types
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::json;
    use std::collections::BTreeMap;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Order {
        user: String,
        cents: u64,
    }

    fn order() -> Order {
        Order { user: "ada".into(), cents: u64::MAX }
    }

    #[test]
    fn a_registered_record_comes_back_as_it_was_with_its_time_and_hash() {
        let mut types = RecordTypes::default();
        types.register::<Order>();
        let Remains::Json(value) = types.encode(&order()) else { panic!("it is registered") };
        let value = serde_json::from_str(&value.to_string()).unwrap();
        let batch = types.decode(record_type::<Order>(), &value, Timestamp::from_millis(7), Some(3)).unwrap();
        let rows = batch.into_rows::<Order>();
        assert_eq!((rows.records, rows.times, rows.hashes), (vec![order()], vec![Timestamp::from_millis(7)], vec![3]));
    }

    #[test]
    fn a_type_that_is_not_registered_is_named_with_the_call_that_registers_it() {
        let types = RecordTypes::default();
        assert_eq!(types.encode(&order()), Remains::Unknown);
        let refused = types.decode(record_type::<Order>(), &json!({}), Timestamp::MIN, None).unwrap_err().to_string();
        assert!(refused.contains("Order") && refused.contains("job.record_type"), "{refused}");
    }

    #[test]
    fn a_record_of_another_shape_is_refused_with_what_does_not_fit() {
        let mut types = RecordTypes::default();
        types.register::<Order>();
        let found = types.decode(record_type::<Order>(), &json!({"user": "ada"}), Timestamp::MIN, None);
        let refused = found.unwrap_err().to_string();
        assert!(refused.contains("missing field `cents`"), "{refused}");
    }

    #[test]
    fn what_can_only_be_printed_is_printed_and_never_hides_what_can_be_written() {
        let mut types = RecordTypes::default();
        types.register_debug::<Order>();
        assert!(matches!(types.encode(&order()), Remains::Debug(text) if text.starts_with("Order { user: \"ada\"")));
        assert!(types.decode(record_type::<Order>(), &json!({}), Timestamp::MIN, None).is_err());
        types.register::<Order>();
        types.register_debug::<Order>();
        assert!(matches!(types.encode(&order()), Remains::Json(_)));
    }

    #[test]
    fn a_record_that_is_no_json_says_why() {
        let mut types = RecordTypes::default();
        types.register::<BTreeMap<(u8, u8), u8>>();
        let remains = types.encode(&BTreeMap::from([((1_u8, 2_u8), 3_u8)]));
        assert!(matches!(&remains, Remains::Unwritten { cause } if cause.contains("key")), "{remains:?}");
    }

    #[test]
    fn common_types_need_no_registration_and_floats_lose_no_bit() {
        let types = RecordTypes::default();
        for number in [0.1_f64, 1.0 / 3.0, f64::MIN_POSITIVE, 9_007_199_254_740_993.0, 122.416_294_033_786_59] {
            let Remains::Json(value) = types.encode(&(String::from("ada"), number)) else { panic!("it is known") };
            let value = serde_json::from_str(&value.to_string()).unwrap();
            let batch = types.decode(record_type::<(String, f64)>(), &value, Timestamp::MIN, None).unwrap();
            assert_eq!(batch.into_rows::<(String, f64)>().records, [(String::from("ada"), number)]);
        }
    }
}
