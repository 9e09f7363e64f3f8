//! What is counted by time.

use super::{Scope, Stream, bids, by, gather, hash, records, write};
use crate::case::Case;
use crate::hand::{Map, OUT_OF_ORDERNESS};
use crate::highest::Highest;
use crate::query::Input;
use crate::records::{Bid, millis, text};
use compact_str::CompactString;
use hashbrown::hash_map::Entry;
use millstream::formats::LogEntry;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::rc::Rc;
use std::time::{Duration, Instant};
use timely::dataflow::channels::pact::{ParallelizationContract, Pipeline};
use timely::dataflow::operators::vec::Map as _;
use xxhash_rust::xxh3::xxh3_64;

/// When the window of a time begins.
pub(super) fn start(time: i64, size: i64) -> i64 {
    time - time.rem_euclid(size)
}

/// Puts values into windows, which have the name of their start, and gives each window once it is whole.
pub(super) fn windows<'scope, V: 'static, W: Default + 'static>(
    values: Stream<'scope, (i64, V)>,
    pact: impl ParallelizationContract<i64, Vec<(i64, V)>>,
    size: i64,
    mut add: impl FnMut(&mut W, V) + 'static,
) -> Stream<'scope, (i64, W)> {
    let add = move |open: &mut BTreeMap<i64, W>, (start, value)| add(open.entry(start).or_default(), value);
    gather(values, pact, BTreeMap::new(), add, move |open, reached, whole| {
        while let Some(first) = open.first_entry()
            && first.key() + size <= reached
        {
            whole.push(first.remove_entry());
        }
    })
}

/// What `take` keeps of each bid, with the start of its window.
fn bids_of_windows<'scope, V: 'static>(
    scope: Scope<'scope>,
    case: &Case,
    size: i64,
    mut take: impl FnMut(Bid<'_>, i64) -> V + 'static,
) -> Stream<'scope, (i64, V)> {
    records(scope, case, Input::Bids, move |line| {
        let bid = Bid::parse(line)?;
        let time = millis(bid.time);
        let start = start(time, size);
        Some((start, (start, take(bid, time))))
    })
}

/// Page views of each client and of the site.
pub(super) fn views(scope: Scope<'_>, case: &Case, size: i64) {
    let views = records(scope, case, Input::Log, move |line| {
        let entry = LogEntry::parse(line.as_bytes()).ok()?;
        let time = entry.time.millis();
        Some((start(time - OUT_OF_ORDERNESS, size), (start(time, size), CompactString::new(entry.client))))
    });
    let clients = by(|(_, client): &(i64, CompactString)| xxh3_64(client.as_bytes()));
    let users = windows(views, clients, size, |users: &mut Map<CompactString, u64>, client| {
        *users.entry(client).or_default() += 1;
    });
    // Two read them, neither changes them.
    let users = users.map(|(start, users)| (start, Rc::new(users)));
    write(users.clone(), Pipeline, case, "users", |file, (start, users)| {
        let start = text(start);
        users.iter().try_for_each(|(client, views)| writeln!(file, "{start},{client},{views}"))
    });
    let parts = users.map(|(start, users)| (start, (users.values().sum::<u64>(), users.len())));
    let site = windows(
        parts,
        by(|(start, _): &(i64, _)| hash(start.cast_unsigned())),
        size,
        |site: &mut (u64, usize), (views, users)| {
            *site = (site.0 + views, site.1 + users);
        },
    );
    write(site, Pipeline, case, "site", |file, (start, (views, users))| {
        writeln!(file, "{},{views},{users}", text(start))
    });
}

/// q5: counts of panes of two seconds; a window is five of them.
pub(super) fn hot_items(scope: Scope<'_>, case: &Case) {
    const SLIDE: i64 = 2_000;
    const SIZE: i64 = 10_000;
    /// Counts of auctions.
    #[derive(Default)]
    struct Panes {
        open: BTreeMap<i64, Map<u64, u64>>,
        /// When the next window ends, unless nothing has come for it.
        next: i64,
    }
    let add = |panes: &mut Panes, (start, auction): (i64, u64)| {
        *panes.open.entry(start).or_default().entry(auction).or_default() += 1;
    };
    let bids = bids_of_windows(scope, case, SLIDE, |bid, _| bid.auction);
    let hot = gather(bids, by(|(_, auction)| hash(*auction)), Panes::default(), add, |panes, reached, hot| {
        while let Some((first, _)) = panes.open.first_key_value() {
            let end = panes.next.max(first + SLIDE);
            if end > reached {
                break;
            }
            let mut counts: Map<u64, u64> = Map::default();
            for (auction, count) in panes.open.range(..end).flat_map(|(_, counts)| counts) {
                *counts.entry(*auction).or_default() += count;
            }
            let mut highest = Highest::default();
            counts.iter().for_each(|(auction, count)| highest.offer(*count, || *auction));
            hot.push((end, highest));
            panes.next = end + SLIDE;
            panes.open = panes.open.split_off(&(panes.next - SIZE));
        }
    });
    let hot = windows(hot, by(|(end, _): &(i64, _)| hash(end.cast_unsigned())), 0, Highest::merge);
    write(hot, Pipeline, case, "answer", |file, (end, highest)| {
        let (most, start, end) = (highest.score, text(end - SIZE), text(end));
        highest.who.iter().try_for_each(|auction| writeln!(file, "{auction},{most},{start},{end}"))
    });
}

