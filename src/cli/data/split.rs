//! `grn data split`.

mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};
use serde_json::json;

use self::table::{Row, Table};
use crate::cli::args::ScreenArgs;
use crate::cli::error::CliError;
use crate::cli::plan::{self, Plan};
use crate::cli::session::Session;
use crate::data::{Part, Perturbation, PublishedSplit, Split};
use crate::error::{ExitStatus, Notice, some_of};
use crate::io::{self, IoError, ScreenFile, SplitToml};

/// Columns of cell types where none is named.
const CELL_TYPES: [&str; 4] = ["cell_type", "celltype", "cell_line", "cell_line_id"];

/// Arguments of `grn data split`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("how").required(true).args(["toml", "gears", "folds"])), after_help = "Examples:
  grn data split screen.h5ad --gears simulation -o split.tsv
  grn data split screen.h5ad --folds 5 --seed 1 -o folds.tsv
  grn data split screen.h5ad --toml starter.toml -o split.tsv
  grn data split screen.h5ad --gears simulation -o split.tsv --write-toml split.toml
  grn fit screen.h5ad --prior string.tsv --split split.tsv

The table has a row per perturbation: `target_gene`, `split` (train, val, test, or out for what is in none of them), `cell_type`
where the TOML splits by cell type, `subgroup` with the names of GEARS; or `fold`. Its first line is a comment with the BLAKE3
hash of the rest. The kinds of `--gears` follow their recipes, not their random numbers.")]
pub(in crate::cli) struct SplitArgs {
    /// Cells, a pseudobulk or an effect table
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Where the table goes
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// A split in the TOML of cell-load: `[datasets]`, `[training]`, `[zeroshot]`, `[fewshot]`
    #[arg(long, value_name = "FILE")]
    toml: Option<PathBuf>,
    /// The data set of the TOML that this file belongs to (default: the one whose path leads to it)
    #[arg(long, value_name = "NAME", requires = "toml")]
    dataset: Option<String>,
    /// A split of GEARS: simulation, simulation_single, combo_seen0, combo_seen1, combo_seen2, single, no_test, no_split, or
    /// custom:FILE (a table of target_gene and split, or JSON with lists `train`, `val` and `test`)
    #[arg(long, value_name = "KIND")]
    gears: Option<String>,
    /// Folds of equal size, for `grn cv --folds`
    #[arg(long, value_name = "K")]
    folds: Option<usize>,
    /// Write the split as a TOML of cell-load too
    #[arg(long, value_name = "FILE", conflicts_with = "folds")]
    write_toml: Option<PathBuf>,
    #[command(flatten)]
    screen: ScreenArgs,
}

pub(super) fn run(args: &SplitArgs, session: &mut Session) -> Result<ExitStatus, CliError> {
    for path in [Some(&args.output), args.write_toml.as_ref()].into_iter().flatten() {
        if path.exists() && !session.overwrite {
            let got = format!("`{}`, which exists", path.display());
            return Err(CliError::usage("output", "a new file", got, Some("replace it with `--overwrite`".into())));
        }
    }
    let screen = open(args, session)?;
    let table = make(args, session, &screen)?;
    let toml = args.write_toml.as_ref().map(|_| as_toml(args, &screen, &table)).transpose()?;
    if session.dry_run {
        let plan = Plan::new(format!("split {} rows", table.rows.len())).writes(&args.output);
        session.plan(&plan.may_write(args.write_toml.as_deref()))?;
        return Ok(ExitStatus::Done);
    }
    let text = table.text();
    write(&args.output, &text)?;
    if let (Some(path), Some(toml)) = (&args.write_toml, toml) {
        write(path, &toml)?;
    }
    let parts = table.counts();
    let said: Vec<String> = parts.iter().map(|(part, n)| format!("{n} {part}")).collect();
    session.printer.result(
        || json!({ "output": args.output, "toml": args.write_toml, "parts": parts, "blake3": table::hash(&text) }),
        || format!("{}: {}", args.output.display(), said.join(", ")),
    )?;
    Ok(ExitStatus::Done)
}

/// The screen, with cell types where the split needs them.
fn open(args: &SplitArgs, session: &Session) -> Result<ScreenFile, CliError> {
    let mut options = args.screen.clone();
    if options.celltype_col.is_none() && (args.toml.is_some() || args.write_toml.is_some()) {
        let file = io::open_cells_with(&args.file, None, options.gene_metadata.as_deref())?;
        options.celltype_col =
            CELL_TYPES.iter().find(|c| file.columns().iter().any(|o| o == *c)).map(|c| (*c).to_owned());
    }
    plan::open(session, &args.file, &options)
}

