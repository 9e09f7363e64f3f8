//! What a join does with rows, whatever brings them together.

use super::condition::{Condition, Partners};
use super::kind::Kind;
use super::{Columns, Join};
use crate::operator::process::Failure;
use crate::sql::exec::ExecError;
use crate::sql::exec::flow::open;
use crate::sql::row::{KeyCodec, PairCodec, Row, RowCodec, RowError, RowKey, RowKind};
use crate::time::Timestamp;

/// Keys, condition, and results of a join.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) kind: Kind,
    keys: [KeyCodec; 2],
    condition: Option<Condition>,
    pairs: PairCodec,
    output: RowCodec,
}

impl Shape {
    /// The shape of a join, and whether its side 0 is not the left one.
    ///
    /// # Errors
    /// If the columns do not fit, or the condition cannot be evaluated.
    pub(super) fn new(left: &Columns, right: &Columns, join: &Join<'_>) -> Result<(Self, bool), ExecError> {
        let (kind, exchanged) = Kind::of(join.kind, join.at)?;
        let sides = if exchanged { [right, left] } else { [left, right] };
        let [first, second] = sides.map(|side| KeyCodec::new(&side.codec, &side.keys));
        let keys = [first?, second?];
        // Keys are compared as bytes, so they must be stored alike.
        let stored = [RowCodec::new(keys[0].schema())?, RowCodec::new(keys[1].schema())?];
        PairCodec::new((&stored[0], usize::MAX), (&stored[1], 0), &stored[1])?;
        let written = |(columns, condition)| Condition::new(columns, condition, sides, exchanged);
        let condition = join.condition.map(written).transpose()?;
        let output = RowCodec::new(&open(join.output))?;
        let second = if kind.gives_pairs() { sides[1].width } else { 0 };
        let pairs = PairCodec::new((&sides[0].codec, sides[0].width), (&sides[1].codec, second), &output)?;
        Ok((Shape { kind, keys, condition, pairs, output }, exchanged))
    }

    /// Of the results.
    pub(super) fn output(&self) -> &RowCodec {
        &self.output
    }

    /// Whether there is a condition besides the keys.
    pub(super) fn has_condition(&self) -> bool {
        self.condition.is_some()
    }

    /// The key of a row of a side.
    pub(super) fn key(&self, side: usize, row: &Row) -> Result<RowKey, RowError> {
        self.keys[side].key(row)
    }

    /// Whether no row with this key has a partner.
    pub(super) fn is_unequal(&self, key: &RowKey) -> Result<bool, RowError> {
        self.keys[0].has_null(key)
    }

    /// Which of the candidates, rows of the other side with the same key, are partners of a row of a side.
    pub(super) fn partners(
        &self,
        side: usize,
        row: &Row,
        candidates: &[Row],
        now: Timestamp,
    ) -> Result<Partners, Failure> {
        let Some(condition) = &self.condition else { return Ok(Partners::ALL) };
        Ok(condition.partners(side, row, candidates, now)?)
    }

    /// As [`partners`](Self::partners), of candidates with something else; leaves the partners.
    pub(super) fn only_partners<T>(
        &self,
        side: usize,
        row: &Row,
        candidates: &mut Vec<(Row, T)>,
        now: Timestamp,
    ) -> Result<(), Failure> {
        if self.condition.is_some() && !candidates.is_empty() {
            let rows: Vec<Row> = candidates.iter().map(|(row, _)| row.clone()).collect();
            let partners = self.partners(side, row, &rows, now)?;
            let mut number = 0;
            candidates.retain(|_| {
                number += 1;
                partners.has(number - 1)
            });
        }
        Ok(())
    }

    /// The result for a row of a side and a partner.
    pub(super) fn pair(&self, side: usize, row: &Row, partner: &Row, kind: RowKind) -> Result<Row, RowError> {
        let (left, right) = if side == 0 { (row, partner) } else { (partner, row) };
        self.pairs.join(kind, Some(left), Some(right))
    }

    /// The result for a row of a side by itself.
    pub(super) fn alone(&self, side: usize, row: &Row, kind: RowKind) -> Result<Row, RowError> {
        match side {
            0 => self.pairs.join(kind, Some(row), None),
            _ => self.pairs.join(kind, None, Some(row)),
        }
    }
}
