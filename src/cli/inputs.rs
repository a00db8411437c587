//! What fitting and cross-validating read: a screen and its graph, from arguments, settings or the embedded screen.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::args::{FeatureArgs, PriorArgs, ScaleArg, ScreenArgs};
use super::error::CliError;
use super::session::Session;
use crate::config::{DataSettings, GraphSettings, Settings};
use crate::data::{FeatureKind, Features, Perturbation, Pseudobulk, Responses};
use crate::error::{Notice, some_of};
use crate::graph::{GeneGraph, GraphError};
use crate::run::{Input, Manifest};
use crate::{io, simulate};

/// A screen as a table, and the gene graph.
pub(super) struct Inputs {
    /// One row per condition.
    pub(super) table: Pseudobulk,
    /// How the file writes each perturbation; empty for the embedded screen.
    pub(super) labels: HashMap<Perturbation, String>,
    /// The merged priors.
    pub(super) graph: GeneGraph,
    /// Knowledge about genes besides the graph.
    pub(super) features: Vec<Features>,
    /// Where they came from.
    pub(super) feature_files: FeatureArgs,
    /// Files read.
    pub(super) files: Vec<PathBuf>,
    /// Where the screen came from, in words.
    pub(super) source: String,
    /// What the user should know (already printed).
    pub(super) notices: Vec<Notice>,
    /// How the screen was read, for the settings of the run.
    pub(super) typed: ScreenArgs,
    /// Smallest score of STRING edges.
    pub(super) min_score: f32,
    /// Evidence channels left out.
    pub(super) without_channels: Vec<String>,
}

impl Inputs {
    /// Writes into a manifest what was read and what is learned from.
    pub(super) fn describe(&self, responses: &Responses, record: &mut Manifest) -> Result<(), CliError> {
        let tables = self.feature_files.features.iter().chain(&self.feature_files.other_effects);
        record.inputs = self.files.iter().chain(tables).map(|f| input(f)).collect::<Result<_, _>>()?;
        record.data.clone_from(&self.source);
        record.control_label.clone_from(&self.table.control_label);
        record.n_perturbations = responses.len();
        record.n_genes = responses.genes.len();
        record.n_control_cells = responses.control.n_cells;
        record.notices.clone_from(&self.notices);
        Ok(())
    }
}

/// A file that was read, or cells that were lent.
fn input(path: &Path) -> Result<Input, CliError> {
    if let Some(file) = io::lent_file(path) {
        return Ok(Input { path: path.to_owned(), ..Input::of(&file)? });
    }
    match io::lent_summary(path) {
        Some((bytes, hash)) => Ok(Input { path: path.to_owned(), bytes, blake3: Some(hash) }),
        None => Ok(Input::of(path)?),
    }
}

/// Name of the embedded screen in messages and manifests.
pub(super) const EMBEDDED: &str = "the embedded simulated screen (no screen was given)";

/// Reads screen and priors. Without a screen the embedded simulated one is used, and said so.
pub(super) fn read(
    session: &Session,
    screen: Option<&Path>,
    screen_options: &ScreenArgs,
    priors: &PriorArgs,
    features: &FeatureArgs,
    halves: bool,
) -> Result<Inputs, CliError> {
    let screen = screen.map(Path::to_owned).or_else(|| session.settings.data.screen.clone());
    let priors = priors_or_settings(priors, &session.settings);
    let tables = features_or_settings(features, &session.settings.data);
    if screen.is_some() && priors.priors.is_empty() {
        return Err(no_prior());
    }
    let typed = screen_or_settings(screen_options, &session.settings.data)?;
    let mut notices = Vec::new();
    let (table, labels, source) = match &screen {
        Some(path) => {
            let (table, labels) = read_screen(session, path, &typed, halves, &mut notices)?;
            (table, labels, path.display().to_string())
        }
        None => (embedded(session, halves, &mut notices)?, HashMap::new(), EMBEDDED.to_owned()),
    };
    let graph = if priors.priors.is_empty() {
        priors.without(session, simulate::Wiring::embedded()?.to_graph("embedded"))?
    } else {
        priors.read(session, typed.aliases.as_deref())?.graph
    };
    let features = read_features(session, &tables, &mut notices)?;
    let files = screen.into_iter().chain(priors.priors.iter().cloned()).collect();
    Ok(Inputs {
        table,
        labels,
        graph,
        features,
        feature_files: tables,
        files,
        source,
        notices,
        typed,
        min_score: priors.min_score,
        without_channels: priors.without_channels,
    })
}

