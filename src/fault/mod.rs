//! Whose fault an error is: the one question that every room's error answers, and the only one the supervisor asks.
//!
//! A supervisor must not read the text of a message to decide whether a restart can help. So every error of Millstream
//! implements [`Faulty`].
//!
//! ```
//! use millstream::fault::{Fault, Faulty};
//!
//! let missing = std::io::Error::from(std::io::ErrorKind::NotFound);
//! assert_eq!(missing.fault(), Fault::User);
//! let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
//! assert_eq!(full.fault(), Fault::External);
//! ```

mod guard;

pub(crate) use guard::{guard, install_hook};

use std::io::ErrorKind;

/// Who has to act before the failed thing can succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The program or its settings are wrong: a restart would meet the same error again, so stop and tell.
    User,
    /// Something outside (disk, network, another process) failed: back off and try again.
    External,
    /// Our own invariant or the user's code broke while it ran: restore the last snapshot, count, report.
    Internal,
}

/// An error that can say whose fault it is.
pub trait Faulty {
    /// Whose fault this error is.
    fn fault(&self) -> Fault;
}

impl Faulty for std::io::Error {
    fn fault(&self) -> Fault {
        match self.kind() {
            ErrorKind::NotFound
            | ErrorKind::PermissionDenied
            | ErrorKind::IsADirectory
            | ErrorKind::NotADirectory
            | ErrorKind::InvalidInput
            | ErrorKind::InvalidFilename => Fault::User,
            // A disk that becomes read-only has failed, and may come back. One that is so from the start is refused there.
            _ => Fault::External,
        }
    }
}
