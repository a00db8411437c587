//! What a folder of `grn cv` holds of every held-out perturbation: predictions, measurement, folds.

use std::path::{Path, PathBuf};

use ndarray::{Array1, Array2, ArrayView1, Axis};

use super::super::error::CliError;
use crate::data::{PseudobulkOptions, Responses, Split};
use crate::io::{self, ScreenOptions};
use crate::predict;
use crate::report::{DegCurve, DegOverlap, DegsFigure, DiscriminationFigure, ReportError};

/// A prediction this close to the training mean (relative to its largest entry) is the mean up to rounding.
const EQUAL_TO_MEAN: f32 = 1e-5;
/// Sizes at which precision is measured.
const KS: [usize; 12] = [1, 2, 3, 5, 10, 20, 30, 50, 100, 200, 500, 1000];
/// Genes that count as changed where nothing can be tested.
const TOP: usize = 50;

/// Measurement and out-of-fold predictions, rows and columns in the order of the measurement.
pub(in crate::cli) struct HeldOut {
    folder: PathBuf,
    measured: Responses,
    /// Measured genes that are perturbed anywhere.
    perturbed: Vec<bool>,
    split: Split,
    /// By model, n_perturbations x n_genes.
    predicted: Vec<(String, Array2<f32>)>,
}

/// Where the measured responses of a folder lie: beside the tables, or in the run that holds the folder.
pub(in crate::cli) fn responses_of(folder: &Path) -> Option<PathBuf> {
    let up = folder.parent().filter(|_| folder.file_name().is_some_and(|n| n == "cv"));
    [Some(folder), up].into_iter().flatten().map(|d| d.join("responses.h5ad")).find(|p| p.exists())
}

/// Reads a table with one row per perturbation.
pub(in crate::cli) fn read_responses(path: &Path) -> Result<Responses, CliError> {
    let read = io::read_table(path, &ScreenOptions::default(), &PseudobulkOptions::default(), &mut |_, _| {})?;
    Ok(Responses::from_pseudobulk(&read.table)?)
}

impl HeldOut {
    /// Reads these models of a folder.
    pub(in crate::cli) fn read(folder: &Path, models: &[&str]) -> Result<Self, CliError> {
        let path = responses_of(folder).ok_or_else(|| missing(folder, "responses.h5ad"))?;
        let measured = read_responses(&path)?;
        let folds = folder.join("folds.tsv");
        if !folds.exists() {
            return Err(missing(folder, "folds.tsv"));
        }
        let split = Split::from_labels(&measured.perturbations, &io::read_folds(&folds)?)?;
        let predicted = models.iter().map(|model| {
            let path = folder.join(model).join("predictions.h5ad");
            if !path.exists() {
                return Err(missing(folder, &format!("{model}/predictions.h5ad")));
            }
            Ok(((*model).to_owned(), aligned(&read_responses(&path)?, &measured)))
        });
        let predicted = predicted.collect::<Result<Vec<_>, CliError>>()?;
        let mut perturbed = vec![false; measured.genes.len()];
        for target in measured.perturbations.iter().flat_map(|p| p.targets().iter()) {
            if let Some(gene) = measured.genes.resolve(target) {
                perturbed[gene.index()] = true;
            }
        }
        if perturbed.iter().all(|p| *p) {
            perturbed.fill(false);
        }
        Ok(Self { folder: folder.to_owned(), measured, perturbed, split, predicted })
    }

    /// Number of perturbations.
    pub(in crate::cli) fn len(&self) -> usize {
        self.measured.len()
    }

    /// The confusion heatmap of the first model.
    pub(in crate::cli) fn discrimination(&self) -> Result<DiscriminationFigure, ReportError> {
        let (model, predicted) = &self.predicted[0];
        let n = self.measured.len();
        let mut similarity = Array2::zeros((n, n));
        for fold in &self.split.folds {
            let train: Vec<usize> = (0..n).filter(|row| !fold.held_out.contains(row)).collect();
            let mean = self.mean(&train);
            let truth = self.directions(&self.measured.delta, &(0..n).collect::<Vec<_>>(), &mean);
            let ours = self.directions(predicted, &fold.held_out, &mean);
            for (row, values) in fold.held_out.iter().zip(ours.dot(&truth.t()).outer_iter()) {
                similarity.row_mut(*row).assign(&values.mapv(f64::from));
            }
        }
        let all: Vec<usize> = (0..n).collect();
        let directions = self.directions(&self.measured.delta, &all, &self.mean(&all));
        let alike = directions.dot(&directions.t()).mapv(f64::from);
        let names: Vec<String> = self.measured.perturbations.iter().map(ToString::to_string).collect();
        let title = format!("{model}: which measurement each prediction resembles");
        let figure = DiscriminationFigure::new(&title, &names, &similarity, &alike)?;
        let (first, score) = self.within_folds(&similarity);
        let of = format!(
            "{} of {n} are first (mean discrimination {:.3}, 0.5 is chance); among the measurements of its own fold alone, \
             which its model has not seen either, {first} are ({score:.3}).",
            figure.n_first(),
            figure.score()
        );
        Ok(figure.caption(format!(
            "Cosine of prediction and measurement, both less the mean of the training perturbations; genes that are \
             perturbed anywhere are left out. Every prediction is compared with all {n} measurements, those its model was \
             fitted on too. {of} Cross-validation {}.",
            self.folder.display()
        )))
    }

