//! The tests of one gene.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::{Against, DeOptions, Keep, Mean, Test};
use crate::score::LogCells;
use crate::score::log_cells::GeneColumn;
use crate::stats::{Around, PMethod, RankSum, RankSums};

/// What a thread keeps from gene to gene.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    ranks: RankSums,
}

/// One gene: all vectors are by group, the control last.
#[derive(Debug, Default)]
pub(super) struct Tested {
    /// Mean of the values as they are tested.
    pub(super) means: Vec<f64>,
    /// Sum of log1p expression and of expression, where they are needed (else empty).
    pub(super) log_sums: Vec<f64>,
    pub(super) sums: Vec<f64>,
    /// Statistic and p.
    pub(super) tests: Vec<(f64, f64)>,
    /// The control values around the mean profile.
    around: Option<Around>,
    variances: Vec<f64>,
}

/// Tests one gene in all groups.
pub(super) fn test_gene(
    scratch: &mut Scratch,
    column: &GeneColumn,
    cells: &LogCells,
    options: &DeOptions,
    baseline: bool,
) -> Tested {
    let (sizes, control) = (&cells.n_cells, cells.labels.len());
    let (means, variances) = (column.means(sizes), if ranks(options) { Vec::new() } else { variances(column, sizes) });
    let mut around = None;
    let tests = match options.test {
        Test::MannWhitney(method) => {
            scratch.ranks.clear();
            column.entries().for_each(|(group, value)| scratch.ranks.push(group as u32, value));
            let tests = match options.against {
                Against::Control => scratch.ranks.against(sizes, control, method),
                Against::Rest => scratch.ranks.against_rest(sizes),
            };
            let tests = tests.iter().map(|t| (t.u, t.p)).collect();
            around = baseline.then(|| scratch.ranks.around(mean_of_means(&means), control, sizes[control]));
            tests
        }
        Test::Student | Test::Welch => t_tests(&means, &variances, sizes, options),
    };
    let (log_sums, sums) = expression_sums(column, cells, options);
    Tested { means, log_sums, sums, tests, around, variances }
}

fn ranks(options: &DeOptions) -> bool {
    matches!(options.test, Test::MannWhitney(_))
}

/// Otherwise the means say it all.
fn needs_log_sums(cells: &LogCells, options: &DeOptions) -> bool {
    options.mean == Mean::Geometric && (!cells.is_log() || options.against == Against::Rest)
}

fn needs_sums(options: &DeOptions) -> bool {
    options.mean == Mean::Arithmetic || matches!(options.keep, Keep::PooledCpm(_))
}

/// Sums of log1p expression and, where needed, of expression.
fn expression_sums(column: &GeneColumn, cells: &LogCells, options: &DeOptions) -> (Vec<f64>, Vec<f64>) {
    let n = cells.n_cells.len();
    let log = |v: f64| if cells.is_log() { v } else { v.ln_1p() };
    let natural = |v: f64| if cells.is_log() { v.exp_m1() } else { v };
    let log_sums = if needs_log_sums(cells, options) { column.sums(n, log) } else { Vec::new() };
    (log_sums, if needs_sums(options) { column.sums(n, natural) } else { Vec::new() })
}

/// The mean profile of a gene: the plain mean over perturbations and control, as a 32-bit number.
pub(in crate::score) fn mean_of_means(means: &[f64]) -> f32 {
    (means.iter().sum::<f64>() / means.len() as f64) as f32
}

/// Variance per group (divided by n - 1).
fn variances(column: &GeneColumn, sizes: &[usize]) -> Vec<f64> {
    let means = column.means(sizes);
    let mut squares = vec![0.0; sizes.len()];
    let mut non_zero = vec![0usize; sizes.len()];
    for (g, value) in column.entries() {
        squares[g] += (f64::from(value) - means[g]).powi(2);
        non_zero[g] += 1;
    }
    let of = |g: usize| (squares[g] + (sizes[g] - non_zero[g]) as f64 * means[g].powi(2)) / (sizes[g] as f64 - 1.0);
    (0..sizes.len()).map(of).collect()
}

/// Mean, variance and size.
type Sample = (f64, f64, f64);

fn t_tests(means: &[f64], variances: &[f64], sizes: &[usize], options: &DeOptions) -> Vec<(f64, f64)> {
    let sample = |g: usize| (means[g], variances[g], sizes[g] as f64);
    let all = (0..sizes.len()).map(sample).fold((0.0, 0.0, 0.0), pooled);
    let other = |g: usize| match options.against {
        Against::Control => sample(sizes.len() - 1),
        Against::Rest => without(all, sample(g)),
    };
    (0..sizes.len()).map(|g| t_test(sample(g), other(g), options.test == Test::Student)).collect()
}

