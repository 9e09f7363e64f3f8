//! What must hold between the counts of one operator in one subtask.
//!
//! Every record that an operator takes is either processed or told of in one of the other counts: `in = processed + late +
//! dead + unassigned`. For operators that give what they take, *processed* is counted once more at their outputs:
//!
//! | operators | law |
//! |---|---|
//! | sources, `map`, `inspect`, `tap`, `event_time`, `key_by`, `partition`, `throttle`, `zip_with_index`, `split`, `try_map`, `reduce`, `aggregate` without windows | `in = out + dead` |
//! | `filter`, `sample` | `in = out + filtered + dead` |
//! | windows, joins, process functions, `flat_map`, `distinct`, `dedup`, sinks | `in >= late + dead + unassigned` |
//! | lookups and partial aggregates: they hold records, or what was made of them | `in >= late + dead + unassigned` |
//!
//! A throttle holds nothing: it takes a batch as a whole, and the next one later.

/// What must hold between an operator's counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Law {
    /// One record out, on any of its outputs, for each that came in.
    OneToOne,
    /// At most one, and those left out on purpose are counted.
    Filters,
    /// Nothing but that no record is late, dead, or without a window that did not come in.
    #[default]
    Free,
}
