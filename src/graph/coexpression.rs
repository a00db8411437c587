//! Genes that rise and fall together in control cells.

mod control_cells;

use std::sync::Arc;

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use super::{ChannelId, GraphBuilder, Sign};
use crate::data::{Csr, GeneId, GeneIndex};

pub use self::control_cells::ControlCells;

/// Genes correlated at once with as many others.
const BLOCK: usize = 256;

/// Which pairs become edges.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CoexpressionOptions {
    /// Keep correlations whose absolute value is above this.
    pub above: f32,
    /// Keep this many partners per gene; a pair stays where either gene keeps it.
    pub top: usize,
    /// Leave out genes expressed in a smaller share of the cells: a few cells make any correlation.
    pub min_share: f64,
}

impl Default for CoexpressionOptions {
    /// Above 0.4, the best 20 per gene (as GEARS), genes expressed in at least 1 % of the cells.
    fn default() -> Self {
        Self { above: 0.4, top: 20, min_share: 0.01 }
    }
}

/// Two genes, the first with the smaller id, and the Pearson correlation of their log1p expression.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Coexpressed {
    /// One gene.
    pub a: GeneId,
    /// The other.
    pub b: GeneId,
    /// Correlation, -1 to 1.
    pub r: f32,
}

/// The correlated pairs of control cells.
#[derive(Debug, Clone)]
pub struct Coexpression {
    /// The genes of the cells.
    pub genes: Arc<GeneIndex>,
    /// The pairs, by first then second gene.
    pub pairs: Vec<Coexpressed>,
    /// Cells used.
    pub n_cells: usize,
    /// Genes expressed in enough cells, and not constant.
    pub n_genes: usize,
}

impl Coexpression {
    /// Correlates every pair of genes over control cells.
    ///
    /// # Complexity
    /// O(G^2 n / 2) time for G genes expressed in enough of n cells, as products of `BLOCK` x n blocks of standardised
    /// expression in parallel. No G x G and no G x n matrix: beyond the cells, the memory is two blocks (512 n floats)
    /// per thread and the pairs above the threshold. Every pair is summed by one thread in one order: the same bits
    /// for any number of threads.
    pub fn new(cells: ControlCells, options: CoexpressionOptions) -> Self {
        let (genes, by_gene) = cells.by_gene();
        let n_cells = by_gene.n_cols();
        let enough = (options.min_share * n_cells as f64).ceil().max(2.0) as usize;
        let expressed = |&g: &usize| by_gene.row(g).0.len() >= enough;
        let used: Vec<Standardised> =
            (0..genes.len()).filter(expressed).filter_map(|g| Standardised::new(g, &by_gene)).collect();
        let blocks: Vec<&[Standardised]> = used.chunks(BLOCK).collect();
        let tasks: Vec<(usize, usize)> =
            (0..blocks.len()).flat_map(|i| (i..blocks.len()).map(move |j| (i, j))).collect();
        let above = |&(i, j): &(usize, usize)| correlated(&by_gene, blocks[i], blocks[j], options.above);
        let pairs: Vec<Vec<Coexpressed>> = tasks.par_iter().map(above).collect();
        let pairs = best(pairs.concat(), genes.len(), options.top);
        Self { genes, pairs, n_cells, n_genes: used.len() }
    }

    /// Adds the pairs to a graph, both ways, with the absolute correlation as weight and its sign.
    pub fn connect(&self, channel: ChannelId, builder: &mut GraphBuilder) {
        for pair in &self.pairs {
            let (a, b, weight) = (self.genes.name(pair.a), self.genes.name(pair.b), pair.r.abs());
            builder.add(a, b, weight, Sign::of(pair.r), &[(channel, weight)]);
            builder.add(b, a, weight, Sign::of(pair.r), &[(channel, weight)]);
        }
    }
}

/// How the sparse values of a gene become a vector of mean 0 and length 1.
struct Standardised {
    gene: usize,
    mean: f64,
    scale: f64,
}

