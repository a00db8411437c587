//! What is said of a finished simulation.

use std::path::Path;

use serde_json::{Value, json};

use crate::error::{Notice, some_of};
use crate::graph::GraphSummary;
use crate::simulate::{Calibration, EngineKind, Response, Simulator, Truth, Wiring};

/// The parts of the summary.
pub(super) struct Summary<'a> {
    pub(super) output: &'a Path,
    pub(super) truth_folder: &'a Path,
    pub(super) cells: usize,
    pub(super) law: &'a str,
    pub(super) engine: EngineKind,
    pub(super) topology: &'a GraphSummary,
    pub(super) calibration: Option<&'a Calibration>,
    pub(super) truth: &'a Truth,
    pub(super) notices: &'a [Notice],
    pub(super) seconds: f64,
}

impl Summary<'_> {
    /// As one JSON object.
    pub(super) fn json(&self) -> Value {
        let known = self.truth;
        json!({
            "output": self.output, "truth": self.truth_folder, "cells": self.cells, "genes": known.genes.len(),
            "perturbations": labels(&known.responses).len(), "held_out": labels(&known.held_out),
            "cell_types": cell_types(known), "doses": doses(known), "edges": known.edges.len(),
            "law": self.law, "engine": self.engine, "topology": self.topology, "calibration": self.calibration,
            "leading_eigenvalue_per_hour": known.leading_eigenvalue, "median_responding_genes": known.median_responding(), "growth_rate": known.growth,
            "residual": known.residual, "notices": self.notices, "seconds": self.seconds,
        })
    }

    /// As text.
    pub(super) fn text(&self) -> String {
        let known = self.truth;
        let held_out = labels(&known.held_out);
        let held = if held_out.is_empty() { "none".to_owned() } else { some_of(&held_out, 5) };
        let types = match cell_types(known) {
            none if none.is_empty() => String::new(),
            types => format!(", cell types: {}", some_of(&types, 8)),
        };
        format!(
            "{}\n  {} cells x {} genes, {} perturbations, held out: {held}{types}\n  law {}: {} edges, {} genes in the largest \
             cycle, modularity {:.2}; a perturbation changes {} genes by more than 19 % (median)\n  steady states to a residual of {:.0e}; growth rate {:.2} (stable below 1)\n  \
             truth in {}; {:.1} s",
            self.output.display(),
            self.cells,
            known.genes.len(),
            labels(&known.responses).len(),
            self.law,
            known.edges.len(),
            self.topology.strongly_connected,
            self.topology.modularity,
            known.median_responding(),
            known.residual,
            known.growth,
            self.truth_folder.display(),
            self.seconds
        )
    }
}

/// Degrees, reciprocity, cycles and communities of the network that was simulated.
pub(super) fn topology(simulator: &Simulator) -> GraphSummary {
    GraphSummary::new(&Wiring::of_law(simulator.law()).to_graph("simulated"), 10)
}

/// Perturbations, each once, in their order.
fn labels(responses: &[Response]) -> Vec<String> {
    unique(responses.iter().map(|r| r.perturbation.to_string()))
}

fn cell_types(truth: &Truth) -> Vec<String> {
    unique(truth.responses.iter().filter_map(|r| r.cell_type.clone()))
}

fn doses(truth: &Truth) -> Vec<f64> {
    unique(truth.responses.iter().filter_map(|r| r.dose).map(|d| d.to_string()))
        .iter()
        .filter_map(|d| d.parse().ok())
        .collect()
}

fn unique(all: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    all.filter(|x| seen.insert(x.clone())).collect()
}
