//! The table that decoupler takes as a net: `source,target,weight` with a signed weight.

use std::io::Write;

use super::drawing::NetworkDrawing;
use super::{NetworkFormat, ends};
use crate::graph::{GeneGraph, Sign};

pub(super) const FORMAT: NetworkFormat = NetworkFormat {
    name: "decoupler",
    about: "source,target,weight, the weight negative for repression",
    write,
    tables: &[],
};

/// Edges of unknown sign keep a positive weight, as decoupler's own nets have it.
fn write(graph: &GeneGraph, _: Option<&NetworkDrawing>, out: &mut dyn Write) -> std::io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(["source", "target", "weight"])?;
    for edge in graph.edges() {
        let (source, target) = ends(graph, edge);
        let weight = if edge.sign == Sign::Repression { -edge.weight } else { edge.weight };
        csv.write_record([source, target, &weight.to_string()])?;
    }
    csv.flush()
}
