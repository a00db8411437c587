//! How well perturbations that a fit has not seen are predicted.

use std::path::{Path, PathBuf};

use super::super::error::CliError;
use super::super::load::LoadedRun;
use super::tables::{number, read_tsv};
use crate::data::{PseudobulkOptions, Responses};
use crate::io::{self, ScreenOptions};
use crate::report::{Fact, FigureView, Improvement, ImprovementFigure, Section};
use crate::stats::pearson;

/// The baseline every model is compared with.
const BASELINE: &str = "mean";
const METRIC: &str = "Pearson r of the change";

/// The section, and its main number.
pub(super) struct Accuracy {
    pub(super) section: Section,
    pub(super) highlight: Fact,
}

/// Reads what `grn cv` left in the run directory or in its folder `cv`; `None` where there is nothing.
pub(super) fn section(run: &LoadedRun) -> Result<Option<Accuracy>, CliError> {
    for folder in [run.dir.join("cv"), run.dir.path().to_owned()] {
        if let Some(table) = read_tsv(&folder.join("cv.tsv"))? {
            let mut section = Section {
                intro: "Every perturbation is predicted by a fit that has not seen it. Baselines and the replicate \
                        ceiling, where they could be computed, are rows of the same table."
                    .into(),
                tables: vec![table.view("Cross-validation", 60)],
                ..Section::default()
            };
            let mut highlight = Fact::new("Cross-validated", "see below");
            if let Some(figure) = improvement(run, &folder)? {
                let n = figure.n_better();
                highlight = Fact::new(METRIC, format!("{:+.3}", figure.mean()).replace('-', "−"))
                    .note(format!("over the {BASELINE} of training, better for {n} unseen perturbations"));
                section.figures.push(FigureView::of(&figure.scene(), "")?);
                section.facts.push(Fact::new("Mean difference to the baseline", number(figure.mean())));
            }
            return Ok(Some(Accuracy { section, highlight }));
        }
    }
    Ok(None)
}

/// Model against baseline per perturbation; `None` where the predictions of either are missing.
fn improvement(run: &LoadedRun, folder: &Path) -> Result<Option<ImprovementFigure>, CliError> {
    let file =
        |model: &str| -> Option<PathBuf> { Some(folder.join(model).join("predictions.h5ad")).filter(|p| p.exists()) };
    let model = run.manifest.model.as_str();
    let (Some(ours), Some(base)) = (file(model).filter(|_| model != BASELINE), file(BASELINE)) else { return Ok(None) };
    let (ours, base) = (scores(run, &ours)?, scores(run, &base)?);
    let rows = ours.into_iter().filter_map(|(perturbation, model)| {
        let baseline = base.iter().find(|(p, _)| *p == perturbation)?.1;
        Some(Improvement { perturbation, model, baseline })
    });
    let figure = ImprovementFigure::new(model, BASELINE, METRIC, rows.collect())?;
    let caption = "Pearson correlation over genes, the target itself left out, of predicted and measured change.";
    Ok(Some(figure.caption(caption)))
}

/// Pearson correlation of predicted and measured change per perturbation, the targets left out.
fn scores(run: &LoadedRun, path: &Path) -> Result<Vec<(String, f64)>, CliError> {
    let read = io::read_table(path, &ScreenOptions::default(), &PseudobulkOptions::default(), &mut |_, _| {})?;
    let predicted = Responses::from_pseudobulk(&read.table)?;
    let measured = &run.responses;
    let score = |(row, perturbation): (usize, &crate::data::Perturbation)| {
        let seen = measured.perturbations.iter().position(|p| p == perturbation)?;
        let names = predicted.genes.names().iter().enumerate();
        let others = names.filter(|(_, n)| !perturbation.targets().iter().any(|t| t == *n));
        let pairs = others.filter_map(|(g, name)| {
            let m = measured.genes.id(name)?.index();
            Some((predicted.delta[[row, g]], measured.delta[[seen, m]]))
        });
        let (p, m): (Vec<f32>, Vec<f32>) = pairs.unzip();
        Some((perturbation.to_string(), pearson(&p, &m)?))
    };
    Ok(predicted.perturbations.iter().enumerate().filter_map(score).collect())
}
