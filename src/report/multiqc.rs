//! A line for MultiQC's general statistics.

use serde_json::{Value, json};

/// The content of `grn_mqc.json`: named numbers of one run, as MultiQC's custom content reads them
/// (`plot_type: generalstats`). Where there are scores of held-out perturbations (`cv.*`, `coverage.*`), MultiQC hides the
/// other columns until they are asked for.
///
/// ```
/// let json = grn::report::multiqc("runs/a", &[("cv.disc".into(), 0.9), ("penalty".into(), 0.1)]);
/// assert_eq!(json["data"]["runs/a"]["penalty"], 0.1);
/// assert_eq!(json["pconfig"][0]["cv.disc"]["hidden"], false);
/// assert_eq!(json["pconfig"][1]["penalty"]["hidden"], true);
/// ```
pub fn multiqc(run: &str, values: &[(String, f64)]) -> Value {
    let finite = || values.iter().filter(|(_, v)| v.is_finite());
    let first = |name: &str| name.starts_with("cv.") || name.starts_with("coverage.");
    let some_first = finite().any(|(name, _)| first(name));
    let row: serde_json::Map<String, Value> = finite().map(|(name, v)| (name.clone(), json!(v))).collect();
    let column = |name: &str| {
        let hidden = some_first && !first(name);
        json!({ name: { "title": name, "namespace": "grn", "format": "{:,.3f}", "hidden": hidden } })
    };
    let columns: Vec<Value> = finite().map(|(name, _)| column(name)).collect();
    json!({ "id": "grn", "plot_type": "generalstats", "pconfig": columns, "data": { run: row } })
}
