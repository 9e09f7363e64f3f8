//! A connection over TCP, line by line.

use super::line::{Cutter, Line, LineBlock, Pool};
use super::{Error, Position, Read, Source, Split, SplitReader};
use crate::time::Timestamp;
use std::io::{self, ErrorKind};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

/// A read that brings nothing for so long is taken up again later, so that whoever wants to end need not wait for the peer.
const PATIENCE: Duration = Duration::from_millis(100);

/// Brings the lines that a peer sends, as they come.
///
/// Shape: one split, that ends when the peer closes the connection; the last line counts without a line end.
///
/// Guarantee: at most once. What was sent cannot be asked for again, so a job that restarts connects anew and goes on with what
/// is sent from then on; a warning tells so.
///
/// ```
/// use millstream::connector::{SocketSource, Source};
///
/// assert_eq!(SocketSource::lines("localhost", 9999).describe(), "socket localhost:9999");
/// ```
pub struct SocketSource {
    host: String,
    port: u16,
    pool: Arc<Pool>,
}

impl SocketSource {
    /// Brings the lines that are sent by who listens at this port.
    pub fn lines(host: impl Into<String>, port: u16) -> Self {
        SocketSource { host: host.into(), port, pool: Arc::default() }
    }
}

impl Source for SocketSource {
    type Record = Line;
    type Block = LineBlock;

    fn describe(&self) -> String {
        format!("socket {}:{}", self.host, self.port)
    }

    fn splits(&self) -> Result<Vec<Split>, Error> {
        Ok(vec![Split::new("socket")])
    }

    fn open(&self, _: &Split, position: Option<&Position>) -> Result<Box<dyn SplitReader<Block = LineBlock>>, Error> {
        let name = self.describe();
        let offset = position.map(Position::read).transpose()?.unwrap_or(0);
        match position {
            None => tracing::warn!(socket = %name, "what a socket brings cannot be read again: a restart loses lines"),
            Some(_) => {
                tracing::warn!(socket = %name, byte = offset, "connecting anew: lines since the last checkpoint are lost")
            }
        }
        let cutter = Cutter::new(Arc::clone(&self.pool), name.into(), offset);
        Ok(Box::new(SocketReader { host: self.host.clone(), port: self.port, stream: None, cutter }))
    }

    fn decode(&self, block: LineBlock, emit: &mut dyn FnMut(Line, Timestamp)) {
        block.decode(emit);
    }
}

struct SocketReader {
    host: String,
    port: u16,
    /// Once it is connected.
    stream: Option<TcpStream>,
    cutter: Cutter,
}

impl SplitReader for SocketReader {
    type Block = LineBlock;

    fn read(&mut self) -> Result<Read<LineBlock>, Error> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => {
                let what = format!("cannot connect to {}:{}", self.host, self.port);
                let connect = || {
                    let stream = TcpStream::connect((self.host.as_str(), self.port))?;
                    stream.set_read_timeout(Some(PATIENCE))?;
                    Ok(stream)
                };
                none.insert(connect().map_err(|cause| Error::io(what, cause))?)
            }
        };
        let block = match self.cutter.fill(stream, false) {
            Ok(block) => block.or_else(|| self.cutter.rest()),
            Err(error) if is_silence(&error) => return Ok(Read::Wait(Duration::from_millis(1))),
            Err(error) => return Err(error),
        };
        Ok(block.map_or(Read::End, |block| {
            let offset = block.end_offset();
            Read::Block(block, Position::new(offset))
        }))
    }
}

/// Whether nothing came in time, which is no error.
fn is_silence(error: &Error) -> bool {
    let cause = error.cause.as_ref().and_then(|cause| cause.downcast_ref::<io::Error>());
    cause.is_some_and(|cause| matches!(cause.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
}

#[cfg(test)]
mod tests {
    use super::super::line::texts;
    use super::*;
    use std::io::Write;
    use std::net::TcpListener;

    fn open(listener: &TcpListener, position: Option<&Position>) -> Box<dyn SplitReader<Block = LineBlock>> {
        let source = SocketSource::lines("127.0.0.1", listener.local_addr().unwrap().port());
        source.open(&Split::new("socket"), position).unwrap()
    }

    #[test]
    fn it_waits_without_blocking_brings_all_lines_and_ends_when_the_peer_closes() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut reader = open(&listener, None);
        // Nobody has sent anything, so the first call returns with nothing.
        assert!(matches!(reader.read(), Ok(Read::Wait(_))));
        let (mut peer, _) = listener.accept().unwrap();
        peer.write_all(b"a\nb").unwrap();
        let mut seen = Vec::new();
        while seen.is_empty() {
            if let Read::Block(block, position) = reader.read().unwrap() {
                assert_eq!(position, Position::new(2));
                seen.append(&mut texts(block));
            }
        }
        drop(peer);
        loop {
            match reader.read().unwrap() {
                Read::Block(block, _) => seen.append(&mut texts(block)),
                Read::Wait(_) => {}
                Read::End => break,
            }
        }
        assert_eq!(seen, ["a", "b"]);
    }

    #[test]
    fn half_a_line_is_kept_over_a_silence() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut reader = open(&listener, None);
        assert!(matches!(reader.read(), Ok(Read::Wait(_))));
        let (mut peer, _) = listener.accept().unwrap();
        peer.write_all(b"hal").unwrap();
        assert!(matches!(reader.read(), Ok(Read::Wait(_))));
        peer.write_all(b"f\n").unwrap();
        loop {
            if let Read::Block(block, _) = reader.read().unwrap() {
                assert_eq!(texts(block), ["half"]);
                break;
            }
        }
    }

    #[test]
    fn it_connects_anew_at_a_position_and_counts_on() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut reader = open(&listener, Some(&Position::new(40)));
        assert!(matches!(reader.read(), Ok(Read::Wait(_))));
        let (mut peer, _) = listener.accept().unwrap();
        peer.write_all(b"a\n").unwrap();
        loop {
            if let Read::Block(_, position) = reader.read().unwrap() {
                assert_eq!(position, Position::new(42));
                break;
            }
        }
    }

    #[test]
    fn nobody_who_listens_is_told() {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut reader = SocketSource::lines("127.0.0.1", port).open(&Split::new("socket"), None).unwrap();
        let error = reader.read().unwrap_err().to_string();
        assert!(error.starts_with(&format!("cannot connect to 127.0.0.1:{port}")), "{error}");
    }
}
