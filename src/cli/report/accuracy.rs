//! How well perturbations that a fit has not seen are predicted.

use std::path::{Path, PathBuf};

use super::super::error::CliError;
use super::super::plot::{
    Gains, HeldOut, Table, coverage_of_cv, learning_figure, metric_title, of_rank_cv, strata_figure,
};
use super::tables::number;
use crate::report::{CalibrationFigure, Coverage, Fact, FigureView, Reliability, Scene, Section, TableView};
use crate::score::CvMetric;

/// The baseline every model is compared with.
const BASELINE: &str = "mean";
/// The metric of the figures.
const METRIC: CvMetric = CvMetric::CentredR;
/// Folders of a run in which `grn rank-cv` may have been.
const RANK_CV: [&str; 4] = [".", "rank-cv", "rank_cv", "ranks"];

/// A cross-validation that the report tells of.
pub(super) struct Cv {
    folder: PathBuf,
    table: Table,
    /// The model in the foreground.
    model: String,
}

impl Cv {
    /// What `grn cv` left in one of these folders; `None` where there is nothing.
    pub(super) fn find(folders: &[PathBuf], model: Option<&str>) -> Result<Option<Self>, CliError> {
        let Some(folder) = folders.iter().find(|f| f.join("cv.tsv").exists()) else { return Ok(None) };
        let table = Table::read(&folder.join("cv.tsv"), "")?;
        let named = model.filter(|m| table.expect_model(m).is_ok() && *m != BASELINE);
        let rows = |m: &String| !m.ends_with(".permuted") && m != "ceiling" && m != "nested";
        let model = match named {
            Some(model) => model.to_owned(),
            None => table.models().into_iter().rfind(rows).unwrap_or_else(|| BASELINE.to_owned()),
        };
        Ok(Some(Self { folder: folder.clone(), table, model }))
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn model(&self) -> &str {
        &self.model
    }

    /// Value of a model in a metric, with its interval.
    fn value(&self, model: &str, metric: CvMetric) -> Option<(f64, f64, f64)> {
        let is = |row: &&Vec<String>| {
            self.table.text(row, "model").is_ok_and(|m| m == model)
                && self.table.text(row, "metric").is_ok_and(|m| m == metric.name())
        };
        let row = self.table.tsv.rows.iter().find(is)?;
        let of = |column| self.table.optional(row, column).ok().flatten();
        Some((of("value")?, of("low95")?, of("high95")?))
    }

    /// The number a reader looks for first.
    pub(super) fn highlight(&self) -> Option<Fact> {
        let (value, low, high) = self.value(&self.model, METRIC)?;
        let base = self.value(BASELINE, METRIC).map_or_else(String::new, |b| format!("; {BASELINE} {}", signed(b.0)));
        let note = format!("[{}, {}] {}{base}", signed(low), signed(high), METRIC.name());
        Some(Fact::new(format!("Unseen perturbations, {}", self.model), signed(value)).note(note))
    }

    /// Values for MultiQC.
    pub(super) fn numbers(&self) -> Vec<(String, f64)> {
        let of = |m: &CvMetric| self.value(&self.model, *m).map(|v| (format!("cv.{}", m.name()), v.0));
        CvMetric::ALL.iter().filter_map(of).collect()
    }

    /// Models by metrics, baselines and ceiling included.
    fn pivot(&self) -> TableView {
        let models = self.table.models();
        let shown: Vec<CvMetric> =
            CvMetric::ALL.into_iter().filter(|m| models.iter().any(|name| self.value(name, *m).is_some())).collect();
        let cell = |model: &String, metric: &CvMetric| {
            self.value(model, *metric)
                .map_or_else(|| "–".into(), |(v, low, high)| format!("{v:.3} [{low:.3}, {high:.3}]").replace('-', "−"))
        };
        let row = |model: &String| std::iter::once(model.clone()).chain(shown.iter().map(|m| cell(model, m))).collect();
        let arrow = |m: &CvMetric| if m.higher_is_better() { "higher" } else { "lower" };
        let header = std::iter::once("model".to_owned());
        let header = header.chain(shown.iter().map(|m| format!("{} ({})", m.name(), arrow(m))));
        let words: Vec<String> =
            shown.iter().map(|m| format!("{}: {}", m.name(), metric_title(*m).to_lowercase())).collect();
        TableView {
            caption: format!("Mean over held-out perturbations [95 % interval]. {}", words.join("; ")),
            header: header.collect(),
            best: models.iter().position(|m| *m == self.model),
            rows: models.iter().map(row).collect(),
        }
    }

    /// The section. What the folder cannot fill is left out; what is broken is an error.
    pub(super) fn section(&self, of_run: Option<Coverage>, root: &Path) -> Result<Section, CliError> {
        let mut section = Section {
            intro: format!(
                "Every perturbation is predicted by a fit that has not seen it. The figures show {}; baselines and the \
                 replicate ceiling (one half of the cells against the other), where it could be computed, are rows of the table.",
                self.model
            ),
            tables: vec![self.pivot()],
            ..Section::default()
        };
        let mut add = |scene: Scene| -> Result<(), CliError> {
            section.figures.push(FigureView::of(&scene, "")?);
            Ok(())
        };
        let (folder, model) = (&self.folder, self.model.as_str());
        if folder.join("per_perturbation.tsv").exists() && model != BASELINE {
            add(Gains::read(folder, model, BASELINE, METRIC)?.by_rank()?.scene())?;
        }
        for scene in self.of_predictions()? {
            add(scene)?;
        }
        if let Ok(figure) = strata_figure(folder, &[model.to_owned()], METRIC) {
            add(figure.scene())?;
        }
        if let Some(scene) = calibration(folder, of_run, root)? {
            add(scene)?;
        }
        if folder.join("curve.tsv").exists() {
            add(learning_figure(folder, &[], &[METRIC, CvMetric::L2Ratio])?.scene())?;
        }
        Ok(section)
    }

    /// Discrimination and changing genes; nothing where the folder lacks the predictions or the measurement.
    fn of_predictions(&self) -> Result<Vec<Scene>, CliError> {
        let there = |m: &str| self.folder.join(m).join("predictions.h5ad").exists();
        if self.model == BASELINE || !there(&self.model) || !there(BASELINE) {
            return Ok(Vec::new());
        }
        if super::super::plot::responses_of(&self.folder).is_none() {
            return Ok(Vec::new());
        }
        let held_out = HeldOut::read(&self.folder, &[&self.model, BASELINE])?;
        let figures = [held_out.discrimination().map(|f| f.scene()), held_out.degs().map(|f| f.scene())];
        Ok(figures.into_iter().flatten().collect())
    }
}

/// Coverage of intervals and reliability of rankings, as far as either was measured.
pub(super) fn calibration(folder: &Path, of_run: Option<Coverage>, root: &Path) -> Result<Option<Scene>, CliError> {
    let (mut coverage, mut caption) = (Vec::new(), Vec::new());
    let of_folds = folder.join("coverage.tsv").exists();
    if of_folds {
        coverage = coverage_of_cv(folder)?;
        caption.push(format!("Intervals of held-out perturbations, cross-validation {}.", folder.display()));
    } else if let Some(of_run) = of_run {
        coverage.push(of_run);
        caption.push("Intervals of the training perturbations, each left out.".to_owned());
    }
    let ranks = RANK_CV.iter().map(|name| root.join(name)).find(|d| d.join("firsts.tsv").exists());
    let reliability: Vec<Reliability> =
        ranks.as_ref().map(|d| of_rank_cv(d, "excluded")).transpose()?.unwrap_or_default();
    if let Some(ranks) = ranks {
        caption.push(format!("Rankings of {}, own reading excluded.", ranks.display()));
    }
    if of_folds || !reliability.is_empty() {
        caption.push("Bands and lines: 95 % intervals.".to_owned());
    }
    let figure = CalibrationFigure::new("Calibration", coverage, reliability).ok();
    Ok(figure.map(|f| f.caption(caption.join(" ")).scene()))
}

/// A number with its sign.
fn signed(value: f64) -> String {
    let text = number(value.abs());
    let text = text.trim_end_matches('0').trim_end_matches('.');
    match value {
        v if v.abs() < 5e-7 => "0".into(),
        v if v < 0.0 => format!("−{text}"),
        _ => format!("+{text}"),
    }
}
