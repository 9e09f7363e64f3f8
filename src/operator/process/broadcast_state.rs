//! State that every subtask has a copy of.

use super::{Failure, operator_error};
use crate::operator::{BuildContext, Error};
use crate::record::{CodecError, Key, decode, encode};
use crate::state;
use serde::{Deserialize, Serialize};
use std::any::type_name;
use std::collections::BTreeMap;

/// A sorted map that every subtask of an operator has a copy of: what it has kept of the broadcast stream.
///
/// It is small state: held in memory, and part of each checkpoint as a whole, once per subtask. At a checkpoint's barrier all
/// copies have seen the same records; after a change of parallelism each subtask takes one old subtask's copy.
///
/// ```
/// use millstream::operator::process::BroadcastState;
///
/// let mut limits: BroadcastState<String, u64> = BroadcastState::default();
/// limits.insert("day".to_string(), 500)?;
/// limits.insert("call".to_string(), 200)?;
/// assert_eq!(limits.get(&"call".to_string()), Some(&200));
/// assert_eq!(limits.iter().map(|(name, limit)| (name.as_str(), *limit)).collect::<Vec<_>>(), [("call", 200), ("day", 500)]);
/// # Ok::<(), millstream::operator::process::Failure>(())
/// ```
#[derive(Debug)]
pub struct BroadcastState<K, V> {
    entries: BTreeMap<K, Entry<V>>,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    /// Key and value in postcard. Encoded at once, so that a value that has no stored form is told where it comes from.
    stored: (Vec<u8>, Vec<u8>),
}

/// How it lies in a checkpoint.
#[derive(Serialize, Deserialize)]
pub(super) struct Saved {
    types: String,
    entries: Vec<(Vec<u8>, Vec<u8>)>,
}

const NAME: &str = "broadcast state";

impl<K, V> Default for BroadcastState<K, V> {
    fn default() -> Self {
        BroadcastState { entries: BTreeMap::new() }
    }
}

impl<K: Key, V: state::StateValue> BroadcastState<K, V> {
    /// The value under a key.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key).map(|entry| &entry.value)
    }

    /// All entries, in the order of keys.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.entries.iter().map(|(key, entry)| (key, &entry.value))
    }

    /// How many entries it has.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Sets the value under a key. Returns the one that was there.
    ///
    /// # Errors
    /// If key or value cannot be encoded: it has a sequence of unknown length, or its own `Serialize` refuses.
    pub fn insert(&mut self, key: K, value: V) -> Result<Option<V>, Failure> {
        let stored = (encode(&key)?, encode(&value)?);
        Ok(self.entries.insert(key, Entry { value, stored }).map(|entry| entry.value))
    }

    /// Removes the value under a key and returns it.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        self.entries.remove(key).map(|entry| entry.value)
    }

    /// Removes all.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    fn types() -> String {
        format!("{} -> {} in postcard 1", type_name::<K>(), type_name::<V>())
    }

    pub(super) fn saved(&self) -> Saved {
        Saved { types: Self::types(), entries: self.entries.values().map(|entry| entry.stored.clone()).collect() }
    }

    /// What the checkpoint holds for the operator that is built: its own copy, or one of the old subtasks'.
    pub(super) fn restored(context: &BuildContext) -> Result<Self, Error> {
        let copies: Vec<Saved> = context.restored()?;
        let mut state = BroadcastState::default();
        let count = copies.len().max(1);
        let Some(saved) = copies.into_iter().nth(context.subtask % count) else { return Ok(state) };
        let names = || (NAME.to_owned(), context.uid().to_owned());
        if saved.types != Self::types() {
            let (state, uid) = names();
            return Err(state::Error::Changed { state, uid, was: saved.types, now: Self::types() }.into());
        }
        for (key, value) in saved.entries {
            let codec = |source: CodecError| {
                let (state, uid) = names();
                Error::State(state::Error::Codec { state, uid, source })
            };
            let (key, value) = (decode(&key).map_err(codec)?, decode(&value).map_err(codec)?);
            state.insert(key, value).map_err(operator_error)?;
        }
        Ok(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::Restored;
    use serde_json::json;

    /// A context of subtask `subtask` of `parallelism`, whose old subtasks had these copies.
    fn context(subtask: usize, parallelism: usize, copies: &[BroadcastState<(u8, u8), f64>]) -> BuildContext {
        let mut context = BuildContext::new(subtask, parallelism, 64);
        let saved = |copy: &BroadcastState<_, _>| json!({ "state": serde_json::to_value(copy.saved()).unwrap() });
        let subtasks = copies.iter().map(saved).enumerate().collect();
        context.restored.insert("rules".into(), Restored { subtasks, parallelism: copies.len() });
        context.begin(0, "rules");
        context
    }

    fn copy(value: f64) -> BroadcastState<(u8, u8), f64> {
        let mut copy = BroadcastState::default();
        copy.insert((2, 1), value).unwrap();
        copy.insert((1, 9), f64::INFINITY).unwrap();
        copy
    }

    #[test]
    fn a_subtask_finds_its_own_copy_again_or_one_of_the_old_ones() {
        let copies = [copy(0.5), copy(1.5)];
        for (parallelism, found) in [(2, vec![0.5, 1.5]), (3, vec![0.5, 1.5, 0.5]), (1, vec![0.5])] {
            for (subtask, value) in found.into_iter().enumerate() {
                let context = context(subtask, parallelism, &copies);
                let restored: BroadcastState<(u8, u8), f64> = BroadcastState::restored(&context).unwrap();
                let entries: Vec<_> = restored.iter().map(|(key, value)| (*key, *value)).collect();
                assert_eq!(entries, [((1, 9), f64::INFINITY), ((2, 1), value)], "{subtask} of {parallelism}");
            }
        }
    }

    #[test]
    fn another_type_than_before_is_refused_by_name() {
        let error = BroadcastState::<(u8, u8), f32>::restored(&context(0, 1, &[copy(0.5)])).unwrap_err().to_string();
        for word in ["`broadcast state` of operator `rules`", "f64", "f32"] {
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn what_has_no_stored_form_is_refused_where_it_comes_from() {
        #[derive(Debug)]
        struct Unstored;

        impl Serialize for Unstored {
            fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                Err(serde::ser::Error::custom("never"))
            }
        }

        impl<'de> Deserialize<'de> for Unstored {
            fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
                Ok(Unstored)
            }
        }

        let mut state = BroadcastState::default();
        assert!(state.insert(1_u8, Unstored).unwrap_err().to_string().contains("Unstored"));
        assert!(state.is_empty());
    }
}
