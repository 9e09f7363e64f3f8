//! What rows promise: their bytes, and that nothing is lost on the way.

use super::{KeyCodec, Row, RowCodec, RowError, RowKind, Value};
use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Fields, IntervalUnit, Schema, TimeUnit};
use proptest::prelude::*;
use std::sync::Arc;

fn schema(types: &[DataType]) -> Schema {
    let field = |(number, data_type): (usize, &DataType)| Field::new(format!("c{number}"), data_type.clone(), true);
    Schema::new(types.iter().enumerate().map(field).collect::<Vec<_>>())
}

fn codec(types: &[DataType]) -> RowCodec {
    RowCodec::new(&schema(types)).unwrap()
}

fn hex(row: &Row) -> String {
    row.bytes().iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

fn map(key: DataType, value: DataType) -> DataType {
    let pair = Fields::from(vec![Field::new("key", key, false), Field::new("value", value, true)]);
    DataType::Map(Arc::new(Field::new("entries", DataType::Struct(pair), false)), false)
}

fn list(item: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("item", item, true)))
}

fn row(fields: Vec<DataType>) -> DataType {
    let field = |(number, data_type)| Field::new(format!("f{number}"), data_type, true);
    DataType::Struct(fields.into_iter().enumerate().map(field).collect())
}

/// These bytes are in savepoints: a change here is a new format.
#[test]
fn the_stored_form_is_frozen() {
    let text = |text| Value::Text(std::borrow::Cow::Borrowed(text));
    let ltz = DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
    let views = codec(&[DataType::Utf8View, ltz, DataType::Int64]);
    let stored = views.row(RowKind::UpdateAfter, &[text("ada"), Value::Int(1_000), Value::Null]).unwrap();
    assert_eq!(
        hex(&stored),
        "02 04 03 00 00 00 e8 03 00 00 00 00 00 00 00 00 00 00 00 00 00 00 61 64 61",
        "kind, nulls, end of the text, time, count, text"
    );
    let fixed = codec(&[
        DataType::Boolean,
        DataType::Int8,
        DataType::Int16,
        DataType::UInt32,
        DataType::Float32,
        DataType::Float64,
        DataType::Decimal128(10, 2),
        DataType::Decimal128(38, 0),
        DataType::Date32,
        DataType::Null,
    ]);
    let values = [
        Value::Bool(true),
        Value::Int(-2),
        Value::Int(300),
        Value::Unsigned(7),
        Value::Float(1.5),
        Value::Float(-0.0),
        Value::Decimal(-1),
        Value::Decimal(2),
        Value::Int(19_000),
        Value::Null,
    ];
    assert_eq!(
        hex(&fixed.row(RowKind::Delete, &values).unwrap()),
        "03 00 02 01 fe 2c 01 07 00 00 00 00 00 c0 3f 00 00 00 00 00 00 00 00 ff ff ff ff ff ff ff ff \
         02 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 38 4a 00 00"
    );
    let nested = codec(&[
        list(DataType::Int16),
        row(vec![DataType::Utf8View, DataType::Boolean]),
        map(DataType::Utf8View, DataType::Int8),
        DataType::Interval(IntervalUnit::MonthDayNano),
    ]);
    let values = [
        Value::List(vec![Value::Int(5), Value::Null]),
        Value::Row(vec![text("x"), Value::Bool(false)]),
        Value::Map(vec![(text("k"), Value::Int(9))]),
        Value::Interval { months: 1, days: 2, nanoseconds: 3 },
    ];
    assert_eq!(
        hex(&nested.row(RowKind::Insert, &values).unwrap()),
        "00 00 09 00 00 00 10 00 00 00 20 00 00 00 01 00 00 00 02 00 00 00 03 00 00 00 00 00 00 00 \
         02 00 00 00 02 05 00 00 00 \
         00 01 00 00 00 00 78 \
         01 00 00 00 00 07 00 00 00 00 01 00 00 00 09 6b"
    );
    for (codec, count) in [(&fixed, 10), (&nested, 4)] {
        assert_eq!(codec.schema().fields().len(), count);
    }
    assert_eq!(nested.values(&nested.row(RowKind::Insert, &values).unwrap()).unwrap(), values);
}

#[test]
fn equal_values_have_equal_bytes_and_keys() {
    let codec = codec(&[DataType::Float64, DataType::Float32, list(DataType::Float64)]);
    let row = |number: f64| {
        codec
            .row(
                RowKind::Insert,
                &[Value::Float(number), Value::Float(number), Value::List(vec![Value::Float(number)])],
            )
            .unwrap()
    };
    assert_eq!(row(0.0), row(-0.0));
    assert_eq!(row(f64::NAN), row(-f64::NAN));
    assert_eq!(row(f64::NAN), row(f64::from_bits(0xfff8_0000_0000_0001)));
    let keys = KeyCodec::new(&codec, &[2, 0]).unwrap();
    assert_eq!(keys.key(&row(0.0)).unwrap(), keys.key(&row(-0.0).with_kind(RowKind::Delete)).unwrap());
    // The same by way of columns.
    let batch = codec.batch(&[row(-0.0), row(f64::NAN)]).unwrap();
    assert_eq!(codec.rows(&batch).unwrap(), [row(0.0), row(f64::NAN)]);
}

