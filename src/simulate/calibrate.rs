//! How strong the edges must be for a knockdown to change as many genes as in a real screen.

use rayon::prelude::*;
use serde::Serialize;

use super::truth::MeanLog1p;
use super::{Forcing, Law, SimulateError, Solver};
use crate::data::GeneId;
use crate::stats::benjamini_hochberg;

/// False discovery rate at which a gene counts as differentially expressed.
pub const DEG_FDR: f64 = 0.05;

/// Least and most differentially expressed genes per knockdown in the training set of the Virtual Cell Challenge 2025.
pub const VCC_DEGS: [usize; 2] = [204, 3053];

/// How many differentially expressed genes the perturbations of a screen are to have.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DegGoal {
    /// Of the median perturbation.
    pub median: usize,
    /// Least and most of any perturbation, where that can be had.
    pub range: Option<[usize; 2]>,
    /// This many of the first targets are perturbed whatever they change.
    pub keep: usize,
}

/// A perturbation as a calibration sees it.
#[derive(Debug, Clone)]
pub struct Trial {
    /// Its name.
    pub name: String,
    /// Its targets.
    pub targets: Vec<GeneId>,
    /// What is done to each of them.
    pub forcing: Forcing,
    /// Number of cells.
    pub cells: usize,
}

/// Differentially expressed genes per perturbation, smallest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DegCounts(Vec<usize>);

impl DegCounts {
    /// From counts in any order.
    pub fn new(mut counts: Vec<usize>) -> Self {
        counts.sort_unstable();
        Self(counts)
    }

    /// The count below which this share of the perturbations lies, by linear interpolation; 0 without any.
    pub fn quantile(&self, share: f64) -> f64 {
        let Some(last) = self.0.len().checked_sub(1) else { return 0.0 };
        let at = share.clamp(0.0, 1.0) * last as f64;
        let (low, high) = (self.0[at as usize] as f64, self.0[at.ceil() as usize] as f64);
        low + at.fract() * (high - low)
    }

    /// Least, 10 %, median, 90 % and most.
    pub fn quantiles(&self) -> [f64; 5] {
        [0.0, 0.1, 0.5, 0.9, 1.0].map(|share| self.quantile(share))
    }
}

/// Which of the candidates a screen perturbs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Selection {
    /// How many.
    pub perturbations: usize,
    /// Least and most differentially expressed genes that a perturbation may have: a challenge picks targets whose effect
    /// can be measured.
    pub range: Option<[usize; 2]>,
    /// This many of the first candidates are chosen in any case.
    pub keep: usize,
}

impl Selection {
    /// Positions of the chosen candidates, ascending: the first ones in the range, and where these are too few the ones
    /// nearest to it. Candidates without a count are never chosen.
    pub fn choose(&self, counts: &[Option<usize>]) -> Vec<usize> {
        let distance = |count: usize| match self.range {
            Some([least, _]) if count < least => (least as f64 / count.max(1) as f64).ln(),
            Some([_, most]) if count > most => (count as f64 / most as f64).ln(),
            _ => 0.0,
        };
        let miss = |k: usize, count: usize| if k < self.keep { 0.0 } else { distance(count) };
        let known = counts.iter().enumerate().filter_map(|(k, count)| Some((k, miss(k, (*count)?))));
        let mut order: Vec<(usize, f64)> = known.collect();
        order.sort_by(|a, b| a.1.total_cmp(&b.1));
        let mut chosen: Vec<usize> = order.into_iter().take(self.perturbations).map(|(k, _)| k).collect();
        chosen.sort_unstable();
        chosen
    }
}

/// One try of a calibration.
#[derive(Debug, Clone, Serialize)]
pub struct Attempt {
    /// Median fold of a saturated regulator.
    pub fold: f64,
    /// Growth rate of the law; below 1 it is stable.
    pub growth: f64,
    /// Whether all effects were weakened so that it is.
    pub weakened: bool,
    /// Median number of differentially expressed genes.
    pub median: f64,
    /// Candidates whose steady state was not found.
    pub unsolved: usize,
}

/// What a calibration came to.
#[derive(Debug, Clone, Serialize)]
pub struct Calibration {
    /// The median asked for.
    pub asked: usize,
    /// The median fold chosen.
    pub fold: f64,
    /// Differentially expressed genes per perturbation: least, 10 %, median, 90 %, most.
    pub quantiles: [f64; 5],
    /// The same of the Virtual Cell Challenge's training set: least and most.
    pub vcc: [usize; 2],
    /// Positions of the candidates to perturb, ascending.
    #[serde(skip)]
    pub chosen: Vec<usize>,
    /// Every try, in order.
    pub attempts: Vec<Attempt>,
}

