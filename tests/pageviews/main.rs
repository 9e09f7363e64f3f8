//! The page view job gives the rows that a naive reading of the same logs gives.

#[path = "../../examples/support/access_log.rs"]
mod access_log;
mod bundled_log;
mod naive;
mod reference;
