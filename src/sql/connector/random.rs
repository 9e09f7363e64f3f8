//! Numbers that look like chance, and are a function of where they begin.

/// A row of numbers for each pair of a seed and a number.
///
/// Source: SplitMix64, Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
pub(super) struct Random(u64);

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

impl Random {
    /// Those of the thing with this number.
    pub(super) fn of(seed: u64, number: u64) -> Self {
        Random(mix(mix(seed.wrapping_add(STEP)).wrapping_add(number.wrapping_mul(STEP))))
    }

    /// Any number.
    pub(super) fn any(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    /// A number from 0 to below `bound`; 0 if that is 0.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.any()) * u128::from(bound)) >> 64) as u64
    }

    /// A number from `min` to `max`, both included; `min` if there is none.
    pub(super) fn between(&mut self, min: i64, max: i64) -> i64 {
        let width = i128::from(max) - i128::from(min) + 1;
        let above = (u128::from(self.any()) * width.max(0).unsigned_abs()) >> 64;
        // Not above `max`, by what `above` is below.
        (i128::from(min) + above as i128) as i64
    }

    /// A fraction from 0 to below 1.
    pub(super) fn fraction(&mut self) -> f64 {
        (self.any() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Appends so many characters of an alphabet of ASCII.
    pub(super) fn text(&mut self, out: &mut String, alphabet: &[u8; 16], length: usize) {
        let mut left = length;
        while left > 0 {
            let mut bits = self.any();
            for _ in 0..left.min(16) {
                out.push(char::from(alphabet[(bits & 15) as usize]));
                bits >>= 4;
            }
            left -= left.min(16);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_from_a_seed_and_a_number_is_always_the_same_and_differs_from_others() {
        let first = |seed, number| Random::of(seed, number).any();
        assert_eq!(first(1, 2), first(1, 2));
        let mut seen: Vec<u64> = (0..20).flat_map(|seed| (0..20).map(move |number| first(seed, number))).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 400);
    }

    #[test]
    fn numbers_stay_within_their_bounds_and_reach_them() {
        let mut random = Random::of(0, 0);
        let mut seen: Vec<i64> = (0..1_000).map(|_| random.between(-2, 2)).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen, [-2, -1, 0, 1, 2]);
        assert_eq!(random.between(7, 7), 7);
        assert_eq!(random.below(1), 0);
        assert_eq!(random.below(0), 0);
        let all: Vec<i64> = (0..100).map(|_| random.between(i64::MIN, i64::MAX)).collect();
        assert!(all.iter().any(|n| *n < 0) && all.iter().any(|n| *n > 0));
        assert!((0..1_000).map(|_| random.fraction()).all(|n| (0.0..1.0).contains(&n)));
    }

    #[test]
    fn a_text_is_as_long_as_it_is_asked_to_be() {
        for length in [0, 1, 15, 16, 17, 100] {
            let mut text = String::new();
            Random::of(0, 1).text(&mut text, b"0123456789abcdef", length);
            assert_eq!(text.len(), length);
        }
    }
}
