//! `grn plot learning`, `grn plot improvement`, `grn plot strata`: figures of what `grn cv` wrote.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::super::error::CliError;
use super::super::report::{Tsv, read_tsv};
use super::super::session::Session;
use super::save;
use crate::error::ExitStatus;
use crate::io::IoError;
use crate::report::{
    GainPoint, GainScatter, Improvement, ImprovementFigure, LearningFigure, LearningPoint, StrataFigure, StratumGain,
};
use crate::score::CvMetric;

/// Arguments that all of them share.
#[derive(Debug, Args)]
struct CvFolder {
    /// Folder that `grn cv` wrote
    #[arg(long, default_value = "cv", value_name = "DIR")]
    cv: PathBuf,
    /// Models to draw, separated by commas (default: all of the table but the mean)
    #[arg(long = "model", value_delimiter = ',', value_name = "NAME")]
    models: Vec<String>,
    /// File to write (.svg or .png)
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

/// Arguments of `grn plot learning`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  grn cv --curve 0.25,0.5,0.75,1 --outdir cv && grn plot learning --cv cv -o learning.svg")]
pub(in crate::cli) struct LearningArgs {
    /// Metrics to draw, separated by commas
    #[arg(long, value_delimiter = ',', default_value = "centred_r,l2_ratio", value_name = "METRIC")]
    metric: Vec<String>,
    #[command(flatten)]
    folder: CvFolder,
}

/// Arguments of `grn plot improvement`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  grn plot improvement --cv cv --model grn -o improvement.svg
  grn plot improvement --cv cv --model grn --by degree -o degree.svg")]
pub(in crate::cli) struct ImprovementArgs {
    /// Metric to draw
    #[arg(long, default_value = "centred_r", value_name = "METRIC")]
    metric: String,
    /// Baseline of the difference
    #[arg(long, value_enum, default_value_t = Baseline::Mean)]
    over: Baseline,
    /// Horizontal axis
    #[arg(long, value_enum, default_value_t = By::Rank)]
    by: By,
    #[command(flatten)]
    folder: CvFolder,
}

/// Arguments of `grn plot strata`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  grn plot strata --cv cv --model graph-kernel,grn -o strata.svg")]
pub(in crate::cli) struct StrataArgs {
    /// Metric to draw
    #[arg(long, default_value = "centred_r", value_name = "METRIC")]
    metric: String,
    #[command(flatten)]
    folder: CvFolder,
}

/// `--over`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Baseline {
    /// Mean of the training perturbations
    Mean,
    /// Linear model
    Linear,
}

/// `--by`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum By {
    /// Sorted by gain
    Rank,
    /// Norm of the measured change
    Effect,
    /// Genes joined to the target in the graph
    Degree,
    /// Hops to the nearest training target
    Hops,
    /// The model's distance to the training perturbations
    Distance,
    /// Number of cells
    Cells,
}

impl By {
    /// Column of the table and title of the axis.
    fn column(self) -> (&'static str, &'static str) {
        match self {
            Self::Rank => ("", ""),
            Self::Effect => ("effect", "Size of the measured change (Euclidean norm, log1p)"),
            Self::Degree => ("degree", "Genes joined to the target in the graph (log10 of 1 + number)"),
            Self::Hops => ("hops", "Hops from the target to the nearest training target"),
            Self::Distance => ("distance", "Distance to the training perturbations, as the model sees it"),
            Self::Cells => ("n_cells", "Cells"),
        }
    }
}

pub(super) fn learning(args: LearningArgs, session: &mut Session) -> Result<ExitStatus, CliError> {
    let hint = "`grn cv --curve 0.25,0.5,0.75,1 --outdir DIR` writes it";
    let table = Table::read(&args.folder.cv.join("curve.tsv"), hint)?;
    let metrics = args.metric.iter().map(|m| metric(m)).collect::<Result<Vec<_>, _>>()?;
    let mut points = Vec::new();
    for metric in &metrics {
        for row in table.rows_of(*metric, &args.folder.models, false)? {
            points.push(LearningPoint {
                model: table.text(row, "model")?.to_owned(),
                metric: metric.name().to_owned(),
                n_train: table.number(row, "n_train")?,
                value: table.number(row, "value")?,
                interval: (table.number(row, "low95")?, table.number(row, "high95")?),
            });
        }
    }
    let words: Vec<String> = metrics.iter().map(|m| format!("{}: {}", m.name(), title(*m).to_lowercase())).collect();
    let caption = format!(
        "{}. Mean over held-out perturbations with 95 % bootstrap intervals; smaller training sets are contained in \
         larger ones. Cross-validation {}.",
        words.join("; "),
        args.folder.cv.display()
    );
    let figure = LearningFigure::new("Accuracy by number of training perturbations", points)?.caption(caption);
    save(session, &args.folder.output, &figure.scene())
}

