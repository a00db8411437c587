//! GEXF 1.3, Gephi's own format.

use std::io::Write;

use super::NetworkFormat;
use super::drawing::{GeneMark, NetworkDrawing};
use super::relation::color;
use super::xml::escape;
use crate::graph::GeneGraph;

pub(super) const FORMAT: NetworkFormat = NetworkFormat {
    name: "gexf",
    about: "Gephi: labels, weights, signs and evidence; positions and colours of a drawing",
    write,
    tables: &[],
};

const HEADER: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<gexf xmlns="http://gexf.net/1.3" xmlns:viz="http://gexf.net/1.3/viz" version="1.3">
  <graph defaultedgetype="directed" mode="static">
"#;

const NODE_ATTRIBUTES: &str = r#"    <attributes class="node">
      <attribute id="delta" title="delta" type="double"/>
      <attribute id="degree" title="degree" type="integer"/>
      <attribute id="hop" title="hop" type="integer"/>
      <attribute id="module" title="module" type="integer"/>
      <attribute id="perturbed" title="perturbed" type="boolean"/>
    </attributes>
"#;

fn write(graph: &GeneGraph, drawing: Option<&NetworkDrawing>, out: &mut dyn Write) -> std::io::Result<()> {
    out.write_all(HEADER.as_bytes())?;
    writeln!(out, r#"    <attributes class="edge">"#)?;
    writeln!(out, r#"      <attribute id="sign" title="sign" type="string"/>"#)?;
    for (k, channel) in graph.channels().iter().enumerate() {
        writeln!(out, r#"      <attribute id="c{k}" title="{}" type="double"/>"#, escape(channel))?;
    }
    writeln!(out, "    </attributes>")?;
    if drawing.is_some() {
        out.write_all(NODE_ATTRIBUTES.as_bytes())?;
    }
    writeln!(out, "    <nodes>")?;
    for (g, name) in graph.genes().names().iter().enumerate() {
        let name = escape(name);
        match drawing {
            Some(drawing) => drawn_node(out, &name, &drawing.genes[g])?,
            None => writeln!(out, r#"      <node id="{name}" label="{name}"/>"#)?,
        }
    }
    writeln!(out, "    </nodes>\n    <edges>")?;
    for (k, edge) in graph.edges().iter().enumerate() {
        let (source, target) = super::ends(graph, edge);
        let (source, target) = (escape(source), escape(target));
        write!(
            out,
            r#"      <edge id="{k}" source="{source}" target="{target}" weight="{}"><attvalues>"#,
            edge.weight
        )?;
        write!(out, r#"<attvalue for="sign" value="{}"/>"#, edge.sign.symbol())?;
        for (channel, score) in &edge.evidence {
            write!(out, r#"<attvalue for="c{}" value="{score}"/>"#, channel.0)?;
        }
        write!(out, "</attvalues>")?;
        if drawing.is_some() {
            let [r, g, b] = color(edge.sign);
            write!(out, r#"<viz:color r="{r}" g="{g}" b="{b}"/>"#)?;
        }
        writeln!(out, "</edge>")?;
    }
    out.write_all(b"    </edges>\n  </graph>\n</gexf>\n")
}

/// A gene with its attributes and how it is drawn; Gephi's vertical axis points up.
fn drawn_node(out: &mut dyn Write, name: &str, mark: &GeneMark) -> std::io::Result<()> {
    write!(out, r#"      <node id="{name}" label="{name}"><attvalues>"#)?;
    if let Some(delta) = mark.delta {
        write!(out, r#"<attvalue for="delta" value="{delta}"/>"#)?;
    }
    for (attribute, value) in [("degree", mark.degree), ("hop", mark.hop), ("module", mark.module)] {
        write!(out, r#"<attvalue for="{attribute}" value="{value}"/>"#)?;
    }
    write!(out, r#"<attvalue for="perturbed" value="{}"/></attvalues>"#, mark.perturbed)?;
    let ([r, g, b], x, y, size) = (mark.fill, mark.x, -mark.y, mark.diameter);
    write!(out, r#"<viz:color r="{r}" g="{g}" b="{b}"/><viz:position x="{x:.2}" y="{y:.2}" z="0"/>"#)?;
    writeln!(out, r#"<viz:size value="{size:.2}"/></node>"#)
}
