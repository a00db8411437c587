//! Coefficients by ridge regression, one target at a time.

use std::sync::Arc;

use ndarray::{Array1, Array2};
use rayon::prelude::*;

use super::{FittedResponse, LinearResponse, ResponseOptions};
use crate::data::{GeneId, Pseudobulk, Quantity, Responses};
use crate::error::Notice;
use crate::graph::GeneGraph;
use crate::simulate::SimulateError;
use crate::stats::solve_spd;

impl LinearResponse {
    /// Fits the coefficients of every edge of `graph` to the changes in a screen: for each target a ridge regression,
    /// without intercept, of its changes (mean log1p against control) on those of its regulators, over all perturbations
    /// that do not act on the target itself. Neither the signs nor the weights of the graph are read.
    ///
    /// Edges of genes that the screen lacks, of a gene on itself, from regulators that never change and into targets for
    /// which no perturbation is left are dropped, and notices say how many.
    ///
    /// # Errors
    /// [`SimulateError::Data`] for a table without control or perturbations; [`SimulateError::BadOption`] for effects
    /// instead of levels and for settings out of range.
    ///
    /// # Complexity
    /// For a target with k regulators O(perturbations k^2 + k^3), targets in parallel.
    pub fn fit(
        table: &Pseudobulk,
        graph: &GeneGraph,
        options: &ResponseOptions,
    ) -> Result<FittedResponse, SimulateError> {
        check(table, options)?;
        let changes = Responses::from_pseudobulk(table)?;
        let place: Vec<Option<u32>> =
            graph.genes().names().iter().map(|name| table.genes.resolve(name).map(|gene| gene.0)).collect();
        let mut lost = Lost::default();
        let mut regulators: Vec<Vec<u32>> = vec![Vec::new(); table.genes.len()];
        let moves: Vec<bool> = changes.delta.columns().into_iter().map(|d| d.iter().any(|d| *d != 0.0)).collect();
        for edge in graph.edges() {
            match (place[edge.source.index()], place[edge.target.index()]) {
                (Some(source), Some(target)) if source != target => {
                    if moves[source as usize] {
                        regulators[target as usize].push(source);
                    } else {
                        lost.still += 1;
                    }
                }
                (Some(_), Some(_)) => lost.own += 1,
                _ => lost.unknown += 1,
            }
        }
        let fits: Vec<Option<Vec<(u32, u32, f64)>>> = (0..table.genes.len())
            .into_par_iter()
            .map(|target| fit_target(&changes, target, &regulators[target], options.ridge))
            .collect();
        lost.unfitted = fits.iter().zip(&regulators).filter(|(fit, _)| fit.is_none()).map(|(_, r)| r.len()).sum();
        let edges: Vec<(u32, u32, f64)> = fits.into_iter().flatten().flatten().collect();
        let rest = changes.control.mean.iter().map(|x| f64::from(x.max(0.0))).collect();
        let response = Self::new(Arc::clone(&table.genes), rest, &edges)?;
        Ok(bounded(response, options.radius, lost.notices(graph.n_edges())))
    }
}

fn check(table: &Pseudobulk, options: &ResponseOptions) -> Result<(), SimulateError> {
    if table.quantity != Quantity::Level {
        return Err(SimulateError::option("table", "levels in mean log1p", "effects"));
    }
    if !(options.ridge.is_finite() && options.ridge > 0.0) {
        return Err(SimulateError::option("ridge", "a finite number above 0", options.ridge));
    }
    if !(options.radius > 0.0 && options.radius < 1.0) {
        return Err(SimulateError::option("radius", "a number between 0 and 1", options.radius));
    }
    Ok(())
}

/// Coefficients of one target; `None` where it cannot be fitted.
fn fit_target(changes: &Responses, target: usize, regulators: &[u32], ridge: f64) -> Option<Vec<(u32, u32, f64)>> {
    if regulators.is_empty() {
        return Some(Vec::new());
    }
    let on_itself = |gene: &Arc<str>| changes.genes.resolve(gene) == Some(GeneId(target as u32));
    let rows: Vec<usize> = (0..changes.perturbations.len())
        .filter(|&row| !changes.perturbations[row].targets().iter().any(on_itself))
        .collect();
    if rows.is_empty() {
        return None;
    }
    let at = |row: usize, gene: usize| f64::from(changes.delta[[row, gene]]);
    let x = Array2::from_shape_fn((rows.len(), regulators.len()), |(r, k)| at(rows[r], regulators[k] as usize));
    let y: Array1<f64> = rows.iter().map(|&row| at(row, target)).collect();
    let mut gram = x.t().dot(&x);
    gram.diag_mut().iter_mut().for_each(|d| *d += ridge);
    let right = x.t().dot(&y).insert_axis(ndarray::Axis(1));
    let beta = solve_spd(&gram, &right).ok().filter(|b| b.iter().all(|b| b.is_finite()))?;
    Some(regulators.iter().zip(&beta).map(|(&source, &b)| (source, target as u32, b)).collect())
}

