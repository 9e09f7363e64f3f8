//! What is durable about a job: its manifest, its state files, and the committers of its sinks.
//!
//! All of this blocks. It is called by the master, on the control arbiter, which moves no data.

use super::assembly::{Blueprint, StateFile, key_groups, share_splits};
use super::checkpoints::Checkpoints;
use super::directory::StateDirectory;
use super::drift::DriftBoard;
use super::examine::examine;
use super::exchange;
use super::letters::{Addressed, DeadLetters, LetterStore, Letters};
use super::mailbox::Part;
use super::restoring;
use crate::bug::{self, Bug};
use crate::checkpoint::{Life, Manifest, OperatorEntry, Refusal, Resolution, go_back, may_take_back, resolve};
use crate::config::Config;
use crate::connector::{Committer, Split};
use crate::error::{Error, Result};
use crate::graph::{Logic, Plan};
use crate::operator::SplitState;
use crate::record::Epoch;
use crate::state::{self, Identity, JobFile, StoreOptions};
use crate::time::{Clock, SystemClock, Timestamp};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The durable side of a job, held by one process.
pub(super) struct Ledger {
    plan: Arc<Plan>,
    config: Arc<Config>,
    letters: Letters,
    directory: StateDirectory,
    file: JobFile,
    manifest: Manifest,
    /// The epochs before it that are kept, oldest first.
    kept: Vec<Epoch>,
    /// By sink uid.
    committers: BTreeMap<String, Box<dyn Committer>>,
    /// The last complete epoch's output is visible.
    applied: bool,
    /// A life has begun in this process.
    begun: bool,
    /// One of them has failed.
    failed: bool,
}

/// What a start has found.
pub(super) struct Opened {
    pub(super) ledger: Ledger,
    /// The input has ended long ago.
    pub(super) finished: bool,
    /// The last life ended without a word: this start is a restart.
    pub(super) crashed: bool,
}

impl Ledger {
    /// Takes the state directory, reads or makes the manifest, and checks that it fits the job.
    pub(super) fn open(plan: Arc<Plan>, config: Arc<Config>) -> Result<Opened> {
        let directory = StateDirectory::open(&config)?;
        if let Some(savepoint) = &config.restore_from {
            restoring::restore(&plan, &config, &directory, savepoint)?;
        }
        let path = directory.manifest();
        let mut existing = None;
        if path.exists() {
            let file = JobFile::open(&path, directory.survives())?;
            let manifest = read_manifest(&file, &directory)?;
            let kept = read_kept(&file, &directory)?;
            existing = Some((file, manifest, kept));
        }
        let refuse = |reason| Error::StateDirectory { path: directory.path().to_owned(), reason: Box::new(reason) };
        let mut newest = Epoch::ZERO;
        if let Some(epoch) = config.go_back_to {
            let Some((_, manifest, kept)) = &mut existing else {
                return Err(refuse(Refusal::NotKept { epoch, kept: "none".to_owned() }));
            };
            newest = manifest.epoch;
            *manifest = go_back(manifest, kept, epoch).map_err(refuse)?;
        }
        let found = match &existing {
            Some((_, manifest, _)) => Ok(manifest),
            None => Err(directory.stranger(config.fresh)?),
        };
        let splits = splits_now(&plan)?;
        let operators = entries(&plan);
        let resolution = resolve(&plan.graph.job, found, &operators, &splits).map_err(refuse)?;
        let mut committers = committers(&plan)?;
        if let (Some((file, manifest, kept)), Resolution::Resume { .. }) = (&existing, &resolution) {
            examine(&directory, manifest, kept, &config)?;
            if newest > manifest.epoch {
                may_take_back(newest, manifest.epoch, committers.keys(), config.rewind_output).map_err(refuse)?;
                for (uid, committer) in &mut committers {
                    let records = manifest.sinks.get(uid).map(Vec::as_slice).unwrap_or_default();
                    committer.may_rewind(records).map_err(|error| connector(uid, error))?;
                }
                tracing::warn!(job = %manifest.job, epoch = %manifest.epoch, "going back to a kept checkpoint, as told");
                file.save_and_keep(&bytes(manifest), None, ..manifest.epoch.as_u64())?;
            }
        }
        let (file, manifest) = match existing {
            Some((file, manifest, _)) => (file, manifest),
            None => {
                let manifest = Manifest::birth(&plan.graph.job, job_id(), operators);
                (JobFile::create(&path, &bytes(&manifest), directory.survives())?, manifest)
            }
        };
        let letters = LetterStore::open(&directory, &manifest, config.dead_letter_limit)?;
        let letters = Letters(Arc::new(letters));
        let crashed = resolution == (Resolution::Resume { crashed: true });
        let kept = Vec::new();
        let mut ledger = Ledger {
            plan,
            config,
            letters,
            directory,
            file,
            manifest,
            kept,
            committers,
            applied: true,
            begun: false,
            failed: false,
        };
        if resolution == Resolution::Finished {
            ledger.recover_sinks()?;
        }
        Ok(Opened { ledger, finished: resolution == Resolution::Finished, crashed })
    }

