//! Named sets of metrics with the differential expression they rest on.

use super::resample::mean_response;
use super::{
    DeOptions, FdrScope, FoldChange, Keep, LogCells, Mean, Metric, Needs, Scaling, ScoreError, Side, Test, Units,
    metric, relative_to_baseline,
};
use crate::data::Scale;
use crate::stats::PMethod;

/// With which cell-eval2 draws the cells of the baseline.
const BASELINE_SEED: u64 = 0;

/// A set of metrics that belong together.
#[derive(Debug, Clone, Copy)]
pub struct Profile {
    /// Name on the command line.
    pub name: &'static str,
    /// One line for help and reports.
    pub about: &'static str,
    /// Names of its metrics, in the order of the columns.
    pub metrics: &'static [&'static str],
    /// How genes are tested.
    pub de: DeOptions,
    /// What predicted perturbations are compared with.
    pub controls: Controls,
    /// What is made of the cells.
    pub preparation: Preparation,
    /// What a metric's score is relative to; with nothing here, as `cell-eval score` has it.
    pub scaling: &'static [Scaling],
}

/// What is made of the cells.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Preparation {
    /// Means of log1p expression, on which genes are tested too; the baseline is the mean profile.
    MeanLog1p,
    /// Raw counts are required. log1p of this total times the share of each gene in summed counts, with the sampling
    /// variance of that; genes are tested on counts per million. The baseline is the mean response.
    Counts(f64),
}

/// The control cells that predicted perturbations are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Controls {
    /// Those of the real file.
    Real,
    /// Those of the predicted file.
    Pred,
}

/// Tests of cell-eval 0.6.6 (pdex 0.1.26).
const DE_2025: DeOptions = DeOptions {
    test: Test::MannWhitney(PMethod::Scipy),
    fold_change: FoldChange::Clip(20.0),
    fdr: FdrScope::Table,
    ..DeOptions::CELL_EVAL
};

const CELL_EVAL: Profile = Profile {
    name: "cell-eval",
    about: "cell-eval 0.8.2 (pdex 0.3.0)",
    metrics: FULL,
    de: DeOptions::CELL_EVAL,
    controls: Controls::Pred,
    preparation: Preparation::MeanLog1p,
    scaling: &[],
};

/// Tests of cell-eval2 0.20.0 with the preset vcc2026.
const DE_2026: DeOptions = DeOptions {
    mean: Mean::Arithmetic,
    fold_change: FoldChange::Epsilon(1e-9),
    keep: Keep::ReferenceMean(5.0),
    ..DeOptions::CELL_EVAL
};

/// Several contexts are scored one by one: a file for each.
const VCC2026: Profile = Profile {
    name: "vcc2026",
    about: "the Virtual Cell Challenge 2026 as cell-eval2 0.20.0 scores one context; raw counts only",
    metrics: &[
        "pds_cosine",
        "expr_mse_unbiased_capped_norm",
        "de_wilcoxon_direction_fidelity_yield_raw",
        "de_wilcoxon_direction_reach_raw",
        "de_wilcoxon_sig_jaccard",
        "de_wilcoxon_lfc_nmae",
        "expr_mse_unbiased_capped",
        "expr_mse_unbiased",
        "expr_distance_unbiased",
    ],
    de: DE_2026,
    controls: Controls::Real,
    preparation: Preparation::Counts(5e4),
    scaling: Scaling::VCC2026,
};

const FULL: &[&str] = &[
    "overlap_at_N",
    "overlap_at_50",
    "overlap_at_100",
    "overlap_at_200",
    "overlap_at_500",
    "precision_at_N",
    "precision_at_50",
    "precision_at_100",
    "precision_at_200",
    "precision_at_500",
    "de_spearman_sig",
    "de_direction_match",
    "de_spearman_lfc_sig",
    "de_sig_genes_recall",
    "de_nsig_counts_real",
    "de_nsig_counts_pred",
    "pr_auc",
    "roc_auc",
    "pearson_delta",
    "mse",
    "mae",
    "mse_delta",
    "mae_delta",
    "discrimination_score_l1",
    "discrimination_score_l2",
    "discrimination_score_cosine",
    "pearson_edistance",
    "clustering_agreement",
];