/// q7: the highest bids of each ten seconds, of each worker and then of all.
pub(super) fn highest_bids(scope: Scope<'_>, case: &Case) {
    const SIZE: i64 = 10_000;
    let bids = bids_of_windows(scope, case, SIZE, |bid, time| (bid.price, (bid.auction, bid.bidder, time)));
    let highest = windows(bids, Pipeline, SIZE, |highest: &mut Highest<_>, (price, bid)| highest.offer(price, || bid));
    let highest = windows(highest, by(|(start, _): &(i64, _)| hash(start.cast_unsigned())), SIZE, Highest::merge);
    write(highest, Pipeline, case, "answer", |file, (start, highest)| {
        let (price, end) = (highest.score, text(start + SIZE));
        highest
            .who
            .iter()
            .try_for_each(|(auction, bidder, time)| writeln!(file, "{auction},{bidder},{price},{},{end}", text(*time)))
    });
}

const GAP: i64 = 10_000;

/// Who bids until they pause.
#[derive(Default)]
struct Sessions {
    /// Times and bidders that the frontier has not reached.
    ahead: Vec<(i64, u64)>,
    open: Map<u64, Session>,
    /// Sessions by when they end if nothing comes; each bidder is in it once, at or before that time.
    deadlines: BTreeSet<(i64, u64)>,
}

#[derive(Clone)]
struct Session {
    bidder: u64,
    first: i64,
    last: i64,
    bids: u64,
}

impl Sessions {
    /// Goes on in the order of time.
    fn reach(&mut self, reached: i64, closed: &mut Vec<Session>) {
        self.ahead.sort();
        let ahead = self.ahead.split_off(self.ahead.partition_point(|(time, _)| *time < reached));
        for (time, bidder) in std::mem::replace(&mut self.ahead, ahead) {
            self.close(time, closed);
            let session = self.open.entry(bidder).or_insert_with(|| {
                self.deadlines.insert((time + GAP, bidder));
                Session { bidder, first: time, last: time, bids: 0 }
            });
            (session.last, session.bids) = (time, session.bids + 1);
        }
        self.close(reached, closed);
    }

    fn close(&mut self, now: i64, closed: &mut Vec<Session>) {
        while let Some(&(deadline, bidder)) = self.deadlines.first()
            && deadline <= now
        {
            self.deadlines.pop_first();
            let Entry::Occupied(session) = self.open.entry(bidder) else { continue };
            let ends = session.get().last + GAP;
            if ends > now {
                self.deadlines.insert((ends, bidder));
            } else {
                closed.push(session.remove());
            }
        }
    }
}

/// q11: how many bids somebody made until they paused for ten seconds.
pub(super) fn sessions(scope: Scope<'_>, case: &Case) {
    let bids = records(scope, case, Input::Bids, |line| {
        let bid = Bid::parse(line)?;
        let time = millis(bid.time);
        Some((time, (time, bid.bidder)))
    });
    let add = |sessions: &mut Sessions, bid| sessions.ahead.push(bid);
    let closed = gather(bids, by(|(_, bidder)| hash(*bidder)), Sessions::default(), add, Sessions::reach);
    write(closed, Pipeline, case, "answer", |file, Session { bidder, first, last, bids }| {
        writeln!(file, "{bidder},{bids},{},{}", text(first), text(last + GAP))
    });
}

/// q12: how many bids somebody made within ten seconds of the clock.
pub(super) fn by_the_clock(scope: Scope<'_>, case: &Case) {
    let bidders = bids(scope, case, |bid| bid.bidder);
    let mut started = Instant::now();
    let counts = gather(
        bidders,
        by(|bidder| hash(*bidder)),
        Map::default(),
        |counts: &mut Map<u64, u64>, bidder| *counts.entry(bidder).or_default() += 1,
        move |counts, reached, rows| {
            if reached == i64::MAX || started.elapsed() >= Duration::from_secs(10) {
                started = Instant::now();
                rows.extend(counts.drain());
            }
        },
    );
    write(counts, Pipeline, case, "answer", |file, (bidder, count)| writeln!(file, "{bidder},{count}"));
}
