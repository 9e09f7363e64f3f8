//! Round after round of what can happen to a process; after each the rows are compared.

use crate::damage;
use crate::disk::{self, Place, SmallDisk};
use crate::process::{Dice, Life, start, wait_until};
use crate::program::Settings;
use crate::world::{Seen, World, copy_directory};
use millstream::time::{Clock, SystemClock};
use std::fs;
use std::time::Duration;
use tempfile::TempDir;

/// How many rounds `cargo test` runs.
const SHORT: u64 = 14;
const SEED: u64 = 20_261_123;

/// What happens in a round.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// Killed, some times in a row, wherever it is.
    Kill,
    /// Stopped and continued, and perhaps killed while it stands.
    Pause,
    /// Its disk is full for a while; perhaps it is killed then.
    FullDisk,
    /// One of its files is damaged between two lives.
    Damage,
    /// Asked to stop, wherever it is.
    Terminate,
    /// Another process wants the same state.
    Rival,
}

use Event::{Damage, FullDisk, Kill, Pause, Rival, Terminate};

/// Those that come more often stand here more often.
const EVENTS: [Event; 10] = [Kill, Damage, FullDisk, Kill, Pause, Damage, FullDisk, Terminate, Damage, Rival];

/// The job in its rounds.
struct Soak {
    folder: TempDir,
    settings: Settings,
    disk: Option<SmallDisk>,
    world: World,
    life: Option<Life>,
    dice: Dice,
}

