//! Times.

use super::hold;

#[test]
fn times_are_read_of_texts_and_numbers() {
    hold(&[
        ("TO_TIMESTAMP('2024-02-29 12:34:56.789')", "2024-02-29 12:34:56.789"),
        ("TO_TIMESTAMP('29.02.2024 12:34', 'dd.MM.yyyy HH:mm')", "2024-02-29 12:34:00.000"),
        ("TO_TIMESTAMP('nonsense')", "NULL"),
        ("TO_TIMESTAMP('2024-02-30 00:00:00')", "NULL"),
        ("TO_TIMESTAMP(no_s)", "NULL"),
        ("TO_TIMESTAMP('x', 'qq')", "error: `qq`, which has no meaning here"),
        ("TO_TIMESTAMP_LTZ(1709210096, 0)", "2024-02-29 12:34:56.000"),
        ("TO_TIMESTAMP_LTZ(1709210096789, 3)", "2024-02-29 12:34:56.789"),
        ("TO_TIMESTAMP_LTZ(1709210096789)", "2024-02-29 12:34:56.789"),
        ("TO_TIMESTAMP_LTZ(1, 6)", "error: digits are 0"),
        ("TO_TIMESTAMP_LTZ('2024-02-29 12:00:00', 'yyyy-MM-dd HH:mm:ss', 'Asia/Tokyo')", "2024-02-29 03:00:00.000"),
        ("TO_DATE('2024-02-29')", "2024-02-29"),
        ("TO_DATE('02/29/24', 'MM/dd/yy')", "2024-02-29"),
        ("TO_DATE('02/30/24', 'MM/dd/yy')", "NULL"),
        ("DATE '2024-02-29'", "2024-02-29"),
        ("UNIX_TIMESTAMP('1970-01-01 00:00:44')", "44"),
        ("UNIX_TIMESTAMP('1970-01-01 08:00:01.001', 'yyyy-MM-dd HH:mm:ss.SSS')", "28801"),
        ("UNIX_TIMESTAMP('1970-01-01 08:00:01.001 +0800', 'yyyy-MM-dd HH:mm:ss.SSS X')", "1"),
        ("UNIX_TIMESTAMP('1970-01-01 08:00:01.001 +0800', 'yyyy-MM-dd HH:mm:ss.SSS')", "28801"),
        ("UNIX_TIMESTAMP('1970-01-01 08:00:01.001', 'yyyy-MM-dd HH:mm:ss.SSS X')", "-9223372036854775808"),
    ]);
}

#[test]
fn times_are_written_in_patterns() {
    hold(&[
        ("DATE_FORMAT(ts, 'yyyy-MM-dd HH:mm:ss.SSS')", "2024-02-29 12:34:56.789"),
        ("DATE_FORMAT(ts, 'EEEE, d. MMMM yy, h:mm a')", "Thursday, 29. February 24, 12:34 PM"),
        ("DATE_FORMAT(ts, 'yyyyMMdd''T''HHmmss XXX')", "20240229T123456 Z"),
        ("DATE_FORMAT('2024-02-29 12:34:56', 'D')", "60"),
        ("DATE_FORMAT(day, 'dd.MM.')", "29.02."),
        ("DATE_FORMAT(no_s, 'dd')", "NULL"),
        ("DATE_FORMAT(ts, 'yyyyy')", "error: has no meaning here"),
        ("FROM_UNIXTIME(44)", "1970-01-01 00:00:44"),
        ("FROM_UNIXTIME(44, 'mm:ss')", "00:44"),
        ("FROM_UNIXTIME(no_n)", "NULL"),
        ("CONVERT_TZ('1970-01-01 00:00:00', 'UTC', 'America/Los_Angeles')", "1969-12-31 16:00:00"),
        ("CONVERT_TZ('2024-07-01 12:00:00', 'Europe/Berlin', 'GMT-08:00')", "2024-07-01 02:00:00"),
        ("CONVERT_TZ('nonsense', 'UTC', 'Asia/Tokyo')", "NULL"),
        ("CONVERT_TZ('1970-01-01 00:00:00', 'UTC', 'Nowhere')", "error: no zone is called `Nowhere`"),
    ]);
}

