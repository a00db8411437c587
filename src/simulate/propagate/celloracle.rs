//! CellOracle's rule: a few hops along the coefficients (Kamimoto et al. 2023, Nature 614:742).

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};
use rayon::prelude::*;

use super::{Change, LinearResponse};

/// Cells followed together: their changes of one gene lie side by side.
const LANES: usize = 32;

/// Hops that CellOracle makes unless told otherwise.
pub const CELLORACLE_HOPS: usize = 3;

impl LinearResponse {
    /// Changes per gene of the mean cell, log1p scale: see [`LinearResponse::celloracle_cells`].
    pub fn celloracle(&self, changes: &[Change], hops: usize) -> Vec<f64> {
        let rest = ArrayView1::from(&self.rest).insert_axis(Axis(0));
        self.celloracle_cells(rest, changes, hops).into_iter().collect()
    }

    /// Changes of each cell, cells x genes like `levels` (log1p): the perturbed genes are set, and every hop replaces the
    /// changes `d` by `B d`, puts back those of perturbed genes, and raises those that would leave a level below 0.
    ///
    /// A gene that a change leaves where it was, in a cell that does not express it for example, counts as not perturbed
    /// in that cell, as in CellOracle. The answer depends on the number of hops: use [`LinearResponse::linear`] for one that
    /// does not.
    ///
    /// # Panics
    /// Where `levels` has not one column per gene.
    ///
    /// # Complexity
    /// O(cells x edges into genes within reach), summed over hops: few hops reach few genes.
    pub fn celloracle_cells(&self, levels: ArrayView2<'_, f64>, changes: &[Change], hops: usize) -> Array2<f64> {
        assert_eq!(levels.ncols(), self.genes.len(), "one column per gene");
        let plan = Plan::new(self, changes, hops);
        let mut out = Array2::zeros(levels.raw_dim());
        let blocks = out.axis_chunks_iter_mut(Axis(0), LANES).into_par_iter();
        blocks.zip(levels.axis_chunks_iter(Axis(0), LANES)).for_each(|(mut out, levels)| {
            let last = plan.run(levels);
            for (&gene, change) in plan.genes.iter().zip(last.chunks_exact(LANES)) {
                out.column_mut(gene as usize).iter_mut().zip(change).for_each(|(to, d)| *to = *d);
            }
        });
        out
    }
}

/// Which genes change in which hop. Genes are numbered by their place in `genes`.
struct Plan {
    genes: Vec<u32>,
    /// Place and change of each perturbed gene.
    perturbed: Vec<(usize, Change)>,
    /// Per hop, the genes that may change and their regulators that changed in the hop before.
    hops: Vec<Vec<(usize, Vec<(usize, f64)>)>>,
}

impl Plan {
    fn new(response: &LinearResponse, changes: &[Change], hops: usize) -> Self {
        let n = response.genes.len();
        let targets = response.targets();
        let perturbed: Vec<u32> = changes.iter().map(|c| c.gene.0).collect();
        let (mut place, mut genes) = (vec![usize::MAX; n], Vec::new());
        let add = |gene: u32, genes: &mut Vec<u32>, place: &mut Vec<usize>| {
            if place[gene as usize] == usize::MAX {
                place[gene as usize] = genes.len();
                genes.push(gene);
            }
        };
        perturbed.iter().for_each(|&gene| add(gene, &mut genes, &mut place));
        let mut moved = vec![false; n];
        perturbed.iter().for_each(|&gene| moved[gene as usize] = true);
        let mut plan = Vec::with_capacity(hops);
        for _ in 0..hops {
            let mut next = vec![false; n];
            let from = (0..n).filter(|&gene| moved[gene]);
            from.for_each(|gene| targets[gene].iter().for_each(|&to| next[to as usize] = true));
            perturbed.iter().for_each(|&gene| next[gene as usize] = true);
            let mut hop = Vec::new();
            for gene in (0..n as u32).filter(|&gene| next[gene as usize]) {
                add(gene, &mut genes, &mut place);
                let inputs = response.inputs(gene as usize).filter(|(j, _)| moved[*j as usize]);
                hop.push((place[gene as usize], inputs.map(|(j, b)| (place[j as usize], b)).collect()));
            }
            plan.push(hop);
            moved = next;
        }
        let perturbed = changes.iter().map(|c| (place[c.gene.index()], *c)).collect();
        Self { genes, perturbed, hops: plan }
    }

