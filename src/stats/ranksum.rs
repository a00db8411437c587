//! Rank-sum tests of many groups of values at once: one sort of all values, one walk over them.

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

/// Result of a two-sided Mann-Whitney U test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankSum {
    /// U of the group: pairs (group, other) where the group's value is larger, ties counted one half.
    pub u: f64,
    /// Two-sided p-value.
    pub p: f64,
}

/// Key of a zero: above all keys of negative values, below all of positive ones.
const ZERO: u32 = 1 << 31;

/// The non-zero values of many groups, and what a walk over them in order needs.
///
/// Mann and Whitney (1947), mid-ranks, variance corrected for ties, continuity correction 0.5. All values are sorted once
/// by a radix sort and every group is tested in the same walk, so that n values of any number of groups cost O(n).
/// Zeros are never stored: a group has as many as its size says.
#[derive(Debug, Default)]
pub struct RankSums {
    /// Order of the value in the upper half, group in the lower.
    keys: Vec<u64>,
    spare: Vec<u64>,
    groups: Vec<Tally>,
    touched: Vec<u32>,
    result: Vec<RankSum>,
}

/// Of one group.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    /// Non-zero values.
    n: u64,
    /// Values in the run of equal ones that is being walked over.
    in_run: u64,
    /// Twice the pairs won against the reference, or twice the sum of ranks.
    twice: u64,
    /// Sum of t^3 - t over ties with the reference, beyond the reference's own.
    ties: u128,
}

/// Reference values around one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Around {
    below: u64,
    equal: u64,
    all: u64,
    ties: u128,
}

impl RankSums {
    /// Forgets all values, keeps the memory.
    pub fn clear(&mut self) {
        self.keys.clear();
    }

    /// Adds a value other than zero; neither NaN nor infinite.
    pub fn push(&mut self, group: u32, value: f32) {
        debug_assert!(value != 0.0 && value.is_finite());
        self.keys.push(u64::from(key(value)) << 32 | u64::from(group));
    }

    /// Tests every group against group `reference`; `sizes` are the numbers of values per group, zeros included. The
    /// entry of the reference itself means nothing.
    ///
    /// p is 1 where all values are equal or a group is empty. O(n + groups).
    pub fn against(&mut self, sizes: &[usize], reference: usize, method: PMethod) -> &[RankSum] {
        self.prepare(sizes.len());
        let zeros: Vec<u64> = sizes.iter().zip(&self.groups).map(|(&size, g)| size as u64 - g.n).collect();
        let (mut below, mut reference_ties) = (0u64, 0u128);
        let mut walk = Walk::new(&self.keys);
        while let Some(run) = walk.next_run() {
            let equal = match run {
                Run::Zeros => zeros[reference],
                // Most values occur once: no ties to look for.
                Run::Values(&[key]) if group_of(key) == reference => {
                    below += 1;
                    continue;
                }
                Run::Values(&[key]) => {
                    self.groups[group_of(key)].twice += 2 * below;
                    continue;
                }
                Run::Values(keys) => count_groups(keys, &mut self.groups, &mut self.touched)[reference].in_run,
            };
            let meet = |tally: &mut Tally, count: u64| {
                tally.twice += count * (2 * below + equal);
                tally.ties += tie(count + equal) - tie(equal);
            };
            match run {
                Run::Zeros => self.groups.iter_mut().zip(&zeros).for_each(|(g, &count)| meet(g, count)),
                Run::Values(_) => {
                    for &g in &self.touched {
                        let tally = &mut self.groups[g as usize];
                        let count = std::mem::take(&mut tally.in_run);
                        meet(tally, count);
                    }
                }
            }
            reference_ties += tie(equal);
            below += equal;
        }
        let n2 = sizes[reference] as u64;
        let test = |(g, &size): (&Tally, &usize)| rank_sum(g.twice, reference_ties + g.ties, size as u64, n2, method);
        self.result.clear();
        self.result.extend(self.groups.iter().zip(sizes).map(test));
        &self.result
    }

