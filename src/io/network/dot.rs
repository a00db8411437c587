//! DOT for Graphviz: arrows activate, tees repress, dots are unknown; line width grows with weight. A drawn network has
//! its positions pinned (`neato -n2` keeps them, `dot` makes its own).

use std::io::Write;

use super::drawing::{GeneMark, NetworkDrawing, hex};
use super::relation::color;
use super::{NetworkFormat, ends};
use crate::graph::{GeneGraph, Sign};

pub(super) const FORMAT: NetworkFormat =
    NetworkFormat { name: "dot", about: "Graphviz: arrow activates, tee represses, dot unknown", write, tables: &[] };

fn write(graph: &GeneGraph, drawing: Option<&NetworkDrawing>, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(out, "digraph genes {{")?;
    match drawing {
        Some(drawing) => writeln!(out, "  layout=neato;\n  label={};\n  {STYLE}", quoted(&drawing.title))?,
        None => writeln!(out, "  node [shape=ellipse];")?,
    }
    for (g, name) in graph.genes().names().iter().enumerate() {
        let style = drawing.map_or_else(String::new, |d| style(name, &d.genes[g]));
        writeln!(out, "  {}{style};", quoted(name))?;
    }
    for (k, edge) in graph.edges().iter().enumerate() {
        let mark = drawing.map(|d| d.edges[k]);
        let (source, target) = ends(graph, edge);
        let head = match edge.sign {
            Sign::Activation => "normal",
            Sign::Repression => "tee",
            Sign::Unknown if mark.is_some_and(|m| !m.directed) => "none",
            Sign::Unknown => "odot",
        };
        let (weight, width) = (edge.weight, mark.map_or(0.5 + 2.5 * edge.weight, |m| m.width * POINTS));
        let dash = if mark.is_some_and(|m| m.prior_only) { ", style=dashed" } else { "" };
        let drawn = if mark.is_some() {
            format!(", arrowsize=0.6, color=\"{}\"{dash}", hex(color(edge.sign)))
        } else {
            String::new()
        };
        let (source, target) = (quoted(source), quoted(target));
        writeln!(out, "  {source} -> {target} [weight={weight}, penwidth={width:.2}, arrowhead={head}{drawn}];")?;
    }
    writeln!(out, "}}")
}

/// Discs of the size drawn, their names below them.
const STYLE: &str = "node [shape=circle, fixedsize=true, style=filled, label=\"\", fontname=Helvetica, fontsize=8];";
/// Graphviz measures places in points of 1/72 inch, the page in 1/96.
const POINTS: f32 = 0.75;

fn style(name: &str, mark: &GeneMark) -> String {
    let (x, y, inches) = (mark.x * POINTS, -mark.y * POINTS, mark.diameter * POINTS / 72.0);
    let ring = if mark.perturbed { ", penwidth=3" } else { "" };
    let (name, fill) = (quoted(name), hex(mark.fill));
    format!(" [pos=\"{x:.2},{y:.2}!\", width={inches:.3}, fillcolor=\"{fill}\", xlabel={name}{ring}]")
}

/// Inside quotes only quotes and backslashes are special.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
}
