//! What the regulators of a candidate leave unexplained of its own change.

use ndarray::Array2;

use super::{Known, Scorer, ScorerSpec};
use crate::data::GeneId;
use crate::rank::response::Response;
use crate::rank::{Asked, Candidates, Own, RankError};

/// -(delta - W delta)_g over its spread in training.
pub(in crate::rank) const SPEC: ScorerSpec = ScorerSpec {
    name: "residual",
    about: "fall of the candidate beyond what its regulators explain",
    source: "MNI (di Bernardo et al., Nature Biotechnology 23, 2005)",
    without_own: false,
    joint: true,
    fit: |known: &Known<'_>| Ok(Box::new(Residual { response: Response::of(known)?.clone() })),
};

struct Residual {
    response: Response,
}

impl Scorer for Residual {
    fn scores(&self, asked: &Asked, candidates: &Candidates, own: Own) -> Result<Array2<f32>, RankError> {
        let score = |q: usize, gene: usize| {
            let residual = self.response.residual(asked.delta.row(q), gene);
            -(residual / f64::from(self.response.unexplained()[gene])) as f32
        };
        Ok(Array2::from_shape_fn((asked.len(), candidates.len()), |(q, c)| match (own, candidates.gene[c]) {
            (Own::Used, Some(gene)) if asked.known[gene.index()] => score(q, GeneId::index(gene)),
            _ => 0.0,
        }))
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::rank::response::filter_tests::{asked, candidates, line};

    /// B follows A with 0.5: a fall of both by that much is the doing of A.
    #[test]
    fn what_a_regulator_explains_does_not_count() {
        let (responses, response) = line();
        let residual = Residual { response };
        let (asked, candidates) = (asked(array![[-1.0, -0.5, 0.0, 0.0, 0.0]]), candidates(&responses));
        let scores = residual.scores(&asked, &candidates, Own::Used).unwrap();
        assert!(scores[[0, 0]] > 1.0 && scores[[0, 1]].abs() < 1e-6 && scores[[0, 2]] < 0.0, "{scores}");
        assert!(residual.scores(&asked, &candidates, Own::Excluded).unwrap().iter().all(|s| *s == 0.0));
    }
}
