//! What is known of a target as one row of numbers: where it lies in the prior graph, and what tables say of it.
//!
//! The graph part holds the leading eigenvectors of the mean similarity among the training targets (by neighbours and by
//! random walks, in every channel; see [`Similarity`]), scaled by the roots of their eigenvalues: the dot product of two
//! rows is their similarity, as far as `width` directions carry it. Any other gene of the graph gets its row from its
//! similarities to the training targets (Nyström; Bengio et al., Neural Computation 2004), which for a training target
//! gives its own row back. A table part holds the principal components of the table's rows, centred at the training
//! targets it knows. Every part has a mean squared length of about 1 over the training targets. A part that does not know
//! a gene is zero there; a gene that no part knows, or that resembles no
//! training target, has no row.

use std::sync::Arc;

use ndarray::{Array1, Array2, ArrayView1, Axis, s};
use serde::{Deserialize, Serialize};

use super::kernel::{Kind, Similarity, View};
use super::saved::Numbers;
use super::{PredictError, Saved, Task};
use crate::data::{Features, GeneId, GeneIndex};
use crate::stats::{LinalgError, pca, symmetric_eigen};

/// Directions whose variance is below this share of the first are noise.
const NEGLIGIBLE: f64 = 1e-6;

/// Rows of numbers for genes.
#[derive(Debug)]
pub(super) struct TargetFeatures {
    graph: GraphPart,
    tables: Vec<TablePart>,
}

#[derive(Debug)]
struct GraphPart {
    genes: Arc<GeneIndex>,
    /// Training targets that are nodes.
    targets: Vec<GeneId>,
    similarity: Similarity,
    /// n_targets x width.
    projection: Array2<f32>,
}

#[derive(Debug)]
struct TablePart {
    name: String,
    genes: Arc<GeneIndex>,
    /// Rows of all genes of the table, n_genes x width.
    rows: Array2<f32>,
}

/// How features are stored, besides numbers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct StoredFeatures {
    targets: Vec<String>,
    views: Vec<View>,
    graph_width: usize,
    /// Name and width of each table.
    tables: Vec<(String, usize)>,
}

impl TargetFeatures {
    /// Features of at most `width` numbers per part, learned from the targets of the training perturbations.
    ///
    /// O(n_targets^3) beside the similarities.
    pub(super) fn fit(task: &Task<'_>, width: usize) -> Result<Self, LinalgError> {
        let names = task.responses.perturbations.iter().flat_map(|p| p.targets().iter());
        let names: std::collections::BTreeSet<&str> = names.map(AsRef::as_ref).collect();
        let nodes: std::collections::BTreeSet<GeneId> =
            names.iter().filter_map(|t| task.graph.genes().resolve(t)).collect();
        let graph = GraphPart::fit(task, nodes.into_iter().collect(), width)?;
        let tables = task.features.iter().map(|t| TablePart::fit(t, &names, width)).collect::<Result<_, _>>()?;
        Ok(Self { graph, tables })
    }

    /// Numbers per row.
    pub(super) fn width(&self) -> usize {
        self.graph.projection.ncols() + self.tables.iter().map(|t| t.rows.ncols()).sum::<usize>()
    }

    /// The row of a gene; `None` where neither the graph nor a table knows it, or where it resembles no training target.
    pub(super) fn row(&self, target: &str) -> Option<Array1<f32>> {
        let of_graph = self.graph.row(target);
        let of_tables: Vec<Option<ArrayView1<'_, f32>>> = self.tables.iter().map(|t| t.row(target)).collect();
        if of_graph.is_none() && of_tables.iter().all(Option::is_none) {
            return None;
        }
        let mut row = of_graph.unwrap_or_else(|| vec![0.0; self.graph.projection.ncols()]);
        for (table, known) in self.tables.iter().zip(of_tables) {
            row.extend(known.map_or_else(|| vec![0.0; table.rows.ncols()], |r| r.to_vec()));
        }
        row.iter().any(|v| *v != 0.0).then(|| row.into())
    }

    /// One row per entry, zeros for a gene without a row: n_targets x width.
    pub(super) fn rows<S: AsRef<str>>(&self, targets: &[S]) -> Array2<f32> {
        let mut out = Array2::zeros((targets.len(), self.width()));
        for (mut to, target) in out.outer_iter_mut().zip(targets) {
            if let Some(row) = self.row(target.as_ref()) {
                to.assign(&row);
            }
        }
        out
    }

