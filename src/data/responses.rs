//! What a predictor learns from: one change of expression per perturbation.

use std::collections::HashMap;
use std::sync::Arc;

use ndarray::{Array1, Array2, ArrayView1, Axis};

use super::{DataError, GeneId, GeneIndex, Perturbation, Pseudobulk, Quantity};

/// Moments of the control cells, log1p scale; all zero for effect tables.
#[derive(Debug, Clone)]
pub struct ControlProfile {
    /// Mean per gene.
    pub mean: Array1<f32>,
    /// Variance over cells per gene.
    pub var: Option<Array1<f32>>,
    /// Third central moment per gene.
    pub third: Option<Array1<f32>>,
    /// Number of control cells (0 for effect tables).
    pub n_cells: u64,
}

/// Changes of expression, n_perturbations x n_genes, each against the control of its own cell type and batch.
#[derive(Debug, Clone)]
pub struct Responses {
    /// The genes (columns).
    pub genes: Arc<GeneIndex>,
    /// The perturbations (rows), unique, never the control.
    pub perturbations: Vec<Perturbation>,
    /// log1p(perturbed) - log1p(control), or the effect as given.
    pub delta: Array2<f32>,
    /// Variance over the perturbed cells.
    pub var: Option<Array2<f32>>,
    /// Third central moment over the perturbed cells.
    pub third: Option<Array2<f32>>,
    /// Cells per perturbation; 0 where unknown.
    pub n_cells: Vec<u64>,
    /// The control cells.
    pub control: ControlProfile,
    /// 1 where a gene changes significantly, else 0.
    pub significant: Option<Array2<f32>>,
    /// The same changes measured twice on disjoint halves of the perturbed AND the control cells.
    pub halves: Option<[Array2<f32>; 2]>,
    /// Whether the values are differences of log1p means or another effect.
    pub quantity: Quantity,
}

impl Responses {
    /// Collects one row per perturbation from a pseudobulk; contexts are averaged with their cell numbers as weights,
    /// each against its own control.
    ///
    /// # Errors
    /// [`DataError::NoControl`] (levels only), [`DataError::NoPerturbation`].
    pub fn from_pseudobulk(table: &Pseudobulk) -> Result<Self, DataError> {
        let controls = table.control_rows();
        if controls.is_empty() && table.quantity == Quantity::Level {
            let examples = crate::error::some_of(table.conditions.iter().map(ToString::to_string), 5);
            return Err(DataError::NoControl { n_conditions: table.conditions.len(), examples });
        }
        let (perturbations, rows_of) = group_rows(table);
        if perturbations.is_empty() {
            return Err(DataError::NoPerturbation);
        }
        let level = table.quantity == Quantity::Level;
        let n = perturbations.len();
        let pooled = |layer: &Array2<f32>, subtract: bool| {
            let mut out = Array2::zeros((n, table.genes.len()));
            for (rows, mut to) in rows_of.iter().zip(out.axis_iter_mut(Axis(0))) {
                average_into(&mut to, table, layer, rows, subtract);
            }
            out
        };
        let m = &table.moments;
        let of_controls = |layer: &Array2<f32>| {
            let mut out = Array1::zeros(table.genes.len());
            average_into(&mut out.view_mut(), table, layer, &controls, false);
            out
        };
        Ok(Self {
            delta: pooled(&m.mean, level),
            var: m.var.as_ref().map(|v| pooled(v, false)),
            third: m.third.as_ref().map(|t| pooled(t, false)),
            n_cells: rows_of.iter().map(|rows| rows.iter().map(|&i| table.n_cells[i]).sum()).collect(),
            control: ControlProfile {
                mean: of_controls(&m.mean),
                var: m.var.as_ref().map(of_controls),
                third: m.third.as_ref().map(of_controls),
                n_cells: controls.iter().map(|&i| table.n_cells[i]).sum(),
            },
            significant: table.significant.as_ref().map(|s| pooled(s, false)),
            halves: table.halves.as_ref().map(|[a, b]| [pooled(a, level), pooled(b, level)]),
            genes: Arc::clone(&table.genes),
            quantity: table.quantity,
            perturbations,
        })
    }

