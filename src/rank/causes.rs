//! Several genes behind one change: which genes together explain it, and how many.
//!
//! The change of two perturbations at once is taken as the sum of their single changes, each times an amplitude. For every
//! one and every two of the first candidates of a ranking the amplitudes are fitted by generalised least squares
//! ([`Overlaps`]); what the fit gains, what the joint score says of each member, and how many there are make the score of
//! a set, with weights taught by held-out training perturbations and sums of two of them ([`taught`]).

#[cfg(test)]
mod fixture;
mod learn;
mod overlaps;
mod posterior;
mod pursuit;

use std::sync::Arc;

use self::overlaps::{Fitted, Overlaps};
use self::posterior::{Posterior, posterior};
use self::pursuit::pursue;
use super::ranking::placed;
use super::{Asked, Atlas, Joint, Mode, Own, Queries, RankOptions, Ranker, Ranking};

pub(super) use self::learn::{Lessons, taught};
pub(super) use self::posterior::by_information_criterion;

/// First candidates of a ranking that may be part of a set; all pairs of them are tried.
pub(super) const MOST: usize = 200;

/// Genes that explain a change together.
#[derive(Debug, Clone, PartialEq)]
pub struct CauseSet {
    /// The genes, in the order of the ranking (in the order of finding for a pursuit).
    pub genes: Vec<Arc<str>>,
    /// How strongly each acts, 1 = as the knockdown that the model expects; 0 = the fit does not want it.
    pub amplitudes: Vec<f64>,
    /// Gain of log likelihood over no cause, in units of the held-out error of the model.
    pub gain: f64,
    /// -2 gain + number of genes x log(number of axes): falls while a further gene is worth its amplitude
    /// (Schwarz, Annals of Statistics 6, 1978).
    pub bic: f64,
    /// Chance that these genes and no others are the cause, among all sets of one and two and "none of these".
    pub probability: f64,
}

/// The causes of one query.
#[derive(Debug, Clone, PartialEq)]
pub struct Causes {
    /// Name of the query.
    pub query: String,
    /// Sets of one and two genes, likeliest first.
    pub sets: Vec<CauseSet>,
    /// Chance that none of the sets is the cause.
    pub none: f64,
    /// Chance that two genes act.
    pub two: f64,
    /// Chance of every gene to be among the causes (the sum over the sets that hold it), likeliest first.
    pub genes: Vec<(Arc<str>, f64)>,
    /// Matching pursuit: sets that grow by the gene that adds most to the score of the set, as long as that rises.
    pub pursuit: Vec<CauseSet>,
}

/// How many sets are kept, and how far a pursuit goes.
#[derive(Debug, Clone, Copy)]
pub struct CauseOptions {
    /// Genes of the largest set that a pursuit may end in.
    pub most: usize,
    /// Sets kept per query.
    pub top: usize,
}

/// Scores above that of "none of these": the score of a set is a sum over its members, which needs a zero. A joint score
/// that was not taught has none, and its scores do not count.
fn relative(scores: &mut [f64], joint: Option<&Joint>, strength: f64) {
    let none = joint.map_or(0.0, |j| j.none(strength));
    scores.iter_mut().for_each(|s| *s -= none);
}

