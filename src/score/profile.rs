//! Named sets of metrics with the differential expression they rest on.

use super::{DeOptions, FdrScope, FoldChange, ScoreError};
use crate::stats::PMethod;

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
}

/// Every profile, the default first.
pub const PROFILES: &[Profile] = &[
    Profile {
        name: "cell-eval",
        about: "cell-eval 0.8.2 (pdex 0.3.0) but for pearson_edistance and clustering_agreement",
        metrics: &[
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
        ],
        de: DeOptions { fdr: FdrScope::PerTarget, p: PMethod::Asymptotic, fold_change: FoldChange::Epsilon(0.0) },
    },
    Profile {
        name: "vcc2025",
        about: "the Virtual Cell Challenge 2025 as cell-eval 0.6.6 (pdex 0.1.26) scores it",
        metrics: &["overlap_at_N", "mae", "discrimination_score_l1"],
        de: DeOptions { fdr: FdrScope::Table, p: PMethod::Scipy, fold_change: FoldChange::Clip(20.0) },
    },
];

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
            assert!(super::super::metric(name).is_some(), "{name}");
        }
    }
}
