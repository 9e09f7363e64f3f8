//! What travels: [`Data`] records in [`Batch`]es, and the [`Element`]s an edge carries.
//!
//! # The legal order on a channel
//! `(Batch | Watermark | Idle | Barrier)* End Barrier*`: after `End` no data follows, but barriers still do, so that a
//! subtask whose inputs ended still takes part in checkpoints. Batch bounds carry no meaning: no result depends on them.
//!
//! # Keys
//! A [`Key`] is hashed once, where the stream is keyed, and the hash travels with the record. Its definition is frozen:
//! XXH3 (64 bits, seed 0) over the key's [postcard](https://postcard.jamesmunro.com/wire-format) encoding. The upper seven
//! bits are the record's [`KeyGroup`], the unit in which state moves when a job is rescaled.
//!
//! ```
//! use millstream::record::{KeyGroup, hash_key};
//!
//! let hash = hash_key(&"ada");
//! assert_eq!(hash, hash_key(&String::from("ada")));
//! assert!(KeyGroup::of(hash).index() < KeyGroup::COUNT);
//! ```

mod batch;
mod codec;
mod element;
mod key;
mod letter;
mod types;

pub(crate) use batch::RecordView;
pub use batch::{Batch, Rows};
pub use codec::{CodecError, decode, encode};
pub(crate) use codec::{decode_prefix, encode_into};
pub use element::{Element, Epoch};
pub(crate) use key::KeyHasher;
pub use key::{Key, KeyGroup, hash_key};
pub use letter::{BadLetterId, DeadLetter, LetterId, Remains};
pub(crate) use types::{RecordTypes, record_type};

/// What a stream can carry: any owned type that can be cloned and sent between threads. Implemented for all of them.
///
/// A record is cloned only where it goes to more than one place.
pub trait Data: Clone + Send + Sync + 'static {}

impl<T: Clone + Send + Sync + 'static> Data for T {}
