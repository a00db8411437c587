//! Choosing among models where the choice itself is cross-validated.

use super::PredictError;
use super::cross_validate::{OutOfFold, Validation, cross_validate};
use crate::data::{Responses, Split};
use crate::train::Observer;
use ndarray::Array2;

/// How good predictions of all perturbations of a split are; larger is better, `None` where nothing can be said.
pub type Judge<'a> = &'a dyn Fn(&Responses, &Split, &Array2<f32>) -> Option<f64>;

/// A model with its settings, and its predictions in the outer folds.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// Model, settings and data. All candidates have the same responses and split.
    pub validation: Validation<'a>,
    /// What [`cross_validate`] returned for it.
    pub out_of_fold: &'a OutOfFold,
}

/// What was chosen for one outer fold.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// Name of the outer fold.
    pub fold: String,
    /// Position of the chosen candidate.
    pub chosen: usize,
    /// Inner score of each candidate.
    pub scores: Vec<Option<f64>>,
}

/// For each outer fold, cross-validates the candidates in `k` inner folds of its training part, and takes the outer
/// predictions of the best (the first among equals). What is held out in an outer fold takes no part in the choice
/// made for it, so the result is an honest estimate of "choose, then fit".
///
/// # Errors
/// As [`cross_validate`], and [`PredictError::Data`] where a training part has fewer perturbations than inner folds.
///
/// # Complexity
/// folds x k fits of every candidate.
pub fn select_nested(
    candidates: &[Candidate<'_>],
    k: usize,
    judge: Judge<'_>,
    observer: &mut dyn Observer,
) -> Result<Option<(OutOfFold, Vec<Choice>)>, PredictError> {
    let Some(first) = candidates.first() else { return Ok(None) };
    let outer = first.validation;
    let mut out = OutOfFold::empty(&outer);
    "nested".clone_into(&mut out.model);
    let mut choices = Vec::new();
    for fold in &outer.split.folds {
        let train = outer.responses.subset(&outer.split.train(fold));
        let inner = Split::seeded(train.len(), k, outer.seed)?;
        let mut scores = Vec::new();
        for candidate in candidates {
            let validation = Validation { responses: &train, split: &inner, ..candidate.validation };
            let predicted = cross_validate(&validation, observer)?;
            scores.push(judge(&train, &inner, &predicted.delta).filter(|s| s.is_finite()));
        }
        let chosen = best(&scores);
        out.copy_rows(&fold.held_out, candidates[chosen].out_of_fold);
        choices.push(Choice { fold: fold.name.clone(), chosen, scores });
    }
    Ok(Some((out, choices)))
}

/// Position of the largest score, the first among equals and where there is none.
fn best(scores: &[Option<f64>]) -> usize {
    let value = |i: usize| scores[i].unwrap_or(f64::NEG_INFINITY);
    (1..scores.len()).fold(0, |best, i| if value(i) > value(best) { i } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_equals_is_chosen() {
        let t = |scores: &[Option<f64>], expected| assert_eq!(best(scores), expected);
        t(&[Some(0.1), Some(0.3), Some(0.3)], 1);
        t(&[None, Some(-1.0)], 1);
        t(&[None, None], 0);
    }
}
