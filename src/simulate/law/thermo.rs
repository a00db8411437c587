//! Thermodynamic law: the production of a gene is a product over its regulators, frozen at the unperturbed state.

use std::sync::Arc;

use serde::Serialize;

use super::{Law, Levels, check_positive, power};
use crate::data::GeneIndex;
use crate::simulate::{Elasticity, SimulateError, Wiring, growth_rate};

mod draw;

/// Strengths, levels and rates to be drawn.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ThermoOptions {
    /// Hill coefficient of every link (2, as in SERGIO).
    pub hill: f64,
    /// Median fold by which a saturated regulator changes its target (our choice).
    pub fold: f64,
    /// Standard deviation of ln |ln f| over links.
    pub fold_sigma: f64,
    /// A gene with more regulators than this has each of them weakened by sqrt(this / regulators).
    pub full_strength: f64,
    /// Standard deviation of the ln level over genes.
    pub level_sigma: f64,
    /// How much lower (ln) a gene with repressors only is expressed than one with as many activators.
    pub level_shift: f64,
    /// Largest accepted real part of the elasticity matrix' eigenvalues; at 1 the unperturbed state loses stability.
    pub limit: f64,
    /// Median half-life of mRNA in hours (9 h: Schwanhausser et al. 2011, BNID 106378).
    pub half_life: f64,
    /// Standard deviation of the ln half-life over genes (our choice).
    pub half_life_sigma: f64,
    /// Share of genes with two or more regulators of which one pair acts together.
    pub epistasis: f64,
}

impl Default for ThermoOptions {
    fn default() -> Self {
        Self {
            hill: 2.0,
            fold: 2.1,
            fold_sigma: 0.5,
            full_strength: 3.0,
            level_sigma: 1.2,
            level_shift: 0.7,
            limit: 0.95,
            half_life: 9.0,
            half_life_sigma: 0.5,
            epistasis: 0.0,
        }
    }
}

/// Two regulators of a target that act together: a factor `1 + omega t_j t_k`, `t = u / (1 + u)` being the occupancy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Epistasis {
    /// The target.
    pub target: u32,
    /// The two regulators.
    pub pair: [u32; 2],
    /// Above 0: together they do more than the product of what they do alone; between -1 and 0: less.
    pub omega: f64,
}

/// The law of every gene: links by target (CSR), folds and levels.
///
/// `P_i = d_i x_i* prod_j g_ij(x_j) / g_ij(x_j*)`, `g = (1 + f u) / (1 + u)`, `u = (x_j / x_j*)^n`: f > 1 activates and
/// 0 < f < 1 represses. At the given levels x* all factors are 1, so they are a steady state by construction.
#[derive(Debug, Clone)]
pub struct Thermo {
    genes: Arc<GeneIndex>,
    /// Hill coefficient n.
    pub hill: f64,
    /// Unperturbed levels as shares of the total, length n_genes, sum 1.
    pub level: Vec<f64>,
    /// The growth rate of a small disturbance (largest real part of the eigenvalues of the elasticity matrix).
    pub growth: f64,
    decay: Vec<f64>,
    start: Vec<usize>,
    source: Vec<u32>,
    fold: Vec<f64>,
    epistasis: Vec<Epistasis>,
    regulators: Vec<u32>,
}

impl Thermo {
    /// A law with given folds, one per link of the wiring. All half-lives are 9 h; see [`Thermo::with_decay`].
    ///
    /// # Errors
    /// [`SimulateError::BadOption`] for folds, levels or a Hill coefficient that are not positive and finite.
    pub fn new(wiring: &Wiring, folds: &[f64], hill: f64, levels: &[f64]) -> Result<Self, SimulateError> {
        check_positive("fold", folds, wiring.links.len())?;
        check_positive("level", levels, wiring.genes.len())?;
        check_positive("hill", &[hill], 1)?;
        let mut order: Vec<usize> = (0..folds.len()).collect();
        order.sort_by_key(|&k| (wiring.links[k].target, wiring.links[k].source));
        let mut start = vec![0; wiring.genes.len() + 1];
        wiring.links.iter().for_each(|l| start[l.target.index() + 1] += 1);
        (0..wiring.genes.len()).for_each(|i| start[i + 1] += start[i]);
        let degrees = wiring.out_degrees();
        let total: f64 = levels.iter().sum();
        let mut law = Self {
            genes: Arc::clone(&wiring.genes),
            hill,
            level: levels.iter().map(|x| x / total).collect(),
            growth: 0.0,
            decay: vec![std::f64::consts::LN_2 / 9.0; wiring.genes.len()],
            start,
            source: order.iter().map(|&k| wiring.links[k].source.0).collect(),
            fold: order.iter().map(|&k| folds[k]).collect(),
            epistasis: Vec::new(),
            regulators: (0..degrees.len() as u32).filter(|&i| degrees[i as usize] > 0).collect(),
        };
        law.growth = growth_rate(&Elasticity::at(&law, law.baseline()));
        Ok(law)
    }