const MINIMAL: &[&str] = &[
    "overlap_at_N",
    "precision_at_N",
    "de_nsig_counts_real",
    "de_nsig_counts_pred",
    "pearson_delta",
    "mse",
    "mae",
    "discrimination_score_l1",
];

const VCC: &[&str] = &["overlap_at_N", "mae", "discrimination_score_l1"];

const EXTENDED: &[&str] = &[
    "systema_pearson_delta",
    "systema_pearson_delta_top20",
    "systema_centroid_accuracy",
    "weighted_mse",
    "weighted_r2_delta",
    "pds_l1_norm_matched",
    "pds_l2_norm_matched",
    "pds_cosine_mid_rank",
    "perturbench_rmse",
    "perturbench_rank_rmse",
    "perturbench_rank_cosine",
    "gears_mse_top20",
    "gears_pearson_top20",
    "gears_pearson_delta_top20",
    "gears_correct_direction_top20",
    "gears_opposite_direction_top20",
    "edistance",
    "mmd_linear",
    "mmd_rbf",
    "sinkhorn_divergence",
];

/// Metrics of differential expression, then those of expression: the order of cell-eval's columns.
const N_OF_TESTS: usize = 18;

/// Every profile, the default first.
pub const PROFILES: &[Profile] = &[
    CELL_EVAL,
    Profile {
        name: "vcc2025",
        about: "the Virtual Cell Challenge 2025 as cell-eval 0.6.6 (pdex 0.1.26) scores it",
        metrics: &["overlap_at_N", "mae", "discrimination_score_l1"],
        de: DE_2025,
        controls: Controls::Pred,
        preparation: Preparation::MeanLog1p,
        scaling: &[],
    },
    Profile { name: "full", about: "another name of cell-eval", ..CELL_EVAL },
    Profile { name: "cell-eval-minimal", about: "cell-eval's profile `minimal`", metrics: MINIMAL, ..CELL_EVAL },
    Profile { name: "cell-eval-vcc", about: "cell-eval's profile `vcc`", metrics: VCC, ..CELL_EVAL },
    Profile {
        name: "cell-eval-de",
        about: "cell-eval's profile `de`: differential expression",
        metrics: FULL.split_at(N_OF_TESTS).0,
        ..CELL_EVAL
    },
    Profile {
        name: "cell-eval-anndata",
        about: "cell-eval's profile `anndata`: expression",
        metrics: FULL.split_at(N_OF_TESTS).1,
        ..CELL_EVAL
    },
    Profile {
        name: "cell-eval-pds",
        about: "cell-eval's profile `pds`",
        metrics: &["discrimination_score_l1"],
        ..CELL_EVAL
    },
    Profile {
        name: "vcc2025-minimal",
        about: "profile `minimal` of cell-eval 0.6.6 (pdex 0.1.26)",
        metrics: MINIMAL,
        de: DE_2025,
        ..CELL_EVAL
    },
    Profile {
        name: "vcc2025-full",
        about: "every metric of cell-eval 0.6.6 (pdex 0.1.26)",
        metrics: FULL,
        de: DE_2025,
        ..CELL_EVAL
    },
    Profile {
        name: "course",
        about: "overlap of significant genes, nPDS (lower is better), error over the 2,000 genes that change most",
        metrics: &["overlap_at_N", "npds_cosine", "mae_top_2000"],
        controls: Controls::Real,
        ..CELL_EVAL
    },
    Profile {
        name: "extended",
        about: "Systema, Diversity by design, norm-matched discrimination, PerturBench, GEARS, distances of cells",
        metrics: EXTENDED,
        controls: Controls::Real,
        ..CELL_EVAL
    },
    VCC2026,
];

