//! Random walk with restart from many genes at once.

use ndarray::{Array2, ArrayViewMut2, Axis};
use rayon::prelude::*;

use crate::data::GeneId;
use crate::graph::SparseAdjacency;

/// Walks advanced together: their values lie side by side, so that one pass over the edges serves all of them.
const LANES: usize = 16;

/// How far a walk spreads.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RandomWalk {
    /// Chance to return to the start at every step, 0 to 1.
    pub restart: f32,
    /// Number of steps. What is still missing after k steps is at most `(1 - restart)^k` of the walk.
    pub iterations: usize,
}

impl Default for RandomWalk {
    /// Restart 0.5, 15 steps: what is missing is below 1 / 32,768.
    fn default() -> Self {
        Self { restart: 0.5, iterations: 15 }
    }
}

/// Random walk with restart from each of `seeds`: `r <- restart e + (1 - restart) r P`, started at `r = e`.
///
/// # Arguments
/// `transition` is P, n_genes x n_genes. Normalised by row, a result is the distribution of a walker along the edges
/// (less what is lost where no edge leaves); normalised symmetrically, the walk is corrected for the degree of both
/// genes and symmetric in start and end.
///
/// # Returns
/// n_seeds x n_genes, one row per seed. A seed without edges keeps only its own value, in the end `restart`.
///
/// # Complexity
/// O(iterations E n_seeds) time, in parallel over blocks of seeds; O(V) memory per thread beyond the result and one
/// transposed copy of P. A row has the same bits for any number of threads and whichever seeds are asked for with it.
///
/// # Reference
/// Tong, Faloutsos and Pan, Fast random walk with restart and its applications, ICDM 2006.
///
/// ```
/// use grn::graph::propagate::{RandomWalk, random_walk};
/// use grn::graph::{GraphBuilder, Normalisation, Sign, SparseAdjacency, Weights};
/// let mut builder = GraphBuilder::new();
/// builder.add("A", "B", 1.0, Sign::Unknown, &[]);
/// let graph = builder.build();
/// let p = SparseAdjacency::directed(&graph, Weights::Merged).normalised(Normalisation::Row);
/// let walk = RandomWalk { restart: 0.5, iterations: 2 };
/// let r = random_walk(&p, &[graph.expect("A")?], walk);
/// assert_eq!(r.as_slice(), Some(&[0.5, 0.25][..]));
/// # Ok::<(), grn::graph::GraphError>(())
/// ```
pub fn random_walk(transition: &SparseAdjacency, seeds: &[GeneId], walk: RandomWalk) -> Array2<f32> {
    let starts: Vec<[(GeneId, f32); 1]> = seeds.iter().map(|&g| [(g, 1.0)]).collect();
    random_walk_from(transition, &starts, walk)
}

/// The same from weighted sets of genes: one walk per entry of `starts`, which should sum to 1 each.
pub fn random_walk_from<S: AsRef<[(GeneId, f32)]> + Sync>(
    transition: &SparseAdjacency,
    starts: &[S],
    walk: RandomWalk,
) -> Array2<f32> {
    let incoming = transition.transposed();
    let mut out = Array2::zeros((starts.len(), transition.n_genes()));
    out.axis_chunks_iter_mut(Axis(0), LANES)
        .into_par_iter()
        .zip(starts.par_chunks(LANES))
        .for_each(|(to, starts)| walk_block(&incoming, starts, walk, to));
    out
}

/// Up to `LANES` walks; `r` has one array of lanes per gene.
fn walk_block<S: AsRef<[(GeneId, f32)]>>(
    incoming: &SparseAdjacency,
    starts: &[S],
    walk: RandomWalk,
    mut to: ArrayViewMut2<'_, f32>,
) {
    let n = incoming.n_genes();
    let mut start = vec![[0.0f32; LANES]; n];
    for (lane, entries) in starts.iter().enumerate() {
        entries.as_ref().iter().for_each(|&(gene, weight)| start[gene.index()][lane] += weight);
    }
    let (mut r, mut next) = (start.clone(), vec![[0.0; LANES]; n]);
    for _ in 0..walk.iterations {
        for (gene, value) in next.iter_mut().enumerate() {
            let flow = inflow(incoming.row(gene), &r);
            *value = std::array::from_fn(|l| walk.restart * start[gene][l] + (1.0 - walk.restart) * flow[l]);
        }
        std::mem::swap(&mut r, &mut next);
    }
    for (lane, mut row) in to.outer_iter_mut().enumerate() {
        row.iter_mut().zip(&r).for_each(|(to, from)| *to = from[lane]);
    }
}

