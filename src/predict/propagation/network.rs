//! A fitted linear network and its messages.

use std::sync::Arc;

use ndarray::{Array1, Array2, ArrayView1, Axis, Zip, s};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::super::own_target::measured_log_ratio;
use super::super::saved::Numbers;
use super::Config;
use super::columns::Columns;
use super::fit::{Edge, Regression};
use crate::data::{GeneId, GeneIndex, Perturbation, Quantity, Responses};
use crate::graph::GeneGraph;
use crate::predict::PredictError;

/// Slope of log1p below which a change is divided by this instead.
const LEAST_SLOPE: f32 = 0.05;
/// Log ratio at the target where the screen does not say how far targets fall.
const KNOCKDOWN: f64 = -1.0;

/// Effects between genes: a sparse part along the edges of the graph and a low-rank part between all.
#[derive(Debug)]
pub(in crate::predict) struct Network {
    columns: Columns,
    hops: usize,
    off_graph: f32,
    /// Prior effect of an edge of weight 1 and known sign.
    pub(in crate::predict) strength: f64,
    /// Factor on all effects.
    pub(in crate::predict) stretch: f64,
    /// Log ratio that a perturbation leaves at its target.
    start: f64,
    /// Slope of log1p at the control per measured gene.
    slope: Array1<f32>,
    edges: Edges,
    /// Changes of the regulators, n_rows x n_columns.
    regulators: Array2<f32>,
    /// n_rows x n_genes.
    dual: Array2<f32>,
}

/// Effects along edges, by source column.
#[derive(Debug, Clone, Default)]
struct Edges {
    start: Vec<usize>,
    genes: Vec<u32>,
    effects: Vec<f32>,
}

/// What is stored beside the tables.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::predict) struct StoredNetwork {
    unmeasured: Vec<String>,
    strength: f64,
    stretch: f64,
    start: f64,
    edge_start: Vec<usize>,
    edge_genes: Vec<u32>,
}

impl Network {
    /// Learns the effects from the training perturbations.
    pub(in crate::predict) fn fit(
        config: &Config,
        responses: &Responses,
        graph: &GeneGraph,
    ) -> Result<Self, PredictError> {
        let columns = Columns::of(responses, graph);
        let slope = slope(responses);
        let start = start(responses);
        let z = departures(responses, &slope);
        let own_rows = own_rows(responses, &columns);
        let incoming = incoming(graph, &columns, config.max_regulators);
        let x = regulators(responses, &columns, &z, &is_regulator(graph, responses, &columns), start);
        let strength = strength(&x, &z, &incoming, &own_rows);
        let edges: Vec<Vec<Edge>> = incoming
            .iter()
            .map(|of| of.iter().map(|&(s, w)| (s, (strength * f64::from(w)) as f32)).collect())
            .collect();
        let (off_graph, noise) = (config.off_graph, config.noise);
        let effects = Regression { x: &x, z: &z, edges: &edges, own_rows: &own_rows, off_graph, noise }.solve()?;
        Ok(Self {
            edges: Edges::new(columns.len(), &edges, &effects.of_edges),
            columns,
            hops: config.hops,
            off_graph: off_graph as f32,
            strength,
            stretch: 1.0,
            start,
            slope,
            regulators: x.mapv(|v| v as f32).as_standard_layout().into_owned(),
            dual: effects.dual,
        })
    }

    /// Whether any target can send a message.
    pub(in crate::predict) fn knows(&self, perturbation: &Perturbation) -> bool {
        !self.columns.of_targets(perturbation).is_empty()
    }

    /// The propagated change of a perturbation, log1p scale, length n_genes; zero where no target is known.
    pub(in crate::predict) fn propagate(&self, perturbation: &Perturbation) -> Array1<f32> {
        self.propagate_all(std::slice::from_ref(perturbation)).row(0).to_owned()
    }

    /// The same for many, n x n_genes. O(hops (n_rows (n_columns + n_genes) + edges)) each.
    pub(in crate::predict) fn propagate_all(&self, perturbations: &[Perturbation]) -> Array2<f32> {
        let targets: Vec<Vec<usize>> = perturbations.iter().map(|p| self.columns.of_targets(p)).collect();
        let mut change = Array2::<f32>::zeros((targets.len(), self.columns.len()));
        self.hold(&mut change, &targets);
        for _ in 0..self.hops {
            change = self.hop(&change);
            self.hold(&mut change, &targets);
        }
        change.slice(s![.., ..self.slope.len()]).to_owned() * &self.slope
    }

