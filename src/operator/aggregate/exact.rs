//! Sums of floating point numbers that lose nothing.
//!
//! Floating point addition rounds, so its result depends on the order, and records come in another order after a restart at
//! another parallelism. Here every number is added as the integer it is: a mantissa of 53 bits, shifted to one of 64 places
//! that lie 32 bits apart. Integer sums are exact, in every order; the result is rounded once, at the end.
//!
//! Why not compensated summation (Kahan, Neumaier): it is more exact, but still depends on the order.
//! Source: the idea of a superaccumulator with few wide parts is Radford Neal's, "Fast exact summation using small and large
//! superaccumulators", 2015; ours keeps only the parts that are in use.

use serde::{Deserialize, Serialize};

/// Places lie this many bits apart.
const STEP: u32 = 32;
/// As many places as there are exponents, and room for what carries over.
const DIGITS: usize = 68;
/// The unit of the lowest place: 2 to the power of this, the least number above zero.
const UNIT: i32 = -1074;

/// The exact sum of floating point numbers.
///
/// Two of them that were given the same numbers are equal, in whatever order. It takes about 20 bytes for each 32 binary
/// orders of magnitude in which numbers were met: mostly one or two times. There is room for 2^42 numbers.
///
/// Infinities of both signs, or a NaN, make NaN; one infinity makes that infinity. A sum of zero is `0.0`, never `-0.0`.
///
/// ```
/// use millstream::operator::ExactSum;
///
/// let mut sum = ExactSum::default();
/// [1e100, 1.0, -1e100].into_iter().for_each(|number| sum.add(number));
/// assert_eq!(sum.value(), 1.0);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExactSum {
    /// Sums at places that were met: (place, sum of shifted mantissas), by place.
    parts: Vec<(u8, i128)>,
    plus_infinity: bool,
    minus_infinity: bool,
    nan: bool,
}

impl ExactSum {
    /// Adds a number.
    pub fn add(&mut self, number: f64) {
        if !number.is_finite() {
            self.nan |= number.is_nan();
            self.plus_infinity |= number == f64::INFINITY;
            self.minus_infinity |= number == f64::NEG_INFINITY;
            return;
        }
        let bits = number.to_bits();
        let (exponent, fraction) = ((bits >> 52) as u32 & 0x7ff, bits & ((1 << 52) - 1));
        // Numbers with exponent 0 have no hidden bit, and the scale of those with exponent 1.
        let (mantissa, shift) = if exponent == 0 { (fraction, 0) } else { (fraction | 1 << 52, exponent - 1) };
        if mantissa == 0 {
            return;
        }
        let shifted = i128::from(mantissa) << (shift % STEP);
        self.add_at((shift / STEP) as u8, if number < 0.0 { -shifted } else { shifted });
    }

    fn add_at(&mut self, place: u8, amount: i128) {
        match self.parts.binary_search_by_key(&place, |part| part.0) {
            Ok(at) => self.parts[at].1 = self.parts[at].1.saturating_add(amount),
            Err(at) => self.parts.insert(at, (place, amount)),
        }
    }

    /// Adds another sum.
    pub fn merge(&mut self, other: &ExactSum) {
        other.parts.iter().for_each(|&(place, amount)| self.add_at(place, amount));
        self.plus_infinity |= other.plus_infinity;
        self.minus_infinity |= other.minus_infinity;
        self.nan |= other.nan;
    }

    /// The sum, rounded to the nearest number (of two equally near ones the even one).
    pub fn value(&self) -> f64 {
        match (self.nan || (self.plus_infinity && self.minus_infinity), self.plus_infinity, self.minus_infinity) {
            (true, ..) => f64::NAN,
            (_, true, _) => f64::INFINITY,
            (_, _, true) => f64::NEG_INFINITY,
            _ => match self.digits(1) {
                Some(digits) => round(&digits),
                None => self.digits(-1).map_or(0.0, |digits| -round(&digits)),
            },
        }
    }

    /// The sum times `sign` in base 2^32, lowest digit first; `None` if that is negative.
    fn digits(&self, sign: i128) -> Option<[u32; DIGITS]> {
        let (mut digits, mut carry) = ([0; DIGITS], 0);
        let mut parts = self.parts.iter().peekable();
        for (place, digit) in digits.iter_mut().enumerate() {
            let part = parts.next_if(|part| usize::from(part.0) == place);
            let sum: i128 = carry + part.map_or(0, |part| sign * part.1);
            *digit = sum as u32;
            carry = sum >> STEP;
        }
        (carry >= 0).then_some(digits)
    }
}

