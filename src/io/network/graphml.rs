//! GraphML with typed attributes: Cytoscape, Gephi, yEd, networkx, igraph.

use std::io::Write;

use super::xml::escape;
use super::{NetworkFormat, ends};
use crate::graph::GeneGraph;

pub(super) const FORMAT: NetworkFormat =
    NetworkFormat { name: "graphml", about: "nodes and edges with typed attributes, one per evidence channel", write };

const HEADER: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns"
         xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
         xsi:schemaLocation="http://graphml.graphdrawing.org/xmlns http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd">
"#;

fn write(graph: &GeneGraph, out: &mut dyn Write) -> std::io::Result<()> {
    out.write_all(HEADER.as_bytes())?;
    let mut key = |id: &str, of: &str, name: &str, kind: &str| {
        writeln!(out, r#"  <key id="{id}" for="{of}" attr.name="{}" attr.type="{kind}"/>"#, escape(name))
    };
    key("name", "node", "name", "string")?;
    key("weight", "edge", "weight", "double")?;
    key("sign", "edge", "sign", "string")?;
    for (k, channel) in graph.channels().iter().enumerate() {
        key(&format!("c{k}"), "edge", channel, "double")?;
    }
    writeln!(out, r#"  <graph id="genes" edgedefault="directed">"#)?;
    for name in graph.genes().names() {
        let name = escape(name);
        writeln!(out, r#"    <node id="{name}"><data key="name">{name}</data></node>"#)?;
    }
    for edge in graph.edges() {
        let (source, target) = ends(graph, edge);
        write!(out, r#"    <edge source="{}" target="{}">"#, escape(source), escape(target))?;
        write!(out, r#"<data key="weight">{}</data><data key="sign">{}</data>"#, edge.weight, edge.sign.symbol())?;
        for (channel, score) in &edge.evidence {
            write!(out, r#"<data key="c{}">{score}</data>"#, channel.0)?;
        }
        writeln!(out, "</edge>")?;
    }
    out.write_all(b"  </graph>\n</graphml>\n")
}
