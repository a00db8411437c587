//! The linear response of a law: how a small change of each regulator changes each gene.

use super::Law;

/// The elasticity matrix `J_ij = d ln P_i / d ln x_j` at given levels, sparse, by target (CSR).
#[derive(Debug, Clone)]
pub struct Elasticity {
    start: Vec<usize>,
    source: Vec<u32>,
    value: Vec<f64>,
}

impl Elasticity {
    /// The matrix of a law at these levels, one per gene. O(edges).
    pub fn at(law: &dyn Law, levels: &[f64]) -> Self {
        let mut start = vec![0];
        let (mut source, mut value) = (Vec::new(), Vec::new());
        for gene in 0..law.n_genes() {
            let regulators = law.regulators_of(gene);
            source.extend_from_slice(regulators);
            value.resize(source.len(), 0.0);
            law.elasticities(gene, levels, &mut value[start[gene]..]);
            start.push(source.len());
        }
        Self { start, source, value }
    }

    /// Number of genes.
    pub fn n_genes(&self) -> usize {
        self.start.len() - 1
    }

    /// Regulators of a gene and its elasticities in them.
    pub fn row(&self, gene: usize) -> impl Iterator<Item = (u32, f64)> + '_ {
        let range = self.start[gene]..self.start[gene + 1];
        self.source[range.clone()].iter().copied().zip(self.value[range].iter().copied())
    }

    /// `out = J v`, both of length n_genes.
    pub fn times(&self, v: &[f64], out: &mut [f64]) {
        for (gene, to) in out.iter_mut().enumerate() {
            *to = self.row(gene).map(|(source, j)| j * v[source as usize]).sum();
        }
    }
}
