//! Named sets of metrics with the differential expression they rest on.

use super::{DeOptions, FdrScope, FoldChange, Metric, ScoreError, Test, metric};
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
    /// What predicted perturbations are compared with.
    pub controls: Controls,
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
    about: "cell-eval 0.8.2 (pdex 0.3.0), but for pearson_edistance and clustering_agreement",
    metrics: FULL,
    de: DeOptions::CELL_EVAL,
    controls: Controls::Pred,
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
];

/// Every profile, the default first.
pub const PROFILES: &[Profile] = &[
    CELL_EVAL,
    Profile {
        name: "vcc2025",
        about: "the Virtual Cell Challenge 2025 as cell-eval 0.6.6 (pdex 0.1.26) scores it",
        metrics: &["overlap_at_N", "mae", "discrimination_score_l1"],
        de: DE_2025,
        controls: Controls::Pred,
    },
];

impl Profile {
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
