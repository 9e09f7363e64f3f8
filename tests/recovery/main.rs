//! A panic anywhere in the user's code, and an error of anything outside, leave the results as if nothing had happened; and
//! a job that gives up says where and why.

#![allow(clippy::unwrap_used, reason = "a test that cannot prepare has failed")]

mod ended;
mod everything;
mod fuse;
mod given_up;
mod inspect;
mod letters;
mod local;
mod panics;
mod rescale;
mod strategies;
mod trickle;