impl Ranker {
    /// The causes of every query, from the first 200 candidates of its ranking (all kept rows of it, at most 200).
    ///
    /// No gain uses the changes of the members of its set.
    ///
    /// # Complexity
    /// O(m^2 (m + n_axes)) per query for m candidates.
    pub fn causes(
        &self,
        queries: &Queries,
        rankings: &[Ranking],
        options: &RankOptions,
        of: CauseOptions,
    ) -> Vec<Causes> {
        let sign = if options.mode == Mode::Activation { -1.0 } else { 1.0 };
        let asked = Asked::new(queries, &self.frame, sign);
        let strength = asked.strength();
        let n_axes = self.atlas.axes.ncols();
        let taught = options.method.is_none() && self.calibration.n_queries > 0;
        let joint = taught.then(|| self.calibration.joint(options.own));
        let weights = |n: usize| match joint {
            None => by_information_criterion(n_axes, n),
            Some(_) => self.calibration.of_causes(options.own, n_axes, n),
        };
        let one = |(q, ranking): (usize, &Ranking)| {
            let rows = &ranking.rows[..ranking.rows.len().min(MOST)];
            let found = rows.iter().filter_map(|r| Some((self.atlas.candidates.position(&r.gene)?, r.score)));
            let (members, mut scores): (Vec<usize>, Vec<f64>) = found.unzip();
            relative(&mut scores, joint, strength[q]);
            let overlaps = Overlaps::new(self.expected(), (&asked, q), &members, options.mode == Mode::Any);
            let weights = weights(members.len());
            let found = posterior(&overlaps, &scores, &weights, strength[q]);
            let pursuit = pursue(&overlaps, &scores, &weights, strength[q], of.most);
            self.told(&ranking.query, &overlaps, found, pursuit, of.top)
        };
        rankings.iter().enumerate().map(one).collect()
    }

    /// A score of every candidate from the sets that hold it: the chance of those among the first, then the others in their
    /// order. `scores` are joint scores of the candidates at `members`.
    pub(super) fn by_causes(&self, asked: &Asked, q: usize, own: Own, members: &[usize], scores: &[f64]) -> Vec<f64> {
        let order = placed(scores);
        let first: Vec<usize> = order.iter().take(MOST).map(|o| o.0).collect();
        let rows: Vec<usize> = first.iter().map(|&m| members[m]).collect();
        let strength = asked.strength()[q];
        let mut of_first: Vec<f64> = first.iter().map(|&m| scores[m]).collect();
        let taught = self.calibration.n_queries > 0;
        relative(&mut of_first, taught.then(|| self.calibration.joint(own)), strength);
        let overlaps = Overlaps::new(self.expected(), (asked, q), &rows, false);
        let weights = self.calibration.of_causes(own, self.atlas.axes.ncols(), rows.len());
        let found = posterior(&overlaps, &of_first, &weights, strength);
        let mut out = vec![0.0; scores.len()];
        order.iter().for_each(|&(m, rank)| out[m] = -rank);
        found.marginal.iter().for_each(|&(m, p)| out[first[m]] = p);
        out
    }

    /// The responses of all candidates and what they have in common.
    fn expected(&self) -> (&Atlas, &[f32]) {
        (&self.atlas, &self.frame.mean)
    }

    /// Names instead of positions.
    fn told(&self, query: &str, overlaps: &Overlaps, found: Posterior, pursuit: Vec<Fitted>, top: usize) -> Causes {
        let name = |m: usize| Arc::clone(&self.atlas.candidates.names[overlaps.member(m)]);
        let set = |fitted: Fitted, probability: f64| CauseSet {
            genes: fitted.members.iter().map(|&m| name(m)).collect(),
            bic: overlaps.bic(&fitted),
            amplitudes: fitted.amplitudes,
            gain: fitted.gain,
            probability,
        };
        let probability = |members: &[usize]| {
            let same = |s: &&(Fitted, f64)| {
                s.0.members.len() == members.len() && members.iter().all(|m| s.0.members.contains(m))
            };
            found.sets.iter().find(same).map_or(0.0, |s| s.1)
        };
        let pursuit = pursuit.into_iter().map(|f| (probability(&f.members), f)).map(|(p, f)| set(f, p)).collect();
        Causes {
            query: query.to_owned(),
            none: found.none,
            two: found.two,
            genes: found.marginal.iter().map(|&(m, p)| (name(m), p)).collect(),
            pursuit,
            sets: found.sets.into_iter().take(top).map(|(f, p)| set(f, p)).collect(),
        }
    }
}
