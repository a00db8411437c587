//! A network figure for other programs: places, sizes and colours as they are drawn.

use std::collections::HashMap;

use plotters::style::RGBColor;

use super::layout::Placement;
use super::network_figure::{EdgeView, NetworkFigure, NodeView};
use super::theme;
use crate::data::GeneId;
use crate::graph::{Edge, GeneGraph};
use crate::io::{EdgeMark, GeneMark, NetworkDrawing, Rgb};

/// Colours on each side of zero.
const STOPS: i32 = 4;

impl NetworkFigure {
    /// The genes and edges that the figure shows, and how it draws them; marks are in the order of the graph.
    pub fn drawing(&self) -> (&GeneGraph, NetworkDrawing) {
        let Placement { points, bounds } = self.place();
        let mark = |k: usize, node: &NodeView| GeneMark {
            x: points[k].x - bounds.x,
            y: points[k].y - bounds.y,
            diameter: 2.0 * self.radius(node.degree),
            fill: rgb(self.fill(node)),
            delta: node.delta,
            degree: node.degree,
            hop: node.hop,
            module: node.module + 1,
            perturbed: node.perturbed,
        };
        let at: HashMap<&str, usize> = self.nodes.iter().enumerate().map(|(k, n)| (n.name.as_str(), k)).collect();
        let position = |gene: GeneId| at.get(self.shown.genes().name(gene)).copied();
        let genes = (0..self.shown.n_genes() as u32).filter_map(|g| position(GeneId(g)));
        let genes: Vec<GeneMark> = genes.map(|k| mark(k, &self.nodes[k])).collect();
        let views: HashMap<_, _> = self.edges.iter().map(|e| ((Some(e.source), Some(e.target)), e)).collect();
        let view = |e: &Edge| views.get(&(position(e.source), position(e.target))).copied();
        let edges = self.shown.edges().iter().map(|e| self.edge_mark(e, view(e))).collect();
        let description = format!("{} {}", self.extent, self.caption).trim().to_owned();
        (&self.shown, NetworkDrawing { title: self.title.clone(), description, scale: self.scale(), genes, edges })
    }

    fn edge_mark(&self, edge: &Edge, view: Option<&EdgeView>) -> EdgeMark {
        EdgeMark {
            directed: view.is_none_or(|e| e.directed),
            prior_only: view.is_some_and(|e| e.prior_only),
            width: self.lines().width(edge.weight),
        }
    }

    /// Stops of the colour scale; none where no change is predicted.
    fn scale(&self) -> Vec<(f32, Rgb)> {
        let limit = self.limit();
        if limit == 0.0 {
            return Vec::new();
        }
        let value = |k: i32| limit * k as f32 / STOPS as f32;
        (-STOPS..=STOPS).map(|k| (value(k), rgb(theme::diverging(value(k), limit)))).collect()
    }
}

fn rgb(color: RGBColor) -> Rgb {
    [color.0, color.1, color.2]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{GraphBuilder, Sign};
    use crate::io::{ACTIVATION, REPRESSION, UNSIGNED};

    #[test]
    fn marks_follow_the_order_of_the_graph() {
        let mut builder = GraphBuilder::new();
        builder.add("Z", "A", 0.9, Sign::Activation, &[]);
        builder.add("Z", "M", 0.5, Sign::Repression, &[]);
        builder.add_undirected("A", "M", 0.4, &[]);
        let figure = NetworkFigure::around(&builder.build(), "Z", 1, 10, None).unwrap();
        let (graph, drawing) = figure.drawing();
        assert_eq!((graph.n_genes(), graph.n_edges()), (3, 3));
        assert_eq!((drawing.genes.len(), drawing.edges.len()), (3, 3));
        let at = |name: &str| &drawing.genes[graph.genes().resolve(name).unwrap().index()];
        assert_eq!((at("Z").hop, at("A").hop, at("M").hop), (0, 1, 1));
        for (edge, mark) in graph.edges().iter().zip(&drawing.edges) {
            assert_eq!(mark.directed, edge.sign != Sign::Unknown);
        }
        assert!(drawing.scale.is_empty() && drawing.genes.iter().all(|g| g.delta.is_none()));
    }

    #[test]
    fn exports_have_the_colours_of_the_figures() {
        assert_eq!(
            [ACTIVATION, REPRESSION, UNSIGNED],
            [theme::ACTIVATION, theme::REPRESSION, theme::UNSIGNED].map(rgb)
        );
    }
}
