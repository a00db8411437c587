//! Who regulates whom: the wiring a simulation runs on, and the embedded network of human embryonic stem cells.

mod sergio;

use std::sync::Arc;

pub use self::sergio::{HillLink, HillNetwork};

use super::{Elasticity, Law, SimulateError};
use crate::data::{GeneId, GeneIndex};
use crate::graph::{GeneGraph, GraphBuilder, Sign};
use crate::stats::Rng;

const HESC: &str = include_str!("../../networks/hesc.tsv");

/// One regulator acting on one target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Link {
    /// The regulator.
    pub source: GeneId,
    /// The gene acted on.
    pub target: GeneId,
    /// Whether it activates (else it represses).
    pub activates: bool,
    /// Confidence that the link exists, 0..=1; the strength of its effect is drawn apart from it.
    pub weight: f32,
}

/// A signed, directed network: at most one link per ordered pair, none from a gene to itself, cycles allowed.
#[derive(Debug, Clone)]
pub struct Wiring {
    /// The genes.
    pub genes: Arc<GeneIndex>,
    /// The links.
    pub links: Vec<Link>,
}

impl Wiring {
    /// The embedded network of human embryonic stem cells (`networks/hesc.tsv`).
    ///
    /// # Errors
    /// [`SimulateError::Network`], which the tests of this file rule out for the embedded table.
    pub fn embedded() -> Result<Self, SimulateError> {
        Self::parse(HESC, "networks/hesc.tsv")
    }

    /// Reads the columns `source target sign weight` of a table with a header line; further columns are ignored.
    ///
    /// # Errors
    /// [`SimulateError::Network`] with the line.
    pub fn parse(text: &str, table: &str) -> Result<Self, SimulateError> {
        let mut builder = GraphBuilder::new();
        for (at, line) in text.lines().enumerate().skip(1).filter(|(_, line)| !line.is_empty()) {
            let wrong = |expected, got: &str| SimulateError::Network {
                table: table.to_owned(),
                line: at + 1,
                expected,
                got: format!("`{got}`"),
            };
            let mut fields = line.split('\t');
            let (Some(source), Some(target), Some(sign), Some(weight)) =
                (fields.next(), fields.next(), fields.next(), fields.next())
            else {
                return Err(wrong("source, target, sign and weight separated by tabs", line));
            };
            let sign = match sign {
                "+" => Sign::Activation,
                "-" => Sign::Repression,
                other => return Err(wrong("the sign + or -", other)),
            };
            let in_range = |w: &f32| *w > 0.0 && *w <= 1.0;
            let weight = weight.parse().ok().filter(in_range).ok_or_else(|| wrong("a weight in 0..=1", weight))?;
            builder.add(source, target, weight, sign, &[]);
        }
        Ok(Self::from_graph(&builder.build(), 1.0, 0).0)
    }

    /// The links of a gene graph. An edge of unknown sign activates with probability `activators`, drawn per regulator so
    /// that a regulator acts in one way; the number of such edges is returned as well.
    pub fn from_graph(graph: &GeneGraph, activators: f64, seed: u64) -> (Self, usize) {
        let habit = |g: GeneId| Rng::keyed(seed, "sign", u64::from(g.0), 0).uniform() < activators;
        let link = |e: &crate::graph::Edge| Link {
            source: e.source,
            target: e.target,
            activates: match e.sign {
                Sign::Activation => true,
                Sign::Repression => false,
                Sign::Unknown => habit(e.source),
            },
            weight: e.weight,
        };
        let unknown = graph.edges().iter().filter(|e| e.sign == Sign::Unknown).count();
        (Self { genes: Arc::clone(graph.genes()), links: graph.edges().iter().map(link).collect() }, unknown)
    }

    /// The links of a law; one whose effect at rest is zero counts as activating.
    pub fn of_law(law: &dyn Law) -> Self {
        let elasticity = Elasticity::at(law, law.baseline());
        let link = |target: u32| {
            let ends = elasticity.row(target as usize);
            ends.map(move |(source, j)| Link {
                source: GeneId(source),
                target: GeneId(target),
                activates: j >= 0.0,
                weight: 1.0,
            })
        };
        Self { genes: Arc::clone(law.genes()), links: (0..law.n_genes() as u32).flat_map(link).collect() }
    }

