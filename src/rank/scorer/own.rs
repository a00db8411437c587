//! The reading of the candidate itself.

use ndarray::Array2;

use super::{Known, Scorer, ScorerSpec};
use crate::data::GeneId;
use crate::rank::{Asked, Candidates, Own, RankError};

/// How far the candidate itself has fallen.
pub(in crate::rank) const SPEC: ScorerSpec = ScorerSpec {
    name: "own",
    about: "fall of the candidate's own expression, in standard errors",
    source: "",
    without_own: false,
    joint: true,
    fit: |_: &Known<'_>| Ok(Box::new(Reading)),
};

struct Reading;

impl Scorer for Reading {
    fn scores(&self, asked: &Asked, candidates: &Candidates, own: Own) -> Result<Array2<f32>, RankError> {
        let shape = (asked.len(), candidates.len());
        Ok(match own {
            Own::Excluded => Array2::zeros(shape),
            Own::Used => Array2::from_shape_fn(shape, |(q, c)| {
                candidates.gene[c].map(GeneId::index).map_or(0.0, |gene| -asked.z[[q, gene]])
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::rank::response::filter_tests::{asked, candidates, line};

    #[test]
    fn a_fall_counts_in_errors() {
        let (responses, _) = line();
        let (asked, candidates) = (asked(array![[-0.2, 0.1, 0.0, 0.0, 0.0]]), candidates(&responses));
        let used = Reading.scores(&asked, &candidates, Own::Used).unwrap();
        assert_eq!(used, array![[4.0, -2.0, 0.0, 0.0, 0.0, 0.0]]);
        assert!(Reading.scores(&asked, &candidates, Own::Excluded).unwrap().iter().all(|s| *s == 0.0));
    }
}
