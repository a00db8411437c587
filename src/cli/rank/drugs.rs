//! `grn rank --drug-targets`: queries are drugs.

use std::path::Path;

use serde_json::{Value, json};

use super::{ModeArg, OwnArg, RankArgs};
use crate::cli::error::CliError;
use crate::cli::load::LoadedRun;
use crate::cli::ranker::ForRun;
use crate::cli::score::write;
use crate::cli::session::Session;
use crate::data::DrugTargets;
use crate::io;
use crate::rank::{self, DrugOptions, DrugOutcome, DrugRow, Mode, Queries};

/// Reads the table of targets, where one is given. Drugs never use the own reading.
pub(super) fn read(session: &Session, args: &RankArgs) -> Result<Option<DrugTargets>, CliError> {
    let Some(path) = &args.drug_targets else { return Ok(None) };
    if args.own == OwnArg::Used {
        let hint = "leave `--own used` out: a drug need not change the expression of its target";
        return Err(CliError::usage("`--own` with `--drug-targets`", "`excluded`", "`used`", Some(hint.into())));
    }
    let read = io::read_drug_targets(path)?;
    read.notices.iter().for_each(|n| session.printer.notice(n));
    Ok(Some(read.targets))
}

/// Ranks all queries, each in the mode of its drug unless `--mode` was typed.
pub(super) fn rank(
    session: &Session,
    args: &RankArgs,
    run: &LoadedRun,
    of_run: &ForRun,
    (queries, targets): (&Queries, &DrugTargets),
) -> Result<DrugOutcome, CliError> {
    // What is neither written nor shown nor explained need not be kept.
    let shown = args.top.unwrap_or(10).max(args.explain);
    let options = DrugOptions {
        targets,
        mode: args.mode.map(mode),
        top: args.top.or(args.output.is_none().then_some(shown)),
        method: args.method.as_deref(),
        responses: &run.responses,
        graph: &run.graph,
        seed: session.seed,
    };
    let bar = session.printer.bar("ranking", queries.len() as u64);
    let mut progress = |done: usize| bar.set_position(done as u64);
    let outcome = rank::rank_drugs(&of_run.ranker, queries, &of_run.members, &options, &mut progress)?;
    bar.finish_and_clear();
    outcome.notices.iter().for_each(|n| session.printer.notice(n));
    Ok(outcome)
}

fn mode(mode: ModeArg) -> Mode {
    match mode {
        ModeArg::Knockdown => Mode::Knockdown,
        ModeArg::Inhibition => Mode::Inhibition,
        ModeArg::Activation => Mode::Activation,
        ModeArg::Any => Mode::Any,
    }
}

/// `ranking.drugs.tsv` beside `ranking.tsv`.
pub(super) fn write_beside(
    session: &Session,
    output: Option<&Path>,
    outcome: Option<&DrugOutcome>,
) -> Result<(), CliError> {
    let (Some(output), Some(outcome)) = (output, outcome) else { return Ok(()) };
    let stem = output.file_stem().map_or("ranking".into(), |s| s.to_string_lossy().into_owned());
    let path = output.with_file_name(format!("{stem}.drugs.tsv"));
    write(&path, |out| rank::write_drugs(&outcome.rows, out))?;
    session.printer.say(format!("wrote {}", path.display()));
    Ok(())
}

/// The answer with an object `drugs`, where there are any.
pub(super) fn in_json(mut answer: Value, outcome: Option<&DrugOutcome>) -> Value {
    if let Some(outcome) = outcome {
        answer["drugs"] = json!({
            "rows": outcome.rows.iter().map(row_json).collect::<Vec<_>>(),
            "notices": outcome.notices,
        });
    }
    answer
}

fn row_json(r: &DrugRow) -> Value {
    let metrics: serde_json::Map<String, Value> = r.metrics.iter().map(|(n, v)| (n.clone(), json!(v))).collect();
    let ranks: serde_json::Map<String, Value> = r.positions.iter().map(|(g, p)| (g.clone(), json!(p))).collect();
    json!({
        "level": r.level,
        "name": r.name,
        "drug": r.drug,
        "class": r.class,
        "scorer": r.scorer,
        "mode": r.mode,
        "n_queries": r.n_queries,
        "n_drugs": r.n_drugs,
        "n_targets": r.n_targets,
        "n_reachable": r.n_reachable,
        "n_candidates": r.n_candidates,
        "metrics": metrics,
        "mrr_interval": r.mrr_interval,
        "target_ranks": ranks,
    })
}

/// Metrics shown on the screen; the table has all.
const SHOWN: [&str; 5] = ["mrr", "relevant_hit@10", "relevant_hit@100", "recall@10", "recall@100"];
/// Drugs and classes shown on the screen.
const MOST: usize = 20;
/// Targets of a drug whose ranks are shown on the screen.
const TARGETS: usize = 5;

/// The answer with the metrics of drugs below it, where there are any.
pub(super) fn in_text(answer: String, outcome: Option<&DrugOutcome>) -> String {
    let Some(outcome) = outcome else { return answer };
    let mut lines = vec![answer, String::new()];
    let of = |level: &str| outcome.rows.iter().filter(|r| r.level == level).cloned().collect::<Vec<_>>();
    let all = of("all");
    if let Some(first) = all.first() {
        lines.push(format!(
            "targets of {} drugs ({} queries): {} of {} targets are among the {} candidates",
            first.n_drugs, first.n_queries, first.n_reachable, first.n_targets, first.n_candidates
        ));
        lines.push(line("mean over drugs", &SHOWN.map(str::to_owned)));
        lines.extend(all.iter().map(|r| metric_line(r.scorer, r)));
    }
    for (level, title) in [("class", "class (score)"), ("drug", "drug (score), ranks of targets")] {
        let mut rows: Vec<DrugRow> = of(level).into_iter().filter(|r| r.scorer == "score").collect();
        if rows.is_empty() {
            continue;
        }
        lines.push(line(title, &SHOWN.map(str::to_owned)));
        let left_out = rows.len().saturating_sub(MOST);
        rows.sort_by_key(|r| std::cmp::Reverse(r.n_drugs));
        lines.extend(rows.iter().take(MOST).map(|r| metric_line(&r.name, r) + &ranks(outcome, r)));
        if left_out > 0 {
            lines.push(format!("  and {left_out} more: see the table that `-o` writes"));
        }
    }
    lines.join("\n")
}

/// Ranks of the targets of a drug with one query.
fn ranks(outcome: &DrugOutcome, drug: &DrugRow) -> String {
    let is_query = |r: &&DrugRow| r.level == "query" && r.scorer == "score" && r.drug == drug.name;
    let query = outcome.rows.iter().find(is_query).filter(|_| drug.level == "drug" && drug.n_queries == 1);
    let rank = |(gene, rank): &(String, Option<f64>)| match rank {
        Some(rank) => format!("{gene} {rank}"),
        None => format!("{gene} -"),
    };
    let ranks: Vec<String> = query.iter().flat_map(|q| q.positions.iter().take(TARGETS).map(rank)).collect();
    if ranks.is_empty() { String::new() } else { format!("  {}", ranks.join(", ")) }
}

fn metric_line(name: &str, of: &DrugRow) -> String {
    let value = |name: &str| of.metrics.iter().find(|m| m.0 == name).map_or(f64::NAN, |m| m.1);
    line(name, &SHOWN.map(|name| format!("{:.4}", value(name))))
}

fn line(name: &str, cells: &[String; SHOWN.len()]) -> String {
    let name: String = name.chars().take(30).collect();
    format!("  {name:<30}{}", cells.each_ref().map(|c| format!(" {c:>16}")).concat())
}