/// The number of differentially expressed genes of each perturbation, as a two-sample test on the mean log1p counts of
/// its cells and of the controls would find them on average: normal approximation, Benjamini-Hochberg at 5 %.
/// `None` where the steady state is not found.
///
/// # Complexity
/// O(perturbations x (one steady state + genes log genes)), in parallel over perturbations.
pub(super) fn count_degs(
    solver: &Solver<'_>,
    trials: &[Trial],
    controls: usize,
    seen: &MeanLog1p,
) -> Vec<Option<usize>> {
    let law = solver.law();
    let total: f64 = law.baseline().iter().sum();
    let base: Vec<(f64, (f64, f64))> =
        law.baseline().iter().map(|x| x / total).map(|share| (share, seen.moments_at(share))).collect();
    let count = |trial: &Trial| {
        let forced: Vec<(u32, Forcing)> = trial.targets.iter().map(|g| (g.0, trial.forcing)).collect();
        let steady = solver.solve(&forced, None, &trial.name).ok()?;
        let p_value = |(&y, &(share, (mean, variance))): (&f64, &(f64, (f64, f64)))| {
            if y == 0.0 {
                return 1.0;
            }
            let (there, spread) = seen.moments_at(share * y.exp());
            let error = (variance / controls as f64 + spread / trial.cells as f64).sqrt();
            libm::erfc(((there - mean) / error).abs() / std::f64::consts::SQRT_2)
        };
        let p: Vec<f64> = steady.log_ratio.iter().zip(&base).map(p_value).collect();
        Some(benjamini_hochberg(&p).iter().filter(|q| **q < DEG_FDR).count())
    };
    trials.par_iter().map(count).collect()
}

/// Folds between which the answer is looked for, how near (in ln fold) it must be, how near the median, and tries.
const FOLDS: (f64, f64) = (1.05, 20.0);
const NEAR: f64 = 0.002;
const CLOSE: f64 = 0.01;
const TRIES: usize = 24;
/// How much nearer (in ln genes) a law that had to be weakened must come.
const WEAKENED: f64 = 0.05;

/// A law of a fold, its growth rate, and whether its effects had to be weakened to be stable.
pub(super) type Strong = (Box<dyn Law>, f64, bool);

/// Finds the median fold at which the median chosen candidate has `asked` differentially expressed genes, by bisection of ln fold;
/// `law_at` makes the law of a fold, `count` the numbers of genes of the candidates. The fold that came nearest is
/// returned, and the attempts say how near that is. Beyond the strength at which the network loses stability, laws are
/// weakened again: such a fold is returned only where it comes nearer by 5 % than any below.
///
/// # Errors
/// Those of `law_at`, and [`SimulateError::BadOption`] for a median of 0.
pub(super) fn calibrate(
    asked: usize,
    selection: Selection,
    law_at: &dyn Fn(f64) -> Result<Strong, SimulateError>,
    count: &dyn Fn(&dyn Law) -> Vec<Option<usize>>,
) -> Result<Calibration, SimulateError> {
    if asked == 0 {
        return Err(SimulateError::option("deg_median", "at least 1", 0));
    }
    let (mut low, mut high) = (FOLDS.0.ln(), FOLDS.1.ln());
    let mut best = Calibration {
        asked,
        fold: low.exp(),
        quantiles: [0.0; 5],
        vcc: VCC_DEGS,
        chosen: Vec::new(),
        attempts: Vec::new(),
    };
    let mut least = f64::INFINITY;
    while high - low > NEAR && best.attempts.len() < TRIES {
        let fold = f64::midpoint(low, high).exp();
        let (law, growth, weakened) = law_at(fold)?;
        let counts = count(&*law);
        let chosen = selection.choose(&counts);
        let found = DegCounts::new(chosen.iter().filter_map(|&k| counts[k]).collect());
        let median = found.quantile(0.5);
        let unsolved = counts.iter().filter(|c| c.is_none()).count();
        best.attempts.push(Attempt { fold, growth, weakened, median, unsolved });
        let miss = ((median + 1.0) / (asked as f64 + 1.0)).ln();
        let distance = miss.abs() + if weakened { WEAKENED } else { 0.0 };
        if distance < least {
            least = distance;
            best = Calibration { fold, quantiles: found.quantiles(), chosen, ..best };
        }
        if least < CLOSE {
            break;
        }
        if miss < 0.0 && !weakened { low = fold.ln() } else { high = fold.ln() }
    }
    Ok(best)
}

