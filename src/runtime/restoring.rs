//! Restoring savepoints: whether one fits a program, and the birth of a job from one.
//!
//! Whether states fit is not guessed from their names: each stateful operator of the program is built, by itself, on a state
//! file in a temporary directory that holds the savepoint's states. What it opens is what it uses. Where a type has changed
//! it is built a second time, on all entries of that state: so a restore is refused before anything is written if one of
//! them cannot be read.

use super::directory::StateDirectory;
use super::ledger;
use crate::checkpoint::Manifest;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::fault::{self, Fault, Faulty};
use crate::graph::{Graph, Logic, Node, Plan};
use crate::operator::{BuildContext, HeadFactory};
use crate::record::{Epoch, KeyGroup};
use crate::savepoint::{self, PlanDiff, ProgramOperator, ProgramStates, Savepoint, compare};
use crate::state::{self, Declaration, Fit, Identity, Import, JobFile, Store, StoreOptions, Survives};
use std::ops::Range;
use std::path::Path;

/// The epoch at which a restored job is born.
const BIRTH: Epoch = Epoch::new(0, 1);

/// What would become of a savepoint in a program.
pub(crate) fn plan_diff(graph: &Graph, config: &Config, path: &Path) -> Result<PlanDiff> {
    config.check().map_err(Error::Config)?;
    let plan = graph.plan(config.parallelism).map_err(|error| Error::graph(&graph.job, error))?;
    fault::install_hook();
    diff(&plan, config, &Savepoint::open(path)?)
}

fn diff(plan: &Plan, config: &Config, savepoint: &Savepoint) -> Result<PlanDiff> {
    let mut program = Vec::new();
    for entry in ledger::entries(plan) {
        let node = plan.graph.nodes.iter().find(|node| node.uid == entry.uid);
        let goes_on = savepoint.content().operators.iter().any(|old| old.uid == entry.uid && old.kind == entry.kind);
        let states = match node {
            Some(node) if goes_on => probe(node, entry.parallelism, savepoint)?,
            _ => ProgramStates::Fit(Vec::new()),
        };
        program.push(ProgramOperator { entry, states });
    }
    Ok(compare(savepoint, &plan.graph.job, &program, &config.allow_removed))
}

/// How an operator's states fit the savepoint's.
fn probe(node: &Node, parallelism: usize, savepoint: &Savepoint) -> Result<ProgramStates> {
    let (Logic::Keyed(factory) | Logic::Head(factory)) = &node.logic else {
        return Ok(ProgramStates::Fit(Vec::new()));
    };
    let keyed = matches!(node.logic, Logic::Keyed(_));
    let mut converted: Vec<String> = Vec::new();
    loop {
        let built = build_on(node, factory.as_ref(), keyed, parallelism, savepoint, &converted)?;
        let ProgramStates::Fit(fits) = &built else { return Ok(built) };
        let changed = fits.iter().filter(|(_, fit)| matches!(fit, Fit::Converted { .. }));
        let changed: Vec<String> = changed.map(|(name, _)| name.clone()).collect();
        if changed == converted {
            return Ok(built);
        }
        converted = changed;
    }
}

/// Builds an operator on the savepoint's states, with the entries of some of them.
fn build_on(
    node: &Node,
    factory: &dyn HeadFactory,
    keyed: bool,
    parallelism: usize,
    savepoint: &Savepoint,
    filled: &[String],
) -> Result<ProgramStates> {
    let made = tempfile::Builder::new().prefix("millstream-").tempdir();
    let folder = made.map_err(|cause| state::Error::io(&std::env::temp_dir(), "make a directory there", cause))?;
    let mut context = BuildContext::new(0, parallelism, 1);
    let restored = Manifest { subtasks: savepoint.content().subtasks.clone(), ..birth(savepoint, Vec::new()) };
    let restored = Manifest { operators: savepoint.content().operators.clone(), ..restored }.restored(&node.uid);
    context.restored.insert(node.uid.clone(), restored);
    if keyed {
        let path = folder.path().join("0.redb");
        let identity = Identity { job_id: 0, uid: node.uid.clone(), subtask: 0, generation: 0 };
        let survives = Survives::ProcessDeath;
        let states = savepoint.content().states_of(&node.uid).collect::<Vec<_>>();
        import(
            savepoint,
            &states,
            |name| filled.iter().any(|it| it == name),
            &path,
            &identity,
            0..KeyGroup::COUNT,
            survives,
        )?;
        let options = StoreOptions { memory: 1 << 20, survives };
        context.store = Some(Store::open(&path, &identity, BIRTH, BIRTH, options)?);
    }
    context.begin(0, &node.uid);
    context.sides = node.sides.clone().unwrap_or_default();
    let outputs = node.ports.iter().map(|port| port.join(Vec::new())).collect();
    let built = fault::guard(|| factory.build(&mut context, outputs).map(drop));
    match built {
        Ok(Ok(())) => Ok(ProgramStates::Fit(context.store.map_or_else(Vec::new, |store| store.fits().to_vec()))),
        Ok(Err(crate::operator::Error::State(error))) if error.fault() == Fault::External => Err(error.into()),
        Ok(Err(error)) => Ok(ProgramStates::Failed(error.to_string())),
        Err(panic) => Ok(ProgramStates::Failed(panic)),
    }
}

