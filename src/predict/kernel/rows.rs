//! Training perturbations as rows of the kernel regression.

use std::collections::HashMap;
use std::sync::Arc;

use ndarray::{Array2, Axis};

use super::super::vocabulary::Vocabulary;
use crate::data::{GeneId, Responses};

/// The targets of the training perturbations.
pub(in crate::predict) struct Rows {
    /// The distinct targets in order of first appearance; `None` is one outside the graph.
    pub(in crate::predict) targets: Vec<Option<GeneId>>,
    /// Positions in `targets`, per row.
    of_row: Vec<Vec<usize>>,
}

impl Rows {
    pub(in crate::predict) fn new(responses: &Responses, vocabulary: &Vocabulary) -> Self {
        let (mut targets, mut position) = (Vec::new(), HashMap::new());
        let mut place = |target: &Arc<str>| {
            let node = vocabulary.node(target);
            // Two names of one node are one target.
            let name = node.map_or_else(|| Arc::clone(target), |n| Arc::from(vocabulary.graph().name(n)));
            *position.entry(name).or_insert_with(|| {
                targets.push(node);
                targets.len() - 1
            })
        };
        let of_row = responses.perturbations.iter().map(|p| p.targets().iter().map(&mut place).collect()).collect();
        Self { targets, of_row }
    }

    /// Positions in [`Rows::targets`] of the targets of a row.
    pub(in crate::predict) fn of(&self, row: usize) -> &[usize] {
        &self.of_row[row]
    }

    /// A matrix among rows gathered by target: the sum over all rows of both, n_targets x n_targets.
    pub(in crate::predict) fn between_targets(&self, of_rows: &Array2<f64>) -> Array2<f64> {
        let has = self.incidence();
        has.t().dot(of_rows).dot(&has)
    }

    /// Rows with one target, and that target: what the similarity is learned from.
    pub(in crate::predict) fn singles(&self) -> (Vec<usize>, Vec<usize>) {
        let single = self.of_row.iter().enumerate().filter_map(|(row, of)| Some((row, *of.first()?, of.len())));
        single.filter(|(.., n)| *n == 1).map(|(row, target, _)| (row, target)).unzip()
    }

    /// The kernel among rows from that among targets: the sum over the targets of both rows.
    pub(in crate::predict) fn kernel(&self, of_targets: &Array2<f64>) -> Array2<f64> {
        if self.of_row.iter().all(|of| of.len() == 1) {
            let order: Vec<usize> = self.of_row.iter().map(|of| of[0]).collect();
            return of_targets.select(Axis(0), &order).select(Axis(1), &order);
        }
        let has = self.incidence();
        has.dot(of_targets).dot(&has.t())
    }

    /// Coefficients of the targets (n_targets x r) from those of the rows: a target gets those of all its rows.
    pub(in crate::predict) fn per_target(&self, of_rows: &Array2<f64>) -> Array2<f64> {
        self.incidence().t().dot(of_rows)
    }

    /// 1 where a row has a target, n_rows x n_targets.
    fn incidence(&self) -> Array2<f64> {
        let mut has = Array2::zeros((self.of_row.len(), self.targets.len()));
        for (row, of) in self.of_row.iter().enumerate() {
            for &t in of {
                has[[row, t]] = 1.0;
            }
        }
        has
    }
}
