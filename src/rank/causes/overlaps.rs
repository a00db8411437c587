//! How much of one change several expected responses explain together.

use ndarray::{Array1, Array2, ArrayView1};

use crate::data::GeneId;
use crate::rank::{Asked, Atlas};

/// Responses that point the same way to this share are one: their amplitudes cannot be told apart.
const COLLINEAR: f64 = 1e-6;

/// Amplitudes of a set and what they gain.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fitted {
    /// Positions among the members of [`Overlaps`].
    pub(super) members: Vec<usize>,
    pub(super) amplitudes: Vec<f64>,
    /// Log likelihood above that of no cause.
    pub(super) gain: f64,
}

/// Products of the expected responses of some candidates with each other and with one change, in units of the covariance
/// of the model's held-out residuals on the axes of the atlas.
///
/// The fit of a set leaves the genes of all its members out of the change and out of every response: the products without
/// any candidate's gene are held apart, and those genes are added one by one as sets allow. Along with the responses an
/// unknown amount of the mean training change is fitted, which two perturbations share in another proportion than one.
pub(super) struct Overlaps {
    /// Rows of the atlas.
    rows: Vec<usize>,
    /// Position among `genes` of each member's own gene.
    own: Vec<Option<usize>>,
    /// Spread of each member's prediction, relative to the mean.
    spread: Vec<f64>,
    /// Amplitudes may be negative.
    two_sided: bool,
    n_axes: usize,
    /// <x_i, q>, <x_i, x_j> of response i (0 is the mean change, member m is m + 1), q without the genes of candidates.
    with_change: Vec<f64>,
    with_each: Array2<f64>,
    /// Value of response i at gene t, <x_i, v_t> with v_t the unit vector of the gene, <v_t, v_u> and <v_t, q>.
    at: Array2<f64>,
    with_gene: Array2<f64>,
    of_genes: Array2<f64>,
    gene_with_change: Vec<f64>,
    /// The change at gene t.
    change: Vec<f64>,
}

impl Overlaps {
    /// O(m^2 n_axes + n_genes n_axes) for m candidates (rows of the atlas).
    pub(super) fn new(
        (atlas, mean): (&Atlas, &[f32]),
        (asked, q): (&Asked, usize),
        rows: &[usize],
        two_sided: bool,
    ) -> Self {
        let gene_of = |c: usize| atlas.candidates.gene[c].map(GeneId::index).filter(|&g| asked.known[g]);
        let mut genes: Vec<usize> = rows.iter().filter_map(|&c| gene_of(c)).collect();
        genes.sort_unstable();
        genes.dedup();
        let own: Vec<Option<usize>> =
            rows.iter().map(|&c| gene_of(c).and_then(|g| genes.binary_search(&g).ok())).collect();
        let mean = ArrayView1::from(mean);
        let mut query = asked.centred.row(q).to_owned();
        let change: Vec<f64> = genes.iter().map(|&g| f64::from(std::mem::take(&mut query[g]))).collect();
        let wide = |x: &Array1<f32>| x.mapv(f64::from);
        let on_axes = wide(&query.dot(&atlas.axes));
        let n_axes = atlas.axes.ncols();
        let mut x = Array2::<f64>::zeros((rows.len() + 1, n_axes));
        x.row_mut(0).assign(&wide(&mean.dot(&atlas.axes)));
        for (m, &c) in rows.iter().enumerate() {
            x.row_mut(m + 1).assign(&atlas.scores.row(c).mapv(f64::from));
        }
        let precision = atlas.precision.mapv(f64::from);
        let v = Array2::from_shape_fn((genes.len(), n_axes), |(t, k)| f64::from(atlas.axes[[genes[t], k]]));
        let mut at = x.dot(&v.t());
        at.row_mut(0).assign(&Array1::from_iter(genes.iter().map(|&g| f64::from(mean[g]))));
        for (m, own) in own.iter().enumerate() {
            own.iter().for_each(|&t| at[[m + 1, t]] = 0.0);
        }
        let (x_whitened, v_whitened) = (x.dot(&precision), v.dot(&precision));
        Self {
            rows: rows.to_vec(),
            own,
            spread: rows.iter().map(|&c| atlas.spread[c]).collect(),
            two_sided,
            n_axes,
            with_change: x_whitened.dot(&on_axes).to_vec(),
            with_each: x_whitened.dot(&x.t()),
            at,
            with_gene: x_whitened.dot(&v.t()),
            of_genes: v_whitened.dot(&v.t()),
            gene_with_change: v_whitened.dot(&on_axes).to_vec(),
            change,
        }
    }

    /// Number of candidates.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Row of the atlas.
    pub(super) fn member(&self, m: usize) -> usize {
        self.rows[m]
    }

    /// Bayesian information criterion of a fit, less that of no cause.
    pub(super) fn bic(&self, of: &Fitted) -> f64 {
        of.members.len() as f64 * (self.n_axes.max(1) as f64).ln() - 2.0 * of.gain
    }