    /// What people want to know of the manifest and the kept ones.
    pub(super) fn checkpoints(&self) -> Result<Checkpoints> {
        Checkpoints::read(&self.file, &self.directory)
    }

    /// The manifest as it is on disk.
    pub(super) fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The oldest epoch to which the job can go back.
    pub(super) fn oldest(&self) -> Epoch {
        self.kept.first().copied().unwrap_or(self.manifest.epoch)
    }

    /// The next life is of another plan of the same job.
    pub(super) fn rescale(&mut self, plan: Arc<Plan>, config: Arc<Config>) {
        (self.plan, self.config) = (plan, config);
    }

    /// Begins a life of the job: finishes or takes back what the last one left, moves state if the parallelism has changed,
    /// and raises the attempt. Returns what each subtask is to be built from.
    ///
    /// * `restart`: the last life has failed, in this process or with its own.
    pub(super) fn begin_life(&mut self, restart: bool) -> Result<Vec<Blueprint>> {
        // What is on disk counts: the last life may have ended on a commit of which it is not known whether it went through.
        self.manifest = read_manifest(&self.file, &self.directory)?;
        self.failed |= restart && self.begun;
        self.begun = true;
        self.kept = read_kept(&self.file, &self.directory)?.iter().map(|kept| kept.epoch).collect();
        self.recover_sinks()?;
        self.letters.0.begin(self.manifest.epoch)?;
        let mut next = self.manifest.clone();
        next.restarts += u64::from(restart);
        next.attempt += u32::from(!bug::is(Bug::ReuseEpoch) || next.attempt == 0);
        next.life = Life::Running;
        next.rewinding = false;
        self.place_files(&mut next)?;
        if next.generation != self.manifest.generation {
            // With the old files goes what was kept in them.
            self.kept.clear();
        }
        self.save(next, false)?;
        self.directory.remove_other_generations(self.manifest.generation)?;
        self.blueprints()
    }

    /// Sees to it that there are state files for the present parallelism.
    fn place_files(&self, next: &mut Manifest) -> Result<()> {
        let plan = &self.plan;
        let stateful = (0..plan.chains.len()).filter(|chain| plan.is_stateful(*chain));
        let stateful: Vec<(String, usize)> = stateful
            .map(|chain| (plan.graph.nodes[plan.chains[chain].head].uid.clone(), plan.chains[chain].parallelism))
            .collect();
        let fits = stateful
            .iter()
            .all(|(uid, parallelism)| next.files.get(uid).is_none_or(|files| files.len() == *parallelism));
        if fits {
            for (uid, parallelism) in stateful {
                self.directory.make_folder(next.generation, &uid)?;
                next.files.entry(uid).or_insert_with(|| vec![Epoch::ZERO; parallelism]);
            }
            return Ok(());
        }
        let generation = next.generation + 1;
        for (uid, parallelism) in stateful {
            self.directory.make_folder(generation, &uid)?;
            let old: Vec<_> = self.manifest.files.get(&uid).into_iter().flatten().copied().enumerate().collect();
            let sources: Vec<_> = old
                .iter()
                .filter(|(_, written)| *written != Epoch::ZERO)
                .map(|(subtask, written)| {
                    let path = self.directory.state_file(next.generation, &uid, *subtask);
                    (path, self.identity(next.generation, &uid, *subtask), *written)
                })
                .collect();
            let mut files = vec![Epoch::ZERO; parallelism];
            if !sources.is_empty() {
                tracing::info!(job = %next.job, operator = %uid, from = old.len(), to = parallelism, "moving state");
                for (subtask, written) in files.iter_mut().enumerate() {
                    let path = self.directory.state_file(generation, &uid, subtask);
                    // An earlier attempt to move may have left a part.
                    let _ = std::fs::remove_file(&path);
                    let identity = self.identity(generation, &uid, subtask);
                    state::rescale(
                        &sources,
                        &path,
                        &identity,
                        key_groups(subtask, parallelism),
                        next.epoch,
                        self.directory.survives(),
                    )?;
                    *written = next.epoch;
                }
            }
            next.files.insert(uid, files);
        }
        next.generation = generation;
        Ok(())
    }