/// What arrives at one gene from all that have an edge to it, lane by lane and in the order of the edges.
fn inflow((sources, weights): (&[u32], &[f32]), r: &[[f32; LANES]]) -> [f32; LANES] {
    let mut sum = [0.0; LANES];
    for (&source, &weight) in sources.iter().zip(weights) {
        let from = &r[source as usize];
        (0..LANES).for_each(|l| sum[l] += weight * from[l]);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{GraphBuilder, Normalisation, Sign, Weights};
    use crate::stats::Rng;

    fn ring(n: usize, extra: usize) -> SparseAdjacency {
        let (mut builder, mut rng) = (GraphBuilder::new(), Rng::keyed(7, "ring", 0, 0));
        let mut add = |a: usize, b: usize, w| builder.add_undirected(&format!("G{a:03}"), &format!("G{b:03}"), w, &[]);
        (0..n).for_each(|k| add(k, (k + 1) % n, 0.3));
        for _ in 0..extra {
            let (a, b, w) = (rng.below(n), rng.below(n), rng.uniform() as f32);
            add(a, b, w);
        }
        SparseAdjacency::undirected(&builder.build(), Weights::Merged)
    }

    /// Path A -> B -> C, restart 1/2, to convergence by hand: A 1/2, B 1/4, C 1/8 (what reaches C is then lost).
    #[test]
    fn a_directed_path_halves_at_every_step() {
        let mut builder = GraphBuilder::new();
        builder.add("A", "B", 0.3, Sign::Unknown, &[]);
        builder.add("B", "C", 0.9, Sign::Unknown, &[]);
        let p = SparseAdjacency::directed(&builder.build(), Weights::Merged).normalised(Normalisation::Row);
        let r = random_walk(&p, &[GeneId(0), GeneId(2)], RandomWalk { restart: 0.5, iterations: 60 });
        assert_eq!(r.row(0).to_vec(), [0.5, 0.25, 0.125]);
        assert_eq!(r.row(1).to_vec(), [0.0, 0.0, 0.5]);
    }

    #[test]
    fn a_walk_on_stochastic_rows_keeps_its_mass() {
        let p = ring(50, 200).normalised(Normalisation::Row);
        let r = random_walk(&p, &[GeneId(3)], RandomWalk::default());
        assert!((r.sum() - 1.0).abs() < 1e-5, "{}", r.sum());
    }

    #[test]
    fn a_symmetric_walk_is_symmetric_in_start_and_end() {
        let p = ring(40, 150).normalised(Normalisation::Symmetric);
        let all: Vec<GeneId> = (0..40).map(GeneId).collect();
        let r = random_walk(&p, &all, RandomWalk { restart: 0.3, iterations: 25 });
        let worst = (&r - &r.t()).iter().fold(0.0f32, |a, b| a.max(b.abs()));
        assert!(worst < 1e-6, "{worst}");
    }

    #[test]
    fn company_and_threads_change_no_bit() {
        let p = ring(60, 300).normalised(Normalisation::Symmetric);
        let all: Vec<GeneId> = (0..60).map(GeneId).collect();
        let together = random_walk(&p, &all, RandomWalk::default());
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let alone = pool.install(|| random_walk(&p, &[GeneId(37)], RandomWalk::default()));
        assert_eq!(together.row(37), alone.row(0));
    }

    #[test]
    fn a_weighted_start_is_the_weighted_sum_of_its_walks() {
        let p = ring(30, 60).normalised(Normalisation::Row);
        let walk = RandomWalk::default();
        let mixed = random_walk_from(&p, &[vec![(GeneId(1), 0.25), (GeneId(9), 0.75)]], walk);
        let single = random_walk(&p, &[GeneId(1), GeneId(9)], walk);
        let expected = &single.row(0) * 0.25 + &single.row(1) * 0.75;
        assert!((&mixed.row(0) - &expected).iter().all(|e| e.abs() < 1e-6));
    }
}
