//! The rank-sum test of many small groups against one large reference.

/// How the p-value is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PMethod {
    /// Normal approximation with tie and continuity correction, always.
    #[default]
    Asymptotic,
    /// What `scipy.stats.mannwhitneyu` does with 32-bit values: exact where a group has at most 8 values and there are no
    /// ties, else the normal approximation with variance, z and p in single precision.
    Scipy,
}

/// Values as (value, how many), ascending, distinct: zeros are one entry however many there are.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Runs {
    runs: Vec<(f32, u32)>,
}

impl Runs {
    /// Runs of `n` values of which `non_zero` are given (sorted here) and the rest are zero. O(k log k) in the given.
    pub fn new(non_zero: &mut [f32], n: usize) -> Self {
        let mut runs = Self::default();
        runs.refill(non_zero, n);
        runs
    }

    /// `n` equal values.
    pub fn constant(value: f32, n: usize) -> Self {
        Self { runs: vec![(value, n as u32)] }
    }

    /// Replaces the content, keeping the memory.
    pub fn refill(&mut self, non_zero: &mut [f32], n: usize) {
        non_zero.sort_unstable_by(f32::total_cmp);
        self.runs.clear();
        let zeros = (n - non_zero.len()) as u32;
        let positive = non_zero.partition_point(|&v| v < 0.0);
        non_zero[..positive].iter().for_each(|&v| self.push(v, 1));
        self.push(0.0, zeros);
        non_zero[positive..].iter().for_each(|&v| self.push(v, 1));
    }

    fn push(&mut self, value: f32, count: u32) {
        match self.runs.last_mut() {
            Some((last, n)) if *last == value => *n += count,
            _ if count > 0 => self.runs.push((value, count)),
            _ => {}
        }
    }

    /// Number of values.
    pub fn n(&self) -> u64 {
        self.runs.iter().map(|&(_, n)| u64::from(n)).sum()
    }
}

/// The reference group of a test, sorted once for all groups that are compared with it.
#[derive(Debug, Clone)]
pub struct Reference {
    values: Vec<f32>,
    /// Number of reference values below each distinct value; one entry more than `values`.
    below: Vec<u64>,
    /// Sum of t^3 - t over its own ties.
    ties: u128,
}

/// Result of a two-sided Mann-Whitney U test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankSum {
    /// U of the group: pairs (group, reference) where the group's value is larger, ties counted one half.
    pub u: f64,
    /// Two-sided p-value.
    pub p: f64,
}

impl Reference {
    /// Sorted values of the reference group.
    pub fn new(runs: &Runs) -> Self {
        let mut below = vec![0];
        for &(_, n) in &runs.runs {
            below.push(below[below.len() - 1] + u64::from(n));
        }
        let ties = runs.runs.iter().map(|&(_, n)| tie(u64::from(n))).sum();
        Self { values: runs.runs.iter().map(|r| r.0).collect(), below, ties }
    }

    /// Number of values.
    pub fn n(&self) -> u64 {
        self.below[self.values.len()]
    }

    /// Tests a group against the reference (Mann and Whitney 1947; mid-ranks, continuity correction 0.5).
    ///
    /// p is 1 where all values are equal or a group is empty. O(r log n) for r distinct values in the group and n in the
    /// reference: the reference is never sorted or walked again.
    pub fn test(&self, group: &Runs, method: PMethod) -> RankSum {
        let (mut twice_u, mut ties, mut n1) = (0u64, self.ties, 0u64);
        for &(value, count) in &group.runs {
            let at = self.values.partition_point(|&v| v < value);
            let equal = if self.values.get(at) == Some(&value) { self.below[at + 1] - self.below[at] } else { 0 };
            let count = u64::from(count);
            twice_u += count * (2 * self.below[at] + equal);
            ties += tie(count + equal) - tie(equal);
            n1 += count;
        }
        let (u, n2) = (twice_u as f64 / 2.0, self.n());
        let p = match method {
            PMethod::Asymptotic => asymptotic_p(u, ties, n1, n2),
            PMethod::Scipy if ties == 0 && n1.min(n2) <= 8 => exact_p(twice_u / 2, n1, n2),
            PMethod::Scipy => single_precision_p(u, ties, n1, n2),
        };
        RankSum { u, p }
    }
}

