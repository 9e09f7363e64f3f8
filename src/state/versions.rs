//! How state outlives its type: what a type was is known from the file, and what was stored is read as what it is now.
//!
//! # When
//! Where a state is opened whose stored shape differs from that of its type now, all its entries are converted: read by their
//! old shape in the new type's way ([`reread`](super::reread)), or by a function that was registered for that old shape
//! ([`Store::migrate`]). All are tried before one is written, and the first that does not fit refuses the whole.
//!
//! # How
//! The converted state gets a number of its own; the old entries get tombstones. Both are written piece by piece under the
//! epoch that follows the one at which the store stands, as what is spilled is. So until a checkpoint completes, a crash
//! leads back to the old state, and so does going back to an older epoch that is kept. Each entry in the file's list of states
//! tells since which epoch it counts; of several with one name, the youngest does.
//!
//! # What is compared
//! Shapes, where both are known ([`trace`](super::trace)); else, and for files that tell none, the names of types.

use super::arena::{Arena, pack};
use super::disk::{StateName, Types, encode_states};
use super::flush::store;
use super::reread::reread;
use super::schema::Schema;
use super::shape::{StateValue, read_stamp, write_stamp};
use super::trace::trace;
use super::{Error, Store};
use crate::record::{CodecError, Key, KeyGroup, decode, encode};
use std::any::{TypeId, type_name};

/// How many bytes of converted entries are written in one transaction.
const PIECE: usize = 8 << 20;

/// How a stored value holds values of the state's type.
#[derive(Clone, Copy, Debug)]
pub(super) enum Holds {
    /// It is one.
    One,
    /// It is one, behind a stamp.
    Aged,
    /// It is a sequence of them.
    Many,
    /// It is a sequence of them, behind stamps.
    AgedMany,
}

/// The stamps of a piece of a list.
type Stamps = Vec<(i64, u32)>;

type Reread = fn(Holds, &Schema, &[u8]) -> Result<Vec<u8>, String>;
type Change = dyn Fn(Holds, &[u8]) -> Result<Vec<u8>, CodecError>;

/// What a program says a state's types are.
pub(super) struct Declared {
    pub(super) signature: String,
    types: Types,
    holds: Holds,
    value: TypeId,
    /// Makes a stored value, of a state whose type had that shape, one of the type now.
    reread: Reread,
}

impl Declared {
    /// A state of that kind, with keys `K` and values `V`; for maps, with keys `UK` within.
    pub(super) fn new<K: Key, UK: Key, V: StateValue>(kind: &str, holds: Holds) -> Declared {
        let is_map = kind.starts_with("map");
        let within = if is_map { format!("{} -> ", type_name::<UK>()) } else { String::new() };
        let types = Types {
            kind: kind.to_owned(),
            key: trace::<K>(),
            map_key: if is_map { trace::<UK>() } else { None },
            value: trace::<V>(),
        };
        Declared {
            // The last word is the codec and its version.
            signature: format!("{kind} {} -> {within}{} in postcard 1", type_name::<K>(), type_name::<V>()),
            types,
            holds,
            value: TypeId::of::<V>(),
            reread: reread_stored::<V>,
        }
    }
}

fn reread_stored<V: StateValue>(holds: Holds, schema: &Schema, value: &[u8]) -> Result<Vec<u8>, String> {
    let many = || Schema::Seq(Box::new(schema.clone()));
    let text = |e: &dyn ToString| e.to_string();
    let mut out = Vec::new();
    let (stamp, rest) = match holds {
        Holds::One | Holds::Many => (None, value),
        Holds::Aged | Holds::AgedMany => {
            let (stamp, rest) = read_stamp(value);
            (Some(stamp), rest)
        }
    };
    stamp.into_iter().for_each(|stamp| write_stamp(stamp, &mut out));
    let value = match holds {
        Holds::One | Holds::Aged => encode(&reread::<V>(schema, rest).map_err(|e| text(&e))?),
        Holds::Many => encode(&reread::<Vec<V>>(&many(), rest).map_err(|e| text(&e))?),
        Holds::AgedMany => {
            let stamps = Schema::Seq(Box::new(Schema::Tuple(vec![Schema::I64, Schema::U32])));
            let whole = Schema::Tuple(vec![stamps, many()]);
            encode(&reread::<(Stamps, Vec<V>)>(&whole, rest).map_err(|e| text(&e))?)
        }
    };
    out.append(&mut value.map_err(|e| text(&e))?);
    Ok(out)
}

/// A function for what was stored as another type.
pub(super) struct Migration {
    state: String,
    old: Option<Schema>,
    new: TypeId,
    new_name: &'static str,
    change: Box<Change>,
}