    /// Number of perturbations.
    pub fn len(&self) -> usize {
        self.perturbations.len()
    }

    /// Whether there is no perturbation.
    pub fn is_empty(&self) -> bool {
        self.perturbations.is_empty()
    }

    /// The rows at these positions: what a fold may see.
    #[must_use]
    pub fn subset(&self, rows: &[usize]) -> Self {
        let select = |x: &Array2<f32>| x.select(Axis(0), rows);
        Self {
            genes: Arc::clone(&self.genes),
            perturbations: rows.iter().map(|&i| self.perturbations[i].clone()).collect(),
            delta: select(&self.delta),
            var: self.var.as_ref().map(select),
            third: self.third.as_ref().map(select),
            n_cells: rows.iter().map(|&i| self.n_cells[i]).collect(),
            control: self.control.clone(),
            significant: self.significant.as_ref().map(select),
            halves: self.halves.as_ref().map(|[a, b]| [select(a), select(b)]),
            quantity: self.quantity,
        }
    }

    /// The same perturbations measured without these genes (their columns are dropped): no model fitted on it and no query
    /// taken from it knows what they did.
    #[must_use]
    pub fn without_genes(&self, genes: &[GeneId]) -> Self {
        let mut keep = vec![true; self.genes.len()];
        genes.iter().for_each(|g| keep[g.index()] = false);
        let kept: Vec<usize> = (0..keep.len()).filter(|&g| keep[g]).collect();
        // Names that are unique stay so.
        let (index, _) = GeneIndex::new_unique(kept.iter().map(|&g| &self.genes.names()[g]));
        let columns = |x: &Array2<f32>| x.select(Axis(1), &kept);
        let entries = |x: &Array1<f32>| x.select(Axis(0), &kept);
        Self {
            genes: Arc::new(index),
            perturbations: self.perturbations.clone(),
            delta: columns(&self.delta),
            var: self.var.as_ref().map(columns),
            third: self.third.as_ref().map(columns),
            n_cells: self.n_cells.clone(),
            control: ControlProfile {
                mean: entries(&self.control.mean),
                var: self.control.var.as_ref().map(entries),
                third: self.control.third.as_ref().map(entries),
                n_cells: self.control.n_cells,
            },
            significant: self.significant.as_ref().map(columns),
            halves: self.halves.as_ref().map(|[a, b]| [columns(a), columns(b)]),
            quantity: self.quantity,
        }
    }

    /// The unweighted mean change over all perturbations (the training-mean baseline), length n_genes.
    pub fn mean_delta(&self) -> Array1<f32> {
        let sum = self.delta.axis_iter(Axis(0)).fold(Array1::<f64>::zeros(self.genes.len()), |mut sum, row| {
            sum.zip_mut_with(&row, |s, &x| *s += f64::from(x));
            sum
        });
        (sum / self.len().max(1) as f64).mapv(|x| x as f32)
    }

    /// Squared standard error of each delta: var/n of perturbed plus var/n of control cells, n_perturbations x n_genes.
    /// Of effects without control cells it is var/n alone: their variance is that of the effect times the cell number.
    /// `None` where the table has no variances or cell numbers.
    pub fn squared_error(&self) -> Option<Array2<f32>> {
        let (var, control_var) = (self.var.as_ref()?, self.control.var.as_ref()?);
        let of_effects = self.quantity == Quantity::Effect && self.control.n_cells == 0;
        if (self.control.n_cells == 0 && !of_effects) || self.n_cells.contains(&0) {
            return None;
        }
        let n_control = self.control.n_cells.max(1) as f32; // the variances of absent controls are 0
        let mut out = var.clone();
        for (mut row, &n) in out.axis_iter_mut(Axis(0)).zip(&self.n_cells) {
            row.zip_mut_with(control_var, |v, c| *v = *v / n as f32 + c / n_control);
        }
        Some(out)
    }
}