    fn identity(&self, generation: u64, uid: &str, subtask: usize) -> Identity {
        Identity { job_id: self.manifest.job_id, uid: uid.to_owned(), subtask, generation }
    }

    /// What each subtask is to be built from, chain by chain.
    fn blueprints(&self) -> Result<Vec<Blueprint>> {
        let plan = &self.plan;
        let now: BTreeMap<String, Vec<Split>> = splits_now(plan)?.into_iter().collect();
        let stateful = (0..plan.chains.len()).filter(|chain| plan.is_stateful(*chain));
        let stores: usize = stateful.map(|chain| plan.chains[chain].parallelism).sum();
        let rescaled = self.rescaled();
        let mut blueprints = Vec::new();
        for (number, chain) in plan.chains.iter().enumerate() {
            let uid = &plan.graph.nodes[chain.head].uid;
            let splits = now.get(uid).map(|splits| self.split_states(uid, splits)).transpose()?.unwrap_or_default();
            let nodes = chain.nodes.iter().map(|node| &plan.graph.nodes[*node].uid);
            let restored: BTreeMap<_, _> = nodes.map(|uid| (uid.clone(), self.manifest.restored(uid))).collect();
            let drift = Arc::new(DriftBoard::new(chain.parallelism));
            for subtask in 0..chain.parallelism {
                let (clock, watermarks) = self.times(number, subtask, rescaled[number]);
                let state = self.manifest.files.get(uid).filter(|_| plan.is_stateful(number)).map(|files| StateFile {
                    path: self.directory.state_file(self.manifest.generation, uid, subtask),
                    identity: self.identity(self.manifest.generation, uid, subtask),
                    epoch: self.manifest.epoch,
                    written: files[subtask],
                    options: StoreOptions {
                        memory: self.config.memory / stores.max(1),
                        survives: self.directory.survives(),
                    },
                });
                blueprints.push(Blueprint {
                    plan: plan.clone(),
                    config: self.config.clone(),
                    chain: number,
                    subtask,
                    epoch: self.manifest.epoch,
                    restored: restored.clone(),
                    careful: self.failed,
                    splits: share_splits(&splits, subtask, chain.parallelism),
                    drift: drift.clone(),
                    clock,
                    now: self.processing_time(uid),
                    watermarks,
                    state,
                });
            }
        }
        Ok(blueprints)
    }

    /// The splits of a source: those of the checkpoint where it left them, and new ones.
    fn split_states(&self, uid: &str, now: &[Split]) -> Result<Vec<SplitState>> {
        let saved: Vec<SplitState> = self.manifest.chain(uid).flat_map(|entry| entry.splits.clone()).collect();
        if let Some(gone) = saved.iter().find(|state| !state.finished && !now.contains(&state.split)) {
            let message = format!(
                "`{}` has been read in part and is not there any more; bring it back, or start with --fresh",
                gone.split
            );
            return Err(connector(uid, crate::connector::Error::new(crate::fault::Fault::User, message)));
        }
        let known = |split: &Split| saved.iter().find(|state| state.split == *split).cloned();
        let fresh = |split: &Split| SplitState { split: split.clone(), position: None, finished: false };
        let present = now.iter().map(|split| known(split).unwrap_or_else(|| fresh(split)));
        let gone = saved.iter().filter(|state| !now.contains(&state.split)).cloned();
        Ok(present.chain(gone).collect())
    }

    /// Of each chain, whether its parallelism or that of a chain in front of it, however far, is not that of the checkpoint.
    fn rescaled(&self) -> Vec<bool> {
        let plan = &self.plan;
        let mut rescaled: Vec<bool> = Vec::new();
        // Each chain stands behind those that feed it.
        for (number, chain) in plan.chains.iter().enumerate() {
            let before = self.manifest.chain(&plan.graph.nodes[chain.head].uid).count();
            let feeds = plan.edges.iter().filter(|edge| edge.to == number).any(|edge| rescaled[edge.from]);
            rescaled.push(feeds || before != chain.parallelism);
        }
        rescaled
    }