/// Two samples as one (Chan, Golub and LeVeque 1979); empty ones count for nothing.
fn pooled(a: Sample, b: Sample) -> Sample {
    if a.2 == 0.0 || b.2 == 0.0 {
        return if a.2 == 0.0 { b } else { a };
    }
    let n = a.2 + b.2;
    let squares = |s: Sample| if s.2 > 1.0 { s.1 * (s.2 - 1.0) } else { 0.0 };
    let between = (a.0 - b.0).powi(2) * a.2 * b.2 / n;
    ((a.0 * a.2 + b.0 * b.2) / n, (squares(a) + squares(b) + between) / (n - 1.0), n)
}

/// What is left of a sample without a part of it.
fn without(all: Sample, part: Sample) -> Sample {
    let n = all.2 - part.2;
    if n <= 0.0 || part.2 == 0.0 {
        return if n <= 0.0 { (f64::NAN, f64::NAN, 0.0) } else { all };
    }
    let mean = (all.0 * all.2 - part.0 * part.2) / n;
    let squares = |s: Sample| if s.2 > 1.0 { s.1 * (s.2 - 1.0) } else { 0.0 };
    let between = (mean - part.0).powi(2) * n * part.2 / all.2;
    (mean, (squares(all) - squares(part) - between).max(0.0) / (n - 1.0), n)
}

/// t and its two-sided p; p is 1 where the means are equal or no variance is known, 0 where different values are constant.
fn t_test(a: Sample, b: Sample, equal_variances: bool) -> (f64, f64) {
    let (va, vb) = (a.1 / a.2, b.1 / b.2);
    let (error, freedom) = if equal_variances {
        let variance = ((a.2 - 1.0) * a.1 + (b.2 - 1.0) * b.1) / (a.2 + b.2 - 2.0);
        (variance * (1.0 / a.2 + 1.0 / b.2), a.2 + b.2 - 2.0)
    } else {
        (va + vb, (va + vb).powi(2) / (va * va / (a.2 - 1.0) + vb * vb / (b.2 - 1.0)))
    };
    let t = (a.0 - b.0) / error.sqrt();
    let p = match StudentsT::new(0.0, 1.0, freedom) {
        Ok(student) if t.is_finite() => 2.0 * student.sf(t.abs()),
        _ => f64::from(u8::from(!t.is_infinite())),
    };
    (if t.is_nan() { 0.0 } else { t }, p.min(1.0))
}

impl Tested {
    /// The same gene where every cell of every perturbation has the value of the mean profile.
    pub(super) fn of_mean_profile(&self, cells: &LogCells, options: &DeOptions) -> Self {
        let (sizes, control) = (&cells.n_cells, cells.labels.len());
        let value = f64::from(mean_of_means(&self.means));
        let fill = |of_control: &[f64], of_copy: &dyn Fn(f64) -> f64| -> Vec<f64> {
            let Some(&last) = of_control.last() else { return Vec::new() };
            sizes[..control].iter().map(|&n| of_copy(n as f64)).chain([last]).collect()
        };
        let log = if cells.is_log() { value } else { value.ln_1p() };
        let natural = if cells.is_log() { value.exp_m1() } else { value };
        let means = fill(&self.means, &|_| value);
        let variances = fill(&self.variances, &|_| 0.0);
        let method = if let Test::MannWhitney(method) = options.test { method } else { PMethod::default() };
        let tests = match self.around {
            Some(around) => sizes.iter().map(|&n| around.test(n, method)).map(|RankSum { u, p }| (u, p)).collect(),
            None => t_tests(&means, &variances, sizes, options),
        };
        Self {
            tests,
            log_sums: fill(&self.log_sums, &|n| n * log),
            sums: fill(&self.sums, &|n| n * natural),
            means,
            around: None,
            variances,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t_tests_agree_with_scipy() {
        // scipy.stats.ttest_ind([1.5, 2, 4, 3.5], [0, 0, 1, 0.5, 0, 2.5], equal_var=...), scipy 1.17.
        let (a, b) = ((2.75, 1.416_666_666_666_666_7, 4.0), (2.0 / 3.0, 0.966_666_666_666_666_7, 6.0));
        let t = |equal: bool, t: f64, p: f64| {
            let got = t_test(a, b, equal);
            assert!((got.0 - t).abs() < 1e-12 && (got.1 / p - 1.0).abs() < 1e-9, "{got:?}");
        };
        t(true, 3.028_912_664_076_913_5, 0.016_336_414_972_879_86);
        t(false, 2.902_271_626_328_575_5, 0.029_214_800_680_054_99);
        assert_eq!(t_test((1.0, 0.0, 5.0), (1.0, 0.0, 5.0), false), (0.0, 1.0));
        assert_eq!(t_test((2.0, 0.0, 5.0), (1.0, 0.0, 5.0), false).1, 0.0);
    }

    #[test]
    fn a_part_is_taken_out_of_a_pool() {
        let (a, b) = ((2.0, 1.5, 7.0), (3.5, 0.5, 4.0));
        let left = without(pooled(a, b), b);
        assert!((left.0 - a.0).abs() < 1e-12 && (left.1 - a.1).abs() < 1e-12 && left.2 == 7.0);
    }
}
