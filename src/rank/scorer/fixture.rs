//! Small training sets for the tests of scorers.

use std::sync::{Arc, OnceLock};

use ndarray::{Array1, Array2};

use crate::data::{ControlProfile, GeneIndex, Perturbation, Quantity, Responses};
use crate::graph::{GeneGraph, GraphBuilder, Sign};
use crate::rank::scorer::{Asked, Known};
use crate::rank::{Atlas, Candidates, Frame, Queries, Response};

/// What a scorer is fitted on.
pub(super) struct Fixture {
    pub(super) responses: Responses,
    pub(super) graph: GeneGraph,
    frame: Frame,
    /// Of no candidate.
    atlas: Arc<Atlas>,
    response: OnceLock<Response>,
}

impl Fixture {
    /// Perturbations (`A` or `A+B`) and their changes over these genes, as an effect table; no graph.
    pub(super) fn new(genes: &[&str], perturbations: &[&str], delta: Array2<f32>) -> Self {
        let n_genes = genes.len();
        let responses = Responses {
            genes: Arc::new(GeneIndex::new(genes).unwrap()),
            perturbations: perturbations.iter().map(|p| Perturbation::of(p.split('+'))).collect(),
            delta,
            var: None,
            third: None,
            n_cells: vec![0; perturbations.len()],
            control: ControlProfile { mean: Array1::zeros(n_genes), var: None, third: None, n_cells: 0 },
            significant: None,
            halves: None,
            quantity: Quantity::Effect,
        };
        let frame = Frame::new(&responses);
        Self { frame, responses, graph: GraphBuilder::new().build(), atlas: Arc::default(), response: OnceLock::new() }
    }

    /// Adds directed edges.
    pub(super) fn with_edges(mut self, edges: &[(&str, &str, f32, Sign)]) -> Self {
        let mut builder = GraphBuilder::new();
        edges.iter().for_each(|(source, target, weight, sign)| builder.add(source, target, *weight, *sign, &[]));
        self.graph = builder.build();
        self
    }

    pub(super) fn known(&self) -> Known<'_> {
        Known {
            responses: &self.responses,
            graph: &self.graph,
            frame: &self.frame,
            atlas: &self.atlas,
            response: &self.response,
            covariance: None,
            seed: 7,
        }
    }

    pub(super) fn candidates(&self, names: &[&str]) -> Candidates {
        Candidates::of(names.iter().map(|n| Arc::from(*n)), &self.responses, &self.graph)
    }
}

/// Queries without standard errors that have all genes.
pub(super) fn asked(delta: Array2<f32>, fixture: &Fixture) -> Asked {
    let names = (0..delta.nrows()).map(|q| format!("q{q}")).collect();
    let known = vec![true; delta.ncols()];
    Asked::new(&Queries { names, delta, error: None, known }, &fixture.frame, 1.0)
}
