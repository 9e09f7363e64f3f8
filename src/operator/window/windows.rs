//! Any kind of windows, as the graph keeps it: its name, and what can be wrong with it.

use super::assigner::Assigner;
use crate::operator::TimeDomain;
use crate::time::whole_millis;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How a stream of `T` is cut into windows.
///
/// Made from [`Tumbling`](super::Tumbling), [`Sliding`](super::Sliding), [`Session`](super::Session),
/// [`CountWindows`](super::CountWindows), [`Global`](super::Global), [`Matching`](super::Matching), or an [`Assigner`] of your own.
/// Its text names the kind and all settings on which its state depends.
///
/// ```
/// use millstream::operator::window::{Tumbling, Windows};
/// use millstream::time::seconds;
///
/// let windows: Windows<String> = Tumbling::of(seconds(10)).into();
/// assert_eq!(windows.to_string(), "tumbling(10s)");
/// ```
pub struct Windows<T> {
    pub(crate) kind: Kind<T>,
}

/// The gap that a record asks for.
pub(crate) type GapFunction<T> = Arc<dyn Fn(&T) -> Duration + Send + Sync>;

/// Whether a record opens or closes a window.
pub(crate) type Predicate<T> = Arc<dyn Fn(&T) -> bool + Send + Sync>;

/// The kinds of windows.
pub(crate) enum Kind<T> {
    Tumbling { size: Duration, offset: Duration, domain: TimeDomain },
    Sliding { size: Duration, slide: Duration, offset: Duration, domain: TimeDomain },
    Session { gap: Duration, domain: TimeDomain },
    SessionBy { gap: GapFunction<T>, domain: TimeDomain },
    Count { size: u64, slide: u64 },
    Global,
    Matching { open: Predicate<T>, close: Predicate<T> },
    Custom(Arc<dyn Assigner<T>>),
}

impl<T> Clone for Kind<T> {
    fn clone(&self) -> Self {
        match self {
            &Kind::Tumbling { size, offset, domain } => Kind::Tumbling { size, offset, domain },
            &Kind::Sliding { size, slide, offset, domain } => Kind::Sliding { size, slide, offset, domain },
            &Kind::Session { gap, domain } => Kind::Session { gap, domain },
            Kind::SessionBy { gap, domain } => Kind::SessionBy { gap: gap.clone(), domain: *domain },
            &Kind::Count { size, slide } => Kind::Count { size, slide },
            Kind::Global => Kind::Global,
            Kind::Matching { open, close } => Kind::Matching { open: open.clone(), close: close.clone() },
            Kind::Custom(assigner) => Kind::Custom(assigner.clone()),
        }
    }
}

impl<T> Clone for Windows<T> {
    fn clone(&self) -> Self {
        Windows { kind: self.kind.clone() }
    }
}

impl<T> Windows<T> {
    /// Windows that an assigner of your own hands out.
    pub fn custom(assigner: impl Assigner<T>) -> Self {
        Windows { kind: Kind::Custom(Arc::new(assigner)) }
    }

    pub(super) fn of(kind: Kind<T>) -> Self {
        Windows { kind }
    }
}

