//! Events of the auction, each a function of its number.

use super::super::random::Random;
use crate::time::Timestamp;
use std::num::NonZeroU32;

/// What the events of an auction are like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Other events for another number.
    pub seed: u64,
    /// The event time of event 0, in milliseconds since 1970.
    pub base_time_ms: i64,
    /// Events per second of event time.
    pub rate: NonZeroU32,
    /// Of so many events one after the other, how many are persons, then auctions, then bids.
    pub persons: NonZeroU32,
    /// How many are auctions.
    pub auctions: NonZeroU32,
    /// How many are bids.
    pub bids: u32,
    /// One of so many bids is not for the auction that most bid for.
    pub hot_auctions: NonZeroU32,
    /// One of so many bids is not of the person who bids most.
    pub hot_bidders: NonZeroU32,
    /// One of so many auctions is not of the person who sells most.
    pub hot_sellers: NonZeroU32,
    /// About how many bytes a person has.
    pub person_size: u32,
    /// About how many bytes an auction has.
    pub auction_size: u32,
    /// About how many bytes a bid has.
    pub bid_size: u32,
    /// How many milliseconds an event may be before its time.
    pub disorder_ms: u32,
}

const fn above_zero(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).expect("a number written here is above zero")
}

impl Default for Shape {
    fn default() -> Self {
        Shape {
            seed: 0,
            base_time_ms: 1_436_918_400_000,
            rate: above_zero(10_000),
            persons: above_zero(1),
            auctions: above_zero(3),
            bids: 46,
            hot_auctions: above_zero(2),
            hot_bidders: above_zero(4),
            hot_sellers: above_zero(4),
            person_size: 200,
            auction_size: 500,
            bid_size: 100,
            disorder_ms: 0,
        }
    }
}

/// Makes events.
///
/// Source: the model of "NEXMark: A Benchmark for Queries over Data Streams", Tucker, Tufte, Papadimos and Maier, 2002, in the
/// form that Apache Beam gave it: numbers of persons and auctions go up, bids prefer a few hot ones, prices are spread over six
/// powers of ten.
///
/// ```
/// use millstream::sql::connector::nexmark::{Event, Generator, Shape};
///
/// let auction = Generator::new(Shape::default());
/// assert!(matches!(auction.event(0), Event::Person(person) if person.id == 1_000));
/// assert!(matches!(auction.event(1), Event::Auction(_)));
/// assert!(matches!(auction.event(4), Event::Bid(_)));
/// assert_eq!(auction.event(4), auction.event(4));
/// ```
#[derive(Clone, Debug)]
pub struct Generator {
    shape: Shape,
}

/// What has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Somebody came.
    Person(Person),
    /// Something is for sale.
    Auction(Auction),
    /// Somebody offers something for it.
    Bid(Bid),
}

/// Somebody who sells or bids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// From 1000 on.
    pub id: u64,
    /// Two words.
    pub name: String,
    /// Where mail goes to.
    pub email_address: String,
    /// Four times four digits.
    pub credit_card: String,
    /// Where they live.
    pub city: &'static str,
    /// Two letters.
    pub state: &'static str,
    /// When they came.
    pub time: Timestamp,
    /// Fills the size.
    pub extra: String,
}

/// Something for sale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Auction {
    /// From 1000 on.
    pub id: u64,
    /// What it is.
    pub item_name: String,
    /// What it is like.
    pub description: String,
    /// The least bid, in cents.
    pub initial_bid: u64,
    /// Below which it is not sold, in cents.
    pub reserve: u64,
    /// When it begins.
    pub time: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
    /// The person who sells.
    pub seller: u64,
    /// 10 to 14.
    pub category: u64,
    /// Fills the size.
    pub extra: String,
}

/// An offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bid {
    /// The auction it is for.
    pub auction: u64,
    /// The person who bids.
    pub bidder: u64,
    /// In cents.
    pub price: u64,
    /// Through which it came.
    pub channel: String,
    /// The page it came from.
    pub url: String,
    /// When.
    pub time: Timestamp,
    /// Fills the size.
    pub extra: String,
}

