//! `grn run diff`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use crate::cli::cv::align;
use crate::cli::error::CliError;
use crate::cli::load::layers_of;
use crate::cli::session::Session;
use crate::error::ExitStatus;
use crate::run::{Manifest, RunDir};

/// Arguments of `grn run diff`.
#[derive(Debug, Args)]
pub(in crate::cli) struct DiffArgs {
    /// A run
    #[arg(value_name = "A")]
    a: PathBuf,
    /// Another
    #[arg(value_name = "B")]
    b: PathBuf,
}

/// What is the same is left out; `None` where one run does not have it.
type Row = (String, [Option<String>; 2]);

pub(super) fn run(args: &DiffArgs, session: &Session) -> Result<ExitStatus, CliError> {
    let parts = [&args.a, &args.b].map(|path| parts(path));
    let [a, b] = parts;
    let (a, b) = (a?, b?);
    let differences: Vec<(&str, Vec<Row>)> =
        a.into_iter().zip(b).map(|((name, a), (_, b))| (name, different(a, b))).collect();
    session.printer.result(|| as_json(args, &differences), || text(&differences))?;
    Ok(ExitStatus::Done)
}

/// What is compared, with its values by name.
type Part = (&'static str, BTreeMap<String, String>);

/// Values of a run by name, in groups.
fn parts(path: &Path) -> Result<[Part; 4], CliError> {
    let dir = RunDir::at(path);
    let m = dir.manifest()?;
    Ok([
        ("settings", settings(&dir)?),
        ("inputs", inputs(&m)),
        ("run", facts(&m)),
        ("summary", m.summary.iter().map(|(name, value)| (name.clone(), format!("{value:.4}"))).collect()),
    ])
}

fn settings(dir: &RunDir) -> Result<BTreeMap<String, String>, CliError> {
    // Which files were read is told by their content.
    let named = |key: &str| !matches!(key, "data.screen" | "graph.priors" | "data.features" | "data.other_effects");
    Ok(layers_of(dir)?.rows().into_iter().filter(|(key, ..)| named(key)).map(|(key, value, _)| (key, value)).collect())
}

/// Names of inputs by content: the same file under another name is the same input.
fn inputs(m: &Manifest) -> BTreeMap<String, String> {
    let content = |i: &crate::run::Input| i.blake3.clone().unwrap_or_else(|| format!("{} bytes", i.bytes));
    let name = |i: &crate::run::Input| i.path.display().to_string();
    m.inputs.iter().map(|i| (content(i), name(i))).collect()
}

fn facts(m: &Manifest) -> BTreeMap<String, String> {
    let facts = [
        ("grn", m.grn.clone()),
        ("status", m.status.to_string()),
        ("device", m.device.clone()),
        ("control_label", m.control_label.clone()),
        ("n_perturbations", m.n_perturbations.to_string()),
        ("n_genes", m.n_genes.to_string()),
        ("n_control_cells", m.n_control_cells.to_string()),
    ];
    facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn different(mut a: BTreeMap<String, String>, mut b: BTreeMap<String, String>) -> Vec<Row> {
    let names: BTreeSet<String> = a.keys().chain(b.keys()).cloned().collect();
    let rows = names.into_iter().map(|name| {
        let values = [a.remove(&name), b.remove(&name)];
        (name, values)
    });
    // Inputs are keyed by content: two names of one content are no difference.
    rows.filter(|(name, [x, y])| x != y && !(is_hash(name) && x.is_some() && y.is_some())).collect()
}

fn is_hash(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|b| b.is_ascii_hexdigit())
}

fn as_json(args: &DiffArgs, differences: &[(&str, Vec<Row>)]) -> Value {
    let rows = |rows: &[Row]| {
        let entry = |(name, [a, b]): &Row| (name.clone(), json!({ "a": a, "b": b }));
        rows.iter().map(entry).collect::<serde_json::Map<_, _>>()
    };
    let mut all = json!({ "a": args.a, "b": args.b });
    for (name, found) in differences {
        all[*name] = Value::Object(rows(found));
    }
    all
}

fn text(differences: &[(&str, Vec<Row>)]) -> String {
    let or_none = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    let part = |(name, rows): &(&str, Vec<Row>)| {
        let short = |name: &str| if is_hash(name) { format!("blake3 {}", &name[..16]) } else { name.to_owned() };
        let lines: Vec<Vec<String>> =
            rows.iter().map(|(n, [a, b])| vec![format!("  {}", short(n)), or_none(a), or_none(b)]).collect();
        format!("{name}\n{}", align(&lines))
    };
    let parts: Vec<String> = differences.iter().filter(|(_, rows)| !rows.is_empty()).map(part).collect();
    if parts.is_empty() { "no difference".to_owned() } else { parts.join("\n") }
}