    /// Mean propagated change of the training perturbations, length n_genes.
    pub(in crate::predict) fn common(&self, responses: &Responses) -> Array1<f32> {
        let all = self.propagate_all(&responses.perturbations);
        all.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(self.slope.len()))
    }

    /// One hop along every edge, n x n_columns; unmeasured genes receive nothing.
    fn hop(&self, change: &Array2<f32>) -> Array2<f32> {
        let shared = match change.nrows() {
            1 => self.shared(change.row(0)).insert_axis(Axis(0)),
            _ => change.dot(&self.regulators.t()).dot(&self.dual),
        } * self.off_graph;
        let mut next = Array2::zeros(change.raw_dim());
        next.slice_mut(s![.., ..self.slope.len()]).assign(&shared);
        let rows = next.axis_iter_mut(Axis(0)).into_par_iter().zip(change.axis_iter(Axis(0)));
        rows.for_each(|(mut to, from)| {
            for (source, &h) in from.iter().enumerate().filter(|(_, h)| **h != 0.0) {
                let (genes, effects) = self.edges.of(source);
                genes.iter().zip(effects).for_each(|(&g, &w)| to[g as usize] += h * w);
            }
        });
        next * self.stretch as f32
    }

    /// What one row receives through the regulators: two passes over both matrices, where a product of matrices would
    /// first copy them.
    fn shared(&self, change: ArrayView1<'_, f32>) -> Array1<f32> {
        let mut shared = Array1::zeros(self.dual.ncols());
        let weights = self.regulators.dot(&change);
        self.dual.outer_iter().zip(&weights).for_each(|(row, &w)| shared.scaled_add(w, &row));
        shared
    }

    fn hold(&self, change: &mut Array2<f32>, targets: &[Vec<usize>]) {
        for (mut row, targets) in change.outer_iter_mut().zip(targets) {
            targets.iter().for_each(|&t| row[t] = self.start as f32);
        }
    }

    /// Everything but settings, genes and graph.
    pub(in crate::predict) fn stored(&self) -> (StoredNetwork, [(&'static str, Array2<f32>); 4]) {
        let stored = StoredNetwork {
            unmeasured: self.columns.unmeasured.clone(),
            strength: self.strength,
            stretch: self.stretch,
            start: self.start,
            edge_start: self.edges.start.clone(),
            edge_genes: self.edges.genes.clone(),
        };
        let row = |x: Vec<f32>| Array1::from(x).insert_axis(Axis(0));
        let tables = [
            ("network.slope", row(self.slope.to_vec())),
            ("network.effects", row(self.edges.effects.clone())),
            ("network.regulators", self.regulators.clone()),
            ("network.dual", self.dual.clone()),
        ];
        (stored, tables)
    }

    /// The network as stored.
    pub(in crate::predict) fn restore(
        stored: StoredNetwork,
        config: &Config,
        numbers: &mut Numbers,
        genes: &Arc<GeneIndex>,
    ) -> Result<Self, PredictError> {
        let columns = Columns::new(Arc::clone(genes), stored.unmeasured);
        let effects = numbers.take("network.effects", stored.edge_genes.len())?;
        Ok(Self {
            hops: config.hops,
            off_graph: config.off_graph as f32,
            strength: stored.strength,
            stretch: stored.stretch,
            start: stored.start,
            slope: numbers.take("network.slope", genes.len())?.row(0).to_owned(),
            edges: Edges {
                start: stored.edge_start,
                genes: stored.edge_genes,
                effects: effects.iter().copied().collect(),
            },
            regulators: numbers.take("network.regulators", columns.len())?,
            dual: numbers.take("network.dual", genes.len())?,
            columns,
        })
    }
}

impl Edges {
    /// From the edges into each gene to the edges out of each source.
    fn new(n_columns: usize, edges: &[Vec<Edge>], effects: &[Vec<f32>]) -> Self {
        let mut start = vec![0; n_columns + 1];
        edges.iter().flatten().for_each(|(s, _)| start[s + 1] += 1);
        (0..n_columns).for_each(|s| start[s + 1] += start[s]);
        let (mut next, n) = (start.clone(), start[n_columns]);
        let (mut genes, mut values) = (vec![0; n], vec![0.0; n]);
        for (gene, (of, effects)) in edges.iter().zip(effects).enumerate() {
            for (&(source, _), &effect) in of.iter().zip(effects) {
                (genes[next[source]], values[next[source]]) = (gene as u32, effect);
                next[source] += 1;
            }
        }
        Self { start, genes, effects: values }
    }

    fn of(&self, source: usize) -> (&[u32], &[f32]) {
        let range = self.start[source]..self.start[source + 1];
        (&self.genes[range.clone()], &self.effects[range])
    }
}

/// Slope of log1p at the control, 1 - exp(-control), or 1 for effects of another kind.
fn slope(responses: &Responses) -> Array1<f32> {
    match responses.quantity {
        Quantity::Level => responses.control.mean.mapv(|c| (1.0 - (-c).exp()).max(LEAST_SLOPE)),
        Quantity::Effect => Array1::ones(responses.genes.len()),
    }
}

/// Mean log ratio of the measured targets, or that of a plain knockdown.
fn start(responses: &Responses) -> f64 {
    measured_log_ratio(responses).filter(|r| *r != 0.0).unwrap_or(KNOCKDOWN)
}

/// Changes minus the training mean in units of the slope, n_rows x n_genes.
fn departures(responses: &Responses, slope: &Array1<f32>) -> Array2<f64> {
    ((&responses.delta - &responses.mean_delta()) / slope).mapv(f64::from)
}

/// Rows that perturb each measured gene.
fn own_rows(responses: &Responses, columns: &Columns) -> Vec<Vec<usize>> {
    let mut rows = vec![Vec::new(); responses.genes.len()];
    for (row, perturbation) in responses.perturbations.iter().enumerate() {
        let measured = columns.of_targets(perturbation).into_iter().filter(|&t| t < responses.genes.len());
        measured.for_each(|t| rows[t].push(row));
    }
    rows
}

/// Edges into each measured gene: column of the source and signed weight (0 where the sign is unknown), the strongest
/// first, at most `most`.
fn incoming(graph: &GeneGraph, columns: &Columns, most: usize) -> Vec<Vec<Edge>> {
    let of = |gene: &Arc<str>| {
        let Some(node) = graph.genes().resolve(gene) else { return Vec::new() };
        let mut edges: Vec<(usize, f32, f32)> = graph
            .in_edges(node)
            .filter_map(|e| Some((columns.of_gene(graph.genes().name(e.source))?, e.sign.value(), e.weight)))
            .collect();
        edges.sort_by(|a, b| (b.1.abs(), b.2).partial_cmp(&(a.1.abs(), a.2)).unwrap_or(std::cmp::Ordering::Equal));
        edges.truncate(most);
        edges.into_iter().map(|(source, sign, weight)| (source, sign * weight)).collect()
    };
    columns.measured.names().iter().map(of).collect()
}

/// Columns that may act on others: sources of the graph and perturbed genes.
fn is_regulator(graph: &GeneGraph, responses: &Responses, columns: &Columns) -> Vec<bool> {
    let mut is = vec![false; columns.len()];
    let sources = (0..graph.n_genes() as u32).map(GeneId).filter(|g| !graph.out_edges(*g).is_empty());
    let targets = responses.perturbations.iter().flat_map(|p| columns.of_targets(p));
    let of_graph = sources.filter_map(|g| columns.of_gene(graph.genes().name(g)));
    of_graph.chain(targets).for_each(|c| is[c] = true);
    is
}

/// Changes of the regulators, n_rows x n_columns: as measured, and at a target that is not measured (or whose measured
/// effect is not a log ratio) what a perturbation leaves.
fn regulators(
    responses: &Responses,
    columns: &Columns,
    z: &Array2<f64>,
    is_regulator: &[bool],
    start: f64,
) -> Array2<f64> {
    let n_genes = responses.genes.len();
    let mut x = Array2::zeros((responses.len(), columns.len()));
    for gene in (0..n_genes).filter(|&g| is_regulator[g]) {
        x.column_mut(gene).assign(&z.column(gene));
    }
    for (row, perturbation) in responses.perturbations.iter().enumerate() {
        for target in columns.of_targets(perturbation) {
            if target >= n_genes || responses.quantity == Quantity::Effect {
                x[[row, target]] = start;
            }
        }
    }
    x
}

/// The factor that makes signed edges explain the changes best, 0 to 1; rows that perturb a gene say nothing of its edges.
fn strength(x: &Array2<f64>, z: &Array2<f64>, incoming: &[Vec<Edge>], own_rows: &[Vec<usize>]) -> f64 {
    let sums: Vec<(f64, f64)> = incoming
        .par_iter()
        .enumerate()
        .map(|(gene, edges)| {
            let mut explained = Array1::<f64>::zeros(x.nrows());
            edges.iter().filter(|e| e.1 != 0.0).for_each(|&(s, w)| explained.scaled_add(f64::from(w), &x.column(s)));
            own_rows[gene].iter().for_each(|&row| explained[row] = 0.0);
            Zip::from(&explained).and(&z.column(gene)).fold((0.0, 0.0), |(a, b), e, z| (a + e * z, b + e * e))
        })
        .collect();
    let (product, square) = sums.iter().fold((0.0, 0.0), |(a, b), (c, d)| (a + c, b + d));
    if square > 0.0 { (product / square).clamp(0.0, 1.0) } else { 0.0 }
}
