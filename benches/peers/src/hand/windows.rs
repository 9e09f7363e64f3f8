//! What is counted by time.

use super::{Map, bids};
use crate::case::Case;
use crate::query::Input;
use crate::records::{Lines, millis, text};
use compact_str::CompactString;
use millstream::formats::LogEntry;
use std::collections::{BTreeMap, VecDeque};
use std::io::{self, ErrorKind, Write};
use std::time::{Duration, Instant};

/// How much older than the newest a line of the log may be.
pub const OUT_OF_ORDERNESS: i64 = 60_000;

/// Page views of each client and of the site.
pub(super) fn views(case: &Case, window: i64) -> io::Result<()> {
    let (mut users, mut site) = (case.output("users")?, case.output("site")?);
    let mut open: VecDeque<(i64, Map<CompactString, u64>)> = VecDeque::new();
    let mut free = Vec::new();
    let mut close = |open: &mut VecDeque<(i64, Map<CompactString, u64>)>, free: &mut Vec<_>, horizon: i64| {
        while let Some((start, _)) = open.front()
            && start + window <= horizon
            && let Some((start, mut counts)) = open.pop_front()
        {
            let start = text(start);
            let views: u64 = counts.values().sum();
            writeln!(site, "{start},{views},{}", counts.len())?;
            for (host, views) in counts.drain() {
                writeln!(users, "{start},{host},{views}")?;
            }
            free.push(counts);
        }
        Ok::<_, io::Error>(())
    };
    let mut horizon = i64::MIN;
    Lines::open(&case.file(Input::Log, 0))?.each(|line| {
        let entry = LogEntry::parse(line.as_bytes()).map_err(|_| ErrorKind::InvalidData)?;
        let time = entry.time.millis();
        let start = time - time.rem_euclid(window);
        // Nearly always the last one.
        let at = open.iter().rposition(|(other, _)| *other <= start);
        let at = match at {
            Some(at) if open[at].0 == start => at,
            before => {
                let at = before.map_or(0, |at| at + 1);
                open.insert(at, (start, free.pop().unwrap_or_default()));
                at
            }
        };
        let counts = &mut open[at].1;
        match counts.get_mut(entry.client) {
            Some(views) => *views += 1,
            None => {
                counts.insert(entry.client.into(), 1);
            }
        }
        if time - OUT_OF_ORDERNESS > horizon {
            horizon = time - OUT_OF_ORDERNESS;
            close(&mut open, &mut free, horizon)?;
        }
        Ok(())
    })?;
    close(&mut open, &mut free, i64::MAX)?;
    users.flush()?;
    site.flush()
}

/// q5: counts of panes of two seconds; a window is five of them.
pub(super) fn hot_items(case: &Case) -> io::Result<()> {
    const SLIDE: i64 = 2_000;
    const SIZE: i64 = 10_000;
    let mut out = case.output("answer")?;
    // Each with its end.
    let mut panes: VecDeque<(i64, Map<u64, u64>)> = VecDeque::new();
    let mut close = |panes: &mut VecDeque<(i64, Map<u64, u64>)>, before: i64| {
        let Some(mut end) = panes.back().map(|(end, _)| *end) else { return Ok(()) };
        while end < before && !panes.is_empty() {
            let mut counts: Map<u64, u64> = Map::default();
            for (auction, count) in panes.iter().flat_map(|(_, counts)| counts) {
                *counts.entry(*auction).or_default() += count;
            }
            let most = counts.values().copied().max().unwrap_or(0);
            let (start, ends) = (text(end - SIZE), text(end));
            for (auction, _) in counts.iter().filter(|(_, count)| **count == most) {
                writeln!(out, "{auction},{most},{start},{ends}")?;
            }
            end += SLIDE;
            while panes.front().is_some_and(|(first, _)| *first <= end - SIZE) {
                panes.pop_front();
            }
        }
        Ok::<_, io::Error>(())
    };
    bids(case, |bid| {
        let end = (millis(bid.time).div_euclid(SLIDE) + 1) * SLIDE;
        if panes.back().is_none_or(|(last, _)| *last < end) {
            close(&mut panes, end)?;
            panes.push_back((end, Map::default()));
        }
        if let Some((_, counts)) = panes.back_mut() {
            *counts.entry(bid.auction).or_default() += 1;
        }
        Ok(())
    })?;
    close(&mut panes, i64::MAX)?;
    out.flush()
}

