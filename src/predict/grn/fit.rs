//! Fitting the layers one after the other.

use ndarray::{Array1, Array2, Axis, stack};

use super::blend::Blend;
use super::dense::{Dense, Trees};
use super::range::Range;
use super::{Config, Fitted, Messages, Numbers, row_major};
use crate::data::{Perturbation, Responses};
use crate::predict::kernel::{Kernel, Kind, Layers, Ridge, Rows, Similarity, penalties};
use crate::predict::own_target::OwnTarget;
use crate::predict::propagation::{self, HeldOut, Network, hold_out};
use crate::predict::significance::significant;
use crate::predict::target_features::TargetFeatures;
use crate::predict::vocabulary::Vocabulary;
use crate::predict::{PredictError, Task};
use crate::stats::{Forest, ForestOptions};

/// Numbers that describe a target to the trees, per part.
const TREE_FEATURES: usize = 80;
/// Folds behind the held-out predictions of the trees.
const TREE_FOLDS: usize = 5;
/// Fewer perturbations than this grow no trees.
const LEAST_FOR_TREES: usize = 20;

/// What a fit chose, by name.
type Values = Vec<(String, f64)>;

/// Fits all layers.
pub(super) fn fit(config: &Config, task: &Task<'_>) -> Result<(Fitted, Values), PredictError> {
    let vocabulary = Vocabulary::of(task);
    let rows = Rows::new(task.responses, &vocabulary);
    let (messages, held_out) = messages(config, task)?;
    let residual = residual(task.responses, held_out.as_ref());
    let mean = residual.mean_delta();
    let layers = Layers::new(&residual, &mean, config.components)?;
    let targets = target_names(task.responses, &vocabulary, &rows);
    let views = views(config, task, &targets, messages.as_ref(), held_out.as_ref());
    let (single_rows, singles) = rows.singles();
    let single_scores = layers.scores.select(Axis(0), &single_rows);
    let similarity = Similarity::of_kinds(task.graph, kinds(config), rows.targets.clone());
    let others = views.iter().map(Dense::matrix).collect();
    let (kernel, matrix) = Kernel::fit(similarity, others, &singles, &single_scores, task.seed)?;
    let ridge = Ridge::new(&rows.kernel(&matrix), layers.scores.clone())?;
    let (penalty, loss) = ridge.best_penalty(penalties());
    let by_kernel = ridge.left_out(penalty);
    let grown = grow(config, task, &single_rows, &single_scores)?;
    let by_trees = grown.as_ref().map(|(_, held_out)| with_rows(&by_kernel, &single_rows, held_out));
    let (blend, left_out) = Blend::choose(&layers.scores, &by_kernel, by_trees.as_ref(), config.neighbours);
    let base = base(&mean, held_out.as_ref(), task.responses.len());
    let share = config
        .significant_share
        .unwrap_or_else(|| layers.best_share(&left_out, &with_changes(&residual, task.responses), base.view()));
    let range = if config.range { Range::of(task.responses) } else { Range::Free };
    let axes = layers.axes(share);
    let own_target = if config.own_target { OwnTarget::fit(task.responses) } else { None };
    let numbers = Numbers {
        coefficients: row_major(rows.per_target(&ridge.coefficients(penalty)).mapv(|v| v as f32)),
        profiles: stack![Axis(0), mean, task.responses.control.mean],
        precision: row_major(rows.between_targets(&ridge.precision(penalty)).mapv(|v| v as f32)),
        scores: row_major(layers.scores.mapv(|v| v as f32)),
        axes: row_major(axes),
    };
    let distance = ridge.left_out_variance(penalty).iter().map(|v| (*v as f32).clamp(0.0, 1.0)).collect();
    let predicted = left_out_changes(task.responses, &base, &left_out, &numbers, range, own_target);
    let mut values = describe(&kernel, &views, messages.as_ref());
    let chosen = [
        ("penalty", penalty),
        ("left_out.loss", loss),
        ("significant_share", share),
        ("trees.share", blend.trees),
        ("neighbours.share", blend.neighbours),
    ];
    values.splice(0..0, chosen.map(|(name, v)| (name.to_owned(), v)));
    let trees = grown.map(|(trees, _)| trees).filter(|_| blend.trees > 0.0);
    let left_out = Some((predicted, distance));
    let fitted = Fitted { vocabulary, own_target, messages, views, kernel, trees, blend, range, numbers, left_out };
    Ok((fitted, values))
}

/// The linear graph network with its held-out changes; none where it is switched off or nothing is to be learned from.
fn messages(config: &Config, task: &Task<'_>) -> Result<(Option<Messages>, Option<HeldOut>), PredictError> {
    if !config.propagation || task.graph.edges().is_empty() {
        return Ok((None, None));
    }
    let settings = propagation::Config::default();
    let held_out = hold_out(&settings, task)?;
    let mut network = Network::fit(&settings, task.responses, task.graph)?;
    network.stretch = held_out.stretch;
    let common = network.common(task.responses);
    Ok((Some(Messages { network, common, share: held_out.share }), Some(held_out)))
}

/// What the kernel is to explain: the changes minus the share of the held-out propagation, with their significance.
fn residual(responses: &Responses, held_out: Option<&HeldOut>) -> Responses {
    let mut residual = responses.clone();
    residual.significant = significant(responses);
    if let Some(h) = held_out.filter(|h| h.share > 0.0) {
        residual.delta.scaled_add(-h.share as f32, &h.departure);
    }
    residual
}

/// The residual's significance beside the changes as measured.
fn with_changes(residual: &Responses, responses: &Responses) -> Responses {
    Responses { significant: residual.significant.clone(), ..responses.clone() }
}