    /// Everything but graph, tables and numbers.
    pub(super) fn stored(&self) -> StoredFeatures {
        let GraphPart { genes, targets, similarity, projection } = &self.graph;
        StoredFeatures {
            targets: targets.iter().map(|&t| genes.name(t).to_owned()).collect(),
            views: similarity.views().cloned().collect(),
            graph_width: projection.ncols(),
            tables: self.tables.iter().map(|t| (t.name.clone(), t.rows.ncols())).collect(),
        }
    }

    /// The numbers to store, by name.
    pub(super) fn numbers(&self) -> Vec<(String, &Array2<f32>)> {
        let tables = self.tables.iter().enumerate().map(|(k, t)| (table_key(k), &t.rows));
        std::iter::once((GRAPH_KEY.to_owned(), &self.graph.projection)).chain(tables).collect()
    }

    /// The features of a saved fit; `from` must hold its graph and its tables.
    pub(super) fn restore(
        stored: StoredFeatures,
        numbers: &mut Numbers,
        from: &Saved<'_>,
    ) -> Result<Self, PredictError> {
        let wrong = |what: &str| PredictError::Saved {
            path: from.dir.to_owned(),
            reason: format!("expected the graph and the feature tables of the fit, got {what}"),
        };
        let genes = Arc::clone(from.graph.genes());
        let targets = stored.targets.iter().map(|t| genes.id(t)).collect::<Option<Vec<_>>>();
        let targets = targets.ok_or_else(|| wrong("a graph that lacks training targets"))?;
        let nodes = targets.iter().copied().map(Some).collect();
        let similarity = Similarity::of_views(from.graph, stored.views, nodes);
        let similarity = similarity.ok_or_else(|| wrong("a graph that lacks channels"))?;
        let projection = numbers.take(GRAPH_KEY, stored.graph_width)?;
        let mut tables = Vec::new();
        for (k, (name, width)) in stored.tables.into_iter().enumerate() {
            let rows = numbers.take(&table_key(k), width)?;
            let table = from.features.iter().find(|f| f.name == name && f.genes.len() == rows.nrows());
            let table = table.ok_or_else(|| wrong(&format!("no table `{name}` of {} genes", rows.nrows())))?;
            tables.push(TablePart { name, genes: Arc::clone(&table.genes), rows });
        }
        Ok(Self { graph: GraphPart { genes, targets, similarity, projection }, tables })
    }
}

const GRAPH_KEY: &str = "features.graph";

fn table_key(at: usize) -> String {
    format!("features.table.{at}")
}

impl GraphPart {
    fn fit(task: &Task<'_>, targets: Vec<GeneId>, width: usize) -> Result<Self, LinalgError> {
        let similarity = Similarity::of_kinds(
            task.graph,
            &[Kind::Neighbours, Kind::Walk],
            targets.iter().copied().map(Some).collect(),
        );
        let n = targets.len();
        let share = 1.0 / similarity.views().len().max(1) as f64;
        let mut mean = Array2::<f64>::zeros((n, n));
        for view in 0..similarity.views().len() {
            mean.scaled_add(share, &similarity.matrix(view));
        }
        let projection = inverse_root(&mean, width)?;
        Ok(Self { genes: Arc::clone(task.graph.genes()), targets, similarity, projection })
    }

    fn row(&self, target: &str) -> Option<Vec<f32>> {
        let node = self.genes.resolve(target)?;
        let n_views = self.similarity.views().len();
        let similar = self.similarity.of(Some(node), &vec![1.0 / n_views.max(1) as f64; n_views]);
        let mut row = Array1::<f64>::zeros(self.projection.ncols());
        for (weight, direction) in similar.iter().zip(self.projection.outer_iter()) {
            row.zip_mut_with(&direction, |r, &d| *r += weight * f64::from(d));
        }
        Some(row.iter().map(|&v| v as f32).collect())
    }
}

