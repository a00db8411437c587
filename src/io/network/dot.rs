//! DOT for Graphviz: arrows activate, tees repress, dots are unknown; line width grows with weight.

use std::io::Write;

use super::{NetworkFormat, ends};
use crate::graph::{GeneGraph, Sign};

pub(super) const FORMAT: NetworkFormat =
    NetworkFormat { name: "dot", about: "Graphviz: arrow activates, tee represses, dot unknown", write };

fn write(graph: &GeneGraph, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(out, "digraph genes {{\n  node [shape=ellipse];")?;
    for name in graph.genes().names() {
        writeln!(out, "  {};", quoted(name))?;
    }
    for edge in graph.edges() {
        let (source, target) = ends(graph, edge);
        let head = match edge.sign {
            Sign::Activation => "normal",
            Sign::Repression => "tee",
            Sign::Unknown => "odot",
        };
        let (weight, width) = (edge.weight, 0.5 + 2.5 * edge.weight);
        let (source, target) = (quoted(source), quoted(target));
        writeln!(out, "  {source} -> {target} [weight={weight}, penwidth={width:.2}, arrowhead={head}];")?;
    }
    writeln!(out, "}}")
}

/// Inside quotes only quotes and backslashes are special.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
}
