//! The network around one gene.

use plotters::style::RGBColor;

use super::ReportError;
use super::ego::Ego;
use super::geometry::{Point, Rect};
use super::labels::{LabelPlacer, LabelRequest};
use super::layout::Tree;
use super::legend;
use super::route::{self, LineStyle, Tip};
use super::scene::{Scene, Stroke, TextStyle, caption_height};
use super::{text, theme};
use crate::data::Delta;
use crate::graph::{Edge, GeneGraph};

/// Name of the evidence channel that a graph built with expression data has.
const COEXPRESSION: &str = "coexpression";
/// Edges shown per gene shown, besides those along which genes were reached.
const EDGES_PER_GENE: usize = 3;
/// Room around the rings for labels, and for the title, px.
const MARGIN: f32 = 92.0;
const TITLE_ROOM: f32 = 40.0;

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
    /// What the tip shows.
    tip: Tip,
    /// No co-expression supports it, although the graph has co-expression.
    pub prior_only: bool,
    /// Whether the opposite edge is drawn too.
    pub both_ways: bool,
}

/// The network around a gene: rings are hops, arrows activate, tees repress, plain lines have no sign; width = weight,
/// dash = prior only, fill = predicted change, area = degree, ring = perturbed.
#[derive(Debug, Clone, PartialEq)]
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
        let nodes = ego.members.iter().enumerate().map(|(k, m)| NodeView {
            name: graph.genes().name(m.gene).to_owned(),
            delta: change(graph.genes().name(m.gene)),
            degree: degree(graph, m.gene),
            perturbed: k == 0 && delta.is_some(),
            hop: m.hop,
            parent: m.parent,
        });
        let chosen = if delta.is_some() { "predicted change times edge weight" } else { "edge weight" };
        let extent = format!(
            "{} of {} genes within {hops} {} of {name}, chosen by {chosen}; {} of {n_edges} edges among them, the strongest.",
            ego.members.len(),
            ego.n_reached,
            if hops == 1 { "hop" } else { "hops" },
            edges.len(),
        );
        let has_coexpression = graph.channel(COEXPRESSION).is_some();
        Ok(Self {
            nodes: nodes.collect(),
            edges: edge_views(graph, &ego, &edges),
            title: if delta.is_some() {
                format!("Predicted response around {name}")
            } else {
                format!("Network around {name}")
            },
            caption: String::new(),
            extent,
            has_coexpression,
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
        self
    }

    /// Draws it.
    pub fn scene(&self) -> Scene {
        self.draw().0
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
        self.edges.iter().any(|e| e.tip == tip)
    }

    fn draw(&self) -> (Scene, LabelPlacer) {
        let (places, outer) = self.layout();
        let side = 2.0 * (outer + MARGIN);
        let width = side + legend::WIDTH + 24.0;
        let lines = text::wrap(&format!("{} {}", self.extent, self.caption), theme::CAPTION, width - 48.0);
        let body = (side - 60.0).max(legend::HEIGHT);
        let mut scene = Scene::new(width, TITLE_ROOM + body + caption_height(&lines), self.alt());
        scene.frame_texts(24.0, &self.title, &lines);
        let middle = Point::new(side / 2.0, TITLE_ROOM + body / 2.0);
        let discs: Vec<(Point, f32)> = places
            .iter()
            .zip(&self.nodes)
            .map(|(p, n)| (middle.shift(p.x, p.y), self.radius(n.degree) + ring_width(n)))
            .collect();
        let bounds = Rect::new(6.0, TITLE_ROOM, side - 12.0, body);
        let mut placer = LabelPlacer::new(bounds, discs.iter().map(|&(p, r)| (p, r + 1.0)).collect());
        self.draw_rings(&mut scene, &places, middle);
        self.draw_edges(&mut scene, &discs, &mut placer);
        self.nodes.iter().zip(&discs).for_each(|(n, &(p, _))| self.draw_node(&mut scene, n, p));
        self.draw_labels(&mut scene, &discs, middle, &mut placer);
        legend::draw(&mut scene, self, Point::new(side + 12.0, TITLE_ROOM + 16.0));
        let unnamed = self.nodes.len() - placer.placed().len();
        if unnamed > 0 {
            let text = format!("{unnamed} labels left out for lack of room");
            scene.text(Point::new(24.0, TITLE_ROOM + 4.0), text, TextStyle::new(theme::CAPTION).muted());
        }
        (scene, placer)
    }

    fn layout(&self) -> (Vec<Point>, f32) {
        let parent: Vec<Option<usize>> = self.nodes.iter().map(|n| n.parent).collect();
        let hop: Vec<usize> = self.nodes.iter().map(|n| n.hop).collect();
        let pairs: Vec<(usize, usize)> = self.edges.iter().map(|e| (e.source, e.target)).collect();
        Tree::new(&parent, &hop).place(&pairs)
    }

    /// A faint circle per hop.
    fn draw_rings(&self, scene: &mut Scene, places: &[Point], middle: Point) {
        let last = self.nodes.iter().map(|n| n.hop).max().unwrap_or(0);
        for hop in 1..=last {
            let ring = self.nodes.iter().zip(places).filter(|(n, _)| n.hop == hop);
            let radius = ring.map(|(_, p)| p.distance(Point::default())).fold(f32::INFINITY, f32::min);
            let circle = (0..=120).map(|k| middle.toward(k as f32 * std::f32::consts::TAU / 120.0, radius));
            scene.path(circle.collect(), Stroke::new(theme::GRID, 1.0));
        }
    }

    /// Weak and unsigned edges first, so that signs stay visible.
    fn draw_edges(&self, scene: &mut Scene, discs: &[(Point, f32)], placer: &mut LabelPlacer) {
        let mut order: Vec<&EdgeView> = self.edges.iter().collect();
        order.sort_by(|a, b| {
            let signed = |e: &EdgeView| matches!(e.tip, Tip::Arrow | Tip::Tee);
            signed(a).cmp(&signed(b)).then(a.weight.total_cmp(&b.weight))
        });
        for edge in order {
            let lean = if edge.both_ways { 0.08 } else { 0.0 };
            let curve = route::curve(discs, edge.source, edge.target, lean);
            let radii = (discs[edge.source].1, discs[edge.target].1);
            let line =
                route::draw_edge(scene, &curve, radii, edge.tip, self.lines().width(edge.weight), edge.prior_only);
            placer.avoid_line(&line);
        }
    }

    fn draw_node(&self, scene: &mut Scene, node: &NodeView, at: Point) {
        let radius = self.radius(node.degree);
        if node.perturbed {
            scene.disc(at, radius + RING, theme::INK);
            scene.disc(at, radius + RING - 2.2, theme::PAPER);
        }
        scene.disc(at, radius, if node.perturbed { theme::INK } else { theme::MUTED });
        scene.disc(at, radius - 1.1, self.fill(node));
    }

    fn fill(&self, node: &NodeView) -> RGBColor {
        node.delta.map_or(theme::UNKNOWN, |d| theme::diverging(d, self.limit()))
    }

    /// The centre and the best connected genes choose first.
    fn draw_labels(&self, scene: &mut Scene, discs: &[(Point, f32)], middle: Point, placer: &mut LabelPlacer) {
        let mut order: Vec<usize> = (0..self.nodes.len()).collect();
        order.sort_by_key(|&n| (n != 0, std::cmp::Reverse(self.nodes[n].degree), n));
        for n in order {
            let (anchor, radius) = discs[n];
            let bold = n == 0 || self.nodes[n].perturbed;
            let size = if bold { theme::LABEL + 1.5 } else { theme::LABEL - 0.5 };
            let toward = if n == 0 { std::f32::consts::FRAC_PI_2 } else { middle.angle_to(anchor) };
            let name = text::shorten(&self.nodes[n].name, size, 120.0);
            if let Some(label) = placer.place(&LabelRequest { anchor, radius, text: &name, size, bold, toward }) {
                label.draw(scene, true);
            }
        }
    }

    fn alt(&self) -> String {
        let names: Vec<&str> = self.nodes.iter().take(6).map(|n| n.name.as_str()).collect();
        format!("{}: {} genes ({}, ...) and {} edges", self.title, self.nodes.len(), names.join(", "), self.edges.len())
    }
}