fn tie(t: u64) -> u128 {
    let t = u128::from(t);
    t * t * t - t
}

/// 2 Phi(-z), z = (max(U, n1 n2 - U) - n1 n2 / 2 - 0.5) / sd.
fn asymptotic_p(u: f64, ties: u128, n1: u64, n2: u64) -> f64 {
    let (n1, n2) = (n1 as f64, n2 as f64);
    let n = n1 + n2;
    let variance = n1 * n2 / 12.0 * ((n + 1.0) - ties as f64 / (n * (n - 1.0)));
    if variance.is_nan() || variance <= 0.0 {
        return 1.0;
    }
    let z = (u.max(n1 * n2 - u) - n1 * n2 / 2.0 - 0.5) / variance.sqrt();
    libm::erfc(z / std::f64::consts::SQRT_2).min(1.0)
}

/// The same with scipy's roundings to 32 bits.
fn single_precision_p(u: f64, ties: u128, n1: u64, n2: u64) -> f64 {
    let (n1, n2) = (n1 as f64, n2 as f64);
    let n = n1 + n2;
    let tie_term = ties as f32 / (n * (n - 1.0)) as f32;
    let variance = (n1 * n2 / 12.0) as f32 * ((n + 1.0) as f32 - tie_term);
    if variance.is_nan() || variance <= 0.0 {
        return 1.0;
    }
    let z = (u.max(n1 * n2 - u) - n1 * n2 / 2.0 - 0.5) as f32 / variance.sqrt();
    f64::from(libm::erfc(f64::from(z) / std::f64::consts::SQRT_2).min(1.0) as f32)
}