    /// Where the clock of a subtask and its channels stood. Of a rescaled chain the minimum over the old subtasks: other
    /// records come to a subtask now, also to one that keeps its number but had only senders that were at their ends.
    fn times(&self, chain: usize, subtask: usize, rescaled: bool) -> (Timestamp, Vec<Timestamp>) {
        let plan = &self.plan;
        let uid = &plan.graph.nodes[plan.chains[chain].head].uid;
        let old: Vec<_> = self.manifest.chain(uid).filter(|entry| rescaled || entry.index == subtask).collect();
        let least = |times: &mut dyn Iterator<Item = i64>| times.min().map_or(Timestamp::MIN, Timestamp::from_millis);
        let clock = least(&mut old.iter().map(|entry| entry.clock));
        let watermarks = exchange::inputs(plan, chain, subtask).into_iter().map(|end| {
            let sender = &plan.graph.nodes[plan.edges[end.edge].origin.0].uid;
            least(&mut old.iter().filter_map(|entry| entry.watermarks.get(sender).copied()))
        });
        (clock, watermarks.collect())
    }

    /// The latest stamp of any subtask of a chain.
    fn processing_time(&self, uid: &str) -> Timestamp {
        self.manifest.chain(uid).map(|entry| entry.now).max().map_or(Timestamp::MIN, Timestamp::from_millis)
    }

    /// Commits an epoch: the moment of truth.
    ///
    /// On error nothing has been committed, but for [`state::Error::Undecided`]: then only the next life can tell.
    pub(super) fn commit(&mut self, epoch: Epoch, parts: Vec<Part>, life: Life) -> Result<()> {
        // A committer plans on top of what it has shown.
        self.apply()?;
        let mut next = self.manifest.clone();
        next.operators = entries(&self.plan);
        for (uid, committer) in &mut self.committers {
            let prepared: Vec<(usize, Value)> = parts
                .iter()
                .flat_map(|part| part.sinks.iter().map(move |sink| (part.entry.index, sink)))
                .filter(|(_, (sink, _))| sink == uid)
                .map(|(subtask, (_, value))| (subtask, value.clone()))
                .collect();
            let record = committer.plan(epoch, &prepared).map_err(|error| connector(uid, error))?;
            if bug::is(Bug::ApplyEarly) {
                committer.apply(&record).map_err(|error| connector(uid, error))?;
            }
            let records = next.sinks.entry(uid.clone()).or_default();
            // The last one stays: with it a visible file that has lost rows since is found at the next start.
            records.drain(..records.len().saturating_sub(1));
            records.push(record);
        }
        for part in &parts {
            if let (Some(written), Some(files)) = (part.written, next.files.get_mut(&part.entry.chain)) {
                files[part.entry.index] = written;
            }
        }
        let letters: Vec<_> = parts.iter().flat_map(|part| &part.letters).cloned().collect();
        let replayed: Vec<_> = parts.iter().flat_map(|part| &part.replayed).copied().collect();
        self.letters.0.write(epoch, &letters, &replayed)?;
        next.subtasks = parts.into_iter().map(|part| part.entry).collect();
        next.epoch = epoch;
        next.life = life;
        next.checkpoints += 1;
        if self.manifest.epoch != Epoch::ZERO {
            self.kept.push(self.manifest.epoch);
        }
        self.kept.drain(..self.kept.len().saturating_sub(self.config.keep_checkpoints.saturating_sub(1)));
        self.save(next, true)?;
        self.letters.0.committed(epoch, life);
        self.applied = self.committers.is_empty();
        Ok(())
    }

    /// The next dead letters that are to be handed to their operators again.
    pub(super) fn replays(&self) -> Result<Vec<Addressed>> {
        Ok(self.letters.0.hand_out(&self.plan)?)
    }

    /// The dead letters, for others to look at.
    ///
    /// * `asked`: tells the job that there are some to be replayed.
    pub(super) fn dead_letters(&self, asked: impl Fn() + Send + Sync + 'static) -> DeadLetters {
        DeadLetters::of(self.letters.0.clone(), self.plan.clone(), asked)
    }

