//! One line of an access log, common or combined; the rules stand in the room's door.

use crate::fault::{Fault, Faulty};
use crate::time::{Timestamp, days_from_civil, days_in_month};
use memchr::{memchr, memrchr};
use std::fmt;

/// One request, as a web server logged it; every part borrows from the line and is as the server wrote it.
///
/// ```
/// use millstream::formats::LogEntry;
///
/// let line = br#"192.0.2.7 - ada [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5120 "-" "curl/8.5.0""#;
/// let entry = LogEntry::parse(line)?;
/// assert_eq!((entry.user, entry.bytes), ("ada", Some(5120)));
/// assert_eq!(entry.agent, Some(&b"curl/8.5.0"[..]));
/// # Ok::<(), millstream::formats::LogError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogEntry<'a> {
    /// Address or name of the client: printable ASCII, never empty.
    pub client: &'a str,
    /// The client's identity by RFC 1413, `-` in almost every log.
    pub ident: &'a str,
    /// The user who logged in, `-` if nobody did.
    pub user: &'a str,
    /// When the server received the request (Apache) or had answered it (Nginx), to the second.
    pub time: Timestamp,
    /// The first line of the request, still escaped. Any bytes: clients send junk, too.
    pub request: &'a [u8],
    /// Status of the response, 100 to 599.
    pub status: u16,
    /// Size of the response in bytes; `None` where the log has `-`.
    pub bytes: Option<u64>,
    /// The page that led here, still escaped, `-` if the client named none; `None` in the common format.
    pub referer: Option<&'a [u8]>,
    /// The client's program, still escaped, `-` if it named none; `None` in the common format.
    pub agent: Option<&'a [u8]>,
}

impl<'a> LogEntry<'a> {
    /// Reads one line, without its newline.
    ///
    /// # Errors
    /// The first field that breaks a rule of [`formats`](crate::formats), and where.
    pub fn parse(line: &'a [u8]) -> Result<LogEntry<'a>, LogError> {
        let (client, at) = word(line, 0, LogField::Client)?;
        let (ident, at) = word(line, at, LogField::Ident)?;
        let (user, at) = word(line, at, LogField::User)?;
        let (time, at) = time(line, at)?;
        let (request, at) = quoted(line, at, LogField::Request)?;
        let at = space(line, at, LogField::Request)?;
        let (status, at) = status(line, at)?;
        let (bytes, at) = bytes(line, at)?;
        let common = LogEntry { client, ident, user, time, request, status, bytes, referer: None, agent: None };
        if at == line.len() {
            return Ok(common);
        }
        let at = space(line, at, LogField::Bytes)?;
        let (referer, at) = quoted(line, at, LogField::Referer)?;
        let at = space(line, at, LogField::Referer)?;
        let (agent, at) = quoted(line, at, LogField::Agent)?;
        if at != line.len() {
            return Err(LogError { field: LogField::Agent, expected: "the end of the line", index: at });
        }
        Ok(LogEntry { referer: Some(referer), agent: Some(agent), ..common })
    }

    /// The request's method, like `GET`; `None` if [`request`](Self::request) is not a request line: a word of ASCII
    /// letters, `-` and `_`, a space, and more.
    pub fn method(&self) -> Option<&'a [u8]> {
        Some(self.request_line()?.method)
    }

    /// What was asked for, without the query that begins at a `?`; `None` where [`method`](Self::method) is.
    ///
    /// It lies between the first space of the request and the protocol, and is as the client sent it: it may hold
    /// spaces, or be a whole URL or a `*`.
    pub fn path(&self) -> Option<&'a [u8]> {
        let target = self.request_line()?.target;
        Some(&target[..memchr(b'?', target).unwrap_or(target.len())])
    }

    /// The protocol, like `HTTP/1.1`: the last word of the request, if it begins so and is neither the method nor all
    /// of the target.
    pub fn protocol(&self) -> Option<&'a [u8]> {
        self.request_line()?.protocol
    }

    fn request_line(&self) -> Option<RequestLine<'a>> {
        let (method, rest) = self.request.split_at(memchr(b' ', self.request)?);
        if method.is_empty() || !method.iter().all(|b| b.is_ascii_alphabetic() || matches!(b, b'-' | b'_')) {
            return None;
        }
        let rest = &rest[1..];
        let (target, protocol) = match memrchr(b' ', rest) {
            Some(end) if rest[end + 1..].starts_with(b"HTTP/") => (&rest[..end], Some(&rest[end + 1..])),
            _ => (rest, None),
        };
        Some(RequestLine { method, target, protocol })
    }
}

