//! A network figure as shapes on a page.

use plotters::style::{Color, RGBColor};

use super::geometry::{Point, Rect};
use super::labels::{LabelPlacer, LabelRequest};
use super::layout::{Layout, Placement};
use super::network_figure::{EdgeView, MOST_LABEL, NetworkFigure, NodeView, RING, ring_width};
use super::route::{self, Tip};
use super::scene::{Scene, Stroke, TextStyle, caption_height};
use super::{hull, legend, series, text, theme};

/// Room around the genes for labels, and for the title, px.
const MARGIN: f32 = 92.0;
const TITLE_ROOM: f32 = 40.0;
/// Genes that make a module worth an outline, and the room between them and it, px.
const MODULE: usize = 3;
const MODULE_MARGIN: f32 = 9.0;

impl NetworkFigure {
    /// Draws it.
    pub fn scene(&self) -> Scene {
        self.draw().0
    }

    pub(super) fn draw(&self) -> (Scene, LabelPlacer) {
        let Placement { points: places, bounds } = self.place();
        let side = bounds.width + 2.0 * MARGIN;
        let width = side + legend::WIDTH + 24.0;
        let lines = text::wrap(&format!("{} {}", self.extent, self.caption), theme::CAPTION, width - 48.0);
        let body = (bounds.height + 2.0 * MARGIN - 60.0).max(legend::height(self));
        let mut scene = Scene::new(width, TITLE_ROOM + body + caption_height(&lines), self.alt());
        scene.frame_texts(24.0, &self.title, &lines);
        let middle = Point::new(side / 2.0, TITLE_ROOM + body / 2.0);
        let (dx, dy) = (middle.x - bounds.center().x, middle.y - bounds.center().y);
        let discs: Vec<(Point, f32)> = places
            .iter()
            .zip(&self.nodes)
            .map(|(p, n)| (p.shift(dx, dy), self.radius(n.degree) + ring_width(n)))
            .collect();
        let room = Rect::new(6.0, TITLE_ROOM, side - 12.0, body);
        let mut placer = LabelPlacer::new(room, discs.iter().map(|&(p, r)| (p, r + 1.0)).collect());
        match self.layout {
            Layout::Radial => self.draw_rings(&mut scene, places, middle),
            Layout::Layered | Layout::Force => {}
        }
        if self.hulls {
            self.draw_modules(&mut scene, &discs);
        }
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

    /// A tint and an outline around the genes of each module. An outline that would hold half as many strangers as members
    /// says nothing and is left out.
    fn draw_modules(&self, scene: &mut Scene, discs: &[(Point, f32)]) {
        for (k, module) in self.modules_of(MODULE).iter().enumerate() {
            let members: Vec<(Point, f32)> = module.iter().map(|&n| discs[n]).collect();
            let mut outline = hull::outline(&members, MODULE_MARGIN);
            let inside = discs.iter().filter(|&&(p, _)| hull::holds(&outline, p)).count();
            if 2 * (inside - module.len()) >= module.len() {
                continue;
            }
            scene.polygon(outline.clone(), series::color(k).mix(0.07));
            outline.extend(outline.first().copied());
            scene.path(outline, Stroke::new(theme::lighter(series::color(k), 0.62), 1.0));
        }
    }

    /// Weak and unsigned edges first, so that signs stay visible.
    fn draw_edges(&self, scene: &mut Scene, discs: &[(Point, f32)], placer: &mut LabelPlacer) {
        let mut order: Vec<&EdgeView> = self.edges.iter().collect();
        order.sort_by(|a, b| {
            let signed = |e: &EdgeView| matches!(e.tip(), Tip::Arrow | Tip::Tee);
            signed(a).cmp(&signed(b)).then(a.weight.total_cmp(&b.weight))
        });
        for edge in order {
            let lean = if edge.both_ways { 0.08 } else { 0.0 };
            let curve = route::curve(discs, edge.source, edge.target, lean);
            let radii = (discs[edge.source].1, discs[edge.target].1);
            let width = self.lines().width(edge.weight);
            let line = route::draw_edge(scene, &curve, radii, edge.tip(), width, edge.prior_only);
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

    /// The colour of a gene.
    pub(super) fn fill(&self, node: &NodeView) -> RGBColor {
        node.delta.map_or(theme::UNKNOWN, |d| theme::diverging(d, self.limit()))
    }

    /// The centre and the best connected genes choose first.
    fn draw_labels(&self, scene: &mut Scene, discs: &[(Point, f32)], middle: Point, placer: &mut LabelPlacer) {
        let mut order: Vec<usize> = (0..self.nodes.len()).collect();
        order.sort_by_key(|&n| (n != 0, std::cmp::Reverse(self.nodes[n].degree), n));
        let away = self.label_directions(discs, middle);
        for n in order {
            let (anchor, radius) = discs[n];
            let bold = n == 0 || self.nodes[n].perturbed;
            let size = if bold { theme::LABEL + 1.5 } else { theme::LABEL - 0.5 };
            let name = text::shorten(&self.nodes[n].name, size, MOST_LABEL);
            if let Some(label) =
                placer.place(&LabelRequest { anchor, radius, text: &name, size, bold, toward: away[n] })
            {
                label.draw(scene, true);
            }
        }
    }

    /// Where labels would like to be: outside on rings, below in layers, away from the partners elsewhere.
    fn label_directions(&self, discs: &[(Point, f32)], middle: Point) -> Vec<f32> {
        let below = std::f32::consts::FRAC_PI_2;
        let mut pull = vec![Point::default(); discs.len()];
        for edge in &self.edges {
            let (a, b) = (discs[edge.source].0, discs[edge.target].0);
            let d = a.distance(b).max(1.0);
            let (dx, dy) = ((b.x - a.x) / d, (b.y - a.y) / d);
            pull[edge.source] = pull[edge.source].shift(dx, dy);
            pull[edge.target] = pull[edge.target].shift(-dx, -dy);
        }
        let toward = |n: usize| match self.layout {
            Layout::Radial if n == 0 => below,
            Layout::Radial => middle.angle_to(discs[n].0),
            Layout::Layered => below,
            Layout::Force => pull[n].angle_to(Point::default()),
        };
        (0..discs.len()).map(toward).collect()
    }

    /// What a reader who cannot see the figure is told.
    pub(super) fn alt(&self) -> String {
        let names: Vec<&str> = self.nodes.iter().take(6).map(|n| n.name.as_str()).collect();
        format!("{}: {} genes ({}, ...) and {} edges", self.title, self.nodes.len(), names.join(", "), self.edges.len())
    }
}