impl Profile {
    /// Prepares cells for its metrics.
    ///
    /// # Errors
    /// [`crate::data::DataError::Temporary`].
    pub fn prepare(&self, cells: &LogCells, needs: Needs) -> Result<Side, ScoreError> {
        match self.preparation {
            Preparation::MeanLog1p => Side::of_cells(cells, &self.de, needs),
            Preparation::Counts(total) => Side::of_counts(cells, total, &self.de, needs),
        }
    }

    /// Prepares real cells and the baseline.
    pub(super) fn prepare_with_baseline(&self, real: &LogCells, needs: Needs) -> Result<[Side; 2], ScoreError> {
        if self.preparation == Preparation::MeanLog1p {
            return Side::of_cells_and_baseline(real, &self.de, needs);
        }
        let response = mean_response(&real.clone().in_units(Units::AsStored), BASELINE_SEED)?;
        Ok([self.prepare(real, needs)?, self.prepare(&response, needs)?])
    }

    /// Refuses log1p expression where counts are needed.
    pub(super) fn check(&self, cells: &LogCells, side: &'static str) -> Result<(), ScoreError> {
        let counts_needed = self.preparation != Preparation::MeanLog1p && cells.scale() != Scale::Counts;
        if counts_needed { Err(ScoreError::CountsNeeded { profile: self.name, side }) } else { Ok(()) }
    }

    /// Where a score lies between the baseline (0) and `one` (1); `None` for metrics that do not count.
    pub fn position(&self, metric: &Metric, score: f64, baseline: f64, one: Option<f64>) -> Option<f64> {
        if self.scaling.is_empty() {
            return if one.is_none() { relative_to_baseline(score, baseline, metric.best) } else { None };
        }
        let scaling = self.scaling.iter().find(|scaling| scaling.metric == metric.name)?;
        Some(scaling.position(score, baseline, one.unwrap_or(scaling.perfect)))
    }

    /// Its metrics: all, or those of `only`, without those of `skip`.
    ///
    /// # Errors
    /// [`ScoreError::UnknownMetric`] for a name that is not among them.
    pub fn select(&self, only: &[String], skip: &[String]) -> Result<Vec<&'static Metric>, ScoreError> {
        let known = |name: &&String| !self.metrics.contains(&name.as_str());
        if let Some(name) = only.iter().chain(skip).find(known) {
            return Err(ScoreError::UnknownMetric { name: name.clone(), known: self.metrics.join(", ") });
        }
        let chosen =
            |name: &&&str| (only.is_empty() || only.iter().any(|o| o == **name)) && !skip.iter().any(|s| s == **name);
        Ok(self.metrics.iter().filter(chosen).filter_map(|name| metric(name)).collect())
    }
}

/// The profile of this name.
///
/// # Errors
/// [`ScoreError::UnknownProfile`] with the names there are.
pub fn profile(name: &str) -> Result<&'static Profile, ScoreError> {
    PROFILES.iter().find(|p| p.name == name).ok_or_else(|| ScoreError::UnknownProfile {
        name: name.to_owned(),
        known: PROFILES.iter().map(|p| p.name).collect::<Vec<_>>().join(", "),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_of_every_profile_is_registered() {
        for name in PROFILES.iter().flat_map(|p| p.metrics) {
            assert!(metric(name).is_some(), "{name}");
        }
    }

    #[test]
    fn metrics_are_chosen_by_name() {
        let names = |only: &[&str], skip: &[&str]| -> Option<Vec<&str>> {
            let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
            let chosen = PROFILES[1].select(&owned(only), &owned(skip)).ok()?;
            Some(chosen.iter().map(|m| m.name).collect())
        };
        assert_eq!(names(&[], &["mae"]).unwrap(), ["overlap_at_N", "discrimination_score_l1"]);
        assert_eq!(names(&["mae"], &[]).unwrap(), ["mae"]);
        assert_eq!(names(&["mea"], &[]), None);
    }
}
