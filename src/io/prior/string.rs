//! STRING: `protein.links`, `protein.links.detailed`, `protein.links.full`.
//!
//! Szklarczyk et al., The STRING database in 2023, Nucleic Acids Research 51:D638, 2023.

use super::table::{Head, Row};
use super::{Names, Reader, Sink, columns};
use crate::graph::ChannelId;
use crate::io::IoError;

pub(super) const READER: Reader = Reader { name: "STRING links", recognises, read };

/// Channels as STRING names them; `.full` also has `<name>_transferred`, `.detailed` says `experimental`.
const CHANNELS: [&str; 8] =
    ["neighborhood", "fusion", "cooccurence", "homology", "coexpression", "experiments", "database", "textmining"];

/// Chance that two proteins interact, which every channel score contains once.
const PRIOR: f32 = 0.041;

fn recognises(head: &Head) -> bool {
    let pair = head.has(&["protein1"]) && head.has(&["protein2"]);
    let scored = head.has(&["combined_score"]) && head.has(columns::SOURCE) && head.has(columns::TARGET);
    pair || scored
}

/// The columns of a file and the channels they go to.
struct Layout {
    pair: [usize; 2],
    combined: Option<usize>,
    combined_channel: ChannelId,
    /// Channel, and its direct and transferred columns.
    channels: Vec<(ChannelId, Vec<usize>)>,
}

impl Layout {
    fn new(head: &Head, sink: &mut Sink<'_>) -> Result<Self, IoError> {
        let pair = [head.expect(columns::SOURCE)?, head.expect(columns::TARGET)?];
        let mut channels = Vec::new();
        for name in CHANNELS {
            let transferred = format!("{name}_transferred");
            let alias = if name == "experiments" { "experimental" } else { name };
            let found: Vec<usize> =
                [head.column(&[name, alias]), head.column(&[&transferred])].into_iter().flatten().collect();
            if !found.is_empty() {
                channels.push((sink.builder.channel(&format!("string.{name}")), found));
            }
        }
        let combined = head.column(&["combined_score"]);
        let combined_channel = sink.builder.channel("string.combined");
        Ok(Self { pair, combined, combined_channel, channels })
    }

    /// Scores of a row, 0 to 1: those of its channels that are above 0, then the combined one.
    fn scores(&self, row: &Row<'_>, into: &mut Vec<(ChannelId, f32)>) -> Result<f32, IoError> {
        into.clear();
        for (channel, found) in &self.channels {
            let mut best = 0.0f32;
            for &column in found {
                best = best.max(score(row, column)?);
            }
            if best > 0.0 {
                into.push((*channel, best));
            }
        }
        let combined = match self.combined {
            Some(column) => score(row, column)?,
            None if self.channels.is_empty() => 1.0,
            None => combine(into.iter().map(|e| e.1)),
        };
        into.push((self.combined_channel, combined));
        Ok(combined)
    }
}

fn read(head: &Head, sink: &mut Sink<'_>) -> Result<u64, IoError> {
    let layout = Layout::new(head, sink)?;
    let found = names(head, &layout, sink)?;
    let min_score = sink.options.min_score / 1000.0;
    let (mut rows, mut evidence, mut range) = (head.rows(true)?, Vec::new(), Range::default());
    let mut unnamed = std::collections::BTreeSet::new();
    while let Some(row) = rows.next()? {
        let combined = layout.scores(&row, &mut evidence)?;
        range.see(combined);
        if combined < min_score {
            continue;
        }
        let [mut a, mut b] = [row.gene(layout.pair[0])?, row.gene(layout.pair[1])?];
        if let Some(names) = &found {
            for id in [a, b].into_iter().filter(|id| !names.knows(id) && !sink.names.knows(id)) {
                unnamed.insert(id.to_owned());
            }
            (a, b) = (names.gene(a), names.gene(b));
        }
        sink.undirected(a, b, combined, &evidence);
    }
    notice_unnamed(&unnamed, sink);
    notice_constant(head, range, sink);
    Ok(rows.count())
}

