//! The fitted response as a law with saturation: steady states.

use super::{Change, LinearResponse};
use crate::error::Notice;
use crate::simulate::{Forcing, Link, SimulateError, Solver, Thermo, Wiring};

/// Hill coefficient of the law.
const HILL: f64 = 2.0;
/// Largest elasticity of an edge, as a share of the n / 2 that no fold reaches.
const STEEPEST: f64 = 0.98;
/// Level of a gene that no control cell expresses: a law has no levels of 0.
const LEAST: f64 = 1e-6;

impl LinearResponse {
    /// The thermodynamic law whose levels at rest are those of the control (expm1 of mean log1p) and whose elasticities at
    /// rest are the coefficients: an edge has the fold `(1 + 2 B / n) / (1 - 2 B / n)`, n = 2. Coefficients of 0.98 or more
    /// in modulus are cut to that, and a notice says how many; edges of 0 are left out.
    ///
    /// Coefficients are slopes of log1p levels and elasticities of log levels: the two agree for well expressed genes.
    /// Levels of the law are shares of their total, and those of genes not expressed in the control are 1e-6.
    ///
    /// # Errors
    /// As [`Thermo::new`].
    pub fn law(&self) -> Result<(Thermo, Vec<Notice>), SimulateError> {
        let limit = STEEPEST * HILL / 2.0;
        let (mut links, mut folds, mut cut) = (Vec::new(), Vec::new(), 0);
        for target in 0..self.genes.len() as u32 {
            for (source, b) in self.inputs(target as usize).filter(|(_, b)| *b != 0.0) {
                cut += usize::from(b.abs() > limit);
                let slope = 2.0 * b.clamp(-limit, limit) / HILL;
                folds.push((1.0 + slope) / (1.0 - slope));
                let (source, target) = (crate::data::GeneId(source), crate::data::GeneId(target));
                links.push(Link { source, target, activates: b > 0.0, weight: 1.0 });
            }
        }
        let levels: Vec<f64> = self.rest.iter().map(|x| x.exp_m1().max(LEAST)).collect();
        let (n, wiring) = (links.len(), Wiring { genes: self.genes.clone(), links });
        let notice =
            || Notice::new(format!("{cut} of {n} coefficients were cut to {limit} in modulus, what saturation allows"));
        Ok((Thermo::new(&wiring, &folds, HILL, &levels)?, (cut > 0).then(notice).into_iter().collect()))
    }

    /// Changes per gene at the steady state of [`LinearResponse::law`] (`solver` is of that law) with the perturbed genes
    /// held at what was done to them, log1p scale.
    ///
    /// # Errors
    /// [`SimulateError::Unconverged`].
    pub fn steady(&self, solver: &Solver<'_>, changes: &[Change]) -> Result<Vec<f64>, SimulateError> {
        let steady = solver.solve(&Self::forced(changes), None, &self.label(changes))?;
        Ok(self.to_log1p(&steady.log_ratio))
    }

    /// What the changes are to a solver.
    pub fn forced(changes: &[Change]) -> Vec<(u32, Forcing)> {
        let forcing = |share: f64| if share == 0.0 { Forcing::Absent } else { Forcing::Clamp(share.ln()) };
        changes.iter().map(|c| (c.gene.0, forcing(c.share))).collect()
    }

    /// Changes on the log1p scale of ln(level / level at rest), one per gene.
    pub fn to_log1p(&self, log_ratio: &[f64]) -> Vec<f64> {
        let change = |(y, x): (&f64, &f64)| (x.exp_m1() * y.exp()).ln_1p() - x;
        log_ratio.iter().zip(&self.rest).map(change).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::data::{GeneId, GeneIndex};
    use crate::simulate::{Elasticity, Law};

    fn response(edges: &[(u32, u32, f64)]) -> LinearResponse {
        let genes = GeneIndex::new(["A", "B", "C", "D"]).unwrap();
        // Well expressed, so that log1p is nearly log; D is not expressed.
        LinearResponse::new(Arc::new(genes), vec![12.0, 11.0, 13.0, 0.0], edges).unwrap()
    }

    #[test]
    fn elasticities_at_rest_are_the_coefficients() {
        let response = response(&[(0, 1, 0.6), (1, 2, -0.9), (2, 0, 0.3)]);
        let (law, notices) = response.law().unwrap();
        assert!(notices.is_empty());
        let at_rest = Elasticity::at(&law, law.baseline());
        for gene in 0..4 {
            let expected: Vec<(u32, f64)> = response.inputs(gene).collect();
            let got: Vec<(u32, f64)> = at_rest.row(gene).collect();
            assert!(got.len() == expected.len());
            assert!(got.iter().zip(&expected).all(|(a, b)| a.0 == b.0 && (a.1 - b.1).abs() < 1e-12), "{got:?}");
        }
    }

    #[test]
    fn small_changes_agree_with_the_linear_rule_and_large_ones_saturate() {
        let response = response(&[(0, 1, 0.6), (1, 2, -0.9), (2, 0, 0.3), (2, 1, 0.2)]);
        let (law, _) = response.law().unwrap();
        let solver = Solver::new(&law);
        let t = |share: f64| {
            let changes = [response.change("A", share).unwrap()];
            (response.steady(&solver, &changes).unwrap(), response.linear(&changes).unwrap())
        };
        let ((up, linear), (down, _)) = (t(1.001), t(1.0 / 1.001));
        for gene in 0..4 {
            // Half the difference, so that curvature cancels.
            let got = (up[gene] - down[gene]) / 2.0;
            assert!((got - linear[gene]).abs() < 1e-4 * linear[0], "{got}, linear {}", linear[gene]);
        }
        let (gone, linear) = t(0.0);
        assert!((gone[0] + 12.0).abs() < 1e-9 && gone[1].abs() < linear[1].abs() && gone[3] == 0.0);
    }

    #[test]
    fn steep_coefficients_are_cut_and_said_so() {
        let (law, notices) = response(&[(0, 1, 1.7), (1, 2, 0.0)]).law().unwrap();
        assert_eq!(notices.len(), 1);
        assert_eq!(law.n_edges(), 1);
        assert!((law.edge(1, 0)[0] - 1.98 / 0.02).abs() < 1e-9);
    }

    #[test]
    fn a_gene_without_targets_changes_alone() {
        let response = response(&[(0, 1, 0.5)]);
        let (law, _) = response.law().unwrap();
        let changes = [Change { gene: GeneId(2), share: 0.5 }];
        let got = response.steady(&Solver::new(&law), &changes).unwrap();
        assert!((got[2] - 0.5f64.ln()).abs() < 1e-5 && got[0] == 0.0 && got[1] == 0.0 && got[3] == 0.0);
    }
}
