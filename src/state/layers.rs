//! What lies below memory: the delta's runs on top of the base, read as one sorted sequence of entries.
//!
//! A *run* is a series of chunks whose keys ascend: what one flush wrote. A younger run hides an older one, and every run
//! hides the base. The key range of each delta chunk is kept in memory, so that a look-up opens only chunks that may hold
//! its key.
//!
//! A view may be younger than the list of runs: a fold may have moved runs down that the list still names. Their rows are
//! then missing and skipped: what they held has been merged into what lies below, nothing older than it was.

use super::Error;
use super::chunk::{Chunk, Entry};
use super::disk::{Disk, View, check};
use crate::fault::{Fault, Faulty as _};
use crate::record::Epoch;
use redb::AccessGuard;
use std::cell::{Cell, RefCell};
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Arc;

/// One chunk of the delta table.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// Epoch, and number within it.
    pub(super) number: (u64, u32),
    pub(super) first: Box<[u8]>,
    pub(super) last: Box<[u8]>,
    /// Its size.
    pub(super) bytes: u64,
}

/// Chunks whose keys ascend; at least one.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) rows: Vec<Row>,
}

impl Run {
    /// Cuts rows, in the table's order, where the keys stop ascending or the epoch changes.
    pub(super) fn split(rows: Vec<Row>) -> Vec<Arc<Run>> {
        let mut runs: Vec<Run> = Vec::new();
        for row in rows {
            let fits = |last: &Row| last.number.0 == row.number.0 && last.last < row.first;
            match runs.last_mut() {
                Some(run) if run.rows.last().is_some_and(fits) => run.rows.push(row),
                _ => runs.push(Run { rows: vec![row] }),
            }
        }
        runs.into_iter().map(Arc::new).collect()
    }

    /// The epoch it belongs to.
    pub(super) fn epoch(&self) -> Epoch {
        Epoch::from_u64(self.rows[0].number.0)
    }

    /// The size of its chunks.
    pub(super) fn bytes(&self) -> u64 {
        self.rows.iter().map(|row| row.bytes).sum()
    }

    /// The first row that may hold `key` or a later one.
    fn lower_bound(&self, key: &[u8]) -> usize {
        self.rows.partition_point(|row| *row.last < *key)
    }
}

/// The lower layers of one store, as the actor's thread reads them.
pub(super) struct Lower {
    pub(super) disk: Arc<Disk>,
    view: RefCell<Option<View>>,
    /// Oldest first.
    pub(super) runs: RefCell<Vec<Arc<Run>>>,
    /// How often it was read while a record waited.
    pub(super) reads: Cell<u64>,
}

impl Lower {
    pub(super) fn new(disk: Arc<Disk>, runs: Vec<Arc<Run>>) -> Self {
        Lower { disk, view: RefCell::default(), runs: RefCell::new(runs), reads: Cell::new(0) }
    }

    /// Lets go of what was read last: the file has changed.
    pub(super) fn renew(&self) {
        self.view.take();
    }

    /// The newest entry of exactly this key, and what `found` makes of its value. `None` if there is none or it is a
    /// tombstone.
    pub(super) fn get<R>(&self, key: &[u8], mut found: impl FnMut(&[u8]) -> R) -> Result<Option<R>, Error> {
        self.with_view(|view| {
            self.disk.guard(view, || {
                for run in self.runs.borrow().iter().rev() {
                    let row = run.rows.get(run.lower_bound(key)).filter(|row| *row.first <= *key);
                    let Some(bytes) = row.map(|row| view.delta.get(row.number)).transpose()?.flatten() else {
                        continue;
                    };
                    if let Some(entry) = check(bytes.value())?.find(key) {
                        return Ok(entry.value.map(&mut found));
                    }
                }
                let Some(row) = view.base.range(..=key)?.next_back() else { return Ok(None) };
                let (_, bytes) = row?;
                Ok(check(bytes.value())?.find(key).and_then(|entry| entry.value).map(&mut found))
            })
        })
    }

