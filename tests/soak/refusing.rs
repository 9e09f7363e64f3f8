//! A disk that takes nothing for a while: files made read-only, calls that fail. The job complains, goes on, and recovers by
//! itself.

use crate::process::{Dice, Ended, Life, command, start, start_command, wait_until};
use crate::program::{OUTPUTS, Settings};
use crate::world::{World, files};
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("the file is ours");
}

/// The program as a user to whom permissions apply; `None` if this one is above them and may not step down.
fn start_ordinary(settings: &Settings, logs: &Path) -> Option<Life> {
    let probe = Command::new("unshare").args(["-U", "true"]).status();
    if !probe.is_ok_and(|status| status.success()) {
        println!("skipped: no user can be made here to whom permissions apply");
        return None;
    }
    let program = command(settings);
    let mut ordinary = Command::new("unshare");
    ordinary.arg("-U").arg(program.get_program()).args(program.get_args()).stdin(Stdio::null());
    ordinary.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Some(start_command(ordinary, logs))
}

/// A process some of whose calls fail. It gets well when this is dropped.
struct Spell(Child);

impl Spell {
    /// Lets calls fail: `rule` is one of strace's, like "fsync:error=EIO", for `paths` only if there are any. `None` if that
    /// cannot be done here.
    fn cast(life: &Life, rule: &str, paths: &[&Path], folder: &Path) -> Option<Self> {
        let told = folder.join("strace");
        let mut strace = Command::new("strace");
        strace.arg("-f").arg("-o").arg(folder.join("calls")).arg("-e").arg(format!("inject={rule}"));
        for path in paths {
            strace.arg("-P").arg(path);
        }
        strace.arg("-p").arg(life.id().to_string()).stdin(Stdio::null()).stderr(File::create(&told).expect("a file"));
        let Ok(mut child) = strace.spawn() else {
            println!("skipped: there is no strace here");
            return None;
        };
        let mut over = false;
        wait_until("strace is attached", || {
            over = child.try_wait().expect("a child can be waited for").is_some();
            over || fs::read_to_string(&told).is_ok_and(|told| told.contains("attached"))
        });
        if over {
            println!("skipped: strace may not attach here");
            return None;
        }
        Some(Spell(child))
    }
}

impl Drop for Spell {
    fn drop(&mut self) {
        // Asked to, strace lets go of the process; killed, it would leave it stopped.
        let asked = Command::new("kill").arg("-INT").arg(self.0.id().to_string()).status();
        if asked.is_ok_and(|status| status.success()) {
            let _ = self.0.wait();
        }
    }
}

/// A job that has shown its first rows.
struct Scene {
    folder: tempfile::TempDir,
    settings: Settings,
    world: World,
    dice: Dice,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings::new(folder.path());
        let (mut world, mut dice) = (World::new(&settings), Dice::new(3));
        world.grow(100, &mut dice);
        Scene { folder, settings, world, dice }
    }

    fn start(&self) -> Life {
        start(&self.settings, self.folder.path())
    }

    /// Waits until the job complains of this three times or more, and goes on.
    #[track_caller]
    fn complains(&mut self, life: &mut Life, words: &[&str]) {
        self.world.grow(100, &mut self.dice);
        let complains = |told: &str| {
            let lines =
                told.lines().filter(|line| line.contains("WARN") && words.iter().all(|word| line.contains(word)));
            lines.count() >= 3
        };
        wait_until(&format!("three complaints with {words:?}"), || {
            self.world.look();
            complains(&life.stderr()) || life.is_over()
        });
        assert!(!life.is_over(), "it goes on: {}", life.stderr());
    }

    /// Asks the job to stop after all rows are there.
    #[track_caller]
    fn ends_well(&mut self, mut life: Life) -> Ended {
        self.world.grow(100, &mut self.dice);
        self.world.settle(&mut life);
        life.signal("TERM");
        let ended = life.wait();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(!ended.stderr.contains("panic"), "{ended:?}");
        ended
    }
}

#[test]
fn a_directory_that_may_not_be_written_is_refused_at_the_start_by_name() {
    for state in [true, false] {
        let scene = Scene::new();
        let directory = if state { &scene.settings.state } else { &scene.settings.output };
        fs::create_dir(directory).unwrap();
        set_mode(directory, 0o555);
        let Some(life) = start_ordinary(&scene.settings, scene.folder.path()) else { return };
        life.wait().refused(&[directory.to_str().unwrap(), "Permission denied"]);
        assert!(fs::read_dir(directory).unwrap().next().is_none(), "it is left as it was");
    }
}