/// Makes a state file of a savepoint's entries.
///
/// * `states`: which, with their numbers in the savepoint.
/// * `filled`: of which of them entries are wanted.
fn import(
    savepoint: &Savepoint,
    states: &[(usize, &Declaration)],
    filled: impl Fn(&str) -> bool,
    path: &Path,
    identity: &Identity,
    groups: Range<usize>,
    survives: Survives,
) -> Result<(), savepoint::Error> {
    let declarations: Vec<Declaration> = states.iter().map(|(_, declaration)| (*declaration).clone()).collect();
    let mut import = Import::create(path, identity, &declarations, survives)?;
    for group in groups {
        for (at, (number, _)) in states.iter().enumerate().filter(|(_, (_, state))| filled(state.name())) {
            let push = |key: &[u8], value: &[u8]| import.push(group, at, key, value).map_err(savepoint::Error::from);
            savepoint.entries(*number, group, push)?;
        }
    }
    Ok(import.finish(BIRTH)?)
}

fn birth(savepoint: &Savepoint, operators: Vec<crate::checkpoint::OperatorEntry>) -> Manifest {
    Manifest { epoch: BIRTH, ..Manifest::birth(&savepoint.header().job, ledger::job_id(), operators) }
}

/// Gives birth to a job in an empty state directory, with all that the savepoint holds for its program.
pub(super) fn restore(plan: &Plan, config: &Config, directory: &StateDirectory, path: &Path) -> Result<()> {
    let savepoint = Savepoint::open(path)?;
    if let Some(found) = directory.in_the_way_of_a_restore()? {
        let (path, directory) = (path.to_owned(), directory.path().to_owned());
        return Err(savepoint::Error::NotEmpty { path, directory, found }.into());
    }
    let diff = diff(plan, config, &savepoint)?;
    let reasons = diff.reasons();
    if !reasons.is_empty() {
        return Err(savepoint::Error::Misfit { path: path.to_owned(), reasons }.into());
    }
    let job = &plan.graph.job;
    tracing::info!(%job, savepoint = %path.display(), taken_of = %savepoint.header().job, "restoring");
    let content = savepoint.content();
    let old = |uid: &str| content.operators.iter().find(|old| old.uid == uid);
    let mut operators = ledger::entries(plan);
    for entry in operators.iter_mut().filter(|entry| diff.keeps(&entry.uid)) {
        entry.parallelism = old(&entry.uid).map_or(entry.parallelism, |old| old.parallelism);
    }
    let mut manifest = Manifest { job: job.clone(), ..birth(&savepoint, operators) };
    // Whatever is not an operator that keeps something has counters only.
    let goes_on = |uid: &str| old(uid).is_none() || diff.keeps(uid);
    for entry in &content.subtasks {
        let mut entry = entry.clone();
        entry.operators.retain(|uid, _| goes_on(uid));
        if !goes_on(&entry.chain) {
            entry.splits.clear();
        }
        manifest.subtasks.push(entry);
    }
    directory.begin_restore()?;
    for chain in (0..plan.chains.len()).filter(|chain| plan.is_stateful(*chain)) {
        let uid = &plan.graph.nodes[plan.chains[chain].head].uid;
        let states =
            content.states_of(uid).filter(|(_, state)| diff.keeps_state(uid, state.name())).collect::<Vec<_>>();
        if states.is_empty() {
            continue;
        }
        directory.make_folder(manifest.generation, uid)?;
        let parallelism = plan.chains[chain].parallelism;
        for subtask in 0..parallelism {
            let path = directory.state_file(manifest.generation, uid, subtask);
            let (job_id, generation) = (manifest.job_id, manifest.generation);
            let identity = Identity { job_id, uid: uid.clone(), subtask, generation };
            let groups = KeyGroup::range(subtask, parallelism);
            import(&savepoint, &states, |_| true, &path, &identity, groups, directory.survives())?;
        }
        manifest.files.insert(uid.clone(), vec![BIRTH; parallelism]);
    }
    // From here on the job is there.
    JobFile::create(&directory.manifest(), &ledger::bytes(&manifest), directory.survives())?;
    directory.end_restore()
}
