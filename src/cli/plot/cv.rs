//! `grn plot learning`, `grn plot improvement`, `grn plot strata`: figures of what `grn cv` wrote.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::super::error::CliError;
use super::super::session::Session;
use super::save;
use super::table::Table;
use crate::error::ExitStatus;
use crate::report::{
    GainPoint, GainScatter, Improvement, ImprovementFigure, LearningFigure, LearningPoint, StrataFigure, StratumGain,
};
use crate::score::CvMetric;

/// Arguments that all of them share.
#[derive(Debug, Args)]
pub(super) struct CvFolder {
    /// Folder that `grn cv` wrote
    #[arg(long, default_value = "cv", value_name = "DIR")]
    pub(super) cv: PathBuf,
    /// Models to draw, separated by commas (default: all of the table but the mean)
    #[arg(long = "model", value_delimiter = ',', value_name = "NAME")]
    pub(super) models: Vec<String>,
    /// File to write (.svg, .png or .pdf)
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: PathBuf,
}

impl CvFolder {
    /// The one model that was named, else the last of the table on the true graph.
    pub(super) fn one_model(&self) -> Result<String, CliError> {
        let table = Table::read(&self.cv.join("per_perturbation.tsv"), PER_PERTURBATION)?;
        match self.models.as_slice() {
            [] => table.last_model(),
            [one] => table.expect_model(one).map(|()| one.clone()),
            more => Err(CliError::usage("--model", "one model", more.join(", "), None)),
        }
    }
}

/// What writes the table per perturbation.
const PER_PERTURBATION: &str = "`grn cv SCREEN.h5ad --prior FILE --outdir DIR` writes it";

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
    let metrics = args.metric.iter().map(|m| metric(m)).collect::<Result<Vec<_>, _>>()?;
    let figure = learning_figure(&args.folder.cv, &args.folder.models, &metrics)?;
    save(session, &args.folder.output, &figure.scene())
}

