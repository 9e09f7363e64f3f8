//! One column: what is kept for it, and how it is computed.

use super::Frame;
use crate::operator::Aggregate;
use crate::operator::process::Failure;
use crate::sql::aggregate::{Accumulators, Aggregates};
use crate::sql::row::{Row, RowCodec, RowKey, Value};
use crate::state::{Keyed, MapState};
use serde::{Deserialize, Serialize};

/// The rows of a key that have gone on and are still looked at, by their number, with their event times.
pub(super) type Past = MapState<RowKey, u64, (i64, Row)>;

/// A function over columns of a row.
pub(super) enum Function {
    /// The number of the row, from 1.
    Number,
    /// How many rows have an earlier time, and 1.
    Rank,
    /// How many earlier times there are, and 1.
    DenseRank,
    /// A column of the row so many rows before, or of that row the default's.
    Lag {
        of: usize,
        default: Option<usize>,
        back: u64,
    },
    /// The first value of a column that is not NULL.
    First(usize, Frame),
    /// The last.
    Last(usize, Frame),
    Aggregate(Box<Aggregates>, Frame),
}

/// What is kept for a function, per key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Held {
    /// The number of the first row of the frame.
    first: u64,
    what: What,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum What {
    Nothing,
    /// The row with the first or last value.
    Row(Option<Row>),
    Aggregate(Accumulators),
}

/// Where in its partition a row is.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// Its number, from 1.
    pub(super) number: u64,
    /// The number of the first row of its time.
    pub(super) peers: u64,
    /// How many different times there are up to it.
    pub(super) times: u64,
    /// Its event time.
    pub(super) time: i64,
}

/// The rows that are looked at, of one key.
pub(super) struct Behind<'p> {
    pub(super) codec: &'p RowCodec,
    pub(super) past: &'p Past,
    pub(super) at: Keyed<'p, RowKey>,
}

impl Behind<'_> {
    fn row(&self, number: u64) -> Result<Option<(i64, Row)>, Failure> {
        Ok(self.past.get(self.at, &number)?)
    }

    /// A value of the first of some rows that has one.
    fn value(&self, numbers: impl Iterator<Item = u64>, column: usize) -> Result<Value<'static>, Failure> {
        for number in numbers {
            if let Some((_, row)) = self.row(number)?
                && let value = self.codec.value(&row, column)?
                && !value.is_null()
            {
                return Ok(value.into_owned());
            }
        }
        Ok(Value::Null)
    }
}

impl Function {
    fn frame(&self) -> Option<Frame> {
        match self {
            Function::First(_, frame) | Function::Last(_, frame) | Function::Aggregate(_, frame) => Some(*frame),
            _ => None,
        }
    }

    /// Whether all rows of one time have one value.
    pub(super) fn has_peers(&self) -> bool {
        self.frame().is_some_and(Frame::has_peers)
    }

    /// Whether rows are looked at after they have gone on.
    pub(super) fn looks_back(&self) -> bool {
        matches!(self, Function::Lag { .. }) || self.frame().is_some_and(Frame::is_bounded)
    }

    /// How many milliseconds after the last row nothing is needed any more; `None`: never.
    pub(super) fn horizon(&self) -> Option<i64> {
        match self.frame() {
            Some(Frame::Range(millis)) => millis,
            _ => None,
        }
    }

    /// What is kept before the first row.
    pub(super) fn create(&self) -> Held {
        let what = match self {
            Function::Aggregate(machine, _) => What::Aggregate(machine.create()),
            Function::First(_, frame) | Function::Last(_, frame) if !frame.is_bounded() => What::Row(None),
            _ => What::Nothing,
        };
        Held { first: 1, what }
    }

    /// The first row that is needed when the row behind `last` comes.
    pub(super) fn needs(&self, held: &Held, last: u64) -> u64 {
        match self {
            Function::Lag { back, .. } => (last + 1).saturating_sub(*back),
            _ if self.looks_back() => held.first,
            _ => u64::MAX,
        }
    }

    /// Lets a row into the frame.
    pub(super) fn enter(&self, held: &mut Held, row: &Row, codec: &RowCodec) -> Result<(), Failure> {
        match (self, &mut held.what) {
            (Function::Aggregate(machine, _), What::Aggregate(kept)) => machine.change(kept, row, 1)?,
            (Function::First(of, _), What::Row(first @ None)) if !codec.value(row, *of)?.is_null() => {
                *first = Some(row.clone());
            }
            (Function::Last(of, _), What::Row(last)) if !codec.value(row, *of)?.is_null() => {
                *last = Some(row.clone());
            }
            _ => {}
        }
        Ok(())
    }

    /// Lets the rows go that the frame of the row at `place` does not hold.
    pub(super) fn leave(&self, held: &mut Held, place: Place, behind: &Behind<'_>) -> Result<(), Failure> {
        let Some(frame) = self.frame().filter(|frame| frame.is_bounded()) else { return Ok(()) };
        while held.first < place.number {
            let row = behind.row(held.first)?;
            let stays = match (frame, &row) {
                (Frame::Rows(Some(before)), _) => held.first >= place.number.saturating_sub(before),
                (Frame::Range(Some(millis)), Some((time, _))) => *time >= place.time.saturating_sub(millis),
                _ => false,
            };
            if stays {
                break;
            }
            if let (Function::Aggregate(machine, _), What::Aggregate(kept), Some((_, row))) =
                (self, &mut held.what, row)
            {
                machine.change(kept, &row, -1)?;
            }
            held.first += 1;
        }
        Ok(())
    }

    /// The value for a row, when all rows of its frame have entered and no other is there.
    pub(super) fn value(
        &self,
        held: &Held,
        place: Place,
        row: &Row,
        behind: &Behind<'_>,
    ) -> Result<Value<'static>, Failure> {
        let codec = behind.codec;
        Ok(match (self, &held.what) {
            (Function::Number, _) => Value::Unsigned(place.number),
            (Function::Rank, _) => Value::Unsigned(place.peers),
            (Function::DenseRank, _) => Value::Unsigned(place.times),
            (Function::Lag { of, default, back }, _) => {
                let before = place.number.checked_sub(*back).filter(|number| *number > 0);
                match before.map(|number| behind.row(number)).transpose()?.flatten() {
                    Some((_, before)) => codec.value(&before, *of)?.into_owned(),
                    None => match default {
                        Some(default) => codec.value(row, *default)?.into_owned(),
                        None => Value::Null,
                    },
                }
            }
            (Function::First(of, _) | Function::Last(of, _), What::Row(found)) => match found {
                Some(row) => codec.value(row, *of)?.into_owned(),
                None => Value::Null,
            },
            (Function::First(of, _), _) => behind.value(held.first..=place.number, *of)?,
            (Function::Last(of, _), _) => behind.value((held.first..=place.number).rev(), *of)?,
            (Function::Aggregate(machine, _), What::Aggregate(kept)) => {
                machine.values(kept)?.pop().unwrap_or(Value::Null)
            }
            (Function::Aggregate(..), _) => Value::Null,
        })
    }
}
