//! A line written down, for dead letters: its place and its bytes.

use super::{Chunk, Content, Line};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::sync::Arc;

#[derive(Serialize, Deserialize)]
struct Stored {
    path: String,
    offset: u64,
    /// Bytes that are no UTF-8 are replaced; `bytes` has them then.
    text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bytes: Option<Vec<u8>>,
}

impl Serialize for Line {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.text().into_owned();
        let bytes = (text.as_bytes() != self.bytes()).then(|| self.bytes().to_vec());
        Stored { path: self.path().to_owned(), offset: self.offset(), text, bytes }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Line {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Stored { path, offset, text, bytes } = Stored::deserialize(deserializer)?;
        let buffer = bytes.unwrap_or_else(|| text.into_bytes());
        let length = u32::try_from(buffer.len()).map_err(|_| D::Error::custom("a line is shorter than 4 GiB"))?;
        let content = Content::new(buffer, length as usize);
        let chunk = Chunk { content, offset, file: path.into(), pool: Arc::default() };
        Ok(Line { chunk: Arc::new(chunk), start: 0, length })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_written_down_and_read_back_with_its_place() {
        for bytes in [&b"GET /"[..], &[0xff, b'a'], b""] {
            let content = Content::new(bytes.to_vec(), bytes.len());
            let chunk = Chunk { content, offset: 70, file: "a.log".into(), pool: Arc::default() };
            let line = Line { chunk: Arc::new(chunk), start: 0, length: bytes.len() as u32 };
            let read: Line = serde_json::from_value(serde_json::to_value(&line).unwrap()).unwrap();
            assert_eq!((read.path(), read.offset(), read.bytes()), ("a.log", 70, bytes));
        }
    }
}