/// The number nearest to these digits.
fn round(digits: &[u32; DIGITS]) -> f64 {
    let Some(top) = digits.iter().rposition(|digit| *digit != 0) else { return 0.0 };
    // Three digits have at least 65 bits, more than 53; of what lies below it only matters whether there is anything.
    let base = top.saturating_sub(2);
    let leading = digits[base..=top].iter().rev().fold(0_u128, |number, digit| number << STEP | u128::from(*digit));
    let rest = digits[..base].iter().any(|digit| *digit != 0);
    let exponent = base as i32 * STEP as i32 + UNIT;
    (leading | u128::from(rest)) as f64 * power_of_two(exponent)
}

/// 2 to the power of `exponent`, -1074 to 1023.
fn power_of_two(exponent: i32) -> f64 {
    if exponent < -1022 {
        f64::from_bits(1 << (exponent - UNIT))
    } else {
        f64::from_bits(((exponent + 1023) as u64) << 52)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sum(numbers: &[f64]) -> f64 {
        let mut sum = ExactSum::default();
        numbers.iter().for_each(|number| sum.add(*number));
        sum.value()
    }

    #[test]
    fn what_cancels_out_leaves_no_trace() {
        assert_eq!(sum(&[1e308, 1.0, 1e-300, -1e308, -1.0]), 1e-300);
        assert_eq!(sum(&[f64::MAX, f64::MAX, -f64::MAX, -f64::MAX]).to_bits(), 0);
        assert_eq!(sum(&[-0.0, -0.0]).to_bits(), 0);
    }

    #[test]
    fn what_a_half_way_sum_is_rounded_to_depends_on_the_last_bit_of_all() {
        let half = f64::EPSILON / 2.0;
        assert_eq!(sum(&[1.0, half]), 1.0);
        assert_eq!(sum(&[1.0, half, f64::from_bits(1)]), 1.0 + f64::EPSILON);
        assert_eq!(sum(&[-1.0, -half, -f64::from_bits(1)]), -1.0 - f64::EPSILON);
    }

    #[test]
    fn beyond_the_greatest_number_is_infinity_and_infinities_stay() {
        assert_eq!(sum(&[f64::MAX, f64::MAX]), f64::INFINITY);
        assert_eq!(sum(&[-f64::MAX; 100_000]), f64::NEG_INFINITY);
        assert_eq!(sum(&[f64::INFINITY, -1e308]), f64::INFINITY);
        assert!(sum(&[f64::INFINITY, f64::NEG_INFINITY]).is_nan());
        assert!(sum(&[1.0, f64::NAN]).is_nan());
    }

    #[test]
    fn the_least_numbers_are_summed_too() {
        let least = f64::from_bits(1);
        assert_eq!(sum(&[least, least, least]), f64::from_bits(3));
        assert_eq!(sum(&[f64::MIN_POSITIVE, -least]), f64::from_bits((1 << 52) - 1));
    }

    proptest! {
        /// The sum of two numbers is one of the few things that floating point addition itself rounds correctly.
        #[test]
        fn two_numbers_give_their_sum(a in any::<f64>(), b in any::<f64>()) {
            prop_assume!(a + b != 0.0);
            prop_assert_eq!(sum(&[a, b]), a + b);
        }

        #[test]
        fn three_numbers_of_like_size_give_the_rounded_sum(numbers in proptest::collection::vec(-1_i64 << 62..1 << 62, 3)) {
            let halves: Vec<f64> = numbers.iter().flat_map(|n| [(n >> 32) as f64 * 4_294_967_296.0, (n & 0xffff_ffff) as f64]).collect();
            prop_assert_eq!(sum(&halves), numbers.iter().map(|n| i128::from(*n)).sum::<i128>() as f64);
        }

        #[test]
        fn numbers_and_their_opposites_give_zero(numbers in proptest::collection::vec(proptest::num::f64::NORMAL, 0..50)) {
            let mut all = numbers.clone();
            all.extend(numbers.iter().map(|number| -number));
            prop_assert_eq!(sum(&all).to_bits(), 0);
        }
    }
}
