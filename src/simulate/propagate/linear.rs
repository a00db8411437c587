//! The converged linear response.

use super::{Change, LinearResponse};
use crate::simulate::SimulateError;
use crate::simulate::gmres::gmres;

/// Largest |B d - d| over genes, relative to the largest change that was made.
const TOLERANCE: f64 = 1e-12;
const STEPS: usize = 500;

impl LinearResponse {
    /// Changes per gene at the fixed point `d = B d` with the perturbed genes held at what was done to them, log1p scale:
    /// `(I - B)^-1`, the limit of infinitely many hops. No level is kept from falling below 0.
    ///
    /// # Errors
    /// [`SimulateError::Unconverged`] rather than an answer that is not the fixed point.
    ///
    /// # Complexity
    /// O(steps x (edges between regulators that are reached + steps x regulators reached)).
    pub fn linear(&self, changes: &[Change]) -> Result<Vec<f64>, SimulateError> {
        let mut delta = vec![0.0; self.genes.len()];
        let mut held = vec![false; self.genes.len()];
        for change in changes {
            let gene = change.gene.index();
            delta[gene] = Self::own(change, self.rest[gene]);
            held[gene] = true;
        }
        let targets = self.targets();
        let reached = reached(&targets, changes);
        let free: Vec<u32> = reached.into_iter().filter(|&gene| !held[gene as usize]).collect();
        let active: Vec<u32> = free.iter().copied().filter(|&gene| !targets[gene as usize].is_empty()).collect();
        let sum =
            |delta: &[f64], gene: u32| self.inputs(gene as usize).map(|(j, b)| b * delta[j as usize]).sum::<f64>();
        let right: Vec<f64> = active.iter().map(|&gene| sum(&delta, gene)).collect();
        let mut at = vec![0.0; self.genes.len()];
        let mut apply = |v: &[f64]| {
            active.iter().zip(v).for_each(|(&gene, v)| at[gene as usize] = *v);
            active.iter().zip(v).map(|(&gene, v)| v - sum(&at, gene)).collect()
        };
        let solved = gmres(&mut apply, &right, TOLERANCE / 10.0, STEPS);
        let failed = |residual| SimulateError::Unconverged {
            perturbation: self.label(changes),
            tolerance: TOLERANCE,
            residual,
            iterations: STEPS,
        };
        // A singular system may come back with values that are not numbers.
        let finite = solved.filter(|x| x.iter().all(|d| d.is_finite()));
        let solved = finite.ok_or_else(|| failed(f64::INFINITY))?;
        active.iter().zip(&solved).for_each(|(&gene, d)| delta[gene as usize] = *d);
        let size = delta.iter().fold(0.0, |m: f64, d| m.max(d.abs()));
        let off = active.iter().fold(0.0, |m: f64, &gene| m.max((sum(&delta, gene) - delta[gene as usize]).abs()));
        if off > TOLERANCE * size {
            return Err(failed(off / size));
        }
        let last: Vec<f64> = free.iter().map(|&gene| sum(&delta, gene)).collect();
        free.iter().zip(last).for_each(|(&gene, d)| delta[gene as usize] = d);
        Ok(delta)
    }

    pub(super) fn label(&self, changes: &[Change]) -> String {
        changes.iter().map(|c| self.genes.name(c.gene)).collect::<Vec<_>>().join("+")
    }
}

/// Genes that the changes reach, those that are changed included.
fn reached(targets: &[Vec<u32>], changes: &[Change]) -> Vec<u32> {
    let mut seen = vec![false; targets.len()];
    let mut waiting: Vec<u32> = changes.iter().map(|c| c.gene.0).collect();
    while let Some(gene) = waiting.pop() {
        if !std::mem::replace(&mut seen[gene as usize], true) {
            waiting.extend(&targets[gene as usize]);
        }
    }
    (0..targets.len() as u32).filter(|&gene| seen[gene as usize]).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::data::{GeneId, GeneIndex};
    use crate::stats::Rng;

    fn response(n: usize, edges: &[(u32, u32, f64)]) -> LinearResponse {
        let genes = GeneIndex::new((0..n).map(|g| format!("G{g}"))).unwrap();
        LinearResponse::new(Arc::new(genes), vec![1.0; n], edges).unwrap()
    }

    #[test]
    fn a_loop_is_summed_to_its_end() {
        // B = 0.5 A + 0.5 C, C = 0.5 B: B = 0.5 A / (1 - 0.25).
        let got = response(4, &[(0, 1, 0.5), (2, 1, 0.5), (1, 2, 0.5), (1, 0, 9.0)]);
        let got = got.linear(&[Change { gene: GeneId(0), share: 0.0 }]).unwrap();
        let expected = [-1.0, -0.5 / 0.75, -0.25 / 0.75, 0.0];
        assert!(got.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{got:?}");
    }

    #[test]
    fn it_is_the_limit_of_many_hops() {
        let mut rng = Rng::named(4, "response");
        let edge = |_| (rng.below(60) as u32, rng.below(60) as u32, 0.2 * rng.normal());
        let edges: Vec<_> = (0..300).map(edge).filter(|(a, b, _)| a != b).collect();
        let response = response(60, &edges);
        assert!(response.radius() < 0.9);
        // Levels stay above 0, so that the other rule never clips.
        let changes = [Change { gene: GeneId(3), share: 0.9 }, Change { gene: GeneId(7), share: 1.1 }];
        let (got, hops) = (response.linear(&changes).unwrap(), response.celloracle(&changes, 500));
        assert!(got.iter().zip(&hops).all(|(a, b)| (a - b).abs() < 1e-12));
    }

    #[test]
    fn a_gene_without_targets_changes_alone() {
        let got = response(3, &[(0, 1, 0.5)]).linear(&[Change { gene: GeneId(2), share: 0.0 }]).unwrap();
        assert_eq!(got, [0.0, 0.0, -1.0]);
    }

    #[test]
    fn what_has_no_limit_is_refused() {
        // d1 = d0 + d1 by way of gene 2: no fixed point.
        let response = response(3, &[(0, 1, 1.0), (1, 2, 1.0), (2, 1, 1.0)]);
        let error = response.linear(&[Change { gene: GeneId(0), share: 0.0 }]);
        assert!(matches!(error, Err(SimulateError::Unconverged { .. })), "{error:?}");
    }
}
