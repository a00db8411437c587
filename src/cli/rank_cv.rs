//! `grn rank-cv`.

use std::path::{Path, PathBuf};

use clap::Args;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::args::{FeatureArgs, PriorArgs, ScreenArgs};
use super::covariance;
use super::error::CliError;
use super::inputs;
use super::plan::{Plan, Survey};
use super::score::write;
use super::session::Session;
use crate::data::{Responses, Split};
use crate::error::{ExitStatus, Notice};
use crate::io;
use crate::predict::{self, Predictor, Task};
use crate::rank::{self, CandidateSet, CvOptions, CvOutcome, CvRow, OwnSetting, ScorerSpec};
use crate::train::Silent;

/// Arguments of `grn rank-cv`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  grn rank-cv screen.h5ad --prior string.tsv --outdir ranks
  grn rank-cv effects.h5ad --prior string.tsv --folds folds.tsv --outdir ranks --json")]
pub(super) struct RankCvArgs {
    /// Screen: cells, a pseudobulk or an effect table (default: `data.screen`, else the embedded simulated screen)
    screen: Option<PathBuf>,
    /// Model that predicts the response of every candidate
    #[arg(long, default_value = "grn", value_name = "NAME")]
    model: String,
    /// Scorers beside those of the joint score, `all` for every one
    #[arg(long, value_name = "NAME")]
    method: Vec<String>,
    /// Candidate sets: closed, expressed, genome (default: all three)
    #[arg(long, value_name = "SET", value_delimiter = ',')]
    candidates: Vec<String>,
    /// Fold table (TSV: target_gene, fold), or a number of folds drawn by the seed
    #[arg(long, default_value = "5", value_name = "FILE|N")]
    folds: String,
    /// What may be known of the candidates' own expression: excluded, used, global (the perturbed genes are taken out of
    /// the table; closed set only) (default: all three)
    #[arg(long, value_name = "MODE", value_delimiter = ',')]
    own: Vec<String>,
    #[command(flatten)]
    priors: PriorArgs,
    #[command(flatten)]
    features: FeatureArgs,
    #[command(flatten)]
    screen_options: ScreenArgs,
}

pub(super) fn run(args: RankCvArgs, session: &mut Session) -> Result<ExitStatus, CliError> {
    let spec = predict::spec(&args.model)?;
    let settings = inputs::model_settings(session, spec.name);
    if session.plans() && dry_run(&args, session)? {
        return Ok(ExitStatus::Done);
    }
    let read =
        inputs::read(session, args.screen.as_deref(), &args.screen_options, &args.priors, &args.features, false)?;
    let (responses, graph, features) = (Responses::from_pseudobulk(&read.table)?, read.graph, read.features);
    inputs::check_coverage(&graph, &responses)?;
    let split = split(&args.folds, &responses, session.seed)?;
    let screen = args.screen.clone().or_else(|| session.settings.data.screen.clone());
    let covariance = match &screen {
        Some(path) => covariance::of_file(session, path, &read.typed, &graph)?,
        None => Some(covariance::embedded(session.seed, &graph)?),
    };
    session.printer.say(format!(
        "ranking {} perturbations in {} folds with `{}`",
        responses.len(),
        split.folds.len(),
        spec.name
    ));
    if let Some(dir) = &session.outdir {
        session.prepare_outdir(dir)?;
    }
    let (seed, device) = (session.seed, crate::nn::parse_device(&session.device)?);
    let fit = |train: &Responses| -> Result<Box<dyn Predictor>, predict::PredictError> {
        let mut model = (spec.build)(&settings)?;
        let task = Task {
            responses: train,
            graph: &graph,
            features: &features,
            seed,
            device: &device,
            checkpoint: None,
            resume: false,
        };
        model.fit(&task, &mut Silent)?;
        Ok(model)
    };
    let (sets, scorers, own) =
        (sets(&args.candidates)?, scorers(&args.method)?, own_settings(session, &args.own, &responses)?);
    let bar = session.printer.bar("ranking", 0);
    let options = CvOptions {
        responses: &responses,
        graph: &graph,
        covariance: covariance.as_ref(),
        split: &split,
        sets: &sets,
        scorers: &scorers,
        own: &own,
        seed,
    };
    let outcome = rank::cross_validate(&fit, &options, &mut |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    })?;
    bar.finish_and_clear();
    if let Some(dir) = &session.outdir {
        write_all(dir, &outcome)?;
        session.printer.say(format!("wrote rank_cv.tsv, firsts.tsv and rankings.tsv.gz to {}", dir.display()));
    }
    session.printer.result(|| as_json(&outcome, spec.name), || as_text(&outcome))?;
    Ok(ExitStatus::Done)
}

