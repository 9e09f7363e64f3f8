//! Looking into state without the program that wrote it: entry by entry, in the order of the file, as JSON.
//!
//! What is stored is read by the shapes that lie beside it. Where no shape is known, and where bytes are not what the shape
//! says, their bytes are shown as hexadecimal text, and the entry says so: one bad entry does not hide the others.

use super::json::{hex, to_json};
use super::schema::Schema;
use super::shape::{Namespace, read_stamp};
use super::transfer::{Declaration, Export};
use super::{Error, Identity};
use crate::record::{Epoch, KeyGroup};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;
use std::ops::ControlFlow;
use std::path::Path;

/// The kinds of state, those first whose names begin with others.
const KINDS: [&str; 9] = [
    "value with ttl",
    "value",
    "windowed value",
    "windowed list",
    "timers",
    "map with ttl",
    "map",
    "list with ttl",
    "list",
];

/// A state: what it is called, and what it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// `value`, `list`, `map`, each perhaps `with ttl`; `windowed value`, `windowed list`; `timers`.
    pub kind: String,
    /// Its types as text: those of the keys and values, by shape if that is known.
    pub types: String,
}

/// How large a state is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Tally {
    /// How many entries it has, as [`Inspector::visit`] shows them: one for each value, item of a map, whole list, or timer.
    pub entries: u64,
    /// How many different pairs of time and key they have.
    pub keys: u64,
    /// How many bytes their keys and values take, as stored and before packing.
    pub bytes: u64,
}

/// One entry of a state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StateEntry {
    /// Its key group.
    pub group: usize,
    /// The end of its window, or the time of its timer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Timestamp>,
    /// Its key.
    pub key: Value,
    /// Of a map, the key within.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub map_key: Option<Value>,
    /// Its value; of a list, all its items.
    pub value: Value,
    /// With a time to live: when it was used last; of a list, its last item. It may be over by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used: Option<Timestamp>,
    /// Why key or value are shown as the bytes that are stored, in hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread: Option<String>,
    /// Where it lies: the key as it is stored. Entries of one state come in the order of these.
    #[serde(skip)]
    pub(crate) place: Vec<u8>,
    #[serde(skip)]
    bytes: u64,
    /// How much of the place is time and key.
    #[serde(skip)]
    key_end: usize,
}

/// What one subtask's state file holds at one epoch, to be looked at on any thread. It stays as it was when this was made.
///
/// ```
/// use millstream::record::Epoch;
/// use millstream::state::{Error, Identity, Inspector, Keyed, Store, StoreOptions};
/// use serde_json::json;
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("0.redb");
/// let identity = Identity { job_id: 1, uid: "count".into(), subtask: 0, generation: 0 };
/// let mut store = Store::create(&path, &identity, StoreOptions::default())?;
/// store.value::<String, (u32, bool)>("visits")?.put(Keyed::of(&"ada".to_string()), (3, true))?;
/// let epoch = Epoch::new(1, 1);
/// store.hand_off(epoch).map(|flush| store.flushed(flush.run()));
///
/// // While the store goes on; and when it is gone, `Inspector::open` of its file.
/// let inspector = store.inspector(epoch)?;
/// assert_eq!(inspector.states()[0].types, "value String -> (u32, bool)");
/// assert_eq!(inspector.tally("visits")?.entries, 1);
/// inspector.visit("visits", |entry| {
///     assert_eq!((&entry.key, &entry.value), (&json!("ada"), &json!([3, true])));
///     Ok::<(), Error>(())
/// })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Inspector {
    of: Box<dyn Inspected>,
}

/// Takes an entry's key and value, and says whether to go on.
pub(crate) type Visit<'v> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'v;

/// Where entries lie, by state and key group: a state file, or a copy.
pub(crate) trait Inspected: fmt::Debug + Send {
    /// The states.
    fn declarations(&self) -> &[Declaration];

    /// Shows all entries of a state in one key group, in order, until `visit` breaks off. None if there is no such state.
    fn read(&self, state: &str, group: usize, visit: &mut Visit<'_>) -> Result<(), Error>;
}

impl Inspected for Export {
    fn declarations(&self) -> &[Declaration] {
        Export::declarations(self)
    }

