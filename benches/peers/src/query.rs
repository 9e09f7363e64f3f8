//! The queries: what each reads, and how its rows are compared.

use clap::ValueEnum;

/// What is asked. The numbers are Nexmark's; `queries/` has the SQL of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Query {
    /// Page views of each client and of the site in windows of ten seconds: nearly a row for each two lines.
    #[value(name = "views_10s")]
    Views10s,
    /// The same in windows of ten minutes: few rows.
    #[value(name = "views_10m")]
    Views10m,
    Q0,
    Q1,
    Q2,
    Q3,
    Q4,
    Q5,
    Q7,
    Q8,
    Q9,
    Q11,
    Q12,
    Q16,
    Q18,
}

/// A kind of record, which has a directory of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    Log,
    Bids,
    Auctions,
    Persons,
}

impl Input {
    /// The name of its directory.
    pub fn name(self) -> &'static str {
        match self {
            Input::Log => "log",
            Input::Bids => "bids",
            Input::Auctions => "auctions",
            Input::Persons => "persons",
        }
    }
}

impl Query {
    /// As in `queries/` and on the command line.
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// What it reads.
    pub fn inputs(self) -> &'static [Input] {
        match self {
            Query::Views10s | Query::Views10m => &[Input::Log],
            Query::Q3 | Query::Q8 => &[Input::Persons, Input::Auctions],
            Query::Q4 | Query::Q9 => &[Input::Auctions, Input::Bids],
            _ => &[Input::Bids],
        }
    }

    /// If its rows change, how many columns are their key. Then it writes rows with a sign in front, `+,..` and `-,..`, or
    /// `debezium-json`.
    pub fn key_columns(self) -> Option<usize> {
        match self {
            Query::Q4 | Query::Q9 => Some(1),
            Query::Q16 | Query::Q18 => Some(2),
            _ => None,
        }
    }

    /// Whether the clock decides how its rows are cut: then what they add up to by their first column is compared.
    pub fn is_of_the_clock(self) -> bool {
        self == Query::Q12
    }

    /// Its program in SQL, in which `{in}` and `{out}` stand for directories.
    pub fn sql(self) -> &'static str {
        macro_rules! program {
            ($name:literal) => {
                include_str!(concat!("../queries/", $name, ".sql"))
            };
        }
        match self {
            Query::Views10s => program!("views_10s"),
            Query::Views10m => program!("views_10m"),
            Query::Q0 => program!("q0"),
            Query::Q1 => program!("q1"),
            Query::Q2 => program!("q2"),
            Query::Q3 => program!("q3"),
            Query::Q4 => program!("q4"),
            Query::Q5 => program!("q5"),
            Query::Q7 => program!("q7"),
            Query::Q8 => program!("q8"),
            Query::Q9 => program!("q9"),
            Query::Q11 => program!("q11"),
            Query::Q12 => program!("q12"),
            Query::Q16 => program!("q16"),
            Query::Q18 => program!("q18"),
        }
    }
}

/// The table of an input in SQL, for Millstream and for Flink.
pub fn table(input: Input, for_flink: bool) -> &'static str {
    match input {
        Input::Log if for_flink => include_str!("../flink/log.sql"),
        Input::Log => include_str!("../queries/log.sql"),
        Input::Bids => include_str!("../queries/bids.sql"),
        Input::Auctions => include_str!("../queries/auctions.sql"),
        Input::Persons => include_str!("../queries/persons.sql"),
    }
}
