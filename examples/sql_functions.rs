//! The binary `millstream` with functions, an aggregate and a connector of one's own, for SQL files that need them.
//!
//! ```console
//! $ cargo run --example sql_functions -- run examples/sql_functions.sql
//! $ cargo run --example sql_functions -- test examples/sql_functions.sql
//! $ cargo run --example sql_functions -- functions geo_country
//! ```

use millstream::operator::Fold;
use millstream::prelude::*;
use millstream::sql::connector::{Connector, Input, OptionDoc, Options};
use millstream::sql::{Env, OptionError};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::process::ExitCode;

/// Networks by their first address and how many bits of it count, with the country they are in: invented, as they are kept for
/// examples.
const NETWORKS: [(Ipv4Addr, u32, &str); 5] = [
    (Ipv4Addr::new(192, 0, 2, 0), 24, "NO"),
    (Ipv4Addr::new(198, 51, 100, 0), 24, "DE"),
    (Ipv4Addr::new(203, 0, 113, 0), 24, "JP"),
    (Ipv4Addr::new(10, 0, 0, 0), 10, "FR"),
    (Ipv4Addr::new(10, 0, 0, 0), 8, "CH"),
];

/// The country of a client: of the networks that hold its address, the smallest counts. NULL if none does, or it is known by a
/// name. A `Result` can be returned, too: an error makes a dead letter of the row.
fn geo_country(host: &str) -> Option<&'static str> {
    let Ok(IpAddr::V4(address)) = host.parse() else { return None };
    let holds = |network: Ipv4Addr, bits: u32| (address.to_bits() ^ network.to_bits()) >> (32 - bits) == 0;
    NETWORKS.iter().find(|(network, bits, _)| holds(*network, *bits)).map(|(.., country)| *country)
}

/// The connector `site`: the access log of a site by its name, wherever it lies.
struct Site;

impl Connector for Site {
    fn name(&self) -> &str {
        "site"
    }

    fn doc(&self) -> &str {
        "the access log of a site"
    }

    fn options(&self) -> &[OptionDoc] {
        &[OptionDoc { key: "name", default: None, doc: "which site: example.org" }]
    }

    fn has_format(&self) -> bool {
        true
    }

    fn source(&self, options: Options<'_>) -> Result<Input, OptionError> {
        match options.required("name", "example.org")? {
            "example.org" => Ok(Input::lines(FileSource::lines(["examples/data/access.log"]))),
            other => Err(options.refuse("name", format!("there is no site `{other}`; write 'example.org'"))),
        }
    }
}

/// What the SQL files of this binary may use besides what there is.
pub fn env() -> Env {
    let most_frequent = Fold::new(
        BTreeMap::<String, u64>::new,
        |counts: &mut BTreeMap<String, u64>, text: &String| *counts.entry(text.clone()).or_default() += 1,
        |counts, more| more.into_iter().for_each(|(text, count)| *counts.entry(text).or_default() += count),
        // Of texts that are equally frequent, the first in the alphabet.
        |counts| counts.into_iter().rev().max_by_key(|(_, count)| *count).map(|(text, _)| text),
    );
    Env::new().function("geo_country", geo_country).aggregate("most_frequent", most_frequent).connector(Site)
}

fn main() -> ExitCode {
    millstream::sql::main(env())
}
