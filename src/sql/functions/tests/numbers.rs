//! Numbers.

use super::hold;

#[test]
fn numbers_are_computed() {
    hold(&[
        ("ABS(-5)", "5"),
        ("ABS(CAST(-1.5 AS DECIMAL(3, 1)))", "1.5"),
        ("POWER(2, 10)", "1024.0"),
        ("POWER(no_n, 2)", "NULL"),
        ("SQRT(16)", "4.0"),
        ("LN(E())", "1.0"),
        ("LOG10(1000)", "3.0"),
        ("LOG2(8)", "3.0"),
        ("LOG(E())", "1.0"),
        ("ROUND(LOG(2, 8), 5)", "3.0"),
        ("EXP(0)", "1.0"),
        ("SIN(0) + COS(0) + TAN(0) + ASIN(0) + ACOS(1) + ATAN(0) + ATAN2(0, 1)", "1.0"),
        ("SINH(0) + COSH(0) + TANH(0)", "1.0"),
        ("COT(1) > 0.64", "TRUE"),
        ("DEGREES(PI())", "180.0"),
        ("RADIANS(180) = PI()", "TRUE"),
        ("SIGN(-5)", "-1"),
        ("SIGN(-2.5E0)", "-1.0"),
        ("SIGN(c)", "1.00"),
        ("7 / 2", "3"),
        ("7 % 2", "1"),
        ("MOD(-7, 2)", "-1"),
        ("MOD(c, CAST(0.5 AS DECIMAL(10, 2)))", "0.25"),
        ("MOD(n, 0)", "error: a division by zero"),
        ("n / 0", "error: "),
        ("2.5E0 / 0", "Infinity"),
        ("CAST(9223372036854775807 AS BIGINT) + 1", "-9223372036854775808"),
    ]);
}

#[test]
fn numbers_are_rounded() {
    hold(&[
        ("CEIL(2.1E0)", "3.0"),
        ("CEILING(c)", "2"),
        ("FLOOR(-2.1E0)", "-3.0"),
        ("FLOOR(CAST(-1.25 AS DECIMAL(10, 2)))", "-2"),
        ("FLOOR(n)", "5"),
        ("ROUND(2.5E0)", "3.0"),
        ("ROUND(-2.5E0)", "-3.0"),
        ("ROUND(1.005E0, 2)", "1.01"),
        ("ROUND(1234.5E0, -2)", "1200.0"),
        ("ROUND(c, 1)", "1.30"),
        ("ROUND(15, -1)", "20"),
        ("ROUND(n, no_n)", "NULL"),
        ("TRUNCATE(42.324E0, 2)", "42.32"),
        ("TRUNCATE(42.324E0)", "42.0"),
        ("TRUNCATE(-42.9E0)", "-42.0"),
        ("TRUNCATE(1299, -2)", "1200"),
        ("TRUNCATE(no_n)", "NULL"),
    ]);
}

#[test]
fn what_is_left_to_chance_is_refused_with_the_reason() {
    for call in ["UUID()", "RAND()", "RAND(5)", "RAND_INTEGER(10)", "RANDOM()"] {
        hold(&[(call, "error: a replay after a failure would give other rows")]);
    }
}
