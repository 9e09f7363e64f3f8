//! A sketch that counts different values in little memory.
//!
//! Of the hashes of random values half end in a one bit, a quarter in `10`, an eighth in `100`: whoever has seen a hash with
//! n zeros at its end has probably seen about 2^n different ones. HyperLogLog deals hashes over m registers by some of their
//! bits, keeps in each register the longest run of zeros it has met (its *rank*, the zeros and the one behind them), and
//! makes one estimate of all registers.
//!
//! * As long as there are at most m / 32 different hashes they are kept themselves: small counts are exact (but for two
//!   values with the same 64 bits), and take less memory.
//! * The lowest bits choose the register and those above make the rank. The highest ones, which choose a key's place in the
//!   job, are left out, so that a sketch over the keys of one subtask is as good as any.
//! * A sketch is a function of the set of hashes alone. So order is nothing, and parts may be merged.
//!
//! Why not a crate: those that are well kept make the estimate depend on the order of the records, hash by themselves, or
//! cannot be stored by serde; and the sketch is short.
//!
//! Source: Flajolet, Fusy, Gandouet, Meunier, "HyperLogLog: the analysis of a near-optimal cardinality estimation
//! algorithm", AofA 2007; exact counts in front as in Heule, Nunkesser, Hall, "HyperLogLog in Practice", EDBT 2013; the
//! estimate without bias tables is algorithm 6 of Ertl, "New cardinality estimation algorithms for HyperLogLog sketches",
//! 2017.

use serde::{Deserialize, Serialize};

/// From how many to how many bits may choose a register.
const PRECISION: std::ops::RangeInclusive<u8> = 4..=18;
/// Registers per hash that is kept: what is kept takes a quarter of what the registers would.
const REGISTERS_PER_HASH: usize = 32;

/// A HyperLogLog sketch over 64-bit hashes: estimates how many different ones it has been given.
///
/// ```
/// use millstream::operator::HyperLogLog;
/// use millstream::record::hash_key;
///
/// let mut sketch = HyperLogLog::new(12);
/// for user in ["ada", "bob", "ada"] {
///     sketch.add(hash_key(user));
/// }
/// assert_eq!(sketch.count(), 2);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HyperLogLog {
    precision: u8,
    content: Content,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Content {
    /// All hashes, sorted.
    Hashes(Vec<u64>),
    /// The highest rank met by each register.
    Registers(Vec<u8>),
}

impl HyperLogLog {
    /// An empty sketch.
    ///
    /// * `precision`: there are 2^`precision` registers of a byte; 4 to 18, else the nearer of the two. The standard error
    ///   is `1.04 / sqrt(2^precision)`.
    pub fn new(precision: u8) -> Self {
        let precision = precision.clamp(*PRECISION.start(), *PRECISION.end());
        HyperLogLog { precision, content: Content::Hashes(Vec::new()) }
    }

    /// Adds a hash, all of whose bits must be as good as random.
    pub fn add(&mut self, hash: u64) {
        match &mut self.content {
            Content::Hashes(hashes) => {
                let Err(at) = hashes.binary_search(&hash) else { return };
                hashes.insert(at, hash);
                if hashes.len() > (1 << self.precision) / REGISTERS_PER_HASH {
                    self.content = Content::Registers(registers(hashes, self.precision));
                }
            }
            Content::Registers(registers) => meet(registers, hash, self.precision),
        }
    }

    /// Adds all that another sketch has been given. If it has another precision, the lower one counts from now on.
    pub fn merge(&mut self, mut other: HyperLogLog) {
        self.lower_to(other.precision);
        other.lower_to(self.precision);
        match (&mut self.content, other.content) {
            (_, Content::Hashes(hashes)) => hashes.into_iter().for_each(|hash| self.add(hash)),
            (Content::Hashes(hashes), Content::Registers(mut registers)) => {
                hashes.iter().for_each(|hash| meet(&mut registers, *hash, self.precision));
                self.content = Content::Registers(registers);
            }
            (Content::Registers(into), Content::Registers(registers)) => {
                into.iter_mut().zip(registers).for_each(|(into, rank)| *into = rank.max(*into));
            }
        }
    }

    /// Becomes what it would be, had it always had this precision; nothing if its own is not higher.
    fn lower_to(&mut self, precision: u8) {
        if precision >= self.precision {
            return;
        }
        match &self.content {
            Content::Hashes(hashes) if hashes.len() > (1 << precision) / REGISTERS_PER_HASH => {
                self.content = Content::Registers(registers(hashes, precision));
            }
            Content::Hashes(_) => {}
            Content::Registers(before) => {
                let mut fewer = vec![0; 1 << precision];
                for (index, &rank) in before.iter().enumerate().filter(|(_, rank)| **rank > 0) {
                    // The bits that no longer choose the register now come first in the rank.
                    let freed = index >> precision;
                    let rank =
                        if freed == 0 { self.precision - precision + rank } else { freed.trailing_zeros() as u8 + 1 };
                    let register = &mut fewer[index & ((1 << precision) - 1)];
                    *register = rank.max(*register);
                }
                self.content = Content::Registers(fewer);
            }
        }
        self.precision = precision;
    }

