//! What `grn rank` prints.

use serde_json::{Value, json};

use crate::data::GeneId;
use crate::graph::{GeneGraph, GenePath, Sign};
use crate::rank::{Explanation, RankOptions, Ranked, Ranking, Responder};

/// What the mode is called where queries differ in it.
const MIXED: &str = "mixed";

/// What is printed.
pub(super) struct Answer<'a> {
    pub(super) rankings: &'a [Ranking],
    pub(super) explained: &'a [Vec<Explanation>],
    pub(super) options: &'a RankOptions,
    pub(super) graph: &'a GeneGraph,
    pub(super) shown: usize,
}

impl Answer<'_> {
    pub(super) fn as_json(&self, set: &str) -> Value {
        let ranking = |(r, explained): (&Ranking, &Vec<Explanation>)| {
            let top: Vec<Value> = r.rows.iter().take(self.shown).map(|c| row_json(r, c)).collect();
            let why: Vec<Value> = explained.iter().map(|e| self.why_json(e)).collect();
            json!({
                "query": r.query,
                "mode": r.mode.to_string(),
                "n_candidates": r.n_candidates,
                "none": r.none,
                "top": top,
                "explanations": why,
            })
        };
        json!({
            "mode": self.mode(),
            "own": self.options.own.to_string(),
            "candidates": set,
            "rankings": self.rankings.iter().zip(self.explained).map(ranking).collect::<Vec<_>>(),
        })
    }

    /// The mode of all queries.
    fn mode(&self) -> String {
        let first = self.rankings.first().map_or(self.options.mode, |r| r.mode);
        if self.rankings.iter().all(|r| r.mode == first) { first.to_string() } else { MIXED.into() }
    }

    fn why_json(&self, of: &Explanation) -> Value {
        let responder = |r: &Responder| {
            json!({
                "gene": r.gene.as_ref(),
                "change": r.change,
                "expected": r.expected,
                "share": r.share,
                "path": r.path.as_ref().map(|p| self.path(p)),
            })
        };
        json!({
            "gene": of.gene.as_ref(),
            "agreement": of.agreement,
            "responders": of.responders.iter().map(responder).collect::<Vec<_>>(),
        })
    }

    /// `A -> B -| C`, `--` where the sign is not known.
    fn path(&self, path: &GenePath) -> String {
        let name = |g: GeneId| self.graph.genes().name(g).to_owned();
        let arrow = |sign: Sign| match sign {
            Sign::Activation => "->",
            Sign::Repression => "-|",
            Sign::Unknown => "--",
        };
        let mut out = path.genes.first().map_or(String::new(), |g| name(*g));
        for (edge, gene) in path.edges.iter().zip(&path.genes[1..]) {
            out.push_str(&format!(" {} {}", arrow(edge.sign), name(*gene)));
        }
        out
    }

    pub(super) fn as_text(&self) -> String {
        let mut lines = vec![
            format!("mode {}, own reading {}", self.mode(), self.options.own),
            "distance: 0 = like a training perturbation, 1 = like none, where calls are hardly better than chance"
                .into(),
        ];
        for (ranking, explained) in self.rankings.iter().zip(self.explained) {
            let (query, n) = (&ranking.query, ranking.n_candidates);
            let mode = if self.mode() == MIXED { format!(" ({})", ranking.mode) } else { String::new() };
            lines.push(format!("{query}{mode} among {n} candidates; none of them: {:.4}", ranking.none));
            if ranking.none > 0.5 {
                lines.push("  more likely than not, none of these genes explains the change".into());
            }
            let head = ["rank", "gene", "score", "probability", "distance", "own z", "seen"];
            lines.push(columns(head.map(str::to_owned)));
            lines.extend(ranking.rows.iter().take(self.shown).map(row_text));
            explained.iter().for_each(|e| self.why_text(e, &mut lines));
        }
        lines.join("\n")
    }

    fn why_text(&self, of: &Explanation, lines: &mut Vec<String>) {
        lines.push(format!(
            "why {}: change and expectation agree to {:.2}; the genes that say most",
            of.gene, of.agreement
        ));
        for r in &of.responders {
            let path = r.path.as_ref().map_or("no way of four edges".to_owned(), |p| self.path(p));
            let (change, expected, share) = (r.change, r.expected, 100.0 * r.share);
            lines.push(format!(
                "  {:<12} change {change:>6.2}, expected {expected:>6.2}, {share:>4.1} %  {path}",
                r.gene
            ));
        }
    }
}

fn row_json(of: &Ranking, r: &Ranked) -> Value {
    let scores: serde_json::Map<String, Value> =
        of.scorers.iter().zip(&r.scores).map(|(name, v)| ((*name).to_owned(), json!(v))).collect();
    json!({
        "rank": r.rank,
        "gene": r.gene.as_ref(),
        "score": r.score,
        "probability": r.probability,
        "direction": r.direction,
        "own_z": r.own_z,
        "seen": r.seen,
        "distance": r.distance,
        "scores": scores,
    })
}

fn columns(cells: [String; 7]) -> String {
    let [rank, gene, score, probability, distance, own, seen] = cells;
    format!("{rank:>6} {gene:<12} {score:>9} {probability:>11} {distance:>8} {own:>8}  {seen}")
}

fn row_text(r: &Ranked) -> String {
    columns([
        r.rank.to_string(),
        r.gene.to_string(),
        format!("{:.3}", r.score),
        format!("{:.4}", r.probability),
        format!("{:.3}", r.distance),
        r.own_z.map_or("-".into(), |v| format!("{v:.2}")),
        if r.seen { "yes".into() } else { "no".into() },
    ])
}
