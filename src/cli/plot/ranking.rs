//! `grn plot ranking`.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Deserialize;
use serde_json::Map;

use super::super::error::CliError;
use super::super::load::RUNS;
use super::super::session::Session;
use super::save;
use crate::error::ExitStatus;
use crate::io::IoError;
use crate::report::{WaterfallFigure, WaterfallGene};
use crate::run::RunDir;

/// Ways shown per gene.
const WAYS: usize = 2;

/// Arguments of `grn plot ranking`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  grn rank --signature change.tsv -o ranking.tsv && grn plot ranking --ranking ranking.tsv -o ranking.svg
  grn plot ranking --run runs/quickstart --top 5 -o ranking.pdf")]
pub(in crate::cli) struct RankingArgs {
    /// Table that `grn rank` wrote (default: `ranking.tsv` of the run); `ranking.why.json` beside it is read
    #[arg(long, value_name = "FILE", conflicts_with = "run")]
    ranking: Option<PathBuf>,
    /// Run directory (default: the newest finished one under `runs/`)
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Query (default: the first of the table)
    #[arg(long, value_name = "NAME")]
    query: Option<String>,
    /// Genes to show
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=10), value_name = "N")]
    top: u16,
    /// File to write (.svg, .png or .pdf)
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

/// `ranking.why.json`.
#[derive(Debug, Deserialize)]
pub(in crate::cli) struct Why {
    calibrated: bool,
    rankings: Vec<WhyRanking>,
}

/// One query.
#[derive(Debug, Deserialize)]
struct WhyRanking {
    query: String,
    n_candidates: usize,
    none: f64,
    scorers: Vec<String>,
    top: Vec<WhyGene>,
}

#[derive(Debug, Deserialize)]
struct WhyGene {
    rank: f64,
    gene: String,
    score: f64,
    probability: f64,
    seen: bool,
    steps: Map<String, serde_json::Value>,
    explanation: WhyExplanation,
}

#[derive(Debug, Deserialize)]
struct WhyExplanation {
    responders: Vec<WhyResponder>,
}

#[derive(Debug, Deserialize)]
struct WhyResponder {
    path: Option<String>,
}

pub(super) fn run(args: &RankingArgs, session: &mut Session) -> Result<ExitStatus, CliError> {
    let table = match (&args.ranking, &args.run) {
        (Some(table), _) => table.clone(),
        (None, Some(run)) => RunDir::at(run).join("ranking.tsv"),
        (None, None) => RunDir::newest(RUNS.as_ref())?.join("ranking.tsv"),
    };
    let why = Why::read(&table)?.ok_or_else(|| missing(&table))?;
    let source = format!("Ranking {}.", table.display());
    let figure = why.figure(args.query.as_deref(), usize::from(args.top), &source)?;
    save(session, &args.output, &figure.scene())
}

impl Why {
    /// What lies beside a table of `grn rank`; `None` where nothing does.
    pub(in crate::cli) fn read(table: &Path) -> Result<Option<Self>, CliError> {
        let path = table.with_extension("why.json");
        if !path.exists() {
            return Ok(None);
        }
        let text = std::fs::read_to_string(&path).map_err(|e| IoError::read(&path, e))?;
        let bad = |e: serde_json::Error| IoError::format(&path, "", "what `grn rank` writes", e.to_string());
        Ok(Some(serde_json::from_str(&text).map_err(bad)?))
    }

    /// The waterfall of a query, the first where none is named.
    pub(in crate::cli) fn figure(
        &self,
        query: Option<&str>,
        top: usize,
        source: &str,
    ) -> Result<WaterfallFigure, CliError> {
        let found = self.rankings.iter().find(|r| query.is_none_or(|q| r.query == q));
        let Some(ranking) = found else {
            let names = self.rankings.iter().map(|r| format!("`{}`", r.query));
            let expected = format!("one of {}", crate::error::some_of(names, 8));
            return Err(CliError::usage("--query", expected, format!("`{}`", query.unwrap_or_default()), None));
        };
        let genes = ranking.top.iter().take(top).map(|g| self.gene(ranking, g)).collect();
        let figure = WaterfallFigure::new(&ranking.query, ranking.scorers.clone(), genes, ranking.n_candidates)?;
        let none =
            if self.calibrated { format!("None of them: {:.1} %. ", 100.0 * ranking.none) } else { String::new() };
        let is_cause = |g: &WhyGene| ranking.query.split('+').any(|target| target == g.gene);
        let known = ranking.top.iter().take(top).any(|g| is_cause(g) && g.seen);
        let known = if known { "The run was fitted on a knockdown of the known cause: this is no test. " } else { "" };
        Ok(figure.caption(format!("{none}{known}{source}")))
    }

    fn gene(&self, of: &WhyRanking, gene: &WhyGene) -> WaterfallGene {
        let step = |name: &String| gene.steps.get(name).and_then(serde_json::Value::as_f64).unwrap_or(0.0);
        WaterfallGene {
            gene: gene.gene.clone(),
            rank: gene.rank,
            score: gene.score,
            probability: self.calibrated.then_some(gene.probability),
            steps: of.scorers.iter().map(step).collect(),
            paths: gene.explanation.responders.iter().filter_map(|r| r.path.clone()).take(WAYS).collect(),
            is_cause: of.query.split('+').any(|target| target == gene.gene),
        }
    }
}

fn missing(table: &Path) -> CliError {
    let hint = "`grn rank --signature change.tsv -o ranking.tsv` writes both";
    let got = "nothing there";
    CliError::usage(
        "no ranking to draw",
        format!("`{}`", table.with_extension("why.json").display()),
        got,
        Some(hint.into()),
    )
}