    /// The same links as a gene graph, one evidence channel named `channel`.
    pub fn to_graph(&self, channel: &str) -> GeneGraph {
        let mut builder = GraphBuilder::new();
        let channel = builder.channel(channel);
        for link in &self.links {
            let sign = if link.activates { Sign::Activation } else { Sign::Repression };
            let (source, target) = (self.genes.name(link.source), self.genes.name(link.target));
            builder.add(source, target, link.weight, sign, &[(channel, link.weight)]);
        }
        builder.build()
    }

    /// Number of links that leave each gene.
    pub fn out_degrees(&self) -> Vec<usize> {
        let mut degrees = vec![0; self.genes.len()];
        self.links.iter().for_each(|l| degrees[l.source.index()] += 1);
        degrees
    }

    /// The gene of this name, or an error with close spellings.
    pub fn expect(&self, gene: &str) -> Result<GeneId, SimulateError> {
        self.genes.resolve(gene).ok_or_else(|| SimulateError::unknown(gene, &self.genes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_network_is_sound() {
        let wiring = Wiring::embedded().unwrap();
        let lines: Vec<&str> = HESC.lines().skip(1).collect();
        // Every line becomes a link: no pair twice, no gene on itself, no contradiction.
        assert_eq!(wiring.links.len(), lines.len());
        assert!((150..=350).contains(&wiring.genes.len()));
        let degrees = wiring.out_degrees();
        assert!(degrees[wiring.expect("KDM1A").unwrap().index()] >= 15);
        assert!(degrees.iter().filter(|&&d| d >= 10).count() >= 10, "hubs");
        let cycles = petgraph::algo::tarjan_scc(&wiring.to_graph("x").to_petgraph());
        assert!(cycles.iter().map(Vec::len).max() > Some(20), "cycles");
    }

    #[test]
    fn textbook_signs_are_right() {
        let wiring = Wiring::embedded().unwrap();
        let t = |source: &str, target: &str, activates: bool| {
            let pair = (wiring.expect(source).unwrap(), wiring.expect(target).unwrap());
            let link = wiring.links.iter().find(|l| (l.source, l.target) == pair);
            assert_eq!(link.map(|l| l.activates), Some(activates), "{source} -> {target}");
        };
        t("TCF7L2", "MYC", true);
        t("TP53", "CDKN1A", true);
        t("TP53", "MDM2", true);
        t("MDM2", "TP53", false);
        t("GATA6", "NANOG", false);
        t("NANOG", "GATA6", false);
        t("SMAD2", "LEFTY1", true);
        t("SMAD3", "NODAL", true);
        t("KDM1A", "BMP2", false);
        t("RCOR1", "STMN2", false);
        t("GSK3B", "CTNNB1", false);
        t("DUSP6", "MAPK1", false);
        t("EZH2", "GATA4", false);
    }

    #[test]
    fn both_files_hold_the_same_pairs() {
        let scores = include_str!("../../networks/hesc.string.protein.links.txt");
        let mut lines = scores.lines();
        assert_eq!(lines.next(), Some("protein1 protein2 combined_score"));
        let got: std::collections::BTreeMap<(&str, &str), i64> =
            lines.map(|l| l.split(' ').collect::<Vec<_>>()).map(|f| ((f[0], f[1]), f[2].parse().unwrap())).collect();
        let mut expected = std::collections::BTreeMap::new();
        for link in &Wiring::embedded().unwrap().links {
            let score = (f64::from(link.weight) * 1000.0).round() as i64;
            for pair in [(link.source, link.target), (link.target, link.source)] {
                let best: &mut i64 = expected.entry(pair).or_insert(score);
                *best = (*best).max(score);
            }
        }
        let genes = Wiring::embedded().unwrap().genes;
        let expected: std::collections::BTreeMap<(&str, &str), i64> =
            expected.iter().map(|(&(a, b), &s)| ((genes.name(a), genes.name(b)), s)).collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn a_bad_line_is_named() {
        let error = Wiring::parse("source\ttarget\tsign\tweight\nA\tB\t?\t0.5\n", "t.tsv").unwrap_err();
        assert_eq!(error.to_string(), "network `t.tsv`, line 2: expected the sign + or -, got `?`");
    }
}