    /// Tests every group against all other groups together (normal approximation). O(n + groups).
    pub fn against_rest(&mut self, sizes: &[usize]) -> &[RankSum] {
        self.prepare(sizes.len());
        let zeros: Vec<u64> = sizes.iter().zip(&self.groups).map(|(&size, g)| size as u64 - g.n).collect();
        let (mut below, mut ties) = (0u64, 0u128);
        let mut walk = Walk::new(&self.keys);
        while let Some(run) = walk.next_run() {
            // Twice the mid-rank of t equal values after `below` smaller ones is 2 below + t + 1.
            let equal = match run {
                Run::Zeros => zeros.iter().sum(),
                Run::Values(keys) => keys.len() as u64,
            };
            let twice_rank = 2 * below + equal + 1;
            match run {
                Run::Zeros => self.groups.iter_mut().zip(&zeros).for_each(|(g, &n)| g.twice += n * twice_rank),
                Run::Values(keys) => keys.iter().for_each(|&k| self.groups[group_of(k)].twice += twice_rank),
            }
            ties += tie(equal);
            below += equal;
        }
        let all: u64 = sizes.iter().map(|&n| n as u64).sum();
        let test = |(g, &size): (&Tally, &usize)| {
            let n1 = size as u64;
            rank_sum(g.twice - n1 * (n1 + 1), ties, n1, all - n1, PMethod::Asymptotic)
        };
        self.result.clear();
        self.result.extend(self.groups.iter().zip(sizes).map(test));
        &self.result
    }

    /// The `n` values of group `reference` around `value`, for [`Around::test`]. Only after [`Self::against`]. O(n).
    pub fn around(&self, value: f32, reference: usize, n: usize) -> Around {
        let (mut below, mut equal, mut non_zero) = (0, 0, 0);
        for (k, count) in self.keys.iter().filter(|&&k| group_of(k) == reference).map(|k| ((k >> 32) as u32, 1)) {
            non_zero += count;
            below += if k < key(value) { count } else { 0 };
            equal += if k == key(value) { count } else { 0 };
        }
        let zeros = n as u64 - non_zero;
        below += if value > 0.0 { zeros } else { 0 };
        equal += if value == 0.0 { zeros } else { 0 };
        Around { below, equal, all: n as u64, ties: self.own_ties(reference, zeros) }
    }

    fn own_ties(&self, group: usize, zeros: u64) -> u128 {
        let mut values = self.keys.iter().filter(|&&k| group_of(k) == group).map(|k| k >> 32).peekable();
        let mut ties = tie(zeros);
        while let Some(first) = values.next() {
            let mut n = 1;
            while values.next_if_eq(&first).is_some() {
                n += 1;
            }
            ties += tie(n);
        }
        ties
    }

    fn prepare(&mut self, n_groups: usize) {
        sort(&mut self.keys, &mut self.spare);
        self.groups.clear();
        self.groups.resize(n_groups, Tally::default());
        self.keys.iter().for_each(|&k| self.groups[group_of(k)].n += 1);
    }
}

impl Around {
    /// Tests `n` copies of the value against the reference.
    pub fn test(self, n: usize, method: PMethod) -> RankSum {
        let n = n as u64;
        let ties = self.ties - tie(self.equal) + tie(self.equal + n);
        rank_sum(n * (2 * self.below + self.equal), ties, n, self.all, method)
    }
}

fn group_of(key: u64) -> usize {
    (key & u64::from(u32::MAX)) as usize
}

/// Bits whose order as integers is the order of the values.
fn key(value: f32) -> u32 {
    let bits = value.to_bits();
    if value == 0.0 {
        ZERO
    } else if bits & ZERO == 0 {
        bits | ZERO
    } else {
        !bits
    }
}

/// Counts the groups of a run of equal values; `touched` are those that occur.
fn count_groups<'a>(keys: &[u64], groups: &'a mut [Tally], touched: &mut Vec<u32>) -> &'a [Tally] {
    touched.clear();
    for &key in keys {
        let tally = &mut groups[group_of(key)];
        if tally.in_run == 0 {
            touched.push(group_of(key) as u32);
        }
        tally.in_run += 1;
    }
    groups
}

/// Goes over sorted keys by runs of equal values, the zeros in their place.
struct Walk<'a> {
    keys: &'a [u64],
    zeros_passed: bool,
}

