//! Looking into a savepoint, entry by entry.

use super::{Error, Savepoint};
use crate::state::{self, Declaration, Inspected, Inspector, Visit};
use std::ops::ControlFlow;
use std::path::Path;

/// The states of one operator, over all its subtasks.
#[derive(Debug)]
struct Operator {
    savepoint: Savepoint,
    /// Their numbers.
    numbers: Vec<usize>,
    declarations: Vec<Declaration>,
}

impl Inspected for Operator {
    fn declarations(&self) -> &[Declaration] {
        &self.declarations
    }

    fn read(&self, state: &str, group: usize, visit: &mut Visit<'_>) -> Result<(), state::Error> {
        /// The end, early: broken off, or failed.
        struct End(Option<Error>);
        impl From<Error> for End {
            fn from(error: Error) -> Self {
                End(Some(error))
            }
        }
        let Some(at) = self.declarations.iter().position(|known| known.name() == state) else { return Ok(()) };
        let ended = self.savepoint.entries(self.numbers[at], group, |key, value| match visit(key, value) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(End(None)),
        });
        let path = self.savepoint.path();
        ended.or_else(|End(error)| error.map_or(Ok(()), |error| Err(state::Error::corrupt(path, error.to_string()))))
    }
}

/// Opens the savepoint to look at an operator's states.
pub(crate) fn inspect(path: &Path, uid: &str) -> Result<Inspector, Error> {
    let savepoint = Savepoint::open(path)?;
    let states = savepoint.content().states_of(uid);
    let (numbers, declarations) = states.map(|(number, declaration)| (number, declaration.clone())).unzip();
    Ok(Inspector::of(Operator { savepoint, numbers, declarations }))
}