    /// Fits the amplitudes of a set. A set whose best amplitudes are not all positive, though they should be, has those of
    /// its best part; of two collinear responses one is enough.
    ///
    /// O(k m + k^3) for k genes among m candidates.
    pub(super) fn fit(&self, set: &[usize]) -> Fitted {
        let (b, g) = self.equations(set);
        let spread = set.iter().map(|&m| self.spread[m]).sum::<f64>() / set.len().max(1) as f64;
        let (amplitudes, gain) = self.solve(&b, &g);
        Fitted { members: set.to_vec(), amplitudes, gain: gain / spread.max(f64::MIN_POSITIVE) }
    }

    fn solve(&self, b: &[f64], g: &Array2<f64>) -> (Vec<f64>, f64) {
        let k = b.len();
        if k == 0 {
            return (Vec::new(), 0.0);
        }
        if let Some(a) = solved(b, g)
            && (self.two_sided || a.iter().all(|a| *a > 0.0))
        {
            let gain = 0.5 * a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            return (a, gain);
        }
        let without = |left_out: usize| {
            let kept: Vec<usize> = (0..k).filter(|&i| i != left_out).collect();
            let b: Vec<f64> = kept.iter().map(|&i| b[i]).collect();
            let (mut a, gain) = self.solve(&b, &Array2::from_shape_fn((k - 1, k - 1), |(i, j)| g[[kept[i], kept[j]]]));
            a.insert(left_out, 0.0);
            (a, gain)
        };
        (0..k).map(without).fold((vec![0.0; k], 0.0), |best, next| if next.1 > best.1 { next } else { best })
    }

    /// Normal equations of a set with the mean change taken out.
    fn equations(&self, set: &[usize]) -> (Vec<f64>, Array2<f64>) {
        let left: Vec<usize> = set.iter().filter_map(|&m| self.own[m]).collect();
        let kept = |t: &usize| !left.contains(t);
        // Sums over the genes of candidates outside the set: genes of the set are never read.
        let sum = |with: ArrayView1<'_, f64>| {
            (0..self.change.len()).filter(kept).map(|t| self.change[t] * with[t]).sum::<f64>()
        };
        let of_gene: Vec<f64> = left.iter().map(|&u| self.gene_with_change[u] + sum(self.of_genes.row(u))).collect();
        let responses: Vec<usize> = std::iter::once(0).chain(set.iter().map(|m| m + 1)).collect();
        let b = |i: usize| {
            let at_left: f64 = left.iter().zip(&of_gene).map(|(&u, of)| self.at[[i, u]] * of).sum();
            self.with_change[i] + sum(self.with_gene.row(i)) - at_left
        };
        let g = |i: usize, j: usize| {
            let one: f64 = left
                .iter()
                .map(|&u| self.at[[i, u]] * self.with_gene[[j, u]] + self.at[[j, u]] * self.with_gene[[i, u]])
                .sum();
            let of_two = |u: usize| left.iter().map(|&v| self.of_genes[[u, v]] * self.at[[j, v]]).sum::<f64>();
            self.with_each[[i, j]] - one + left.iter().map(|&u| self.at[[i, u]] * of_two(u)).sum::<f64>()
        };
        let b: Vec<f64> = responses.iter().map(|&i| b(i)).collect();
        let g = Array2::from_shape_fn((b.len(), b.len()), |(i, j)| g(responses[i], responses[j]));
        without_mean(&b, &g)
    }
}

/// The equations after the first response took what it explains.
fn without_mean(b: &[f64], g: &Array2<f64>) -> (Vec<f64>, Array2<f64>) {
    let k = b.len() - 1;
    let share = |i: usize| if g[[0, 0]] > f64::MIN_POSITIVE { g[[i + 1, 0]] / g[[0, 0]] } else { 0.0 };
    let rest = (0..k).map(|i| b[i + 1] - share(i) * b[0]).collect();
    (rest, Array2::from_shape_fn((k, k), |(i, j)| g[[i + 1, j + 1]] - share(i) * g[[0, j + 1]]))
}

/// Cholesky by hand for the handful of unknowns of a set; none where responses are collinear or empty.
fn solved(b: &[f64], g: &Array2<f64>) -> Option<Vec<f64>> {
    let k = b.len();
    let mut l = Array2::<f64>::zeros((k, k));
    let mut y = vec![0.0; k];
    for i in 0..k {
        for j in 0..=i {
            let rest = g[[i, j]] - (0..j).map(|m| l[[i, m]] * l[[j, m]]).sum::<f64>();
            if i == j {
                if rest.is_nan() || rest <= COLLINEAR * g[[i, i]] || rest <= f64::MIN_POSITIVE {
                    return None;
                }
                l[[i, i]] = rest.sqrt();
            } else {
                l[[i, j]] = rest / l[[j, j]];
            }
        }
        y[i] = (b[i] - (0..i).map(|m| l[[i, m]] * y[m]).sum::<f64>()) / l[[i, i]];
    }
    for i in (0..k).rev() {
        y[i] = (y[i] - (i + 1..k).map(|m| l[[m, i]] * y[m]).sum::<f64>()) / l[[i, i]];
    }
    Some(y)
}