impl Soak {
    fn new(seed: u64, has_disk: bool) -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let disk = has_disk.then(|| SmallDisk::mount(folder.path().join("disk"), "48m"));
        let mut settings = Settings::new(folder.path());
        if let Some(disk) = &disk {
            (settings.output, settings.state) = (disk.path().join("out"), disk.path().join("state"));
        }
        let world = World::new(&settings);
        Soak { folder, settings, disk, world, life: None, dice: Dice::new(seed) }
    }

    /// Sees to it that a process runs; a new one at another parallelism.
    fn run(&mut self) -> &mut Life {
        if self.life.is_none() {
            self.settings.parallelism = 1 + self.dice.roll(3) as usize;
            self.life = Some(start(&self.settings, self.folder.path()));
        }
        self.life.as_mut().expect("it has just been started")
    }

    fn kill(&mut self) {
        self.life.take().into_iter().for_each(|mut life| life.kill());
        self.world.look();
    }

    /// A random moment.
    fn moment(&mut self, at_most_ms: u64) {
        let (clock, span) = (SystemClock::new(), Duration::from_micros(self.dice.roll(at_most_ms * 1_000)));
        while clock.elapsed() < span {
            self.world.look();
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn grow(&mut self) {
        let count = 1 + self.dice.roll(200);
        self.world.grow(count, &mut self.dice);
    }

    fn round(&mut self) -> String {
        let event = loop {
            let event = *self.dice.choose(&EVENTS);
            if self.disk.is_some() || !matches!(event, FullDisk) {
                break event;
            }
        };
        let told = match event {
            Kill => self.kill_often(),
            Pause => self.pause(),
            FullDisk => self.full_disk(),
            Damage => self.damage(),
            Terminate => self.terminate(),
            Rival => self.rival(),
        };
        self.grow();
        self.run();
        let life = self.life.as_mut().expect("it runs");
        self.world.settle(life);
        told
    }

    fn kill_often(&mut self) -> String {
        let kills = 1 + self.dice.roll(4);
        for _ in 0..kills {
            self.run();
            self.grow();
            self.moment(80);
            self.kill();
        }
        format!("killed {kills} times")
    }

    fn pause(&mut self) -> String {
        self.run();
        let pauses = 1 + self.dice.roll(4);
        for _ in 0..pauses {
            self.grow();
            self.moment(20);
            self.run().signal("STOP");
            self.grow();
            self.moment(30);
            self.run().signal("CONT");
        }
        if self.dice.roll(2) == 0 {
            self.run().signal("STOP");
            self.kill();
            return format!("stopped and continued {pauses} times, then killed");
        }
        format!("stopped and continued {pauses} times")
    }

    fn full_disk(&mut self) -> String {
        self.run();
        self.moment(40);
        let before = self.run().stderr().matches("No space left on device").count();
        self.disk.as_ref().expect("this event needs a disk").fill();
        self.grow();
        let mut told = "disk full";
        // A process that was starting may end of it: that is no good place to be born.
        wait_until("a word about the full disk", || {
            self.world.look();
            let life = self.life.as_mut().expect("it runs");
            life.stderr().matches("No space left on device").count() > before || life.is_over()
        });
        self.moment(50);
        if self.run().is_over() {
            let ended = self.life.take().expect("it ran").wait();
            ended.refused(&["No space left on device"]);
            told = "disk full at the start: refused";
        } else if self.dice.roll(2) == 0 {
            self.kill();
            told = "disk full, then killed";
        }
        self.disk.as_ref().expect("this event needs a disk").clear();
        told.to_owned()
    }

    fn terminate(&mut self) -> String {
        self.run();
        self.grow();
        self.moment(120);
        let life = self.life.take().expect("it runs");
        life.signal("TERM");
        let ended = life.wait();
        self.world.look();
        // In the first instants nobody listens for it yet.
        assert!(matches!(ended.code, Some(0) | None), "{ended:?}");
        if ended.code.is_some() { "stopped" } else { "terminated in its first instants" }.to_owned()
    }

    fn rival(&mut self) -> String {
        self.run();
        let life = self.life.as_mut().expect("it runs");
        self.world.settle(life);
        let rival = start(&self.settings, self.folder.path()).wait();
        rival.refused(&["in use by another process", &format!("pid {}", self.run().id())]);
        "another process on the same state".to_owned()
    }

    fn damage(&mut self) -> String {
        self.run();
        self.grow();
        self.moment(80);
        self.kill();
        let seen = self.world.remember();
        self.copy(true);
        let Some(damage) = damage::strike(&self.settings, &mut self.dice) else { return "killed at once".to_owned() };
        // More than any row of ours may make up for.
        self.grow();
        // Of what was visible some may be gone now, by our own hand.
        self.world.restore(Seen::default());
        let rows = self.world.rows();
        // Printed before it is known how it ends, which may be a panic.
        println!("  {damage}");
        self.run();
        wait_until(&format!("{rows} rows or a refusal after {damage}"), || {
            self.life.as_mut().expect("it runs").is_over() || self.world.look() >= rows
        });
        let is_over = self.run().is_over();
        if is_over {
            let ended = self.life.take().expect("it ran").wait();
            ended.refused(&[&damage.name()]);
        } else {
            self.world.compare();
            self.kill();
        }
        self.copy(false);
        self.world.restore(seen);
        format!("{damage}: {}", if is_over { "refused" } else { "harmless" })
    }

    /// Puts a copy of the state and the output aside, or takes it back.
    fn copy(&self, aside: bool) {
        for (there, kept) in [(&self.settings.state, "state.kept"), (&self.settings.output, "out.kept")] {
            let kept = &self.folder.path().join(kept);
            let (from, to) = if aside { (there, kept) } else { (kept, there) };
            if to.exists() {
                fs::remove_dir_all(to).expect("a directory can be removed");
            }
            if from.exists() {
                copy_directory(from, to);
            }
        }
    }
}

fn number(variable: &str, default: u64) -> u64 {
    let set = std::env::var(variable).ok();
    set.map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{variable}={text}: give a number")))
}

#[test]
fn nothing_is_lost_or_doubled_in_any_round() {
    let place = disk::enter("rounds::nothing_is_lost_or_doubled_in_any_round");
    if place == Place::Passed {
        return;
    }
    let (rounds, seed) = (number("MILLSTREAM_ROUNDS", SHORT), number("MILLSTREAM_SEED", SEED));
    println!("MILLSTREAM_SEED={seed} MILLSTREAM_ROUNDS={rounds}");
    let mut soak = Soak::new(seed, place == Place::Inside);
    let clock = SystemClock::new();
    for round in 1..=rounds {
        let begin = clock.elapsed();
        let told = soak.round();
        let (rows, took) = (soak.world.rows(), clock.elapsed() - begin);
        println!("round {round}/{rounds}: {told}; {rows} rows as expected, {:.1} s", took.as_secs_f64());
    }
}
