//! Screens made by hand for the tests of models.

use std::sync::Arc;

use candle_core::Device;
use ndarray::{Array1, Array2};

use super::Task;
use crate::data::{ControlProfile, Features, GeneIndex, Perturbation, Quantity, Responses};
use crate::graph::{GeneGraph, GraphBuilder};

/// Responses and a graph.
pub(super) struct TestScreen {
    pub(super) responses: Responses,
    pub(super) graph: GeneGraph,
}

impl TestScreen {
    pub(super) fn task<'a>(&'a self, features: &'a [Features], device: &'a Device) -> Task<'a> {
        let (responses, graph) = (&self.responses, &self.graph);
        Task { responses, graph, features, seed: 1, device, checkpoint: None, resume: false }
    }
}

/// Effects on the genes X and Y of these perturbations.
pub(super) fn effects(of: &[(&str, [f32; 2])]) -> Responses {
    let perturbations: Vec<Perturbation> = of.iter().map(|(label, _)| Perturbation::of(label.split('+'))).collect();
    Responses {
        genes: Arc::new(GeneIndex::new(["X", "Y"]).unwrap_or_else(|e| panic!("{e}"))),
        delta: Array2::from_shape_fn((of.len(), 2), |(i, j)| of[i].1[j]),
        var: None,
        third: None,
        n_cells: vec![0; of.len()],
        control: ControlProfile { mean: Array1::zeros(2), var: None, third: None, n_cells: 0 },
        significant: None,
        halves: None,
        quantity: Quantity::Effect,
        perturbations,
    }
}

/// The genes `A0`..`A5` know each other, and so do `B0`..`B5`. Knocking down `A0`..`A4` raises X by about 1, `B0`..`B4`
/// raises Y by about 1; `LOST` is perturbed, raises both and is not in the graph.
pub(super) fn two_cliques() -> TestScreen {
    let mut builder = GraphBuilder::new();
    for clique in ["A", "B"] {
        for a in 0..6 {
            (0..a).for_each(|b| builder.add_undirected(&format!("{clique}{a}"), &format!("{clique}{b}"), 0.9, &[]));
        }
    }
    let labels: Vec<String> = (0..5).flat_map(|k| [format!("A{k}"), format!("B{k}")]).collect();
    let of = |(k, label): (usize, &String)| {
        let high = 1.0 + 0.01 * k as f32;
        (label.clone(), if label.starts_with('A') { [high, 0.0] } else { [0.0, high] })
    };
    let mut rows: Vec<(String, [f32; 2])> = labels.iter().enumerate().map(of).collect();
    rows.push(("LOST".into(), [1.0, 1.0]));
    let rows: Vec<(&str, [f32; 2])> = rows.iter().map(|(label, effect)| (label.as_str(), *effect)).collect();
    TestScreen { responses: effects(&rows), graph: builder.build() }
}
