//! `grn graph diff`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::error::{ExitStatus, some_of};
use crate::graph::{Edge, GeneGraph};

/// Arguments of `grn graph diff`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  grn graph diff string.tsv collectri.tsv --top 50")]
pub(in crate::cli) struct DiffArgs {
    /// A graph of `grn graph build`, or any prior
    #[arg(value_name = "A")]
    a: PathBuf,
    /// Another
    #[arg(value_name = "B")]
    b: PathBuf,
    /// Edges listed of each kind; counts are of all
    #[arg(long, default_value_t = 10, value_name = "N")]
    top: usize,
}

/// Two graphs by name of gene.
struct Difference {
    genes: [BTreeSet<String>; 2],
    /// Edges of one graph alone, the first and the second.
    alone: [Vec<(String, String)>; 2],
    shared: usize,
    /// Source, target, and weight with sign in each graph.
    changed: Vec<(String, String, [String; 2])>,
}

type ByName<'a> = BTreeMap<(&'a str, &'a str), &'a Edge>;

pub(super) fn run(args: &DiffArgs, session: &Session) -> Result<ExitStatus, CliError> {
    let (a, b) = (super::read(&args.a, session)?, super::read(&args.b, session)?);
    let difference = Difference::of(&a, &b);
    session.printer.result(|| difference.json(args), || difference.text(args))?;
    Ok(ExitStatus::Done)
}

fn by_name(graph: &GeneGraph) -> ByName<'_> {
    let name = |gene| graph.genes().name(gene);
    graph.edges().iter().map(|e| ((name(e.source), name(e.target)), e)).collect()
}

/// What is compared of an edge: weights are written with four digits.
fn state(edge: &Edge) -> String {
    format!("{}{:.4}", edge.sign.symbol(), edge.weight)
}

impl Difference {
    fn of(a: &GeneGraph, b: &GeneGraph) -> Self {
        let names = |g: &GeneGraph| g.genes().names().iter().map(ToString::to_string).collect::<BTreeSet<String>>();
        let (genes_a, genes_b) = (names(a), names(b));
        let genes = [&genes_a - &genes_b, &genes_b - &genes_a];
        let (a, b) = (by_name(a), by_name(b));
        let owned = |(s, t): &(&str, &str)| ((*s).to_owned(), (*t).to_owned());
        let alone = |x: &ByName<'_>, y: &ByName<'_>| x.keys().filter(|k| !y.contains_key(*k)).map(owned).collect();
        let both = a.iter().filter_map(|(key, e)| Some((key, [state(e), state(b.get(key)?)])));
        let changed: Vec<_> =
            both.filter(|(_, [x, y])| x != y).map(|((s, t), states)| ((*s).into(), (*t).into(), states)).collect();
        let shared = a.keys().filter(|k| b.contains_key(*k)).count();
        Self { genes, alone: [alone(&a, &b), alone(&b, &a)], shared, changed }
    }

    fn json(&self, args: &DiffArgs) -> serde_json::Value {
        let top = |k: usize| &self.alone[k][..args.top.min(self.alone[k].len())];
        let changed = self.changed.iter().take(args.top);
        json!({
            "a": args.a, "b": args.b,
            "genes_only_in_a": self.genes[0], "genes_only_in_b": self.genes[1],
            "shared_edges": self.shared,
            "n_only_in_a": self.alone[0].len(), "n_only_in_b": self.alone[1].len(), "n_changed": self.changed.len(),
            "only_in_a": top(0), "only_in_b": top(1),
            "changed": changed.map(|(s, t, [a, b])| json!({"source": s, "target": t, "a": a, "b": b})).collect::<Vec<_>>(),
        })
    }

    fn text(&self, args: &DiffArgs) -> String {
        let mut lines = vec![
            format!("genes only in A  {}{}", self.genes[0].len(), named(&self.genes[0])),
            format!("genes only in B  {}{}", self.genes[1].len(), named(&self.genes[1])),
            format!("edges only in A  {}", self.alone[0].len()),
            format!("edges only in B  {}", self.alone[1].len()),
            format!("edges in both    {}, {} with another weight or sign", self.shared, self.changed.len()),
        ];
        for (mark, edges) in ["-", "+"].iter().zip(&self.alone) {
            lines.extend(edges.iter().take(args.top).map(|(s, t)| format!("{mark} {s}\t{t}")));
        }
        lines.extend(self.changed.iter().take(args.top).map(|(s, t, [a, b])| format!("~ {s}\t{t}\t{a}\t{b}")));
        lines.join("\n")
    }
}

fn named(genes: &BTreeSet<String>) -> String {
    if genes.is_empty() { String::new() } else { format!(": {}", some_of(genes, 3)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{GraphBuilder, Sign};

    #[test]
    fn edges_of_one_graph_alone_and_changed_ones_are_told() {
        let graph = |edges: &[(&str, &str, f32, Sign)]| {
            let mut builder = GraphBuilder::new();
            edges.iter().for_each(|(s, t, w, sign)| builder.add(s, t, *w, *sign, &[]));
            builder.build()
        };
        let a = graph(&[("A", "B", 0.5, Sign::Activation), ("B", "C", 0.5, Sign::Unknown)]);
        let b = graph(&[("A", "B", 0.5, Sign::Repression), ("A", "D", 1.0, Sign::Unknown)]);
        let found = Difference::of(&a, &b);
        assert_eq!(found.alone[0], [("B".to_owned(), "C".to_owned())]);
        assert_eq!(found.alone[1], [("A".to_owned(), "D".to_owned())]);
        assert_eq!((found.shared, found.changed.len()), (1, 1));
        assert_eq!(found.genes.each_ref().map(|g| g.iter().cloned().collect::<String>()), ["C", "D"]);
        let same = Difference::of(&a, &a);
        assert!(same.changed.is_empty() && same.alone.iter().all(Vec::is_empty) && same.shared == 2);
    }
}
