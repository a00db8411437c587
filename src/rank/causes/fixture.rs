//! Candidates with random responses and a change made of some of them, for tests.

use std::sync::Arc;

use ndarray::Array2;

use super::overlaps::Overlaps;
use crate::data::GeneId;
use crate::rank::{Asked, Atlas, Candidates, Frame, Queries};
use crate::stats::Rng;

/// Genes, all of them axes; the first are those of the candidates.
pub(super) const N_GENES: usize = 60;
const N_CANDIDATES: usize = 8;

/// An atlas and one change: the mean, some responses times their amplitudes, and little noise.
pub(super) struct Setting {
    pub(super) atlas: Atlas,
    pub(super) mean: Vec<f32>,
    pub(super) asked: Asked,
}

impl Setting {
    pub(super) fn new(seed: u64, causes: &[(usize, f32)]) -> Self {
        let mut rng = Rng::named(seed, "causes.fixture");
        let mut scores = Array2::from_shape_simple_fn((N_CANDIDATES, N_GENES), || rng.normal() as f32);
        (0..N_CANDIDATES).for_each(|c| scores[[c, c]] = 0.0);
        let half = Array2::from_shape_simple_fn((N_GENES, N_GENES), || 0.03 * rng.normal() as f32);
        let precision = half.t().dot(&half) + Array2::<f32>::eye(N_GENES);
        let mean: Vec<f32> = (0..N_GENES).map(|_| 0.5 * rng.normal() as f32).collect();
        let mut delta = Array2::from_shape_simple_fn((1, N_GENES), || 0.1 * rng.normal() as f32);
        for &(c, amplitude) in causes {
            delta.row_mut(0).scaled_add(amplitude, &scores.row(c));
        }
        let mut row = delta.row_mut(0);
        row.iter_mut().zip(&mean).for_each(|(d, m)| *d += 1.3 * m);
        let candidates = Candidates {
            names: (0..N_CANDIDATES).map(|c| Arc::from(format!("G{c}"))).collect(),
            gene: (0..N_CANDIDATES).map(|c| Some(GeneId(c as u32))).collect(),
            node: vec![None; N_CANDIDATES],
            seen: vec![None; N_CANDIDATES],
        };
        let atlas = Atlas {
            candidates,
            axes: Array2::eye(N_GENES),
            whitened: scores.dot(&precision),
            scores,
            precision,
            spread: vec![1.0; N_CANDIDATES],
            ..Atlas::default()
        };
        let frame = Frame { mean: mean.clone(), squared_scale: 1.0, spread: vec![1.0; N_GENES] };
        let queries = Queries { names: vec!["q".into()], delta, error: None, known: vec![true; N_GENES] };
        Self { atlas, mean, asked: Asked::new(&queries, &frame, 1.0) }
    }

    pub(super) fn overlaps(&self, two_sided: bool) -> Overlaps {
        let rows: Vec<usize> = (0..N_CANDIDATES).collect();
        Overlaps::new((&self.atlas, &self.mean), (&self.asked, 0), &rows, two_sided)
    }
}