    /// How many are first among the measurements of their fold, and the mean discrimination there.
    fn within_folds(&self, similarity: &Array2<f64>) -> (usize, f64) {
        let (mut first, mut scores) = (0, Vec::new());
        for fold in self.split.folds.iter().filter(|f| f.held_out.len() > 1) {
            for &row in &fold.held_out {
                let own = similarity[[row, row]];
                let others = || fold.held_out.iter().filter(|other| **other != row);
                let closer = others().filter(|&&other| similarity[[row, other]] > own).count() as f64;
                let tied = others().filter(|&&other| similarity[[row, other]] == own).count() as f64;
                first += usize::from(closer + tied == 0.0);
                scores.push(1.0 - (closer + 0.5 * tied) / (fold.held_out.len() - 1) as f64);
            }
        }
        (first, scores.iter().sum::<f64>() / scores.len().max(1) as f64)
    }

    /// Rows less `mean`, without perturbed genes, each of length 1; a row that is the mean stays zero.
    fn directions(&self, x: &Array2<f32>, rows: &[usize], mean: &Array1<f32>) -> Array2<f32> {
        let largest = |x: ArrayView1<'_, f32>| x.iter().fold(0.0_f32, |a, b| a.max(b.abs()));
        let mut out = x.select(Axis(0), rows) - mean;
        for mut row in out.rows_mut() {
            row.iter_mut().zip(&self.perturbed).filter(|(_, p)| **p).for_each(|(v, _)| *v = 0.0);
            if largest(row.view()) <= EQUAL_TO_MEAN * largest(mean.view()).max(1e-30) {
                row.fill(0.0);
            }
            let length = row.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt() as f32;
            if length > 0.0 {
                row /= length;
            }
        }
        out
    }

    fn mean(&self, rows: &[usize]) -> Array1<f32> {
        self.measured
            .delta
            .select(Axis(0), rows)
            .mean_axis(Axis(0))
            .unwrap_or_else(|| Array1::zeros(self.perturbed.len()))
    }

    /// Changing genes found: the first model against the last one.
    pub(in crate::cli) fn degs(&self) -> Result<DegsFigure, ReportError> {
        let changed = self.changed();
        let (mut n_changed, mut n_genes) = (0, 0);
        let mut curves: Vec<DegCurve> = Vec::new();
        let mut found: Vec<Vec<(usize, f64)>> = Vec::new();
        for (model, predicted) in &self.predicted {
            let mut precision: Vec<Vec<f64>> = vec![Vec::new(); KS.len()];
            let mut overlaps = Vec::new();
            (n_changed, n_genes) = (0, 0);
            for (row, changed) in changed.genes.iter().enumerate() {
                let n = changed.iter().filter(|c| **c == Some(true)).count();
                if n == 0 {
                    continue;
                }
                n_changed += n;
                n_genes += changed.iter().flatten().count();
                let hits = hits(predicted.row(row), changed);
                for (k, of_k) in KS.iter().zip(&mut precision) {
                    of_k.extend(hits.get(k - 1).map(|h| *h as f64 / *k as f64));
                }
                overlaps.push((row, hits[n - 1] as f64 / n as f64));
            }
            let precision = KS.iter().zip(&precision).filter(|(_, values)| !values.is_empty());
            let precision = precision.map(|(k, values)| with_error(*k, values)).collect();
            curves.push(DegCurve { model: model.clone(), precision });
            found.push(overlaps);
        }
        let (ours, base) = (&found[0], &found[found.len() - 1]);
        let overlaps = ours.iter().zip(base).map(|(&(row, model), &(_, baseline))| DegOverlap {
            perturbation: self.measured.perturbations[row].to_string(),
            n: changed.genes[row].iter().filter(|c| **c == Some(true)).count(),
            model,
            baseline,
        });
        let overlaps: Vec<DegOverlap> = overlaps.collect();
        let names = (self.predicted[0].0.as_str(), self.predicted[self.predicted.len() - 1].0.as_str());
        let title = format!("{}: genes that change, found among those predicted to", names.0);
        let with = overlaps.len();
        let chance = n_changed as f64 / n_genes.max(1) as f64;
        let figure = DegsFigure::new(&title, curves, chance, overlaps, names)?;
        Ok(figure.caption(format!(
            "{with} of {} held-out perturbations have changing genes: {}. Overlap at N: the share of its N changing genes \
             among the N predicted to change most. Targets are left out. Bands: 95 %. Cross-validation {}.",
            self.len(),
            changed.meaning,
            self.folder.display()
        )))
    }

