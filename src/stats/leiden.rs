//! Communities of a weighted graph.
//!
//! Traag, Waltman and van Eck, "From Louvain to Leiden: guaranteeing well-connected communities", Sci. Rep. 9, 5233
//! (2019), with modularity at a resolution as quality (Reichardt and Bornholdt 2006). The order in which vertices are
//! visited, what is drawn and how ties are broken follow igraph 1.0 as scanpy 1.11 calls it, so that the same seed gives
//! the same communities there and here.

use super::MersenneTwister;

/// How strongly the refinement prefers the better of two merges; igraph's default.
const RANDOMNESS: f64 = 0.01;

/// An undirected weighted graph without loops.
#[derive(Debug, Clone)]
pub struct WeightedGraph {
    /// Neighbours of each vertex in rising order, with the weight of the edge.
    neighbours: Vec<Vec<(usize, f64)>>,
    /// Weight of each vertex: the sum over its edges, those inside a merged vertex included.
    strength: Vec<f64>,
}

impl WeightedGraph {
    /// From edges with a weight above zero; each pair of vertices at most once.
    pub fn new(n: usize, edges: impl IntoIterator<Item = (usize, usize, f64)>) -> Self {
        let mut neighbours = vec![Vec::new(); n];
        for (a, b, weight) in edges {
            neighbours[a].push((b, weight));
            neighbours[b].push((a, weight));
        }
        neighbours.iter_mut().for_each(|list| list.sort_by_key(|&(vertex, _)| vertex));
        let strength = neighbours.iter().map(|list| list.iter().map(|(_, weight)| weight).sum()).collect();
        Self { neighbours, strength }
    }

    /// Number of vertices.
    pub fn n_vertices(&self) -> usize {
        self.neighbours.len()
    }

    /// The graph whose vertices are groups of vertices.
    fn merged(&self, group_of: &[usize], n_groups: usize) -> Self {
        let mut strength = vec![0.0; n_groups];
        let mut weights = vec![std::collections::BTreeMap::new(); n_groups];
        for (vertex, &group) in group_of.iter().enumerate() {
            strength[group] += self.strength[vertex];
            for &(other, weight) in self.neighbours[vertex].iter().filter(|(other, _)| group_of[*other] != group) {
                *weights[group].entry(group_of[other]).or_insert(0.0) += weight;
            }
        }
        Self { neighbours: weights.into_iter().map(|list| list.into_iter().collect()).collect(), strength }
    }
}

/// The community of each vertex, numbered from 0 in the order of their first vertices.
///
/// `iterations` runs of moving, refining and merging, each starting from the result of the last. Deterministic for a
/// seed. About O(m) time per level for m edges.
///
/// ```
/// use grn::stats::{WeightedGraph, leiden};
/// let triangles = [(0, 1), (1, 2), (0, 2), (3, 4), (4, 5), (3, 5), (2, 3)];
/// let graph = WeightedGraph::new(6, triangles.map(|(a, b)| (a, b, 1.0)));
/// assert_eq!(leiden(&graph, 1.0, 2, 0), [0, 0, 0, 1, 1, 1]);
/// ```
pub fn leiden(graph: &WeightedGraph, resolution: f64, iterations: usize, seed: u32) -> Vec<usize> {
    let total: f64 = graph.strength.iter().sum();
    let mut search = Search { resolution: resolution / total, draw: MersenneTwister::new(seed) };
    let mut membership: Vec<usize> = (0..graph.n_vertices()).collect();
    for _ in 0..iterations {
        search.improve(graph, &mut membership);
    }
    membership
}

struct Search {
    /// Resolution over the total strength.
    resolution: f64,
    draw: MersenneTwister,
}

impl Search {
    /// Moves vertices, then groups of them, until no group of vertices is larger than one.
    fn improve(&mut self, graph: &WeightedGraph, membership: &mut [usize]) {
        let mut merged = graph.clone();
        let mut vertex_of: Vec<usize> = (0..graph.n_vertices()).collect();
        let mut community: Vec<usize> = membership.to_vec();
        loop {
            let n = merged.n_vertices();
            self.move_vertices(&merged, &mut community);
            let n_communities = renumber(&mut community);
            // Where nothing is left to merge, igraph keeps the communities from before the last moves of merged vertices.
            if n_communities < n || n == graph.n_vertices() {
                membership.iter_mut().zip(&vertex_of).for_each(|(m, &v)| *m = community[v]);
            }
            if n_communities >= n {
                return;
            }
            let (mut refined, mut n_refined) = self.refined(&merged, &community, n_communities);
            if n_refined >= n {
                (refined, n_refined) = (community.clone(), n_communities);
            }
            vertex_of.iter_mut().for_each(|v| *v = refined[*v]);
            let mut next = vec![0; n_refined];
            refined.iter().zip(&community).for_each(|(&group, &c)| next[group] = c);
            merged = merged.merged(&refined, n_refined);
            community = next;
        }
    }

