//! What is to be checked at each checkpoint, from the plan; and what each subtask counts for it.

use super::exchange::End;
use super::mailbox::{Failure, Part};
use super::status::Board;
use crate::checkpoint::accounting::{self, Account, Break, Counts, Inflow, Rule, Rules};
use crate::config::Config;
use crate::graph::{Exchange, Logic, NodeId, Plan};
use crate::operator::{Core, Law, Meter};
use crate::record::Epoch;
use std::collections::BTreeMap;

/// What must hold between the counts of a plan's operators and channels.
fn rules(plan: &Plan) -> Rules {
    let operators = plan
        .chains
        .iter()
        .enumerate()
        .flat_map(|(number, chain)| chain.nodes.iter().map(move |node| (*node, rule(plan, number, *node))));
    let edges = plan.edges.iter().map(|edge| (edge.origin.0, plan.chains[edge.to].head));
    Rules { operators: operators.collect(), edges: edges.collect() }
}

/// Checks the accounts of an epoch that is about to be committed, and tells what does not agree.
///
/// Returns the first of it if the job is to fail: when it is simulated, and in programs with `debug_assertions`. Elsewhere it
/// is logged and counted, and the job goes on: what has been lost is lost, and what is in order should not stand still.
pub(super) fn audit(plan: &Plan, config: &Config, board: &Board, epoch: Epoch, parts: &[Part]) -> Option<Failure> {
    let breaks = accounting::check(&rules(plan), parts.iter().map(|part| &part.account));
    let first = breaks.first()?;
    for Break { operator, subtask, what } in &breaks {
        tracing::error!(job = %plan.graph.job, %operator, subtask, %epoch, "the accounts do not agree: {what}");
    }
    board.add_accounting_break(first.to_string());
    let fails = config.simulated || cfg!(debug_assertions);
    fails.then(|| {
        let cause = format!("the accounts of checkpoint {epoch} do not agree: {}", first.what);
        Failure::panic(first.operator.clone(), first.subtask, cause)
    })
}

/// Why a job whose accounts do not agree is not restarted.
pub(super) const NO_RESTART: &str = "records were lost or doubled; this is a mistake of the engine";

fn rule(plan: &Plan, chain: usize, id: NodeId) -> Rule {
    let node = &plan.graph.nodes[id];
    let law = match &node.logic {
        Logic::Source(source) => source.law(),
        Logic::Stage(stage) | Logic::KeyBy(stage) => stage.law(),
        Logic::Keyed(head) | Logic::Head(head) => head.law(),
        Logic::Sink(_) => Law::Free,
    };
    let edges = plan.edges.iter().enumerate();
    let inflow = if matches!(node.logic, Logic::Source(_)) {
        Inflow::Unknown
    } else if plan.chains[chain].head == id {
        Inflow::Edges(edges.clone().filter(|(_, edge)| edge.to == chain).map(|(number, _)| number).collect())
    } else {
        let before: Vec<NodeId> = plan.graph.edges.iter().filter(|edge| edge.to == id).map(|edge| edge.from).collect();
        if before.iter().all(|id| has_one_output(plan, *id)) { Inflow::Operators(before) } else { Inflow::Unknown }
    };
    let outflow = edges.filter(|(_, edge)| edge.from == chain && edge.origin.0 == id && has_one_output(plan, id));
    let outflow = outflow.map(|(number, edge)| (number, edge.exchange == Exchange::Broadcast)).collect();
    Rule { label: node.label().to_owned(), law, inflow, outflow }
}

fn has_one_output(plan: &Plan, id: NodeId) -> bool {
    let node = &plan.graph.nodes[id];
    node.ports.len() == 1 && node.sides.as_ref().is_none_or(Vec::is_empty)
}

/// What a shell counts outside of its core.
pub(super) struct Tally {
    /// What each operator had counted when this life began.
    before: BTreeMap<NodeId, Counts>,
    /// Of each channel in.
    received: Vec<u64>,
    /// What was handed to an operator again from the dead letters.
    again: BTreeMap<NodeId, u64>,
}

impl Tally {
    /// For a core that has just been built.
    pub(super) fn new(core: &Core, channels: usize) -> Self {
        Tally { before: counts(core), received: vec![0; channels], again: BTreeMap::new() }
    }

    /// Records of a channel have been taken.
    pub(super) fn received(&mut self, channel: usize, records: usize) {
        self.received[channel] += records as u64;
    }

    /// Records have been handed to an operator again.
    pub(super) fn again(&mut self, operator: NodeId, records: usize) {
        *self.again.entry(operator).or_default() += records as u64;
    }