/// 2 P(U <= the smaller U) without ties, at most 1.
///
/// The number of arrangements with a given U is a coefficient of the Gaussian binomial
/// prod_i (1 - x^(n + i)) / (1 - x^i), built up to that degree factor by factor. O(m U) time for the smaller size m.
fn exact_p(u: u64, n1: u64, n2: u64) -> f64 {
    let (m, n) = (n1.min(n2) as usize, n1.max(n2) as usize);
    if m == 0 {
        return 1.0;
    }
    let degree = u.min(n1 * n2 - u) as usize;
    let mut ways = vec![0.0f64; degree + 1];
    ways[0] = 1.0;
    let mut total = 1.0f64;
    for i in 1..=m {
        for k in (n + i..=degree).rev() {
            ways[k] -= ways[k - n - i];
        }
        for k in i..=degree {
            ways[k] += ways[k - i];
        }
        total *= (n + i) as f64 / i as f64;
    }
    (2.0 * ways.iter().sum::<f64>() / total).min(1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn test(group: &[f32], reference: &[f32], method: PMethod) -> RankSum {
        let runs = |x: &[f32]| {
            let mut non_zero: Vec<f32> = x.iter().copied().filter(|&v| v != 0.0).collect();
            Runs::new(&mut non_zero, x.len())
        };
        Reference::new(&runs(reference)).test(&runs(group), method)
    }

    /// U by counting all pairs.
    fn u_by_pairs(x: &[f32], y: &[f32]) -> f64 {
        let wins = |a: f32, b: f32| f64::from(u8::from(a > b)) + 0.5 * f64::from(u8::from(a == b));
        x.iter().flat_map(|&a| y.iter().map(move |&b| wins(a, b))).sum()
    }

    /// Two-sided p by trying every way to choose the group from the pooled (distinct) values.
    fn p_by_enumeration(x: &[f32], y: &[f32]) -> f64 {
        let pooled: Vec<f32> = x.iter().chain(y).copied().collect();
        let largest = |u: f64| u.max((x.len() * y.len()) as f64 - u);
        let observed = largest(u_by_pairs(x, y));
        let (mut all, mut extreme) = (0.0, 0.0);
        for mask in 0u32..1 << pooled.len() {
            if mask.count_ones() as usize == x.len() {
                let pick = |inside: bool| -> Vec<f32> {
                    (0..pooled.len()).filter(|i| (mask >> i & 1 == 1) == inside).map(|i| pooled[i]).collect()
                };
                all += 1.0;
                extreme += f64::from(u8::from(u_by_pairs(&pick(true), &pick(false)) >= observed));
            }
        }
        f64::min(1.0, 2.0 * extreme / all)
    }

    #[test]
    fn it_agrees_with_scipy() {
        // scipy.stats.mannwhitneyu(x, y, method=...), scipy 1.17.
        let t = |x: &[f32], y: &[f32], method, u: f64, p: f64| {
            let got = test(x, y, method);
            assert_eq!(got.u, u);
            assert!((got.p / p - 1.0).abs() < 1e-12, "{} against {p}", got.p);
        };
        let (x, y) = ([1.0, 0.0, 2.0, 0.0, 3.0], [0.0, 0.0, 0.0, 1.0, 0.5, 0.0, 0.0]);
        t(&x, &y, PMethod::Asymptotic, 25.5, 0.173_460_868_804_637_62);
        let (x, y) = ([5.5, 3.5, 9.0], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        t(&x, &y, PMethod::Asymptotic, 14.0, 0.245_278_116_806_772_8);
        t(&x, &y, PMethod::Scipy, 14.0, 0.261_904_761_904_761_86);
        let (x, y): (Vec<f32>, Vec<f32>) =
            ((200..240).map(|i| i as f32).collect(), (0..200).map(|i| i as f32).collect());
        t(&x, &y, PMethod::Asymptotic, 8000.0, 1.902_934_754_936_267e-23);
    }

    #[test]
    fn constant_and_empty_groups_have_p_one() {
        assert_eq!(test(&[2.0, 2.0], &[2.0; 5], PMethod::Asymptotic), RankSum { u: 5.0, p: 1.0 });
        assert_eq!(test(&[0.0; 3], &[0.0; 5], PMethod::Scipy), RankSum { u: 7.5, p: 1.0 });
        assert_eq!(test(&[], &[0.0, 1.0], PMethod::Scipy).p, 1.0);
    }

    /// Values on a coarse grid, so that zeros, ties and negative values are common.
    fn values(n: std::ops::Range<usize>) -> impl Strategy<Value = Vec<f32>> {
        prop::collection::vec((-2i32..5).prop_map(|k| if k < 0 && k > -2 { 0.0 } else { k as f32 / 2.0 }), n)
    }

    proptest! {
        #[test]
        fn u_is_the_number_of_pairs_won(x in values(1..20), y in values(1..20)) {
            prop_assert_eq!(test(&x, &y, PMethod::Asymptotic).u, u_by_pairs(&x, &y));
        }

        #[test]
        fn p_uses_the_textbook_variance(x in values(1..20), y in values(1..20)) {
            let pooled: Vec<f32> = x.iter().chain(&y).copied().collect();
            let (n1, n2, n) = (x.len() as f64, y.len() as f64, pooled.len() as f64);
            // Variance of a rank sum = n1 n2 / (n (n - 1)) x sum of squared deviations of the mid-ranks.
            let ranks = crate::stats::average_ranks(&pooled);
            let squares: f64 = ranks.iter().map(|&r| (f64::from(r) - f64::midpoint(n, 1.0)).powi(2)).sum();
            let got = test(&x, &y, PMethod::Asymptotic);
            let z = ((got.u - n1 * n2 / 2.0).abs() - 0.5) / (n1 * n2 / (n * (n - 1.0)) * squares).sqrt();
            let expected = if squares == 0.0 { 1.0 } else { libm::erfc(z / 2f64.sqrt()).min(1.0) };
            prop_assert!((got.p - expected).abs() < 1e-9 * expected, "{} {}", got.p, expected);
        }

        #[test]
        fn exact_p_is_the_enumeration(mut all in prop::collection::btree_set(1u32..1000, 2..12), k in 1usize..8) {
            let x: Vec<f32> = (0..k.min(all.len() - 1)).filter_map(|_| all.pop_last()).map(|v| v as f32 % 97.0 + v as f32 / 1e4).collect();
            let y: Vec<f32> = all.iter().map(|&v| v as f32 % 97.0 + v as f32 / 1e4).collect();
            let (got, expected) = (test(&x, &y, PMethod::Scipy).p, p_by_enumeration(&x, &y));
            prop_assert!((got - expected).abs() < 1e-12, "{got} {expected}");
        }
    }
}