impl Store {
    /// Registers how values of the state named `state` that were stored as an `Old` become a `New`: for maps their values,
    /// for lists their items. To be called before the state is opened; several may be registered, one from each old type.
    ///
    /// It is used where the file says that the state was stored in the shape of `Old`: all entries are then converted when
    /// the state is opened. Types are told apart by their shape (names and types of fields), not by their names. Without a
    /// migration, what was stored is read as the new type as a self-describing format would be: by the names of fields and
    /// variants, with what `#[serde(default)]` and `#[serde(alias = "..")]` say.
    ///
    /// Types whose shape cannot be found (untagged enums, types that refuse an empty text or the number 1 when they are read,
    /// enums whose variants have aliases) are compared by name, and must not change under it.
    ///
    /// * `change`: a deterministic function; it is called more than once for a value.
    ///
    /// # Errors
    /// [`Error::Twice`] if the state is open already.
    ///
    /// ```
    /// use millstream::record::Epoch;
    /// use millstream::state::{Identity, Keyed, Store, StoreOptions};
    ///
    /// #[derive(serde::Serialize, serde::Deserialize)]
    /// struct Cart {
    ///     items: u32,
    ///     note: String,
    /// }
    ///
    /// let dir = tempfile::tempdir()?;
    /// let path = dir.path().join("0.redb");
    /// let identity = Identity { job_id: 1, uid: "checkout".into(), subtask: 0, generation: 0 };
    /// let mut store = Store::create(&path, &identity, StoreOptions::default())?;
    /// let carts = store.value::<u64, u32>("cart")?;
    /// carts.put(Keyed::of(&7), 3)?;
    /// let epoch = Epoch::new(1, 1);
    /// if let Some(flush) = store.hand_off(epoch) {
    ///     store.flushed(flush.run());
    /// }
    /// drop((store, carts));
    ///
    /// let mut store = Store::open(&path, &identity, epoch, epoch, StoreOptions::default())?;
    /// store.migrate("cart", |items: u32| Cart { items, note: String::new() })?;
    /// let carts = store.value::<u64, Cart>("cart")?;
    /// assert_eq!(carts.with(Keyed::of(&7), |cart| cart.map(|cart| cart.items))?, Some(3));
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn migrate<Old: StateValue, New: StateValue>(
        &mut self,
        state: &str,
        change: impl Fn(Old) -> New + 'static,
    ) -> Result<(), Error> {
        if self.taken.iter().any(|taken| taken == state) {
            return Err(Error::Twice { state: state.to_owned(), uid: self.identity.uid.clone() });
        }
        let change = move |holds, value: &[u8]| {
            let all = |old: Vec<Old>| old.into_iter().map(&change).collect::<Vec<New>>();
            let (stamp, behind) = read_stamp(value);
            let mut out = Vec::new();
            let new = match holds {
                Holds::One => encode(&change(decode(value)?)),
                Holds::Many => encode(&all(decode(value)?)),
                Holds::Aged => {
                    write_stamp(stamp, &mut out);
                    encode(&change(decode(behind)?))
                }
                Holds::AgedMany => {
                    write_stamp(stamp, &mut out);
                    let (stamps, old) = decode::<(Stamps, Vec<Old>)>(behind)?;
                    encode(&(stamps, all(old)))
                }
            };
            out.append(&mut new?);
            Ok(out)
        };
        self.migrations.push(Migration {
            state: state.to_owned(),
            old: trace::<Old>(),
            new: TypeId::of::<New>(),
            new_name: type_name::<New>(),
            change: Box::new(change),
        });
        Ok(())
    }

    /// How each state that has been opened fits what was stored, in the order in which they were opened.
    pub(crate) fn fits(&self) -> &[(String, Fit)] {
        &self.fits
    }

    /// The number under which a state of these types is stored; converts what is stored as others.
    pub(super) fn number_of(&mut self, state: &str, now: Declared) -> Result<u8, Error> {
        let uid = self.identity.uid.clone();
        let Some(at) = current(&self.states, state) else {
            self.fits.push((state.to_owned(), Fit::New));
            return self.add_state(state, now, 0);
        };
        self.fits.push((state.to_owned(), Fit::Same));
        let known = &mut self.states[at];
        let Some(was) = known.types.clone().filter(|was| was.is_complete() && now.types.is_complete()) else {
            if known.signature != now.signature {
                let was = known.signature.clone();
                return Err(Error::Changed { state: state.to_owned(), uid, was, now: now.signature });
            }
            known.types = Some(now.types);
            return Ok(known.id);
        };
        let (state, signature) = (state.to_owned(), known.signature.clone());
        if was.kind != now.types.kind {
            return Err(Error::Changed { state, uid, was: signature, now: now.signature });
        }
        for (was, now) in [(&was.key, &now.types.key), (&was.map_key, &now.types.map_key)] {
            if let Some((was, now)) = was.as_ref().zip(now.as_ref()).filter(|(was, now)| was != now) {
                return Err(Error::ChangedKey { state, uid, was: was.to_string(), now: now.to_string() });
            }
        }
        if was == now.types {
            known.signature = now.signature;
            return Ok(known.id);
        }
        let (id, was, shape) = (known.id, was.value.unwrap_or(Schema::Unseen), now.types.value.clone());
        if let (Some((_, fit)), Some(shape)) = (self.fits.last_mut(), &shape) {
            *fit = Fit::Converted { was: was.to_string(), now: shape.to_string() };
        }
        let migrations = std::mem::take(&mut self.migrations);
        let migration = migrations.iter().find(|known| known.state == state && known.old.as_ref() == Some(&was));
        let found = match migration {
            Some(migration) if migration.new != now.value => {
                Err(Found::Misfit(format!("its migration makes {} of it", migration.new_name)))
            }
            Some(migration) => {
                let holds = now.holds;
                let change = |value: &[u8]| (migration.change)(holds, value).map_err(|e| e.to_string());
                self.convert(&state, id, now, change)
            }
            None => {
                let (holds, read) = (now.holds, now.reread);
                let old = was.clone();
                self.convert(&state, id, now, move |value| read(holds, &old, value))
            }
        };
        self.migrations = migrations;
        found.map_err(|found| match found {
            Found::Error(error) => error,
            Found::Misfit(found) => {
                let now = shape.map_or_else(String::new, |shape| shape.to_string());
                Error::Misfit { state, uid, was: was.to_string(), now, found }
            }
        })
    }

