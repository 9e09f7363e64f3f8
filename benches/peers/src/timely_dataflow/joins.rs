//! What comes of two inputs.

use super::windows::{start, windows};
use super::{NO_TIME, Scope, Stream, bids, by, hash, records, write};
use crate::case::Case;
use crate::hand::Map;
use crate::query::Input;
use crate::records::{Auction, Person, millis, text};
use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::io::Write;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::{Concat, Operator};

/// q3.
pub(super) fn sellers(scope: Scope<'_>, case: &Case) {
    /// What comes for somebody.
    #[derive(Clone, Serialize, Deserialize)]
    enum Event {
        Came(String),
        Sold(u64),
    }
    #[derive(Default)]
    struct Seller {
        row: Option<String>,
        /// What they sold before we heard of them.
        early: Vec<u64>,
    }
    let came = records(scope, case, Input::Persons, |line| {
        let Person { id, name, city, state, .. } = Person::parse(line)?;
        matches!(state, "OR" | "ID" | "CA").then(|| (NO_TIME, (id, Event::Came(format!("{name},{city},{state}")))))
    });
    let sold = records(scope, case, Input::Auctions, |line| {
        let auction = Auction::parse(line)?;
        (auction.category == 10).then_some((NO_TIME, (auction.seller, Event::Sold(auction.id))))
    });
    let mut sellers: Map<u64, Seller> = Map::default();
    write(came.concat(sold), by(|(id, _)| hash(*id)), case, "answer", move |file, (id, event)| {
        let seller = sellers.entry(id).or_default();
        match (event, &seller.row) {
            (Event::Sold(auction), Some(row)) => writeln!(file, "{row},{auction}"),
            (Event::Sold(auction), None) => {
                seller.early.push(auction);
                Ok(())
            }
            (Event::Came(row), _) => {
                seller.early.drain(..).try_for_each(|auction| writeln!(file, "{row},{auction}"))?;
                seller.row = Some(row);
                Ok(())
            }
        }
    });
}

/// q8.
pub(super) fn new_sellers(scope: Scope<'_>, case: &Case) {
    const SIZE: i64 = 10_000;
    /// Of one person in one window.
    #[derive(Default)]
    struct Arrival {
        name: Option<CompactString>,
        has_sold: bool,
    }
    let came = records(scope, case, Input::Persons, |line| {
        let person = Person::parse(line)?;
        let start = start(millis(person.time), SIZE);
        Some((start, (start, (person.id, Some(CompactString::new(person.name))))))
    });
    let sold = records(scope, case, Input::Auctions, |line| {
        let auction = Auction::parse(line)?;
        let start = start(millis(auction.time), SIZE);
        Some((start, (start, (auction.seller, None))))
    });
    let persons = by(|(_, (id, _)): &(i64, (u64, Option<CompactString>))| hash(*id));
    let arrivals = windows(came.concat(sold), persons, SIZE, |arrivals: &mut Map<u64, Arrival>, (id, name)| {
        let arrival = arrivals.entry(id).or_default();
        match name {
            Some(name) => arrival.name = Some(name),
            None => arrival.has_sold = true,
        }
    });
    write(arrivals, Pipeline, case, "answer", |file, (start, arrivals)| {
        let sellers = arrivals.iter().filter(|(_, arrival)| arrival.has_sold);
        let mut sellers = sellers.filter_map(|(id, arrival)| Some((id, arrival.name.as_ref()?)));
        sellers.try_for_each(|(id, name)| writeln!(file, "{id},{name},{}", text(start)))
    });
}

