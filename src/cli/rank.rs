//! `grn rank`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use ndarray::{Array2, Axis};
use serde_json::{Value, json};

use super::args::ScreenArgs;
use super::error::CliError;
use super::inputs;
use super::load::{LoadedRun, load_run};
use super::score::write;
use super::session::Session;
use crate::data::{GeneIndex, Responses};
use crate::error::{ExitStatus, Notice};
use crate::io::{self, IoError};
use crate::predict::{self, PredictError, Predictor, Task};
use crate::rank::{self, Calibration, CandidateSet, Candidates, Mode, Model, Own, Queries, RankOptions, Ranking};
use crate::train::Silent;

/// Arguments of `grn rank`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  grn rank --signature change.tsv
  grn rank --run runs/mine --signature queries.h5ad --candidates expressed -o ranking.tsv
  grn rank --treated cells.h5ad --control-pert DMSO --mode inhibition --top 50")]
pub(super) struct RankArgs {
    /// Run of `grn fit` (default: the newest under runs/)
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Change of expression: TSV or CSV of gene and value, or an h5ad with one query per row
    #[arg(long, value_name = "FILE", required_unless_present = "treated", conflicts_with = "treated")]
    signature: Option<PathBuf>,
    /// Treated and control cells: every condition but the control is a query
    #[arg(long, value_name = "FILE")]
    treated: Option<PathBuf>,
    /// What may have been done to the gene, relative to the perturbations of the run
    #[arg(long, value_enum, default_value_t = ModeArg::Knockdown)]
    mode: ModeArg,
    /// Whether the change of the candidate itself counts
    #[arg(long, value_enum, default_value_t = OwnArg::Excluded)]
    own: OwnArg,
    /// Genes that are ranked: closed (perturbed in the run), expressed (measured and in the graph), genome (all of the
    /// graph), or a file with one gene per line
    #[arg(long, default_value = "genome", value_name = "SET|FILE")]
    candidates: String,
    /// Candidates kept per query in the output (default: all with -o, 10 on the screen)
    #[arg(long, value_name = "N")]
    top: Option<usize>,
    /// Do not fit the weights of the scorers: rank by likelihood alone, with uncalibrated probabilities
    #[arg(long)]
    no_calibration: bool,
    /// Table to write (TSV)
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    screen_options: ScreenArgs,
}

/// `--mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ModeArg {
    /// The same as in the run
    Knockdown,
    /// Less activity, whatever the expression: knockdown without the own reading
    Inhibition,
    /// The opposite
    Activation,
    /// Either
    Any,
}

/// `--own`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OwnArg {
    /// No score uses the change of the candidate itself
    Excluded,
    /// A candidate that falls is more likely
    Used,
}

impl RankArgs {
    fn options(&self) -> RankOptions {
        let mode = match self.mode {
            ModeArg::Knockdown => Mode::Knockdown,
            ModeArg::Inhibition => Mode::Inhibition,
            ModeArg::Activation => Mode::Activation,
            ModeArg::Any => Mode::Any,
        };
        let own = if self.own == OwnArg::Used { Own::Used } else { Own::Excluded };
        RankOptions { mode, own, top: self.top }
    }

    fn candidates(&self) -> Result<CandidateSet, CliError> {
        Ok(match self.candidates.as_str() {
            "closed" => CandidateSet::Closed,
            "expressed" => CandidateSet::Expressed,
            "genome" => CandidateSet::Genome,
            file => CandidateSet::List(read_list(Path::new(file))?),
        })
    }
}