impl Standardised {
    /// `None` for a gene that does not vary.
    fn new(gene: usize, by_gene: &Csr<f32>) -> Option<Self> {
        let (n, (_, values)) = (by_gene.n_cols() as f64, by_gene.row(gene));
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
        let zeros = n - values.len() as f64;
        let square = values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() + zeros * mean * mean;
        (square > 1e-12 * n).then(|| Self { gene, mean, scale: square.sqrt().recip() })
    }

    /// The standardised values, length n_cells.
    fn fill(&self, by_gene: &Csr<f32>, to: &mut [f32]) {
        to.fill((-self.mean * self.scale) as f32);
        let (cells, values) = by_gene.row(self.gene);
        for (&cell, &value) in cells.iter().zip(values) {
            to[cell as usize] = ((f64::from(value) - self.mean) * self.scale) as f32;
        }
    }
}

/// A block of genes as rows, n_genes x n_cells.
fn dense(by_gene: &Csr<f32>, block: &[Standardised]) -> Array2<f32> {
    let n_cells = by_gene.n_cols();
    let mut values = vec![0.0; block.len() * n_cells];
    block.iter().zip(values.chunks_mut(n_cells)).for_each(|(gene, row)| gene.fill(by_gene, row));
    // The shape is that of the chunks.
    Array2::from_shape_vec((block.len(), n_cells), values).unwrap_or_default()
}

/// The pairs of two blocks above the threshold, the first gene before the second.
fn correlated(by_gene: &Csr<f32>, rows: &[Standardised], columns: &[Standardised], above: f32) -> Vec<Coexpressed> {
    let a = dense(by_gene, rows);
    let same = std::ptr::eq(rows, columns);
    let b = if same { None } else { Some(dense(by_gene, columns)) };
    let b: ArrayView2<'_, f32> = b.as_ref().map_or(a.view(), |b| b.view());
    let mut pairs = Vec::new();
    for ((i, j), &r) in a.dot(&b.t()).indexed_iter() {
        if r.abs() > above && (!same || i < j) {
            let (a, b) = (GeneId(rows[i].gene as u32), GeneId(columns[j].gene as u32));
            pairs.push(Coexpressed { a, b, r: r.clamp(-1.0, 1.0) });
        }
    }
    pairs
}