    /// Which genes change, as the table says or a test finds, else the largest changes.
    fn changed(&self) -> Changed {
        let given = self.measured.significant.is_some();
        let (layer, meaning) = match predict::significant(&self.measured) {
            Some(layer) if given => (layer, "significant in the table".to_owned()),
            Some(layer) => (layer, "Welch's z test over cells, 5 % false discoveries".to_owned()),
            None => (self.largest(), format!("the {TOP} largest measured changes (nothing here can be tested)")),
        };
        let genes = self.measured.perturbations.iter().zip(layer.outer_iter()).map(|(perturbation, row)| {
            let mut row: Vec<Option<bool>> = row.iter().map(|s| Some(*s > 0.5)).collect();
            let targets = perturbation.targets().iter().filter_map(|t| self.measured.genes.resolve(t));
            targets.for_each(|t| row[t.index()] = None);
            row
        });
        Changed { genes: genes.collect(), meaning }
    }

    fn largest(&self) -> Array2<f32> {
        let mut out = Array2::zeros(self.measured.delta.raw_dim());
        for (mut to, row) in out.outer_iter_mut().zip(self.measured.delta.outer_iter()) {
            by_size(row).into_iter().take(TOP).for_each(|g| to[g] = 1.0);
        }
        out
    }
}

/// Per perturbation and gene whether it changes; `None` for the targets.
struct Changed {
    genes: Vec<Vec<Option<bool>>>,
    meaning: String,
}

/// Positions by size of the change, largest first.
fn by_size(row: ArrayView1<'_, f32>) -> Vec<usize> {
    let mut order: Vec<usize> = (0..row.len()).collect();
    order.sort_by(|&a, &b| row[b].abs().total_cmp(&row[a].abs()).then(a.cmp(&b)));
    order
}

/// Changing genes among the first 1, 2, ... predicted to change most, the targets left out.
fn hits(predicted: ArrayView1<'_, f32>, changed: &[Option<bool>]) -> Vec<usize> {
    let mut n = 0;
    let others = by_size(predicted).into_iter().filter_map(|g| changed[g]);
    others
        .map(|changes| {
            n += usize::from(changes);
            n
        })
        .collect()
}

/// Mean and its standard error.
fn with_error(k: usize, values: &[f64]) -> (usize, f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let square = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    (k, mean, (square / n).sqrt())
}

/// Predictions in the rows and columns of the measurement; what was not predicted is zero.
fn aligned(predicted: &Responses, to: &Responses) -> Array2<f32> {
    let mut out = Array2::zeros(to.delta.raw_dim());
    let columns: Vec<Option<usize>> =
        to.genes.names().iter().map(|name| predicted.genes.id(name).map(crate::data::GeneId::index)).collect();
    for (mut row, perturbation) in out.outer_iter_mut().zip(&to.perturbations) {
        let Some(from) = predicted.perturbations.iter().position(|p| p == perturbation) else { continue };
        for (value, column) in row.iter_mut().zip(&columns) {
            *value = column.map_or(0.0, |c| predicted.delta[[from, c]]);
        }
    }
    out
}

fn missing(folder: &Path, file: &str) -> CliError {
    let hint = "`grn cv SCREEN.h5ad --prior FILE --outdir DIR` writes it (folders of earlier versions lack the measured changes)";
    let what = format!("the cross-validation in `{}` is not complete", folder.display());
    CliError::usage(what, format!("`{file}`"), "no such file", Some(hint.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hits_count_up_and_leave_targets_out() {
        let predicted = ndarray::array![0.1, -3.0, 2.0, -1.0];
        // By size: 1 (target), 2, 3, 0.
        let changed = [Some(true), None, Some(true), Some(false)];
        assert_eq!(hits(predicted.view(), &changed), [1, 1, 2]);
        let (_, mean, error) = with_error(3, &[0.0, 1.0]);
        assert!((mean - 0.5).abs() < 1e-12 && (error - 0.5).abs() < 1e-12);
    }
}
