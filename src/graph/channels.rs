//! The graph without some of its evidence.

use std::sync::Arc;

use super::{ChannelId, Edge, Evidence, GeneGraph, GraphError, Sign};

/// The channel that sums up the other channels of STRING.
const COMBINED: &str = "string.combined";
/// Not part of STRING's combined score: it corrects other channels.
const HOMOLOGY: &str = "string.homology";
/// Chance that two proteins interact, which every channel score of STRING contains once.
const PRIOR: f32 = 0.041;

impl GeneGraph {
    /// The graph as it would be without the channels of these names, or whose names begin with one of them and a dot
    /// (`string` is all of STRING).
    ///
    /// Edges that lose nothing stay as they are. Of the others,
    /// - the combined score of STRING is combined again from the channels that are left, taken as independent, the
    ///   prior 0.041 counted once (von Mering et al., Nucleic Acids Research 33:D433, 2005); without any left it goes;
    /// - the weight becomes the largest score that is left, where the channels of STRING count through their combined
    ///   score if there is one; an edge without evidence goes, and so does an edge whose weight becomes 0;
    /// - a known sign stays only if a channel is left that signs edges by itself, for priors merged into one edge
    ///   do not say which of them knew the sign.
    ///
    /// Genes stay. O(E channels).
    ///
    /// # Errors
    /// [`GraphError::UnknownChannel`] for a name that no channel has.
    pub fn without_channels(&self, names: &[String]) -> Result<Self, GraphError> {
        let matches = |channel: &str, name: &str| {
            channel.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        if let Some(unknown) = names.iter().find(|name| !self.channels().iter().any(|c| matches(c, name))) {
            let known = self.channels().iter().map(ToString::to_string).collect();
            return Err(GraphError::UnknownChannel { channel: unknown.clone(), known });
        }
        let gone: Vec<bool> = self.channels().iter().map(|c| names.iter().any(|n| matches(c, n))).collect();
        let kept: Vec<usize> = (0..gone.len()).filter(|&c| !gone[c]).collect();
        let rule = Rule { graph: self, gone, kept, signing: self.signing_channels() };
        let channels: Vec<Arc<str>> = rule.kept.iter().map(|&c| Arc::clone(&self.channels()[c])).collect();
        let edges = self.edges().iter().filter_map(|e| rule.apply(e)).collect();
        Ok(Self::new(Arc::clone(self.genes()), channels, edges))
    }

    /// Channels that are the only evidence of some signed edge.
    fn signing_channels(&self) -> Vec<bool> {
        let mut signing = vec![false; self.channels().len()];
        for edge in self.edges().iter().filter(|e| e.sign != Sign::Unknown) {
            if let [(channel, _)] = edge.evidence.as_slice() {
                signing[channel.0 as usize] = true;
            }
        }
        signing
    }
}

/// What goes, and what is left.
struct Rule<'a> {
    graph: &'a GeneGraph,
    /// By channel: whether it goes.
    gone: Vec<bool>,
    /// Old positions of the channels that are left.
    kept: Vec<usize>,
    signing: Vec<bool>,
}