    /// Visits the living entries whose key begins with one of the `prefixes`, which must ascend, in key order.
    pub(super) fn scan<'p>(
        &self,
        prefixes: impl IntoIterator<Item = &'p [u8]> + Clone,
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        // Where to go on if the view is lost.
        let mut last: Vec<u8> = Vec::new();
        self.with_view(|view| {
            let mut merge = Merge::new(view, self.runs.borrow().iter().rev(), true);
            for prefix in prefixes.clone() {
                self.disk.guard(view, || merge.seek(prefix))?;
                while let Some(entry) =
                    self.disk.guard(view, || merge.peek())?.filter(|entry| entry.key.starts_with(prefix))
                {
                    if let Some(value) = entry.value.filter(|_| *entry.key > *last) {
                        visit(entry.key, value)?;
                        last.clear();
                        last.extend_from_slice(entry.key);
                    }
                    self.disk.guard(view, || merge.advance())?;
                }
            }
            Ok(())
        })
    }

    /// Runs `read`, a second time if an error elsewhere has closed the database meanwhile.
    fn with_view<R>(&self, mut read: impl FnMut(&View) -> Result<R, Error>) -> Result<R, Error> {
        self.reads.set(self.reads.get() + 1);
        let mut held = self.view.borrow_mut();
        let mut tried = false;
        loop {
            let view = match held.take().filter(|view| self.disk.file.is_open(view.opening)) {
                Some(view) => view,
                None => self.disk.view()?,
            };
            match read(&view) {
                Err(error) if !tried && error.fault() == Fault::External => tried = true,
                result => {
                    *held = Some(view);
                    return result;
                }
            }
        }
    }
}

/// Reads one run, or the base, entry by entry.
struct Cursor<'v> {
    view: &'v View,
    source: Source,
    /// The chunk it is in, unless it stands before one that has not been opened.
    chunk: Option<AccessGuard<'static, &'static [u8]>>,
    /// The entry it is at.
    index: usize,
}

enum Source {
    /// A run, and the row the cursor is in or before.
    Run(Arc<Run>, usize),
    /// The base. Without a chunk, its end.
    Base,
}

impl Cursor<'_> {
    /// Goes to the first entry at or behind `key`, which must not lie before the cursor.
    fn seek(&mut self, key: &[u8]) -> Result<(), redb::Error> {
        if let Some(bytes) = &self.chunk {
            let chunk = Chunk::trusted(bytes.value());
            if chunk.entry(chunk.len() - 1).key >= key {
                self.index = self.index.max(chunk.lower_bound(key));
                return Ok(());
            }
        }
        self.chunk = None;
        match &mut self.source {
            Source::Run(run, row) => {
                *row = (*row).max(run.lower_bound(key));
                if run.rows.get(*row).is_some_and(|row| *row.first < *key) {
                    self.open()?;
                    return self.seek_in_chunk(key);
                }
            }
            Source::Base => {
                let before = self.view.base.range(..=key)?.next_back();
                let row = match before {
                    Some(row) => Some(row?),
                    None => self.view.base.range(key..)?.next().transpose()?,
                };
                if let Some((_, bytes)) = row {
                    check(bytes.value())?;
                    (self.chunk, self.index) = (Some(bytes), 0);
                    return self.seek_in_chunk(key);
                }
            }
        }
        Ok(())
    }

    fn seek_in_chunk(&mut self, key: &[u8]) -> Result<(), redb::Error> {
        let Some(bytes) = &self.chunk else { return Ok(()) };
        let chunk = Chunk::trusted(bytes.value());
        self.index = chunk.lower_bound(key);
        if self.index == chunk.len() { self.leave_chunk() } else { Ok(()) }
    }

    /// Opens the chunk before which it stands. If that is no longer there, it goes to the next one that is, and says
    /// `false`: it is at another key than before.
    fn open(&mut self) -> Result<bool, redb::Error> {
        let Source::Run(run, row) = &mut self.source else { return Ok(true) };
        let before = *row;
        while self.chunk.is_none() && *row < run.rows.len() {
            self.index = 0;
            self.chunk = self.view.delta.get(run.rows[*row].number)?;
            match &self.chunk {
                Some(bytes) => drop(check(bytes.value())?),
                None => *row += 1,
            }
        }
        Ok(*row == before)
    }

    /// The key it is at, without opening a chunk for it.
    fn key(&self) -> Option<&[u8]> {
        match (&self.chunk, &self.source) {
            (Some(bytes), _) => Some(Chunk::trusted(bytes.value()).entry(self.index).key),
            (None, Source::Run(run, row)) => run.rows.get(*row).map(|row| &*row.first),
            (None, Source::Base) => None,
        }
    }

    /// Goes to the next entry.
    fn advance(&mut self) -> Result<(), redb::Error> {
        if !self.open()? {
            return Ok(());
        }
        let Some(bytes) = &self.chunk else { return Ok(()) };
        self.index += 1;
        if self.index < Chunk::trusted(bytes.value()).len() { Ok(()) } else { self.leave_chunk() }
    }

    fn leave_chunk(&mut self) -> Result<(), redb::Error> {
        let Some(bytes) = self.chunk.take() else { return Ok(()) };
        self.index = 0;
        match &mut self.source {
            Source::Run(_, row) => *row += 1,
            Source::Base => {
                let first = Chunk::trusted(bytes.value()).entry(0).key;
                let next = self.view.base.range::<&[u8]>((Excluded(first), Unbounded))?.next();
                if let Some((_, bytes)) = next.transpose()? {
                    check(bytes.value())?;
                    self.chunk = Some(bytes);
                }
            }
        }
        Ok(())
    }
}

