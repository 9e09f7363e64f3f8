//! Accounting: at a barrier nothing is under way, so what was sent must have been received, and what was taken must show up
//! in the counts behind.
//!
//! # What is compared
//! * **Channels**, that is (edge, sending subtask, receiving subtask): as many records received as were sent.
//! * **Ways in**: an operator has taken what came on its channels, or what the operators in front of it in the same subtask
//!   gave, and what was handed to it again from the dead letters.
//! * **Ways out**: what an operator with one output has given went over each edge that begins there, whole; over one that is
//!   broadcast, whole to each receiver. Of an operator with several outputs it is not known how much went out of which, so it
//!   has no such law.
//! * **Operators**, by their [`Law`].
//!
//! # Since when
//! All counts are of the present life of the job: a life begins at a barrier, with empty channels, so both ends begin at
//! zero, also where a rescale or a change of the program has made other channels, and nothing of it needs to be kept. The
//! operators' own counts are part of the snapshot and roll back with it; of them the difference to the start of the life is
//! looked at.
//!
//! A restart of one subtask changes nothing here: channels are counted outside of what is restarted, and the counts of its
//! operators go back with its state and come forward again with the replay.

use crate::operator::Law;
use std::collections::BTreeMap;
use std::fmt;

/// One end of a channel as its subtask sees it: the edge, and the subtask at the other end.
pub(crate) type ChannelEnd = (usize, usize);

/// What one operator has counted in one subtask, in this life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) records_in: u64,
    pub(crate) records_out: u64,
    pub(crate) late: u64,
    pub(crate) unassigned: u64,
    pub(crate) filtered: u64,
    pub(crate) dead: u64,
    /// Handed to it again from the dead letters: these came on no channel.
    pub(crate) again: u64,
}

/// What one subtask has counted in this life, up to a barrier.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) subtask: usize,
    pub(crate) received: BTreeMap<ChannelEnd, u64>,
    pub(crate) sent: BTreeMap<ChannelEnd, u64>,
    /// By the numbers of its operators.
    pub(crate) operators: BTreeMap<usize, Counts>,
}

/// Where what an operator takes comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Inflow {
    /// From the outside, or it is not known how much.
    Unknown,
    /// Over these edges.
    Edges(Vec<usize>),
    /// From these operators of its own subtask, each of which has one output.
    Operators(Vec<usize>),
}

/// What is to be checked of one operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    /// What people call it.
    pub(crate) label: String,
    pub(crate) law: Law,
    pub(crate) inflow: Inflow,
    /// The edges over which all that it gives goes, and whether each receiver gets all.
    pub(crate) outflow: Vec<(usize, bool)>,
}

/// What is to be checked of a job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rules {
    /// By the numbers of the operators.
    pub(crate) operators: BTreeMap<usize, Rule>,
    /// Of each edge the operator that it leaves and the one that it enters.
    pub(crate) edges: Vec<(usize, usize)>,
}

/// Counts that do not agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Break {
    pub(crate) operator: String,
    pub(crate) subtask: usize,
    /// What does not agree, with the numbers.
    pub(crate) what: String,
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "operator `{}`, subtask {}: {}", self.operator, self.subtask, self.what)
    }
}

/// Compares the accounts of all subtasks at one barrier. Returns what does not agree: channels first.
pub(crate) fn check<'a>(rules: &Rules, accounts: impl Iterator<Item = &'a Account> + Clone) -> Vec<Break> {
    let mut breaks = channels(rules, accounts.clone());
    for account in accounts {
        for (operator, counts) in &account.operators {
            if let Some(rule) = rules.operators.get(operator) {
                let wrong = ways_in(rules, rule, counts, account)
                    .into_iter()
                    .chain(ways_out(rules, rule, counts, account))
                    .chain(law(rule.law, counts));
                breaks.extend(wrong.map(|what| Break { operator: rule.label.clone(), subtask: account.subtask, what }));
            }
        }
    }
    breaks
}

fn channels<'a>(rules: &Rules, accounts: impl Iterator<Item = &'a Account>) -> Vec<Break> {
    // (edge, sender, receiver) to what was sent and received; a subtask that says nothing has counted nothing.
    let mut channels: BTreeMap<(usize, usize, usize), (u64, u64)> = BTreeMap::new();
    for account in accounts {
        for (&(edge, receiver), sent) in &account.sent {
            channels.entry((edge, account.subtask, receiver)).or_default().0 = *sent;
        }
        for (&(edge, sender), received) in &account.received {
            channels.entry((edge, sender, account.subtask)).or_default().1 = *received;
        }
    }
    let uneven = channels.into_iter().filter(|(_, (sent, received))| sent != received);
    let breaks = uneven.map(|((edge, sender, receiver), (sent, received))| {
        let (from, to) = rules.edges[edge];
        let what = format!(
            "{} sent to it on its channel from operator `{}`, subtask {sender}, and {} received",
            were(sent),
            label(rules, from),
            were(received)
        );
        Break { operator: label(rules, to).to_owned(), subtask: receiver, what }
    });
    breaks.collect()
}

