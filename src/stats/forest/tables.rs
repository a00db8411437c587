//! A forest as tables of numbers, as files store it.

use ndarray::{Array2, ArrayView2};

use super::Forest;
use super::tree::{Node, Tree};

/// Marks a leaf where an inner node has its feature.
const LEAF: f32 = -1.0;
/// Whole numbers up to here are exact in single precision.
const LARGEST: f32 = 16_777_216.0;

/// All trees, end to end. Whole numbers are stored as `f32`, exact below 2^24.
#[derive(Debug, Clone, PartialEq)]
pub struct ForestTables {
    /// Numbers of nodes and members per tree, n_trees x 2.
    pub trees: Array2<f32>,
    /// Feature (-1 for a leaf), threshold, and two positions within the tree, n_nodes x 4: the children of an inner node,
    /// or the first member of a leaf and the one behind its last.
    pub nodes: Array2<f32>,
    /// Training row and weight, n_members x 2.
    pub members: Array2<f32>,
    /// Training targets, n_rows x n_targets.
    pub targets: Array2<f32>,
}

impl Forest {
    /// The forest as tables; [`Forest::from_tables`] gives back the same bits.
    pub fn tables(&self) -> ForestTables {
        let sizes = self.trees.iter().flat_map(|t| [t.nodes.len() as f32, t.members.len() as f32]);
        let nodes = self.trees.iter().flat_map(|t| &t.nodes).flat_map(|node| match *node {
            Node::Inner { feature, threshold, left, right } => [feature as f32, threshold, left as f32, right as f32],
            Node::Leaf { from, to } => [LEAF, 0.0, from as f32, to as f32],
        });
        let members = self.trees.iter().flat_map(|t| &t.members).flat_map(|&(row, weight)| [row as f32, weight]);
        ForestTables {
            trees: table(sizes.collect(), 2),
            nodes: table(nodes.collect(), 4),
            members: table(members.collect(), 2),
            targets: self.targets.clone(),
        }
    }

    /// The forest of tables; `None` where they do not fit together (`n_features` numbers describe a query).
    pub fn from_tables(tables: &ForestTables, n_features: usize) -> Option<Self> {
        let n_rows = tables.targets.nrows();
        let (mut node, mut member, mut trees) = (0, 0, Vec::new());
        for size in tables.trees.outer_iter() {
            let (n_nodes, n_members) = (whole(*size.get(0)?)?, whole(*size.get(1)?)?);
            let nodes = slice(&tables.nodes, node, n_nodes)?;
            let members = slice(&tables.members, member, n_members)?;
            trees.push(read_tree(nodes, members, n_features, n_rows)?);
            (node, member) = (node + n_nodes, member + n_members);
        }
        Some(Self { trees, targets: tables.targets.clone() })
    }
}

fn table(values: Vec<f32>, width: usize) -> Array2<f32> {
    Array2::from_shape_vec((values.len() / width, width), values).unwrap_or_default()
}

fn slice(of: &Array2<f32>, from: usize, n: usize) -> Option<ArrayView2<'_, f32>> {
    (from + n <= of.nrows()).then(|| of.slice(ndarray::s![from..from + n, ..]))
}

fn whole(value: f32) -> Option<usize> {
    ((0.0..=LARGEST).contains(&value) && value.fract() == 0.0).then_some(value as usize)
}

/// A tree whose children lie behind their parent and whose members exist, so that every walk ends.
fn read_tree(
    nodes: ArrayView2<'_, f32>,
    members: ArrayView2<'_, f32>,
    n_features: usize,
    n_rows: usize,
) -> Option<Tree> {
    let (n_nodes, n_members) = (nodes.nrows(), members.nrows());
    let node = |(at, row): (usize, ndarray::ArrayView1<'_, f32>)| {
        let (&feature, &threshold) = (row.get(0)?, row.get(1)?);
        let (a, b) = (whole(*row.get(2)?)?, whole(*row.get(3)?)?);
        if feature == LEAF {
            return (a <= b && b <= n_members).then_some(Node::Leaf { from: a as u32, to: b as u32 });
        }
        let feature = whole(feature).filter(|f| *f < n_features)?;
        let inside = |child: usize| child > at && child < n_nodes;
        (inside(a) && inside(b)).then_some(Node::Inner {
            feature: feature as u32,
            threshold,
            left: a as u32,
            right: b as u32,
        })
    };
    let member = |row: ndarray::ArrayView1<'_, f32>| {
        let at = whole(*row.get(0)?).filter(|r| *r < n_rows)?;
        Some((at as u32, *row.get(1)?))
    };
    let nodes = nodes.outer_iter().enumerate().map(node).collect::<Option<Vec<_>>>()?;
    let members = members.outer_iter().map(member).collect::<Option<Vec<_>>>()?;
    (!nodes.is_empty()).then_some(Tree { nodes, members })
}
