//! A naive model beside the windows: a list of windows that is searched from end to end, against random records, watermarks,
//! crashes and changes of parallelism.

use crate::support::t;
use millstream::operator::window::Timing;
use millstream::operator::window::trigger::{EventTimeTrigger, ProcessingTimeTrigger};
use millstream::prelude::*;
use millstream::testing::Harness;
use proptest::prelude::*;

/// (number, key, event time, gap).
type Hit = (usize, u8, i64, i64);
/// (end, key, start, numbers of the records, timing, index).
type Said = (i64, u8, i64, Vec<usize>, Timing, u32);

/// What happens.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// A record of this key, so much ahead of the watermark, with this gap.
    Hit(u8, i64, i64),
    /// The watermark moves on.
    Watermark(i64),
    /// The clock moves on.
    Clock(i64),
    /// The process dies and comes back with so many subtasks.
    Crash(usize),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        6 => (0..3_u8, -40..40_i64, 0..25_i64).prop_map(|(key, ahead, gap)| Event::Hit(key, ahead, gap)),
        2 => (1..30_i64).prop_map(Event::Watermark),
        2 => (1..15_i64).prop_map(Event::Clock),
        1 => (1..=3_usize).prop_map(Event::Crash),
    ];
    prop::collection::vec(event, 0..60)
}

/// Which windows, and how they are told.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Size, slide, offset.
    Moving(i64, i64, i64),
    Session(i64),
    SessionBy,
}

fn kinds() -> impl Strategy<Value = Kind> {
    prop_oneof![
        (1..40_i64, 0..40_i64).prop_map(|(size, offset)| Kind::Moving(size, size, offset % size)),
        (1..40_i64, 1..40_i64, 0..40_i64).prop_map(|(size, slide, offset)| Kind::Moving(size, slide, offset % slide)),
        (1..25_i64).prop_map(Kind::Session),
        Just(Kind::SessionBy),
    ]
}

fn duration(millis: i64) -> std::time::Duration {
    std::time::Duration::from_millis(millis.unsigned_abs())
}

impl Kind {
    /// As the API says it.
    fn windows(self, by_clock: bool) -> Windows<Hit> {
        match self {
            Kind::Moving(size, slide, offset) if size == slide => {
                let windows = Tumbling::of(duration(size)).offset(duration(offset));
                if by_clock { windows.processing_time().into() } else { windows.into() }
            }
            Kind::Moving(size, slide, offset) => {
                let windows = Sliding::of(duration(size)).every(duration(slide)).offset(duration(offset));
                if by_clock { windows.processing_time().into() } else { windows.into() }
            }
            Kind::Session(gap) => {
                let windows = Session::gap(duration(gap));
                if by_clock { windows.processing_time().into() } else { windows.into() }
            }
            Kind::SessionBy => {
                let windows = Session::gap_by(|hit: &Hit| duration(hit.3));
                if by_clock { windows.processing_time().into() } else { windows.into() }
            }
        }
    }

    /// The windows of a record, found one millisecond after the other.
    fn spans(self, time: i64, gap: i64) -> Vec<(i64, i64)> {
        match self {
            Kind::Moving(size, slide, offset) => {
                let starts = (time - size + 1..=time).filter(|start| (start - offset).rem_euclid(slide) == 0);
                starts.map(|start| (start, start + size)).collect()
            }
            Kind::Session(gap) => vec![(time, time + gap)],
            Kind::SessionBy => vec![(time, time + gap.max(1))],
        }
    }

    fn merges(self) -> bool {
        !matches!(self, Kind::Moving(..))
    }
}

/// A window that stands.
struct Standing {
    key: u8,
    start: i64,
    end: i64,
    numbers: Vec<usize>,
    spoken: u32,
}

struct Model {
    kind: Kind,
    by_clock: bool,
    lateness: i64,
    /// The last instant that is over.
    over: i64,
    windows: Vec<Standing>,
    late: Vec<usize>,
    unassigned: u64,
}

impl Model {
    fn say(window: &mut Standing, timing: Timing) -> Said {
        window.spoken += 1;
        let mut numbers = window.numbers.clone();
        numbers.sort_unstable();
        (window.end, window.key, window.start, numbers, timing, window.spoken - 1)
    }