fn make(args: &SplitArgs, session: &Session, screen: &ScreenFile) -> Result<Table, CliError> {
    let perturbed = screen.cells.conditions.iter().map(|c| &c.perturbation).filter(|p| !p.is_control());
    let perturbations: Vec<Perturbation> = perturbed.collect::<BTreeSet<_>>().into_iter().cloned().collect();
    if let Some(path) = &args.toml {
        return by_toml(path, args, session, screen);
    }
    if let Some(k) = args.folds {
        let split = Split::seeded(perturbations.len(), k, session.seed)?;
        let mut rows = Vec::new();
        for fold in &split.folds {
            rows.extend(fold.held_out.iter().map(|&i| Row::new(screen, &perturbations[i], &fold.name)));
        }
        return Ok(Table::new("fold", rows));
    }
    let kind = args.gears.as_deref().unwrap_or_default();
    if let Some(file) = kind.strip_prefix("custom:") {
        return custom(Path::new(file), screen, &perturbations);
    }
    let Some((_, published)) = PublishedSplit::ALL.into_iter().find(|(name, _)| *name == kind) else {
        let names: Vec<&str> = PublishedSplit::ALL.iter().map(|(name, _)| *name).collect();
        let hint = crate::data::suggest(kind, names.iter().copied()).first().map(|n| format!("did you mean `{n}`?"));
        return Err(CliError::usage(
            "--gears",
            format!("{}, custom:FILE", names.join(", ")),
            format!("`{kind}`"),
            hint,
        ));
    };
    let assigned = published.assign(&perturbations, session.seed);
    let rows = perturbations.iter().zip(assigned).map(|(p, a)| Row {
        subgroup: Some(a.subgroup.unwrap_or_default().to_owned()),
        ..Row::new(screen, p, a.part.name())
    });
    Ok(Table::new("split", rows.collect()))
}

/// A split that someone else made.
fn custom(path: &Path, screen: &ScreenFile, perturbations: &[Perturbation]) -> Result<Table, CliError> {
    let text = std::fs::read_to_string(path).map_err(|e| IoError::read(path, e))?;
    let given: Vec<(String, String)> = if text.trim_start().starts_with('{') {
        let lists: BTreeMap<String, Vec<String>> = serde_json::from_str(&text)
            .map_err(|e| IoError::format(path, "", "an object of lists `train`, `val` and `test`", e.to_string()))?;
        lists.into_iter().flat_map(|(part, labels)| labels.into_iter().map(move |l| (l, part.clone()))).collect()
    } else {
        io::read_folds(path)?
    };
    let parts = [Part::Train, Part::Val, Part::Test, Part::Out].map(Part::name);
    let mut part_of: BTreeMap<Perturbation, String> = BTreeMap::new();
    for (label, part) in given {
        let perturbation = table::parse(screen, &label)?;
        if perturbation.is_control() {
            continue;
        }
        if !parts.contains(&part.as_str()) {
            return Err(IoError::format(path, "", parts.join(", "), format!("`{part}`")).into());
        }
        if !perturbations.contains(&perturbation) {
            return Err(table::unknown(&label, perturbations).into());
        }
        if part_of.insert(perturbation, part).is_some() {
            return Err(IoError::format(path, "", "each perturbation once", format!("`{label}` twice")).into());
        }
    }
    let part = |p: &Perturbation| part_of.get(p).map_or(Part::Out.name(), String::as_str).to_owned();
    Ok(Table::new("split", perturbations.iter().map(|p| Row::new(screen, p, &part(p))).collect()))
}