/// A score of 0 to 1000 as 0 to 1. Some sources have fractions: no score of STRING lies between 0 and 1.
fn score(row: &Row<'_>, column: usize) -> Result<f32, IoError> {
    let value = row.number(column)?;
    match value {
        v if (0.0..=1.0).contains(&v) => Ok(v),
        v if (0.0..=1000.0).contains(&v) => Ok(v / 1000.0),
        v => Err(row.wrong(format!("a score of 0 to 1000 in column {}", column + 1), v.to_string())),
    }
}

/// STRING's combination of channels that are taken as independent, the prior being counted once.
fn combine(scores: impl Iterator<Item = f32>) -> f32 {
    let without_prior = |s: f32| ((s - PRIOR) / (1.0 - PRIOR)).max(0.0);
    let none = scores.map(|s| 1.0 - without_prior(s)).product::<f32>();
    if none < 1.0 { (1.0 - none) * (1.0 - PRIOR) + PRIOR } else { 0.0 }
}

/// Where the file has STRING identifiers, the table of their names.
fn names(head: &Head, layout: &Layout, sink: &mut Sink<'_>) -> Result<Option<Names>, IoError> {
    let first = head.rows.get(1).and_then(|row| row.get(layout.pair[0])).map_or("", String::as_str);
    if !is_identifier(first) || sink.names.knows(first) {
        return Ok(None);
    }
    if let Some((names, path)) = Names::beside(&head.path)? {
        sink.notice(format!("names of the STRING identifiers are taken from `{}`", path.display()));
        return Ok(Some(names));
    }
    if sink.options.aliases.is_some() {
        return Ok(Some(Names::default()));
    }
    let expected = "gene symbols, or `protein.info` or `protein.aliases` beside the file";
    Err(IoError::format(&head.path, "", expected, format!("identifiers such as `{first}`")))
}

/// `9606.ENSP00000000233`: the species, a dot, the protein.
fn is_identifier(name: &str) -> bool {
    name.split_once('.').is_some_and(|(species, id)| {
        !species.is_empty() && species.bytes().all(|b| b.is_ascii_digit()) && !id.is_empty()
    })
}

fn notice_unnamed(unnamed: &std::collections::BTreeSet<String>, sink: &mut Sink<'_>) {
    if !unnamed.is_empty() {
        let some = crate::error::some_of(unnamed, 3);
        sink.notice(format!(
            "{} STRING identifiers have no known name and are kept as they are: {some}",
            unnamed.len()
        ));
    }
}

/// The smallest and largest combined score.
#[derive(Clone, Copy)]
struct Range {
    rows: u64,
    smallest: f32,
    largest: f32,
}

impl Default for Range {
    fn default() -> Self {
        Self { rows: 0, smallest: f32::INFINITY, largest: f32::NEG_INFINITY }
    }
}

impl Range {
    fn see(&mut self, score: f32) {
        self.rows += 1;
        (self.smallest, self.largest) = (self.smallest.min(score), self.largest.max(score));
    }
}

fn notice_constant(head: &Head, range: Range, sink: &mut Sink<'_>) {
    if range.rows > 1 && range.smallest == range.largest {
        sink.notice(format!(
            "every combined score of `{}` is {}: its scores carry no information, all its edges count alike",
            head.path.display(),
            (range.largest * 1000.0).round()
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_told_from_symbols() {
        let t = |name: &str, expected: bool| assert_eq!(is_identifier(name), expected, "{name}");
        t("9606.ENSP00000000233", true);
        t("4932.Q0045", true);
        t("AC004.1", false);
        t("SOX2", false);
    }

    /// By hand, with the prior 0.041: 0.5 -> 0.478624, 0.3 -> 0.270073; none 0.380570; 0.619430 x 0.959 + 0.041.
    #[test]
    fn channels_combine_as_string_does() {
        assert!((combine([0.5, 0.3].into_iter()) - 0.635_033).abs() < 1e-5);
        assert!((combine([0.5].into_iter()) - 0.5).abs() < 1e-6);
        assert_eq!(combine(std::iter::empty()), 0.0);
    }
}
