//! Any other list of edges: columns found by name, or the first two.

use super::table::Head;
use super::{Reader, Sink, columns};
use crate::graph::{ChannelId, Sign};
use crate::io::IoError;

pub(super) const READER: Reader = Reader { name: "edge list", recognises: |_| true, read };

/// Where the values of a row are.
struct Layout {
    header: bool,
    source: usize,
    target: usize,
    weight: Option<usize>,
    sign: Option<usize>,
}

impl Layout {
    fn new(head: &Head) -> Result<Self, IoError> {
        match (head.column(columns::SOURCE), head.column(columns::TARGET)) {
            (Some(source), Some(target)) => {
                let (weight, sign) = (head.column(columns::WEIGHT), head.column(columns::SIGN));
                Ok(Self { header: true, source, target, weight, sign })
            }
            _ => Self::without_header(head),
        }
    }

    /// Two columns, or a third with numbers or signs.
    fn without_header(head: &Head) -> Result<Self, IoError> {
        let third: Vec<&str> = head.rows.iter().filter_map(|row| row.get(2)).map(String::as_str).collect();
        let (mut weight, mut sign_at) = (None, None);
        match head.first().len() {
            2 => {}
            3 if third.iter().all(|t| t.parse::<f32>().is_ok()) => weight = Some(2),
            3 if third.iter().all(|t| sign(t).is_some()) => sign_at = Some(2),
            n => {
                let expected = "a header with `source` and `target`, or 2 columns without one";
                let got = format!("{n} columns ({})", crate::error::some_of(head.first(), 6));
                return Err(IoError::format(&head.path, "line 1", expected, got));
            }
        }
        Ok(Self { header: false, source: 0, target: 1, weight, sign: sign_at })
    }
}

fn read(head: &Head, sink: &mut Sink<'_>) -> Result<u64, IoError> {
    let layout = Layout::new(head)?;
    if !layout.header {
        let path = head.path.display();
        sink.notice(format!(
            "`{path}` has no known header: its first column is taken as the source, its second as target"
        ));
    }
    let channel = sink.builder.channel(&format!("edges.{}", head.stem()));
    match layout.weight {
        None => read_unweighted(head, &layout, channel, sink),
        Some(weight) => read_weighted(head, &layout, weight, channel, sink),
    }
}

fn read_unweighted(head: &Head, layout: &Layout, channel: ChannelId, sink: &mut Sink<'_>) -> Result<u64, IoError> {
    let mut rows = head.rows(layout.header)?;
    while let Some(row) = rows.next()? {
        let sign = layout.sign.and_then(|column| sign(row.text(column))).unwrap_or_default();
        sink.directed(row.gene(layout.source)?, row.gene(layout.target)?, 1.0, sign, &[(channel, 1.0)]);
    }
    Ok(rows.count())
}

/// Reads twice: weights above 1 (importances, scores to 1000) are divided by the largest, which is known at the end.
fn read_weighted(
    head: &Head,
    layout: &Layout,
    weight: usize,
    channel: ChannelId,
    sink: &mut Sink<'_>,
) -> Result<u64, IoError> {
    let (largest, negative) = extremes(head, layout, weight)?;
    let scale = if largest > 1.0 { 1.0 / largest } else { 1.0 };
    if scale < 1.0 {
        sink.notice(format!("weights of `{}` were divided by their largest, {largest}", head.path.display()));
    }
    let mut rows = head.rows(layout.header)?;
    while let Some(row) = rows.next()? {
        let value = row.number(weight)?;
        let score = value.abs() * scale;
        let said = layout.sign.and_then(|column| sign(row.text(column)));
        // Positive weights mean activation only where others are negative.
        let sign = said.unwrap_or(if negative { Sign::of(value) } else { Sign::Unknown });
        sink.directed(row.gene(layout.source)?, row.gene(layout.target)?, score, sign, &[(channel, score)]);
    }
    Ok(rows.count())
}

/// The largest absolute weight, and whether any is negative.
fn extremes(head: &Head, layout: &Layout, weight: usize) -> Result<(f32, bool), IoError> {
    let (mut largest, mut negative) = (0.0f32, false);
    let mut rows = head.rows(layout.header)?;
    while let Some(row) = rows.next()? {
        let value = row.number(weight)?;
        (largest, negative) = (largest.max(value.abs()), negative || value < 0.0);
    }
    Ok((largest, negative))
}

/// A sign as people write it; `None` where the text is no sign at all.
pub(super) fn sign(text: &str) -> Option<Sign> {
    Some(match text.to_ascii_lowercase().as_str() {
        "+" | "1" | "+1" | "1.0" | "activation" | "activates" | "activator" | "positive" | "stimulation" | "up" => {
            Sign::Activation
        }
        "-" | "-1" | "-1.0" | "repression" | "represses" | "repressor" | "inhibition" | "inhibits" | "negative"
        | "down" => Sign::Repression,
        "." | "0" | "?" | "unknown" | "" | "na" | "both" | "+/-" | "0.0" => Sign::Unknown,
        _ => return None,
    })
}
