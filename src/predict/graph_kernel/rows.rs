//! Training perturbations as rows of the kernel regression.

use std::collections::HashMap;

use ndarray::{Array2, Axis};

use super::super::vocabulary::Vocabulary;
use crate::data::{GeneId, Perturbation, Responses};

/// Training perturbations whose targets are all in the graph.
pub(super) struct Rows {
    /// Positions in the responses.
    pub(super) at: Vec<usize>,
    /// The distinct targets in order of first appearance.
    pub(super) targets: Vec<GeneId>,
    /// Positions in `targets`, per row.
    of_row: Vec<Vec<usize>>,
}

impl Rows {
    pub(super) fn new(responses: &Responses, vocabulary: &Vocabulary) -> Self {
        let nodes = |p: &Perturbation| p.targets().iter().map(|t| vocabulary.node(t)).collect::<Option<Vec<_>>>();
        let mut rows = Self { at: Vec::new(), targets: Vec::new(), of_row: Vec::new() };
        let mut position: HashMap<GeneId, usize> = HashMap::new();
        for (at, perturbation) in responses.perturbations.iter().enumerate() {
            let Some(nodes) = nodes(perturbation) else { continue };
            let known = nodes.into_iter().map(|node| {
                *position.entry(node).or_insert_with(|| {
                    rows.targets.push(node);
                    rows.targets.len() - 1
                })
            });
            rows.of_row.push(known.collect());
            rows.at.push(at);
        }
        rows
    }

    /// Rows with one target, and that target: what the similarity is learned from.
    pub(super) fn singles(&self) -> (Vec<usize>, Vec<usize>) {
        let single = self.of_row.iter().enumerate().filter_map(|(row, of)| Some((row, *of.first()?, of.len())));
        single.filter(|(.., n)| *n == 1).map(|(row, target, _)| (row, target)).unzip()
    }

    /// The kernel among rows from that among targets: the sum over the targets of both rows.
    pub(super) fn kernel(&self, of_targets: &Array2<f64>) -> Array2<f64> {
        if self.of_row.iter().all(|of| of.len() == 1) {
            let order: Vec<usize> = self.of_row.iter().map(|of| of[0]).collect();
            return of_targets.select(Axis(0), &order).select(Axis(1), &order);
        }
        let has = self.incidence();
        has.dot(of_targets).dot(&has.t())
    }

    /// Coefficients of the targets (n_targets x r) from those of the rows: a target gets those of all its rows.
    pub(super) fn per_target(&self, of_rows: &Array2<f64>) -> Array2<f64> {
        self.incidence().t().dot(of_rows)
    }

    /// 1 where a row has a target, n_rows x n_targets.
    fn incidence(&self) -> Array2<f64> {
        let mut has = Array2::zeros((self.at.len(), self.targets.len()));
        for (row, of) in self.of_row.iter().enumerate() {
            of.iter().for_each(|&t| has[[row, t]] = 1.0);
        }
        has
    }
}
