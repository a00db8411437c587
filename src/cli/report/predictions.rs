//! Predicted responses of a few perturbations.

use super::super::error::CliError;
use super::super::load::LoadedRun;
use super::super::plot::{responders, source_of};
use crate::data::{GeneId, Perturbation};
use crate::graph::GeneGraph;
use crate::predict::{Basis, Prediction};
use crate::report::{FigureView, NetworkFigure, Section};

/// Perturbations shown where none is asked for, and how many are looked at to find them.
const SHOWN: usize = 2;
const LOOKED_AT: usize = 24;
/// Genes of the bar chart and of the network.
const BARS: usize = 20;
/// Level of their intervals.
const LEVEL: f64 = 0.95;
const NETWORK_GENES: usize = 32;

/// The section; `None` where no gene of the graph can be predicted.
pub(super) fn section(run: &LoadedRun, perts: &[String]) -> Result<Option<Section>, CliError> {
    let mut chosen = Vec::new();
    for label in perts {
        let perturbation = Perturbation::parse(label, &run.manifest.control_label)?;
        let prediction = run.predictor.predict(&perturbation)?;
        chosen.push((perturbation, prediction));
    }
    if perts.is_empty() {
        chosen = unseen(run)?;
    }
    if chosen.is_empty() {
        return Ok(None);
    }
    let mut figures = Vec::new();
    for (perturbation, prediction) in &chosen {
        figures.extend(draw(run, perturbation, prediction)?);
    }
    let intro = if perts.is_empty() {
        format!(
            "Perturbations that were never measured. Of the {LOOKED_AT} best connected genes of the graph that are \
             measured and were not perturbed, these are predicted to change the transcriptome most."
        )
    } else {
        String::new()
    };
    let commands = vec![format!("grn predict --run {} --pert {}", run.dir.path().display(), chosen[0].0)];
    Ok(Some(Section { intro, figures, commands, ..Section::default() }))
}

/// Well connected, measured, never perturbed genes with the largest predicted responses.
fn unseen(run: &LoadedRun) -> Result<Vec<(Perturbation, Prediction)>, CliError> {
    let graph = &run.graph;
    let perturbed = |gene: &str| run.responses.perturbations.iter().any(|p| p.targets().iter().any(|t| **t == *gene));
    let mut genes: Vec<GeneId> = (0..graph.n_genes() as u32).map(GeneId).collect();
    genes.retain(|&g| run.genes.id(graph.genes().name(g)).is_some() && !perturbed(graph.genes().name(g)));
    genes.sort_by_key(|&g| (std::cmp::Reverse(degree(graph, g)), g));
    let mut predicted = Vec::new();
    for gene in genes.into_iter().take(LOOKED_AT) {
        let perturbation = Perturbation::of([graph.genes().name(gene)]);
        let prediction = run.predictor.predict(&perturbation)?;
        if prediction.basis == Basis::Graph {
            predicted.push((perturbation, prediction));
        }
    }
    let size = |p: &Prediction| p.delta.mean.iter().map(|d| d * d).sum::<f32>();
    predicted.sort_by(|a, b| size(&b.1).total_cmp(&size(&a.1)));
    predicted.truncate(SHOWN);
    Ok(predicted)
}

fn degree(graph: &GeneGraph, gene: GeneId) -> usize {
    graph.out_edges(gene).len() + graph.in_edges(gene).count()
}

/// Bars of the largest changes and, where the graph knows the gene, its network.
fn draw(run: &LoadedRun, perturbation: &Perturbation, prediction: &Prediction) -> Result<Vec<FigureView>, CliError> {
    let caption = format!("{} {}", basis(run, perturbation, prediction), source_of(run));
    let bars = responders(run, perturbation, LEVEL, BARS)?;
    let about = format!("{caption}{}", bars.about);
    let mut figures = vec![FigureView::of(&bars.figure.caption(about).scene(), "")?];
    let center = perturbation.targets().iter().find(|t| {
        let gene = run.graph.genes().resolve(t);
        gene.is_some_and(|g| degree(&run.graph, g) > 0)
    });
    if let Some(center) = center {
        let network = NetworkFigure::around(&run.graph, center, 2, NETWORK_GENES, Some(&prediction.delta))?;
        figures.push(FigureView::of(&network.perturbed(perturbation.targets()).caption(&caption).scene(), "")?);
    }
    Ok(figures)
}

/// What a prediction rests on, in words.
fn basis(run: &LoadedRun, perturbation: &Perturbation, prediction: &Prediction) -> &'static str {
    match prediction.basis {
        Basis::Fallback => "The model knows nothing of this target: the mean of the training perturbations is shown.",
        Basis::Graph if run.responses.perturbations.contains(perturbation) => {
            "Measured in the data the model was fitted on."
        }
        Basis::Graph => "Not measured in the data the model was fitted on.",
    }
}