    fn add_state(&mut self, state: &str, now: Declared, since: u64) -> Result<u8, Error> {
        let is_free = |id: &u8| self.states.iter().all(|known| known.id != *id);
        let id = (0..=u8::MAX).find(is_free).ok_or_else(|| Error::TooMany { uid: self.identity.uid.clone() })?;
        let Declared { signature, types, .. } = now;
        self.states.push(StateName { id, name: state.to_owned(), signature, types: Some(types), since });
        Ok(id)
    }

    /// Rewrites all entries of a state under a new number.
    fn convert(
        &mut self,
        state: &str,
        old: u8,
        now: Declared,
        change: impl Fn(&[u8]) -> Result<Vec<u8>, String>,
    ) -> Result<u8, Found> {
        let prefixes: Vec<[u8; 2]> = (0..KeyGroup::COUNT).map(|group| [group as u8, old]).collect();
        let prefixes = || prefixes.iter().map(|prefix| prefix.as_slice());
        // First without writing: a refusal leaves the file as it was.
        let mut misfit = None;
        let check = |_: &[u8], value: &[u8]| {
            misfit = misfit.take().or_else(|| change(value).err());
            Ok(())
        };
        self.lower.scan(prefixes(), check).map_err(Found::Error)?;
        if let Some(found) = misfit {
            return Err(Found::Misfit(found));
        }
        let epoch = self.next_epoch();
        let new = self.add_state(state, now, epoch.as_u64()).map_err(Found::Error)?;
        let states = encode_states(&self.states);
        let (mut arena, mut runs) = (Arena::default(), Vec::new());
        let rewrite = |key: &[u8], value: &[u8]| {
            let value = change(value).map_err(|found| Error::corrupt(self.lower.disk.file.path(), found))?;
            let copy = |bytes: &[u8], out: &mut Vec<u8>| {
                out.extend_from_slice(bytes);
                Ok(())
            };
            let renumbered = |out: &mut Vec<u8>| {
                out.extend_from_slice(&[key[0], new]);
                copy(&key[2..], out)
            };
            let put = arena.put(renumbered, |out| copy(&value, out)).and_then(|()| arena.bury(|out| copy(key, out)));
            put.expect("copying bytes does not fail");
            if arena.len() >= PIECE {
                runs.extend(store(&self.lower.disk, epoch, &pack(&[std::mem::take(&mut arena)]), &states)?);
            }
            Ok(())
        };
        self.lower.scan(prefixes(), rewrite).map_err(Found::Error)?;
        if arena.len() > 0 {
            runs.extend(store(&self.lower.disk, epoch, &pack(&[arena]), &states).map_err(Found::Error)?);
        }
        self.lower.runs.borrow_mut().extend(runs);
        self.lower.renew();
        Ok(new)
    }
}

/// How a state that a program opens fits what was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    /// Nothing of that name was stored.
    New,
    /// It was stored as it is read.
    Same,
    /// It was stored as another type, and has been converted: the shapes of its values.
    Converted { was: String, now: String },
}

/// Why a conversion came to nothing.
enum Found {
    Error(Error),
    /// An entry that does not fit.
    Misfit(String),
}

/// Where in a list of states the one of that name stands that counts.
pub(super) fn current(states: &[StateName], name: &str) -> Option<usize> {
    let named = states.iter().enumerate().filter(|(_, state)| state.name == name);
    named.max_by_key(|(_, state)| state.since).map(|(at, _)| at)
}

/// Whether two files store a state alike.
pub(super) fn are_alike(a: &StateName, b: &StateName) -> bool {
    match (&a.types, &b.types) {
        (Some(a), Some(b)) if a.is_complete() && b.is_complete() => a == b,
        _ => a.signature == b.signature,
    }
}

/// Takes from a list of states those that have become others, when nobody can go back behind that any more.
pub(super) fn drop_replaced(states: &mut Vec<StateName>, folded: u64) {
    let all = states.clone();
    states.retain(|state| {
        let is_replacement = |other: &StateName| other.name == state.name && other.since > state.since;
        !all.iter().any(|other| is_replacement(other) && other.since <= folded)
    });
}
