//! The options of every table with event time, under Flink's names.

use super::{OptionDoc, Options};
use crate::sql::catalog::OptionError;
use std::time::Duration;

const IDLE: &str = "scan.watermark.idle-timeout";
const EMIT: &str = "scan.watermark.emit.strategy";
/// Names a table for late rows.
pub(in crate::sql) const LATE: &str = "late-rows.table";
const DRIFT: &str = "scan.watermark.alignment.max-drift";

/// The options.
pub const TIMING: &[OptionDoc] = &[
    OptionDoc {
        key: IDLE,
        default: None,
        doc: "after what silence a split of the table holds event time back no longer, like '30 s'; zero: never",
    },
    OptionDoc {
        key: EMIT,
        default: Some("on-periodic"),
        doc: "when the watermark is told: at the end of each batch ('on-periodic'), or behind each row that moves it \
              ('on-event')",
    },
    OptionDoc {
        key: DRIFT,
        default: None,
        doc: "how far a split of the table may run ahead of its slowest one in event time, like '10 min'",
    },
    OptionDoc {
        key: LATE,
        default: None,
        doc: "the table that takes the rows which windows, joins and OVER drop because they come too late (not in Flink)",
    },
];

/// When the watermark is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::sql) enum Emit {
    /// At the end of each batch.
    #[default]
    OnPeriodic,
    /// Behind each row that moves it.
    OnEvent,
}

/// What a table says of its event time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::sql) struct Timing {
    /// After what silence a split no longer holds event time back; zero: never.
    pub(in crate::sql) idle: Option<Duration>,
    pub(in crate::sql) emit: Emit,
    /// How far a split may run ahead of the slowest one.
    pub(in crate::sql) max_drift: Option<Duration>,
}

impl Timing {
    /// Reads the options.
    pub(super) fn of(options: Options<'_>) -> Result<Self, OptionError> {
        let table = options.table();
        let said = TIMING.iter().find(|option| options.text(option.key).is_some());
        if let Some(option) = said.filter(|_| table.watermark.is_none()) {
            let message = format!("it is about event time, and `{}` has no WATERMARK FOR", table.name);
            return Err(options.refuse(option.key, message));
        }
        let emit = match options.text(EMIT) {
            None | Some("on-periodic") => Emit::OnPeriodic,
            Some("on-event") => Emit::OnEvent,
            Some(other) => {
                return Err(options.refuse(EMIT, format!("'{EMIT}' is 'on-periodic' or 'on-event', not '{other}'")));
            }
        };
        Ok(Timing { idle: options.duration(IDLE)?, emit, max_drift: options.duration(DRIFT)? })
    }
}
