//! What lines are read as, and what rows are written as.

mod delimited;
mod log;

use super::{Csv, DebeziumJson, Format, Found, Json};
use crate::sql::connector::Options;
use crate::sql::row::{RowKind, Value};
use crate::sql::{ColumnKind, Env, Table, plan};
use arrow::datatypes::{Field, Schema, SchemaRef};
use proptest::prelude::*;
use std::sync::{Arc, LazyLock};

const COLUMNS: &str = "name STRING, n INT, big BIGINT, x DOUBLE, price DECIMAL(10, 2), ok BOOLEAN, at TIMESTAMP(3), \
                       tags ARRAY<STRING>, place ROW<city STRING, zip INT>, more MAP<STRING, INT>";

fn table(columns: &str, options: &str) -> Arc<Table> {
    let text = format!("CREATE TABLE t ({columns}) WITH ('connector' = 'stdin', 'format' = 'raw'{options})");
    let program = plan(&text, &Env::default()).unwrap_or_else(|error| panic!("{error}"));
    Arc::clone(&program.tables["t"])
}

fn columns(table: &Table) -> SchemaRef {
    assert!(table.columns.iter().all(|column| matches!(column.kind, ColumnKind::Physical)));
    Arc::new(Schema::new(
        table.columns.iter().map(|c| Field::new(&c.name, c.data_type.clone(), true)).collect::<Vec<_>>(),
    ))
}

