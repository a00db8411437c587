//! GraphML with typed attributes: Cytoscape, Gephi, yEd, networkx, igraph.

use std::io::Write;

use super::drawing::{GeneMark, NetworkDrawing, hex};
use super::relation::relation;
use super::xml::escape;
use super::{NetworkFormat, ends};
use crate::graph::GeneGraph;

pub(super) const FORMAT: NetworkFormat = NetworkFormat {
    name: "graphml",
    about: "nodes and edges with typed attributes, one per evidence channel",
    write,
    tables: &[],
};

const HEADER: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns"
         xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
         xsi:schemaLocation="http://graphml.graphdrawing.org/xmlns http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd">
"#;

/// What a drawing knows of a gene; x and y in pixels, y downwards.
const DRAWN: [(&str, &str); 9] = [
    ("x", "double"),
    ("y", "double"),
    ("diameter", "double"),
    ("fill", "string"),
    ("delta", "double"),
    ("degree", "int"),
    ("hop", "int"),
    ("module", "int"),
    ("perturbed", "boolean"),
];

fn write(graph: &GeneGraph, drawing: Option<&NetworkDrawing>, out: &mut dyn Write) -> std::io::Result<()> {
    out.write_all(HEADER.as_bytes())?;
    let mut key = |id: &str, of: &str, name: &str, kind: &str| {
        writeln!(out, r#"  <key id="{id}" for="{of}" attr.name="{}" attr.type="{kind}"/>"#, escape(name))
    };
    key("name", "node", "name", "string")?;
    if drawing.is_some() {
        for (name, kind) in DRAWN {
            key(name, "node", name, kind)?;
        }
        key("prior_only", "edge", "prior_only", "boolean")?;
    }
    key("interaction", "edge", "interaction", "string")?;
    key("weight", "edge", "weight", "double")?;
    key("sign", "edge", "sign", "string")?;
    for (k, channel) in graph.channels().iter().enumerate() {
        key(&format!("c{k}"), "edge", channel, "double")?;
    }
    writeln!(out, r#"  <graph id="genes" edgedefault="directed">"#)?;
    for (g, name) in graph.genes().names().iter().enumerate() {
        let name = escape(name);
        write!(out, r#"    <node id="{name}"><data key="name">{name}</data>"#)?;
        drawing.map_or(Ok(()), |d| drawn_node(out, &d.genes[g]))?;
        writeln!(out, "</node>")?;
    }
    for (k, edge) in graph.edges().iter().enumerate() {
        let mark = drawing.map(|d| &d.edges[k]);
        let (source, target) = ends(graph, edge);
        write!(out, r#"    <edge source="{}" target="{}">"#, escape(source), escape(target))?;
        write!(out, r#"<data key="weight">{}</data><data key="sign">{}</data>"#, edge.weight, edge.sign.symbol())?;
        write!(out, r#"<data key="interaction">{}</data>"#, relation(edge, mark))?;
        if let Some(mark) = mark {
            write!(out, r#"<data key="prior_only">{}</data>"#, mark.prior_only)?;
        }
        for (channel, score) in &edge.evidence {
            write!(out, r#"<data key="c{}">{score}</data>"#, channel.0)?;
        }
        writeln!(out, "</edge>")?;
    }
    out.write_all(b"  </graph>\n</graphml>\n")
}

fn drawn_node(out: &mut dyn Write, mark: &GeneMark) -> std::io::Result<()> {
    let mut data = |key: &str, value: String| write!(out, r#"<data key="{key}">{value}</data>"#);
    data("x", format!("{:.2}", mark.x))?;
    data("y", format!("{:.2}", mark.y))?;
    data("diameter", format!("{:.2}", mark.diameter))?;
    data("fill", hex(mark.fill))?;
    mark.delta.map_or(Ok(()), |delta| data("delta", delta.to_string()))?;
    data("degree", mark.degree.to_string())?;
    data("hop", mark.hop.to_string())?;
    data("module", mark.module.to_string())?;
    data("perturbed", mark.perturbed.to_string())
}