impl<T: 'static> Windows<T> {
    /// The word for the kind, and its settings, in order.
    pub(super) fn words(&self) -> (&'static str, Vec<String>) {
        let text = |duration: &Duration| humantime::format_duration(*duration).to_string();
        let mut settings = Vec::new();
        let word = match &self.kind {
            Kind::Tumbling { size, .. } => {
                settings.push(text(size));
                "tumbling"
            }
            Kind::Sliding { size, slide, .. } => {
                settings.extend([text(size), format!("every {}", text(slide))]);
                "sliding"
            }
            Kind::Session { gap, .. } => {
                settings.push(text(gap));
                "session"
            }
            Kind::SessionBy { .. } => {
                settings.push("gap by record".to_owned());
                "session"
            }
            Kind::Count { size, slide } => {
                settings.push(size.to_string());
                settings.extend((slide != size).then(|| format!("every {slide}")));
                "count"
            }
            Kind::Global => "global",
            Kind::Matching { .. } => "matching",
            Kind::Custom(assigner) => {
                settings.push(assigner.name());
                "custom"
            }
        };
        if let Kind::Tumbling { offset, .. } | Kind::Sliding { offset, .. } = &self.kind
            && !offset.is_zero()
        {
            settings.push(format!("offset {}", text(offset)));
        }
        if self.domain() == Some(TimeDomain::Processing) {
            settings.push("processing time".to_owned());
        }
        (word, settings)
    }

    /// The clock by which windows end; `None` if they do not end by time.
    pub(crate) fn domain(&self) -> Option<TimeDomain> {
        match &self.kind {
            Kind::Tumbling { domain, .. }
            | Kind::Sliding { domain, .. }
            | Kind::Session { domain, .. }
            | Kind::SessionBy { domain, .. } => Some(*domain),
            Kind::Custom(assigner) => Some(assigner.domain()),
            Kind::Count { .. } | Kind::Global | Kind::Matching { .. } => None,
        }
    }

    /// What is wrong with it, if anything.
    pub(crate) fn check(&self) -> Result<(), String> {
        match &self.kind {
            Kind::Tumbling { size, offset, .. } => {
                check_length("size of a tumbling window", *size)?;
                check_offset("tumbling windows", *offset, "size", *size)
            }
            Kind::Sliding { size, slide, offset, .. } => {
                check_length("size of a sliding window", *size)?;
                check_length("slide of sliding windows", *slide)?;
                check_offset("sliding windows", *offset, "slide", *slide)
            }
            Kind::Session { gap, .. } => check_length("gap of a session window", *gap),
            Kind::Count { size: 0, .. } => Err("the size of a count window is 0; it must be at least 1 record".into()),
            Kind::Count { slide: 0, .. } => {
                Err("the slide of count windows is 0; it must be at least 1 record".to_owned())
            }
            _ => Ok(()),
        }
    }
}

fn check_length(what: &str, duration: Duration) -> Result<(), String> {
    match whole_millis(duration) {
        0 => Err(format!("the {what} is {duration:?}; it must be at least 1 ms")),
        i64::MAX => Err(format!("the {what} is {duration:?}; that is beyond the range of time")),
        _ => Ok(()),
    }
}

fn check_offset(what: &str, offset: Duration, of: &str, length: Duration) -> Result<(), String> {
    if offset < length {
        return Ok(());
    }
    Err(format!("the offset of {what} is {offset:?}; it must be less than their {of}, which is {length:?}"))
}

impl<T: 'static> fmt::Display for Windows<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, settings) = self.words();
        f.write_str(&kind_text(word, &settings))
    }
}

/// A kind with its settings: the word up to the parenthesis names the operator.
pub(super) fn kind_text(word: &str, settings: &[String]) -> String {
    if settings.is_empty() { word.to_owned() } else { format!("{word}({})", settings.join(", ")) }
}

impl<T: 'static> fmt::Debug for Windows<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Windows({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::super::{CountWindows, Session, Sliding, Tumbling};
    use super::*;
    use crate::time::{millis, seconds};

    fn flaw(windows: impl Into<Windows<u64>>) -> String {
        windows.into().check().expect_err("it should be refused")
    }

    #[test]
    fn what_can_hold_no_record_is_refused_by_name() {
        assert!(flaw(Tumbling::of(millis(0))).starts_with("the size of a tumbling window is 0ns;"));
        assert!(flaw(Sliding::of(seconds(1)).every(millis(0))).starts_with("the slide of sliding windows is 0ns;"));
        assert!(flaw(Session::gap(Duration::MAX)).contains("beyond the range of time"));
        assert!(flaw(CountWindows::of(0)).starts_with("the size of a count window is 0;"));
        assert!(flaw(CountWindows::of(1).every(0)).starts_with("the slide of count windows is 0;"));
    }

    #[test]
    fn an_offset_beyond_the_grid_is_refused() {
        assert_eq!(
            flaw(Tumbling::of(seconds(1)).offset(seconds(1))),
            "the offset of tumbling windows is 1s; it must be less than their size, which is 1s"
        );
        assert!(flaw(Sliding::of(seconds(5)).every(seconds(1)).offset(seconds(2))).contains("less than their slide"));
        assert_eq!(Windows::<u64>::from(Tumbling::of(seconds(1)).offset(millis(999))).check(), Ok(()));
    }

    #[test]
    fn windows_may_leave_gaps() {
        assert_eq!(Windows::<u64>::from(Sliding::of(seconds(1)).every(seconds(2))).check(), Ok(()));
    }
}