struct RequestLine<'a> {
    method: &'a [u8],
    target: &'a [u8],
    protocol: Option<&'a [u8]>,
}

/// A field of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are those of the format")]
pub enum LogField {
    Client,
    Ident,
    User,
    Time,
    Request,
    Status,
    Bytes,
    Referer,
    Agent,
}

impl fmt::Display for LogField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LogField::Client => "client",
            LogField::Ident => "ident",
            LogField::User => "user",
            LogField::Time => "time",
            LogField::Request => "request",
            LogField::Status => "status",
            LogField::Bytes => "bytes",
            LogField::Referer => "referer",
            LogField::Agent => "agent",
        })
    }
}

/// Why a line is no log entry: the first field that breaks a rule, the column, and what should stand there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: expected {expected} at column {}", self.column())]
pub struct LogError {
    field: LogField,
    expected: &'static str,
    index: usize,
}

impl LogError {
    /// The field that broke the rule.
    pub fn field(&self) -> LogField {
        self.field
    }

    /// Where in the line, in bytes; the first byte is column 1. One beyond the line if something is missing at its end.
    pub fn column(&self) -> usize {
        self.index + 1
    }
}

impl Faulty for LogError {
    /// [`Fault::User`]: the line will read the same the next time.
    fn fault(&self) -> Fault {
        Fault::User
    }
}

// Each function below reads one field at index `at`, which is at most the line's length, and gives its value and the
// index behind it: `word`, `time` and `status` behind the space that ends it, `quoted` behind its quote, `bytes` behind
// its last digit. They are inlined by force, because handing their results over in memory takes an eighth of the time.

#[inline(always)]
fn word(line: &[u8], at: usize, field: LogField) -> Result<(&str, usize), LogError> {
    let rest = &line[at..];
    if let [b'-', b' ', ..] = rest {
        return Ok(("-", at + 2));
    }
    let length = rest.iter().position(|b| !b.is_ascii_graphic()).unwrap_or(rest.len());
    let error = LogError { field, expected: "printable ASCII up to a space", index: at + length };
    if length == 0 || rest.get(length) != Some(&b' ') {
        return Err(error);
    }
    let word = std::str::from_utf8(&rest[..length]).map_err(|_| error)?;
    Ok((word, at + length + 1))
}

#[inline(always)]
fn space(line: &[u8], at: usize, field: LogField) -> Result<usize, LogError> {
    match line.get(at) {
        Some(b' ') => Ok(at + 1),
        _ => Err(LogError { field, expected: "a space behind it", index: at }),
    }
}

