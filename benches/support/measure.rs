//! What the benches share: contenders that run in processes of their own, in rounds, and what each round has cost.
//!
//! Each run is a child of the same program, so CPU time and peak memory are its own and nothing is warm from the run
//! before. The contenders of one case take turns, round by round, so that a machine that is busy for a while is busy for
//! all of them; what is told is the median over the rounds. Figures in seconds hold for one machine on one day, ratios
//! inside a round are what a bench is about.
//!
//! CPU time and peak memory are what Linux tells in `/proc/self`, the former in steps of 10 ms.

use millstream::time::{Clock, SystemClock};
use std::error::Error;
use std::process::{Command, ExitCode, Stdio};
use std::{env, fs, io};

/// What the benches return on failure.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// Linux counts CPU time in steps of 1/100 s for everybody who reads `/proc`, whatever its own clock is.
const TICKS_PER_SECOND: f64 = 100.0;

/// What one run has cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// Seconds on the clock, of the work alone.
    pub(crate) wall: f64,
    /// Seconds of CPU time, of the whole process.
    pub(crate) cpu: f64,
    /// Most memory held at once, in MiB.
    pub(crate) peak: f64,
}

impl Cost {
    /// From what follows the word `cost`.
    ///
    /// # Errors
    /// If these are not three figures.
    pub(crate) fn parse(figures: &str) -> Result<Self, Failure> {
        match figures.split_whitespace().map(str::parse).collect::<Result<Vec<f64>, _>>()?[..] {
            [wall, cpu, peak] => Ok(Cost { wall, cpu, peak }),
            _ => Err(format!("{figures:?} are not three figures").into()),
        }
    }
}

/// Does the work in a child, and tells on stdout what it has cost.
///
/// # Errors
/// What the work returns; that of reading `/proc`.
pub(crate) fn report(work: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
    let clock = SystemClock::new();
    work()?;
    println!("cost {} {} {}", clock.elapsed().as_secs_f64(), cpu_seconds()?, peak_mib()?);
    Ok(())
}

/// User and system time of this process, ended threads included.
fn cpu_seconds() -> Result<f64, Failure> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // The second field is a name in brackets, in which anything may stand.
    let fields = stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace()).ok_or("no name in /proc/self/stat")?;
    let ticks: Vec<f64> = fields.skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
    Ok(ticks.iter().sum::<f64>() / TICKS_PER_SECOND)
}

fn peak_mib() -> Result<f64, Failure> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM in /proc/self/status")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse::<f64>()? / 1024.0)
}

/// Runs this program again with these arguments, and returns what it tells of itself.
///
/// # Errors
/// If it cannot be started or fails.
pub(crate) fn child(arguments: &[String]) -> Result<Cost, Failure> {
    let mut command = Command::new(env::current_exe()?);
    let output = command.arg("--child").args(arguments).stderr(Stdio::inherit()).output()?;
    let told = String::from_utf8(output.stdout)?;
    let figures = told.lines().rev().find_map(|line| line.strip_prefix("cost ")).filter(|_| output.status.success());
    let figures = figures.ok_or_else(|| format!("the run {arguments:?} failed: {}", output.status))?;
    Cost::parse(figures)
}

/// Runs the contenders by turns, and returns for each its costs, round by round.
///
/// # Errors
/// If one of them fails.
pub(crate) fn rounds(rounds: usize, contenders: &[Vec<String>]) -> Result<Vec<Vec<Cost>>, Failure> {
    let mut costs = vec![Vec::new(); contenders.len()];
    for _ in 0..rounds {
        for (contender, costs) in contenders.iter().zip(&mut costs) {
            costs.push(child(contender)?);
        }
    }
    Ok(costs)
}

/// The median, and how far the others stray from it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Median {
    pub(crate) value: f64,
    least: f64,
    most: f64,
}