    /// Moves single vertices to the best community until none gains.
    fn move_vertices(&mut self, graph: &WeightedGraph, community: &mut [usize]) {
        let n = graph.n_vertices();
        let mut queue: std::collections::VecDeque<usize> = self.shuffled((0..n).collect()).into();
        let (mut weight, mut size) = (vec![0.0; n], vec![0usize; n]);
        for (v, &c) in community.iter().enumerate() {
            weight[c] += graph.strength[v];
            size[c] += 1;
        }
        let mut empty: Vec<usize> = (0..n).filter(|&c| size[c] == 0).collect();
        let (mut stable, mut around) = (vec![false; n], Around::new(n));
        while let Some(v) = queue.pop_front() {
            let current = community[v];
            stable[v] = true;
            weight[current] -= graph.strength[v];
            size[current] -= 1;
            if size[current] == 0 {
                empty.push(current);
            }
            // A community of its own is always one of the choices.
            let alone = empty.last().copied().unwrap_or(current);
            around.collect(alone, graph.neighbours[v].iter().map(|&(u, w)| (community[u], w)));
            let gain = |c: usize| around.weight[c] - graph.strength[v] * weight[c] * self.resolution;
            let best = around
                .found
                .iter()
                .fold((current, gain(current)), |best, &c| if gain(c) > best.1 { (c, gain(c)) } else { best });
            let best = best.0;
            around.clear();
            weight[best] += graph.strength[v];
            size[best] += 1;
            if empty.last() == Some(&best) {
                empty.pop();
            }
            if best != current {
                community[v] = best;
                for &(u, _) in &graph.neighbours[v] {
                    if stable[u] && community[u] != best {
                        stable[u] = false;
                        queue.push_back(u);
                    }
                }
            }
        }
    }

    /// Splits every community into well-connected groups; the group of each vertex and their number.
    fn refined(&mut self, graph: &WeightedGraph, community: &[usize], n_communities: usize) -> (Vec<usize>, usize) {
        let mut members = vec![Vec::new(); n_communities];
        community.iter().enumerate().for_each(|(v, &c)| members[c].push(v));
        let mut group: Vec<usize> = (0..graph.n_vertices()).collect();
        for members in &members {
            self.refine(graph, community, members, &mut group);
        }
        // Numbered community after community.
        let mut number = vec![usize::MAX; group.len()];
        let mut n = 0;
        for &v in members.iter().flatten() {
            if number[group[v]] == usize::MAX {
                number[group[v]] = n;
                n += 1;
            }
        }
        (group.into_iter().map(|g| number[g]).collect(), n)
    }

    /// Merges vertices of one community that are still alone into groups, better merges with higher probability.
    fn refine(&mut self, graph: &WeightedGraph, community: &[usize], members: &[usize], group: &mut [usize]) {
        let n = graph.n_vertices();
        let inside = |v: usize| {
            let own = community[v];
            graph.neighbours[v].iter().copied().filter(move |&(u, _)| community[u] == own)
        };
        let (mut weight, mut external, mut alone) = (graph.strength.clone(), vec![0.0; n], vec![true; n]);
        let total: f64 = members.iter().map(|&v| weight[v]).sum();
        members.iter().for_each(|&v| external[v] = inside(v).map(|(_, w)| w).sum());
        let mut around = Around::new(n);
        for v in self.shuffled(members.to_vec()) {
            let connected = |g: usize, weight: &[f64], external: &[f64]| {
                external[g] >= weight[g] * (total - weight[g]) * self.resolution
            };
            let own = group[v];
            if !alone[own] || !connected(own, &weight, &external) {
                continue;
            }
            weight[own] = 0.0;
            around.collect(own, inside(v).map(|(u, w)| (group[u], w)));
            let mut sum = 0.0;
            let (mut best, mut most) = (own, 0.0);
            let mut cumulative = Vec::with_capacity(around.found.len());
            for &g in &around.found {
                let gain = around.weight[g] - graph.strength[v] * weight[g] * self.resolution;
                if connected(g, &weight, &external) {
                    if gain > most {
                        (best, most) = (g, gain);
                    }
                    sum += if gain >= 0.0 { (gain / RANDOMNESS).exp() } else { 0.0 };
                }
                cumulative.push(sum);
            }
            let chosen = if sum < f64::INFINITY {
                let at = self.draw.uniform() * sum;
                around.found[cumulative.partition_point(|&c| c < at)]
            } else {
                best
            };
            around.clear();
            weight[chosen] += graph.strength[v];
            for (u, w) in inside(v) {
                external[chosen] += if group[u] == chosen { -w } else { w };
            }
            if chosen != own {
                group[v] = chosen;
                alone[chosen] = false;
            }
        }
    }

    /// Fisher-Yates from the end.
    fn shuffled(&mut self, mut items: Vec<usize>) -> Vec<usize> {
        for last in (1..items.len()).rev() {
            items.swap(last, below(&mut self.draw, last + 1));
        }
        items
    }
}

/// Uniform in 0..n by multiplication (Lemire 2019), from bits as scanpy hands them to igraph: the lower half of 63.
fn below(draw: &mut MersenneTwister, n: usize) -> usize {
    let range = n as u32;
    let threshold = range.wrapping_neg() % range;
    loop {
        let bits = (draw.next_u64() >> 1) as u32;
        let product = u64::from(bits) * u64::from(range);
        if product as u32 >= threshold {
            return (product >> 32) as usize;
        }
    }
}

/// Communities next to a vertex and the weight of the edges to them.
struct Around {
    found: Vec<usize>,
    weight: Vec<f64>,
    seen: Vec<bool>,
}

impl Around {
    fn new(n: usize) -> Self {
        Self { found: Vec::new(), weight: vec![0.0; n], seen: vec![false; n] }
    }

    fn collect(&mut self, first: usize, edges: impl Iterator<Item = (usize, f64)>) {
        for (c, weight) in std::iter::once((first, 0.0)).chain(edges) {
            if !self.seen[c] {
                self.seen[c] = true;
                self.found.push(c);
            }
            self.weight[c] += weight;
        }
    }

    fn clear(&mut self) {
        for c in self.found.drain(..) {
            self.weight[c] = 0.0;
            self.seen[c] = false;
        }
    }
}

/// Numbers communities from 0 in the order of their first vertices; how many there are.
fn renumber(community: &mut [usize]) -> usize {
    let mut number = vec![usize::MAX; community.len()];
    let mut n = 0;
    for c in community {
        if number[*c] == usize::MAX {
            number[*c] = n;
            n += 1;
        }
        *c = number[*c];
    }
    n
}
