//! A file of lines in order of their keys, and changes of them, as a new such file.

use super::KeyOf;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{self, BufRead, ErrorKind, Write};
use xxhash_rust::xxh3::Xxh3;

/// What a file holds, in short: equal ones hold the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Print {
    pub(super) length: u64,
    hash: u64,
}

impl Default for Print {
    /// Of an empty file, or none.
    fn default() -> Self {
        Printing::default().print()
    }
}

/// Takes the print of bytes as they pass.
#[derive(Default)]
struct Printing {
    length: u64,
    hash: Xxh3,
}

impl Printing {
    fn pass(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        self.hash.update(bytes);
    }

    fn print(&self) -> Print {
        Print { length: self.length, hash: self.hash.digest() }
    }
}

/// The print of all that can be read.
pub(super) fn print(mut file: impl BufRead) -> io::Result<Print> {
    let mut printing = Printing::default();
    loop {
        let bytes = file.fill_buf()?;
        if bytes.is_empty() {
            return Ok(printing.print());
        }
        printing.pass(bytes);
        let length = bytes.len();
        file.consume(length);
    }
}

/// What becomes of keys: their new line, or `None` if it goes.
pub(super) type Changes<K> = BTreeMap<K, Option<String>>;

/// Writes what becomes of a file; returns the prints of both.
///
/// * `header`: the first line, which has no key.
///
/// # Errors
/// What fails in reading and writing; [`ErrorKind::InvalidData`] if a line has no key, or one that is not above that before it.
pub(super) fn merge<K: Ord>(
    mut old: impl BufRead,
    changes: Changes<K>,
    (header, key): (Option<&str>, &KeyOf<K>),
    out: impl Write,
) -> io::Result<(Print, Print)> {
    let mut out = Out { out, printing: Printing::default() };
    if let Some(header) = header {
        out.line(header)?;
    }
    let (mut before, mut last, mut is_header) = (Printing::default(), None, header.is_some());
    let mut changes = changes.into_iter().peekable();
    let mut line = String::new();
    while old.read_line(&mut line)? > 0 {
        before.pass(line.as_bytes());
        let text = line.strip_suffix('\n').unwrap_or(&line);
        if !std::mem::take(&mut is_header) {
            let invalid = |what| io::Error::new(ErrorKind::InvalidData, format!("{what}: {text}"));
            let found = key(text).ok_or_else(|| invalid("a line has no key"))?;
            if last.as_ref().is_some_and(|last| *last >= found) {
                return Err(invalid("a line is not in order of the keys"));
            }
            while let Some((_, put)) = changes.next_if(|(changed, _)| *changed < found) {
                put.map_or(Ok(()), |put| out.line(&put))?;
            }
            match changes.next_if(|(changed, _)| *changed == found) {
                Some((_, put)) => put.map_or(Ok(()), |put| out.line(&put))?,
                None => out.line(text)?,
            }
            last = Some(found);
        }
        line.clear();
    }
    for put in changes.filter_map(|(_, put)| put) {
        out.line(&put)?;
    }
    out.out.flush()?;
    Ok((before.print(), out.printing.print()))
}

struct Out<W> {
    out: W,
    printing: Printing,
}

impl<W: Write> Out<W> {
    fn line(&mut self, line: &str) -> io::Result<()> {
        for part in [line.as_bytes(), b"\n"] {
            self.printing.pass(part);
            self.out.write_all(part)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn merged(old: &str, changes: &[(u32, Option<&str>)], header: Option<&str>) -> io::Result<String> {
        let key: KeyOf<u32> = Arc::new(|line| line.split(',').next()?.parse().ok());
        let changes = changes.iter().map(|(key, line)| (*key, line.map(str::to_owned))).collect();
        let mut out = Vec::new();
        let (before, after) = merge(old.as_bytes(), changes, (header, &key), &mut out)?;
        assert_eq!((before, after), (print(old.as_bytes())?, print(&out[..])?));
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn lines_are_replaced_added_and_removed_in_order_of_their_keys() {
        let changes = [(1, Some("1,a")), (2, None), (5, Some("5,new")), (7, None), (10, Some("10,z"))];
        let new = merged("2,b\n3,c\n5,old\n9,y\n", &changes, None).unwrap();
        assert_eq!(new, "1,a\n3,c\n5,new\n9,y\n10,z\n");
        assert_eq!(merged(&new, &[], None).unwrap(), new);
    }

    #[test]
    fn the_header_stays_the_first_line_and_has_no_key() {
        assert_eq!(merged("", &[], Some("n,x")).unwrap(), "n,x\n");
        assert_eq!(merged("n,x\n2,b\n", &[(1, Some("1,a"))], Some("n,x")).unwrap(), "n,x\n1,a\n2,b\n");
    }

    #[test]
    fn lines_without_a_key_or_out_of_order_are_refused() {
        for (old, what) in [("1,a\nx\n", "no key: x"), ("2,b\n1,a\n", "order of the keys: 1,a"), ("1,a\n1,b\n", "1,b")]
        {
            let error = merged(old, &[], None).unwrap_err();
            assert!(error.kind() == ErrorKind::InvalidData && error.to_string().contains(what), "{error}");
        }
    }
}