fn ways_in(rules: &Rules, rule: &Rule, counts: &Counts, account: &Account) -> Option<String> {
    let (came, from) = match &rule.inflow {
        Inflow::Unknown => return None,
        Inflow::Edges(edges) => {
            let came = account.received.iter().filter(|((edge, _), _)| edges.contains(edge)).map(|(_, count)| count);
            (came.sum::<u64>(), "on its channels".to_owned())
        }
        Inflow::Operators(operators) => {
            let given = operators.iter().map(|it| account.operators.get(it).map_or(0, |counts| counts.records_out));
            let names: Vec<String> = operators.iter().map(|it| format!("`{}`", label(rules, *it))).collect();
            (given.fold(0, u64::wrapping_add), format!("from {} in front of it", names.join(" and ")))
        }
    };
    let Counts { records_in, again, .. } = *counts;
    (records_in != came.wrapping_add(again))
        .then(|| format!("it took {}, but {came} came {from} and {again} from the dead letters", records(records_in)))
}

fn ways_out<'a>(
    rules: &'a Rules,
    rule: &'a Rule,
    counts: &'a Counts,
    account: &'a Account,
) -> impl Iterator<Item = String> + 'a {
    rule.outflow.iter().flat_map(move |&(edge, to_all)| {
        let channels = account.sent.iter().filter(move |((of, _), _)| *of == edge).map(|(_, sent)| *sent);
        // To none if nobody is at the other end of this subtask's part of the edge.
        let sums: Vec<u64> = if to_all { channels.collect() } else { vec![channels.sum()] };
        let given = counts.records_out;
        sums.into_iter().filter(move |sent| *sent != given).map(move |sent| {
            let to = label(rules, rules.edges[edge].1);
            format!("it gave {}, but {} sent to `{to}`", records(given), were(sent))
        })
    })
}

fn law(law: Law, counts: &Counts) -> Option<String> {
    let Counts { records_in, records_out, late, unassigned, filtered, dead, .. } = *counts;
    let sum = |counts: &[u64]| counts.iter().map(|count| u128::from(*count)).sum::<u128>();
    let taken = u128::from(records_in);
    let holds = match law {
        Law::OneToOne => taken == sum(&[records_out, dead]),
        Law::Filters => taken == sum(&[records_out, filtered, dead]),
        Law::Free => taken >= sum(&[late, dead, unassigned]),
    };
    let told = match law {
        Law::OneToOne => format!("{records_out} out and {dead} dead"),
        Law::Filters => format!("{records_out} out, {filtered} filtered and {dead} dead"),
        Law::Free => format!("{late} late, {unassigned} without a window and {dead} dead"),
    };
    (!holds).then(|| format!("of {} that it took it tells of {told}", records(records_in)))
}

fn label(rules: &Rules, operator: usize) -> &str {
    rules.operators.get(&operator).map_or("?", |rule| rule.label.as_str())
}

fn records(count: u64) -> String {
    if count == 1 { "1 record".to_owned() } else { format!("{count} records") }
}

