//! JSON: `{drug: {"count": n, "target_genes": [...]}}`, or a list of genes per drug. Labels are taken whole.

use std::io::Read;
use std::path::Path;

use serde_json::{Map, Value};

use super::labels::is_missing;
use super::{Sink, TABLE};
use crate::data::Action;
use crate::error::Notice;
use crate::io::IoError;
use crate::io::text::open_text;

/// Keys that hold the genes of a drug.
const GENES: [&str; 4] = ["target_genes", "targets", "genes", "target"];
/// Keys that hold the class of a drug.
const CLASS: [&str; 4] = ["moa-fine", "moa_fine", "moa", "class"];

/// Whether the first character is a brace.
pub(super) fn recognises(path: &Path) -> Result<bool, IoError> {
    let mut start = Vec::new();
    open_text(path)?.take(256).read_to_end(&mut start).map_err(|e| IoError::read(path, e))?;
    Ok(start.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{'))
}

/// Reads all drugs; returns the format.
pub(super) fn read(path: &Path, sink: &mut Sink) -> Result<&'static str, IoError> {
    let drugs: Map<String, Value> = serde_json::from_reader(open_text(path)?).map_err(|e| {
        let at = format!("line {}, column {}", e.line(), e.column());
        IoError::format(path, at, "a JSON object of drugs", e.to_string())
    })?;
    if drugs.is_empty() {
        return Err(IoError::format(path, "", TABLE, "an empty JSON object"));
    }
    let mut miscounted = Vec::new();
    for (drug, value) in &drugs {
        let n = read_drug(drug, value, sink)
            .map_err(|(expected, got)| IoError::format(path, format!("drug `{drug}`"), expected, got.to_string()))?;
        if value.get("count").and_then(Value::as_u64).is_some_and(|count| n.is_some_and(|n| n != count)) {
            miscounted.push(drug.clone());
        }
    }
    if !miscounted.is_empty() {
        let some = crate::error::some_of(&miscounted, 3);
        sink.notices.push(Notice::new(format!(
            "{} drugs have a `count` that is not the number of their genes: {some}",
            miscounted.len()
        )));
    }
    Ok("a JSON object of drugs")
}

/// Adds one drug; returns how many genes its list has, or what was expected and found.
fn read_drug<'a>(drug: &str, value: &'a Value, sink: &mut Sink) -> Result<Option<u64>, (&'static str, &'a Value)> {
    let class = CLASS.iter().find_map(|k| value.get(*k)?.as_str()).unwrap_or_default();
    let action = Action::read(value.get("action").and_then(Value::as_str).unwrap_or(class));
    sink.builder.class(drug, class);
    let field = match value {
        Value::Object(fields) => GENES.iter().find_map(|k| fields.get(*k)).unwrap_or(&Value::Null),
        other => other,
    };
    match field {
        Value::Null => Ok(Some(0)),
        Value::String(genes) => {
            sink.list(drug, genes, action, 1.0);
            Ok(None)
        }
        Value::Array(genes) => {
            for gene in genes {
                let label = gene.as_str().ok_or(("gene symbols in quotes", gene))?.trim();
                if !is_missing(label) {
                    sink.label(drug, label, action, 1.0);
                }
            }
            Ok(Some(genes.len() as u64))
        }
        other => Err(("`target_genes` with a list of gene symbols", other)),
    }
}
