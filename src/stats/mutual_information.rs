//! Agreement of two clusterings.

use std::collections::BTreeMap;

/// Mutual information of two clusterings adjusted for chance: (MI - E MI) / ((H_a + H_b) / 2 - E MI), with the expectation
/// over all pairs of clusterings with clusters of these sizes (Vinh, Epps and Bailey 2010).
///
/// 1 for the same clustering, about 0 by chance, may be negative. Rules as in scikit-learn 1.9: 1 where both are a
/// single cluster, 0 where one is. O(r c n) for r x c clusters of n items.
///
/// ```
/// use grn::stats::adjusted_mutual_information as ami;
/// assert!((ami(&[0, 0, 1, 1], &[1, 1, 0, 0]) - 1.0).abs() < 1e-12);
/// assert_eq!(ami(&[0, 0, 0, 0], &[0, 1, 2, 3]), 0.0);
/// // sklearn.metrics.adjusted_mutual_info_score([0, 0, 1, 1, 2, 2], [0, 0, 0, 1, 1, 2])
/// assert!((ami(&[0, 0, 1, 1, 2, 2], &[0, 0, 0, 1, 1, 2]) - AMI).abs() < 1e-12);
/// # const AMI: f64 = 0.083_726_783_786_712_43;
/// ```
pub fn adjusted_mutual_information(a: &[usize], b: &[usize]) -> f64 {
    debug_assert_eq!(a.len(), b.len());
    let (rows, columns, cells) = (sizes(a.iter()), sizes(b.iter()), sizes(a.iter().zip(b)));
    match (rows.len(), columns.len()) {
        (1, 1) | (0, 0) => return 1.0,
        (1, _) | (_, 1) => return 0.0,
        _ => {}
    }
    let n = a.len() as f64;
    let share = |count: usize, of_both: f64| {
        let count = count as f64;
        count / n * (count * n / of_both).ln()
    };
    let mutual: f64 = cells.iter().map(|((r, c), &k)| share(k, (rows[r] * columns[c]) as f64)).sum();
    let expected: f64 = rows.values().flat_map(|&r| columns.values().map(move |&c| expected(r, c, a.len()))).sum();
    let away_from_zero = |x: f64| if x < 0.0 { x.min(-f64::EPSILON) } else { x.max(f64::EPSILON) };
    let most = f64::midpoint(entropy(rows.values(), n), entropy(columns.values(), n));
    away_from_zero(mutual - expected) / away_from_zero(most - expected)
}

fn sizes<T: Ord>(labels: impl Iterator<Item = T>) -> BTreeMap<T, usize> {
    let mut sizes = BTreeMap::new();
    labels.for_each(|label| *sizes.entry(label).or_insert(0) += 1);
    sizes
}

fn entropy<'a>(sizes: impl Iterator<Item = &'a usize>, n: f64) -> f64 {
    sizes.map(|&k| -(k as f64 / n) * (k as f64 / n).ln()).sum()
}

/// Expected share of a pair of clusters of sizes `r` and `c` in the mutual information: hypergeometric overlap.
fn expected(r: usize, c: usize, n: usize) -> f64 {
    let ln_factorial = |k: usize| libm::lgamma(k as f64 + 1.0);
    let fixed = ln_factorial(r) + ln_factorial(c) + ln_factorial(n - r) + ln_factorial(n - c) - ln_factorial(n);
    let of = |k: usize| {
        let ways = ln_factorial(k) + ln_factorial(r - k) + ln_factorial(c - k) + ln_factorial(n + k - r - c);
        let information = (n as f64 * k as f64 / (r as f64 * c as f64)).ln();
        k as f64 / n as f64 * information * (fixed - ways).exp()
    };
    ((r + c).saturating_sub(n).max(1)..=r.min(c)).map(of).sum()
}
