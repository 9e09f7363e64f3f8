//! Times as text in any form, in the letters of Java.
//!
//! `yyyy` (or `uuuu`) year, `yy` its last two digits (of 2000 to 2099), `MM` month, `MMM` `May`, `MMMM` `May` in full, `dd` day,
//! `DDD` day of the year, `E` `Mon`, `EEEE` `Monday`, `HH` hour from 0 to 23, `kk` from 1 to 24, `hh` from 1 to 12 with `a` for AM or
//! PM, `mm` minute, `ss` second, `S` digits of its fraction, `X`, `XX`, `XXX` an offset from UTC (`Z`, `+0100`, `+01:00`), `Z`
//! `+0000`, `z` `UTC`; text in single quotes, and signs, stand for themselves. A letter that stands alone writes no zeros in
//! front. Names are English. All other letters are refused.

use super::moment::{DAY_SECONDS, Moment};
use crate::time::{days_from_civil, days_in_month};
use std::fmt::Write;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// A pattern, cut into its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    items: Vec<Item>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    /// A letter, and how often it stands there.
    Field(char, usize),
    Text(String),
}

/// What has been read.
struct Read {
    year: i64,
    month: i64,
    day: i64,
    day_of_year: Option<i64>,
    hour: i64,
    half: Option<i64>,
    is_afternoon: bool,
    minute: i64,
    second: i64,
    nanos: i64,
    offset: i64,
}

impl Pattern {
    /// Reads a pattern.
    pub(super) fn read(pattern: &str) -> Result<Self, String> {
        let mut items: Vec<Item> = Vec::new();
        let mut characters = pattern.chars().peekable();
        while let Some(c) = characters.next() {
            match c {
                '\'' => {
                    let mut text = String::new();
                    loop {
                        match characters.next() {
                            Some('\'') if characters.next_if_eq(&'\'').is_some() => text.push('\''),
                            Some('\'') => break,
                            Some(other) => text.push(other),
                            None => return Err(format!("the pattern `{pattern}` has a quote that does not end")),
                        }
                    }
                    items.push(Item::Text(if text.is_empty() { "'".to_owned() } else { text }));
                }
                'a'..='z' | 'A'..='Z' => {
                    let mut count = 1;
                    while characters.next_if_eq(&c).is_some() {
                        count += 1;
                    }
                    let c = if c == 'u' { 'y' } else { c };
                    let is_known = match c {
                        'y' | 'E' | 'M' => count <= 4,
                        'd' | 'H' | 'k' | 'h' | 'm' | 's' => count <= 2,
                        'D' | 'X' | 'Z' | 'z' => count <= 3,
                        'S' => count <= 9,
                        'a' => count == 1,
                        _ => false,
                    };
                    if !is_known {
                        let letters = c.to_string().repeat(count);
                        return Err(format!("the pattern `{pattern}` has `{letters}`, which has no meaning here"));
                    }
                    items.push(Item::Field(c, count));
                }
                _ => items.push(Item::Text(c.to_string())),
            }
        }
        Ok(Pattern { items })
    }

    /// Writes a moment.
    pub(super) fn write(&self, moment: Moment) -> String {
        let (year, month, day) = moment.civil();
        let seconds = moment.nanos / 1_000_000_000;
        let hour = seconds / 3600;
        let mut out = String::new();
        for item in &self.items {
            let (letter, count) = match item {
                Item::Text(text) => {
                    out.push_str(text);
                    continue;
                }
                Item::Field(letter, count) => (*letter, *count),
            };
            let name = |names: &[&str], at: i64, whole: usize| {
                let name = usize::try_from(at).ok().and_then(|at| names.get(at)).copied().unwrap_or_default();
                if count >= whole { name.to_owned() } else { name.chars().take(3).collect() }
            };
            let number = match letter {
                'y' if count == 2 => year % 100,
                'y' => year,
                'M' if count > 2 => {
                    out.push_str(&name(&MONTHS, month - 1, 4));
                    continue;
                }
                'M' => month,
                'd' => day,
                'D' => moment.day_of_year(),
                'E' => {
                    out.push_str(&name(&WEEKDAYS, moment.weekday(), 4));
                    continue;
                }
                'H' => hour,
                'k' => (hour + 23) % 24 + 1,
                'h' => (hour + 11) % 12 + 1,
                'm' => seconds / 60 % 60,
                's' => seconds % 60,
                'S' => {
                    let digits = format!("{:09}", moment.nanos % 1_000_000_000);
                    out.push_str(&digits[..count]);
                    continue;
                }
                'a' => {
                    out.push_str(if hour < 12 { "AM" } else { "PM" });
                    continue;
                }
                'X' => {
                    out.push('Z');
                    continue;
                }
                'Z' => {
                    out.push_str("+0000");
                    continue;
                }
                _ => {
                    out.push_str("UTC");
                    continue;
                }
            };
            // Writing to a text cannot fail.
            let _ = write!(out, "{number:0count$}");
        }
        out
    }