    fn hit(&mut self, (number, key, event_time, gap): Hit, clock: i64) -> Vec<Said> {
        let time = if self.by_clock { clock } else { event_time };
        let (mut said, mut taken) = (Vec::new(), false);
        let spans = self.kind.spans(time, gap);
        self.unassigned += u64::from(spans.is_empty());
        for (mut start, mut end) in spans.clone() {
            let mut joined = Standing { key, start, end, numbers: Vec::new(), spoken: 0 };
            let (merges, alone) = (self.kind.merges(), self.windows.len());
            let touches = |window: &mut Standing| {
                window.key == key
                    && if merges { window.start <= end && start <= window.end } else { window.start == start }
            };
            for window in self.windows.extract_if(.., touches).collect::<Vec<_>>() {
                joined.numbers.extend(window.numbers);
                joined.spoken = joined.spoken.max(window.spoken);
                (joined.start, joined.end) = (joined.start.min(window.start), joined.end.max(window.end));
            }
            (start, end) = (joined.start, joined.end);
            if self.windows.len() == alone && end - 1 + self.lateness <= self.over && !self.by_clock {
                continue;
            }
            taken = true;
            joined.numbers.push(number);
            if end - 1 <= self.over && !self.by_clock {
                said.push(Self::say(&mut joined, Timing::Late));
            }
            (joined.start, joined.end) = (start, end);
            self.windows.push(joined);
        }
        if !taken && !spans.is_empty() {
            self.late.push(number);
        }
        said
    }

    fn time(&mut self, over: i64) -> Vec<Said> {
        let mut said: Vec<_> = self
            .windows
            .iter_mut()
            .filter(|window| self.over < window.end - 1 && window.end - 1 <= over)
            .map(|window| Self::say(window, Timing::OnTime))
            .collect();
        self.over = over;
        self.windows.retain(|window| window.end - 1 + self.lateness > over);
        said.sort();
        said
    }
}

fn row(window: &Windowed<u8, Vec<Hit>>) -> Said {
    let mut numbers: Vec<_> = window.value.iter().map(|hit| hit.0).collect();
    numbers.sort_unstable();
    let (start, end) = (window.start.millis(), window.end.millis());
    (end, window.key, start, numbers, window.pane.timing, window.pane.index)
}

/// Plays the events in both worlds. `named`: with the default trigger by name, which takes the general head.
fn compare(kind: Kind, by_clock: bool, lateness: i64, named: bool, events: &[Event]) -> Result<(), TestCaseError> {
    let mut model = Model {
        kind,
        by_clock,
        lateness,
        over: if by_clock { -1 } else { -1_000 },
        windows: Vec::new(),
        late: Vec::new(),
        unassigned: 0,
    };
    let mut harness = Harness::new(|hits: Stream<Hit>| {
        let mut windows = hits.key_by(|hit| hit.1).window(kind.windows(by_clock));
        if named {
            windows = if by_clock { windows.trigger(ProcessingTimeTrigger) } else { windows.trigger(EventTimeTrigger) };
        }
        if lateness > 0 {
            windows = windows.allowed_lateness(duration(lateness));
        }
        windows.collect().uid("windows")
    });
    let (mut watermark, mut clock, mut parallelism) = (-1_000, 0, 1);
    harness.watermark(t(watermark));
    for (number, event) in events.iter().enumerate() {
        let mut expected = match *event {
            Event::Hit(key, ahead, gap) => {
                let hit = (number, key, watermark + ahead, gap);
                harness.push(hit, t(hit.2));
                model.hit(hit, clock)
            }
            Event::Watermark(by) => {
                watermark += by;
                harness.watermark(t(watermark));
                if by_clock { Vec::new() } else { model.time(watermark) }
            }
            Event::Clock(by) => {
                clock += by;
                harness.advance(duration(by));
                if by_clock { model.time(clock - 1) } else { Vec::new() }
            }
            Event::Crash(subtasks) => {
                parallelism = subtasks;
                harness.rescale(subtasks);
                Vec::new()
            }
        };
        let mut said: Vec<_> = harness.drain().iter().map(row).collect();
        if parallelism > 1 {
            said.sort();
            expected.sort();
        }
        prop_assert_eq!(said, expected, "event {}, {:?}", number, event);
    }
    let rest = model.time(i64::MAX / 2);
    let mut said: Vec<_> = harness.end().drain().iter().map(row).collect();
    said.sort();
    prop_assert_eq!(said, rest, "at the end");
    let status = harness.status();
    let counts = status.operator("windows").map(|operator| (operator.late, operator.unassigned));
    prop_assert_eq!(counts, Some((model.late.len() as u64, model.unassigned)));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn windows_by_event_time_are_those_of_the_model(
        kind in kinds(), lateness in prop_oneof![Just(0_i64), 1..40_i64], named in any::<bool>(), events in events(),
    ) {
        compare(kind, false, lateness, named, &events)?;
    }

    #[test]
    fn windows_by_processing_time_are_those_of_the_model(kind in kinds(), named in any::<bool>(), events in events()) {
        compare(kind, true, 0, named, &events)?;
    }
}
