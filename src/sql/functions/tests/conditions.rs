//! Conditions, casts, JSON, arrays, maps and rows.

use super::hold;

#[test]
fn conditions_choose_and_compute_nothing_else() {
    hold(&[
        ("CASE n WHEN 1 THEN 'a' WHEN 5 THEN 'b' END", "b"),
        ("CASE WHEN n > 9 THEN 'a' END", "NULL"),
        ("IF(n > 3, 'yes', 'no')", "yes"),
        ("IF(no_n > 3, 'yes', 'no')", "no"),
        ("IF(n = 5, 0, 1 / (n - 5))", "0"),
        ("IF(b, n, d)", "5.0"),
        ("IFNULL(no_n, 7)", "7"),
        ("NULLIF(n, 5)", "NULL"),
        ("NULLIF(n, 0)", "5"),
        ("COALESCE(no_s, s)", "Hello World"),
        ("COALESCE(no_s, no_s)", "NULL"),
        ("GREATEST(1, n, 3)", "5"),
        ("GREATEST(1, no_n)", "NULL"),
        ("LEAST('b', 'a')", "a"),
        ("LEAST(1, 0.5E0)", "0.5"),
        ("IS_ALPHA('abc')", "TRUE"),
        ("IS_ALPHA('ab1')", "FALSE"),
        ("IS_ALPHA(no_s)", "FALSE"),
        ("IS_DECIMAL('-1.5')", "TRUE"),
        ("IS_DECIMAL('1.5.2')", "FALSE"),
        ("IS_DIGIT('123')", "TRUE"),
        ("IS_DIGIT('')", "FALSE"),
        ("n BETWEEN ASYMMETRIC 1 AND 9", "TRUE"),
        ("no_n IS UNKNOWN", "error: "),
        ("b IS NOT TRUE", "FALSE"),
        ("n IN (1, 5)", "TRUE"),
        ("n IS DISTINCT FROM 4 + 1 OR b", "TRUE"),
        ("b AND no_n IS NOT DISTINCT FROM no_n AND b", "TRUE"),
        ("NOT n IS DISTINCT FROM no_n", "FALSE"),
        ("n IN (1, NULL)", "NULL"),
    ]);
}

#[test]
fn values_are_cast_to_texts_as_flink_writes_them() {
    hold(&[
        ("TRUE", "TRUE"),
        ("n", "5"),
        ("d", "2.5"),
        ("1E10", "1.0E10"),
        ("c", "1.25"),
        ("day", "2024-02-29"),
        ("CAST(ts AS TIMESTAMP(3))", "2024-02-29 12:34:56.789"),
        ("CAST('2024-02-29 12:34:56' AS TIMESTAMP(3))", "2024-02-29 12:34:56.000"),
        ("CAST('2024-02-29 12:34:56.1234' AS TIMESTAMP(6))", "2024-02-29 12:34:56.123400"),
        ("CAST('2024-02-29 12:34:56' AS TIMESTAMP_LTZ(3))", "2024-02-29 12:34:56.000"),
        ("TIME '12:34:56'", "12:34:56"),
        ("ARRAY[1, NULL, 3]", "[1, NULL, 3]"),
        ("MAP['a', 1]", "{a=1}"),
        ("ROW(1, 'a')", "(1, a)"),
        ("CAST('abc' AS BYTES)", "abc"),
        ("no_n", "NULL"),
    ]);
}

#[test]
fn texts_are_cast_to_values_or_the_row_fails() {
    hold(&[
        ("CAST(' 42 ' AS INT) + 1", "43"),
        ("CAST('1.9' AS INT)", "1"),
        ("CAST('300' AS TINYINT)", "error: `300` is no TINYINT"),
        ("CAST('abc' AS INT)", "error: `abc` is no INT"),
        ("CAST(s AS DOUBLE)", "error: `Hello World` is no DOUBLE"),
        ("TRY_CAST('abc' AS INT)", "NULL"),
        ("TRY_CAST('42' AS INT)", "42"),
        ("COALESCE(TRY_CAST(s AS INT), 0)", "0"),
        ("CAST('yes' AS BOOLEAN)", "TRUE"),
        ("CAST('maybe' AS BOOLEAN)", "error: `maybe` is no BOOLEAN"),
        ("CAST('1.255' AS DECIMAL(5, 2))", "1.26"),
        ("CAST('2024-02-30' AS DATE)", "error: is no DATE"),
        ("CAST(no_s AS INT)", "NULL"),
        ("CAST(2.9E0 AS INT)", "2"),
        ("CAST(n AS BOOLEAN)", "TRUE"),
        ("CAST(ts AS DATE)", "2024-02-29"),
        ("CAST(ts AS BIGINT)", "error: cannot be cast to BIGINT; a time is made of a number by TO_TIMESTAMP_LTZ"),
        ("CAST(n AS TIMESTAMP(3))", "error: cannot be cast to TIMESTAMP(3)"),
        ("CAST(ROW(1, 'a') AS ROW<id INT, name STRING>).name", "a"),
        ("ARRAY[CAST(ROW(1, ROW(2)) AS ROW<id INT, `in` ROW<n INT>>)][1].`in`.n", "2"),
    ]);
}