/// Accuracy by number of training perturbations.
pub(in crate::cli) fn learning_figure(
    folder: &Path,
    models: &[String],
    metrics: &[CvMetric],
) -> Result<LearningFigure, CliError> {
    let hint = "`grn cv --curve 0.25,0.5,0.75,1 --outdir DIR` writes it";
    let table = Table::read(&folder.join("curve.tsv"), hint)?;
    let mut points = Vec::new();
    for metric in metrics {
        for row in table.rows_of(*metric, models, false)? {
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
        folder.display()
    );
    Ok(LearningFigure::new("Accuracy by number of training perturbations", points)?.caption(caption))
}

pub(super) fn improvement(args: ImprovementArgs, session: &mut Session) -> Result<ExitStatus, CliError> {
    let metric = metric(&args.metric)?;
    let model = args.folder.one_model()?;
    let over = if args.over == Baseline::Mean { "mean" } else { "linear" };
    let gains = Gains::read(&args.folder.cv, &model, over, metric)?;
    let scene = if args.by == By::Rank { gains.by_rank()?.scene() } else { gains.by(args.by)?.scene() };
    save(session, &args.folder.output, &scene)
}

/// Gains of a model over a baseline, one per held-out perturbation.
pub(in crate::cli) struct Gains {
    table: Table,
    model: String,
    over: &'static str,
    metric: CvMetric,
    caption: String,
    /// Perturbation, gain (up is better), row of the table.
    rows: Vec<(String, f64, Vec<String>)>,
}

impl Gains {
    /// Reads `per_perturbation.tsv`.
    pub(in crate::cli) fn read(
        folder: &Path,
        model: &str,
        over: &'static str,
        metric: CvMetric,
    ) -> Result<Self, CliError> {
        let table = Table::read(&folder.join("per_perturbation.tsv"), PER_PERTURBATION)?;
        table.expect_model(model)?;
        let turn = if metric.higher_is_better() { 1.0 } else { -1.0 };
        let column = format!("{}_minus_{over}", metric.name());
        let mut rows = Vec::new();
        for row in table.tsv.rows.iter().filter(|r| table.text(r, "model").is_ok_and(|m| m == model)) {
            if let Some(gain) = table.optional(row, &column)? {
                rows.push((table.text(row, "target_gene")?.to_owned(), turn * gain, row.clone()));
            }
        }
        let sign = if turn > 0.0 { "" } else { " Less is better, so the difference is turned around: up is better." };
        let caption = format!("{}.{sign} Cross-validation {}.", title(metric), folder.display());
        Ok(Self { table, model: model.to_owned(), over, metric, caption, rows })
    }

    /// Sorted by gain.
    pub(in crate::cli) fn by_rank(&self) -> Result<ImprovementFigure, CliError> {
        let row = |(name, model, _): &(String, f64, Vec<String>)| Improvement {
            perturbation: name.clone(),
            model: *model,
            baseline: 0.0,
        };
        let rows = self.rows.iter().map(row).collect();
        let figure = ImprovementFigure::new(&self.model, self.over, self.metric.name(), rows)?;
        Ok(figure.caption(&self.caption))
    }

    /// Against what is known of the perturbations.
    fn by(&self, by: By) -> Result<GainScatter, CliError> {
        let (column, axis) = by.column();
        let mut points = Vec::new();
        for (perturbation, gain, row) in &self.rows {
            if let Some(x) = self.table.optional(row, column)? {
                let x = if by == By::Degree { (1.0 + x).log10() } else { x };
                points.push(GainPoint { perturbation: perturbation.clone(), x, gain: *gain });
            }
        }
        let heading = format!("{} over {}, by held-out perturbation", self.model, self.over);
        let caption = format!("{} Black lines: means of fifths of the perturbations.", self.caption);
        Ok(GainScatter::new(&heading, axis, &format!("Gain in {}", self.metric.name()), points)?.caption(caption))
    }
}

pub(super) fn strata(args: StrataArgs, session: &mut Session) -> Result<ExitStatus, CliError> {
    let figure = strata_figure(&args.folder.cv, &args.folder.models, metric(&args.metric)?)?;
    save(session, &args.folder.output, &figure.scene())
}

/// Gains over the mean by thirds of the perturbations.
pub(in crate::cli) fn strata_figure(
    folder: &Path,
    models: &[String],
    metric: CvMetric,
) -> Result<StrataFigure, CliError> {
    let table = Table::read(&folder.join("strata.tsv"), PER_PERTURBATION)?;
    let turn = if metric.higher_is_better() { 1.0 } else { -1.0 };
    let mut gains = Vec::new();
    for row in table.rows_of(metric, models, true)? {
        let ends = [table.number(row, "low95")? * turn, table.number(row, "high95")? * turn];
        gains.push(StratumGain {
            by: heading(table.text(row, "covariate")?),
            group: table.group(row)?,
            model: table.text(row, "model")?.to_owned(),
            gain: table.number(row, "gain_over_mean")? * turn,
            interval: (ends[0].min(ends[1]), ends[0].max(ends[1])),
        });
    }
    let axis = format!("Gain in {} over the training mean", metric.name());
    let caption = format!(
        "Thirds of the held-out perturbations; mean gain (right is better) with 95 % bootstrap interval. {}. \
         Cross-validation {}.",
        title(metric),
        folder.display()
    );
    Ok(StrataFigure::new("Which perturbations gain", &axis, gains)?.caption(caption))
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
pub(in crate::cli) fn title(metric: CvMetric) -> String {
    let words = match metric {
        CvMetric::AveragePrecision => "Average precision",
        CvMetric::CentredR => "Correlation with the measured change, both without the training mean",
        CvMetric::Discrimination => "Discrimination (0.5 is chance)",
        CvMetric::PearsonDelta => "Correlation with the measured change",
        CvMetric::L2Ratio => "Distance to the measured change relative to the mean",
    };
    words.to_owned()
}
