//! The network around one gene.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use super::ReportError;
use super::ego::Ego;
use super::layout::{Layout, MOST_LAYERED, Placement, Wiring};
use super::route::{LineStyle, Tip};
use super::{text, theme};
use crate::data::{Delta, GeneId};
use crate::graph::{Edge, GeneGraph, Sign};
use crate::stats::{WeightedGraph, leiden};

/// Name of the evidence channel that a graph built with expression data has.
const COEXPRESSION: &str = "coexpression";
/// Edges shown per gene shown, besides those along which genes were reached.
const EDGES_PER_GENE: usize = 3;
/// Sweeps over the modules.
const MODULE_SWEEPS: usize = 4;

/// A gene of the figure.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeView {
    /// Its name.
    pub name: String,
    /// Predicted change of expression, log1p scale; `None` where nothing is predicted.
    pub delta: Option<f32>,
    /// Number of genes it is connected with in the whole graph.
    pub degree: usize,
    /// Whether it is the gene that was perturbed.
    pub perturbed: bool,
    /// Edges between it and the centre.
    pub hop: usize,
    /// The gene of the previous ring it was reached from.
    pub parent: Option<usize>,
    /// Community among the genes shown (Leiden, modularity of the weights), numbered from 0.
    pub module: usize,
}

/// An edge of the figure.
#[derive(Debug, Clone, PartialEq)]
pub struct EdgeView {
    /// Position of the regulator in [`NetworkFigure::nodes`].
    pub source: usize,
    /// Position of the target.
    pub target: usize,
    /// Confidence, 0..=1.
    pub weight: f32,
    /// Activation, repression or unknown.
    pub sign: Sign,
    /// Whether it is known which of the two acts on the other.
    pub directed: bool,
    /// No co-expression supports it, although the graph has co-expression.
    pub prior_only: bool,
    /// Whether the opposite edge is drawn too.
    pub both_ways: bool,
}

impl EdgeView {
    /// What its tip shows.
    pub(super) fn tip(&self) -> Tip {
        Tip::of(self.sign, self.directed)
    }
}

/// The network around a gene: arrows activate, tees repress, plain lines have no sign; width = weight,
/// dash = prior only, fill = predicted change, area = degree, ring = perturbed, tint = module.
#[derive(Debug, Clone)]
pub struct NetworkFigure {
    /// The genes, the centre first.
    pub nodes: Vec<NodeView>,
    /// The edges, strongest first.
    pub edges: Vec<EdgeView>,
    /// The title.
    pub title: String,
    /// Where the figure comes from (run, model, prior).
    pub caption: String,
    /// What is shown of how much.
    pub extent: String,
    /// Whether the graph tells edges with co-expression from others.
    pub has_coexpression: bool,
    /// The genes and edges shown, with all their evidence.
    pub(super) shown: GeneGraph,
    pub(super) layout: Layout,
    pub(super) hulls: bool,
    seed: u64,
    /// Where its genes lie, once that was asked for.
    placed: OnceLock<Placement>,
}