#[test]
fn a_state_file_that_may_not_be_written_is_refused_at_the_start_by_name() {
    let mut scene = Scene::new();
    let mut life = scene.start();
    scene.world.settle(&mut life);
    life.signal("TERM");
    assert_eq!(life.wait().code, Some(0));
    for file in files(&scene.settings.state).into_iter().filter(|file| file.extension().is_some()) {
        set_mode(&file, 0o444);
        let Some(life) = start_ordinary(&scene.settings, scene.folder.path()) else { return };
        life.wait().refused(&[file.to_str().unwrap(), "Permission denied"]);
        set_mode(&file, 0o644);
    }
    let life = scene.start();
    scene.ends_well(life);
}

#[test]
fn an_output_directory_that_becomes_read_only_is_waited_for() {
    let mut scene = Scene::new();
    let Some(mut life) = start_ordinary(&scene.settings, scene.folder.path()) else { return };
    scene.world.settle(&mut life);
    let output = scene.settings.output.clone();
    set_mode(&output, 0o555);
    scene.complains(&mut life, &["checkpoint failed", "Permission denied"]);
    set_mode(&output, 0o755);
    scene.ends_well(life);
}

#[test]
fn a_visible_file_that_becomes_read_only_is_waited_for() {
    let mut scene = Scene::new();
    let Some(mut life) = start_ordinary(&scene.settings, scene.folder.path()) else { return };
    scene.world.settle(&mut life);
    let visible = scene.settings.output.join(OUTPUTS[1]);
    set_mode(&visible, 0o444);
    scene.complains(&mut life, &["counts.jsonl", "Permission denied"]);
    set_mode(&visible, 0o644);
    scene.ends_well(life);
}

#[test]
fn syncs_that_fail_are_waited_for() {
    let mut scene = Scene::new();
    let mut life = scene.start();
    scene.world.settle(&mut life);
    let Some(spell) = Spell::cast(&life, "fsync,fdatasync:error=EIO", &[], scene.folder.path()) else { return };
    scene.complains(&mut life, &["Input/output error"]);
    drop(spell);
    scene.ends_well(life);
}

#[test]
fn state_on_a_disk_that_becomes_read_only_is_waited_for() {
    let mut scene = Scene::new();
    let mut life = scene.start();
    scene.world.settle(&mut life);
    let state: Vec<_> = files(&scene.settings.state).into_iter().filter(|file| file.ends_with("0.redb")).collect();
    let paths: Vec<&Path> = state.iter().map(|path| path.as_path()).collect();
    let rule = "openat,pwrite64,fsync,fdatasync,ftruncate:error=EROFS";
    let Some(spell) = Spell::cast(&life, rule, &paths, scene.folder.path()) else { return };
    scene.complains(&mut life, &["Read-only file system"]);
    drop(spell);
    scene.ends_well(life);
}

#[test]
fn a_manifest_on_a_disk_that_becomes_read_only_is_waited_for() {
    let mut scene = Scene::new();
    let mut life = scene.start();
    scene.world.settle(&mut life);
    let manifest = scene.settings.state.join("job.redb");
    let rule = "openat,pwrite64,fsync,fdatasync,ftruncate:error=EROFS";
    let Some(spell) = Spell::cast(&life, rule, &[&manifest], scene.folder.path()) else { return };
    scene.complains(&mut life, &["Read-only file system"]);
    drop(spell);
    scene.ends_well(life);
}

#[test]
fn writes_and_syncs_that_fail_now_and_then_do_no_harm() {
    let mut scene = Scene::new();
    let mut life = scene.start();
    scene.world.settle(&mut life);
    // Far enough apart for a file to be opened anew and written in between.
    for rule in ["pwrite64,copy_file_range:error=EIO:when=20+61", "fsync,fdatasync:error=EIO:when=3+17"] {
        let Some(spell) = Spell::cast(&life, rule, &[], scene.folder.path()) else { return };
        for _ in 0..5 {
            scene.world.grow(100, &mut scene.dice);
            scene.world.settle(&mut life);
        }
        drop(spell);
    }
    scene.ends_well(life);
}
