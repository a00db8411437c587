//! The neighbourhood of one gene: which genes and edges a network figure shows.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};

use crate::data::GeneId;
use crate::graph::{Edge, GeneGraph};

/// A gene of the neighbourhood.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    /// The gene.
    pub(super) gene: GeneId,
    /// Edges between it and the centre, along the shortest way; direction ignored.
    pub(super) hop: usize,
    /// Position of the gene of the previous hop it was reached from; the centre has none.
    pub(super) parent: Option<usize>,
}

/// The chosen genes (the centre first) and how many there were to choose from.
#[derive(Debug, Clone)]
pub(super) struct Ego {
    pub(super) members: Vec<Member>,
    pub(super) n_reached: usize,
}

impl Ego {
    /// Chooses at most `max_genes` genes within `hops` of `center`.
    ///
    /// The best candidate next to the genes chosen so far is added until there are enough: best = the largest product
    /// of the edge weights on its way from the centre, times `importance` of the gene. Ties go to the smaller id.
    ///
    /// # Complexity
    /// O(E) for the distances, O(k log k) for the k neighbours looked at.
    pub(super) fn choose(
        graph: &GeneGraph,
        center: GeneId,
        hops: usize,
        max_genes: usize,
        importance: impl Fn(GeneId) -> f32,
    ) -> Self {
        let distance = distances(graph, center, hops);
        let mut members: Vec<Member> = Vec::new();
        let mut chosen: HashMap<GeneId, usize> = HashMap::new();
        let mut queue = BinaryHeap::from([Candidate { score: f32::INFINITY, way: 1.0, gene: center, parent: None }]);
        while let Some(best) = queue.pop().filter(|_| members.len() < max_genes.max(1)) {
            if chosen.contains_key(&best.gene) {
                continue;
            }
            let (at, hop) = (members.len(), distance[&best.gene]);
            chosen.insert(best.gene, at);
            members.push(Member { gene: best.gene, hop, parent: best.parent });
            for (gene, weight) in neighbours(graph, best.gene) {
                if distance.get(&gene) == Some(&(hop + 1)) && !chosen.contains_key(&gene) {
                    let way = best.way * weight;
                    queue.push(Candidate { score: way * importance(gene), way, gene, parent: Some(at) });
                }
            }
        }
        Self { members, n_reached: distance.len() }
    }

    /// Edges of the graph between the chosen genes, strongest first, at most `limit` of them besides those along which
    /// the genes were reached; and how many there are. Knowledge without direction is one edge, not two.
    pub(super) fn edges<'g>(&self, graph: &'g GeneGraph, limit: usize) -> (Vec<&'g Edge>, usize) {
        let position: HashMap<GeneId, usize> = self.members.iter().enumerate().map(|(i, m)| (m.gene, i)).collect();
        let among = self.members.iter().flat_map(|m| graph.out_edges(m.gene));
        let mut edges: Vec<&Edge> =
            among.filter(|e| position.contains_key(&e.target)).filter(|e| !says_less(graph, e)).collect();
        let n_edges = edges.len();
        let parent = |g: GeneId| self.members[position[&g]].parent.map(|p| self.members[p].gene);
        let on_the_way = |e: &Edge| parent(e.source) == Some(e.target) || parent(e.target) == Some(e.source);
        edges.sort_by(|a, b| {
            let first = on_the_way(b).cmp(&on_the_way(a));
            first.then(b.weight.total_cmp(&a.weight)).then((a.source, a.target).cmp(&(b.source, b.target)))
        });
        edges.truncate(limit.max(edges.iter().take_while(|e| on_the_way(e)).count()));
        (edges, n_edges)
    }
}

/// An edge without sign whose reverse is drawn instead: the reverse has a sign, or is the same knowledge stored again.
fn says_less(graph: &GeneGraph, edge: &Edge) -> bool {
    let reverse = graph.edge(edge.target, edge.source);
    edge.sign.value() == 0.0 && reverse.is_some_and(|r| r.sign.value() != 0.0 || r.source < edge.source)
}

fn neighbours(graph: &GeneGraph, gene: GeneId) -> impl Iterator<Item = (GeneId, f32)> {
    let out = graph.out_edges(gene).iter().map(|e| (e.target, e.weight));
    out.chain(graph.in_edges(gene).map(|e| (e.source, e.weight)))
}

/// Hops from the centre for every gene within `hops`, direction ignored (breadth first).
fn distances(graph: &GeneGraph, center: GeneId, hops: usize) -> HashMap<GeneId, usize> {
    let mut distance = HashMap::from([(center, 0)]);
    let mut ring = vec![center];
    for hop in 1..=hops {
        let mut next = Vec::new();
        for gene in ring.drain(..).flat_map(|g| neighbours(graph, g)).map(|(g, _)| g) {
            distance.entry(gene).or_insert_with(|| {
                next.push(gene);
                hop
            });
        }
        ring = next;
    }
    distance
}

/// A gene next to a chosen one.
#[derive(Debug)]
struct Candidate {
    score: f32,
    /// Product of the weights on the way from the centre.
    way: f32,
    gene: GeneId,
    parent: Option<usize>,
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_score = self.score.total_cmp(&other.score).then(self.way.total_cmp(&other.way));
        by_score.then(other.gene.cmp(&self.gene)).then(other.parent.cmp(&self.parent))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Candidate {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{GraphBuilder, Sign};

    fn graph() -> GeneGraph {
        let mut builder = GraphBuilder::new();
        builder.add("A", "B", 0.9, Sign::Activation, &[]);
        builder.add_undirected("A", "C", 0.5, &[]);
        builder.add("D", "B", 0.8, Sign::Repression, &[]);
        builder.add("B", "A", 0.3, Sign::Unknown, &[]);
        builder.add("D", "E", 1.0, Sign::Unknown, &[]);
        builder.build()
    }

    fn names(graph: &GeneGraph, ego: &Ego) -> String {
        ego.members.iter().map(|m| format!("{}{} ", graph.genes().name(m.gene), m.hop)).collect()
    }

    #[test]
    fn the_strongest_ways_are_chosen_first() {
        let graph = graph();
        let center = graph.expect("A").unwrap();
        let t = |hops, max, importance: fn(GeneId) -> f32| {
            names(&graph, &Ego::choose(&graph, center, hops, max, importance))
        };
        assert_eq!(t(2, 9, |_| 1.0), "A0 B1 D2 C1 ");
        assert_eq!(t(1, 9, |_| 1.0), "A0 B1 C1 ");
        assert_eq!(t(2, 3, |_| 1.0), "A0 B1 D2 ");
        // C matters ten times more than B.
        assert_eq!(t(2, 2, |g| if g == GeneId(2) { 10.0 } else { 1.0 }), "A0 C1 ");
    }

    #[test]
    fn knowledge_without_direction_is_one_edge() {
        let graph = graph();
        let ego = Ego::choose(&graph, graph.expect("A").unwrap(), 2, 9, |_| 1.0);
        let (edges, n) = ego.edges(&graph, 9);
        let text: Vec<String> = edges
            .iter()
            .map(|e| format!("{}{}{}", graph.genes().name(e.source), e.sign.symbol(), graph.genes().name(e.target)))
            .collect();
        assert_eq!((text.join(" ").as_str(), n), ("A+B D-B A.C", 3));
        assert_eq!(ego.n_reached, 4);
    }
}
