//! The highest of many.

use serde::{Deserialize, Serialize};

/// Those with the highest score, all of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Highest<T> {
    pub score: u64,
    pub who: Vec<T>,
}

impl<T> Default for Highest<T> {
    fn default() -> Self {
        Highest { score: 0, who: Vec::new() }
    }
}

impl<T> Highest<T> {
    /// Takes one in if nobody has a higher score.
    pub fn offer(&mut self, score: u64, who: impl FnOnce() -> T) {
        if score > self.score {
            self.score = score;
            self.who.clear();
        }
        if score == self.score {
            self.who.push(who());
        }
    }

    /// Takes in those of others.
    pub fn merge(&mut self, mut other: Self) {
        if other.score > self.score {
            *self = other;
        } else if other.score == self.score {
            self.who.append(&mut other.who);
        }
    }
}
