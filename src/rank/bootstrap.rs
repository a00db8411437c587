//! How far positions move when the change is measured again.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Frame, Queries, RankError, RankOptions, Ranker, Ranking, mid_rank};
use crate::stats::Rng;

/// Resamples ranked at once.
const BATCH: usize = 25;
/// Rows of a ranking that get an interval.
const MOST: usize = 200;

impl Ranker {
    /// Gives the first 200 rows of every ranking the 2.5 and 97.5 % points of their positions over `n` resamples of the
    /// change.
    ///
    /// Where the standard errors of a change are known, a resample is the change plus normal noise of that size, the large
    /// sample form of a bootstrap over cells. Where they are not, its genes are resampled: each counts as often as a
    /// Poisson variable of mean 1 says, which tells on how few genes a position hangs, and nothing of measurement error.
    ///
    /// # Errors
    /// As [`Ranker::rank`].
    ///
    /// # Complexity
    /// That of ranking n queries for each.
    pub fn add_intervals(
        &self,
        (queries, rankings): (&Queries, &mut [Ranking]),
        members: &[usize],
        options: &RankOptions,
        (n, seed): (usize, u64),
        progress: &mut dyn FnMut(usize),
    ) -> Result<(), RankError> {
        let position: HashMap<Arc<str>, usize> =
            members.iter().enumerate().map(|(m, &c)| (Arc::clone(&self.atlas.candidates.names[c]), m)).collect();
        for (q, ranking) in rankings.iter_mut().enumerate() {
            let kept: Vec<usize> =
                ranking.rows.iter().take(MOST).filter_map(|r| position.get(&r.gene).copied()).collect();
            let mut positions: Vec<Vec<f64>> = vec![Vec::with_capacity(n); kept.len()];
            for from in (0..n).step_by(BATCH) {
                let again = resamples(queries, &self.frame, q, from..(from + BATCH).min(n), seed);
                for of in self.scored(&again, members, options)?.scored {
                    positions.iter_mut().zip(&kept).for_each(|(to, &m)| to.push(mid_rank(&of.scores, m)));
                }
            }
            for (row, mut all) in ranking.rows.iter_mut().zip(positions) {
                all.sort_by(f64::total_cmp);
                let at = |share: f64| all[((share * all.len() as f64) as usize).min(all.len() - 1)];
                row.interval = (!all.is_empty()).then(|| [at(0.025), at(0.975)]);
            }
            progress(q + 1);
        }
        Ok(())
    }
}

/// Resamples of one query; each has its own random numbers, whatever the others are.
fn resamples(queries: &Queries, frame: &Frame, q: usize, which: std::ops::Range<usize>, seed: u64) -> Queries {
    let mut out = queries.repeated(q, which.len());
    for (mut row, k) in out.delta.outer_iter_mut().zip(which) {
        let mut rng = Rng::keyed(seed, "rank.bootstrap", q as u64, k as u64);
        for (gene, value) in row.iter_mut().enumerate().filter(|(g, _)| queries.known[*g]) {
            match &queries.error {
                Some(error) => *value += error[[q, gene]] * rng.normal() as f32,
                None => *value = frame.mean[gene] + rng.poisson(1.0) as f32 * (*value - frame.mean[gene]),
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn resamples_move_by_their_errors_and_depend_on_nothing_else() {
        let frame = Frame { mean: vec![0.5; 3], squared_scale: 1.0, spread: vec![1.0; 3] };
        let queries = Queries {
            names: vec!["a".into(), "b".into()],
            delta: array![[1.0, 2.0, 0.0], [3.0, 4.0, 0.0]],
            error: Some(array![[0.1, 0.1, 0.1], [0.0, 1.0, 1.0]]),
            known: vec![true, true, false],
        };
        let all = resamples(&queries, &frame, 1, 0..400, 7);
        assert_eq!(all.delta.column(0), ndarray::Array1::from_elem(400, 3.0));
        let (mean, sd) = (all.delta.column(1).mean().unwrap(), all.delta.column(1).std(1.0));
        assert!((mean - 4.0).abs() < 0.15 && (sd - 1.0).abs() < 0.15, "{mean} {sd}");
        assert!(all.delta.column(2).iter().all(|v| *v == 0.0));
        let some = resamples(&queries, &frame, 1, 100..102, 7);
        assert_eq!(some.delta, all.delta.slice(ndarray::s![100..102, ..]));
    }

    #[test]
    fn without_errors_the_departures_of_genes_are_counted_anew() {
        let frame = Frame { mean: vec![0.5; 2], squared_scale: 1.0, spread: vec![1.0; 2] };
        let delta = array![[1.5, 0.0]];
        let queries = Queries { names: vec!["a".into()], delta, error: None, known: vec![true, false] };
        let all = resamples(&queries, &frame, 0, 0..1000, 7).delta;
        let times: Vec<f32> = all.column(0).iter().map(|v| v - 0.5).collect();
        assert!(times.iter().all(|t| (t - t.round()).abs() < 1e-6));
        let none = times.iter().filter(|t| **t == 0.0).count() as f64 / 1000.0;
        assert!((none - (-1f64).exp()).abs() < 0.05, "{none}");
    }
}