    /// The same law with these decay rates per hour, one per gene. Steady states do not depend on them.
    ///
    /// # Errors
    /// [`SimulateError::BadOption`].
    pub fn with_decay(self, decay: Vec<f64>) -> Result<Self, SimulateError> {
        check_positive("decay", &decay, self.genes.len())?;
        Ok(Self { decay, ..self })
    }

    /// The same law with pairs of regulators that act together.
    ///
    /// # Errors
    /// [`SimulateError::BadOption`] for an omega of -1 or less, and for genes that are not regulators of the target.
    pub fn with_epistasis(mut self, mut pairs: Vec<Epistasis>) -> Result<Self, SimulateError> {
        for pair in &pairs {
            if !(pair.omega.is_finite() && pair.omega > -1.0) {
                return Err(SimulateError::option("omega", "a finite number above -1", pair.omega));
            }
            let known = (pair.target as usize) < self.n_genes()
                && pair.pair.iter().all(|j| self.regulators_of(pair.target as usize).contains(j));
            if !known {
                return Err(SimulateError::option("epistasis", "two regulators of the target", format!("{pair:?}")));
            }
        }
        pairs.sort_by_key(|p| (p.target, p.pair));
        self.epistasis = pairs;
        self.growth = growth_rate(&Elasticity::at(&self, self.baseline()));
        Ok(self)
    }

    /// Pairs of regulators that act together, by target.
    pub fn epistasis(&self) -> &[Epistasis] {
        &self.epistasis
    }

    /// Regulators and folds of a gene.
    pub fn inputs(&self, gene: usize) -> impl Iterator<Item = (u32, f64)> + '_ {
        let range = self.start[gene]..self.start[gene + 1];
        self.source[range.clone()].iter().copied().zip(self.fold[range].iter().copied())
    }

    fn pairs_of(&self, gene: usize) -> &[Epistasis] {
        let start = self.epistasis.partition_point(|p| (p.target as usize) < gene);
        let end = start + self.epistasis[start..].partition_point(|p| p.target as usize == gene);
        &self.epistasis[start..end]
    }

    fn occupancy(&self, gene: u32, level: f64) -> f64 {
        let u = power(level / self.level[gene as usize], self.hill);
        if u.is_finite() { u / (1.0 + u) } else { 1.0 }
    }
}

