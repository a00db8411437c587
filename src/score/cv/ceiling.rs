//! How well a replicate of the experiment would predict it.

use super::metric::CvMetric;
use super::signature::{CvScores, cv_scores, recentred};
use crate::data::{Responses, Split};

/// Scores one random half of the cells as if it predicted the other half; `None` without cells.
///
/// The halves share neither perturbed nor control cells, so noise of the control cannot look like agreement. Each half
/// is centred by its own training mean for `centred_r` and `disc`. The values are NOT corrected to full length
/// (Spearman-Brown): they say what half of the cells can tell about the other half, a lower bound of the ceiling of the
/// whole data. There is no average precision: significance was called on all cells.
pub fn ceiling_scores(truth: &Responses, split: &Split) -> Option<CvScores> {
    let [a, b] = truth.halves.as_ref()?;
    let half = Responses { delta: b.clone(), significant: None, ..truth.clone() };
    let raw = cv_scores(&half, split, a);
    let mut scores = cv_scores(&half, split, &recentred(a, b, split));
    for (metric, values) in &mut scores.values {
        if matches!(metric, CvMetric::PearsonDelta | CvMetric::L2Ratio) {
            *values = raw.of(*metric)?.to_vec();
        }
    }
    Some(scores)
}

#[cfg(test)]
mod tests {
    use super::super::signature::tests::example;
    use super::*;

    #[test]
    fn identical_halves_reach_the_best_values() {
        let (mut truth, split) = example();
        assert_eq!(ceiling_scores(&truth, &split), None);
        truth.halves = Some([truth.delta.clone(), truth.delta.clone()]);
        let scores = ceiling_scores(&truth, &split).unwrap();
        let t = |metric, best: f64| {
            assert!(scores.of(metric).unwrap().iter().all(|v| (v.unwrap() - best).abs() < 1e-12), "{metric:?}");
        };
        t(CvMetric::CentredR, 1.0);
        t(CvMetric::Discrimination, 1.0);
        t(CvMetric::PearsonDelta, 1.0);
        t(CvMetric::L2Ratio, 0.0);
    }

    #[test]
    fn an_offset_of_the_control_does_not_touch_the_centred_values() {
        let (mut truth, split) = example();
        let offset = ndarray::array![[3.0, -1.0, 0.5]];
        truth.halves = Some([&truth.delta + &offset, truth.delta.clone()]);
        let scores = ceiling_scores(&truth, &split).unwrap();
        assert!(scores.of(CvMetric::CentredR).unwrap().iter().all(|v| (v.unwrap() - 1.0).abs() < 1e-9));
        assert!(scores.of(CvMetric::L2Ratio).unwrap().iter().all(|v| v.unwrap() > 1.0));
    }
}
