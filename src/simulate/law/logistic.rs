//! Logistic law: production is a sigmoid of the summed input of the regulators (Aguirre et al. 2025, PLOS Comput Biol 21(9)).

use std::sync::Arc;

use super::{Law, Levels, check_positive};
use crate::data::GeneIndex;
use crate::simulate::{SimulateError, Solver, Wiring};

mod draw;
mod read;

/// `dx_i/dt = sigmoid(alpha_i + sum_j beta_ij x_j) - lambda_i x_i`, an hour being one unit of the published time.
///
/// The unperturbed levels are those that the law settles in from `sigmoid(alpha_i) / lambda_i`, the levels without any
/// regulator. The published knockout sets the regulator's out-edges to 0, which is the same as holding its level at 0
/// ([`crate::simulate::Forcing::Absent`]) but for what becomes of the regulator itself.
#[derive(Debug, Clone)]
pub struct Logistic {
    genes: Arc<GeneIndex>,
    alpha: Vec<f64>,
    decay: Vec<f64>,
    level: Vec<f64>,
    start: Vec<usize>,
    source: Vec<u32>,
    beta: Vec<f64>,
}

impl Logistic {
    /// A law with given slopes `betas` (one per link of the wiring, of either sign), intercepts and decay rates (one per
    /// gene). The signs of the wiring are not read.
    ///
    /// # Errors
    /// [`SimulateError::BadOption`] for values out of range, [`SimulateError::Unconverged`] where no steady state is found.
    pub fn new(wiring: &Wiring, betas: &[f64], alpha: Vec<f64>, decay: Vec<f64>) -> Result<Self, SimulateError> {
        let ends: Vec<(u32, u32)> = wiring.links.iter().map(|l| (l.source.0, l.target.0)).collect();
        Self::of_edges(Arc::clone(&wiring.genes), &ends, betas, alpha, decay)
    }

    /// As [`Logistic::new`] from pairs of source and target, a gene's own included.
    fn of_edges(
        genes: Arc<GeneIndex>,
        ends: &[(u32, u32)],
        betas: &[f64],
        alpha: Vec<f64>,
        decay: Vec<f64>,
    ) -> Result<Self, SimulateError> {
        let n = genes.len();
        check_finite("beta", betas, ends.len())?;
        check_finite("alpha", &alpha, n)?;
        check_positive("lambda", &decay, n)?;
        let mut order: Vec<usize> = (0..ends.len()).collect();
        order.sort_by_key(|&k| (ends[k].1, ends[k].0));
        let mut start = vec![0; n + 1];
        ends.iter().for_each(|&(_, target)| start[target as usize + 1] += 1);
        (0..n).for_each(|i| start[i + 1] += start[i]);
        let level: Vec<f64> = alpha.iter().zip(&decay).map(|(a, d)| sigmoid(*a) / d).collect();
        let (source, beta) = order.iter().map(|&k| (ends[k].0, betas[k])).unzip();
        let mut law = Self { genes, alpha, decay, level, start, source, beta };
        law.level = Solver::new(&law).settle(&law.level, "the unperturbed state")?;
        Ok(law)
    }

    /// Intercepts: the logit of what a gene makes without regulators. Length n_genes.
    pub fn alpha(&self) -> &[f64] {
        &self.alpha
    }

    fn inputs(&self, gene: usize) -> impl Iterator<Item = (u32, f64)> + '_ {
        let range = self.start[gene]..self.start[gene + 1];
        self.source[range.clone()].iter().copied().zip(self.beta[range].iter().copied())
    }
}

