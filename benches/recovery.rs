//! How long a failure lasts: a panic in one subtask of a running count, and the death of the process.
//!
//! `cargo bench --bench recovery`, with `--quick`, or numbers of distinct keys. The state is loaded first; then records come
//! at a moderate rate, and
//! * *panic*: one of two subtasks panics again and again. Told is the time from the panic to the first row that the failed
//!   subtask sends anew, and how much the other one sends meanwhile: in the 100 ms behind a panic against the 100 ms before.
//! * *kill -9*: the process is killed and started again. Told is the time from the kill to its first row.

#[path = "support/measure.rs"]
#[expect(dead_code, reason = "the children of this bench tell other figures")]
mod measure;
#[path = "support/scatter.rs"]
mod scatter;

use measure::{Arguments, Failure, Median};
use millstream::connector::{Error, Guarantee, Prepared, SinkContext, SinkWriter};
use millstream::prelude::*;
use millstream::record::{Epoch, KeyGroup, hash_key};
use millstream::time::{Clock, SystemClock};
use mimalloc::MiMalloc;
use scatter::scatter;
use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Records per second behind the loading.
const RATE: u32 = 100_000;
/// How long is counted before a panic, and behind it.
const SPAN: Duration = Duration::from_millis(100);

fn main() -> ExitCode {
    measure::main(parent, child)
}

/// What the job and those who watch it share.
struct Watch {
    clock: SystemClock,
    /// The next record of subtask 0 panics.
    armed: AtomicBool,
    /// When it has, by the clock, until the subtask sends again.
    panicked: Mutex<Option<Duration>>,
    pauses: Mutex<Vec<Duration>>,
    /// Rows by subtask.
    rows: [AtomicU64; 2],
}

struct Stopwatch(Arc<Watch>);

struct Lap {
    watch: Arc<Watch>,
    subtask: usize,
}

impl<T: 'static> Sink<T> for Stopwatch {
    fn describe(&self) -> String {
        "a stopwatch".to_owned()
    }

    fn guarantee(&self) -> Guarantee {
        Guarantee::AtLeastOnce
    }

    fn writer(&self, context: &SinkContext) -> Result<Box<dyn SinkWriter<T>>, Error> {
        Ok(Box::new(Lap { watch: self.0.clone(), subtask: context.subtask }))
    }
}

impl<T> SinkWriter<T> for Lap {
    fn write(&mut self, _: T, _: Timestamp) -> Result<(), Error> {
        self.watch.rows[self.subtask].fetch_add(1, SeqCst);
        if self.subtask == 0
            && let Some(panicked) = self.watch.panicked.lock().expect("nobody panics here").take()
        {
            let pause = self.watch.clock.elapsed() - panicked;
            self.watch.pauses.lock().expect("nobody panics here").push(pause);
        }
        Ok(())
    }

    fn prepare(&mut self, _: Epoch) -> Prepared {
        Box::new(|| Ok(serde_json::Value::Null))
    }
}

/// Loads `keys` keys, then counts records at the rate.
fn job(keys: u64, watch: &Arc<Watch>) -> Job {
    let job = Job::new("recovery");
    let loaded = job.source(MemorySource::from_fn(keys, scatter_of(keys)).splits(2));
    let steady = job.source(GeneratorSource::new(scatter_of(keys)).rate(RATE).splits(2));
    let shared = watch.clone();
    loaded
        .union(&steady)
        .key_by(|key| *key)
        .map_with_state(
            || 0_u64,
            move |count, key, _| {
                if shared.armed.load(SeqCst)
                    && KeyGroup::of(hash_key(key)).subtask(2) == 0
                    && shared.armed.swap(false, SeqCst)
                {
                    *shared.panicked.lock().expect("nobody panics here") = Some(shared.clock.elapsed());
                    panic!("as planned");
                }
                *count += 1;
                (*key, *count)
            },
        )
        .sink(Stopwatch(watch.clone()));
    job
}

fn scatter_of(keys: u64) -> impl Fn(u64) -> u64 + Send + Sync + 'static {
    move |index| if index < keys { index } else { scatter(index) % keys }
}

fn config(state: &std::path::Path) -> Config {
    let restart = Restart::fixed_delay(Duration::ZERO, u32::MAX);
    Config::default().state_dir(state).parallelism(2).memory(6 << 30).restart(restart)
}

fn watch() -> Arc<Watch> {
    Arc::new(Watch {
        clock: SystemClock::new(),
        armed: AtomicBool::new(false),
        panicked: Mutex::default(),
        pauses: Mutex::default(),
        rows: Default::default(),
    })
}

/// Waits until all keys are loaded and are part of a checkpoint.
fn await_loaded(handle: &millstream::JobHandle, watch: &Watch, keys: u64) {
    while watch.rows.iter().map(|rows| rows.load(SeqCst)).sum::<u64>() < keys {
        thread::sleep(Duration::from_millis(20));
    }
    let checkpoints = handle.status().checkpoints;
    while handle.status().checkpoints < checkpoints + 2 {
        thread::sleep(Duration::from_millis(20));
    }
}