    /// The account at a barrier. The outlets must have been flushed.
    ///
    /// * `sent`: on each channel out.
    pub(super) fn account(
        &self,
        subtask: usize,
        core: &Core,
        inputs: impl Iterator<Item = End>,
        sent: impl Iterator<Item = (End, u64)>,
    ) -> Account {
        let received = inputs.zip(&self.received).map(|(end, count)| ((end.edge, end.subtask), *count));
        let since = |(node, now): (NodeId, Counts)| {
            let before = self.before.get(&node).copied().unwrap_or_default();
            let again = self.again.get(&node).copied().unwrap_or(0);
            (node, Counts { again, ..difference(now, before) })
        };
        Account {
            subtask,
            received: received.collect(),
            sent: sent.map(|(end, count)| ((end.edge, end.subtask), count)).collect(),
            operators: counts(core).into_iter().map(since).collect(),
        }
    }
}

fn counts(core: &Core) -> BTreeMap<NodeId, Counts> {
    core.meters.iter().map(|(node, (_, meter))| (*node, of(meter))).collect()
}

fn of(meter: &Meter) -> Counts {
    Counts {
        records_in: meter.records_in.get(),
        records_out: meter.records_out.get(),
        late: meter.late.get(),
        unassigned: meter.unassigned.get(),
        filtered: meter.filtered.get(),
        dead: meter.dead.get(),
        again: 0,
    }
}

/// Counts only grow within a life; a meter that has gone back all the same is a break, not a panic.
fn difference(now: Counts, before: Counts) -> Counts {
    let since = u64::wrapping_sub;
    Counts {
        records_in: since(now.records_in, before.records_in),
        records_out: since(now.records_out, before.records_out),
        late: since(now.late, before.late),
        unassigned: since(now.unassigned, before.unassigned),
        filtered: since(now.filtered, before.filtered),
        dead: since(now.dead, before.dead),
        again: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::super::stepped::SteppedJob;
    use crate::api::Job;
    use crate::error::Error;
    use crate::operator::{self, AnyStage, BuildContext, Law, Site, Stage, StageFactory, erase, only};
    use crate::prelude::{Config, DiscardSink, MemorySource};
    use crate::time::{ManualClock, Timestamp};
    use std::sync::Arc;

    /// Passes numbers on, but for one; and says that it has none left out, or that it has passed on all.
    #[derive(Clone, Copy)]
    struct Leak {
        counts_out: bool,
    }

    struct LeakStage {
        leak: Leak,
        site: Site,
        next: Box<dyn Stage<u64>>,
    }

    impl StageFactory for Leak {
        fn build(&self, context: &mut BuildContext, outputs: Vec<AnyStage>) -> Result<AnyStage, operator::Error> {
            let stage = LeakStage { leak: *self, site: context.site(), next: only::<u64>(outputs) };
            Ok(erase::<u64>(Box::new(stage)))
        }

        fn law(&self) -> Law {
            Law::OneToOne
        }
    }

    impl Stage<u64> for LeakStage {
        fn push(&mut self, record: u64, time: Timestamp) {
            self.site.record();
            let passes = record != 5;
            if passes || self.leak.counts_out {
                self.site.out();
            }
            if passes {
                self.next.push(record, time);
            }
        }

        fn watermark(&mut self, watermark: Timestamp) {
            self.next.watermark(watermark);
        }

        fn batch_end(&mut self) {
            self.next.batch_end();
        }
    }

    fn leaking(counts_out: bool) -> Job {
        let job = Job::new("leak");
        let numbers = job.source(MemorySource::new(0..9_u64)).then::<u64>("leak", Leak { counts_out }).uid("leak");
        numbers.key_by(|n| n % 3).reduce(|sum, n| sum + n).uid("sums").sink(DiscardSink);
        job
    }

    /// How a job by hand fails.
    fn failure(counts_out: bool) -> String {
        let clock = Arc::new(ManualClock::at(Timestamp::EPOCH));
        let mut job = SteppedJob::start(&leaking(counts_out).snapshot(), Config::default(), clock, None).unwrap();
        job.settle_all().and_then(|()| job.checkpoint()).unwrap_err().to_string()
    }

    #[test]
    fn a_record_that_an_operator_loses_fails_the_checkpoint_with_its_name() {
        let told = failure(false);
        assert!(told.contains("in operator `leak`, subtask 0"), "{told}");
        assert!(told.contains("of 9 records that it took it tells of 8 out and 0 dead"), "{told}");
    }

    #[test]
    fn a_record_that_is_lost_between_two_operators_is_found_too() {
        let told = failure(true);
        assert!(told.contains("it took 8 records, but 9 came from `leak` in front of it"), "{told}");
    }

    #[test]
    fn a_job_of_actors_does_not_commit_what_does_not_add_up() {
        let state = tempfile::tempdir().unwrap();
        let result = leaking(false).run(Config::default().state_dir(state.path()));
        assert!(matches!(&result, Err(Error::Failed { operator, .. }) if operator == "leak"), "{result:?}");
        assert_eq!(crate::Checkpoints::open(state.path()).unwrap().complete, 0);
    }
}
