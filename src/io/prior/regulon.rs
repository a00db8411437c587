//! Signed tables of transcription factors and their targets: CollecTRI, DoRothEA, TRRUST.
//!
//! Müller-Dott et al., Nucleic Acids Research 51:10934, 2023 (CollecTRI); Garcia-Alonso et al., Genome Research 29:1363,
//! 2019 (DoRothEA); Han et al., Nucleic Acids Research 46:D380, 2018 (TRRUST).

use super::table::{Head, Row};
use super::{Reader, Sink, columns, edges};
use crate::graph::Sign;
use crate::io::IoError;

pub(super) const READER: Reader = Reader { name: "TF-target table", recognises, read };

const CONFIDENCE: &[&str] = &["confidence"];
const MODULATION: &[&str] = &["modulation"];

fn recognises(head: &Head) -> bool {
    let named = head.has(columns::SOURCE) && head.has(columns::TARGET);
    let marked = head.has(&["mor"]) || head.has(CONFIDENCE) || head.has(MODULATION);
    (named && (marked || known_name(head).is_some())) || is_trrust(head)
}

/// TRRUST as it is shipped: regulator, target, mode and PubMed ids without a header.
fn is_trrust(head: &Head) -> bool {
    let mode = |row: &Vec<String>| {
        row.len() == 4 && matches!(row.get(2).map(String::as_str), Some("Activation" | "Repression" | "Unknown"))
    };
    head.rows.iter().all(mode)
}

/// The table that the file is named for.
fn known_name(head: &Head) -> Option<&'static str> {
    let stem = head.stem().to_lowercase();
    ["collectri", "dorothea", "trrust"].into_iter().find(|name| stem.contains(name))
}

fn channel(head: &Head) -> String {
    match known_name(head) {
        Some(name) => name.to_owned(),
        None if is_trrust(head) => "trrust".to_owned(),
        None => format!("edges.{}", head.stem()),
    }
}

/// Where the values of a row are.
struct Layout {
    source: usize,
    target: usize,
    weight: Option<usize>,
    modulation: Option<usize>,
    confidence: Option<usize>,
}

impl Layout {
    fn new(head: &Head) -> Result<Self, IoError> {
        if is_trrust(head) {
            return Ok(Self { source: 0, target: 1, weight: None, modulation: Some(2), confidence: None });
        }
        let (source, target) = (head.expect(columns::SOURCE)?, head.expect(columns::TARGET)?);
        let weight = head.column(&["weight", "mor"]);
        Ok(Self { source, target, weight, modulation: head.column(MODULATION), confidence: head.column(CONFIDENCE) })
    }

    fn sign(&self, row: &Row<'_>, weight: Option<f32>) -> Sign {
        let said = self.modulation.and_then(|column| edges::sign(row.text(column)));
        said.unwrap_or_else(|| weight.map_or(Sign::Unknown, Sign::of))
    }
}

fn read(head: &Head, sink: &mut Sink<'_>) -> Result<u64, IoError> {
    let layout = Layout::new(head)?;
    let channel = sink.builder.channel(&channel(head));
    let mut rows = head.rows(!is_trrust(head))?;
    while let Some(row) = rows.next()? {
        let weight = layout.weight.map(|column| row.number(column)).transpose()?;
        // 0 stands for an edge whose sign is not known.
        let strength = weight.map_or(1.0, f32::abs).min(1.0);
        let strength = if strength == 0.0 { 1.0 } else { strength };
        // A weight that is not 1 has the confidence in it already.
        let confidence = match layout.confidence {
            Some(column) if strength == 1.0 => confidence(&row, column)?,
            _ => 1.0,
        };
        let (source, target, score) = (row.gene(layout.source)?, row.gene(layout.target)?, strength * confidence);
        sink.directed(source, target, score, layout.sign(&row, weight), &[(channel, score)]);
    }
    Ok(rows.count())
}

/// DoRothEA's levels as decoupler weighs them: A 1, B 1/2, C 1/3, D 1/4; E continues with 1/5.
fn confidence(row: &Row<'_>, column: usize) -> Result<f32, IoError> {
    let text = row.text(column);
    match text.bytes().next().map(|b| b.to_ascii_uppercase()) {
        Some(level @ b'A'..=b'E') if text.len() == 1 => Ok(1.0 / f32::from(level - b'A' + 1)),
        _ => {
            match text.parse::<f32>() {
                Ok(value) if (0.0..=1.0).contains(&value) => Ok(value),
                _ => Err(row
                    .wrong(format!("a confidence of A to E or 0 to 1 in column {}", column + 1), format!("`{text}`"))),
            }
        }
    }
}
