//! The registry of metrics: one file per metric, as cell-eval 0.8.2 defines them.

mod auc;
mod delta_error;
mod direction_match;
mod discrimination;
mod error;
mod n_significant;
mod overlap;
mod pearson_delta;
mod precision;
mod recall;
mod spearman_lfc;
mod spearman_sig;
mod vcc2026_calls;
mod vcc2026_direction;
mod vcc2026_discrimination;
mod vcc2026_distance;
mod vcc2026_fold_change;

pub(super) use self::vcc2026_fold_change::relative_error;

use super::{Comparison, ScoreError, Summary};

/// The value a perfect prediction reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Best {
    /// Higher is better, 1 is perfect.
    One,
    /// Lower is better, 0 is perfect.
    Zero,
    /// Neither: a count.
    None,
}

/// What a metric needs of both files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needs {
    /// Means.
    Means,
    /// Differential expression as well.
    Tests,
}

/// One value per perturbation; `None` where the metric is not defined for it.
pub type Values = Vec<Option<f64>>;

/// A metric as a function.
pub type Evaluate = fn(&Comparison) -> Result<Values, ScoreError>;

/// A value over all perturbations.
type Aggregate = fn(&Comparison) -> Result<f64, ScoreError>;

/// A metric in the registry.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Its column name.
    pub name: &'static str,
    /// One line for reports.
    pub about: &'static str,
    /// Direction.
    pub best: Best,
    /// Smallest and largest possible value.
    pub range: (f64, f64),
    /// Unit.
    pub unit: &'static str,
    /// What it needs.
    pub needs: Needs,
    /// Evaluates it; one number for all perturbations is repeated.
    pub evaluate: Evaluate,
    /// Its value over all perturbations, where that is not their mean.
    pub aggregate: Option<Aggregate>,
}

const SHARE: (f64, f64) = (0.0, 1.0);
const CORRELATION: (f64, f64) = (-1.0, 1.0);
const POSITIVE: (f64, f64) = (0.0, f64::INFINITY);

const fn one(
    name: &'static str,
    about: &'static str,
    range: (f64, f64),
    unit: &'static str,
    evaluate: Evaluate,
) -> Metric {
    Metric { name, about, best: Best::One, range, unit, needs: Needs::Means, evaluate, aggregate: None }
}

const fn zero(name: &'static str, about: &'static str, unit: &'static str, evaluate: Evaluate) -> Metric {
    Metric { name, about, best: Best::Zero, range: POSITIVE, unit, needs: Needs::Means, evaluate, aggregate: None }
}

const fn count(name: &'static str, about: &'static str, evaluate: Evaluate) -> Metric {
    Metric {
        name,
        about,
        best: Best::None,
        range: POSITIVE,
        unit: "genes",
        needs: Needs::Tests,
        evaluate,
        aggregate: None,
    }
}

impl Metric {
    /// The same metric, which may be negative.
    const fn signed(mut self) -> Self {
        self.range.0 = f64::NEG_INFINITY;
        self
    }

    /// The same metric, which needs differential expression.
    const fn of_tests(mut self) -> Self {
        self.needs = Needs::Tests;
        self
    }

    /// Its values over all perturbations.
    ///
    /// # Errors
    /// Whatever the metric says.
    pub fn summarise(&self, c: &Comparison, values: &[Option<f64>]) -> Result<Summary, ScoreError> {
        let summary = Summary::new(values);
        Ok(match self.aggregate {
            Some(aggregate) => summary.with_mean(aggregate(c)?),
            None => summary,
        })
    }
}

const OVERLAP: &str = "share of the real significant genes with the largest fold change that are predicted (DES)";
const PRECISION: &str = "share of the predicted significant genes that are real";
const PDS: &str = "1 - rank of the own truth among all truths / N (PDS); random is (N + 1) / 2N";

