//! `grn data subset`.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::copying::{self, OutputArgs};
use crate::cli::args::ScreenArgs;
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::data::{DataError, GeneIndex, Perturbation};
use crate::error::{ExitStatus, Notice, some_of};
use crate::io::{self, IoError, ScreenFile, open_cells_with};
use crate::stats::Rng;

/// Arguments of `grn data subset`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  grn data subset screen.h5ad --perts STAT1,JAK2 -o two.h5ad
  grn data subset screen.h5ad --where cell_type=K562 --max-cells 100 --seed 1 -o small.h5ad
  grn data subset screen.h5ad --genes genes.txt --fraction 0.1 -o tenth.h5ad

Cells are chosen by column, then by perturbation (the control is kept), then at random, then at most so many per condition;
which cells are drawn depends on the seed and their place in the file alone.")]
pub(in crate::cli) struct SubsetArgs {
    /// Cells, in the formats of `grn data convert`
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Perturbations to keep, separated by commas, or a file of them, one per line
    #[arg(long, value_name = "LABELS|FILE")]
    perts: Option<String>,
    /// Genes to keep, in this order: first column of a file without header
    #[arg(long, value_name = "FILE")]
    genes: Option<PathBuf>,
    /// Keep cells whose column has one of these values; repeatable, all must hold
    #[arg(long = "where", value_name = "COLUMN=VALUE[,VALUE]")]
    wheres: Vec<String>,
    /// Keep at most so many cells of each condition (perturbation, cell type and batch), drawn by the seed
    #[arg(long, value_name = "N")]
    max_cells: Option<usize>,
    /// Keep each cell with this chance, drawn by the seed
    #[arg(long, value_name = "SHARE")]
    fraction: Option<f64>,
    /// Leave the control out too
    #[arg(long)]
    drop_controls: bool,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    screen: ScreenArgs,
}

pub(super) fn run(args: &SubsetArgs, session: &mut Session) -> Result<ExitStatus, CliError> {
    let format = args.output.check(std::slice::from_ref(&args.file), session)?;
    if let Some(share) = args.fraction.filter(|f| !(0.0..=1.0).contains(f)) {
        return Err(CliError::usage("--fraction", "a share from 0 to 1", share.to_string(), None));
    }
    let kept = chosen(args, session)?;
    let mut file = open_cells_with(&args.file, args.screen.aliases.as_deref(), args.screen.gene_metadata.as_deref())?;
    file.notices.iter().for_each(|n| session.printer.notice(n));
    let n_cells = file.n_cells;
    if kept.is_empty() {
        let hint = Some("`grn data check FILE` lists conditions and columns".into());
        return Err(CliError::usage(
            format!("cells of `{}`", args.file.display()),
            "at least one that fits",
            "none",
            hint,
        ));
    }
    if let Some(path) = &args.genes {
        let chosen = genes(path, &file, session)?;
        file = file.with_genes(chosen);
    }
    if session.dry_run {
        let what = format!("copy {} of {n_cells} cells of `{}`", kept.len(), args.file.display());
        let (genes, values) = (file.genes.len(), file.stored_values());
        session.plan(&copying::plan(what, &args.output.output, kept.len(), genes, values))?;
        return Ok(ExitStatus::Done);
    }
    let cells = file.annotation()?.select(&kept);
    let blocks = file.blocks()?.map(|block| Ok(block?.select(&kept)));
    let SubsetArgs { perts, wheres, max_cells, fraction, drop_controls, screen, .. } = args;
    let chosen = (perts, wheres, max_cells, fraction, drop_controls, screen, session.seed);
    let what = format!("subset {chosen:?} {:?}", args.genes);
    let inputs: Vec<PathBuf> = [Some(args.file.clone()), args.genes.clone()].into_iter().flatten().collect();
    args.output.write(session, format, &cells, copying::work(&what, &inputs), blocks)
}

/// The genes of a list; those that the file lacks would be zero in every cell, so they are left out and said.
fn genes(path: &Path, file: &io::CellFile, session: &Session) -> Result<Arc<GeneIndex>, CliError> {
    let names: Vec<String> = io::read_gene_list(path)?.into_iter().filter(|n| !n.is_empty()).collect();
    let (there, absent): (Vec<String>, Vec<String>) = names.into_iter().partition(|n| file.genes.resolve(n).is_some());
    if there.is_empty() {
        let got = some_of(&absent, 5);
        return Err(IoError::format(path, "", format!("genes of `{}`", file.path.display()), got).into());
    }
    if !absent.is_empty() {
        let text =
            format!("{} genes of `{}` are not in the file: {}", absent.len(), path.display(), some_of(&absent, 5));
        session.printer.notice(&Notice::new(text));
    }
    Ok(Arc::new(GeneIndex::new(&there).map_err(IoError::data(path))?))
}