#[inline(always)]
fn time(line: &[u8], at: usize) -> Result<(Timestamp, usize), LogError> {
    let error = |expected| LogError { field: LogField::Time, expected, index: at };
    let shape = || error("the form `[17/May/2015:10:05:03 +0000]` and a space");
    let text = line[at..].first_chunk::<29>().ok_or_else(shape)?;
    let separators = [text[0], text[3], text[7], text[12], text[15], text[18], text[21], text[27], text[28]];
    if separators != *b"[//::: ] " || !matches!(text[22], b'+' | b'-') {
        return Err(shape());
    }
    let month = match &text[4..7] {
        b"Jan" => 1,
        b"Feb" => 2,
        b"Mar" => 3,
        b"Apr" => 4,
        b"May" => 5,
        b"Jun" => 6,
        b"Jul" => 7,
        b"Aug" => 8,
        b"Sep" => 9,
        b"Oct" => 10,
        b"Nov" => 11,
        b"Dec" => 12,
        _ => return Err(error("an English month like `May`")),
    };
    let (day, century, year_of_century) = (pair(text, 1), pair(text, 8), pair(text, 10));
    let (hour, minute, second) = (pair(text, 13), pair(text, 16), pair(text, 19));
    let (offset_hours, offset_minutes) = (pair(text, 23), pair(text, 25));
    let year = century * 100 + year_of_century;
    let real = century < 100
        && year_of_century < 100
        && (1..=days_in_month(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60
        && offset_hours < 24
        && offset_minutes < 60;
    if !real {
        return Err(error("a date and time that exist, in digits"));
    }
    let offset = offset_hours * 60 + offset_minutes;
    let offset = if text[22] == b'-' { -offset } else { offset };
    let minutes = (days_from_civil(year, month, day) * 24 + hour) * 60 + minute - offset;
    Ok((Timestamp::from_seconds(minutes * 60 + second), at + text.len()))
}

/// The number that the two digits at `at` write; more than any such number if they are no digits.
#[inline(always)]
fn pair(text: &[u8; 29], at: usize) -> i64 {
    let (tens, ones) = (text[at].wrapping_sub(b'0'), text[at + 1].wrapping_sub(b'0'));
    if tens > 9 || ones > 9 { i64::from(u8::MAX) } else { i64::from(tens * 10 + ones) }
}

#[inline(always)]
fn quoted(line: &[u8], at: usize, field: LogField) -> Result<(&[u8], usize), LogError> {
    if line.get(at) != Some(&b'"') {
        return Err(LogError { field, expected: "a double quote", index: at });
    }
    let start = at + 1;
    let mut from = start;
    while let Some(found) = memchr(b'"', &line[from..]) {
        let text = &line[start..from + found];
        from += found + 1;
        let backslashes = text.iter().rev().take_while(|&&b| b == b'\\').count();
        if backslashes % 2 == 0 {
            return Ok((text, from));
        }
    }
    Err(LogError { field, expected: "a closing double quote", index: line.len() })
}

#[inline(always)]
fn status(line: &[u8], at: usize) -> Result<(u16, usize), LogError> {
    let error = |expected| LogError { field: LogField::Status, expected, index: at };
    let Some(&[hundreds @ b'0'..=b'9', tens @ b'0'..=b'9', ones @ b'0'..=b'9']) = line[at..].first_chunk() else {
        return Err(error("three digits"));
    };
    let status = u16::from(hundreds - b'0') * 100 + u16::from(tens - b'0') * 10 + u16::from(ones - b'0');
    if !(100..600).contains(&status) {
        return Err(error("a number from 100 to 599"));
    }
    Ok((status, space(line, at + 3, LogField::Status)?))
}

#[inline(always)]
fn bytes(line: &[u8], at: usize) -> Result<(Option<u64>, usize), LogError> {
    let rest = &line[at..];
    if rest.first() == Some(&b'-') {
        return Ok((None, at + 1));
    }
    let error = |expected| LogError { field: LogField::Bytes, expected, index: at };
    let mut sum = 0_u64;
    let mut length = 0;
    while let Some(digit @ b'0'..=b'9') = rest.get(length) {
        let next = sum.checked_mul(10).and_then(|sum| sum.checked_add(u64::from(digit - b'0')));
        sum = next.ok_or_else(|| error("a number below 2^64"))?;
        length += 1;
    }
    if length == 0 { Err(error("digits or `-`")) } else { Ok((Some(sum), at + length)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const COMBINED: &str =
        r#"192.0.2.7 - ada [17/May/2015:10:05:03 +0000] "GET /a b?c HTTP/1.1" 200 5120 "http://x.example/" "curl/8""#;

    /// The line with its one `old` replaced.
    fn with(old: &str, new: &str) -> String {
        assert_eq!(COMBINED.matches(old).count(), 1, "{old}");
        COMBINED.replace(old, new)
    }

    #[test]
    fn every_part_of_a_combined_line_is_read() {
        let entry = LogEntry::parse(COMBINED.as_bytes()).unwrap();
        let expected = LogEntry {
            client: "192.0.2.7",
            ident: "-",
            user: "ada",
            time: Timestamp::from_seconds(1_431_857_103),
            request: b"GET /a b?c HTTP/1.1",
            status: 200,
            bytes: Some(5120),
            referer: Some(b"http://x.example/"),
            agent: Some(b"curl/8"),
        };
        assert_eq!(entry, expected);
        assert_eq!((entry.method(), entry.path()), (Some(&b"GET"[..]), Some(&b"/a b"[..])));
        assert_eq!(entry.protocol(), Some(&b"HTTP/1.1"[..]));
    }

    #[test]
    fn a_common_line_ends_after_its_bytes() {
        let line = COMBINED.split_once(" \"http").unwrap().0;
        let entry = LogEntry::parse(line.as_bytes()).unwrap();
        assert_eq!((entry.bytes, entry.referer, entry.agent), (Some(5120), None, None));
    }

    #[test]
    fn a_quote_ends_its_string_unless_an_odd_run_of_backslashes_stands_before_it() {
        for (text, well_formed) in [
            (r"", true),
            (r#"\""#, true),
            (r"\\", true),
            (r"\xe4\q", true),
            (r#"""#, false),
            (r#"\\""#, false),
            (r"\", false),
        ] {
            let line = with("curl/8", text);
            let entry = LogEntry::parse(line.as_bytes());
            assert_eq!(entry.is_ok(), well_formed, "{line}");
            assert!(!well_formed || entry.unwrap().agent == Some(text.as_bytes()));
        }
    }

    #[test]
    fn the_offset_is_taken_off() {
        for (offset, seconds) in [("+0000", 0), ("-0000", 0), ("+0230", -9000), ("-0800", 28_800), ("+2359", -86_340)] {
            let line = with("+0000", offset);
            let time = LogEntry::parse(line.as_bytes()).unwrap().time;
            assert_eq!(time, Timestamp::from_seconds(1_431_857_103 + seconds), "{offset}");
        }
    }

    #[test]
    fn only_dates_that_exist_are_read() {
        for (date, exists) in [
            ("29/Feb/2016", true),
            ("29/Feb/2015", false),
            ("29/Feb/1900", false),
            ("30/Apr/2015", true),
            ("31/Apr/2015", false),
            ("00/May/2015", false),
            ("31/Dec/0000", true),
        ] {
            assert_eq!(LogEntry::parse(with("17/May/2015", date).as_bytes()).is_ok(), exists, "{date}");
        }
        for (clock, exists) in [("23:59:59", true), ("24:00:00", false), ("10:60:00", false), ("23:59:60", false)] {
            assert_eq!(LogEntry::parse(with("10:05:03", clock).as_bytes()).is_ok(), exists, "{clock}");
        }
    }

    #[test]
    fn an_error_names_the_field_that_broke_the_rule_and_its_column() {
        let beyond = COMBINED.len() + 1;
        for (line, field, column) in [
            (String::new(), LogField::Client, 1),
            (with("192.0.2.7", " 192.0.2.7"), LogField::Client, 1),
            (with("192.0.2.7", "192.0.2.\u{e4}"), LogField::Client, 9),
            (with("192.0.2.7 ", "192.0.2.7  "), LogField::Ident, 11),
            (with("- ada", "-\tada"), LogField::Ident, 12),
            (with("[17", "17"), LogField::Time, 17),
            (with("17/May", "1\u{661}/May"), LogField::Time, 17),
            (with("May", "may"), LogField::Time, 17),
            (with("2015", "2O15"), LogField::Time, 17),
            (with("+0000", "+0060"), LogField::Time, 17),
            (with("+0000", "+2400"), LogField::Time, 17),
            (with("+0000", " 0000"), LogField::Time, 17),
            (with("+0000] ", "+0000]"), LogField::Time, 17),
            (with("\"GET", "GET"), LogField::Request, 46),
            (with("HTTP/1.1\" ", "HTTP/1.1\""), LogField::Request, 67),
            (with("200", "20"), LogField::Status, 68),
            (with("200", "000"), LogField::Status, 68),
            (with("200", "099"), LogField::Status, 68),
            (with("200", "600"), LogField::Status, 68),
            (with("200", "2000"), LogField::Status, 71),
            (with("5120", ""), LogField::Bytes, 72),
            (with("5120", "-1"), LogField::Bytes, 73),
            (with("5120", "51k"), LogField::Bytes, 74),
            (with("5120", "18446744073709551616"), LogField::Bytes, 72),
            (with(" \"http", "  \"http"), LogField::Referer, 77),
            (with("example/\" ", "example/\""), LogField::Referer, 96),
            (with(" \"curl/8\"", " "), LogField::Agent, 97),
            (with("curl/8\"", "curl"), LogField::Agent, 102),
            (format!("{COMBINED} "), LogField::Agent, beyond),
            (format!("{COMBINED}\r"), LogField::Agent, beyond),
        ] {
            let error = LogEntry::parse(line.as_bytes()).expect_err(&line);
            assert_eq!((error.field(), error.column()), (field, column), "{line}: {error}");
        }
        let greatest = with("5120", "18446744073709551615");
        assert_eq!(LogEntry::parse(greatest.as_bytes()).unwrap().bytes, Some(u64::MAX));
    }

    #[test]
    fn every_beginning_of_a_line_that_is_no_common_line_is_refused() {
        let ends_in_bytes = 72..=75;
        for length in 0..COMBINED.len() {
            let parsed = LogEntry::parse(&COMBINED.as_bytes()[..length]);
            assert_eq!(parsed.is_ok(), ends_in_bytes.contains(&length), "{length}");
        }
    }

    #[test]
    fn a_request_that_is_no_request_line_has_no_method() {
        for (request, method, path, protocol) in [
            ("GET / HTTP/1.1", Some("GET"), Some("/"), Some("HTTP/1.1")),
            ("GET /", Some("GET"), Some("/"), None),
            ("GET /?q=a b HTTP/2.0", Some("GET"), Some("/"), Some("HTTP/2.0")),
            ("M-SEARCH * HTTP/1.1", Some("M-SEARCH"), Some("*"), Some("HTTP/1.1")),
            ("GET HTTP/1.1", Some("GET"), Some("HTTP/1.1"), None),
            ("-", None, None, None),
            ("", None, None, None),
            (" /", None, None, None),
            (r"\x16\x03 \x01", None, None, None),
        ] {
            let line = with("GET /a b?c HTTP/1.1", request);
            let entry = LogEntry::parse(line.as_bytes()).unwrap();
            let text = |part: Option<&'static str>| part.map(str::as_bytes);
            let parts = (entry.method(), entry.path(), entry.protocol());
            assert_eq!(parts, (text(method), text(path), text(protocol)), "{request}");
        }
    }

    /// Bytes as a server would write them: quotes and backslashes escaped.
    fn escaped() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![8 => any::<u8>(), 1 => Just(b'"'), 1 => Just(b'\\')];
        prop::collection::vec(byte, 0..40).prop_map(|raw| {
            let escape = |b: u8| if matches!(b, b'"' | b'\\') { vec![b'\\', b] } else { vec![b] };
            raw.into_iter().flat_map(escape).collect()
        })
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(line: Vec<u8>) {
            let _ = LogEntry::parse(&line);
        }

        #[test]
        fn a_spoiled_line_is_read_or_refused(at in 0..COMBINED.len(), byte: u8) {
            let mut line = COMBINED.as_bytes().to_vec();
            line[at] = byte;
            if let Err(error) = LogEntry::parse(&line) {
                prop_assert!((1..=line.len() + 1).contains(&error.column()));
            }
        }

        #[test]
        fn a_well_formed_line_reads_back_as_its_parts(
            client in "[!-~]{1,20}",
            ident in "[!-~]{1,9}",
            user in "[!-~]{1,9}",
            minutes in -30_000_000_i64..100_000_000,
            second in 0_i64..60,
            status in 100_u16..600,
            bytes: Option<u64>,
            request in escaped(),
            more in prop::option::of((escaped(), escaped())),
        ) {
            let time = Timestamp::from_seconds(minutes * 60 + second);
            let text = time.to_string();
            let month = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
                [text[5..7].parse::<usize>().unwrap() - 1];
            let written = format!("{}/{month}/{}:{} +0000", &text[8..10], &text[..4], &text[11..19]);
            let mut line = format!("{client} {ident} {user} [{written}] \"").into_bytes();
            line.extend_from_slice(&request);
            let size = bytes.map_or("-".to_owned(), |bytes| bytes.to_string());
            line.extend_from_slice(format!("\" {status} {size}").as_bytes());
            if let Some((referer, agent)) = &more {
                line.extend_from_slice(&[b" \"", &referer[..], b"\" \"", agent, b"\""].concat());
            }
            let (client, ident, user, request) = (&client[..], &ident[..], &user[..], &request[..]);
            let (referer, agent) = (more.as_ref().map(|m| &m.0[..]), more.as_ref().map(|m| &m.1[..]));
            let expected = LogEntry { client, ident, user, time, request, status, bytes, referer, agent };
            prop_assert_eq!(LogEntry::parse(&line), Ok(expected));
        }
    }
}
