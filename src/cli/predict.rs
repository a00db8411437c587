//! `grn predict`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use ndarray::Array2;
use serde_json::json;

use super::error::CliError;
use super::fit::write_text;
use super::load::{LoadedRun, load_run};
use super::session::Session;
use crate::data::{Perturbation, Quantity};
use crate::error::{ExitStatus, Notice};
use crate::io::{self, AnnData, Column, Matrix};
use crate::predict::{Basis, Prediction};

/// Arguments of `grn predict`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  grn predict --pert KDM1A
  grn predict --pert JAK2+STAT1 --run runs/papalexi
  grn predict --perts genes.txt --format h5ad -o predictions.h5ad")]
pub(super) struct PredictArgs {
    /// Perturbation: a gene, or two joined by `+`; repeatable
    #[arg(long = "pert", value_name = "GENE[+GENE]", required_unless_present = "perts")]
    pert: Vec<String>,
    /// File with one perturbation per line
    #[arg(long, value_name = "FILE")]
    perts: Option<PathBuf>,
    /// Run directory (default: the newest finished one under `runs/`)
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// What to write (default: by the ending of `-o`, else a table)
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// File to write
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Genes per perturbation in the table, largest change first
    #[arg(long, default_value_t = 20, value_name = "N")]
    top: usize,
}

/// `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The genes that change most, for reading
    Table,
    /// Every gene of every perturbation, one per line
    Tsv,
    /// AnnData: one obs per perturbation, the change in X
    H5ad,
}

pub(super) fn run(args: PredictArgs, session: &mut Session) -> Result<ExitStatus, CliError> {
    let format = format(&args)?;
    let labels = labels(&args)?;
    let run = load_run(session, args.run.as_deref())?;
    let predicted = predict_all(&run, &labels)?;
    notices(session, &run, &predicted);
    match (format, &args.output) {
        _ if session.printer.json => session.printer.data(format!("{:#}", as_json(&run, &predicted)))?,
        (Format::H5ad, Some(path)) => write_h5ad(path, &run, &predicted)?,
        (Format::H5ad, None) => {
            let hint = Some("add `-o predictions.h5ad`".to_owned());
            return Err(CliError::usage("--format h5ad", "a file to write", "no `-o`", hint));
        }
        (_, Some(path)) => write_text(path, &text(format, &run, &predicted, args.top))?,
        (_, None) => session.printer.data(text(format, &run, &predicted, args.top).trim_end())?,
    }
    if let Some(path) = &args.output {
        session.printer.say(format!("{} predictions written to {}", predicted.len(), path.display()));
    }
    Ok(ExitStatus::Done)
}

/// The format asked for, or the one the file name ends in.
fn format(args: &PredictArgs) -> Result<Format, CliError> {
    let ending = args.output.as_deref().and_then(Path::extension).and_then(|e| e.to_str());
    match (args.format, ending) {
        (Some(format), _) => Ok(format),
        (None, None) => Ok(Format::Table),
        (None, Some("h5ad")) => Ok(Format::H5ad),
        (None, Some("tsv" | "txt")) => Ok(Format::Tsv),
        (None, Some(other)) => {
            let hint = Some("name the format with `--format tsv` or `--format h5ad`".to_owned());
            Err(CliError::usage("-o", "a file ending in .tsv or .h5ad", format!("`.{other}`"), hint))
        }
    }
}

fn labels(args: &PredictArgs) -> Result<Vec<String>, CliError> {
    let mut labels = args.pert.clone();
    if let Some(path) = &args.perts {
        let text = std::fs::read_to_string(path).map_err(|e| io::IoError::read(path, e))?;
        labels.extend(text.lines().map(str::trim).filter(|l| !l.is_empty()).map(str::to_owned));
        if labels.is_empty() {
            return Err(io::IoError::format(path, "", "one perturbation per line", "an empty file").into());
        }
    }
    Ok(labels)
}

/// Perturbation as typed, read, and predicted.
type Predicted = (Perturbation, Prediction);

fn predict_all(run: &LoadedRun, labels: &[String]) -> Result<Vec<Predicted>, CliError> {
    let one = |label: &String| -> Result<Predicted, CliError> {
        let perturbation = Perturbation::parse(label, &run.manifest.control_label)?;
        let prediction = run.predictor.predict(&perturbation)?;
        Ok((perturbation, prediction))
    };
    labels.iter().map(one).collect()
}

/// What a reader must know to read the numbers.
fn notices(session: &Session, run: &LoadedRun, predicted: &[Predicted]) {
    let named = |keep: &dyn Fn(&Predicted) -> bool| {
        let names: Vec<String> = predicted.iter().filter(|p| keep(p)).map(|p| p.0.to_string()).collect();
        (!names.is_empty()).then(|| crate::error::some_of(names, 5))
    };
    let say = |text: String| session.printer.notice(&Notice::new(text));
    if let Some(names) = named(&|p| p.1.basis == Basis::Fallback) {
        say(format!("the graph does not know {names}: the mean of the training perturbations is shown"));
    }
    if let Some(names) = named(&|p| run.responses.perturbations.contains(&p.0)) {
        say(format!("{names}: measured in the data this model was fitted on"));
    }
    if run.manifest.data.starts_with("the embedded") {
        say("this run was fitted on the embedded simulated screen, not on real cells".to_owned());
    }
}

