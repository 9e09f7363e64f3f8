//! What lies in a state directory is read right, however old it is and whatever has happened to it, or is refused by name.

#![allow(clippy::unwrap_used, reason = "a test that cannot prepare has failed")]

mod damage;
mod going_back;
mod job;
mod state_directory;