pub(super) fn run(args: RankArgs, session: &mut Session) -> Result<ExitStatus, CliError> {
    let run = load_run(session, args.run.as_deref())?;
    let options = args.options();
    let queries = read_queries(session, &args, &run.genes)?;
    let candidates = Candidates::new(&args.candidates()?, &run.responses, &run.graph)?;
    session.printer.say(format!("ranking {} candidates for {} queries", candidates.len(), queries.len()));
    if session.dry_run {
        return Ok(ExitStatus::Done);
    }
    let calibration = if args.no_calibration { Calibration::none() } else { calibrate(session, &run)? };
    if calibration.n_queries == 0 {
        let why = if args.no_calibration { "by request" } else { "there are too few training perturbations" };
        session.printer.notice(&Notice::new(format!("probabilities are not calibrated: {why}")));
    }
    let model =
        Model { predictor: &*run.predictor, responses: &run.responses, graph: &run.graph, calibration: &calibration };
    let rankings = rank::rank(&model, &queries, &candidates, &options)?;
    if let Some(path) = &args.output {
        write(path, |out| rank::write_rankings(&rankings, &options, out))?;
        session.printer.say(format!("wrote {}", path.display()));
    }
    let shown = args.top.unwrap_or(10);
    session
        .printer
        .result(|| as_json(&rankings, &options, &args.candidates, shown), || as_text(&rankings, &options, shown))?;
    Ok(ExitStatus::Done)
}

/// Model whose left-out predictions teach the weights of the scorers. Fitting the network three times more for a handful
/// of weights would take most of a minute, and what it adds to this model is small, often nothing.
const CALIBRATOR: &str = "graph-kernel";

/// Weights of the scorers from the training perturbations of the run, each left out of the fit that answers it.
pub(super) fn calibrate(session: &Session, run: &LoadedRun) -> Result<Calibration, CliError> {
    let corrected = ["gears", "grn"].contains(&run.predictor.name());
    let spec = predict::spec(if corrected { CALIBRATOR } else { run.predictor.name() })?;
    let settings = inputs::model_settings(session, spec.name);
    let device = crate::nn::parse_device(&session.device)?;
    let seed = run.manifest.seed;
    session.printer.say("calibrating on training perturbations left out in folds");
    let fit = |train: &Responses| -> Result<Box<dyn Predictor>, PredictError> {
        let mut model = (spec.build)(&settings)?;
        let (graph, features, device) = (&run.graph, &run.features, &device);
        let task = Task { responses: train, graph, features, seed, device, checkpoint: None, resume: false };
        model.fit(&task, &mut Silent)?;
        Ok(model)
    };
    Ok(rank::calibrate(&fit, &run.responses, &run.graph, seed)?)
}

fn read_queries(session: &Session, args: &RankArgs, genes: &Arc<GeneIndex>) -> Result<Queries, CliError> {
    let path = args.signature.as_ref().or(args.treated.as_ref());
    let Some(path) = path else {
        return Err(CliError::usage("nothing to rank", "`--signature FILE` or `--treated FILE`", "neither", None));
    };
    let is_text = args.treated.is_none() && !path.extension().is_some_and(|e| e.eq_ignore_ascii_case("h5ad"));
    let queries = if is_text { read_signature(path, genes)? } else { read_table(session, args, path, genes)? };
    let shared = queries.known.iter().filter(|k| **k).count();
    if shared < genes.len() {
        let text =
            format!("{}: {shared} of the {} genes of the run; the others play no part", path.display(), genes.len());
        session.printer.notice(&Notice::new(text));
    }
    Ok(queries)
}

/// One query per condition of an h5ad: cells against their controls, or effects as they are.
fn read_table(session: &Session, args: &RankArgs, path: &Path, genes: &Arc<GeneIndex>) -> Result<Queries, CliError> {
    let options = args.screen_options.options()?;
    let pseudobulk = args.screen_options.pseudobulk(false, session.seed)?;
    let read = io::read_table(path, &options, &pseudobulk, &mut |_, _| {})?;
    read.notices.iter().for_each(|n| session.printer.notice(n));
    let responses = Responses::from_pseudobulk(&read.table)?;
    let names = responses.perturbations.iter().map(ToString::to_string).collect();
    Ok(Queries::align(genes, &responses.genes, names, &responses.delta)?)
}

