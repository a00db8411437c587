//! Rankings and their metrics as tables.

use std::io::{self, Write};

use super::cross_validate::Listed;
use super::{Causes, CvRow, RankOptions, Ranking, Sure};
use crate::predict::Basis;

/// Writes rankings: one row per query and candidate, tab-separated; one column per scorer behind the others.
pub fn write_rankings(rankings: &[Ranking], options: &RankOptions, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "query\trank\tgene\tscore\tprobability\tnone\tdirection\town_z\tseen\tdistance\tbasis\town\tmode")?;
    write!(out, "\trank_low\trank_high\tleft_over")?;
    for scorer in rankings.first().map_or(&[][..], |r| &r.scorers) {
        write!(out, "\t{scorer}")?;
    }
    writeln!(out)?;
    for ranking in rankings {
        for r in &ranking.rows {
            let basis = if r.basis == Basis::Graph { "graph" } else { "fallback" };
            write!(out, "{}\t{}\t{}\t{:.6}\t{:.6e}\t", ranking.query, r.rank, r.gene, r.score, r.probability)?;
            write!(out, "{:.6e}\t{}\t", ranking.none, if r.direction < 0 { "-" } else { "+" })?;
            write!(out, "{}\t{}\t{:.4}\t", r.own_z.map_or(String::new(), |z| format!("{z:.4}")), r.seen, r.distance)?;
            write!(out, "{basis}\t{}\t{}", options.own, ranking.mode)?;
            let [low, high] = r.interval.map_or([String::new(), String::new()], |i| i.map(|p| p.to_string()));
            write!(out, "\t{low}\t{high}\t{}", r.left_over.map_or(String::new(), |l| format!("{l:.4}")))?;
            for score in &r.scores {
                write!(out, "\t{score:.6}")?;
            }
            writeln!(out)?;
        }
    }
    Ok(())
}

/// Writes sets of causes: one row per query and set, `kind` is `set` (one or two genes, by probability) or `pursuit`;
/// genes and their amplitudes are joined by `+` and `,`.
pub fn write_causes(causes: &[Causes], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "query\tkind\trank\tgenes\tn_genes\tprobability\tamplitudes\tgain\tbic\tnone\ttwo")?;
    for of in causes {
        let sets = of.sets.iter().map(|s| ("set", s)).enumerate();
        let pursuit = of.pursuit.iter().map(|s| ("pursuit", s)).enumerate();
        for (k, (kind, set)) in sets.chain(pursuit) {
            let amplitudes: Vec<String> = set.amplitudes.iter().map(|a| format!("{a:.4}")).collect();
            write!(out, "{}\t{kind}\t{}\t{}\t{}\t", of.query, k + 1, set.genes.join("+"), set.genes.len())?;
            write!(out, "{:.6e}\t{}\t{:.4}\t", set.probability, amplitudes.join(","), set.gain)?;
            writeln!(out, "{:.4}\t{:.6e}\t{:.6e}", set.bic, of.none, of.two)?;
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

/// Writes what was said of the first candidate of every held-out query: one row per candidate set, own-reading mode and
/// query, tab-separated. `right` is 1 or 0, `none` the probability that no candidate is the answer.
pub fn write_firsts(firsts: &[(&'static str, &'static str, Vec<Sure>)], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "candidates\town\tquery\tprobability\tright\tnone")?;
    for (candidates, own, queries) in firsts {
        for Sure { query, probability, right, none } in queries {
            let right = u8::from(*right);
            writeln!(out, "{candidates}\t{own}\t{query}\t{probability:.6}\t{right}\t{none:.6}")?;
        }
    }
    Ok(())
}

/// Writes metrics: one row per candidate set, own-reading mode, scorer and stratum, tab-separated.
pub fn write_metrics(rows: &[CvRow], out: &mut dyn Write) -> io::Result<()> {
    write!(out, "candidates\town\tscorer\tstratum\tn_queries\tn_reachable\tn_candidates")?;
    let Some(first) = rows.first() else { return writeln!(out) };
    for (name, _) in &first.metrics {
        write!(out, "\t{name}")?;
    }
    writeln!(out, "\tmrr_low\tmrr_high\tcalibration_error\tabstained\tnull_abstained")?;
    let number = |v: Option<f64>| v.map_or(String::new(), |v| format!("{v:.6}"));
    for r in rows {
        write!(out, "{}\t{}\t{}\t{}\t", r.candidates, r.own, r.scorer, r.stratum)?;
        write!(out, "{}\t{}\t{}", r.n_queries, r.n_reachable, r.n_candidates)?;
        for (_, value) in &r.metrics {
            write!(out, "\t{value:.6}")?;
        }
        let (interval, abstained) = (r.mrr_interval, r.abstained);
        write!(out, "\t{}\t{}", number(interval.map(|i| i[0])), number(interval.map(|i| i[1])))?;
        write!(out, "\t{}", number(r.calibration_error))?;
        writeln!(out, "\t{}\t{}", number(abstained.map(|a| a[0])), number(abstained.map(|a| a[1])))?;
    }
    Ok(())
}
