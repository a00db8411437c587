//! Similarities that do not come from one view of the graph, and the trees.

use ndarray::{Array1, Array2, Axis};

use super::{Messages, row_major, unit_rows};
use crate::data::{Features, Perturbation};
use crate::predict::target_features::TargetFeatures;
use crate::stats::Forest;

/// Cosine of rows of numbers, between any gene and the training targets.
pub(super) struct Dense {
    pub(super) source: Source,
    /// Unit rows of the training targets, zero where there is none: n_targets x width.
    pub(super) rows: Array2<f32>,
}

/// Where the row of a gene comes from.
pub(super) enum Source {
    /// The change that the linear graph network predicts.
    Propagated,
    /// A feature table, minus the mean row of the training targets.
    Table {
        /// Its rows.
        table: Features,
        /// Mean row of the training targets.
        centre: Array1<f32>,
    },
}

impl Dense {
    /// The similarity in a feature table; `None` where it knows fewer than two of the targets.
    pub(super) fn of_table(table: &Features, targets: &[String]) -> Option<Self> {
        let known: Vec<_> = targets.iter().filter_map(|t| table.row(t)).collect();
        if known.len() < 2 {
            return None;
        }
        let sum = known.iter().fold(Array1::<f64>::zeros(table.values.ncols()), |sum, row| sum + row.mapv(f64::from));
        let centre = (sum / known.len() as f64).mapv(|v| v as f32);
        let mut rows = Array2::zeros((targets.len(), table.values.ncols()));
        for (mut to, target) in rows.outer_iter_mut().zip(targets) {
            if let Some(row) = table.row(target) {
                to.assign(&(&row - &centre));
            }
        }
        Some(Self { source: Source::Table { table: table.clone(), centre }, rows: row_major(unit_rows(rows)) })
    }

    /// The similarity of propagated changes (rows of the targets, n_targets x n_genes).
    pub(super) fn of_changes(rows: Array2<f32>) -> Self {
        Self { source: Source::Propagated, rows: row_major(unit_rows(rows)) }
    }

    /// The name in a report.
    pub(super) fn name(&self) -> String {
        match &self.source {
            Source::Propagated => "propagated".into(),
            Source::Table { table, .. } => format!("features.{}", table.name),
        }
    }

    /// Whether a table has a row for a gene; what the graph knows is asked elsewhere.
    pub(super) fn knows(&self, target: &str) -> bool {
        matches!(&self.source, Source::Table { table, .. } if table.row(target).is_some())
    }

    /// Similarities among the training targets, with a diagonal of 1.
    pub(super) fn matrix(&self) -> Array2<f64> {
        let rows = self.rows.mapv(f64::from);
        let mut matrix = rows.dot(&rows.t());
        matrix.diag_mut().fill(1.0);
        matrix
    }

    /// Similarities of a gene to the training targets; zeros where it has no row.
    pub(super) fn of(&self, target: &str, messages: Option<&Messages>) -> Array1<f64> {
        let row = match &self.source {
            Source::Propagated => messages.map(|m| m.departure(&Perturbation::of([target]))),
            Source::Table { table, centre } => table.row(target).map(|row| &row - centre),
        };
        let Some(row) = row else { return self.nothing() };
        let row = unit_rows(row.insert_axis(Axis(0)));
        self.rows.dot(&row.row(0)).mapv(f64::from)
    }

    /// The similarities of a gene of which nothing is known.
    pub(super) fn nothing(&self) -> Array1<f64> {
        Array1::zeros(self.rows.nrows())
    }
}

/// Trees on what is known of a target.
pub(super) struct Trees {
    pub(super) features: TargetFeatures,
    pub(super) forest: Forest,
}

impl Trees {
    /// Predicted scores of a target, length components; `None` where nothing is known of it.
    pub(super) fn scores(&self, target: &str) -> Option<Array1<f32>> {
        let row = self.features.row(target)?;
        let scores = self.forest.predict(row.insert_axis(Axis(0)).view());
        Some(scores.row(0).mapv(|v| v as f32))
    }
}
