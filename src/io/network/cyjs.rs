//! Cytoscape.js JSON (`.cyjs`), with positions and a style, so that it opens as a drawing.

use std::io::Write;

use serde_json::{Map, Value, json};

use super::drawing::{EdgeMark, GeneMark, NetworkDrawing, hex, short};
use super::relation::{RELATIONS, relation};
use super::{NetworkFormat, elements, ends};
use crate::data::GeneId;
use crate::graph::{Edge, GeneGraph};

pub(super) const FORMAT: NetworkFormat =
    NetworkFormat { name: "cyjs", about: "Cytoscape: all attributes, positions and a style", write, tables: &[] };

fn write(graph: &GeneGraph, drawing: Option<&NetworkDrawing>, out: &mut dyn Write) -> std::io::Result<()> {
    let (nodes, edges) = elements(
        graph,
        drawing,
        |g, place, mark| node(graph, g, place, mark),
        |k, edge, mark| edge_of(graph, k, edge, mark),
    );
    let title = drawing.map_or("genes", |d| &d.title);
    // networkx reads `directed`, `multigraph` and, of genes, `value`.
    let network = json!({
        "directed": true,
        "multigraph": false,
        "format_version": "1.0",
        "generated_by": "grn",
        "target_cytoscapejs_version": "~2.1",
        "data": {"name": title, "shared_name": title, "description": drawing.map_or("", |d| &d.description)},
        "elements": {"nodes": nodes, "edges": edges},
        "style": style(drawing.is_some()),
    });
    serde_json::to_writer(&mut *out, &network)?;
    writeln!(out)
}

fn node(graph: &GeneGraph, gene: usize, (x, y): (f64, f64), mark: Option<&GeneMark>) -> Value {
    let (id, name) = (GeneId(gene as u32), &*graph.genes().names()[gene]);
    let (out, into) = (graph.out_edges(id).len(), graph.in_edges(id).count());
    let mut data =
        json!({"id": name, "value": name, "name": name, "shared_name": name, "out_degree": out, "in_degree": into});
    if let (Some(mark), Value::Object(data)) = (mark, &mut data) {
        data.extend(drawn(mark));
    }
    json!({"data": data, "position": {"x": x, "y": y}})
}

/// Attributes that only a drawing knows.
fn drawn(mark: &GeneMark) -> Map<String, Value> {
    let mut data = Map::new();
    data.insert("degree".into(), mark.degree.into());
    data.insert("hop".into(), mark.hop.into());
    data.insert("module".into(), mark.module.into());
    data.insert("perturbed".into(), mark.perturbed.into());
    data.insert("diameter".into(), short(mark.diameter).into());
    data.insert("fill".into(), hex(mark.fill).into());
    if let Some(delta) = mark.delta {
        data.insert("delta".into(), short(delta).into());
    }
    data
}

fn edge_of(graph: &GeneGraph, k: usize, edge: &Edge, mark: Option<&EdgeMark>) -> Value {
    let (source, target) = ends(graph, edge);
    let mut data = Map::new();
    data.insert("id".into(), format!("e{k}").into());
    data.insert("source".into(), source.into());
    data.insert("target".into(), target.into());
    data.insert("interaction".into(), relation(edge, mark).into());
    data.insert("weight".into(), short(edge.weight).into());
    data.insert("sign".into(), edge.sign.symbol().into());
    if let Some(mark) = mark {
        data.insert("prior_only".into(), mark.prior_only.into());
    }
    for (channel, score) in &edge.evidence {
        // Cytoscape takes a dot for a namespace.
        data.insert(graph.channels()[channel.0 as usize].replace('.', "_"), short(*score).into());
    }
    json!({ "data": data })
}

fn style(drawn: bool) -> Value {
    let mut rules = vec![
        json!({"selector": "node", "style": {"label": "data(name)", "font-size": 10, "width": 30, "height": 30,
            "background-color": "#e8e8e8", "border-width": 1, "border-color": "#5b6b7a", "text-valign": "bottom"}}),
        json!({"selector": "edge", "style": {"curve-style": "bezier", "width": "mapData(weight, 0, 1, 0.5, 3)"}}),
    ];
    if drawn {
        rules.push(json!({"selector": "node[fill]", "style": {"width": "data(diameter)", "height": "data(diameter)",
            "background-color": "data(fill)"}}));
        rules.push(json!({"selector": "node[?perturbed]", "style": {"border-width": 4, "border-color": "#1b2733"}}));
        rules.push(json!({"selector": "edge[?prior_only]", "style": {"line-style": "dashed"}}));
    }
    for (name, shape, color) in RELATIONS {
        let color = hex(color);
        rules.push(json!({"selector": format!("edge[interaction = '{name}']"),
            "style": {"target-arrow-shape": shape, "target-arrow-color": color, "line-color": color}}));
    }
    Value::Array(rules)
}