impl Median {
    /// Of at least one figure.
    pub(crate) fn of(figures: impl IntoIterator<Item = f64>) -> Self {
        let mut figures: Vec<f64> = figures.into_iter().collect();
        figures.sort_by(f64::total_cmp);
        let middle = figures.len() / 2;
        let value =
            if figures.len() % 2 == 1 { figures[middle] } else { (figures[middle - 1] + figures[middle]) / 2.0 };
        Median { value, least: figures[0], most: figures[figures.len() - 1] }
    }

    /// Of the ratios of two figures, round by round.
    pub(crate) fn ratio(of: &[Cost], to: &[Cost], figure: impl Fn(&Cost) -> f64) -> Self {
        Median::of(of.iter().zip(to).map(|(of, to)| figure(of) / figure(to)))
    }

    /// The median and, behind it, the least and the most.
    pub(crate) fn spread(self, decimals: usize) -> String {
        format!("{:.*} ({:.*}-{:.*})", decimals, self.value, decimals, self.least, decimals, self.most)
    }
}

/// A table on stdout, under a line that tells the machine and the command.
///
/// # Errors
/// That of writing.
pub(crate) fn table(title: &str, columns: &[&str], rows: &[Vec<String>]) -> io::Result<()> {
    use std::io::Write;
    let mut out = io::stdout().lock();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    writeln!(out, "\n{title}")?;
    writeln!(out, "{cores} cores, load {load}; cargo bench --bench {}\n", command())?;
    let header: Vec<String> = columns.iter().map(ToString::to_string).collect();
    let width = |column: usize| rows.iter().chain([&header]).map(|row| row[column].len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let rule = widths.iter().map(|&width| "-".repeat(width)).collect();
    for row in [&header, &rule].into_iter().chain(rows) {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:>width$}")).collect();
        writeln!(out, "| {} |", cells.join(" | "))?;
    }
    Ok(())
}

/// The bench's name and arguments, as they are given to cargo.
fn command() -> String {
    let mut arguments: Vec<String> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if !arguments.is_empty() {
        arguments.insert(0, "--".to_owned());
    }
    arguments.insert(0, env!("CARGO_CRATE_NAME").to_owned());
    arguments.join(" ")
}

/// What all benches understand.
pub(crate) struct Arguments {
    /// Less of everything, to see that it runs.
    pub(crate) quick: bool,
    /// How often each contender runs.
    pub(crate) rounds: usize,
    /// Sizes instead of the bench's own.
    pub(crate) sizes: Vec<u64>,
}

/// Runs a bench: in the parent `parent`, in a child `child` with what the parent has given it.
pub(crate) fn main(
    parent: impl FnOnce(Arguments) -> Result<(), Failure>,
    child: impl FnOnce(&[String]) -> Result<(), Failure>,
) -> ExitCode {
    let given: Vec<String> = env::args().skip(1).collect();
    let done = match given.split_first() {
        Some((first, rest)) if first == "--child" => report(|| child(rest)),
        _ => arguments(&given).and_then(parent),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {error}", env!("CARGO_CRATE_NAME"));
            ExitCode::FAILURE
        }
    }
}

fn arguments(given: &[String]) -> Result<Arguments, Failure> {
    let mut arguments = Arguments { quick: false, rounds: 0, sizes: Vec::new() };
    let mut given = given.iter();
    while let Some(argument) = given.next() {
        match argument.as_str() {
            "--bench" => {}
            "--quick" => arguments.quick = true,
            "--rounds" => {
                let rounds = given.next().and_then(|rounds| rounds.parse().ok()).filter(|&rounds| rounds > 0);
                arguments.rounds = rounds.ok_or("--rounds needs a number from 1 on")?;
            }
            size => arguments.sizes.push(size.replace('_', "").parse().map_err(|_| {
                format!("unknown argument {size}; there are --quick, --rounds N, and sizes as plain numbers")
            })?),
        }
    }
    if arguments.rounds == 0 {
        arguments.rounds = if arguments.quick { 1 } else { 5 };
    }
    Ok(arguments)
}