    /// About how many different hashes there were.
    pub fn count(&self) -> u64 {
        match &self.content {
            Content::Hashes(hashes) => hashes.len() as u64,
            Content::Registers(registers) => estimate(registers, 64 - usize::from(self.precision)).round() as u64,
        }
    }
}

/// The registers of these hashes.
fn registers(hashes: &[u64], precision: u8) -> Vec<u8> {
    let mut registers = vec![0; 1 << precision];
    hashes.iter().for_each(|hash| meet(&mut registers, *hash, precision));
    registers
}

/// Shows a hash to its register.
fn meet(registers: &mut [u8], hash: u64, precision: u8) {
    let index = (hash & ((1 << precision) - 1)) as usize;
    let rest = 64 - u32::from(precision);
    let rank = (hash >> precision).trailing_zeros().min(rest) as u8 + 1;
    registers[index] = rank.max(registers[index]);
}

/// Ertl's estimate: `bits` of each hash made its rank, so ranks go up to `bits + 1`.
fn estimate(registers: &[u8], bits: usize) -> f64 {
    let mut ranks = vec![0_u32; bits + 2];
    registers.iter().for_each(|rank| ranks[usize::from(*rank)] += 1);
    let m = registers.len() as f64;
    let share = |rank: usize| f64::from(ranks[rank]) / m;
    let mut z = m * tau(1.0 - share(bits + 1));
    for rank in (1..=bits).rev() {
        z = 0.5 * (z + f64::from(ranks[rank]));
    }
    z += m * sigma(share(0));
    m * m / (2.0 * std::f64::consts::LN_2 * z)
}

/// `x + sum of x^(2^k) * 2^(k-1)` over all k from 1 on; infinite at 1.
fn sigma(x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut x, mut y, mut z) = (x, 1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z == before {
            return z;
        }
    }
}

/// `(1 - x - sum of (1 - x^(2^-k))^2 * 2^-k) / 3` over all k from 1 on.
fn tau(x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut x, mut y, mut z) = (x, 1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x) * (1.0 - x) * y;
        if z == before {
            return z / 3.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::hash_key;
    use proptest::prelude::*;

    fn sketch(values: std::ops::Range<u64>, precision: u8) -> HyperLogLog {
        let mut sketch = HyperLogLog::new(precision);
        values.for_each(|value| sketch.add(hash_key(&value)));
        sketch
    }

    #[test]
    fn counts_are_exact_while_they_are_small() {
        for count in [0, 1, 2, 127, 128] {
            assert_eq!(sketch(0..count, 12).count(), count);
        }
    }

    #[test]
    fn counts_of_every_size_are_as_near_as_promised() {
        for (precision, sizes) in [(12, [129, 1_000, 5_000, 50_000, 400_000]), (8, [9, 100, 1_000, 10_000, 100_000])] {
            let promised = 1.04 / f64::from(1_u32 << precision).sqrt();
            for size in sizes {
                // The mean square over many sketches is what the standard error speaks of.
                let trials = 2_000_000_u64.div_ceil(size).min(40);
                let squares: f64 = (0..trials)
                    .map(|trial| sketch(trial * size..(trial + 1) * size, precision).count() as f64 / size as f64 - 1.0)
                    .map(|error| error * error)
                    .sum();
                let error = (squares / trials as f64).sqrt();
                assert!(error < 1.5 * promised, "{size} values at precision {precision}: {error}");
            }
        }
    }

    #[test]
    fn a_count_over_the_keys_of_one_place_is_as_good_as_any() {
        let mut some = HyperLogLog::new(12);
        let here = (0..2_000_000_u64).map(|value| hash_key(&value)).filter(|hash| hash >> 57 == 3);
        let exact = here.inspect(|hash| some.add(*hash)).count() as f64;
        assert!((some.count() as f64 / exact - 1.0).abs() < 0.05, "{} instead of {exact}", some.count());
    }

    #[test]
    fn a_precision_out_of_bounds_is_the_nearest_within() {
        assert_eq!([HyperLogLog::new(0).precision, HyperLogLog::new(200).precision], [4, 18]);
    }

    proptest! {
        #[test]
        fn fewer_registers_are_as_if_there_had_never_been_more(count in 0_u64..3_000, high in 4_u8..14, low in 4_u8..14) {
            let (mut merged, other) = (sketch(0..count, high), sketch(count / 2..2 * count, low));
            merged.merge(other);
            prop_assert_eq!(merged, sketch(0..2 * count, high.min(low)));
        }
    }

    #[test]
    fn a_hash_of_zeros_has_the_highest_rank() {
        let mut registers = vec![0; 16];
        meet(&mut registers, 0, 4);
        meet(&mut registers, 1 << 63 | 1, 4);
        assert_eq!(registers[..2], [61, 60]);
    }
}
