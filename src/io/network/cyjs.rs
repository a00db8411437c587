//! Cytoscape.js JSON (`.cyjs`), with positions and a style, so that it opens as a drawing.

use std::f64::consts::PI;
use std::io::Write;

use serde_json::{Map, Value, json};

use super::{NetworkFormat, ends};
use crate::data::GeneId;
use crate::graph::{Edge, GeneGraph, Sign};

pub(super) const FORMAT: NetworkFormat =
    NetworkFormat { name: "cyjs", about: "Cytoscape: all attributes, positions and a style", write };

/// Distance of neighbouring genes in pixels.
const SPACING: f64 = 60.0;

fn write(graph: &GeneGraph, out: &mut dyn Write) -> std::io::Result<()> {
    let place = places(graph);
    let nodes: Vec<Value> = (0..graph.n_genes()).map(|g| node(graph, g, place[g])).collect();
    let edges: Vec<Value> = graph.edges().iter().enumerate().map(|(k, edge)| edge_of(graph, k, edge)).collect();
    let network = json!({
        "format_version": "1.0",
        "generated_by": "grn",
        "target_cytoscapejs_version": "~2.1",
        "data": {"name": "genes", "shared_name": "genes"},
        "elements": {"nodes": nodes, "edges": edges},
        "style": style(),
    });
    serde_json::to_writer(&mut *out, &network)?;
    writeln!(out)
}

fn node(graph: &GeneGraph, gene: usize, (x, y): (f64, f64)) -> Value {
    let (id, name) = (GeneId(gene as u32), &*graph.genes().names()[gene]);
    let (out, into) = (graph.out_edges(id).len(), graph.in_edges(id).count());
    json!({
        "data": {"id": name, "name": name, "shared_name": name, "out_degree": out, "in_degree": into},
        "position": {"x": x, "y": y},
    })
}

fn edge_of(graph: &GeneGraph, k: usize, edge: &Edge) -> Value {
    let (source, target) = ends(graph, edge);
    let interaction = match edge.sign {
        Sign::Activation => "activates",
        Sign::Repression => "represses",
        Sign::Unknown => "regulates",
    };
    let mut data = Map::new();
    data.insert("id".into(), format!("e{k}").into());
    data.insert("source".into(), source.into());
    data.insert("target".into(), target.into());
    data.insert("interaction".into(), interaction.into());
    data.insert("weight".into(), short(edge.weight).into());
    data.insert("sign".into(), edge.sign.symbol().into());
    for (channel, score) in &edge.evidence {
        // Cytoscape takes a dot for a namespace.
        data.insert(graph.channels()[channel.0 as usize].replace('.', "_"), short(*score).into());
    }
    json!({ "data": data })
}

/// Six digits: what a 32 bit number knows.
fn short(value: f32) -> f64 {
    (f64::from(value) * 1e6).round() / 1e6
}

/// Genes with many edges in the middle, the others around them along a spiral that fills the plane evenly.
fn places(graph: &GeneGraph) -> Vec<(f64, f64)> {
    let degree = |g: &usize| {
        let gene = GeneId(*g as u32);
        graph.out_edges(gene).len() + graph.in_edges(gene).count()
    };
    let mut order: Vec<usize> = (0..graph.n_genes()).collect();
    order.sort_by_cached_key(|g| std::cmp::Reverse(degree(g)));
    let golden_angle = PI * (3.0 - 5f64.sqrt());
    let mut places = vec![(0.0, 0.0); graph.n_genes()];
    for (k, gene) in order.into_iter().enumerate() {
        let (radius, angle) = (SPACING * (k as f64).sqrt(), golden_angle * k as f64);
        let round = |v: f64| (v * 100.0).round() / 100.0;
        places[gene] = (round(radius * angle.cos()), round(radius * angle.sin()));
    }
    places
}

fn style() -> Value {
    let edge = |selector: &str, shape: &str, color: &str| json!({"selector": selector, "style": {"target-arrow-shape": shape, "target-arrow-color": color, "line-color": color}});
    json!([
        {"selector": "node", "style": {"label": "data(name)", "font-size": 10, "width": 30, "height": 30,
            "background-color": "#e8e8e8", "border-width": 1, "border-color": "#666666", "text-valign": "center"}},
        {"selector": "edge", "style": {"curve-style": "bezier", "width": "mapData(weight, 0, 1, 0.5, 3)"}},
        edge("edge[sign = '+']", "triangle", "#b2182b"),
        edge("edge[sign = '-']", "tee", "#2166ac"),
        edge("edge[sign = '.']", "none", "#999999"),
    ])
}