    /// Reads a moment; `None` if the text is none of this form. What the form leaves out is that of 1970-01-01 00:00:00.
    ///
    /// * `ends`: whether the text must end where the pattern does.
    pub(super) fn parse(&self, text: &str, ends: bool) -> Option<Moment> {
        let mut read = Read {
            year: 1970,
            month: 1,
            day: 1,
            day_of_year: None,
            hour: 0,
            half: None,
            is_afternoon: false,
            minute: 0,
            second: 0,
            nanos: 0,
            offset: 0,
        };
        let mut rest = text;
        for (at, item) in self.items.iter().enumerate() {
            // Digits that stand close to digits have a fixed number.
            let is_close = matches!(self.items.get(at + 1), Some(Item::Field(next, _)) if "yMdDHkhmsS".contains(*next));
            rest = match item {
                Item::Text(text) => rest.strip_prefix(text.as_str())?,
                Item::Field(letter, count) => read.field(*letter, *count, is_close, rest)?,
            };
        }
        if ends && !rest.is_empty() {
            return None;
        }
        read.moment()
    }
}

impl Read {
    /// Reads one field from the front of a text; what remains.
    fn field<'t>(&mut self, letter: char, count: usize, is_close: bool, text: &'t str) -> Option<&'t str> {
        let named = |names: &[&str]| {
            let found = names.iter().position(|name| starts_with(text, name)).map(|at| (at, names[at].len()));
            let found = found.or_else(|| names.iter().position(|name| starts_with(text, &name[..3])).map(|at| (at, 3)));
            found.map(|(at, length)| (at as i64, &text[length..]))
        };
        match letter {
            'M' if count > 2 => {
                let (at, rest) = named(&MONTHS)?;
                self.month = at + 1;
                return Some(rest);
            }
            'E' => return named(&WEEKDAYS).map(|(_, rest)| rest),
            'a' => {
                self.is_afternoon = starts_with(text, "PM");
                return (self.is_afternoon || starts_with(text, "AM")).then(|| &text[2..]);
            }
            'X' | 'Z' | 'z' => return self.zone(text),
            _ => {}
        }
        let most = match letter {
            _ if is_close || letter == 'S' => count,
            'y' if count == 2 => 2,
            'y' => 4,
            'D' => 3,
            _ => 2,
        };
        let length = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
        let least = if letter == 'S' || (count > 1 && letter != 'D') { count } else { 1 };
        if length < least {
            return None;
        }
        let number: i64 = text[..length].parse().ok()?;
        match letter {
            'y' if count == 2 => self.year = 2000 + number,
            'y' => self.year = number,
            'M' => self.month = number,
            'd' => self.day = number,
            'D' => self.day_of_year = Some(number),
            'H' => self.hour = number,
            'k' => self.hour = if number == 24 { 0 } else { number },
            'h' => self.half = Some(number),
            'm' => self.minute = number,
            's' => self.second = number,
            _ => self.nanos = number * 10_i64.pow(u32::try_from(9 - length).ok()?),
        }
        Some(&text[length..])
    }

    /// `Z`, `UTC`, `GMT`, `+01`, `+0100` or `+01:00`.
    fn zone<'t>(&mut self, text: &'t str) -> Option<&'t str> {
        for name in ["UTC", "GMT", "Z"] {
            if let Some(rest) = text.strip_prefix(name) {
                return Some(rest);
            }
        }
        let sign = if text.starts_with('-') { -1 } else { 1 };
        let rest = text.strip_prefix(['+', '-'])?;
        let two = |rest: &'t str| -> Option<(i64, &'t str)> {
            let digits = rest.get(..2).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
            Some((digits.parse().ok()?, &rest[2..]))
        };
        let (hours, rest) = two(rest)?;
        let (minutes, rest) = two(rest.strip_prefix(':').unwrap_or(rest)).unwrap_or((0, rest));
        self.offset = sign * (hours * 3600 + minutes * 60);
        (hours < 24 && minutes < 60).then_some(rest)
    }

    fn moment(self) -> Option<Moment> {
        let hour = match self.half {
            Some(half) => {
                Some(half % 12 + if self.is_afternoon { 12 } else { 0 }).filter(|_| (1..=12).contains(&half))?
            }
            None => self.hour,
        };
        let is_date = (1..=12).contains(&self.month) && (1..=days_in_month(self.year, self.month)).contains(&self.day);
        if !is_date || hour > 23 || self.minute > 59 || self.second > 59 {
            return None;
        }
        let days = match self.day_of_year {
            Some(day) => Some(days_from_civil(self.year, 1, 1) + day - 1).filter(|_| (1..=366).contains(&day))?,
            None => days_from_civil(self.year, self.month, self.day),
        };
        let seconds = days * DAY_SECONDS + hour * 3600 + self.minute * 60 + self.second - self.offset;
        Moment::from_seconds(seconds).map(|moment| Moment { nanos: moment.nanos + self.nanos, ..moment })
    }
}

fn starts_with(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|front| front.eq_ignore_ascii_case(start))
}
