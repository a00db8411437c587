//! `grn quickstart`: the main job from end to end on the embedded screen, whose truth is known.

mod summary;

use std::path::PathBuf;

use clap::Args;
use ndarray::{ArrayView1, Axis};

use self::summary::Summary;
use super::cv::{self, Report};
use super::error::CliError;
use super::fit::{self, Outcome};
use super::inputs::{self, Inputs};
use super::load::{LoadedRun, load_run};
use super::plan::{Plan, Work};
use super::predict::cells;
use super::ranker::{Wanted, ranker};
use super::session::Session;
use super::{plot, rank as rank_command, report, score as score_command, simulate as simulate_command};
use crate::data::{CellTable, Condition, Expression, Perturbation, Scale, Screen};
use crate::error::ExitStatus;
use crate::predict::{self, CalibrationMode};
use crate::rank::{self, CandidateSet, Mode, Own, Queries, RankOptions, Ranking};
use crate::run::RunDir;
use crate::score::{self, LogCells, Scorecard};
use crate::simulate::{self, Simulated};
use crate::stats::pearson;

/// A gene of the embedded network that its screen never perturbs.
const UNSEEN: &str = "KDM1A";
/// The model that is fitted.
const MODEL: &str = "grn";
/// What it is compared with, beside the baselines.
const SIMPLER: &str = "graph-kernel";
/// Predicted cells per perturbation, as many as the screen has.
const CELLS: usize = 100;

/// Arguments of `grn quickstart`.
#[derive(Debug, Args)]
#[command(after_help = "Everything lands in one folder (default: runs/quickstart), which is also a run: afterwards
`grn predict --pert KDM1A` and `grn rank` work on it.")]
pub(super) struct QuickstartArgs {}

pub(super) fn run(_: QuickstartArgs, session: &mut Session) -> Result<ExitStatus, CliError> {
    let dir = RunDir::at(session.outdir.clone().unwrap_or_else(|| PathBuf::from("runs/quickstart")));
    if session.plans() {
        let work = Work::embedded();
        let plan = work.sizes(Plan::new("simulate, fit, cross-validate, predict, rank, score and report"));
        if session.plan(&plan.writes(dir.path()).costs(work.quickstart()))? {
            return Ok(ExitStatus::Done);
        }
    }
    session.prepare_outdir(dir.path())?;
    let steps = Steps { session: &session.for_steps(), dir: &dir };
    let say = |text: &str| session.printer.say(text);

    say("1/7 simulating a screen on the embedded stem-cell network");
    let simulated = steps.simulate()?;
    let inputs = steps.inputs(&simulated)?;
    say("2/7 fitting the default model");
    if let Outcome::Interrupted { .. } =
        fit::fit_into(steps.session, &dir, predict::spec(MODEL)?, &inputs, &[], CalibrationMode::Balanced)?
    {
        return Ok(ExitStatus::Interrupted);
    }
    say("3/7 cross-validating it beside the baselines");
    let cv = cv::validate(steps.session, &inputs, &[SIMPLER, MODEL], &dir.join("cv"))?;
    say("4/7 predicting the knockdown of a gene that was never perturbed");
    let run = load_run(steps.session, Some(dir.path()))?;
    let prediction = steps.predict(&run)?;
    say("5/7 ranking the genes that explain its change");
    let ranking = steps.rank(&run, &prediction)?;
    say("6/7 scoring predicted cells against simulated ones");
    let card = steps.score(&simulated, &cv)?;
    say("7/7 drawing and reporting");
    steps.draw(&run)?;
    let report = dir.join("report.html");
    report::write(&run, &[UNSEEN.to_owned()], &report)?;

    let summary = Summary {
        simulated: &simulated,
        cv: &cv,
        prediction: &prediction,
        ranking: &ranking,
        card: &card,
        report: &report,
    };
    session.printer.result(|| summary.json(), || summary.text())?;
    Ok(ExitStatus::Done)
}

/// The predicted change of the unseen knockdown beside the truth and the mean.
pub(super) struct Unseen {
    gene: &'static str,
    truth: Vec<f32>,
    predicted: Vec<f32>,
    mean: Vec<f32>,
    own: usize,
}

impl Unseen {
    /// Correlation of a change with the truth over all genes but the target itself, whose fall needs no model.
    fn r(&self, change: &[f32]) -> f64 {
        let others =
            |x: &[f32]| x.iter().enumerate().filter(|(g, _)| *g != self.own).map(|(_, v)| *v).collect::<Vec<f32>>();
        pearson(&others(change), &others(&self.truth)).unwrap_or(0.0)
    }
}

/// The steps, each leaving its files in the run directory.
struct Steps<'a> {
    session: &'a Session,
    dir: &'a RunDir,
}