pub(super) fn no_prior() -> CliError {
    let hint = "add `--prior FILE` (STRING links, a TF-target table, gene sets, or any edge list); `networks/README.md` says where to get them";
    CliError::usage("no prior network", "at least one `--prior FILE`", "none", Some(hint.into()))
}

fn read_screen(
    session: &Session,
    path: &Path,
    options: &ScreenArgs,
    halves: bool,
    notices: &mut Vec<Notice>,
) -> Result<(Pseudobulk, HashMap<Perturbation, String>), CliError> {
    let bar = session.printer.bar("reading", 1);
    let mut progress = |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    };
    let read = io::read_table(path, &options.options()?, &options.pseudobulk(halves, session.seed)?, &mut progress)?;
    bar.finish_and_clear();
    read.notices.iter().for_each(|n| session.printer.notice(n));
    notices.extend(read.notices);
    Ok((read.table, read.labels))
}

/// The simulated screen that ships inside the program, reduced to its table.
fn embedded(session: &Session, halves: bool, notices: &mut Vec<Notice>) -> Result<Pseudobulk, CliError> {
    let notice = Notice::new("no screen was given: using the embedded simulated screen, which is not real data");
    session.printer.notice(&notice);
    notices.push(notice);
    let simulated = simulate::demo(session.seed)?;
    Ok(pseudobulk_of(&simulated.screen, halves, session.seed))
}

/// The table of a screen in memory.
pub(super) fn pseudobulk_of(screen: &crate::data::Screen, halves: bool, seed: u64) -> Pseudobulk {
    let options = crate::data::PseudobulkOptions { halves, seed, ..Default::default() };
    Pseudobulk::from_screen(screen, &options)
}

/// What was typed, and where nothing was typed, what the settings say.
pub(super) fn screen_or_settings(typed: &ScreenArgs, settings: &DataSettings) -> Result<ScreenArgs, CliError> {
    let scale =
        match settings.scale.as_deref() {
            None => None,
            Some(name) => Some(ScaleArg::from_str(name, true).map_err(|_| {
                CliError::usage("setting `data.scale`", "`counts` or `log1p`", format!("`{name}`"), None)
            })?),
        };
    let or = |typed: &Option<String>, set: &Option<String>| typed.clone().or_else(|| set.clone());
    Ok(ScreenArgs {
        preset: or(&typed.preset, &settings.preset),
        pert_col: or(&typed.pert_col, &settings.pert_col),
        control_pert: or(&typed.control_pert, &settings.control_pert),
        celltype_col: or(&typed.celltype_col, &settings.celltype_col),
        batch_col: or(&typed.batch_col, &settings.batch_col),
        scale: typed.scale.or(scale),
        target_sum: if typed.target_sum.is_empty() { settings.target_sum.clone() } else { typed.target_sum.clone() },
        aliases: typed.aliases.clone().or_else(|| settings.aliases.clone()),
        gene_metadata: typed.gene_metadata.clone().or_else(|| settings.gene_metadata.clone()),
    })
}

/// The same for priors: a list that was typed replaces the one of the settings.
pub(super) fn priors_or_settings(typed: &PriorArgs, settings: &Settings) -> PriorArgs {
    let mut priors = typed.clone();
    if priors.priors.is_empty() {
        priors.priors.clone_from(&settings.graph.priors);
    }
    if priors.min_score == 0.0 {
        priors.min_score = settings.graph.min_score;
    }
    if priors.without_channels.is_empty() {
        priors.without_channels.clone_from(&settings.graph.without_channels);
    }
    priors
}