    /// Makes the output of the last complete epoch visible.
    pub(super) fn apply(&mut self) -> Result<()> {
        if self.applied {
            return Ok(());
        }
        for (uid, committer) in &mut self.committers {
            // Those before it have been shown: nothing is committed on top of what is not.
            if let Some(record) = self.manifest.sinks.get(uid).and_then(|records| records.last()) {
                committer.apply(record).map_err(|error| connector(uid, error))?;
            }
        }
        self.applied = true;
        Ok(())
    }

    /// Makes visible what an earlier life has committed and perhaps not shown, and removes what it had not committed.
    fn recover_sinks(&mut self) -> Result<()> {
        let fresh = self.config.fresh && self.manifest.checkpoints == 0;
        for (uid, committer) in &mut self.committers {
            let records = self.manifest.sinks.get(uid).map(Vec::as_slice).unwrap_or_default();
            if self.manifest.rewinding {
                committer.rewind(records).map_err(|error| connector(uid, error))?;
            }
            committer.recover(records, fresh).map_err(|error| connector(uid, error))?;
        }
        self.applied = true;
        Ok(())
    }

    /// Writes a manifest; with `keep`, the one before it is kept, as far as it should be.
    fn save(&mut self, next: Manifest, keep: bool) -> Result<()> {
        let before = keep.then(|| (self.manifest.epoch.as_u64(), bytes(&self.manifest)));
        let before = before.as_ref().map(|(epoch, manifest)| (*epoch, manifest.as_slice()));
        let oldest = self.kept.first().map_or(u64::MAX, |epoch| epoch.as_u64());
        self.file.save_and_keep(&bytes(&next), before, oldest..)?;
        self.manifest = next;
        Ok(())
    }
}

/// The committers of a plan's sinks, by uid.
fn committers(plan: &Plan) -> Result<BTreeMap<String, Box<dyn Committer>>> {
    let mut committers = BTreeMap::new();
    for node in &plan.graph.nodes {
        if let Logic::Sink(sink) = &node.logic {
            let made = sink.committer().map_err(|error| connector(node.label(), error))?;
            committers.extend(made.map(|committer| (node.uid.clone(), committer)));
        }
    }
    Ok(committers)
}

fn connector(operator: &str, error: crate::connector::Error) -> Error {
    Error::Connector { operator: operator.to_owned(), error }
}

pub(super) fn bytes(manifest: &Manifest) -> Vec<u8> {
    serde_json::to_vec(manifest).expect("a manifest can be written as JSON")
}

pub(super) fn read_manifest(file: &JobFile, directory: &StateDirectory) -> Result<Manifest> {
    parse(&file.load()?, directory)
}

/// The manifests of older epochs, oldest first.
pub(super) fn read_kept(file: &JobFile, directory: &StateDirectory) -> Result<Vec<Manifest>> {
    file.kept()?.iter().map(|(_, bytes)| parse(bytes, directory)).collect()
}

fn parse(bytes: &[u8], directory: &StateDirectory) -> Result<Manifest> {
    serde_json::from_slice(bytes).map_err(|cause| {
        let found = format!("its manifest cannot be read ({cause})");
        Error::State(state::Error::corrupt(&directory.manifest(), found))
    })
}

/// The operators of a plan that keep something.
pub(super) fn entries(plan: &Plan) -> Vec<OperatorEntry> {
    let nodes = plan.graph.nodes.iter().enumerate().filter(|(_, node)| node.keeps_state());
    let entries = nodes.map(|(id, node)| OperatorEntry {
        uid: node.uid.clone(),
        kind: node.kind.clone(),
        parallelism: plan.chains.iter().find(|chain| chain.nodes.contains(&id)).map_or(1, |chain| chain.parallelism),
    });
    entries.collect()
}

/// The splits that each source has now, by uid.
fn splits_now(plan: &Plan) -> Result<Vec<(String, Vec<Split>)>> {
    let mut splits = Vec::new();
    for node in &plan.graph.nodes {
        if let Logic::Source(source) = &node.logic {
            let now = source.splits().map_err(|error| connector(node.label(), error))?;
            splits.push((node.uid.clone(), now));
        }
    }
    Ok(splits)
}

/// A number that no other job has, by chance: time and process mixed.
pub(super) fn job_id() -> u64 {
    let clock = SystemClock::new();
    crate::record::hash_key(&(clock.now().millis(), clock.elapsed().as_nanos() as u64, std::process::id()))
}
