//! What the queries of Nexmark give on the rows that `tests/sql/nexmark` reads, by DataFusion's own batch engine: it has all rows at
//! hand and knows no watermark, no state and no change. Writes the expectations there:
//!
//! ```text
//! cargo run --manifest-path tests/nexmark_reference/Cargo.toml
//! ```
//!
//! The queries are said anew in DataFusion's SQL, windows by arithmetic, so that nothing of ours decides what is right.

mod events;
mod queries;

use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::error::Result;
use datafusion::prelude::SessionContext;
use std::path::Path;

/// Of more rows only a digest is kept.
const WHOLE: usize = 200;

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let context = SessionContext::new();
        events::register(&context)?;
        for (name, query) in queries::ALL {
            let mut lines = Vec::new();
            for batch in context.sql(query).await?.collect().await? {
                lines.extend(shown(&batch)?);
            }
            lines.sort();
            write(name, &lines)?;
            println!("{name}: {} rows", lines.len());
        }
        Ok(())
    })
}

/// A line for each row, as Flink's print connector shows it.
fn shown(batch: &RecordBatch) -> Result<Vec<String>> {
    let options = FormatOptions::new().with_null("null");
    let columns = batch.columns().iter().map(|column| ArrayFormatter::try_new(column.as_ref(), &options));
    let columns = columns.collect::<std::result::Result<Vec<_>, _>>()?;
    let field = |column: usize, row| {
        let text = columns[column].value(row).to_string();
        let is_time = matches!(batch.column(column).data_type(), DataType::Timestamp(..)) && text.contains('.');
        if is_time { text.trim_end_matches('0').to_owned() } else { text }
    };
    let row = |row| (0..columns.len()).map(|column| field(column, row)).collect::<Vec<_>>().join(", ");
    Ok((0..batch.num_rows()).map(|number| format!("+I[{}]", row(number))).collect())
}

fn write(name: &str, lines: &[String]) -> Result<()> {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sql/nexmark");
    if lines.len() <= WHOLE {
        std::fs::write(directory.join(format!("{name}.{name}.expected")), &text)?;
    } else {
        let digest = xxhash_rust::xxh3::xxh3_128(text.as_bytes());
        let digest = format!("rows {}\nxxh3 {digest:032x}\n", lines.len());
        std::fs::write(directory.join(format!("{name}.{name}.digest")), digest)?;
    }
    // To see where two answers differ.
    if let Some(all) = std::env::var_os("NEXMARK_LINES") {
        std::fs::write(Path::new(&all).join(format!("{name}.{name}.expected")), text)?;
    }
    Ok(())
}