impl Event {
    /// Its event time.
    pub fn time(&self) -> Timestamp {
        match self {
            Event::Person(person) => person.time,
            Event::Auction(auction) => auction.time,
            Event::Bid(bid) => bid.time,
        }
    }
}

/// The numbers of persons and auctions begin here.
const FIRST_ID: u64 = 1_000;
/// One of so many persons, and of so many auctions, is hot.
const HOT_STEP: u64 = 100;
/// So many persons, the youngest, are active.
const ACTIVE_PERSONS: u64 = 1_000;
/// So many auctions, the youngest, are bid for.
const OPEN_AUCTIONS: u64 = 100;
/// How far ahead of what has come events may refer.
const LEAD: u64 = 10;
/// The first of five categories.
const FIRST_CATEGORY: u64 = 10;
const CATEGORIES: u64 = 5;
/// How many channels are not one of the large ones.
const CHANNELS: u64 = 10_000;

const LETTERS: &[u8; 16] = b"abcdefghiklmnost";
const FIRST_NAMES: [&str; 10] =
    ["Ada", "Alan", "Barbara", "Dennis", "Edsger", "Frances", "Grace", "Jim", "Ken", "Leslie"];
const LAST_NAMES: [&str; 8] = ["Allen", "Codd", "Gray", "Hopper", "Lamport", "Liskov", "Stone", "Turing"];
/// Places and their states; queries of the benchmark ask for OR, ID and CA.
const CITIES: [(&str, &str); 10] = [
    ("Phoenix", "AZ"),
    ("Los Angeles", "CA"),
    ("San Francisco", "CA"),
    ("Boise", "ID"),
    ("Portland", "OR"),
    ("Bend", "OR"),
    ("Redmond", "WA"),
    ("Seattle", "WA"),
    ("Kent", "WA"),
    ("Cheyenne", "WY"),
];
/// Through which half of all bids come.
const HOT_CHANNELS: [&str; 4] = ["Google", "Facebook", "Baidu", "Apple"];

impl Generator {
    /// Makes events of this shape.
    pub fn new(shape: Shape) -> Self {
        Generator { shape }
    }

    /// The event with this number.
    pub fn event(&self, number: u64) -> Event {
        let shape = &self.shape;
        let (persons, auctions) = (u64::from(shape.persons.get()), u64::from(shape.auctions.get()));
        let round = persons + auctions + u64::from(shape.bids);
        let (rounds, within) = (number / round, number % round);
        // The youngest person and auction, counted from 0.
        let person = rounds * persons + within.min(persons - 1);
        let auction = rounds * auctions + within.saturating_sub(persons).min(auctions - 1);
        let mut random = Random::of(shape.seed, number);
        let time = self.time(number, &mut random);
        if within < persons {
            Event::Person(self.person(person, time, &mut random))
        } else if within < persons + auctions {
            Event::Auction(self.auction(number, auction, person, time, &mut random))
        } else {
            Event::Bid(self.bid(auction, person, time, &mut random))
        }
    }

    fn time(&self, number: u64, random: &mut Random) -> Timestamp {
        let early = random.below(u64::from(self.shape.disorder_ms) + 1);
        Timestamp::from_millis(self.planned(number).saturating_sub_unsigned(early))
    }

    /// When the event would be if all came in time.
    fn planned(&self, number: u64) -> i64 {
        let passed = u128::from(number) * 1_000 / u128::from(self.shape.rate.get());
        self.shape.base_time_ms.saturating_add_unsigned(u64::try_from(passed).unwrap_or(u64::MAX))
    }

    fn person(&self, id: u64, time: Timestamp, random: &mut Random) -> Person {
        let name = format!("{} {}", one_of(&FIRST_NAMES, random), one_of(&LAST_NAMES, random));
        let email_address = format!("{}@{}.com", word(7, random), word(5, random));
        let four = |random: &mut Random| random.below(10_000);
        let credit_card = format!("{:04} {:04} {:04} {:04}", four(random), four(random), four(random), four(random));
        let &(city, state) = one_of(&CITIES, random);
        let size = 8 + name.len() + email_address.len() + credit_card.len() + city.len() + state.len() + 8;
        let extra = filler(size, self.shape.person_size, random);
        Person { id: FIRST_ID + id, name, email_address, credit_card, city, state, time, extra }
    }

