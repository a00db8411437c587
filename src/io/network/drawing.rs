//! How a network was drawn: what formats that hold positions and colours are told.

/// A colour: red, green, blue.
pub type Rgb = [u8; 3];

/// Edges that activate, in every figure and export.
pub const ACTIVATION: Rgb = [0, 128, 112];
/// Edges that repress.
pub const REPRESSION: Rgb = [170, 68, 140];
/// Edges without a known sign.
pub const UNSIGNED: Rgb = [150, 162, 174];

/// How a gene is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct GeneMark {
    /// Pixels from the left edge.
    pub x: f32,
    /// Pixels from the top edge.
    pub y: f32,
    /// Diameter of its disc, px.
    pub diameter: f32,
    /// Colour of its disc.
    pub fill: Rgb,
    /// Predicted change, log1p perturbed minus log1p control; `None` where nothing is predicted.
    pub delta: Option<f32>,
    /// Genes connected with it in the whole graph.
    pub degree: usize,
    /// Edges between it and the gene in the middle.
    pub hop: usize,
    /// Community among the genes drawn, from 1.
    pub module: usize,
    /// Whether it was perturbed.
    pub perturbed: bool,
}

/// How an edge is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EdgeMark {
    /// Whether it is known which gene acts on the other.
    pub directed: bool,
    /// Whether it is dashed: no co-expression supports it.
    pub prior_only: bool,
    /// Width, px.
    pub width: f32,
}

/// A drawn network: marks in the order of the graph's genes and edges.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkDrawing {
    /// Title of the figure.
    pub title: String,
    /// Where it comes from.
    pub description: String,
    /// Stops of the colour scale: change, and its colour; empty where nothing is predicted.
    pub scale: Vec<(f32, Rgb)>,
    /// Marks of the genes.
    pub genes: Vec<GeneMark>,
    /// Marks of the edges.
    pub edges: Vec<EdgeMark>,
}

/// `#rrggbb`.
pub(super) fn hex([r, g, b]: Rgb) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// Six digits: what a 32 bit number knows.
pub(super) fn short(value: f32) -> f64 {
    (f64::from(value) * 1e6).round() / 1e6
}
