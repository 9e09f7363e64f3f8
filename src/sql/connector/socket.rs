//! Lines over TCP.

use super::{Connector, Input, OptionDoc, Options};
use crate::connector::SocketSource;
use crate::sql::catalog::OptionError;

/// `socket`: the lines that a peer sends over TCP, until it closes the connection.
///
/// At most once: what was sent cannot be asked for again, so a job that restarts connects anew and goes on with what is sent from
/// then on. Lines end with a line end.
///
/// ```
/// use millstream::sql::connector::{Connector, Socket};
///
/// assert!(Socket.has_format());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Socket;

impl Connector for Socket {
    fn name(&self) -> &str {
        "socket"
    }

    fn doc(&self) -> &str {
        "lines that a peer sends over TCP, at most once"
    }

    fn options(&self) -> &[OptionDoc] {
        &[
            OptionDoc { key: "hostname", default: None, doc: "where the peer listens" },
            OptionDoc { key: "port", default: None, doc: "at which port" },
        ]
    }

    fn has_format(&self) -> bool {
        true
    }

    fn source(&self, options: Options<'_>) -> Result<Input, OptionError> {
        let host = options.required("hostname", "localhost")?;
        options.required("port", "9999")?;
        let port = options.read("port", "a number from 1 to 65535", |port| *port > 0)?;
        Ok(Input::lines(SocketSource::lines(host, port.unwrap_or_default())))
    }
}
