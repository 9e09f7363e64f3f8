//! A reader that looks at the visible files while the job runs: what it has seen once must stay.

use crate::process::OUTPUTS;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Remembers what it has seen of each visible file.
pub(crate) struct Witness {
    directory: PathBuf,
    seen: BTreeMap<&'static str, Vec<u8>>,
}

impl Witness {
    pub(crate) fn new(directory: &Path) -> Self {
        Witness { directory: directory.to_owned(), seen: BTreeMap::new() }
    }

    /// Looks again; returns how many bytes there are in all.
    ///
    /// # Panics
    /// If something that was there before is gone or different.
    pub(crate) fn look(&mut self) -> usize {
        for name in OUTPUTS {
            let Ok(now) = fs::read(self.directory.join(name)) else {
                assert!(!self.seen.contains_key(name), "{name} has vanished");
                continue;
            };
            let before = self.seen.get(name).map(Vec::as_slice).unwrap_or_default();
            assert!(
                now.starts_with(before),
                "{name}: {} bytes were visible and are not its beginning now",
                before.len()
            );
            self.seen.insert(name, now);
        }
        self.seen.values().map(Vec::len).sum()
    }

    /// Looks a last time: all files are there and have whole lines only.
    pub(crate) fn look_at_the_end(&mut self) {
        self.look();
        for name in OUTPUTS {
            let bytes = self.seen.get(name).unwrap_or_else(|| panic!("{name} is missing"));
            assert!(bytes.is_empty() || bytes.ends_with(b"\n"), "{name} ends within a line");
        }
    }
}
