//! The same cross-validation with fewer training perturbations.

use super::PredictError;
use super::cross_validate::{OutOfFold, Validation, cross_validate};
use crate::data::{Fold, Split};
use crate::stats::Rng;
use crate::train::Observer;

/// How many of the training perturbations a fit may use.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TrainingSize {
    /// A share of them, above 0 and at most 1.
    Share(f64),
    /// A number of them.
    Count(usize),
}

impl TrainingSize {
    /// How many of `n`: at least 2, at most all.
    pub fn of(self, n: usize) -> usize {
        let wanted = match self {
            Self::Share(share) => (share * n as f64).round() as usize,
            Self::Count(count) => count,
        };
        wanted.max(2).min(n)
    }
}

/// Cross-validates with part of the training perturbations of each fold, drawn by the seed.
///
/// The part of a smaller size is contained in that of a larger one, so that a curve over sizes is not blurred by which
/// perturbations were drawn. The held-out perturbations are the same for all sizes.
///
/// # Errors
/// As [`cross_validate`].
pub fn cross_validate_at(
    of: &Validation<'_>,
    size: TrainingSize,
    observer: &mut dyn Observer,
) -> Result<OutOfFold, PredictError> {
    let mut all: Option<OutOfFold> = None;
    for (k, fold) in of.split.folds.iter().enumerate() {
        let part = training_part(of.split, fold, k, size, of.seed);
        let mut rows: Vec<usize> = part.iter().chain(&fold.held_out).copied().collect();
        rows.sort_unstable();
        let held_out = (0..rows.len()).filter(|&i| fold.held_out.binary_search(&rows[i]).is_ok()).collect();
        let split = Split { n: rows.len(), folds: vec![Fold { name: fold.name.clone(), held_out }] };
        let responses = of.responses.subset(&rows);
        let out = cross_validate(&Validation { responses: &responses, split: &split, ..*of }, observer)?;
        all.get_or_insert_with(|| OutOfFold::empty(of)).take(&rows, out);
    }
    Ok(all.unwrap_or_else(|| OutOfFold::empty(of)))
}

/// Positions of the training perturbations of a fold that are used, ascending.
fn training_part(split: &Split, fold: &Fold, k: usize, size: TrainingSize, seed: u64) -> Vec<usize> {
    let mut part = split.train(fold);
    Rng::keyed(seed, "learning curve", k as u64, 0).shuffle(&mut part);
    part.truncate(size.of(part.len()));
    part.sort_unstable();
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smaller_parts_are_contained_in_larger_ones_and_never_hold_a_held_out_row() {
        let split = Split::seeded(23, 4, 1).unwrap();
        for (k, fold) in split.folds.iter().enumerate() {
            let parts = [0.25, 0.5, 1.0].map(|s| training_part(&split, fold, k, TrainingSize::Share(s), 7));
            assert!(parts[0].iter().all(|i| parts[1].contains(i)));
            assert!(parts.iter().flatten().all(|i| !fold.held_out.contains(i)));
            assert_eq!(parts[2], split.train(fold));
        }
    }

    #[test]
    fn sizes_are_kept_in_range() {
        let t = |size: TrainingSize, expected| assert_eq!(size.of(20), expected);
        t(TrainingSize::Share(0.25), 5);
        t(TrainingSize::Share(0.01), 2);
        t(TrainingSize::Count(7), 7);
        t(TrainingSize::Count(100), 20);
    }
}