/// Every perturbation of every cell type as the TOML has it.
fn by_toml(path: &Path, args: &SplitArgs, session: &Session, screen: &ScreenFile) -> Result<Table, CliError> {
    let toml = SplitToml::read(path)?;
    let dataset = dataset(&toml, path, args)?;
    let (zero, few) = toml.of_dataset(&dataset);
    let types: BTreeSet<&str> = screen.cells.conditions.iter().filter_map(|c| c.cell_type.as_deref()).collect();
    if let Some(unknown) = zero.keys().chain(few.keys()).find(|t| !types.contains(*t)) {
        let got = if types.is_empty() { "no column of cell types".into() } else { some_of(&types, 8) };
        let hint = Some("name the column of cell types with `--celltype-col COLUMN`".into());
        return Err(CliError::usage(
            format!("cell types of `{}`", args.file.display()),
            format!("`{unknown}`"),
            got,
            hint,
        ));
    }
    let trains = toml.training.contains_key(&dataset);
    let (mut rows, mut twice, mut absent) = (Vec::new(), 0, BTreeSet::new());
    let lists = few.iter().map(|(cell_type, few)| {
        let read =
            |labels: &[String]| labels.iter().map(|l| table::parse(screen, l)).collect::<Result<BTreeSet<_>, _>>();
        Ok::<_, CliError>((*cell_type, (read(&few.val)?, read(&few.test)?)))
    });
    let lists: BTreeMap<&str, _> = lists.collect::<Result<_, _>>()?;
    let conditions: BTreeSet<_> = screen.cells.conditions.iter().filter(|c| !c.perturbation.is_control()).collect();
    let mut seen = BTreeSet::new();
    for condition in &conditions {
        let cell_type = condition.cell_type.as_deref().unwrap_or_default();
        if !seen.insert((&condition.perturbation, cell_type)) {
            continue;
        }
        let part = match (zero.get(cell_type), lists.get(cell_type)) {
            (Some(word), _) => word,
            (None, Some((val, test))) => {
                let (in_val, in_test) = (val.contains(&condition.perturbation), test.contains(&condition.perturbation));
                twice += usize::from(in_val && in_test);
                if in_test {
                    "test"
                } else if in_val {
                    "val"
                } else if trains {
                    "train"
                } else {
                    "out"
                }
            }
            (None, None) if trains => "train",
            (None, None) => "out",
        };
        let cell_type = condition.cell_type.as_ref().map(ToString::to_string);
        rows.push(Row { cell_type, ..Row::new(screen, &condition.perturbation, part) });
    }
    for (cell_type, (val, test)) in &lists {
        let there = |p: &&Perturbation| seen.contains(&(*p, *cell_type));
        absent.extend(val.union(test).filter(|p| !there(p)).map(ToString::to_string));
    }
    if twice > 0 {
        let text = format!("{twice} perturbations are listed under val and test; they are tested");
        session.printer.notice(&Notice::new(text));
    }
    if !absent.is_empty() {
        let text = format!("{} perturbations of the TOML are not in the file: {}", absent.len(), some_of(&absent, 5));
        session.printer.notice(&Notice::new(text));
    }
    Ok(Table::new("split", rows))
}

/// The data set of the TOML that the file belongs to.
fn dataset(toml: &SplitToml, path: &Path, args: &SplitArgs) -> Result<String, CliError> {
    let known: Vec<&String> = toml.datasets.keys().collect();
    if let Some(name) = &args.dataset {
        return match toml.datasets.contains_key(name) {
            true => Ok(name.clone()),
            false => Err(CliError::usage("--dataset", some_of(&known, 8), format!("`{name}`"), None)),
        };
    }
    match (&toml.datasets_of(&args.file)[..], &known[..]) {
        ([one], _) => Ok((*one).to_owned()),
        // Paths of another machine.
        ([], [one]) => Ok((*one).clone()),
        (found, _) => {
            let got = format!("{} of {}", found.len(), some_of(&known, 8));
            let hint = Some("name it with `--dataset NAME`".into());
            let what = format!("data set of `{}` in `{}`", args.file.display(), path.display());
            Err(CliError::usage(what, "one whose path leads to the file", got, hint))
        }
    }
}

/// The split for cell-load: one data set, lists of the perturbations of each cell type that are held out.
fn as_toml(args: &SplitArgs, screen: &ScreenFile, table: &Table) -> Result<String, CliError> {
    let types: BTreeSet<&str> = screen.cells.conditions.iter().filter_map(|c| c.cell_type.as_deref()).collect();
    if types.is_empty() {
        let hint = Some("name the column of cell types with `--celltype-col COLUMN`".into());
        return Err(CliError::usage("--write-toml", "a column of cell types, which cell-load needs", "none", hint));
    }
    let name = args.file.file_stem().unwrap_or_default().to_string_lossy().replace('.', "_");
    let path = args.file.canonicalize().unwrap_or_else(|_| args.file.clone());
    let mut toml = SplitToml::default();
    toml.datasets.insert(name.clone(), path.display().to_string());
    toml.training.insert(name.clone(), "train".into());
    for cell_type in types {
        let of = |part: &str| {
            let rows = table.rows.iter().filter(|row| row.part == part);
            let rows = rows.filter(|row| row.cell_type.as_deref().is_none_or(|t| t == cell_type));
            rows.map(|row| row.label.clone()).collect::<Vec<String>>()
        };
        let few = io::FewShot { val: of("val"), test: of("test") };
        if !few.val.is_empty() || !few.test.is_empty() {
            toml.fewshot.insert(format!("{name}.{cell_type}"), few);
        }
    }
    toml::to_string(&toml).map_err(|e| IoError::format(&args.output, "", "a table", e.to_string()).into())
}

fn write(path: &Path, text: &str) -> Result<(), CliError> {
    io::write_atomic(path, |w| w.write_all(text.as_bytes()).map_err(|e| IoError::write(path, e).into()))
}
