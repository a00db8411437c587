//! Rankings and their metrics as tables.

use std::io::{self, Write};

use super::cross_validate::Listed;
use super::{CvRow, Own, RankOptions, Ranking};
use crate::predict::Basis;

/// Writes rankings: one row per query and candidate, tab-separated.
pub fn write_rankings(rankings: &[Ranking], options: &RankOptions, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "query\trank\tgene\tscore\tprobability\tcosine\tlikelihood\tpropagation\town_reading\tretrieval\tseen\tbasis\town_mode\tmode"
    )?;
    let number = |v: Option<f64>| v.map_or(String::new(), |v| format!("{v:.6}"));
    for ranking in rankings {
        for r in &ranking.rows {
            let basis = if r.basis == Basis::Graph { "graph" } else { "fallback" };
            write!(out, "{}\t{}\t{}\t{:.6}\t{:.6e}\t", ranking.query, r.rank, r.gene, r.score, r.probability)?;
            write!(out, "{:.6}\t{:.6}\t{:.6}\t", r.cosine, r.likelihood, r.propagation)?;
            write!(out, "{}\t{}\t", number(r.own_reading), number(r.retrieval))?;
            writeln!(out, "{}\t{basis}\t{}\t{}", r.seen, options.own, options.mode)?;
        }
    }
    Ok(())
}

/// Writes lists of held-out queries: `query`, `rank`, `gene`, tab-separated.
pub fn write_lists(lists: &[Listed], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "query\trank\tgene")?;
    for (query, genes) in lists {
        for (rank, gene) in genes {
            writeln!(out, "{query}\t{rank}\t{gene}")?;
        }
    }
    Ok(())
}

/// Writes metrics: one row per candidate set, own-reading mode and scorer, tab-separated.
pub fn write_metrics(rows: &[CvRow], out: &mut dyn Write) -> io::Result<()> {
    write!(out, "candidates\town\tscorer\tn_queries\tn_reachable\tn_candidates")?;
    let Some(first) = rows.first() else { return writeln!(out) };
    for (name, _) in &first.metrics {
        write!(out, "\t{name}")?;
    }
    writeln!(out, "\tmrr_low\tmrr_high\tcalibration_error")?;
    let number = |v: Option<f64>| v.map_or(String::new(), |v| format!("{v:.6}"));
    for r in rows {
        let own = if r.own == Own::Used { "used" } else { "excluded" };
        write!(out, "{}\t{own}\t{}\t{}\t{}\t{}", r.candidates, r.scorer, r.n_queries, r.n_reachable, r.n_candidates)?;
        for (_, value) in &r.metrics {
            write!(out, "\t{value:.6}")?;
        }
        let interval = r.mrr_interval;
        let (low, high) = (number(interval.map(|i| i[0])), number(interval.map(|i| i[1])));
        writeln!(out, "\t{low}\t{high}\t{}", number(r.calibration_error))?;
    }
    Ok(())
}
