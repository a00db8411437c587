//! The registry of metrics: one file per metric or family; cell-eval's as version 0.8.2 defines them.
//!
//! A prediction that is the truth reaches the best value of its direction, but for these: `npds_cosine` reaches 1 / N;
//! areas, correlations and shares over significant genes are missing, 0 or NaN where a perturbation has none (or, for
//! areas, only such); correlations are NaN over constants; ranks lose where two perturbations have the same mean profile;
//! `overlap_at_*` and `precision_at_*` are 0 without a significant gene.

mod auc;
mod clustering_agreement;
mod components;
mod delta_error;
mod direction_match;
mod discrimination;
mod edistance;
mod error;
mod mae_top;
mod mmd;
mod n_significant;
mod norm_matched;
mod npds;
mod overlap;
mod pairs;
mod pearson_delta;
mod precision;
mod rank;
mod recall;
mod rmse;
mod sinkhorn;
mod spearman_lfc;
mod spearman_sig;
mod systema;
mod top20;
mod vcc2026_calls;
mod vcc2026_direction;
mod vcc2026_discrimination;
mod vcc2026_distance;
mod vcc2026_fold_change;
mod weighted;

pub(super) use self::vcc2026_fold_change::relative_error;

use super::{Comparison, ScoreError, Side, Summary};

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
    /// Whether it compares cell with cell: all cells are then held in memory, and time grows with the pairs of them.
    pub of_cells: bool,
    /// Evaluates it; one number for all perturbations is repeated.
    pub evaluate: Evaluate,
    /// Its value over all perturbations, where that is not their mean.
    pub aggregate: Option<Aggregate>,
}

const SHARE: (f64, f64) = (0.0, 1.0);
const CORRELATION: (f64, f64) = (-1.0, 1.0);
const UP_TO_ONE: (f64, f64) = (f64::NEG_INFINITY, 1.0);
const POSITIVE: (f64, f64) = (0.0, f64::INFINITY);

const fn one(
    name: &'static str,
    about: &'static str,
    range: (f64, f64),
    unit: &'static str,
    evaluate: Evaluate,
) -> Metric {
    Metric {
        name,
        about,
        best: Best::One,
        range,
        unit,
        needs: Needs::Means,
        of_cells: false,
        evaluate,
        aggregate: None,
    }
}

const fn zero(name: &'static str, about: &'static str, unit: &'static str, evaluate: Evaluate) -> Metric {
    Metric {
        name,
        about,
        best: Best::Zero,
        range: POSITIVE,
        unit,
        needs: Needs::Means,
        of_cells: false,
        evaluate,
        aggregate: None,
    }
}

const fn count(name: &'static str, about: &'static str, evaluate: Evaluate) -> Metric {
    Metric {
        name,
        about,
        best: Best::None,
        range: POSITIVE,
        unit: "genes",
        needs: Needs::Tests,
        of_cells: false,
        evaluate,
        aggregate: None,
    }
}

impl Metric {
    /// The same metric with other bounds.
    const fn within(mut self, range: (f64, f64)) -> Self {
        self.range = range;
        self
    }

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

    /// The same metric, which compares cell with cell.
    const fn between_cells(mut self) -> Self {
        self.of_cells = true;
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
const NORM_MATCHED: &str = "1 - k / (N - 1), k truths nearer than the own after scaling to the real norm";
const TOP: &str = "mean absolute error over the real genes that change most in counts";
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
        "pearson_edistance",
        "correlation of energy distances to the control",
        CORRELATION,
        "r",
        edistance::correlation,
    )
    .between_cells(),
    one(
        "clustering_agreement",
        "adjusted mutual information of the clusters of mean profiles",
        SHARE,
        "information",
        clustering_agreement::evaluate,
    ),
    zero("npds_cosine", "rank of the own truth by cosine / N; lower is better, random is (N + 1) / 2N", "share", |c| {
        Ok(npds::evaluate(c))
    })
    .within(SHARE),
    zero("mae_top_2000", TOP, "log1p", |c| mae_top::evaluate(c, 2000)),
    zero("mae_top_50", TOP, "log1p", |c| mae_top::evaluate(c, 50)),
    one(
        "systema_pearson_delta",
        "correlation of changes against the average perturbation",
        CORRELATION,
        "r",
        systema::all_genes,
    ),
    one(
        "systema_pearson_delta_top20",
        "the same over the 20 genes that shift most",
        CORRELATION,
        "r",
        systema::top_genes,
    ),
    one(
        "systema_centroid_accuracy",
        "share of other truths farther than the own",
        SHARE,
        "share",
        rank::centroid_accuracy,
    ),
    zero("weighted_mse", "squared error weighted by specificity", "log1p squared", weighted::squared_error),
    one(
        "weighted_r2_delta",
        "explained share of changes against the average perturbation, weighted by specificity",
        UP_TO_ONE,
        "R2",
        weighted::r2_delta,
    ),
    one("pds_l1_norm_matched", NORM_MATCHED, SHARE, "share", norm_matched::l1),
    one("pds_l2_norm_matched", NORM_MATCHED, SHARE, "share", norm_matched::l2),
    one(
        "pds_cosine_mid_rank",
        "1 - k / (N - 1), k truths of higher cosine than the own",
        SHARE,
        "share",
        norm_matched::cosine,
    ),
    zero("perturbench_rmse", "root mean squared error of mean expression", "log1p", rmse::evaluate),
    zero("perturbench_rank_rmse", "share of predictions nearer than the own; random is about 0.5", "share", |c| {
        Ok(rank::by_rmse(c))
    })
    .within(SHARE),
    zero("perturbench_rank_cosine", "share of predictions of higher cosine than the own", "share", |c| {
        Ok(rank::by_cosine(c))
    })
    .within(SHARE),
    zero("gears_mse_top20", "mean squared error over the 20 genes that shift most", "log1p squared", top20::mse),
    one("gears_pearson_top20", "correlation of means over these genes", CORRELATION, "r", top20::pearson),
    one("gears_pearson_delta_top20", "correlation of changes over these genes", CORRELATION, "r", top20::pearson_delta),
    one(
        "gears_correct_direction_top20",
        "share of these genes with the right sign",
        SHARE,
        "share",
        top20::correct_direction,
    ),
    zero(
        "gears_opposite_direction_top20",
        "share of these genes with the opposite sign",
        "share",
        top20::opposite_direction,
    )
    .within(SHARE),
    zero("edistance", "energy distance of predicted and real cells", "log1p", edistance::to_real).between_cells(),
    zero("mmd_linear", "squared distance of means (linear kernel)", "log1p squared", mmd::linear),
    zero("mmd_rbf", "maximum mean discrepancy, radial kernel, gamma 1, on components", "kernel", mmd::radial)
        .within((0.0, 2.0))
        .between_cells(),
    zero("sinkhorn_divergence", "transport between cells on components", "log1p squared", sinkhorn::evaluate)
        .between_cells(),
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

/// Number of other perturbations.
fn others(c: &Comparison, metric: &'static str) -> Result<f64, ScoreError> {
    if c.n_labels() > 1 {
        return Ok((c.n_labels() - 1) as f64);
    }
    let label = c.labels.first().cloned().unwrap_or_default();
    let (expected, got) = ("two perturbations or more", format!("{}", c.n_labels()));
    Err(ScoreError::Undefined { metric, label, expected, got })
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
