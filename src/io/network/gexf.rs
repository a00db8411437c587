//! GEXF 1.3, Gephi's own format.

use std::io::Write;

use super::NetworkFormat;
use super::xml::escape;
use crate::graph::GeneGraph;

pub(super) const FORMAT: NetworkFormat =
    NetworkFormat { name: "gexf", about: "Gephi: labels, weights, signs and evidence", write };

const HEADER: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<gexf xmlns="http://gexf.net/1.3" version="1.3">
  <graph defaultedgetype="directed" mode="static">
"#;

fn write(graph: &GeneGraph, out: &mut dyn Write) -> std::io::Result<()> {
    out.write_all(HEADER.as_bytes())?;
    writeln!(out, r#"    <attributes class="edge">"#)?;
    writeln!(out, r#"      <attribute id="sign" title="sign" type="string"/>"#)?;
    for (k, channel) in graph.channels().iter().enumerate() {
        writeln!(out, r#"      <attribute id="c{k}" title="{}" type="double"/>"#, escape(channel))?;
    }
    writeln!(out, "    </attributes>\n    <nodes>")?;
    for name in graph.genes().names() {
        let name = escape(name);
        writeln!(out, r#"      <node id="{name}" label="{name}"/>"#)?;
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
        writeln!(out, "</attvalues></edge>")?;
    }
    out.write_all(b"    </edges>\n  </graph>\n</gexf>\n")
}
