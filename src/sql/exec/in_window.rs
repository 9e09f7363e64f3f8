//! Windows that rows bring with them.

use crate::operator::window::{Assigner, Window};
use crate::sql::row::{Row, RowCodec, Value};
use crate::time::Timestamp;

/// Puts each row into the window that its own columns tell: those of `window_start` and `window_end`, in milliseconds. A row
/// with NULL in one of them is in no window.
#[derive(Clone, Debug)]
pub(in crate::sql) struct InColumns {
    codec: RowCodec,
    start: usize,
    end: usize,
}

impl InColumns {
    /// Of the rows of a codec.
    pub(in crate::sql) fn new(codec: &RowCodec, start: usize, end: usize) -> Self {
        InColumns { codec: codec.clone(), start, end }
    }
}

impl Assigner<Row> for InColumns {
    fn name(&self) -> String {
        format!("columns {} and {}", self.start, self.end)
    }

    fn assign(&self, row: &Row, _: Timestamp, windows: &mut Vec<Window>) {
        let [start, end] = [self.start, self.end].map(|column| self.codec.value(row, column));
        if let (Ok(Value::Int(start)), Ok(Value::Int(end))) = (start, end) {
            windows.push(Window::new(Timestamp::from_millis(start), Timestamp::from_millis(end)));
        }
    }
}