impl Law for Logistic {
    fn name(&self) -> &'static str {
        "logistic"
    }

    fn genes(&self) -> &Arc<GeneIndex> {
        &self.genes
    }

    fn regulators_of(&self, gene: usize) -> &[u32] {
        &self.source[self.start[gene]..self.start[gene + 1]]
    }

    fn baseline(&self) -> &[f64] {
        &self.level
    }

    fn decay(&self) -> &[f64] {
        &self.decay
    }

    fn production(&self, gene: usize, levels: Levels<'_>, out: &mut [f64]) {
        out.fill(self.alpha[gene]);
        for (source, beta) in self.inputs(gene) {
            out.iter_mut().zip(levels.of(source as usize)).for_each(|(sum, x)| *sum += beta * x);
        }
        out.iter_mut().for_each(|sum| *sum = sigmoid(*sum));
    }

    /// `beta_ij x_j (1 - P_i)`; exact.
    fn elasticities(&self, gene: usize, levels: &[f64], out: &mut [f64]) {
        let mut made = [0.0];
        self.production(gene, Levels::new(levels, 1), &mut made);
        for (to, (source, beta)) in out.iter_mut().zip(self.inputs(gene)) {
            *to = beta * levels[source as usize] * (1.0 - made[0]);
        }
    }

    fn edge_parameters(&self) -> &'static [&'static str] {
        &["beta"]
    }

    fn edge(&self, gene: usize, k: usize) -> Vec<f64> {
        vec![self.beta[self.start[gene] + k]]
    }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn check_finite(name: &'static str, values: &[f64], n: usize) -> Result<(), SimulateError> {
    if values.len() != n {
        return Err(SimulateError::option(name, format!("{n} values"), values.len()));
    }
    match values.iter().find(|x| !x.is_finite()) {
        Some(value) => Err(SimulateError::option(name, "a finite number", value)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::{Elasticity, Forcing, TopologyOptions, generate};

    const EDGES: &str = "source\ttarget\tbeta\n0\t1\t2.0\n1\t2\t-3.0\n2\t0\t1.0\n";
    const NODES: &str = "# alpha\tlambda\n-1.0\t0.9\n-1.5\t0.8\n0.5\t1.0\n";

    #[test]
    fn the_unperturbed_state_is_steady() {
        let law = Logistic::parse(EDGES, "e.tsv", NODES, "n.tsv").unwrap();
        for gene in 0..3 {
            let mut made = [0.0];
            law.production(gene, Levels::new(law.baseline(), 1), &mut made);
            assert!((made[0] / (law.decay()[gene] * law.baseline()[gene]) - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn a_knockout_is_what_zeroed_out_edges_make() {
        let law = Logistic::parse(EDGES, "e.tsv", NODES, "n.tsv").unwrap();
        let solver = Solver::new(&law);
        let y = solver.solve(&[(0, Forcing::Absent)], None, "G0").unwrap().log_ratio;
        // By hand: x1 = sigmoid(-1.5) / 0.8, then x2 = sigmoid(0.5 - 3 x1).
        let x1 = sigmoid(-1.5) / 0.8;
        let x2 = sigmoid(0.5 - 3.0 * x1);
        assert!((y[1] - (x1 / law.baseline()[1]).ln()).abs() < 1e-12);
        assert!((y[2] - (x2 / law.baseline()[2]).ln()).abs() < 1e-12);
    }

    #[test]
    fn elasticities_are_the_slopes_of_production() {
        let law = Logistic::parse(EDGES, "e.tsv", NODES, "n.tsv").unwrap();
        for factor in [0.3, 1.0, 3.0] {
            let levels: Vec<f64> = law.baseline().iter().map(|x| x * factor).collect();
            let exact = Elasticity::at(&law, &levels);
            for gene in 0..3 {
                let (source, got) = exact.row(gene).next().unwrap();
                let ln_made = |step: f64| {
                    let mut at = levels.clone();
                    at[source as usize] *= step.exp();
                    let mut made = [0.0];
                    law.production(gene, Levels::new(&at, 1), &mut made);
                    made[0].ln()
                };
                let numeric = (ln_made(1e-5) - ln_made(-1e-5)) / 2e-5;
                assert!((got - numeric).abs() < 1e-8, "{got}, by differences {numeric}");
            }
        }
    }

    #[test]
    fn lanes_are_computed_apart() {
        let law = Logistic::parse(EDGES, "e.tsv", NODES, "n.tsv").unwrap();
        let mut both = [0.0; 2];
        law.production(1, Levels::new(&[0.2, 0.4, 0.0, 0.0, 0.0, 0.0], 2), &mut both);
        assert_eq!(both, [sigmoid(-1.5 + 2.0 * 0.2), sigmoid(-1.5 + 2.0 * 0.4)]);
    }

    #[test]
    fn drawn_laws_have_the_published_ranges() {
        let wiring = generate(&TopologyOptions { genes: 1500, ..TopologyOptions::default() }, 2).unwrap();
        let law = Logistic::draw(&wiring, 5).unwrap();
        // lambda is at least 1 - basal, so a gene without input never exceeds 1 by much.
        for (alpha, lambda) in law.alpha.iter().zip(&law.decay) {
            assert!(*lambda >= 1.0 - sigmoid(*alpha) - 1e-12 && *lambda <= 1.0);
        }
        let mut signs: Vec<(u32, u32, bool)> =
            wiring.links.iter().map(|l| (l.target.0, l.source.0, l.activates)).collect();
        signs.sort_unstable();
        assert!(law.beta.iter().zip(&signs).all(|(b, (_, _, activates))| (*b > 0.0) == *activates && b.abs() >= 1.0));
        // |beta| - 1 is half normal: mean sqrt(2 / pi), variance 1 - 2 / pi = 0.36; within 4 standard errors.
        let n = law.beta.len() as f64;
        let mean = law.beta.iter().map(|b| b.abs() - 1.0).sum::<f64>() / n;
        assert!((mean - (2.0 / std::f64::consts::PI).sqrt()).abs() < 4.0 * (0.36 / n).sqrt(), "{mean}");
        // The mean of a Beta(2, 8) draw is 0.2.
        let basal = law.alpha.iter().map(|a| sigmoid(*a)).sum::<f64>() / 1500.0;
        assert!((basal - 0.2).abs() < 0.015, "{basal}");
    }
}
