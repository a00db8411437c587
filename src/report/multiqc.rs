//! A line for MultiQC's general statistics.

use serde_json::{Value, json};

/// The content of `grn_mqc.json`: named numbers of one run, as MultiQC's custom content reads them
/// (`plot_type: generalstats`).
///
/// ```
/// let json = grn::report::multiqc("runs/a", &[("genes".into(), 7225.0)]);
/// assert_eq!(json["data"]["runs/a"]["genes"], 7225.0);
/// ```
pub fn multiqc(run: &str, values: &[(String, f64)]) -> Value {
    let finite = || values.iter().filter(|(_, v)| v.is_finite());
    let row: serde_json::Map<String, Value> = finite().map(|(name, v)| (name.clone(), json!(v))).collect();
    let columns: Vec<Value> =
        finite().map(|(name, _)| json!({ name: { "title": name, "namespace": "grn" } })).collect();
    json!({ "id": "grn", "plot_type": "generalstats", "pconfig": columns, "data": { run: row } })
}
