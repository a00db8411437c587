//! Boolean law: rules turned into thermodynamic production (BoolODE: Pratapa et al. 2020, Nat Methods 17:147).

use std::sync::Arc;

use serde::Serialize;
use smallvec::SmallVec;

use super::{Law, Levels, check_positive};
use crate::data::GeneIndex;
use crate::simulate::SimulateError;

mod rule;
mod rules;
mod settle;

pub use self::rule::Rule;
pub use self::rules::Rules;

/// Constants of the Boolean law.
///
/// BoolODE follows mRNA, `dx/dt = m f(p) - l_x x`, and protein, `dp/dt = r x - l_p p`, with m = 20, l_x = 10, r = 10 and
/// l_p = 1. The law has one level, the protein, with the mRNA at the value it would rest at, `x = m f / l_x`: so
/// `dp/dt = (r m / l_x) f(p) - l_p p`, which has the same steady states. Levels of mRNA are those of the protein times
/// l_p / r. One unit of BoolODE's time counts as an hour.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BooleanOptions {
    /// Level of a gene whose rule holds: `r m / (l_x l_p)` = 20.
    pub most: f64,
    /// Level at which a regulator acts by half, as a share of the largest.
    pub threshold: f64,
    /// Hill coefficient of every regulator.
    pub hill: f64,
    /// Decay rate per hour, l_p.
    pub decay: f64,
    /// Share of the largest production left where no rule holds. BoolODE has none, but levels of 0 have no logarithm; at
    /// the default the steady states differ from BoolODE's by about a millionth of the largest level.
    pub leak: f64,
}

impl Default for BooleanOptions {
    fn default() -> Self {
        Self { most: 20.0, threshold: 0.5, hill: 10.0, decay: 1.0, leak: 1e-6 }
    }
}

/// `dp_i/dt = d (most (leak + (1 - leak) f_i(p)) - p_i)`: f is the thermodynamic ratio over all subsets of the regulators,
/// the weight of those where the rule holds over the weight of all, a subset weighing the product of `(p_j / K)^n` over
/// its members. It equals the chance that the rule holds when each regulator is bound on its own with probability
/// `u / (1 + u)`, `u = (p_j / K)^n`; so it is 0 or 1 as the rule says where regulators are far from K.
#[derive(Debug, Clone)]
pub struct Boolean {
    rules: Rules,
    options: BooleanOptions,
    regulators: Vec<Vec<u32>>,
    tables: Vec<Vec<bool>>,
    level: Vec<f64>,
    decay: Vec<f64>,
}

impl Boolean {
    /// The law of these rules. Its unperturbed levels are those it settles in from the state `start` (one value per
    /// gene). Without one, from the fixed point of the rules with the most genes on, of several the first; where there
    /// is none or more than 20 genes are too many to search, from all genes on.
    ///
    /// # Errors
    /// [`SimulateError::BadOption`] for constants out of range; [`SimulateError::Unconverged`] where the law does not
    /// settle, as on a cycle.
    pub fn new(rules: &Rules, options: &BooleanOptions, start: Option<&[bool]>) -> Result<Self, SimulateError> {
        let n = rules.genes().len();
        check_positive("most", &[options.most, options.hill, options.decay], 3)?;
        if !(options.threshold > 0.0 && options.threshold < 1.0) {
            return Err(SimulateError::option("threshold", "a share between 0 and 1", options.threshold));
        }
        if !(options.leak > 0.0 && options.leak <= 0.01) {
            return Err(SimulateError::option("leak", "a share above 0 and up to 0.01", options.leak));
        }
        let mut law = Self {
            rules: rules.clone(),
            options: options.clone(),
            regulators: (0..n).map(|gene| rules.regulators_of(gene)).collect(),
            tables: (0..n).map(|gene| rules.truth_table(gene)).collect(),
            level: vec![options.most; n],
            decay: vec![options.decay; n],
        };
        law.level = match start {
            Some(state) => law.settle(state)?,
            None => law.settle(&fullest(rules))?,
        };
        Ok(law)
    }

    /// The rules.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Which genes are above the threshold.
    pub fn state_of(&self, levels: &[f64]) -> Vec<bool> {
        levels.iter().map(|x| *x > self.options.threshold * self.options.most).collect()
    }

    /// The share `u / (1 + u)` of time that a regulator at this level is bound.
    fn bound(&self, level: f64) -> f64 {
        let u = (level / (self.options.threshold * self.options.most)).powf(self.options.hill);
        if u.is_finite() { u / (1.0 + u) } else { 1.0 }
    }
}

/// The chance that a rule holds: the truth table folded by one regulator after another, the last first. O(2^regulators).
fn chance(table: &[bool], bound: &[f64]) -> f64 {
    let mut left: SmallVec<[f64; 64]> = table.iter().map(|&holds| f64::from(u8::from(holds))).collect();
    for &on in bound.iter().rev() {
        let half = left.len() / 2;
        (0..half).for_each(|s| left[s] = left[s] * (1.0 - on) + left[s + half] * on);
        left.truncate(half);
    }
    left[0]
}

/// The fixed point of the rules with the most genes on, of several the first; else all genes on.
fn fullest(rules: &Rules) -> Vec<bool> {
    let on = |state: &Vec<bool>| state.iter().filter(|on| **on).count();
    let found = rules.fixed_points().unwrap_or_default();
    let best = found.into_iter().reduce(|best, state| if on(&state) > on(&best) { state } else { best });
    best.unwrap_or_else(|| vec![true; rules.genes().len()])
}