impl Steps<'_> {
    fn simulate(&self) -> Result<Simulated, CliError> {
        let simulated = simulate::demo(self.session.seed)?;
        simulate_command::write_screen(&self.dir.join("screen.h5ad"), &simulated, self.session.seed)?;
        Ok(simulated)
    }

    fn inputs(&self, simulated: &Simulated) -> Result<Inputs, CliError> {
        Ok(Inputs {
            table: inputs::pseudobulk_of(&simulated.screen, true, self.session.seed),
            labels: std::collections::HashMap::new(),
            graph: simulate::Wiring::embedded()?.to_graph("embedded"),
            features: Vec::new(),
            feature_files: super::args::FeatureArgs::default(),
            files: Vec::new(),
            source: inputs::EMBEDDED.to_owned(),
            notices: simulated.notices.clone(),
            typed: super::args::ScreenArgs { target_sum: "median".into(), ..Default::default() },
            min_score: 0.0,
            without_channels: Vec::new(),
        })
    }

    fn predict(&self, run: &LoadedRun) -> Result<Unseen, CliError> {
        let truth = simulate::demo_truth_for(self.session.seed, UNSEEN)?.delta;
        let predicted = run.predictor.predict(&Perturbation::of([UNSEEN]))?.delta.mean;
        let mean = run.responses.mean_delta().to_vec();
        let own = run.genes.expect(UNSEEN)?.index();
        let rows = run.genes.names().iter().zip(&truth).map(|(gene, delta)| format!("{gene}\t{delta:.6}\n"));
        fit::write_text(&self.dir.join("signature.tsv"), &("gene\tdelta\n".to_owned() + &rows.collect::<String>()))?;
        Ok(Unseen { gene: UNSEEN, truth, predicted, mean, own })
    }

    fn rank(&self, run: &LoadedRun, unseen: &Unseen) -> Result<Ranking, CliError> {
        let truth = ArrayView1::from(&unseen.truth).insert_axis(Axis(0)).to_owned();
        let queries = Queries::align(&run.genes, &run.genes, vec![unseen.gene.to_owned()], &truth)?;
        let wanted = Wanted { set: &CandidateSet::Genome, calibrated: true, method: None };
        let of_run = ranker(self.session, run, &wanted)?;
        let options = RankOptions { mode: Mode::Knockdown, own: Own::Excluded, ..RankOptions::default() };
        let mut rankings = of_run.ranker.rank(&queries, &of_run.members, &options)?;
        score_command::write(&self.dir.join("ranking.tsv"), |out| rank::write_rankings(&rankings, &options, out))?;
        rank_command::write_why(&self.dir.join("ranking.tsv"), &of_run.ranker, &run.graph, &queries, &rankings)?;
        Ok(rankings.remove(0))
    }

    /// Out-of-fold predictions as cells, by the metrics of cell-eval.
    fn score(&self, simulated: &Simulated, cv: &Report) -> Result<Scorecard, CliError> {
        let Some(predictions) = cv.predictions(MODEL) else {
            return Err(predict::PredictError::NotFitted { model: MODEL.into() }.into());
        };
        let controls = cells::of_screen(&simulated.screen);
        let mut x = controls.counts().clone();
        let mut conditions = vec![Some(Condition::of(Perturbation::control())); x.n_rows()];
        let changes = predictions.perturbations.iter().zip(predictions.delta.axis_iter(Axis(0)));
        for (k, (perturbation, change)) in changes.enumerate() {
            let drawn = controls.draw(change, CELLS, self.session.seed, k as u64);
            (0..CELLS).for_each(|i| {
                let (genes, counts) = drawn.counts.row(i);
                x.push_row(genes.iter().copied().zip(counts.iter().copied()));
                conditions.push(Some(Condition::of(perturbation.clone())));
            });
        }
        controls.normalisation().apply_rows(&mut x);
        let expression = Expression::new(controls.genes().clone(), x, Scale::Log1p)?;
        let predicted = Screen::new(expression, CellTable::new(conditions))?;
        let (pred, real) = (LogCells::new(&predicted)?, LogCells::new(&simulated.screen)?);
        let bar = self.session.printer.bar("scoring", 2 * real.n_blocks() as u64);
        let (pred, real) = (score_command::watched(pred, &bar), score_command::watched(real, &bar));
        let card = score::score(&pred, &real, score::profile("cell-eval")?, &score::ScoreOptions::default())?;
        bar.finish_and_clear();
        let folder = self.dir.join("scores");
        std::fs::create_dir_all(&folder).map_err(|e| crate::io::IoError::write(&folder, e))?;
        score_command::write(&folder.join("results.csv"), |out| score::write_results(&card, out))?;
        score_command::write(&folder.join("agg_results.csv"), |out| score::write_aggregate(&card, out))?;
        Ok(card)
    }

    fn draw(&self, run: &LoadedRun) -> Result<(), CliError> {
        fit::write_text(&self.dir.join("network.svg"), &plot::svg_of_run(run, UNSEEN)?)
    }
}
