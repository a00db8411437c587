//! What holds for every metric of log1p expression.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::sync::Arc;

use grn::data::{CellTable, Condition, Csr, Expression, GeneIndex, Perturbation, Scale, Screen};
use grn::score::{Best, Comparison, DeOptions, LogCells, METRICS, Metric, Needs, Side, profile};
use grn::stats::Rng;
use proptest::prelude::*;

const GENES: usize = 24;
const LABELS: usize = 6;
const CELLS: usize = 8;

/// Cells as log1p values without zeros or ties, so that no order decides anything.
#[derive(Clone)]
struct Cells {
    genes: Vec<String>,
    /// Label (empty for the control) and values.
    rows: Vec<(String, Vec<f32>)>,
}

impl Cells {
    /// Six perturbations that shift four genes each by `effect`, eight cells each, and sixteen control cells.
    fn random(seed: u64, stream: &str, effect: f64) -> Self {
        let label = |cell: usize| (cell / CELLS).checked_sub(2).map(|l| format!("P{l}"));
        let value = |cell: usize, gene: usize| {
            let mut rng = Rng::keyed(seed, stream, cell as u64, gene as u64);
            let shifted = (cell / CELLS).checked_sub(2).is_some_and(|l| gene / 4 == l);
            let level = 2.0 + Rng::keyed(seed, "level", 0, gene as u64).uniform();
            (level + 0.3 * rng.normal() + if shifted { effect } else { 0.0 }).clamp(0.05, 14.0) as f32
        };
        let row = |cell: usize| (label(cell).unwrap_or_default(), (0..GENES).map(|g| value(cell, g)).collect());
        Self {
            genes: (0..GENES).map(|g| format!("G{g}")).collect(),
            rows: (0..CELLS * (LABELS + 2)).map(row).collect(),
        }
    }

    fn reordered(mut self, cells: &[usize], genes: &[usize]) -> Self {
        self.rows = cells.iter().map(|&i| self.rows[i].clone()).collect();
        for (_, values) in &mut self.rows {
            *values = genes.iter().map(|&g| values[g]).collect();
        }
        self.genes = genes.iter().map(|&g| self.genes[g].clone()).collect();
        self
    }

    fn renamed(mut self, names: &[usize]) -> Self {
        for (label, _) in self.rows.iter_mut().filter(|(label, _)| !label.is_empty()) {
            *label = format!("P{}", names[label[1..].parse::<usize>().unwrap()]);
        }
        self
    }

    fn log_cells(&self) -> LogCells {
        let mut x = Csr::empty(self.genes.len());
        self.rows.iter().for_each(|(_, values)| x.push_row((0..).zip(values.iter().copied())));
        let genes = Arc::new(GeneIndex::new(&self.genes).unwrap());
        let conditions = self.rows.iter().map(|(label, _)| Some(Condition::of(Perturbation::of([label.as_str()]))));
        let expression = Expression::new(genes, x, Scale::Log1p).unwrap();
        LogCells::new(&Screen::new(expression, CellTable::new(conditions)).unwrap()).unwrap()
    }
}

/// Values of every metric by perturbation.
fn values(real: &Cells, pred: &Cells) -> Vec<(&'static Metric, HashMap<String, Option<f64>>)> {
    let side = |cells: &Cells| Side::of_cells(&cells.log_cells(), &DeOptions::CELL_EVAL, Needs::Tests).unwrap();
    let c = Comparison::new(side(real), side(pred)).unwrap();
    let of = |metric: &'static Metric| (metric, c.labels.iter().cloned().zip((metric.evaluate)(&c).unwrap()).collect());
    // The metrics of 2026 take summed counts.
    let summed = profile("vcc2026").unwrap();
    let of_log1p = |m: &&Metric| !summed.metrics.contains(&m.name) && !m.name.starts_with("expr_");
    METRICS.iter().filter(of_log1p).map(of).collect()
}

fn order(seed: u64, stream: &str, n: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    Rng::named(seed, stream).shuffle(&mut order);
    order
}

/// Rounding: sums in another order, single-precision steps of cell-eval's definitions, and the square root of distances
/// that are zero.
fn same(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => (a.is_nan() && b.is_nan()) || (a - b).abs() <= 2e-5 * a.abs().max(1.0),
        (a, b) => a.is_none() && b.is_none(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_cells_and_genes_changes_nothing(seed in 0u64..1_000_000, effect in 0.2f64..1.5) {
        let (real, pred) = (Cells::random(seed, "real", 1.0), Cells::random(seed, "pred", effect));
        let n = real.rows.len();
        let genes = order(seed, "genes", GENES);
        let other = |cells: &Cells, name| cells.clone().reordered(&order(seed, name, n), &genes);
        let moved = values(&other(&real, "real cells"), &other(&pred, "pred cells"));
        for ((metric, before), (_, after)) in values(&real, &pred).into_iter().zip(moved) {
            for (label, &value) in &before {
                prop_assert!(same(value, after[label]), "{} {label}: {value:?} {:?}", metric.name, after[label]);
            }
        }
    }

    /// But for `clustering_agreement`, whose clusters depend on the order in which perturbations are visited.
    #[test]
    fn names_of_perturbations_change_nothing(seed in 0u64..1_000_000, effect in 0.2f64..1.5) {
        let (real, pred) = (Cells::random(seed, "real", 1.0), Cells::random(seed, "pred", effect));
        let names = order(seed, "names", LABELS);
        let moved = values(&real.clone().renamed(&names), &pred.clone().renamed(&names));
        for ((metric, before), (_, after)) in values(&real, &pred).into_iter().zip(moved) {
            for l in (0..LABELS).filter(|_| metric.name != "clustering_agreement") {
                let (old, new) = (before[&format!("P{l}")], after[&format!("P{}", names[l])]);
                prop_assert!(same(old, new), "{} P{l}: {old:?} {new:?}", metric.name);
            }
        }
    }

    #[test]
    fn values_stay_within_their_range(seed in 0u64..1_000_000, effect in -1.5f64..1.5) {
        let (real, pred) = (Cells::random(seed, "real", 1.0), Cells::random(seed, "pred", effect));
        for (metric, values) in values(&real, &pred) {
            let (low, high) = metric.range;
            for value in values.values().flatten().filter(|v| !v.is_nan()) {
                prop_assert!((low - 1e-9..=high + 1e-9).contains(value), "{}: {value}", metric.name);
            }
        }
    }

    /// Effects are large enough for significant genes. `npds_cosine` ends at 1 / N.
    #[test]
    fn the_truth_scores_best(seed in 0u64..1_000_000) {
        let real = Cells::random(seed, "real", 1.5);
        for (metric, values) in values(&real, &real) {
            let best = match metric.best {
                Best::One => 1.0,
                Best::Zero if metric.name == "npds_cosine" => 1.0 / LABELS as f64,
                Best::Zero => 0.0,
                Best::None => continue,
            };
            // Perturbations may have equally many significant genes, all of them: then there is no rank correlation.
            for value in values.values().flatten().filter(|v| !(v.is_nan() && metric.name == "de_spearman_sig")) {
                prop_assert!((value - best).abs() < 1e-6, "{}: {value}, expected {best}", metric.name);
            }
        }
    }
}