/// Reads several runs, and the base below them, as one: of entries with the same key only the youngest is seen.
pub(super) struct Merge<'v> {
    /// Youngest first.
    cursors: Vec<Cursor<'v>>,
    /// The cursor with the smallest key, the youngest of those.
    least: Option<usize>,
}

impl<'v> Merge<'v> {
    /// Reads these runs, youngest first. Seek before reading.
    pub(super) fn new<'r>(view: &'v View, runs: impl IntoIterator<Item = &'r Arc<Run>>, base: bool) -> Self {
        let sources = runs.into_iter().map(|run| Source::Run(run.clone(), 0)).chain(base.then_some(Source::Base));
        let cursors = sources.map(|source| Cursor { view, source, chunk: None, index: 0 }).collect();
        Merge { cursors, least: None }
    }

    /// Goes to the first entry at or behind `key`, which must not lie before the present one.
    pub(super) fn seek(&mut self, key: &[u8]) -> Result<(), redb::Error> {
        for cursor in &mut self.cursors {
            if cursor.key().is_none_or(|at| at < key) {
                cursor.seek(key)?;
            }
        }
        self.choose();
        Ok(())
    }

    fn choose(&mut self) {
        let mut least: Option<(usize, &[u8])> = None;
        for (i, cursor) in self.cursors.iter().enumerate() {
            if let Some(key) = cursor.key()
                && least.is_none_or(|(_, smallest)| key < smallest)
            {
                least = Some((i, key));
            }
        }
        self.least = least.map(|(i, _)| i);
    }

    /// The entry it is at; tombstones are seen.
    pub(super) fn peek(&mut self) -> Result<Option<Entry<'_>>, redb::Error> {
        while let Some(i) = self.least {
            if self.cursors[i].open()? {
                let bytes = self.cursors[i].chunk.as_ref();
                return Ok(bytes.map(|bytes| Chunk::trusted(bytes.value()).entry(self.cursors[i].index)));
            }
            self.choose();
        }
        Ok(None)
    }

    /// Goes to the next key.
    pub(super) fn advance(&mut self) -> Result<(), redb::Error> {
        let Some(least) = self.least else { return Ok(()) };
        // The younger ones are at later keys: else one of them would have been chosen.
        let (front, back) = self.cursors.split_at_mut(least + 1);
        if let Some(key) = front[least].key() {
            for cursor in back {
                if cursor.key() == Some(key) {
                    cursor.advance()?;
                }
            }
        }
        front[least].advance()?;
        self.choose();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Keyed;
    use super::super::testkit::{checkpoint, create, epoch, identity};
    use super::*;

    #[test]
    fn a_scan_goes_on_where_it_was_when_the_database_is_closed_under_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("0.redb");
        let mut store = create(&path);
        let values = store.value::<u64, String>("cart").unwrap();
        for count in 1..3 {
            (0..1000).for_each(|i| values.put(Keyed::of(&i), count.to_string().repeat(1600)).unwrap());
            checkpoint(&mut store, count).unwrap();
        }
        drop((store, values));
        let disk = Arc::new(
            Disk::open(&path, &identity(0, 0), &crate::state::StoreOptions { memory: 0, ..Default::default() })
                .unwrap(),
        );
        let runs = disk.survey(epoch(2)).unwrap().runs;
        let lower = Lower::new(disk.clone(), runs);
        let opening = disk.file.read_in(|_, opening| Ok(opening)).unwrap();
        let groups: Vec<[u8; 1]> = (0..128).map(|group| [group]).collect();
        let mut keys: Vec<Vec<u8>> = Vec::new();
        let visit = |key: &[u8], value: &[u8]| {
            assert!(value.ends_with(b"2"));
            keys.push(key.to_vec());
            if keys.len() == 300 {
                disk.file.close(opening);
            }
            Ok(())
        };
        lower.scan(groups.iter().map(|group| group.as_slice()), visit).unwrap();
        assert_eq!((keys.len(), keys.is_sorted()), (1000, true));
        assert!(!disk.file.is_open(opening), "it has been opened anew");
        assert_eq!(lower.get(&keys[7], |value| value.len()).unwrap(), Some(1602));
    }
}
