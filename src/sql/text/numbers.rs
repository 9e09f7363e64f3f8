//! Numbers as Java writes them, and decimals.

use std::fmt::Write;

/// Appends a DOUBLE or FLOAT.
///
/// * `shortest`: the shortest text that is read back as the same number.
pub(super) fn write_float(out: &mut String, number: f64, shortest: impl Fn(&mut String, bool)) {
    let size = number.abs();
    if number.is_nan() {
        out.push_str("NaN");
    } else if number.is_infinite() {
        out.push_str(if number > 0.0 { "Infinity" } else { "-Infinity" });
    } else if size == 0.0 || (1e-3..1e7).contains(&size) {
        shortest(out, false);
    } else {
        let start = out.len();
        shortest(out, true);
        // `1E10` is `1.0E10`.
        if let Some(at) = out[start..].find('E').filter(|at| !out[start..start + at].contains('.')) {
            out.insert_str(start + at, ".0");
        }
    }
}

/// Appends a DOUBLE.
pub(super) fn write_f64(out: &mut String, number: f64) {
    write_float(out, number, |out, exponent| {
        // Writing to a text cannot fail.
        let _ = if exponent { write!(out, "{number:E}") } else { write!(out, "{number:?}") };
    });
}

/// Appends a FLOAT.
pub(super) fn write_f32(out: &mut String, number: f32) {
    write_float(out, number.into(), |out, exponent| {
        let _ = if exponent { write!(out, "{number:E}") } else { write!(out, "{number:?}") };
    });
}

/// Appends a DECIMAL: a whole number of its last digit, of which there are `scale` behind the point.
pub(in crate::sql) fn write_decimal(out: &mut String, number: i128, scale: i8) {
    let scale = usize::from(scale.unsigned_abs());
    if number < 0 {
        out.push('-');
    }
    let digits = format!("{:0>width$}", number.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    out.push_str(whole);
    if scale > 0 {
        out.push('.');
        out.push_str(fraction);
    }
}

/// Reads a DECIMAL, rounding half up (away from zero) to its scale; `None` if it is none, or one with too many digits.
pub(super) fn read_decimal(text: &str, precision: u8, scale: i8) -> Option<i128> {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], text[at + 1..].parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (negative, digits) = match mantissa.as_bytes().first()? {
        b'-' => (true, &mantissa[1..]),
        b'+' => (false, &mantissa[1..]),
        _ => (false, mantissa),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = || whole.bytes().chain(fraction.bytes());
    if all().count() == 0 || !all().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // How many of the digits stand before the last that is kept.
    let keep = i64::try_from(whole.len()).ok()? + i64::from(exponent) + i64::from(scale);
    let mut number = 0_i128;
    let mut rounds_up = false;
    for (at, digit) in all().enumerate() {
        let at = i64::try_from(at).ok()?;
        if at < keep {
            number = number.checked_mul(10)?.checked_add(i128::from(digit - b'0'))?;
        } else {
            rounds_up = at == keep && digit >= b'5';
            break;
        }
    }
    let missing = keep - i64::try_from(all().count()).ok()?;
    if missing > 0 && number != 0 {
        number = number.checked_mul(10_i128.checked_pow(u32::try_from(missing).ok()?)?)?;
    }
    number += i128::from(rounds_up);
    let number = if negative { -number } else { number };
    (number.unsigned_abs() < 10_u128.pow(u32::from(precision))).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floating_point_numbers_are_written_as_java_does() {
        let cases = [
            (1.0, "1.0"),
            (0.1, "0.1"),
            (0.001, "0.001"),
            (0.000_99, "9.9E-4"),
            (9_999_999.0, "9999999.0"),
            (1e7, "1.0E7"),
            (-1.5e300, "-1.5E300"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ];
        for (number, text) in cases {
            let mut out = String::new();
            write_f64(&mut out, number);
            assert_eq!(out, text);
        }
        let mut out = String::new();
        write_f32(&mut out, 0.1);
        assert_eq!(out, "0.1");
    }

    #[test]
    fn decimals_are_read_and_written_with_their_scale() {
        let cases = [
            ("1", 100, "1.00"),
            ("-0.005", -1, "-0.01"),
            ("0.004", 0, "0.00"),
            ("1.5e2", 15_000, "150.00"),
            ("12.345E-1", 123, "1.23"),
            ("+.5", 50, "0.50"),
        ];
        for (text, number, written) in cases {
            assert_eq!(read_decimal(text, 10, 2), Some(number), "{text}");
            let mut out = String::new();
            write_decimal(&mut out, number, 2);
            assert_eq!(out, written);
        }
        for text in ["", ".", "1.2.3", "a", "1e", "99999999999", "1e300", "--1"] {
            assert_eq!(read_decimal(text, 10, 2), None, "{text}");
        }
        let mut out = String::new();
        write_decimal(&mut out, -7, 0);
        assert_eq!(out, "-7");
    }
}
