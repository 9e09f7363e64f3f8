//! Rows to bytes.

use crate::connector::Error;
use serde::Serialize;
use std::cell::RefCell;
use std::fmt::Display;
use std::io::{self, Write};
use std::rc::Rc;

/// How rows are written.
#[derive(Clone, Debug)]
pub(super) enum Format {
    Csv {
        header: Option<Vec<String>>,
    },
    Json,
    /// Records that are lines already.
    Lines {
        header: Option<String>,
    },
}

/// Appends a record of type `T`.
pub(super) type Push<T> = fn(&mut RowBuffer, &T) -> Result<(), Error>;

/// Rows as bytes, whole rows only.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    pub(super) bytes: Vec<u8>,
    pub(super) rows: u64,
}

/// Collects rows as bytes.
pub(super) struct RowBuffer {
    encoder: Encoder,
    rows: u64,
    sink: String,
}

enum Encoder {
    Csv { writer: Box<csv::Writer<Shared>>, bytes: Shared, columns: Option<Vec<String>>, header: Header },
    Lines { bytes: Vec<u8>, header: Option<String> },
}

/// The first line of a CSV file, line end included.
enum Header {
    /// To be made from the first row.
    Unknown,
    /// Rows that have no names make none.
    Known(Option<String>),
}

/// Bytes that can be taken while the CSV writer holds them too, and goes on counting fields.
#[derive(Clone, Default)]
struct Shared(Rc<RefCell<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn csv_writer(bytes: &Shared) -> Box<csv::Writer<Shared>> {
    Box::new(csv::WriterBuilder::new().has_headers(false).from_writer(bytes.clone()))
}

/// Writes the header, which also tells the writer how many fields a row must have, and takes it out again.
fn write_header(writer: &mut csv::Writer<Shared>, bytes: &Shared, columns: &[String]) -> csv::Result<Vec<u8>> {
    let kept = bytes.0.take();
    writer.write_record(columns)?;
    writer.flush()?;
    Ok(bytes.0.replace(kept))
}

/// The line of names that belongs to a row, or nothing if it has no names.
fn names<T: Serialize>(row: &T) -> csv::Result<Option<String>> {
    let encode = |has_headers| {
        let mut writer = csv::WriterBuilder::new().has_headers(has_headers).from_writer(Vec::new());
        writer.serialize(row)?;
        writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))
    };
    let (mut with, without) = (encode(true)?, encode(false)?);
    with.truncate(with.len() - without.len());
    Ok(String::from_utf8(with).ok().filter(|header| !header.is_empty()))
}

impl RowBuffer {
    /// An empty buffer for a sink that messages call `sink`.
    ///
    /// # Errors
    /// If the header has no columns.
    pub(super) fn new(format: &Format, sink: &str) -> Result<Self, Error> {
        let encoder = match format {
            Format::Json => Encoder::Lines { bytes: Vec::new(), header: None },
            Format::Lines { header } => {
                let header = header.as_ref().map(|header| format!("{header}\n"));
                Encoder::Lines { bytes: Vec::new(), header }
            }
            Format::Csv { header: columns } => {
                let bytes = Shared::default();
                let mut writer = csv_writer(&bytes);
                let header = match columns {
                    None => Header::Unknown,
                    Some(columns) if columns.is_empty() => {
                        return Err(Error::user(format!("the header of {sink} has no columns; name at least one")));
                    }
                    Some(columns) => {
                        let line =
                            write_header(&mut writer, &bytes, columns).map_err(|cause| unwritable(sink, &cause))?;
                        Header::Known(String::from_utf8(line).ok())
                    }
                };
                Encoder::Csv { writer, bytes, columns: columns.clone(), header }
            }
        };
        Ok(RowBuffer { encoder, rows: 0, sink: sink.to_owned() })
    }

