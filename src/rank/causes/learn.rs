//! Learning how much the parts of a set's score count.

use ndarray::Array2;

use super::overlaps::{Fitted, Overlaps};
use super::posterior::{FEATURES, features, fit_all};
use super::relative;
use crate::rank::joint::Case;
use crate::rank::ranking::placed;
use crate::rank::{Asked, Joint, Own, Queries, RankError, Ranker};
use crate::stats::Rng;

/// First candidates that may be part of a set, while learning.
const MOST: usize = 60;
/// Candidates of which all pairs are compared with the answer.
const PAIRED: usize = 12;
/// Other pairs drawn as wrong answers; each stands for its share of them.
const DRAWN: usize = 100;

/// Queries with known causes, and what was learned without them.
pub(crate) struct Lessons {
    /// Fitted without the queries.
    pub(crate) ranker: Ranker,
    /// Single perturbations, and sums of two.
    pub(crate) queries: Queries,
    /// Names of the causes of each query; none for a null change.
    pub(crate) causes: Vec<Vec<String>>,
    /// How much each query counts.
    pub(crate) weight: Vec<f64>,
}

/// Fits the weights of a set's features on held-out queries; queries whose cause is not among the first candidates teach
/// nothing.
///
/// # Errors
/// Whatever a scorer returns.
pub(crate) fn taught(lessons: &[Lessons], joint: &Joint, own: Own, seed: u64) -> Result<Joint, RankError> {
    let mut cases = Vec::new();
    for (l, lesson) in lessons.iter().enumerate() {
        let readings = lesson.ranker.read(&lesson.queries, 1.0, own)?;
        let of_scorers = readings.features(&joint.features);
        let asked = Asked::new(&lesson.queries, &lesson.ranker.frame, 1.0);
        for q in 0..lesson.queries.len() {
            let first: Vec<(usize, f64)> = {
                let scores = joint.scores(&of_scorers, q);
                let first: Vec<usize> = placed(&scores).into_iter().take(MOST).map(|(c, _)| c).collect();
                let mut scores: Vec<f64> = first.iter().map(|&c| scores[c]).collect();
                relative(&mut scores, Some(joint), readings.strength[q]);
                first.into_iter().zip(scores).collect()
            };
            let mut rng = Rng::keyed(seed, "rank.causes", l as u64, q as u64);
            cases.extend(lesson.case(&asked, q, &first, readings.strength[q], &mut rng));
        }
    }
    Joint::fit(FEATURES.map(str::to_owned).to_vec(), &cases)
}

impl Lessons {
    /// Single perturbations and null changes, and the sum of every query with the next as a change with two causes. Null
    /// changes count `of_null` each.
    pub(crate) fn new(ranker: Ranker, singles: &Queries, null: &Queries, of_null: f64) -> Self {
        let n = singles.len();
        let pairs: Vec<(usize, usize)> = (0..n).map(|i| (i, (i + 1) % n)).filter(|(i, j)| i != j).collect();
        let name = |i: usize| singles.names[i].clone();
        let of_singles = (0..n).map(|i| (vec![name(i)], 1.0));
        let of_pairs = pairs.iter().map(|&(i, j)| (vec![name(i), name(j)], 1.0));
        let of_nulls = null.names.iter().map(|_| (Vec::new(), of_null));
        let (causes, weight) = of_singles.chain(of_pairs).chain(of_nulls).unzip();
        let queries = Queries::joined(&[singles, &singles.summed(&pairs), null]);
        Self { ranker, queries, causes, weight }
    }

    fn case(&self, asked: &Asked, q: usize, first: &[(usize, f64)], strength: f64, rng: &mut Rng) -> Option<Case> {
        let (rows, scores): (Vec<usize>, Vec<f64>) = first.iter().copied().unzip();
        let names = &self.ranker.atlas.candidates.names;
        let position = |gene: &String| rows.iter().position(|&c| names[c].as_ref() == gene);
        let mut wanted: Vec<usize> = self.causes[q].iter().map(position).collect::<Option<_>>()?;
        wanted.sort_unstable();
        let overlaps = Overlaps::new(self.ranker.expected(), (asked, q), &rows, false);
        let fitted = fit_all(&overlaps);
        let near = |f: &Fitted| f.members.len() == 1 || f.members.iter().all(|&m| m < PAIRED) || f.members == wanted;
        let mut shown: Vec<usize> = (0..fitted.len()).filter(|&s| near(&fitted[s])).collect();
        let mut others: Vec<usize> = (0..fitted.len()).filter(|&s| !near(&fitted[s])).collect();
        rng.shuffle(&mut others);
        let n_near = shown.len();
        shown.extend(others.iter().take(DRAWN));
        let stands_for = (others.len().max(1) as f64 / others.len().clamp(1, DRAWN) as f64).ln();
        let offsets: Vec<f64> = (0..shown.len()).map(|k| if k < n_near { 0.0 } else { stands_for }).collect();
        let mut table = Array2::zeros((shown.len(), FEATURES.len()));
        for (mut to, &s) in table.outer_iter_mut().zip(&shown) {
            to.iter_mut().zip(features(&fitted[s], &fitted, &scores)).for_each(|(to, f)| *to = f as f32);
        }
        let answer = shown.iter().position(|&s| fitted[s].members == wanted);
        Some(Case::new(table.view(), &offsets, answer, strength, self.weight[q]))
    }
}
