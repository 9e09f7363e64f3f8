//! Records that were given up on, and come again.

use super::super::mailbox::Failure;
use super::super::reading::Reading;
use super::super::replay::{Into, Replay};
use super::Shell;
use super::journal::Entry;
use crate::operator::Core;
use crate::time::Timestamp;

impl Shell {
    /// The master wants a record to be handed to an operator again.
    pub(in super::super) fn hand_again(&mut self, replay: Replay) {
        self.replays.push_back(replay);
    }

    /// Takes the next such record, as an element that has come in. Behind the end of the data none is taken.
    ///
    /// It is told with the epoch in which it was taken, before anything can go wrong with it: if it is given up on once more
    /// there is another letter about it.
    pub(super) fn take_again(&mut self) -> Result<bool, Failure> {
        let over = |core: &Core| core.clock.get() == Timestamp::MAX;
        let has_read = self.reading.as_ref().is_some_and(Reading::is_done);
        if self.ended || has_read || self.core.as_ref().is_none_or(over) {
            return Ok(false);
        }
        let Some(Replay { id, into, batch, reopens }) = self.replays.pop_front() else { return Ok(false) };
        self.replayed.add(vec![id]);
        let taker = match &into {
            Into::Input(_) => Some(self.blueprint.head()),
            Into::Operator(uid) => self.blueprint.node(uid),
        };
        taker.into_iter().for_each(|node| self.tally.again(node, batch.len()));
        self.hand_over(match into {
            Into::Input(input) => Entry::Batch { channel: None, input, bytes: batch.bytes(), batch, reopens },
            Into::Operator(uid) => Entry::Fed { uid, batch },
        })?;
        Ok(true)
    }
}
