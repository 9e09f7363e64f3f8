//! What comes of two inputs.

use super::{Map, bids};
use crate::case::Case;
use crate::query::Input;
use crate::records::{Auction, Lines, Person, millis, text};
use compact_str::CompactString;
use std::io::{self, ErrorKind, Write};

fn auctions(case: &Case, mut work: impl FnMut(Auction<'_>) -> io::Result<()>) -> io::Result<()> {
    Lines::open(&case.file(Input::Auctions, 0))?.each(|line| work(Auction::parse(line).ok_or(ErrorKind::InvalidData)?))
}

fn persons(case: &Case, mut work: impl FnMut(Person<'_>) -> io::Result<()>) -> io::Result<()> {
    Lines::open(&case.file(Input::Persons, 0))?.each(|line| work(Person::parse(line).ok_or(ErrorKind::InvalidData)?))
}

/// q3: who sells things of category 10 in three states.
pub(super) fn sellers(case: &Case) -> io::Result<()> {
    let mut out = case.output("answer")?;
    let mut sellers: Map<u64, String> = Map::default();
    persons(case, |person| {
        if matches!(person.state, "OR" | "ID" | "CA") {
            sellers.insert(person.id, format!("{},{},{}", person.name, person.city, person.state));
        }
        Ok(())
    })?;
    auctions(case, |auction| match sellers.get(&auction.seller) {
        Some(seller) if auction.category == 10 => writeln!(out, "{seller},{}", auction.id),
        _ => Ok(()),
    })?;
    out.flush()
}

/// q4: the average of the highest bids, by category.
pub(super) fn averages(case: &Case) -> io::Result<()> {
    struct Sale {
        category: u64,
        begins: i64,
        expires: i64,
        highest: Option<u64>,
    }
    #[derive(Default)]
    struct Category {
        sum: u64,
        auctions: u64,
        told: Option<u64>,
    }
    let mut out = case.output("answer")?;
    let mut sales: Map<u64, Sale> = Map::default();
    auctions(case, |auction| {
        let (begins, expires) = (millis(auction.time), millis(auction.expires));
        sales.insert(auction.id, Sale { category: auction.category, begins, expires, highest: None });
        Ok(())
    })?;
    let mut categories: Map<u64, Category> = Map::default();
    bids(case, |bid| {
        let Some(sale) = sales.get_mut(&bid.auction) else { return Ok(()) };
        let is_higher = sale.highest.is_none_or(|highest| bid.price > highest);
        if !is_higher || !(sale.begins..=sale.expires).contains(&millis(bid.time)) {
            return Ok(());
        }
        let category = categories.entry(sale.category).or_default();
        category.auctions += u64::from(sale.highest.is_none());
        category.sum += bid.price - sale.highest.unwrap_or(0);
        sale.highest = Some(bid.price);
        let average = category.sum / category.auctions;
        if category.told != Some(average) {
            if let Some(told) = category.told {
                writeln!(out, "-,{},{told}", sale.category)?;
            }
            writeln!(out, "+,{},{average}", sale.category)?;
            category.told = Some(average);
        }
        Ok(())
    })?;
    out.flush()
}

/// q8: who came and began to sell within the same ten seconds.
pub(super) fn new_sellers(case: &Case) -> io::Result<()> {
    const SIZE: i64 = 10_000;
    let mut out = case.output("answer")?;
    let window = |time: &str| {
        let time = millis(time);
        time - time.rem_euclid(SIZE)
    };
    // Of each person when they came, until they have sold something.
    let mut new: Map<u64, (i64, CompactString)> = Map::default();
    persons(case, |person| {
        new.insert(person.id, (window(person.time), person.name.into()));
        Ok(())
    })?;
    auctions(case, |auction| match new.get(&auction.seller) {
        Some((start, _)) if *start == window(auction.time) => match new.remove(&auction.seller) {
            Some((start, name)) => writeln!(out, "{},{name},{}", auction.seller, text(start)),
            None => Ok(()),
        },
        _ => Ok(()),
    })?;
    out.flush()
}

/// q9: the bid that wins each auction.
pub(super) fn winning_bids(case: &Case) -> io::Result<()> {
    struct Sale {
        name: CompactString,
        seller: u64,
        begins: i64,
        expires: i64,
        highest: Option<(u64, u64, CompactString)>,
    }
    let mut out = case.output("answer")?;
    let mut sales: Map<u64, Sale> = Map::default();
    auctions(case, |auction| {
        let (begins, expires) = (millis(auction.time), millis(auction.expires));
        let (name, seller) = (auction.item_name.into(), auction.seller);
        sales.insert(auction.id, Sale { name, seller, begins, expires, highest: None });
        Ok(())
    })?;
    bids(case, |bid| {
        let Some(sale) = sales.get_mut(&bid.auction) else { return Ok(()) };
        let is_higher = sale.highest.as_ref().is_none_or(|(highest, ..)| bid.price > *highest);
        if !is_higher || !(sale.begins..=sale.expires).contains(&millis(bid.time)) {
            return Ok(());
        }
        let (name, seller) = (&sale.name, sale.seller);
        if let Some((price, bidder, time)) = &sale.highest {
            writeln!(out, "-,{},{name},{seller},{bidder},{price},{time}", bid.auction)?;
        }
        writeln!(out, "+,{},{name},{seller},{},{},{}", bid.auction, bid.bidder, bid.price, bid.time)?;
        sale.highest = Some((bid.price, bid.bidder, bid.time.into()));
        Ok(())
    })?;
    out.flush()
}