    fn auction(&self, number: u64, id: u64, person: u64, time: Timestamp, random: &mut Random) -> Auction {
        let shape = &self.shape;
        let (item_name, description) = (word(20, random), word(100, random));
        let initial_bid = price(random);
        let reserve = initial_bid + price(random);
        let is_hot = random.below(shape.hot_sellers.get().into()) > 0;
        let seller = if is_hot { person / HOT_STEP * HOT_STEP } else { somebody(person, random) };
        let category = FIRST_CATEGORY + random.below(CATEGORIES);
        // So long that about as many auctions as can be bid for are open at once.
        let round = u64::from(shape.persons.get()) + u64::from(shape.auctions.get()) + u64::from(shape.bids);
        let events = OPEN_AUCTIONS * round / u64::from(shape.auctions.get());
        let ahead = self.planned(number.saturating_add(events)).abs_diff(self.planned(number));
        let open = 1 + random.below(ahead.saturating_mul(2).max(1));
        let expires = time.plus_millis(i64::try_from(open).unwrap_or(i64::MAX));
        let size = 8 + item_name.len() + description.len() + 48;
        let extra = filler(size, shape.auction_size, random);
        let (id, seller) = (FIRST_ID + id, FIRST_ID + seller);
        Auction { id, item_name, description, initial_bid, reserve, time, expires, seller, category, extra }
    }

    fn bid(&self, auction: u64, person: u64, time: Timestamp, random: &mut Random) -> Bid {
        let shape = &self.shape;
        let is_hot = random.below(shape.hot_auctions.get().into()) > 0;
        let auction = if is_hot {
            auction / HOT_STEP * HOT_STEP
        } else {
            let oldest = auction.saturating_sub(OPEN_AUCTIONS);
            oldest + random.below(auction - oldest + 1 + LEAD)
        };
        let is_hot = random.below(shape.hot_bidders.get().into()) > 0;
        // The person next to the one who sells most.
        let bidder = if is_hot { person / HOT_STEP * HOT_STEP + 1 } else { somebody(person, random) };
        let price = price(random);
        let (channel, url) = channel(random);
        let extra = filler(32, shape.bid_size, random);
        Bid { auction: FIRST_ID + auction, bidder: FIRST_ID + bidder, price, channel, url, time, extra }
    }
}

fn one_of<'w, T>(words: &'w [T], random: &mut Random) -> &'w T {
    &words[random.below(words.len() as u64) as usize]
}

fn word(length: usize, random: &mut Random) -> String {
    let mut word = String::with_capacity(length);
    random.text(&mut word, LETTERS, length);
    word
}

/// Fills up to about `wanted` bytes, a fifth more or less.
fn filler(size: usize, wanted: u32, random: &mut Random) -> String {
    let missing = (wanted as usize).saturating_sub(size);
    let fifth = missing as u64 / 5;
    word(missing - fifth as usize + random.below(2 * fifth + 1) as usize, random)
}

/// One of the active persons, or one who is about to come.
fn somebody(youngest: u64, random: &mut Random) -> u64 {
    let all = youngest + 1;
    let active = all.min(ACTIVE_PERSONS);
    all - active + random.below(active + LEAD)
}

/// From 100 cents on, each power of ten as frequent as the others, six of them.
fn price(random: &mut Random) -> u64 {
    (10_f64.powf(random.fraction() * 6.0) * 100.0).round() as u64
}

