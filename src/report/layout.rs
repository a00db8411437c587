//! Where the genes of a network figure lie.

mod force;
mod layered;
mod quadtree;
mod radial;

use super::geometry::{Point, Rect};

/// Genes that the layered layout can show: beyond, layers are wider than any page.
pub const MOST_LAYERED: usize = 100;

/// How a network is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layout {
    /// The centre in the middle, one ring per hop.
    #[default]
    Radial,
    /// Regulators above their targets (Sugiyama, Tagawa and Toda 1981).
    Layered,
    /// Genes that are connected attract each other, all others repel (ForceAtlas2).
    Force,
}

/// What a layout must know of a network.
#[derive(Debug)]
pub(super) struct Wiring<'a> {
    /// The gene each gene was reached from; the centre, position 0, has none.
    pub(super) parent: &'a [Option<usize>],
    /// Edges between each gene and the centre.
    pub(super) hop: &'a [usize],
    /// Room that each gene takes: half its width and half its height, px.
    pub(super) room: &'a [(f32, f32)],
    /// Source, target and weight.
    pub(super) edges: &'a [(usize, usize, f32)],
}

/// Places of all genes and the rectangle they span.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Placement {
    pub(super) points: Vec<Point>,
    pub(super) bounds: Rect,
}

impl Layout {
    /// Places all genes. The same wiring and seed give the same places.
    ///
    /// # Complexity
    /// Radial: O(V (V + E)) for the ordering of siblings. Force: O(V log V + E) per step, 500 steps, then O(V^2) per
    /// step that moves discs apart. Layered: about O(E^2) with the vertices that stand for long edges.
    pub(super) fn place(self, wiring: &Wiring<'_>, seed: u64) -> Placement {
        match self {
            Self::Radial => radial::place(wiring),
            Self::Layered => Placement::around(layered::place(wiring)),
            Self::Force => Placement::around(force::place(wiring, seed)),
        }
    }
}

impl Placement {
    /// The smallest rectangle around these places.
    fn around(points: Vec<Point>) -> Self {
        let fold = |of: fn(&Point) -> f32| {
            points.iter().map(of).fold((f32::INFINITY, f32::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)))
        };
        let ((left, right), (top, bottom)) = (fold(|p| p.x), fold(|p| p.y));
        Self { points, bounds: Rect::new(left, top, right - left, bottom - top) }
    }
}