    /// Changes of up to `LANES` cells after the last hop: genes of the plan x lanes.
    fn run(&self, levels: ArrayView2<'_, f64>) -> Vec<f64> {
        let mut level = vec![0.0; self.genes.len() * LANES];
        for (cell, row) in levels.rows().into_iter().enumerate() {
            self.genes.iter().enumerate().for_each(|(at, &gene)| level[at * LANES + cell] = row[gene as usize]);
        }
        let mut delta = vec![0.0; level.len()];
        for (at, change) in &self.perturbed {
            let lanes = at * LANES..(at + 1) * LANES;
            let own = level[lanes.clone()].iter().map(|x| LinearResponse::own(change, *x));
            delta[lanes].iter_mut().zip(own).for_each(|(d, own)| *d = own);
        }
        let set: Vec<Vec<f64>> =
            self.perturbed.iter().map(|(at, _)| delta[at * LANES..(at + 1) * LANES].to_vec()).collect();
        for hop in &self.hops {
            let mut next = vec![0.0; delta.len()];
            for (at, inputs) in hop {
                let mut sum = [0.0; LANES];
                for (source, b) in inputs {
                    let from = &delta[source * LANES..(source + 1) * LANES];
                    sum.iter_mut().zip(from).for_each(|(sum, d)| *sum += b * d);
                }
                self.put_back(*at, &set, &mut sum);
                let at_rest = &level[at * LANES..(at + 1) * LANES];
                // As CellOracle computes it, (x + d) - x included: it rounds.
                sum.iter_mut().zip(at_rest).for_each(|(d, x)| *d = (x + *d).max(0.0) - x);
                next[at * LANES..(at + 1) * LANES].copy_from_slice(&sum);
            }
            delta = next;
        }
        delta
    }

    fn put_back(&self, at: usize, set: &[Vec<f64>], sum: &mut [f64; LANES]) {
        for ((place, _), set) in self.perturbed.iter().zip(set).filter(|((place, _), _)| *place == at) {
            sum.iter_mut().zip(set).filter(|(_, set)| **set != 0.0).for_each(|(sum, set)| *sum = *set);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ndarray::array;

    use super::*;
    use crate::data::{GeneId, GeneIndex};
    use crate::stats::Rng;

    fn response(rest: Vec<f64>, edges: &[(u32, u32, f64)]) -> LinearResponse {
        let genes = GeneIndex::new((0..rest.len()).map(|g| format!("G{g}"))).unwrap();
        LinearResponse::new(Arc::new(genes), rest, edges).unwrap()
    }

    /// The rule written down again on dense matrices: cells x genes times regulators x targets.
    fn dense(levels: &Array2<f64>, set: &Array2<f64>, b: &Array2<f64>, hops: usize) -> Array2<f64> {
        let input = set - levels;
        let mut delta = input.clone();
        for _ in 0..hops {
            delta = delta.dot(b);
            delta.zip_mut_with(&input, |d, i| *d = if *i == 0.0 { *d } else { *i });
            delta.zip_mut_with(levels, |d, x| *d = (*x + *d).max(0.0) - *x);
        }
        delta
    }

    #[test]
    fn a_chain_by_hand() {
        let chain = response(vec![2.0, 0.5, 1.0, 1.0], &[(0, 1, 0.5), (1, 2, 1.0), (2, 0, 3.0), (2, 3, 1.0)]);
        let knockout = [Change { gene: GeneId(0), share: 0.0 }];
        let t =
            |hops: usize, expected: [f64; 4]| assert_eq!(chain.celloracle(&knockout, hops), expected, "{hops} hops");
        t(0, [-2.0, 0.0, 0.0, 0.0]);
        // G1 would change by -1, but has 0.5 only.
        t(1, [-2.0, -0.5, 0.0, 0.0]);
        t(2, [-2.0, -0.5, -0.5, 0.0]);
        t(3, [-2.0, -0.5, -0.5, -0.5]);
    }

    #[test]
    fn cells_follow_the_rule_as_written_on_dense_matrices() {
        let (cells, n) = (71, 50);
        let mut rng = Rng::named(1, "cells");
        let level = |rng: &mut Rng| if rng.uniform() < 0.3 { 0.0 } else { 2.0 * rng.uniform() };
        let levels = Array2::from_shape_fn((cells, n), |_| level(&mut rng));
        let edge = |_| (rng.below(n) as u32, rng.below(n) as u32, rng.normal());
        let edges: Vec<_> = (0..300).map(edge).filter(|(a, b, _)| a != b).collect();
        let response = response(vec![1.0; n], &edges);
        let mut b = Array2::zeros((n, n));
        edges.iter().for_each(|&(from, to, v)| b[[from as usize, to as usize]] += v);
        for (hops, share) in [(1, 0.0), (3, 0.0), (5, 0.2), (3, 3.0)] {
            let changes = [4, 17].map(|gene| Change { gene: GeneId(gene), share });
            let mut set = levels.clone();
            for gene in [4, 17] {
                set.column_mut(gene).mapv_inplace(|x| (x.exp_m1() * share).ln_1p());
            }
            let (got, expected) =
                (response.celloracle_cells(levels.view(), &changes, hops), dense(&levels, &set, &b, hops));
            let worst = got.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(worst < 1e-12, "{hops} hops, share {share}: {worst}");
            assert!(expected.iter().any(|d| *d != 0.0));
        }
    }

    #[test]
    fn a_cell_without_the_gene_is_not_perturbed() {
        let pair = response(vec![1.0, 1.0], &[(1, 0, 0.5), (0, 1, 1.0)]);
        let knockout = [Change { gene: GeneId(0), share: 0.0 }];
        let got = pair.celloracle_cells(array![[0.0, 1.0], [1.0, 2.0]].view(), &knockout, 3);
        assert_eq!(got, array![[0.0, 0.0], [-1.0, -1.0]]);
    }
}