/// A channel and a page of it; nine of ten small channels have a number in their page's address, and so have all large ones
/// but one.
fn channel(random: &mut Random) -> (String, String) {
    let page = |random: &mut Random| {
        let path = format!("{}/{}/{}", word(5, random), word(5, random), word(5, random));
        format!("https://www.nexmark.com/{path}/item.htm?query=1")
    };
    if random.below(2) == 0 {
        // Each large channel has a page of its own.
        let number = random.below(HOT_CHANNELS.len() as u64);
        let mut of_channel = Random::of(u64::MAX, number);
        let url = page(&mut of_channel);
        return (HOT_CHANNELS[number as usize].to_owned(), url);
    }
    let number = random.below(CHANNELS);
    let mut of_channel = Random::of(u64::MAX - 1, number);
    let mut url = page(&mut of_channel);
    if of_channel.below(10) > 0 {
        url.push_str(&format!("&channel_id={}", of_channel.below(1 << 31)));
    }
    (format!("channel-{number}"), url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn events(shape: Shape, count: u64) -> Vec<Event> {
        let generator = Generator::new(shape);
        (0..count).map(|number| generator.event(number)).collect()
    }

    #[test]
    fn of_fifty_events_one_is_a_person_three_are_auctions_and_the_rest_are_bids() {
        let mut counts = [0; 3];
        let (mut persons, mut auctions) = (1_000, 1_000);
        for event in events(Shape::default(), 5_000) {
            match event {
                Event::Person(person) => {
                    assert_eq!(person.id, persons);
                    (persons, counts[0]) = (persons + 1, counts[0] + 1);
                }
                Event::Auction(auction) => {
                    assert_eq!(auction.id, auctions);
                    assert!(auction.expires > auction.time && auction.reserve > auction.initial_bid);
                    assert!((10..15).contains(&auction.category));
                    assert!(auction.seller >= 1_000 && auction.seller < persons + LEAD);
                    (auctions, counts[1]) = (auctions + 1, counts[1] + 1);
                }
                Event::Bid(bid) => {
                    assert!(bid.auction >= 1_000 && bid.auction < auctions + LEAD);
                    assert!(bid.bidder >= 1_000 && bid.bidder < persons + LEAD);
                    assert!((100..=100_000_000).contains(&bid.price));
                    counts[2] += 1;
                }
            }
        }
        assert_eq!(counts, [100, 300, 4_600]);
    }

    #[test]
    fn half_of_the_bids_are_for_hot_auctions() {
        let mut bids = HashMap::new();
        let mut count = 0;
        for event in events(Shape::default(), 50_000) {
            if let Event::Bid(bid) = event {
                *bids.entry(bid.auction).or_insert(0) += 1;
                count += 1;
            }
        }
        let hot: i32 = bids.iter().filter(|(auction, _)| *auction % 100 == 0).map(|(_, bids)| bids).sum();
        assert!(hot * 100 > count * 48 && hot * 100 < count * 54, "{hot} of {count}");
        let ratio = Shape { hot_auctions: above_zero(1), ..Shape::default() };
        let even = events(ratio, 50_000)
            .into_iter()
            .filter(|event| matches!(event, Event::Bid(bid) if bid.auction % 100 == 0));
        assert!(even.count() * 100 < count as usize * 4);
    }

    #[test]
    fn time_goes_on_with_the_events_and_back_only_as_far_as_it_may() {
        let times =
            |disorder_ms| events(Shape { disorder_ms, ..Shape::default() }, 20_000).into_iter().map(|e| e.time());
        assert!(times(0).is_sorted());
        assert_eq!(times(0).next_back(), Some(Timestamp::from_millis(1_436_918_400_000 + 1_999)));
        assert!(!times(50).is_sorted());
        assert!(times(0).zip(times(50)).all(|(planned, time)| time <= planned && time.plus_millis(50) >= planned));
    }

    #[test]
    fn another_seed_makes_other_events_of_the_same_kinds() {
        let (one, other) = (events(Shape::default(), 200), events(Shape { seed: 1, ..Shape::default() }, 200));
        assert_eq!(one, events(Shape::default(), 200));
        let kinds = |events: &[Event]| events.iter().map(std::mem::discriminant).collect::<Vec<_>>();
        assert_eq!(kinds(&one), kinds(&other));
        assert!(one.iter().zip(&other).all(|(one, other)| one != other));
    }

    #[test]
    fn the_last_of_all_events_is_made() {
        let shape = Shape { rate: above_zero(1), bids: u32::MAX, disorder_ms: u32::MAX, ..Shape::default() };
        Generator::new(shape).event(u64::MAX);
        Generator::new(Shape::default()).event(u64::MAX);
    }
}