/// Scales the coefficients where their spectral radius is above the bound.
fn bounded(response: LinearResponse, bound: f64, mut notices: Vec<Notice>) -> FittedResponse {
    let radius = response.radius();
    if radius <= bound {
        return FittedResponse { response, radius, notices };
    }
    notices.push(Notice::new(format!(
        "coefficients were scaled to {:.1} % so that a change dies out: their spectral radius was {radius:.3}, at most {bound} is allowed",
        100.0 * bound / radius
    )));
    FittedResponse { response: response.scaled(bound / radius), radius, notices }
}

/// Edges that were not fitted, by reason.
#[derive(Debug, Default)]
struct Lost {
    unknown: usize,
    own: usize,
    still: usize,
    unfitted: usize,
}

impl Lost {
    fn notices(&self, n_edges: usize) -> Vec<Notice> {
        let t = |n: usize, why: &str| (n > 0).then(|| Notice::new(format!("{n} of {n_edges} edges dropped: {why}")));
        [
            t(self.unknown, "a gene is not in the screen"),
            t(self.own, "from a gene to itself"),
            t(self.still, "the regulator never changes in the screen"),
            t(self.unfitted, "no perturbation but that of the target itself, or no solution"),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::data::{Condition, GeneIndex, Moments, Perturbation};
    use crate::graph::{GraphBuilder, Sign};

    fn table(genes: &[&str], labels: &[&str], mean: Array2<f32>) -> Pseudobulk {
        let condition = |label: &&str| Condition::of(Perturbation::parse(label, "ctrl").unwrap());
        Pseudobulk {
            genes: Arc::new(GeneIndex::new(genes).unwrap()),
            conditions: labels.iter().map(condition).collect(),
            n_cells: vec![10; labels.len()],
            quantity: Quantity::Level,
            moments: Moments { mean, var: None, third: None, fraction: None },
            halves: None,
            significant: None,
            control_label: "ctrl".to_owned(),
        }
    }

    fn graph(edges: &[(&str, &str)]) -> GeneGraph {
        let mut builder = GraphBuilder::new();
        edges.iter().for_each(|(a, b)| builder.add(a, b, 1.0, Sign::Unknown, &[]));
        builder.build()
    }

    fn screen() -> Pseudobulk {
        let levels = array![[1.0, 2.0, 1.5, 1.0], [0.0, 1.5, 1.5, 1.0], [1.0, 0.5, 2.0, 1.0], [1.0, 2.25, 0.5, 1.0]];
        table(&["A", "B", "C", "D"], &["ctrl", "A", "B", "C"], levels)
    }

    #[test]
    fn coefficients_are_those_of_a_ridge_by_hand() {
        let fitted = LinearResponse::fit(&screen(), &graph(&[("A", "B"), ("C", "B")]), &ResponseOptions::default());
        let got: Vec<(u32, f64)> = fitted.unwrap().response.inputs(1).collect();
        // Without the knockdown of B: A changes by (-1, 0), C by (0, -1), B by (-0.5, 0.25); X'X + 1 = 2, so half of each.
        assert_eq!(got.iter().map(|(source, _)| *source).collect::<Vec<_>>(), [0, 2]);
        assert!((got[0].1 - 0.25).abs() < 1e-12 && (got[1].1 + 0.125).abs() < 1e-12, "{got:?}");
    }

    #[test]
    fn edges_that_cannot_be_fitted_are_named() {
        let edges = [("A", "B"), ("X", "B"), ("D", "B"), ("B", "X")];
        let fitted = LinearResponse::fit(&screen(), &graph(&edges), &ResponseOptions::default()).unwrap();
        assert_eq!(fitted.response.n_edges(), 1);
        let texts: Vec<String> = fitted.notices.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "2 of 4 edges dropped: a gene is not in the screen",
                "1 of 4 edges dropped: the regulator never changes in the screen"
            ]
        );
        let one = table(&["A", "B"], &["ctrl", "A"], array![[1.0, 2.0], [0.5, 1.0]]);
        let fitted = LinearResponse::fit(&one, &graph(&[("B", "A")]), &ResponseOptions::default()).unwrap();
        assert_eq!((fitted.response.n_edges(), fitted.notices.len()), (0, 1));
    }

    #[test]
    fn effects_are_refused() {
        let effects = Pseudobulk { quantity: Quantity::Effect, ..screen() };
        assert!(LinearResponse::fit(&effects, &graph(&[("A", "B")]), &ResponseOptions::default()).is_err());
    }
}