/// What a left-out prediction starts from, n_rows x n_genes: the mean plus the share of the held-out propagation.
fn base(mean: &Array1<f32>, held_out: Option<&HeldOut>, n_rows: usize) -> Array2<f32> {
    let mut base = mean.broadcast((n_rows, mean.len())).map_or_else(|| Array2::zeros((0, 0)), |b| b.to_owned());
    if let Some(h) = held_out.filter(|h| h.share > 0.0) {
        base.scaled_add(h.share as f32, &h.departure);
    }
    base
}

fn kinds(config: &Config) -> &'static [Kind] {
    if config.wide_views {
        &[Kind::Neighbours, Kind::Walk, Kind::Far, Kind::Regulates, Kind::Regulated, Kind::Family]
    } else {
        &[Kind::Neighbours, Kind::Walk]
    }
}

/// Name of each target of the kernel, as a perturbation writes it.
fn target_names(responses: &Responses, vocabulary: &Vocabulary, rows: &Rows) -> Vec<String> {
    let mut names = vec![String::new(); rows.targets.len()];
    for (row, perturbation) in responses.perturbations.iter().enumerate() {
        for (target, &at) in perturbation.targets().iter().zip(rows.of(row)) {
            if names[at].is_empty() {
                let node = vocabulary.node(target).map(|n| vocabulary.graph().name(n).to_owned());
                names[at] = node.unwrap_or_else(|| target.to_string());
            }
        }
    }
    names
}

/// Similarities beside those of the graph.
fn views(
    config: &Config,
    task: &Task<'_>,
    targets: &[String],
    messages: Option<&Messages>,
    held_out: Option<&HeldOut>,
) -> Vec<Dense> {
    let tables = task.features.iter().filter(|_| config.features);
    let mut views: Vec<Dense> = tables.filter_map(|table| Dense::of_table(table, targets)).collect();
    if let (Some(messages), Some(held_out)) = (messages, held_out) {
        views.push(Dense::of_changes(propagated(task.responses, targets, messages, held_out)));
    }
    views
}

/// Propagated changes of the targets: by a network that has not seen them where they were perturbed alone.
fn propagated(responses: &Responses, targets: &[String], messages: &Messages, held_out: &HeldOut) -> Array2<f32> {
    let mut rows = Array2::zeros((targets.len(), responses.genes.len()));
    for (mut to, target) in rows.outer_iter_mut().zip(targets) {
        let alone = Perturbation::of([target.as_str()]);
        match responses.perturbations.iter().position(|p| *p == alone) {
            Some(row) => to.assign(&held_out.departure.row(row)),
            None => to.assign(&messages.departure(&alone)),
        }
    }
    rows
}

/// Trees grown on the single perturbations, with their held-out predictions (n_singles x components).
fn grow(
    config: &Config,
    task: &Task<'_>,
    single_rows: &[usize],
    scores: &Array2<f64>,
) -> Result<Option<(Trees, Array2<f64>)>, PredictError> {
    if !config.trees || single_rows.len() < LEAST_FOR_TREES {
        return Ok(None);
    }
    let features = TargetFeatures::fit(task, TREE_FEATURES)?;
    if features.width() == 0 {
        return Ok(None);
    }
    let names: Vec<&str> = single_rows.iter().map(|&r| task.responses.perturbations[r].targets()[0].as_ref()).collect();
    let x = features.rows(&names);
    let options = ForestOptions::extra_trees();
    let held_out = Forest::held_out(x.view(), scores.view(), &options, TREE_FOLDS, task.seed);
    let forest = Forest::fit(x.view(), scores.view(), &options, task.seed);
    Ok(Some((Trees { features, forest }, held_out)))
}

/// The same table with some rows replaced.
fn with_rows(table: &Array2<f64>, rows: &[usize], by: &Array2<f64>) -> Array2<f64> {
    let mut out = table.clone();
    rows.iter().zip(by.outer_iter()).for_each(|(&r, values)| out.row_mut(r).assign(&values));
    out
}

/// Leave-one-out predictions as changes, n_rows x n_genes.
fn left_out_changes(
    responses: &Responses,
    base: &Array2<f32>,
    left_out: &Array2<f64>,
    numbers: &Numbers,
    range: Range,
    own_target: Option<OwnTarget>,
) -> Array2<f32> {
    let mut out = base + &left_out.mapv(|v| v as f32).dot(&numbers.axes);
    for (mut row, perturbation) in out.outer_iter_mut().zip(&responses.perturbations) {
        let mut delta = range.apply(&row.to_owned()).to_vec();
        if let Some(rule) = own_target {
            rule.apply(perturbation, &responses.genes, responses.control.mean.view(), &mut delta);
        }
        row.assign(&Array1::from(delta));
    }
    out
}

fn describe(kernel: &Kernel, views: &[Dense], messages: Option<&Messages>) -> Values {
    let graph = kernel.similarity.views().zip(&kernel.weights).map(|(view, w)| (format!("weight.{view}"), *w));
    let others = views.iter().zip(&kernel.others).map(|(view, w)| (format!("weight.{}", view.name()), *w));
    let network = messages.into_iter().flat_map(|m| {
        [
            ("propagation.share", m.share),
            ("propagation.stretch", m.network.stretch),
            ("propagation.strength", m.network.strength),
        ]
        .map(|(name, v)| (name.to_owned(), v))
    });
    std::iter::once(("sharpness".to_owned(), kernel.sharpness))
        .chain(network)
        .chain(graph)
        .chain(others.filter(|(_, w)| *w > 0.0))
        .collect()
}