#[test]
fn times_have_parts() {
    hold(&[
        ("EXTRACT(DAY FROM DATE '2006-06-05')", "5"),
        ("EXTRACT(MILLISECOND FROM ts)", "56789"),
        ("EXTRACT(EPOCH FROM ts)", "1709210096"),
        ("EXTRACT(CENTURY FROM ts)", "21"),
        ("EXTRACT(DOW FROM ts)", "5"),
        ("EXTRACT(ISODOW FROM ts)", "4"),
        ("YEAR(DATE '1994-09-27')", "1994"),
        ("QUARTER(DATE '1994-09-27')", "3"),
        ("MONTH(DATE '1994-09-27')", "9"),
        ("WEEK(DATE '1994-09-27')", "39"),
        ("WEEK(DATE '2021-01-03')", "53"),
        ("DAYOFYEAR(DATE '1994-09-27')", "270"),
        ("DAYOFMONTH(DATE '1994-09-27')", "27"),
        ("DAYOFWEEK(DATE '1994-09-27')", "3"),
        ("HOUR(ts)", "12"),
        ("MINUTE(TIMESTAMP '1994-09-27 13:14:15')", "14"),
        ("SECOND(TIME '13:14:15')", "15"),
        ("YEAR(CAST(NULL AS DATE))", "NULL"),
        ("YEAR(n)", "error: found YEAR(BIGINT); there is YEAR(TIMESTAMP)"),
    ]);
}

#[test]
fn times_are_cut_and_counted() {
    hold(&[
        ("FLOOR(CAST(ts AS TIMESTAMP(3)) TO HOUR)", "2024-02-29 12:00:00.000"),
        ("CEIL(CAST(ts AS TIMESTAMP(3)) TO HOUR)", "2024-02-29 13:00:00.000"),
        ("CEIL(day TO DAY)", "2024-02-29"),
        ("CEIL(day TO MONTH)", "2024-03-01"),
        ("FLOOR(day TO YEAR)", "2024-01-01"),
        ("FLOOR(day TO QUARTER)", "2024-01-01"),
        ("FLOOR(day TO WEEK)", "2024-02-25"),
        ("FLOOR(TIME '12:44:31' TO MINUTE)", "12:44:00"),
        ("FLOOR(CAST(NULL AS DATE) TO YEAR)", "NULL"),
        ("FLOOR(day TO HOUR)", "error: a DATE has no HOUR"),
        ("TIMESTAMPADD(WEEK, 1, DATE '2003-01-02')", "2003-01-09"),
        ("TIMESTAMPADD(MONTH, 1, DATE '2024-01-31')", "2024-02-29"),
        ("TIMESTAMPADD(YEAR, -1, day)", "2023-02-28"),
        ("TIMESTAMPADD(HOUR, n, CAST(ts AS TIMESTAMP(3)))", "2024-02-29 17:34:56.789"),
        ("TIMESTAMPADD(DAY, no_n, day)", "NULL"),
        ("TIMESTAMPADD(YEAR, 9999, day)", "error: year of four digits"),
        ("TIMESTAMPDIFF(DAY, TIMESTAMP '2003-01-02 10:00:00', TIMESTAMP '2003-01-03 10:00:00')", "1"),
        ("TIMESTAMPDIFF(MONTH, DATE '2024-01-31', DATE '2024-02-29')", "0"),
        ("TIMESTAMPDIFF(MONTH, DATE '2024-02-29', DATE '2024-01-29')", "-1"),
        ("TIMESTAMPDIFF(HOUR, day, ts)", "12"),
        ("TIMESTAMPDIFF(FORTNIGHT, day, ts)", "error: no unit of time is called `FORTNIGHT`"),
        ("ts + INTERVAL '1' DAY > ts", "TRUE"),
    ]);
}

#[test]
fn the_clock_is_the_stamp_of_the_element() {
    hold(&[
        ("CURRENT_TIMESTAMP", "2024-02-29 12:34:56.789"),
        ("NOW()", "2024-02-29 12:34:56.789"),
        ("PROCTIME()", "2024-02-29 12:34:56.789"),
        ("CURRENT_ROW_TIMESTAMP()", "2024-02-29 12:34:56.789"),
        ("LOCALTIMESTAMP", "2024-02-29 12:34:56.789"),
        ("CURRENT_DATE", "2024-02-29"),
        ("CURRENT_TIME", "12:34:56.789"),
        ("LOCALTIME", "12:34:56.789"),
        ("UNIX_TIMESTAMP()", "1709210096"),
        ("UNIX_TIMESTAMP() - n", "1709210091"),
    ]);
}