impl NetworkFigure {
    /// The neighbourhood of `center`: at most `max_genes` genes within `hops`, and their strongest edges.
    ///
    /// Genes are chosen by edge weight along the way from the centre, times the size of the predicted change where
    /// `delta` is given; then the centre is taken to be the perturbed gene (see [`Self::perturbed`]).
    ///
    /// # Errors
    /// [`ReportError::Graph`] for a gene that is not in the graph; [`ReportError::Empty`] for a gene without edges.
    ///
    /// # Complexity
    /// O(E) for the graph's edges, O(shown edges * shown genes) for the drawing.
    pub fn around(
        graph: &GeneGraph,
        center: &str,
        hops: usize,
        max_genes: usize,
        delta: Option<&Delta>,
    ) -> Result<Self, ReportError> {
        let id = graph.expect(center)?;
        let name = graph.genes().name(id).to_owned();
        let change = |gene: &str| delta.and_then(|d| d.genes.resolve(gene).map(|g| d.mean[g.index()]));
        let importance = |g| delta.map_or(1.0, |_| change(graph.genes().name(g)).map_or(0.0, f32::abs));
        let ego = Ego::choose(graph, id, hops, max_genes, importance);
        if ego.n_reached < 2 {
            let got = format!("a gene without edges, `{name}`");
            return Err(ReportError::Empty { figure: "network", expected: "a gene with edges".into(), got });
        }
        let (edges, n_edges) = ego.edges(graph, EDGES_PER_GENE * ego.members.len());
        let edge_views = edge_views(graph, &ego, &edges);
        let module = modules(ego.members.len(), &edge_views);
        let nodes = ego.members.iter().zip(module).enumerate().map(|(k, (m, module))| NodeView {
            name: graph.genes().name(m.gene).to_owned(),
            delta: change(graph.genes().name(m.gene)),
            degree: degree(graph, m.gene),
            perturbed: k == 0 && delta.is_some(),
            hop: m.hop,
            parent: m.parent,
            module,
        });
        let chosen = if delta.is_some() { "predicted change times edge weight" } else { "edge weight" };
        let extent = format!(
            "{} of {} genes within {hops} {} of {name}, chosen by {chosen}; {} of {n_edges} edges among them, the strongest.",
            ego.members.len(),
            ego.n_reached,
            if hops == 1 { "hop" } else { "hops" },
            edges.len(),
        );
        let title = if delta.is_some() { "Predicted response around" } else { "Network around" };
        Ok(Self {
            nodes: nodes.collect(),
            edges: edge_views,
            title: format!("{title} {name}"),
            caption: String::new(),
            extent,
            has_coexpression: graph.channel(COEXPRESSION).is_some(),
            shown: shown(graph, &ego, &edges),
            layout: Layout::default(),
            hulls: false,
            seed: 0,
            placed: OnceLock::new(),
        })
    }

    /// Says where the figure comes from.
    #[must_use]
    pub fn caption(self, caption: impl Into<String>) -> Self {
        Self { caption: caption.into(), ..self }
    }

    /// Marks these genes, and no others, as perturbed.
    #[must_use]
    pub fn perturbed<S: AsRef<str>>(mut self, genes: &[S]) -> Self {
        for node in &mut self.nodes {
            node.perturbed = genes.iter().any(|g| g.as_ref() == node.name);
        }
        // A ring takes room.
        self.placed = OnceLock::new();
        self
    }

    /// Laid out in this way; `seed` chooses among the layouts that start at random. Modules are tinted in the
    /// force-directed layout, where they lie together.
    ///
    /// # Errors
    /// [`ReportError::TooMany`] for more genes than the layered layout can show ([`MOST_LAYERED`]).
    pub fn layout(self, layout: Layout, seed: u64) -> Result<Self, ReportError> {
        if layout == Layout::Layered && self.nodes.len() > MOST_LAYERED {
            return Err(ReportError::TooMany { what: "genes", most: MOST_LAYERED, got: self.nodes.len() });
        }
        Ok(Self { layout, seed, hulls: layout == Layout::Force, placed: OnceLock::new(), ..self })
    }

    /// With or without the tinted outlines of modules.
    #[must_use]
    pub fn hulls(self, hulls: bool) -> Self {
        Self { hulls, ..self }
    }

    /// The largest change on the colour scale: that of the genes that were not perturbed themselves.
    pub(super) fn limit(&self) -> f32 {
        let changes = self.nodes.iter().filter(|n| !n.perturbed).filter_map(|n| n.delta);
        nice_limit(changes.fold(0.0, |m, d| m.max(d.abs())))
    }

    /// Whether a change lies beyond the colour scale.
    pub(super) fn saturates(&self) -> bool {
        let limit = self.limit();
        self.nodes.iter().any(|n| n.delta.is_some_and(|d| d.abs() > limit))
    }

    /// Radius of a node of this degree: the area is in proportion, down to the smallest disc that shows a colour.
    pub(super) fn radius(&self, degree: usize) -> f32 {
        let largest = self.nodes.iter().map(|n| n.degree).max().unwrap_or(1).max(1);
        let full = if self.nodes.len() > 80 { 14.0 } else { 18.0 };
        (full * (degree as f32 / largest as f32).sqrt()).max(5.5)
    }