    /// Appends a row, or nothing if it cannot be written.
    pub(super) fn push<T: Serialize>(&mut self, row: &T) -> Result<(), Error> {
        match &mut self.encoder {
            Encoder::Lines { bytes, .. } => {
                let start = bytes.len();
                if let Err(cause) = serde_json::to_writer(&mut *bytes, row) {
                    bytes.truncate(start);
                    return Err(unwritable(&self.sink, &cause));
                }
                bytes.push(b'\n');
            }
            Encoder::Csv { writer, bytes, columns, header } => {
                if matches!(header, Header::Unknown) {
                    let names = names(row).map_err(|cause| {
                        let hint = format!("{cause} (does it go with its columns named by `.header`?)");
                        unwritable(&self.sink, &hint)
                    })?;
                    *header = Header::Known(names);
                }
                let start = bytes.0.borrow().len();
                // Flushed after each row, so that the bytes end with a whole one.
                if let Err(cause) = writer.serialize(row).and_then(|()| Ok(writer.flush()?)) {
                    // The old writer writes what it has of the row when it is dropped.
                    *writer = csv_writer(bytes);
                    bytes.0.borrow_mut().truncate(start);
                    if let Some(columns) = columns {
                        write_header(writer, bytes, columns).map_err(|cause| unwritable(&self.sink, &cause))?;
                    }
                    return Err(unwritable(&self.sink, &cause));
                }
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// Appends a record's text as a line, or nothing if it has a line break.
    pub(super) fn push_line<T: Display>(&mut self, record: &T) -> Result<(), Error> {
        let Encoder::Lines { bytes, .. } = &mut self.encoder else { return self.push(&record.to_string()) };
        let start = bytes.len();
        // Writing to memory cannot fail, but a record may refuse to be shown.
        let shown = write!(bytes, "{record}");
        if shown.is_err() || memchr::memchr(b'\n', &bytes[start..]).is_some() {
            bytes.truncate(start);
            return Err(unwritable(&self.sink, &"its text is no line"));
        }
        bytes.push(b'\n');
        self.rows += 1;
        Ok(())
    }

    /// How many bytes it holds.
    pub(super) fn len(&self) -> usize {
        match &self.encoder {
            Encoder::Csv { bytes, .. } => bytes.0.borrow().len(),
            Encoder::Lines { bytes, .. } => bytes.len(),
        }
    }

    /// Takes what it holds, and goes on with `empty`.
    pub(super) fn take(&mut self, empty: Vec<u8>) -> Chunk {
        let bytes = match &mut self.encoder {
            Encoder::Csv { bytes, .. } => bytes.0.replace(empty),
            Encoder::Lines { bytes, .. } => std::mem::replace(bytes, empty),
        };
        Chunk { bytes, rows: std::mem::take(&mut self.rows) }
    }

    /// The first line of the file, as far as it is known: given, or made from the first row.
    pub(super) fn header(&self) -> Option<String> {
        match &self.encoder {
            Encoder::Csv { header: Header::Known(header), .. } | Encoder::Lines { header, .. } => header.clone(),
            Encoder::Csv { header: Header::Unknown, .. } => None,
        }
    }
}

fn unwritable(sink: &str, cause: &dyn Display) -> Error {
    Error::user(format!("a row for {sink} cannot be written: {cause}; change its type, or map it before the sink"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[derive(Serialize)]
    struct Hit {
        page: &'static str,
        hits: u64,
    }

    fn text(buffer: &mut RowBuffer) -> String {
        String::from_utf8(buffer.take(Vec::new()).bytes).unwrap()
    }

    fn csv(header: Option<&[&str]>) -> RowBuffer {
        let header = header.map(|columns| columns.iter().map(ToString::to_string).collect());
        RowBuffer::new(&Format::Csv { header }, "file a.csv").unwrap()
    }

    #[test]
    fn the_names_of_the_first_row_are_the_header_but_no_row() {
        let mut buffer = csv(None);
        assert_eq!(buffer.header(), None);
        buffer.push(&Hit { page: "/a,b", hits: 1 }).unwrap();
        assert_eq!(buffer.header().as_deref(), Some("page,hits\n"));
        assert_eq!(text(&mut buffer), "\"/a,b\",1\n");
        buffer.push(&Hit { page: "/", hits: 2 }).unwrap();
        assert_eq!(text(&mut buffer), "/,2\n");
    }

    #[test]
    fn a_header_that_is_given_holds_for_rows_without_names_and_counts_fields() {
        let mut buffer = csv(Some(&["page", "number of hits"]));
        assert_eq!(buffer.header().as_deref(), Some("page,number of hits\n"));
        buffer.push(&("/", 1)).unwrap();
        for _ in 0..2 {
            let error = buffer.push(&("/", 1, 2)).unwrap_err();
            assert!(error.to_string().contains("file a.csv"), "{error}");
        }
        buffer.push(&("/b", 1)).unwrap();
        assert_eq!((buffer.rows, text(&mut buffer)), (2, "/,1\n/b,1\n".to_owned()));
    }

    #[test]
    fn rows_without_names_have_no_header() {
        let mut buffer = csv(None);
        buffer.push(&("/", 1)).unwrap();
        assert_eq!((buffer.header(), text(&mut buffer)), (None, "/,1\n".to_owned()));
    }

    #[test]
    fn a_row_that_fails_in_its_middle_leaves_no_trace() {
        let bad = BTreeMap::from([(1, BTreeMap::from([((1, 2), 3)]))]);
        let mut buffer = RowBuffer::new(&Format::Json, "file a.json").unwrap();
        buffer.push(&1).unwrap();
        assert!(buffer.push(&bad).is_err());
        buffer.push(&2).unwrap();
        let chunk = buffer.take(Vec::new());
        assert_eq!((chunk.rows, chunk.bytes), (2, b"1\n2\n".to_vec()));
        assert_eq!(buffer.len(), 0);
    }

    #[test]
    fn a_header_without_columns_is_refused() {
        let format = Format::Csv { header: Some(Vec::new()) };
        assert!(RowBuffer::new(&format, "file a.csv").is_err());
    }
}
