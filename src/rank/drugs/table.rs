//! Metrics of drugs as a table.

use std::io::{self, Write};

use super::DrugRow;

/// Writes metrics: one row per query, drug, class and all drugs, and scorer; tab-separated. The last column lists the
/// targets of a query as `GENE:rank`, `GENE:-` for one that is no candidate, separated by `;`.
pub fn write_drugs(rows: &[DrugRow], out: &mut dyn Write) -> io::Result<()> {
    write!(out, "level\tname\tdrug\tclass\tscorer\tmode\tn_queries\tn_drugs\tn_targets\tn_reachable\tn_candidates")?;
    let Some(first) = rows.first() else { return writeln!(out) };
    for (name, _) in &first.metrics {
        write!(out, "\t{name}")?;
    }
    writeln!(out, "\tmrr_low\tmrr_high\ttarget_ranks")?;
    for r in rows {
        let (name, drug, class) = (field(&r.name), field(&r.drug), field(&r.class));
        write!(out, "{}\t{name}\t{drug}\t{class}\t{}\t{}\t", r.level, r.scorer, r.mode)?;
        write!(out, "{}\t{}\t{}\t{}\t{}", r.n_queries, r.n_drugs, r.n_targets, r.n_reachable, r.n_candidates)?;
        for (_, value) in &r.metrics {
            write!(out, "\t{value:.6}")?;
        }
        let [low, high] = r.mrr_interval.map_or([String::new(), String::new()], |i| i.map(|v| format!("{v:.6}")));
        let rank = |(gene, rank): &(String, Option<f64>)| match rank {
            Some(rank) => format!("{gene}:{rank}"),
            None => format!("{gene}:-"),
        };
        writeln!(out, "\t{low}\t{high}\t{}", r.positions.iter().map(rank).collect::<Vec<_>>().join(";"))?;
    }
    Ok(())
}

/// Text that does not break the table.
fn field(text: &str) -> String {
    text.replace(['\t', '\n', '\r'], " ")
}