    /// How its edges look.
    pub(super) fn lines(&self) -> LineStyle {
        LineStyle::for_edges(self.edges.len())
    }

    /// Tips that occur.
    pub(super) fn has_tip(&self, tip: Tip) -> bool {
        self.edges.iter().any(|e| e.tip() == tip)
    }

    /// Where its genes lie, around no place in particular.
    pub(super) fn place(&self) -> &Placement {
        self.placed.get_or_init(|| {
            let parent: Vec<Option<usize>> = self.nodes.iter().map(|n| n.parent).collect();
            let hop: Vec<usize> = self.nodes.iter().map(|n| n.hop).collect();
            let room: Vec<(f32, f32)> = self.nodes.iter().map(|n| self.room(n)).collect();
            let edges: Vec<(usize, usize, f32)> = self.edges.iter().map(|e| (e.source, e.target, e.weight)).collect();
            self.layout.place(&Wiring { parent: &parent, hop: &hop, room: &room, edges: &edges }, self.seed)
        })
    }

    /// Half of the width and height that a gene takes with its label below or above it.
    fn room(&self, node: &NodeView) -> (f32, f32) {
        let radius = self.radius(node.degree) + ring_width(node);
        let label = text::width(&node.name, theme::LABEL, node.perturbed).min(MOST_LABEL);
        (radius.max(label / 2.0) + 3.0, radius + theme::LABEL * 0.6 + 3.0)
    }

    /// Modules with at least this many genes, each as positions in [`Self::nodes`].
    pub(super) fn modules_of(&self, at_least: usize) -> Vec<Vec<usize>> {
        let n = self.nodes.iter().map(|n| n.module + 1).max().unwrap_or(0);
        let mut modules = vec![Vec::new(); n];
        self.nodes.iter().enumerate().for_each(|(k, node)| modules[node.module].push(k));
        modules.retain(|m| m.len() >= at_least);
        modules
    }
}

/// Labels are cut at this width, px.
pub(super) const MOST_LABEL: f32 = 120.0;
/// Room that the ring of a perturbed gene takes around its disc, px.
pub(super) const RING: f32 = 5.0;

pub(super) fn ring_width(node: &NodeView) -> f32 {
    if node.perturbed { RING } else { 0.0 }
}

/// Number of different genes connected with this one.
fn degree(graph: &GeneGraph, gene: GeneId) -> usize {
    let only_in = graph.in_edges(gene).filter(|e| graph.edge(gene, e.source).is_none()).count();
    graph.out_edges(gene).len() + only_in
}

fn edge_views(graph: &GeneGraph, ego: &Ego, edges: &[&Edge]) -> Vec<EdgeView> {
    let positions: HashMap<GeneId, usize> = ego.members.iter().enumerate().map(|(k, m)| (m.gene, k)).collect();
    let position = |gene: GeneId| positions.get(&gene).copied().unwrap_or(0);
    let coexpression = graph.channel(COEXPRESSION);
    let view = |e: &&Edge| {
        let reverse = graph.edge(e.target, e.source);
        EdgeView {
            source: position(e.source),
            target: position(e.target),
            weight: e.weight,
            sign: e.sign,
            directed: e.sign != Sign::Unknown || reverse.is_none(),
            prior_only: coexpression.is_some_and(|c| e.evidence.iter().all(|(channel, _)| *channel != c)),
            both_ways: e.sign.value() != 0.0 && reverse.is_some_and(|r| r.sign.value() != 0.0),
        }
    };
    edges.iter().map(view).collect()
}

/// Communities among the genes shown; both ways between two genes count together.
fn modules(n_genes: usize, edges: &[EdgeView]) -> Vec<usize> {
    let mut weights = BTreeMap::new();
    for edge in edges.iter().filter(|e| e.source != e.target && e.weight > 0.0) {
        let pair = (edge.source.min(edge.target), edge.source.max(edge.target));
        *weights.entry(pair).or_insert(0.0) += f64::from(edge.weight);
    }
    let graph = WeightedGraph::new(n_genes, weights.into_iter().map(|((a, b), w)| (a, b, w)));
    leiden(&graph, 1.0, MODULE_SWEEPS, 0)
}

