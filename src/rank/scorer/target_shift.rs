//! The candidate's own shift in the direction in which training perturbations move their targets.
//!
//! The change over the spread of the gene among control cells where that is known, else over its spread among training
//! changes. Says nothing where own readings are excluded.

use ndarray::Array2;

use super::own_reading::direction;
use super::{Asked, Known, Scorer, ScorerSpec};
use crate::rank::{Candidates, Own, RankError};

/// Keeps the ratio finite for genes that do not vary among control cells.
const LEAST_SPREAD: f32 = 1e-6;

/// The scorer in the registry.
pub(in crate::rank) const SPEC: ScorerSpec = ScorerSpec {
    name: "target-shift",
    about: "the candidate's own shift, in the direction of the training perturbations (own reading only)",
    source: "TGA of ENNCELADUS/gene-perturbation-prediction, src/model/tga.py",
    without_own: false,
    joint: false,
    fit: |known| Ok(fit(known)),
};

fn fit(known: &Known<'_>) -> Box<dyn Scorer> {
    let control = known.responses.control.var.as_ref();
    let spread = match control {
        Some(var) => var.iter().map(|v| v.sqrt() + LEAST_SPREAD).collect(),
        None => known.frame.spread.clone(),
    };
    Box::new(TargetShift { direction: direction(known.responses).unwrap_or(-1.0), spread })
}

struct TargetShift {
    direction: f32,
    /// Per gene.
    spread: Vec<f32>,
}

impl Scorer for TargetShift {
    fn scores(&self, asked: &Asked, candidates: &Candidates, own: Own) -> Result<Array2<f32>, RankError> {
        let shift = |q: usize, gene: usize| self.direction * asked.delta[[q, gene]] / self.spread[gene];
        Ok(Array2::from_shape_fn((asked.len(), candidates.len()), |(q, c)| match (own, candidates.gene[c]) {
            (Own::Used, Some(gene)) => shift(q, gene.index()),
            _ => 0.0,
        }))
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::super::fixture::{Fixture, asked};
    use super::*;

    #[test]
    fn shifts_count_in_the_direction_of_training_and_in_spreads() {
        let mut fixture = Fixture::new(&["A", "B", "C"], &["A", "B"], array![[-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]]);
        fixture.responses.control.var = Some(array![4.0, 1.0, 0.0]);
        let candidates = fixture.candidates(&["A", "B", "X"]);
        let scores = |fixture: &Fixture, own| {
            let scorer = (SPEC.fit)(&fixture.known()).unwrap();
            scorer.scores(&asked(array![[-1.0, -1.0, 3.0]], fixture), &candidates, own).unwrap()
        };
        let close = |got: Array2<f32>, expected: Array2<f32>| assert!((got - expected).iter().all(|d| d.abs() < 1e-5));
        close(scores(&fixture, Own::Used), array![[0.5, 1.0, 0.0]]);
        assert_eq!(scores(&fixture, Own::Excluded), array![[0.0, 0.0, 0.0]]);
        fixture.responses.delta.mapv_inplace(|v| -v);
        close(scores(&fixture, Own::Used), array![[-0.5, -1.0, 0.0]]);
    }
}
