//! The signed linear response of every measured gene to the others, learned on the support of a prior graph.
//!
//! A small change spreads as delta = W delta + u, with W[i, j] the effect of gene j on gene i. W has entries only where
//! the graph has an edge j -> i between measured genes. It is learned from three sources:
//!
//! - training perturbations: each gene is regressed on its regulators, rows that perturb the gene itself left out;
//! - control cells, where their [`Covariance`] is known: the only source for regulators that were never perturbed;
//! - the confidence of each edge: the chance that it has an effect at all.
//!
//! What most perturbations have in common (a stress programme) is taken out of the changes first ([`Programmes`]): it
//! would make every pair of responding genes look like regulator and target. W is scaled so that its spectral radius is
//! at most 0.9, so that changes die out.
//!
//! Source: linear response at steady state as in MNI (di Bernardo et al., Nature Biotechnology 23, 2005); selection of
//! edges by variational spike and slab (Carbonetto and Stephens, Bayesian Analysis 7, 2012).

mod covariance;
mod filter;
mod noise;
mod programmes;
mod radius;
mod reach;
mod regression;
mod regulators;
mod stored;

use std::sync::{Arc, OnceLock};

use ndarray::{Array2, Axis};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

pub use self::covariance::{CountingNoise, Covariance};
pub(super) use self::filter::Filter;
#[cfg(test)]
pub(super) use self::filter::tests as filter_tests;
pub(super) use self::programmes::{LARGEST, Programmes};
pub(super) use self::reach::{Expected, Reach};
use self::regression::{Moments, Slab};
pub(super) use self::regulators::own_rows;
use super::{Known, RankError};
use crate::data::{Csr, GeneIndex, Responses};
use crate::graph::GeneGraph;

/// Largest spectral radius of W.
const LARGEST_RADIUS: f64 = 0.9;

/// Settings of the linear response.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ResponseSettings {
    /// Chance that an edge of mean confidence has an effect; that of others is in proportion to their confidence.
    pub inclusion: f64,
    /// Variance of the effects there are.
    pub effect_variance: f64,
    /// Most regulators of a gene: those of the highest confidence.
    pub max_regulators: usize,
    /// What a control cell counts beside what its noise allows.
    pub control_weight: f64,
    /// Programmes common to many perturbations that are taken out.
    pub programmes: usize,
}

impl Default for ResponseSettings {
    fn default() -> Self {
        Self { inclusion: 0.2, effect_variance: 0.04, max_regulators: 64, control_weight: 1.0, programmes: 1 }
    }
}

/// A fitted linear response over the measured genes.
#[derive(Debug, Clone)]
pub struct Response {
    genes: Arc<GeneIndex>,
    settings: ResponseSettings,
    /// Row i: the regulators of gene i and their effects on it.
    into: Csr<f32>,
    /// Row j: the genes that gene j acts on, the transpose of `into`.
    out: Csr<f32>,
    programmes: Programmes,
    /// Spread of delta - W delta over the training perturbations of other genes, per gene.
    unexplained: Vec<f32>,
    radius: f64,
    /// Columns of the inverse, when first asked for.
    reach: OnceLock<Arc<Reach>>,
}

impl Response {
    /// Learns W from training changes, a graph and, where there is one, the covariance of control cells (gathered over the same
    /// graph and genes; genes whose regulators differ go without).
    ///
    /// # Complexity
    /// O(k^2) sums over the rows per gene with k regulators, genes in parallel.
    ///
    /// # Errors
    /// [`RankError::Linalg`] where LAPACK fails on the programmes.
    pub fn fit(
        responses: &Responses,
        graph: &GeneGraph,
        covariance: Option<&Covariance>,
        settings: &ResponseSettings,
    ) -> Result<Self, RankError> {
        let noise = noise::of(responses);
        let programmes = Programmes::fit(responses, noise, settings.programmes)?;
        let regulators = regulators::of(graph, &responses.genes, settings.max_regulators);
        let fit = Fit {
            changes: programmes.remove(responses).reversed_axes().as_standard_layout().into_owned(),
            row_weights: noise::row_weights(responses),
            own_rows: own_rows(responses),
            mean_confidence: regulators::mean_confidence(&regulators),
            covariance,
            noise: &programmes.noise,
            settings,
        };
        let rows: Vec<Vec<(u32, f32)>> = regulators.par_iter().enumerate().map(|(g, of)| fit.gene(g, of)).collect();
        let mut into = Csr::empty(responses.genes.len());
        rows.into_iter().for_each(|row| into.push_row(row.into_iter().filter(|e| e.1 != 0.0)));
        Ok(Self::assembled(into, programmes, responses, settings))
    }

