//! What `grn rank` prints.

use serde_json::{Value, json};

use crate::data::GeneId;
use crate::graph::{GeneGraph, GenePath, Sign};
use crate::rank::{CauseSet, Causes, Explanation, RankOptions, Ranked, Ranking, Responder};

/// Sets and genes shown of the causes of a query.
const SHOWN_SETS: usize = 5;
const SHOWN_GENES: usize = 20;

/// What the mode is called where queries differ in it.
const MIXED: &str = "mixed";

/// What is printed.
pub(super) struct Answer<'a> {
    pub(super) rankings: &'a [Ranking],
    /// Causes of every query; empty where they were not asked for.
    pub(super) causes: &'a [Causes],
    pub(super) explained: &'a [Vec<Explanation>],
    pub(super) options: &'a RankOptions,
    pub(super) graph: &'a GeneGraph,
    pub(super) shown: usize,
}

impl Answer<'_> {
    pub(super) fn as_json(&self, set: &str) -> Value {
        let ranking = |(q, (r, explained)): (usize, (&Ranking, &Vec<Explanation>))| {
            let top: Vec<Value> = r.rows.iter().take(self.shown).map(|c| row_json(r, c)).collect();
            let why: Vec<Value> = explained.iter().map(|e| self.why_json(e)).collect();
            json!({
                "query": r.query,
                "mode": r.mode.to_string(),
                "n_candidates": r.n_candidates,
                "none": r.none,
                "top": top,
                "explanations": why,
                "causes": self.causes.get(q).map(causes_json),
            })
        };
        json!({
            "mode": self.mode(),
            "own": self.options.own.to_string(),
            "candidates": set,
            "rankings": self.rankings.iter().zip(self.explained).enumerate().map(ranking).collect::<Vec<_>>(),
        })
    }

    /// The mode of all queries.
    fn mode(&self) -> String {
        let first = self.rankings.first().map_or(self.options.mode, |r| r.mode);
        if self.rankings.iter().all(|r| r.mode == first) { first.to_string() } else { MIXED.into() }
    }

    fn why_json(&self, of: &Explanation) -> Value {
        why_json(self.graph, of)
    }

    fn path(&self, path: &GenePath) -> String {
        path_text(self.graph, path)
    }

    pub(super) fn as_text(&self) -> String {
        let mut lines = vec![
            format!("mode {}, own reading {}", self.mode(), self.options.own),
            "distance: 0 = like a training perturbation, 1 = like none, where calls are hardly better than chance"
                .into(),
        ];
        for (q, (ranking, explained)) in self.rankings.iter().zip(self.explained).enumerate() {
            let (query, n) = (&ranking.query, ranking.n_candidates);
            let mode = if self.mode() == MIXED { format!(" ({})", ranking.mode) } else { String::new() };
            lines.push(format!("{query}{mode} among {n} candidates; none of them: {:.4}", ranking.none));
            if ranking.none > 0.5 {
                lines.push("  more likely than not, none of these genes explains the change".into());
            }
            let head = ["rank", "gene", "score", "probability", "distance", "own z", "seen"];
            lines.push(columns(head.map(str::to_owned)));
            lines.extend(ranking.rows.iter().take(self.shown).map(row_text));
            if let Some(causes) = self.causes.get(q) {
                causes_text(causes, &mut lines);
            }
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

/// Why the first candidates of a query are thought to be the cause: what each scorer adds to their score, the genes that
/// say most and the ways to them. `explained` are those of the first candidates, in order.
pub(super) fn ranking_why(graph: &GeneGraph, of: &Ranking, explained: &[Explanation]) -> Value {
    let one = |(r, why): (&Ranked, &Explanation)| {
        let steps: serde_json::Map<String, Value> =
            of.joint.iter().zip(&r.steps).map(|(name, v)| (name.clone(), json!(v))).collect();
        json!({
            "rank": r.rank,
            "gene": r.gene.as_ref(),
            "score": r.score,
            "probability": r.probability,
            "direction": r.direction,
            "seen": r.seen,
            "steps": steps,
            "explanation": why_json(graph, why),
        })
    };
    json!({
        "query": of.query,
        "mode": of.mode.to_string(),
        "n_candidates": of.n_candidates,
        "none": of.none,
        "scorers": of.joint,
        "top": of.rows.iter().zip(explained).map(one).collect::<Vec<_>>(),
    })
}

fn why_json(graph: &GeneGraph, of: &Explanation) -> Value {
    let responder = |r: &Responder| {
        json!({
            "gene": r.gene.as_ref(),
            "change": r.change,
            "expected": r.expected,
            "share": r.share,
            "path": r.path.as_ref().map(|p| path_text(graph, p)),
        })
    };
    json!({
        "gene": of.gene.as_ref(),
        "agreement": of.agreement,
        "responders": of.responders.iter().map(responder).collect::<Vec<_>>(),
    })
}

/// `A -> B -| C`, `--` where the sign is not known.
fn path_text(graph: &GeneGraph, path: &GenePath) -> String {
    let name = |g: GeneId| graph.genes().name(g).to_owned();
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
        "rank_interval": r.interval,
        "left_over": r.left_over,
        "scores": scores,
    })
}

fn causes_json(of: &Causes) -> Value {
    let set = |s: &CauseSet| {
        json!({
            "genes": s.genes.iter().map(AsRef::as_ref).collect::<Vec<&str>>(),
            "amplitudes": s.amplitudes,
            "probability": s.probability,
            "gain": s.gain,
            "bic": s.bic,
        })
    };
    let gene = |(name, p): &(std::sync::Arc<str>, f64)| json!({ "gene": name.as_ref(), "probability": p });
    json!({
        "none": of.none,
        "two": of.two,
        "sets": of.sets.iter().map(set).collect::<Vec<_>>(),
        "pursuit": of.pursuit.iter().map(set).collect::<Vec<_>>(),
        "genes": of.genes.iter().take(SHOWN_GENES).map(gene).collect::<Vec<_>>(),
    })
}

/// The likeliest sets, and the pursuit.
fn causes_text(of: &Causes, lines: &mut Vec<String>) {
    lines.push(format!("together: two genes {:.4}, neither one nor two of these {:.4}", of.two, of.none));
    let amplitudes = |s: &CauseSet| s.amplitudes.iter().map(|a| format!("{a:.2}")).collect::<Vec<_>>().join(", ");
    for s in of.sets.iter().take(SHOWN_SETS) {
        lines.push(format!(
            "  {:<24} probability {:.4}, amplitudes {}",
            s.genes.join(" + "),
            s.probability,
            amplitudes(s)
        ));
    }
    match of.pursuit.last() {
        Some(s) => lines.push(format!("  pursuit: {}, amplitudes {}", s.genes.join(" + "), amplitudes(s))),
        None => lines.push("  pursuit: no gene is worth its amplitude".into()),
    }
}

/// What a row has beyond the columns that all have.
fn beyond(r: &Ranked) -> String {
    let interval = r.interval.map(|[low, high]| format!("  rank {low} to {high} of resamples"));
    let left = r.left_over.map(|l| format!("  leaves over {:.1} %", 100.0 * l));
    [interval, left].into_iter().flatten().collect()
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
        format!("{}{}", if r.seen { "yes" } else { "no" }, beyond(r)),
    ])
}