/// q7: the highest bids of each ten seconds.
pub(super) fn highest_bids(case: &Case) -> io::Result<()> {
    const SIZE: i64 = 10_000;
    let mut out = case.output("answer")?;
    let (mut end, mut most, mut highest) = (i64::MIN, 0, Vec::new());
    let mut close = |end: i64, price: u64, highest: &mut Vec<(u64, u64, String)>| {
        for (auction, bidder, time) in highest.drain(..) {
            writeln!(out, "{auction},{bidder},{price},{time},{}", text(end))?;
        }
        Ok::<_, io::Error>(())
    };
    bids(case, |bid| {
        let time = millis(bid.time);
        if time >= end {
            close(end, most, &mut highest)?;
            (end, most) = ((time.div_euclid(SIZE) + 1) * SIZE, 0);
        }
        if bid.price > most {
            most = bid.price;
            highest.clear();
        }
        if bid.price == most {
            highest.push((bid.auction, bid.bidder, bid.time.to_owned()));
        }
        Ok(())
    })?;
    close(end, most, &mut highest)?;
    out.flush()
}

/// q11: how many bids somebody made until they paused for ten seconds.
pub(super) fn sessions(case: &Case) -> io::Result<()> {
    const GAP: i64 = 10_000;
    struct Session {
        first: i64,
        last: i64,
        bids: u64,
    }
    let mut out = case.output("answer")?;
    let mut open: Map<u64, Session> = Map::default();
    // Sessions by when they end if nothing comes; each bidder is in it once, at or before that time.
    let mut deadlines: BTreeMap<(i64, u64), ()> = BTreeMap::new();
    let mut close = |open: &mut Map<u64, Session>, deadlines: &mut BTreeMap<(i64, u64), ()>, now: i64| {
        while let Some(entry) = deadlines.first_entry()
            && entry.key().0 <= now
        {
            let ((_, bidder), ()) = entry.remove_entry();
            let Some(session) = open.get(&bidder) else { continue };
            let ends = session.last + GAP;
            if ends > now {
                deadlines.insert((ends, bidder), ());
                continue;
            }
            writeln!(out, "{bidder},{},{},{}", session.bids, text(session.first), text(ends))?;
            open.remove(&bidder);
        }
        Ok::<_, io::Error>(())
    };
    bids(case, |bid| {
        let time = millis(bid.time);
        close(&mut open, &mut deadlines, time)?;
        let session = open.entry(bid.bidder).or_insert_with(|| {
            deadlines.insert((time + GAP, bid.bidder), ());
            Session { first: time, last: time, bids: 0 }
        });
        (session.last, session.bids) = (time, session.bids + 1);
        Ok(())
    })?;
    close(&mut open, &mut deadlines, i64::MAX)?;
    out.flush()
}

/// q12: how many bids somebody made within ten seconds of the clock.
pub(super) fn by_the_clock(case: &Case) -> io::Result<()> {
    let mut out = case.output("answer")?;
    let mut counts: Map<u64, u64> = Map::default();
    let mut close =
        |counts: &mut Map<u64, u64>| counts.drain().try_for_each(|(bidder, count)| writeln!(out, "{bidder},{count}"));
    let mut started = Instant::now();
    bids(case, |bid| {
        *counts.entry(bid.bidder).or_default() += 1;
        if started.elapsed() >= Duration::from_secs(10) {
            started = Instant::now();
            close(&mut counts)?;
        }
        Ok(())
    })?;
    close(&mut counts)?;
    out.flush()
}
