//! Can a prediction be told from the truth of other perturbations?

/// Cosine of two vectors; 0 where one is zero.
fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(p, q)| p * q).sum::<f64>();
    let scale = dot(a, a).sqrt() * dot(b, b).sqrt();
    if scale > 0.0 { dot(a, b) / scale } else { 0.0 }
}

/// For each centred prediction: 1 - (number of other truths of the group that are closer by cosine, a tie one half) /
/// (n - 1). 1 = its own truth is the closest, 0.5 = chance. `None` in a group of one, where there is nothing to tell
/// apart. O(n^2 genes).
pub(super) fn discrimination(predicted: &[Vec<f64>], truth: &[Vec<f64>]) -> Vec<Option<f64>> {
    let others = truth.len().saturating_sub(1);
    let of = |(i, prediction): (usize, &Vec<f64>)| {
        let similarity: Vec<f64> = truth.iter().map(|t| cosine(prediction, t)).collect();
        let closer = similarity.iter().filter(|&&s| s > similarity[i]).count() as f64;
        let tied = similarity.iter().filter(|&&s| s == similarity[i]).count() as f64 - 1.0;
        (others > 0).then(|| 1.0 - (closer + 0.5 * tied) / others as f64)
    };
    predicted.iter().enumerate().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_truth_is_ranked_among_all() {
        let truth = vec![vec![1.0, 0.0], vec![0.0, 1.0], vec![1.0, 1.0]];
        let predicted = vec![vec![2.0, 0.1], vec![1.0, 0.0], vec![0.0, 0.0]];
        // First: its truth is the closest. Second: both others are closer. Third: no direction, all tied.
        assert_eq!(discrimination(&predicted, &truth), [Some(1.0), Some(0.0), Some(0.5)]);
        assert_eq!(discrimination(&predicted[..1], &truth[..1]), [None]);
    }
}