/// The pairs that either gene counts among its `top` strongest, by first then second gene.
fn best(pairs: Vec<Coexpressed>, n_genes: usize, top: usize) -> Vec<Coexpressed> {
    let mut of_gene: Vec<Vec<u32>> = vec![Vec::new(); n_genes];
    for (k, pair) in pairs.iter().enumerate() {
        of_gene[pair.a.index()].push(k as u32);
        of_gene[pair.b.index()].push(k as u32);
    }
    let mut stays = vec![false; pairs.len()];
    for mine in &mut of_gene {
        let key = |&k: &u32| &pairs[k as usize];
        mine.sort_unstable_by(|x, y| {
            let (x, y) = (key(x), key(y));
            y.r.abs().total_cmp(&x.r.abs()).then((x.a, x.b).cmp(&(y.a, y.b)))
        });
        mine.iter().take(top).for_each(|&k| stays[k as usize] = true);
    }
    let mut kept: Vec<Coexpressed> = pairs.into_iter().zip(stays).filter(|(_, s)| *s).map(|(p, _)| p).collect();
    kept.sort_unstable_by_key(|p| (p.a, p.b));
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::CellBlock;
    use crate::stats::{Rng, pearson};

    /// Cells in which genes 0 and 1 follow one factor, 2 opposes it, the others are noise; a third of values is zero.
    fn cells(n_cells: usize, n_genes: usize) -> (Arc<GeneIndex>, Csr<f32>) {
        let genes = GeneIndex::new((0..n_genes).map(|g| format!("G{g:03}"))).unwrap();
        let mut x = Csr::empty(n_genes);
        for cell in 0..n_cells {
            let mut rng = Rng::keyed(3, "cells", cell as u64, 0);
            let factor = rng.normal();
            let value = |g: usize, rng: &mut Rng| match g {
                0 | 1 => 2.0 + factor + 0.5 * rng.normal(),
                2 => 2.0 - factor + 0.5 * rng.normal(),
                _ => 0.5 + rng.normal(),
            };
            let row: Vec<(u32, f32)> = (0..n_genes).map(|g| (g as u32, value(g, &mut rng) as f32)).collect();
            x.push_row(row.into_iter().filter(|e| e.1 > 0.0));
        }
        (Arc::new(genes), x)
    }

    fn coexpression(genes: &Arc<GeneIndex>, x: &Csr<f32>, options: CoexpressionOptions) -> Coexpression {
        let mut control = ControlCells::new(Arc::clone(genes), usize::MAX, 0);
        control.push(&CellBlock { first_cell: 0, x: x.clone() }, |_| true);
        Coexpression::new(control, options)
    }

    #[test]
    fn correlations_are_pearson_correlations() {
        let (genes, x) = cells(200, 300);
        let all = CoexpressionOptions { above: 0.0, top: usize::MAX, min_share: 0.0 };
        let found = coexpression(&genes, &x, all);
        assert_eq!(found.pairs.len(), 300 * 299 / 2, "every pair of two blocks, once");
        let column = |g: GeneId| -> Vec<f32> {
            let of = |cell| x.row(cell).0.binary_search(&g.0).map_or(0.0, |k| x.row(cell).1[k]);
            (0..200).map(of).collect()
        };
        for pair in found.pairs.iter().step_by(97) {
            let expected = pearson(&column(pair.a), &column(pair.b)).unwrap();
            assert!((f64::from(pair.r) - expected).abs() < 1e-5, "{pair:?} {expected}");
        }
    }

    #[test]
    fn related_genes_are_found_with_their_sign() {
        let (genes, x) = cells(400, 40);
        let found = coexpression(&genes, &x, CoexpressionOptions::default());
        let pairs: Vec<(u32, u32, Sign)> = found.pairs.iter().map(|p| (p.a.0, p.b.0, Sign::of(p.r))).collect();
        assert_eq!(pairs, [(0, 1, Sign::Activation), (0, 2, Sign::Repression), (1, 2, Sign::Repression)]);
        let mut builder = GraphBuilder::new();
        let channel = builder.channel("coexpression");
        found.connect(channel, &mut builder);
        assert_eq!((builder.n_edges(), builder.n_genes()), (6, 3));
    }

    #[test]
    fn each_gene_keeps_its_best_partners() {
        let (genes, x) = cells(400, 40);
        let found = coexpression(&genes, &x, CoexpressionOptions { above: 0.0, top: 1, min_share: 0.0 });
        assert!(found.pairs.len() < 40 && found.pairs.len() >= 20, "{}", found.pairs.len());
    }

    #[test]
    fn threads_change_no_bit() {
        let (genes, x) = cells(150, 600);
        let options = CoexpressionOptions { above: 0.1, ..CoexpressionOptions::default() };
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| coexpression(&genes, &x, options).pairs)
        };
        assert_eq!(run(1), run(3));
    }

    #[test]
    fn rare_and_constant_genes_are_left_out() {
        let genes = Arc::new(GeneIndex::new(["RARE1", "RARE2", "CONSTANT"]).unwrap());
        let mut x = Csr::empty(3);
        (0..100)
            .for_each(|cell| x.push_row(if cell < 2 { vec![(0, 1.0), (1, 1.0), (2, 1.0)] } else { vec![(2, 1.0)] }));
        let found = coexpression(&genes, &x, CoexpressionOptions { min_share: 0.05, ..CoexpressionOptions::default() });
        assert_eq!((found.n_genes, found.pairs.len()), (0, 0));
    }
}