#[cfg(test)]
mod tests {
    use super::super::{Observation, Thermo, ThermoOptions, TopologyOptions, generate};
    use super::*;

    fn trials(law: &Thermo) -> Vec<Trial> {
        let trial = |&g: &u32| Trial {
            name: g.to_string(),
            targets: vec![GeneId(g)],
            forcing: Forcing::Shift(0.15f64.ln()),
            cells: 200,
        };
        law.regulators().iter().take(30).map(trial).collect()
    }

    #[test]
    fn a_stronger_network_has_more_differentially_expressed_genes_and_the_median_asked_for_is_reached() {
        let wiring = generate(&TopologyOptions { genes: 800, ..TopologyOptions::default() }, 1).unwrap();
        let seen = |n| MeanLog1p::new(&Observation::default(), vec![1.0 / n as f64; n]);
        let law_at = |fold: f64| {
            let (law, notices) = Thermo::draw(&wiring, &ThermoOptions { fold, ..ThermoOptions::default() }, 1)?;
            let growth = law.growth;
            Ok((Box::new(law) as Box<dyn Law>, growth, !notices.is_empty()))
        };
        let count = |law: &dyn Law| {
            let trials = trials(&Thermo::draw(&wiring, &ThermoOptions::default(), 1).unwrap().0);
            count_degs(&Solver::new(law), &trials, 1000, &seen(800))
        };
        let all = Selection { perturbations: 30, range: None, keep: 0 };
        let found = calibrate(20, all, &law_at, &count).unwrap();
        assert!((18.0..=22.0).contains(&found.quantiles[2]), "{found:?}");
        assert_eq!(found.chosen, (0..30).collect::<Vec<_>>());
        let mut by_fold = found.attempts.clone();
        by_fold.sort_by(|a, b| a.fold.total_cmp(&b.fold));
        assert!(by_fold.first().unwrap().median < by_fold.last().unwrap().median);
        assert!(found.attempts.iter().any(|a| a.fold == found.fold && !a.weakened));
        assert!(calibrate(0, all, &law_at, &count).is_err());
        let few = Selection { perturbations: 10, range: Some([10, 60]), keep: 0 };
        let found = calibrate(20, few, &law_at, &count).unwrap();
        assert_eq!(found.chosen.len(), 10);
        assert!(found.quantiles[0] >= 10.0 && found.quantiles[4] <= 60.0, "{found:?}");
    }

    #[test]
    fn a_knockdown_without_targets_changes_itself_only() {
        let wiring = super::super::Wiring::parse("header\nA\tB\t+\t1\n", "test").unwrap();
        let law = Thermo::new(&wiring, &[3.0], 2.0, &[1.0, 2.0]).unwrap();
        let trial = |gene, cells| Trial {
            name: String::new(),
            targets: vec![GeneId(gene)],
            forcing: Forcing::Shift(0.15f64.ln()),
            cells,
        };
        let seen = MeanLog1p::new(&Observation::default(), vec![1.0 / 3.0, 2.0 / 3.0]);
        let counts = count_degs(&Solver::new(&law), &[trial(0, 500), trial(1, 500)], 500, &seen);
        assert_eq!(counts, [Some(2), Some(1)]);
    }

    #[test]
    fn candidates_in_the_range_are_chosen_then_the_nearest() {
        let t = |perturbations, keep, expected: &[usize]| {
            let selection = Selection { perturbations, range: Some([10, 100]), keep };
            let counts = [Some(50), Some(1), None, Some(9), Some(10), Some(1000), Some(100)];
            assert_eq!(selection.choose(&counts), expected);
        };
        t(2, 0, &[0, 4]);
        t(2, 2, &[0, 1]);
        t(3, 0, &[0, 4, 6]);
        t(4, 0, &[0, 3, 4, 6]);
        t(99, 0, &[0, 1, 3, 4, 5, 6]);
    }

    #[test]
    fn quantiles_interpolate() {
        let counts = DegCounts::new(vec![30, 10, 20]);
        assert_eq!(counts.quantiles(), [10.0, 12.0, 20.0, 28.0, 30.0]);
    }
}