/// Positions of the chosen cells, ascending.
fn chosen(args: &SubsetArgs, session: &Session) -> Result<Vec<u32>, CliError> {
    let by_condition = args.perts.is_some() || args.max_cells.is_some() || args.drop_controls;
    let file = open_cells_with(&args.file, args.screen.aliases.as_deref(), args.screen.gene_metadata.as_deref())?;
    let mut keep = vec![true; file.n_cells];
    for filter in &args.wheres {
        let (column, values) = parse_where(filter)?;
        let of_cell = file.labels_of(column)?;
        if let Some(unknown) = values.iter().find(|v| !of_cell.names.iter().any(|n| n == **v)) {
            let hint = crate::data::suggest(unknown, of_cell.names.iter().map(String::as_str)).first().cloned();
            let hint = hint.map(|h| format!("did you mean `{h}`?"));
            let what = format!("--where {filter}");
            return Err(CliError::usage(what, some_of(&of_cell.names, 8), format!("`{unknown}`"), hint));
        }
        let wanted: Vec<bool> = of_cell.names.iter().map(|n| values.contains(&n.as_str())).collect();
        let fits = of_cell.of_cell.iter().map(|label| label.is_some_and(|l| wanted[l as usize]));
        keep.iter_mut().zip(fits).for_each(|(keep, fits)| *keep &= fits);
    }
    let screen =
        by_condition.then(|| io::label_cells(file, &args.screen.options()?).map_err(CliError::from)).transpose()?;
    if let Some(screen) = &screen {
        screen.notices.iter().for_each(|n| session.printer.notice(n));
        by_perturbation(args, screen, &mut keep)?;
    }
    if let Some(share) = args.fraction {
        let drawn = |cell: usize| Rng::keyed(session.seed, "subset fraction", cell as u64, 0).uniform() < share;
        keep.iter_mut().enumerate().for_each(|(cell, keep)| *keep = *keep && drawn(cell));
    }
    if let (Some(screen), Some(most)) = (&screen, args.max_cells) {
        at_most(screen, most, session.seed, &mut keep);
    }
    Ok((0..keep.len() as u32).filter(|&i| keep[i as usize]).collect())
}

fn parse_where(text: &str) -> Result<(&str, Vec<&str>), CliError> {
    let wrong = || {
        let hint = Some("for example `--where cell_type=K562,RPE1`".into());
        CliError::usage("--where", "COLUMN=VALUE[,VALUE]", format!("`{text}`"), hint)
    };
    let (column, values) = text.split_once('=').ok_or_else(wrong)?;
    Ok((column.trim(), values.split(',').map(str::trim).collect()))
}

/// Keeps the perturbations asked for and, unless they are dropped, the controls.
fn by_perturbation(args: &SubsetArgs, screen: &ScreenFile, keep: &mut [bool]) -> Result<(), CliError> {
    let conditions = &screen.cells.conditions;
    let wanted: Option<HashSet<&Perturbation>> = args.perts.as_deref().map(|text| wanted(text, screen)).transpose()?;
    let fits: Vec<bool> = conditions
        .iter()
        .map(|c| match c.perturbation.is_control() {
            true => !args.drop_controls,
            false => wanted.as_ref().is_none_or(|w| w.contains(&c.perturbation)),
        })
        .collect();
    for (keep, condition) in keep.iter_mut().zip(&screen.cells.of_cell) {
        *keep &= condition.is_some_and(|c| fits[c as usize]);
    }
    Ok(())
}

/// The perturbations of a list, by the labels of the file or by the names that are printed for them.
fn wanted<'a>(text: &str, screen: &'a ScreenFile) -> Result<HashSet<&'a Perturbation>, CliError> {
    let labels: Vec<String> = if Path::new(text).is_file() {
        io::read_gene_list(Path::new(text))?
    } else {
        text.split(',').map(|l| l.trim().to_owned()).collect()
    };
    let mut by_name: HashMap<String, &Perturbation> = HashMap::new();
    for condition in &screen.cells.conditions {
        by_name.insert(condition.perturbation.to_string(), &condition.perturbation);
    }
    by_name.extend(screen.labels.iter().filter_map(|(perturbation, label)| {
        let same = screen.cells.conditions.iter().find(|c| c.perturbation == *perturbation)?;
        Some((label.clone(), &same.perturbation))
    }));
    let control = screen.control_label.clone().unwrap_or_default();
    let find = |label: &String| {
        let parsed = || Perturbation::parse(label, &control).map_or_else(|_| label.clone(), |p| p.to_string());
        by_name.get(label).or_else(|| by_name.get(&parsed())).copied().ok_or_else(|| {
            let suggestions = crate::data::suggest(label, by_name.keys().map(String::as_str));
            CliError::from(DataError::UnknownPerturbation { label: label.clone(), suggestions })
        })
    };
    labels.iter().filter(|l| !l.is_empty()).map(find).collect()
}

/// Of each condition the cells with the smallest random numbers, which depend on the place of the cell alone.
fn at_most(screen: &ScreenFile, most: usize, seed: u64, keep: &mut [bool]) {
    let mut of_condition: Vec<Vec<(u64, u32)>> = vec![Vec::new(); screen.cells.conditions.len()];
    for (cell, condition) in screen.cells.of_cell.iter().enumerate() {
        if let Some(condition) = condition.filter(|_| keep[cell]) {
            let number = Rng::keyed(seed, "subset", cell as u64, 0).next_u64();
            of_condition[condition as usize].push((number, cell as u32));
        }
    }
    for mut cells in of_condition {
        cells.sort_unstable();
        cells.iter().skip(most).for_each(|&(_, cell)| keep[cell as usize] = false);
    }
}