fn basis(prediction: &Prediction) -> &'static str {
    match prediction.basis {
        Basis::Graph => "graph",
        Basis::Fallback => "fallback",
    }
}

fn as_json(run: &LoadedRun, predicted: &[Predicted]) -> serde_json::Value {
    let one = |(perturbation, p): &Predicted| {
        json!({
            "perturbation": perturbation.to_string(),
            "in_graph": p.basis == Basis::Graph,
            "measured_in_training": run.responses.perturbations.contains(perturbation),
            "delta": p.delta.mean,
            "sd": p.delta.sd,
        })
    };
    json!({
        "run": run.dir.path(),
        "model": run.manifest.model,
        "genes": run.genes.names().iter().map(AsRef::as_ref).collect::<Vec<&str>>(),
        "control": run.responses.control.mean.to_vec(),
        "predictions": predicted.iter().map(one).collect::<Vec<_>>(),
    })
}

fn text(format: Format, run: &LoadedRun, predicted: &[Predicted], top: usize) -> String {
    match format {
        Format::Tsv => tsv(run, predicted),
        Format::Table | Format::H5ad => predicted.iter().map(|p| table(run, p, top)).collect::<Vec<_>>().join("\n"),
    }
}

fn tsv(run: &LoadedRun, predicted: &[Predicted]) -> String {
    let mut out = String::from("perturbation\tgene\tcontrol\tpredicted\tdelta\tbasis\n");
    for (perturbation, p) in predicted {
        for (gene, (&delta, &control)) in
            run.genes.names().iter().zip(p.delta.mean.iter().zip(&run.responses.control.mean))
        {
            let row =
                format!("{perturbation}\t{gene}\t{control:.6}\t{:.6}\t{delta:.6}\t{}\n", control + delta, basis(p));
            out.push_str(&row);
        }
    }
    out
}

/// The genes that change most, with the measured change beside where the run has it.
fn table(run: &LoadedRun, (perturbation, p): &Predicted, top: usize) -> String {
    let measured = run.responses.perturbations.iter().position(|q| q == perturbation);
    let mut order: Vec<usize> = (0..p.delta.mean.len()).collect();
    order.sort_by(|&a, &b| p.delta.mean[b].abs().total_cmp(&p.delta.mean[a].abs()).then(a.cmp(&b)));
    let level = run.responses.quantity == Quantity::Level;
    let width = order.iter().take(top).map(|&g| run.genes.names()[g].len()).max().unwrap_or(4).max(4);
    let mut out = format!("{perturbation} ({})\n", basis(p));
    let header = if level { "  control  predicted" } else { "" };
    let beside = if measured.is_some() { "  measured" } else { "" };
    out.push_str(&format!("{:<width$}{header}     delta{beside}\n", "gene"));
    for &g in order.iter().take(top) {
        let (control, delta) = (run.responses.control.mean[g], p.delta.mean[g]);
        let levels = if level { format!("{control:>9.3}{:>11.3}", control + delta) } else { String::new() };
        let seen = measured.map_or_else(String::new, |i| format!("{:>+10.3}", run.responses.delta[[i, g]]));
        out.push_str(&format!("{:<width$}{levels}{delta:>+10.3}{seen}\n", run.genes.names()[g]));
    }
    out
}

fn write_h5ad(path: &Path, run: &LoadedRun, predicted: &[Predicted]) -> Result<(), CliError> {
    let mut x = Array2::zeros((predicted.len(), run.genes.len()));
    for ((_, p), mut row) in predicted.iter().zip(x.rows_mut()) {
        row.iter_mut().zip(&p.delta.mean).for_each(|(to, &from)| *to = from);
    }
    let labels: Vec<String> = predicted.iter().map(|(p, _)| p.to_string()).collect();
    let bases = predicted.iter().map(|(_, p)| basis(p).to_owned()).collect();
    let uns = json!({ "grn": { "version": env!("CARGO_PKG_VERSION"), "model": run.manifest.model, "seed": run.manifest.seed, "quantity": "effect" } });
    let file = AnnData {
        obs_names: labels.clone(),
        obs: vec![("target_gene".into(), Column::Strings(labels)), ("basis".into(), Column::Categories(bases))],
        genes: std::sync::Arc::clone(&run.genes),
        var: vec![(
            "control".into(),
            Column::Floats(run.responses.control.mean.iter().map(|&c| f64::from(c)).collect()),
        )],
        x: Matrix::Dense(x.view()),
        layers: Vec::new(),
        uns: uns.as_object().cloned().unwrap_or_default(),
    };
    Ok(io::write_h5ad(path, &file)?)
}
