//! Which perturbations a model may learn from.

use super::{DataError, Perturbation, gene::suggest};
use crate::stats::Rng;

/// One fold: the perturbations held out; all others train.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fold {
    /// Name of the fold, as given.
    pub name: String,
    /// Positions (in the list the split was made for) of the held-out perturbations, ascending.
    pub held_out: Vec<usize>,
}

/// A partition of perturbations into folds. Every perturbation is held out in one fold, or in none: then it always trains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Number of perturbations.
    pub n: usize,
    /// The folds.
    pub folds: Vec<Fold>,
}

/// The fold that is never held out.
const TRAIN: &str = "train";

impl Split {
    /// `k` folds of nearly equal size, drawn by `seed`.
    ///
    /// # Errors
    /// [`DataError::BadSplit`] for `k < 2` or fewer perturbations than folds.
    pub fn seeded(n: usize, k: usize, seed: u64) -> Result<Self, DataError> {
        if k < 2 || n < k {
            return Err(DataError::BadSplit {
                expected: "at least 2 folds and a perturbation for each".into(),
                got: format!("{k} folds of {n} perturbations"),
            });
        }
        let mut order: Vec<usize> = (0..n).collect();
        Rng::named(seed, "split").shuffle(&mut order);
        let folds = (0..k)
            .map(|f| {
                let mut held_out: Vec<usize> = order.iter().copied().skip(f).step_by(k).collect();
                held_out.sort_unstable();
                Fold { name: f.to_string(), held_out }
            })
            .collect();
        Ok(Self { n, folds })
    }

    /// The split of a fold table: label and fold per perturbation. Rows of the fold `train` are never held out; every other
    /// name is a fold, which is predicted from all the others.
    ///
    /// # Errors
    /// [`DataError::UnknownPerturbation`] for a label that the data lacks, [`DataError::BadSplit`] where a perturbation is
    /// missing, named twice, or nothing is held out or everything at once.
    pub fn from_labels(perturbations: &[Perturbation], rows: &[(String, String)]) -> Result<Self, DataError> {
        let labels: Vec<String> = perturbations.iter().map(ToString::to_string).collect();
        let position: std::collections::HashMap<&str, usize> =
            labels.iter().enumerate().map(|(i, l)| (l.as_str(), i)).collect();
        let mut fold_of: Vec<Option<&str>> = vec![None; labels.len()];
        for (label, fold) in rows {
            let canonical = Perturbation::parse(label, "ctrl")?.to_string();
            let Some(&i) = position.get(canonical.as_str()) else {
                let suggestions = suggest(label, labels.iter().map(String::as_str));
                return Err(DataError::UnknownPerturbation { label: label.clone(), suggestions });
            };
            if fold_of[i].replace(fold).is_some() {
                return Err(DataError::BadSplit {
                    expected: "each perturbation once".into(),
                    got: format!("`{label}` twice"),
                });
            }
        }
        if let Some(i) = fold_of.iter().position(Option::is_none) {
            let expected = format!("a fold for each of the {} perturbations", labels.len());
            return Err(DataError::BadSplit { expected, got: format!("none for `{}`", labels[i]) });
        }
        let mut names: Vec<&str> = fold_of.iter().flatten().copied().collect();
        names.sort_unstable();
        names.dedup();
        let folds = names.len();
        names.retain(|name| *name != TRAIN);
        if folds < 2 {
            return Err(DataError::BadSplit { expected: "at least 2 folds".into(), got: folds.to_string() });
        }
        let fold = |name: &&str| Fold {
            name: (*name).to_owned(),
            held_out: (0..labels.len()).filter(|&i| fold_of[i] == Some(*name)).collect(),
        };
        Ok(Self { n: labels.len(), folds: names.iter().map(fold).collect() })
    }

    /// Positions of the training perturbations of a fold, ascending.
    pub fn train(&self, fold: &Fold) -> Vec<usize> {
        (0..self.n).filter(|i| fold.held_out.binary_search(i).is_err()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_perturbation_is_held_out_exactly_once() {
        let split = Split::seeded(23, 5, 1).unwrap();
        let mut all: Vec<usize> = split.folds.iter().flat_map(|f| f.held_out.clone()).collect();
        all.sort_unstable();
        assert_eq!(all, (0..23).collect::<Vec<_>>());
        assert_eq!(split.train(&split.folds[0]).len() + split.folds[0].held_out.len(), 23);
        assert_eq!(split, Split::seeded(23, 5, 1).unwrap());
        assert_ne!(split, Split::seeded(23, 5, 2).unwrap());
    }

    #[test]
    fn training_rows_are_never_held_out() {
        let p = ["A", "B", "C"].map(|g| Perturbation::of([g]));
        let rows = |folds: [&str; 3]| {
            ["A", "B", "C"].iter().zip(folds).map(|(a, b)| ((*a).to_owned(), b.to_owned())).collect::<Vec<_>>()
        };
        let split = Split::from_labels(&p, &rows(["train", "test", "val"])).unwrap();
        let folds: Vec<(&str, &[usize])> = split.folds.iter().map(|f| (f.name.as_str(), &f.held_out[..])).collect();
        assert_eq!(folds, [("test", &[1][..]), ("val", &[2])]);
        assert_eq!(split.train(&split.folds[0]), [0, 2]);
        assert!(Split::from_labels(&p, &rows(["train"; 3])).is_err());
        assert!(Split::from_labels(&p, &rows(["test"; 3])).is_err());
    }

    #[test]
    fn a_fold_table_must_name_every_perturbation_once() {
        let p = [Perturbation::of(["A"]), Perturbation::of(["B"])];
        let row = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert!(Split::from_labels(&p, &[row("A", "0"), row("B", "1")]).is_ok());
        assert!(matches!(Split::from_labels(&p, &[row("A", "0")]), Err(DataError::BadSplit { .. })));
        assert!(matches!(Split::from_labels(&p, &[row("C", "0")]), Err(DataError::UnknownPerturbation { .. })));
    }
}