    fn read(&self, state: &str, group: usize, visit: &mut Visit<'_>) -> Result<(), Error> {
        /// The end, early: broken off, or failed.
        struct End(Option<Error>);
        impl From<Error> for End {
            fn from(error: Error) -> Self {
                End(Some(error))
            }
        }
        let ended = self.entries(state, group, |key, value| match visit(key, value) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(End(None)),
        });
        ended.or_else(|End(error)| error.map_or(Ok(()), Err))
    }
}

impl From<Export> for Inspector {
    fn from(export: Export) -> Self {
        Inspector::of(export)
    }
}

impl Inspector {
    /// Looks at what lies anywhere.
    pub(crate) fn of(inspected: impl Inspected + 'static) -> Self {
        Inspector { of: Box::new(inspected) }
    }

    /// Opens a file that nobody uses, at `epoch`, and leaves it as it is: one that was not closed is repaired in memory.
    ///
    /// * `written`: as for [`Store::open`](super::Store::open).
    ///
    /// # Errors
    /// As [`Store::open`](super::Store::open).
    pub fn open(path: &Path, identity: &Identity, epoch: Epoch, written: Epoch) -> Result<Inspector, Error> {
        if !path.exists() {
            return Err(Error::corrupt(path, "the file is missing"));
        }
        Ok(Export::look(path, identity, epoch, written)?.into())
    }

    /// Its states, in the order in which they came to be.
    pub fn states(&self) -> Vec<Listed> {
        let listed = |state: &Declaration| Listed {
            name: state.name().to_owned(),
            kind: kind(state).to_owned(),
            types: state.to_string(),
        };
        self.of.declarations().iter().map(listed).collect()
    }

    /// How large a state is. Reads all of it.
    ///
    /// # Errors
    /// As [`visit`](Self::visit).
    pub fn tally(&self, state: &str) -> Result<Tally, Error> {
        let mut tally = Tally::default();
        let mut last: Option<(usize, Vec<u8>)> = None;
        self.visit(state, |entry| {
            tally.entries += 1;
            tally.bytes += entry.bytes;
            let key = &entry.place[..entry.key_end];
            if last.as_ref().is_none_or(|(group, last)| (*group, last.as_slice()) != (entry.group, key)) {
                tally.keys += 1;
                last = Some((entry.group, key.to_vec()));
            }
            Ok::<(), Error>(())
        })?;
        Ok(tally)
    }

    /// Shows all entries of a state: by key group, then by time, then by key, as they are stored. None if there is no such
    /// state.
    ///
    /// # Errors
    /// The first of `visit`; [`Error::Corrupt`] if the file is damaged; else what the disk says.
    pub fn visit<E: From<Error>>(
        &self,
        state: &str,
        mut visit: impl FnMut(&StateEntry) -> Result<(), E>,
    ) -> Result<(), E> {
        (0..KeyGroup::COUNT).try_for_each(|group| self.visit_group(state, group, &mut visit))
    }

