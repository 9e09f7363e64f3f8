//! A stream of rules beside a data stream.

use crate::at;
use millstream::prelude::*;
use millstream::testing::{Harness, Probe};

#[derive(Clone, Debug)]
enum Item {
    /// A price list entry.
    Price(&'static str, u64),
    /// An entry that goes.
    Gone(&'static str),
    /// Somebody buys something.
    Sale(u64, &'static str),
}

type Prices = BroadcastState<String, u64>;

fn change(prices: &mut Prices, item: Item) -> Result<(), Failure> {
    match item {
        Item::Price(what, price) => prices.insert(what.to_owned(), price)?,
        Item::Gone(what) => prices.remove(&what.to_owned()),
        Item::Sale(..) => return Err("a sale is no price".into()),
    };
    Ok(())
}

const UNKNOWN: Tag<(u64, &'static str)> = Tag::new("unknown");

/// Puts the price to each sale, at whichever subtask it comes.
struct Till;

impl BroadcastProcess for Till {
    type Input = Item;
    type Broadcast = Item;
    type Output = (u64, u64);
    type RuleKey = String;
    type Rule = u64;

    fn process(&self, prices: &Prices, item: Item, ctx: &mut UnkeyedContext<'_, (u64, u64)>) -> Result<(), Failure> {
        let Item::Sale(customer, what) = item else { return Err("not a sale".into()) };
        match prices.get(&what.to_owned()) {
            Some(price) => ctx.emit((customer, *price)),
            None => ctx.side(&UNKNOWN, (customer, what)),
        }
        Ok(())
    }

    fn process_broadcast(
        &self,
        prices: &mut Prices,
        item: Item,
        _: &mut UnkeyedContext<'_, (u64, u64)>,
    ) -> Result<(), Failure> {
        change(prices, item)
    }
}

/// Adds up what each customer owes, and tells it two seconds after their last sale, with the number of known prices.
struct Bills;

impl KeyedBroadcastProcess for Bills {
    type Key = u64;
    type Input = Item;
    type Broadcast = Item;
    type Output = (u64, u64, usize);
    type RuleKey = String;
    type Rule = u64;
    type State = ValueState<u64, u64>;

    fn open(&self, states: &mut States<'_, u64>) -> Result<Self::State, Failure> {
        states.value("owed")
    }

    fn process(
        &self,
        owed: &Self::State,
        prices: &Prices,
        item: Item,
        ctx: &mut Context<'_, u64, (u64, u64, usize)>,
    ) -> Result<(), Failure> {
        let Item::Sale(_, what) = item else { return Err("not a sale".into()) };
        let price = prices.get(&what.to_owned()).ok_or("no price")?;
        owed.update(ctx.keyed(), || 0, |owed| *owed += price)?;
        ctx.set_event_timer(ctx.time() + seconds(2))
    }

    fn process_broadcast(
        &self,
        prices: &mut Prices,
        item: Item,
        ctx: &mut UnkeyedContext<'_, (u64, u64, usize)>,
    ) -> Result<(), Failure> {
        change(prices, item)?;
        ctx.emit((u64::MAX, 0, prices.len()));
        Ok(())
    }

    fn on_timer(
        &self,
        owed: &Self::State,
        prices: &Prices,
        _: Timer,
        ctx: &mut Context<'_, u64, (u64, u64, usize)>,
    ) -> Result<(), Failure> {
        if let Some(owed) = owed.remove(ctx.keyed())? {
            ctx.emit((*ctx.key(), owed, prices.len()));
        }
        Ok(())
    }
}

fn is_rule(item: &Item) -> bool {
    !matches!(item, Item::Sale(..))
}

fn customer(item: &Item) -> u64 {
    if let Item::Sale(customer, _) = item { *customer } else { 0 }
}

fn sorted<T: Ord>(rows: Vec<T>) -> Vec<T> {
    let mut rows = rows;
    rows.sort();
    rows
}

#[test]
fn rules_are_the_same_in_every_subtask_at_any_parallelism() {
    let unknown = Probe::new();
    let seen = unknown.clone();
    let mut harness = Harness::new(move |items: Stream<Item>| {
        let (prices, sales) = items.split(is_rule);
        let paid = sales.rebalance().connect_broadcast(&prices).process(Till);
        paid.side(&UNKNOWN).sink(unknown);
        paid
    });
    harness
        .push(Item::Sale(0, "flour"), at(0))
        .push(Item::Price("flour", 3), at(0))
        .push(Item::Price("bran", 1), at(0));
    assert_eq!((harness.drain(), seen.drain()), (Vec::new(), vec![(0, "flour")]));
    let mut before = 3;
    for (parallelism, price) in [(3, 4), (2, 5), (4, 6), (1, 7)] {
        harness.rescale(parallelism);
        // More sales than subtasks: each subtask gets some, first by what it was restored with, then by a new price.
        for customer in 1..=8 {
            harness.push(Item::Sale(customer, "flour"), at(1));
        }
        assert_eq!(sorted(harness.drain()), (1..=8).map(|customer| (customer, before)).collect::<Vec<_>>());
        harness.push(Item::Price("flour", price), at(1));
        for customer in 1..=8 {
            harness.push(Item::Sale(customer, "flour"), at(1));
        }
        assert_eq!(sorted(harness.drain()), (1..=8).map(|customer| (customer, price)).collect::<Vec<_>>());
        before = price;
    }
    harness.push(Item::Gone("flour"), at(1)).crash_and_restore();
    harness.push(Item::Sale(9, "flour"), at(1)).push(Item::Sale(9, "bran"), at(1));
    assert_eq!((harness.drain(), seen.drain()), (vec![(9, 1)], vec![(9, "flour")]));
}

#[test]
fn a_keyed_stream_sees_the_rules_and_keeps_its_own_state_and_timers() {
    let config = Config::default().parallelism(1);
    let mut harness = Harness::with_config(config, |items: Stream<Item>| {
        let (prices, sales) = items.split(is_rule);
        sales.key_by(customer).connect_broadcast(&prices).process(Bills).uid("bills")
    });
    harness.push(Item::Price("flour", 3), at(0));
    assert_eq!(harness.drain(), [(u64::MAX, 0, 1)]);
    harness.rescale(3).push(Item::Price("bran", 1), at(0));
    assert_eq!(harness.drain(), [(u64::MAX, 0, 2); 3], "every subtask handles a rule");
    for customer in 0..10 {
        harness.push(Item::Sale(customer, "flour"), at(1));
    }
    harness.rescale(2);
    for customer in 0..10 {
        harness.push(Item::Sale(customer, "bran"), at(1));
    }
    harness.push(Item::Gone("flour"), at(1)).rescale(3).watermark(at(5));
    let bills: Vec<_> = harness.drain().into_iter().filter(|bill| bill.0 != u64::MAX).collect();
    assert_eq!(sorted(bills), (0..10).map(|customer| (customer, 4, 1)).collect::<Vec<_>>());
    let status = harness.status();
    let bills = status.operator("bills").unwrap();
    assert_eq!(bills.records_in, 1 + 3 + 20 + 2);
}

#[test]
fn rules_of_another_job_are_refused() {
    let (job, other) = (Job::new("one"), Job::new("other"));
    let sales = job.source(MemorySource::new([Item::Sale(1, "flour")])).uid("sales");
    let prices = other.source(MemorySource::new([Item::Price("flour", 3)]));
    sales.connect_broadcast(&prices).process(Till).sink(DiscardSink);
    let told = job.start(Config::default()).err().unwrap().to_string();
    assert!(told.contains("operator `sales` joins streams of two jobs"), "{told}");
}
