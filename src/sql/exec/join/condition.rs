//! What must hold of two rows besides their keys.

use super::Columns;
use crate::sql::EvalError;
use crate::sql::eval::Expressions;
use crate::sql::exec::flow::open;
use crate::sql::row::{Row, RowCodec};
use crate::time::Timestamp;
use arrow::array::{BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Schema, SchemaRef};
use datafusion_common::DFSchema;
use datafusion_expr::Expr;

/// A condition over the columns of two rows.
#[derive(Debug)]
pub(super) struct Condition {
    expressions: Expressions,
    /// What it reads of side 0 and of side 1.
    reads: [Reads; 2],
    /// The side whose columns stand in front.
    first: usize,
    /// All columns that it reads.
    schema: SchemaRef,
}

/// What it reads of one side.
#[derive(Debug)]
struct Reads {
    codec: RowCodec,
    columns: Vec<usize>,
    schema: SchemaRef,
}

/// Which candidates are partners.
pub(super) struct Partners(Option<BooleanArray>);

impl Partners {
    /// All of them.
    pub(super) const ALL: Partners = Partners(None);

    /// Whether that candidate is one.
    pub(super) fn has(&self, candidate: usize) -> bool {
        self.0.as_ref().is_none_or(|mask| mask.value(candidate))
    }
}

impl Condition {
    /// * `columns`: of the side that was written on the left, and then of the other.
    /// * `exchanged`: the one that was written on the left is side 1.
    ///
    /// # Errors
    /// If it cannot be evaluated.
    pub(super) fn new(
        columns: &DFSchema,
        condition: &Expr,
        sides: [&Columns; 2],
        exchanged: bool,
    ) -> Result<Self, EvalError> {
        let expressions = Expressions::new(columns, Some(condition), None)?;
        let first = usize::from(exchanged);
        let behind = sides[first].width;
        let reads = [0, 1].map(|side| {
            let of_side = expressions.reads().iter().filter(|column| (**column < behind) == (side == first));
            let columns: Vec<usize> =
                of_side.map(|column| if side == first { *column } else { column - behind }).collect();
            let codec = sides[side].codec.clone();
            let fields = columns.iter().map(|column| codec.schema().fields()[*column].clone());
            let schema = open(&Schema::new(fields.collect::<Vec<_>>()));
            Reads { codec, columns, schema }
        });
        let fields = [first, 1 - first].into_iter().flat_map(|side| reads[side].schema.fields().iter().cloned());
        let schema = SchemaRef::new(Schema::new(fields.collect::<Vec<_>>()));
        Ok(Condition { expressions, reads, first, schema })
    }

    /// Which of the candidates, rows of the other side, are partners of a row of a side.
    ///
    /// * `now`: the stamp of the element.
    ///
    /// # Errors
    /// The message of an error or panic.
    pub(super) fn partners(
        &self,
        side: usize,
        row: &Row,
        candidates: &[Row],
        now: Timestamp,
    ) -> Result<Partners, String> {
        if candidates.is_empty() {
            return Ok(Partners::ALL);
        }
        let repeated = vec![row.clone(); candidates.len()];
        let mut columns = Vec::with_capacity(self.schema.fields().len());
        for at in [self.first, 1 - self.first] {
            let (Reads { codec, columns: read, schema }, rows) =
                (&self.reads[at], if at == side { &repeated } else { candidates });
            let batch = codec.batch_of(rows, read, schema.clone()).map_err(|error| error.to_string())?;
            columns.extend_from_slice(batch.columns());
        }
        let options = RecordBatchOptions::new().with_row_count(Some(candidates.len()));
        let batch = RecordBatch::try_new_with_options(self.schema.clone(), columns, &options);
        let evaluated = self.expressions.evaluate(&batch.map_err(|error| error.to_string())?, now)?;
        Ok(Partners(evaluated.kept))
    }
}
