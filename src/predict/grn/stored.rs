//! The files of a fitted model.

use std::path::Path;

use ndarray::{Array1, Array2, Axis};
use serde::{Deserialize, Serialize};

use super::blend::Blend;
use super::dense::{Dense, Source, Trees};
use super::range::Range;
use super::{Config, Fitted, Grn, Messages, Numbers};
use crate::predict::kernel::{Kernel, StoredKernel};
use crate::predict::own_target::OwnTarget;
use crate::predict::propagation::{self, Network, StoredNetwork};
use crate::predict::saved;
use crate::predict::target_features::{StoredFeatures, TargetFeatures};
use crate::predict::vocabulary::Vocabulary;
use crate::predict::{PredictError, Predictor, Saved};
use crate::stats::{Forest, ForestTables};

#[derive(Serialize, Deserialize)]
struct Stored {
    config: Config,
    perturbed: Vec<String>,
    own_target: Option<OwnTarget>,
    /// The linear graph network and its share.
    network: Option<(StoredNetwork, f64)>,
    /// Name of each feature table, or none for propagated changes, and the width of its rows.
    views: Vec<(Option<String>, usize)>,
    kernel: StoredKernel,
    trees: Option<StoredFeatures>,
    blend: Blend,
    range: Range,
    components: usize,
    n_targets: usize,
}

/// Writes a fitted model into a folder.
pub(super) fn save(config: &Config, fitted: &Fitted, dir: &Path) -> Result<(), PredictError> {
    let Fitted { vocabulary, own_target, messages, views, kernel, trees, blend, range, numbers, .. } = fitted;
    let mut tables: Vec<(String, Array2<f32>)> = vec![
        ("coefficients".into(), numbers.coefficients.clone()),
        ("axes".into(), numbers.axes.clone()),
        ("profiles".into(), numbers.profiles.clone()),
        ("precision".into(), numbers.precision.clone()),
        ("scores".into(), numbers.scores.clone()),
    ];
    let network = messages.as_ref().map(|m| {
        let (stored, of_network) = m.network.stored();
        tables.extend(of_network.map(|(name, x)| (name.to_owned(), x)));
        tables.push(("network.common".into(), m.common.clone().insert_axis(Axis(0))));
        (stored, m.share)
    });
    for (k, view) in views.iter().enumerate() {
        tables.push((format!("view.{k}.rows"), view.rows.clone()));
        if let Source::Table { centre, .. } = &view.source {
            tables.push((format!("view.{k}.centre"), centre.clone().insert_axis(Axis(0))));
        }
    }
    if let Some(trees) = trees {
        tables.extend(trees.features.numbers().into_iter().map(|(name, x)| (name, x.clone())));
        let ForestTables { trees, nodes, members, targets } = trees.forest.tables();
        let forest = [("trees", trees), ("nodes", nodes), ("members", members), ("targets", targets)];
        tables.extend(forest.map(|(name, x)| (format!("forest.{name}"), x)));
    }
    let stored = Stored {
        config: config.clone(),
        perturbed: vocabulary.perturbed(),
        own_target: *own_target,
        network,
        views: views.iter().map(|v| (name_of(&v.source), v.rows.ncols())).collect(),
        kernel: kernel.stored(vocabulary.graph()),
        trees: trees.as_ref().map(|t| t.features.stored()),
        blend: *blend,
        range: *range,
        components: numbers.axes.nrows(),
        n_targets: numbers.precision.ncols(),
    };
    let tables: Vec<(&str, &Array2<f32>)> = tables.iter().map(|(name, x)| (name.as_str(), x)).collect();
    saved::write(dir, &stored, &tables)
}

fn name_of(source: &Source) -> Option<String> {
    match source {
        Source::Propagated => None,
        Source::Table { table, .. } => Some(table.name.clone()),
    }
}

/// Reads a fitted model back.
pub(super) fn load(from: &Saved<'_>) -> Result<Box<dyn Predictor>, PredictError> {
    let (stored, mut tables) = saved::read::<Stored>(from.dir)?;
    let kernel = Kernel::restore(stored.kernel, from.graph)
        .ok_or_else(|| wrong(from, "a graph that lacks training targets or channels"))?;
    let messages = stored.network.map(|(network, share)| -> Result<Messages, PredictError> {
        let network = Network::restore(network, &propagation::Config::default(), &mut tables, &from.genes)?;
        Ok(Messages { network, common: row(tables.take("network.common", from.genes.len())?), share })
    });
    let messages = messages.transpose()?;
    let views = stored.views.into_iter().enumerate().map(|(k, (name, width))| {
        let rows = tables.take(&format!("view.{k}.rows"), width)?;
        let Some(name) = name else { return Ok(Dense { source: Source::Propagated, rows }) };
        let centre = row(tables.take(&format!("view.{k}.centre"), width)?);
        let table = from.features.iter().find(|f| f.name == name && f.values.ncols() == width).cloned();
        let table = table.ok_or_else(|| wrong(from, &format!("no feature table `{name}`")))?;
        Ok(Dense { source: Source::Table { table, centre }, rows })
    });
    let views = views.collect::<Result<Vec<_>, PredictError>>()?;
    let trees = stored.trees.map(|features| -> Result<Trees, PredictError> {
        let features = TargetFeatures::restore(features, &mut tables, from)?;
        let forest = ForestTables {
            trees: tables.take("forest.trees", 2)?,
            nodes: tables.take("forest.nodes", 4)?,
            members: tables.take("forest.members", 2)?,
            targets: tables.take("forest.targets", stored.components)?,
        };
        let forest = Forest::from_tables(&forest, features.width())
            .ok_or_else(|| wrong(from, "trees that do not fit together"))?;
        Ok(Trees { features, forest })
    });
    let trees = trees.transpose()?;
    let numbers = Numbers {
        coefficients: tables.take("coefficients", stored.components)?,
        axes: tables.take("axes", from.genes.len())?,
        profiles: tables.take("profiles", from.genes.len())?,
        precision: tables.take("precision", stored.n_targets)?,
        scores: tables.take("scores", stored.components)?,
    };
    let fitted = Fitted {
        vocabulary: Vocabulary::of_saved(from, stored.perturbed),
        own_target: stored.own_target,
        messages,
        views,
        kernel,
        trees,
        blend: stored.blend,
        range: stored.range,
        numbers,
        left_out: None,
    };
    Ok(Box::new(Grn { config: stored.config, fitted: Some(fitted) }))
}

fn row(table: Array2<f32>) -> Array1<f32> {
    table.row(0).to_owned()
}

fn wrong(from: &Saved<'_>, got: &str) -> PredictError {
    PredictError::Saved {
        path: from.dir.to_owned(),
        reason: format!("expected the graph and tables of the fit, got {got}"),
    }
}
