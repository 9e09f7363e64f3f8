//! CSV with each of its options.

use super::{read, table, write};
use crate::sql::connector::Options;
use crate::sql::format::{Csv, Format};
use crate::sql::row::{RowKind, Value};
use crate::sql::{Env, plan};

const TWO: &str = "name STRING, n INT";

/// The values of the one row of a line.
#[track_caller]
fn values(columns: &str, options: &str, line: &str) -> Vec<Value<'static>> {
    let rows = read(&Csv, &table(columns, options), line.as_bytes()).unwrap_or_else(|error| panic!("{line}: {error}"));
    let [(RowKind::Insert, values)] = &rows[..] else { panic!("{line} is {rows:?}") };
    values.clone()
}

fn pair(name: &str, n: i64) -> Vec<Value<'static>> {
    vec![Value::Text(name.to_owned().into()), Value::Int(n)]
}

/// Why a line is none.
fn refusal(columns: &str, options: &str, line: &[u8]) -> String {
    read(&Csv, &table(columns, options), line).unwrap_err()
}

#[track_caller]
fn written(columns: &str, options: &str, values: &[Value<'_>]) -> String {
    write(&Csv, &table(columns, options), RowKind::Insert, values).unwrap()
}

#[test]
fn each_option_shapes_what_is_read() {
    let cases = [
        ("", "ada,3", pair("ada", 3)),
        ("", "\"a,\"\"b\"\"\", 3 ", pair("a,\"b\"", 3)),
        ("", "\"\",3", pair("", 3)),
        ("", "ü\"x\",3", pair("ü\"x\"", 3)),
        (", 'csv.field-delimiter' = ';'", "a,b;3", pair("a,b", 3)),
        (", 'csv.field-delimiter' = '\\t'", "a\t3", pair("a", 3)),
        (", 'csv.field-delimiter' = '│'", "a│3", pair("a", 3)),
        (", 'csv.quote-character' = ''''", "'a,''b',3", pair("a,'b", 3)),
        (", 'csv.disable-quote-character' = 'true'", "\"a\",3", pair("\"a\"", 3)),
        (", 'csv.escape-character' = '\\\\'", "a\\,\\\\b,3", pair("a,\\b", 3)),
        (", 'csv.escape-character' = '\\\\'", "\"a\\\"b\",3", pair("a\"b", 3)),
        (", 'csv.null-literal' = 'n/a'", "n/a,3", vec![Value::Null, Value::Int(3)]),
        (", 'csv.ignore-parse-errors' = 'true'", "a,x", vec![Value::Text("a".into()), Value::Null]),
        (", 'csv.ignore-parse-errors' = 'true'", "a", vec![Value::Text("a".into()), Value::Null]),
    ];
    for (options, line, expected) in cases {
        assert_eq!(values(TWO, options, line), expected, "{options}: {line}");
    }
}

#[test]
fn elements_stand_between_delimiters_of_their_own() {
    let columns = "tags ARRAY<STRING>, place ROW<city STRING, zip INT>";
    let text = |text: &'static str| Value::Text(text.into());
    let expected = [Value::List(vec![text("a"), text("b")]), Value::Row(vec![text("Oslo"), Value::Int(10)])];
    assert_eq!(values(columns, "", "a;b,Oslo;10"), expected);
    let options = ", 'csv.array-element-delimiter' = ' | '";
    assert_eq!(values(columns, options, "a | b,Oslo | 10"), expected);
    assert_eq!(written(columns, options, &expected), "a | b,Oslo | 10");
    assert_eq!(
        values("tags ARRAY<INT>", ", 'csv.null-literal' = '-'", "1;-"),
        [Value::List(vec![Value::Int(1), Value::Null])]
    );
    assert_eq!(refusal(columns, "", b"a,Oslo"), "column `place` is a ROW<city STRING, zip INT>, found 'Oslo'");
}

#[test]
fn a_line_that_is_none_is_told_why() {
    for (line, cause) in [
        (&b"ada"[..], "2 fields expected, 1 found"),
        (b"ada,3,4", "2 fields expected, 3 found"),
        (b"ada,", "column `n` is a INT, found ''"),
        (b"ada,2147483648", "column `n` is a INT, found '2147483648'"),
        (b"\"ada,3", "a quoted field has no end (a line break within quotes is not read)"),
        ("\"ada\"é,3".as_bytes(), "found 'é' behind a quoted field, expected ','"),
        (b"\xff,3", "the line is no UTF-8"),
    ] {
        assert_eq!(refusal(TWO, "", line), cause);
    }
}

#[test]
fn blank_lines_and_comments_are_no_rows() {
    let plain = table(TWO, "");
    assert_eq!(read(&Csv, &plain, b"").unwrap(), []);
    assert_eq!(read(&Csv, &table("name STRING", ""), b"").unwrap().len(), 1);
    assert_eq!(read(&Csv, &table(TWO, ", 'csv.allow-comments' = 'true'"), b"# ada,3").unwrap(), []);
    assert_eq!(read(&Csv, &plain, b"# ada,3").unwrap().len(), 1);
    let lax = table(TWO, ", 'csv.ignore-parse-errors' = 'true'");
    assert_eq!(read(&Csv, &lax, b"ada,3,4").unwrap(), []);
}

#[test]
fn what_would_be_misread_is_quoted() {
    for (options, name, line) in [
        ("", "ada", "ada,3"),
        ("", "a,b", "\"a,b\",3"),
        ("", "a\"b", "\"a\"\"b\",3"),
        ("", "", "\"\",3"),
        (", 'csv.null-literal' = 'n/a'", "n/a", "\"n/a\",3"),
        (", 'csv.allow-comments' = 'true'", "#1", "\"#1\",3"),
        (", 'csv.escape-character' = '\\\\'", "a\"\\b", "\"a\\\"\\\\b\",3"),
        (", 'csv.disable-quote-character' = 'true'", "a,b", "a,b,3"),
        (", 'csv.field-delimiter' = ';'", "a;b", "\"a;b\";3"),
    ] {
        assert_eq!(written(TWO, options, &pair(name, 3)), line, "{options}");
    }
    assert_eq!(written(TWO, ", 'csv.null-literal' = 'n/a'", &[Value::Null, Value::Null]), "n/a,n/a");
    assert_eq!(written(TWO, "", &[Value::Null, Value::Null]), ",");
    let retracted = write(&Csv, &table(TWO, ""), RowKind::Delete, &pair("ada", 3)).unwrap_err();
    assert_eq!(retracted, "format 'csv' has no way to say -D");
}

#[test]
fn only_the_columns_that_are_wanted_are_read() {
    let table = table("a INT, b INT, c INT", ", 'csv.header' = 'true'");
    let reader = Csv.reader(Options::new(&table).of("csv"), &super::columns(&table), &[1]).unwrap();
    let mut found = crate::sql::format::Found::default();
    reader.read(b"x,2,y", &mut found).unwrap();
    assert_eq!((found.values, reader.has_header()), (vec![Value::Int(2)], true));
    let writer = Csv.writer(Options::new(&table).of("csv"), &super::columns(&table)).unwrap();
    assert_eq!(writer.header().as_deref(), Some("a,b,c"));
}

#[test]
fn options_that_do_not_fit_are_refused_with_what_does() {
    for (columns, options, message) in [
        (TWO, "'csv.field-delimiter' = 'ab'", "'csv.field-delimiter' is one character, not 'ab'"),
        (TWO, "'csv.field-delimiter' = '\"'", "the delimiter of fields must differ"),
        (TWO, "'csv.header' = 'yes'", "'csv.header' is 'true' or 'false', not 'yes'"),
        (TWO, "'csv.headr' = 'true'", "did you mean `csv.header`?"),
        (TWO, "'csv.array-element-delimiter' = ''", "it must not be empty"),
        ("a MAP<STRING, INT>", "'csv.header' = 'true'", "format 'csv' has no MAP<STRING, INT>"),
        ("a ARRAY<ARRAY<INT>>", "'csv.header' = 'true'", "use 'json'"),
    ] {
        let text = format!(
            "CREATE TABLE t ({columns}) WITH ('connector' = 'stdin', 'format' = 'csv', {options});
             CREATE TABLE out (n BIGINT) WITH ('connector' = 'print');
             INSERT INTO out SELECT COUNT(*) FROM t"
        );
        let error = plan(&text, &Env::default()).unwrap_err().to_string();
        assert!(error.contains(message), "{options}: {error}");
    }
}
