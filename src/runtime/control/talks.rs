//! Who is connected to the job.

use std::collections::BTreeMap;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many may talk at a time.
const MOST: usize = 32;

/// The connections of a server.
#[derive(Debug, Default)]
pub(super) struct Talks(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    over: bool,
    next: u64,
    streams: BTreeMap<u64, Arc<UnixStream>>,
}

/// A connection. Forgotten when dropped.
#[derive(Debug)]
pub(super) struct Talk {
    id: u64,
    stream: Arc<UnixStream>,
    talks: Arc<Talks>,
}

/// What becomes of somebody who connects.
#[derive(Debug)]
pub(super) enum Told {
    Welcome(Talk),
    TooMany(UnixStream),
    Over,
}

impl Talks {
    /// Somebody connects.
    pub(super) fn begin(self: &Arc<Self>, stream: UnixStream) -> Told {
        let mut inner = self.inner();
        if inner.over {
            return Told::Over;
        }
        if inner.streams.len() >= MOST {
            return Told::TooMany(stream);
        }
        let (id, stream) = (inner.next, Arc::new(stream));
        inner.next += 1;
        inner.streams.insert(id, stream.clone());
        Told::Welcome(Talk { id, stream, talks: self.clone() })
    }

    /// Nobody can connect any more. Returns whether somebody could.
    pub(super) fn close(&self) -> bool {
        !std::mem::replace(&mut self.inner().over, true)
    }

    /// Hears no further request. What is being answered still is; then the connections end.
    pub(super) fn end(&self) {
        for stream in self.inner().streams.values() {
            // A client that has gone needs no end.
            let _ = stream.shutdown(Shutdown::Read);
        }
    }

    /// All is consistent at all times, so a panic while it was held does no harm.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Talk {
    /// The line to the client.
    pub(super) fn stream(&self) -> &UnixStream {
        &self.stream
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        self.talks.inner().streams.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    fn connect(talks: &Arc<Talks>) -> (UnixStream, Told) {
        let (client, server) = UnixStream::pair().unwrap();
        (client, talks.begin(server))
    }

    #[test]
    fn so_many_may_talk_and_who_goes_makes_place() {
        let talks = Arc::new(Talks::default());
        let mut talking: Vec<_> = (0..MOST).map(|_| connect(&talks)).collect();
        assert!(talking.iter().all(|(_, told)| matches!(told, Told::Welcome(_))));
        assert!(matches!(connect(&talks).1, Told::TooMany(_)));
        talking.pop();
        assert!(matches!(connect(&talks).1, Told::Welcome(_)));
    }

    #[test]
    fn at_the_end_a_last_answer_is_given_and_no_further_request_is_heard() {
        let talks = Arc::new(Talks::default());
        let (mut client, told) = connect(&talks);
        let Told::Welcome(talk) = told else { panic!("{told:?}") };
        assert!(talks.close() && !talks.close());
        assert!(matches!(connect(&talks).1, Told::Over));
        talks.end();
        assert_eq!(talk.stream().read(&mut [0]).unwrap(), 0);
        talk.stream().write_all(b"bye").unwrap();
        drop(talk);
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "bye");
    }
}