/// Distinct perturbations in order of first appearance, with their rows.
fn group_rows(table: &Pseudobulk) -> (Vec<Perturbation>, Vec<Vec<usize>>) {
    let mut position: HashMap<&Perturbation, usize> = HashMap::new();
    let (mut perturbations, mut rows_of) = (Vec::new(), Vec::<Vec<usize>>::new());
    for (row, condition) in table.conditions.iter().enumerate().filter(|(_, c)| !c.perturbation.is_control()) {
        let at = *position.entry(&condition.perturbation).or_insert_with(|| {
            perturbations.push(condition.perturbation.clone());
            rows_of.push(Vec::new());
            perturbations.len() - 1
        });
        rows_of[at].push(row);
    }
    (perturbations, rows_of)
}

/// Weighted mean over `rows` of a layer, minus (if asked) the same layer of each row's own control.
fn average_into(
    to: &mut ndarray::ArrayViewMut1<'_, f32>,
    table: &Pseudobulk,
    layer: &Array2<f32>,
    rows: &[usize],
    subtract: bool,
) {
    let total: f64 = rows.iter().map(|&i| table.n_cells[i].max(1) as f64).sum();
    for &i in rows {
        let weight = (table.n_cells[i].max(1) as f64 / total) as f32;
        let control: Option<ArrayView1<'_, f32>> =
            table.control_of(&table.conditions[i]).filter(|_| subtract).map(|c| layer.row(c));
        match control {
            Some(control) => {
                let difference = &layer.row(i) - &control;
                to.scaled_add(weight, &difference);
            }
            None => to.scaled_add(weight, &layer.row(i)),
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::super::{Condition, Moments};
    use super::*;

    fn table() -> Pseudobulk {
        let condition = |target: &str, batch: &str| Condition {
            perturbation: Perturbation::of([target]),
            cell_type: None,
            batch: Some(Arc::from(batch)),
        };
        Pseudobulk {
            genes: Arc::new(GeneIndex::new(["A", "B"]).unwrap()),
            conditions: vec![condition("", "1"), condition("", "2"), condition("A", "1"), condition("A", "2")],
            n_cells: vec![10, 30, 3, 1],
            quantity: Quantity::Level,
            moments: Moments {
                mean: array![[1.0, 1.0], [2.0, 0.0], [2.0, 1.0], [7.0, 4.0]],
                var: None,
                third: None,
                fraction: None,
            },
            halves: None,
            significant: None,
            control_label: "ctrl".into(),
        }
    }

    #[test]
    fn each_batch_is_compared_with_its_own_control() {
        let responses = Responses::from_pseudobulk(&table()).unwrap();
        // Batch 1: [1, 0] with 3 cells; batch 2: [5, 4] with 1 cell.
        assert_eq!(responses.delta, array![[2.0, 1.0]]);
        assert_eq!(responses.control.mean, array![1.75, 0.25]);
        assert_eq!(responses.n_cells, [4]);
    }

    #[test]
    fn dropped_genes_leave_no_column() {
        let all = Responses::from_pseudobulk(&table()).unwrap();
        let got = all.without_genes(&[GeneId(0)]);
        assert_eq!((got.delta, got.control.mean), (array![[1.0]], array![0.25]));
        assert_eq!((got.genes.names(), got.n_cells), (&all.genes.names()[1..], all.n_cells));
    }

    #[test]
    fn levels_need_a_control() {
        let mut t = table();
        t.conditions.iter_mut().for_each(|c| c.perturbation = Perturbation::of(["A"]));
        assert!(matches!(Responses::from_pseudobulk(&t), Err(DataError::NoControl { .. })));
        t.quantity = Quantity::Effect;
        assert!(Responses::from_pseudobulk(&t).is_ok());
    }

    /// Two batches of an effect whose variances are those of the effect times the cells, 3 and 1 cells: the mean weighs
    /// them 3 : 1, and its squared error is (9 x 8/3 + 1 x 4) / 16.
    #[test]
    fn effects_know_their_errors() {
        let mut t = table().select(&[2, 3]);
        t.quantity = Quantity::Effect;
        t.moments.var = Some(array![[8.0, 0.0], [4.0, 1.0]]);
        let responses = Responses::from_pseudobulk(&t).unwrap();
        assert_eq!(responses.squared_error(), Some(array![[1.75, 0.0625]]));
        t.n_cells[0] = 0;
        t.n_cells[1] = 0;
        assert_eq!(Responses::from_pseudobulk(&t).unwrap().squared_error(), None);
    }
}