#[test]
fn json_is_read_by_paths() {
    hold(&[
        ("JSON_EXISTS('{\"a\": [{\"b\": 1}]}', '$.a[0].b')", "TRUE"),
        ("JSON_EXISTS('{\"a\": true}', '$.b')", "FALSE"),
        ("JSON_EXISTS('{\"a\": true}', 'strict $.b' TRUE ON ERROR)", "TRUE"),
        ("JSON_EXISTS('no', '$.b' UNKNOWN ON ERROR)", "NULL"),
        ("JSON_EXISTS(no_s, '$.b')", "NULL"),
        ("JSON_VALUE('{\"a\": true}', '$.a')", "true"),
        ("JSON_VALUE('{\"a\": \"x\"}', '$.a')", "x"),
        ("JSON_VALUE('{\"a\": 7}', '$.a' RETURNING INT) + 1", "8"),
        ("JSON_VALUE('{\"a\": true}', '$.a' RETURNING BOOLEAN)", "TRUE"),
        ("JSON_VALUE('{\"a.b\": [0.998,0.996]}', '$.[\"a.b\"][0]' RETURNING DOUBLE)", "0.998"),
        ("JSON_VALUE('{\"a\": \"x\"}', '$.a' RETURNING INT)", "NULL"),
        ("JSON_VALUE('{\"a\": \"x\"}', '$.a' RETURNING INT ERROR ON ERROR)", "error: is of another type"),
        ("JSON_VALUE('{\"a\": 1}', 'lax $.b' DEFAULT 'none' ON EMPTY)", "none"),
        ("JSON_VALUE('{\"a\": 1}', 'strict $.b' NULL ON EMPTY DEFAULT 'wrong' ON ERROR)", "wrong"),
        ("JSON_VALUE('{\"a\": [1]}', '$.a')", "NULL"),
        ("JSON_VALUE('no json', '$.a')", "NULL"),
        ("JSON_VALUE(no_s, '$.a')", "NULL"),
        ("JSON_VALUE(s, 'a.b')", "error: the path `a.b` cannot be read from character 1 on"),
        ("JSON_QUERY('{ \"a\": { \"b\": 1 } }', '$.a')", "{\"b\":1}"),
        ("JSON_QUERY('{\"a\":[{\"c\":\"c1\"},{\"c\":\"c2\"}]}', 'lax $.a[*].c')", "[\"c1\",\"c2\"]"),
        ("JSON_QUERY('{}', '$' WITH CONDITIONAL ARRAY WRAPPER)", "{}"),
        ("JSON_QUERY('[1, 2]', '$' WITH UNCONDITIONAL ARRAY WRAPPER)", "[[1,2]]"),
        ("JSON_QUERY('1', '$')", "NULL"),
        ("JSON_QUERY('1', '$' WITH CONDITIONAL WRAPPER)", "[1]"),
        ("JSON_QUERY('{}', 'lax $.invalid' EMPTY OBJECT ON EMPTY)", "{}"),
        ("JSON_QUERY('{}', 'strict $.invalid' EMPTY ARRAY ON ERROR)", "[]"),
        ("'{}' IS JSON", "TRUE"),
        ("'abc' IS JSON", "FALSE"),
        ("'1' IS JSON SCALAR AND '{}' IS JSON OBJECT", "TRUE"),
        ("'1' IS NOT JSON ARRAY", "TRUE"),
        ("no_s IS JSON", "FALSE"),
        ("NOT s || '1' IS JSON OR no_s IS JSON", "TRUE"),
    ]);
}