/// U L^-1/2 of the leading eigenvectors U of a symmetric matrix, n x at most `width`; each is positive where it is largest.
fn inverse_root(matrix: &Array2<f64>, width: usize) -> Result<Array2<f32>, LinalgError> {
    if matrix.is_empty() {
        return Ok(Array2::zeros((0, 0)));
    }
    let (values, vectors) = symmetric_eigen(matrix)?;
    let largest = values.iter().copied().fold(0.0, f64::max);
    let kept: Vec<usize> = (0..values.len()).rev().filter(|&i| values[i] > NEGLIGIBLE * largest).take(width).collect();
    let mut out = vectors.select(Axis(1), &kept);
    for (mut column, &i) in out.axis_iter_mut(Axis(1)).zip(&kept) {
        let peak = column.iter().copied().fold(0.0f64, |best, v| if v.abs() > best.abs() { v } else { best });
        let scale = peak.signum() / values[i].sqrt();
        column.mapv_inplace(|v| v * scale);
    }
    Ok(out.mapv(|v| v as f32))
}

impl TablePart {
    fn fit(table: &Features, targets: &std::collections::BTreeSet<&str>, width: usize) -> Result<Self, LinalgError> {
        let known: Vec<usize> = targets.iter().filter_map(|t| table.genes.resolve(t)).map(GeneId::index).collect();
        let rows = table.values.select(Axis(0), &known).mapv(f64::from);
        let genes = Arc::clone(&table.genes);
        let Some(centre) = rows.mean_axis(Axis(0)) else {
            return Ok(Self { name: table.name.clone(), rows: Array2::zeros((genes.len(), 0)), genes });
        };
        let components = pca((rows - &centre).view(), width)?;
        let squared = components.scores.iter().map(|v| v * v).sum::<f64>() / known.len() as f64;
        let kept = components.singular.iter().filter(|s| **s * **s > NEGLIGIBLE * squared).count();
        let scale = if squared > 0.0 { squared.sqrt().recip() } else { 0.0 };
        let axes = (components.axes.slice(s![..kept, ..]).to_owned() * scale).mapv(|v| v as f32);
        let offset = axes.dot(&centre.mapv(|v| v as f32));
        Ok(Self { name: table.name.clone(), rows: table.values.dot(&axes.t()) - &offset, genes })
    }

    fn row(&self, target: &str) -> Option<ArrayView1<'_, f32>> {
        self.genes.resolve(target).map(|g| self.rows.row(g.index()))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;
    use ndarray::array;

    use super::*;
    use crate::data::FeatureKind;
    use crate::predict::test_screens::two_cliques;

    #[test]
    fn rows_of_training_targets_carry_their_similarity_and_any_gene_of_the_graph_has_one() {
        let screen = two_cliques();
        let features = TargetFeatures::fit(&screen.task(&[], &Device::Cpu), 50).unwrap();
        let dot = |a: &str, b: &str| features.row(a).unwrap().dot(&features.row(b).unwrap());
        assert!((dot("A0", "A0") - 1.0).abs() < 1e-3, "{}", dot("A0", "A0"));
        // `A5` was not perturbed: it still resembles its own clique.
        assert!(dot("A5", "A0") > 0.3 && dot("A5", "B0").abs() < 0.05, "{} {}", dot("A5", "A0"), dot("A5", "B0"));
        assert!(features.row("LOST").is_none());
    }

    #[test]
    fn a_table_adds_its_components_and_knows_genes_outside_the_graph() {
        let screen = two_cliques();
        let genes = Arc::new(GeneIndex::new(["A0", "B0", "LOST"]).unwrap());
        let values = array![[1.0, 0.0, 5.0], [3.0, 0.0, 5.0], [4.0, 0.0, 5.0]];
        let table = [Features::new("x", FeatureKind::Embedding, genes, values).unwrap()];
        let features = TargetFeatures::fit(&screen.task(&table, &Device::Cpu), 50).unwrap();
        let graph_width = features.graph.projection.ncols();
        // All three are training targets; their first numbers lie -5/3, 1/3 and 4/3 from the centre 8/3, with a mean square
        // of 14/9.
        let last = |t: &str| features.row(t).unwrap()[graph_width];
        let scale = (9.0f32 / 14.0).sqrt();
        for (target, expected) in [("A0", -5.0 / 3.0), ("B0", 1.0 / 3.0), ("LOST", 4.0 / 3.0), ("A1", 0.0)] {
            assert!((last(target) - expected * scale).abs() < 1e-5, "{target}: {}", last(target));
        }
        assert_eq!(features.width(), graph_width + 1);
        assert!(features.row("LOST").unwrap().slice(s![..graph_width]).iter().all(|v| *v == 0.0));
    }
}