#[derive(Clone, Copy)]
enum Run<'a> {
    Zeros,
    Values(&'a [u64]),
}

impl<'a> Walk<'a> {
    fn new(keys: &'a [u64]) -> Self {
        Self { keys, zeros_passed: false }
    }

    fn next_run(&mut self) -> Option<Run<'a>> {
        let value = self.keys.first().map(|k| k >> 32);
        if !self.zeros_passed && value.is_none_or(|v| v > u64::from(ZERO)) {
            self.zeros_passed = true;
            return Some(Run::Zeros);
        }
        let value = value?;
        let n = self.keys.iter().take_while(|&&k| k >> 32 == value).count();
        let (run, rest) = self.keys.split_at(n);
        self.keys = rest;
        Some(Run::Values(run))
    }
}

/// Below this many keys a comparison sort is faster.
const FEW: usize = 256;
/// Bits per pass of the radix sort: three passes over the upper half of a key.
const DIGITS: [(u32, u32); 3] = [(32, 11), (43, 11), (54, 10)];

/// Sorts by the upper half of the keys. O(n).
fn sort(keys: &mut Vec<u64>, spare: &mut Vec<u64>) {
    if keys.len() < FEW {
        keys.sort_unstable();
        return;
    }
    spare.clear();
    spare.resize(keys.len(), 0);
    for (shift, bits) in DIGITS {
        let digit = |key: u64| (key >> shift) as usize & ((1 << bits) - 1);
        let mut starts = [0u32; 1 << 11];
        keys.iter().for_each(|&k| starts[digit(k)] += 1);
        if starts[digit(keys[0])] as usize == keys.len() {
            continue;
        }
        let mut start = 0;
        for count in &mut starts[..1 << bits] {
            (start, *count) = (start + *count, start);
        }
        for &key in &*keys {
            let at = &mut starts[digit(key)];
            spare[*at as usize] = key;
            *at += 1;
        }
        std::mem::swap(keys, spare);
    }
}

fn rank_sum(twice_u: u64, ties: u128, n1: u64, n2: u64, method: PMethod) -> RankSum {
    let u = twice_u as f64 / 2.0;
    let p = match method {
        PMethod::Asymptotic => asymptotic_p(u, ties, n1, n2),
        PMethod::Scipy if ties == 0 && n1.min(n2) <= 8 => exact_p(twice_u / 2, n1, n2),
        PMethod::Scipy => single_precision_p(u, ties, n1, n2),
    };
    RankSum { u, p }
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
        filled(&[group, reference]).against(&[group.len(), reference.len()], 1, method)[0]
    }

    fn filled(groups: &[&[f32]]) -> RankSums {
        let mut sums = RankSums::default();
        for (g, values) in groups.iter().enumerate() {
            values.iter().filter(|&&v| v != 0.0).for_each(|&v| sums.push(g as u32, v));
        }
        sums
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
        fn groups_are_tested_together_as_alone(x in values(1..400), y in values(1..20), r in values(1..400)) {
            let mut sums = filled(&[&x, &r, &y]);
            let got = sums.against(&[x.len(), r.len(), y.len()], 1, PMethod::Asymptotic).to_vec();
            prop_assert_eq!(got[0], test(&x, &r, PMethod::Asymptotic));
            prop_assert_eq!(got[2], test(&y, &r, PMethod::Asymptotic));
            let rest: Vec<f32> = r.iter().chain(&y).copied().collect();
            let got = sums.against_rest(&[x.len(), r.len(), y.len()])[0];
            prop_assert_eq!(got, test(&x, &rest, PMethod::Asymptotic));
        }

        #[test]
        fn copies_of_a_value_are_tested_as_a_group(value in values(1..2), n in 1usize..30, r in values(1..300)) {
            let mut sums = filled(&[&[], &r]);
            sums.against(&[0, r.len()], 1, PMethod::Asymptotic);
            let got = sums.around(value[0], 1, r.len()).test(n, PMethod::Asymptotic);
            prop_assert_eq!(got, test(&vec![value[0]; n], &r, PMethod::Asymptotic));
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
