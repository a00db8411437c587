//! Correlation of two vectors.

/// Pearson correlation; `None` where a vector is constant or shorter than 2. O(n).
///
/// ```
/// let r = grn::stats::pearson(&[1.0, 2.0, 3.0], &[2.0, 4.0, 6.0]);
/// assert!(r.is_some_and(|r| (r - 1.0).abs() < 1e-12));
/// assert_eq!(grn::stats::pearson(&[1.0, 1.0], &[2.0, 4.0]), None);
/// ```
pub fn pearson<T: Into<f64> + Copy>(x: &[T], y: &[T]) -> Option<f64> {
    debug_assert_eq!(x.len(), y.len());
    if x.len() < 2 {
        return None;
    }
    let n = x.len() as f64;
    let mean = |v: &[T]| v.iter().map(|&a| a.into()).sum::<f64>() / n;
    let (mx, my) = (mean(x), mean(y));
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for (&a, &b) in x.iter().zip(y) {
        let (a, b) = (a.into() - mx, b.into() - my);
        xx += a * a;
        yy += b * b;
        xy += a * b;
    }
    let scale = xx.sqrt() * yy.sqrt();
    (scale > 0.0).then(|| (xy / scale).clamp(-1.0, 1.0))
}

/// Cosine of the angle between two vectors; `None` where one is zero. O(n).
pub fn cosine(x: &[f32], y: &[f32]) -> Option<f64> {
    debug_assert_eq!(x.len(), y.len());
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&p, &q)| f64::from(p) * f64::from(q)).sum::<f64>();
    let scale = dot(x, x).sqrt() * dot(y, y).sqrt();
    (scale > 0.0).then(|| dot(x, y) / scale)
}

/// Ranks from 1, ties at their mean rank. O(n log n).
///
/// ```
/// assert_eq!(grn::stats::average_ranks(&[3.0, 1.0, 3.0]), [2.5, 1.0, 2.5]);
/// ```
pub fn average_ranks(x: &[f32]) -> Vec<f32> {
    let mut order: Vec<usize> = (0..x.len()).collect();
    order.sort_by(|&a, &b| x[a].total_cmp(&x[b]));
    let mut ranks = vec![0.0; x.len()];
    let mut start = 0;
    while start < order.len() {
        let same = order[start..].iter().take_while(|&&i| x[i] == x[order[start]]).count().max(1);
        let rank = start as f32 + f32::midpoint(same as f32, 1.0);
        order[start..start + same].iter().for_each(|&i| ranks[i] = rank);
        start += same;
    }
    ranks
}

/// Spearman rank correlation with mid-rank ties; `None` where a vector is constant. O(n log n).
pub fn spearman(x: &[f32], y: &[f32]) -> Option<f64> {
    pearson(&average_ranks(x), &average_ranks(y))
}
