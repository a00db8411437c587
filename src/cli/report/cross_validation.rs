//! The report of a folder that `grn cv` wrote.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::super::error::CliError;
use super::super::plot::{Table, read_responses, responses_of};
use super::accuracy::Cv;
use super::{Made, sections};
use crate::data::{DataError, Delta, Responses};
use crate::graph::GeneGraph;
use crate::io::{self, IoError};
use crate::report::{DeltaFigure, Fact, FigureView, ReportData, Section, TableView};
use crate::run::{Manifest, RunDir};
use crate::score::CvMetric;

/// Everything the folder has to say.
pub(super) fn build(folder: &Path, perts: &[String]) -> Result<Made, CliError> {
    let Some(cv) = Cv::find(&[folder.to_owned()], None)? else {
        return Err(CliError::usage("--run", "a run, or a folder of `grn cv`", "neither", None));
    };
    let about = About::read(&folder.join("cv.json"))?;
    let responses = responses_of(folder).map(|path| read_responses(&path)).transpose()?;
    let graph = Some(RunDir::at(folder).graph()).filter(|p| p.exists()).map(|p| io::read_graph(&p)).transpose()?;
    let manifest = about.as_ref().map(|a| &a.manifest);
    let report = ReportData {
        title: format!("Cross-validation of {}", cv.model()),
        subtitle: subtitle(folder, manifest),
        run: folder.display().to_string(),
        highlights: highlights(&cv, responses.as_ref(), graph.as_ref()),
        data: manifest.zip(responses.as_ref()).map(|(m, r)| sections::data(m, r)),
        graph: graph.as_ref().zip(responses.as_ref()).map(|(g, r)| sections::graph(g, r)),
        training: about.as_ref().and_then(About::training),
        accuracy: Some(cv.section(None, folder)?),
        predictions: responses.as_ref().map(|r| predictions(&cv, r, perts)).transpose()?.flatten(),
        targets: None,
        notices: manifest.and_then(sections::notices),
        reproduce: manifest.map(|m| sections::reproduce(m, None)),
    };
    Ok(Made { report, numbers: cv.numbers() })
}

fn subtitle(folder: &Path, manifest: Option<&Manifest>) -> String {
    let of = manifest.map_or_else(String::new, |m| format!(" · {} · grn {}", m.data, m.grn));
    format!("{}{of}", folder.display())
}

fn highlights(cv: &Cv, responses: Option<&Responses>, graph: Option<&GeneGraph>) -> Vec<Fact> {
    let mut facts = vec![Fact::new("Model", cv.model())];
    if let Some(r) = responses {
        facts.push(Fact::new("Perturbations, each held out once", r.len()));
        facts.push(Fact::new("Measured genes", r.genes.len()));
    }
    let edges =
        |g: &GeneGraph| Fact::new("Edges of the graph", g.n_edges()).note(format!("between {} genes", g.n_genes()));
    facts.extend(graph.map(edges));
    facts.extend(cv.highlight());
    facts
}

/// `cv.json`.
struct About {
    manifest: Manifest,
    results: Value,
}

impl About {
    /// `None` for a folder of an earlier version.
    fn read(path: &Path) -> Result<Option<Self>, CliError> {
        if !path.exists() {
            return Ok(None);
        }
        let text = std::fs::read_to_string(path).map_err(|e| IoError::read(path, e))?;
        let bad = |e: serde_json::Error| IoError::format(path, "", "what `grn cv` writes", e.to_string());
        let mut all: Value = serde_json::from_str(&text).map_err(bad)?;
        let manifest = serde_json::from_value(all["manifest"].take()).map_err(bad)?;
        Ok(Some(Self { manifest, results: all["results"].take() }))
    }

    /// What the fits cost and what they had to guess.
    fn training(&self) -> Option<Section> {
        let row = |model: &Value| {
            let number = |key: &str| model[key].as_f64();
            Some(vec![
                model["model"].as_str()?.to_owned(),
                number("seconds").map_or_else(|| "–".into(), |s| format!("{s:.1}")),
                number("n_fallback").map_or_else(|| "–".into(), |n| n.to_string()),
            ])
        };
        let rows: Vec<Vec<String>> = self.results["models"].as_array()?.iter().filter_map(row).collect();
        let header = ["model", "seconds", "predicted without knowledge of the target"].map(String::from).to_vec();
        let caption = "All fits and predictions of each model".into();
        Some(Section { tables: vec![TableView { caption, header, rows, best: None }], ..Section::default() })
    }
}

/// Predicted against measured change of the perturbations asked for, else of the best and of the middle one.
fn predictions(cv: &Cv, measured: &Responses, perts: &[String]) -> Result<Option<Section>, CliError> {
    let path = cv.folder().join(cv.model()).join("predictions.h5ad");
    if !path.exists() {
        return Ok(None);
    }
    let predicted = read_responses(&path)?;
    let names = if perts.is_empty() { best_and_middle(cv)? } else { perts.to_vec() };
    let mut figures = Vec::new();
    for name in &names {
        let (ours, truth) = (row_of(&predicted, name)?, row_of(measured, name)?);
        let targets: Vec<&str> = name.split('+').collect();
        let caption = format!("Held out of the fit. Cross-validation {}.", cv.folder().display());
        figures.push(FigureView::of(&DeltaFigure::new(name, &targets, &ours, &truth)?.caption(caption).scene(), "")?);
    }
    let intro = if perts.is_empty() {
        format!(
            "The held-out perturbations with the best and the middle {} of {}.",
            CvMetric::CentredR.name(),
            cv.model()
        )
    } else {
        String::new()
    };
    Ok(Some(Section { intro, figures, ..Section::default() }))
}

fn best_and_middle(cv: &Cv) -> Result<Vec<String>, CliError> {
    let table = Table::read(&cv.folder().join("per_perturbation.tsv"), "`grn cv --outdir DIR` writes it")?;
    let mut rows = Vec::new();
    for row in table.tsv.rows.iter().filter(|r| table.text(r, "model").is_ok_and(|m| m == cv.model())) {
        if let Some(value) = table.optional(row, CvMetric::CentredR.name())? {
            rows.push((value, table.text(row, "target_gene")?.to_owned()));
        }
    }
    rows.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let middle = rows.len() / 2;
    let chosen = rows.iter().enumerate().filter(|(k, _)| *k == 0 || *k == middle);
    Ok(chosen.map(|(_, (_, name))| name.clone()).collect())
}

fn row_of(responses: &Responses, name: &str) -> Result<Delta, CliError> {
    let labels: Vec<String> = responses.perturbations.iter().map(ToString::to_string).collect();
    let canonical = crate::data::Perturbation::parse(name, "ctrl")?.to_string();
    let Some(row) = labels.iter().position(|l| *l == canonical) else {
        let suggestions = crate::data::suggest(name, labels.iter().map(String::as_str));
        return Err(DataError::UnknownPerturbation { label: name.to_owned(), suggestions }.into());
    };
    Ok(Delta::new(Arc::clone(&responses.genes), responses.delta.row(row).to_vec(), None)?)
}
