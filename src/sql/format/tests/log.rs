//! Access logs and lines as they are.

use super::{read, table, write};
use crate::sql::format::{AccessLog, Format, Raw};
use crate::sql::row::{RowKind, Value};
use crate::sql::{Env, plan};

const LINE: &[u8] =
    br#"10.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /a?b=1 HTTP/1.0" 200 2326 "-" "Mozilla/4.08""#;

fn text(text: &'static str) -> Value<'static> {
    Value::Text(text.into())
}

#[test]
fn each_column_is_found_by_its_name() {
    let columns = "agent STRING, bytes BIGINT, status INT, protocol STRING, path STRING, method STRING, request STRING, \
                   ts TIMESTAMP_LTZ(3), `user` STRING, ident STRING, host STRING, referer STRING";
    let rows = read(&AccessLog::Combined, &table(columns, ""), LINE).unwrap();
    let expected = vec![
        text("Mozilla/4.08"),
        Value::Int(2326),
        Value::Int(200),
        text("HTTP/1.0"),
        text("/a"),
        text("GET"),
        text("GET /a?b=1 HTTP/1.0"),
        Value::Int(971_211_336_000),
        text("frank"),
        Value::Null,
        text("10.0.0.1"),
        Value::Null,
    ];
    assert_eq!(rows, [(RowKind::Insert, expected)]);
}

#[test]
fn times_are_in_the_unit_of_their_column() {
    for (data_type, number) in [("TIMESTAMP(3)", 971_211_336_000), ("TIMESTAMP(6)", 971_211_336_000_000)] {
        let rows = read(&AccessLog::Common, &table(&format!("ts {data_type}"), ""), LINE).unwrap();
        assert_eq!(rows[0].1, [Value::Int(number)], "{data_type}");
    }
}

#[test]
fn what_is_no_request_and_what_is_too_large_is_told() {
    let columns = "method STRING, path STRING, request STRING, bytes INT";
    let found = |line: &[u8]| read(&AccessLog::Common, &table(columns, ""), line);
    let rows = found(br#"::1 - - [10/Oct/2000:13:55:36 +0000] "\x16\x03" 400 -"#).unwrap();
    assert_eq!((&rows[0].1[0], &rows[0].1[3]), (&Value::Null, &Value::Null));
    assert_ne!(rows[0].1[2], Value::Null);
    let large = br#"::1 - - [10/Oct/2000:13:55:36 +0000] "GET / HTTP/1.1" 200 2147483648"#;
    assert_eq!(found(large).unwrap_err(), "bytes: 2147483648 does not fit the column's type");
    assert!(found(b"hello").is_err());
    let lax = table(columns, ", 'common-log.ignore-parse-errors' = 'true'");
    assert_eq!(read(&AccessLog::Common, &lax, b"hello").unwrap(), []);
}

#[test]
fn a_line_is_a_row_as_it_is() {
    let (texts, bytes) = (table("line STRING", ""), table("line BYTES", ""));
    assert_eq!(read(&Raw, &texts, b" a\tb ").unwrap(), [(RowKind::Insert, vec![text(" a\tb ")])]);
    assert_eq!(read(&Raw, &bytes, b"\xff").unwrap(), [(RowKind::Insert, vec![Value::Bytes(vec![0xff].into())])]);
    assert_eq!(read(&Raw, &texts, b"\xff").unwrap_err(), "the line is no UTF-8");
    assert_eq!(write(&Raw, &texts, RowKind::Insert, &[text("a,b")]).unwrap(), "a,b");
    assert!(write(&Raw, &texts, RowKind::Insert, &[text("a\nb")]).unwrap_err().contains("line break"));
    assert!(write(&Raw, &texts, RowKind::Delete, &[text("a")]).unwrap_err().contains("-D"));
}

#[test]
fn columns_that_a_format_does_not_have_are_refused() {
    for (format, columns, message) in [
        ("combined-log", "hosst STRING", "did you mean `host`?"),
        ("combined-log", "status STRING", "format 'combined-log' has `status` as an INT, the table as STRING"),
        ("combined-log", "ts BIGINT", "has `ts` as a TIMESTAMP_LTZ(3), the table as BIGINT"),
        ("common-log", "agent STRING", "no column of format 'common-log' is called `agent`"),
        ("raw", "a STRING, b STRING", "format 'raw' has one column, the table 2"),
        ("raw", "a INT", "format 'raw' has a STRING or BYTES, `a` is a INT"),
    ] {
        let text = format!(
            "CREATE TABLE t ({columns}) WITH ('connector' = 'stdin', 'format' = '{format}');
             CREATE TABLE out (n BIGINT) WITH ('connector' = 'print');
             INSERT INTO out SELECT COUNT(*) FROM t"
        );
        let error = plan(&text, &Env::default()).unwrap_err().to_string();
        assert!(error.contains(message), "{columns}: {error}");
    }
    let written = AccessLog::Common
        .writer(crate::sql::connector::Options::new(&table("ts BIGINT", "")), &super::columns(&table("ts BIGINT", "")));
    assert!(written.err().unwrap().message.contains("is read, not written"));
}