/// The part of the graph that is drawn.
fn shown(graph: &GeneGraph, ego: &Ego, edges: &[&Edge]) -> GeneGraph {
    let genes: Vec<GeneId> = ego.members.iter().map(|m| m.gene).collect();
    let kept: HashSet<(GeneId, GeneId)> = edges.iter().map(|e| (e.source, e.target)).collect();
    let among = graph.induced(&genes);
    let name = |g: GeneId| graph.genes().resolve(among.genes().name(g)).unwrap_or(g);
    let edges = among.edges().iter().filter(|e| kept.contains(&(name(e.source), name(e.target)))).cloned().collect();
    GeneGraph::new(Arc::clone(among.genes()), among.channels().to_vec(), edges)
}

/// The next of 1, 2, 3, 5 times a power of ten.
fn nice_limit(value: f32) -> f32 {
    if value <= 0.0 || !value.is_finite() {
        return 0.0;
    }
    let power = 10f32.powf(value.log10().floor());
    let step = [1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0, 10.0].into_iter().find(|s| s * power >= value * 0.999);
    step.unwrap_or(10.0) * power
}

/// The network around a gene as SVG: [`NetworkFigure::around`], drawn.
///
/// # Errors
/// As [`NetworkFigure::around`] and [`super::Scene::to_svg`].
pub fn network_svg(
    graph: &GeneGraph,
    center: &str,
    hops: usize,
    max_genes: usize,
    delta: Option<&Delta>,
    caption: &str,
) -> Result<String, ReportError> {
    NetworkFigure::around(graph, center, hops, max_genes, delta)?.caption(caption).scene().to_svg()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::GeneIndex;
    use crate::graph::GraphBuilder;
    use crate::stats::Rng;

    /// A made graph: a tree of hubs with targets, then edges between any two genes, with signs and co-expression, by the
    /// counter-based generator.
    pub(in crate::report) fn graph(seed: u64, n_genes: usize, n_edges: usize) -> GeneGraph {
        let mut builder = GraphBuilder::new();
        let (prior, coexpression) = (builder.channel("collectri"), builder.channel(COEXPRESSION));
        let mut rng = Rng::keyed(seed, "figure", n_genes as u64, n_edges as u64);
        let names: Vec<String> =
            (0..n_genes).map(|k| format!("{}{k}", ["GENE", "A", "MT-ND", "LINC00"][rng.below(4)])).collect();
        for k in 1..n_genes {
            let from = &names[k / 6];
            builder.add(from, &names[k], 0.3 + 0.7 * rng.uniform() as f32, Sign::Activation, &[(prior, 1.0)]);
        }
        while builder.n_edges() < n_edges {
            let (a, b) = (rng.below(n_genes), rng.below(n_genes));
            let sign = Sign::of(rng.below(3) as f32 - 1.0);
            let channel = if rng.below(2) == 0 { prior } else { coexpression };
            builder.add(&names[a], &names[b], rng.uniform() as f32, sign, &[(channel, 0.5)]);
        }
        builder.build()
    }

    pub(in crate::report) fn delta(graph: &GeneGraph) -> Delta {
        let mut rng = Rng::keyed(7, "change", 0, 0);
        let names: Vec<Arc<str>> = graph.genes().names().iter().skip(3).cloned().collect();
        let mean = names.iter().map(|_| rng.normal() as f32 * 0.3).collect();
        Delta::new(Arc::new(GeneIndex::new(names).unwrap()), mean, None).unwrap()
    }

    /// Draws the whole of a made graph and checks every pair of labels, and labels against genes.
    fn check_labels(seed: u64, n_genes: usize, n_edges: usize, layout: Layout) {
        let graph = graph(seed, n_genes, n_edges);
        let center = graph.genes().names()[0].to_string();
        let delta = delta(&graph);
        let figure = NetworkFigure::around(&graph, &center, 12, n_genes, Some(&delta)).unwrap();
        let figure = figure.layout(layout, seed).unwrap();
        assert_eq!(figure.nodes.len(), n_genes);
        let (_, placer) = figure.draw();
        let placed = placer.placed();
        assert_eq!(placed.len(), n_genes, "every gene has its label ({layout:?}, {seed})");
        for (k, a) in placed.iter().enumerate() {
            let clash = placed[..k].iter().find(|b| a.rect.overlaps(&b.rect));
            assert!(clash.is_none(), "{} and {clash:?} overlap ({layout:?}, {seed})", a.text);
            let covered = placer.discs().iter().find(|&&(p, r)| a.rect.meets_disc(p, r - 1.0));
            assert!(covered.is_none(), "{} covers a gene at {covered:?} ({layout:?}, {seed})", a.text);
        }
    }

    #[test]
    fn labels_of_twenty_networks_do_not_overlap() {
        for seed in 0..20 {
            let n_genes = 20 + 4 * seed as usize;
            for layout in [Layout::Radial, Layout::Layered, Layout::Force] {
                check_labels(seed, n_genes, n_genes * 5 / 2, layout);
            }
        }
    }

    #[test]
    fn labels_of_three_hundred_genes_do_not_overlap() {
        check_labels(7, 300, 1000, Layout::Radial);
        check_labels(7, 300, 1000, Layout::Force);
    }

    #[test]
    fn genes_keep_apart_in_every_layout() {
        let graph = graph(3, 80, 220);
        let center = graph.genes().names()[0].to_string();
        for layout in [Layout::Radial, Layout::Layered, Layout::Force] {
            let figure = NetworkFigure::around(&graph, &center, 12, 80, None).unwrap().layout(layout, 0).unwrap();
            let places = &figure.place().points;
            for a in 0..80 {
                for b in 0..a {
                    let room = figure.radius(figure.nodes[a].degree) + figure.radius(figure.nodes[b].degree);
                    assert!(places[a].distance(places[b]) > room, "{layout:?}: {a} and {b}");
                }
            }
        }
    }

    #[test]
    fn more_genes_than_layers_can_hold_are_refused() {
        let graph = graph(1, 130, 200);
        let center = graph.genes().names()[0].to_string();
        let figure = NetworkFigure::around(&graph, &center, 12, 130, None).unwrap();
        let error = figure.layout(Layout::Layered, 0).unwrap_err();
        assert!(error.to_string().contains("at most 100, got 130"), "{error}");
    }

    #[test]
    fn the_same_input_gives_the_same_bytes_and_every_legend() {
        let graph = graph(7, 60, 160);
        let (center, delta) = (graph.genes().names()[0].to_string(), delta(&graph));
        let draw = || network_svg(&graph, &center, 6, 40, Some(&delta), "run demo, model grn").unwrap();
        let svg = draw();
        assert_eq!(svg, draw());
        for legend in [
            "Predicted change",
            "Connections",
            "Effect",
            "Edge weight",
            "Evidence",
            "activation",
            "repression",
            "perturbed",
            "prior only",
        ] {
            assert!(svg.contains(legend), "{legend} is missing");
        }
        assert!(svg.contains("40 of"), "the caption says how many genes are shown");
    }

    #[test]
    fn names_cannot_break_out_of_the_drawing() {
        let mut builder = GraphBuilder::new();
        builder.add("<script>alert(1)</script>", "B&\"C", 1.0, Sign::Activation, &[]);
        let svg = network_svg(&builder.build(), "B&\"C", 1, 10, None, "").unwrap();
        assert!(!svg.contains("<script>"));
    }

    #[test]
    fn the_scale_ignores_the_knocked_down_gene_itself() {
        let t = |value: f32| nice_limit(value);
        assert_eq!((t(0.0), t(0.13), t(1.0), t(4.2)), (0.0, 0.15, 1.0, 5.0));
    }
}