impl Rule<'_> {
    fn apply(&self, edge: &Edge) -> Option<Edge> {
        let lost = edge.evidence.iter().any(|(c, _)| self.gone[c.0 as usize]);
        let left: Evidence = edge.evidence.iter().copied().filter(|(c, _)| !self.gone[c.0 as usize]).collect();
        let left = if lost { self.combined_again(left) } else { left };
        let signed = !lost || left.iter().any(|(c, _)| self.signing[c.0 as usize]);
        let weight = if lost { self.weight(&left) } else { edge.weight };
        let renumbered = |(c, score): &(ChannelId, f32)| (self.new_id(*c), *score);
        (weight > 0.0).then(|| Edge {
            weight,
            sign: if signed { edge.sign } else { Sign::Unknown },
            evidence: left.iter().map(renumbered).collect(),
            ..*edge
        })
    }

    fn name(&self, channel: ChannelId) -> &str {
        &self.graph.channels()[channel.0 as usize]
    }

    /// Whether this is one of the scores that STRING combines.
    fn is_part(&self, channel: ChannelId) -> bool {
        let name = self.name(channel);
        name.starts_with("string.") && name != COMBINED && name != HOMOLOGY
    }

    /// The combined score from its parts.
    fn combined_again(&self, mut left: Evidence) -> Evidence {
        let parts = left.iter().filter(|(c, _)| self.is_part(*c)).map(|(_, score)| *score);
        let none: f32 = parts.map(|s| 1.0 - ((s - PRIOR) / (1.0 - PRIOR)).max(0.0)).product();
        let combined = if none < 1.0 { (1.0 - none) * (1.0 - PRIOR) + PRIOR } else { 0.0 };
        for (channel, score) in &mut left {
            if self.name(*channel) == COMBINED {
                *score = combined;
            }
        }
        left.retain(|(_, score)| *score > 0.0);
        left
    }

    /// The largest score.
    fn weight(&self, left: &Evidence) -> f32 {
        let summed_up = left.iter().any(|(c, _)| self.name(*c) == COMBINED);
        let counts = |c: ChannelId| !(summed_up && (self.is_part(c) || self.name(c) == HOMOLOGY));
        left.iter().filter(|(c, _)| counts(*c)).map(|(_, score)| score.min(1.0)).fold(0.0, f32::max)
    }

    fn new_id(&self, channel: ChannelId) -> ChannelId {
        ChannelId(self.kept.partition_point(|&c| c < channel.0 as usize) as u16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::GraphBuilder;

    /// A-B by two channels of STRING and a regulon, A-C by co-expression alone, A-D by a regulon alone.
    fn graph() -> GeneGraph {
        let mut b = GraphBuilder::new();
        let [all, coexpression, experiments, regulon] =
            [COMBINED, "string.coexpression", "string.experiments", "collectri"].map(|c| b.channel(c));
        b.add_undirected("A", "B", 0.9, &[(all, 0.9), (coexpression, 0.8), (experiments, 0.5)]);
        b.add("A", "B", 0.3, Sign::Repression, &[(regulon, 0.3)]);
        b.add_undirected("A", "C", 0.7, &[(all, 0.7), (coexpression, 0.7)]);
        b.add("A", "D", 1.0, Sign::Activation, &[(regulon, 1.0)]);
        b.build()
    }

    fn without(names: &[&str]) -> GeneGraph {
        graph().without_channels(&names.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap()
    }

    fn edge(graph: &GeneGraph, a: &str, b: &str) -> Option<Edge> {
        graph.edge(graph.expect(a).unwrap(), graph.expect(b).unwrap()).cloned()
    }

    #[test]
    fn scores_are_combined_again_from_what_is_left() {
        let graph = without(&["string.coexpression"]);
        let ab = edge(&graph, "A", "B").unwrap();
        // One channel of 0.5 combines to 0.5, less than the 0.9 with co-expression.
        assert!((ab.weight - 0.5).abs() < 1e-6, "{ab:?}");
        assert_eq!(ab.sign, Sign::Repression, "the regulon that signs is left");
        assert!(edge(&graph, "A", "C").is_none() && graph.n_genes() == 4);
        assert_eq!(graph.channels().len(), 3);
        assert_eq!(edge(&graph, "A", "D").unwrap().evidence[0].0, graph.channel("collectri").unwrap());
    }

    #[test]
    fn a_name_takes_all_below_it() {
        let graph = without(&["string"]);
        assert_eq!(graph.n_edges(), 2);
        assert!((edge(&graph, "A", "B").unwrap().weight - 0.3).abs() < 1e-6);
    }

    #[test]
    fn a_sign_goes_with_the_channel_that_gave_it() {
        let ab = edge(&without(&["collectri"]), "A", "B").unwrap();
        assert_eq!(ab.sign, Sign::Unknown);
        // Combined from 0.8 and 0.5: 1 - (1 - (0.8 - p)/(1 - p)) (1 - (0.5 - p)/(1 - p)), times 1 - p, plus p.
        let q = |s: f32| 1.0 - (s - PRIOR) / (1.0 - PRIOR);
        assert!((ab.weight - ((1.0 - q(0.8) * q(0.5)) * (1.0 - PRIOR) + PRIOR)).abs() < 1e-6);
    }

    #[test]
    fn unknown_channels_are_refused() {
        let refused =
            |name: &str| matches!(graph().without_channels(&[name.into()]), Err(GraphError::UnknownChannel { .. }));
        assert!(refused("string.co") && refused("biogrid"));
    }
}
