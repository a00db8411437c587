//! The strongest directed paths between two genes.

use std::collections::HashSet;

use petgraph::algo::astar;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::{EdgeFiltered, EdgeRef};

use super::{Edge, GeneGraph, GraphError, Sign};
use crate::data::GeneId;

/// Cost of a step besides that of its weight: among equally strong paths the shortest wins.
const STEP: f64 = 1e-9;

/// A directed path.
#[derive(Debug, Clone, PartialEq)]
pub struct GenePath {
    /// Its genes, the first and the last included.
    pub genes: Vec<GeneId>,
    /// Its edges, one fewer than genes.
    pub edges: Vec<Edge>,
}

impl GenePath {
    /// Product of the weights, 0 to 1.
    pub fn strength(&self) -> f32 {
        self.edges.iter().map(|e| e.weight).product()
    }

    /// Product of the signs: unknown where one of them is.
    pub fn sign(&self) -> Sign {
        Sign::of(self.edges.iter().map(|e| e.sign.value()).product())
    }
}

/// The graph as petgraph sees it (edge weights are positions among the edges of the [`GeneGraph`]), and the cost of an
/// edge besides that of its weight.
struct Steps {
    graph: DiGraph<GeneId, usize>,
    cost: f64,
}

impl GeneGraph {
    /// Up to `k` directed paths without repeated genes, best first: the largest products of weights, every edge
    /// counting `damping` times its weight (costs `-ln(damping * weight)`, added up); of equally good ones the shorter
    /// first.
    ///
    /// # Arguments
    /// `damping`, above 0 and at most 1: at 1 the product of weights alone decides, and edges of weight 1 make detours
    /// free; below 1 every edge costs something.
    ///
    /// # Errors
    /// [`GraphError::NoPath`] where the target cannot be reached.
    ///
    /// # Complexity
    /// O(k L (E + V log V)) time for paths of L genes, O(V + E) memory.
    ///
    /// # Reference
    /// Yen, Finding the k shortest loopless paths in a network, Management Science 17:712, 1971; each search is
    /// petgraph's A* without a heuristic (Dijkstra).
    ///
    /// ```
    /// use grn::graph::{GraphBuilder, Sign};
    /// let mut builder = GraphBuilder::new();
    /// builder.add("A", "B", 0.9, Sign::Repression, &[]);
    /// builder.add("B", "C", 0.8, Sign::Repression, &[]);
    /// builder.add("A", "C", 0.5, Sign::Unknown, &[]);
    /// let graph = builder.build();
    /// let paths = graph.paths(graph.expect("A")?, graph.expect("C")?, 5, 1.0)?;
    /// assert_eq!((paths.len(), paths[0].genes.len(), paths[0].sign()), (2, 3, Sign::Activation));
    /// # Ok::<(), grn::graph::GraphError>(())
    /// ```
    pub fn paths(&self, from: GeneId, to: GeneId, k: usize, damping: f64) -> Result<Vec<GenePath>, GraphError> {
        let steps = Steps { graph: self.to_petgraph(), cost: STEP - damping.ln() };
        let mut found: Vec<Vec<GeneId>> = self.search(&steps, &[from], to, &HashSet::new()).into_iter().collect();
        if found.is_empty() {
            let name = |g| self.genes().name(g).to_owned();
            return Err(GraphError::NoPath { from: name(from), to: name(to) });
        }
        let mut candidates: Vec<Vec<GeneId>> = Vec::new();
        while found.len() < k {
            let last = &found[found.len() - 1];
            for spur in 0..last.len() - 1 {
                let candidate = self.search(&steps, &last[..=spur], to, &taken(&found, &last[..=spur]));
                candidates.extend(candidate.filter(|c| !found.contains(c) && !candidates.contains(c)));
            }
            let best = (0..candidates.len()).min_by(|&a, &b| {
                let cost = |k: usize| self.cost(&steps, &candidates[k]);
                cost(a).total_cmp(&cost(b)).then_with(|| candidates[a].cmp(&candidates[b]))
            });
            let Some(best) = best else { break };
            found.push(candidates.swap_remove(best));
        }
        found.truncate(k);
        Ok(found.into_iter().map(|genes| self.path(genes)).collect())
    }

    /// The strongest path that begins with `root`, then leaves its last gene not to one of `taken`.
    fn search(&self, steps: &Steps, root: &[GeneId], to: GeneId, taken: &HashSet<GeneId>) -> Option<Vec<GeneId>> {
        let spur = *root.last()?;
        let node = |g: GeneId| NodeIndex::new(g.index());
        let before: HashSet<NodeIndex> = root[..root.len() - 1].iter().map(|&g| node(g)).collect();
        let allowed = EdgeFiltered::from_fn(&steps.graph, |e| {
            let leaves_spur_to_taken = e.source() == node(spur) && taken.contains(&steps.graph[e.target()]);
            !leaves_spur_to_taken && !before.contains(&e.target())
        });
        let cost = |e: petgraph::graph::EdgeReference<'_, usize>| steps.cost + cost_of(&self.edges()[*e.weight()]);
        let (_, nodes) = astar(&allowed, node(spur), |n| n == node(to), cost, |_| 0.0)?;
        let rest = nodes.into_iter().skip(1).map(|n| steps.graph[n]);
        Some(root.iter().copied().chain(rest).collect())
    }

    fn path(&self, genes: Vec<GeneId>) -> GenePath {
        let edges = genes.windows(2).filter_map(|pair| self.edge(pair[0], pair[1]).cloned()).collect();
        GenePath { genes, edges }
    }

