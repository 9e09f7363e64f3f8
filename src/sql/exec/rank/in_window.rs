//! The first rows within a window, as an aggregate.

use super::super::order::Order;
use crate::operator::Aggregate;
use crate::sql::row::Row;

/// Keeps the first rows of those it is given.
pub(super) struct FirstRows {
    pub(super) order: Order,
    pub(super) limit: usize,
}

impl Aggregate<Row> for FirstRows {
    /// In order.
    type Accumulator = Vec<Row>;
    type Output = Vec<Row>;

    fn create(&self) -> Vec<Row> {
        Vec::new()
    }

    fn add(&self, first: &mut Vec<Row>, row: &Row) {
        let at = self.order.place(first, row);
        if at < self.limit {
            first.insert(at, row.clone());
            first.truncate(self.limit);
        }
    }

    fn merge(&self, into: &mut Vec<Row>, other: Vec<Row>) {
        other.iter().for_each(|row| self.add(into, row));
    }

    fn finish(&self, first: Vec<Row>) -> Vec<Row> {
        first
    }
}
