//! `--gi`: scores of genetic interaction.

use serde_json::{Value, json};

use super::Predicted;
use crate::cli::error::CliError;
use crate::cli::load::LoadedRun;
use crate::cli::session::Session;
use crate::data::Perturbation;
use crate::error::Notice;
use crate::predict::{CalibrationMode, GeneticInteraction, PredictError};

/// Scores of one pair.
pub(super) struct PairScores {
    pub(super) pair: Perturbation,
    /// `predicted`, or `measured` where the screen has the pair and both singles.
    source: &'static str,
    scores: GeneticInteraction,
}

impl PairScores {
    pub(super) fn json(&self) -> Value {
        let score = |s: &crate::predict::Score| {
            (s.name.to_owned(), json!({ "value": s.value, "low95": s.low, "high95": s.high }))
        };
        let scores: serde_json::Map<String, Value> = self.scores.scores.iter().map(score).collect();
        json!({ "source": self.source, "n_genes": self.scores.n_genes, "scores": scores })
    }
}

/// Scores of every pair, predicted and, where it was, measured.
pub(super) fn scores(
    session: &Session,
    run: &LoadedRun,
    predicted: &[Predicted],
    mode: CalibrationMode,
) -> Result<Vec<PairScores>, CliError> {
    let mut all = Vec::new();
    for p in predicted {
        let [first, second] = p.perturbation.targets() else {
            let text = format!("{}: interactions are scored for pairs, such as `--pert A+B`", p.perturbation);
            session.printer.notice(&Notice::new(text));
            continue;
        };
        let (a, b) = (single(run, first, mode)?, single(run, second, mode)?);
        let mut add = |source, changes: [&[f32]; 3]| match GeneticInteraction::of(
            &p.perturbation,
            &run.genes,
            changes,
            session.seed,
        ) {
            Some(scores) => all.push(PairScores { pair: p.perturbation.clone(), source, scores }),
            None => session.printer.notice(&Notice::new(format!(
                "{} ({source}): the changes of both singles are proportional, no interaction can be scored",
                p.perturbation
            ))),
        };
        add("predicted", [&a, &b, &p.delta]);
        let measured = |q: &Perturbation| {
            run.responses.perturbations.iter().position(|r| r == q).map(|i| run.responses.delta.row(i).to_vec())
        };
        let alone = |target: &str| measured(&Perturbation::of([target]));
        if let (Some(a), Some(b), Some(both)) = (alone(first), alone(second), measured(&p.perturbation)) {
            add("measured", [&a, &b, &both]);
        }
    }
    Ok(all)
}

fn single(run: &LoadedRun, target: &str, mode: CalibrationMode) -> Result<Vec<f32>, PredictError> {
    match &run.calibration {
        Some(calibration) => calibration.single(&*run.predictor, &run.graph, target, mode),
        None => Ok(run.predictor.predict(&Perturbation::of([target]))?.delta.mean),
    }
}

pub(super) fn tsv(all: &[PairScores]) -> String {
    let mut out = String::from("perturbation\tsource\tscore\tvalue\tlow95\thigh95\tn_genes\n");
    for pair in all {
        for s in &pair.scores.scores {
            let (name, n) = (&pair.pair, pair.scores.n_genes);
            out.push_str(&format!(
                "{name}\t{}\t{}\t{:.6}\t{:.6}\t{:.6}\t{n}\n",
                pair.source, s.name, s.value, s.low, s.high
            ));
        }
    }
    out
}

pub(super) fn tables(all: &[PairScores]) -> String {
    let table = |pair: &PairScores| {
        let n = pair.scores.n_genes;
        let mut out = format!("\n{}: interaction, {}, {n} genes [95 % over genes]\n", pair.pair, pair.source);
        for s in &pair.scores.scores {
            out.push_str(&format!("{:<16}{:>8.3}  [{:.3}, {:.3}]\n", s.name, s.value, s.low, s.high));
        }
        out
    };
    all.iter().map(table).collect()
}
