//! What the quickstart found, with numbers.

use std::path::Path;

use serde_json::{Value, json};

use super::Unseen;
use crate::cli::cv::Report;
use crate::rank::Ranking;
use crate::score::Scorecard;
use crate::simulate::Simulated;

/// Metrics of the score card that the summary shows.
const SHOWN: &[&str] = &["mae", "discrimination_score_l1", "overlap_at_N", "pearson_delta"];

/// Everything the steps found.
pub(super) struct Summary<'a> {
    pub(super) simulated: &'a Simulated,
    pub(super) cv: &'a Report,
    pub(super) prediction: &'a Unseen,
    pub(super) ranking: &'a Ranking,
    pub(super) card: &'a Scorecard,
    pub(super) report: &'a Path,
}

impl Summary<'_> {
    fn rank_of_target(&self) -> Option<f64> {
        self.ranking.rows.iter().find(|r| &*r.gene == self.prediction.gene).map(|r| r.rank)
    }

    fn scores(&self) -> impl Iterator<Item = (&str, f64, f64)> {
        let shown = self.card.rows.iter().filter(|r| SHOWN.contains(&r.metric.name));
        shown.map(|r| (r.metric.name, r.summary.mean, r.baseline))
    }

    /// One JSON object.
    pub(super) fn json(&self) -> Value {
        let p = self.prediction;
        json!({
            "screen": { "cells": self.simulated.screen.expression.n_cells(), "genes": p.truth.len() },
            "cv": self.cv.json(),
            "unseen": { "gene": p.gene, "r_model": p.r(&p.predicted), "r_mean_baseline": p.r(&p.mean) },
            "rank": { "gene": p.gene, "rank": self.rank_of_target(), "n_candidates": self.ranking.n_candidates },
            "scores": self.scores().map(|(name, mean, baseline)| json!({ "metric": name, "mean": mean, "baseline": baseline })).collect::<Vec<_>>(),
            "report": self.report,
        })
    }

    /// The same for people.
    pub(super) fn text(&self) -> String {
        let p = self.prediction;
        let cells = self.simulated.screen.expression.n_cells();
        let n = self.ranking.n_candidates;
        let rank = self.rank_of_target().map_or("not ranked".into(), |r| format!("rank {r:.0} of {n} genes"));
        let scores =
            self.scores().map(|(name, mean, baseline)| format!("  {name:<26} {mean:.4}   baseline {baseline:.4}\n"));
        format!(
            "Simulated screen: {cells} cells x {} genes (not real data; its truth is known)\n\n\
             Knockdowns held out of the fit, {}\n\n\
             {gene} was never knocked down in the screen. Its predicted change follows the true one with r = {:.3}\n\
             (mean of the training knockdowns: r = {:.3}; the target's own fall left out).\n\
             Asked which knockdown causes that change, the ranking puts {gene} at {rank} (own reading left out).\n\n\
             Held-out predictions as cells, by cell-eval's definitions:\n{}\n\
             report: {}",
            p.truth.len(),
            self.cv.text(),
            p.r(&p.predicted),
            p.r(&p.mean),
            scores.collect::<String>(),
            self.report.display(),
            gene = p.gene,
        )
    }
}
