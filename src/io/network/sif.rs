//! SIF: source, relation, target, tab separated. Cytoscape's simplest format; weights are lost.

use std::io::Write;

use super::{NetworkFormat, ends};
use crate::data::GeneId;
use crate::graph::{GeneGraph, Sign};

pub(super) const FORMAT: NetworkFormat =
    NetworkFormat { name: "sif", about: "source, activates / represses / regulates, target", write };

fn write(graph: &GeneGraph, out: &mut dyn Write) -> std::io::Result<()> {
    for edge in graph.edges() {
        let (source, target) = ends(graph, edge);
        let relation = match edge.sign {
            Sign::Activation => "activates",
            Sign::Repression => "represses",
            Sign::Unknown => "regulates",
        };
        writeln!(out, "{source}\t{relation}\t{target}")?;
    }
    let genes = (0..graph.n_genes() as u32).map(GeneId);
    for gene in genes.filter(|&g| graph.out_edges(g).is_empty() && graph.in_edges(g).next().is_none()) {
        writeln!(out, "{}", graph.genes().name(gene))?;
    }
    Ok(())
}
