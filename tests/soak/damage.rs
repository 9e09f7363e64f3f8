//! Damage to files between two lives, as a failing disk or a careless hand does it.

use crate::process::Dice;
use crate::program::{OUTPUTS, Settings};
use crate::world::files;
use std::fmt;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

/// What was done to which file.
#[derive(Debug)]
pub(crate) struct Damage {
    path: PathBuf,
    what: &'static str,
}

impl Damage {
    /// What a refusal must name: the file; for a file of rows that are not visible yet, the visible one.
    pub(crate) fn name(&self) -> String {
        let name = self.path.file_name().expect("a file").to_string_lossy().into_owned();
        let hides = |visible: &&&str| name.starts_with(&format!(".{visible}."));
        OUTPUTS.iter().find(hides).map_or(name.clone(), |visible| (*visible).to_owned())
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.path.display(), self.what)
    }
}

/// Damages one file of the job; `None` if there is none yet.
pub(crate) fn strike(settings: &Settings, dice: &mut Dice) -> Option<Damage> {
    let is_state = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "redb");
    let mut targets: Vec<PathBuf> = files(&settings.state).into_iter().filter(is_state).collect();
    targets.extend(files(&settings.output));
    if targets.is_empty() {
        return None;
    }
    let path = dice.choose(&targets).clone();
    let length = fs::metadata(&path).expect("a file that was listed").len();
    let open = || File::options().read(true).write(true).open(&path).expect("a file that was listed");
    let is_visible = OUTPUTS.iter().any(|name| path.ends_with(name));
    let what = match dice.roll(4) {
        0 => {
            fs::remove_file(&path).expect("a file that was listed");
            "removed"
        }
        1 => {
            open().set_len(0).expect("a file can be cut");
            "emptied"
        }
        // What visible rows say is the user's; nobody checks that.
        2 if is_state(&path) => {
            let file = open();
            let begin = length / 8 * dice.roll(8);
            for place in (begin..begin + length / 8).step_by(512) {
                let mut bytes = [0; 16];
                let read = file.read_at(&mut bytes, place).expect("a file can be read");
                bytes.iter_mut().for_each(|byte| *byte = !*byte);
                file.write_all_at(&bytes[..read], place).expect("a file can be written");
            }
            "flipped in an eighth"
        }
        3 if is_visible => {
            let file = open();
            file.write_all_at(b"{}\n", length).expect("a file can be written");
            "written to"
        }
        _ => {
            open().set_len(dice.roll(length.max(1))).expect("a file can be cut");
            "truncated"
        }
    };
    Some(Damage { path, what })
}
