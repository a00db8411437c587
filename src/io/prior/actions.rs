//! STRING's directed actions: one column per kind, or one row per kind as STRING 10 and 11 ship them.

use super::table::{Head, Row};
use super::{Reader, Sink, columns};
use crate::graph::{ChannelId, Sign};
use crate::io::IoError;

pub(super) const READER: Reader = Reader { name: "STRING actions", recognises, read };

const KINDS: [&str; 7] = ["activation", "binding", "catalysis", "expression", "inhibition", "ptmod", "reaction"];

fn recognises(head: &Head) -> bool {
    is_long(head) || head.has(&["activation"]) && head.has(&["inhibition"]) && head.has(columns::SOURCE)
}

fn is_long(head: &Head) -> bool {
    head.has(&["item_id_a"]) && head.has(&["mode"]) && head.has(&["score"])
}

fn read(head: &Head, sink: &mut Sink<'_>) -> Result<u64, IoError> {
    if is_long(head) { read_long(head, sink) } else { read_wide(head, sink) }
}

/// Activation is positive, inhibition negative, everything else has no sign.
fn sign(kind: &str) -> Sign {
    match kind {
        "activation" => Sign::Activation,
        "inhibition" => Sign::Repression,
        _ => Sign::Unknown,
    }
}

fn channel(sink: &mut Sink<'_>, kind: &str) -> ChannelId {
    sink.builder.channel(&format!("string.actions.{kind}"))
}

/// One row per pair, one column per kind, empty where there is none.
fn read_wide(head: &Head, sink: &mut Sink<'_>) -> Result<u64, IoError> {
    let pair = [head.expect(columns::SOURCE)?, head.expect(columns::TARGET)?];
    let found = KINDS.iter().filter_map(|kind| head.column(&[kind]).map(|at| (*kind, at)));
    let kinds: Vec<(Sign, ChannelId, usize)> = found.map(|(k, at)| (sign(k), channel(sink, k), at)).collect();
    let min_score = sink.options.min_score / 1000.0;
    let mut rows = head.rows(true)?;
    while let Some(row) = rows.next()? {
        let (source, target) = (row.gene(pair[0])?, row.gene(pair[1])?);
        for &(sign, channel, column) in kinds.iter().filter(|k| !row.text(k.2).is_empty()) {
            let score = score(&row, column)?;
            if score >= min_score {
                sink.directed(source, target, score, sign, &[(channel, score)]);
            }
        }
    }
    Ok(rows.count())
}

/// One row per pair and kind; rows without a direction count both ways.
fn read_long(head: &Head, sink: &mut Sink<'_>) -> Result<u64, IoError> {
    let pair = [head.expect(&["item_id_a"])?, head.expect(&["item_id_b"])?];
    let (mode, at) = (head.expect(&["mode"])?, head.expect(&["score"])?);
    let (directional, acting) = (head.column(&["is_directional"]), head.column(&["a_is_acting"]));
    let min_score = sink.options.min_score / 1000.0;
    let yes = |row: &Row<'_>, column: Option<usize>| column.is_some_and(|c| matches!(row.text(c), "t" | "true" | "1"));
    let mut rows = head.rows(true)?;
    while let Some(row) = rows.next()? {
        let (a, b, kind, score) = (row.gene(pair[0])?, row.gene(pair[1])?, row.text(mode), score(&row, at)?);
        let channel = channel(sink, kind);
        match (yes(&row, directional), yes(&row, acting)) {
            _ if score < min_score => {}
            (true, true) => sink.directed(a, b, score, sign(kind), &[(channel, score)]),
            (true, false) => {}
            (false, _) => sink.undirected(a, b, score, &[(channel, score)]),
        }
    }
    Ok(rows.count())
}

fn score(row: &Row<'_>, column: usize) -> Result<f32, IoError> {
    match row.number(column)? {
        v if (0.0..=1000.0).contains(&v) => Ok(v / 1000.0),
        v => Err(row.wrong(format!("a score of 0 to 1000 in column {}", column + 1), v.to_string())),
    }
}
