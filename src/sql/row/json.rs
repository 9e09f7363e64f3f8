//! Rows as people see them: in dead letters and messages.

use super::{Row, RowCodec};
use crate::sql::text::{plain_json, print_row};
use serde_json::{Map, Value as Json, json};

impl RowCodec {
    /// What a dead letter keeps of a row: it can be read back, and shows the fields by their names.
    pub(in crate::sql) fn letter(&self, row: &Row) -> Json {
        let fields = self.values(row).ok().map(|values| {
            let named = values.iter().zip(self.schema().fields());
            named
                .map(|(value, field)| (field.name().clone(), plain_json(value, field.data_type())))
                .collect::<Map<_, _>>()
        });
        json!({ "kind": row.kind().to_string(), "bytes": row.hex(), "fields": fields })
    }

    /// A row as Flink's print connector shows it: `+I[ada, 3]`.
    pub fn show(&self, row: &Row) -> String {
        let Ok(values) = self.values(row) else { return format!("{row:?}") };
        let mut out = String::new();
        print_row(&mut out, row.kind(), &values, self.schema().fields().iter().map(|field| field.data_type()));
        out
    }
}
