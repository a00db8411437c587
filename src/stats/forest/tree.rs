//! One tree.

use serde::{Deserialize, Serialize};

/// A node: an inner one asks a question, a leaf holds training rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) enum Node {
    /// Rows whose feature is at most the threshold go left.
    Inner { feature: u32, threshold: f32, left: u32, right: u32 },
    /// Members `from..to` of the tree.
    Leaf { from: u32, to: u32 },
}

/// Nodes, the root first, and the training rows of the leaves with weights that sum to 1 in each leaf.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
    pub(super) members: Vec<(u32, f32)>,
}

impl Tree {
    /// Training rows and weights of the leaf that a row of features falls into.
    pub(super) fn leaf(&self, row: &[f32]) -> &[(u32, f32)] {
        let mut at = 0;
        loop {
            match self.nodes[at] {
                Node::Leaf { from, to } => return &self.members[from as usize..to as usize],
                Node::Inner { feature, threshold, left, right } => {
                    at = if row[feature as usize] <= threshold { left } else { right } as usize;
                }
            }
        }
    }

    /// Whether each of `n` training rows was grown on.
    pub(super) fn seen(&self, n: usize) -> Vec<bool> {
        let mut seen = vec![false; n];
        self.members.iter().for_each(|(row, _)| seen[*row as usize] = true);
        seen
    }
}
