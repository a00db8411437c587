//! The data sets there are.

use serde_json::{Value, json};

use crate::cli::error::CliError;
use crate::cli::plan::bytes;
use crate::cli::session::Session;
use crate::io::{DATA_SETS, DataFile, DataSet};

pub(super) fn print(session: &Session) -> Result<(), CliError> {
    session.printer.result(
        || json!({ "data_sets": DATA_SETS.iter().map(|set| as_json(set)).collect::<Vec<_>>() }),
        || DATA_SETS.iter().map(|set| row(set)).collect::<Vec<_>>().join("\n"),
    )?;
    session.printer.say("fetch one with `grn data fetch NAME`; `--dry-run` shows its files, sizes and terms");
    Ok(())
}

fn row(set: &DataSet) -> String {
    let size = set.bytes().map_or("-".to_owned(), |n| bytes(n as f64));
    let licence = set.terms.licence.split(':').next().unwrap_or_default();
    let licence = if licence.len() > 12 { "see terms" } else { licence };
    format!("{:<28} {size:>8}  {licence:<9}  {}", set.name, set.what)
}

fn as_json(set: &DataSet) -> Value {
    let file = |file: &DataFile| {
        let sum = file.checksum().map(|sum| sum.to_string());
        json!({ "name": file.name, "url": file.url, "bytes": file.bytes, "sum": sum })
    };
    json!({
        "name": set.name, "what": set.what, "bytes": set.bytes(), "files": set.files.iter().map(file).collect::<Vec<_>>(),
        "licence": set.terms.licence, "terms": set.terms.read_at, "cite": set.terms.cite, "next": set.next_in("data"),
    })
}
