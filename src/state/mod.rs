//! Keyed state that survives: typed handles over tables in memory, and one file per stateful subtask below them.
//!
//! This is the only room that knows redb. It is synchronous and knows no actor: work that blocks is handed out as values
//! ([`Flush`], [`Fold`]) that somebody runs elsewhere and whose outcomes are told back.
//!
//! A window's state is its own timer:
//! ```
//! use millstream::state::{Identity, Keyed, Store, StoreOptions};
//! use millstream::time::Timestamp;
//!
//! let dir = tempfile::tempdir()?;
//! let identity = Identity { job_id: 1, uid: "per-minute".into(), subtask: 0, generation: 0 };
//! let mut store = Store::create(&dir.path().join("0.redb"), &identity, StoreOptions::default())?;
//! let hits = store.windowed_value::<String, u32>("hits")?;
//! for (second, page) in [(3, "/"), (61, "/"), (59, "/faq"), (5, "/")] {
//!     let end = Timestamp::from_seconds(second - second % 60 + 60);
//!     hits.update(end, Keyed::of(&page.to_string()), || 0, |n| *n += 1)?;
//! }
//! let (end, counts) = hits.drain_first(Timestamp::from_seconds(100))?.expect("one window is over");
//! assert_eq!(end, Timestamp::from_seconds(60));
//! assert_eq!(counts.iter().map(|(_, page, n)| (page.as_str(), *n)).collect::<Vec<_>>(), [("/", 2), ("/faq", 1)]);
//! assert_eq!(hits.drain_first(Timestamp::from_seconds(100))?, None);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! # Layers
//! Read from the top:
//! 1. **Tables**, in memory: hash tables by namespace and key. They hold what is *dirty* (changed since the last hand-off),
//!    what is *frozen* (handed off, not yet committed), and as much of the rest as the memory allows.
//! 2. **Delta**, in the file: what each epoch changed, as sorted runs of packed chunks. A removal is a tombstone.
//! 3. **Base**, in the file: older epochs, folded into one sorted run of packed chunks.
//!
//! # An epoch
//! At the barrier [`Store::hand_off`] encodes what changed and returns a [`Flush`]; the actor goes on at once. The flush
//! sorts, packs and commits in one durable transaction. [`Store::flushed`] takes the outcome. When the job will not go back
//! behind an epoch any more, [`Store::free`] returns a [`Fold`] now and then.
//!
//! # Invariants
//! * The file can go back to every epoch that has not been freed: [`Store::open`] deletes the deltas of younger epochs.
//! * An epoch is in the file only if all before it is: flushes run in order, and what a failed one held goes out with the
//!   next.
//! * What is not in memory is in the file, as it is: only committed entries are let go.
//! * Every chunk bears a checksum, and every file the job's random id, its operator and its subtask.
//! * Nothing that lies in a file makes this room panic: damage is an [`Error`] that names the file.
//!
//! # Format of a file
//! A redb database of three tables:
//!
//! | table | row | holds |
//! |---|---|---|
//! | `meta` | name -> bytes | `format` (u32), `newest` (u64: the epoch of the last flush), `folded` (u64: all epochs up to this one are in `base`), `base` (u64: bytes in `base`), little endian; `identity` and `states`, JSON |
//! | `delta` | (epoch, number) -> chunk | what each epoch changed; of two entries with one key the one in the later row counts |
//! | `base` | first key of the chunk -> chunk | all entries up to `folded`, without tombstones; key ranges do not overlap |
//!
//! A chunk, all numbers little endian:
//! ```text
//! byte  0   8  checksum: XXH3 (64 bits, seed 0) of all bytes that follow
//!       8   4  n, the number of entries, at least 1
//!      12  4n  where each entry begins, counted from the first one
//!  12+4n       the entries, in strictly ascending order of their keys, each until the next one's beginning:
//!                head   LEB128 of (length of the key << 1) | (1 if the entry is a tombstone)
//!                key    that many bytes
//!                value  the rest, in postcard; with a time to live, behind the stamp of its last use (8 bytes,
//!                       milliseconds since 1970); none for a tombstone
//! ```
//!
//! A key:
//! ```text
//! byte  0   1  key group: the upper seven bits of the key's hash
//!       1   1  state: its number in the file's list `states`
//!       2   8  for windowed states and timers: milliseconds since 1970 with the sign bit flipped, big endian
//!      2|10    the key, in postcard
//!              sub-key: nothing for a value; a map's key in postcard; a list's piece number, 4 bytes, big endian
//! ```
//!
//! A state's types lie beside its name in `states`, as shapes: the names and types of fields. So a program whose types have
//! changed reads what an older one wrote, or is refused by name; see [`Store::migrate`].
//!
//! # Why chunks, and not a row per entry
//! Writing entries into a B-tree one by one costs 15 to 25 times as much as writing packed chunks, in the delta as in the
//! base. So a fold is a merge of sorted runs that rewrites only those chunks of the base that it touches.

mod arena;
mod chunk;
mod dead;
mod disk;
mod entries;
mod error;
mod flush;
mod fold;
mod guarded;
mod index;
mod inspect;
mod job_file;
mod json;
mod layers;
mod letters;
mod list;
mod map;
mod pieces;
mod reducing;
mod reread;
mod rescale;
mod schema;
mod shape;
mod simulated;
mod space;
mod states;
mod store;
mod sweep;
mod table;
mod trace;
mod transfer;
mod ttl;
mod untouched;
mod upkeep;
mod value;
mod verify;
mod versions;

#[cfg(test)]
mod fold_tests;
#[cfg(test)]
mod inspect_tests;
#[cfg(test)]
mod larger_tests;
#[cfg(test)]
mod letters_tests;
#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod promise_tests;
#[cfg(test)]
mod testkit;
#[cfg(test)]
mod ttl_tests;
#[cfg(test)]
mod versions_tests;

pub use error::Error;
pub use flush::{Flush, FlushOutcome};
pub use fold::{Fold, FoldOutcome};
pub use guarded::{Survives, sync_dir};
pub(crate) use inspect::{Inspected, Visit};
pub use inspect::{Inspector, Listed, StateEntry, Tally};
pub use job_file::JobFile;
pub use letters::{LetterFile, LetterStatus, StoredLetter};
pub use list::{ListState, WindowedList};
pub use map::MapState;
pub use reducing::ReducingState;
pub use rescale::rescale;
pub use shape::{Keyed, StateValue};
pub(crate) use simulated::SimulatedDisk;
pub use store::{Identity, MemoryUse, Relief, Store, StoreOptions};
pub use transfer::{Declaration, Export, Import};
pub use ttl::{Stamp, Ttl};
pub use value::{Drained, Timers, ValueState, WindowedState};
pub use verify::verify;
pub(crate) use versions::Fit;
