//! Savepoints: all state of a job at one epoch in one file, to be kept, moved, and restored into a changed program.
//!
//! A checkpoint belongs to the job that took it: its files are redb's, of one parallelism and one version of Millstream. A
//! savepoint is portable. It holds state by operator, state and key group, as bytes whose types lie beside them; so it can
//! be restored at another parallelism, into a program that has changed, and by later versions.
//!
//! # What is in it
//! Keyed state with its timers, windows in flight, lists, maps and times to live; positions of sources; watermarks and
//! clocks of both kinds; broadcast state; counters. How far sinks had come is in it for people only: a restored job begins
//! new output, as a first start does (a file that exists is refused, or replaced with `fresh`).
//!
//! Records that nobody could process are not in it: they stay with the state directory of the job that could not.
//!
//! # Invariants
//! * A file under its final name is whole: it is written as `NAME.partial`, synced, and renamed. What a killed process
//!   leaves under that name is written over by the next one.
//! * Nothing is ever written over.
//! * Every byte is guarded by a checksum, a magic, or both, and none belongs to nothing: a changed byte, a missing part and
//!   a swapped one are found. Most by [`Savepoint::open`], all by [`Savepoint::verify`].
//! * Neither writing nor reading holds more than about a section in memory, and all that is not keyed.
//!
//! # Format 1
//! All numbers are little endian.
//! ```text
//! byte  0   8  magic: 89 "millsv" 0a
//!       8   4  format: 1
//!      12      frame HEAD   payload: JSON, of what and when
//!              frame MANI   payload: JSON, operators, states, and all that is not keyed
//!              frame SECT   payload: entries; any number of these
//!              frame INDX   payload: one row of 40 bytes for each SECT, in the order of the file
//! end-32   8  where INDX begins
//! end-24   8  the file's length
//! end-16   8  checksum: XXH3 (64 bits, seed 0) of the 16 bytes in front of it
//! end -8   8  magic: "svmill" 0d 0a
//! ```
//! A frame:
//! ```text
//! byte  0   4  HEAD, MANI, SECT or INDX
//!       4   8  n, the length of the payload
//!      12   n  the payload
//!    12+n   8  checksum: XXH3 (64 bits, seed 0) of all bytes of the frame in front of it
//! ```
//! `HEAD`: `job` (name), `created_at` (milliseconds since 1970), `engine` (version of Millstream), `epoch` (attempt << 40 |
//! count).
//!
//! `MANI`: `operators` (`uid`, `kind` and settings, `parallelism`), `states` (`operator`, `name`, `signature`, and `types` by
//! their shapes, as [state files](crate::state) have them), `subtasks` (`chain`, `index`, event-time `clock`,
//! processing time `now`, `watermarks` by sender, `splits` with their positions, `operators`: counters and small state by
//! uid), `sinks` (the last record of each exactly-once sink).
//!
//! `SECT`: the entries of one state in one key group, at most about 1 MiB; a larger key group has several, one behind the
//! other, in ascending order of keys. Each entry:
//! ```text
//!              LEB128 of the key's length, the key: a state file's, from behind the state's number on
//!              LEB128 of the value's length, the value: as in a state file
//! ```
//! A row of `INDX`:
//! ```text
//! byte  0   8  where the SECT begins
//!       8   8  the length of its payload
//!      16   8  its checksum
//!      24   8  how many entries it has
//!      32   4  which state: its place in the manifest's list, from 0
//!      36   4  which key group
//! ```
//!
//! # Why not a copy of the state files
//! Those change with redb and with the layout of state; they would tie a savepoint to a version. And they are of one
//! parallelism, with layers that only a store can read.

mod content;
mod diff;
mod error;
mod format;
mod look;
mod reader;
mod shelf;
mod writer;

#[cfg(test)]
mod damage_tests;

pub(crate) use content::{Content, Header, StateEntry};
pub use diff::{OperatorDiff, PlanDiff, StateDiff, Verdict};
pub(crate) use diff::{ProgramOperator, ProgramStates, compare};
pub use error::Error;
pub(crate) use look::inspect;
pub use reader::{Savepoint, SavepointInfo};
pub use shelf::{Listed, delete, list};
pub(crate) use writer::Writer;
