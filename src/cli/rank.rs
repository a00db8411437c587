//! `grn rank`.

mod answer;
mod drugs;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use ndarray::{Array2, Axis};

use self::answer::Answer;
use super::args::ScreenArgs;
use super::error::CliError;
use super::load::{LoadedRun, load_run};
use super::plan::{Plan, Work};
use super::ranker::{ForRun, Wanted, ranker};
use super::score::write;
use super::session::Session;
use crate::data::{GeneIndex, Responses};
use crate::error::{ExitStatus, Notice};
use crate::graph::GeneGraph;
use crate::io::{self, IoError};
use crate::rank::{
    self, CandidateSet, CauseOptions, Causes, Explanation, Mode, Own, Queries, RankOptions, Ranker, Ranking,
};
use crate::report::NetworkFigure;

/// Edges from a candidate to the rim of its figure, and genes drawn at most.
const DEPTH: usize = 4;
const MOST_DRAWN: usize = 60;

/// Candidates of which causes are made.
const FOR_CAUSES: usize = 200;
/// Sets of causes kept per query.
const SETS: usize = 20;

/// Arguments of `grn rank`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  grn rank --signature change.tsv
  grn rank --run runs/mine --signature queries.h5ad --candidates expressed -o ranking.tsv
  grn rank --treated cells.h5ad --control-pert DMSO --mode inhibition --top 50
  grn rank --signature signatures.h5ad --drug-targets drug_metadata.parquet -o ranking.tsv
  grn rank --signature change.tsv --causes 3 --bootstrap 200
  grn rank --goal wanted_state.tsv --from present_state.tsv --mode any")]
pub(super) struct RankArgs {
    /// Run of `grn fit` (default: the newest under runs/)
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Change of expression: TSV or CSV of gene and value, or an h5ad with one query per row
    #[arg(long, value_name = "FILE", required_unless_present_any = ["treated", "goal"], conflicts_with_all = ["treated", "goal"])]
    signature: Option<PathBuf>,
    /// Treated and control cells: every condition but the control is a query
    #[arg(long, value_name = "FILE", conflicts_with = "goal")]
    treated: Option<PathBuf>,
    /// Which perturbation brings this about? A state of expression (TSV or CSV of gene and log1p value) with `--from`;
    /// without it a wished change, or an h5ad with cells of the wished states and of the present one as its control
    #[arg(long, value_name = "FILE")]
    goal: Option<PathBuf>,
    /// The present state for `--goal`: TSV or CSV of gene and log1p value
    #[arg(long, value_name = "FILE", requires = "goal")]
    from: Option<PathBuf>,
    /// Queries are drugs: look their targets up in this table and say how well they are found (TSV, CSV, JSON or Parquet)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["goal", "causes", "bootstrap"])]
    drug_targets: Option<PathBuf>,
    /// What may have been done to the gene, relative to the perturbations of the run (default: knockdown; for drugs what
    /// the table says of each: inhibition, activation, or any)
    #[arg(long, value_enum)]
    mode: Option<ModeArg>,
    /// Whether the change of the candidate itself counts
    #[arg(long, value_enum, default_value_t = OwnArg::Excluded)]
    own: OwnArg,
    /// Genes that are ranked: closed (perturbed in the run), expressed (measured and in the graph), genome (all of the
    /// graph), or a file with one gene per line
    #[arg(long, default_value = "genome", value_name = "SET|FILE")]
    candidates: String,
    /// Rank by this scorer alone instead of by all of them
    #[arg(long, value_name = "NAME")]
    method: Option<String>,
    /// Explain the first N candidates of every query: the genes that say most, and the ways to them in the graph
    #[arg(long, default_value_t = 1, value_name = "N")]
    explain: usize,
    /// Folder for the network behind every explained candidate: a graph table and a figure each
    #[arg(long, value_name = "DIR")]
    networks: Option<PathBuf>,
    /// Also tell which genes explain each change together: sets of one and two of the first 200 candidates with their
    /// probabilities, and a matching pursuit of up to N genes
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(2..=20))]
    causes: Option<u8>,
    /// Give the first 200 candidates an interval of their rank over N resamples of the change
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(20..=10_000))]
    bootstrap: Option<u32>,
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
        let mode = match self.mode.unwrap_or(ModeArg::Knockdown) {
            ModeArg::Knockdown => Mode::Knockdown,
            ModeArg::Inhibition => Mode::Inhibition,
            ModeArg::Activation => Mode::Activation,
            ModeArg::Any => Mode::Any,
        };
        let own = if self.own == OwnArg::Used { Own::Used } else { Own::Excluded };
        // Sets of causes are made of the first 200, however few are shown.
        let top = self.top.map(|top| if self.causes.is_some() { top.max(FOR_CAUSES) } else { top });
        RankOptions { mode, own, top, method: self.method.clone() }
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
    let drug_targets = drugs::read(session, &args)?;
    let queries = read_queries(session, &args, &run.genes)?;
    let set = args.candidates()?;
    let method = args.method.as_deref().map(rank::scorer).transpose()?;
    session.printer.say(format!("ranking candidates `{}` for {} queries", args.candidates, queries.len()));
    if session.plans() && dry_run(&args, session, &run, &queries, &set)? {
        return Ok(ExitStatus::Done);
    }
    let calibrated = !args.no_calibration && method.is_none();
    let of_run = ranker(session, &run, &Wanted { set: &set, calibrated, method })?;
    if method.is_none() && of_run.ranker.calibration.n_queries == 0 {
        let why = if args.no_calibration { "by request" } else { "there are too few training perturbations" };
        session.printer.notice(&Notice::new(format!("probabilities are not calibrated: {why}")));
    }
    let outcome = drug_targets.map(|t| drugs::rank(session, &args, &run, &of_run, (&queries, &t))).transpose()?;
    let mut rankings = match &outcome {
        Some(drugs) => drugs.rankings.clone(),
        None => of_run.ranker.rank(&queries, &of_run.members, &options)?,
    };
    if args.goal.is_some() {
        of_run.ranker.add_left_over(&queries, &mut rankings);
    }
    let causes = causes(&of_run.ranker, &queries, &rankings, &options, args.causes);
    rankings.iter_mut().for_each(|r| r.rows.truncate(args.top.unwrap_or(usize::MAX)));
    add_intervals(session, &args, &of_run, (&queries, &mut rankings), &options)?;
    if let Some(path) = &args.output {
        write(path, |out| rank::write_rankings(&rankings, &options, out))?;
        session.printer.say(format!("wrote {}", path.display()));
        write_why(path, &of_run.ranker, &run.graph, &queries, &rankings)?;
        if args.causes.is_some() {
            let path = beside(path, "causes");
            write(&path, |out| rank::write_causes(&causes, out))?;
            session.printer.say(format!("wrote {}", path.display()));
        }
    }
    drugs::write_beside(session, args.output.as_deref(), outcome.as_ref())?;
    let explained = explain(&of_run.ranker, &run.graph, &queries, &rankings, args.explain)?;
    if let Some(dir) = &args.networks {
        write_networks(session, dir, &run.graph, &rankings, &explained)?;
    }
    let shown = args.top.unwrap_or(10);
    let answer = Answer {
        rankings: &rankings,
        causes: &causes,
        explained: &explained,
        options: &options,
        graph: &run.graph,
        shown,
    };
    session.printer.result(
        || drugs::in_json(answer.as_json(&args.candidates), outcome.as_ref()),
        || drugs::in_text(answer.as_text(), outcome.as_ref()),
    )?;
    Ok(ExitStatus::Done)
}