    /// The response of these training perturbations, fitted when first asked for.
    ///
    /// # Errors
    /// As [`Response::fit`].
    pub(super) fn of<'a>(known: &Known<'a>) -> Result<&'a Self, RankError> {
        if let Some(response) = known.response.get() {
            return Ok(response);
        }
        let settings = ResponseSettings::default();
        let response = Self::fit(known.responses, known.graph, known.covariance, &settings)?;
        Ok(known.response.get_or_init(|| response))
    }

    /// A response with these effects, (gene, regulator, effect), and the programmes of these responses: to compare with a
    /// known truth.
    ///
    /// # Errors
    /// [`RankError::Linalg`] where LAPACK fails on the programmes.
    pub fn of_effects(
        effects: &[(u32, u32, f32)],
        responses: &Responses,
        settings: &ResponseSettings,
    ) -> Result<Self, RankError> {
        let mut rows = vec![Vec::new(); responses.genes.len()];
        effects.iter().for_each(|&(gene, regulator, effect)| rows[gene as usize].push((regulator, effect)));
        let mut into = Csr::empty(rows.len());
        for mut row in rows {
            row.sort_unstable_by_key(|e| e.0);
            into.push_row(row);
        }
        let programmes = Programmes::fit(responses, noise::of(responses), settings.programmes)?;
        Ok(Self::assembled(into, programmes, responses, settings))
    }

    /// These effects with their spectral radius bounded, and what they leave unexplained.
    fn assembled(into: Csr<f32>, programmes: Programmes, responses: &Responses, settings: &ResponseSettings) -> Self {
        let mut new = Self {
            genes: Arc::clone(&responses.genes),
            settings: settings.clone(),
            out: into.transpose(),
            radius: radius::spectral_radius(&into),
            unexplained: Vec::new(),
            reach: OnceLock::new(),
            into,
            programmes,
        };
        new.bound();
        new.unexplained = new.spread_of_residuals(responses);
        new
    }

    /// The measured genes, rows and columns of W.
    pub fn genes(&self) -> &Arc<GeneIndex> {
        &self.genes
    }

    /// Number of effects.
    pub fn n_effects(&self) -> usize {
        self.into.nnz()
    }

    /// The spectral radius of W as it was learned, before it was bounded.
    pub fn radius(&self) -> f64 {
        self.radius
    }

    /// Regulators of a gene (positions) and their effects on it.
    pub fn regulators(&self, gene: usize) -> (&[u32], &[f32]) {
        self.into.row(gene)
    }

    /// Genes (positions) that a gene acts on, and the effects.
    pub fn targets(&self, gene: usize) -> (&[u32], &[f32]) {
        self.out.row(gene)
    }

    /// What a change of each gene reaches along all paths.
    pub(super) fn reach(&self) -> Arc<Reach> {
        Arc::clone(self.reach.get_or_init(|| Arc::new(Reach::full(self))))
    }

    pub(super) fn programmes(&self) -> &Programmes {
        &self.programmes
    }

    pub(super) fn settings(&self) -> &ResponseSettings {
        &self.settings
    }

    /// Spread of delta - W delta per gene.
    pub(super) fn unexplained(&self) -> &[f32] {
        &self.unexplained
    }

    /// What the change of a gene is beyond the effects of its regulators, (delta - W delta)_g.
    pub(super) fn residual(&self, delta: ndarray::ArrayView1<'_, f32>, gene: usize) -> f64 {
        let (regulators, effects) = self.into.row(gene);
        let explained: f64 =
            regulators.iter().zip(effects).map(|(&j, &w)| f64::from(w) * f64::from(delta[j as usize])).sum();
        f64::from(delta[gene]) - explained
    }

    /// Scales W where its spectral radius is above the largest.
    fn bound(&mut self) {
        if self.radius > LARGEST_RADIUS {
            let scale = (LARGEST_RADIUS / self.radius) as f32;
            self.into.data_mut().iter_mut().for_each(|w| *w *= scale);
            self.out.data_mut().iter_mut().for_each(|w| *w *= scale);
        }
    }

    fn spread_of_residuals(&self, responses: &Responses) -> Vec<f32> {
        let own = own_rows(responses);
        let spread = |gene: usize| {
            let rows = responses.delta.axis_iter(Axis(0)).enumerate().filter(|(r, _)| !own[gene].contains(r));
            let (square, n) = rows.fold((0.0, 0), |(s, n), (_, d)| (s + self.residual(d, gene).powi(2), n + 1));
            (square / f64::from(n.max(1))).sqrt() as f32
        };
        crate::rank::frame::floored((0..self.genes.len()).into_par_iter().map(spread).collect())
    }
}

/// What the regressions of all genes share.
struct Fit<'a> {
    /// Changes without programmes, n_genes x n_perturbations.
    changes: Array2<f32>,
    row_weights: Vec<f64>,
    own_rows: Vec<Vec<usize>>,
    mean_confidence: f64,
    covariance: Option<&'a Covariance>,
    noise: &'a [f32],
    settings: &'a ResponseSettings,
}