    fn cost(&self, steps: &Steps, genes: &[GeneId]) -> f64 {
        let edges = genes.windows(2).filter_map(|pair| self.edge(pair[0], pair[1]));
        edges.map(|e| steps.cost + cost_of(e)).sum()
    }
}

fn cost_of(edge: &Edge) -> f64 {
    -f64::from(edge.weight).ln()
}

/// Where paths that begin with `root` go next.
fn taken(found: &[Vec<GeneId>], root: &[GeneId]) -> HashSet<GeneId> {
    let next = |path: &Vec<GeneId>| path.starts_with(root).then(|| path.get(root.len()).copied()).flatten();
    found.iter().filter_map(next).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::GraphBuilder;
    use crate::stats::Rng;

    fn graph(edges: &[(&str, &str, f32, Sign)]) -> GeneGraph {
        let mut builder = GraphBuilder::new();
        for &(a, b, w, sign) in edges {
            builder.add(a, b, w, sign, &[]);
        }
        builder.build()
    }

    fn shown(graph: &GeneGraph, from: &str, to: &str, k: usize) -> Vec<(String, f32, Sign)> {
        let paths = graph.paths(graph.expect(from).unwrap(), graph.expect(to).unwrap(), k, 1.0).unwrap();
        let name = |g: &GeneId| graph.genes().name(*g).to_owned();
        let show = |p: &GenePath| (p.genes.iter().map(name).collect::<Vec<_>>().join(" "), p.strength(), p.sign());
        paths.iter().map(show).collect()
    }

    #[test]
    fn paths_come_strongest_first_with_the_product_of_signs() {
        let (plus, minus, open) = (Sign::Activation, Sign::Repression, Sign::Unknown);
        let graph = graph(&[
            ("A", "B", 0.5, minus),
            ("B", "D", 0.5, plus),
            ("A", "C", 1.0, minus),
            ("C", "D", 0.5, minus),
            ("A", "D", 0.125, open),
            ("D", "A", 1.0, plus),
        ]);
        let expected = [("A C D", 0.5, plus), ("A B D", 0.25, minus), ("A D", 0.125, open)];
        assert_eq!(shown(&graph, "A", "D", 9), expected.map(|(p, s, sign)| (p.to_owned(), s, sign)));
        assert_eq!(shown(&graph, "A", "D", 1).len(), 1);
    }

    #[test]
    fn of_equally_strong_paths_the_shortest_is_first() {
        let open = Sign::Unknown;
        let graph =
            graph(&[("A", "B", 1.0, open), ("B", "C", 1.0, open), ("C", "D", 1.0, open), ("A", "D", 1.0, open)]);
        assert_eq!(shown(&graph, "A", "D", 2)[0].0, "A D");
    }

    #[test]
    fn no_path_is_an_error() {
        let graph = graph(&[("A", "B", 1.0, Sign::Unknown)]);
        let error = graph.paths(graph.expect("B").unwrap(), graph.expect("A").unwrap(), 3, 1.0).unwrap_err();
        assert_eq!(error, GraphError::NoPath { from: "B".into(), to: "A".into() });
    }

    fn worth(graph: &GeneGraph, genes: &[GeneId], damping: f64) -> f64 {
        let edges = genes.windows(2).map(|pair| graph.edge(pair[0], pair[1]).unwrap());
        edges.map(|e| damping * f64::from(e.weight)).product()
    }

    #[test]
    fn damping_prefers_short_paths() {
        let open = Sign::Unknown;
        let graph = graph(&[("A", "B", 1.0, open), ("B", "C", 1.0, open), ("A", "C", 0.9, open)]);
        let first = |damping| {
            let paths = graph.paths(graph.expect("A").unwrap(), graph.expect("C").unwrap(), 1, damping).unwrap();
            paths[0].genes.len()
        };
        assert_eq!((first(1.0), first(0.8)), (3, 2));
    }

    /// Every simple path of a small random graph, by brute force.
    fn all_paths(graph: &GeneGraph, path: &mut Vec<GeneId>, to: GeneId, damping: f64, out: &mut Vec<f64>) {
        let at = path[path.len() - 1];
        if at == to {
            out.push(worth(graph, path, damping));
            return;
        }
        for edge in graph.out_edges(at) {
            if !path.contains(&edge.target) {
                path.push(edge.target);
                all_paths(graph, path, to, damping, out);
                path.pop();
            }
        }
    }

    #[test]
    fn the_k_best_are_the_k_best_of_all() {
        for seed in 0..20 {
            let damping = if seed % 2 == 0 { 1.0 } else { 0.7 };
            let (mut builder, mut rng) = (GraphBuilder::new(), Rng::keyed(seed, "paths", 0, 0));
            for _ in 0..20 {
                let (a, b) = (rng.below(7), rng.below(7));
                builder.add(&format!("G{a}"), &format!("G{b}"), rng.uniform() as f32, Sign::Unknown, &[]);
            }
            let graph = builder.build();
            let (from, to) = (GeneId(0), GeneId(graph.n_genes() as u32 - 1));
            let mut expected = Vec::new();
            all_paths(&graph, &mut vec![from], to, damping, &mut expected);
            expected.sort_by(|a, b| b.total_cmp(a));
            let Ok(paths) = graph.paths(from, to, 6, damping) else {
                assert!(expected.is_empty());
                continue;
            };
            assert_eq!(paths.len(), expected.len().min(6));
            for (path, best) in paths.iter().zip(expected) {
                assert!((worth(&graph, &path.genes, damping) - best).abs() < 1e-6, "seed {seed}");
            }
        }
    }
}