fn dry_run(
    args: &RankArgs,
    session: &Session,
    run: &LoadedRun,
    queries: &Queries,
    set: &CandidateSet,
) -> Result<bool, CliError> {
    let n = rank::Candidates::new(set, &run.responses, &run.graph)?.len();
    let what = format!("rank candidates `{}` for {} queries", args.candidates, queries.len());
    let plan = Plan::new(what).size("candidates", n).size("queries", queries.len()).size("genes", run.genes.len());
    let plan = plan.may_write(args.output.as_deref()).may_write(args.networks.as_deref());
    session.plan(&plan.costs(Work::of_run(run).rank(n.max(run.graph.n_genes()), queries.len())))
}

fn read_queries(session: &Session, args: &RankArgs, genes: &Arc<GeneIndex>) -> Result<Queries, CliError> {
    let path = args.signature.as_ref().or(args.treated.as_ref()).or(args.goal.as_ref());
    let Some(path) = path else {
        return Err(CliError::usage("nothing to rank", "`--signature FILE` or `--treated FILE`", "neither", None));
    };
    let is_cells = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("h5ad")) || io::is_lent(path);
    let is_text = args.treated.is_none() && !is_cells;
    let queries = match &args.from {
        Some(from) => read_wish(from, path, genes)?,
        None if is_text => read_signature(path, genes)?,
        None => read_table(session, args, path, genes)?,
    };
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
    let whole_labels = args.drug_targets.is_some();
    let options = io::ScreenOptions { whole_labels, ..args.screen_options.options()? };
    let pseudobulk = args.screen_options.pseudobulk(false, session.seed)?;
    let bar = session.printer.bar("reading", 1);
    let read = io::read_table(path, &options, &pseudobulk, &mut |done, of| bar.set(done, of))?;
    bar.finish_and_clear();
    read.notices.iter().for_each(|n| session.printer.notice(n));
    let responses = Responses::from_pseudobulk(&read.table)?;
    let rows: Vec<usize> = (0..responses.len()).collect();
    Ok(Queries::of_responses(&responses, &rows).onto(genes, &responses.genes)?)
}

