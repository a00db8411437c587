//! Ridge regression of every gene on its regulators, towards the prior.
//!
//! For gene g let z be its changes over the n rows, X the changes of all regulators (n x columns), b the prior means of
//! its edges, V a diagonal with 1 for its edges and v for other regulators. Then a = (X V X' + noise I)^-1 (z - X b) and
//! the effects are b + V X' a. With C = (v X X' + noise I)^-1, shared by all genes, and X_k the columns of the k edges,
//! the inverse is C - C X_k (I / (1 - v) + X_k' C X_k)^-1 X_k' C: O(n k^2) per gene instead of O(n^3). A row that perturbs
//! g itself is left out by the right-hand side that makes its coefficient zero.

use ndarray::{Array1, Array2, Axis};
use rayon::prelude::*;

use crate::stats::{LinalgError, inverse_spd};

/// An edge into a gene: column of the regulator and prior mean of its effect.
pub(super) type Edge = (usize, f32);

/// What the regression of all genes gives.
pub(super) struct Effects {
    /// Effects of the edges of each gene, in the order of the edges given, beyond what `dual` says of every regulator.
    pub(super) of_edges: Vec<Vec<f32>>,
    /// Coefficients a, n_rows x n_genes: the effect of regulator s on gene g without an edge is v x_s' a_g.
    pub(super) dual: Array2<f32>,
}

/// What is regressed.
pub(super) struct Regression<'a> {
    /// Changes of the regulators, n_rows x n_columns; columns of genes that regulate nothing are zero.
    pub(super) x: &'a Array2<f64>,
    /// Changes of the genes, n_rows x n_genes.
    pub(super) z: &'a Array2<f64>,
    /// Edges into each gene.
    pub(super) edges: &'a [Vec<Edge>],
    /// Rows that perturb each gene.
    pub(super) own_rows: &'a [Vec<usize>],
    /// Variance v of effects without an edge, below 1.
    pub(super) off_graph: f64,
    /// Variance of the noise.
    pub(super) noise: f64,
}

impl Regression<'_> {
    /// Solves all genes. O(n^3 + n^2 columns + sum over genes of n k^2).
    pub(super) fn solve(&self) -> Result<Effects, LinalgError> {
        let mut shared = self.x.dot(&self.x.t()) * self.off_graph;
        shared.diag_mut().mapv_inplace(|v| v + self.noise);
        let inverse = inverse_spd(&shared)?;
        let smoothed = inverse.dot(self.x);
        let solved: Vec<(Array1<f64>, Vec<f32>)> = (0..self.z.ncols())
            .into_par_iter()
            .map(|gene| self.gene(gene, &inverse, &smoothed))
            .collect::<Result<_, LinalgError>>()?;
        let mut dual = Array2::zeros(self.z.raw_dim());
        let mut of_edges = Vec::with_capacity(solved.len());
        for (mut column, (a, edges)) in dual.axis_iter_mut(Axis(1)).zip(solved) {
            column.assign(&a.mapv(|v| v as f32));
            of_edges.push(edges);
        }
        Ok(Effects { of_edges, dual })
    }

    fn gene(
        &self,
        gene: usize,
        inverse: &Array2<f64>,
        smoothed: &Array2<f64>,
    ) -> Result<(Array1<f64>, Vec<f32>), LinalgError> {
        let edges = &self.edges[gene];
        let columns: Vec<usize> = edges.iter().map(|(s, _)| *s).collect();
        let x = self.x.select(Axis(1), &columns);
        let mean: Array1<f64> = edges.iter().map(|(_, b)| f64::from(*b)).collect();
        let residual = &self.z.column(gene) - &x.dot(&mean);
        let update = Update::new(&x, smoothed.select(Axis(1), &columns), self.off_graph)?;
        let mut a = update.apply(&inverse.dot(&residual), &residual)?;
        for &row in &self.own_rows[gene] {
            let mut unit = Array1::zeros(a.len());
            unit[row] = 1.0;
            let column = update.apply(&inverse.column(row).to_owned(), &unit)?;
            let excess = a[row] / column[row];
            a.scaled_add(-excess, &column);
        }
        let beyond = x.t().dot(&a) * (1.0 - self.off_graph) + mean;
        Ok((a, beyond.mapv(|v| v as f32).to_vec()))
    }
}

/// The low-rank part of a gene's inverse.
struct Update {
    smoothed: Array2<f64>,
    inner: Array2<f64>,
}

impl Update {
    fn new(x: &Array2<f64>, smoothed: Array2<f64>, off_graph: f64) -> Result<Self, LinalgError> {
        let mut inner = x.t().dot(&smoothed);
        inner.diag_mut().mapv_inplace(|v| v + 1.0 / (1.0 - off_graph));
        let inner = if inner.is_empty() { inner } else { inverse_spd(&inner)? };
        Ok(Self { smoothed, inner })
    }

    /// The gene's inverse times v, from the shared inverse times v.
    fn apply(&self, shared: &Array1<f64>, v: &Array1<f64>) -> Result<Array1<f64>, LinalgError> {
        Ok(shared - &self.smoothed.dot(&self.inner.dot(&self.smoothed.t().dot(v))))
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{array, s};

    use crate::stats::solve_spd;

    use super::*;

    #[test]
    fn the_shared_inverse_gives_what_each_gene_alone_would() {
        let x = array![[1.0, 0.2, -0.3], [0.1, -1.0, 0.4], [0.5, 0.3, 0.9], [-0.2, 0.8, 0.1]];
        let z = array![[0.5], [-0.4], [1.0], [0.3]];
        let edges = vec![vec![(0, 0.3f32), (2, -0.2f32)]];
        let (off_graph, noise) = (0.2, 0.7);
        for own in [vec![], vec![2]] {
            let own_rows = vec![own.clone()];
            let regression = Regression { x: &x, z: &z, edges: &edges, own_rows: &own_rows, off_graph, noise };
            let effects = regression.solve().unwrap();
            // Directly: only the rows that stay, V and b written out.
            let keep: Vec<usize> = (0..4).filter(|r| !own.contains(r)).collect();
            let (xs, zs) = (x.select(Axis(0), &keep), z.select(Axis(0), &keep));
            let (v, b) =
                (Array2::from_diag(&array![1.0, off_graph, 1.0]), array![0.3f32.into(), 0.0, (-0.2f32).into()]);
            let gram = xs.dot(&v).dot(&xs.t()) + Array2::<f64>::eye(keep.len()) * noise;
            let rhs = (&zs.column(0) - &xs.dot(&b)).insert_axis(Axis(1));
            let a = solve_spd(&gram, &rhs).unwrap();
            let expected: Array1<f64> = b + v.dot(&xs.t()).dot(&a.slice(s![.., 0]));
            let dual = effects.dual.column(0).mapv(f64::from);
            let shared = x.t().dot(&dual) * off_graph;
            let got = array![
                shared[0] + f64::from(effects.of_edges[0][0]),
                shared[1],
                shared[2] + f64::from(effects.of_edges[0][1])
            ];
            assert!((&got - &expected).iter().all(|e| e.abs() < 1e-6), "{got} {expected}");
        }
    }
}
