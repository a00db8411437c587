//! The false discovery rate.

/// Adjusted p-values by Benjamini and Hochberg (1995), in the order given, at most 1. O(n log n).
///
/// NaN counts as 1.
///
/// ```
/// assert_eq!(grn::stats::benjamini_hochberg(&[0.01, 0.9, 0.02, 0.03]), [0.04, 0.9, 0.04, 0.04]);
/// ```
pub fn benjamini_hochberg(p: &[f64]) -> Vec<f64> {
    let value = |i: usize| if p[i].is_nan() { 1.0 } else { p[i] };
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| value(a).total_cmp(&value(b)));
    let mut adjusted = vec![1.0; p.len()];
    let mut smallest = 1.0f64;
    for (position, &i) in order.iter().enumerate().rev() {
        smallest = smallest.min(value(i) * p.len() as f64 / (position + 1) as f64);
        adjusted[i] = smallest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The definition: q_i = min over j with p_j >= p_i of p_j n / #(p <= p_j).
        #[test]
        fn it_is_the_definition(p in prop::collection::vec(0.0f64..1.0, 1..40)) {
            let n = p.len() as f64;
            for (&p_i, q) in p.iter().zip(benjamini_hochberg(&p)) {
                let at = |p_j: f64| p_j * n / p.iter().filter(|&&x| x <= p_j).count() as f64;
                let expected = p.iter().filter(|&&x| x >= p_i).map(|&x| at(x)).fold(1.0, f64::min);
                prop_assert!((q - expected).abs() < 1e-15);
            }
        }
    }

    #[test]
    fn missing_p_values_are_not_discoveries() {
        assert_eq!(benjamini_hochberg(&[f64::NAN, 0.1]), [1.0, 0.2]);
    }
}
