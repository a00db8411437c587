//! What training perturbations do to their own targets.

use crate::data::{GeneId, Responses};

/// The change of each measured target under its own perturbation, in order.
fn own_changes(responses: &Responses) -> impl Iterator<Item = f32> + '_ {
    responses.delta.outer_iter().zip(&responses.perturbations).flat_map(|(row, perturbation)| {
        let genes = perturbation.targets().iter().filter_map(|t| responses.genes.resolve(t)).map(GeneId::index);
        genes.map(|g| row[g]).collect::<Vec<_>>()
    })
}

/// 1 where most training perturbations raise their measured targets (activation), -1 where most lower them (knockdown);
/// `None` where as many do either, or none is measured.
pub(super) fn direction(responses: &Responses) -> Option<f32> {
    let balance: i64 = own_changes(responses).map(|v| i64::from(v > 0.0) - i64::from(v < 0.0)).sum();
    (balance != 0).then_some(if balance > 0 { 1.0 } else { -1.0 })
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::super::fixture::Fixture;
    use super::*;

    #[test]
    fn the_majority_of_own_changes_decides() {
        let t = |perturbations: &[&str], expected: Option<f32>| {
            let delta = array![[-1.0, 5.0], [2.0, 3.0], [4.0, -2.0]];
            let fixture = Fixture::new(&["A", "B"], perturbations, delta);
            assert_eq!(direction(&fixture.responses), expected);
        };
        t(&["A", "A+B", "X"], Some(1.0));
        t(&["A", "X", "B"], Some(-1.0));
        t(&["A", "B", "X"], None);
        t(&["X", "Y", "Z"], None);
    }
}