/// Room that the ring of a perturbed gene takes around its disc, px.
const RING: f32 = 5.0;

fn ring_width(node: &NodeView) -> f32 {
    if node.perturbed { RING } else { 0.0 }
}

/// Number of different genes connected with this one.
fn degree(graph: &GeneGraph, gene: crate::data::GeneId) -> usize {
    let only_in = graph.in_edges(gene).filter(|e| graph.edge(gene, e.source).is_none()).count();
    graph.out_edges(gene).len() + only_in
}

fn edge_views(graph: &GeneGraph, ego: &Ego, edges: &[&Edge]) -> Vec<EdgeView> {
    let position = |gene| ego.members.iter().position(|m| m.gene == gene).unwrap_or(0);
    let coexpression = graph.channel(COEXPRESSION);
    let view = |e: &&Edge| {
        let reverse = graph.edge(e.target, e.source);
        EdgeView {
            source: position(e.source),
            target: position(e.target),
            weight: e.weight,
            tip: Tip::of(e.sign, reverse.is_none()),
            prior_only: coexpression.is_some_and(|c| e.evidence.iter().all(|(channel, _)| *channel != c)),
            both_ways: e.sign.value() != 0.0 && reverse.is_some_and(|r| r.sign.value() != 0.0),
        }
    };
    edges.iter().map(view).collect()
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
/// As [`NetworkFigure::around`] and [`Scene::to_svg`].
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
    use std::sync::Arc;

    use super::*;
    use crate::data::GeneIndex;
    use crate::graph::{GraphBuilder, Sign};
    use crate::stats::Rng;

    /// A made graph: a ring of hubs with targets, signs and co-expression by the counter-based generator.
    pub(in crate::report) fn graph(n_genes: usize, n_edges: usize) -> GeneGraph {
        let mut builder = GraphBuilder::new();
        let (prior, coexpression) = (builder.channel("collectri"), builder.channel(COEXPRESSION));
        let mut rng = Rng::keyed(7, "figure", n_genes as u64, n_edges as u64);
        let name = |k: usize| format!("GENE{k}");
        for k in 1..n_genes {
            builder.add(&name(k / 6), &name(k), 0.3 + 0.7 * rng.uniform() as f32, Sign::Activation, &[(prior, 1.0)]);
        }
        while builder.n_edges() < n_edges {
            let (a, b) = (rng.below(n_genes), rng.below(n_genes));
            let sign = Sign::of(rng.below(3) as f32 - 1.0);
            let channel = if rng.below(2) == 0 { prior } else { coexpression };
            builder.add(&name(a), &name(b), rng.uniform() as f32, sign, &[(channel, 0.5)]);
        }
        builder.build()
    }

    pub(in crate::report) fn delta(graph: &GeneGraph) -> Delta {
        let mut rng = Rng::keyed(7, "change", 0, 0);
        let names: Vec<Arc<str>> = graph.genes().names().iter().skip(3).cloned().collect();
        let mean = names.iter().map(|_| rng.normal() as f32 * 0.3).collect();
        Delta::new(Arc::new(GeneIndex::new(names).unwrap()), mean, None).unwrap()
    }

    fn check_labels(n_genes: usize, n_edges: usize) {
        let graph = graph(n_genes, n_edges);
        let delta = delta(&graph);
        let figure = NetworkFigure::around(&graph, "GENE0", 8, n_genes, Some(&delta)).unwrap();
        assert_eq!(figure.nodes.len(), n_genes);
        let (_, placer) = figure.draw();
        let placed = placer.placed();
        assert_eq!(placed.len(), n_genes, "every gene has its label");
        for (k, a) in placed.iter().enumerate() {
            let clash = placed[..k].iter().find(|b| a.rect.overlaps(&b.rect));
            assert!(clash.is_none(), "{} and {clash:?} overlap", a.text);
        }
    }

    #[test]
    fn labels_of_forty_genes_do_not_overlap() {
        check_labels(40, 110);
    }

    #[test]
    fn labels_of_three_hundred_genes_do_not_overlap() {
        check_labels(300, 1000);
    }

    #[test]
    fn the_same_input_gives_the_same_bytes_and_every_legend() {
        let graph = graph(60, 160);
        let delta = delta(&graph);
        let draw = || network_svg(&graph, "GENE0", 2, 40, Some(&delta), "run demo, model grn").unwrap();
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