impl Fit<'_> {
    /// The regulators of a gene and their effects, ascending.
    fn gene(&self, gene: usize, regulators: &[regulators::Regulator]) -> Vec<(u32, f32)> {
        let parents: Vec<u32> = regulators.iter().map(|r| r.gene).collect();
        let training = self.training(gene, &parents);
        let cells = self.covariance.and_then(|c| c.moments(gene, &parents, self.settings.control_weight));
        let chance = |r: &regulators::Regulator| {
            (self.settings.inclusion * f64::from(r.confidence) / self.mean_confidence).clamp(0.02, 0.95)
        };
        let slab =
            Slab { chances: regulators.iter().map(chance).collect(), effect_variance: self.settings.effect_variance };
        let least = 0.5 * f64::from(self.noise[gene]).powi(2);
        let effects = slab.effects(&training, least, cells.as_ref());
        parents.into_iter().zip(effects.into_iter().map(|w| w as f32)).collect()
    }

    /// Sums over the training perturbations of other genes.
    fn training(&self, gene: usize, parents: &[u32]) -> Moments {
        let mut weights = self.row_weights.clone();
        self.own_rows[gene].iter().for_each(|&r| weights[r] = 0.0);
        let rows: Vec<&[f32]> = std::iter::once(gene)
            .chain(parents.iter().map(|&p| p as usize))
            .map(|g| self.changes.row(g).to_slice().unwrap_or_default())
            .collect();
        Moments::weighted(&rows, &weights)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{ControlProfile, Perturbation, Quantity};
    use crate::graph::{GraphBuilder, Sign};
    use crate::stats::Rng;

    /// Knockdowns in a chain A -> B -| C with effects 0.8 and -0.5, and an edge D -> B that has none.
    pub(super) fn chain(n: usize) -> (Responses, GeneGraph) {
        let mut rng = Rng::named(7, "chain");
        let genes = Arc::new(GeneIndex::new(["A", "B", "C", "D", "E"]).unwrap());
        let mut delta = Array2::zeros((n, 5));
        let perturbations = (0..n).map(|k| Perturbation::of([["A", "B", "D"][k % 3].to_owned(), format!("X{k}")]));
        let perturbations: Vec<Perturbation> = perturbations.collect();
        for (k, mut row) in delta.outer_iter_mut().enumerate() {
            let mut noise = || 0.05 * rng.normal() as f32;
            let size = 1.0 + 0.1 * noise();
            row[0] = if k % 3 == 0 { -size } else { noise() };
            row[1] = if k % 3 == 1 { -size } else { 0.8 * row[0] + noise() };
            row[2] = -0.5 * row[1] + noise();
            row[3] = if k % 3 == 2 { -size } else { noise() };
            row[4] = noise();
        }
        let zero = ndarray::Array1::zeros(5);
        let responses = Responses {
            genes,
            perturbations,
            delta,
            var: Some(Array2::from_elem((n, 5), 0.25)),
            third: None,
            n_cells: vec![100; n],
            control: ControlProfile { mean: zero.clone(), var: Some(zero), third: None, n_cells: 1000 },
            significant: None,
            halves: None,
            quantity: Quantity::Level,
        };
        let mut builder = GraphBuilder::new();
        builder.add("A", "B", 0.8, Sign::Unknown, &[]);
        builder.add("B", "C", 0.8, Sign::Unknown, &[]);
        builder.add("D", "B", 0.8, Sign::Unknown, &[]);
        builder.add("A", "UNMEASURED", 0.8, Sign::Unknown, &[]);
        (responses, builder.build())
    }

    #[test]
    fn effects_are_found_with_their_sign() {
        let (responses, graph) = chain(60);
        let settings = ResponseSettings { programmes: 0, ..ResponseSettings::default() };
        let response = Response::fit(&responses, &graph, None, &settings).unwrap();
        let (regulators, effects) = response.regulators(1);
        assert_eq!(regulators, [0, 3]);
        assert!((effects[0] - 0.8).abs() < 0.05 && effects[1].abs() < 0.02, "{effects:?}");
        let (regulators, effects) = response.regulators(2);
        assert!(regulators == [1] && (effects[0] + 0.5).abs() < 0.05, "{effects:?}");
        assert_eq!(response.targets(1).0, [2], "the transpose");
        assert!(response.radius() < 1e-6, "no circle");
    }

    #[test]
    fn rows_that_perturb_a_gene_say_nothing_of_its_regulators() {
        let (mut responses, graph) = chain(60);
        let settings = ResponseSettings { programmes: 0, ..ResponseSettings::default() };
        let before = Response::fit(&responses, &graph, None, &settings).unwrap();
        responses.delta.outer_iter_mut().skip(1).step_by(3).for_each(|mut row| row[1] = 3.0);
        let after = Response::fit(&responses, &graph, None, &settings).unwrap();
        assert_eq!(before.regulators(1), after.regulators(1));
    }

    #[test]
    fn a_circle_is_bounded() {
        let (responses, _) = chain(6);
        let effects = [(0, 1, 2.0), (1, 0, 1.0)];
        let response = Response::of_effects(&effects, &responses, &ResponseSettings::default()).unwrap();
        assert!((response.radius() - 2f64.sqrt()).abs() < 1e-3, "{}", response.radius());
        // 0.9 / sqrt(2) of each effect.
        assert!((response.targets(1).1[0] - 2.0 * 0.9 / 2f32.sqrt()).abs() < 2e-3);
    }
}