/// And for feature tables.
fn features_or_settings(typed: &FeatureArgs, settings: &DataSettings) -> FeatureArgs {
    let or = |typed: &Vec<PathBuf>, set: &Vec<PathBuf>| if typed.is_empty() { set.clone() } else { typed.clone() };
    FeatureArgs {
        features: or(&typed.features, &settings.features),
        other_effects: or(&typed.other_effects, &settings.other_effects),
    }
}

/// The tables, embeddings first; a name that occurs twice gets a number.
fn read_features(session: &Session, files: &FeatureArgs, notices: &mut Vec<Notice>) -> Result<Vec<Features>, CliError> {
    let embeddings = files.features.iter().map(|path| (path, FeatureKind::Embedding));
    let effects = files.other_effects.iter().map(|path| (path, FeatureKind::Effects));
    let mut tables: Vec<Features> = Vec::new();
    for (path, kind) in embeddings.chain(effects) {
        let (mut table, said) = io::read_features(path, kind)?;
        said.iter().for_each(|n| session.printer.notice(n));
        notices.extend(said);
        let (n, width) = table.values.dim();
        session.printer.say(format!("{}: {n} genes x {width} numbers", path.display()));
        let taken = |name: &str| tables.iter().any(|t| t.name == name);
        if taken(&table.name) {
            let numbered = (2..).map(|k| format!("{}-{k}", table.name)).find(|name| !taken(name));
            table.name = numbered.unwrap_or_default();
        }
        tables.push(table);
    }
    Ok(tables)
}

/// A graph that shares no gene with the screen teaches nothing: an error, unless the graph is meant to be empty.
pub(super) fn check_coverage(graph: &GeneGraph, responses: &Responses) -> Result<(), CliError> {
    let knows = |name: &str| graph.genes().resolve(name).is_some();
    let targets = || responses.perturbations.iter().flat_map(|p| p.targets().iter());
    if graph.n_genes() == 0 || targets().any(|t| knows(t)) || responses.genes.names().iter().any(|g| knows(g)) {
        return Ok(());
    }
    let prior = some_of(graph.genes().names(), 3);
    let screen = some_of(targets(), 3);
    Err(GraphError::NoSharedGene { prior, screen }.into())
}

/// The settings of one model: its defaults with `[models.NAME]` on top.
pub(super) fn model_settings(session: &Session, model: &str) -> toml::Table {
    match session.settings.models.get(model) {
        Some(toml::Value::Table(table)) => table.clone(),
        _ => toml::Table::new(),
    }
}

/// The settings that repeat this run.
pub(super) fn effective_settings(session: &Session, model: &str, inputs: &Inputs) -> Settings {
    let mut files = inputs.files.iter().cloned();
    let screen = if inputs.source == EMBEDDED { None } else { files.next() };
    let typed = inputs.typed.clone();
    let scale = typed.scale.and_then(|s| s.to_possible_value()).map(|v| v.get_name().to_owned());
    Settings {
        model: model.to_owned(),
        data: DataSettings {
            screen,
            preset: typed.preset,
            pert_col: typed.pert_col,
            control_pert: typed.control_pert,
            celltype_col: typed.celltype_col,
            batch_col: typed.batch_col,
            scale,
            target_sum: typed.target_sum,
            aliases: typed.aliases,
            gene_metadata: typed.gene_metadata,
            features: inputs.feature_files.features.clone(),
            other_effects: inputs.feature_files.other_effects.clone(),
        },
        graph: GraphSettings {
            priors: files.collect(),
            min_score: inputs.min_score,
            without_channels: inputs.without_channels.clone(),
        },
        ..session.settings.clone()
    }
}
