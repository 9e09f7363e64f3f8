//! What comes of two inputs.

use super::{answer, bids, records, timestamp};
use crate::case::Case;
use crate::query::Input;
use crate::records::{self as lines};
use compact_str::CompactString;
use millstream::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;

const BEHIND: Duration = seconds(4);

fn auctions<T: Data>(
    job: &Job,
    case: &Case,
    take: impl Fn(lines::Auction<'_>) -> Option<T> + Send + Sync + 'static,
) -> Stream<T> {
    records(job, case, Input::Auctions, move |line| lines::Auction::parse(line).and_then(&take))
}

fn persons<T: Data>(
    job: &Job,
    case: &Case,
    take: impl Fn(lines::Person<'_>) -> Option<T> + Send + Sync + 'static,
) -> Stream<T> {
    records(job, case, Input::Persons, move |line| lines::Person::parse(line).and_then(&take))
}

#[derive(Clone, Serialize, Deserialize)]
struct Seller {
    id: u64,
    name: CompactString,
    city: CompactString,
    state: CompactString,
}

/// q3.
pub(super) fn sellers(job: &Job, case: &Case) {
    let sold = auctions(job, case, |auction| (auction.category == 10).then_some((auction.seller, auction.id)));
    let sellers = persons(job, case, |person| {
        let (name, city, state) = (person.name.into(), person.city.into(), person.state.into());
        matches!(person.state, "OR" | "ID" | "CA").then_some(Seller { id: person.id, name, city, state })
    });
    sold.join(&sellers)
        .on(|sold| sold.0, |seller| seller.id)
        .unbounded()
        .inner(|sold, seller| (seller.name.clone(), seller.city.clone(), seller.state.clone(), sold.1))
        .sink(answer(case));
}

/// Of one person in one window.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Arrival {
    name: Option<CompactString>,
    has_sold: bool,
}

type ArrivalOrSale = Either<(u64, CompactString, Timestamp), (u64, Timestamp)>;

struct Arrivals;

impl Aggregate<ArrivalOrSale> for Arrivals {
    type Accumulator = Arrival;
    type Output = Arrival;

    fn create(&self) -> Arrival {
        Arrival::default()
    }

    fn add(&self, arrival: &mut Arrival, event: &ArrivalOrSale) {
        match event {
            Either::Left((_, name, _)) => arrival.name = Some(name.clone()),
            Either::Right(_) => arrival.has_sold = true,
        }
    }

    fn merge(&self, arrival: &mut Arrival, other: Arrival) {
        arrival.name = arrival.name.take().or(other.name);
        arrival.has_sold |= other.has_sold;
    }

    fn finish(&self, arrival: Arrival) -> Arrival {
        arrival
    }
}

/// q8.
pub(super) fn new_sellers(job: &Job, case: &Case) {
    let came = persons(job, case, |person| Some((person.id, CompactString::new(person.name), timestamp(person.time))))
        .event_time(|person| person.2, Watermarks::out_of_order(BEHIND));
    let sold = auctions(job, case, |auction| Some((auction.seller, timestamp(auction.time))))
        .event_time(|sale| sale.1, Watermarks::out_of_order(BEHIND));
    came.join(&sold)
        .on(|person| person.0, |sale| sale.0)
        .window(Tumbling::of(seconds(10)))
        .aggregate(Arrivals)
        .flat_map(|window| {
            let name = window.value.name.filter(|_| window.value.has_sold)?;
            Some((window.key, name, window.start))
        })
        .sink(answer(case));
}

/// Something for sale.
#[derive(Clone, Serialize, Deserialize)]
struct Sale {
    id: u64,
    name: CompactString,
    seller: u64,
    category: u64,
    begins: Timestamp,
    expires: Timestamp,
    highest: Option<Offer>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Offer {
    time: Timestamp,
    auction: u64,
    bidder: u64,
    price: u64,
}

/// The highest bid of each auction: each time there is a higher one, the sale as it was, which has none at first, and as it
/// is. Bids that come before their auction wait for it.
struct HighestBids;

/// What has come for an auction.
struct Auction {
    sale: ValueState<u64, Sale>,
    early: ListState<u64, Offer>,
}

impl Auction {
    fn offer(&self, offer: Offer, ctx: &mut Context<'_, u64, (Option<Offer>, Sale)>) -> Result<bool, Failure> {
        let raised = self.sale.with(ctx.keyed(), |sale| {
            let sale = sale?;
            let counts = (sale.begins..=sale.expires).contains(&offer.time)
                && sale.highest.as_ref().is_none_or(|highest| offer.price > highest.price);
            Some(counts.then(|| (sale.highest.clone(), Sale { highest: Some(offer.clone()), ..sale.clone() })))
        })?;
        match raised {
            None => return Ok(false),
            Some(None) => {}
            Some(Some((before, sale))) => {
                self.sale.put(ctx.keyed(), sale.clone())?;
                ctx.emit((before, sale));
            }
        }
        Ok(true)
    }
}

impl CoProcess for HighestBids {
    type Key = u64;
    type Left = Sale;
    type Right = Offer;
    type Output = (Option<Offer>, Sale);
    type State = Auction;

    fn open(&self, states: &mut States<'_, u64>) -> Result<Auction, Failure> {
        Ok(Auction { sale: states.value("sale")?, early: states.list("early")? })
    }

    fn process_left(
        &self,
        auction: &Auction,
        sale: Sale,
        ctx: &mut Context<'_, u64, Self::Output>,
    ) -> Result<(), Failure> {
        auction.sale.put(ctx.keyed(), sale)?;
        // In the order of time, as if they came now.
        let early: BTreeSet<Offer> = auction.early.take(ctx.keyed())?.into_iter().collect();
        for offer in early {
            auction.offer(offer, ctx)?;
        }
        Ok(())
    }

    fn process_right(
        &self,
        auction: &Auction,
        offer: Offer,
        ctx: &mut Context<'_, u64, Self::Output>,
    ) -> Result<(), Failure> {
        if !auction.offer(offer.clone(), ctx)? {
            auction.early.push(ctx.keyed(), offer)?;
        }
        Ok(())
    }
}

fn highest_bids(job: &Job, case: &Case) -> Stream<(Option<Offer>, Sale)> {
    let sales = auctions(job, case, |auction| {
        Some(Sale {
            id: auction.id,
            name: auction.item_name.into(),
            seller: auction.seller,
            category: auction.category,
            begins: timestamp(auction.time),
            expires: timestamp(auction.expires),
            highest: None,
        })
    });
    let offers = bids(job, case, |bid| Offer {
        time: timestamp(bid.time),
        auction: bid.auction,
        bidder: bid.bidder,
        price: bid.price,
    });
    sales.key_by(|sale| sale.id).connect(&offers.key_by(|offer| offer.auction)).process(HighestBids)
}

/// What is known of a category.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Category {
    sum: u64,
    auctions: u64,
    told: Option<u64>,
}

/// q4.
pub(super) fn averages(job: &Job, case: &Case) {
    let raises = highest_bids(job, case).flat_map(|(before, sale)| {
        let price = sale.highest?.price;
        Some((sale.category, before.map(|offer| offer.price), price))
    });
    let averages = raises.key_by(|raise| raise.0).flat_map_with_state(Category::default, |known, _, raise| {
        let (category, before, price) = raise;
        known.auctions += u64::from(before.is_none());
        known.sum += price - before.unwrap_or(0);
        let average = known.sum / known.auctions;
        let told = known.told.replace(average);
        let rows = [told.map(|told| ('-', category, told)), Some(('+', category, average))];
        rows.into_iter().flatten().filter(move |_| told != Some(average))
    });
    averages.sink(answer(case));
}

/// q9.
pub(super) fn winning_bids(job: &Job, case: &Case) {
    let rows = highest_bids(job, case).flat_map(|(before, sale)| {
        let row =
            |sign, offer: Offer| (sign, sale.id, sale.name.clone(), sale.seller, offer.bidder, offer.price, offer.time);
        let rows = [before.map(|offer| row('-', offer)), sale.highest.clone().map(|offer| row('+', offer))];
        rows.into_iter().flatten()
    });
    rows.sink(answer(case));
}
