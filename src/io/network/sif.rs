//! SIF: source, relation, target, tab separated. Cytoscape's simplest format; weights, signs and evidence are in tables
//! beside it, whose first columns are the names Cytoscape gives to genes and edges (import them as node and edge tables).

use std::io::Write;

use super::drawing::{NetworkDrawing, hex};
use super::relation::relation;
use super::{NetworkFormat, ends};
use crate::data::GeneId;
use crate::graph::GeneGraph;

pub(super) const FORMAT: NetworkFormat = NetworkFormat {
    name: "sif",
    about: "source, activates / represses / regulates, target; tables of genes and edges beside it",
    write,
    tables: &[("nodes.tsv", write_nodes), ("edges.tsv", write_edges)],
};

fn write(graph: &GeneGraph, drawing: Option<&NetworkDrawing>, out: &mut dyn Write) -> std::io::Result<()> {
    for (k, edge) in graph.edges().iter().enumerate() {
        let (source, target) = ends(graph, edge);
        writeln!(out, "{source}\t{}\t{target}", relation(edge, drawing.map(|d| &d.edges[k])))?;
    }
    let genes = (0..graph.n_genes() as u32).map(GeneId);
    for gene in genes.filter(|&g| graph.out_edges(g).is_empty() && graph.in_edges(g).next().is_none()) {
        writeln!(out, "{}", graph.genes().name(gene))?;
    }
    Ok(())
}

fn write_nodes(graph: &GeneGraph, drawing: Option<&NetworkDrawing>, out: &mut dyn Write) -> std::io::Result<()> {
    let drawn = if drawing.is_some() { "\tdelta\tdegree\thop\tmodule\tperturbed\tfill\tdiameter\tx\ty" } else { "" };
    writeln!(out, "name\tout_degree\tin_degree{drawn}")?;
    for g in 0..graph.n_genes() {
        let gene = GeneId(g as u32);
        let (out_degree, in_degree) = (graph.out_edges(gene).len(), graph.in_edges(gene).count());
        write!(out, "{}\t{out_degree}\t{in_degree}", graph.genes().name(gene))?;
        if let Some(m) = drawing.map(|d| &d.genes[g]) {
            let (delta, fill) = (m.delta.map_or_else(String::new, |d| d.to_string()), hex(m.fill));
            write!(out, "\t{delta}\t{}\t{}\t{}\t{}\t{fill}", m.degree, m.hop, m.module, m.perturbed)?;
            write!(out, "\t{:.2}\t{:.2}\t{:.2}", m.diameter, m.x, m.y)?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn write_edges(graph: &GeneGraph, drawing: Option<&NetworkDrawing>, out: &mut dyn Write) -> std::io::Result<()> {
    write!(out, "name\tsource\tinteraction\ttarget\tweight\tsign")?;
    if drawing.is_some() {
        write!(out, "\tprior_only")?;
    }
    graph.channels().iter().try_for_each(|channel| write!(out, "\t{channel}"))?;
    writeln!(out)?;
    for (k, edge) in graph.edges().iter().enumerate() {
        let (source, target) = ends(graph, edge);
        let mark = drawing.map(|d| &d.edges[k]);
        let relation = relation(edge, mark);
        let (weight, sign) = (edge.weight, edge.sign.symbol());
        write!(out, "{source} ({relation}) {target}\t{source}\t{relation}\t{target}\t{weight}\t{sign}")?;
        mark.map_or(Ok(()), |m| write!(out, "\t{}", m.prior_only))?;
        for channel in 0..graph.channels().len() {
            let score = edge.evidence.iter().find(|(c, _)| usize::from(c.0) == channel);
            write!(out, "\t{}", score.map_or_else(String::new, |(_, score)| score.to_string()))?;
        }
        writeln!(out)?;
    }
    Ok(())
}