/// Every metric there is.
pub const METRICS: &[Metric] = &[
    one("overlap_at_N", OVERLAP, SHARE, "share", |c| overlap::evaluate(c, None)).of_tests(),
    one("overlap_at_50", OVERLAP, SHARE, "share", |c| overlap::evaluate(c, Some(50))).of_tests(),
    one("overlap_at_100", OVERLAP, SHARE, "share", |c| overlap::evaluate(c, Some(100))).of_tests(),
    one("overlap_at_200", OVERLAP, SHARE, "share", |c| overlap::evaluate(c, Some(200))).of_tests(),
    one("overlap_at_500", OVERLAP, SHARE, "share", |c| overlap::evaluate(c, Some(500))).of_tests(),
    one("precision_at_N", PRECISION, SHARE, "share", |c| precision::evaluate(c, None)).of_tests(),
    one("precision_at_50", PRECISION, SHARE, "share", |c| precision::evaluate(c, Some(50))).of_tests(),
    one("precision_at_100", PRECISION, SHARE, "share", |c| precision::evaluate(c, Some(100))).of_tests(),
    one("precision_at_200", PRECISION, SHARE, "share", |c| precision::evaluate(c, Some(200))).of_tests(),
    one("precision_at_500", PRECISION, SHARE, "share", |c| precision::evaluate(c, Some(500))).of_tests(),
    one(
        "de_spearman_sig",
        "correlation of the numbers of significant genes",
        CORRELATION,
        "rho",
        spearman_sig::evaluate,
    )
    .of_tests(),
    one(
        "de_direction_match",
        "share of real significant genes with the right sign",
        SHARE,
        "share",
        direction_match::evaluate,
    )
    .of_tests(),
    one(
        "de_spearman_lfc_sig",
        "correlation of fold changes over real significant genes",
        CORRELATION,
        "rho",
        spearman_lfc::evaluate,
    )
    .of_tests(),
    one(
        "de_sig_genes_recall",
        "share of real significant genes that are predicted significant",
        SHARE,
        "share",
        recall::evaluate,
    )
    .of_tests(),
    count("de_nsig_counts_real", "real significant genes", n_significant::real),
    count("de_nsig_counts_pred", "predicted significant genes", n_significant::predicted),
    one("pr_auc", "average precision of predicted significance", SHARE, "area", auc::precision_recall).of_tests(),
    one("roc_auc", "ROC area of predicted significance", SHARE, "area", auc::roc).of_tests(),
    one("pearson_delta", "correlation of changes against the control", CORRELATION, "r", pearson_delta::evaluate),
    zero("mse", "mean squared error of mean expression", "log1p squared", error::squared),
    zero("mae", "mean absolute error of mean expression", "log1p", error::absolute),
    zero("mse_delta", "mean squared error of changes", "log1p squared", delta_error::squared),
    zero("mae_delta", "mean absolute error of changes", "log1p", delta_error::absolute),
    one("discrimination_score_l1", PDS, SHARE, "share", |c| discrimination::evaluate(c, discrimination::l1)),
    one("discrimination_score_l2", PDS, SHARE, "share", |c| discrimination::evaluate(c, discrimination::l2)),
    one("discrimination_score_cosine", PDS, SHARE, "share", |c| discrimination::evaluate(c, discrimination::cosine)),
    one(
        "pds_cosine",
        "1 - rank of the own truth among the others by cosine, without target genes; random is 0.5",
        SHARE,
        "share",
        vcc2026_discrimination::evaluate,
    ),
    Metric {
        aggregate: Some(vcc2026_distance::relative),
        ..zero(
            "expr_mse_unbiased_capped_norm",
            "squared error without noise over squared effect without noise; 1 is the control as prediction",
            "share",
            vcc2026_distance::of_no_label,
        )
        .signed()
    },
    zero(
        "expr_mse_unbiased_capped",
        "mean squared error less its noise, what the prediction may claim of it bounded",
        "log1p squared",
        vcc2026_distance::capped,
    )
    .signed(),
    zero("expr_mse_unbiased", "mean squared error less its noise", "log1p squared", vcc2026_distance::uncapped)
        .signed(),
    Metric {
        best: Best::None,
        ..zero(
            "expr_distance_unbiased",
            "mean squared real effect less its noise",
            "log1p squared",
            vcc2026_distance::effect,
        )
        .signed()
    },
    one(
        "de_wilcoxon_direction_fidelity_yield_raw",
        "predicted significant genes with the real sign, over the larger number of significant genes",
        SHARE,
        "share",
        vcc2026_direction::fidelity_yield,
    )
    .of_tests(),
    one(
        "de_wilcoxon_direction_reach_raw",
        "share of the real significant genes down to which, by predicted confidence, 90 % of the signs are right",
        SHARE,
        "share",
        vcc2026_direction::reach,
    )
    .of_tests(),
    one(
        "de_wilcoxon_sig_jaccard",
        "significant genes of both over those of either",
        SHARE,
        "share",
        vcc2026_calls::jaccard,
    )
    .of_tests(),
    zero(
        "de_wilcoxon_lfc_nmae",
        "error of fold changes of real significant genes relative to their size; 1 is no change as prediction",
        "share",
        vcc2026_fold_change::evaluate,
    )
    .of_tests(),
];

/// The metric of this name.
pub fn metric(name: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|m| m.name == name)
}

/// One value per perturbation.
fn per_label(c: &Comparison, value: impl Fn(usize) -> Option<f64>) -> Result<Values, ScoreError> {
    Ok((0..c.n_labels()).map(value).collect())
}

/// Mean over genes of a function of the difference of two matrices, n_labels x n_genes each.
fn mean_over_genes(
    pred: &ndarray::Array2<f64>,
    real: &ndarray::Array2<f64>,
    term: fn(f64) -> f64,
) -> Result<Values, ScoreError> {
    let rows = pred.outer_iter().zip(real.outer_iter());
    Ok(rows.map(|(p, r)| Some(p.iter().zip(r).map(|(x, y)| term(x - y)).sum::<f64>() / p.len() as f64)).collect())
}
