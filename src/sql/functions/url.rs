//! Addresses in the web.

use super::function::{Function, function};
use super::regex;

pub(super) fn functions() -> Vec<Function> {
    vec![
        function("url_encode", "URL_ENCODE(string)", "The text as it stands in a form of the web.").of(|text: &str| encode(text)),
        function("url_decode", "URL_DECODE(string)", "The text that a form of the web stands for; NULL if it is none.")
            .of(|text: &str| decode(text)),
        function(
            "parse_url",
            "PARSE_URL(url, part[, key])",
            "The HOST, PATH, QUERY, REF, PROTOCOL, AUTHORITY, FILE or USERINFO of an address, or the value of a key of its QUERY.",
        )
        .of(|url: &str, part: &str| Parts::of(url).and_then(|parts| parts.get(part)))
        .of(|url: &str, part: &str, key: &str| -> Option<String> {
            let query = Parts::of(url).and_then(|parts| parts.get(part)).filter(|_| part == "QUERY")?;
            let pattern = format!("(?:&|^){}=([^&]*)", ::regex::escape(key));
            regex::with(&pattern, |found| found.captures(&query).map(|found| found[1].to_owned())).ok().flatten()
        }),
    ]
}

/// As `application/x-www-form-urlencoded` has it.
fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'*' | b'_' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                let (high, low) = (digit()?, digit()?);
                (high << 4 | low) as u8
            }
            other => other,
        });
    }
    Some(String::from_utf8_lossy(&out).into_owned())
}

/// The parts of an address, as RFC 3986 cuts them.
struct Parts<'a> {
    protocol: &'a str,
    authority: Option<&'a str>,
    path: &'a str,
    query: Option<&'a str>,
    fragment: Option<&'a str>,
}

impl<'a> Parts<'a> {
    fn of(url: &'a str) -> Option<Self> {
        let (rest, fragment) = cut(url, '#');
        let (rest, query) = cut(rest, '?');
        let (protocol, rest) = rest.split_once(':')?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
        if !protocol.starts_with(|c: char| c.is_ascii_alphabetic()) || !protocol.chars().all(is_name) {
            return None;
        }
        let (authority, path) = match rest.strip_prefix("//") {
            None => (None, rest),
            Some(rest) => {
                let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                (Some(authority), path)
            }
        };
        Some(Parts { protocol, authority, path, query, fragment })
    }

    fn get(&self, part: &str) -> Option<String> {
        let (user, place) = self.authority.map_or((None, None), |authority| match authority.rsplit_once('@') {
            Some((user, place)) => (Some(user), Some(place)),
            None => (None, Some(authority)),
        });
        let host = || {
            let place = place?;
            // An address in brackets has colons of its own.
            let end = place.find(']').map_or(0, |at| at + 1);
            Some(place[..place[end..].find(':').map_or(place.len(), |at| end + at)].to_owned())
        };
        match part {
            "HOST" => host(),
            "PATH" => Some(self.path.to_owned()),
            "QUERY" => self.query.map(str::to_owned),
            "REF" => self.fragment.map(str::to_owned),
            "PROTOCOL" => Some(self.protocol.to_owned()),
            "AUTHORITY" => self.authority.map(str::to_owned),
            "FILE" => Some(self.query.map_or(self.path.to_owned(), |query| format!("{}?{query}", self.path))),
            "USERINFO" => user.map(str::to_owned),
            _ => None,
        }
    }
}

fn cut(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(before, behind)| (before, Some(behind)))
}