/// Something for sale.
#[derive(Clone, Serialize, Deserialize)]
struct Sale {
    id: u64,
    name: CompactString,
    seller: u64,
    category: u64,
    begins: i64,
    expires: i64,
    highest: Option<Offer>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Offer {
    auction: u64,
    bidder: u64,
    price: u64,
    time: i64,
}

impl Sale {
    /// Takes an offer that is higher or, since they come in no order, as high and older, and returns the one before it.
    fn raise(&mut self, offer: Offer) -> Option<Option<Offer>> {
        let rank = |offer: &Offer| (offer.price, Reverse(offer.time));
        let is_higher = self.highest.as_ref().is_none_or(|highest| rank(&offer) > rank(highest));
        let counts = is_higher && (self.begins..=self.expires).contains(&offer.time);
        counts.then(|| self.highest.replace(offer))
    }
}

/// What has come for an auction.
enum Lot {
    /// Offers that came before it.
    Early(Vec<Offer>),
    Open(Sale),
}

/// What `raised` makes of each sale that has got a higher offer, and of the offer before it.
fn highest_bids<'scope, R: 'static>(
    scope: Scope<'scope>,
    case: &Case,
    raised: impl Fn(&Sale, Option<Offer>) -> R + 'static,
) -> Stream<'scope, R> {
    let sales = records(scope, case, Input::Auctions, |line| {
        let auction = Auction::parse(line)?;
        let sale = Sale {
            id: auction.id,
            name: auction.item_name.into(),
            seller: auction.seller,
            category: auction.category,
            begins: millis(auction.time),
            expires: millis(auction.expires),
            highest: None,
        };
        Some((NO_TIME, sale))
    });
    let offers = bids(scope, case, |bid| Offer {
        auction: bid.auction,
        bidder: bid.bidder,
        price: bid.price,
        time: millis(bid.time),
    });
    let (by_sale, by_offer) = (by(|sale: &Sale| hash(sale.id)), by(|offer: &Offer| hash(offer.auction)));
    sales.binary(offers, by_sale, by_offer, "highest bids", |_, _| {
        let mut lots: Map<u64, Lot> = Map::default();
        move |sales, offers, output| {
            sales.for_each_stamp(|time, sales| {
                let mut session = output.session(&time);
                for mut sale in sales.flat_map(|sales| sales.drain(..)) {
                    if let Some(Lot::Early(offers)) = lots.remove(&sale.id) {
                        for offer in offers {
                            session.give_iterator(sale.raise(offer).map(|before| raised(&sale, before)).into_iter());
                        }
                    }
                    lots.insert(sale.id, Lot::Open(sale));
                }
            });
            offers.for_each_stamp(|time, offers| {
                let mut session = output.session(&time);
                for offer in offers.flat_map(|offers| offers.drain(..)) {
                    match lots.entry(offer.auction).or_insert_with(|| Lot::Early(Vec::new())) {
                        Lot::Early(early) => early.push(offer),
                        Lot::Open(sale) => {
                            if let Some(before) = sale.raise(offer) {
                                session.give(raised(sale, before));
                            }
                        }
                    }
                }
            });
        }
    })
}

/// q4.
pub(super) fn averages(scope: Scope<'_>, case: &Case) {
    #[derive(Default)]
    struct Category {
        sum: u64,
        auctions: u64,
        told: Option<u64>,
    }
    let raises = highest_bids(scope, case, |sale, before| {
        let price = |offer: Offer| offer.price;
        (sale.category, before.map(price), sale.highest.map_or(0, price))
    });
    let mut categories: Map<u64, Category> = Map::default();
    write(
        raises,
        by(|(category, ..): &(u64, Option<u64>, u64)| hash(*category)),
        case,
        "answer",
        move |file, (category, before, price)| {
            let known = categories.entry(category).or_default();
            known.auctions += u64::from(before.is_none());
            known.sum += price - before.unwrap_or(0);
            let average = known.sum / known.auctions;
            let told = known.told.replace(average);
            if told == Some(average) {
                return Ok(());
            }
            if let Some(told) = told {
                writeln!(file, "-,{category},{told}")?;
            }
            writeln!(file, "+,{category},{average}")
        },
    );
}

/// q9.
pub(super) fn winning_bids(scope: Scope<'_>, case: &Case) {
    let raises =
        highest_bids(scope, case, |sale, before| (sale.id, sale.name.clone(), sale.seller, before, sale.highest));
    write(raises, Pipeline, case, "answer", |file, (id, name, seller, before, highest)| {
        for (sign, offer) in [('-', before), ('+', highest)] {
            if let Some(Offer { bidder, price, time, .. }) = offer {
                writeln!(file, "{sign},{id},{name},{seller},{bidder},{price},{}", text(time))?;
            }
        }
        Ok(())
    });
}
