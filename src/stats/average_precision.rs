//! Average precision.

/// Area under the step-wise precision-recall curve of `score` on the positives; equal scores form one threshold, as in
/// scikit-learn. `None` without a positive. O(n log n).
///
/// ```
/// use grn::stats::average_precision;
/// // Ranks of the positives are 1 and 3: (1/1 + 2/3) / 2.
/// let ap = average_precision(&[0.9, 0.5, 0.3], &[true, false, true]).unwrap();
/// assert!((ap - 5.0 / 6.0).abs() < 1e-12);
/// ```
pub fn average_precision(score: &[f32], positive: &[bool]) -> Option<f64> {
    debug_assert_eq!(score.len(), positive.len());
    let mut order: Vec<usize> = (0..score.len()).collect();
    order.sort_unstable_by(|&a, &b| score[b].total_cmp(&score[a]));
    let (mut hits, mut area, mut start) = (0usize, 0.0, 0);
    while start < order.len() {
        let tied = order[start..].iter().take_while(|&&i| score[i] == score[order[start]]).count().max(1);
        let new = order[start..start + tied].iter().filter(|&&i| positive[i]).count();
        hits += new;
        start += tied;
        area += new as f64 * hits as f64 / start as f64;
    }
    (hits > 0).then(|| area / hits as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_are_one_threshold() {
        let t = |score: &[f32], positive: &[bool], expected: Option<f64>| {
            assert_eq!(average_precision(score, positive), expected);
        };
        // All equal: precision is the share of positives, whatever the order.
        t(&[1.0; 4], &[true, false, false, false], Some(0.25));
        t(&[0.0, -0.0], &[true, false], Some(0.5));
        t(&[3.0, 2.0, 2.0, 1.0], &[true, false, true, false], Some(f64::midpoint(1.0, 2.0 / 3.0)));
        t(&[1.0, 2.0], &[false, false], None);
    }
}