#[test]
fn what_rows_cannot_hold_is_refused_by_name() {
    let inner = row(vec![DataType::Float16]);
    let error = RowCodec::new(&schema(&[DataType::Int64, inner])).unwrap_err();
    assert!(error.to_string().starts_with("column `c1.f0` is a Float16"), "{error}");
    let codec = codec(&[DataType::Int8]);
    for value in [Value::Int(128), Value::Int(-129), Value::Bool(true)] {
        assert!(matches!(codec.row(RowKind::Insert, &[value]), Err(RowError::Misfit { column: 0, .. })));
    }
    assert!(
        codec.row(RowKind::Insert, &[]).is_err() && codec.row(RowKind::Insert, &[Value::Null, Value::Null]).is_err()
    );
    assert!(KeyCodec::new(&codec, &[1]).is_err());
}

#[test]
fn a_key_with_a_null_is_known() {
    let codec = codec(&[DataType::Int64, DataType::Utf8View]);
    let keys = KeyCodec::new(&codec, &[1, 0]).unwrap();
    let key = |values: &[Value<'_>]| keys.key(&codec.row(RowKind::Insert, values).unwrap()).unwrap();
    let (full, half) = (key(&[Value::Int(1), Value::Text("".into())]), key(&[Value::Int(1), Value::Null]));
    assert_ne!(full, half);
    assert_eq!((keys.has_null(&full), keys.has_null(&half)), (Ok(false), Ok(true)));
    assert_eq!(keys.values(&half).unwrap(), [Value::Null, Value::Int(1)]);
}

#[test]
fn rows_without_columns_are_rows() {
    let codec = codec(&[]);
    let rows = vec![codec.row(RowKind::Insert, &[]).unwrap(); 3];
    let batch = codec.batch(&rows).unwrap();
    assert_eq!((batch.num_rows(), codec.rows(&batch).unwrap()), (3, rows));
}

fn plain_type() -> impl Strategy<Value = DataType> {
    let utc = || Some("UTC".into());
    prop_oneof![
        Just(DataType::Null),
        Just(DataType::Boolean),
        Just(DataType::Int8),
        Just(DataType::Int16),
        Just(DataType::Int32),
        Just(DataType::Int64),
        Just(DataType::UInt8),
        Just(DataType::UInt64),
        Just(DataType::Float32),
        Just(DataType::Float64),
        Just(DataType::Decimal128(9, 3)),
        Just(DataType::Decimal128(38, 10)),
        Just(DataType::Date32),
        Just(DataType::Time32(TimeUnit::Millisecond)),
        Just(DataType::Timestamp(TimeUnit::Millisecond, None)),
        Just(DataType::Timestamp(TimeUnit::Microsecond, utc())),
        Just(DataType::Timestamp(TimeUnit::Nanosecond, None)),
        Just(DataType::Interval(IntervalUnit::MonthDayNano)),
        Just(DataType::Utf8View),
        Just(DataType::Utf8),
        Just(DataType::BinaryView),
        Just(DataType::Binary),
    ]
}

fn any_type() -> impl Strategy<Value = DataType> {
    plain_type().prop_recursive(3, 12, 3, |inner| {
        let keys = prop_oneof![Just(DataType::Utf8View), Just(DataType::Int64)];
        prop_oneof![
            inner.clone().prop_map(list),
            proptest::collection::vec(inner.clone(), 0..4).prop_map(row),
            (keys, inner).prop_map(|(key, value)| map(key, value)),
        ]
    })
}

fn int(bits: u32) -> BoxedStrategy<Value<'static>> {
    prop_oneof![any::<i64>(), -3..3_i64].prop_map(move |n| Value::Int(n >> (64 - bits))).boxed()
}