impl Law for Boolean {
    fn name(&self) -> &'static str {
        "boolean"
    }

    fn genes(&self) -> &Arc<GeneIndex> {
        self.rules.genes()
    }

    fn regulators_of(&self, gene: usize) -> &[u32] {
        &self.regulators[gene]
    }

    fn baseline(&self) -> &[f64] {
        &self.level
    }

    fn decay(&self) -> &[f64] {
        &self.decay
    }

    /// O(2^regulators) per lane.
    fn production(&self, gene: usize, levels: Levels<'_>, out: &mut [f64]) {
        let o = &self.options;
        for (lane, made) in out.iter_mut().enumerate() {
            let bound = |&j: &u32| self.bound(levels.of(j as usize)[lane]);
            let bound: SmallVec<[f64; 12]> = self.regulators[gene].iter().map(bound).collect();
            *made = o.decay * o.most * (o.leak + (1.0 - o.leak) * chance(&self.tables[gene], &bound));
        }
    }

    /// `n b_j (1 - b_j) (f at b_j = 1 - f at b_j = 0) (1 - leak) / (leak + (1 - leak) f)`, b being the shares bound; exact.
    fn elasticities(&self, gene: usize, levels: &[f64], out: &mut [f64]) {
        let (o, table) = (&self.options, &self.tables[gene]);
        let mut bound: SmallVec<[f64; 12]> =
            self.regulators[gene].iter().map(|&j| self.bound(levels[j as usize])).collect();
        let made = o.leak + (1.0 - o.leak) * chance(table, &bound);
        for (k, to) in out.iter_mut().enumerate() {
            let b = bound[k];
            let mut with = |b: f64| {
                bound[k] = b;
                chance(table, &bound)
            };
            let difference = with(1.0) - with(0.0);
            bound[k] = b;
            *to = o.hill * b * (1.0 - b) * difference * (1.0 - o.leak) / made;
        }
    }

    fn edge_parameters(&self) -> &'static [&'static str] {
        &["half", "hill"]
    }

    fn edge(&self, _gene: usize, _k: usize) -> Vec<f64> {
        vec![self.options.threshold * self.options.most, self.options.hill]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::{Forcing, Solver};

    fn law(text: &str, start: &[bool]) -> Boolean {
        let rules = Rules::parse(&format!("Gene\tRule\n{text}"), "t").unwrap();
        Boolean::new(&rules, &BooleanOptions::default(), Some(start)).unwrap()
    }

    fn production(law: &Boolean, gene: usize, levels: &[f64]) -> f64 {
        let mut out = [0.0];
        law.production(gene, Levels::new(levels, 1), &mut out);
        out[0]
    }

    #[test]
    fn production_is_the_ratio_over_all_subsets() {
        let law = law("A\tA\nB\tB\nC\tA and not B\n", &[true, false, true]);
        // By hand: only the subset {A} makes C, out of {}, {A}, {B}, {A, B}.
        for (a, b) in [(8.0f64, 9.5f64), (12.0, 3.0), (10.0, 10.0)] {
            let (a10, b10) = ((a / 10.0).powi(10), (b / 10.0).powi(10));
            let f = a10 / (1.0 + a10 + b10 + a10 * b10);
            let expected = 20.0 * (1e-6 + (1.0 - 1e-6) * f);
            let got = production(&law, 2, &[a, b, 0.0]);
            assert!((got / expected - 1.0).abs() < 1e-14, "{got}, expected {expected}");
        }
    }

    #[test]
    fn elasticities_are_the_slopes_of_production() {
        let law = law("A\tA\nB\tB\nC\t(A or not B) and not (B and C)\n", &[true, false, true]);
        for levels in [[8.0, 9.0, 12.0], [11.0, 10.5, 3.0], [20.0, 2.0, 10.0]] {
            let mut exact = [0.0; 3];
            law.elasticities(2, &levels, &mut exact);
            for k in 0..3 {
                let ln_made = |step: f64| {
                    let mut at = levels;
                    at[k] *= f64::exp(step);
                    production(&law, 2, &at).ln()
                };
                let numeric = (ln_made(1e-5) - ln_made(-1e-5)) / 2e-5;
                assert!((exact[k] - numeric).abs() < 1e-7, "{}, by differences {numeric}", exact[k]);
            }
        }
    }

    #[test]
    fn a_toggle_switch_can_be_switched() {
        let law = law("A\tnot B\nB\tnot A\n", &[true, false]);
        assert_eq!(law.state_of(law.baseline()), [true, false]);
        let y = Solver::new(&law).solve(&[(0, Forcing::Absent)], None, "A").unwrap().log_ratio;
        let levels: Vec<f64> = y.iter().zip(law.baseline()).map(|(y, x)| x * y.exp()).collect();
        assert_eq!(law.state_of(&levels), [false, true]);
        assert!((levels[1] - 20.0).abs() < 1e-9);
    }

    #[test]
    fn constants_out_of_range_are_refused() {
        let rules = Rules::curated("vsc").unwrap().unwrap();
        let t = |o: BooleanOptions| assert!(Boolean::new(&rules, &o, None).is_err());
        t(BooleanOptions { hill: 0.0, ..BooleanOptions::default() });
        t(BooleanOptions { threshold: 1.0, ..BooleanOptions::default() });
        t(BooleanOptions { leak: 0.0, ..BooleanOptions::default() });
        assert!(Boolean::new(&rules, &BooleanOptions::default(), Some(&[true])).is_err());
    }
}
