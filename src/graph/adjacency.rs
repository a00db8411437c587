//! The graph as a sparse matrix of one kind of weight.

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use super::{ChannelId, Edge, GeneGraph};
use crate::data::GeneId;

/// Which weight an edge has in the matrix.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Weights<'a> {
    /// The merged weight of the edge.
    Merged,
    /// The largest score among these channels; edges without any of them are left out.
    Channels(&'a [ChannelId]),
    /// 1 for every edge.
    Unit,
}

impl Weights<'_> {
    fn of(self, edge: &Edge) -> f32 {
        match self {
            Self::Merged => edge.weight,
            Self::Unit => 1.0,
            Self::Channels(wanted) => {
                let scores = edge.evidence.iter().filter(|(channel, _)| wanted.contains(channel));
                scores.map(|&(_, score)| score).fold(0.0, f32::max)
            }
        }
    }
}

/// How the weights of a row, a column or both are brought to the same size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Normalisation {
    /// Every row that is not empty sums to 1: the chance to step from a gene to each of its targets.
    Row,
    /// Every column that is not empty sums to 1.
    Column,
    /// `D_r^-1/2 A D_c^-1/2` with the row and column sums of A; symmetric where A is.
    Symmetric,
}

/// A sparse square matrix over the genes of a graph: row = source, column = target, weights not negative.
#[derive(Debug, Clone, PartialEq)]
pub struct SparseAdjacency {
    start: Vec<usize>,
    columns: Vec<u32>,
    weights: Vec<f32>,
}

impl SparseAdjacency {
    /// The directed weights, n_genes x n_genes. O(E).
    pub fn directed(graph: &GeneGraph, weights: Weights<'_>) -> Self {
        let entry = |e: &Edge| (e.source.0, e.target.0, weights.of(e));
        Self::from_sorted(graph.n_genes(), graph.edges().iter().map(entry))
    }

    /// The larger weight of both directions in both directions, n_genes x n_genes. O(E log E).
    ///
    /// ```
    /// use grn::graph::{GraphBuilder, Sign, SparseAdjacency, Weights};
    /// let mut builder = GraphBuilder::new();
    /// builder.add("A", "B", 0.5, Sign::Activation, &[]);
    /// let a = SparseAdjacency::undirected(&builder.build(), Weights::Merged);
    /// assert_eq!(a.row(1), (&[0][..], &[0.5][..]));
    /// ```
    pub fn undirected(graph: &GeneGraph, weights: Weights<'_>) -> Self {
        let both = |e: &Edge| {
            let (a, b, w) = (e.source.0, e.target.0, weights.of(e));
            [(a, b, w), (b, a, w)]
        };
        let mut entries: Vec<(u32, u32, f32)> = graph.edges().iter().flat_map(both).collect();
        entries.sort_unstable_by(|x, y| (x.0, x.1).cmp(&(y.0, y.1)).then(y.2.total_cmp(&x.2)));
        entries.dedup_by_key(|e| (e.0, e.1));
        Self::from_sorted(graph.n_genes(), entries)
    }

    /// Entries sorted by row and column, each pair once; weights that are not positive are left out.
    fn from_sorted(n: usize, entries: impl IntoIterator<Item = (u32, u32, f32)>) -> Self {
        let mut new = Self { start: vec![0; n + 1], columns: Vec::new(), weights: Vec::new() };
        for (row, column, weight) in entries.into_iter().filter(|e| e.2 > 0.0) {
            new.start[row as usize + 1] += 1;
            new.columns.push(column);
            new.weights.push(weight);
        }
        (0..n).for_each(|k| new.start[k + 1] += new.start[k]);
        new
    }

    /// Number of genes (rows and columns).
    pub fn n_genes(&self) -> usize {
        self.start.len() - 1
    }

    /// Number of stored weights.
    pub fn nnz(&self) -> usize {
        self.columns.len()
    }

    /// Columns (ascending) and weights of one row.
    pub fn row(&self, gene: usize) -> (&[u32], &[f32]) {
        let range = self.start[gene]..self.start[gene + 1];
        (&self.columns[range.clone()], &self.weights[range])
    }

    /// Columns (ascending) and weights of the row of a gene.
    pub fn neighbours(&self, gene: GeneId) -> (&[u32], &[f32]) {
        self.row(gene.index())
    }

    /// Sum of each row, length n_genes.
    pub fn row_sums(&self) -> Vec<f64> {
        (0..self.n_genes()).map(|i| self.row(i).1.iter().map(|&w| f64::from(w)).sum()).collect()
    }

    /// Sum of each column, length n_genes.
    pub fn column_sums(&self) -> Vec<f64> {
        let mut sums = vec![0.0; self.n_genes()];
        self.columns.iter().zip(&self.weights).for_each(|(&j, &w)| sums[j as usize] += f64::from(w));
        sums
    }

    /// The same pattern with normalised weights. O(V + E).
    #[must_use]
    pub fn normalised(&self, by: Normalisation) -> Self {
        let ones = || vec![1.0; self.n_genes()];
        let (rows, columns) = match by {
            Normalisation::Row => (inverse(self.row_sums()), ones()),
            Normalisation::Column => (ones(), inverse(self.column_sums())),
            Normalisation::Symmetric => (root(inverse(self.row_sums())), root(inverse(self.column_sums()))),
        };
        let mut new = self.clone();
        for (i, of_row) in rows.into_iter().enumerate() {
            for k in self.start[i]..self.start[i + 1] {
                let scale = of_row * columns[self.columns[k] as usize];
                new.weights[k] = (f64::from(self.weights[k]) * scale) as f32;
            }
        }
        new
    }