pub(super) fn improvement(args: ImprovementArgs, session: &mut Session) -> Result<ExitStatus, CliError> {
    let table = Table::read(&args.folder.cv.join("per_perturbation.tsv"), "`grn cv --outdir DIR` writes it")?;
    let metric = metric(&args.metric)?;
    let model = match args.folder.models.as_slice() {
        [one] => one.clone(),
        [] => table.last_model()?,
        more => {
            let got = more.join(", ");
            return Err(CliError::usage("--model", "one model", got, None));
        }
    };
    table.expect_model(&model)?;
    let over = if args.over == Baseline::Mean { "mean" } else { "linear" };
    let turn = if metric.higher_is_better() { 1.0 } else { -1.0 };
    let column = format!("{}_minus_{over}", metric.name());
    let mut rows = Vec::new();
    for row in table.tsv.rows.iter().filter(|r| table.text(r, "model").is_ok_and(|m| m == model)) {
        if let Some(gain) = table.optional(row, &column)? {
            rows.push((table.text(row, "target_gene")?.to_owned(), turn * gain, row));
        }
    }
    let sign = if turn > 0.0 { "" } else { " Less is better, so the difference is turned around: up is better." };
    let caption = format!("{}.{sign} Cross-validation {}.", title(metric), args.folder.cv.display());
    let scene = if args.by == By::Rank {
        let rows = rows.into_iter().map(|(perturbation, model, _)| Improvement { perturbation, model, baseline: 0.0 });
        ImprovementFigure::new(&model, over, metric.name(), rows.collect())?.caption(caption).scene()
    } else {
        let (column, axis) = args.by.column();
        let mut points = Vec::new();
        for (perturbation, gain, row) in rows {
            if let Some(x) = table.optional(row, column)? {
                let x = if args.by == By::Degree { (1.0 + x).log10() } else { x };
                points.push(GainPoint { perturbation, x, gain });
            }
        }
        let heading = format!("{model} over {over}, by held-out perturbation");
        let y = format!("Gain in {}", metric.name());
        let caption = format!("{caption} Black lines: means of fifths of the perturbations.");
        GainScatter::new(&heading, axis, &y, points)?.caption(caption).scene()
    };
    save(session, &args.folder.output, &scene)
}

pub(super) fn strata(args: StrataArgs, session: &mut Session) -> Result<ExitStatus, CliError> {
    let table = Table::read(&args.folder.cv.join("strata.tsv"), "`grn cv --outdir DIR` writes it")?;
    let metric = metric(&args.metric)?;
    let turn = if metric.higher_is_better() { 1.0 } else { -1.0 };
    let mut gains = Vec::new();
    for row in table.rows_of(metric, &args.folder.models, true)? {
        let ends = [table.number(row, "low95")? * turn, table.number(row, "high95")? * turn];
        gains.push(StratumGain {
            by: heading(table.text(row, "covariate")?),
            group: table.group(row)?,
            model: table.text(row, "model")?.to_owned(),
            gain: table.number(row, "gain_over_mean")? * turn,
            interval: (ends[0].min(ends[1]), ends[0].max(ends[1])),
        });
    }
    let axis = format!("Gain in {} over the mean of the training perturbations", metric.name());
    let caption = format!(
        "Thirds of the held-out perturbations; mean gain (right is better) with 95 % bootstrap interval. {}. \
         Cross-validation {}.",
        title(metric),
        args.folder.cv.display()
    );
    let figure = StrataFigure::new("Which perturbations gain", &axis, gains)?.caption(caption);
    save(session, &args.folder.output, &figure.scene())
}

/// What perturbations are grouped by, in words.
fn heading(covariate: &str) -> String {
    let words = match covariate {
        "degree" => "Degree of the target in the graph",
        "effect" => "Size of the measured change",
        "hops" => "Hops to the nearest training target",
        "distance" => "Distance to the training perturbations",
        other => other,
    };
    words.to_owned()
}

