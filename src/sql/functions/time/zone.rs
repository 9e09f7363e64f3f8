//! Zones: local times of one place as those of another.

use super::moment::Moment;
use arrow::array::timezone::Tz;
use arrow::array::{Array, ArrayRef, AsArray, TimestampSecondArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit, TimestampSecondType};
use std::sync::Arc;

/// The name of a zone as Arrow has it: `America/Los_Angeles`, `UTC`, `-08:00`; from Java `GMT-08:00`, too.
fn name(zone: &str) -> &str {
    let offset = ["GMT", "UTC"].iter().find_map(|prefix| zone.strip_prefix(prefix));
    offset.filter(|offset| offset.starts_with(['+', '-'])).unwrap_or(zone)
}

/// The local time in the zone `to` when it is `moment` in the zone `from`.
pub(super) fn converted(moment: Moment, from: &str, to: &str) -> Result<Moment, String> {
    let instant = in_zone(moment, from)?;
    let zone: Tz = name(to).parse().map_err(|_| format!("no zone is called `{to}`"))?;
    let instants = instant.as_primitive_opt::<TimestampSecondType>();
    let local = instants.and_then(|instants| instants.value_as_datetime_with_tz(0, zone));
    let local = local.ok_or_else(|| format!("that time cannot be told in `{to}`"))?.naive_local().and_utc();
    moment_of(&(Arc::new(TimestampSecondArray::from(vec![local.timestamp()])) as ArrayRef), moment, to)
}

/// The instant, as a moment in UTC, at which it is `moment` in a zone.
pub(super) fn instant(moment: Moment, zone: &str) -> Result<Moment, String> {
    moment_of(&in_zone(moment, zone)?, moment, zone)
}

fn in_zone(moment: Moment, zone: &str) -> Result<ArrayRef, String> {
    let local: ArrayRef = Arc::new(TimestampSecondArray::from(vec![moment.seconds()]));
    seconds(&local, &DataType::Timestamp(TimeUnit::Second, Some(name(zone).into())), zone)
}

fn seconds(times: &ArrayRef, to: &DataType, zone: &str) -> Result<ArrayRef, String> {
    let made =
        cast(times, to).map_err(|_| format!("no zone is called `{zone}`, or that local time does not exist in it"))?;
    if made.is_null(0) {
        return Err(format!("that local time does not exist in `{zone}`"));
    }
    Ok(made)
}

/// The only time of an array, with the fraction of the second that another moment has.
fn moment_of(times: &ArrayRef, fraction: Moment, zone: &str) -> Result<Moment, String> {
    let times = times.as_primitive_opt::<TimestampSecondType>();
    let moment = times.and_then(|times| Moment::from_seconds(times.value(0)));
    let moment = moment.ok_or_else(|| format!("that local time in `{zone}` is in no year of four digits"))?;
    Ok(Moment { nanos: moment.nanos + fraction.nanos % 1_000_000_000, ..moment })
}
