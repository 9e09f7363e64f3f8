//! A plan as text, for people.

use super::{Logic, Plan};
use std::fmt;

impl fmt::Display for Plan {
    /// One line per chain: its number, parallelism, and operators; below it where its records go.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, chain) in self.chains.iter().enumerate() {
            let labels: Vec<String> = chain.nodes.iter().map(|node| self.describe(*node)).collect();
            writeln!(f, "{number} x{}: {}", chain.parallelism, labels.join(" -> "))?;
            for edge in self.edges.iter().filter(|edge| edge.from == number) {
                let exchange = format!("{:?}", edge.exchange).to_lowercase();
                writeln!(f, "    {exchange} to {}", edge.to)?;
            }
        }
        Ok(())
    }
}

impl Plan {
    fn describe(&self, node: usize) -> String {
        let node = &self.graph.nodes[node];
        match &node.logic {
            Logic::Source(source) => format!("{} [{}]", node.label(), source.describe()),
            Logic::Sink(sink) => format!("{} [{}, {}]", node.label(), sink.describe(), sink.guarantee()),
            _ if node.named || node.name.is_some() => format!("{} [{}]", node.label(), node.kind),
            _ => node.kind.clone(),
        }
    }
}