/// Reads labels and priors, no expression.
fn dry_run(args: &RankCvArgs, session: &Session) -> Result<bool, CliError> {
    let survey = Survey::of(session, args.screen.as_deref(), &args.screen_options, &args.priors)?;
    let (n, folds) = (survey.perturbations().len(), &args.folds);
    let what = format!("rank {n} perturbations of {} with `{}` in folds `{folds}`", survey.source, args.model);
    let cost = survey.work.rank_cv(&args.model, folds.parse().unwrap_or(5));
    session.plan(&survey.sizes(Plan::new(what)).may_write(session.outdir.as_deref()).costs(cost))
}

fn sets(names: &[String]) -> Result<Vec<CandidateSet>, CliError> {
    let all = [CandidateSet::Closed, CandidateSet::Expressed, CandidateSet::Genome];
    if let Some(bad) = names.iter().find(|n| all.iter().all(|s| s.name() != n.as_str())) {
        return Err(CliError::usage("--candidates", "closed, expressed or genome", format!("`{bad}`"), None));
    }
    Ok(all.into_iter().filter(|s| names.is_empty() || names.iter().any(|n| n == s.name())).collect())
}

fn own_settings(session: &Session, names: &[String], responses: &Responses) -> Result<Vec<OwnSetting>, CliError> {
    let all = OwnSetting::ALL;
    if let Some(bad) = names.iter().find(|n| all.iter().all(|s| s.name() != n.as_str())) {
        return Err(CliError::usage("--own", "excluded, used or global", format!("`{bad}`"), None));
    }
    if names.is_empty() && rank::masked(responses).genes.is_empty() {
        let text = "all measured genes are perturbed genes: there is no own-reading mode `global`";
        session.printer.notice(&Notice::new(text));
        return Ok(vec![OwnSetting::Excluded, OwnSetting::Used]);
    }
    Ok(all.into_iter().filter(|s| names.is_empty() || names.iter().any(|n| n == s.name())).collect())
}

/// The scorers of the joint score, then those named.
fn scorers(names: &[String]) -> Result<Vec<&'static ScorerSpec>, CliError> {
    let mut scorers = rank::joint_scorers();
    let all = names.iter().any(|n| n == "all");
    let named: Vec<&'static ScorerSpec> = if all {
        rank::SCORERS.iter().collect()
    } else {
        names.iter().map(|n| rank::scorer(n)).collect::<Result<_, _>>()?
    };
    scorers.extend(named.into_iter().filter(|s| !s.joint));
    Ok(scorers)
}

/// Folds by number, else from a table.
fn split(folds: &str, responses: &Responses, seed: u64) -> Result<Split, CliError> {
    match folds.parse() {
        Ok(k) => Ok(Split::seeded(responses.len(), k, seed)?),
        Err(_) => Ok(Split::from_labels(&responses.perturbations, &io::read_folds(Path::new(folds))?)?),
    }
}