/// The way from one state of expression to another, over the genes that both have.
fn read_wish(from: &Path, goal: &Path, genes: &GeneIndex) -> Result<Queries, CliError> {
    let (from, goal) = (read_signature(from, genes)?, read_signature(goal, genes)?);
    let known: Vec<bool> = from.known.iter().zip(&goal.known).map(|(a, b)| *a && *b).collect();
    if !known.contains(&true) {
        let got = "two states without a common gene of the run";
        return Err(CliError::usage("--goal and --from", "states over the same genes", got, None));
    }
    let mut delta = goal.delta - from.delta;
    let unknown = known.iter().enumerate().filter(|(_, k)| !**k).map(|(g, _)| g);
    unknown.for_each(|g| delta.column_mut(g).fill(0.0));
    let names = vec![format!("{} to {}", from.names[0], goal.names[0])];
    Ok(Queries { names, delta, error: None, known })
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

/// `ranking.tsv` and `causes`: `ranking.causes.tsv`.
fn beside(path: &Path, what: &str) -> PathBuf {
    path.with_extension(format!("{what}.tsv"))
}

/// Which genes explain every query together; nothing where that is not asked for.
fn causes(
    ranker: &Ranker,
    queries: &Queries,
    rankings: &[Ranking],
    options: &RankOptions,
    most: Option<u8>,
) -> Vec<Causes> {
    let of = |most| CauseOptions { most: usize::from(most), top: SETS };
    most.map_or_else(Vec::new, |most| ranker.causes(queries, rankings, options, of(most)))
}

/// Intervals of the ranks, where they are asked for.
fn add_intervals(
    session: &Session,
    args: &RankArgs,
    of_run: &ForRun,
    (queries, rankings): (&Queries, &mut [Ranking]),
    options: &RankOptions,
) -> Result<(), CliError> {
    let Some(n) = args.bootstrap else { return Ok(()) };
    if queries.error.is_none() {
        let text = "the changes have no standard errors: ranks are resampled over genes, not over measurements";
        session.printer.notice(&Notice::new(text));
    }
    let bar = session.printer.bar("resampling", queries.len() as u64);
    let resamples = (n as usize, session.seed);
    let mut done = |at: usize| bar.set_position(at as u64);
    of_run.ranker.add_intervals((queries, rankings), &of_run.members, options, resamples, &mut done)?;
    bar.finish_and_clear();
    Ok(())
}

/// Queries and first candidates of each that `ranking.why.json` tells of.
const QUERIES_TOLD: usize = 20;
const FIRST_TOLD: usize = 10;
/// Genes that explain a candidate on the screen and in tables.
const RESPONDERS: usize = 8;

/// Why the first candidates of every query are thought to be the cause.
fn explain(
    ranker: &Ranker,
    graph: &GeneGraph,
    queries: &Queries,
    rankings: &[Ranking],
    n: usize,
) -> Result<Vec<Vec<Explanation>>, CliError> {
    let of_query = |(q, ranking): (usize, &Ranking)| {
        let first = ranking.rows.iter().take(n);
        first.map(|r| Ok(ranker.explain((queries, q), &r.gene, r.direction, graph, RESPONDERS)?)).collect()
    };
    rankings.iter().enumerate().map(of_query).collect()
}

/// `ranking.why.json` beside `ranking.tsv`: the first candidates of the first queries, explained. `grn plot ranking` draws
/// it.
pub(super) fn write_why(
    beside: &Path,
    ranker: &Ranker,
    graph: &GeneGraph,
    queries: &Queries,
    rankings: &[Ranking],
) -> Result<(), CliError> {
    let some = &rankings[..rankings.len().min(QUERIES_TOLD)];
    let explained = explain(ranker, graph, queries, some, FIRST_TOLD)?;
    let told: Vec<_> = some.iter().zip(&explained).map(|(r, e)| answer::ranking_why(graph, r, e)).collect();
    let calibrated = ranker.calibration.n_queries > 0;
    let all = serde_json::json!({ "calibrated": calibrated, "rankings": told });
    write(&beside.with_extension("why.json"), |out| writeln!(out, "{all:#}"))
}

/// `<query>.<gene>.tsv.gz` and `<query>.<gene>.svg` for every explained candidate that lies in the graph.
fn write_networks(
    session: &Session,
    dir: &Path,
    graph: &GeneGraph,
    rankings: &[Ranking],
    explained: &[Vec<Explanation>],
) -> Result<(), CliError> {
    std::fs::create_dir_all(dir).map_err(|e| IoError::write(dir, e))?;
    let mut written = 0;
    for (ranking, explanation) in rankings.iter().zip(explained).flat_map(|(r, all)| all.iter().map(move |e| (r, e))) {
        let Some(network) = explanation.network(graph) else { continue };
        let stem = file_name(&format!("{}.{}", ranking.query, explanation.gene));
        io::write_graph(&dir.join(format!("{stem}.tsv.gz")), &network)?;
        let figure = NetworkFigure::around(&network, &explanation.gene, DEPTH, MOST_DRAWN, None)?
            .caption(format!("Ways from {} to the genes that say most in {}.", explanation.gene, ranking.query));
        let (path, svg) = (dir.join(format!("{stem}.svg")), figure.scene().to_svg()?);
        write(&path, |out| out.write_all(svg.as_bytes()))?;
        written += 1;
    }
    session.printer.say(format!("wrote {written} networks to {}", dir.display()));
    Ok(())
}

/// A name without what file systems refuse.
fn file_name(name: &str) -> String {
    name.chars().map(|c| if c.is_alphanumeric() || "+-_.".contains(c) { c } else { '_' }).collect()
}