    /// As [`visit`](Self::visit), of one key group.
    ///
    /// # Errors
    /// As [`visit`](Self::visit).
    pub fn visit_group<E: From<Error>>(
        &self,
        state: &str,
        group: usize,
        mut visit: impl FnMut(&StateEntry) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(declaration) = self.of.declarations().iter().find(|known| known.name() == state) else {
            return Ok(());
        };
        let form = Form::of(declaration);
        // The pieces of a list come one after the other.
        let mut list: Option<StateEntry> = None;
        let mut show = |key: &[u8], value: &[u8]| {
            let entry = form.entry(group, key, value);
            if !form.is_list {
                return visit(&entry);
            }
            match &mut list {
                Some(list) if list.place == entry.place => list.append(entry),
                _ => list.replace(entry).map_or(Ok(()), |whole| visit(&whole))?,
            }
            Ok(())
        };
        let mut shown = Ok(());
        self.of.read(state, group, &mut |key, value| {
            shown = show(key, value);
            if shown.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        shown?;
        list.map_or(Ok(()), |whole| visit(&whole))
    }
}

impl StateEntry {
    /// Whether the same is stored in another file, or at another epoch.
    pub(crate) fn is_like(&self, other: &StateEntry) -> bool {
        (&self.value, self.last_used, &self.unread) == (&other.value, other.last_used, &other.unread)
    }

    /// Adds the next piece of a list.
    fn append(&mut self, piece: StateEntry) {
        // A piece of an older list of that key, which was over and has not been cleaned up.
        if piece.last_used < self.last_used {
            return;
        }
        self.bytes += piece.bytes;
        self.last_used = piece.last_used;
        self.unread = self.unread.take().or(piece.unread);
        match (&mut self.value, piece.value) {
            (Value::Array(items), Value::Array(more)) => items.extend(more),
            (Value::Array(items), other) => items.push(other),
            (value, other) => *value = Value::Array(vec![value.take(), other]),
        }
    }
}

fn kind(state: &Declaration) -> &str {
    match state.types() {
        Some(types) => &types.kind,
        None => KINDS.into_iter().find(|kind| state.signature().starts_with(kind)).unwrap_or("?"),
    }
}

/// How a state's entries are stored.
struct Form<'a> {
    has_time: bool,
    ages: bool,
    is_list: bool,
    is_map: bool,
    key: Option<&'a Schema>,
    map_key: Option<&'a Schema>,
    /// Of what is stored as a value, behind any stamp.
    value: Option<Schema>,
}

impl<'a> Form<'a> {
    fn of(state: &'a Declaration) -> Self {
        let kind = kind(state);
        let (ages, is_list) = (kind.ends_with("with ttl"), kind.contains("list"));
        let value = state.types().and_then(|types| types.value.clone());
        let many = |item| Schema::Seq(Box::new(item));
        let stamps = || many(Schema::Tuple(vec![Schema::I64, Schema::U32]));
        Form {
            has_time: kind.starts_with("windowed") || kind == "timers",
            ages,
            is_list,
            is_map: kind.starts_with("map"),
            key: state.types().and_then(|types| types.key.as_ref()),
            map_key: state.types().and_then(|types| types.map_key.as_ref()),
            value: match (is_list, ages) {
                (false, _) => value,
                (true, false) => value.map(many),
                (true, true) => value.map(|item| Schema::Tuple(vec![stamps(), many(item)])),
            },
        }
    }

    /// * `place`: what is stored behind the state's number.
    fn entry(&self, group: usize, place: &[u8], value: &[u8]) -> StateEntry {
        let bytes = (place.len() + value.len()) as u64;
        // Behind the key of a list is the number of the piece, in 4 bytes.
        let place = &place[..place.len().saturating_sub(if self.is_list { 4 } else { 0 })];
        let mut problem = None;
        let mut note = |what: &str, found: String| problem = problem.take().or(Some(format!("{what}: {found}")));

        let (time, rest) = match place.split_first_chunk::<8>() {
            Some((time, rest)) if self.has_time => (Some(<Timestamp as Namespace>::read(time)), rest),
            _ => (None, place),
        };
        let (key, behind) = match first(self.key, rest) {
            Ok(read) => read,
            Err(found) => {
                note("key", found);
                (hex(rest).into(), &[] as &[u8])
            }
        };
        let key_end = place.len() - behind.len();
        let map_key = (self.is_map && !behind.is_empty()).then(|| {
            all(self.map_key, behind).unwrap_or_else(|found| {
                note("key in the map", found);
                hex(behind).into()
            })
        });
        if !self.is_map && !behind.is_empty() {
            note("key", format!("{} bytes are left over", behind.len()));
        }
        let (last_used, value) = match self.ages && value.len() >= 8 {
            true => (Some(read_stamp(value).0), read_stamp(value).1),
            false => (None, value),
        };
        let value = match all(self.value.as_ref(), value) {
            // Of a list whose items age: its stamps, and its items.
            Ok(Value::Array(mut parts)) if self.is_list && self.ages => parts.pop().unwrap_or_default(),
            Ok(value) => value,
            Err(found) => {
                note("value", found);
                hex(value).into()
            }
        };
        let place = place.to_vec();
        StateEntry { group, time, key, map_key, value, last_used, unread: problem, place, bytes, key_end }
    }
}

/// What lies at the front of `bytes`, and what follows it.
fn first<'b>(schema: Option<&Schema>, bytes: &'b [u8]) -> Result<(Value, &'b [u8]), String> {
    to_json(schema.ok_or("its shape is not known")?, bytes)
}

/// What takes all of `bytes`.
fn all(schema: Option<&Schema>, bytes: &[u8]) -> Result<Value, String> {
    match first(schema, bytes)? {
        (value, []) => Ok(value),
        (_, rest) => Err(format!("{} bytes are left over", rest.len())),
    }
}