/// A table of gene and value, separated by tabs or commas, with or without a header; `#` begins a comment.
fn read_signature(path: &Path, genes: &GeneIndex) -> Result<Queries, CliError> {
    let text = std::fs::read_to_string(path).map_err(|e| IoError::read(path, e))?;
    let (mut names, mut values) = (Vec::new(), Vec::new());
    let lines = text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty() && !l.starts_with('#'));
    for (position, (line, row)) in lines.enumerate() {
        let fields: Vec<&str> = row.split(['\t', ',']).map(|f| f.trim().trim_matches('"')).collect();
        match (fields.first(), fields.get(1).and_then(|v| v.parse::<f32>().ok())) {
            (Some(gene), Some(value)) => {
                names.push((*gene).to_owned());
                values.push(value);
            }
            _ if position == 0 && fields.len() > 1 => {}
            _ => {
                let element = format!("line {}", line + 1);
                return Err(IoError::format(path, element, "a gene and a number", format!("`{row}`")).into());
            }
        }
    }
    let from = GeneIndex::new(&names).map_err(IoError::data(path))?;
    let name = path.file_stem().map_or("query".into(), |s| s.to_string_lossy().into_owned());
    let values = ndarray::Array1::from(values).insert_axis(Axis(0));
    Ok(Queries::align(genes, &from, vec![name], &Array2::from(values))?)
}

/// One gene per line; what follows a tab or comma is ignored.
fn read_list(path: &Path) -> Result<Vec<String>, CliError> {
    let text = std::fs::read_to_string(path).map_err(|e| {
        let got = format!("`{}` ({e})", path.display());
        CliError::usage("--candidates", "closed, expressed, genome or a readable file", got, None)
    })?;
    let gene = |line: &str| line.split(['\t', ',']).next().map(str::trim).unwrap_or_default().to_owned();
    Ok(text.lines().map(gene).filter(|g| !g.is_empty() && !g.starts_with('#')).collect())
}

fn as_json(rankings: &[Ranking], options: &RankOptions, set: &str, shown: usize) -> Value {
    let row = |r: &rank::Ranked| {
        json!({
            "rank": r.rank,
            "gene": r.gene.as_ref(),
            "score": r.score,
            "probability": r.probability,
            "cosine": r.cosine,
            "likelihood": r.likelihood,
            "propagation": r.propagation,
            "own_reading": r.own_reading,
            "retrieval": r.retrieval,
            "seen": r.seen,
        })
    };
    let ranking = |r: &Ranking| {
        let top: Vec<Value> = r.rows.iter().take(shown).map(row).collect();
        json!({ "query": r.query, "n_candidates": r.n_candidates, "top": top })
    };
    json!({
        "mode": options.mode.to_string(),
        "own": options.own.to_string(),
        "candidates": set,
        "rankings": rankings.iter().map(ranking).collect::<Vec<_>>(),
    })
}

fn as_text(rankings: &[Ranking], options: &RankOptions, shown: usize) -> String {
    let line = |cells: [String; 7]| {
        let [rank, gene, score, probability, cosine, retrieval, seen] = cells;
        format!("{rank:>6} {gene:<12} {score:>9} {probability:>11} {cosine:>8} {retrieval:>9}  {seen}")
    };
    let of_row = |r: &rank::Ranked| {
        line([
            r.rank.to_string(),
            r.gene.to_string(),
            format!("{:.3}", r.score),
            format!("{:.4}", r.probability),
            format!("{:.3}", r.cosine),
            r.retrieval.map_or("-".into(), |v| format!("{v:.3}")),
            if r.seen { "yes".into() } else { "no".into() },
        ])
    };
    let mut lines = vec![format!("mode {}, own reading {}", options.mode, options.own)];
    for ranking in rankings {
        lines.push(format!("{} among {} candidates", ranking.query, ranking.n_candidates));
        let head = ["rank", "gene", "score", "probability", "cosine", "retrieval", "seen"];
        lines.push(line(head.map(str::to_owned)));
        lines.extend(ranking.rows.iter().take(shown).map(of_row));
    }
    lines.join("\n")
}