impl Law for Thermo {
    fn name(&self) -> &'static str {
        "thermo"
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
        out.fill(self.decay[gene] * self.level[gene]);
        for (source, fold) in self.inputs(gene) {
            let (scale, per_level) = (2.0 / (1.0 + fold), 1.0 / self.level[source as usize]);
            for (made, &x) in out.iter_mut().zip(levels.of(source as usize)) {
                let u = power(x * per_level, self.hill);
                *made *= scale * (1.0 + fold * u) / (1.0 + u);
            }
        }
        for p in self.pairs_of(gene) {
            let [first, second] = p.pair.map(|j| levels.of(j as usize));
            for ((made, &a), &b) in out.iter_mut().zip(first).zip(second) {
                let both = self.occupancy(p.pair[0], a) * self.occupancy(p.pair[1], b);
                *made *= (1.0 + p.omega * both) / (1.0 + p.omega / 4.0);
            }
        }
    }

    /// `n u (f - 1) / ((1 + u)(1 + f u))`, at rest `n (f - 1) / (2 (1 + f))`; exact.
    fn elasticities(&self, gene: usize, levels: &[f64], out: &mut [f64]) {
        for (to, (source, fold)) in out.iter_mut().zip(self.inputs(gene)) {
            let occupied = self.occupancy(source, levels[source as usize]);
            // (f - 1) u / (1 + f u) in terms of t = u / (1 + u), which stays finite for any u.
            *to = self.hill * (fold - 1.0) * occupied * (1.0 - occupied) / (1.0 + (fold - 1.0) * occupied);
        }
        for p in self.pairs_of(gene) {
            let t = p.pair.map(|j| self.occupancy(j, levels[j as usize]));
            let both = p.omega * t[0] * t[1] / (1.0 + p.omega * t[0] * t[1]);
            for (to, source) in out.iter_mut().zip(self.regulators_of(gene)) {
                if let Some(k) = p.pair.iter().position(|j| j == source) {
                    *to += self.hill * both * (1.0 - t[k]);
                }
            }
        }
    }

    fn edge_parameters(&self) -> &'static [&'static str] {
        &["fold", "half", "hill"]
    }

    fn edge(&self, gene: usize, k: usize) -> Vec<f64> {
        let at = self.start[gene] + k;
        vec![self.fold[at], self.level[self.source[at] as usize], self.hill]
    }

    fn regulators(&self) -> Vec<u32> {
        self.regulators.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn law() -> Thermo {
        let wiring = Wiring::parse("header\nA\tC\t+\t1\nB\tC\t-\t1\nC\tD\t+\t1\n", "test").unwrap();
        Thermo::new(&wiring, &[4.0, 0.25, 3.0], 2.0, &[1.0, 2.0, 3.0, 4.0]).unwrap()
    }

    fn production(law: &Thermo, gene: usize, levels: &[f64]) -> f64 {
        let mut out = [0.0];
        law.production(gene, Levels::new(levels, 1), &mut out);
        out[0]
    }

    #[test]
    fn the_unperturbed_state_is_steady() {
        for law in [law(), with_pair(2.0), with_pair(-0.5)] {
            for gene in 0..4 {
                let made = production(&law, gene, law.baseline());
                assert!((made / (law.decay()[gene] * law.baseline()[gene]) - 1.0).abs() < 1e-15);
            }
        }
    }

    fn with_pair(omega: f64) -> Thermo {
        law().with_epistasis(vec![Epistasis { target: 2, pair: [0, 1], omega }]).unwrap()
    }

    #[test]
    fn a_pair_that_acts_together_does_more_than_the_product() {
        let ratio = |law: &Thermo, a: f64, b: f64| {
            let mut x = law.baseline().to_vec();
            (x[0], x[1]) = (x[0] * a, x[1] * b);
            production(law, 2, &x) / production(law, 2, law.baseline())
        };
        let product = |law: &Thermo| ratio(law, 3.0, 1.0) * ratio(law, 1.0, 3.0);
        assert!((ratio(&law(), 3.0, 3.0) / product(&law()) - 1.0).abs() < 1e-12);
        assert!(ratio(&with_pair(2.0), 3.0, 3.0) > product(&with_pair(2.0)) * 1.05);
        assert!(ratio(&with_pair(-0.5), 3.0, 3.0) > 0.0);
        // By hand: u = 9, t = 0.9 each; (1 + 2 x 0.81) / 1.5 on top of the two factors.
        let alone = ratio(&law(), 3.0, 3.0);
        assert!((ratio(&with_pair(2.0), 3.0, 3.0) / alone - (1.0 + 2.0 * 0.81) / 1.5).abs() < 1e-12);
    }

    /// A law whose elasticities are left to central differences.
    #[derive(Debug)]
    struct Numeric(Thermo);

    impl Law for Numeric {
        fn name(&self) -> &'static str {
            self.0.name()
        }
        fn genes(&self) -> &Arc<GeneIndex> {
            self.0.genes()
        }
        fn regulators_of(&self, gene: usize) -> &[u32] {
            self.0.regulators_of(gene)
        }
        fn baseline(&self) -> &[f64] {
            self.0.baseline()
        }
        fn decay(&self) -> &[f64] {
            self.0.decay()
        }
        fn production(&self, gene: usize, levels: Levels<'_>, out: &mut [f64]) {
            self.0.production(gene, levels, out);
        }
        fn edge_parameters(&self) -> &'static [&'static str] {
            self.0.edge_parameters()
        }
        fn edge(&self, gene: usize, k: usize) -> Vec<f64> {
            self.0.edge(gene, k)
        }
    }

    #[test]
    fn elasticities_are_the_slopes_of_production() {
        for law in [law(), with_pair(2.0), with_pair(-0.5)] {
            for factor in [1.0, 0.2, 5.0] {
                let levels: Vec<f64> = law.baseline().iter().map(|x| x * factor).collect();
                let (mut exact, mut numeric) = ([0.0; 2], [0.0; 2]);
                law.elasticities(2, &levels, &mut exact);
                Numeric(law.clone()).elasticities(2, &levels, &mut numeric);
                for (exact, numeric) in exact.iter().zip(numeric) {
                    assert!((exact - numeric).abs() < 1e-9, "{exact}, by differences {numeric}");
                }
            }
        }
        let mut at_rest = [0.0; 2];
        law().elasticities(2, law().baseline(), &mut at_rest);
        // n (f - 1) / (2 (1 + f)) at n = 2: 3/5 for f = 4 and -3/5 for f = 1/4.
        assert!((at_rest[0] - 0.6).abs() < 1e-15 && (at_rest[1] + 0.6).abs() < 1e-15);
    }

    #[test]
    fn pairs_are_checked() {
        let t = |target, pair, omega| assert!(law().with_epistasis(vec![Epistasis { target, pair, omega }]).is_err());
        t(2, [0, 1], -1.0);
        t(2, [0, 3], 1.0);
        t(9, [0, 1], 1.0);
    }
}