/// Panics so many times, and tells the pauses and what the other subtask did meanwhile.
fn panics(keys: u64, times: usize) -> Result<(), Failure> {
    let (state, watch) = (tempfile::tempdir()?, watch());
    let handle = job(keys, &watch).start(config(state.path()))?;
    await_loaded(&handle, &watch, keys);
    let others = || watch.rows[1].load(SeqCst);
    let mut shares = Vec::new();
    for _ in 0..times {
        let before = others();
        thread::sleep(SPAN);
        let between = others();
        watch.armed.store(true, SeqCst);
        thread::sleep(SPAN);
        shares.push((others() - between) as f64 / (between - before).max(1) as f64);
        thread::sleep(SPAN);
    }
    let status = handle.status();
    handle.stop();
    handle.wait()?;
    let mut pauses = watch.pauses.lock().expect("nobody panics here").clone();
    pauses.sort_unstable();
    if pauses.is_empty() || status.restarts > 0 {
        return Err(format!("{} pauses and {} restarts of the whole job", pauses.len(), status.restarts).into());
    }
    shares.sort_by(f64::total_cmp);
    let at = |share: f64| pauses[((pauses.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!("figures {} {} {} {}", at(0.5), at(0.99), shares[shares.len() / 2], pauses.len());
    Ok(())
}

/// Counts until it is killed; says when it is loaded, and when its first row comes.
fn serve(keys: u64, state: &str) -> Result<(), Failure> {
    let watch = watch();
    let handle = job(keys, &watch).start(config(state.as_ref()))?;
    while watch.rows.iter().all(|rows| rows.load(SeqCst) == 0) {
        thread::sleep(Duration::from_millis(1));
    }
    println!("row");
    if handle.status().restarts == 0 {
        await_loaded(&handle, &watch, keys);
    }
    println!("loaded");
    handle.wait()?;
    Ok(())
}

/// Kills a job when it is loaded, and returns how long it takes from there to the first row of the next.
fn kill(keys: u64) -> Result<f64, Failure> {
    let state = tempfile::tempdir()?;
    let start = || {
        let mut command = Command::new(env::current_exe()?);
        let path = state.path().display().to_string();
        command.args(["--child", "serve", &keys.to_string(), &path]).stdout(Stdio::piped()).spawn()
    };
    let await_line = |child: &mut std::process::Child, line: &str| {
        let stdout = child.stdout.as_mut().expect("it was asked for");
        BufReader::new(stdout).lines().map_while(Result::ok).any(|told| told == line)
    };
    let mut first = start()?;
    let loaded = await_line(&mut first, "loaded");
    let clock = SystemClock::new();
    first.kill()?;
    first.wait()?;
    let mut second = start()?;
    let told = await_line(&mut second, "row");
    let took = clock.elapsed().as_secs_f64() * 1e3;
    second.kill()?;
    second.wait()?;
    if loaded && told { Ok(took) } else { Err("a job that was to be killed has ended by itself".into()) }
}

fn parent(arguments: Arguments) -> Result<(), Failure> {
    let sizes = if arguments.sizes.is_empty() { vec![1_000, 1_000_000, 10_000_000] } else { arguments.sizes };
    let times = if arguments.quick { 5 } else { 60 };
    let mut rows = Vec::new();
    for keys in sizes {
        let mut command = Command::new(env::current_exe()?);
        let output = command.args(["--child", "panics", &keys.to_string(), &times.to_string()]).output()?;
        let told = String::from_utf8(output.stdout)?;
        let figures = told.lines().find_map(|line| line.strip_prefix("figures "));
        let figures = figures.ok_or_else(|| format!("no figures: {}", String::from_utf8_lossy(&output.stderr)))?;
        let figures: Vec<f64> = figures.split(' ').map(str::parse).collect::<Result<_, _>>()?;
        let kills: Vec<f64> = (0..arguments.rounds).map(|_| kill(keys)).collect::<Result<_, _>>()?;
        rows.push(vec![
            keys.to_string(),
            format!("{:.1}", figures[0]),
            format!("{:.1}", figures[1]),
            format!("{:.2}", figures[2]),
            format!("{}", figures[3]),
            Median::of(kills).spread(0),
        ]);
    }
    let title = format!("Running count at {RATE} records/s in two subtasks: how long failures last");
    let columns = ["keys", "panic p50, ms", "panic p99, ms", "others meanwhile", "panics", "kill -9 to first row, ms"];
    measure::table(&title, &columns, &rows)?;
    println!("\nTargets: others at least 0.95; kill -9 to first row below 1,000 ms at 1 M and 10 M keys.");
    Ok(())
}

fn child(given: &[String]) -> Result<(), Failure> {
    match given {
        [what, keys, times] if what == "panics" => panics(keys.parse()?, times.parse()?),
        [what, keys, state] if what == "serve" => serve(keys.parse()?, state),
        _ => Err("give panics or serve, keys, and times or a state directory".into()),
    }
}