type Rows = Vec<(RowKind, Vec<Value<'static>>)>;

fn read(format: &dyn Format, table: &Table, line: &[u8]) -> Result<Rows, String> {
    let columns = columns(table);
    let all: Vec<usize> = (0..columns.fields().len()).collect();
    let reader = format.reader(Options::new(table).of(format.name()), &columns, &all).unwrap();
    let mut found = Found::default();
    reader.read(line, &mut found)?;
    let mut values = found.values.into_iter().map(Value::into_owned);
    Ok(found.kinds.iter().map(|kind| (*kind, values.by_ref().take(all.len()).collect())).collect())
}

fn write(format: &dyn Format, table: &Table, kind: RowKind, values: &[Value<'_>]) -> Result<String, String> {
    let writer = format.writer(Options::new(table).of(format.name()), &columns(table)).unwrap();
    let mut line = String::new();
    writer.write(kind, values, &mut line)?;
    Ok(line)
}

#[test]
fn an_object_is_a_row_and_a_row_an_object() {
    let table = table(COLUMNS, "");
    let line = r#"{"name":"ada","n":-3,"big":9007199254740993,"x":0.5,"price":12.30,"ok":true,"at":"2020-01-31 12:00:00.5","tags":["a",null],"place":{"city":"Oslo","zip":10},"more":{"k":7}}"#;
    let rows = read(&Json, &table, line.as_bytes()).unwrap();
    assert_eq!(write(&Json, &table, RowKind::Insert, &rows[0].1).unwrap(), line);
    assert_eq!(rows[0].1[2], Value::Int(9_007_199_254_740_993));
    assert_eq!(read(&Json, &table, b" ").unwrap(), []);
}

#[test]
fn a_decimal_keeps_all_its_digits() {
    let table = table(
        "d DECIMAL(38, 18), l ARRAY<DECIMAL(38, 18)>, r ROW<d DECIMAL(20, 2), t STRING>, m MAP<STRING, DECIMAL(20, 2)>",
        "",
    );
    let line = r#"{"l": [12345678901234567.125, null, "1.5", -0.000000000000000001],
        "r": {"t": "a,b", "d" : 123456789012345678.91}, "m": {"k,": 987654321098765432.1e0}, "d": 12345678901234567890.123456789012345678}"#;
    let digits = "12345678901234567890123456789012345678";
    let decimals =
        |values: &[&str]| values.iter().map(|text| Value::Decimal(text.parse().unwrap())).collect::<Vec<_>>();
    let read = |format: &dyn Format, line: &str| read(format, &table, line.as_bytes()).unwrap().swap_remove(0).1;
    let values = read(&Json, line);
    assert_eq!(values[0], decimals(&[digits])[0]);
    let [Value::List(list), Value::Row(row), Value::Map(map)] = &values[1..] else { panic!("{values:?}") };
    let expected = decimals(&["12345678901234567125000000000000000", "1500000000000000000", "-1"]);
    assert_eq!(list.iter().filter(|item| !item.is_null()).cloned().collect::<Vec<_>>(), expected);
    assert_eq!(row[0], decimals(&["12345678901234567891"])[0]);
    assert_eq!(map[0].1, decimals(&["98765432109876543210"])[0]);
    let change = format!(r#"{{"before":null,"after":{},"op":"c"}}"#, line);
    assert_eq!(read(&DebeziumJson, &change), values);
    // Where a name is escaped, the digits are those of a DOUBLE.
    assert_eq!(read(&Json, r#"{"\u0064": 0.5}"#)[0], decimals(&["500000000000000000"])[0]);
}

#[test]
fn members_may_be_missing_in_another_order_and_more_than_the_columns() {
    let table = table("name STRING, n INT", "");
    let rows = read(&Json, &table, br#"{"n":"7","else":{"a":[1]},"name":{"b":1}}"#).unwrap();
    assert_eq!(rows[0].1, [Value::Text(r#"{"b":1}"#.into()), Value::Int(7)]);
    assert_eq!(read(&Json, &table, b"{}").unwrap()[0].1, [Value::Null, Value::Null]);
}

#[test]
fn a_member_that_does_not_fit_is_told_by_name_or_ignored_if_that_is_asked_for() {
    let strict = table("name STRING, n INT", "");
    for (line, cause) in [
        (r#"{"n":1.5}"#, "column `n` is a INT, found '1.5'"),
        (r#"{"n":[1]}"#, "column `n` is a INT, found '[1]'"),
        (r#"{"n":1"#, "EOF while parsing an object at byte 6"),
        ("[1]", "invalid type: sequence, expected an object at byte 0"),
        (r#"{"n":1} x"#, "trailing characters at byte 9"),
    ] {
        let error = read(&Json, &strict, line.as_bytes()).unwrap_err();
        assert!(error.starts_with(cause), "{line}: {error}");
    }
    let lax = table("name STRING, n INT", ", 'json.ignore-parse-errors' = 'true'");
    assert_eq!(read(&Json, &lax, br#"{"n":1.5,"name":"a"}"#).unwrap()[0].1, [Value::Text("a".into()), Value::Null]);
    assert_eq!(read(&Json, &lax, b"{").unwrap(), []);
    let all = table("name STRING, n INT", ", 'json.fail-on-missing-field' = 'true'");
    assert_eq!(read(&Json, &all, b"{\"n\":1}").unwrap_err(), "`name` is missing at byte 7");
}

#[test]
fn what_is_asked_of_writing_is_done_or_refused() {
    let refused = |options: &str| {
        let table = table("d DECIMAL(4, 2)", options);
        let writer = Json.writer(Options::new(&table).of("json"), &columns(&table)).map(|_| ());
        writer.map_err(|error| error.message)
    };
    assert_eq!(refused(", 'json.encode.decimal-as-plain-number' = 'true', 'json.map-null-key.mode' = 'drop'"), Ok(()));
    let found = refused(", 'json.encode.decimal-as-plain-number' = 'false'").unwrap_err();
    assert!(found.contains("write 'true'"), "{found}");
    let found = refused(", 'json.map-null-key.mode' = 'DORP'").unwrap_err();
    assert!(found.contains("did you mean `DROP`?"), "{found}");
    let table = table("d DECIMAL(9, 8)", "");
    let line = write(&Json, &table, RowKind::Insert, &[Value::Decimal(3)]).unwrap();
    assert_eq!(line, r#"{"d":0.00000003}"#);
}

#[test]
fn changes_are_read_with_what_was_before() {
    let table = table("id INT, name STRING", "");
    let row = |id, name: &'static str| vec![Value::Int(id), Value::Text(name.into())];
    let found = |line: &str| read(&DebeziumJson, &table, line.as_bytes());
    assert_eq!(
        found(r#"{"before":null,"after":{"id":1,"name":"a"},"op":"c","ts_ms":7}"#).unwrap(),
        [(RowKind::Insert, row(1, "a"))]
    );
    assert_eq!(
        found(r#"{"op":"u","before":{"id":1,"name":"a"},"after":{"id":1,"name":"b"}}"#).unwrap(),
        [(RowKind::UpdateBefore, row(1, "a")), (RowKind::UpdateAfter, row(1, "b"))]
    );
    assert_eq!(found(r#"{"op":"d","before":{"id":1,"name":"b"}}"#).unwrap(), [(RowKind::Delete, row(1, "b"))]);
    assert!(found(r#"{"op":"u","after":{"id":1}}"#).unwrap_err().contains("without `before`"));
    assert!(found(r#"{"op":"t"}"#).unwrap_err().contains("not c, r, u or d"));
    let line = write(&DebeziumJson, &table, RowKind::UpdateBefore, &row(1, "a")).unwrap();
    assert_eq!(line, r#"{"before":{"id":1,"name":"a"},"after":null,"op":"d"}"#);
    assert_eq!(found(&line).unwrap(), [(RowKind::Delete, row(1, "a"))]);
}

fn value(data_type: &'static str) -> BoxedStrategy<Value<'static>> {
    match data_type {
        "INT" => any::<i32>().prop_map(|n| Value::Int(n.into())).boxed(),
        "DOUBLE" => any::<f64>().prop_filter("is a number", |n| n.is_finite()).prop_map(Value::Float).boxed(),
        _ => "[^\r\n]{0,12}".prop_map(|text| Value::Text(text.into())).boxed(),
    }
}

static FLAT: LazyLock<Arc<Table>> = LazyLock::new(|| table("name STRING, n INT, x DOUBLE", ""));
static NESTED: LazyLock<Arc<Table>> = LazyLock::new(|| table(COLUMNS, ""));

proptest! {
    #[test]
    fn what_is_written_is_read_back(name in value("STRING"), n in value("INT"), x in value("DOUBLE")) {
        let values = vec![name, n, x];
        for format in [&Json as &dyn Format, &Csv] {
            let line = write(format, &FLAT, RowKind::Insert, &values).unwrap();
            let rows = read(format, &FLAT, line.as_bytes()).unwrap();
            prop_assert_eq!(&rows[0].1, &values, "{}: {}", format.name(), line);
        }
    }

    #[test]
    fn no_bytes_make_a_reader_panic(line in prop::collection::vec(any::<u8>(), 0..60), text in "[\\[\\]{}\",:a-z0-9 ]{0,40}") {
        for (format, table) in [(&Json as &dyn Format, &NESTED), (&Csv, &FLAT), (&DebeziumJson, &NESTED)] {
            let _ = read(format, table, &line);
            let _ = read(format, table, text.as_bytes());
        }
    }
}
