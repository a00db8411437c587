//! Everything that a change of a candidate would reach.

use ndarray::Array2;

use super::{Known, Scorer, ScorerSpec};
use crate::rank::response::{Filter, Response};
use crate::rank::{Asked, Candidates, Own, RankError};

const SOURCE: &str = "matched filter (Turin, IRE Transactions on Information Theory 6, 1960) on the inverse of I - W";

/// Changes beyond four standard errors count as four.
pub(in crate::rank) const CLIPPED: ScorerSpec = ScorerSpec {
    name: "inversion",
    about: "match with the learned effects of the candidate along all paths",
    source: SOURCE,
    without_own: true,
    joint: true,
    fit: |known| fit(known, true),
};

/// Changes as they are.
pub(in crate::rank) const UNCLIPPED: ScorerSpec = ScorerSpec {
    name: "inversion-unclipped",
    about: "the same with changes of any size",
    source: SOURCE,
    without_own: true,
    joint: true,
    fit: |known| fit(known, false),
};

struct Inversion {
    filter: Filter,
}

fn fit(known: &Known<'_>, clipped: bool) -> Result<Box<dyn Scorer>, RankError> {
    let response = Response::of(known)?;
    Ok(Box::new(Inversion { filter: Filter::new(response, response.reach(), clipped) }))
}

impl Scorer for Inversion {
    fn scores(&self, asked: &Asked, candidates: &Candidates, own: Own) -> Result<Array2<f32>, RankError> {
        Ok(self.filter.scores(asked, candidates, own, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::super::fixture::{Fixture, asked};
    use super::super::{interpolation, regulon};
    use super::*;
    use crate::graph::Sign;
    use crate::stats::Rng;

    /// Knockdowns of A, B and D in a chain A -> B -> C with effects of 0.8; D does nothing.
    fn chain() -> Fixture {
        let mut rng = Rng::named(1, "inversion");
        let names: Vec<String> = (0..60).map(|k| format!("{}+X{k}", ["A", "B", "D"][k % 3])).collect();
        let delta = Array2::from_shape_fn((60, 4), |(k, gene)| {
            let fall = match (k % 3, gene) {
                (0, 0) | (1, 1) | (2, 3) => -1.0,
                (0, 1) | (1, 2) => -0.8,
                (0, 2) => -0.64,
                _ => 0.0,
            };
            fall + 0.02 * rng.normal() as f32
        });
        let perturbations: Vec<&str> = names.iter().map(String::as_str).collect();
        let edge = |a, b| (a, b, 0.8, Sign::Unknown);
        Fixture::new(&["A", "B", "C", "D"], &perturbations, delta).with_edges(&[
            edge("A", "B"),
            edge("B", "C"),
            edge("D", "C"),
        ])
    }

    #[test]
    fn effects_along_two_edges_count() {
        let fixture = chain();
        let settings = crate::rank::ResponseSettings { programmes: 0, ..Default::default() };
        let response = Response::fit(&fixture.responses, &fixture.graph, None, &settings).unwrap();
        let known = fixture.known();
        assert!(known.response.set(response).is_ok());
        let candidates = fixture.candidates(&["A", "B", "D", "UNKNOWN"]);
        let asked = asked(array![[0.0, 0.0, -2.0, 0.0]], &fixture);
        let t = |spec: ScorerSpec| (spec.fit)(&known).unwrap().scores(&asked, &candidates, Own::Excluded).unwrap();
        let [direct, whole, between] = [regulon::UNCLIPPED, UNCLIPPED, interpolation::SPEC].map(t);
        assert_eq!(direct[[0, 0]], 0.0, "A does not act on C directly");
        assert!(whole[[0, 0]] > 0.0 && between[[0, 0]] > 0.0, "but through B");
        assert!(direct[[0, 1]] > 0.0 && (direct[[0, 1]] - whole[[0, 1]]).abs() < 1e-6, "B acts on C alone");
        assert!(whole[[0, 1]] > whole[[0, 0]], "a change of C alone is the doing of B");
        assert!(whole[[0, 2]].abs() < 0.1 * whole[[0, 1]] && whole[[0, 3]] == 0.0);
    }
}
