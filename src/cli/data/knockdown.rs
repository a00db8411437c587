//! Did each perturbation change its own target?

use serde::Serialize;

use crate::data::{Perturbation, Pseudobulk, Quantity};

/// |z| above which a change of the target is visible.
const VISIBLE: f64 = 3.0;

/// The target gene in the cells of its own perturbation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct OnTarget {
    /// The perturbed gene.
    pub(super) target: String,
    /// Perturbed cells.
    pub(super) n_cells: u64,
    /// Mean log1p expression of the target in control cells.
    pub(super) control_mean: f64,
    /// Mean log1p expression of the target in perturbed cells.
    pub(super) perturbed_mean: f64,
    /// Welch's z of the difference; `None` where neither group varies.
    pub(super) z: Option<f64>,
    /// `down`, `up` or `unchanged`.
    pub(super) change: &'static str,
}

/// Single-gene perturbations whose target is among the genes, in the order of the table.
pub(super) fn on_target(table: &Pseudobulk) -> Vec<OnTarget> {
    let (Some(var), Some(&control)) = (&table.moments.var, table.control_rows().first()) else { return Vec::new() };
    if table.quantity == Quantity::Effect {
        return Vec::new();
    }
    let mean = &table.moments.mean;
    let measured = table.conditions.iter().enumerate().filter_map(|(row, condition)| {
        let [target] = condition.perturbation.targets() else { return None };
        Some((row, target, table.genes.id(target)?.index()))
    });
    let of = |(row, target, gene): (usize, &std::sync::Arc<str>, usize)| {
        let part = |row: usize| (f64::from(mean[[row, gene]]), f64::from(var[[row, gene]]), table.n_cells[row]);
        let z = welch(part(row), part(control));
        OnTarget {
            target: target.to_string(),
            n_cells: table.n_cells[row],
            control_mean: part(control).0,
            perturbed_mean: part(row).0,
            z,
            change: match z {
                Some(z) if z < -VISIBLE => "down",
                Some(z) if z > VISIBLE => "up",
                _ => "unchanged",
            },
        }
    };
    measured.map(of).collect()
}

/// Welch's z from mean, variance (divided by n) and n of two groups.
fn welch((m1, v1, n1): (f64, f64, u64), (m2, v2, n2): (f64, f64, u64)) -> Option<f64> {
    if n1 < 2 || n2 < 2 {
        return None;
    }
    let error = v1 / (n1 - 1) as f64 + v2 / (n2 - 1) as f64;
    (error > 0.0).then(|| (m1 - m2) / error.sqrt())
}

/// Distinct targets of all perturbations, sorted.
pub(super) fn targets<'a>(perturbations: impl IntoIterator<Item = &'a Perturbation>) -> Vec<String> {
    let mut all: Vec<String> =
        perturbations.into_iter().flat_map(|p| p.targets().iter().map(ToString::to_string)).collect();
    all.sort();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scipy 1.17: ttest_ind_from_stats(1, 0.5, 10, 2, 1, 30, equal_var=False) has statistic -4.1404 with sample
    /// standard deviations 0.5 and 1.
    #[test]
    fn z_is_welchs() {
        let z = welch((1.0, 0.25 * 9.0 / 10.0, 10), (2.0, 29.0 / 30.0, 30)).unwrap();
        assert!((z + 4.140_393).abs() < 1e-5, "{z}");
        assert_eq!(welch((1.0, 0.0, 10), (1.0, 0.0, 10)), None);
        assert_eq!(welch((1.0, 0.3, 1), (1.0, 0.2, 10)), None);
    }
}