/// A value of a type, not NULL unless the type is.
fn value(data_type: &DataType) -> BoxedStrategy<Value<'static>> {
    match data_type {
        DataType::Null => Just(Value::Null).boxed(),
        DataType::Boolean => any::<bool>().prop_map(Value::Bool).boxed(),
        DataType::Int8 => int(8),
        DataType::Int16 => int(16),
        DataType::Int32 | DataType::Date32 | DataType::Time32(_) => int(32),
        DataType::Int64 | DataType::Timestamp(..) => int(64),
        DataType::UInt8 => any::<u8>().prop_map(|n| Value::Unsigned(n.into())).boxed(),
        DataType::UInt64 => any::<u64>().prop_map(Value::Unsigned).boxed(),
        // Without NaN, which is not equal to itself, and -0.0, which is stored as 0.0.
        DataType::Float32 => (-1e9_f32..1e9).prop_map(|n| Value::Float((n + 0.0).into())).boxed(),
        DataType::Float64 => (-1e300..1e300).prop_map(|n: f64| Value::Float(n + 0.0)).boxed(),
        DataType::Decimal128(9, _) => (-999_999_999_i128..999_999_999).prop_map(Value::Decimal).boxed(),
        DataType::Decimal128(..) => (-10_i128.pow(37)..10_i128.pow(37)).prop_map(Value::Decimal).boxed(),
        DataType::Interval(_) => any::<(i32, i32, i64)>()
            .prop_map(|(months, days, nanoseconds)| Value::Interval { months, days, nanoseconds })
            .boxed(),
        DataType::Utf8View | DataType::Utf8 => "\\PC{0,30}".prop_map(|text| Value::Text(text.into())).boxed(),
        DataType::BinaryView | DataType::Binary => {
            any::<Vec<u8>>().prop_map(|bytes| Value::Bytes(bytes.into())).boxed()
        }
        DataType::List(item) => proptest::collection::vec(field(item.data_type()), 0..10).prop_map(Value::List).boxed(),
        DataType::Struct(fields) => {
            let fields: Vec<_> = fields.iter().map(|inner| field(inner.data_type())).collect();
            fields.prop_map(Value::Row).boxed()
        }
        DataType::Map(entries, _) => {
            let DataType::Struct(pair) = entries.data_type() else { unreachable!() };
            let entry = (value(pair[0].data_type()), field(pair[1].data_type()));
            proptest::collection::vec(entry, 0..4).prop_map(Value::Map).boxed()
        }
        other => unreachable!("no column is a {other}"),
    }
}

/// A value of a type, or NULL.
fn field(data_type: &DataType) -> BoxedStrategy<Value<'static>> {
    prop_oneof![1 => Just(Value::Null), 4 => value(data_type)].boxed()
}

type Table = (Vec<DataType>, Vec<(u8, Vec<Value<'static>>)>);

fn table() -> impl Strategy<Value = Table> {
    proptest::collection::vec(any_type(), 0..12).prop_flat_map(|types| {
        let fields: Vec<_> = types.iter().map(field).collect();
        (Just(types), proptest::collection::vec((0..4_u8, fields), 0..20))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn rows_of_all_types_come_back_as_values_and_as_columns((types, table) in table()) {
        let codec = codec(&types);
        let mut rows = Vec::new();
        for (kind, values) in &table {
            let row = codec.row(RowKind::ALL[usize::from(*kind)], values).unwrap();
            prop_assert_eq!(&codec.values(&row).unwrap(), values);
            rows.push(row);
        }
        let batch: RecordBatch = codec.batch(&rows).unwrap();
        let again = codec.changes(&batch, |row| rows[row].kind()).unwrap();
        prop_assert_eq!(again, rows);
    }

    #[test]
    fn keys_are_equal_exactly_where_their_columns_are((types, table) in table(), picks in any::<Vec<u8>>()) {
        let codec = codec(&types);
        let columns: Vec<usize> = picks.iter().filter(|_| !types.is_empty()).map(|n| usize::from(*n) % types.len()).collect();
        let keys = KeyCodec::new(&codec, &columns).unwrap();
        let picked = |values: &[Value<'static>]| columns.iter().map(|at| values[*at].clone()).collect::<Vec<_>>();
        let mut seen: Vec<(super::RowKey, Vec<Value<'static>>)> = Vec::new();
        for (_, values) in &table {
            let key = keys.key(&codec.row(RowKind::Insert, values).unwrap()).unwrap();
            let values = picked(values);
            prop_assert_eq!(&keys.values(&key).unwrap(), &values);
            for (other, others) in &seen {
                prop_assert_eq!(*other == key, *others == values);
            }
            seen.push((key, values));
        }
    }

    #[test]
    fn bytes_that_are_no_row_are_an_error_and_never_a_panic(types in proptest::collection::vec(any_type(), 0..6), bytes in any::<Vec<u8>>()) {
        let codec = codec(&types);
        let row = Row::copy(&[&[0], &bytes[..]].concat());
        let values = codec.values(&row);
        let batch = codec.batch(std::slice::from_ref(&row));
        prop_assert!(batch.is_err() || values.is_ok());
        if let Ok(keys) = KeyCodec::new(&codec, &(0..types.len()).collect::<Vec<_>>()) {
            let _ = keys.key(&row);
        }
    }

    #[test]
    fn a_row_with_a_byte_too_few_or_too_many_is_none((types, table) in table()) {
        let codec = codec(&types);
        for (_, values) in table {
            let row = codec.row(RowKind::Insert, &values).unwrap();
            let more = Row::copy(&[row.bytes(), &[0]].concat());
            prop_assert!(codec.values(&more).is_err());
            if row.bytes().len() > 1 {
                prop_assert!(codec.values(&Row::copy(&row.bytes()[..row.bytes().len() - 1])).is_err());
            }
        }
    }
}