#[cfg(test)]
mod tests {
    use ndarray::Axis;

    use super::*;
    use crate::rank::causes::fixture::{N_GENES, Setting};
    use crate::stats::solve_spd;

    /// The same by dense algebra: members' genes set to zero everywhere, mean and responses as regressors.
    fn dense(of: &Setting, set: &[usize]) -> (Vec<f64>, f64) {
        let left: Vec<usize> = set.iter().filter_map(|&m| of.atlas.candidates.gene[m].map(GeneId::index)).collect();
        let cut = |x: ArrayView1<'_, f32>| {
            let mut x = x.mapv(f64::from);
            left.iter().for_each(|&g| x[g] = 0.0);
            x
        };
        let regressors: Vec<Array1<f64>> = std::iter::once(cut(ArrayView1::from(&of.mean[..])))
            .chain(set.iter().map(|&m| cut(of.atlas.scores.row(m))))
            .collect();
        let (p, q) = (of.atlas.precision.mapv(f64::from), cut(of.asked.centred.row(0)));
        let n = regressors.len();
        let g = Array2::from_shape_fn((n, n), |(i, j)| regressors[i].dot(&p.dot(&regressors[j])));
        let b = Array1::from_shape_fn(n, |i| regressors[i].dot(&p.dot(&q)));
        let a = solve_spd(&g, &b.clone().insert_axis(Axis(1))).unwrap().column(0).to_owned();
        let of_mean = 0.5 * b[0] * b[0] / g[[0, 0]];
        (a.to_vec()[1..].to_vec(), 0.5 * a.dot(&b) - of_mean)
    }

    #[test]
    fn amplitudes_and_gains_are_those_of_dense_least_squares() {
        let setting = Setting::new(3, &[(0, 1.0), (2, 0.7)]);
        let overlaps = setting.overlaps(true);
        for set in [&[0][..], &[0, 2], &[2, 3], &[0, 1, 4]] {
            let (amplitudes, gain) = dense(&setting, set);
            let got = overlaps.fit(set);
            assert!((got.gain - gain).abs() < 1e-4 * gain.abs().max(1.0), "{got:?} {gain}");
            assert!(
                got.amplitudes.iter().zip(&amplitudes).all(|(a, b)| (a - b).abs() < 1e-4),
                "{got:?} {amplitudes:?}"
            );
        }
    }

    #[test]
    fn no_fit_reads_the_genes_of_its_members() {
        let mut setting = Setting::new(5, &[(1, 1.0), (3, 1.0)]);
        let before = setting.overlaps(false);
        let change_of = |gene: usize, setting: &mut Setting| setting.asked.centred[[0, gene]] = 1e6;
        change_of(1, &mut setting);
        let after = setting.overlaps(false);
        assert_eq!(before.fit(&[1]), after.fit(&[1]));
        assert_eq!(before.fit(&[1, 3]), after.fit(&[1, 3]));
        assert_ne!(before.fit(&[3]), after.fit(&[3]));
        change_of(3, &mut setting);
        assert_eq!(before.fit(&[3, 1, 0]).gain, setting.overlaps(false).fit(&[3, 1, 0]).gain);
    }

    #[test]
    fn amplitudes_are_positive_unless_both_signs_are_asked_for() {
        let setting = Setting::new(7, &[(0, 1.0), (4, -0.8)]);
        let one_sided = setting.overlaps(false).fit(&[0, 4]);
        assert!(one_sided.amplitudes[0] > 0.0 && one_sided.amplitudes[1] == 0.0, "{one_sided:?}");
        let two_sided = setting.overlaps(true).fit(&[0, 4]);
        assert!((two_sided.amplitudes[0] - 1.0).abs() < 0.2 && (two_sided.amplitudes[1] + 0.8).abs() < 0.2);
        assert!(two_sided.gain > one_sided.gain);
    }

    #[test]
    fn of_two_equal_responses_one_is_enough() {
        let mut setting = Setting::new(9, &[(0, 1.0)]);
        let row = setting.atlas.scores.row(0).to_owned();
        setting.atlas.scores.row_mut(5).assign(&row);
        setting.atlas.candidates.gene[5] = setting.atlas.candidates.gene[0];
        let got = setting.overlaps(false).fit(&[0, 5]);
        assert_eq!(got.amplitudes.iter().filter(|a| **a > 0.0).count(), 1, "{got:?} of {N_GENES}");
    }
}
