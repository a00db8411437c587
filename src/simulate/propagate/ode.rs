//! The fitted response over time.

use ndarray::Array2;

use super::{Change, LinearResponse};
use crate::simulate::{Dynamics, Law, Ode, SimulateError};

impl LinearResponse {
    /// Changes after each of these hours, hours x genes, log1p scale: the trajectory of [`LinearResponse::law`] from the
    /// state at rest. Genes that are knocked down or activated are held at their new level from time 0; a gene that is
    /// knocked out is no longer made, and what is there decays (half-life 9 h unless the law was given others). The end
    /// of a long trajectory is what [`LinearResponse::steady`] gives, where that is stable.
    ///
    /// # Errors
    /// [`SimulateError::BadOption`] for hours that do not ascend from 0.
    ///
    /// # Complexity
    /// That of [`Ode::trajectory`].
    pub fn trajectory(&self, law: &dyn Law, changes: &[Change], hours: &[f64]) -> Result<Array2<f64>, SimulateError> {
        // The number of molecules does not enter the mean dynamics.
        let states = Ode::new(Dynamics::new(law, 1.0))?.trajectory(&Self::forced(changes), None, hours)?;
        let mut out = Array2::zeros((hours.len(), self.genes.len()));
        for (mut row, state) in out.rows_mut().into_iter().zip(&states) {
            row.iter_mut().zip(self.to_log1p(state)).for_each(|(to, d)| *to = d);
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::data::GeneIndex;
    use crate::simulate::Solver;

    fn response() -> LinearResponse {
        let genes = GeneIndex::new(["A", "B", "C", "D"]).unwrap();
        let edges = [(0, 1, 0.6), (1, 2, -0.8), (2, 1, 0.2)];
        LinearResponse::new(Arc::new(genes), vec![3.0, 2.0, 1.5, 0.5], &edges).unwrap()
    }

    #[test]
    fn a_long_trajectory_ends_in_the_steady_state() {
        let response = response();
        let (law, _) = response.law().unwrap();
        for share in [0.0, 0.2, 4.0] {
            let changes = [response.change("A", share).unwrap()];
            let got = response.trajectory(&law, &changes, &[400.0]).unwrap();
            let expected = response.steady(&Solver::new(&law), &changes).unwrap();
            assert!(got.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-6), "{got}, steady {expected:?}");
        }
    }

    #[test]
    fn a_knocked_out_gene_decays_with_its_half_life() {
        let response = response();
        let (law, _) = response.law().unwrap();
        let changes = [response.change("A", 0.0).unwrap()];
        let got = response.trajectory(&law, &changes, &[0.0, 9.0, 18.0]).unwrap();
        let left = |share: f64| (3.0f64.exp_m1() * share).ln_1p() - 3.0;
        for (hour, share) in [1.0, 0.5, 0.25].into_iter().enumerate() {
            assert!((got[[hour, 0]] - left(share)).abs() < 1e-6, "{got}");
        }
        assert!(got.column(3).iter().all(|d| d.abs() < 1e-12));
    }
}