/// `rank_cv.tsv`, `firsts.tsv` (what was said of the first candidate of each query), and the rankings without own reading: `rankings.tsv.gz` over the whole graph, the other sets beside.
fn write_all(dir: &Path, outcome: &CvOutcome) -> Result<(), CliError> {
    write(&dir.join("rank_cv.tsv"), |out| rank::write_metrics(&outcome.rows, out))?;
    write(&dir.join("firsts.tsv"), |out| rank::write_firsts(&outcome.firsts, out))?;
    if !outcome.conditions.is_empty() {
        write(&dir.join("rank_cv.conditions.tsv"), |out| rank::write_metrics(&outcome.conditions, out))?;
    }
    for (set, lists) in &outcome.rankings {
        let name = if *set == "genome" { "rankings.tsv.gz".into() } else { format!("rankings.{set}.tsv.gz") };
        write(&dir.join(name), |out| {
            let mut gz = GzEncoder::new(out, Compression::default());
            rank::write_lists(lists, &mut gz)?;
            gz.finish().map(|_| ())
        })?;
    }
    Ok(())
}

fn as_json(outcome: &CvOutcome, model: &str) -> Value {
    let row = |r: &CvRow| {
        let metrics: serde_json::Map<String, Value> = r.metrics.iter().map(|(n, v)| (n.clone(), json!(v))).collect();
        json!({
            "candidates": r.candidates,
            "own": r.own,
            "scorer": r.scorer,
            "stratum": r.stratum,
            "n_queries": r.n_queries,
            "n_reachable": r.n_reachable,
            "n_candidates": r.n_candidates,
            "metrics": metrics,
            "mrr_interval": r.mrr_interval,
            "calibration_error": r.calibration_error,
            "abstained": r.abstained,
        })
    };
    let calibration = |(fold, c): &(String, rank::Calibration)| json!({ "fold": fold, "weights": c });
    json!({
        "model": model,
        "rows": outcome.rows.iter().map(row).collect::<Vec<_>>(),
        "conditions": outcome.conditions.iter().map(row).collect::<Vec<_>>(),
        "calibration": outcome.calibrations.iter().map(calibration).collect::<Vec<_>>(),
    })
}

/// Metrics shown on the screen; the tables have all.
const SHOWN: [&str; 5] = ["mrr", "relevant_hit@1", "relevant_hit@10", "relevant_hit@40", "recall@10"];

fn as_text(outcome: &CvOutcome) -> String {
    let mut lines = Vec::new();
    for own in OwnSetting::ALL {
        let rows: Vec<&CvRow> = outcome.rows.iter().filter(|r| r.own == own.name()).collect();
        if rows.is_empty() {
            continue;
        }
        lines.push(
            match own {
                OwnSetting::Excluded => "own reading excluded: no score uses the change of the candidate itself",
                OwnSetting::Used => "own reading used: a knocked-down gene gives itself away by its own drop",
                OwnSetting::Global => {
                    "own readings taken out: no perturbed gene is measured, in training or in queries"
                }
            }
            .to_owned(),
        );
        for set in rows.chunk_by(|a, b| a.candidates == b.candidates) {
            lines.extend(set_lines(set));
        }
    }
    lines.join("\n")
}

fn set_lines(rows: &[&CvRow]) -> Vec<String> {
    let line = |name: &str, cells: [String; SHOWN.len()]| {
        format!("  {name:<16}{}", cells.map(|c| format!(" {c:>15}")).concat())
    };
    let of_row = |r: &&CvRow| {
        let value = |name: &str| r.metrics.iter().find(|m| m.0 == name).map_or(f64::NAN, |m| m.1);
        let name = if r.stratum == "all" { r.scorer.to_owned() } else { format!("{}.{}", r.scorer, r.stratum) };
        line(&name, SHOWN.map(|name| format!("{:.4}", value(name))))
    };
    let first = rows[0];
    let head = format!(
        "{}: {} queries ({} with every target among the candidates), {} candidates",
        first.candidates, first.n_queries, first.n_reachable, first.n_candidates
    );
    let calibrated = rows.iter().find(|r| r.scorer == "score" && r.stratum == "all");
    let error = calibrated.and_then(|r| Some((r.calibration_error?, r.abstained?))).map(|(error, [real, null])| {
        format!(
            "  calibration error {error:.3}; \"none of these\" for {:.1} % of the queries, {:.1} % of null changes",
            100.0 * real,
            100.0 * null
        )
    });
    let table = rows.iter().map(of_row);
    [head, line("scorer", SHOWN.map(str::to_owned))].into_iter().chain(table).chain(error).collect()
}