    /// The transposed matrix. O(V + E).
    #[must_use]
    pub fn transposed(&self) -> Self {
        let n = self.n_genes();
        let mut start = vec![0; n + 1];
        self.columns.iter().for_each(|&j| start[j as usize + 1] += 1);
        (0..n).for_each(|k| start[k + 1] += start[k]);
        let mut next = start.clone();
        let (mut columns, mut weights) = (vec![0; self.nnz()], vec![0.0; self.nnz()]);
        for i in 0..n {
            let (of_row, with) = self.row(i);
            for (&j, &w) in of_row.iter().zip(with) {
                let at = &mut next[j as usize];
                (columns[*at], weights[*at]) = (i as u32, w);
                *at += 1;
            }
        }
        Self { start, columns, weights }
    }

    /// The product with a dense matrix, n_genes x k. Rows in parallel, each summed in order: the same bits for any
    /// number of threads. O(E k).
    pub fn dot(&self, x: ArrayView2<'_, f32>) -> Array2<f32> {
        let mut out = Array2::zeros((self.n_genes(), x.ncols()));
        out.outer_iter_mut().into_par_iter().enumerate().for_each(|(i, mut to)| {
            let (columns, weights) = self.row(i);
            columns.iter().zip(weights).for_each(|(&j, &w)| to.scaled_add(w, &x.row(j as usize)));
        });
        out
    }
}

/// 1 / x, and 0 for the sum of nothing.
fn inverse(sums: Vec<f64>) -> Vec<f64> {
    sums.into_iter().map(|s| if s > 0.0 { 1.0 / s } else { 0.0 }).collect()
}

fn root(values: Vec<f64>) -> Vec<f64> {
    values.into_iter().map(f64::sqrt).collect()
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::graph::{GraphBuilder, Sign};

    /// A -> B 0.5, B -> A 0.25, A -> C 1.0 (channel x on A -> B only).
    fn three() -> GeneGraph {
        let mut builder = GraphBuilder::new();
        let x = builder.channel("x");
        builder.add("A", "B", 0.5, Sign::Activation, &[(x, 0.5)]);
        builder.add("B", "A", 0.25, Sign::Unknown, &[]);
        builder.add("A", "C", 1.0, Sign::Unknown, &[]);
        builder.build()
    }

    #[test]
    fn an_undirected_pair_has_its_larger_weight_both_ways() {
        let a = SparseAdjacency::undirected(&three(), Weights::Merged);
        assert_eq!(a.row(0), (&[1, 2][..], &[0.5, 1.0][..]));
        assert_eq!(a.row(1), (&[0][..], &[0.5][..]));
        assert_eq!(a, a.transposed());
    }

    #[test]
    fn a_channel_holds_only_its_edges() {
        let graph = three();
        let x = [graph.channel("x").unwrap()];
        let a = SparseAdjacency::directed(&graph, Weights::Channels(&x));
        assert_eq!((a.nnz(), a.row(0)), (1, (&[1][..], &[0.5][..])));
        assert_eq!(SparseAdjacency::directed(&graph, Weights::Unit).row_sums(), [2.0, 1.0, 0.0]);
    }

    #[test]
    fn normalised_sums_are_one() {
        let a = SparseAdjacency::directed(&three(), Weights::Merged);
        let near = |got: Vec<f64>, expected: [f64; 3]| {
            assert!(got.iter().zip(expected).all(|(g, e)| (g - e).abs() < 1e-6), "{got:?} {expected:?}");
        };
        near(a.normalised(Normalisation::Row).row_sums(), [1.0, 1.0, 0.0]);
        near(a.normalised(Normalisation::Column).column_sums(), [1.0, 1.0, 1.0]);
    }

    /// By hand: degrees of the undirected weights are 1.5, 0.5 and 1, so A-B is 0.5 / sqrt(0.75), A-C 1 / sqrt(1.5).
    #[test]
    fn symmetric_normalisation_divides_by_the_roots_of_both_degrees() {
        let a = SparseAdjacency::undirected(&three(), Weights::Merged).normalised(Normalisation::Symmetric);
        let (_, weights) = a.row(0);
        assert!((weights[0] - 0.5 / 0.75f32.sqrt()).abs() < 1e-6);
        assert!((weights[1] - 1.0 / 1.5f32.sqrt()).abs() < 1e-6);
        assert_eq!(a, a.transposed());
    }

    #[test]
    fn the_product_is_that_of_the_dense_matrix() {
        let a = SparseAdjacency::directed(&three(), Weights::Merged);
        let dense = array![[0.0, 0.5, 1.0], [0.25, 0.0, 0.0], [0.0, 0.0, 0.0]];
        let x = array![[1.0, 2.0], [3.0, -1.0], [0.5, 4.0]];
        assert_eq!(a.dot(x.view()), dense.dot(&x));
        assert_eq!(a.transposed().dot(x.view()), dense.t().dot(&x));
    }
}