fn were(count: u64) -> String {
    format!("{} {}", records(count), if count == 1 { "was" } else { "were" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rule(label: &str, law: Law, inflow: Inflow, outflow: Vec<(usize, bool)>) -> Rule {
        Rule { label: label.to_owned(), law, inflow, outflow }
    }

    /// `numbers -> even` in chain 0, by key into `sums` in chain 1, and to all of `watch` in chain 2.
    fn rules() -> Rules {
        Rules {
            operators: BTreeMap::from([
                (0, rule("numbers", Law::OneToOne, Inflow::Unknown, Vec::new())),
                (1, rule("even", Law::Filters, Inflow::Operators(vec![0]), vec![(0, false), (1, true)])),
                (2, rule("sums", Law::OneToOne, Inflow::Edges(vec![0]), Vec::new())),
                (3, rule("watch", Law::Free, Inflow::Edges(vec![1]), Vec::new())),
            ]),
            edges: vec![(1, 2), (1, 3)],
        }
    }

    /// What the subtasks count when these records, numbers and the subtask that they belong to, are read.
    fn accounts(parallelism: usize, read: &[(u64, usize)], dead: usize, again: u64) -> Vec<Account> {
        let mut all = Vec::new();
        for (chain, operators) in [(0, vec![0, 1]), (1, vec![2]), (2, vec![3])] {
            for subtask in 0..parallelism {
                let ends: BTreeMap<ChannelEnd, u64> = (0..parallelism).map(|other| ((chain, other), 0)).collect();
                let mut account = Account { subtask, ..Account::default() };
                match chain {
                    0 => {
                        account.sent = (0..2).flat_map(|edge| (0..parallelism).map(move |to| ((edge, to), 0))).collect()
                    }
                    _ => account.received = ends.keys().map(|(chain, other)| ((chain - 1, *other), 0)).collect(),
                }
                account.operators = operators.iter().map(|operator| (*operator, Counts::default())).collect();
                all.push(account);
            }
        }
        for (place, &(number, to)) in read.iter().enumerate() {
            let (reader, to) = (place % parallelism, to % parallelism);
            let source = &mut all[reader];
            for (operator, passes) in [(0, true), (1, number % 2 == 0)] {
                let counts = source.operators.entry(operator).or_default();
                counts.records_in += 1;
                counts.records_out += u64::from(passes);
                counts.filtered += u64::from(!passes);
            }
            if number % 2 == 1 {
                continue;
            }
            *source.sent.entry((0, to)).or_default() += 1;
            (0..parallelism).for_each(|all| *source.sent.entry((1, all)).or_default() += 1);
            let sums = &mut all[parallelism + to];
            *sums.received.entry((0, reader)).or_default() += 1;
            let counts = sums.operators.entry(2).or_default();
            counts.records_in += 1;
            let is_dead = place < dead;
            counts.records_out += u64::from(!is_dead);
            counts.dead += u64::from(is_dead);
            for watch in &mut all[2 * parallelism..] {
                *watch.received.entry((1, reader)).or_default() += 1;
                watch.operators.entry(3).or_default().records_in += 1;
            }
        }
        let counts = all[parallelism].operators.entry(2).or_default();
        (counts.records_in, counts.records_out) = (counts.records_in + again, counts.records_out + again);
        counts.again = again;
        all
    }

    /// All counts of an account.
    fn counts(account: &mut Account) -> Vec<&mut u64> {
        let Account { received, sent, operators, .. } = account;
        let operators = operators.values_mut().flat_map(|counts| [&mut counts.records_in, &mut counts.records_out]);
        received.values_mut().chain(sent.values_mut()).chain(operators).collect()
    }

    proptest! {
        #[test]
        fn what_adds_up_is_not_complained_of(
            parallelism in 1_usize..4,
            read in prop::collection::vec((0_u64..100, 0_usize..4), 0..60),
            dead in 0_usize..60,
            again in 0_u64..5,
        ) {
            prop_assert_eq!(check(&rules(), accounts(parallelism, &read, dead, again).iter()), []);
        }

        #[test]
        fn one_count_that_is_wrong_is_found(
            parallelism in 1_usize..4,
            read in prop::collection::vec((0_u64..100, 0_usize..4), 0..60),
            which in any::<prop::sample::Index>(),
            by in 1_u64..5,
        ) {
            let mut accounts = accounts(parallelism, &read, 3, 1);
            let mut all: Vec<&mut u64> = accounts.iter_mut().flat_map(counts).collect();
            let place = which.index(all.len());
            *all[place] += by;
            // Of what has no law, and no edge behind it, nobody knows how much it should give.
            let watch_gave = accounts.iter().flat_map(|account| account.operators.get(&3)).any(|it| it.records_out > 0);
            prop_assert_eq!(check(&rules(), accounts.iter()).is_empty(), watch_gave);
        }
    }

    #[test]
    fn a_record_that_is_lost_on_the_way_is_told_with_its_channel() {
        let mut accounts = accounts(2, &[(2, 1), (4, 1), (6, 0)], 0, 0);
        *accounts[3].received.get_mut(&(0, 1)).unwrap() -= 1;
        accounts[3].operators.get_mut(&2).unwrap().records_in -= 1;
        accounts[3].operators.get_mut(&2).unwrap().records_out -= 1;
        let breaks = check(&rules(), accounts.iter());
        let told = "operator `sums`, subtask 1: 1 record was sent to it on its channel from operator `even`, subtask 1, \
                    and 0 records were received";
        assert_eq!(breaks.iter().map(Break::to_string).collect::<Vec<_>>(), [told]);
    }

    #[test]
    fn a_record_that_an_operator_swallows_is_told_with_its_counts() {
        let mut accounts = accounts(1, &[(2, 0), (4, 0)], 0, 0);
        accounts[1].operators.get_mut(&2).unwrap().records_out -= 1;
        let breaks = check(&rules(), accounts.iter());
        let told = "operator `sums`, subtask 0: of 2 records that it took it tells of 1 out and 0 dead";
        assert_eq!(breaks.iter().map(Break::to_string).collect::<Vec<_>>(), [told]);
    }

    #[test]
    fn a_subtask_that_says_nothing_is_found_by_its_neighbours() {
        let mut accounts = accounts(2, &[(2, 0), (4, 1)], 0, 0);
        accounts.remove(0);
        assert!(!check(&rules(), accounts.iter()).is_empty());
    }
}