#[test]
fn json_is_made_of_values() {
    hold(&[
        ("JSON_STRING(n)", "5"),
        ("JSON_STRING('a\"b')", "\"a\\\"b\""),
        ("JSON_STRING(ARRAY[1, 2])", "[1,2]"),
        ("JSON_STRING(no_n)", "NULL"),
        ("JSON_OBJECT()", "{}"),
        ("JSON_OBJECT('K1' VALUE 'V1', KEY 'K2' VALUE n)", "{\"K1\":\"V1\",\"K2\":5}"),
        ("JSON_OBJECT(KEY 'K1' VALUE no_s)", "{\"K1\":null}"),
        ("JSON_OBJECT(KEY 'K1' VALUE no_s ABSENT ON NULL)", "{}"),
        ("JSON_OBJECT(KEY 'K1' VALUE JSON_OBJECT(KEY 'K2' VALUE 'V'))", "{\"K1\":{\"K2\":\"V\"}}"),
        ("JSON_ARRAY()", "[]"),
        ("JSON_ARRAY(1, '2', no_s)", "[1,\"2\"]"),
        ("JSON_ARRAY(no_s NULL ON NULL)", "[null]"),
        ("JSON_ARRAY(JSON_ARRAY(1))", "[[1]]"),
        ("JSON_QUOTE('a\"b')", "\"a\\\"b\""),
        ("JSON_UNQUOTE('\"a\\\"b\"')", "a\"b"),
    ]);
}

#[test]
fn arrays_and_maps_are_made_and_searched() {
    hold(&[
        ("CARDINALITY(ARRAY[1, 2, 3])", "3"),
        ("CARDINALITY(MAP['a', 1, 'b', 2])", "2"),
        ("ARRAY[4, 5, n][3]", "5"),
        ("ARRAY[4, 5][3]", "NULL"),
        ("ARRAY[4, 5][0]", "NULL"),
        ("MAP['a', 1, 'b', n]['b']", "5"),
        ("MAP['a', 1]['c']", "NULL"),
        ("MAP['a', 1, 'a', 2]", "{a=2}"),
        ("ELEMENT(ARRAY[n])", "5"),
        ("ELEMENT(ARRAY[1, n])", "error: the array has 2 items"),
        ("ARRAY_CONTAINS(ARRAY[1, n], 5)", "TRUE"),
        ("ARRAY_CONTAINS(ARRAY['a'], 'b')", "FALSE"),
        ("ARRAY_CONTAINS(ARRAY[1, NULL], no_n)", "TRUE"),
        ("ARRAY_DISTINCT(ARRAY[2, 1, 2, NULL, NULL])", "[2, 1, NULL]"),
        ("ARRAY_POSITION(ARRAY['a', 'b'], 'b')", "2"),
        ("ARRAY_POSITION(ARRAY['a', 'b'], 'c')", "0"),
        ("ARRAY_REMOVE(ARRAY[1, 2, 1], 1)", "[2]"),
        ("ARRAY_REVERSE(ARRAY[1, 2, 3])", "[3, 2, 1]"),
        ("ARRAY_APPEND(ARRAY[1], 2)", "[1, 2]"),
        ("ARRAY_CONCAT(ARRAY[1], ARRAY[2, 3])", "[1, 2, 3]"),
        ("ARRAY_MAX(ARRAY[1, NULL, 3])", "3"),
        ("ARRAY_MIN(ARRAY['b', 'a'])", "a"),
        ("ARRAY_JOIN(ARRAY['a', NULL, 'b'], '-')", "a-b"),
        ("ARRAY_JOIN(ARRAY['a', NULL], '-', '?')", "a-?"),
        ("MAP_KEYS(MAP['a', 1, 'b', 2])", "[a, b]"),
        ("MAP_VALUES(MAP['a', 1, 'b', 2])", "[1, 2]"),
        ("MAP_FROM_ARRAYS(ARRAY['a', 'b'], ARRAY[1, 2])", "{a=1, b=2}"),
        ("STR_TO_MAP('a=1,b=2')['b']", "2"),
        ("STR_TO_MAP('a:1;b', ';', ':')", "{a=1, b=NULL}"),
        ("CARDINALITY(n)", "error: found CARDINALITY(BIGINT); there is CARDINALITY(ARRAY<t> or MAP<k, v>)"),
    ]);
}
