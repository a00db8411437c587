//! What a reader of scores should know about the files: nothing here changes a score.

use super::{Comparison, Controls, LogCells, ScoreError, metric};
use crate::error::{Notice, some_of};

/// Mean absolute difference of control means (log1p) from which the controls of two files count as others.
const OTHER_CONTROLS: f64 = 1e-3;
/// A gain in discrimination that is looked into, and the share of it that must remain where size does not count.
const GAIN: f64 = 0.05;
const REMAINS: f64 = 0.25;

/// Notices for a prediction without variance, for controls that differ and for a gain that is one of scale.
///
/// # Errors
/// [`crate::data::DataError::Temporary`].
pub fn checks(
    pred: &LogCells,
    prediction: &Comparison,
    baseline: &Comparison,
    controls: Controls,
) -> Result<Vec<Notice>, ScoreError> {
    let found = [without_variance(pred)?, other_controls(prediction, controls), gain_of_scale(prediction, baseline)?];
    Ok(found.into_iter().flatten().collect())
}

fn without_variance(pred: &LogCells) -> Result<Option<Notice>, ScoreError> {
    let labels = pred.constant_labels()?;
    let text = || {
        format!(
            "the predicted cells of {} of {} perturbations are all alike ({}): tests against the control then find most \
             genes significant, and metrics of differential expression mean little",
            labels.len(),
            pred.labels.len(),
            some_of(&labels, 3)
        )
    };
    Ok((!labels.is_empty()).then(|| Notice::new(text())))
}

fn other_controls(c: &Comparison, controls: Controls) -> Option<Notice> {
    if controls == Controls::Real {
        return None;
    }
    let (real, pred) = (&c.real.control, &c.pred.control);
    let difference = real.iter().zip(pred).map(|(r, p)| (r - p).abs()).sum::<f64>() / real.len().max(1) as f64;
    let text = || {
        format!(
            "the control cells of the two files differ (by {difference:.3} log1p per gene on average) and predicted changes \
             are taken against the predicted ones: shifting these changes scores; `--control real` is safe from that"
        )
    };
    (difference > OTHER_CONTROLS).then(|| Notice::new(text()))
}

/// Discrimination by Manhattan distance rewards changes of the right size, whatever their direction; by cosine it does not
/// see size. A gain in the first that the second does not share is one of scale (Liu et al. 2025, arXiv 2511.16954).
fn gain_of_scale(prediction: &Comparison, baseline: &Comparison) -> Result<Option<Notice>, ScoreError> {
    let gain = |name: &str| {
        let mean = |c: &Comparison| {
            let values = metric(name).map_or(Ok(Vec::new()), |m| (m.evaluate)(c))?;
            Ok::<f64, ScoreError>(values.iter().flatten().sum::<f64>() / values.len().max(1) as f64)
        };
        Ok::<f64, ScoreError>(mean(prediction)? - mean(baseline)?)
    };
    let by_size = gain("discrimination_score_l1")?;
    if by_size < GAIN {
        return Ok(None);
    }
    let by_direction = gain("discrimination_score_cosine")?;
    let text = format!(
        "discrimination gains {by_size:.3} over the baseline by Manhattan distance but {by_direction:.3} by cosine: the gain \
         is one of the size of changes, not of their direction"
    );
    Ok((by_direction < REMAINS * by_size).then(|| Notice::new(text)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::data::{CellTable, Condition, Csr, Expression, GeneIndex, Perturbation, Scale, Screen};
    use crate::score::{DeOptions, Needs, Side};

    /// Two cells per label around the given log1p profiles, the control first; `spread` is added to the second cell.
    fn cells(profiles: &[[f32; 3]], spread: f32) -> LogCells {
        let mut x = Csr::empty(3);
        for profile in profiles {
            x.push_row((0..).zip(profile.iter().copied()));
            x.push_row((0..).zip(profile.iter().map(|v| v + spread)));
        }
        let genes = Arc::new(GeneIndex::new(["X", "Y", "Z"]).unwrap());
        let names = ["", "", "A", "A", "B", "B", "C", "C"];
        let conditions = names[..2 * profiles.len()].iter().map(|n| Some(Condition::of(Perturbation::of([n]))));
        let expression = Expression::new(genes, x, Scale::Log1p).unwrap();
        LogCells::new(&Screen::new(expression, CellTable::new(conditions)).unwrap()).unwrap()
    }

    fn notices(real: &LogCells, pred: &LogCells, controls: Controls) -> Vec<String> {
        let de = DeOptions::default();
        let [truth, constant] = Side::of_cells_and_baseline(real, &de, Needs::Means).unwrap();
        let baseline = Comparison::new(truth.clone(), constant).unwrap();
        let prediction = Comparison::new(truth, Side::of_cells(pred, &de, Needs::Means).unwrap()).unwrap();
        checks(pred, &prediction, &baseline, controls).unwrap().iter().map(ToString::to_string).collect()
    }

    const REAL: [[f32; 3]; 4] = [[1.0, 1.0, 1.0], [0.5, 2.0, 1.0], [1.0, 0.5, 2.0], [2.0, 1.0, 0.5]];

    #[test]
    fn a_good_prediction_raises_no_notice() {
        let real = cells(&REAL, 0.1);
        assert_eq!(notices(&real, &real, Controls::Pred), [""; 0]);
    }

    #[test]
    fn cells_that_are_all_alike_are_named() {
        let found = notices(&cells(&REAL, 0.1), &cells(&REAL, 0.0), Controls::Real);
        assert!(found.len() == 1 && found[0].contains("3 of 3 perturbations are all alike"), "{found:?}");
    }

    #[test]
    fn other_controls_are_named_where_they_count() {
        let mut other = REAL;
        other[0] = [1.5, 1.0, 1.0];
        let (real, pred) = (cells(&REAL, 0.1), cells(&other, 0.1));
        assert!(notices(&real, &pred, Controls::Pred)[0].contains("control cells of the two files differ"));
        assert!(notices(&real, &pred, Controls::Real).iter().all(|n| !n.contains("control cells")));
    }

    #[test]
    fn a_gain_that_only_scale_explains_is_named() {
        // Changes differ in size only: sizes tell them apart, directions do not.
        let along = |k: f32| [1.0 + k, 1.0, 1.0 + 0.9 * k];
        let away = |k: f32| [1.0 + k, 1.0 + 0.9 * k, 1.0];
        let real = cells(&[along(0.0), along(0.5), along(2.0), along(8.0)], 0.01);
        let pred = cells(&[along(0.0), along(0.6), along(1.9), along(7.0)], 0.01);
        assert!(notices(&real, &pred, Controls::Real)[0].contains("not of their direction"));
        let real = cells(&[along(0.0), along(2.0), away(2.0), away(-1.0)], 0.01);
        assert_eq!(notices(&real, &real, Controls::Real), [""; 0]);
    }
}