fn metric(name: &str) -> Result<CvMetric, CliError> {
    let known = || CvMetric::ALL.map(CvMetric::name).join(", ");
    CvMetric::named(name).ok_or_else(|| CliError::usage("--metric", known(), format!("`{name}`"), None))
}

/// A metric in words.
fn title(metric: CvMetric) -> String {
    let words = match metric {
        CvMetric::AveragePrecision => "Average precision",
        CvMetric::CentredR => "Correlation with the measured change, both without the training mean",
        CvMetric::Discrimination => "Discrimination (0.5 is chance)",
        CvMetric::PearsonDelta => "Correlation with the measured change",
        CvMetric::L2Ratio => "Distance to the measured change relative to the mean",
    };
    words.to_owned()
}

/// A table of `grn cv`.
struct Table {
    path: PathBuf,
    tsv: Tsv,
}

impl Table {
    fn read(path: &Path, hint: &str) -> Result<Self, CliError> {
        let missing = || {
            let (what, got) = ("no table to draw".to_owned(), "nothing there".to_owned());
            CliError::usage(what, format!("`{}`", path.display()), got, Some(hint.to_owned()))
        };
        Ok(Self { path: path.to_owned(), tsv: read_tsv(path)?.ok_or_else(missing)? })
    }

    fn text<'a>(&self, row: &'a [String], column: &str) -> Result<&'a str, CliError> {
        let cell = self.tsv.column(column).and_then(|c| row.get(c)).map(String::as_str);
        cell.ok_or_else(|| self.wrong(format!("column `{column}`"), "a table of this version", "no such cell"))
    }

    fn optional(&self, row: &[String], column: &str) -> Result<Option<f64>, CliError> {
        let text = self.text(row, column)?;
        if text.is_empty() {
            return Ok(None);
        }
        text.parse().map(Some).map_err(|_| self.wrong(format!("column `{column}`"), "a number", &format!("`{text}`")))
    }

    fn number(&self, row: &[String], column: &str) -> Result<f64, CliError> {
        Ok(self.optional(row, column)?.unwrap_or(f64::NAN))
    }

    /// Rows of a metric and of these models; where none is named of all, with or without the mean, but those on a permuted
    /// graph.
    fn rows_of(&self, metric: CvMetric, models: &[String], without_mean: bool) -> Result<Vec<&[String]>, CliError> {
        models.iter().try_for_each(|m| self.expect_model(m))?;
        let mut out = Vec::new();
        for row in &self.tsv.rows {
            let model = self.text(row, "model")?;
            let usual = !(without_mean && model == "mean" || model.ends_with(".permuted"));
            let wanted = if models.is_empty() { usual } else { models.iter().any(|m| m == model) };
            if wanted && self.text(row, "metric")? == metric.name() {
                out.push(row.as_slice());
            }
        }
        Ok(out)
    }

    /// Names of the models, in order.
    fn models(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for row in &self.tsv.rows {
            match self.text(row, "model") {
                Ok(name) if !names.iter().any(|n| n == name) => names.push(name.to_owned()),
                _ => {}
            }
        }
        names
    }

    fn expect_model(&self, model: &str) -> Result<(), CliError> {
        let names = self.models();
        if names.iter().any(|n| n == model) {
            return Ok(());
        }
        Err(CliError::usage("--model", format!("one of {}", names.join(", ")), format!("`{model}`"), None))
    }

    /// The last model on the true graph that was not chosen fold by fold.
    fn last_model(&self) -> Result<String, CliError> {
        let last = self.models().into_iter().rfind(|m| !m.ends_with(".permuted") && m != "nested");
        last.ok_or_else(|| self.wrong("the rows".into(), "a model", "none"))
    }

    /// `low (1 to 3)`.
    fn group(&self, row: &[String]) -> Result<String, CliError> {
        let name = self.text(row, "stratum")?;
        let (from, to) = (self.text(row, "from")?, self.text(row, "to")?);
        let n = self.text(row, "n")?;
        Ok(match from {
            "" => format!("{name}, n = {n}"),
            _ if from == to => format!("{name} ({from}), n = {n}"),
            _ => format!("{name} ({from} to {to}), n = {n}"),
        })
    }

    fn wrong(&self, place: String, expected: &str, got: &str) -> CliError {
        IoError::format(&self.path, place, expected.to_owned(), got.to_owned()).into()
    }
}
